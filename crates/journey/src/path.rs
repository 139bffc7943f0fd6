//! Paths into an event: what a filter or a dimension looks at.

use std::fmt;

use crate::invalid::{Invalid, shown};
use crate::text::Name;

/// A path into an event: `channel`, `stage`, `properties.category`, `context.device.type`, `traits.plan`,
/// or a bare word such as `device`, which is looked for in the traits, the properties and the context.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Name);

/// Bare words whose usual place in Segment's context is not the member of that name.
const KNOWN_PLACES: &[(&str, &[&str])] = &[
    ("device", &["context.device.type", "context.device.model"]),
    ("os", &["context.os.name"]),
    ("country", &["context.location.country"]),
    ("region", &["context.location.region"]),
    ("city", &["context.location.city"]),
    ("campaign", &["context.campaign.name"]),
    ("source", &["context.campaign.source"]),
    ("browser", &["context.browser.name"]),
];

impl Path {
    /// Reads a path, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        let name = Name::parse(text, pointer)?;
        let parts: Vec<&str> = name.as_str().split('.').collect();
        let rooted = matches!(parts[0], "properties" | "context" | "traits");
        if parts.iter().any(|part| part.is_empty()) || (parts.len() > 1) != rooted || parts.len() > 16 {
            let detail = format!(
                "{} is no path: use channel, stage, properties.NAME, context.NAME, traits.NAME or one bare word",
                shown(text)
            );
            return Err(Invalid::new("invalid_path", pointer, detail));
        }
        Ok(Self(name))
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it names a field of the event itself (`channel` or `stage`) and not of its JSON.
    #[must_use]
    pub fn is_field(&self) -> bool {
        matches!(self.as_str(), "channel" | "stage")
    }

    /// The places in the JSON where the value is looked for, in order; the first that holds a value counts.
    #[must_use]
    pub fn places(&self) -> Vec<Vec<String>> {
        let split = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let text = self.as_str();
        if self.is_field() {
            return Vec::new();
        }
        if text.contains('.') {
            return vec![split(text)];
        }
        let mut places: Vec<_> =
            ["traits", "properties", "context"].iter().map(|root| split(&format!("{root}.{text}"))).collect();
        places.push(split(&format!("context.traits.{text}")));
        let known = KNOWN_PLACES.iter().find(|(word, _)| *word == text).map_or(&[][..], |(_, places)| places);
        places.extend(known.iter().map(|place| split(place)));
        places
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
