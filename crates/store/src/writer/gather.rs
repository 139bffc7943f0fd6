//! A tenant's task: takes what is queued, writes it, answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use journey::{Tenant, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use super::batch::Row;
use super::flight::{Earlier, Flights, InFlight};
use super::write::{Target, Written, write};
use super::{AppendError, Outcome, Request, Shared};
use crate::error::StoreError;
use crate::fault;
use crate::transaction::{Purpose, Tx, try_begin};

/// The most events of a batch, unless one request alone has more. Where a batch takes most of what waits, the next one is smaller, is
/// written sooner, and then waits for the first over what they share: they end together, and begin together. Of batches of one size
/// the later one finds settled what they share. docs/performance.md tells what other sizes gave where requests have 500 events.
const MAX_ROWS: usize = 1_000;

/// Requests that follow so soon were waiting for the answers of the batch before.
const SOON: Duration = Duration::from_millis(3);

/// A large batch that waits so long for those before it is one of too many.
const LONG: Duration = Duration::from_millis(10);
/// Small ones wait for the disk, and for each other, however few events there are.
const LARGE: usize = 256;

/// Where so many of the last eight were, events come in as fast as they can be written.
const MANY: u32 = 4;
/// A batch of so many counts for two.
const TWICE: usize = MAX_ROWS * 2 / 3;

/// A tenant that has sent nothing for so long has no task any more.
const IDLE: Duration = Duration::from_secs(10);

/// Batches of one tenant that are written side by side, one of them small at most. While Postgres writes one, the requests of the next
/// are read and gathered; more of them would only be smaller.
const SIDE_BY_SIDE: u16 = 2;

/// Requests that are being read right now are waited for until so many looks in a row found none.
const LOOKS: u32 = 5;
/// What begins a transaction early gives up after this: the connection may be gone.
const BEGIN: Duration = Duration::from_millis(50);

/// Writes what comes through `queue` until the tenant is idle or the store closes.
pub(super) async fn run(shared: Arc<Shared>, tenant: Arc<Tenant>, mut queue: mpsc::Receiver<Request>) {
    let (mut waiting, mut turn) = (Waiting::default(), 0);
    let room = Arc::new(Semaphore::new(usize::from(SIDE_BY_SIDE)));
    // Of small batches one at a time: two would be half as large, and what a transaction costs is most of what they cost.
    let small = Arc::new(Semaphore::new(1));
    let mut flights = Flights::default();
    // A bit for each of the last batches, two for one that counts for two.
    let mut waited = 0u8;
    while let Some(requests) = waiting.gather(&shared, tenant.id, &mut queue).await {
        // No semaphore is ever closed. Batches of other tenants may be committing; what arrives meanwhile comes along. A small batch
        // with something left over has nothing to wait for: what was left is not to stand behind it.
        let (alone, begun) = if requests.rows < LARGE && waiting.left_over.is_none() {
            alone(&shared, tenant.id, &small).await
        } else {
            (None, None)
        };
        let asked = Instant::now();
        let own = room.clone().acquire_owned().await;
        let late = asked.elapsed() >= LONG;
        let permit = shared.commits.clone().acquire_owned().await;
        let (answers, rows) = unpack(waiting.fill(requests, &mut queue));
        waiting.rows = rows.len();
        let is_large = rows.len() >= LARGE;
        // What was begun early takes the connection of this batch now; and one that has become large is no small one.
        let (begun, alone) = (begun.map(|(begun, _)| begun), alone.filter(|_| !is_large));
        let late = late && is_large;
        for _ in 0..=usize::from(rows.len() >= TWICE) {
            waited = waited << 1 | u8::from(late);
        }
        let large = is_large.then(|| shared.measurer.write_large());
        if late && waited.count_ones() >= MANY {
            shared.measurer.note_burst();
        }
        let (earlier, flight) = flights.begin(&rows);
        turn = (turn + 1) % SIDE_BY_SIDE;
        let (shared, tenant, writer) = (shared.clone(), tenant.clone(), shared.writer + turn.cast_signed());
        tokio::spawn(async move {
            commit(&shared, &tenant, (answers, rows), (writer, earlier, begun), (flight, (permit, large))).await;
            drop((own, alone));
        });
    }
    // Whoever waits for this task waits for its batches.
    drop(room.acquire_many(SIDE_BY_SIDE.into()).await);
}

/// A transaction that was begun before it is known what it is to write, and what keeps others from being begun so.
type Begun = (Tx, OwnedSemaphorePermit);

/// Waits until no other small batch is written. Its transaction is begun meanwhile, where there is a connection to spare.
async fn alone(
    shared: &Shared,
    tenant: TenantId,
    small: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, Option<Begun>) {
    if let Ok(alone) = small.clone().try_acquire_owned() {
        return (Some(alone), None);
    }
    let early = async {
        let early = shared.early.clone().try_acquire_owned().ok()?;
        match timeout(BEGIN, try_begin(&shared.pool, tenant, Purpose::Write)).await {
            Ok(Ok(begun)) => Some((begun?, early)),
            Ok(Err(error)) => {
                tracing::debug!(?error, "no transaction was begun early");
                None
            }
            Err(_) => None,
        }
    };
    let (alone, begun) = tokio::join!(small.clone().acquire_owned(), early);
    (alone.ok(), begun)
}

/// Writes a batch and answers its requests. Its `flight` is over and what is `held` for it is let go in between.
async fn commit<Held>(
    shared: &Shared,
    tenant: &Tenant,
    (answers, rows): (Vec<Answer>, Vec<Row>),
    (writer, earlier, begun): (i16, Earlier, Option<Tx>),
    (flight, held): (InFlight, Held),
) {
    let dictionaries = shared.measurer.dictionaries();
    let dictionary = dictionaries.current(&shared.pool, tenant.id).await;
    let to = Target {
        pool: &shared.pool,
        tenant,
        recent: shared.measurer.recent(),
        dictionaries,
        dictionary,
        writer,
        begun: Mutex::new(begun),
    };
    if fault::seeded("ack-before-commit") {
        let outcomes = vec![Some(Outcome::Accepted); rows.len()];
        answer(answers, Written { outcomes, failure: None });
        write(&to, &rows, &earlier).await;
        return;
    }
    let written = write(&to, &rows, &earlier).await;
    flight.settle(&rows, &written);
    drop(held);
    let stored = written.stored();
    if stored > 0 {
        shared.measurer.note_stored(tenant.id, stored);
        shared.measurer.notify(tenant);
        answer(answers, written);
        dictionaries.learn((&shared.pool, tenant.id, rows[0].received_at), rows.iter().map(|row| &row.event));
    } else {
        answer(answers, written);
    }
}

/// Requests taken from the queue, and how many events they hold.
#[derive(Default)]
struct Taken {
    requests: Vec<Request>,
    rows: usize,
}

/// What a task remembers between batches.
#[derive(Default)]
struct Waiting {
    /// A request that did not fit into the last batch.
    left_over: Option<Request>,
    /// Whether the last batch held several requests: then more are on their way.
    busy: bool,
    /// How many events it held.
    rows: usize,
}

impl Waiting {
    /// The requests of the next batch; `None`: the task is over.
    async fn gather(
        &mut self,
        shared: &Shared,
        tenant: TenantId,
        queue: &mut mpsc::Receiver<Request>,
    ) -> Option<Taken> {
        let at_hand = self.left_over.take().or_else(|| queue.try_recv().ok());
        let first = if let Some(request) = at_hand {
            request
        } else if let Ok(soon) = timeout(SOON, queue.recv()).await {
            soon?
        } else {
            next(shared, tenant, queue).await?
        };
        let rows = first.events.len();
        let mut taken = self.fill(Taken { requests: vec![first], rows }, queue);
        // A lone request of an idle tenant has no one to wait for.
        if taken.requests.len() > 1 || self.busy {
            let deadline = Instant::now() + shared.gather;
            taken = if self.rows >= LARGE || taken.rows >= LARGE {
                self.wait(taken, queue, deadline).await
            } else {
                self.let_come(taken, queue, deadline).await
            };
        }
        self.busy = taken.requests.len() > 1;
        Some(taken)
    }

    /// Adds what comes until the deadline.
    async fn wait(&mut self, mut taken: Taken, queue: &mut mpsc::Receiver<Request>, deadline: Instant) -> Taken {
        while taken.rows < MAX_ROWS && self.left_over.is_none() {
            match timeout_at(deadline, queue.recv()).await {
                Ok(Some(request)) => self.take(&mut taken, request),
                Ok(None) | Err(_) => break,
            }
        }
        taken
    }

    /// Adds the requests that are being read right now: as long as some come while others have their turn on this thread, the batch
    /// is small, and the deadline is not over.
    async fn let_come(&mut self, mut taken: Taken, queue: &mut mpsc::Receiver<Request>, deadline: Instant) -> Taken {
        let mut in_vain = 0;
        while in_vain < LOOKS && taken.rows < LARGE && self.left_over.is_none() && Instant::now() < deadline {
            yield_now().await;
            let before = taken.requests.len();
            taken = self.fill(taken, queue);
            in_vain = if taken.requests.len() > before { 0 } else { in_vain + 1 };
        }
        taken
    }

    /// Adds all that is queued and fits.
    fn fill(&mut self, mut taken: Taken, queue: &mut mpsc::Receiver<Request>) -> Taken {
        while taken.rows < MAX_ROWS && self.left_over.is_none() {
            let Ok(request) = queue.try_recv() else { break };
            self.take(&mut taken, request);
        }
        taken
    }

    /// Adds a request, or keeps it for the next batch where it does not fit.
    fn take(&mut self, taken: &mut Taken, request: Request) {
        if taken.rows + request.events.len() > MAX_ROWS {
            self.left_over = Some(request);
        } else {
            taken.rows += request.events.len();
            taken.requests.push(request);
        }
    }
}

/// The next request; `None` when the store closes or nothing came for long.
async fn next(shared: &Shared, tenant: TenantId, queue: &mut mpsc::Receiver<Request>) -> Option<Request> {
    loop {
        if let Ok(request) = timeout(IDLE, queue.recv()).await {
            return request;
        }
        let mut queues = shared.queues();
        if queue.is_empty() {
            // Under the lock no one can have put a request into the queue since.
            if let Some(queues) = queues.as_mut() {
                queues.remove(&tenant);
            }
            return None;
        }
    }
}

type Answer = (tokio::sync::oneshot::Sender<Result<Vec<Outcome>, AppendError>>, usize, [super::Reservation; 2]);

/// Lays the events of the requests into one row of rows.
fn unpack(taken: Taken) -> (Vec<Answer>, Vec<Row>) {
    let mut rows = Vec::with_capacity(taken.rows);
    let mut answers = Vec::with_capacity(taken.requests.len());
    for request in taken.requests {
        let Request { events, received_at, answer, _reserved: reserved } = request;
        answers.push((answer, events.len(), reserved));
        rows.extend(events.into_iter().map(|event| Row { event, received_at }));
    }
    (answers, rows)
}

/// Answers each request with the outcomes of its own events, or with the failure where one of them is not known.
fn answer(answers: Vec<Answer>, written: Written) {
    let Written { outcomes, failure } = written;
    let mut outcomes = outcomes.into_iter();
    for (sender, events, reserved) in answers {
        let own: Option<Vec<Outcome>> = outcomes.by_ref().take(events).collect::<Vec<_>>().into_iter().collect();
        let answer = own
            .ok_or_else(|| AppendError::Unavailable(failure.as_ref().map_or(StoreError::Closing, StoreError::again)));
        drop(reserved);
        // Whoever asked may have gone; the events are stored all the same.
        let _ = sender.send(answer);
    }
}
