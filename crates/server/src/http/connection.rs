//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::{PoisonError, RwLock};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::body::{Answer, Steady};
use super::paced::Paced;
use super::phase::Phases;
use super::refusal;

/// How long, when the service stops, a connection that was just accepted may take to say what it wants.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The routes, once there are any.
    pub(super) routes: RwLock<Option<Router>>,
    /// Set when the service stops: every answer is the last of its connection.
    pub(super) stopping: Arc<AtomicBool>,
    /// Cancelled when connections shall end after the request that they are at.
    pub(super) draining: CancellationToken,
    /// Cancelled when connections shall end at once.
    pub(super) cut: CancellationToken,
    pub(super) header_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) body_stall_timeout: Duration,
}

impl Shared {
    /// Serves one connection until it ends.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream) {
        // Answers are small and whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
        let phases = Arc::new(Phases::accepted(self.header_timeout, self.idle_timeout));
        let io = TokioIo::new(Paced::new(stream, phases.clone(), self.write_timeout));
        let service = service_fn(|request| self.answer(request, phases.clone()));
        // HTTP/1 alone: detecting HTTP/2 waits for its first bytes without a deadline. The head's deadline is ours, since
        // hyper's holds for idle connections as well.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = async {
                self.draining.cancelled().await;
                if phases.is_head() {
                    // A request may be on its way, and its answer ends the connection.
                    tokio::time::sleep(LAST_REQUEST).await;
                }
            } => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }

    async fn answer(&self, request: Request<Incoming>, phases: Arc<Phases>) -> Result<Response<Answer>, Infallible> {
        phases.request_came();
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut response = match routes {
            Some(routes) => {
                let request = request.map(|body| Body::new(Steady::new(body, self.body_stall_timeout)));
                match routes.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            None => refusal::starting(request.uri().path()),
        };
        if self.stopping.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Answer::new(body, phases)))
    }
}
