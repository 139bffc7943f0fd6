//! What can go wrong with the database, named by what the caller does about it.

use sqlx::migrate::MigrateError;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached or is busy: nothing was decided, try again in a moment.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The service is shutting down: try again in a moment, at another instance.
    #[error("the service is shutting down")]
    Closing,
    /// The database refused the values: sending them again is of no use.
    #[error("the database refused the values ({sqlstate}): {message}")]
    Refused {
        /// The five characters of the SQLSTATE.
        sqlstate: String,
        /// The database's own words; they name the constraint.
        message: String,
        /// The constraint that was violated, where there is one.
        constraint: Option<String>,
    },
    /// A stored row does not read as what it should be.
    #[error("a stored {what} can't be read: {detail}")]
    Corrupt {
        /// Which kind of row.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The connection is not set up as the service needs it; an operator has to act.
    #[error("the database is not set up for the service: {0}")]
    Setup(String),
    /// The migrations could not be applied or compared.
    #[error("the migrations could not be applied")]
    Migrations(#[source] MigrateError),
    /// Anything else: a fault of the service.
    #[error("a statement failed")]
    Internal(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the whole transaction may succeed when it is tried again at once.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // Waiting for a connection has taken its time already, and a full disk takes longer than a retry.
            Self::Unavailable(error) => {
                !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
                    && !sqlstate(error).is_some_and(|code| code.starts_with("53"))
            }
            _ => false,
        }
    }

    /// Whether it may be the transaction's own fault: no outage, no lock that others hold, no conflict with others. A
    /// statement that takes too long may be.
    pub(crate) fn may_be_its_own(&self) -> bool {
        match self {
            Self::Unavailable(error) => sqlstate(error).as_deref() == Some("57014"),
            Self::Closing | Self::Setup(_) | Self::Migrations(_) => false,
            Self::Refused { .. } | Self::Corrupt { .. } | Self::Internal(_) => true,
        }
    }

    /// The same error for another of those who wait: the database's own words are kept, its objects are not.
    pub(crate) fn again(&self) -> Self {
        let told = |error: &sqlx::Error| sqlx::Error::Io(std::io::Error::other(error.to_string()));
        match self {
            Self::Unavailable(error) => Self::Unavailable(told(error)),
            Self::Closing => Self::Closing,
            Self::Refused { sqlstate, message, constraint } => {
                Self::Refused { sqlstate: sqlstate.clone(), message: message.clone(), constraint: constraint.clone() }
            }
            Self::Corrupt { what, detail } => Self::Corrupt { what, detail: detail.clone() },
            Self::Setup(fault) => Self::Setup(fault.clone()),
            Self::Migrations(error) => Self::Setup(error.to_string()),
            Self::Internal(error) => Self::Internal(told(error)),
        }
    }

    pub(crate) fn corrupt(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Corrupt { what, detail: detail.into() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error),
            sqlx::Error::Database(database) => match Class::of(database.code().as_deref().unwrap_or_default()) {
                Class::Unavailable => Self::Unavailable(error),
                Class::Refused => Self::Refused {
                    sqlstate: database.code().unwrap_or_default().into_owned(),
                    message: database.message().to_owned(),
                    constraint: database.constraint().map(str::to_owned),
                },
                Class::Internal => Self::Internal(error),
            },
            _ => Self::Internal(error),
        }
    }
}

/// Errors of whole transactions, which [`crate::transaction::retry`] may try again.
pub(crate) trait Attempt: From<sqlx::Error> {
    /// Whether another try may succeed.
    fn is_transient(&self) -> bool;
}

impl Attempt for StoreError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Unavailable,
    Refused,
    Internal,
}

impl Class {
    /// What a SQLSTATE means to the caller.
    fn of(sqlstate: &str) -> Self {
        match sqlstate {
            // A lock that was not granted in time, an object in use, a database closed to connections, a server that only
            // reads, a transaction left idle.
            "55P03" | "55006" | "55000" | "25006" | "25P03" => Self::Unavailable,
            // Integrity violations, bad data, and values beyond the limits of an index or of a nesting.
            code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Self::Refused,
            // Connection, transaction rollback, resources, operator intervention, system error.
            code if ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Database(database) => database.code().map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlstate_says_what_the_caller_does() {
        for code in ["40001", "40P01", "57P01", "57014", "08006", "53100", "53300", "55000", "55P03"] {
            assert_eq!(Class::of(code), Class::Unavailable, "{code}");
        }
        for code in ["22P05", "22003", "22008", "23514", "54000", "54001"] {
            assert_eq!(Class::of(code), Class::Refused, "{code}");
        }
        for code in ["42501", "42P01", "XX000", ""] {
            assert_eq!(Class::of(code), Class::Internal, "{code}");
        }
    }

    #[test]
    fn an_outage_is_nobodys_own_fault() {
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).may_be_its_own());
        assert!(!StoreError::from(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())).may_be_its_own());
        assert!(!StoreError::Closing.may_be_its_own());
        assert!(StoreError::corrupt("row", "unreadable").may_be_its_own());
        assert!(StoreError::from(sqlx::Error::RowNotFound).may_be_its_own());
    }

    #[test]
    fn only_what_may_pass_at_once_is_tried_again() {
        assert!(StoreError::from(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())).is_transient());
        assert!(!StoreError::from(sqlx::Error::PoolTimedOut).is_transient());
        assert!(!StoreError::from(sqlx::Error::RowNotFound).is_transient());
        assert!(!StoreError::Closing.is_transient());
    }
}
