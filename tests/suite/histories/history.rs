//! What a history is made of, and how one comes about.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::moment::text;

/// A history: events with their deliveries, and what else happens in each phase.
#[derive(Debug, Clone)]
pub struct History {
    /// The tenant's time zone.
    pub zone: &'static str,
    /// The events.
    pub events: Vec<Sent>,
    /// What happens beside the deliveries of each phase.
    pub happenings: Vec<Beside>,
}

/// An event and its deliveries.
#[derive(Debug, Clone)]
pub struct Sent {
    pub who: Who,
    pub what: What,
    /// After the start of the history.
    pub minutes: i64,
    /// In cents.
    pub value: i64,
    pub deliveries: Vec<Delivery>,
}

/// The identities that an event names.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    pub user: Option<u8>,
    pub anonymous: Option<u8>,
    pub previous: Option<u8>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum What {
    Exposure { experiment: u8, arm: u8 },
    Order { foreign: bool },
    Refund,
    Page { device: u8 },
}

/// One sending of an event.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    pub phase: u8,
    /// Even batches go to the first service.
    pub batch: u8,
    /// The place within the batch.
    pub place: u16,
    /// Another body is sent under the same id.
    pub altered: bool,
}

/// What happens while the batches of a phase are on their way.
#[derive(Debug, Clone, Copy)]
pub enum Beside {
    Nothing,
    /// The window of a metric changes, so both experiments are measured again.
    Window {
        days: u8,
        /// Milliseconds after the batches were sent.
        after: u64,
    },
    /// The second experiment is defined, or gets other metrics.
    Second {
        metrics: u8,
    },
    /// A service is killed and started again.
    Kill {
        service: u8,
    },
    /// Somebody reads.
    Reads,
}

pub const PHASES: u8 = 3;
pub const BATCHES: u8 = 4;
pub const EXPERIMENTS: [&str; 2] = ["mail", "shop"];
const ARMS: [&str; 4] = ["off", "on", "more", "not an arm"];

/// The start of every history: the clocks change in Berlin on its tenth day, and the last windows end before today.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 10, 15, 21, 30, 0).single().expect("an instant")
}

pub fn history() -> impl Strategy<Value = History> {
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]);
    (zone, vec(sent(), 8..70), vec(beside(), usize::from(PHASES))).prop_map(|(zone, events, happenings)| History {
        zone,
        events,
        happenings,
    })
}

fn who() -> impl Strategy<Value = Who> {
    let user = |n: u8| Who { user: Some(n), anonymous: None, previous: None };
    let anonymous = |n: u8| Who { user: None, anonymous: Some(n), previous: None };
    prop_oneof![
        6 => (0u8..7).prop_map(user),
        4 => (0u8..7).prop_map(anonymous),
        2 => (0u8..7, 0u8..7).prop_map(|(u, a)| Who { user: Some(u), anonymous: Some(a), previous: None }),
        1 => (0u8..7, 0u8..7).prop_map(|(u, p)| Who { user: Some(u), anonymous: None, previous: Some(p) }),
    ]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        4 => (0u8..2, prop_oneof![5 => 0u8..2, 2 => 2u8..4]).prop_map(|(experiment, arm)| What::Exposure { experiment, arm }),
        5 => prop::bool::weighted(0.1).prop_map(|foreign| What::Order { foreign }),
        1 => Just(What::Refund),
        2 => (0u8..3).prop_map(|device| What::Page { device }),
    ]
}

/// Minutes over four weeks: often on the hour, so that events share instants, and often about midnight and the window's end.
fn minutes() -> impl Strategy<Value = i64> {
    const DAY: i64 = 24 * 60;
    prop_oneof![
        3 => (0i64..28 * 24).prop_map(|hour| hour * 60),
        2 => 0i64..28 * DAY,
        2 => (0i64..28, prop::sample::select(vec![-1, 0, 1])).prop_map(|(day, off)| day * DAY + off),
        1 => (9i64..12, 0i64..24).prop_map(|(day, hour)| day * DAY + hour * 60 + 30),
    ]
}

fn delivery() -> impl Strategy<Value = Delivery> {
    (0..PHASES, 0..BATCHES, any::<u16>(), prop::bool::weighted(0.08))
        .prop_map(|(phase, batch, place, altered)| Delivery { phase, batch, place, altered })
}

fn sent() -> impl Strategy<Value = Sent> {
    let value = prop_oneof![4 => 1i64..20_000, 1 => Just(0), 1 => -5_000i64..0, 1 => 9_999_000i64..10_000_000];
    (who(), what(), minutes(), value, vec(delivery(), 1..4)).prop_map(|(who, what, minutes, value, deliveries)| Sent {
        who,
        what,
        minutes,
        value,
        deliveries,
    })
}

fn beside() -> impl Strategy<Value = Beside> {
    prop_oneof![
        3 => Just(Beside::Nothing),
        3 => (2u8..9, prop::sample::select(vec![4, 40, 100])).prop_map(|(days, after)| Beside::Window { days, after }),
        3 => (0u8..3).prop_map(|metrics| Beside::Second { metrics }),
        1 => (0u8..2).prop_map(|service| Beside::Kill { service }),
        2 => Just(Beside::Reads),
    ]
}

impl Sent {
    /// The body that is sent for event number `number`.
    pub fn body(&self, number: usize, altered: bool) -> Value {
        let at = start() + TimeDelta::minutes(self.minutes);
        let mut event = json!({"event_id": format!("event {number}"), "occurred_at": text(at)});
        let name = |kind: &str, n: Option<u8>| n.map(|n| format!("{kind}{n}"));
        // A user id, an anonymous id and a former id share texts on purpose.
        event["user_id"] = json!(name("p", self.who.user));
        event["anonymous_id"] = json!(name("p", self.who.anonymous));
        event["previous_id"] = json!(name("p", self.who.previous));
        let cents = self.value + i64::from(altered);
        let sign = if cents < 0 { "-" } else { "" };
        let money = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
        let properties = match self.what {
            What::Exposure { experiment, arm } => {
                event["name"] = json!("Experiment Viewed");
                let again = if altered { json!(1) } else { json!(0) };
                json!({"experiment_id": EXPERIMENTS[usize::from(experiment)], "variation_id": ARMS[usize::from(arm)], "again": again})
            }
            What::Order { foreign } => {
                event["name"] = json!("Order Completed");
                event["value"] = json!(money);
                if foreign {
                    event["currency"] = json!("USD");
                }
                json!({"category": if self.value % 2 == 0 { "boots" } else { "hats" }})
            }
            What::Refund => {
                event["name"] = json!("Order Refunded");
                event["value"] = json!(money);
                json!({})
            }
            What::Page { device } => {
                event["name"] = json!("Page Viewed");
                let device = ["ios", "android", "web"][usize::from(device)];
                event["context"] = json!({"device": {"type": device}});
                json!({"step": i64::from(altered)})
            }
        };
        event["properties"] = properties;
        event
    }
}
