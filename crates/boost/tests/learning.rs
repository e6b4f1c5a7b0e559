//! What training keeps, whatever it learns from.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lanner_boost::{
    EarlyStopping, Ensemble, Explainer, Feature, Kind, Monotone, Settings, Table, Test, Weights, train,
};
use proptest::prelude::*;

/// Numbers from 0 on that look like chance, the same on every machine.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Two columns that matter, one that does not, and labels with some doubt.
fn table(n: usize, seed: u64) -> Table {
    let mut random = noise(seed);
    let mut column = |n: usize| -> Vec<f64> { (0..n).map(|_| random()).collect() };
    let (x, y, z, doubt) = (column(n), column(n), column(n), column(n));
    let labels = (0..n).map(|i| x[i] + 0.5 * y[i] + 0.3 * (doubt[i] - 0.5) > 1.0).collect();
    Table::new(["x", "y", "z"].map(Feature::number).to_vec(), vec![x, y, z], labels).unwrap()
}

fn small() -> Settings {
    Settings { n_trees: 30, ..Settings::default() }
}

#[test]
fn threads_and_the_order_of_rows_change_no_bit() {
    let table = table(60_000, 3);
    let settings = Settings { n_trees: 5, row_share: 0.9, feature_share: 0.7, ..Settings::default() };
    let on = |n: usize, rows: &[usize]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| train(&table, rows, &settings)).unwrap()
    };
    let rows = table.all_rows();
    let mut reversed = rows.clone();
    reversed.reverse();
    let one = on(1, &rows);
    assert_eq!(on(4, &rows), one);
    assert_eq!(on(3, &reversed), one);
}

#[test]
fn what_matters_is_found() {
    let table = table(3_000, 5);
    let model = train(&table, &table.all_rows(), &small()).unwrap();
    assert!(model.probability(&[0.9, 0.9, 0.5]) > 0.9);
    assert!(model.probability(&[0.1, 0.1, 0.5]) < 0.1);
    let explanation = Explainer::new(&model).explain(&[0.95, 0.6, 0.5]);
    assert_eq!(explanation.raising(1), [0]);
    assert!(explanation.contributions[2].abs() < 0.5, "{explanation:?}");
}

#[test]
fn a_direction_is_kept_everywhere() {
    let mut random = noise(8);
    let x: Vec<f64> = (0..2_000).map(|_| random()).collect();
    let y: Vec<f64> = (0..2_000).map(|_| random()).collect();
    // Rises, but for a dent in the middle.
    let labels = x
        .iter()
        .zip(&y)
        .map(|(x, y)| (x - 0.5 * f64::from((0.5..0.6).contains(x)) + 0.2 * y) > 0.55)
        .collect();
    let kinds = [Monotone::Free, Monotone::Rising, Monotone::Falling];
    let is_kept = kinds.map(|monotone| {
        let features = vec![Feature::number("x").monotone(monotone), Feature::number("y")];
        let table = Table::new(features, vec![x.clone(), y.clone()], Vec::clone(&labels)).unwrap();
        let model = train(&table, &table.all_rows(), &small()).unwrap();
        let margins: Vec<f64> = (0..=200).map(|i| model.margin(&[f64::from(i) / 200.0, 0.5])).collect();
        let rises = margins.windows(2).all(|pair| pair[0] <= pair[1]);
        let falls = margins.windows(2).all(|pair| pair[0] >= pair[1]);
        (rises, falls)
    });
    assert_eq!(is_kept, [(false, false), (true, false), (true, true)]); // nothing to learn that falls
}

#[test]
fn missing_values_go_where_they_help() {
    let n = 400;
    let mut random = noise(2);
    let labels: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
    let x = labels.iter().map(|&label| if label { f64::NAN } else { random() }).collect();
    let table = Table::new(vec![Feature::number("x")], vec![x], labels).unwrap();
    let model = train(&table, &table.all_rows(), &small()).unwrap();
    assert!(model.probability(&[f64::NAN]) > 0.9 && model.probability(&[0.5]) < 0.1);
    let again = Ensemble::from_json(model.to_json().to_string().as_bytes()).unwrap();
    assert_eq!(again.margin(&[f64::NAN]), model.margin(&[f64::NAN]));
}

#[test]
fn categories_are_split_by_sets() {
    let mut random = noise(4);
    let codes: Vec<f64> = (0..2_000).map(|_| (random() * 12.0).floor()).collect();
    let labels = codes.iter().map(|code| [1.0, 4.0, 9.0].contains(code)).collect();
    let table = Table::new(vec![Feature::category("method")], vec![codes], labels).unwrap();
    let model = train(&table, &table.all_rows(), &small()).unwrap();
    assert_eq!(model.features()[0].kind, Kind::Category);
    for code in 0..12 {
        let probability = model.probability(&[f64::from(code)]);
        assert_eq!(probability > 0.5, [1, 4, 9].contains(&code), "{code}: {probability}");
    }
    let first = model.trees()[0].nodes()[0].split.as_ref().unwrap();
    let Test::OneOf(set) = &first.test else { panic!("{first:?}") };
    assert!(set.len() == 9 || set.len() == 3, "{set:?}");
    assert_eq!(model.probability(&[77.0]), model.probability(&[f64::NAN])); // never seen
}

#[test]
fn growing_stops_early() {
    let table = table(1_500, 9);
    let early_stopping = Some(EarlyStopping { patience: 10, share: 0.2 });
    let settings = Settings { n_trees: 2_000, learning_rate: 0.3, early_stopping, ..Settings::default() };
    let model = train(&table, &table.all_rows(), &settings).unwrap();
    assert!((3..300).contains(&model.trees().len()), "{} trees", model.trees().len());
}

#[test]
fn weights_move_the_odds() {
    let table = table(2_000, 1);
    let mean = |weights| {
        let model = train(&table, &table.all_rows(), &Settings { weights, ..small() }).unwrap();
        (0..2_000).map(|row| model.probability(&table.row(row))).sum::<f64>() / 2_000.0
    };
    let share = table.labels().iter().filter(|&&label| label).count() as f64 / 2_000.0;
    assert!((mean(Weights::Equal) - share).abs() < 0.02); // as many as there are
    assert!(mean(Weights::Positive(10.0)) > share + 0.03);
    assert!(mean(Weights::Balanced) > mean(Weights::Equal));
}

#[test]
fn what_cannot_be_learned_is_said() {
    #[track_caller]
    fn check(labels: Vec<bool>, settings: &Settings, why: &str) {
        let column = vec![0.0; labels.len()];
        let table = Table::new(vec![Feature::number("x")], vec![column], labels).unwrap();
        assert_eq!(train(&table, &table.all_rows(), settings).unwrap_err().to_string(), why);
    }
    let one_class = "3 rows with 0 positive ones: learning needs rows of both classes";
    check(vec![false; 3], &Settings::default(), one_class);
    let wrong = Settings { n_trees: 0, ..Settings::default() };
    check(vec![true, false], &wrong, "n_trees is 0, which should be from 1 to 10000");
    let features = || vec![Feature::category("x")];
    let code = Table::new(features(), vec![vec![0.5]], vec![true]).unwrap_err().to_string();
    assert_eq!(code, "\"x\" has a value in row 0 that is no category: those are whole numbers from 0 to 253");
    let infinite = Table::new(features(), vec![vec![f64::INFINITY]], vec![true]).unwrap_err().to_string();
    assert!(infinite.starts_with("\"x\" is infinite in row 0"), "{infinite}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_table_is_learned_or_refused(
        rows in prop::collection::vec((prop::num::f64::ANY, 0_u8..6, any::<bool>(), any::<bool>()), 2..200),
        n_bins in 2_usize..20,
    ) {
        let x = rows.iter().map(|row| if row.0.is_infinite() { 0.0 } else { row.0 }).collect();
        let c = rows.iter().map(|row| if row.3 { f64::from(row.1) } else { f64::NAN }).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.2).collect();
        let features = vec![Feature::number("x"), Feature::category("c")];
        let table = Table::new(features, vec![x, c], labels.clone()).unwrap();
        let settings = Settings { n_trees: 5, min_leaf_rows: 1, max_bins: n_bins, ..Settings::default() };
        let Ok(model) = train(&table, &table.all_rows(), &settings) else {
            prop_assert!(labels.iter().all(|&label| label == labels[0]));
            return Ok(());
        };
        let again = Ensemble::from_json(model.to_json().to_string().as_bytes()).unwrap();
        for row in 0..table.n_rows() {
            let row = table.row(row);
            let explanation = Explainer::new(&model).explain(&row);
            let sum = explanation.expected + explanation.contributions.iter().sum::<f64>();
            prop_assert!((sum - model.margin(&row)).abs() < 1e-9);
            prop_assert_eq!(again.margin(&row).to_bits(), model.margin(&row).to_bits());
        }
    }
}
