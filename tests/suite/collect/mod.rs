//! Collecting: what is acknowledged is stored once, what is refused is refused alone, and nothing in between.

mod bad_inputs;
mod batches;
mod bodies;
mod crashes;
mod crowds;
mod duplicates;
mod ledger;
mod outcomes;
mod packed;
mod retained;
mod segment;
mod times;

pub fn cases() -> Vec<tests::Case> {
    [
        outcomes::cases(),
        duplicates::cases(),
        times::cases(),
        bodies::cases(),
        bad_inputs::cases(),
        segment::cases(),
        crowds::cases(),
        crashes::cases(),
        retained::cases(),
        packed::cases(),
        batches::cases(),
    ]
    .concat()
}

/// How many events of a tenant are stored.
pub async fn stored(pool: &sqlx::PgPool, tenant: &tests::Tenant) -> i64 {
    let tenant: uuid::Uuid = tenant.id.parse().unwrap();
    sqlx::query_scalar("SELECT count(*) FROM event WHERE tenant_id = $1").bind(tenant).fetch_one(pool).await.unwrap()
}
