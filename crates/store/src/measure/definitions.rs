//! The definitions that a slice measures under, loaded while it holds the measure lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journey::{Definition, Tenant, TenantId};
use metrics::fold::Widening;
use metrics::plan::Plan;
use sqlx::{PgConnection, Row};

use crate::StoreError;

/// The versions of a tenant's experiments that are measured now.
pub(super) struct Measured {
    /// One per study of the plan, in its order.
    pub versions: Vec<Version>,
    /// The definitions, made ready.
    pub plan: Plan,
    /// The names of the events whose JSON matters once first exposures are past, ascending; `None`: any name.
    pub looked_at: Option<Vec<String>>,
}

/// One version of an experiment.
pub(super) struct Version {
    /// Its number, which contributions and tallies carry.
    pub id: i64,
    /// The experiment's key.
    pub experiment: String,
    /// Its text.
    pub definition: Arc<Definition>,
    /// Where its measuring stands; `None` once answers come from it.
    pub building: Option<Building>,
}

/// How far a building version is measured.
#[derive(Debug, Clone)]
pub(super) struct Building {
    /// The last subject that was measured.
    pub position: Option<String>,
    /// Subjects measured so far.
    pub done: i64,
}

/// Texts of versions that were read before, by tenant, version and revision: a text never changes under its revision.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashMap<Text, Arc<Definition>>>);

/// A tenant's version and its revision.
type Text = (TenantId, i64, i64);

/// More texts than these are not kept.
const KEPT: usize = 10_000;

impl Texts {
    fn held(&self) -> MutexGuard<'_, HashMap<Text, Arc<Definition>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The definitions of these versions and revisions, in their order.
    pub(crate) async fn get(
        &self,
        connection: &mut PgConnection,
        tenant: TenantId,
        wanted: &[(i64, i64)],
    ) -> Result<Vec<Arc<Definition>>, StoreError> {
        let known = |texts: &HashMap<Text, Arc<Definition>>| -> Option<Vec<Arc<Definition>>> {
            wanted.iter().map(|(id, revision)| texts.get(&(tenant, *id, *revision)).cloned()).collect()
        };
        if let Some(all) = known(&self.held()) {
            return Ok(all);
        }
        let ids: Vec<i64> = wanted.iter().map(|(id, _)| *id).collect();
        let rows = sqlx::query(include_str!("../../sql/measure_definition_bodies.sql"))
            .bind(tenant.0)
            .bind(ids)
            .fetch_all(connection)
            .await?;
        let mut read = HashMap::new();
        for row in &rows {
            let text = (tenant, row.try_get("definition_id")?, row.try_get("revision")?);
            read.insert(text, Arc::new(crate::document::decode_definition(row.try_get("body")?)?));
        }
        let all = known(&read).ok_or_else(|| StoreError::corrupt("definition", "it changed while it was read"))?;
        let mut held = self.held();
        if held.len() + read.len() > KEPT {
            held.clear();
        }
        held.extend(read);
        Ok(all)
    }
}

/// Loads every version that is active or building and whose experiment is not archived.
pub(super) async fn load(
    connection: &mut PgConnection,
    tenant: &Tenant,
    texts: &Texts,
) -> Result<Measured, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/measure_definitions.sql"))
        .bind(tenant.id.0)
        .fetch_all(&mut *connection)
        .await?;
    let wanted: Vec<(i64, i64)> = rows
        .iter()
        .map(|row| Ok((row.try_get("definition_id")?, row.try_get("revision")?)))
        .collect::<Result<_, sqlx::Error>>()?;
    let definitions = texts.get(connection, tenant.id, &wanted).await?;
    let mut versions = Vec::with_capacity(rows.len());
    for (row, definition) in rows.iter().zip(definitions) {
        let state: &str = row.try_get("state")?;
        let building = if state == "building" {
            Some(Building { position: row.try_get("position")?, done: row.try_get("done")? })
        } else {
            None
        };
        let id = row.try_get("definition_id")?;
        versions.push(Version { id, experiment: row.try_get("experiment")?, definition, building });
    }
    Ok(Measured::new(versions, tenant))
}

impl Measured {
    pub(super) fn new(versions: Vec<Version>, tenant: &Tenant) -> Self {
        let plan = Plan::new(versions.iter().map(|version| version.definition.clone()).collect(), tenant.zone);
        let looked_at = plan.names_with_facts();
        Self { versions, plan, looked_at }
    }

    /// The version that answers come from while `building` is measured, and the step from it; `None` where there is none or
    /// persons may have another place under it.
    pub(super) fn before(&self, building: &Version, tenant: &Tenant) -> Option<(i64, Widening)> {
        let is_active = |version: &&Version| version.building.is_none() && version.experiment == building.experiment;
        let active = self.versions.iter().find(is_active)?;
        Some((active.id, Widening::between(&active.definition, &building.definition, tenant.zone)?))
    }
}
