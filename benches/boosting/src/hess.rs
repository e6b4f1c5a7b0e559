//! The crate `hessboost`, with the same number of trees, leaves, levels and bins.

use hessboost::config::GrowPolicy;
use hessboost::objective::RegLoss;
use hessboost::prelude::*;

use crate::clock;
use crate::figures::{Figures, MAX_DEPTH, Measured};
use crate::table::{Part, Table};

/// Rows whose reasons are asked for at once, as each call of it lays out the whole model.
const N_EXPLAINED: usize = 1_000;

pub(crate) fn run(table: &Table, n_trees: usize, max_leaves: usize) -> Measured {
    let parameters = TrainingParams::builder()
        .objective(Objective::BinaryLogistic(RegLoss::default()))
        .tree_method(TreeMethod::Hist)
        .grow_policy(GrowPolicy::LossGuide)
        .max_leaves(max_leaves)
        .max_depth(MAX_DEPTH)
        .max_bin(255)
        .eta(0.1)
        .lambda(1.0)
        .min_child_weight(1e-3)
        .nthread(1)
        .build()?;
    let rows = matrix(&table.learned, table.n_columns)?;
    // Copies of a matrix share its bins, so each training has one of its own.
    let learn_s = clock::seconds(|| {
        matrix(&table.learned, table.n_columns).and_then(|rows| train(&parameters, &rows, n_trees))
    });
    let model = train(&parameters, &rows, n_trees)?;
    let values = table.unseen.narrow();
    let mut turn = values.chunks_exact(table.n_columns).cycle();
    let row_s = clock::seconds(|| model.predict_row(turn.next().unwrap_or_default(), Iterations::Best));
    let n_explained = N_EXPLAINED.min(table.unseen.n_rows());
    let explained =
        DMatrix::from_dense(&values[..n_explained * table.n_columns], n_explained, table.n_columns)?;
    let reasons_s =
        clock::seconds(|| model.predict_contribs(&explained, Iterations::Best)) / n_explained as f64;
    let all_s = clock::seconds(|| model.predict_rows(&values, Iterations::Best));
    let scores = model.predict_rows(&values, Iterations::Best)?.into_vec();
    let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
    Ok(Figures {
        learn_ms: learn_s * 1e3,
        row_ns: row_s * 1e9,
        reasons_us: Some(reasons_s * 1e6),
        rows_per_s: table.unseen.n_rows() as f64 / all_s,
        auc: table.unseen.auc(&scores),
    })
}

fn matrix(part: &Part, n_columns: usize) -> Result<DMatrix> {
    let labels: Vec<f32> = part.labels.iter().map(|label| f32::from(u8::from(*label))).collect();
    DMatrix::from_dense(&part.narrow(), part.n_rows(), n_columns)?.with_labels(&labels)
}
