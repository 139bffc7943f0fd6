//! Facts: what an event's JSON holds at the paths that definitions look at.

use std::sync::Arc;

use journey::{Fact, Path};
use serde_json::Value;

/// The places of each path.
pub(super) struct Places(Vec<Vec<Vec<String>>>);

impl Places {
    pub(super) fn new(paths: &[Path]) -> Self {
        Self(paths.iter().map(Path::places).collect())
    }

    /// Whether nothing is looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The facts of one event, in the order of the paths.
    pub(super) fn facts(&self, data: Option<&str>) -> Result<Vec<Fact>, serde_json::Error> {
        let Some(data) = data.filter(|_| !self.is_empty()) else {
            return Ok(vec![Fact::None; self.0.len()]);
        };
        let data: Value = serde_json::from_str(data)?;
        let facts = self.0.iter().map(|places| {
            places.iter().map(|place| fact(at(&data, place))).find(|fact| *fact != Fact::None).unwrap_or_default()
        });
        Ok(facts.collect())
    }
}

fn at<'a>(data: &'a Value, place: &[String]) -> Option<&'a Value> {
    place.iter().try_fold(data, |value, key| value.get(key))
}

fn fact(value: Option<&Value>) -> Fact {
    match value {
        Some(Value::Array(items)) => Fact::Many(items.iter().filter_map(scalar).collect()),
        Some(value) => scalar(value).map_or(Fact::None, Fact::One),
        None => Fact::None,
    }
}

fn scalar(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number_text(number).into()),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `5` and `5.0` are one number, so they have one text.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() => format!("{float}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_scalars_where_the_path_leads() {
        let paths: Vec<Path> = ["properties.a.b", "device", "properties.tags", "properties.n"]
            .iter()
            .map(|path| Path::parse(path, "").unwrap())
            .collect();
        let data = r#"{"properties":{"a":{"b":true},"tags":["x",1,null],"n":5.0},"context":{"device":{"type":"ios"}}}"#;
        let one = |text: &str| Fact::One(text.into());
        assert_eq!(
            Places::new(&paths).facts(Some(data)).unwrap(),
            [one("true"), one("ios"), Fact::Many(vec!["x".into(), "1".into()]), one("5")]
        );
        assert_eq!(Places::new(&paths).facts(None).unwrap(), vec![Fact::None; 4]);
    }
}
