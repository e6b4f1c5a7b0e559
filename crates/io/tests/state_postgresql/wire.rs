//! The way to a PostgreSQL, which breaks when a test says so.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Where a connection breaks, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As the client commits: the database does not hear of it.
    BeforeCommit,
    /// As the database says that it did: the client does not hear of it.
    AfterCommit,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    n_cuts: usize,
    refuses: bool,
}

/// Listens on the loopback address and passes on what comes, both ways.
pub(crate) struct Wire {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Wire {
    pub(crate) fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.lock().unwrap().refuses {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", server_port)).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let there = Arc::clone(&shared);
                std::thread::spawn(move || pass_on(from, to, Some(&there)));
                std::thread::spawn(move || pass_on(server, client, None));
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://lanner@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Breaks the next connection that commits.
    pub(crate) fn cut(&self, cut: Cut) {
        self.state.lock().unwrap().cut = Some(cut);
    }

    /// Whether new connections are closed at once.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    pub(crate) fn n_cuts(&self) -> usize {
        self.state.lock().unwrap().n_cuts
    }
}

/// Passes on until one side ends; `client_side` is given for what clients say.
fn pass_on(mut from: TcpStream, mut to: TcpStream, client_side: Option<&Mutex<State>>) {
    let mut buffer = [0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let commits = buffer[..n].windows(7).any(|text| text == b"COMMIT\0");
        let cut = client_side.filter(|_| commits).and_then(|state| {
            let mut state = state.lock().unwrap();
            let cut = state.cut.take();
            state.n_cuts += usize::from(cut.is_some());
            cut
        });
        match cut {
            Some(Cut::BeforeCommit) => break,
            Some(Cut::AfterCommit) => {
                // The client hears nothing more; the database hears what was said, and has time to do it.
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.write_all(&buffer[..n]);
                std::thread::sleep(std::time::Duration::from_millis(100));
                break;
            }
            None => {
                if to.write_all(&buffer[..n]).is_err() {
                    break;
                }
            }
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
