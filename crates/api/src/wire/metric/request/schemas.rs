//! How the requests that define metrics look in the contract.

use utoipa::ToSchema;

use crate::wire::schema;

/// A metric to be defined. Which fields it has depends on its kind; unknown ones are refused.
#[derive(ToSchema)]
#[schema(as = MetricRequest)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) enum MetricSchema {
    /// Share of persons with the event, or with at least so many of them.
    Conversion(ConversionSchema),
    /// Events per person.
    Count(CountSchema),
    /// Value per person, revenue for example, or the total of a number that the events carry.
    Sum(SumSchema),
    /// The numerator of all persons over the denominator of all persons.
    Ratio(RatioSchema),
    /// Share of persons who came back in `[exposure + from_day, exposure + to_day)`.
    Retention(RetentionSchema),
    /// Weighted count of events per person.
    Score(ScoreSchema),
    /// Average purchase value × purchase frequency × lifespan.
    Clv(ClvSchema),
    /// The value that a share of the persons stay at or below.
    Quantile(QuantileSchema),
    /// The latest value of each person, 0 for those without one: a subscription's monthly price, for example.
    Latest(LatestSchema),
    /// The mean score of the latest answer of each person who answered. The response rate stands beside it: where it differs
    /// between arms, those who answered are unlike groups and there is no verdict.
    Rating(RatingSchema),
    /// What is left of a person's value after costs: margin × value − cost.
    Net(NetSchema),
}

macro_rules! metric_schema {
    ($(#[$doc:meta])* $name:ident as $shown:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(as = $shown)]
        #[expect(dead_code, reason = "read field by field; this is its schema")]
        pub(crate) struct $name {
            $($(#[$field_doc])* $field: $type,)*
            /// The same as in the path, where it is given.
            key: Option<String>,
            /// Conditions that every event must meet: path to a scalar, or to an array of which one must match.
            r#where: Option<schema::Where>,
            /// Its own window in days of 24 hours; absent: the experiment's.
            #[schema(minimum = 1, maximum = 3650)]
            window_days: Option<u32>,
            /// A person counts for at most this much (for a ratio: in the numerator). For a count, a sum or a score it may
            /// be a percentile of the persons' values, all arms together, as of each reading.
            cap: Option<CapSchema>,
            /// Whether to keep the curve that `/retention` shows: for a conversion, a count, a retention or a CLV.
            curve: Option<bool>,
            /// Whether to keep what `/clv?predict=true` needs: for a CLV, where it is on unless turned off.
            predict: Option<bool>,
            /// The direction in which it improves; `increase` where it is absent.
            goal: Option<schema::Goal>,
            /// Whether it gives verdicts; false: it only describes, and says so. Without it a metric decides, but for one
            /// of opened e-mails, which proxies open that nobody reads.
            verdict: Option<bool>,
            /// The unit that people see.
            #[schema(min_length = 1, max_length = 255)]
            unit: Option<String>,
            /// For people.
            #[schema(max_length = 2000)]
            description: Option<String>,
        }
    };
}

/// The most that a person counts for.
#[derive(ToSchema)]
#[schema(as = CapRequest)]
#[serde(untagged)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
enum CapSchema {
    /// This much.
    Value(schema::NotNegative),
    /// What this share of persons stay at or below.
    Percentile(PercentileSchema),
}

/// What a share of persons stay at or below.
#[derive(ToSchema)]
#[schema(as = PercentileRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct PercentileSchema {
    /// The share of persons.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0, value_type = f64)]
    percentile: f64,
    /// Whether only persons with a value other than zero are looked at; false where it is absent.
    ignore_zeros: Option<bool>,
}

metric_schema! {
    /// A conversion.
    ConversionSchema as ConversionRequest {
        /// The name of the events; `*`: every event that the person did.
        #[schema(min_length = 1, max_length = 255, example = "Order Completed")]
        event: String,
        /// So many events make a conversion, on the day of the last of these; 1 where it is absent.
        #[schema(minimum = 1, maximum = 1000)]
        at_least: Option<u32>,
    }
}

metric_schema! {
    /// A count.
    CountSchema as CountRequest {
        /// The name of the events; `*`: every event that the person did.
        #[schema(min_length = 1, max_length = 255, example = "Product Viewed")]
        event: String,
        /// Per person and this much time under observation, from the exposure on; absent: per person.
        per: Option<schema::Per>,
    }
}

metric_schema! {
    /// A sum.
    SumSchema as SumRequest {
        /// The name of the events; `*`: every event that the person did.
        #[schema(min_length = 1, max_length = 255, example = "Order Completed")]
        event: String,
        /// What of them is added up; `value` where it is absent. An event without a number there adds nothing; a refund
        /// lowers what is added up of orders by the number that it carries itself.
        of: Option<schema::Of>,
        /// Per person and this much time under observation, from the exposure on; absent: per person.
        per: Option<schema::Per>,
    }
}

metric_schema! {
    /// The latest value.
    LatestSchema as LatestRequest {
        /// The name of the events.
        #[schema(min_length = 1, max_length = 255, example = "Subscription Updated")]
        event: String,
        /// What of them is looked at; `value` where it is absent. An event without a number there changes nothing.
        of: Option<schema::Of>,
    }
}

metric_schema! {
    /// A rating.
    RatingSchema as RatingRequest {
        /// The name of the events that are answers.
        #[schema(min_length = 1, max_length = 255, example = "Survey Answered")]
        event: String,
        /// Where the answer stands; `value` where it is absent. An event without a number there is no answer.
        of: Option<schema::Of>,
        /// How answers are scored.
        scale: schema::Scale,
        /// The lowest satisfied answer, on the scale `csat`; 4 where it is absent.
        satisfied_from: Option<schema::Decimal>,
    }
}

metric_schema! {
    /// A ratio.
    RatioSchema as RatioRequest {
        /// What stands above.
        numerator: MeasureSchema,
        /// What stands below.
        denominator: MeasureSchema,
    }
}

metric_schema! {
    /// A retention.
    RetentionSchema as RetentionRequest {
        /// Which events are a return; `*`: every event that the person did.
        #[schema(min_length = 1, max_length = 255, example = "*")]
        event: String,
        /// Days after the exposure.
        #[schema(maximum = 3650)]
        from_day: u32,
        /// Days after the exposure; null: any time later (rolling retention).
        #[schema(minimum = 1, maximum = 3650)]
        to_day: Option<u32>,
        /// How days are counted: of 24 hours since the exposure (`exposure`, the default), or of the tenant's calendar.
        align: Option<schema::Align>,
    }
}

metric_schema! {
    /// A score.
    ScoreSchema as ScoreRequest {
        /// The parts.
        #[schema(min_items = 1, max_items = 50)]
        parts: Vec<PartSchema>,
        /// Per person and this much time under observation, from the exposure on; absent: per person.
        per: Option<schema::Per>,
    }
}

metric_schema! {
    /// A customer lifetime value.
    ClvSchema as ClvRequest {
        /// Which events are purchases.
        #[schema(min_length = 1, max_length = 255, example = "Order Completed")]
        event: String,
        /// The lifespan, in days. Either this or `lifespan` is required, and not both.
        #[schema(minimum = 1, maximum = 3650)]
        lifespan_days: Option<u32>,
        /// `estimated`: as long as the persons of an arm stay, one over their churn rate.
        #[schema(pattern = "^estimated$")]
        lifespan: Option<String>,
        /// With `estimated`: after so many whole days without a purchase a customer has left; 7 where it is absent.
        #[schema(minimum = 1, maximum = 365)]
        inactive_days: Option<u32>,
    }
}

metric_schema! {
    /// A quantile of the persons' totals: persons without the event have 0.
    QuantileSchema as QuantileRequest {
        /// The name of the events.
        #[schema(min_length = 1, max_length = 255, example = "Page Timed")]
        event: String,
        /// What of them is added up for a person; `value` where it is absent.
        of: Option<schema::Of>,
        /// The share of persons at or below it, strictly between 0 and 1, to a millionth.
        #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0, value_type = f64)]
        q: f64,
    }
}

metric_schema! {
    /// A net value: margin × value − cost per person. Costs are those of events and properties as `costs` says, and what the
    /// experiment's arms cost per person and per exposure. `where` is of the events of the value alone.
    NetSchema as NetRequest {
        /// The name of the events whose value is earned; refunds take away.
        #[schema(min_length = 1, max_length = 255, example = "Order Completed")]
        event: String,
        /// The share of the value that is earned, above 0 and at most 1. Changing it measures nothing again.
        margin: schema::Margin,
        /// Where costs come from; where it is absent, the value of `Cost Incurred` and `properties.cost` of any event.
        costs: Option<CostsSchema>,
    }
}

/// Where the costs of persons come from, besides the cost model of their arm.
#[derive(ToSchema)]
#[schema(as = CostsRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct CostsSchema {
    /// The name of the events whose value is a cost; `Cost Incurred` where it is absent, none where it is null.
    #[schema(min_length = 1, max_length = 255, example = "Cost Incurred")]
    event: Option<String>,
    /// Conditions that these events must meet.
    r#where: Option<schema::Where>,
    /// Properties of any event that are costs, such as `properties.discount`: a path or several; `properties.cost` where it
    /// is absent, none where it is null. Of an event whose value is a cost they are not looked at.
    property: Option<PropertySchema>,
}

/// A path or several.
#[derive(ToSchema)]
#[schema(as = PropertyRequest)]
#[serde(untagged)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
enum PropertySchema {
    /// A path.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// One side of a ratio.
#[derive(ToSchema)]
#[schema(as = MeasureRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct MeasureSchema {
    /// The name of the events.
    #[schema(min_length = 1, max_length = 255)]
    event: String,
    /// What of them is added up; `count` where it is absent.
    of: Option<schema::Of>,
    /// Conditions, as at the top.
    r#where: Option<schema::Where>,
}

/// One part of a score.
#[derive(ToSchema)]
#[schema(as = PartRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct PartSchema {
    /// The name of the events.
    #[schema(min_length = 1, max_length = 255)]
    event: String,
    /// Points per event; 1 where it is absent.
    weight: Option<schema::Decimal>,
    /// Conditions, as at the top.
    r#where: Option<schema::Where>,
}
