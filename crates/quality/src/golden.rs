//! Values recorded from the reference implementation, and what holds for any scores.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// How far a value may be from the recorded one.
const TOLERANCE: f64 = 1e-6;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may read its cases")]
fn recorded_values() {
    let Some(path) = lanner_testkit::shared_data("metrics/cases.jsonl") else { return };
    let cases = std::fs::read_to_string(path).unwrap();
    let mut n_compared = 0;
    for case in cases.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let array = |name: &str| case[name].as_array().unwrap();
        let labels: Vec<bool> = array("label").iter().map(|label| label.as_f64().unwrap() > 0.5).collect();
        let scores: Vec<f64> = array("score").iter().map(|score| score.as_f64().unwrap()).collect();
        let scored = Scored::new(&labels, &scores).unwrap();
        let buffer = case["vus_window"].as_u64().unwrap() as usize;
        for (name, expected) in case["expected"].as_object().unwrap() {
            let found = by_name(name, &scored, buffer);
            let expected = expected.as_f64().unwrap();
            assert!(
                (found - expected).abs() <= TOLERANCE,
                "{} ({}), {name}: {found} is not {expected}",
                case["id"],
                case["kind"]
            );
            n_compared += 1;
        }
    }
    assert!(n_compared >= 9 * 12, "only {n_compared} values");
}

fn by_name(name: &str, scored: &Scored<'_>, buffer: usize) -> f64 {
    match name {
        "AUC-PR" => auc_pr(scored),
        "AUC-ROC" => auc_roc(scored),
        "VUS-PR" => vus_pr(scored, buffer),
        "VUS-ROC" => vus_roc(scored, buffer),
        "Standard-F1" => best_f1(scored),
        "PA-F1" => point_adjusted_f1(scored),
        "Event-based-F1" => event_f1(scored),
        "R-based-F1" => range_f1(scored),
        "Affiliation-F" => affiliation_f(scored),
        _ => panic!("no metric is called {name}"),
    }
}

/// Labels with something to find and something to leave alone, and scores with many equal ones.
fn labels_and_scores() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    let points = prop::collection::vec((any::<bool>(), prop_oneof![-3.0..3.0, Just(0.0), Just(1.0)]), 2..80);
    points.prop_map(|points| {
        let (mut labels, scores): (Vec<bool>, Vec<f64>) = points.into_iter().unzip();
        (labels[0], labels[1]) = (false, true);
        (labels, scores)
    })
}

proptest! {
    #[test]
    fn every_metric_is_between_0_and_1((labels, scores) in labels_and_scores(), buffer in 0_usize..30) {
        let scored = Scored::new(&labels, &scores).unwrap();
        for (name, value) in [
            ("auc_pr", auc_pr(&scored)),
            ("auc_roc", auc_roc(&scored)),
            ("vus_pr", vus_pr(&scored, buffer)),
            ("vus_roc", vus_roc(&scored, buffer)),
            ("best_f1", best_f1(&scored)),
            ("point_adjusted_f1", point_adjusted_f1(&scored)),
            ("event_f1", event_f1(&scored)),
            ("range_f1", range_f1(&scored)),
            ("affiliation_f", affiliation_f(&scored)),
        ] {
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{name} is {value}");
        }
    }

    #[test]
    fn perfect_scores_are_perfect((labels, _) in labels_and_scores()) {
        let scores: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let scored = Scored::new(&labels, &scores).unwrap();
        for value in [auc_pr(&scored), auc_roc(&scored), best_f1(&scored), point_adjusted_f1(&scored)] {
            prop_assert!(value > 0.9999, "{value}");
        }
        for value in [event_f1(&scored), range_f1(&scored), affiliation_f(&scored)] {
            prop_assert!(value > 0.9999, "{value}");
        }
    }

    #[test]
    fn only_the_order_of_scores_matters((labels, scores) in labels_and_scores(), buffer in 0_usize..30) {
        let stretched: Vec<f64> = scores.iter().map(|score| score.powi(3) + 7.0).collect();
        let (a, b) = (Scored::new(&labels, &scores).unwrap(), Scored::new(&labels, &stretched).unwrap());
        prop_assert_eq!(auc_pr(&a), auc_pr(&b));
        prop_assert_eq!(auc_roc(&a), auc_roc(&b));
        prop_assert_eq!(vus(&a, buffer), vus(&b, buffer));
    }

    #[test]
    fn the_best_nab_score_is_that_of_its_threshold((labels, scores) in labels_and_scores()) {
        let windows = events(&labels);
        let files = [NabFile::new(&scores, &windows).unwrap()];
        if let Ok(best) = nab(&files, NabProfile::STANDARD) {
            let again = nab_above(&files, NabProfile::STANDARD, best.threshold).unwrap();
            prop_assert!((best.score - again.score).abs() < 1e-9, "{best:?} {again:?}");
            prop_assert!((0.0..=100.0 + 1e-9).contains(&best.score));
        }
    }
}
