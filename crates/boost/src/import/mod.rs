//! Models of other libraries, for two classes.
//!
//! | From | What to save there |
//! | --- | --- |
//! | LightGBM | `booster.save_model("model.txt")` |
//! | XGBoost | `booster.save_model("model.json")`; rows are rounded to 32 bits, as there |
//! | scikit-learn | `HistGradientBoostingClassifier` by `testdata/export_sklearn.py`, which writes this crate's own form |
//!
//! Imported models score as their libraries do: LightGBM's and scikit-learn's to 1e-9, XGBoost's to the precision of its
//! 32-bit sums.

mod lightgbm;
mod xgboost;

pub use lightgbm::from_lightgbm;
pub use xgboost::from_xgboost;

use crate::ensemble::Ensemble;
use crate::problems::Problems;

/// Reads a model in any of these forms, told by how it begins. Cost: linear.
///
/// # Errors
/// Every problem found, with its place in the model.
pub fn from_any(text: &[u8]) -> Result<Ensemble, Problems> {
    let begin = text.trim_ascii_start();
    if begin.starts_with(b"tree") {
        return from_lightgbm(text);
    }
    if !begin.starts_with(b"{") {
        return Err(Problems::one("this is no model: neither JSON nor a text model of LightGBM"));
    }
    let is_xgboost = begin.windows(9).take(4_096).any(|bytes| bytes == b"\"learner\"");
    if is_xgboost { from_xgboost(text) } else { Ensemble::from_json(text) }
}
