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
mod sorting;
mod special;
mod transform;

use crate::evaluate::Entry;

/// All functions, group by group, under the groups' names in Graphite.
pub const GROUPS: &[(&str, &[Entry])] = &[
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
