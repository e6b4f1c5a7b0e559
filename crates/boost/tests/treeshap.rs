//! Exact Shapley values: recorded ones of LightGBM and scikit-learn, and the definition by all subsets.

use lanner_boost::{Ensemble, Explainer, Feature, Node, Split, Test, Tree};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    inputs: Vec<Vec<Option<f64>>>,
    margin: Vec<f64>,
    probability: Vec<f64>,
    shap: Vec<Vec<f64>>,
    expected_value: f64,
}

#[track_caller]
fn assert_close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9, "{what}: {found} is not {expected}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "recorded data")]
fn recorded_values_to_1e_9() {
    let Some(folder) = lanner_testkit::shared_data("treeshap") else { return };
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        let case: Case = serde_json::from_slice(&text).unwrap();
        let model = Ensemble::from_json(&text).unwrap();
        let explainer = Explainer::new(&model);
        let name = path.display().to_string();
        assert_close(explainer.expected(), case.expected_value, &name);
        for (i, input) in case.inputs.iter().enumerate() {
            let row: Vec<f64> = input.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            assert_close(model.margin(&row), case.margin[i], &name);
            assert_close(model.probability(&row), case.probability[i], &name);
            let found = explainer.explain(&row).contributions;
            found
                .iter()
                .zip(&case.shap[i])
                .for_each(|(&found, &expected)| assert_close(found, expected, &name));
        }
        n_files += 1;
    }
    assert!(n_files >= 6, "only {n_files} files");
}

const N_FEATURES: usize = 4;

/// A tree of any shape, whose covers may be zero. `choices` are consumed node by node.
fn tree(choices: &[(u8, f64, u8)]) -> Tree {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open = vec![0];
    let mut choices = choices.iter();
    nodes.push(leaf());
    while let (Some(at), Some(&(kind, number, cover))) = (open.pop(), choices.next()) {
        nodes[at].value = number;
        nodes[at].cover = f64::from(cover % 3); // zero as often as not
        if kind < 64 {
            continue;
        }
        let (left, right) = (nodes.len(), nodes.len() + 1);
        let test = if kind & 1 == 0 { Test::AtMost(number) } else { Test::OneOf(vec![0, 1]) };
        nodes[at].split = Some(Split {
            feature: usize::from(kind >> 2) % N_FEATURES,
            test,
            is_missing_left: kind & 2 == 0,
            is_zero_missing: kind & 32 == 0,
            left,
            right,
        });
        nodes.extend([leaf(), leaf()]);
        open.extend([right, left]);
    }
    Tree::new(nodes, N_FEATURES).unwrap_or_else(|why| unreachable!("{why}"))
}

fn leaf() -> Node {
    Node { value: 0.5, cover: 1.0, split: None }
}

/// The mean score where only the features in `known` are.
fn conditional(nodes: &[Node], at: usize, row: &[f64], known: u32) -> f64 {
    let Some(split) = &nodes[at].split else { return nodes[at].value };
    let value = |child: usize| conditional(nodes, child, row, known);
    if known & 1 << split.feature != 0 {
        return value(if split.goes_left(row[split.feature]) { split.left } else { split.right });
    }
    let (left, right) = (nodes[split.left].cover, nodes[split.right].cover);
    let share = if left + right > 0.0 { left / (left + right) } else { 0.5 };
    share * value(split.left) + (1.0 - share) * value(split.right)
}

/// Shapley's definition: the mean over all orders of what a feature adds.
fn by_definition(nodes: &[Node], row: &[f64], feature: usize) -> f64 {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let n = N_FEATURES as u32;
    let subsets = (0..1_u32 << n).filter(|subset| subset & 1 << feature == 0);
    let parts = subsets.map(|subset| {
        let size = subset.count_ones();
        let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
        weight * (conditional(nodes, 0, row, subset | 1 << feature) - conditional(nodes, 0, row, subset))
    });
    parts.sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_tree_by_definition(
        choices in prop::collection::vec((any::<u8>(), -3.0..3.0_f64, any::<u8>()), 1..40),
        more in prop::collection::vec((any::<u8>(), -3.0..3.0_f64, any::<u8>()), 1..40),
        row in prop::collection::vec(prop_oneof![Just(f64::NAN), Just(0.0), -3.0..3.0_f64], N_FEATURES),
    ) {
        let trees = vec![tree(&choices), tree(&more)];
        let features = (0..N_FEATURES).map(|i| Feature::number(format!("f{i}"))).collect();
        let model = Ensemble::new(features, 0.25, trees).unwrap();
        let explanation = Explainer::new(&model).explain(&row);
        let sum = explanation.expected + explanation.contributions.iter().sum::<f64>();
        prop_assert!((sum - model.margin(&row)).abs() < 1e-9, "{sum} is not {}", model.margin(&row));
        for (feature, found) in explanation.contributions.iter().enumerate() {
            let expected: f64 =
                model.trees().iter().map(|tree| by_definition(tree.nodes(), &row, feature)).sum();
            prop_assert!((found - expected).abs() < 1e-9, "feature {feature}: {found} is not {expected}");
        }
    }
}
