//! How often a key was seen in the last day, week, quarter: windows that end without anything becoming rare at once.
//!
//! What is seen goes into the pane of today. When the day ends, the pane becomes that of yesterday, and what was yesterday's is
//! added to the longer windows, each of which has a current pane and the one before. A count is the sum of all of them, so a
//! window looks back over at least its length and at most twice that and two days; what was frequent becomes rare only if it
//! stays away. Today and yesterday can still be forgotten, apart from everything before.
//!
//! All panes of a key lie in one line, so several windows cost hardly more than one.

use crate::cells::{Cell32, Time};
use crate::counts::Count;
use crate::line::{LINE_BYTES, Line, N_ROWS, cell_of, line_of, lines};
use crate::merge::{MergeError, Merged, same};
use crate::seed::{Hash, Seed};
use crate::size::Size;
use crate::spread::Presence;

/// Windows of one sketch, at most.
pub const MAX_WINDOWS: usize = 4;

/// The largest count.
const MOST: u8 = 15;

/// Bits that choose one of the four cells of a row.
const CELL_BITS: u32 = 2;

/// A cell: a byte for each window, the first the lowest; in its lower four bits the current pane, in its upper the one before.
type Cell = u32;

/// The cells of a line.
type Cells = [Cell32; 16];

/// How often each key was seen in each of several windows: up to 14 times, and "at least 15".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panes {
    lines: Vec<Line<Cells>>,
    seed_check: u64,
    /// The first is that of the panes of today and yesterday; 0 is a window that never ends.
    lengths_ms: [i64; MAX_WINDOWS],
    now_ms: Time,
    /// The end of today.
    next_ms: Time,
}

/// How often a key was seen in each window: a byte for each, up to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recent(u32);

impl Recent {
    /// What is frequent today is so in every window, which begins before today.
    const FREQUENT: Self = Self(0x0f0f_0f0f);

    /// Of a key with these cells.
    #[inline]
    fn of(cells: [Cell; N_ROWS]) -> Self {
        if least_today(cells) >= Cell::from(MOST) { Self::FREQUENT } else { Self(least(cells)) }
    }

    /// In the window at `place`, counted from 0 in the order in which they were given.
    #[must_use]
    pub fn count(self, place: usize) -> Count {
        Count::up_to_15(self.0.to_le_bytes().get(place).copied().unwrap_or(0))
    }
}

/// What could be forgotten: whole panes only, as what is in one is not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// The start of the earliest pane that was forgotten, milliseconds since 1970; `None` if none was.
    pub from_ms: Option<i64>,
    /// The end of the last one.
    pub to_ms: Option<i64>,
    /// Whether that is all that was asked for; else a part is in windows that no longer tell days apart.
    pub is_all: bool,
}

impl Panes {
    /// One that has seen nothing.
    ///
    /// - `windows_ms`: the lengths of its windows, in milliseconds, at most [`MAX_WINDOWS`], the shortest first; 0 is a window that
    ///   never ends. The first is also the length of the panes that can be forgotten.
    /// - `now_ms`: the time at which it begins, milliseconds since 1970.
    ///
    /// Panes begin at multiples of their length since 1970, so that those of several hosts can be merged.
    ///
    /// ```
    /// use lanner_sketch::{Panes, Seed, Size};
    /// let (seed, day_ms) = (Seed::new(1), 86_400_000);
    /// let mut panes = Panes::new(Size::memory(64 * 1024), &seed, &[day_ms, 7 * day_ms], 0);
    /// panes.add(seed.hash(b"key"));
    /// panes.advance(3 * day_ms);
    /// let told = panes.add(seed.hash(b"key"));
    /// assert_eq!((told.count(0).value(), told.count(1).value()), (1, 2));
    /// ```
    #[must_use]
    pub fn new(size: Size, seed: &Seed, windows_ms: &[i64], now_ms: i64) -> Self {
        let lengths_ms = std::array::from_fn(|place| windows_ms.get(place).copied().unwrap_or(0).max(0));
        Self::of_lines(lines(size.n_lines()), seed.check(), lengths_ms, now_ms)
    }

    fn of_lines(
        lines: Vec<Line<Cells>>,
        seed_check: u64,
        lengths_ms: [i64; MAX_WINDOWS],
        now_ms: i64,
    ) -> Self {
        let next_ms = Time::new(start_of_next(lengths_ms[0], now_ms));
        Self { lines, seed_check, lengths_ms, now_ms: Time::new(now_ms), next_ms }
    }

    /// Moves to a later time; an earlier one changes nothing. Cost: nothing, except at the end of a day, when all memory is passed
    /// once.
    #[inline]
    pub fn advance(&mut self, now_ms: i64) {
        self.advance_shared(now_ms);
    }

    /// As [`Self::advance`], while other threads may count. Threads that advance or add take turns.
    #[inline]
    pub fn advance_shared(&self, now_ms: i64) {
        if self.ends_by(now_ms) {
            self.turn(now_ms);
        }
        self.now_ms.raise(now_ms);
    }

    /// Whether today is over at `now_ms`, so that [`Self::advance`] has work to do.
    #[inline]
    #[must_use]
    pub fn ends_by(&self, now_ms: i64) -> bool {
        now_ms >= self.next_ms.get()
    }

    /// Notes one sighting, and returns the counts with it. Cost: one line of memory, no allocation.
    #[inline]
    pub fn add(&mut self, key: Hash) -> Recent {
        self.add_shared(key)
    }

    /// As [`Self::add`], while other threads may count: they find what was before or after. Threads that add take turns, else
    /// sightings are lost.
    #[inline]
    pub fn add_shared(&self, key: Hash) -> Recent {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        let at = places(key);
        let mut cells = at.map(|at| line[at].get());
        let before = least_today(cells);
        // What is frequent today costs no writing.
        if before >= Cell::from(MOST) {
            return Recent::FREQUENT;
        }
        let after = before + 1;
        for row in 0..N_ROWS {
            let today = cells[row] & Cell::from(MOST);
            cells[row] += after.max(today) - today;
            line[at[row]].set(cells[row]);
        }
        Recent::of(cells)
    }

    /// How often a key was seen in each window.
    #[inline]
    #[must_use]
    pub fn count(&self, key: Hash) -> Recent {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        Recent::of(places(key).map(|at| line[at].get()))
    }

    /// The counts of a key that is so frequent today that one more sighting changes nothing; `None` of any other.
    #[inline]
    #[must_use]
    pub fn frequent(&self, key: Hash) -> Option<Recent> {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        let cells = places(key).map(|at| line[at].get());
        (least_today(cells) >= Cell::from(MOST)).then_some(Recent::FREQUENT)
    }

    /// Which keys were seen in the window at `place`, for a [`Spread`](crate::Spread). Cost: all memory is passed once.
    #[must_use]
    pub fn presence(&self, place: usize) -> Presence {
        let of_window =
            Cell::from_le_bytes(std::array::from_fn(|at| if at == 0 || at == place { 0xff } else { 0 }));
        let mask = |line: &Line<Cells>| {
            let bits = line.0.iter().enumerate();
            bits.fold(0, |mask, (nth, cell)| mask | u16::from(cell.get() & of_window != 0) << nth)
        };
        Presence::of(self.seed_check, self.lines.iter().map(mask))
    }

    /// Forgets what was seen from `from_ms` to `to_ms`, as far as panes allow: all of today, all of yesterday, or both.
    pub fn forget(&mut self, from_ms: i64, to_ms: i64) -> Forgotten {
        let day_ms = self.lengths_ms[0].max(1);
        let next_ms = self.next_ms.get();
        let today_ms = next_ms.saturating_sub(day_ms);
        let panes = [(today_ms.saturating_sub(day_ms), today_ms, !0xf0), (today_ms, next_ms, !0x0f)];
        let hit =
            panes.map(|(start, end, keep)| (from_ms < end && to_ms > start).then_some((start, end, keep)));
        let keep = hit.iter().flatten().fold(Cell::MAX, |all, (_, _, keep)| all & keep);
        self.cells().for_each(|cell| cell.set(cell.get() & keep));
        Forgotten {
            from_ms: hit.iter().flatten().map(|pane| pane.0).min(),
            to_ms: hit.iter().flatten().map(|pane| pane.1).max(),
            is_all: from_ms >= panes[0].0,
        }
    }

    /// Adds what another has seen, as bounds from above; the earlier of the two is first moved to the time of the later.
    ///
    /// # Errors
    /// Another seed, size or windows.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        same("seed", self.seed_check, other.seed_check)?;
        same("size", self.lines.len() as u64, other.lines.len() as u64)?;
        for (ours, theirs) in self.lengths_ms.iter().zip(other.lengths_ms) {
            same("windows", ours.unsigned_abs(), theirs.unsigned_abs())?;
        }
        let mut other = other.clone();
        self.advance(other.now_ms());
        other.advance(self.now_ms());
        for (cell, other) in self.cells().zip(other.cells()) {
            let mut bytes = cell.get().to_le_bytes();
            for (byte, other) in bytes.iter_mut().zip(other.get().to_le_bytes()) {
                *byte = pane(*byte & MOST, other & MOST) | pane(*byte >> 4, other >> 4) << 4;
            }
            cell.set(Cell::from_le_bytes(bytes));
        }
        Ok(Merged::UpperBound)
    }

    /// The time up to which it has seen, milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    /// The share of cells that are not zero, from 0 to 1: beyond a half it is too small for what it sees. Cost: all memory is
    /// passed once.
    #[must_use]
    pub fn load(&self) -> f64 {
        let used = self.cells().filter(|cell| cell.get() != 0).count();
        used as f64 / (16 * self.lines.len()) as f64
    }

    /// Memory of all panes, bytes; the same for its whole life.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.lines.len() * size_of::<Line<Cells>>()
    }

    /// What is kept of it: the windows, its time, the cells.
    pub(crate) fn parts(&self) -> ([i64; MAX_WINDOWS], i64, impl Iterator<Item = u8>) {
        let bytes = self.cells().flat_map(|cell| cell.get().to_le_bytes());
        (self.lengths_ms, self.now_ms(), bytes)
    }

    fn cells(&self) -> impl Iterator<Item = &Cell32> {
        self.lines.iter().flat_map(|line| &line.0)
    }

    pub(crate) fn from_parts(
        seed_check: u64,
        lengths_ms: [i64; MAX_WINDOWS],
        now_ms: i64,
        cells: &[[u8; LINE_BYTES]],
    ) -> Self {
        let line = |bytes: &[u8; LINE_BYTES]| {
            let cells = bytes.as_chunks().0;
            Line(std::array::from_fn(|at| Cell32::new(Cell::from_le_bytes(cells[at]))))
        };
        Self::of_lines(cells.iter().map(line).collect(), seed_check, lengths_ms, now_ms)
    }

    /// Ends the days until `now_ms`, and the panes of longer windows that end by then.
    #[cold]
    fn turn(&self, now_ms: i64) {
        let before_ms = self.now_ms();
        let turns = self.lengths_ms.map(|length_ms| match length_ms {
            0 => 0,
            _ => now_ms.div_euclid(length_ms).saturating_sub(before_ms.div_euclid(length_ms)),
        });
        for cell in self.cells() {
            let mut bytes = cell.get().to_le_bytes();
            let (today, yesterday) = (bytes[0] & MOST, bytes[0] >> 4);
            // After a longer absence today is over as well.
            let (before, leaving) =
                if turns[0] == 1 { (today, yesterday) } else { (0, pane(today, yesterday)) };
            bytes[0] = before << 4;
            for (byte, turns) in bytes[1..].iter_mut().zip(&turns[1..]) {
                *byte = match turns {
                    0 => (*byte & 0xf0) | pane(*byte & MOST, leaving),
                    // What leaves belongs to the pane that ended.
                    1 => pane(*byte & MOST, leaving) << 4,
                    // It is older than the window.
                    _ => 0,
                };
            }
            cell.set(Cell::from_le_bytes(bytes));
        }
        self.now_ms.set(now_ms);
        self.next_ms.set(start_of_next(self.lengths_ms[0], now_ms));
    }
}

/// The end of the day that `now_ms` is in.
const fn start_of_next(day_ms: i64, now_ms: i64) -> i64 {
    match day_ms {
        0 => i64::MAX,
        day_ms => now_ms.div_euclid(day_ms).saturating_add(1).saturating_mul(day_ms),
    }
}

/// The sum of two panes.
#[inline]
fn pane(a: u8, b: u8) -> u8 {
    (a + b).min(MOST)
}

/// Where the cells of a key lie in its line.
#[inline]
fn places(key: Hash) -> [usize; N_ROWS] {
    std::array::from_fn(|row| (4 * row + cell_of(key, row, CELL_BITS)) % 16)
}

/// The count of today: in the row where it is least.
#[inline]
fn least_today(cells: [Cell; N_ROWS]) -> Cell {
    let [a, b, c, d] = cells.map(|cell| cell & Cell::from(MOST));
    a.min(b).min(c.min(d))
}

/// The count in each window, a byte each: in the row where it is least, today and yesterday and, of a longer window, its own
/// panes; 15 is 15 and more. Two rows and all windows are computed at once, as no byte reaches the next: four panes of 15 are 60.
#[inline]
fn least([a, b, c, d]: [Cell; N_ROWS]) -> Cell {
    const NIBBLES: u64 = 0x0f0f_0f0f_0f0f_0f0f;
    const FIRST: u64 = 0x0000_00ff_0000_00ff;
    let [one, two] = [(a, b), (c, d)].map(|(low, high)| {
        let cells = u64::from(low) | u64::from(high) << 32;
        let both = (cells & NIBBLES) + (cells >> 4 & NIBBLES);
        both + (both & FIRST) * 0x0101_0100
    });
    let rows = lower(one, two);
    lower(lower(rows & 0xffff_ffff, rows >> 32), NIBBLES) as Cell
}

/// The lower of each byte; of bytes below 128.
#[inline]
const fn lower(a: u64, b: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte of the difference keeps its highest bit where a is at least b.
    let is_more = ((((a | HIGH) - b) & HIGH) >> 7) * 0xff;
    (b & is_more) | (a & !is_more)
}
