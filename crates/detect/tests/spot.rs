//! Peaks over threshold against 48 cases from an independent exact fit, beside the checkout.
//!
//! Thresholds agree to a relative `1e-6` (the written numbers have 12 digits), alarms and counts exactly.
#![expect(clippy::disallowed_methods, reason = "a test may read its cases")]
#![expect(clippy::unwrap_used, reason = "the cases are well formed, or the test fails")]

use lanner_detect::threshold::{BiDSpot, BiSpot, DSpot, PotParams, Spot, Update};
use serde_json::Value;

#[test]
fn exact_cases() {
    let Some(path) = lanner_testkit::shared_data("spot/cases.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let mut n_cases = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        match case["kind"].as_str().unwrap() {
            "spot" => spot(&case),
            "dspot" => dspot(&case),
            "bispot" => bispot(&case),
            "bidspot" => bidspot(&case),
            other => panic!("no such kind: {other}"),
        }
        n_cases += 1;
    }
    assert_eq!(n_cases, 48);
}

fn params(case: &Value) -> PotParams {
    let dynamic = case["dynamic"].as_bool().unwrap_or(true);
    PotParams {
        risk: case["q"].as_f64().unwrap(),
        initial_quantile: case["level"].as_f64().unwrap().fract(),
        alarms: case["with_alarm"].as_bool().unwrap(),
        update: if dynamic { Update::Follow } else { Update::Collapse },
        max_peaks: None,
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(case: &Value, what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let tolerance = 1e-6 * expected.abs().max(1e-9);
    assert!((found - expected).abs() <= tolerance, "{} {what}: {found} is not {expected}", case["id"]);
}

/// Runs the stream; `step` returns whether the value is an alarm, and the thresholds after it.
fn run<const N: usize>(case: &Value, names: [&str; N], mut step: impl FnMut(f64) -> (bool, [f64; N])) {
    let expected = &case["exact_mle"];
    let mut alarms = Vec::new();
    for (index, value) in numbers(&case["stream"]).into_iter().enumerate() {
        let (alarm, thresholds) = step(value);
        if alarm {
            alarms.push(index as f64);
        }
        for (name, found) in names.into_iter().zip(thresholds) {
            close(case, &format!("{name}[{index}]"), found, &expected[name][index]);
        }
    }
    assert_eq!(alarms, numbers(&expected["alarms"]), "{}", case["id"]);
}

fn calibrated(case: &Value, spot: &Spot) {
    let expected = &case["exact_mle"];
    close(case, "init_threshold", spot.initial(), &expected["init_threshold"]);
    close(case, "z0", spot.value(), &expected["z0"]);
    let fit = spot.fit().unwrap();
    close(case, "sigma0", fit.sigma, &expected["sigma0"]);
    assert_eq!(spot.counts().1, expected["initial_Nt"].as_u64().unwrap());
}

fn finished(case: &Value, spot: &Spot) {
    let expected = &case["exact_mle"];
    let counts = (expected["final_n"].as_u64().unwrap(), expected["final_Nt"].as_u64().unwrap());
    assert_eq!(spot.counts(), counts, "{}", case["id"]);
}

fn spot(case: &Value) {
    let mut spot = Spot::calibrate(params(case), &numbers(&case["init"])).unwrap();
    calibrated(case, &spot);
    run(case, ["thresholds"], |value| (spot.push(value).is_alarm(), [spot.value()]));
    finished(case, &spot);
}

fn dspot(case: &Value) {
    let depth = case["depth"].as_u64().unwrap() as usize;
    let mut dspot = DSpot::calibrate(params(case), &numbers(&case["init"]), depth).unwrap();
    calibrated(case, dspot.differences());
    run(case, ["thresholds"], |value| {
        let mean = dspot.mean();
        (dspot.push(value).is_alarm(), [dspot.differences().value() + mean])
    });
    finished(case, dspot.differences());
}

const BOTH: [&str; 2] = ["lower_thresholds", "upper_thresholds"];

fn both_finished(case: &Value, bispot: &BiSpot) {
    let expected = &case["exact_mle"];
    let n_peaks = |side: &str| expected["final_Nt"][side].as_u64().unwrap();
    let counts = (expected["final_n"].as_u64().unwrap(), (n_peaks("down"), n_peaks("up")));
    assert_eq!(bispot.counts(), counts, "{}", case["id"]);
}

fn bispot(case: &Value) {
    let mut bispot = BiSpot::calibrate(params(case), &numbers(&case["init"])).unwrap();
    close(case, "z0 down", bispot.values().0, &case["exact_mle"]["z0"]["down"]);
    close(case, "z0 up", bispot.values().1, &case["exact_mle"]["z0"]["up"]);
    run(case, BOTH, |value| (bispot.push(value).is_alarm(), bispot.values().into()));
    both_finished(case, &bispot);
}

fn bidspot(case: &Value) {
    let depth = case["depth"].as_u64().unwrap() as usize;
    let mut bidspot = BiDSpot::calibrate(params(case), &numbers(&case["init"]), depth).unwrap();
    run(case, BOTH, |value| {
        let mean = bidspot.mean();
        let alarm = bidspot.push(value).is_alarm();
        let (lower, upper) = bidspot.differences().values();
        (alarm, [lower + mean, upper + mean])
    });
    both_finished(case, bidspot.differences());
}
