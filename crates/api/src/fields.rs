//! Reading the members of a JSON object one by one, each refusal with its pointer.

use journey::{Amount, Instant, Invalid, Json, Number};

use crate::json::kind_of;

/// The members of an object that have not been taken yet. `null` stands for absent.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Vec<(String, Json)>,
    pointer: String,
}

/// The pointer of a member.
pub(crate) fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl Fields {
    /// The members of `json`, which stands at `pointer` (empty for the whole text).
    pub(crate) fn new(json: Json, pointer: &str) -> Result<Self, Invalid> {
        match json {
            Json::Object(members) => Ok(Self { members, pointer: pointer.to_owned() }),
            other => {
                let detail = format!("is {}: send an object", kind_of(&other));
                Err(Invalid::new("not_an_object", pointer, detail))
            }
        }
    }

    /// The pointer of the member `name`.
    pub(crate) fn at(&self, name: &str) -> String {
        join(&self.pointer, name)
    }

    /// A refusal of the member `name`.
    pub(crate) fn refuse(&self, code: &'static str, name: &str, detail: impl Into<String>) -> Invalid {
        Invalid::new(code, self.at(name), detail)
    }

    /// The member `name`, `null` included.
    pub(crate) fn take_raw(&mut self, name: &str) -> Option<Json> {
        let at = self.members.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        Some(self.members.remove(at).1)
    }

    /// The member `name`.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json> {
        self.take_raw(name).filter(|value| *value != Json::Null)
    }

    /// Whether there is a member `name` that has not been taken.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.members.iter().any(|(key, value)| key == name && *value != Json::Null)
    }

    /// Takes whatever has not been taken.
    pub(crate) fn take_rest(&mut self) -> Vec<(String, Json)> {
        std::mem::take(&mut self.members)
    }

    /// Whatever has not been taken.
    pub(crate) fn into_rest(self) -> Vec<(String, Json)> {
        self.members
    }

    fn wrong_type(&self, name: &str, found: &Json, wanted: &str) -> Invalid {
        self.refuse("wrong_type", name, format!("is {}: send {wanted}", kind_of(found)))
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(name, &other, "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, name: &str, why: &str) -> Result<String, Invalid> {
        self.text(name)?.ok_or_else(|| self.refuse("missing_field", name, format!("is missing: {why}")))
    }

    /// A number, or decimal text, as decimal text.
    pub(crate) fn decimal(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        self.as_decimal(name, value).map(Some)
    }

    fn as_decimal(&self, name: &str, value: Json) -> Result<String, Invalid> {
        match value {
            Json::Text(text) => Ok(text),
            Json::Number(number) => Ok(number.to_text()),
            other => Err(self.wrong_type(name, &other, "a number or decimal text such as \"59.90\"")),
        }
    }

    /// `value` of the member `name` as an amount.
    pub(crate) fn as_amount(&self, name: &str, value: Json) -> Result<Amount, Invalid> {
        Amount::parse(&self.as_decimal(name, value)?, &self.at(name))
    }

    /// An amount.
    pub(crate) fn amount(&mut self, name: &str) -> Result<Option<Amount>, Invalid> {
        let pointer = self.at(name);
        self.decimal(name)?.map(|text| Amount::parse(&text, &pointer)).transpose()
    }

    /// An instant.
    pub(crate) fn instant(&mut self, name: &str) -> Result<Option<Instant>, Invalid> {
        let pointer = self.at(name);
        self.text(name)?.map(|text| Instant::parse(&text, &pointer)).transpose()
    }

    /// A whole number from 0 to `u32::MAX`.
    pub(crate) fn whole(&mut self, name: &str) -> Result<Option<u32>, Invalid> {
        self.take(name).map(|value| self.as_whole(name, &value)).transpose()
    }

    /// `value` of the member `name` as a whole number.
    pub(crate) fn as_whole(&self, name: &str, value: &Json) -> Result<u32, Invalid> {
        let Json::Number(number) = value else {
            return Err(self.wrong_type(name, value, "a whole number"));
        };
        let whole = match number {
            Number::Int(int) => u32::try_from(*int).ok(),
            // 7.0 is how some languages write 7.
            Number::Float(float) => float.to_string().parse().ok(),
            Number::Large(_) => None,
        };
        whole.ok_or_else(|| {
            let detail = format!("{} is no whole number from 0 to {}", number.to_text(), u32::MAX);
            self.refuse("out_of_range", name, detail)
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong_type(name, &other, "true or false")),
        }
    }

    /// An array; absent is empty.
    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Json>, Invalid> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Json::List(items)) => Ok(items),
            Some(other) => Err(self.wrong_type(name, &other, "an array")),
        }
    }

    /// An array of texts, each with its pointer; absent is empty.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<(String, String)>, Invalid> {
        let items = self.list(name)?.into_iter().enumerate();
        items
            .map(|(at, item)| match item {
                Json::Text(text) => Ok((text, format!("{}/{at}", self.at(name)))),
                other => {
                    let detail = format!("is {}: send a text", kind_of(&other));
                    Err(Invalid::new("wrong_type", format!("{}/{at}", self.at(name)), detail))
                }
            })
            .collect()
    }

    /// The members of an object.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, Invalid> {
        let pointer = self.at(name);
        self.take(name).map(|value| Self::new(value, &pointer)).transpose()
    }

    /// Refuses a member that nobody took, naming those that there are. A member without meaning is refused
    /// even where it is null: it is a misspelling of one that has.
    pub(crate) fn finish(self, known: &[&str]) -> Result<(), Invalid> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(60).collect();
                let near = nearest(name, known).map_or(String::new(), |near| format!(" (did you mean {near}?)"));
                let detail = format!("{shown:?} is no field here{near}: the fields are {}", known.join(", "));
                Err(Invalid::new("unknown_field", self.at(&shown), detail))
            }
        }
    }
}

/// The known name that `name` was likely meant to be: the same but for case, hyphens and underscores, or one slip away.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(name);
    if wanted.len() > 64 {
        return None;
    }
    known
        .iter()
        .copied()
        .find(|candidate| plain(candidate) == wanted)
        .or_else(|| known.iter().copied().find(|candidate| wanted.len() > 3 && one_slip(&plain(candidate), &wanted)))
}

/// Whether two texts differ by at most one letter changed, added or left out.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let tail = |text: &[char], from: usize| text.get(from..).map_or(Vec::new(), <[char]>::to_vec);
    match a.len().abs_diff(b.len()) {
        0 => tail(a, 1) == tail(b, 1),
        1 if a.len() > b.len() => tail(a, 1) == b,
        1 => tail(b, 1) == a,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(source: &str) -> Fields {
        Fields::new(crate::json::parse(source.as_bytes()).unwrap(), "").unwrap()
    }

    #[test]
    fn null_is_absent_and_wrong_types_are_named() {
        let mut fields = fields(r#"{"a":null,"b":1,"c":["x",2],"n":7.0,"neg":-1,"text":"7","value":59.90}"#);
        assert_eq!(fields.text("a"), Ok(None));
        let refusal = fields.text("b").unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), ("wrong_type", "/b"));
        assert_eq!(fields.texts("c").unwrap_err().pointer, "/c/1");
        assert_eq!(fields.whole("n"), Ok(Some(7)));
        assert_eq!(fields.whole("neg").unwrap_err().code, "out_of_range");
        assert_eq!(fields.whole("text").unwrap_err().code, "wrong_type");
        assert_eq!(fields.decimal("value"), Ok(Some("59.9".to_owned())));
        assert_eq!(fields.finish(&[]), Ok(()));
    }

    #[test]
    fn an_unknown_field_is_named_with_the_known_ones() {
        let refusal = fields(r#"{"userId":"u"}"#).finish(&["user_id", "name"]).unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), ("unknown_field", "/userId"));
        assert!(refusal.detail.contains("did you mean user_id?"), "{}", refusal.detail);
        assert!(refusal.detail.contains("user_id, name"), "{}", refusal.detail);
        assert_eq!(nearest("propertis", &["properties", "traits"]), Some("properties"));
        assert_eq!(nearest("colour", &["properties", "traits"]), None);
    }
}
