//! Boosted trees in Lanner's own form, to which those of scikit-learn are exported.

use lanner_boost::Ensemble;

use super::kind::{Facts, Kind};
use crate::output::counted;

/// What its files name.
const FORMAT: &str = "lanner-boost/1";

pub(super) const KIND: Kind = Kind {
    name: "trees",
    about: "boosted trees, also those exported from scikit-learn",
    format: Some(FORMAT),
    is_one: |start| start.is_format(FORMAT),
    read: |bytes| {
        let trees = Ensemble::from_json(bytes).map_err(|problems| format!("cannot be used: {problems}"))?;
        Ok(facts(&trees))
    },
};

/// What there is to know of trees of any origin.
pub(super) fn facts(trees: &Ensemble) -> Facts {
    let n_trees = counted(trees.trees().len() as u64, "tree");
    let n_features = counted(trees.features().len() as u64, "feature");
    Facts { about: format!("{n_trees} over {n_features}"), ..Facts::default() }
}
