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
const LOCALES: [&str; 5] = ["de-DE", "de-AT", "fr-FR", "en-GB", "nl-NL"];
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
            "locale": LOCALES[self.person % 5],
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

    /// Appends the event as a row of a table whose columns [`CSV_HEADER`] names, without the end of the line.
    pub(super) fn write_csv(&self, out: &mut Vec<u8>) {
        let (anonymous, user) = (self.identity != Identity::User, self.identity != Identity::Anonymous);
        let identity = |there: bool, kind: &str| if there { format!("{kind}-{}", self.person) } else { String::new() };
        let cents = self.cents.map_or_else(String::new, |cents| {
            let sign = if cents < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
        });
        let _ = write!(
            out,
            "{},{},{},{},{},{},{cents}",
            self.id,
            identity(user, "customer"),
            identity(anonymous, "device"),
            self.name,
            self.at,
            self.channel
        );
        let properties: serde_json::Value = serde_json::from_str(&self.properties()).unwrap_or_default();
        for name in PROPERTIES {
            let _ = match &properties[name] {
                serde_json::Value::Null => write!(out, ","),
                serde_json::Value::String(text) => write!(out, ",{text}"),
                other => write!(out, ",{other}"),
            };
        }
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

    /// Appends the event as it was sent, as a line of `COPY` for a table with its id, its person, its time and its JSON.
    pub(super) fn write_plain_row(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.write_json(&mut body);
        let body = String::from_utf8_lossy(&body).replace('\\', "\\\\");
        let _ = writeln!(out, "{}\t{}\t{}\t{body}", self.id, self.subject(), self.at);
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

/// The properties that there can be; none of their values holds a comma or a quotation mark.
const PROPERTIES: [&str; 15] = [
    "url",
    "referrer",
    "product_id",
    "category",
    "brand",
    "price",
    "quantity",
    "position",
    "session_id",
    "campaign",
    "locale",
    "app_version",
    "device",
    "experiment_id",
    "variation_id",
];

/// The columns of [`Event::write_csv`]: those of the event, and [`PROPERTIES`].
pub(super) const CSV_HEADER: &str = "event_id,user_id,anonymous_id,name,occurred_at,channel,value,url,referrer,product_id,\
     category,brand,price,quantity,position,session_id,campaign,locale,app_version,device,experiment_id,variation_id\n";

/// What becomes of these columns.
pub(super) const CSV_MAPPING: &str = "event_id=event_id,user_id=user_id,anonymous_id=anonymous_id,name=name,\
     occurred_at=occurred_at,channel=channel,value=value,properties=*";

/// The columns of [`Event::write_row`].
pub(super) const COLUMNS: &str =
    "tenant_id, event_id, subject, occurred_at, received_at, name, channel, value, experiment, arm, digest, data";

/// What happens besides the exposures of everyone, in percent; the rest is pages viewed.
pub(super) const MIX: [(u64, &str, &str); 5] = [
    (4, names::EXPOSURE, "web"),
    (11, names::ORDER, "web"),
    (2, names::REFUND, "web"),
    (28, "Product Viewed", "app"),
    (8, "Email Opened", "email"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_field_for_every_property() {
        let exposure = Some(("recommendations", "none"));
        let (id, at) = (Uuid::nil(), Instant::from_micros(1_800_000_000_000_000));
        for details in 0..100 {
            let event = Event {
                id,
                person: 3,
                identity: Identity::Both,
                name: names::EXPOSURE,
                channel: "web",
                at,
                cents: Some(-150),
                exposure,
                details,
            };
            let properties: serde_json::Value = serde_json::from_str(&event.properties()).unwrap();
            assert!(properties.as_object().unwrap().keys().all(|name| PROPERTIES.contains(&name.as_str())));
            let mut row = Vec::new();
            event.write_csv(&mut row);
            let row = String::from_utf8(row).unwrap();
            assert_eq!(row.split(',').count(), CSV_HEADER.split(',').count(), "{row}");
            assert!(
                row.ends_with("recommendations,none")
                    && row.contains(",customer-3,device-3,")
                    && row.contains(",-1.50,")
            );
        }
    }
}
