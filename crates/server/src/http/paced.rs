//! A socket that gives up on a client that neither sends nor receives.

use std::future::Future as _;
use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::phase::Phases;

/// A connection's socket.
#[derive(Debug)]
pub(super) struct Paced {
    stream: TcpStream,
    phases: Arc<Phases>,
    reading: Pin<Box<Sleep>>,
    /// Runs while the client takes nothing.
    writing: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, phases: Arc<Phases>, write_timeout: Duration) -> Self {
        let until = phases.deadline().unwrap_or_else(Instant::now);
        Self { stream, phases, reading: Box::pin(sleep_until(until)), writing: None, write_timeout }
    }

    /// Passes on how a write went; one that waits too long fails.
    fn written<T>(&mut self, context: &mut Context<'_>, poll: Poll<Result<T, Error>>) -> Poll<Result<T, Error>> {
        if poll.is_ready() {
            self.writing = None;
            return poll;
        }
        let until = Instant::now() + self.write_timeout;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(writing.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            if buffer.filled().len() > before {
                self.phases.bytes_came();
            }
            return Poll::Ready(read);
        }
        let Some(until) = self.phases.deadline() else { return Poll::Pending };
        if self.reading.deadline() != until {
            self.reading.as_mut().reset(until);
        }
        ready!(self.reading.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client sends nothing")))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, poll)
    }
}
