//! Carbon on TCP: plaintext (`path value timestamp`, a line a sample) and pickles, each on a port of its own; and
//! plaintext by UDP, whole lines in each datagram.
//!
//! The protocols have no answers, so nothing is acknowledged: lines are committed in batches, at the latest
//! 200 ms after they came, bad ones are logged (a few) and counted. When the store is busy nothing more is
//! read, and TCP holds the sender back.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::Sample;
use lanner_io::store::{Batch, Store, StoreError};
use lanner_wire::carbon::{self, CarbonSample};
use lanner_wire::{Report, pickle};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::age::Ages;
use super::lateness;
use super::service::IntakeService;

/// Samples of one commit.
const BATCH: usize = 10_000;
/// How long a sample waits for company.
const LINGER: Duration = Duration::from_millis(200);
/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;
/// The longest datagram there is.
const MAX_DATAGRAM_BYTES: usize = 64 * 1024;
/// Connections at one time.
const MAX_CONNECTIONS: u32 = 1_000;

/// What is spoken on a port.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// A line a sample.
    Lines,
    /// Frames of pickled lists of samples.
    Pickles,
}

/// Accepts connections until the server stops; ends when what they sent is committed.
pub async fn listen(service: Arc<IntakeService>, listener: TcpListener, protocol: Protocol) {
    let slots = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS as usize));
    let next = async || (Arc::clone(&slots).acquire_owned().await, listener.accept().await);
    loop {
        let (slot, accepted) = tokio::select! {
            next = next() => next,
            () = service.shutdown.begun() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move {
                    let served = match protocol {
                        Protocol::Lines => serve_lines(&service, stream).await,
                        Protocol::Pickles => serve_pickles(&service, stream).await,
                    };
                    if let Err(error) = served {
                        tracing::debug!(%peer, "carbon connection ended: {error}");
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!("carbon cannot accept: {error}");
                tokio::time::sleep(LINGER).await;
            }
        }
    }
    // All places are free when all connections have ended.
    let _ = slots.acquire_many(MAX_CONNECTIONS).await;
}

async fn serve_lines(service: &IntakeService, stream: TcpStream) -> Result<(), StoreError> {
    let mut lines = Lines { reader: BufReader::with_capacity(64 * 1024, stream), line: Vec::new() };
    let mut pending = Pending::default();
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        let next = tokio::select! {
            line = lines.next() => Ok(line),
            () = tokio::time::sleep_until(pending.deadline), if !pending.batch.is_empty() => Err(()),
            () = &mut stopped => Ok(None),
        };
        match next {
            Ok(Some(line)) => pending.add(service, &line),
            Ok(None) => {
                pending.commit(service).await?;
                return Ok(());
            }
            Err(()) => pending.commit(service).await?,
        }
        if pending.batch.samples.len() >= BATCH {
            pending.commit(service).await?;
        }
    }
}

async fn serve_pickles(service: &IntakeService, mut stream: TcpStream) -> Result<(), StoreError> {
    let mut received = bytes::BytesMut::new();
    let mut pending = Pending::default();
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        received.reserve(READ_BYTES);
        let ended = tokio::select! {
            read = stream.read_buf(&mut received) => !matches!(read, Ok(1..)),
            () = tokio::time::sleep_until(pending.deadline), if !pending.batch.is_empty() => {
                pending.commit(service).await?;
                continue;
            }
            () = &mut stopped => true,
        };
        let mut lost = false;
        loop {
            match pickle::next_frame(&received) {
                Ok(Some((frame, used))) => {
                    pending.add_pickle(service, frame);
                    bytes::Buf::advance(&mut received, used);
                }
                Ok(None) => break,
                Err(error) => {
                    pending.report.reject(pending.line_number + 1, None, error.to_string());
                    lost = true;
                    break;
                }
            }
            if pending.batch.samples.len() >= BATCH {
                pending.commit(service).await?;
            }
        }
        if ended || lost {
            return pending.commit(service).await;
        }
    }
}

/// Takes datagrams until the server stops. What comes faster than it can be stored is dropped by the operating
/// system, as senders by UDP accept.
pub async fn take_datagrams(service: Arc<IntakeService>, socket: UdpSocket) {
    let mut datagram = vec![0; MAX_DATAGRAM_BYTES];
    let mut pending = Pending::default();
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut datagram) => received,
            () = tokio::time::sleep_until(pending.deadline), if !pending.batch.is_empty() => Ok(0),
            () = &mut stopped => break,
        };
        match received {
            Ok(n_bytes) => {
                for line in datagram[..n_bytes].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    pending.add(&service, line);
                }
            }
            Err(error) => tracing::debug!("carbon over UDP: {error}"),
        }
        if pending.is_due() {
            commit_or_log(&mut pending, &service).await;
        }
    }
    commit_or_log(&mut pending, &service).await;
}

/// Nobody waits for an answer: a batch that cannot be stored is logged, and the next one is taken.
async fn commit_or_log(pending: &mut Pending, service: &IntakeService) {
    if let Err(error) = pending.commit(service).await {
        tracing::warn!("carbon over UDP: a batch is not stored: {error}");
    }
}

/// Lines of bounded length; a line that is too long is given as its beginning, and refused as such.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The next line without its break; `None` at the end. Safe to cancel: what was read is kept.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let buffer = self.reader.fill_buf().await.ok()?;
            if buffer.is_empty() {
                return (!self.line.is_empty()).then(|| std::mem::take(&mut self.line));
            }
            let (part, used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (&buffer[..at], at + 1, true),
                None => (buffer, buffer.len(), false),
            };
            let room = (carbon::MAX_LINE_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.reader.consume(used);
            if ended {
                return Some(std::mem::take(&mut self.line));
            }
        }
    }
}

struct Pending {
    batch: Batch,
    report: Report,
    deadline: tokio::time::Instant,
    line_number: u64,
    /// How much of what came last will not be kept.
    too_old: Option<(u64, String)>,
}

impl Default for Pending {
    fn default() -> Self {
        let deadline = tokio::time::Instant::now() + LINGER;
        Self { batch: Batch::default(), report: Report::default(), deadline, line_number: 0, too_old: None }
    }
}

impl Pending {
    /// Whether it should be committed now.
    fn is_due(&self) -> bool {
        let n_samples = self.batch.samples.len();
        n_samples >= BATCH || (n_samples > 0 && self.deadline <= tokio::time::Instant::now())
    }

    fn add(&mut self, service: &IntakeService, line: &[u8]) {
        self.line_number += 1;
        if self.batch.is_empty() {
            self.deadline = tokio::time::Instant::now() + LINGER;
        }
        if line.len() > carbon::MAX_LINE_BYTES {
            return self.report.reject(self.line_number, None, "the line is longer than 64 KiB");
        }
        let mut part = Report::default();
        let mut ages = Ages::new(service);
        carbon::parse(line, service.now_ms(), &mut part, |sample| {
            add_sample(&service.store, &mut ages, &mut self.batch, sample)
        });
        self.too_old = ages.told("carbon").or(self.too_old.take());
        self.report.absorb(part, self.line_number - 1);
    }

    /// A frame counts as a line.
    fn add_pickle(&mut self, service: &IntakeService, frame: &[u8]) {
        self.line_number += 1;
        if self.batch.is_empty() {
            self.deadline = tokio::time::Instant::now() + LINGER;
        }
        let mut part = Report::default();
        let mut ages = Ages::new(service);
        let parsed = pickle::parse_frame(frame, service.now_ms(), &mut part, |sample| {
            add_sample(&service.store, &mut ages, &mut self.batch, sample)
        });
        self.too_old = ages.told("carbon").or(self.too_old.take());
        if let Err(error) = parsed {
            part.reject(1, None, error.to_string());
        }
        self.report.absorb(part, self.line_number - 1);
    }

    /// Commits what waits; a busy store is waited for.
    async fn commit(&mut self, service: &IntakeService) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        let report = std::mem::take(&mut self.report);
        service.count_report("carbon", &report);
        if let Some(problem) = report.problems.first() {
            tracing::warn!(rejected = report.rejected, "carbon: {problem}");
        }
        if let Some((_, warning)) = self.too_old.take() {
            tracing::warn!("carbon: {warning}");
        }
        if batch.is_empty() {
            return Ok(());
        }
        lateness::note_samples(&batch, service.now_ms());
        let stored = service.late_samples.candidates(&batch);
        loop {
            match service.store.append(batch.clone()) {
                Ok(receipt) => match receipt.await {
                    Ok(()) => {
                        service.late_samples.note(&stored);
                        return Ok(());
                    }
                    Err(StoreError::DiskFull) => tokio::time::sleep(Duration::from_secs(1)).await,
                    Err(error) => return Err(error),
                },
                Err(StoreError::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Adds a sample to a batch; the series is registered if it is new.
fn add_sample(
    store: &Store,
    ages: &mut Ages,
    batch: &mut Batch,
    sample: CarbonSample<'_>,
) -> Result<(), String> {
    let raw = [b"carbon\n", sample.raw_path.as_bytes()].concat();
    let id = match store.resolve_known(&raw) {
        Some(id) => id,
        None => {
            let key = carbon::series_key(sample.raw_path).map_err(|error| error.to_string())?;
            store.resolve(&raw, || key).map_err(|error| error.to_string())?
        }
    };
    ages.sample(store, id, sample.time_ms);
    batch.samples.push((id, Sample::new(sample.time_ms, sample.value)));
    Ok(())
}
