//! What is a connection waiting for, and until when may it?

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Where a connection is between accepting it and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is to come, whole, until then.
    Head(Instant),
    /// A request is being received, worked on or answered: other deadlines hold.
    Busy,
    /// Between two requests.
    Idle(Instant),
}

/// The phase of one connection, shared by its socket, which reads, and its service, which knows of requests.
#[derive(Debug)]
pub(super) struct Phases {
    now: Mutex<Phase>,
    header: Duration,
    idle: Duration,
}

impl Phases {
    /// A connection that was just accepted: it has to say what it wants.
    pub(super) fn accepted(header: Duration, idle: Duration) -> Self {
        Self { now: Mutex::new(Phase::Head(Instant::now() + header)), header, idle }
    }

    /// Bytes came: after a pause, they are the beginning of a head.
    pub(super) fn bytes_came(&self) {
        self.change(|phase| match phase {
            Phase::Idle(_) => Phase::Head(Instant::now() + self.header),
            other => other,
        });
    }

    /// The head is whole.
    pub(super) fn request_came(&self) {
        self.change(|_| Phase::Busy);
    }

    /// The answer is written, or nobody wants it any more.
    pub(super) fn answered(&self) {
        self.change(|_| Phase::Idle(Instant::now() + self.idle));
    }

    /// Until when the next bytes have to come; `None`: that is not for the socket to say.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self.now.lock().unwrap_or_else(PoisonError::into_inner) {
            Phase::Head(until) | Phase::Idle(until) => Some(until),
            Phase::Busy => None,
        }
    }

    /// Whether a request is expected, or has begun to come.
    pub(super) fn is_head(&self) -> bool {
        matches!(*self.now.lock().unwrap_or_else(PoisonError::into_inner), Phase::Head(_))
    }

    fn change(&self, next: impl FnOnce(Phase) -> Phase) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = next(*now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_does_not_move_the_deadline_of_a_head() {
        let second = Duration::from_secs(1);
        let phases = Phases::accepted(10 * second, 75 * second);
        let first = phases.deadline().unwrap();
        phases.bytes_came();
        assert_eq!(phases.deadline(), Some(first));
        phases.request_came();
        assert_eq!(phases.deadline(), None);
        phases.bytes_came();
        assert_eq!(phases.deadline(), None);
        phases.answered();
        let idle = phases.deadline().unwrap();
        assert!(idle >= first + 65 * second);
        phases.bytes_came();
        let second_head = phases.deadline().unwrap();
        assert!(second_head >= first && second_head < idle);
    }
}
