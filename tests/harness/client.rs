//! A client of one key. Every call is held against the contract; a call that breaks it fails the test.

use std::io::Write as _;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use reqwest::{Method, header};
use serde_json::Value;

use crate::contract::{Body, contract};

/// Where a service listens; it changes when a test points its clients elsewhere.
pub type Place = Arc<RwLock<String>>;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// A key, and the service that it is shown to.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
    key: Option<String>,
}

fn http() -> &'static reqwest::Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    HTTP.get_or_init(|| {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .no_proxy()
            .build()
            .expect("a client")
    })
}

impl Client {
    /// A client of the service at `place`.
    #[must_use]
    pub fn new(place: Place, key: Option<&str>) -> Self {
        Self { place, key: key.map(str::to_owned) }
    }

    /// The same service with another key.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// The same key shown to another service.
    #[must_use]
    pub fn at(&self, place: &Place) -> Self {
        Self { place: Arc::clone(place), ..self.clone() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The address of the service, without a slash at its end.
    #[must_use]
    pub fn address(&self) -> String {
        self.place.read().expect("nobody panics while holding it").clone()
    }

    /// A call.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let path_and_query = path.to_owned();
        let (path, query) = path_and_query.split_once('?').unwrap_or((&path_and_query, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        });
        Call {
            address: self.address(),
            method,
            path: path.to_owned(),
            query: query.collect(),
            headers: self.key.iter().map(|key| ("authorization".to_owned(), format!("Bearer {key}"))).collect(),
            body: None,
            coding: Coding::Plain,
            invalid: false,
        }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }
}

/// A request that is being put together.
#[derive(Debug, Clone)]
#[must_use]
pub struct Call {
    address: String,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<(String, Vec<u8>)>,
    coding: Coding,
    invalid: bool,
}

impl Call {
    /// Adds a parameter of the query.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets a header; one of that name before is forgotten.
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// A body of any type; an empty type sends no header.
    pub fn bytes(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some((content_type.to_owned(), body.into()));
        self
    }

    /// Compresses the body.
    pub fn coding(mut self, coding: Coding) -> Self {
        self.coding = coding;
        self
    }

    /// The request is wrong on purpose: only the answer is held against the contract.
    pub fn invalid(mut self) -> Self {
        self.invalid = true;
        self
    }

    /// Sends, and panics where the service can't be reached or the contract is broken.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends; an error means that no answer came. Panics where the contract is broken.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let name = format!("{} {}", self.method, self.path);
        let operation = contract().operation(self.method.as_str(), &self.path);
        if !self.invalid {
            let operation = operation.unwrap_or_else(|| panic!("{name} is not in openapi.yaml"));
            let body = self.body.as_ref().map(|(kind, bytes)| Body { content_type: Some(kind), bytes });
            let faults = contract().check_request(operation, &self.path, &self.query, body);
            assert!(faults.is_empty(), "{name} breaks openapi.yaml with its request:\n  {}", faults.join("\n  "));
        }
        let mut request = http().request(self.method, format!("{}{}", self.address, self.path));
        if !self.query.is_empty() {
            let mut url = reqwest::Url::parse(&format!("{}{}", self.address, self.path)).expect("a URL");
            url.query_pairs_mut().extend_pairs(&self.query);
            request = http().request(request.build()?.method().clone(), url);
        }
        for (header, value) in &self.headers {
            request = request.header(header, value);
        }
        if let Some((kind, bytes)) = self.body {
            if !kind.is_empty() {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            request = match self.coding {
                Coding::Plain => request.body(bytes),
                Coding::Gzip => request.header(header::CONTENT_ENCODING, "gzip").body(gzip(&bytes)),
                Coding::Zstd => request
                    .header(header::CONTENT_ENCODING, "zstd")
                    .body(zstd::encode_all(&bytes[..], 3).expect("zstd compresses")),
            };
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let answer = Answer { name, status, headers, bytes };
        if let Some(operation) = operation {
            let body = Body { content_type: answer.header("content-type"), bytes: &answer.bytes };
            let faults = contract().check_answer(operation, status, body);
            assert!(
                faults.is_empty(),
                "{} {status} breaks openapi.yaml with its answer:\n  {}\n{}",
                answer.name,
                faults.join("\n  "),
                answer.text().chars().take(2_000).collect::<String>()
            );
        }
        assert!(answer.header("x-request-id").is_some(), "{} answers without X-Request-Id", answer.name);
        Ok(answer)
    }

    /// Sends and takes the JSON of an answer with this status.
    pub async fn expect(self, status: u16) -> Value {
        self.send().await.expect(status)
    }
}

/// Bytes as gzip.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    name: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}: {}", self.name, self.text()))
    }

    /// The JSON of an answer with this status (null where the body is empty); panics at another one.
    #[must_use]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.name, self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts that this is a problem document with a code, and returns it.
    #[must_use]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.name, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.name);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}: {problem}", self.name);
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["message"], problem["detail"], "{problem}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{problem}");
        problem
    }
}
