//! How sketches are kept: a header by which a wrong, damaged or foreign file is recognised, and the cells.
//!
//! ```text
//! "lanrsktc"  version u16  kind u16  zero u32  seed check u64  fingerprint u64  length u64  checksum u64  body
//! ```
//!
//! Numbers are little-endian. The fingerprint is that of whatever the keys are made of, such as a profile's fields: sketches of
//! other keys would answer, and wrongly. The checksum is XXH3 of the header before it and of the body.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::cells::Cell64;
use crate::counts::Counts;
use crate::distinct::Distinct;
use crate::line::{LINE_BYTES, Line};
use crate::moments::{FirstSeen, Highest, LastSeen};
use crate::panes::{MAX_WINDOWS, Panes};
use crate::seed::Seed;
use crate::spread::{Presence, Spread};
use crate::top::Top;

const MAGIC: [u8; 8] = *b"lanrsktc";
const VERSION: u16 = 1;
/// The header up to its checksum.
const HEAD_BYTES: usize = 40;

/// Why a sketch cannot be read. Each message goes on after the name of the file: `host.profile is damaged: ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It begins with something else.
    #[error("is not a sketch")]
    Foreign,
    /// It was written by a later version.
    #[error(
        "has version {0}, and this program reads version 1; use the program that wrote it, or a newer one"
    )]
    Version(u16),
    /// It is cut short.
    #[error("is cut short: {expected} bytes expected, {found} found; copy it again")]
    Cut {
        /// How long it says it is.
        expected: u64,
        /// How long it is.
        found: u64,
    },
    /// The checksum is wrong.
    #[error("is damaged: its checksum is wrong; copy it again, or learn anew")]
    Damaged,
    /// Its content is not what the kind of sketch has.
    #[error("is a sketch of kind {found}, and {expected} is expected")]
    Kind {
        /// The kind that was asked for.
        expected: u16,
        /// The kind that it is.
        found: u16,
    },
    /// Keys were hashed under another seed.
    #[error("was learned under another seed, so its counts mean nothing here")]
    Seed,
    /// Keys were made of something else.
    #[error("was learned with other fields or another configuration, so its counts mean nothing here")]
    Fingerprint,
}

/// Whether these bytes begin as a sketch does, of whatever version.
#[must_use]
pub fn is_sketch(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// A sketch that can be kept in a file. The header is written and checked here; an implementation knows the body alone.
pub trait Kept: Sized {
    /// What it is.
    const KIND: u16;

    /// Writes its content.
    fn write_body(&self, out: &mut Vec<u8>);

    /// Reads its content; `None` if it is not of this kind.
    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self>;
}

/// Writes a sketch. `seed`: that of its keys; `fingerprint`: of what its keys are made of.
pub fn write<T: Kept>(sketch: &T, seed: &Seed, fingerprint: u64, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    sketch.write_body(&mut body);
    let start = out.len();
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(T::KIND.to_le_bytes());
    out.extend([0; 4]);
    for number in [seed.check(), fingerprint, body.len() as u64] {
        out.extend(number.to_le_bytes());
    }
    out.extend(checksum(&out[start..], &body).to_le_bytes());
    out.extend(body);
}

/// Reads a sketch from the start of `bytes`, and moves them behind it.
///
/// # Errors
/// Whatever is wrong with it; it is read completely or not at all. Takes no more memory than `bytes` have.
pub fn read<T: Kept>(bytes: &mut &[u8], seed: &Seed, fingerprint: u64) -> Result<T, FileError> {
    let mut rest = *bytes;
    let n_found = rest.len() as u64;
    let cut = |expected: usize| FileError::Cut { expected: expected as u64, found: n_found };
    if !rest.starts_with(&MAGIC[..rest.len().min(MAGIC.len())]) {
        return Err(FileError::Foreign);
    }
    let head = take::<HEAD_BYTES>(&mut rest).ok_or_else(|| cut(HEAD_BYTES + 8))?;
    let expected = take::<8>(&mut rest).ok_or_else(|| cut(HEAD_BYTES + 8))?;
    let version = u16::from_le_bytes([head[8], head[9]]);
    if version != VERSION {
        return Err(FileError::Version(version));
    }
    let n_body = usize::try_from(number(&head, 32)).unwrap_or(usize::MAX);
    let body = rest.get(..n_body).ok_or_else(|| cut(n_body.saturating_add(HEAD_BYTES + 8)))?;
    if checksum(&head, body) != u64::from_le_bytes(expected) {
        return Err(FileError::Damaged);
    }
    let found = u16::from_le_bytes([head[10], head[11]]);
    if found != T::KIND {
        return Err(FileError::Kind { expected: T::KIND, found });
    }
    if number(&head, 16) != seed.check() {
        return Err(FileError::Seed);
    }
    if number(&head, 24) != fingerprint {
        return Err(FileError::Fingerprint);
    }
    let sketch = T::read_body(number(&head, 16), body).ok_or(FileError::Damaged)?;
    *bytes = &rest[n_body..];
    Ok(sketch)
}

fn checksum(head: &[u8], body: &[u8]) -> u64 {
    xxh3_64_with_seed(body, xxh3_64(head))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

/// The number at a place of the header.
fn number(head: &[u8; HEAD_BYTES], at: usize) -> u64 {
    head[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl<const BITS: u32> Kept for Counts<BITS> {
    const KIND: u16 = BITS as u16;

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend(self.words().flat_map(|word| word.get().to_le_bytes()));
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        let lines = lines_of(body)?;
        let line = |bytes: &[u8; LINE_BYTES]| {
            let words = bytes.as_chunks().0;
            Line(std::array::from_fn(|at| Cell64::new(u64::from_le_bytes(words[at]))))
        };
        Some(Self::from_words(seed_check, lines.iter().map(line).collect()))
    }
}

impl Kept for Panes {
    const KIND: u16 = 100;

    fn write_body(&self, out: &mut Vec<u8>) {
        let (lengths_ms, now_ms, cells) = self.parts();
        out.extend(lengths_ms.iter().chain([&now_ms]).flat_map(|number| number.to_le_bytes()));
        out.extend(cells);
    }

    fn read_body(seed_check: u64, mut body: &[u8]) -> Option<Self> {
        let mut lengths_ms = [0; MAX_WINDOWS];
        for length in &mut lengths_ms {
            *length = i64::from_le_bytes(take(&mut body)?).max(0);
        }
        let now_ms = i64::from_le_bytes(take(&mut body)?);
        Some(Self::from_parts(seed_check, lengths_ms, now_ms, lines_of(body)?))
    }
}

fn highest(seed_check: u64, body: &[u8]) -> Option<Highest> {
    let line = |bytes: &[u8; LINE_BYTES]| {
        let mut cells = [0; 16];
        for (cell, bytes) in cells.iter_mut().zip(bytes.as_chunks().0) {
            *cell = u32::from_le_bytes(*bytes);
        }
        cells
    };
    Some(Highest::from_lines(seed_check, lines_of(body)?.iter().map(line)))
}

impl Kept for LastSeen {
    const KIND: u16 = 101;

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend(self.inner().cells().flat_map(|cell| cell.get().to_le_bytes()));
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        highest(seed_check, body).map(Self::of)
    }
}

impl Kept for FirstSeen {
    const KIND: u16 = 102;

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend(self.inner().cells().flat_map(|cell| cell.get().to_le_bytes()));
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        highest(seed_check, body).map(Self::of)
    }
}

impl Kept for Distinct {
    const KIND: u16 = 103;

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend(self.body());
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        Self::from_body(seed_check, body)
    }
}

impl Kept for Top {
    const KIND: u16 = 107;

    fn write_body(&self, out: &mut Vec<u8>) {
        self.body(out);
    }

    fn read_body(_: u64, body: &[u8]) -> Option<Self> {
        Self::from_body(body)
    }
}

impl Kept for Presence {
    const KIND: u16 = 105;

    fn write_body(&self, out: &mut Vec<u8>) {
        self.body(out);
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        Self::from_body(seed_check, body)
    }
}

impl Kept for Spread {
    const KIND: u16 = 106;

    fn write_body(&self, out: &mut Vec<u8>) {
        self.body(out);
    }

    fn read_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        Self::from_body(seed_check, body)
    }
}

/// The lines of a body, of which there is at least one.
fn lines_of(body: &[u8]) -> Option<&[[u8; LINE_BYTES]]> {
    let (lines, rest) = body.as_chunks::<LINE_BYTES>();
    (rest.is_empty() && !lines.is_empty()).then_some(lines)
}
