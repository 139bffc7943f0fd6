//! The schema keeps its rules: the text of the migrations, the catalogue that they make, and every statement.

mod catalogue;
mod migrations;
mod statements;
mod wall;

pub fn cases() -> Vec<tests::Case> {
    [migrations::cases(), catalogue::cases(), statements::cases(), wall::cases()].concat()
}

/// Where the rows of a table live once Postgres is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// By `tenant_id`.
    Distributed,
    /// On every node: small and rarely written.
    Reference,
    /// On the coordinator alone.
    Local,
}

/// Every table. A new one must say here which it is.
pub const TABLES: &[(&str, Placement)] = &[
    ("_sqlx_migrations", Placement::Local),
    ("api_key", Placement::Reference),
    ("arrival", Placement::Distributed),
    ("conflict", Placement::Distributed),
    ("contribution", Placement::Distributed),
    ("definition", Placement::Distributed),
    ("dictionary", Placement::Distributed),
    ("event", Placement::Distributed),
    ("experiment", Placement::Distributed),
    ("exposure", Placement::Distributed),
    ("identity_link", Placement::Distributed),
    ("measure_state", Placement::Distributed),
    ("metric", Placement::Distributed),
    ("set_aside", Placement::Distributed),
    ("tally", Placement::Distributed),
    ("tally_change", Placement::Distributed),
    ("tally_journal", Placement::Distributed),
    ("tenant", Placement::Distributed),
    ("touched", Placement::Distributed),
];

/// SQL in lower case, without comments and quoted texts, as words and signs.
fn words(sql: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let end = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '\'' {
            out.push("''".into());
            rest[1..].find('\'').map_or(rest.len(), |at| at + 2)
        } else if c.is_alphanumeric() || c == '_' || c == '$' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            out.push(rest[..end].to_lowercase());
            end
        } else {
            if !c.is_whitespace() {
                out.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[end..];
    }
    out
}
