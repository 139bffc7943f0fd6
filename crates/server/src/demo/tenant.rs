//! The demo's tenant: found by its name or made, with keys that are new at every start.

use anyhow::Context as _;
use journey::{Name, Scope, TenantId};
use reqwest::Method;
use serde_json::{Value, json};
use store::{KeyDraft, Store};
use uuid::Uuid;

use super::data::DataSet;
use crate::import::client::Client;

/// The days for which the keys of a later start work; the first start's belong to the tenant.
const KEY_DAYS: i64 = 30;

/// Keys of the tenant.
#[derive(Clone)]
pub(super) struct Keys {
    /// Defines metrics and experiments.
    pub(super) admin: String,
    /// Posts events.
    pub(super) ingest: String,
    /// Reads.
    pub(super) read: String,
}

/// Finds the tenant of a data set, or makes it; and makes keys.
pub(super) async fn find_or_make(
    client: &Client,
    operator: &str,
    store: &Store,
    data: &DataSet,
) -> anyhow::Result<Keys> {
    if let Some(id) = find(client, operator, data.tenant).await? {
        return new_keys(store, id).await;
    }
    let request = json!({"name": data.tenant, "currency": data.currency, "time_zone": data.time_zone});
    let made = client
        .call(Method::POST, "/v1/tenants", operator, Some(&request))
        .await
        .context("the tenant cannot be made")?;
    let key = |scope: &str| -> anyhow::Result<String> {
        let key = made.pointer(&format!("/keys/{scope}")).and_then(Value::as_str);
        Ok(key.with_context(|| format!("the answer has no key for {scope}"))?.to_owned())
    };
    Ok(Keys { admin: key("admin")?, ingest: key("ingest")?, read: key("read")? })
}

async fn find(client: &Client, operator: &str, name: &str) -> anyhow::Result<Option<TenantId>> {
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/tenants?limit=100{cursor}");
        let page = client.call(Method::GET, &path, operator, None).await.context("the tenants cannot be listed")?;
        let tenants = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(found) = tenants.iter().find(|tenant| tenant.get("name").and_then(Value::as_str) == Some(name)) {
            let id = found.get("id").and_then(Value::as_str).context("a tenant has no id")?;
            return Ok(Some(TenantId(Uuid::parse_str(id)?)));
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(None),
        }
    }
}

/// Makes keys of a tenant that is there: like `journeylift key`, by the operator, who needs no key of the tenant.
async fn new_keys(store: &Store, tenant: TenantId) -> anyhow::Result<Keys> {
    let expires_at = Some(super::now().plus_days(KEY_DAYS));
    let key = async |scope: Scope| -> anyhow::Result<String> {
        let label = Some(Name::parse("demo", "/label").map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?);
        let draft = KeyDraft { scopes: vec![scope], expires_at, label };
        let made = store.operator().create_key(tenant, draft).await.context("a key cannot be made")?;
        Ok(made.context("the tenant has gone")?.secret)
    };
    Ok(Keys { admin: key(Scope::Admin).await?, ingest: key(Scope::Ingest).await?, read: key(Scope::Read).await? })
}
