//! Tenants.

use journey::{Currency, Invalid, Json, Name, Tenant, Zone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::Fields;

/// A tenant to be made. Its currency and its time zone never change.
#[derive(ToSchema)]
#[schema(as = TenantRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) struct TenantRequestSchema {
    /// What people know it by.
    #[schema(min_length = 1, max_length = 255, example = "acme")]
    name: String,
    /// ISO 4217: money metrics count amounts in it.
    #[schema(pattern = "^\\s*[A-Za-z]{3}\\s*$", example = "EUR")]
    currency: String,
    /// The IANA time zone in which days are cut; without it, UTC.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// A tenant to be made, read.
#[derive(Debug, PartialEq)]
pub(crate) struct TenantRequest {
    /// What people know it by.
    pub(crate) name: Name,
    /// Money metrics count amounts in it.
    pub(crate) currency: Currency,
    /// Days are cut in it.
    pub(crate) zone: Zone,
}

impl TenantRequest {
    /// Reads a request.
    pub(crate) fn read(json: Json) -> Result<Self, Invalid> {
        let mut fields = Fields::new(json, "")?;
        let name = fields.required_text("name", "say what people know the tenant by")?;
        let currency = fields.required_text("currency", "money needs one, such as EUR; it never changes")?;
        let zone = fields.text("time_zone")?;
        let request = Self {
            name: Name::parse(&name, "/name")?,
            currency: Currency::parse(&currency, "/currency")?,
            zone: zone.map_or(Ok(Zone::UTC), |name| Zone::parse(&name, "/time_zone"))?,
        };
        fields.finish(&["name", "currency", "time_zone"])?;
        Ok(request)
    }
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantInfo {
    /// Its id.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// What people know it by.
    pub(crate) name: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub(crate) currency: &'static str,
    /// The IANA time zone in which days are cut.
    #[schema(example = "Europe/Berlin")]
    pub(crate) time_zone: &'static str,
}

impl From<&Tenant> for TenantInfo {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id.0.hyphenated().to_string(),
            name: tenant.name.as_str().to_owned(),
            currency: tenant.currency.code(),
            time_zone: tenant.zone.name(),
        }
    }
}

/// The keys of a new tenant: they are shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstKeys {
    /// For definitions and keys.
    #[schema(pattern = "^jl_")]
    pub(crate) admin: String,
    /// For events.
    #[schema(pattern = "^jl_")]
    pub(crate) ingest: String,
    /// For results.
    #[schema(pattern = "^jl_")]
    pub(crate) read: String,
}

/// A tenant that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeTenant {
    /// The tenant.
    pub(crate) tenant: TenantInfo,
    /// Its first keys.
    pub(crate) keys: FirstKeys,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_refuses() {
        let read = |source: &str| TenantRequest::read(crate::json::parse(source.as_bytes()).unwrap());
        let request = read(r#"{"name":"acme","currency":"usd","time_zone":"Europe/Berlin"}"#).unwrap();
        assert_eq!((request.currency.code(), request.zone.name()), ("USD", "Europe/Berlin"));
        assert_eq!(read(r#"{"name":"acme","currency":"USD"}"#).unwrap().zone, Zone::UTC);
        let refused = |source: &str| read(source).map_err(|refusal| (refusal.code, refusal.pointer)).unwrap_err();
        assert_eq!(refused(r#"{"name":"acme"}"#), ("missing_field", "/currency".into()));
        assert_eq!(refused(r#"{"name":"acme","currency":"EURO"}"#), ("unknown_currency", "/currency".into()));
        assert_eq!(
            refused(r#"{"name":"a","currency":"EUR","time_zone":"Mars"}"#),
            ("unknown_time_zone", "/time_zone".into())
        );
        assert_eq!(refused(r#"{"name":"a","currency":"EUR","zone":"UTC"}"#), ("unknown_field", "/zone".into()));
    }
}
