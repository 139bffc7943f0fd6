//! `journeylift events`.

use anyhow::Context as _;
use clap::Args;
use journey::TenantId;
use serde_json::{Map, Value, json};
use store::{Store, StoredEvent};
use uuid::Uuid;

use super::output::Output;
use super::tenant::unknown;
use crate::clock;
use crate::config::DatabaseArgs;
use crate::database::operator_store;

/// Events that are read at once.
const PAGE: u32 = 500;

/// The stored events of a tenant.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// The id of the tenant, as `journeylift tenant list` shows it
    #[arg(long, value_name = "ID")]
    tenant: Uuid,

    /// Go on after the event of this id
    #[arg(long, value_name = "EVENT_ID")]
    after: Option<Uuid>,

    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Events {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.database, &clock::system()).await?;
        let told = self.tell(&store, *output).await;
        store.close().await;
        told
    }

    async fn tell(&self, store: &Store, output: Output) -> anyhow::Result<()> {
        let (operator, id) = (store.operator(), TenantId(self.tenant));
        let tenant = operator.get(id).await?;
        tenant.with_context(|| unknown(self.tenant))?;
        let (mut after, mut left) = (self.after, self.limit.unwrap_or(u64::MAX));
        while left > 0 {
            let page = u32::try_from(left).map_or(PAGE, |left| left.min(PAGE));
            let events = operator.events(id, after, page).await?;
            let Some(last) = events.last() else { break };
            (after, left) = (Some(last.id), left - events.len() as u64);
            let lines = events.into_iter().map(line).collect::<anyhow::Result<Vec<_>>>()?;
            if !output.lines(&lines.join("\n"))? {
                break;
            }
        }
        Ok(())
    }
}

/// The event as a line of JSON.
fn line(event: StoredEvent) -> anyhow::Result<String> {
    let mut line = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            line.insert(field.to_owned(), value);
        }
    };
    put("event_id", Some(json!(event.id.to_string())));
    let identity = if event.subject.starts_with("u:") { "user_id" } else { "anonymous_id" };
    put(identity, event.subject.get(2..).map(Value::from));
    put("name", Some(event.name.into()));
    put("occurred_at", Some(event.at.to_string().into()));
    put("received_at", Some(event.received_at.to_string().into()));
    put("channel", event.channel.map(Value::from));
    put("stage", event.stage.map(Value::from));
    put("value", event.value.map(|value| value.to_string().into()));
    put("currency", event.currency.map(Value::from));
    if let Some((experiment, arm)) = event.exposure {
        put("experiment", Some(experiment.into()));
        put("arm", Some(arm.into()));
    }
    let mut text = serde_json::to_string(&line)?;
    if let Some(data) = event.data.as_deref().and_then(|data| data.trim().strip_prefix('{')) {
        // The rest of an object that holds something: numbers stay as they were sent.
        text.truncate(text.len() - 1);
        text.push(',');
        text.push_str(data);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_object_with_all_that_is_stored() {
        let at = journey::Instant::parse("2026-11-01T10:00:00Z", "").unwrap();
        let data = r#"{"context": {"n": 1.50}, "properties": {"sku": "7"}}"#;
        let event = StoredEvent {
            id: Uuid::from_u128(7),
            subject: "a:device".into(),
            at,
            received_at: at,
            name: "Experiment Viewed".into(),
            channel: Some("web".into()),
            stage: None,
            value: journey::Amount::from_units(1_500_000),
            currency: None,
            exposure: Some(("e".into(), "on".into())),
            data: Some(data.into()),
        };
        let text = line(event.clone()).unwrap();
        assert!(text.contains(r#"{"n": 1.50}"#), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&value["anonymous_id"], &value["value"], &value["arm"]),
            (&json!("device"), &json!("1.5"), &json!("on"))
        );
        assert_eq!(value["properties"]["sku"], "7");
        let value: Value = serde_json::from_str(&line(StoredEvent { data: None, ..event }).unwrap()).unwrap();
        assert_eq!(value.get("properties"), None);
    }
}
