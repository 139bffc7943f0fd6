//! `openapi.yaml` as a judge: every call of every test is held against it, both ways.
//!
//! A request must name a known path and method, known parameters with valid values, and a body that its schema allows
//! (unless the test says that it is wrong on purpose). An answer must have a documented status, a documented content
//! type and a body that its schema allows. Operations that answered with success are remembered; the runner asks at the
//! end which never did.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

static SUCCEEDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// The contract in the repository.
pub fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let path = repository().join("openapi.yaml");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; write it with `make openapi`", path.display()));
        Contract::read(&text)
    })
}

/// Operations that no call of this run had a success from.
#[must_use]
pub fn never_succeeded() -> Vec<String> {
    let succeeded = SUCCEEDED.lock().expect("nobody panics while holding it");
    contract().operations.iter().map(Operation::name).filter(|name| !succeeded.contains(name)).collect()
}

/// The document, cut into operations.
#[derive(Debug)]
pub struct Contract {
    document: Value,
    /// Every operation.
    pub operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With parameters in braces.
    pub path: String,
    /// JSON pointer to the operation.
    pointer: String,
    /// The parameters, each resolved.
    pub parameters: Vec<Value>,
    /// The operation itself.
    pub body: Value,
}

impl Operation {
    /// Method and path.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names of the parameters in the path.
    #[must_use]
    pub fn path_parameters(&self) -> Vec<&str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    fn matches(&self, path: &str) -> bool {
        let (template, actual): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        template.len() == actual.len()
            && template.iter().zip(&actual).all(|(t, a)| if t.starts_with('{') { !a.is_empty() } else { t == a })
    }
}

/// A body as it goes over the wire: its content type, and the bytes without their encoding.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    /// The header, if any.
    pub content_type: Option<&'a str>,
    /// The decoded bytes.
    pub bytes: &'a [u8],
}

impl Contract {
    /// Reads a document.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let document: Value = yaml_serde::from_str(text).expect("openapi.yaml is YAML");
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, body) in item.as_object().expect("a path item") {
                if !["get", "put", "post", "delete", "patch", "head", "options"].contains(&method.as_str()) {
                    continue;
                }
                let shared = item.get("parameters").and_then(Value::as_array).into_iter().flatten();
                let own = body.get("parameters").and_then(Value::as_array).into_iter().flatten();
                let parameters = shared.chain(own).map(|p| resolve(&document, p).clone()).collect();
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    pointer: format!("/paths/{}/{method}", escape(path)),
                    parameters,
                    body: body.clone(),
                });
            }
        }
        Self { document, operations, validators: Mutex::default() }
    }

    /// The whole document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The operation of a call; a literal path wins over one with parameters.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let fits = |operation: &&Operation| operation.method == method && operation.matches(path);
        self.operations.iter().filter(fits).min_by_key(|operation| operation.path.matches('{').count())
    }

    /// What is wrong with a request.
    #[must_use]
    pub fn check_request(
        &self,
        operation: &Operation,
        path: &str,
        query: &[(String, String)],
        body: Option<Body<'_>>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        for (template, actual) in operation.path.split('/').zip(path.split('/')) {
            if let Some(name) = template.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
                self.check_parameter(operation, "path", name, &decoded(actual), &mut faults);
            }
        }
        for (name, value) in query {
            self.check_parameter(operation, "query", name, value, &mut faults);
        }
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let required = parameter["in"] == "query" && parameter["required"] == true;
            if required && !query.iter().any(|(given, _)| given == name) {
                faults.push(format!("the required parameter {name} is missing"));
            }
        }
        match (body, operation.body.get("requestBody")) {
            (None, Some(described)) if resolve(&self.document, described)["required"] == true => {
                faults.push("the body is missing".into());
            }
            (Some(body), Some(described)) => {
                let pointer = format!("{}/requestBody", operation.pointer);
                let content = resolve(&self.document, described);
                self.check_content(&pointer, content, body, &mut faults);
            }
            (Some(body), None) if !body.bytes.is_empty() => faults.push("the operation takes no body".into()),
            _ => {}
        }
        faults
    }

    /// What is wrong with an answer.
    #[must_use]
    pub fn check_answer(&self, operation: &Operation, status: u16, body: Body<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        let responses = &operation.body["responses"];
        let exact = status.to_string();
        let class = format!("{}XX", status / 100);
        let known = [exact.as_str(), class.as_str(), "default"];
        match known.iter().find_map(|key| Some((*key, responses.get(*key)?))) {
            None => faults.push(format!("the status {status} is not documented")),
            Some((key, response)) => {
                let pointer = format!("{}/responses/{key}", operation.pointer);
                let response = resolve(&self.document, response);
                if response.get("content").is_some() || !body.bytes.is_empty() {
                    self.check_content(&pointer, response, body, &mut faults);
                }
            }
        }
        if faults.is_empty() && (200..400).contains(&status) {
            SUCCEEDED.lock().expect("nobody panics while holding it").insert(operation.name());
        }
        faults
    }

    fn check_content(&self, pointer: &str, described: &Value, body: Body<'_>, faults: &mut Vec<String>) {
        let Some(content_type) = body.content_type else {
            return faults.push("the content type is missing".into());
        };
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Some(content) = described.get("content").and_then(Value::as_object) else {
            return faults.push(format!("a body of {media} where none is documented"));
        };
        let found = content.get_key_value(&media).or_else(|| content.get_key_value("*/*"));
        let Some((key, described)) = found else {
            let known: Vec<_> = content.keys().collect();
            return faults.push(format!("the content type {media} is not documented, only {known:?}"));
        };
        if let Some(schema) = described.get("schema")
            && (media == "application/json" || media.ends_with("+json") || schema.get("$ref").is_some() && key == "*/*")
        {
            match serde_json::from_slice::<Value>(body.bytes) {
                Ok(value) => {
                    let pointer = format!("{pointer}/content/{}/schema", escape(key));
                    faults.extend(self.check_value(&pointer, schema, &value));
                }
                Err(error) => faults.push(format!("the body is no JSON: {error}")),
            }
        }
    }

    fn check_parameter(&self, operation: &Operation, place: &str, name: &str, text: &str, faults: &mut Vec<String>) {
        let found = operation.parameters.iter().find(|p| p["in"] == place && p["name"] == name);
        let Some(parameter) = found else {
            return faults.push(format!("the {place} parameter {name} is not documented"));
        };
        let Some(schema) = parameter.get("schema") else { return };
        // A text that reads as a number or a flag may be meant as one.
        let readings =
            [Some(Value::String(text.to_owned())), serde_json::from_str(text).ok().filter(|v: &Value| !v.is_object())];
        let pointer = format!("{}/parameters/{place}/{name}", operation.pointer);
        let refusals: Vec<_> =
            readings.into_iter().flatten().map(|value| self.check_value(&pointer, schema, &value)).collect();
        if !refusals.iter().any(Vec::is_empty) {
            faults.push(format!("the {place} parameter {name}={text}: {}", refusals[0].join("; ")));
        }
    }

    /// What `schema` has against `value`. `pointer` names the schema.
    fn check_value(&self, pointer: &str, schema: &Value, value: &Value) -> Vec<String> {
        let validator = {
            let mut validators = self.validators.lock().expect("nobody panics while holding it");
            let known = validators.entry(pointer.to_owned());
            Arc::clone(known.or_insert_with(|| Arc::new(self.validator(pointer, schema))))
        };
        let shown = |error: jsonschema::ValidationError<'_>| {
            let text: String = error.to_string().chars().take(300).collect();
            format!("{} {text}", error.instance_path())
        };
        validator.iter_errors(value).take(5).map(shown).collect()
    }

    fn validator(&self, pointer: &str, schema: &Value) -> Validator {
        // The components come along, so that `#/components/schemas/..` leads somewhere.
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.document.get("components").cloned().unwrap_or(Value::Object(Map::new())),
        });
        jsonschema::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap_or_else(|error| panic!("the schema at {pointer} is none: {error}"))
    }
}

fn escape(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("#{pointer} leads nowhere")),
        None => value,
    }
}

/// A path segment without its percent signs.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex =
            bytes.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        match hex.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
