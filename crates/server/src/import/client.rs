//! The client of the service: requests that are tried again for as long as trying again can help.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::causes::causes;

/// The shortest pause before a second try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between tries, unless the service asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause that the service may ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// A client of one service.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    /// How long a request is tried again.
    retry_for: Duration,
    /// Whether the service is on this machine.
    is_here: bool,
}

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    /// What was asked cannot be done: asking again would not help.
    Problem {
        /// The status.
        status: StatusCode,
        /// A stable word.
        code: String,
        /// JSON pointer into the body.
        pointer: String,
        /// What is wrong.
        message: String,
    },
    /// The service could not be reached or was busy for the whole time.
    GaveUp {
        /// How often it was tried.
        tries: u32,
        /// For how long.
        seconds: u64,
        /// The last failure.
        last: String,
    },
}

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Problem { status, code, message, .. } => write!(f, "{message} ({}, {code})", status.as_u16()),
            Self::GaveUp { tries, seconds, last } => write!(f, "gave up after {tries} tries in {seconds} s: {last}"),
        }
    }
}

/// One try.
enum Tried {
    Done(Value),
    Refused(Refused),
    /// Worth another try, after the pause that the service asks for.
    Again(String, Option<Duration>),
}

impl Client {
    /// A client of the service at `base`, such as `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str, retry_for: Duration) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base).with_context(|| format!("{base:?} is no URL"))?;
        anyhow::ensure!(
            url.scheme() == "http" && url.has_host(),
            "{base}: only http:// is spoken here; put the TLS proxy of your choice between, or import on the service's machine"
        );
        let http = reqwest::Client::builder()
            .user_agent(concat!("journeylift/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_mins(2))
            .build()?;
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_here = host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
        Ok(Self { http, base, retry_for, is_here })
    }

    /// Whether bodies are gzipped: on one machine that costs both ends more than it saves.
    pub(crate) fn packs(&self) -> bool {
        !self.is_here
    }

    /// Asks for JSON, or sends some: the answer's JSON, `null` where it has none.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(key);
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Posts a JSON body, which is gzipped where [`Self::packs`] says so.
    pub(crate) async fn post(&self, path: &str, key: &str, body: Vec<u8>) -> Result<Value, Refused> {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(key);
        if self.packs() {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        self.send(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Refused> {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let tried = match request.try_clone() {
                Some(request) => try_once(request).await,
                None => {
                    Tried::Refused(problem(StatusCode::BAD_REQUEST, "unrepeatable", "the request cannot be repeated"))
                }
            };
            let (last, asked) = match tried {
                Tried::Done(value) => return Ok(value),
                Tried::Refused(refused) => return Err(refused),
                Tried::Again(last, asked) => (last, asked),
            };
            let pause = pause(tries, asked, jitter());
            if begun.elapsed() + pause > self.retry_for {
                return Err(Refused::GaveUp { tries, seconds: begun.elapsed().as_secs(), last });
            }
            tracing::debug!(%last, tries, ?pause, "trying again");
            tokio::time::sleep(pause).await;
        }
    }
}

async fn try_once(request: RequestBuilder) -> Tried {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => {
            return Tried::Refused(problem(StatusCode::BAD_REQUEST, "invalid_request", &causes(&error)));
        }
        Err(error) => return Tried::Again(causes(&error), None),
    };
    let status = response.status();
    let asked = retry_after(&response);
    let bytes = match response.bytes().await {
        Ok(bytes) => bytes,
        // The answer broke off: what was sent may or may not have been taken, and a repetition counts once.
        Err(error) => return Tried::Again(causes(&error), None),
    };
    if status.is_success() {
        if bytes.is_empty() {
            return Tried::Done(Value::Null);
        }
        return match serde_json::from_slice(&bytes) {
            Ok(value) => Tried::Done(value),
            Err(_) => {
                Tried::Refused(problem(status, "not_json", "the answer is no JSON: is this Journeylift's address?"))
            }
        };
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let detail = match text("detail") {
        empty if empty.is_empty() => format!("the service answered {status}"),
        detail => detail,
    };
    let again = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::REQUEST_TIMEOUT
    );
    if again {
        return Tried::Again(detail, asked);
    }
    let pointer = body.pointer("/errors/0/pointer").and_then(Value::as_str).unwrap_or_default().to_owned();
    Tried::Refused(Refused::Problem { status, code: text("code"), pointer, message: detail })
}

fn problem(status: StatusCode, code: &str, message: &str) -> Refused {
    Refused::Problem { status, code: code.to_owned(), pointer: String::new(), message: message.to_owned() }
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The pause after so many tries: doubling, spread by `jitter` from 0 to 1 so that clients do not come back together,
/// and never shorter than what the service asks for.
fn pause(tries: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let own = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    own.mul_f64(0.5 + jitter / 2.0).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_honour_the_service() {
        assert_eq!(pause(1, None, 1.0), Duration::from_millis(200));
        assert_eq!(pause(4, None, 1.0), Duration::from_millis(1_600));
        assert_eq!(pause(4, None, 0.0), Duration::from_millis(800));
        assert_eq!(pause(60, None, 1.0), LONGEST_PAUSE);
        assert_eq!(pause(1, Some(Duration::from_secs(7)), 1.0), Duration::from_secs(7));
        assert_eq!(pause(1, Some(Duration::from_hours(7)), 1.0), LONGEST_ASKED);
    }

    #[test]
    fn only_plain_http_is_spoken() {
        assert!(Client::new("http://127.0.0.1:8080/", Duration::ZERO).is_ok());
        assert!(Client::new("https://example.com", Duration::ZERO).unwrap_err().to_string().contains("http://"));
        assert!(Client::new("127.0.0.1:8080", Duration::ZERO).is_err());
    }

    #[test]
    fn only_what_goes_over_a_network_is_packed() {
        let packs = |base: &str| Client::new(base, Duration::ZERO).unwrap().packs();
        assert!(!packs("http://127.0.0.1:8080") && !packs("http://localhost") && !packs("http://[::1]:8080/"));
        assert!(packs("http://10.0.0.7:8080") && packs("http://localhost.example.com") && packs("http://[fd00::1]"));
    }
}
