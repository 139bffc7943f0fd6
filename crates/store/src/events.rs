//! Events as they are stored, for those who look at them outside: in whatever form their JSON is kept.

use std::collections::HashMap;
use std::sync::Arc;

use journey::{Amount, Instant, TenantId};
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::types::chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::StoreError;
use crate::packed::{Dictionary, Unpacker, gone};
use crate::tenants::OperatorStore;
use crate::transaction::{Purpose, begin, retry};

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its id: that which was sent, where that is a UUID.
    pub id: Uuid,
    /// The subject: `u:` and a user id, or `a:` and an anonymous id.
    pub subject: String,
    /// When it happened.
    pub at: Instant,
    /// When it was received.
    pub received_at: Instant,
    /// What happened.
    pub name: String,
    /// Where.
    pub channel: Option<String>,
    /// The lifecycle stage.
    pub stage: Option<String>,
    /// The value, in `currency`.
    pub value: Option<Amount>,
    /// ISO 4217; `None`: the tenant's.
    pub currency: Option<String>,
    /// The experiment and the arm, where it is an exposure.
    pub exposure: Option<(String, String)>,
    /// JSON of an object: `properties`, `context` and `traits`, as far as they were sent.
    pub data: Option<String>,
}

impl OperatorStore {
    /// The events of a tenant in the order of their ids, at most `limit` of those after `after`.
    pub async fn events(
        &self,
        tenant: TenantId,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        retry("events", || async move {
            let mut tx = begin(&self.inner.maintenance, tenant, Purpose::Read).await?;
            let rows = sqlx::query(include_str!("../sql/list_events.sql"))
                .bind(tenant.0)
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&mut *tx)
                .await?;
            let mut ids = Vec::new();
            for row in &rows {
                ids.extend(row.try_get::<Option<i32>, _>("dictionary_id")?);
            }
            let dictionaries = self.inner.measurer.dictionaries().load(&mut tx, tenant, ids).await?;
            tx.commit().await?;
            let mut unpacker = Unpacker::default();
            rows.iter().map(|row| event(row, &dictionaries, &mut unpacker)).collect()
        })
        .await
    }
}

fn event(
    row: &PgRow,
    dictionaries: &HashMap<i32, Arc<Dictionary>>,
    unpacker: &mut Unpacker,
) -> Result<StoredEvent, StoreError> {
    let id: Uuid = row.try_get("event_id")?;
    let plain: Option<Json<&RawValue>> = row.try_get("data")?;
    let packed = row.try_get::<Option<i32>, _>("dictionary_id")?.zip(row.try_get::<Option<&[u8]>, _>("packed")?);
    let data = match packed {
        None => plain.map(|json| json.0.get().to_owned()),
        Some((with, packed)) => {
            let dictionary = dictionaries.get(&with).ok_or_else(|| gone(with));
            let text = dictionary.and_then(|dictionary| unpacker.unpack(dictionary, packed));
            Some(text.map_err(|reason| StoreError::corrupt("event", format!("{id}: {reason}")))?.to_owned())
        }
    };
    let experiment: Option<String> = row.try_get("experiment")?;
    Ok(StoredEvent {
        id,
        subject: row.try_get("subject")?,
        at: row.try_get::<DateTime<Utc>, _>("occurred_at")?.into(),
        received_at: row.try_get::<DateTime<Utc>, _>("received_at")?.into(),
        name: row.try_get("name")?,
        channel: row.try_get("channel")?,
        stage: row.try_get("stage")?,
        value: row.try_get::<Option<i64>, _>("value")?.and_then(Amount::from_units),
        currency: row.try_get("currency")?,
        exposure: experiment.zip(row.try_get("arm")?),
        data,
    })
}
