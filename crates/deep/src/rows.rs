//! Rows on their way to a method: in memory, or read piece by piece from where they lie.
//!
//! Reading order: [`RowStore`] and [`RowSource`] (whence rows come), [`Lesson`] (those that are fitted on, as they are given),
//! [`Rows`] (the same, scaled: what a method sees).
//!
//! Invariant: what is made of rows is the same wherever they lie, because both are walked in the same pieces.

use std::borrow::Cow;
use std::ops::Range;

use crate::frame::Frame;
use crate::scale::Scale;

/// Rows × columns of numbers that are too many for memory: oldest row first, at equal steps of time. NaN is a gap.
///
/// Rows are asked for piece by piece, several times, by several threads, and at most some thousands at once.
pub trait RowStore: Sync {
    /// The names of the columns, as a [`Frame`] may have them.
    fn columns(&self) -> &[String];

    /// How many rows there are.
    fn n_rows(&self) -> usize;

    /// Appends some rows to `into`, value by value. What cannot be read is given as gaps; the store knows that it happened, and whoever
    /// made it throws away what was trained.
    fn read(&self, rows: Range<usize>, into: &mut Vec<f32>);
}

/// Where the rows of a training lie.
#[derive(Clone, Copy)]
pub enum RowSource<'a> {
    /// In memory.
    Memory(&'a Frame),
    /// Elsewhere.
    Stored(&'a dyn RowStore),
}

impl<'a> From<&'a Frame> for RowSource<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self::Memory(frame)
    }
}

/// Windows that begin in one piece. A multiple of all batches of methods, so that these do not depend on where a piece begins.
pub(crate) const PIECE: usize = 4_096;

impl<'a> RowSource<'a> {
    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &'a [String] {
        match self {
            Self::Memory(frame) => frame.columns(),
            Self::Stored(store) => store.columns(),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Memory(frame) => frame.n_rows(),
            Self::Stored(store) => store.n_rows(),
        }
    }

    /// Two stretches of the rows, one after the other.
    pub(crate) fn parts(&self, parts: [Range<usize>; 2]) -> Lesson<'a> {
        let n_columns = self.columns().len();
        match self {
            Self::Memory(frame) => {
                let [first, second] = parts.map(|part| frame.rows(part));
                let values = match (first, second) {
                    (one, []) | ([], one) => Cow::Borrowed(one),
                    (first, second) => Cow::Owned([first, second].concat()),
                };
                Lesson::Memory { values, n_columns }
            }
            Self::Stored(store) => Lesson::Stored { store: *store, parts, n_columns },
        }
    }

    /// One stretch of the rows.
    pub(crate) fn part(&self, part: Range<usize>) -> Lesson<'a> {
        self.parts([part, 0..0])
    }

    /// All rows.
    pub(crate) fn whole(&self) -> Lesson<'a> {
        self.part(0..self.n_rows())
    }
}

/// Rows that are fitted on, in their own units.
pub(crate) enum Lesson<'a> {
    /// In memory.
    Memory {
        /// Row by row.
        values: Cow<'a, [f32]>,
        n_columns: usize,
    },
    /// Stretches of a store, one after the other.
    Stored { store: &'a dyn RowStore, parts: [Range<usize>; 2], n_columns: usize },
}

impl Lesson<'_> {
    pub(crate) fn n_columns(&self) -> usize {
        match self {
            Self::Memory { n_columns, .. } | Self::Stored { n_columns, .. } => *n_columns,
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        match self {
            Self::Memory { values, n_columns } => values.len() / n_columns,
            Self::Stored { parts, .. } => parts.iter().map(ExactSizeIterator::len).sum(),
        }
    }

    /// Some rows, one after the other.
    pub(crate) fn stretch(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        match self {
            Self::Memory { values, n_columns: n } => {
                Cow::Borrowed(values.get(rows.start * n..rows.end * n).unwrap_or_default())
            }
            Self::Stored { store, parts, n_columns } => {
                let mut found = Vec::with_capacity(rows.len() * n_columns);
                let mut first = 0;
                for part in parts {
                    let from = rows.start.max(first) - first;
                    let to = rows.end.min(first + part.len()).saturating_sub(first);
                    if from < to {
                        store.read(part.start + from..part.start + to, &mut found);
                    }
                    first += part.len();
                }
                // A store that gives less must not end the program.
                found.resize(rows.len() * n_columns, f32::NAN);
                Cow::Owned(found)
            }
        }
    }

    /// All rows in pieces, which overlap by so many rows.
    pub(crate) fn pieces(&self, overlap: usize) -> impl Iterator<Item = Cow<'_, [f32]>> {
        pieces(self.n_rows(), overlap).map(|rows| self.stretch(rows))
    }

    /// Where the values of each column lie.
    pub(crate) fn scale(&self) -> Scale {
        match self {
            Self::Memory { values, n_columns } => Scale::fit(values, *n_columns),
            Self::Stored { n_columns, .. } => Scale::fit_pieces(*n_columns, &|visit| {
                self.pieces(0).for_each(|piece| visit(&piece));
            }),
        }
    }

    /// The rows as a method sees them.
    pub(crate) fn scaled<'s>(&'s self, scale: &'s Scale, scaled: &'s mut Vec<f32>) -> Rows<'s> {
        match self {
            Self::Memory { values, n_columns } => {
                *scaled = scale.apply(values);
                Rows::of(scaled, *n_columns)
            }
            Self::Stored { n_columns, .. } => {
                Rows { place: Place::Stored { lesson: self, scale }, n_columns: *n_columns }
            }
        }
    }
}

/// Scaled rows without gaps, oldest first.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    place: Place<'a>,
    pub(crate) n_columns: usize,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Memory(&'a [f32]),
    Stored { lesson: &'a Lesson<'a>, scale: &'a Scale },
}

impl<'a> Rows<'a> {
    /// Rows in memory.
    pub(crate) const fn of(values: &'a [f32], n_columns: usize) -> Self {
        Self { place: Place::Memory(values), n_columns }
    }

    /// All values, row by row, if they are in memory.
    pub(crate) const fn in_memory(&self) -> Option<&'a [f32]> {
        match self.place {
            Place::Memory(values) => Some(values),
            Place::Stored { .. } => None,
        }
    }

    pub(crate) fn n(&self) -> usize {
        match self.place {
            Place::Memory(values) => values.len() / self.n_columns,
            Place::Stored { lesson, .. } => lesson.n_rows(),
        }
    }

    /// How many windows of so many rows there are.
    pub(crate) fn n_windows(&self, window: usize) -> usize {
        (self.n() + 1).saturating_sub(window)
    }

    /// Some rows as one slice; nothing, where some of them do not exist.
    pub(crate) fn stretch(&self, rows: Range<usize>) -> Cow<'a, [f32]> {
        match self.place {
            Place::Memory(values) => {
                let n = self.n_columns;
                Cow::Borrowed(values.get(rows.start * n..rows.end * n).unwrap_or_default())
            }
            Place::Stored { lesson, scale } => Cow::Owned(scale.apply(&lesson.stretch(rows))),
        }
    }

    /// The window that begins at row `first`, as one slice.
    pub(crate) fn window(&self, first: usize, window: usize) -> Cow<'a, [f32]> {
        self.stretch(first..first + window)
    }

    /// All windows of so many rows, in pieces that follow each other.
    pub(crate) fn pieces(&self, window: usize) -> impl Iterator<Item = Cow<'a, [f32]>> {
        let rows = *self;
        pieces(self.n(), window.saturating_sub(1)).map(move |piece| rows.stretch(piece))
    }

    /// The values of one column. Cost: a pass over all rows, and memory for one value of each.
    pub(crate) fn column(&self, column: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.n());
        for piece in self.pieces(1) {
            values.extend(piece.iter().skip(column).step_by(self.n_columns));
        }
        values
    }
}

/// Stretches in which windows begin, each as long as its last window.
fn pieces(n_rows: usize, overlap: usize) -> impl Iterator<Item = Range<usize>> {
    let n_windows = n_rows.saturating_sub(overlap);
    (0..n_windows).step_by(PIECE).map(move |first| first..(first + PIECE).min(n_windows) + overlap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of each row, in both columns.
    struct Numbers(Vec<String>);

    impl RowStore for Numbers {
        fn columns(&self) -> &[String] {
            &self.0
        }

        fn n_rows(&self) -> usize {
            40_000
        }

        fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) {
            assert!(rows.len() <= PIECE + 100, "{rows:?}");
            into.extend(rows.flat_map(|row| [row as f32, row as f32]));
        }
    }

    #[test]
    fn pieces_hold_each_window_once() {
        #[track_caller]
        fn check(n_rows: usize, overlap: usize, expected: &[(usize, usize)]) {
            let found: Vec<(usize, usize)> =
                pieces(n_rows, overlap).map(|piece| (piece.start, piece.end)).collect();
            assert_eq!(found, expected);
        }
        check(0, 3, &[]);
        check(3, 3, &[]);
        check(4, 3, &[(0, 4)]);
        check(PIECE + 3, 3, &[(0, PIECE + 3)]);
        check(PIECE + 4, 3, &[(0, PIECE + 3), (PIECE, PIECE + 4)]);
    }

    #[test]
    fn stretches_of_a_store_follow_each_other() {
        let store = Numbers(vec!["a".to_owned(), "b".to_owned()]);
        let lesson = RowSource::Stored(&store).parts([0..10, 20_000..40_000]);
        assert_eq!(
            (lesson.n_rows(), &lesson.stretch(8..12)[..]),
            (20_010, &[8.0, 8.0, 9.0, 9.0, 20_000.0, 20_000.0, 20_001.0, 20_001.0][..])
        );
        let n: usize = lesson.pieces(0).map(|piece| piece.len() / 2).sum();
        assert_eq!(n, 20_010);
        // In memory it is the same.
        let values: Vec<f32> = (0..40_000).flat_map(|row| [row as f32, row as f32]).collect();
        let frame = Frame::new(store.0.clone(), values).unwrap();
        let same = RowSource::from(&frame).parts([0..10, 20_000..40_000]);
        let (scale, mut a, mut b) = (same.scale(), Vec::new(), Vec::new());
        assert_eq!(scale, lesson.scale());
        let (stored, held) = (lesson.scaled(&scale, &mut a), same.scaled(&scale, &mut b));
        assert_eq!((stored.n_windows(7), stored.window(5, 7)), (held.n_windows(7), held.window(5, 7)));
        assert_eq!(stored.column(1), held.column(1));
        assert!(stored.pieces(100).eq(held.pieces(100)));
        assert!(stored.in_memory().is_none() && held.in_memory().is_some());
    }
}
