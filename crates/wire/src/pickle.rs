//! Carbon's pickle protocol: frames of a 4-byte big-endian length and a pickled list of
//! `(path, (seconds, value))`, as carbon relays and StatsD send them.
//!
//! Reading order: [`next_frame`] (cuts what was received), [`parse_frame`] (reads one), `machine` (the part of
//! pickle that it understands: plain data of protocols 0 to 5, never objects).
//!
//! **Invariants:** nothing that a frame says is run or looked up. Time is linear in the frame's size, and memory is
//! at most some 40 bytes for each of its bytes. A bad entry costs only itself; a bad frame costs only itself too,
//! because its length says where the next one begins.

mod error;
mod machine;

use crate::Report;
use crate::carbon::{CarbonSample, MAX_LINE_BYTES, time_ms_of};
use crate::report::shown;
use machine::{Machine, Node};

pub use error::{FrameError, MAX_FRAME_BYTES};

/// A path may be written once and used by many entries: their paths together may be this many times the frame.
const MAX_PATH_BYTES_PER_BYTE: usize = 64;
/// No number that a sender writes as text is longer.
const MAX_NUMBER_BYTES: usize = 64;

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum EntryError {
    #[error("an entry is (path, (seconds, value)), this one has {found} where {expected} belongs")]
    Shape { expected: &'static str, found: &'static str },
    #[error("the path is longer than 64 KiB")]
    PathTooLong,
    #[error("the path is not UTF-8 text")]
    NotUtf8,
    #[error("\"{text}\" is not a number")]
    NotANumber { text: String },
    #[error("{number} is not a finite number; leave the entry out")]
    NotFinite { number: f64 },
    #[error("{number} is not a time; write seconds between 1900 and 2200, or -1 for now")]
    NotATime { number: f64 },
}

/// The first frame of what was received and not yet read: its pickle, and how many bytes it takes with its
/// length; `None` while the frame is not complete.
///
/// # Errors
/// [`FrameError::TooLong`]. Nothing that follows can be found; close the connection, as carbon does.
///
/// ```
/// use lanner_wire::pickle::next_frame;
/// assert_eq!(next_frame(b"\0\0\0\x02ab\0\0"), Ok(Some((&b"ab"[..], 6))));
/// assert_eq!(next_frame(b"\0\0\0\x02a"), Ok(None));
/// assert!(next_frame(b"servers.a 1 1700000000\n").is_err());
/// ```
pub fn next_frame(received: &[u8]) -> Result<Option<(&[u8], usize)>, FrameError> {
    let Some((length, rest)) = received.split_first_chunk::<4>() else { return Ok(None) };
    let n_bytes = u32::from_be_bytes(*length) as usize;
    if n_bytes > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong { n_bytes });
    }
    Ok(rest.get(..n_bytes).map(|pickle| (pickle, 4 + n_bytes)))
}

/// Reads the pickle of one frame, calling `on_sample` for each entry.
///
/// A path may be text or bytes, seconds and value may be numbers or their text. Seconds of -1 mean
/// `received_ms`. A bad entry, or one for which `on_sample` returns a reason, is counted and explained in `report`,
/// whose line is then the entry's place in the list, from 1. The value NaN is counted as skipped.
///
/// # Errors
/// [`FrameError`] when the frame as a whole cannot be read; the connection can go on with the next one.
///
/// ```
/// use lanner_wire::{Report, pickle};
/// // pickle.dumps([("a.b", (1700000000, 1.5))], protocol=2), without memo
/// let frame = b"\x80\x02](X\x03\0\0\0a.bJ\0\xf1\x53\x65G?\xf8\0\0\0\0\0\0\x86\x86e.";
/// let mut report = Report::default();
/// pickle::parse_frame(frame, 0, &mut report, |sample| {
///     assert_eq!((sample.raw_path, sample.time_ms, sample.value), ("a.b", 1_700_000_000_000, 1.5));
///     Ok(())
/// })?;
/// assert_eq!(report.accepted, 1);
/// # Ok::<(), pickle::FrameError>(())
/// ```
pub fn parse_frame(
    pickle: &[u8],
    received_ms: i64,
    report: &mut Report,
    mut on_sample: impl FnMut(CarbonSample<'_>) -> Result<(), String>,
) -> Result<(), FrameError> {
    if pickle.len() > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong { n_bytes: pickle.len() });
    }
    let mut machine = Machine::new(pickle);
    let list = machine.run()?;
    let Some(entries) = machine.items(list) else {
        return Err(FrameError::NotAList { found: machine.node(list).kind() });
    };
    let mut path_budget = pickle.len() * MAX_PATH_BYTES_PER_BYTE;
    for (at, entry) in entries.iter().enumerate() {
        let line = at as u64 + 1;
        let sample = read_entry(&machine, *entry, received_ms, &mut path_budget);
        if path_budget == 0 {
            return Err(FrameError::Inflated { entry: at + 1 });
        }
        match sample {
            Ok(sample) if sample.value.is_nan() => report.skipped += 1,
            Ok(sample) => match on_sample(sample) {
                Ok(()) => report.accepted += 1,
                Err(reason) => report.reject(line, None, reason),
            },
            Err(error) => report.reject(line, None, error),
        }
    }
    Ok(())
}

/// One entry; the value may be NaN. A budget of 0 afterwards means that it is spent.
fn read_entry<'m>(
    machine: &'m Machine<'_>,
    entry: u32,
    received_ms: i64,
    path_budget: &mut usize,
) -> Result<CarbonSample<'m>, EntryError> {
    let (path, point) = pair(machine, entry, "(path, (seconds, value))")?;
    let (seconds, value) = pair(machine, point, "(seconds, value)")?;
    let Node::Text(path) = machine.node(path) else {
        return Err(EntryError::Shape { expected: "the path", found: machine.node(path).kind() });
    };
    *path_budget = path_budget.saturating_sub(path.len());
    if path.len() > MAX_LINE_BYTES {
        return Err(EntryError::PathTooLong);
    }
    let raw_path = std::str::from_utf8(path).map_err(|_| EntryError::NotUtf8)?;
    let value = number(machine.node(value), "a value")?;
    let seconds = number(machine.node(seconds), "a time")?;
    let time_ms = time_ms_of(seconds, received_ms).ok_or(EntryError::NotATime { number: seconds })?;
    if value.is_infinite() {
        return Err(EntryError::NotFinite { number: value });
    }
    Ok(CarbonSample { raw_path, time_ms, value })
}

fn pair(machine: &Machine<'_>, at: u32, expected: &'static str) -> Result<(u32, u32), EntryError> {
    match machine.items(at) {
        Some(&[first, second]) => Ok((first, second)),
        Some(_) => Err(EntryError::Shape { expected, found: "more or fewer than two parts" }),
        None => Err(EntryError::Shape { expected, found: machine.node(at).kind() }),
    }
}

fn number(node: &Node<'_>, expected: &'static str) -> Result<f64, EntryError> {
    match node {
        Node::Number(number) => Ok(*number),
        Node::Text(text) => {
            let short = String::from_utf8_lossy(&text[..text.len().min(MAX_NUMBER_BYTES)]);
            let is_whole = text.len() <= MAX_NUMBER_BYTES;
            let number = short.trim().parse().ok().filter(|_| is_whole);
            number.ok_or_else(|| EntryError::NotANumber { text: shown(&short) })
        }
        other => Err(EntryError::Shape { expected, found: other.kind() }),
    }
}

#[cfg(test)]
mod tests;
