//! Delivery: batches go out several at a time and are acknowledged in the order of the input.

use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::mpsc;

use super::batch::{Batch, Envelope, Mark, Refusal};
use super::client::{Client, Refused};

/// Where batches go.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// The service.
    pub(crate) client: Client,
    /// The path of the call.
    pub(crate) path: &'static str,
    /// A key that may post events.
    pub(crate) key: String,
    /// What stands around the events.
    pub(crate) envelope: Envelope,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// New events.
    pub(crate) accepted: u64,
    /// Events that were there before.
    pub(crate) duplicates: u64,
    /// Lines that were refused, in their order.
    pub(crate) refused: Vec<Refusal>,
    /// The end of the batch in the input.
    pub(crate) end: Mark,
}

/// Sends every batch that `batches` brings, at most `in_flight` at once.
///
/// `acknowledged` is called in the order of the input, so everything up to the end that it is told is durable. A batch
/// is only begun while fewer than `in_flight` batches before it are open: what is durable beyond that end spans less
/// than `in_flight` batches.
pub(crate) async fn deliver(
    destination: &Destination,
    batches: mpsc::Receiver<anyhow::Result<Batch>>,
    in_flight: usize,
    mut acknowledged: impl FnMut(Delivered) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let incoming = futures_util::stream::unfold(batches, async |mut batches| Some((batches.recv().await?, batches)));
    let outgoing = incoming.map(|batch| {
        let destination = destination.clone();
        // A task of its own goes on while the acknowledgement of an earlier one is being worked on.
        tokio::spawn(async move { Ok(send(&destination, Arc::new(batch?)).await?) })
    });
    let mut outgoing = std::pin::pin!(outgoing.buffered(in_flight.max(1)));
    while let Some(joined) = outgoing.next().await {
        let delivered: anyhow::Result<Delivered> = joined?;
        acknowledged(delivered?)?;
    }
    Ok(())
}

/// Sends one batch. Where the service cannot take it as it is, its halves are sent, down to the event at fault.
async fn send(destination: &Destination, batch: Arc<Batch>) -> Result<Delivered, Refused> {
    let mut delivered = Delivered { end: batch.end, refused: batch.refused.clone(), ..Delivered::default() };
    let mut work: Vec<Range<usize>> =
        if batch.len() == 0 { Vec::new() } else { std::iter::once(0..batch.len()).collect() };
    while let Some(range) = work.pop() {
        let body = {
            let (batch, range, envelope) = (Arc::clone(&batch), range.clone(), destination.envelope);
            let is_packed = destination.client.packs();
            tokio::task::spawn_blocking(move || batch.body(range, envelope, is_packed))
                .await
                .map_err(std::io::Error::other)
                .flatten()
        };
        let body = body.map_err(|error| Refused::GaveUp { tries: 0, seconds: 0, last: error.to_string() })?;
        match destination.client.post(destination.path, &destination.key, body).await {
            Ok(answer) => read(&answer, &batch, range, &mut delivered),
            Err(Refused::Problem { status, code, pointer, message }) if is_about_the_body(status) => {
                if range.len() > 1 {
                    let middle = range.start + range.len() / 2;
                    work.push(middle..range.end);
                    work.push(range.start..middle);
                } else {
                    let (line, event) = (batch.line(range.start), batch.event(range.start));
                    delivered.refused.push(Refusal { line, code, pointer, message, event });
                }
            }
            Err(refused) => return Err(refused),
        }
    }
    delivered.refused.sort_by_key(|refusal| refusal.line);
    Ok(delivered)
}

/// Whether another body might be taken where this one was refused.
fn is_about_the_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

fn read(answer: &Value, batch: &Batch, range: Range<usize>, delivered: &mut Delivered) {
    let count = |member: &str| answer.get(member).and_then(Value::as_u64).unwrap_or_default();
    delivered.accepted += count("accepted");
    delivered.duplicates += count("duplicates");
    for rejected in answer.get("rejected").and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| rejected.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let index = rejected.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let index = range.start + index.unwrap_or_default();
        delivered.refused.push(Refusal {
            line: batch.line(index),
            code: text("code"),
            pointer: text("pointer"),
            message: text("message"),
            event: batch.event(index),
        });
    }
}
