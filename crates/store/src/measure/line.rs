//! A task of several jobs: one job is measured while others are read, and while what those before it changed is written.
//!
//! Nothing waits for more than it needs: a connection that has read a job reads the next one, and the thread that measures takes
//! whatever is there.

use std::collections::HashSet;
use std::mem::take;
use std::sync::mpsc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sqlx::PgConnection;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::amounts::{Amounts, Unfinished};
use super::beside::along;
use super::change::Writes;
use super::job::{Job, Loaded, Loading};
use super::work::{Hands, Jobs, Task, leave_out};
use crate::fault;

/// The jobs in memory beside those that others read: one that is measured, and one that is ready for it or is being read.
const AHEAD: usize = 2;

/// What became of a job.
struct Added<'a> {
    left: Unfinished<'a>,
    writes: Writes,
}

/// Measures the jobs of a task; `None`: there is no thread for it, and nothing was done.
pub(super) async fn measure<'a>(
    hands: Hands<'_>,
    (task, loading): (&Task<'_>, &Loading<'a>),
    (jobs, amounts): (Jobs<'a>, &mut Amounts<'_>),
    most_rows: usize,
) -> Option<Result<(), sqlx::Error>> {
    let (to_measure, ready) = mpsc::channel::<Loaded<'a>>();
    let (is_measured, measured) = unbounded_channel();
    let computing = move || {
        for loaded in ready {
            let left = amounts.add(loaded);
            let writes = amounts.writes(task.is_slice, most_rows);
            if is_measured.send(Added { left, writes }).is_err() {
                break;
            }
        }
    };
    let ((), fed) = along(computing, feed(hands, (task, loading), jobs, to_measure, measured)).await?;
    Some(fed)
}

/// What a connection does next.
enum Step<'a> {
    Load(Job<'a>),
    /// Leaves out of what was loaded what waits in the queue. Only the slice's own connection sees what it claimed.
    Check(Vec<Loaded<'a>>),
    Write(Writes),
}

enum Done<'a> {
    Loaded(Box<Loaded<'a>>),
    Checked(Vec<Loaded<'a>>),
    Written,
}

/// Reads jobs, hands them over to be measured, and writes what they changed, until there is nothing left.
async fn feed<'a>(
    Hands { own, readers }: Hands<'_>,
    (task, loading): (&Task<'_>, &Loading<'a>),
    mut jobs: Jobs<'a>,
    to_measure: mpsc::Sender<Loaded<'a>>,
    mut measured: UnboundedReceiver<Added<'a>>,
) -> Result<(), sqlx::Error> {
    let is_alone = readers.is_empty();
    let most = if is_alone { AHEAD } else { readers.len() + AHEAD };
    let mut own = Some(own);
    let mut readers: Vec<&mut PgConnection> = readers.iter_mut().map(|reader| &mut **reader).collect();
    let (mut loaded, mut writes) = (Vec::new(), Writes::default());
    // What is to be written does not wait for checks that take long.
    let mut has_checked = false;
    // Jobs that were begun and are not measured yet.
    let mut begun = 0;
    let mut under_way = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if failure.is_none() {
            while begun < most
                && let Some(reader) = readers.pop()
            {
                let Some(job) = jobs.next(begun == 0) else {
                    readers.push(reader);
                    break;
                };
                begun += 1;
                under_way.push(work(reader, false, Step::Load(job), (task, loading)));
            }
            let step = match own.is_some() {
                true if !loaded.is_empty() && (writes.is_empty() || !has_checked) => {
                    Some(Step::Check(take(&mut loaded)))
                }
                true if !writes.is_empty() => Some(Step::Write(take(&mut writes))),
                true if is_alone && begun < most => jobs.next(begun == 0).map(Step::Load),
                _ => None,
            };
            if let Some((step, own)) = step.and_then(|step| Some((step, own.take()?))) {
                begun += usize::from(matches!(step, Step::Load(_)));
                has_checked = matches!(step, Step::Check(_));
                under_way.push(work(own, true, step, (task, loading)));
            }
        }
        if under_way.is_empty() && (begun == 0 || failure.is_some()) {
            return failure.map_or(Ok(()), Err);
        }
        tokio::select! {
            Some((connection, is_own, done)) = under_way.next(), if !under_way.is_empty() => {
                if is_own { own = Some(connection) } else { readers.push(connection) }
                match done {
                    Ok(Done::Loaded(job)) => loaded.push(*job),
                    Ok(Done::Checked(jobs)) => jobs.into_iter().for_each(|job| drop(to_measure.send(job))),
                    Ok(Done::Written) => {}
                    // Whatever else is under way comes to its end first.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            next = measured.recv(), if begun > 0 => {
                // The thread that measures has panicked.
                let Some(Added { left, writes: more }) = next else { return Ok(()) };
                begun -= 1;
                jobs.add(left);
                writes.add(more);
            }
        }
    }
}

/// What a connection does, and that it is there again.
async fn work<'c, 'a>(
    connection: &'c mut PgConnection,
    is_own: bool,
    step: Step<'a>,
    (task, loading): (&Task<'_>, &Loading<'a>),
) -> (&'c mut PgConnection, bool, Result<Done<'a>, sqlx::Error>) {
    let done = match step {
        Step::Load(job) => {
            fault::pause("measure.before_load").await;
            loading.load(connection, job).await.map(|loaded| Done::Loaded(Box::new(loaded)))
        }
        Step::Check(mut jobs) => {
            // As if it had been looked at before anything waited.
            let early = fault::seeded("queue-before-the-load").then(HashSet::new);
            leave_out(connection, task, &mut jobs, early).await.map(|()| Done::Checked(jobs))
        }
        Step::Write(writes) => writes.write(connection, task.tenant.id).await.map(|()| Done::Written),
    };
    (connection, is_own, done)
}
