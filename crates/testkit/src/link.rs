//! The way between a program and a server, which a test cuts, holds up, forgets and slows.
//!
//! It passes on what is said over TCP, both ways. What a cut does to a connection is seen at once by both sides. The nasty cases are
//! those that nobody sees: bytes that do not come for now, and bytes that never will.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As ways usually are.
    Open,
    /// Connections are closed, and new ones as soon as they are made.
    Cut,
    /// Connections stand, also new ones, and nothing comes through. Once it is open again, all that was said does.
    Held,
    /// Half of the way back and forth, and bytes a second in each direction.
    Slow(Duration, u32),
}

impl Way {
    /// One on which an answer takes 200 ms, at 10 kB a second.
    pub const BAD: Self = Self::Slow(Duration::from_millis(100), 10_000);
}

/// Bytes that are passed on at a time.
const PIECE: usize = 16 << 10;

/// A way to a server on the loopback address; see the [module](self).
#[derive(Debug)]
pub struct Link {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    way: Way,
    /// Connections that were made before were forgotten: nothing comes through any more, and nobody is told.
    remembered_from: u64,
    n_connections: u64,
    open: Vec<(u64, TcpStream)>,
}

impl Link {
    /// One to the server that listens on `port`, or will.
    ///
    /// # Panics
    /// When the machine has no free port.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test cannot go on without a port, and should say so")]
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback address has a free port");
        let own = listener.local_addr().expect("a listener has an address").port();
        let state = State { way: Way::Open, remembered_from: 0, n_connections: 0, open: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.connect(client, port));
            }
        });
        Self { port: own, shared }
    }

    /// Where it begins, on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Makes the way so.
    pub fn set(&self, way: Way) {
        let mut state = self.shared.state();
        state.way = way;
        if way == Way::Cut {
            let forgotten = state.remembered_from;
            for (_, stream) in state.open.extract_if(.., |(number, _)| *number > forgotten) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Forgets the connections that there are, as a firewall does that was restarted: they stand, and nothing that is said on them ever
    /// comes. New ones are passed on.
    pub fn forget(&self) {
        let mut state = self.shared.state();
        state.remembered_from = state.n_connections;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the way is held, and says how it is then.
    fn way(&self) -> Way {
        let held = |state: &mut State| state.way == Way::Held;
        let state = self.changed.wait_while(self.state(), held);
        state.unwrap_or_else(PoisonError::into_inner).way
    }

    fn connect(self: Arc<Self>, client: TcpStream, port: u16) {
        if self.way() == Way::Cut {
            return;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let both = [&client, &server].map(TcpStream::try_clone);
        let [Ok(from), Ok(to)] = both else { return };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let number = {
            let mut state = self.state();
            state.n_connections += 1;
            let number = state.n_connections;
            let kept = [&client, &server].map(TcpStream::try_clone);
            state.open.extend(kept.into_iter().flatten().map(|stream| (number, stream)));
            number
        };
        let there = Arc::clone(&self);
        std::thread::spawn(move || there.pass_on(number, from, to));
        self.pass_on(number, server, client);
        self.state().open.retain(|(other, _)| *other != number);
    }

    /// Passes on until one side ends.
    fn pass_on(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; PIECE];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let way = self.way();
            if number <= self.state().remembered_from {
                // Whoever ends such a connection ends it for himself.
                if read == 0 {
                    return;
                }
                continue;
            }
            if let Way::Slow(half, per_second) = way {
                std::thread::sleep(half + Duration::from_secs_f64(read as f64 / f64::from(per_second)));
            }
            if read == 0 || to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// How long an answer that does not come is waited for, and one that comes.
    const SOON: Duration = Duration::from_millis(200);
    const AT_LAST: Duration = Duration::from_secs(20);

    /// A link to a server that says again what it hears.
    fn echo() -> Link {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                std::thread::spawn(move || std::io::copy(&mut &client, &mut &client));
            }
        });
        Link::to(port)
    }

    fn connected(link: &Link) -> TcpStream {
        TcpStream::connect(("127.0.0.1", link.port())).unwrap()
    }

    fn said(client: &TcpStream, word: &str) -> Option<String> {
        within(AT_LAST, client, word)
    }

    fn nothing_comes(client: &TcpStream, word: &str) -> bool {
        within(SOON, client, word).is_none()
    }

    /// What comes back of a word: `None` for nothing in time, an empty text at the end of the connection.
    fn within(time: Duration, client: &TcpStream, word: &str) -> Option<String> {
        client.set_read_timeout(Some(time)).unwrap();
        let _ = (&mut &*client).write_all(word.as_bytes());
        let mut buffer = [0; 100];
        match (&mut &*client).read(&mut buffer) {
            Ok(n) => Some(String::from_utf8_lossy(&buffer[..n]).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(_) => Some(String::new()),
        }
    }

    #[test]
    fn a_way_is_cut_held_forgotten_and_slow() {
        let link = echo();
        let client = connected(&link);
        assert_eq!(said(&client, "a").as_deref(), Some("a"));
        link.set(Way::Held);
        let new = connected(&link);
        assert!(nothing_comes(&client, "b") && nothing_comes(&new, "c"));
        link.set(Way::Open);
        std::thread::sleep(SOON);
        assert_eq!(said(&client, "").as_deref(), Some("b"), "what was said meanwhile comes");
        assert_eq!(said(&new, "").as_deref(), Some("c"));
        link.forget();
        assert!(nothing_comes(&client, "d"));
        assert_eq!(said(&connected(&link), "e").as_deref(), Some("e"));
        link.set(Way::Cut);
        assert!(nothing_comes(&new, "f"), "of one that was forgotten nobody hears");
        assert_eq!(said(&connected(&link), "g").as_deref(), Some(""));
        link.set(Way::Slow(Duration::from_millis(60), 1_000_000));
        let (client, begun) = (connected(&link), Instant::now());
        assert_eq!(said(&client, "h").as_deref(), Some("h"));
        assert!(begun.elapsed() >= Duration::from_millis(120));
    }
}
