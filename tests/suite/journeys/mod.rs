//! Where on the journey, through the API alone.

mod edges;
mod funnels;
mod paths;
mod stages;
mod traps;

pub fn cases() -> Vec<tests::Case> {
    [edges::cases(), funnels::cases(), paths::cases(), stages::cases(), traps::cases()].concat()
}

/// The entry of an arm among `entries`.
fn of_arm<'a>(entries: &'a serde_json::Value, arm: &str) -> &'a serde_json::Value {
    let entries = entries.as_array().expect("a list of arms");
    entries.iter().find(|entry| entry["arm"] == arm).unwrap_or_else(|| panic!("no arm {arm} in {entries:?}"))
}
