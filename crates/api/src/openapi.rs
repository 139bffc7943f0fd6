//! The document of the whole contract: what the handlers say, and what holds for all of them.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, Ref,
    RefOr, Required,
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::body::NOT_TOLD;
use crate::state::AppState;
use crate::wire::event::Rejected;
use crate::wire::problem::{Fault, Problem};

/// `openapi.yaml`: the whole contract, OpenAPI 3.1.
#[must_use]
pub fn openapi_yaml() -> String {
    let (_, document) = crate::routes::routes().split_for_parts();
    // A document that does not serialize would have no text to compare with the one that is checked in.
    complete(document).to_yaml().unwrap_or_default()
}

const ABOUT: &str = "Measures whether personalised customer journeys work: events in, lifts with their uncertainty out.\n\n\
Times are RFC 3339 in UTC, answers UTF-8. Whatever is refused is answered as a problem document of RFC 9457; a query \
parameter or a field that is not known is refused with the known ones. A body is JSON under the name that `curl -d` gives \
it, too. Transient trouble is 503 with `Retry-After` in whole \
seconds. What belongs to another tenant is 404, exactly as what does not exist. Routes that answer GET answer HEAD too.";

/// What stands before any route is added.
pub(crate) fn base() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Journeylift")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let tag = |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    OpenApiBuilder::new()
        .info(info)
        .paths(Paths::new())
        .tags(Some([
            tag("collect", "Events in the native format"),
            tag("segment", "Segment's tracking API, for its and RudderStack's client libraries"),
            tag("configure", "Experiments and metrics"),
            tag("read", "Results"),
            tag("manage", "Tenants and keys"),
            tag("operate", "The process itself"),
        ]))
        .components(Some(components()))
        .build()
}

/// The schemes, headers and answers that many routes share.
fn components() -> utoipa::openapi::Components {
    let bearer = |about: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
        SecurityScheme::Http(http)
    };
    let mut basic = Http::new(HttpAuthScheme::Basic);
    basic.description = Some("The key as user name, with an empty password; on routes that collect".to_owned());
    let api_key = ApiKey::Header(ApiKeyValue::with_description("X-Api-Key", "A key of a tenant"));
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", bearer("A key of a tenant, with the scope that the route needs"))
        .security_scheme("operator", bearer("The operator key of the service"))
        .security_scheme("basic", SecurityScheme::Http(basic))
        .security_scheme("api_key", SecurityScheme::ApiKey(api_key))
        .build();
    let mut schemas = vec![("Problem".to_owned(), <Problem as utoipa::PartialSchema>::schema())];
    for (name, schema) in [
        ("Fault", <Fault as utoipa::PartialSchema>::schema()),
        ("Rejected", <Rejected as utoipa::PartialSchema>::schema()),
    ] {
        schemas.push((name.to_owned(), schema));
    }
    <Problem as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (name, response) in shared_answers() {
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    components.headers.insert("RequestId".to_owned(), RefOr::T(text_header("The id of the request, as sent or made")));
    for (name, parameter) in shared_parameters() {
        components.parameters.insert(name.to_owned(), RefOr::T(parameter));
    }
    components
}

fn text_header(about: &str) -> Header {
    HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).description(Some(about)).build()
}

fn seconds_header(about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(300));
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn header_parameter(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

fn shared_parameters() -> [(&'static str, Parameter); 6] {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let id = text().min_length(Some(1)).max_length(Some(128)).pattern(Some("^[-A-Za-z0-9_.:/+=@]+$"));
    let encoding = text().enum_values(Some(["identity", "gzip", "zstd"]));
    let count = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    [
        (
            "RequestId",
            header_parameter(
                "X-Request-Id",
                "An id of your own for this request; it comes back, and stands in the logs",
                id,
            ),
        ),
        ("ContentEncoding", header_parameter("Content-Encoding", "How the body is encoded", encoding)),
        ("RetryCount", header_parameter("X-Retry-Count", "How often this was sent before; it is counted", count)),
        ("Origin", header_parameter("Origin", "The origin of the page", text())),
        ("RequestMethod", header_parameter("Access-Control-Request-Method", "The method that it wants to use", text())),
        (
            "RequestHeaders",
            header_parameter("Access-Control-Request-Headers", "The headers that it wants to send", text()),
        ),
    ]
}

/// An answer with a problem document.
fn problem(about: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(about)
        .content("application/problem+json", content)
        .header_ref("X-Request-Id", Ref::new("#/components/headers/RequestId"))
}

fn shared_answers() -> [(&'static str, Response); 9] {
    let preflight = ResponseBuilder::new()
        .description("What a page of any origin may do here")
        .header("Access-Control-Allow-Origin", text_header("`*`"))
        .header("Access-Control-Allow-Methods", text_header("`POST`"))
        .header("Access-Control-Allow-Headers", text_header("The headers that may be sent"))
        .header("Access-Control-Max-Age", text_header("How long this may be remembered, in seconds"))
        .header_ref("X-Request-Id", Ref::new("#/components/headers/RequestId"))
        .build();
    let challenge = || text_header("What is needed");
    let retry = || seconds_header("When to try again, in seconds");
    [
        ("Preflight", preflight),
        ("BadRequest", problem("The request is not understood; `errors` says where").build()),
        ("Unauthorized", problem("No key, or one that does not work").header("WWW-Authenticate", challenge()).build()),
        ("Forbidden", problem("The key may not do this").header("WWW-Authenticate", challenge()).build()),
        ("NotFound", problem("It does not exist, or belongs to another tenant").build()),
        ("TooLarge", problem("The body is too large, as sent or as decoded, or holds too many events").build()),
        (
            "Unsupported",
            problem("The media type or the content encoding is not known here")
                .header("Accept-Encoding", text_header("The encodings that are"))
                .build(),
        ),
        ("Internal", problem("The service failed").build()),
        ("Unavailable", problem("Transient trouble: nothing was decided").header("Retry-After", retry()).build()),
    ]
}

/// Adds to every operation what holds for all.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let mut bodies = BTreeMap::new();
    for item in document.paths.paths.values_mut() {
        if let Some(post) = &mut item.post {
            share_body(post, &mut bodies);
        }
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.options];
        operations.into_iter().flatten().for_each(complete_operation);
    }
    document.components.get_or_insert_default().request_bodies = bodies;
    document
}

/// Segment's routes take two kinds of bodies between them: they stand once, for all of them.
fn share_body(operation: &mut Operation, bodies: &mut BTreeMap<String, RefOr<RequestBody>>) {
    if !operation.tags.iter().flatten().any(|tag| tag == "segment") {
        return;
    }
    let Some(RefOr::T(body)) = &operation.request_body else { return };
    let is_batch = body.content.values().any(|content| {
        matches!(content, RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) if schema.ref_location.ends_with("SegmentBatch"))
    });
    let name = if is_batch { "SegmentBatch" } else { "SegmentCall" };
    bodies.entry(name.to_owned()).or_insert_with(|| RefOr::T(body.clone()));
    operation.request_body = Some(RefOr::Ref(Ref::new(format!("#/components/requestBodies/{name}"))));
}

/// Tools that were not told what a body is send it under another type, which is taken where it looks like JSON.
fn take_what_was_not_told(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    if let Some(json) = body.content.get("application/json").cloned() {
        for media_type in NOT_TOLD {
            body.content.entry(media_type.to_owned()).or_insert_with(|| json.clone());
        }
    }
}

fn complete_operation(operation: &mut Operation) {
    take_what_was_not_told(operation);
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(parameter_ref("RequestId"));
    let collects = operation.tags.iter().flatten().any(|tag| tag == "collect" || tag == "segment");
    if collects && operation.request_body.is_some() {
        parameters.extend(["ContentEncoding", "RetryCount"].map(parameter_ref));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), RefOr::Ref(Ref::new("#/components/headers/RequestId")));
        }
    }
    let mut answers = vec![("400", "BadRequest"), ("500", "Internal"), ("503", "Unavailable")];
    if operation.security.is_some() {
        answers.extend([("401", "Unauthorized"), ("403", "Forbidden")]);
    }
    if operation.request_body.is_some() {
        answers.extend([("413", "TooLarge"), ("415", "Unsupported")]);
    }
    for (status, name) in answers {
        let answer = RefOr::Ref(Ref::from_response_name(name));
        operation.responses.responses.entry(status.to_owned()).or_insert(answer);
    }
    // What a handler declares without a body is a problem too.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(declared) = response
            && declared.content.is_empty()
            && status.starts_with('4')
        {
            *response = RefOr::T(problem(&declared.description).build());
        }
    }
}

/// The preflight request with which browsers ask whether a page may post.
fn preflight(id: &str) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(format!("{id}_preflight")))
        .summary(Some("Whether a web page may post here"))
        .build();
    let names = ["Origin", "RequestMethod", "RequestHeaders"];
    operation.parameters = Some(names.into_iter().map(parameter_ref).collect());
    operation.responses.responses.insert("200".to_owned(), RefOr::Ref(Ref::from_response_name("Preflight")));
    operation
}

fn parameter_ref(name: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")))
}

fn id_of(item: &PathItem) -> String {
    item.post.as_ref().and_then(|operation| operation.operation_id.clone()).unwrap_or_default()
}

/// Describes the preflight of a route that collects.
fn with_preflight(mut routes: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
    for item in routes.1.paths.values_mut() {
        let mut options = preflight(&id_of(item));
        options.tags = item.post.as_ref().and_then(|operation| operation.tags.clone());
        item.options = Some(options);
    }
    routes
}

/// Adds the same route under its short name (empty: it has none), and each of them with a slash at its end.
pub(crate) fn with_twins(mut routes: UtoipaMethodRouter<AppState>, short: &str) -> UtoipaMethodRouter<AppState> {
    let originals: Vec<(String, PathItem)> = routes.1.paths.clone().into_iter().collect();
    for (path, original) in originals {
        let slash = (format!("{path}/"), "slash");
        let twins = [(short.to_owned(), "short"), (format!("{short}/"), "short_slash")];
        for (twin, suffix) in std::iter::once(slash).chain(twins.into_iter().filter(|_| !short.is_empty())) {
            let mut item = original.clone();
            if let Some(operation) = &mut item.post {
                operation.operation_id = operation.operation_id.as_ref().map(|id| format!("{id}_{suffix}"));
                operation.summary = Some(format!("The same as {path}"));
                operation.description = None;
            }
            routes.1.paths.insert(twin, item);
        }
    }
    with_preflight(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> OpenApi {
        complete(crate::routes::routes().split_for_parts().1)
    }

    #[test]
    fn the_document_that_is_checked_in_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.yaml");
        if std::env::var_os("JOURNEYLIFT_WRITE_OPENAPI").is_some() {
            std::fs::write(path, openapi_yaml()).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert!(
            checked_in == openapi_yaml(),
            "openapi.yaml is out of date: run JOURNEYLIFT_WRITE_OPENAPI=1 cargo test -p api the_document"
        );
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_an_id_of_its_own() {
        let text = serde_json::to_string(&document()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["openapi"], "3.1.0");
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(value.pointer(pointer).is_some(), "{pointer} does not exist");
        }
        let mut ids: Vec<&str> =
            text.split("\"operationId\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count > 40, "{count}");
    }
}
