//! Rows of numbers: what detectors are trained on, and what they score.

/// Rows × columns of numbers, oldest row first, at equal steps of time. NaN is a gap.
///
/// ```
/// use lanner_deep::Frame;
///
/// let frame = Frame::new(vec!["cpu".into(), "memory".into()], vec![0.1, 0.5, f32::NAN, 0.6])?;
/// assert_eq!((frame.n_rows(), frame.row(1)[1]), (2, 0.6));
/// # Ok::<(), lanner_deep::FrameError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    columns: Vec<String>,
    values: Vec<f32>,
}

/// Why numbers are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There is no column.
    #[error("there are no columns of numbers")]
    NoColumns,
    /// There are more columns than detectors can look at.
    #[error("{found} columns, and at most {MAX_COLUMNS} are possible; leave some out")]
    TooManyColumns {
        /// Columns given.
        found: usize,
    },
    /// A name occurs twice.
    #[error("two columns are named \"{name}\"; rename one")]
    Doubled {
        /// The name.
        name: String,
    },
    /// The last row is not complete.
    #[error("{values} values are no whole number of rows of {columns} columns")]
    Ragged {
        /// Values given.
        values: usize,
        /// Columns given.
        columns: usize,
    },
}

/// Columns at most: the costs of most detectors grow with the square of their number.
pub const MAX_COLUMNS: usize = 1_000;

impl Frame {
    /// From values row by row; infinite ones become gaps. Cost: O(values).
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn new(columns: Vec<String>, mut values: Vec<f32>) -> Result<Self, FrameError> {
        check_columns(&columns)?;
        if !values.len().is_multiple_of(columns.len()) {
            return Err(FrameError::Ragged { values: values.len(), columns: columns.len() });
        }
        for value in values.iter_mut().filter(|value| value.is_infinite()) {
            *value = f32::NAN;
        }
        Ok(Self { columns, values })
    }

    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many columns there are, at least one.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.columns.len()
    }

    /// Row `index`, a value for each column; empty if there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        self.rows(index..index + 1)
    }

    /// Some rows, one after the other; empty if some of them do not exist.
    #[must_use]
    pub fn rows(&self, range: std::ops::Range<usize>) -> &[f32] {
        let n = self.columns.len();
        self.values.get(range.start * n..range.end * n).unwrap_or_default()
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// Refuses names that no frame has.
pub(crate) fn check_columns(columns: &[String]) -> Result<(), FrameError> {
    if columns.is_empty() {
        return Err(FrameError::NoColumns);
    }
    if columns.len() > MAX_COLUMNS {
        return Err(FrameError::TooManyColumns { found: columns.len() });
    }
    let mut names = std::collections::BTreeSet::new();
    match columns.iter().find(|name| !names.insert(name.as_str())) {
        Some(name) => Err(FrameError::Doubled { name: name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_frame() {
        #[track_caller]
        fn check(columns: &[&str], n_values: usize, expected: &str) {
            let columns = columns.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(Frame::new(columns, vec![0.0; n_values]).unwrap_err().to_string(), expected);
        }
        check(&[], 0, "there are no columns of numbers");
        check(&["a", "b", "a"], 3, "two columns are named \"a\"; rename one");
        check(&["a", "b"], 3, "3 values are no whole number of rows of 2 columns");
        let many: Vec<String> = (0..1_001).map(|i| i.to_string()).collect();
        assert_eq!(Frame::new(many, Vec::new()), Err(FrameError::TooManyColumns { found: 1_001 }));
    }

    #[test]
    fn rows_that_do_not_exist_are_empty() {
        let frame = Frame::new(vec!["a".into()], vec![1.0, f32::INFINITY]).unwrap();
        assert!(frame.row(1)[0].is_nan());
        assert_eq!((frame.row(2), frame.n_rows()), (&[][..], 2));
    }
}
