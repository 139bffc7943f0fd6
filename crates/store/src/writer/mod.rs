//! The batch writer: gathers the requests of all connections of a tenant into one transaction.
//!
//! Each tenant with something to write has a bounded queue and a task that has two batches in flight, one of them small at most. A few
//! tenants commit at once. A request is answered after its own events are committed, and never before.

mod admission;
mod arrivals;
mod batch;
mod bisect;
mod flight;
mod gather;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journey::{Event, Instant, Invalid, Tenant, TenantId};
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use self::admission::{Admission, Reservation};
use crate::error::StoreError;
use crate::measure::Measurer;
use crate::options::StoreOptions;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Accepted,
    /// An event of this id is stored; the first one counts.
    Duplicate,
    /// The database refused it, alone.
    Refused(Invalid),
}

/// Why a request could not be written. Sending it again is safe, whatever had been written of it.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Too much is waiting to be written.
    #[error("too many events are waiting to be written")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// The database is not available or failed.
    #[error("the events could not be written")]
    Unavailable(#[source] StoreError),
}

/// The most requests that wait in the queue of one tenant.
const QUEUE: usize = 1_024;

/// Batches that commit at the same time; each waits for the disk, and more of them only wait for each other.
const COMMITS: u32 = 4;

/// When to try again where the queue is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One request in the queue.
pub(crate) struct Request {
    events: Vec<Event>,
    received_at: Instant,
    answer: oneshot::Sender<Result<Vec<Outcome>, AppendError>>,
    /// Freed when the request is answered.
    _reserved: [Reservation; 2],
}

/// A tenant's queue.
struct Queue {
    requests: mpsc::Sender<Request>,
    admission: Arc<Admission>,
}

/// The queues by tenant; `None` once the store closes.
type Queues = Mutex<Option<HashMap<TenantId, Queue>>>;

/// What the tasks share.
struct Shared {
    pool: PgPool,
    gather: Duration,
    queues: Queues,
    commits: Arc<Semaphore>,
    /// Held for a transaction that is begun while others commit: one alone, and none where that would be the last connection.
    early: Arc<Semaphore>,
    /// The number of this process' first writer: processes side by side mostly have others.
    writer: i16,
    measurer: Arc<Measurer>,
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Option<HashMap<TenantId, Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writers of all tenants.
pub(crate) struct Writers {
    shared: Arc<Shared>,
    admission: Arc<Admission>,
    queue_bytes: usize,
    tasks: TaskTracker,
}

impl Writers {
    pub(crate) fn new(pool: PgPool, options: &StoreOptions, connections: u32, measurer: Arc<Measurer>) -> Self {
        let commits = COMMITS.min(connections.saturating_sub(1)).max(1);
        let shared = Shared {
            pool,
            gather: options.gather,
            queues: Mutex::new(Some(HashMap::new())),
            commits: Arc::new(Semaphore::new(commits as usize)),
            early: Arc::new(Semaphore::new(usize::from(connections >= commits + 2))),
            writer: i16::try_from(std::process::id() % 1_000).unwrap_or(0) * 2,
            measurer,
        };
        Self {
            shared: Arc::new(shared),
            admission: Admission::new(options.queue_bytes),
            queue_bytes: options.queue_bytes,
            tasks: TaskTracker::new(),
        }
    }

    /// Queues events and waits for what becomes of them.
    pub(crate) async fn append(
        &self,
        tenant: &Arc<Tenant>,
        events: Vec<Event>,
        bytes: usize,
        received_at: Instant,
    ) -> Result<Vec<Outcome>, AppendError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.enqueue(tenant, events, bytes, received_at)?;
        // A task that broke down drops the request unanswered: what was not acknowledged may be sent again.
        answer
            .await
            .unwrap_or_else(|_| Err(AppendError::Unavailable(StoreError::Unavailable(sqlx::Error::WorkerCrashed))))
    }

    fn enqueue(
        &self,
        tenant: &Arc<Tenant>,
        events: Vec<Event>,
        bytes: usize,
        received_at: Instant,
    ) -> Result<oneshot::Receiver<Result<Vec<Outcome>, AppendError>>, AppendError> {
        let full = || AppendError::Full { retry_after: RETRY_AFTER };
        let everyone = self.admission.reserve(bytes).ok_or_else(full)?;
        let (sender, answer) = oneshot::channel();
        // A task leaves the map only while it holds this lock and its queue is empty, so that what is put into a
        // queue under the lock is always read.
        let mut queues = self.shared.queues();
        let Some(queues) = queues.as_mut() else { return Err(AppendError::Unavailable(StoreError::Closing)) };
        if queues.get(&tenant.id).is_some_and(|queue| queue.requests.is_closed()) {
            queues.remove(&tenant.id);
        }
        let queue = queues.entry(tenant.id).or_insert_with(|| self.start(tenant));
        let own = queue.admission.reserve(bytes).ok_or_else(full)?;
        let request = Request { events, received_at, answer: sender, _reserved: [everyone, own] };
        queue.requests.try_send(request).map_err(|_| full())?;
        Ok(answer)
    }

    /// Starts the task of a tenant.
    fn start(&self, tenant: &Arc<Tenant>) -> Queue {
        let (requests, queue) = mpsc::channel(QUEUE);
        self.tasks.spawn(gather::run(self.shared.clone(), tenant.clone(), queue));
        // One tenant alone can't take all the room there is.
        Queue { requests, admission: Admission::new(self.queue_bytes / 2) }
    }

    /// Takes no more requests. The tasks write what is queued and end.
    pub(crate) fn close(&self) {
        self.shared.queues().take();
        self.tasks.close();
    }

    /// Waits until the tasks have ended.
    pub(crate) async fn finished(&self) {
        self.tasks.wait().await;
    }
}
