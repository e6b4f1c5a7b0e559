//! What boosted trees cost: training on 1,157 rows of nine columns, scoring one row, explaining it.

use divan::{Bencher, black_box};
use lanner_boost::{Ensemble, Explainer, Feature, Settings, Table, train};

fn main() {
    divan::main();
}

const N_ROWS: usize = 1_157;
const N_FEATURES: usize = 9;

/// Columns like degrees: skewed, and partly alike.
fn table() -> Table {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let columns: Vec<Vec<f64>> =
        (0..N_FEATURES).map(|_| (0..N_ROWS).map(|_| (random() * 7.0).exp()).collect()).collect();
    let label = |row: usize| columns[0][row].ln() + columns[1][row].ln() * 0.5 + random() * 3.0 < 4.5;
    let labels = (0..N_ROWS).map(label).collect();
    let features = (0..N_FEATURES).map(|i| Feature::number(format!("f{i}"))).collect();
    Table::new(features, columns.clone(), labels).unwrap_or_else(|error| unreachable!("{error}"))
}

fn settings(n_trees: usize) -> Settings {
    Settings { n_trees, max_leaves: 16, max_depth: 9, ..Settings::default() }
}

fn model(table: &Table) -> Ensemble {
    train(table, &table.all_rows(), &settings(60)).unwrap_or_else(|error| unreachable!("{error}"))
}

#[divan::bench(args = [60, 200])]
fn learn(bencher: Bencher<'_, '_>, n_trees: usize) {
    let table = table();
    let (rows, settings) = (table.all_rows(), settings(n_trees));
    bencher.bench(|| train(black_box(&table), &rows, &settings));
}

#[divan::bench]
fn score_one_row(bencher: Bencher<'_, '_>) {
    let table = table();
    let model = model(&table);
    let rows: Vec<Vec<f64>> = (0..N_ROWS).map(|row| table.row(row)).collect();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % N_ROWS;
        model.probability(black_box(&rows[next]))
    });
}

#[divan::bench]
fn explain_one_row(bencher: Bencher<'_, '_>) {
    let table = table();
    let explainer = Explainer::new(&model(&table));
    let rows: Vec<Vec<f64>> = (0..N_ROWS).map(|row| table.row(row)).collect();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % N_ROWS;
        explainer.explain(black_box(&rows[next]))
    });
}
