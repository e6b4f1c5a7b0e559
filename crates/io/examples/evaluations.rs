//! What the store takes to write an evaluation: `cargo run --release -p lanner-io --example evaluations [rules] [rounds]`.
//!
//! Every round evaluates each rule once, 256 a transaction, in the order in which a server walks them. Nothing happens:
//! alerts are written in the first round, and in every other one only if `LOUD` is set. A line a round: microseconds an evaluation, the slowest transaction, and the size of the file.

use std::error::Error;
use std::time::Instant;

use lanner_core::time::MINUTE_MS;
use lanner_core::{
    Alert, AlertState, Annotations, Changes, Cursor, Evaluation, Group, Labels, Outcome, Score, TimeRange,
};
use lanner_io::store::{EvaluationFilter, Store, StoreOptions};

const START_MS: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let n_rules = arguments.next().transpose()?.unwrap_or(300_000);
    let n_rounds = arguments.next().transpose()?.unwrap_or(5);
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path(), StoreOptions::default())?;
    let loud = std::env::var_os("LOUD").is_some();
    let rules = in_order_of_evaluation(n_rules);
    for round in 0..n_rounds {
        let begin_ms = START_MS + round as i64 * MINUTE_MS;
        let window = TimeRange::new(begin_ms, begin_ms + MINUTE_MS);
        let (mut total, mut slowest) = (0.0, 0.0_f64);
        for turn in rules.chunks(256) {
            let mut changes = changes(turn, window);
            if round > 0 && !loud {
                changes.alerts.clear();
            }
            let started = Instant::now();
            store.apply(changes)?.wait()?;
            let seconds = started.elapsed().as_secs_f64();
            (total, slowest) = (total + seconds, slowest.max(seconds));
        }
        let stats = store.stats()?;
        println!(
            "round {round}: {:.1} us an evaluation, slowest transaction {:.1} ms, file {} MB, log {} MB",
            total * 1e6 / n_rules as f64,
            slowest * 1e3,
            stats.file_bytes >> 20,
            stats.log_bytes >> 20,
        );
    }
    for limit in [1, 100] {
        let filter = EvaluationFilter {
            rule: Some(rules[n_rules / 2].as_str().into()),
            limit,
            ..EvaluationFilter::default()
        };
        let started = Instant::now();
        let n = store.evaluations(&filter)?.len();
        println!("the last {limit} of a rule: {n} in {:.2} ms", started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Ids of rules as a server walks them: spread over some seconds by their hash, so not in order of their names.
fn in_order_of_evaluation(n: usize) -> Vec<String> {
    let mut rules: Vec<(u64, String)> = (0..n as u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32, format!("payments-failed-{n:06}")))
        .collect();
    rules.sort();
    rules.into_iter().map(|(_, id)| id).collect()
}

fn changes(rules: &[String], window: TimeRange) -> Changes {
    let mut changes = Changes::default();
    for rule in rules {
        let group = Group::Of(Labels::new([("bank", "hsbc"), ("country", "gb")]));
        changes.evaluations.push(Evaluation {
            id: Evaluation::identity(rule, 1, &group, window),
            rule: rule.as_str().into(),
            version: 1,
            group: group.clone(),
            window,
            value: Some(12.5),
            base: Some(11.0),
            lower: None,
            upper: None,
            score: Some(Score::new(0.25)),
            outcome: Outcome::Normal,
            error: None,
            evidence: None,
            state: AlertState::Normal,
            late: false,
            evaluated_ms: window.end_ms + 5,
        });
        changes.alerts.push(alert(rule, group, window));
        changes.cursors.push(Cursor {
            rule: rule.as_str().into(),
            window,
            shard: rule.bytes().fold(0, u8::wrapping_add),
        });
    }
    changes
}

fn alert(rule: &str, group: Group, window: TimeRange) -> Alert {
    Alert {
        rule: rule.into(),
        version: 1,
        labels: group.labels().with(&Labels::new([("rule", rule), ("team", "payments")])),
        group,
        state: AlertState::Normal,
        since_ms: START_MS,
        bad_streak: 0,
        bad_kind: None,
        good_streak: 0,
        episode: 0,
        active: false,
        started_ms: None,
        resolved_ms: None,
        resolved_reason: None,
        seen_ms: window.end_ms,
        window,
        value: Some(12.5),
        base: Some(11.0),
        bad_value: None,
        bad_base: None,
        error: None,
        content: serde_json::Value::Null,
        annotations: Annotations::default(),
        late: false,
        acknowledged: None,
        evidence: None,
    }
}
