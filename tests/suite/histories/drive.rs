//! Plays a history: sends its phases through both services, disturbs them, and holds what is stored against the truth.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use server::postgres::Role;
use store::{Clock, Store, StoreOptions};
use tests::{Service, Tenant, World};

use super::history::{BATCHES, Beside, EXPERIMENTS, History, PHASES};
use super::truth;

/// Two services on one database, and a reader that measures nothing.
pub struct Stage {
    pub world: World,
    second: Service,
    /// Reads tallies as the API does, without ever measuring.
    pub reader: Store,
    pub superuser: sqlx::PgPool,
}

fn metrics() -> [(&'static str, Value); 8] {
    let orders = |of: &str| json!({"event": "Order Completed", "of": of});
    [
        ("bought", json!({"kind": "conversion", "event": "Order Completed", "curve": true})),
        ("spend", json!({"kind": "sum", "event": "Order Completed", "window_days": 5, "cap": "250"})),
        ("aov", json!({"kind": "ratio", "numerator": orders("value"), "denominator": orders("count")})),
        ("boots", json!({"kind": "count", "event": "Order Completed", "where": {"properties.category": "boots"}})),
        (
            "back",
            json!({"kind": "retention", "event": "*", "from_day": 1, "to_day": 4, "align": "calendar", "curve": true}),
        ),
        (
            "clv",
            json!({"kind": "clv", "event": "Order Completed", "lifespan": "estimated", "inactive_days": 2, "window_days": 9, "curve": true, "predict": true}),
        ),
        ("median", json!({"kind": "quantile", "event": "Order Completed", "of": "value", "q": 0.5})),
        ("most", json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.8, "ignore_zeros": true}})),
    ]
}

fn experiment(which: usize, metrics: &[&str]) -> Value {
    let mut body = tests::events::experiment(metrics);
    body["arms"] = json!([{"key": "off", "weight": 1}, {"key": "on", "weight": 1}, {"key": "more", "weight": 0.5}]);
    body["dimensions"] = json!(["device"]);
    if which == 0 {
        body["window_days"] = json!(7);
        body["starts_at"] = json!("2026-10-17T00:00:00Z");
    } else {
        body["window_days"] = json!(null);
        body["ends_at"] = json!("2026-11-09T12:00:00+01:00");
    }
    body
}

fn funnel(steps: &str) -> String {
    format!("/v1/experiments/{}/funnel?steps={steps}", EXPERIMENTS[0])
}

impl Stage {
    pub async fn new(world: World, second: Service) -> Self {
        let clock: Clock = Arc::new(|| chrono::Utc::now().into());
        let options = StoreOptions {
            background: false,
            max_connections: 8,
            ..StoreOptions::new(world.database.url(Role::Service), clock)
        };
        let reader = Store::connect(options).await.expect("a reader");
        let superuser = world.superuser().await;
        Self { world, second, reader, superuser }
    }

    /// Plays a history as a tenant of its own. Panics where what is stored is not the truth.
    pub async fn play(&self, history: &History) {
        let tenant = self.world.tenant_in("EUR", history.zone).await;
        for (key, body) in metrics() {
            tenant.metric(key, &body).await;
        }
        tenant.experiment(EXPERIMENTS[0], &experiment(0, &metrics().map(|(key, _)| key))).await;
        let funnel = tenant.read.get(&funnel("Order Completed,*,Order Completed&order=strict")).send().await;
        assert_eq!(funnel.status, 200, "{}", funnel.text());
        for phase in 0..PHASES {
            let batches: Vec<_> = (0..BATCHES).map(|batch| self.send(&tenant, history, phase, batch)).collect();
            let beside = self.beside(&tenant, history.happenings[usize::from(phase)]);
            futures_util::future::join(futures_util::future::join_all(batches), beside).await;
            let sent = |event: &super::history::Sent| event.deliveries.iter().any(|delivery| delivery.phase <= phase);
            let arrived: Vec<_> = (0..history.events.len()).filter(|at| sent(&history.events[*at])).collect();
            truth::check_ahead(self, &tenant, history, phase, &arrived).await;
            self.settle(&tenant).await;
            truth::check(self, &tenant, history, phase, &arrived).await;
        }
    }

    /// Sends a batch, cut in two, until it is acknowledged.
    async fn send(&self, tenant: &Tenant, history: &History, phase: u8, batch: u8) {
        let mut deliveries: Vec<_> = history
            .events
            .iter()
            .enumerate()
            .flat_map(|(number, event)| event.deliveries.iter().map(move |delivery| (number, event, *delivery)))
            .filter(|(_, _, delivery)| delivery.phase == phase && delivery.batch == batch)
            .collect();
        deliveries.sort_by_key(|(number, _, delivery)| (delivery.place, *number));
        let bodies: Vec<Value> =
            deliveries.iter().map(|(number, event, delivery)| event.body(*number, delivery.altered)).collect();
        let client =
            if batch.is_multiple_of(2) { tenant.ingest.clone() } else { tenant.ingest.at(self.second.place()) };
        // No chunk at all where nothing is to be sent.
        for part in bodies.chunks(bodies.len().div_ceil(2).max(1)) {
            tests::world::deliver(&client, part).await;
        }
    }

    async fn beside(&self, tenant: &Tenant, beside: Beside) {
        let mine = tenant.admin.at(self.second.place());
        // Somewhere in the middle of the phase.
        let after = if let Beside::Window { after, .. } = beside { after } else { 4 };
        tokio::time::sleep(Duration::from_millis(after)).await;
        match beside {
            Beside::Nothing => {}
            Beside::Window { days, .. } => {
                let spend = tests::events::with(metrics()[1].1.clone(), &json!({"window_days": days}));
                let answer = mine.put("/v1/metrics/spend").json(&spend).send().await;
                assert!(answer.status < 300, "{}", answer.text());
            }
            Beside::Second { metrics } => {
                let keys = [&["spend", "bought", "most"][..], &["clv", "median"][..], &["back", "aov", "boots"][..]]
                    [usize::from(metrics)];
                let path = format!("/v1/experiments/{}", EXPERIMENTS[1]);
                let answer = mine.put(&path).json(&experiment(1, keys)).send().await;
                assert!(answer.status < 300, "{}", answer.text());
            }
            Beside::Kill { service } => {
                let service = if service == 0 { &self.world.service } else { &self.second };
                service.kill();
                service.start_again().await;
            }
            Beside::Reads => {
                for place in [self.world.service.place(), self.second.place()] {
                    let answer =
                        tenant.read.at(place).get(&format!("/v1/experiments/{}/results", EXPERIMENTS[0])).send().await;
                    let _ = answer.expect(200);
                    // Looking in another way is a version of its own, which is measured while events come in.
                    let answer = tenant.read.at(place).get(&funnel("*,Order Completed")).send().await;
                    assert!([200, 202].contains(&answer.status), "{}", answer.text());
                }
            }
        }
    }

    /// Waits until the queue is empty and no version is being built.
    async fn settle(&self, tenant: &Tenant) {
        self.world.caught_up(tenant).await;
        for key in EXPERIMENTS {
            let results = tenant.read.get(&format!("/v1/experiments/{key}/results")).send().await;
            if results.status != 404 {
                assert_eq!(results.expect(200)["fresh"]["set_aside"], json!([]));
            }
        }
    }
}
