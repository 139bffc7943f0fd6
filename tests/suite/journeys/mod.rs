//! Where on the journey, through the API alone.

mod attribution;
mod channels;
mod clicks;
mod edges;
mod funnels;
mod households;
mod items;
mod paths;
mod stages;
mod traps;

pub fn cases() -> Vec<tests::Case> {
    [
        attribution::cases(),
        channels::cases(),
        clicks::cases(),
        edges::cases(),
        funnels::cases(),
        households::cases(),
        items::cases(),
        paths::cases(),
        stages::cases(),
        traps::cases(),
    ]
    .concat()
}

/// The entry of an arm among `entries`.
fn of_arm<'a>(entries: &'a serde_json::Value, arm: &str) -> &'a serde_json::Value {
    let entries = entries.as_array().expect("a list of arms");
    entries.iter().find(|entry| entry["arm"] == arm).unwrap_or_else(|| panic!("no arm {arm} in {entries:?}"))
}

/// The answer to a question, asked until it is there: what is asked for the first time may still be measured.
async fn measured(tenant: &tests::Tenant, path: &str) -> serde_json::Value {
    for _ in 0..300 {
        let answer = tenant.read.get(path).send().await;
        // Whoever is told to come again comes again.
        if ![202, 503].contains(&answer.status) {
            return answer.expect(200);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{path} is never measured");
}
