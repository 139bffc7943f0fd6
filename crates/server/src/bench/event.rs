//! One synthetic event, as the body of a request and as a line of `COPY`.

use std::io::Write as _;

use journey::{Instant, names};
use serde_json::json;
use uuid::Uuid;

use super::dice::Dice;

/// Under which identity a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Not signed in.
    Anonymous,
    /// Signed in.
    User,
    /// Signing in: the event links the two.
    Both,
}

/// An event before it is written in one of its forms.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) person: usize,
    pub(super) identity: Identity,
    pub(super) name: &'static str,
    pub(super) channel: &'static str,
    pub(super) at: Instant,
    /// In hundredths of the tenant's currency.
    pub(super) cents: Option<i64>,
    /// Experiment and arm.
    pub(super) exposure: Option<(&'static str, &'static str)>,
    /// Determines the properties.
    pub(super) details: u64,
}

const DEVICES: [&str; 4] = ["ios", "android", "desktop", "tablet"];
const CATEGORIES: [&str; 8] =
    ["boots", "sandals", "outdoor-jackets", "backpacks", "tents", "running-shoes", "rainwear", "accessories"];
const BRANDS: [&str; 6] = ["Northpeak", "Ridgeline", "Fjordhaus", "Altimeter", "Bruckner & Sons", "Mistral"];
const CAMPAIGNS: [&str; 5] =
    ["spring-newsletter-2", "retargeting-cart", "brand-search", "loyalty-double-points", "none"];

impl Event {
    /// The key of the subject, as the service stores it.
    pub(super) fn subject(&self) -> String {
        match self.identity {
            Identity::Anonymous => format!("a:device-{}", self.person),
            Identity::User | Identity::Both => format!("u:customer-{}", self.person),
        }
    }

    /// The properties: about 400 bytes of JSON, as a shop sends them.
    pub(super) fn properties(&self) -> String {
        let mut dice = Dice::new(self.details, 1);
        let category = dice.pick(&CATEGORIES);
        let product = dice.below(40_000);
        let mut properties = json!({
            "url": format!("https://shop.example.com/{category}/{product}-{:08x}?utm_medium=cpc", dice.next() >> 32),
            "referrer": format!("https://www.search.example/results?q={category}&page={}", dice.below(5)),
            "product_id": format!("sku-{product:06}"),
            "category": category,
            "brand": dice.pick(&BRANDS),
            "price": (dice.below(30_000) as f64) / 100.0,
            "quantity": 1 + dice.below(3),
            "position": dice.below(60),
            "session_id": format!("{:016x}", dice.next()),
            "campaign": dice.pick(&CAMPAIGNS),
            "locale": "de-DE",
            "app_version": format!("7.{}.{}", dice.below(20), dice.below(10)),
        });
        // Most events know the device; a person mostly keeps to one.
        if !dice.percent(20) {
            let device = if dice.percent(90) { DEVICES[self.person % 4] } else { dice.pick(&DEVICES) };
            properties["device"] = json!(device);
        }
        if let Some((experiment, arm)) = self.exposure {
            properties["experiment_id"] = json!(experiment);
            properties["variation_id"] = json!(arm);
        }
        properties.to_string()
    }

    /// Appends the event as the API takes it.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{{\"event_id\":\"{}\"", self.id);
        if self.identity != Identity::Anonymous {
            let _ = write!(out, ",\"user_id\":\"customer-{}\"", self.person);
        }
        if self.identity != Identity::User {
            let _ = write!(out, ",\"anonymous_id\":\"device-{}\"", self.person);
        }
        let _ =
            write!(out, ",\"name\":\"{}\",\"occurred_at\":\"{}\",\"channel\":\"{}\"", self.name, self.at, self.channel);
        if let Some(cents) = self.cents {
            let sign = if cents < 0 { "-" } else { "" };
            let _ = write!(out, ",\"value\":\"{sign}{}.{:02}\"", cents.abs() / 100, cents.abs() % 100);
        }
        let _ = write!(out, ",\"properties\":{}}}", self.properties());
    }

    /// Appends the row that the service would store, as a line of `COPY` in text format, in the order of [`COLUMNS`].
    pub(super) fn write_row(&self, tenant: Uuid, received_at: Instant, out: &mut Vec<u8>) {
        const NULL: &str = "\\N";
        let (experiment, arm) = self.exposure.unwrap_or((NULL, NULL));
        let value = self.units().map_or(NULL.to_owned(), |units| units.to_string());
        // The only character of ours that the format gives a meaning to.
        let data = self.data().replace('\\', "\\\\");
        let _ = writeln!(
            out,
            "{tenant}\t{}\t{}\t{}\t{received_at}\t{}\t{}\t{value}\t{experiment}\t{arm}\t{}\t{data}",
            self.id,
            self.subject(),
            self.at,
            self.name,
            self.channel,
            self.digest(),
        );
    }

    /// The value as it is stored, in millionths.
    pub(super) fn units(&self) -> Option<i64> {
        self.cents.map(|cents| cents * (journey::UNIT / 100))
    }

    /// The JSON as it is stored.
    pub(super) fn data(&self) -> String {
        format!("{{\"properties\":{}}}", self.properties())
    }

    /// As large and as random as the service's digest.
    pub(super) fn digest(&self) -> i64 {
        self.details.cast_signed()
    }
}

/// The columns of [`Event::write_row`].
pub(super) const COLUMNS: &str =
    "tenant_id, event_id, subject, occurred_at, received_at, name, channel, value, experiment, arm, digest, data";

/// What happens, in percent of all events; the rest is pages viewed.
pub(super) const MIX: [(u64, &str, &str); 5] = [
    (12, names::EXPOSURE, "web"),
    (8, names::ORDER, "web"),
    (1, names::REFUND, "web"),
    (20, "Product Viewed", "app"),
    (5, "Email Opened", "email"),
];
