//! The definitions that a slice measures under, loaded while it holds the measure lock.

use std::sync::Arc;

use journey::{Definition, Tenant};
use metrics::plan::Plan;
use sqlx::{PgConnection, Row};

use crate::StoreError;

/// The versions of a tenant's experiments that are measured now.
pub(super) struct Measured {
    /// One per study of the plan, in its order.
    pub versions: Vec<Version>,
    /// The definitions, made ready.
    pub plan: Plan,
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

/// Loads every version that is active or building and whose experiment is not archived.
pub(super) async fn load(connection: &mut PgConnection, tenant: &Tenant) -> Result<Measured, StoreError> {
    let rows =
        sqlx::query(include_str!("../../sql/measure_definitions.sql")).bind(tenant.id.0).fetch_all(connection).await?;
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        let state: &str = row.try_get("state")?;
        let body: serde_json::Value = row.try_get("body")?;
        let building = if state == "building" {
            Some(Building { position: row.try_get("position")?, done: row.try_get("done")? })
        } else {
            None
        };
        versions.push(Version {
            id: row.try_get("definition_id")?,
            experiment: row.try_get("experiment")?,
            definition: Arc::new(crate::document::decode_definition(body)?),
            building,
        });
    }
    let plan = Plan::new(versions.iter().map(|version| version.definition.clone()).collect(), tenant.zone);
    Ok(Measured { versions, plan })
}
