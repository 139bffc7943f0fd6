//! A client that costs the machine little, so that the load is not the bottleneck: requests are written out before the
//! clock runs, answers are read no further than needed, and the clients of a phase share one thread.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The status of an answer by which the service asks to come again.
const BUSY: u16 = 503;

/// One connection of HTTP/1.1 that is kept open.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// What was read: the answer, and nothing else, since only one request is on its way.
    read: Vec<u8>,
}

/// The status and the body of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    /// The body as JSON, where the status is a success.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        ensure!((200..300).contains(&self.status), "{} {}", self.status, String::from_utf8_lossy(self.body));
        Ok(serde_json::from_slice(self.body)?)
    }
}

/// A request without a body, whole.
pub(super) fn get(path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\r\n").into_bytes()
}

/// A request with a JSON body, whole.
pub(super) fn post(path: &str, key: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} cannot be reached"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request that [`get`] or [`post`] wrote, and reads its answer whole.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            self.more().await?;
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, length) = parse_head(&self.read[..head])?;
        let Some(length) = length else {
            return self.chunked(status, head).await;
        };
        while self.read.len() < head + length {
            self.more().await?;
        }
        Ok(Answer { status, body: &self.read[head..head + length] })
    }

    /// The same, again and again where the service is busy, and how often it was.
    pub(super) async fn insist(&mut self, request: &[u8]) -> anyhow::Result<(Answer<'_>, u64)> {
        let mut busy = 0;
        // The answer that is returned cannot be borrowed in the loop, so the last one is read from the buffer once more.
        let (status, range) = loop {
            let answer = self.exchange(request).await?;
            let (status, length) = (answer.status, answer.body.len());
            if status == BUSY {
                busy += 1;
                // Shorter than what the service asks for, so that the pause does not weigh in the figures.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            let end = self.read.len();
            break (status, end - length..end);
        };
        Ok((Answer { status, body: &self.read[range] }, busy))
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the connection was closed before the answer ended");
        Ok(())
    }

    /// Reads a body in chunks and puts it together behind the head.
    async fn chunked(&mut self, status: u16, head: usize) -> anyhow::Result<Answer<'_>> {
        let (mut at, mut body) = (head, Vec::new());
        loop {
            let line = loop {
                match find(&self.read[at..], b"\r\n") {
                    Some(length) => break at..at + length,
                    None => self.more().await?,
                }
            };
            let text = std::str::from_utf8(&self.read[line.clone()])?;
            let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16)
                .with_context(|| format!("{text:?} is no length of a chunk"))?;
            let data = line.end + 2;
            while self.read.len() < data + size + 2 {
                self.more().await?;
            }
            if size == 0 {
                break;
            }
            body.extend_from_slice(&self.read[data..data + size]);
            at = data + size + 2;
        }
        self.read.truncate(head);
        self.read.append(&mut body);
        Ok(Answer { status, body: &self.read[head..] })
    }
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|part| part == mark)
}

/// The status and the length of the body; `None`: it comes in chunks.
fn parse_head(head: &[u8]) -> anyhow::Result<(u16, Option<usize>)> {
    let head = std::str::from_utf8(head)?;
    let status = head.get(9..12).and_then(|text| text.parse().ok()).with_context(|| format!("no HTTP: {head}"))?;
    for line in head.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok((status, Some(value.trim().parse()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok((status, None));
        }
    }
    if matches!(status, 204 | 304) {
        return Ok((status, Some(0)));
    }
    bail!("the answer does not say how long it is: {head}")
}

/// Requests that were written out beforehand, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    pub(super) fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.ends.push(self.bytes.len());
    }

    /// All their bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }
}

/// Runs the clients of a phase on a thread of their own: whatever arrives wakes its client without crossing threads.
pub(super) async fn on_own_thread<T, F>(clients: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let (mut ended, outcome) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("clients".into()).spawn(move || {
        let outcome = tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| {
            runtime.block_on(async {
                tokio::select! {
                    outcome = clients() => Some(outcome),
                    // Whoever stops listening wants them to end.
                    () = ended.closed() => None,
                }
            })
        });
        let outcome = match outcome {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        let _ = ended.send(outcome);
    })?;
    outcome.await.context("the clients ended unexpectedly")?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each of the texts to one request, in pieces of seven bytes.
    async fn answering(texts: &'static [&'static str]) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 4096];
            for text in texts {
                assert!(stream.read(&mut request).await.unwrap() > 0);
                for piece in text.as_bytes().chunks(7) {
                    stream.write_all(piece).await.unwrap();
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_are_read_whole_and_no_further() {
        let address = answering(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n[1,2\r\nA;x=y\r\n,3,4,5,6,7\r\n1\r\n]\r\n0\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno!",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\nbad!",
        ])
        .await;
        let mut connection = Connection::open(address).await.unwrap();
        let request = get("/", "key");
        assert_eq!(connection.exchange(&request).await.unwrap().body, b"{}");
        assert_eq!(connection.exchange(&request).await.unwrap().body, b"[1,2,3,4,5,6,7]");
        let (answer, busy) = connection.insist(&request).await.unwrap();
        assert_eq!((answer.status, answer.body, busy), (400, &b"bad!"[..], 1));
        assert!(answer.json().is_err());
        assert!(connection.exchange(&request).await.is_err());
    }

    #[test]
    fn requests_are_found_again() {
        let mut requests = Requests::default();
        requests.push(b"one");
        requests.push(b"");
        requests.push(b"three");
        assert_eq!([0, 1, 2, 3].map(|at| requests.get(at)), [Some(&b"one"[..]), Some(b""), Some(b"three"), None]);
        assert_eq!(requests.size(), 8);
    }

    #[tokio::test]
    async fn what_goes_wrong_on_the_other_thread_is_heard_here() {
        assert_eq!(on_own_thread(async || Ok(7)).await.unwrap(), 7);
        let failed: anyhow::Result<()> = on_own_thread(async || bail!("no")).await;
        assert_eq!(failed.unwrap_err().to_string(), "no");
    }
}
