//! The counters behind `/metrics`. None carries a tenant: whoever may read them learns nothing about who sends what.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::collect::outcome::Outcomes;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    outcome: &'static str,
    code: String,
}

/// The counters of one process.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    events: Family<EventLabels, Counter>,
    retries: Counter,
    in_flight: Gauge,
}

fn histogram() -> Histogram {
    Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0])
}

impl Default for Telemetry {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("journeylift");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let events = Family::default();
        let retries = Counter::default();
        let in_flight = Gauge::default();
        registry.register("requests", "Requests by method, route and status", requests.clone());
        registry.register("request_seconds", "Time until a request was answered, by route", seconds.clone());
        registry.register("events", "Events by outcome and, where rejected, by code", events.clone());
        registry.register("retries", "Requests that a client library marked as a retry", retries.clone());
        registry.register("in_flight_bytes", "Decoded bytes of all bodies that are held", in_flight.clone());
        Self { registry, requests, seconds, events, retries, in_flight }
    }
}

impl Telemetry {
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        // A method that HTTP does not know would make a new label with each request.
        let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
        let method = if known.contains(&method) { method } else { "other" };
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    pub(crate) fn collected(&self, outcomes: &Outcomes) {
        let count = |outcome, code: &str, by: usize| {
            if by > 0 {
                let labels = EventLabels { outcome, code: code.to_owned() };
                self.events.get_or_create(&labels).inc_by(by as u64);
            }
        };
        count("accepted", "", outcomes.accepted);
        count("duplicate", "", outcomes.duplicates);
        for refusal in &outcomes.rejected {
            count("rejected", refusal.code, 1);
        }
    }

    /// Prometheus' text.
    pub(crate) fn text(&self, in_flight_bytes: usize) -> String {
        self.in_flight.set(i64::try_from(in_flight_bytes).unwrap_or(i64::MAX));
        let mut out = String::new();
        if text::encode(&mut out, &self.registry).is_err() {
            tracing::error!("the metrics could not be written");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_was_answered() {
        let telemetry = Telemetry::default();
        telemetry.answered("GET", "/livez", 200, Duration::from_millis(3));
        telemetry.answered("BREW", "/livez", 405, Duration::from_millis(3));
        telemetry.retried();
        let text = telemetry.text(7);
        for line in [
            r#"journeylift_requests_total{method="GET",route="/livez",status="200"} 1"#,
            r#"journeylift_requests_total{method="other",route="/livez",status="405"} 1"#,
            r#"journeylift_request_seconds_count{route="/livez"} 2"#,
            "journeylift_retries_total 1",
            "journeylift_in_flight_bytes 7",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
