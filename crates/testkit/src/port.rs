//! Ports for programs that cannot be given port 0.

use std::fs::File;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the system gives to connections and to whoever asks for port 0 (from 32,768 on), so that neither takes one
/// before the program that it is meant for, or while that program is started again.
const PORTS: Range<u16> = 12_000..32_000;

/// A TCP port of the loopback address that is this process's until it ends: no other call, of this test or of another that runs beside it, is
/// given the same.
///
/// # Panics
/// When the machine has no free port.
///
/// ```
/// let (one, other) = (lanner_testkit::free_port(), lanner_testkit::free_port());
/// assert_ne!(one, other);
/// assert!(std::net::TcpListener::bind(("127.0.0.1", one)).is_ok());
/// ```
#[must_use]
#[expect(clippy::panic, reason = "a test cannot go on without a port, and should say so")]
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let folder = folder();
    // It may be there already. Where it cannot be made, no file in it can be opened either.
    let _ = std::fs::create_dir_all(&folder);
    // Processes begin in different places, so that they seldom ask for the same.
    let begin = std::process::id().wrapping_mul(101);
    PORTS
        .map(|_| {
            begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % u32::from(PORTS.end - PORTS.start)
        })
        .filter_map(|at| PORTS.start.checked_add(u16::try_from(at).ok()?))
        .find(|port| claim(&folder, *port) && TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or_else(|| {
            panic!("no port in {PORTS:?} is free, or no file in {} can be locked", folder.display())
        })
}

/// Where files say who has which port: one folder a user, as nobody may write into another's.
fn folder() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_else(|_| "nobody".to_owned());
    std::env::temp_dir().join(format!("lanner-test-ports-{user}"))
}

/// Claims a port by a lock on a file, which ends with the process.
fn claim(folder: &Path, port: u16) -> bool {
    // Nothing is cut short, whatever somebody else has put there.
    let opened = File::options().write(true).create(true).truncate(false).open(folder.join(port.to_string()));
    let Ok(file) = opened else { return false };
    let is_claimed = file.try_lock().is_ok();
    if is_claimed {
        std::mem::forget(file);
    }
    is_claimed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..50).map(|_| free_port()).collect())).collect();
        let given: Vec<BTreeSet<u16>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let all: BTreeSet<u16> = given.iter().flatten().copied().collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|port| PORTS.contains(port)));
        let folder = folder();
        assert!(all.iter().all(|port| !claim(&folder, *port)), "somebody else could have one");
    }
}
