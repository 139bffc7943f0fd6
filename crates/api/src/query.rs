//! Parameters of the query string. A parameter that has no meaning here is refused: it is a misspelling of one that has.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::fields::nearest;
use crate::problem::ApiError;
use crate::state::AppState;

/// The parameters of a request that have not been taken yet.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters of `uri`, each of which must be one of `known` and stand there once.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            ApiError::bad_request("malformed_query", "The query string is not name=value&name=value in UTF-8.")
        })?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            let shown: String = name.chars().take(60).collect();
            if !known.contains(&name.as_str()) {
                let near = nearest(name, known).map_or(String::new(), |near| format!(" (did you mean {near}?)"));
                let known =
                    if known.is_empty() { "there are none".to_owned() } else { format!("use {}", known.join(", ")) };
                return Err(ApiError::parameter(
                    "unknown_parameter",
                    &shown,
                    format!("it is not known here{near}: {known}"),
                ));
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::parameter("duplicate_parameter", &shown, "it stands there twice: keep one"));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of `name`; an empty one is absent.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(at).1).filter(|value| !value.is_empty())
    }

    /// The value of `name`, read by its type; `wanted` says what is expected.
    pub(crate) fn parse<T: FromStr>(&mut self, name: &str, wanted: &str) -> Result<Option<T>, ApiError> {
        self.text(name).map(|text| text.parse().map_err(|_| invalid(name, &text, wanted))).transpose()
    }
}

/// The refusal of a value that is not what is expected.
pub(crate) fn invalid(name: &str, value: &str, wanted: &str) -> ApiError {
    let shown: String = value.chars().take(60).collect();
    ApiError::parameter("invalid_parameter", name, format!("{shown:?} is not allowed: use {wanted}"))
}

/// For routes that take no parameters.
pub(crate) struct NoParameters;

impl FromRequestParts<AppState> for NoParameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Parameters::of(&parts.uri, &[]).map(|_| Self)
    }
}

/// The parameters of lists, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one by `Page`; this is their description")]
pub(crate) struct PageParams {
    /// The most entries; 100 where it is absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// What part of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The most entries.
    pub(crate) limit: usize,
    /// The entry after which the part begins.
    pub(crate) after: Option<String>,
}

const LARGEST_PAGE: usize = 500;

impl FromRequestParts<AppState> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(&parts.uri, &["limit", "cursor"])?;
        let wanted = "a whole number from 1 to 500";
        let limit: usize = parameters.parse("limit", wanted)?.unwrap_or(100);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(invalid("limit", &limit.to_string(), wanted));
        }
        let after = match parameters.text("cursor") {
            None => None,
            Some(cursor) => Some(
                from_cursor(&cursor)
                    .ok_or_else(|| invalid("cursor", &cursor, "the next_cursor of an earlier answer, as it is"))?,
            ),
        };
        Ok(Self { limit, after })
    }
}

impl Page {
    /// The entry after which the part begins, where entries are known by an id.
    pub(crate) fn after_id(&self) -> Result<Option<Uuid>, ApiError> {
        let refused = |_| invalid("cursor", "..", "the next_cursor of an earlier answer, as it is");
        self.after.as_deref().map(|text| Uuid::try_parse(text).map_err(refused)).transpose()
    }
}

/// The cursor that continues after an entry. It is hexadecimal so that nobody takes it for a key to be guessed.
pub(crate) fn to_cursor(last: &str) -> String {
    hex(last.as_bytes())
}

/// Bytes as lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn from_cursor(cursor: &str) -> Option<String> {
    if !cursor.len().is_multiple_of(2) || cursor.len() > 4_096 || !cursor.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes = (0..cursor.len()).step_by(2).map(|at| u8::from_str_radix(&cursor[at..at + 2], 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(uri: &str, known: &[&str]) -> Result<Parameters, ApiError> {
        Parameters::of(&uri.parse().unwrap(), known)
    }

    #[test]
    fn unknown_and_double_parameters_are_refused() {
        assert_eq!(of("/x?limt=3", &["limit"]).unwrap_err().code(), "unknown_parameter");
        assert_eq!(of("/x?limit=3&limit=4", &["limit"]).unwrap_err().code(), "duplicate_parameter");
        let mut parameters = of("/x?limit=3&cursor=", &["limit", "cursor"]).unwrap();
        assert_eq!(parameters.parse::<usize>("limit", "a number").unwrap(), Some(3));
        assert_eq!(parameters.text("cursor"), None);
        assert!(of("/x?limit=x", &["limit"]).unwrap().parse::<usize>("limit", "a number").is_err());
    }

    proptest! {
        #[test]
        fn a_cursor_leads_back(text in "[^\\x00]{0,40}") {
            prop_assert_eq!(from_cursor(&to_cursor(&text)), Some(text));
        }

        #[test]
        fn no_cursor_panics(text in ".{0,40}") {
            let _ = from_cursor(&text);
        }
    }
}
