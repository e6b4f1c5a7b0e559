//! Groups that come and go: how many a rule remembers, and which.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::collections::BTreeMap;
use std::ops::Range;

use lanner_core::time::MINUTE_MS;
use lanner_core::{AlertState, Group, Labels, Reading};
use lanner_engine::source::Readings;
use lanner_engine::stream::MAX_GROUPS;
use lanner_engine::{Engine, Rule};
use serde_json::json;

/// A rule on series, and windows that bring it a value of each of a range of hosts.
struct Churn {
    engine: Engine,
    now_ms: i64,
}

impl Churn {
    fn new(no_data: &str) -> Self {
        let mut engine = Engine::new();
        let query = json!({"series": "cpu", "measure": "max", "by": ["host"]});
        let document =
            json!({"id": "each", "query": query, "window": "1m", "no_data": no_data, "absolute": {"max": 5}});
        engine.set_rules(vec![Rule::from_json(&document, 1).unwrap()], 0);
        Self { engine, now_ms: 0 }
    }

    /// A window in which these hosts have this value. Returns how many are evaluated, forgotten, and left out.
    fn window(&mut self, hosts: Range<usize>, value: f64) -> (usize, usize, u64) {
        self.now_ms += MINUTE_MS;
        let due = self.engine.plan(self.now_ms + 20_000, 1).due.remove(0);
        let reading = |host: usize| Reading {
            group: Group::of(&["host".to_owned()], Labels::new([("host", format!("h{host:06}"))])),
            value: Some(value),
            baselines: Vec::new(),
            is_new: false,
            evidence: None,
        };
        let answer = Ok(Readings { groups: hosts.map(reading).collect(), first_data_ms: None });
        let evaluations = self.engine.evaluate(&due, &answer, self.now_ms);
        let changes = self.engine.apply(self.now_ms, &due, evaluations);
        (changes.evaluations.len(), changes.forgotten_groups.len(), self.engine.n_left_out("each"))
    }

    fn states(&self) -> BTreeMap<AlertState, usize> {
        let mut states = BTreeMap::new();
        self.engine.alerts().for_each(|alert| *states.entry(alert.state).or_default() += 1);
        states
    }
}

#[test]
fn new_groups_take_the_places_of_silent_ones() {
    let mut churn = Churn::new("ok");
    assert_eq!(churn.window(0..6_000, 1.0), (6_000, 0, 0));
    assert_eq!(churn.window(6_000..10_000, 1.0), (MAX_GROUPS, 0, 0));
    // Those go first that are silent for longest; whoever has data stays.
    assert_eq!(churn.window(9_000..14_000, 1.0), (MAX_GROUPS, 4_000, 0));
    assert_eq!(churn.window(9_000..14_000, 9.0), (MAX_GROUPS, 0, 0));
    assert_eq!(churn.states()[&AlertState::Firing], 5_000);
    assert_eq!(churn.window(20_000..24_000, 1.0), (MAX_GROUPS, 4_000, 0));
}

#[test]
fn whoever_fires_is_not_forgotten_for_a_new_group() {
    let mut churn = Churn::new("alert");
    assert_eq!(churn.window(0..6_000, 1.0), (6_000, 0, 0));
    // Six thousand have no data, which is an alert, and of the new ones four thousand find room.
    assert_eq!(churn.window(6_000..12_000, 1.0), (MAX_GROUPS, 0, 2_000));
    for _ in 0..3 {
        assert_eq!(churn.window(20_000..29_000, 1.0), (MAX_GROUPS, 0, 9_000));
    }
    assert_eq!(churn.states(), BTreeMap::from([(AlertState::NoData, MAX_GROUPS)]));
}
