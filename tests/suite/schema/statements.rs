//! Every statement of the store: it fits the schema, its role may run it, and it names its tenant.

use std::collections::BTreeSet;

use server::postgres::Role;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row};
use tests::Database;

use super::{Placement, TABLES, words};

tests::cases![
    each_is_prepared_by_the_role_that_runs_it,
    each_filters_the_tenant_on_every_table,
    updates_on_conflict_are_the_same_on_every_node,
    none_depends_on_the_session_or_the_clock,
];

/// Statements that only `journeylift_maintenance` runs: they look across tenants, or make one.
const MAINTENANCE: &[&str] = &[
    "delete_conflicts",
    "delete_events",
    "insert_measure_state",
    "insert_tenant",
    "insert_touched_whole",
    "list_events",
    "list_tenants",
    "tenants_with_work",
];

/// Statements that may name a table without filtering its tenant, and why.
const ACROSS_TENANTS: &[(&str, &str)] = &[
    ("find_key", "the key tells the tenant"),
    ("list_tenants", "the operator sees all tenants"),
    ("tenants_with_work", "it finds the tenants that have something to measure"),
];

/// Statements that read the clock of the database, and why.
const CLOCK: &[(&str, &str)] = &[("database_clock", "it is compared with the clock of the service")];

fn statements() -> Vec<(String, String)> {
    let folder = tests::contract::repository().join("crates/store/sql");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    all.sort();
    assert!(all.len() > 30, "only {} statements", all.len());
    all
}

async fn each_is_prepared_by_the_role_that_runs_it() {
    let database = Database::new().await;
    let mut refused = Vec::new();
    for (name, sql) in statements() {
        let role = if MAINTENANCE.contains(&name.as_str()) { Role::Maintenance } else { Role::App };
        let url = format!("{}&options=-c%20role%3D{}", database.url(Role::Service), role.name());
        let mut connection = PgConnection::connect(&url).await.unwrap();
        if let Err(error) = explain(&mut connection, &sql).await {
            refused.push(format!("{name} as {}: {error}", role.name()));
        }
        connection.close().await.unwrap();
    }
    assert_eq!(refused, Vec::<String>::new());
}

/// Prepares a statement and plans it, which asks for the rights that running it would need.
async fn explain(connection: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    let sql = sql.trim().trim_end_matches(';');
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE it AS\n{sql}"))).execute(&mut *connection).await?;
    let row = sqlx::query(
        "SELECT coalesce(cardinality(parameter_types), 0) AS n FROM pg_prepared_statements WHERE name = 'it'",
    )
    .fetch_one(&mut *connection)
    .await?;
    let parameters = vec!["NULL"; usize::try_from(row.get::<i32, _>("n")).unwrap()].join(", ");
    let parameters = if parameters.is_empty() { String::new() } else { format!("({parameters})") };
    sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN EXECUTE it{parameters}"))).execute(&mut *connection).await?;
    Ok(())
}

/// The tenants' tables that a statement names, each with its alias.
fn named(words: &[String]) -> Vec<(&str, Option<&str>)> {
    let tables: BTreeSet<&str> =
        TABLES.iter().filter(|(_, p)| *p != Placement::Local).map(|(table, _)| *table).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if !["from", "join", "into", "update", "using"].contains(&word.as_str()) {
            continue;
        }
        let Some(table) = words.get(at + 1).filter(|table| tables.contains(table.as_str())) else { continue };
        let mut next = words.get(at + 2).map(String::as_str);
        if next == Some("as") {
            next = words.get(at + 3).map(String::as_str);
        }
        let keywords = [
            "where",
            "set",
            "on",
            "join",
            "order",
            "limit",
            "for",
            "left",
            "cross",
            "inner",
            "using",
            "group",
            "union",
            "returning",
        ];
        let alias = next.filter(|word| word.starts_with(char::is_alphabetic) && !keywords.contains(word));
        found.push((table.as_str(), alias));
    }
    found
}

async fn each_filters_the_tenant_on_every_table() {
    let mut faults = Vec::new();
    for (name, sql) in statements() {
        if ACROSS_TENANTS.iter().any(|(known, _)| *known == name) {
            let locks =
                words(&sql).windows(2).any(|pair| pair[0] == "for" && (pair[1] == "update" || pair[1] == "share"));
            if locks {
                faults.push(format!("{name} looks across tenants and locks what it finds"));
            }
            continue;
        }
        let words = words(&sql);
        let filters = |alias: Option<&str>| {
            let filter: &[&str] = &["tenant_id", "="];
            (0..words.len())
                .filter(|at| {
                    let here = words[*at..].iter().take(2).map(String::as_str).eq(filter.iter().copied());
                    let dotted = *at > 1 && words[at - 1] == ".";
                    here && match alias {
                        Some(alias) => dotted && words[at - 2] == alias,
                        None => !dotted || *at > 1 && !words[at - 2].is_empty() && named_alias(&words, &words[at - 2]),
                    }
                })
                .count()
        };
        let mut plain = 0;
        for (table, alias) in named(&words) {
            let at = words.windows(2).position(|pair| pair[0] == "into" && pair[1] == table);
            if let Some(at) = at.filter(|_| alias.is_none()) {
                // INSERT INTO table (tenant_id, ..) SELECT $1 or VALUES ($1
                let columns = words.get(at + 2..at + 4).is_some_and(|w| w[0] == "(" && w[1] == "tenant_id");
                let rest = &words[at..];
                let values = rest.windows(2).any(|w| (w[0] == "select" || w[0] == "distinct") && w[1] == "$1")
                    || rest.windows(3).any(|w| w[0] == "values" && w[1] == "(" && w[2] == "$1");
                if !(columns && values) {
                    faults.push(format!("{name} inserts into {table} without naming the tenant first"));
                }
            } else if alias.is_some() {
                if filters(alias) == 0 {
                    faults.push(format!("{name} does not filter the tenant of {table} {}", alias.unwrap_or_default()));
                }
            } else {
                plain += 1;
            }
        }
        if filters(None) < plain {
            faults.push(format!("{name} names {plain} tables and filters the tenant {} times", filters(None)));
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// Whether a word before a dot is a table's own name, not an alias.
fn named_alias(words: &[String], word: &str) -> bool {
    named(words).iter().any(|(table, alias)| alias.is_none() && *table == word)
}

async fn updates_on_conflict_are_the_same_on_every_node() {
    let mut faults = Vec::new();
    for (name, sql) in statements() {
        let words = words(&sql);
        let Some(at) = words.windows(3).position(|w| w == ["do", "update", "set"]) else { continue };
        let end =
            words[at..].iter().position(|word| word == "where" || word == "returning").map_or(words.len(), |e| at + e);
        for word in &words[at + 3..end] {
            if word == "(" || word.starts_with('$') {
                faults.push(format!(
                    "{name}: {word} in DO UPDATE SET; only excluded, columns and constants may stand there"
                ));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

async fn none_depends_on_the_session_or_the_clock() {
    let forbidden = [
        "now",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "current_timestamp",
        "current_date",
        "random",
        "gen_random_uuid",
        "set_config",
        "listen",
        "notify",
        "merge",
        "ctid",
        "nextval",
    ];
    let mut faults = Vec::new();
    for (name, sql) in statements() {
        if CLOCK.iter().any(|(known, _)| *known == name) {
            continue;
        }
        for word in words(&sql) {
            if forbidden.contains(&word.as_str()) || word.contains("advisory") {
                faults.push(format!("{name} uses {word}"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}
