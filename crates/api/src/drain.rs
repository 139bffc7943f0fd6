//! Reading on when a request is refused before its body was read.
//!
//! A client that is still sending sees its connection break, and never the answer, when the server closes with
//! unread data. So a bounded part of the rest is read and thrown away first.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use crate::state::AppState;

/// How long the whole of it may take.
const LONGEST: Duration = Duration::from_secs(2);

/// How long nothing may come.
const SILENCE: Duration = Duration::from_millis(250);

/// Answers a request, and reads on where the answer refuses it.
pub(crate) async fn drain_refused(state: &AppState, request: Request, next: Next) -> Response {
    // A client that waits for "100 Continue" has sent nothing yet.
    let waits = request.headers().contains_key(header::EXPECT);
    let (give_back, mut given_back) = oneshot::channel();
    let request = request
        .map(|body| Body::from_stream(Lent { pieces: Some(body.into_data_stream()), give_back: Some(give_back) }));
    let response = next.run(request).await;
    if !response.status().is_success()
        && !waits
        && let Ok(rest) = given_back.try_recv()
    {
        drain(rest, state.bounds.drain_bytes).await;
    }
    response
}

async fn drain(mut pieces: BodyDataStream, most: usize) {
    let deadline = Instant::now() + LONGEST;
    let mut read = 0;
    while read < most {
        match timeout_at(deadline, timeout(SILENCE, pieces.next())).await {
            Ok(Ok(Some(Ok(piece)))) => read += piece.len(),
            _ => return,
        }
    }
}

/// The pieces of a body that is given back when its reader drops it before the end.
struct Lent {
    pieces: Option<BodyDataStream>,
    give_back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let polled = Pin::new(pieces).poll_next(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.pieces = None;
        }
        polled
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(pieces), Some(give_back)) = (self.pieces.take(), self.give_back.take()) {
            // Nobody waits for it when the request is gone.
            let _ = give_back.send(pieces);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counted(pieces: usize, read: &Arc<AtomicUsize>) -> Body {
        let read = Arc::clone(read);
        let pieces = futures_util::stream::iter((0..pieces).map(move |_| {
            read.fetch_add(1, Ordering::Relaxed);
            Ok::<_, axum::Error>(Bytes::from_static(&[0; 1_000]))
        }));
        Body::from_stream(pieces)
    }

    #[tokio::test]
    async fn what_is_left_is_given_back_and_read_up_to_the_bound() {
        let read = Arc::new(AtomicUsize::new(0));
        let (give_back, mut given_back) = oneshot::channel();
        let mut lent = Body::from_stream(Lent {
            pieces: Some(counted(100, &read).into_data_stream()),
            give_back: Some(give_back),
        });
        lent.frame().await.unwrap().unwrap();
        drop(lent);
        drain(given_back.try_recv().unwrap(), 10_000).await;
        assert_eq!(read.load(Ordering::Relaxed), 11);
    }

    #[tokio::test]
    async fn what_was_read_to_the_end_is_not() {
        let read = Arc::new(AtomicUsize::new(0));
        let (give_back, mut given_back) = oneshot::channel();
        let lent = Lent { pieces: Some(counted(3, &read).into_data_stream()), give_back: Some(give_back) };
        assert_eq!(Body::from_stream(lent).collect().await.unwrap().to_bytes().len(), 3_000);
        assert!(given_back.try_recv().is_err());
    }
}
