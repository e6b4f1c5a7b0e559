//! Models of other libraries score and explain here as there; recorded by `testdata/record.py`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "recorded data; a test fails by panicking"
)]

use std::path::Path;

use lanner_boost::{Explainer, Kind, import};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    rows: Vec<Vec<Option<f64>>>,
    margins: Vec<f64>,
    contributions: Option<Vec<Vec<f64>>>,
}

/// Compares to `tolerance`: XGBoost adds up 32-bit numbers.
#[track_caller]
fn check(model: &str, recorded: &str, tolerance: f64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let model = import::from_any(&std::fs::read(folder.join(model)).unwrap()).unwrap();
    let recorded: Recorded = serde_json::from_slice(&std::fs::read(folder.join(recorded)).unwrap()).unwrap();
    assert_eq!(model.features()[2].kind, Kind::Category);
    let explainer = Explainer::new(&model);
    for (i, row) in recorded.rows.iter().enumerate() {
        let row: Vec<f64> = row.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        let (found, expected) = (model.margin(&row), recorded.margins[i]);
        assert!((found - expected).abs() < tolerance, "row {i}: {found} is not {expected}");
        let Some(contributions) = &recorded.contributions else { continue };
        let explanation = explainer.explain(&row);
        for (feature, found) in explanation.contributions.iter().chain([&explanation.expected]).enumerate() {
            let expected = contributions[i][feature];
            assert!((found - expected).abs() < tolerance, "row {i}, {feature}: {found} is not {expected}");
        }
    }
    let again = import::from_any(model.to_json().to_string().as_bytes()).unwrap();
    assert_eq!(again, model);
}

#[test]
fn lightgbm() {
    check("lightgbm.txt", "lightgbm.rows.json", 1e-9);
}

#[test]
fn lightgbm_where_zero_is_missing() {
    check("lightgbm-zero.txt", "lightgbm-zero.rows.json", 1e-9);
}

#[test]
fn xgboost() {
    check("xgboost.json", "xgboost.rows.json", 2e-6);
}

#[test]
fn scikit_learn() {
    check("sklearn.json", "sklearn.rows.json", 1e-9);
}
