//! Subjects: identities as they were sent.

use std::fmt;
use std::sync::Arc;

use crate::text::Name;

/// An identity as it was sent: a user id or an anonymous id. The two never collide.
///
/// Its key is `u:` or `a:` and the id. A person's key is the smallest subject key of the component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The subject of a user id.
    #[must_use]
    pub fn user(id: &Name) -> Self {
        Self(format!("u:{id}").into())
    }

    /// The subject of an anonymous id.
    #[must_use]
    pub fn anonymous(id: &Name) -> Self {
        Self(format!("a:{id}").into())
    }

    /// The subject with this key, as it was stored.
    #[must_use]
    pub fn from_key(key: &str) -> Self {
        Self(key.into())
    }

    /// The key, e.g. `u:42`. Keys compare by their bytes.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
