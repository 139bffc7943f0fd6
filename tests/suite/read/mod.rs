//! Reading: answers that can be cached, cut up, asked for wrongly, and that are never behind an acknowledgement.

mod aa;
mod breakdowns;
mod caching;
mod changes;
mod checks;
mod clv;
mod context;
mod freshness;
mod keys;
mod lifespan;
mod money;
mod operations;
mod questions;
mod retention;
mod segments;
mod uplift;

pub fn cases() -> Vec<tests::Case> {
    [
        caching::cases(),
        breakdowns::cases(),
        questions::cases(),
        freshness::cases(),
        keys::cases(),
        lifespan::cases(),
        operations::cases(),
        segments::cases(),
        aa::cases(),
        checks::cases(),
        changes::cases(),
        retention::cases(),
        clv::cases(),
        money::cases(),
        uplift::cases(),
        context::cases(),
    ]
    .concat()
}

/// A tenant with an experiment of two metrics and the dimension `device`, and some persons.
pub async fn example(world: &tests::World) -> tests::Tenant {
    use serde_json::json;
    use tests::events::{exposure, order, with};

    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    let body = with(tests::events::experiment(&["bought", "spend"]), &json!({"dimensions": ["device", "channel"]}));
    tenant.experiment("e", &body).await;
    let at = tests::moment::days_ago(30);
    let mut events = Vec::new();
    for n in 0..120u32 {
        let user = format!("u{n}");
        let shown = exposure(&format!("x{n}"), &user, "e", if n % 2 == 0 { "off" } else { "on" }, at);
        events.push(match n % 5 {
            0 => shown,
            k => with(shown, &json!({"context": {"device": {"type": format!("device {k}")}}, "channel": if k > 2 { "web" } else { "app" }})),
        });
        if n % 3 == 0 {
            events.push(order(&format!("o{n}"), &user, &format!("{n}.5"), at + chrono::TimeDelta::days(1)));
        }
    }
    tenant.accept(&events).await;
    tenant
}
