//! `lanner detector run --resume`: runs that are killed in the middle, against a real OpenSearch.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use lanner_testkit::OpenSearch;
use serde_json::{Value, json};

use crate::adbox::{Folder, START_MS, count, fill, now_ms, use_case};
use crate::program::lanner;

/// An alert of a second, with a load that depends on which one it is and not on the clock.
fn second(time_ms: i64, at: i64) -> Value {
    let load = 40.0 + 20.0 * (at as f64 / 40.0).sin() + (at * 7_919 % 101) as f64 / 20.0;
    json!({ "timestamp": time_ms, "rule": { "level": 3 + at % 4 },
        "data": { "cpu_usage_%": load, "memory_usage_%": load / 2.0 } })
}

fn start(folder: &Folder, arguments: &[&str]) -> Child {
    let mut command = lanner();
    command.args(["detector", "run"]).args(arguments).args(["--detectors", &folder.path("detectors")]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Ends it as hard as the system can.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn wait_for(path: &str) {
    let begun = Instant::now();
    while !Path::new(path).exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{path} does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_that_is_killed_goes_on() {
    lanner_io::receiver::install_crypto_provider();
    let folder = Folder::new();
    let Some(node) = OpenSearch::start(folder.0.path()) else { return };
    let past = |from: i64, to: i64| -> Vec<Value> {
        (from..to).map(|at| second(START_MS + at * 1_000, at)).collect()
    };
    fill(&node, "wazuh-alerts-4.x-2024.03.01", &past(0, 2_000));
    let training = use_case("")
        .replace("1min", "1s")
        .replace("epochs: 3", "epochs: 8")
        // Thresholds that nearly every unit moves.
        .replace("gru_hid_dim: 12", "gru_hid_dim: 48, level: 0.5, q: 0.05");
    let case = format!("{training}prediction: {{ run_mode: realtime }}\n");
    let killed = folder.write("uc_7.yaml", &case);
    let whole = folder.write("uc_8.yaml", &training);
    let url = ["--url", node.url()];

    // In the middle of training: what comes meanwhile changes nothing, and all epochs are those of a training at once.
    folder.run(&whole, &url).expect(0);
    let training = start(&folder, &[&[killed.as_str(), "--ship"][..], &url].concat());
    wait_for(&folder.path("detectors/runs/7.checkpoint"));
    kill(training);
    let begun = std::fs::read_to_string(folder.path("detectors/runs/7.json")).unwrap();
    assert!(!begun.contains("detector_id") && folder.ids().len() == 1, "{begun}");
    let refused = folder.run(&killed, &url);
    refused.says(2, &["7.checkpoint is left of a training that was interrupted", "--resume"]);
    fill(&node, "wazuh-alerts-4.x-2024.03.01", &past(2_000, 2_500));
    // Seconds to come, so that there is something to judge.
    let now = now_ms() / 1_000 * 1_000;
    let seconds: Vec<Value> = (-30..240).map(|at| second(now + at * 1_000, at + 1_700)).collect();
    fill(&node, "wazuh-alerts-4.x-2026.11.30", &seconds);

    // In the middle of rounds, at any moment.
    let resumed = [&[killed.as_str(), "--ship", "--resume"][..], &url].concat();
    let running = start(&folder, &resumed);
    let begun = Instant::now();
    while folder.ids().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(120), "it is not trained");
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = folder.ids().pop().unwrap();
    std::thread::sleep(Duration::from_millis(1_700));
    kill(running);
    for nth in 0..6 {
        let running = start(&folder, &resumed);
        std::thread::sleep(Duration::from_millis(600 + 317 * nth));
        kill(running);
    }
    let last = folder.run(&killed, &[&["--ship", "--resume", "--rounds", "2"][..], &url].concat());
    assert!(matches!(last.code, 0 | 1), "{last:?}");
    assert_eq!(folder.ids().len(), 2, "nothing is trained twice");
    same_training(&folder, &id);

    // Each second once, in the files and in the data stream.
    let rows = folder.rows(&id, "7");
    let times: Vec<i64> = rows
        .iter()
        .map(|row| lanner_core::time::parse_time_ms(row["timestamp"].as_str().unwrap()).unwrap())
        .collect();
    assert!(times.len() > 8 && times.windows(2).all(|pair| pair[1] - pair[0] == 1_000), "{times:?}");
    assert_eq!(count(&node, &format!("adbox_detector_mtad_gat_{id}")), rows.len() as u64);

    // The thresholds went on as in one look at the same seconds, but for the order of additions in single precision.
    let [from, to] = [times[0] - 6_000, times[times.len() - 1] + 1_000].map(lanner_core::time::format_time);
    let again = format!("prediction: {{ detector_id: {id}, start_time: \"{from}\", end_time: \"{to}\" }}\n");
    let again = folder.run(&folder.write("uc_9.yaml", &again), &url);
    assert!(matches!(again.code, 0 | 1), "{again:?}");
    let at_once = folder.rows(&id, "9");
    assert_eq!(rows.len(), at_once.len());
    for (row, other) in rows.iter().zip(&at_once) {
        for name in ["anomaly_score", "threshold", "Thresh_data.memory_usage_%_average"] {
            let [row, other] = [row, other].map(|row| row[name].as_f64().unwrap());
            assert!(
                (row - other).abs() < 1e-4 * other,
                "{name}: {row} {other} of {}",
                at_once[0]["timestamp"]
            );
        }
    }
    let n_moved = at_once.windows(2).filter(|pair| pair[0]["threshold"] != pair[1]["threshold"]).count();
    assert!(n_moved > 0, "thresholds that never move show nothing");
}

/// A training that was interrupted comes to what one at once does.
#[track_caller]
fn same_training(folder: &Folder, id: &str) {
    let whole = folder.ids().into_iter().find(|other| other != id).unwrap();
    for name in ["losses_train_data.json", "train_output.csv"] {
        let [one, other] = [id, &whole].map(|id| {
            std::fs::read_to_string(folder.path(&format!("detectors/{id}/training/{name}"))).unwrap()
        });
        assert_eq!(one, other, "{name}");
    }
    for ending in ["rows", "checkpoint"] {
        assert!(!Path::new(&folder.path(&format!("detectors/runs/7.{ending}"))).exists());
    }
}
