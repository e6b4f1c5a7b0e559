//! Lanner's own trees.

use std::error::Error;

use lanner_boost::{Ensemble, Explainer, Feature, Settings, Table as Learned, Weights, train};

use crate::clock;
use crate::figures::{Figures, MAX_DEPTH};
use crate::table::Table;

pub(crate) fn run(
    table: &Table,
    n_trees: usize,
    max_leaves: usize,
) -> Result<(Figures, Ensemble), Box<dyn Error>> {
    let features = (0..table.n_columns).map(|column| Feature::number(format!("f{column}"))).collect();
    let columns = (0..table.n_columns).map(|column| table.learned.column(column)).collect();
    let learned = Learned::new(features, columns, table.learned.labels.clone())?;
    let settings = Settings {
        n_trees,
        max_leaves,
        max_depth: MAX_DEPTH,
        weights: Weights::Equal,
        ..Settings::default()
    };
    let rows = learned.all_rows();
    let learn_s = clock::seconds(|| train(&learned, &rows, &settings));
    let model = train(&learned, &rows, &settings)?;
    let explainer = Explainer::new(&model);
    let unseen: Vec<&[f64]> = table.unseen.rows().collect();
    let mut turn = unseen.iter().cycle();
    let mut next = || turn.next().copied().unwrap_or_default();
    let row_s = clock::seconds(|| model.probability(next()));
    let reasons_s = clock::seconds(|| explainer.explain(next()));
    let all_s = clock::seconds(|| unseen.iter().map(|row| model.probability(row)).sum::<f64>());
    let scores: Vec<f64> = unseen.iter().map(|row| model.probability(row)).collect();
    let figures = Figures {
        learn_ms: learn_s * 1e3,
        row_ns: row_s * 1e9,
        reasons_us: Some(reasons_s * 1e6),
        rows_per_s: unseen.len() as f64 / all_s,
        auc: table.unseen.auc(&scores),
    };
    Ok((figures, model))
}
