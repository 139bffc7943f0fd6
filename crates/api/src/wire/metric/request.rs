//! Metrics as they are defined.

use journey::{
    Align, Costs, Filter, Goal, Invalid, Json, Keeps, Key, Measure, Metric, MetricDraft, MetricKind, Name, Of, Part,
    Path, Pattern, PercentileCap, Scale, Selector, Share,
};
use utoipa::ToSchema;

use super::{from, times};
use crate::fields::{Fields, join};
use crate::json::kind_of;
use crate::wire::schema::{self, MAX_VALUES};

/// The kinds that there are.
const KINDS: [&str; 11] =
    ["conversion", "count", "sum", "ratio", "retention", "score", "clv", "quantile", "latest", "rating", "net"];

const COMMON: [&str; 9] = ["where", "window_days", "cap", "goal", "unit", "description", "curve", "predict", "verdict"];

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
        /// The lifespan, in days.
        #[schema(minimum = 1, maximum = 3650)]
        lifespan_days: u32,
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
        #[schema(exclusive_minimum = 0.0, maximum = 1.0, value_type = f64)]
        margin: f64,
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

/// The most conditions of one selector.
const MAX_CONDITIONS: usize = 20;

/// Reads the metric `key`.
pub(crate) fn read(key: Key, json: Json) -> Result<Metric, Invalid> {
    let mut fields = Fields::new(json, "")?;
    if let Some(stated) = fields.text("key")?.filter(|stated| stated.trim() != key.as_str()) {
        let shown: String = stated.chars().take(60).collect();
        let detail = format!("{shown:?} is not the key in the path: leave it out, or send both alike");
        return Err(fields.refuse("conflicting_key", "key", detail));
    }
    let mut fields = from::completed(fields)?;
    let word = fields.required_text("kind", &format!("name one of {}", KINDS.join(", ")))?;
    let shared = filters(&mut fields)?;
    let (kind, own) = read_kind(&word, &mut fields, &shared)?;
    let goal = fields.text("goal")?.map_or(Ok(Goal::Increase), |word| Goal::parse(&word, "/goal"))?;
    let (cap, percentile_cap) = cap(&mut fields)?;
    let is_clv = matches!(kind, MetricKind::Clv { .. });
    let keeps = Keeps {
        percentile_cap,
        curve: fields.flag("curve")?.unwrap_or(false),
        customers: fields.flag("predict")?.unwrap_or(is_clv),
    };
    let verdict = fields.flag("verdict")?;
    let draft = MetricDraft {
        key,
        kind,
        window_days: fields.whole("window_days")?,
        cap,
        goal,
        unit: fields.text("unit")?.map(|text| Name::parse(&text, "/unit")).transpose()?,
        description: fields.text("description")?,
    };
    let known: Vec<&str> = std::iter::once("kind").chain(own.iter().copied()).chain(COMMON).collect();
    fields.finish(&known)?;
    Metric::validate(draft)?.deciding(verdict).keeping(keeps)
}

/// The cap: a value, or a percentile.
fn cap(fields: &mut Fields) -> Result<(Option<journey::Amount>, Option<PercentileCap>), Invalid> {
    match fields.take("cap") {
        Some(json @ Json::Object(_)) => {
            let mut inner = Fields::new(json, &fields.at("cap"))?;
            let ignore_zeros = inner.flag("ignore_zeros")?.unwrap_or(false);
            let share = share(&mut inner, "percentile", "say which share of persons stay below the cap, such as 0.99")?;
            inner.finish(&["percentile", "ignore_zeros"])?;
            Ok((None, Some(PercentileCap { share, ignore_zeros })))
        }
        Some(json) => Ok((Some(fields.as_amount("cap", json)?), None)),
        None => Ok((None, None)),
    }
}

fn share(fields: &mut Fields, name: &str, why: &str) -> Result<Share, Invalid> {
    let missing = fields.refuse("missing_field", name, format!("is missing: {why}"));
    let pointer = fields.at(name);
    Share::of(fields.amount(name)?.ok_or(missing)?, &pointer)
}

fn read_kind(
    word: &str,
    fields: &mut Fields,
    shared: &[Filter],
) -> Result<(MetricKind, &'static [&'static str]), Invalid> {
    let missing =
        |fields: &Fields, name: &str, why: &str| fields.refuse("missing_field", name, format!("is missing: {why}"));
    Ok(match word.trim() {
        "conversion" => {
            let selector = selector(fields, shared)?;
            let kind = match fields.whole("at_least")? {
                None | Some(1) => MetricKind::Conversion(selector),
                Some(at_least) => MetricKind::Repeat { selector, at_least },
            };
            (kind, &["event", "at_least"])
        }
        "count" => {
            let of = MetricKind::Count(selector(fields, shared)?);
            (times::rate(fields, of)?, &["event", "per"])
        }
        "sum" => {
            let measure = looked_at(fields, shared)?;
            let of = match measure.of {
                Of::Value => MetricKind::Sum(measure.selector),
                Of::Property(_) => MetricKind::Total(measure),
                Of::Count => {
                    let detail = "a sum of ones is a count: use the kind count, or a path such as properties.quantity";
                    return Err(fields.refuse("out_of_place", "of", detail));
                }
            };
            (times::rate(fields, of)?, &["event", "of", "per"])
        }
        "ratio" => {
            let mut side = |name| {
                let found = fields.object(name)?;
                found.map_or_else(|| Err(missing(fields, name, "a ratio has two sides")), |side| measure(side, shared))
            };
            let (numerator, denominator) = (side("numerator")?, side("denominator")?);
            (MetricKind::Ratio { numerator, denominator }, &["numerator", "denominator"])
        }
        "retention" => {
            let selector = selector(fields, shared)?;
            let from_day = fields
                .whole("from_day")?
                .ok_or_else(|| missing(fields, "from_day", "say after how many days a return counts"))?;
            let to_day = fields.whole("to_day")?;
            let pointer = fields.at("align");
            let align = fields.text("align")?.map_or(Ok(Align::Exposure), |word| Align::parse(&word, &pointer))?;
            (MetricKind::Retention { selector, from_day, to_day, align }, &["event", "from_day", "to_day", "align"])
        }
        "score" => {
            let parts = fields.list("parts")?.into_iter().enumerate();
            let parts = parts.map(|(at, part)| read_part(part, at, shared)).collect::<Result<_, _>>()?;
            (times::rate(fields, MetricKind::Score(parts))?, &["parts", "per"])
        }
        "clv" => {
            let selector = selector(fields, shared)?;
            let lifespan_days = fields
                .whole("lifespan_days")?
                .ok_or_else(|| missing(fields, "lifespan_days", "say how many days a customer stays"))?;
            (MetricKind::Clv { selector, lifespan_days }, &["event", "lifespan_days"])
        }
        "quantile" => {
            let measure = looked_at(fields, shared)?;
            let share = share(fields, "q", "say which quantile, such as 0.9")?;
            (MetricKind::Quantile { measure, share }, &["event", "of", "q"])
        }
        "latest" => (MetricKind::Latest(looked_at(fields, shared)?), &["event", "of"]),
        "rating" => {
            let measure = looked_at(fields, shared)?;
            let word = fields.required_text("scale", "say how answers are scored: nps, csat or mean")?;
            let scale = Scale::parse(&word, fields.amount("satisfied_from")?, &fields.at("scale"))?;
            (MetricKind::Rating { measure, scale }, &["event", "of", "scale", "satisfied_from"])
        }
        "net" => {
            let selector = selector(fields, shared)?;
            let margin = fields
                .amount("margin")?
                .ok_or_else(|| missing(fields, "margin", "say what share of the value is earned, such as 0.4"))?;
            let costs = match fields.object("costs")? {
                Some(costs) => read_costs(costs)?,
                None => Costs { event: Some(cost_events("/costs/event")?), properties: vec![cost_property()?] },
            };
            (MetricKind::Net { selector, margin, costs }, &["event", "margin", "costs"])
        }
        other => {
            let shown: String = other.chars().take(60).collect();
            let detail = format!("{shown:?} is not known here: use one of {}", KINDS.join(", "));
            return Err(fields.refuse("unknown_word", "kind", detail));
        }
    })
}

fn cost_events(pointer: &str) -> Result<Selector, Invalid> {
    Ok(Selector { event: Pattern::parse(journey::names::COST, pointer)?, filters: Vec::new() })
}

fn cost_property() -> Result<Path, Invalid> {
    Path::parse("properties.cost", "/costs/property")
}

fn read_costs(mut fields: Fields) -> Result<Costs, Invalid> {
    let filters = filters(&mut fields)?;
    let pointer = fields.at("event");
    let event = match fields.take_raw("event") {
        None => Some(Selector { filters, ..cost_events(&pointer)? }),
        Some(Json::Null) if filters.is_empty() => None,
        Some(Json::Null) => {
            let detail = "restricts events, and there are none: leave it out, or name the events whose value is a cost";
            return Err(fields.refuse("out_of_place", "where", detail));
        }
        Some(Json::Text(text)) => Some(Selector { event: Pattern::parse(&text, &pointer)?, filters }),
        Some(other) => {
            return Err(fields.refuse("wrong_type", "event", format!("is {}: send a text or null", kind_of(&other))));
        }
    };
    let pointer = fields.at("property");
    let properties = match fields.take_raw("property") {
        None => vec![cost_property()?],
        Some(Json::Null) => Vec::new(),
        Some(Json::Text(path)) => vec![Path::parse(&path, &pointer)?],
        Some(Json::List(paths)) => {
            let read = |(at, path): (usize, Json)| match path {
                Json::Text(path) => Path::parse(&path, &format!("{pointer}/{at}")),
                other => {
                    let detail = format!("is {}: send a path such as properties.discount", kind_of(&other));
                    Err(Invalid::new("wrong_type", format!("{pointer}/{at}"), detail))
                }
            };
            paths.into_iter().enumerate().map(read).collect::<Result<_, _>>()?
        }
        Some(other) => {
            let detail = format!("is {}: send a path such as properties.discount, or several", kind_of(&other));
            return Err(fields.refuse("wrong_type", "property", detail));
        }
    };
    fields.finish(&["event", "where", "property"])?;
    Ok(Costs { event, properties })
}

/// Events with what of them is looked at, their value unless it is said.
fn looked_at(fields: &mut Fields, shared: &[Filter]) -> Result<Measure, Invalid> {
    let selector = selector(fields, shared)?;
    let pointer = fields.at("of");
    let of = fields.text("of")?.map_or(Ok(Of::Value), |word| Of::parse(&word, &pointer))?;
    Ok(Measure { selector, of })
}

fn measure(mut fields: Fields, shared: &[Filter]) -> Result<Measure, Invalid> {
    let own = filters(&mut fields)?;
    let filters = joined(&fields, own, shared)?;
    let selector = selector(&mut fields, &filters)?;
    let pointer = fields.at("of");
    let of = fields.text("of")?.map_or(Ok(Of::Count), |word| Of::parse(&word, &pointer))?;
    fields.finish(&["event", "of", "where"])?;
    Ok(Measure { selector, of })
}

fn read_part(json: Json, at: usize, shared: &[Filter]) -> Result<Part, Invalid> {
    let mut fields = Fields::new(json, &format!("/parts/{at}"))?;
    let own = filters(&mut fields)?;
    let filters = joined(&fields, own, shared)?;
    let selector = selector(&mut fields, &filters)?;
    let weight = match fields.amount("weight")? {
        Some(weight) => weight,
        None => journey::Amount::parse("1", "/weight")?,
    };
    fields.finish(&["event", "weight", "where"])?;
    Ok(Part { selector, weight })
}

fn selector(fields: &mut Fields, filters: &[Filter]) -> Result<Selector, Invalid> {
    let event =
        fields.required_text("event", "name the events that count, or * for every event that the person did")?;
    Ok(Selector { event: Pattern::parse(&event, &fields.at("event"))?, filters: filters.to_vec() })
}

/// The conditions of a part and those at the top. Both on one path would be hard to read, so that is refused.
fn joined(fields: &Fields, mut own: Vec<Filter>, shared: &[Filter]) -> Result<Vec<Filter>, Invalid> {
    if let Some(twice) = own.iter().find(|filter| shared.iter().any(|other| other.path == filter.path)) {
        let detail = "is restricted at the top as well: keep one of the two";
        return Err(Invalid::new("duplicate", join(&fields.at("where"), twice.path.as_str()), detail));
    }
    own.extend_from_slice(shared);
    own.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(own)
}

/// The conditions of `where`, sorted by path, since their order means nothing.
pub(crate) fn filters(fields: &mut Fields) -> Result<Vec<Filter>, Invalid> {
    let pointer = fields.at("where");
    let Some(conditions) = fields.object("where")? else { return Ok(Vec::new()) };
    let conditions = conditions.into_rest();
    if conditions.len() > MAX_CONDITIONS {
        let detail = format!("has {} conditions: at most {MAX_CONDITIONS} are allowed", conditions.len());
        return Err(Invalid::new("out_of_range", pointer, detail));
    }
    conditions
        .into_iter()
        .map(|(path, value)| {
            let pointer = join(&pointer, &path);
            let values = match value {
                Json::List(items) => items,
                one => vec![one],
            };
            if values.is_empty() || values.len() > MAX_VALUES {
                let detail = format!("has {} values: give 1 to {MAX_VALUES}", values.len());
                return Err(Invalid::new("out_of_range", pointer, detail));
            }
            let texts = values.iter().map(|value| {
                let text = value.scalar().ok_or_else(|| {
                    let detail =
                        format!("is {}: send a text, a number, a boolean, or an array of them", kind_of(value));
                    Invalid::new("wrong_type", pointer.clone(), detail)
                })?;
                if text.contains('\0') || text.chars().count() > 1_000 {
                    let detail = "holds U+0000 or more than 1000 characters: no event has such a value";
                    return Err(Invalid::new("out_of_range", pointer.clone(), detail));
                }
                Ok(text)
            });
            Ok(Filter { path: Path::parse(&path, &pointer)?, values: texts.collect::<Result<_, _>>()? })
        })
        .collect()
}
