//! Signs that a table gives its labels away, so that a good result means nothing.

use std::fmt;

use crate::separation::separation;
use crate::table::Table;

/// A column that tells the classes apart this well alone is suspicious.
const SUSPICIOUS_AUC: f64 = 0.99;

/// A class with one and the same value in this share of its rows is suspicious if the other never has it.
const CONSTANT_SHARE: f64 = 0.95;

/// Parts of names of columns that count how many are behind a row, not what it did.
const POPULATIONS: [&str; 4] = ["num_users", "n_users", "num_sessions", "n_sessions"];

/// One such sign.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Leak {
    /// One column alone tells the classes apart.
    Alone {
        /// Its name.
        feature: String,
        /// How well, from 0.5 to 1.
        auc: f64,
    },
    /// One class nearly always has one value, which the other never has.
    Constant {
        /// The column.
        feature: String,
        /// The value.
        value: f64,
        /// Whether it is the positive class.
        is_positive: bool,
    },
    /// A column counts the users or sessions behind a row: how rows were collected, not what they did.
    Population {
        /// The column.
        feature: String,
    },
    /// Equal rows are in different groups, so a model may be tried on rows that it has seen.
    Duplicates {
        /// Rows that have an equal one in another group.
        n_rows: usize,
    },
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone { feature, auc } => write!(
                f,
                "\"{feature}\" alone tells the classes apart (AUC {auc:.3}); leave it out unless it is known before the label"
            ),
            Self::Constant { feature, value, is_positive } => {
                let (class, other) = if *is_positive { ("positive", "other") } else { ("other", "positive") };
                write!(
                    f,
                    "\"{feature}\" is {value} for nearly all {class} rows and for no {other} row; it may follow from the label"
                )
            }
            Self::Population { feature } => {
                write!(f, "\"{feature}\" counts who is behind a row, not what was done; leave it out")
            }
            Self::Duplicates { n_rows } => {
                write!(f, "{n_rows} rows have an equal row in another group; put equal rows in one group")
            }
        }
    }
}

/// Looks for leaks among `rows` of a table. Cost: O(features × rows × log rows).
///
/// ```
/// use lanner_boost::{Feature, Leak, Table, find_leaks};
///
/// let users = vec![1.0, 1.0, 350.0, 120.0];
/// let table = Table::new(vec![Feature::number("users")], vec![users], vec![true, true, false, false])?;
/// let leaks = find_leaks(&table, &table.all_rows());
/// assert!(matches!(&leaks[0], Leak::Alone { auc, .. } if *auc == 1.0));
/// # Ok::<(), lanner_boost::TableError>(())
/// ```
#[must_use]
pub fn find_leaks(table: &Table, rows: &[usize]) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for (i, feature) in table.features().iter().enumerate() {
        let name = || feature.name.clone();
        let auc = auc_alone(table, rows, i);
        if auc >= SUSPICIOUS_AUC {
            leaks.push(Leak::Alone { feature: name(), auc });
        }
        for is_positive in [true, false] {
            if let Some(value) = constant(table, rows, i, is_positive) {
                leaks.push(Leak::Constant { feature: name(), value, is_positive });
            }
        }
        if POPULATIONS.iter().any(|part| feature.name.contains(part)) {
            leaks.push(Leak::Population { feature: name() });
        }
    }
    match n_duplicates(table, rows) {
        0 => {}
        n_rows => leaks.push(Leak::Duplicates { n_rows }),
    }
    leaks
}

/// How well a column tells the classes apart, whichever way round; missing values come lowest.
fn auc_alone(table: &Table, rows: &[usize], feature: usize) -> f64 {
    let column = table.column(feature);
    let value = |&row: &usize| if column[row].is_nan() { f64::NEG_INFINITY } else { column[row] };
    let scores: Vec<f64> = rows.iter().map(value).collect();
    let labels: Vec<bool> = rows.iter().map(|&row| table.labels()[row]).collect();
    let auc = separation(&scores, &labels);
    auc.max(1.0 - auc)
}

/// The value that nearly all rows of a class have, and none of the other.
fn constant(table: &Table, rows: &[usize], feature: usize, is_positive: bool) -> Option<f64> {
    let column = table.column(feature);
    let of_class = |class: bool| rows.iter().filter(move |&&row| table.labels()[row] == class);
    let mut values: Vec<f64> =
        of_class(is_positive).map(|&row| column[row]).filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let most = values.chunk_by(|a, b| a == b).max_by_key(|equal| equal.len())?;
    let n = of_class(is_positive).count();
    let is_most = most.len() > 1 && most.len() as f64 >= CONSTANT_SHARE * n as f64;
    let is_alone = of_class(!is_positive).all(|&row| column[row] != most[0]);
    (is_most && is_alone && of_class(!is_positive).next().is_some()).then_some(most[0])
}

fn n_duplicates(table: &Table, rows: &[usize]) -> usize {
    let bits = |row: usize| -> Vec<u64> { table.row(row).iter().map(|value| value.to_bits()).collect() };
    let mut keyed: Vec<(Vec<u64>, u32)> = rows.iter().map(|&row| (bits(row), table.groups()[row])).collect();
    keyed.sort_unstable();
    let equal = keyed.chunk_by(|a, b| a.0 == b.0);
    equal.filter(|rows| rows[0].1 != rows[rows.len() - 1].1).map(<[_]>::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Feature;

    #[test]
    fn each_sign_is_found() {
        let n = 200;
        let labels: Vec<bool> = (0..n).map(|i| i % 4 == 0).collect();
        let users =
            labels.iter().enumerate().map(|(i, &label)| if label { 1.0 } else { 100.0 + i as f64 }).collect();
        let noise: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 101)).collect();
        let features = vec![Feature::number("num_users"), Feature::number("noise")];
        let table = Table::new(features, vec![users, noise], labels).unwrap();
        let leaks = find_leaks(&table, &table.all_rows());
        let alone = Leak::Alone { feature: "num_users".to_owned(), auc: 1.0 };
        let constant = Leak::Constant { feature: "num_users".to_owned(), value: 1.0, is_positive: true };
        assert_eq!(leaks, [alone, constant, Leak::Population { feature: "num_users".to_owned() }]);
    }

    #[test]
    fn duplicates_count_across_groups_only() {
        let table = |groups: Vec<u32>| {
            let column = vec![1.0, 1.0, f64::NAN, f64::NAN, 2.0, 3.0];
            let labels = vec![true, false, true, false, true, false];
            Table::new(vec![Feature::number("x")], vec![column], labels).unwrap().grouped(groups).unwrap()
        };
        let leaks = |groups| find_leaks(&table(groups), &[0, 1, 2, 3, 4, 5]);
        assert_eq!(leaks(vec![0, 1, 2, 3, 4, 5]), [Leak::Duplicates { n_rows: 4 }]);
        assert_eq!(leaks(vec![0, 0, 2, 2, 4, 5]), []);
    }
}
