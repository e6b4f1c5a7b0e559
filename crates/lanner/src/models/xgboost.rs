//! Models of XGBoost, as its `save_model("model.json")` writes them.

use lanner_boost::import::from_xgboost;

use super::kind::Kind;
use super::trees::facts;

/// The object in which XGBoost keeps its trees stands at the beginning.
const LEARNER: &[u8] = b"\"learner\"";

pub(super) const KIND: Kind = Kind {
    name: "xgboost",
    about: "boosted trees of XGBoost",
    format: None,
    is_one: |start| {
        let is_object = start.bytes.trim_ascii_start().starts_with(b"{");
        is_object && start.bytes.windows(LEARNER.len()).take(4_096).any(|bytes| bytes == LEARNER)
    },
    read: |bytes| from_xgboost(bytes).map(|trees| facts(&trees)).map_err(|problems| problems.to_string()),
};
