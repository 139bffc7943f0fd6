//! The ledger of a load: what was acknowledged, what was not answered, and what must be stored in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::events::{order, with};
use tests::moment::days_ago;
use tests::{Client, Tenant, World};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// A load of orders on a few connections, each batch written down before it is sent.
pub struct Load {
    stopped: Arc<AtomicBool>,
    senders: JoinSet<Sent>,
    /// Batches acknowledged so far.
    pub acknowledged: Arc<AtomicU64>,
    /// Answers other than success, by status.
    pub refusals: Arc<Mutex<BTreeMap<u16, u64>>>,
}

/// What became of the batches of a sender.
#[derive(Default)]
pub struct Sent {
    /// Answered with success.
    pub acknowledged: Vec<Vec<Value>>,
    /// Not answered, or refused for a passing reason: nobody knows.
    pub unknown: Vec<Vec<Value>>,
}

/// The value of order number `n`, in cents.
fn cents(n: u64) -> u64 {
    n % 997 + 1
}

impl Load {
    /// Starts senders, each of which goes on until the load is stopped.
    pub fn start(clients: Vec<Client>, batch: u64) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let refusals = Arc::new(Mutex::new(BTreeMap::new()));
        let number = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        let at = days_ago(20);
        for client in clients {
            let (stopped, acknowledged, refusals, number) =
                (stopped.clone(), acknowledged.clone(), refusals.clone(), number.clone());
            senders.spawn(async move {
                let mut sent = Sent::default();
                while !stopped.load(Ordering::Relaxed) {
                    let from = number.fetch_add(batch, Ordering::Relaxed);
                    let events: Vec<Value> = (from..from + batch)
                        .map(|n| {
                            let value = format!("{}.{:02}", cents(n) / 100, cents(n) % 100);
                            with(order(&format!("o{n}"), &format!("u{}", n % 50), &value, at), &json!({}))
                        })
                        .collect();
                    match client.post("/v1/events").json(&json!(events)).try_send().await {
                        Ok(answer) if answer.status == 200 => {
                            assert_eq!(answer.json()["rejected"], json!([]));
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                            sent.acknowledged.push(events);
                        }
                        other => {
                            if let Ok(answer) = &other {
                                *refusals.lock().await.entry(answer.status).or_insert(0) += 1;
                            }
                            sent.unknown.push(events);
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
                sent
            });
        }
        Self { stopped, senders, acknowledged, refusals }
    }

    /// Waits until so many more batches are acknowledged.
    pub async fn more(&self, batches: u64) {
        let wanted = self.acknowledged.load(Ordering::Relaxed) + batches;
        for _ in 0..3_000 {
            if self.acknowledged.load(Ordering::Relaxed) >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the load does not get through: {:?}", self.refusals.lock().await);
    }

    /// Stops the senders and gives what they sent.
    pub async fn stop(mut self) -> Sent {
        self.stopped.store(true, Ordering::Relaxed);
        let mut all = Sent::default();
        while let Some(sent) = self.senders.join_next().await {
            let sent = sent.expect("a sender ends");
            all.acknowledged.extend(sent.acknowledged);
            all.unknown.extend(sent.unknown);
        }
        all
    }
}

/// The oracle: after the unknown batches are sent again, what is stored is what was sent, once, and the results count
/// exactly that. Every one of the fifty users was exposed to `on` in the experiment `e`, whose metric `spend` sums orders.
pub async fn judge(world: &World, tenant: &Tenant, sent: &Sent) {
    let pool = world.superuser().await;
    let stored = async || -> BTreeSet<String> {
        let ids: Vec<uuid::Uuid> =
            sqlx::query_scalar("SELECT event_id FROM event WHERE tenant_id = $1 AND name = 'Order Completed'")
                .bind(tenant.id.parse::<uuid::Uuid>().unwrap())
                .fetch_all(&pool)
                .await
                .unwrap();
        let distinct: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), ids.len(), "an id is stored twice");
        distinct
    };
    let id = |event: &Value| {
        let id = journey::EventId::parse(event["event_id"].as_str().unwrap(), "").unwrap();
        uuid::Uuid::from_bytes(id.bytes()).to_string()
    };
    let ids = |batches: &[Vec<Value>]| batches.iter().flatten().map(id).collect::<BTreeSet<_>>();
    let (acknowledged, unknown) = (ids(&sent.acknowledged), ids(&sent.unknown));
    let before = stored().await;
    let lost: Vec<_> = acknowledged.difference(&before).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged events are lost", lost.len(), acknowledged.len());
    let phantoms = before.difference(&acknowledged).filter(|id| !unknown.contains(*id)).count();
    assert_eq!(phantoms, 0, "events that nobody sent are stored");
    for batch in &sent.unknown {
        tests::world::deliver(&tenant.ingest, batch).await;
    }
    let all: BTreeSet<_> = acknowledged.union(&unknown).cloned().collect();
    let after = stored().await;
    assert!(after == all, "{} events are stored after the retries, {} were sent", after.len(), all.len());

    let numbers = sent.acknowledged.iter().chain(&sent.unknown).flatten();
    let total: u64 = numbers.map(|event| cents(event["event_id"].as_str().unwrap()[1..].parse().unwrap())).sum();
    let results = tenant.settled("e", "maturity=live").await;
    let tally = &tests::events::arm(&results, "spend", "on")["tally"];
    let wanted = journey::format_units(i128::from(total) * 10_000);
    assert_eq!((tally["count"].as_u64(), tally["sum"].as_str()), (Some(50), Some(wanted.as_str())), "{results}");
}

/// Exposes the fifty users of the load.
pub async fn expose(tenant: &Tenant) {
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["spend"])).await;
    let at = days_ago(20);
    let exposures: Vec<Value> =
        (0..50).map(|n| tests::events::exposure(&format!("x{n}"), &format!("u{n}"), "e", "on", at)).collect();
    tenant.accept(&exposures).await;
}
