//! `journeylift tenant`.

use clap::{Args, Subcommand};
use journey::{Currency, Name, Zone};
use serde_json::{Value, json};
use uuid::Uuid;

use super::output::{Output, table};
use crate::clock;
use crate::config::DatabaseArgs;
use crate::database::operator_store;

/// Tenants.
#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Make a tenant and its first keys, which are shown this once
    Create(Create),
    /// List the tenants
    List(List),
}

/// A tenant to be made.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people know it by
    #[arg(value_parser = |text: &str| Name::parse(text, "NAME"))]
    name: Name,

    /// The ISO 4217 currency in which money metrics count, such as EUR; it never changes
    #[arg(long, value_name = "CODE", value_parser = |text: &str| Currency::parse(text, "--currency"))]
    currency: Currency,

    /// The IANA time zone in which days are cut, such as Europe/Berlin; it never changes
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = |text: &str| Zone::parse(text, "--time-zone"))]
    time_zone: Zone,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// All tenants.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Tenant {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(output).await,
            Self::List(list) => list.run(output).await,
        }
    }
}

impl Create {
    async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.database, &clock::system()).await?;
        let (tenant, keys) = store.operator().create(self.name, self.currency, self.time_zone).await?;
        store.close().await;
        let keys = [("admin", keys.admin.secret), ("ingest", keys.ingest.secret), ("read", keys.read.secret)];
        let value = json!({ "tenant": info(&tenant), "keys": keys.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() });
        output.result(&value, || {
            let mut table = table(&["key for", "shown this once"]);
            for (scope, secret) in &keys {
                table.add_row([*scope, secret]);
            }
            format!("Tenant {} is {}.\n{table}", tenant.name, tenant.id.0)
        })
    }
}

impl List {
    async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.database, &clock::system()).await?;
        let (mut tenants, mut after) = (Vec::new(), None);
        loop {
            let page = store.operator().list(1_000, after).await?;
            after = page.items.last().map(|tenant| tenant.id);
            tenants.extend(page.items);
            if page.next.is_none() {
                break;
            }
        }
        store.close().await;
        let list: Vec<_> = tenants.iter().map(info).collect();
        output.result(&json!({ "data": list }), || {
            if tenants.is_empty() {
                return "There is no tenant yet: `journeylift tenant create NAME --currency EUR` makes one.".into();
            }
            let mut table = table(&["id", "name", "currency", "time zone"]);
            for tenant in &tenants {
                let id = tenant.id.0.to_string();
                table.add_row([&id, tenant.name.as_str(), tenant.currency.code(), tenant.zone.name()]);
            }
            table.to_string()
        })
    }
}

/// Why a command for the tenant of this id has nothing to do, and what helps.
pub(super) fn unknown(id: Uuid) -> String {
    format!("there is no tenant {id}; `journeylift tenant list` lists them")
}

/// A tenant as the HTTP interface shows it.
fn info(tenant: &journey::Tenant) -> Value {
    json!({
        "id": tenant.id.0.to_string(), "name": tenant.name.as_str(), "currency": tenant.currency.code(),
        "time_zone": tenant.zone.name()
    })
}
