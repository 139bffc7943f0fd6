//! Metrics as they are defined: reading them, field by field.

mod schemas;

use journey::{
    Align, Costs, Filter, Goal, Invalid, Json, Keeps, Key, Lifespan, Measure, Metric, MetricDraft, MetricKind, Name,
    Of, Part, Path, Pattern, PercentileCap, Scale, Selector, Share,
};

use super::{from, times};
use crate::fields::{Fields, join};
use crate::json::kind_of;
use crate::wire::schema::MAX_VALUES;

pub(crate) use schemas::MetricSchema;

/// The kinds that there are.
const KINDS: [&str; 11] =
    ["conversion", "count", "sum", "ratio", "retention", "score", "clv", "quantile", "latest", "rating", "net"];

const COMMON: [&str; 9] = ["where", "window_days", "cap", "goal", "unit", "description", "curve", "predict", "verdict"];

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

/// How long a customer stays: days, or that it is to be estimated.
fn lifespan(fields: &mut Fields) -> Result<Lifespan, Invalid> {
    let days = fields.whole("lifespan_days")?;
    let word = fields.text("lifespan")?;
    let inactive_days = fields.whole("inactive_days")?;
    if let Some(word) = word.as_deref().filter(|word| word.trim() != "estimated") {
        let detail = format!(
            "{word:?} is no way to find a lifespan: send \"estimated\", or lifespan_days with a number of days"
        );
        return Err(fields.refuse("unknown_value", "lifespan", detail));
    }
    match (days, word, inactive_days) {
        (Some(_), Some(_), _) => {
            Err(fields.refuse("conflict", "lifespan", "is estimated, and lifespan_days gives it: keep one of the two"))
        }
        (_, None, Some(_)) => {
            let detail = "belongs to a lifespan that is estimated: add \"lifespan\": \"estimated\", or leave it out";
            Err(fields.refuse("out_of_place", "inactive_days", detail))
        }
        (Some(days), None, None) => Ok(Lifespan::Days(days)),
        (None, Some(_), inactive_days) => {
            Ok(Lifespan::Estimated { inactive_days: inactive_days.unwrap_or(Lifespan::INACTIVE_DAYS) })
        }
        (None, None, None) => {
            let detail = "is missing: say how many days a customer stays, or send \"lifespan\": \"estimated\"";
            Err(fields.refuse("missing_field", "lifespan_days", detail))
        }
    }
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
            let lifespan = lifespan(fields)?;
            (MetricKind::Clv { selector, lifespan }, &["event", "lifespan_days", "lifespan", "inactive_days"])
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
