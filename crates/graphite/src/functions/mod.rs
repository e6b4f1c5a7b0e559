//! The functions of the language: one list of each group, in which a function is declared beside its code.
//!
//! To add one: an entry in the `FUNCTIONS` of its group and the function that it names. `/functions`, the checks of
//! arguments and the manuals are made from the entries.

mod alias;
mod calculate;
mod combine;
mod filter_data;
mod filter_series;
mod given;
mod graph;
mod parameter;
mod sorting;
mod special;
mod transform;

use super::evaluate::Call;
use super::problem::Problem;
use super::series::Series;

pub use parameter::{Default, Kind, Parameter};

/// What a function answers: series, or why not.
pub type Answer = Result<Vec<Series>, Problem>;

/// One function, as the language, its manual and its clients know it.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters as written in manuals: `(seriesList, n)`.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// What can be given to it, in order.
    pub parameters: &'static [Parameter],
    /// Does it.
    pub run: fn(&Call<'_>) -> Answer,
}

/// All functions, group by group, under the groups' names in Graphite.
pub const GROUPS: &[(&str, &[Function])] = &[
    ("Alias", alias::FUNCTIONS),
    ("Calculate", calculate::FUNCTIONS),
    ("Combine", combine::FUNCTIONS),
    ("Filter Data", filter_data::FUNCTIONS),
    ("Filter Series", filter_series::FUNCTIONS),
    ("Graph", graph::FUNCTIONS),
    ("Sorting", sorting::FUNCTIONS),
    ("Special", special::FUNCTIONS),
    ("Transform", transform::FUNCTIONS),
];

/// The function called `name`.
///
/// ```
/// use lanner_graphite::functions;
/// assert_eq!(functions::named("stdev").unwrap().signature, "(seriesList, points, windowTolerance=0.1)");
/// assert!(functions::named("nonsense").is_none());
/// ```
#[must_use]
pub fn named(name: &str) -> Option<&'static Function> {
    GROUPS.iter().flat_map(|(_, functions)| functions.iter()).find(|function| function.name == name)
}
