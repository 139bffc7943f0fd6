//! Facts: what an event's JSON holds at the paths that definitions look at.
//!
//! Every event of a journey is read for them, so that only what is looked at is ever built: the rest is skipped.

use std::fmt;
use std::sync::Arc;

use journey::{Fact, Path};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The places of each path.
pub(super) struct Places {
    /// Per path the numbers of its places, in the order in which they are looked at.
    paths: Vec<Vec<usize>>,
    root: Node,
    count: usize,
}

/// A place in the JSON, with those below it that are looked at too.
#[derive(Default)]
struct Node {
    below: Vec<(String, Node)>,
    /// The number of this place, where it is looked at itself.
    number: Option<usize>,
    /// Whether it lies in each entry of a list, so that it may hold several values.
    in_list: bool,
}

impl Node {
    fn child(&self, key: &str) -> Option<&Self> {
        self.below.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The number of the place that `keys` lead to; `next` where it is a new one.
    fn insert(&mut self, keys: &[String], next: usize) -> usize {
        let Some((key, rest)) = keys.split_first() else {
            return *self.number.get_or_insert(next);
        };
        let in_list = self.in_list || key == Path::EACH;
        let known = self.below.iter().position(|(name, _)| name == key);
        let at = known.unwrap_or_else(|| {
            self.below.push((key.clone(), Self { in_list, ..Self::default() }));
            self.below.len() - 1
        });
        self.below[at].1.insert(rest, next)
    }

    /// Keeps what `value` holds at this place and below it.
    fn keep(&self, value: &Value, found: &mut [Fact]) {
        if let Some(number) = self.number {
            if self.in_list {
                add(&mut found[number], fact(value));
            } else {
                found[number] = fact(value);
            }
        }
        for (key, node) in &self.below {
            match value {
                Value::Array(entries) if key == Path::EACH => entries.iter().for_each(|entry| node.keep(entry, found)),
                _ => {
                    if let Some(value) = value.get(key) {
                        node.keep(value, found);
                    }
                }
            }
        }
    }
}

impl Places {
    pub(super) fn new(paths: &[Path]) -> Self {
        let (mut root, mut count) = (Node::default(), 0);
        let mut number = |place: Vec<String>| {
            let number = root.insert(&place, count);
            count = count.max(number + 1);
            number
        };
        let paths = paths.iter().map(|path| path.places().into_iter().map(&mut number).collect()).collect();
        Self { paths, root, count }
    }

    /// Whether nothing is looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The facts of one event, in the order of the paths; none at all without JSON.
    pub(super) fn facts(&self, data: Option<&str>) -> Result<Vec<Fact>, serde_json::Error> {
        let Some(data) = data.filter(|_| !self.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut found = vec![Fact::None; self.count];
        let mut json = serde_json::Deserializer::from_str(data);
        Look { node: &self.root, found: &mut found }.deserialize(&mut json)?;
        json.end()?;
        let first = |places: &Vec<usize>| {
            places.iter().map(|place| &found[*place]).find(|fact| **fact != Fact::None).cloned().unwrap_or_default()
        };
        Ok(self.paths.iter().map(first).collect())
    }
}

/// Looks at one place of a text that is being read.
struct Look<'a> {
    node: &'a Node,
    found: &'a mut Vec<Fact>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if self.node.number.is_none() {
            return json.deserialize_any(self);
        }
        let value: Value = serde::Deserialize::deserialize(json)?;
        self.node.keep(&value, self.found);
        Ok(())
    }
}

/// Where the places below lie, nothing but an object holds anything, or a list each entry of which is looked at.
impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(child) = object.next_key_seed(Key(self.node))? {
            match child {
                Some(node) => object.next_value_seed(Look { node, found: &mut *self.found })?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        match self.node.child(Path::EACH) {
            Some(node) => while list.next_element_seed(Look { node, found: &mut *self.found })?.is_some() {},
            None => while list.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The key of a member: gives the place that it leads to.
struct Key<'a>(&'a Node);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a Node>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(key))
    }
}

fn fact(value: &Value) -> Fact {
    match value {
        Value::Array(items) => Fact::Many(items.iter().filter_map(scalar).collect()),
        value => scalar(value).map_or(Fact::None, Fact::One),
    }
}

/// Adds what one more entry of a list holds.
fn add(sum: &mut Fact, more: Fact) {
    let scalars = |fact| match fact {
        Fact::None => Vec::new(),
        Fact::One(text) => vec![text],
        Fact::Many(texts) => texts,
    };
    if more != Fact::None {
        let mut all = scalars(std::mem::take(sum));
        all.extend(scalars(more));
        *sum = Fact::Many(all);
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

/// `5` and `5.0` are one number, so they have one text; `1e20` and its digits as well.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        // Postgres keeps no sign of a zero.
        Some(float) if !number.is_i64() && !number.is_u64() => format!("{}", float + 0.0),
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
        assert!(Places::new(&paths).facts(None).unwrap().is_empty());
    }

    #[test]
    fn each_entry_of_a_list_is_looked_at() {
        let paths: Vec<Path> = ["properties.products[].id", "properties.products[].tags[]", "properties.id"]
            .iter()
            .map(|path| Path::parse(path, "").unwrap())
            .collect();
        let facts = |data: &str| Places::new(&paths).facts(Some(data)).unwrap();
        let many = |texts: &[&str]| Fact::Many(texts.iter().map(|text| (*text).into()).collect());
        let data = r#"{"properties":{"products":[{"id":"a","tags":["x","y"]},{"id":2},3,{"name":"c"}],"id":"z"}}"#;
        assert_eq!(facts(data), [many(&["a", "2"]), many(&["x", "y"]), Fact::One("z".into())]);
        assert_eq!(facts(r#"{"properties":{"products":{"id":"a"}}}"#), vec![Fact::None; 3]);
        assert_eq!(facts(r#"{"properties":{"products":[]}}"#), vec![Fact::None; 3]);
        // A place that is looked at itself may have others below it.
        let paths: Vec<Path> = ["properties.products", "properties.products[].id"]
            .iter()
            .map(|path| Path::parse(path, "").unwrap())
            .collect();
        let both = Places::new(&paths).facts(Some(r#"{"properties":{"products":[{"id":"a"}]}}"#)).unwrap();
        assert_eq!(both[1], many(&["a"]));
        assert!(Path::parse("properties.[]", "").is_err());
    }

    #[test]
    fn a_place_above_another_and_one_that_is_no_object_are_read() {
        let paths: Vec<Path> = ["properties.a", "properties.a.b", "properties.c.d"]
            .iter()
            .map(|path| Path::parse(path, "").unwrap())
            .collect();
        let facts = |data: &str| Places::new(&paths).facts(Some(data)).unwrap();
        let one = |text: &str| Fact::One(text.into());
        assert_eq!(facts(r#"{"properties":{"a":{"b":"x"},"c":{"d":-3}}}"#), [Fact::None, one("x"), one("-3")]);
        assert_eq!(facts(r#"{"properties":{"a":"y","c":[{"d":1}]}}"#), [one("y"), Fact::None, Fact::None]);
        for other in ["null", "true", "1", "-1", "1.5", "\"text\"", "[1]"] {
            let data = format!(r#"{{"properties":{other},"x":{{"deep":[{other}]}}}}"#);
            assert_eq!(facts(&data), vec![Fact::None; 3]);
        }
        assert!(Places::new(&paths).facts(Some("{\"properties\":")).is_err());
    }
}
