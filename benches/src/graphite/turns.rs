//! The same poll as a rule: one turn of the engine a minute judges a thousand series by what it remembers of them.

use std::path::Path;
use std::time::Instant;

use lanner_core::{Changes, Labels, Sample, SeriesKey};
use lanner_engine::config::Config;
use lanner_engine::document::Node;
use lanner_engine::rule::Rule;
use lanner_io::store::{Batch, Store};
use lanner_server::evaluate::service::EvaluationService;
use lanner_server::evaluate::{cycle, read};
use lanner_server::{Clock, Server, Settings};
use serde_json::json;

use super::data::{self, Data, N_POINTS, N_SERIES, STEP_S};
use crate::table::{Row, Target};

/// Turns after the first one.
const N_WARM: i64 = 15;

pub(super) fn run(data: &Data, folder: &Path) -> Vec<Row> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = Clock::stepped(data.end_s * 1_000);
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        carbon: None,
        carbon_pickle: None,
        clock: clock.clone(),
        evaluate: false, // turns are made here, one at a time
        ..Settings::new(folder)
    };
    let server = runtime.block_on(Server::start(settings)).unwrap();
    let evaluation = &*server.services().evaluation;
    let ids = fill(server.store(), data);
    let changes = evaluation.engine().set_rules(rules(), data.end_s * 1_000);
    cycle::write(evaluation, changes);

    let (mut polls, mut turns) = (Vec::new(), Vec::new());
    for minute in 1..=N_WARM + 1 {
        let time_s = data.end_s + minute * STEP_S;
        let samples =
            ids.iter().enumerate().map(|(n, id)| (*id, Sample::new(time_s * 1_000, data::value(n, time_s))));
        server
            .store()
            .append(Batch { samples: samples.collect(), events: Vec::new() })
            .unwrap()
            .wait()
            .unwrap();
        clock.put_on((time_s + STEP_S / 2) * 1_000);
        let (poll_s, turn_s) = one_poll(evaluation);
        polls.push(poll_s);
        turns.push(turn_s);
    }
    runtime.block_on(server.stop());
    let (cold_s, warm_s, durable_s) = (polls[0], median(&polls[1..]), median(&turns[1..]));
    let what = "The same as a rule with holt_winters, 8 days to learn from, the first time";
    vec![
        Row::new(what, "s", Target::Smaller, cold_s),
        Row::new("… every time after: read and judge", "ms", Target::AtMost(10.0), warm_s * 1e3),
        Row::new("… with writing what follows, durably", "ms", Target::Smaller, durable_s * 1e3),
    ]
}

/// One rule over all series, each of them a group.
fn rules() -> Vec<Rule> {
    let rule = json!({
        "id": "poll", "window": "1m", "every": "1m",
        "query": { "series": "cpu.load", "measure": "avg", "by": ["host"] },
        "holt_winters": { "season": "1d", "seasons": 4 },
    });
    let mut config = Config::default();
    let problems = config.read(&Node::from_json(&json!({ "rules": [rule] })));
    assert!(problems.is_empty(), "{problems:?}");
    config.rules
}

/// Stores what the files hold, under labels.
fn fill(store: &Store, data: &Data) -> Vec<lanner_io::store::SeriesId> {
    const SERIES_OF_A_BATCH: usize = 10;
    let ids: Vec<_> = (0..N_SERIES)
        .map(|n| {
            let key = SeriesKey::new("cpu.load", Labels::new([("host", format!("host{n:04}").as_str())]));
            store.series_id(&key).unwrap()
        })
        .collect();
    for (batch, ids) in ids.chunks(SERIES_OF_A_BATCH).enumerate() {
        let mut samples = Vec::with_capacity(SERIES_OF_A_BATCH * N_POINTS);
        for (n, id) in ids.iter().enumerate() {
            let values = data::values(batch * SERIES_OF_A_BATCH + n, data.end_s);
            samples.extend(values.map(|(time_s, value)| (*id, Sample::new(time_s * 1_000, value))));
        }
        store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
    }
    store.seal().unwrap();
    ids
}

/// What the server's loop does until all series are judged for a window: seconds until they are, and until that is
/// on disk.
fn one_poll(evaluation: &EvaluationService) -> (f64, f64) {
    let (started, now_ms) = (Instant::now(), evaluation.now_ms());
    let mut changes = Changes::default();
    // A rule that has much to learn first does that in several turns.
    while changes.evaluations.is_empty() {
        let plan = evaluation.engine().plan(now_ms, 256);
        assert!(!plan.due.is_empty(), "nothing was due");
        for due in &plan.due {
            let (answer, _) = read::answer(evaluation, due);
            assert!(answer.is_ok(), "{answer:?}");
            let evaluations = evaluation.engine().evaluate(due, &answer, now_ms);
            changes.extend(evaluation.engine().apply(now_ms, due, evaluations));
        }
    }
    let judged_s = started.elapsed().as_secs_f64();
    assert_eq!(changes.evaluations.len(), N_SERIES);
    cycle::write(evaluation, changes);
    (judged_s, started.elapsed().as_secs_f64())
}

fn median(times_s: &[f64]) -> f64 {
    let mut sorted = times_s.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
