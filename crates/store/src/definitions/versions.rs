//! The versions of an experiment: whether a change needs a new one, and how that one begins.
//!
//! All of it happens under the tenant's measure lock. An exposure that is committed after the look at the index
//! brings a touched subject along, which is claimed under the same lock and so measured under the version made here.

use journey::{Definition, Instant, Invalid, Key, TenantId};
use sqlx::types::Json;

use super::DefinitionError;
use crate::document::DefinitionBody;
use crate::error::StoreError;
use crate::measure::journal;
use crate::transaction::Tx;

/// A version as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) id: i64,
    pub(super) definition: Definition,
}

/// The versions of an experiment that are not retired.
#[derive(Debug)]
pub(super) struct Versions {
    tenant: TenantId,
    key: Key,
    pub(super) active: Option<Version>,
    pub(super) building: Option<Version>,
}

/// What a changed definition means to the versions there are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The active version measures the same: its body changes, if at all. A version being built is given up.
    KeepActive,
    /// The version being built measures the same: its body changes, if at all.
    KeepBuilding,
    /// A new version is needed.
    New,
}

impl Versions {
    pub(super) async fn load(tx: &mut Tx, tenant: TenantId, key: &Key) -> Result<Self, StoreError> {
        let rows: Vec<(i64, String, Json<DefinitionBody>)> =
            sqlx::query_as(include_str!("../../sql/load_versions.sql"))
                .bind(tenant.0)
                .bind(key.as_str())
                .fetch_all(&mut **tx)
                .await?;
        let mut versions = Self { tenant, key: key.clone(), active: None, building: None };
        for (id, state, Json(body)) in rows {
            let definition = body.try_into().map_err(|error| corrupt("definition", &error))?;
            let version = Version { id, definition };
            match state.as_str() {
                "active" => versions.active = Some(version),
                _ => versions.building = Some(version),
            }
        }
        Ok(versions)
    }

    /// What `definition` means to these versions.
    pub(super) fn plan(&self, definition: &Definition) -> Plan {
        let alike =
            |version: &Option<Version>| version.as_ref().is_some_and(|v| v.definition.measures_like(definition));
        if alike(&self.active) {
            Plan::KeepActive
        } else if alike(&self.building) {
            Plan::KeepBuilding
        } else {
            Plan::New
        }
    }

    /// Whether `definition` would have to be measured from the events there are, beside what is active.
    pub(super) async fn needs_building(&self, tx: &mut Tx, definition: &Definition) -> Result<bool, StoreError> {
        Ok(match self.plan(definition) {
            Plan::KeepActive => false,
            Plan::KeepBuilding => true,
            Plan::New => !self.nothing_to_measure(tx).await?,
        })
    }

    /// Makes `definition` what is measured from now on.
    pub(super) async fn measure(
        &mut self,
        tx: &mut Tx,
        definition: &Definition,
        now: Instant,
    ) -> Result<(), DefinitionError> {
        match self.plan(definition) {
            Plan::KeepActive => {
                self.retire_building(tx).await?;
                rewrite(tx, self.tenant, self.active.as_ref(), definition).await?;
            }
            Plan::KeepBuilding => rewrite(tx, self.tenant, self.building.as_ref(), definition).await?,
            Plan::New => {
                self.retire_building(tx).await?;
                let at_once = self.nothing_to_measure(tx).await?;
                if at_once && let Some(active) = self.active.take() {
                    retire(tx, self.tenant, active.id).await?;
                }
                let state = if at_once { "active" } else { "building" };
                let id: i64 = sqlx::query_scalar(include_str!("../../sql/insert_definition.sql"))
                    .bind(self.tenant.0)
                    .bind(self.key.as_str())
                    .bind(state)
                    .bind(Json(DefinitionBody::from(definition)))
                    .bind(now.to_utc())
                    .fetch_one(&mut **tx)
                    .await?;
                if at_once {
                    journal::begin_at(tx, self.tenant, id, now).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether a new version is complete from its beginning: no one was exposed yet.
    async fn nothing_to_measure(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        let something: bool = sqlx::query_scalar(include_str!("../../sql/anything_measured.sql"))
            .bind(self.tenant.0)
            .bind(self.key.as_str())
            .fetch_one(&mut **tx)
            .await?;
        Ok(!something)
    }

    async fn retire_building(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        match self.building.take() {
            Some(version) => retire(tx, self.tenant, version.id).await,
            None => Ok(()),
        }
    }
}

/// Gives `version` the body of a definition that measures the same.
async fn rewrite(
    tx: &mut Tx,
    tenant: TenantId,
    version: Option<&Version>,
    definition: &Definition,
) -> Result<(), StoreError> {
    let Some(version) = version.filter(|version| version.definition != *definition) else { return Ok(()) };
    sqlx::query(include_str!("../../sql/rewrite_definition.sql"))
        .bind(tenant.0)
        .bind(version.id)
        .bind(Json(DefinitionBody::from(definition)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn retire(tx: &mut Tx, tenant: TenantId, id: i64) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/retire_definition.sql")).bind(tenant.0).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// A stored definition that does not pass the checks.
pub(super) fn corrupt(what: &'static str, error: &Invalid) -> StoreError {
    StoreError::corrupt(what, error.to_string())
}
