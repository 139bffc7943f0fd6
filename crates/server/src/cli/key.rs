//! `journeylift key`.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use journey::{Instant, Name, Scope, TenantId};
use serde_json::{Value, json};
use store::{KeyDraft, KeyInfo};
use uuid::Uuid;

use super::output::{Output, table};
use super::tenant::unknown;
use crate::clock;
use crate::config::DatabaseArgs;
use crate::database::operator_store;

/// Keys.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a key, which is shown this once
    Create(Create),
    /// List the keys of a tenant; none shows its secret
    List(List),
    /// Revoke a key: every instance refuses it within a second
    Revoke(Revoke),
}

/// A key to be made.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    tenant: OfTenant,

    /// What it may do: ingest posts events, read reads, admin defines, manages keys and reads. Several: read,ingest
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = |text: &str| Scope::parse(text, "--scope"))]
    scopes: Vec<Scope>,

    /// What people know it by
    #[arg(long, value_parser = |text: &str| Name::parse(text, "--label"))]
    label: Option<Name>,

    /// When it stops working, such as 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = |text: &str| Instant::parse(text, "--expires-at"))]
    expires_at: Option<Instant>,
}

/// The keys of a tenant.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    tenant: OfTenant,
}

/// A key to be revoked.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The id of the key, as `journeylift key list` shows it
    id: Uuid,

    #[command(flatten)]
    tenant: OfTenant,
}

#[derive(Debug, Args)]
struct OfTenant {
    /// The id of the tenant, as `journeylift tenant list` shows it
    #[arg(long, value_name = "ID")]
    tenant: Uuid,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl OfTenant {
    fn id(&self) -> TenantId {
        TenantId(self.tenant)
    }
}

impl Key {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(output).await,
            Self::List(list) => list.run(output).await,
            Self::Revoke(revoke) => revoke.run(output).await,
        }
    }
}

impl Create {
    async fn run(self, output: &Output) -> anyhow::Result<()> {
        if let Some(end) = self.expires_at.filter(|end| *end <= clock::now()) {
            bail!("--expires-at {end} has passed; name a later time");
        }
        let store = operator_store(&self.tenant.database, &clock::system()).await?;
        let draft = KeyDraft { scopes: self.scopes, expires_at: self.expires_at, label: self.label };
        let key = store.operator().create_key(self.tenant.id(), draft).await?;
        store.close().await;
        let key = key.with_context(|| unknown(self.tenant.tenant))?;
        let mut value = info(&key.info);
        value["key"] = key.secret.clone().into();
        output.result(&value, || {
            format!("{}\nThis is key {} ({}). It is shown this once.", key.secret, key.info.id, scopes(&key.info))
        })
    }
}

impl List {
    async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.tenant.database, &clock::system()).await?;
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = store.operator().keys(self.tenant.id(), 1_000, after).await?;
            let page = page.with_context(|| unknown(self.tenant.tenant))?;
            after = page.items.last().map(|key| key.id);
            keys.extend(page.items);
            if page.next.is_none() {
                break;
            }
        }
        store.close().await;
        let now = clock::now();
        let list: Vec<_> = keys.iter().map(info).collect();
        output.result(&json!({ "data": list }), || {
            let mut table = table(&["id", "begins with", "scopes", "label", "state", "made"]);
            for key in &keys {
                let label = key.label.as_ref().map(ToString::to_string).unwrap_or_default();
                let made = key.created_at.to_string();
                table.add_row([key.id.to_string(), key.prefix.clone(), scopes(key), label, state(key, now), made]);
            }
            table.to_string()
        })
    }
}

impl Revoke {
    async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.tenant.database, &clock::system()).await?;
        let found = store.operator().revoke_key(self.tenant.id(), self.id).await?;
        store.close().await;
        if !found {
            bail!("tenant {} has no key {}; `journeylift key list` lists them", self.tenant.tenant, self.id);
        }
        output.result(&json!({ "revoked": self.id.to_string() }), || format!("Key {} is revoked.", self.id))
    }
}

fn scopes(key: &KeyInfo) -> String {
    key.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(", ")
}

fn state(key: &KeyInfo, now: Instant) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "works".into(),
    }
}

/// A key as the HTTP interface shows it.
fn info(key: &KeyInfo) -> Value {
    json!({
        "id": key.id.to_string(), "prefix": key.prefix,
        "scopes": key.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>(),
        "label": key.label.as_ref().map(Name::as_str), "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()), "revoked_at": key.revoked_at.map(|at| at.to_string())
    })
}
