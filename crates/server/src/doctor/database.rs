//! The database: is it reached, as the right roles, migrated and durable?

use std::time::Duration;

use store::{Store, StoreError, StoreOptions};

use super::Finding;
use crate::causes::causes;
use crate::clock::Clock;
use crate::database::Urls;

/// What is checked here once the database is reached.
pub(super) const CHECKS: [&str; 5] = ["roles", "durability", "migrations", "owner", "database_clock"];

/// How far the clocks of the service and of the database may be apart.
const CLOSE: Duration = Duration::from_secs(5);

/// All checks of one database.
pub(super) async fn examine(urls: &Urls, clock: &Clock) -> Vec<Finding> {
    let mut options = StoreOptions::new(urls.service.reveal(), clock.clone());
    options.background = false;
    options.max_connections = 6;
    let store = match Store::connect(options).await {
        Ok(store) => store,
        Err(error) => {
            let mut findings = unusable(&plain(error, urls).await);
            findings.push(owner(urls).await);
            return findings;
        }
    };
    let readiness = store.ready().await;
    if let Some(why) = readiness.unreachable {
        return vec![Finding::failed("database", why, "see why the database does not answer, and try again")];
    }
    let findings = vec![
        Finding::ok("database", "it answers"),
        Finding::ok("roles", "journeylift_app and journeylift_maintenance are under row-level security"),
        if readiness.not_durable.is_empty() {
            Finding::ok("durability", "fsync, full_page_writes and synchronous_commit are on")
        } else {
            let message = readiness.not_durable.join(", ");
            Finding::failed("durability", message, "switch it on: until then an outage loses what was acknowledged")
        },
        if let Some(first) = readiness.changed.first() {
            let message = format!("migration {first} was applied with another text");
            Finding::failed(
                "migrations",
                message,
                "run the version of journeylift that migrated this database, or a newer one",
            )
        } else if readiness.pending.is_empty() {
            Finding::ok("migrations", "all are applied")
        } else {
            let message = format!("{} are missing", readiness.pending.len());
            Finding::failed(
                "migrations",
                message,
                "run `journeylift migrate`, or `journeylift serve`, which migrates first",
            )
        },
        owner(urls).await,
        their_clock(&store, clock).await,
    ];
    store.close().await;
    findings
}

/// A pool only says that it waited; a connection of its own says why.
async fn plain(error: StoreError, urls: &Urls) -> StoreError {
    match error {
        StoreError::Unavailable(_) => store::pending_migrations(urls.service.reveal()).await.err().unwrap_or(error),
        _ => error,
    }
}

/// What a failed connection says.
fn unusable(error: &StoreError) -> Vec<Finding> {
    let text = causes(error);
    match error {
        StoreError::Unavailable(_) => vec![
            Finding::failed(
                "database",
                text,
                "start the database, and correct host, port and password in DATABASE_URL",
            ),
            Finding::skipped("roles", "needs the database"),
        ],
        // The server answers, and refuses to act as the role.
        StoreError::Setup(_) | StoreError::Refused { .. } => vec![
            Finding::ok("database", "it answers"),
            Finding::failed(
                "roles",
                text,
                "run `journeylift migrate` as the owner, which makes the roles, and make the login of DATABASE_URL a member \
                 of them: GRANT journeylift_app, journeylift_maintenance TO the_login",
            ),
        ],
        _ => vec![
            Finding::failed(
                "database",
                text,
                "correct the login, the password and the database in DATABASE_URL, and make the login a member of \
                 journeylift_app and journeylift_maintenance",
            ),
            Finding::skipped("roles", "needs the database"),
        ],
    }
}

/// Can the owner connect and see the migrations?
async fn owner(urls: &Urls) -> Finding {
    match store::pending_migrations(urls.owner.reveal()).await {
        Ok(_) => Finding::ok("owner", "it can connect to migrate"),
        Err(error) => Finding::failed(
            "owner",
            causes(&error),
            "correct JOURNEYLIFT_OWNER_DATABASE_URL; its login is a member of journeylift_owner",
        ),
    }
}

/// Do the clocks agree?
async fn their_clock(store: &Store, clock: &Clock) -> Finding {
    match store.database_clock().await {
        Ok(theirs) => {
            let apart = Duration::from_micros(theirs.micros().abs_diff(clock().micros()));
            let message = format!("{} ms apart from this machine's", apart.as_millis());
            if apart > CLOSE {
                Finding::failed("database_clock", message, "keep the clocks of both machines right with NTP")
            } else {
                Finding::ok("database_clock", message)
            }
        }
        Err(error) => {
            Finding::failed("database_clock", causes(&error), "see why the database does not answer, and try again")
        }
    }
}
