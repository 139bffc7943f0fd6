//! Keys: where they stand in a request, and what they allow.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use journey::Scope;
use sha2::{Digest, Sha256};
use store::{KeyRefused, TenantStore};

use crate::problem::ApiError;
use crate::state::AppState;

/// The longest text that is looked up as a key.
const LONGEST_KEY: usize = 512;

/// A key as it was sent. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key in a body; an empty one is absent.
    pub(crate) fn in_body(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

fn unauthorized(code: &'static str, detail: &str) -> ApiError {
    let challenge = if code == "missing_key" {
        r#"Bearer realm="journeylift""#
    } else {
        r#"Bearer realm="journeylift", error="invalid_token""#
    };
    ApiError::new(StatusCode::UNAUTHORIZED, code, detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// The key in the headers: `Authorization: Bearer`, `X-Api-Key` and, on routes that collect, `Authorization: Basic` with
/// the key as user name.
pub(crate) fn key_in(headers: &HeaderMap, basic: bool) -> Result<Option<Key>, ApiError> {
    let mut found: Option<Key> = None;
    let malformed = || {
        unauthorized(
            "malformed_authorization",
            "The Authorization header cannot be read: send \"Authorization: Bearer\" and the key.",
        )
    };
    let mut add = |key: Key| match &found {
        Some(earlier) if *earlier != key => Err(conflicting()),
        _ => {
            found = Some(key);
            Ok(())
        }
    };
    for value in headers.get_all(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| malformed())?.trim();
        let (scheme, rest) = text.split_once(' ').ok_or_else(malformed)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            add(Key::in_body(rest).ok_or_else(malformed)?)?;
        } else if basic && scheme.eq_ignore_ascii_case("basic") {
            let pair =
                decode_base64(rest.trim()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
            let (user, _) = pair.split_once(':').unwrap_or((&pair, ""));
            // Client libraries without a key send ":".
            if let Some(key) = Key::in_body(user) {
                add(key)?;
            }
        } else {
            return Err(malformed());
        }
    }
    for value in headers.get_all("x-api-key") {
        let text = value.to_str().map_err(|_| malformed())?;
        if let Some(key) = Key::in_body(text) {
            add(key)?;
        }
    }
    Ok(found)
}

/// The one key of a request that may carry it in the headers and in the body.
pub(crate) fn one_key(in_headers: Option<Key>, in_body: Option<Key>) -> Result<Option<Key>, ApiError> {
    match (in_headers, in_body) {
        (Some(header), Some(body)) if header != body => Err(conflicting()),
        (header, body) => Ok(header.or(body)),
    }
}

fn conflicting() -> ApiError {
    unauthorized("conflicting_keys", "The request carries two different keys: send one.")
}

/// The tenant of `key`, where it has `scope`.
pub(crate) async fn tenant(state: &AppState, key: Option<Key>, scope: Scope) -> Result<TenantStore, ApiError> {
    let Some(key) = key else {
        return Err(unauthorized("missing_key", "This needs a key: send \"Authorization: Bearer\" and the key."));
    };
    if key.0.len() > LONGEST_KEY {
        return Err(unknown());
    }
    let tenant = state.store.authenticate(&key.0).await.map_err(|refused| match refused {
        KeyRefused::Unknown => unknown(),
        KeyRefused::Expired => unauthorized("expired_key", "The key has expired: make a new one."),
        KeyRefused::Revoked => unauthorized("revoked_key", "The key has been revoked: make a new one."),
        KeyRefused::Unavailable(error) => ApiError::store(&error),
    })?;
    // Whoever may define experiments may read them.
    if tenant.allows(scope) || scope == Scope::Read && tenant.allows(Scope::Admin) {
        return Ok(tenant);
    }
    let detail = format!("The key does not have the scope {scope}: use one that has.");
    Err(ApiError::new(StatusCode::FORBIDDEN, "missing_scope", detail).with_header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Bearer realm="journeylift", error="insufficient_scope""#),
    ))
}

fn unknown() -> ApiError {
    unauthorized("unknown_key", "The key is not known: check that it was copied whole.")
}

macro_rules! scoped {
    ($(#[$doc:meta])* $name:ident, $scope:expr, $basic:literal) => {
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) TenantStore);

        impl FromRequestParts<AppState> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
                let key = key_in(&parts.headers, $basic)?;
                tenant(state, key, $scope).await.map(Self)
            }
        }
    };
}

scoped!(
    /// The tenant of a key that may post events.
    Ingest, Scope::Ingest, true
);
scoped!(
    /// The tenant of a key that may read.
    Read, Scope::Read, false
);
scoped!(
    /// The tenant of a key that may define experiments and metrics.
    Admin, Scope::Admin, false
);

/// The operator, who manages tenants.
pub(crate) struct Operator;

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Some(key) = key_in(&parts.headers, false)? else {
            return Err(unauthorized(
                "missing_key",
                "This needs the operator key: send \"Authorization: Bearer\" and it.",
            ));
        };
        let is_operator = state.operator_key_hash.is_some_and(|hash| same(&hash, &Sha256::digest(key.0.as_bytes())));
        if is_operator {
            return Ok(Self);
        }
        // A tenant's key is a good key in the wrong place.
        match tenant(state, Some(key), Scope::Read).await {
            Err(error) if error.status() != StatusCode::FORBIDDEN => Err(error),
            _ => {
                let detail = "Only the operator may do this: use the operator key of the service.";
                Err(ApiError::new(StatusCode::FORBIDDEN, "operator_only", detail))
            }
        }
    }
}

/// Compares in a time that does not depend on where the two differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |all, (x, y)| std::hint::black_box(all | (x ^ y)));
    a.len() == b.len() && difference == 0
}

/// Standard base64, padding optional.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    // What is left over are padding bits of the last byte.
    (held < 6).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn key(pairs: &[(&'static str, &str)]) -> Result<Option<String>, &'static str> {
        key_in(&headers(pairs), true).map(|key| key.map(|key| key.0)).map_err(|error| error.code())
    }

    #[test]
    fn a_key_is_found_wherever_it_may_stand() {
        let found = Ok(Some("WRITEKEY".to_owned()));
        assert_eq!(key(&[("authorization", "Bearer WRITEKEY")]), found);
        assert_eq!(key(&[("authorization", "bearer  WRITEKEY ")]), found);
        assert_eq!(key(&[("authorization", "Basic V1JJVEVLRVk6")]), found);
        assert_eq!(key(&[("x-api-key", "WRITEKEY")]), found);
        assert_eq!(key(&[("x-api-key", "WRITEKEY"), ("authorization", "Basic V1JJVEVLRVk6")]), found);
        assert_eq!(key(&[("authorization", "Basic Og==")]), Ok(None));
        assert_eq!(key(&[]), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_or_contradicts_is_refused() {
        assert_eq!(key(&[("x-api-key", "A"), ("authorization", "Bearer B")]), Err("conflicting_keys"));
        assert_eq!(key(&[("authorization", "Bearer A"), ("authorization", "Bearer B")]), Err("conflicting_keys"));
        for text in ["Bearer", "Bearer  ", "Digest x", "Basic ***", "Basic /w=="] {
            assert_eq!(key(&[("authorization", text)]), Err("malformed_authorization"), "{text}");
        }
        let basic = headers(&[("authorization", "Basic V1JJVEVLRVk6")]);
        assert_eq!(key_in(&basic, false).unwrap_err().code(), "malformed_authorization");
        let (a, b) = (Key::in_body("A"), Key::in_body("B"));
        assert!(one_key(a.clone(), b).is_err());
        assert_eq!(one_key(a.clone(), None).unwrap(), a);
    }

    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("Zm9vYg", b"foob")] {
            assert_eq!(decode_base64(text).as_deref(), Some(bytes));
        }
        assert_eq!(decode_base64("A"), None);
        assert!(same(b"ab", b"ab") && !same(b"ab", b"ac") && !same(b"ab", b"a"));
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(format!("{:?}", Key::in_body("secret")), "Some(Key(..))");
    }
}
