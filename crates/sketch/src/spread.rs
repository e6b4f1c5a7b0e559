//! On how many hosts a key was seen.
//!
//! A host tells which cells of its [`Panes`](crate::Panes) are occupied, a bit each ([`Presence`]). Cell by cell the bits of all
//! hosts add up, and the least of a key's four cells says on how many of them it was seen: never too few, and too many where
//! others share all of its cells. What a host tells takes the place of what it told before, so nothing is counted twice however
//! often it is sent, and a host that is gone is taken out again.

use crate::line::{N_ROWS, cell_of, line_of};
use crate::merge::{MergeError, Merged, same};
use crate::seed::{Hash, Seed};
use crate::size::Size;

/// Cells of a line.
const N_CELLS: usize = 16;

/// Bits that choose one of the four cells of a row.
const CELL_BITS: u32 = 2;

/// Which keys a host saw, as bits of its cells. Takes three bytes for each line that has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    n_lines: u32,
    seed_check: u64,
    /// The lines that have any bit, by their places, which rise, and the bits.
    lines: Vec<u8>,
}

/// On how many hosts each key was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    lines: Vec<[u16; N_CELLS]>,
    seed_check: u64,
}

impl Presence {
    /// Of the lines of a sketch, a mask each.
    pub(crate) fn of(seed_check: u64, masks: impl ExactSizeIterator<Item = u16>) -> Self {
        let n_lines = masks.len() as u32;
        let (mut lines, mut before) = (Vec::new(), 0);
        for (at, mask) in masks.enumerate().filter(|(_, mask)| *mask != 0) {
            write_number((at - before) as u32, &mut lines);
            lines.extend(mask.to_le_bytes());
            before = at;
        }
        Self { n_lines, seed_check, lines }
    }

    /// Each line that has any bit, with its place. Ends where bytes make no sense.
    fn masks(&self) -> impl Iterator<Item = (usize, u16)> {
        let (mut rest, mut at) = (&self.lines[..], 0_u64);
        std::iter::from_fn(move || {
            at += u64::from(read_number(&mut rest)?);
            let (mask, behind) = rest.split_first_chunk()?;
            rest = behind;
            (at < u64::from(self.n_lines)).then(|| (at as usize, u16::from_le_bytes(*mask)))
        })
    }

    /// Memory that it takes, bytes.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn body(&self, out: &mut Vec<u8>) {
        out.extend(self.n_lines.to_le_bytes());
        out.extend(&self.lines);
    }

    /// `None` unless it is written as [`Self::of`] does.
    pub(crate) fn from_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        let (n_lines, lines) = body.split_first_chunk()?;
        let read = Self { n_lines: u32::from_le_bytes(*n_lines), seed_check, lines: lines.to_owned() };
        let mut again = Vec::with_capacity(lines.len());
        let mut before = 0;
        for (nth, (at, mask)) in read.masks().enumerate() {
            if mask == 0 || (nth > 0 && at == before) {
                return None;
            }
            write_number((at - before) as u32, &mut again);
            again.extend(mask.to_le_bytes());
            before = at;
        }
        (again == lines).then_some(read)
    }
}

impl Spread {
    /// Of no host yet; `size` is that of the hosts' panes. Takes half as much memory.
    #[must_use]
    pub fn new(size: Size, seed: &Seed) -> Self {
        Self { lines: vec![[0; N_CELLS]; size.n_lines()], seed_check: seed.check() }
    }

    /// Adds what one more host saw.
    ///
    /// # Errors
    /// Another seed, another size.
    pub fn add(&mut self, host: &Presence) -> Result<Merged, MergeError> {
        self.change(host, u16::saturating_add)?;
        Ok(Merged::Exact)
    }

    /// Takes out what a host saw, which was added before.
    ///
    /// # Errors
    /// Another seed, another size.
    pub fn remove(&mut self, host: &Presence) -> Result<Merged, MergeError> {
        self.change(host, u16::saturating_sub)?;
        Ok(Merged::Exact)
    }

    fn change(&mut self, host: &Presence, step: impl Fn(u16, u16) -> u16) -> Result<(), MergeError> {
        same("seed", self.seed_check, host.seed_check)?;
        same("size", self.lines.len() as u64, host.n_lines.into())?;
        for (at, mask) in host.masks() {
            for (nth, cell) in self.lines[at].iter_mut().enumerate() {
                *cell = step(*cell, mask >> nth & 1);
            }
        }
        Ok(())
    }

    /// On how many hosts a key was seen: never too few. Cost: half a line of memory.
    #[must_use]
    pub fn n_hosts(&self, key: Hash) -> u32 {
        let line = &self.lines[line_of(key, self.lines.len())];
        let cell = |row| line[(4 * row + cell_of(key, row, CELL_BITS)) % N_CELLS];
        (0..N_ROWS).map(cell).min().map_or(0, u32::from)
    }

    /// Memory of its cells, bytes; the same for its whole life.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.lines.len() * size_of::<[u16; N_CELLS]>()
    }

    /// Each line as a mask of its cells that are not zero, and a byte for each of them; there 255 is 255 and more. So reading takes
    /// no more than sixteen times the memory of what is read.
    pub(crate) fn body(&self, out: &mut Vec<u8>) {
        for line in &self.lines {
            let mask =
                line.iter().enumerate().fold(0, |mask, (nth, cell)| mask | u16::from(*cell > 0) << nth);
            out.extend(mask.to_le_bytes());
            out.extend(
                line.iter().filter(|cell| **cell > 0).map(|cell| u8::try_from(*cell).unwrap_or(u8::MAX)),
            );
        }
    }

    pub(crate) fn from_body(seed_check: u64, mut body: &[u8]) -> Option<Self> {
        let mut lines = Vec::new();
        while let Some((mask, rest)) = body.split_first_chunk() {
            body = rest;
            let (mask, mut line) = (u16::from_le_bytes(*mask), [0; N_CELLS]);
            for (_, cell) in line.iter_mut().enumerate().filter(|(nth, _)| mask >> nth & 1 == 1) {
                let (count, rest) = body.split_first()?;
                (*cell, body) = (u16::from(*count), rest);
            }
            lines.push(line);
        }
        (body.is_empty() && !lines.is_empty()).then_some(Self { lines, seed_check })
    }
}

/// Seven bits a byte, the lowest first.
fn write_number(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}
