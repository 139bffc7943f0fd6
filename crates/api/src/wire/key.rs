//! Keys.

use journey::{Instant, Invalid, Json, Name, Scope};
use serde::Serialize;
use store::{KeyDraft, NewKey};
use utoipa::ToSchema;

use super::schema;
use crate::fields::Fields;

/// A key to be made.
#[derive(ToSchema)]
#[schema(as = KeyRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) struct KeyRequestSchema {
    /// What it may do.
    #[schema(value_type = Vec<schema::Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// When it stops working; null: never.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// What people know it by.
    #[schema(min_length = 1, max_length = 255)]
    label: Option<String>,
}

/// Reads a request that was received at `now`.
pub(crate) fn read(json: Json, now: Instant) -> Result<KeyDraft, Invalid> {
    let mut fields = Fields::new(json, "")?;
    let mut scopes = Vec::new();
    for (word, pointer) in fields.texts("scopes")? {
        let scope = Scope::parse(&word, &pointer)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(fields.refuse("missing_field", "scopes", "is missing: name at least one of ingest, read, admin"));
    }
    let expires_at = fields.instant("expires_at")?;
    if let Some(at) = expires_at.filter(|at| *at <= now) {
        return Err(fields.refuse("out_of_range", "expires_at", format!("{at} has passed: name a later time")));
    }
    let label = fields.text("label")?.map(|text| Name::parse(&text, "/label")).transpose()?;
    fields.finish(&["scopes", "expires_at", "label"])?;
    Ok(KeyDraft { scopes, expires_at, label })
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyInfo {
    /// Its id.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The first characters of the secret.
    pub(crate) prefix: String,
    /// What it may do.
    #[schema(value_type = Vec<schema::Scope>)]
    pub(crate) scopes: Vec<&'static str>,
    /// What people know it by.
    #[schema(required = true)]
    pub(crate) label: Option<String>,
    /// When it was made.
    #[schema(format = "date-time")]
    pub(crate) created_at: String,
    /// When it stops working.
    #[schema(required = true, format = "date-time")]
    pub(crate) expires_at: Option<String>,
    /// When it was revoked.
    #[schema(required = true, format = "date-time")]
    pub(crate) revoked_at: Option<String>,
}

/// A key that was just made: its secret is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeKey {
    /// Its id.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The secret. Only its hash is stored.
    #[schema(pattern = "^jl_")]
    pub(crate) key: String,
    /// What it may do.
    #[schema(value_type = Vec<schema::Scope>)]
    pub(crate) scopes: Vec<&'static str>,
    /// What people know it by.
    #[schema(required = true)]
    pub(crate) label: Option<String>,
    /// When it stops working.
    #[schema(required = true, format = "date-time")]
    pub(crate) expires_at: Option<String>,
}

impl From<&store::KeyInfo> for KeyInfo {
    fn from(info: &store::KeyInfo) -> Self {
        Self {
            id: info.id.hyphenated().to_string(),
            prefix: info.prefix.clone(),
            scopes: info.scopes.iter().map(|scope| scope.word()).collect(),
            label: info.label.as_ref().map(|label| label.as_str().to_owned()),
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.map(|at| at.to_string()),
            revoked_at: info.revoked_at.map(|at| at.to_string()),
        }
    }
}

impl From<NewKey> for MadeKey {
    fn from(made: NewKey) -> Self {
        let info = KeyInfo::from(&made.info);
        Self { id: info.id, key: made.secret, scopes: info.scopes, label: info.label, expires_at: info.expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_refuses() {
        let now = Instant::parse("2026-11-24T18:00:00Z", "").unwrap();
        let read = |source: &str| super::read(crate::json::parse(source.as_bytes()).unwrap(), now);
        let request = read(r#"{"scopes":["read","read"],"expires_at":null,"label":" x "}"#).unwrap();
        assert_eq!(
            request,
            KeyDraft { scopes: vec![Scope::Read], expires_at: None, label: Some(Name::parse("x", "").unwrap()) }
        );
        let refused = |source: &str| read(source).map_err(|refusal| (refusal.code, refusal.pointer)).unwrap_err();
        assert_eq!(refused(r#"{"scopes":["root"]}"#), ("unknown_word", "/scopes/0".into()));
        assert_eq!(refused(r#"{"scopes":[]}"#), ("missing_field", "/scopes".into()));
        assert_eq!(
            refused(r#"{"scopes":["read"],"expires_at":"2026-01-01T00:00:00Z"}"#),
            ("out_of_range", "/expires_at".into())
        );
        assert_eq!(refused(r#"{"scopes":["read"],"tenant":"x"}"#), ("unknown_field", "/tenant".into()));
    }
}
