//! What is learned from: rows of values with a label each.

use crate::feature::{Feature, Kind};

/// Codes of categories are below this: each needs a bin of its own.
pub(crate) const MAX_CODES: u32 = 254;

/// `n` rows: a value for each feature (NaN where missing), a label, and a group.
///
/// Rows of one group belong together, such as the sessions of one user or repeated rows, and are never on both sides of
/// a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    features: Vec<Feature>,
    columns: Vec<Vec<f64>>,
    labels: Vec<bool>,
    groups: Vec<u32>,
}

/// Why rows cannot be learned from, with the column and the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// There is not one column for each feature.
    #[error("{features} features, but {columns} columns")]
    Columns {
        /// Features named.
        features: usize,
        /// Columns given.
        columns: usize,
    },
    /// A column, or the groups, are not as long as the labels.
    #[error("\"{name}\" has {found} values, but there are {labels} labels")]
    Length {
        /// The column.
        name: String,
        /// Its length.
        found: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A value is infinite.
    #[error("\"{name}\" is infinite in row {row}; leave it out, or write the largest value that makes sense")]
    Infinite {
        /// The column.
        name: String,
        /// The row, from 0.
        row: usize,
    },
    /// A value is no code of a category.
    #[error("\"{name}\" has a value in row {row} that is no category: those are whole numbers from 0 to 253")]
    Code {
        /// The column.
        name: String,
        /// The row, from 0.
        row: usize,
    },
}

impl Table {
    /// Checks columns, each in a group of its own. Cost: linear.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn new(
        features: Vec<Feature>,
        columns: Vec<Vec<f64>>,
        labels: Vec<bool>,
    ) -> Result<Self, TableError> {
        if features.len() != columns.len() {
            return Err(TableError::Columns { features: features.len(), columns: columns.len() });
        }
        for (feature, column) in features.iter().zip(&columns) {
            let name = || feature.name.clone();
            if column.len() != labels.len() {
                return Err(TableError::Length { name: name(), found: column.len(), labels: labels.len() });
            }
            if let Some(row) = column.iter().position(|value| value.is_infinite()) {
                return Err(TableError::Infinite { name: name(), row });
            }
            let is_code = |value: &f64| {
                value.is_nan() || (value.fract() == 0.0 && (0.0..f64::from(MAX_CODES)).contains(value))
            };
            if feature.kind == Kind::Category
                && let Some(row) = column.iter().position(|value| !is_code(value))
            {
                return Err(TableError::Code { name: name(), row });
            }
        }
        let groups = (0..).take(labels.len()).collect();
        Ok(Self { features, columns, labels, groups })
    }

    /// The same rows, in these groups: one number a row.
    ///
    /// # Errors
    /// If there is not one for each row.
    pub fn grouped(self, groups: Vec<u32>) -> Result<Self, TableError> {
        let (found, labels) = (groups.len(), self.labels.len());
        if found != labels {
            return Err(TableError::Length { name: "groups".to_owned(), found, labels });
        }
        Ok(Self { groups, ..self })
    }

    /// The names and kinds of the columns, in their order.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The values of a column, one for each row; NaN where one is missing.
    ///
    /// # Panics
    /// If there is no column of this number.
    #[must_use]
    pub fn column(&self, feature: usize) -> &[f64] {
        &self.columns[feature]
    }

    /// Whether each row is positive, which is what is to be learned.
    #[must_use]
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The group of each row: rows of one group are never divided between learning and judging.
    #[must_use]
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.labels.len()
    }

    /// The numbers of all rows, from 0: what to learn from where nothing is held back.
    #[must_use]
    pub fn all_rows(&self) -> Vec<usize> {
        (0..self.n_rows()).collect()
    }

    /// The values of one row, one for each column; NaN where one is missing. Cost: one look into each column.
    ///
    /// # Panics
    /// If there is no row of this number.
    #[must_use]
    pub fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }
}
