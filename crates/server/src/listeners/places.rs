//! Places for connections: as many as there are, and whoever says nothing gives its place up when others wait for one.
//!
//! Senders that are gone without a word, as after a crash of their machine, and whoever opens connections only to hold them,
//! keep nobody out for long.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::sync::locked;

/// How long is waited for a place before somebody is asked for one again.
const AGAIN: Duration = Duration::from_millis(100);

/// Places for connections.
#[derive(Debug)]
pub(super) struct Places {
    n: u32,
    free: Arc<Semaphore>,
    /// After so much silence a place is given up, when others wait.
    max_silence: Duration,
    began: Instant,
    held: Arc<Mutex<HashMap<u64, Held>>>,
    n_so_far: AtomicU64,
}

#[derive(Debug)]
struct Held {
    /// When something was heard last, milliseconds since the places began to be.
    heard_ms: Arc<AtomicU64>,
    leave: oneshot::Sender<()>,
}

impl Places {
    pub(super) fn new(n: u32, max_silence: Duration) -> Self {
        Self {
            n,
            free: Arc::new(Semaphore::new(n as usize)),
            max_silence,
            began: Instant::now(),
            held: Arc::default(),
            n_so_far: AtomicU64::new(0),
        }
    }

    /// Gives a connection a place, once there is one.
    pub(super) async fn give(&self, stream: TcpStream) -> Heard {
        let place = loop {
            let waiting = tokio::time::timeout(AGAIN, Arc::clone(&self.free).acquire_owned());
            if let Ok(place) = waiting.await {
                break place.ok();
            }
            self.ask_the_silent();
        };
        let (id, now_ms) = (self.n_so_far.fetch_add(1, Ordering::Relaxed), self.now_ms());
        let heard_ms = Arc::new(AtomicU64::new(now_ms));
        let (leave, left) = oneshot::channel();
        locked(&self.held).insert(id, Held { heard_ms: Arc::clone(&heard_ms), leave });
        Heard {
            stream,
            left: Some(left),
            heard_ms,
            began: self.began,
            id,
            held: Arc::clone(&self.held),
            _place: place,
        }
    }

    /// Comes when all places are free.
    pub(super) async fn all_free(&self) {
        // Nobody closes the semaphore.
        let _ = self.free.acquire_many(self.n).await;
    }

    /// Has whoever was silent for longest leave, if that is long enough.
    fn ask_the_silent(&self) {
        let mut held = locked(&self.held);
        let heard_ms = |(_, held): &(&u64, &Held)| held.heard_ms.load(Ordering::Relaxed);
        let Some((id, heard_ms)) = held.iter().min_by_key(heard_ms).map(|it| (*it.0, heard_ms(&it))) else {
            return;
        };
        let silence = Duration::from_millis(self.now_ms().saturating_sub(heard_ms));
        if silence >= self.max_silence {
            // Whoever has left meanwhile need not be asked.
            held.remove(&id).map(|silent| silent.leave.send(()));
        }
    }

    fn now_ms(&self) -> u64 {
        millis_since(self.began)
    }
}

fn millis_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A connection that has a place; its end frees the place. To whoever is to leave it looks as if the other end had left.
#[derive(Debug)]
pub(super) struct Heard {
    stream: TcpStream,
    /// Comes when the place is to be given up; `None` once it has come.
    left: Option<oneshot::Receiver<()>>,
    heard_ms: Arc<AtomicU64>,
    began: Instant,
    id: u64,
    held: Arc<Mutex<HashMap<u64, Held>>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Heard {
    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        locked(&self.held).remove(&self.id);
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(left) = &mut self.left else { return Poll::Ready(Ok(())) };
        if Pin::new(left).poll(context).is_ready() {
            self.left = None;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.heard_ms.store(millis_since(self.began), Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const SILENCE: Duration = Duration::from_millis(400);
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn connected(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (here, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn whoever_says_nothing_makes_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let places = Arc::new(Places::new(2, SILENCE));
        let (_silent, stream) = connected(&listener).await;
        let mut silent = places.give(stream).await;
        let (mut talks, stream) = connected(&listener).await;
        let mut talking = places.give(stream).await;
        let talk = tokio::spawn(async move {
            while talks.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SILENCE / 20).await;
            }
        });
        let listen = tokio::spawn(async move {
            let mut byte = [0];
            while talking.read(&mut byte).await.unwrap() > 0 {}
        });
        // Nobody leaves while nobody waits.
        tokio::time::sleep(2 * SILENCE).await;
        let mut byte = [0];
        assert!(tokio::time::timeout(SILENCE / 4, silent.read(&mut byte)).await.is_err());

        let (_third, stream) = connected(&listener).await;
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.give(stream).await }
        });
        let told = tokio::time::timeout(PATIENCE, silent.read(&mut byte)).await;
        assert_eq!(told.expect("nobody is asked to leave").unwrap(), 0);
        assert_eq!(silent.read(&mut byte).await.unwrap(), 0);
        drop(silent);
        let third = tokio::time::timeout(PATIENCE, waiting).await.expect("no place").unwrap();
        // Whoever talks stays, whoever comes.
        let (_fourth, stream) = connected(&listener).await;
        drop(tokio::time::timeout(SILENCE / 4, places.give(stream)).await);
        assert!(!listen.is_finished());
        drop(third);
        talk.abort();
        tokio::time::timeout(PATIENCE, places.all_free()).await.expect("a place is still held");
    }
}
