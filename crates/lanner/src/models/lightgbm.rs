//! Models of LightGBM, as its `save_model` writes them.

use lanner_boost::import::from_lightgbm;

use super::kind::Kind;
use super::trees::facts;

pub(super) const KIND: Kind = Kind {
    name: "lightgbm",
    about: "boosted trees of LightGBM",
    format: None,
    is_one: |start| start.bytes.trim_ascii_start().starts_with(b"tree\n"),
    read: |bytes| from_lightgbm(bytes).map(|trees| facts(&trees)).map_err(|problems| problems.to_string()),
};
