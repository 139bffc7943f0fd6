//! Paths into an event: what a filter or a dimension looks at.

use std::fmt;

use crate::derived::Derived;
use crate::invalid::{Invalid, shown};
use crate::text::Name;

/// A path into an event: `channel`, `stage`, `properties.category`, `context.device.type`, `traits.plan`,
/// or a bare word such as `device`, which is looked for in the traits, the properties and the context.
/// A part that ends in `[]` stands for each entry of a list: `properties.products[].product_id`.
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
    /// The key of a place that stands for each entry of the list there.
    pub const EACH: &str = "[]";

    /// Reads a path, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        let name = Name::parse(text, pointer)?;
        let parts: Vec<&str> = name.as_str().split('.').collect();
        let rooted = matches!(parts[0], "properties" | "context" | "traits");
        let is_empty = |part: &&str| part.strip_suffix(Self::EACH).unwrap_or(part).is_empty();
        if parts.iter().any(is_empty) || (parts.len() > 1) != rooted || parts.len() > 16 {
            let detail = format!(
                "{} is no path: use channel, stage, properties.NAME, context.NAME, traits.NAME or one bare word",
                shown(text)
            );
            return Err(Invalid::new("invalid_path", pointer, detail));
        }
        Ok(Self(name))
    }

    /// Reads what results can be broken down by, which stands at `pointer`: a path, or a word of [`Derived`].
    pub fn parse_dimension(text: &str, pointer: &str) -> Result<Self, Invalid> {
        match Derived::parse(text, pointer)? {
            // Written in one way, so that it is asked for in one way.
            Some(Derived::Bin(bin)) => Name::parse(&bin.to_string(), pointer).map(Self),
            Some(_) => Name::parse(text, pointer).map(Self),
            None => Self::parse(text, pointer),
        }
    }

    /// Where an exposure says with which probability its person came into its arm.
    #[must_use]
    pub fn of_probability() -> Self {
        Self(Name::known("properties.probability"))
    }

    /// The dimension of an experiment's phases.
    pub(crate) fn of_phase() -> Self {
        Self(Name::known(crate::derived::PHASE))
    }

    /// What the dimension is worked out from, where it is not read off an event.
    #[must_use]
    pub fn derived(&self) -> Option<Derived> {
        Derived::parse(self.as_str(), "").ok().flatten()
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

    /// The places in the JSON where the value is looked for, in order; the first that holds a value counts. The key
    /// [`Path::EACH`] stands for each entry of a list.
    #[must_use]
    pub fn places(&self) -> Vec<Vec<String>> {
        let split = |path: &str| {
            let keys = path.split('.').flat_map(|part| match part.strip_suffix(Self::EACH) {
                Some(list) => vec![list.to_owned(), Self::EACH.to_owned()],
                None => vec![part.to_owned()],
            });
            keys.collect::<Vec<_>>()
        };
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
