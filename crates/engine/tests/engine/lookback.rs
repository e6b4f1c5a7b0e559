//! Looking back: what is said of the past, and that other limits do what replaying the changed rule does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be goes no further in a test")]

use std::sync::Arc;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS};
use lanner_core::{Labels, Sample, SeriesKey, TimeRange};
use lanner_engine::lookback::{self, Goal, Incident, Record, Review, Terms, Timeline};
use lanner_engine::replay::{self, Replay};
use lanner_engine::source::Recorded;
use lanner_engine::{Engine, Node, Rule};
use proptest::prelude::*;
use serde_json::Value;

/// A Monday.
const START_MS: i64 = 1_767_571_200_000;

/// A series `rate` of one host: values a minute apart, NaN for a gap.
type Series<'a> = (&'a str, Vec<f64>);

fn rule(text: &str) -> Rule {
    Rule::check(&Node::from_yaml(text).unwrap(), "", 1)
        .unwrap_or_else(|problems| panic!("{text}: {problems}"))
}

fn replayed(rule: Rule, series: &[Series<'_>], step_ms: i64) -> (Arc<Rule>, Replay) {
    let mut source = Recorded::new([&rule], 0);
    let mut n = 0;
    for (host, values) in series {
        let at = |(at, value): (usize, &f64)| Sample::new(START_MS + at as i64 * step_ms, *value);
        let samples = values.iter().enumerate().map(at).filter(|sample| !sample.value.is_nan());
        let labels = if host.is_empty() { Labels::default() } else { Labels::new([("host", *host)]) };
        source.samples(SeriesKey { name: "rate".into(), labels }, samples);
        n = values.len().max(n);
    }
    let mut engine = Engine::new();
    engine.set_rules(vec![rule], START_MS);
    let late_ms = engine.rules().map(|(rule, _)| rule.delay_ms + rule.spread_ms(1)).max().unwrap_or(0);
    let end_ms = START_MS + n as i64 * step_ms + late_ms;
    let replay = replay::run(&mut engine, &mut source, START_MS, end_ms, |_| true);
    let rule = engine.rules().next().map(|(rule, _)| Arc::clone(rule)).unwrap();
    (rule, replay)
}

fn record(text: &str, series: &[Series<'_>], step_ms: i64) -> (Arc<Rule>, Record) {
    let (rule_of, replay) = replayed(rule(text), series, step_ms);
    let bare = lookback::bare(&rule_of).map(|bare| replayed(bare, series, step_ms));
    let all: Vec<_> = replay.evaluations.iter().collect();
    let bare_all: Vec<_> = bare.iter().flat_map(|(_, replay)| &replay.evaluations).collect();
    let bare = bare.as_ref().map(|(bare, _)| (&**bare, &bare_all[..]));
    let record = Record::new(&rule_of, &all, bare);
    (rule_of, record)
}

fn review(text: &str, series: &[Series<'_>], step_ms: i64, terms: &Terms) -> Review {
    let (rule, record) = record(text, series, step_ms);
    lookback::review(&rule, &record, terms)
}

/// What replaying the rule with another detector comes to.
fn changed(rule: &Rule, kind: &str, detector: &Value, series: &[Series<'_>]) -> (Arc<Rule>, Timeline) {
    let mut document = rule.document();
    document[kind] = detector.clone();
    let (rule, replay) = replayed(Rule::from_json(&document, 1).unwrap(), series, MINUTE_MS);
    let timeline = Record::new(&rule, &replay.evaluations.iter().collect::<Vec<_>>(), None).replayed(&rule);
    (rule, timeline)
}

const QUERY: &str = "query: { series: rate, by: [host] }, window: 1m, forget: 6m";

const DETECTORS: [&str; 13] = [
    "absolute: { max: 8 }, no_data: ok",
    "absolute: { min: 2, max: 9, recover_at: { max: 7 } }, for: 2, recover_for: 2",
    "absolute: { outside: [2, 8] }, for: 3, no_data: keep",
    "relative: { to: 1h, drop: 40%, recover_at: 15% }, for: 2, history_short: alert",
    "relative: { to: 1h, drop: 40%, rise: 90%, median_of: 2 }",
    "relative: { to: 1h, change: 40%, min_delta: 1, min_base: 1 }, base_missing: ok",
    "time_shift: { to: 1h, above: 0.7, recover_at: 0.5 }, base_zero: alert",
    "variation: { n: 5, above: 0.3 }, no_data: keep",
    "level: { reference: 12, recent: 3, above: 1.3, recover_at: 0.9 }, recover_for: 3",
    "band: { to: 1h, seasons: 2 }",
    "holt_winters: { season: 10m, seasons: 3, above: 0.8, recover_at: 0.6 }",
    "expression: { warn: 6, error: 8 }, for: 2",
    "expression: { warn: 4, error: 2 }, recover_for: 2",
];

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        12 => (0..100_u32).prop_map(|tenths| f64::from(tenths) / 10.0),
        2 => Just(0.0),
        1 => 0.0..1e3,
        2 => Just(f64::NAN),
    ];
    // Values that stay for a while, so that episodes and gaps last.
    prop::collection::vec((value, 1..9_usize), 20..60)
        .prop_map(|runs| runs.into_iter().flat_map(|(value, n)| std::iter::repeat_n(value, n)).collect())
}

/// The numbers in a detector, each times `by`.
fn scaled(detector: &Value, by: f64) -> Value {
    match detector {
        Value::Object(fields) => {
            let kept =
                ["to", "n", "season", "reference", "recent", "seasons", "median_of", "min_base", "min_delta"];
            let fields = fields.iter().map(|(name, value)| {
                (name.clone(), if kept.contains(&name.as_str()) { value.clone() } else { scaled(value, by) })
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(|item| scaled(item, by)).collect(),
        Value::String(percent) => {
            let number: f64 = percent.trim_end_matches('%').parse().unwrap();
            Value::from(format!("{}%", number * by))
        }
        number => Value::from(number.as_f64().unwrap() * by),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn other_limits_do_what_replaying_them_does(
        kind in 0..DETECTORS.len(),
        first in values(),
        second in values(),
        by in prop_oneof![Just(1.0), 0.2..3.0],
        wanted in prop_oneof![Just(0.0), 20.0..2_000.0],
        incident_min in 0..200_i64,
    ) {
        let series = [("a", first), ("b", second)];
        let text = format!("{{ id: r, {QUERY}, {} }}", DETECTORS[kind]);
        let (rule, record) = record(&text, &series, MINUTE_MS);
        let kind = DETECTORS[kind].split(':').next().unwrap();
        prop_assert_eq!(record.replayed(&rule), record.simulated(&rule), "as they are");
        let other = scaled(&rule.document()[kind], by);
        let mut document = rule.document();
        document[kind] = other.clone();
        if Rule::from_json(&document, 1).is_ok() {
            let (other_rule, expected) = changed(&rule, kind, &other, &series);
            prop_assert_eq!(record.simulated(&other_rule), expected, "{}", other);
        }
        let start_ms = START_MS + incident_min * MINUTE_MS;
        let incident = Incident { range: TimeRange::new(start_ms, start_ms + 9 * MINUTE_MS), labels: Labels::default() };
        let terms = Terms { incidents: vec![incident], alarms_per_week: Some(wanted), ..Terms::default() };
        let review = lookback::review(&rule, &record, &terms);
        for suggestion in &review.suggestions {
            let (_, timeline) = changed(&rule, kind, &suggestion.detector, &series);
            let counts = timeline.episodes.iter().filter(|it| !suggestion.errors_only || it.was_error);
            prop_assert_eq!(counts.count() as u64, suggestion.n_episodes, "{:?}", suggestion);
            if matches!(suggestion.goal, Goal::AlarmsPerWeek(_)) {
                prop_assert!(suggestion.per_week <= wanted * (1.0 + 1e-12), "{:?}", suggestion);
            }
        }
        prop_assert!(review.sentences.iter().all(|said| said.ends_with('.')), "{:?}", review.sentences);
    }
}

/// Ten days of a value an hour, 5 and 6 by turns, with a spike on each day: 11, 12, ... 20.
fn spikes() -> Vec<f64> {
    let value = |hour: i64| if hour % 24 == 12 { (11 + hour / 24) as f64 } else { (5 + hour % 2) as f64 };
    (0..240).map(value).collect()
}

#[test]
fn as_many_alarms_a_week_as_are_wanted() {
    #[track_caller]
    fn check(detector: &str, wanted: f64, expected: &[&str]) {
        let text = format!("{{ id: r, query: {{ series: rate }}, window: 1h, {detector} }}");
        let terms = Terms { alarms_per_week: Some(wanted), ..Terms::default() };
        let review = review(&text, &[("", spikes())], HOUR_MS, &terms);
        let said: Vec<String> = review
            .suggestions
            .iter()
            .map(|it| {
                let settings: Vec<String> = it
                    .settings
                    .iter()
                    .map(|set| format!("{}: {}{}", set.field, set.value, set.unit))
                    .collect();
                format!("{} fired {}", settings.join(", "), it.n_episodes)
            })
            .collect();
        assert_eq!(said, expected, "{detector}, {wanted} a week: {:?}", review.sentences);
    }
    // Ten days are 1.43 weeks: two a week are two episodes, and the third highest spike is 18.
    check("absolute: { max: 30 }", 2.0, &["max: 18.1 fired 2"]);
    check("absolute: { max: 30 }", 0.0, &["max: 21 fired 0"]);
    check("absolute: { max: 30 }", 7.0, &["max: 6.1 fired 10"]);
    // Two in a row are only around noon.
    check("absolute: { max: 30 }, for: 2", 7.0, &["max: 5.1 fired 10"]);
    // Both sides alike, as far as both may go.
    check("absolute: { min: 1, max: 30 }", 2.0, &["min: 4.9, max: 18.1 fired 2"]);
    check("expression: { warn: 12, error: 30 }", 2.0, &["warn: 18.1 fired 2", "error: 18.1 fired 2"]);
    check("expression: { error: 30 }", 2.0, &["error: 18.1 fired 2"]);
    check("relative: { to: 1d, rise: 500% }", 2.0, &["rise: 7.7% fired 2"]);
}

/// Noise of four kinds from a seed: normal, exponential, of Laplace, and normal with a daily wave; a value an hour.
fn noise(kind: usize, seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut even = move || {
        // `SplitMix64`.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 12) as f64 / (1_u64 << 52) as f64 + f64::EPSILON
    };
    let mut value = |hour: usize| {
        let (a, b) = (-even().ln(), -even().ln());
        let normal = (2.0 * a).sqrt() * (std::f64::consts::TAU * b).cos();
        match kind {
            0 => normal,
            1 => a,
            2 => a - b,
            _ => normal + 3.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin(),
        }
    };
    (0..n).map(&mut value).collect()
}

/// In four cases of five the alarms of the weeks that follow are within a factor of two of what is expected, and in three of
/// four within its range, also where windows overlap.
#[test]
fn what_is_expected_comes() {
    const HISTORY: usize = 6;
    const FOLLOWING: usize = 8;
    let week = 7 * 24;
    let (mut n_cases, mut n_near, mut n_within, mut ratios) = (0, 0, 0, 0.0);
    for (detector, tunable) in [
        ("absolute: { max: 99 }", "max"),
        ("absolute: { min: -99 }", "min"),
        ("variation: { n: 24, above: 2 }", "above"),
    ] {
        for (kind, seed, wanted) in (0..4)
            .flat_map(|kind| (0..10).map(move |seed| (kind, seed, [1.0, 2.0, 4.0])))
            .flat_map(|(kind, seed, all)| all.map(move |wanted| (kind, seed, wanted)))
        {
            // What varies has to have a level.
            let level = if tunable == "above" { 20.0 } else { 0.0 };
            let values = noise(kind, seed, (HISTORY + FOLLOWING) * week);
            let values: Vec<f64> = values.into_iter().map(|value| value + level).collect();
            let text = format!("{{ id: r, query: {{ series: rate }}, window: 1h, {detector} }}");
            let terms = Terms { alarms_per_week: Some(wanted), ..Terms::default() };
            let history = [("", values[..HISTORY * week].to_vec())];
            let found = review(&text, &history, HOUR_MS, &terms);
            let suggestion = &found.suggestions[0];
            let expected = suggestion.expected.unwrap();
            let name = detector.split(':').next().unwrap();
            let text = format!(
                "{{ id: r, query: {{ series: rate }}, window: 1h, {name}: {} }}",
                suggestion.detector
            );
            let following = [("", values[HISTORY * week..].to_vec())];
            let came = review(&text, &following, HOUR_MS, &Terms::default()).per_week;
            n_cases += 1;
            n_near += usize::from((expected.per_week / 2.0..=expected.per_week * 2.0).contains(&came));
            n_within += usize::from((expected.range.0..=expected.range.1).contains(&came));
            ratios += came / expected.per_week;
        }
    }
    let share = |n: usize| n as f64 / f64::from(n_cases);
    let mean = ratios / f64::from(n_cases);
    println!("{} near, {} within, {mean} times as many as expected", share(n_near), share(n_within));
    assert!(share(n_near) >= 0.8 && share(n_within) >= 0.7 && (0.8..1.25).contains(&mean));
}

#[test]
fn other_limits_can_be_tried() {
    let terms = Terms { tries_limits: true, ..Terms::default() };
    let found = review(
        "{ id: r, query: { series: rate }, window: 1h, absolute: { max: 30 } }",
        &[("", spikes())],
        HOUR_MS,
        &terms,
    );
    let told: Vec<String> =
        found.tried.iter().map(|it| format!("{} fired {}", it.settings[0].value, it.n_episodes)).collect();
    // From none beyond to half of all; the tenth spike is the last that stands out of the noise.
    assert_eq!(told[..4], ["21 fired 0", "19.1 fired 1", "18.1 fired 2", "17.1 fired 3"], "{told:?}");
    assert!(found.tried.iter().all(|it| it.goal == Goal::Choice && it.running <= 0.5));
    assert_eq!(
        review(
            "{ id: r, query: { series: rate }, window: 1h, absolute: { max: 30 } }",
            &[("", spikes())],
            HOUR_MS,
            &Terms::default()
        )
        .tried,
        []
    );
}

#[test]
fn marked_incidents_give_precision_and_recall() {
    // Trouble on the last three days, and somewhere that nothing was seen; one on a host that there is not.
    let at = |day: i64, hours: i64| {
        let start_ms = START_MS + day * DAY_MS + 11 * HOUR_MS;
        TimeRange::new(start_ms, start_ms + hours * HOUR_MS)
    };
    let incident = |range| Incident { range, labels: Labels::default() };
    let mut incidents: Vec<Incident> = [at(7, 2), at(8, 4), at(9, 2), at(2, 0)].map(incident).into();
    incidents.push(Incident { range: at(3, 2), labels: Labels::new([("host", "x")]) });
    incidents.push(incident(TimeRange::new(START_MS - WEEK_MS, START_MS - DAY_MS)));
    let terms = Terms { incidents, ..Terms::default() };
    let text = "{ id: r, query: { series: rate }, window: 1h, absolute: { max: 18 } }";
    let found = review(text, &[("", spikes())], HOUR_MS, &terms);
    let accuracy = found.accuracy.unwrap();
    assert_eq!((accuracy.n_incidents, accuracy.n_found, accuracy.n_right, accuracy.n_false), (4, 2, 2, 0));
    assert_eq!((accuracy.precision(), accuracy.recall()), (Some(1.0), Some(0.5)));
    assert_eq!(accuracy.median_delay_ms, Some(2 * HOUR_MS));
    // The limit that finds the third as well and nothing else lies below 18, and above 17.
    let best = &found.suggestions[0];
    assert_eq!((best.goal, best.settings[0].value), (Goal::BestF1, 17.1));
    assert_eq!(best.accuracy.unwrap().n_found, 3);
    assert_eq!(
        found.sentences,
        [
            "It would have fired 2 times (1.4 a week) in 240 scored windows over 1w3d, from 2026-01-05T00:00:00Z to \
             2026-01-15T00:00:00Z, and an alert would have been on 0.8 % of the time.",
            "It found 2 of 4 incidents (recall 50 %); 2 of 2 episodes right (precision 100 %, F1 0.67), none was false; \
             alarms came 2h after an incident's start.",
            "1 incident outside the scored time did not count.",
            "For the best agreement with the incidents write absolute.max: 17.1: 3 alarms (2.1 a week), on 1.2 % of the time; \
             3 of 4 incidents found, precision 100 %, F1 0.86; alarms came 2h after an incident's start; expect about 2.8 a week from now on, 0.7 to 5.4.",
            "That is less than two weeks: a week has days of several kinds, so look back further before you rely on it.",
        ]
    );
    // Marks that are an hour off are forgiven when that is said.
    let off = vec![incident(TimeRange::new(
        START_MS + 9 * DAY_MS + 14 * HOUR_MS,
        START_MS + 9 * DAY_MS + 15 * HOUR_MS,
    ))];
    for (tolerance_ms, expected) in [(0, 0), (MINUTE_MS, 1), (HOUR_MS, 1)] {
        let terms = Terms { incidents: off.clone(), tolerance_ms, ..Terms::default() };
        let found = review(text, &[("", spikes())], HOUR_MS, &terms);
        assert_eq!(found.accuracy.unwrap().n_found, expected, "{tolerance_ms}");
    }
}

#[test]
fn an_alarm_that_is_always_on_finds_one_incident() {
    let incident = |day: i64| {
        let start_ms = START_MS + day * DAY_MS;
        Incident { range: TimeRange::new(start_ms, start_ms + HOUR_MS), labels: Labels::default() }
    };
    let terms = Terms { incidents: (0..5).map(incident).collect(), ..Terms::default() };
    let text = "{ id: r, query: { series: rate }, window: 1h, absolute: { max: 1 } }";
    let found = review(text, &[("", spikes())], HOUR_MS, &terms);
    assert_eq!(found.accuracy.map(|it| (it.n_found, it.n_right, it.n_false)), Some((1, 1, 0)));
    assert_eq!((found.running, found.episodes[0].end_ms), (1.0, None));
}

#[test]
fn a_coefficient_of_variation_has_a_ceiling() {
    /// All values but one are 0: nothing varies more.
    fn farthest(n: usize, window: usize, detector: &str) -> f64 {
        let spike: Vec<f64> = (0..40).map(|at| if at == 30 { 7.0 } else { 0.0 }).collect();
        let query = format!("query: {{ target: 'divideSeries(stdev(rate,{n}),movingAverage(rate,{n}))' }}");
        let query = if detector.starts_with("var") { "query: { series: rate }" } else { &query };
        let text = format!("{{ id: r, {query}, window: {window}m, every: 1m, {detector} }}");
        let found = review(&text, &[("", spike)], MINUTE_MS, &Terms::default());
        found.scores.map_or(f64::NAN, |scores| scores.max)
    }
    #[track_caller]
    fn check(n: usize, window: usize, detector: &str, expected: f64) {
        let farthest = farthest(n, window, detector);
        assert!(
            (farthest - expected).abs() < 1e-9,
            "{n} values, window {window}: {farthest}, not {expected}"
        );
    }
    for n in [2, 5, 10] {
        let ceiling = (n as f64 - 1.0).sqrt();
        check(n, n + 2, "expression: { error: 1 }", ceiling);
        check(n, 1, &format!("variation: {{ n: {n}, above: 0.5 }}"), ceiling);
    }
    // With a window of 5 values, stdev() sees 5 and movingAverage() 10 of them.
    check(10, 5, "expression: { error: 1 }", 10.0 * 4.0_f64.sqrt() / 5.0);
}

#[test]
fn limits_that_cannot_be_reached_are_named() {
    #[track_caller]
    fn check(extra: &str, step_s: Option<i64>, expected: &[(&str, f64, bool)]) {
        let text = format!("{{ id: r, {extra} }}");
        let found = lookback::unreachable(&rule(&text), step_s);
        let short: Vec<(String, f64, bool)> = found
            .iter()
            .map(|it| (it.field.clone(), (it.ceiling * 1e3).round() / 1e3, it.is_never))
            .collect();
        let expected: Vec<(String, f64, bool)> = expected
            .iter()
            .map(|(field, ceiling, is_never)| ((*field).to_owned(), *ceiling, *is_never))
            .collect();
        assert_eq!(short, expected, "{extra}: {found:?}");
    }
    let cv = |target: &str, window: &str, levels: &str| {
        format!("query: {{ target: \"{target}\" }}, window: {window}, every: 1m, expression: {levels}")
    };
    let seed = "divideSeries(stdev(app.rate,10),movingAverage(app.rate,10))";
    check(&cv(seed, "10m", "{ warn: 3.0, error: 4.0 }"), None, &[("expression.error", 3.0, true)]);
    check(&cv(seed, "10m", "{ warn: 3.0, error: 4.0 }"), Some(60), &[("expression.error", 3.0, true)]);
    check(&cv(seed, "10m", "{ warn: 1.0, error: 2.0 }"), Some(60), &[]);
    // Values five minutes apart: the window holds two, so the deviation is one of two.
    check(&cv(seed, "10m", "{ warn: 3.0, error: 5.5 }"), Some(300), &[("expression.error", 5.0, true)]);
    check(&cv(seed, "10m", "{ error: 0.1 }"), Some(600), &[("expression.error", 0.0, true)]);
    let two = "divideSeries(stdev(a,2),movingAverage(a,2))";
    check(&cv(two, "2m", "{ warn: 1, error: 1.01 }"), None, &[("expression.error", 1.0, true)]);
    let timed = "divideSeries(stdev(a,5),movingAverage(a,'5min'))";
    check(&cv(timed, "5m", "{ error: 3 }"), Some(60), &[("expression.error", 2.0, true)]);
    check(&cv(timed, "5m", "{ error: 3 }"), None, &[]);
    let wrapped = "alias(scale(absolute(divideSeries(stdev(a,5), movingAverage(a, 5))),100),'%')";
    check(&cv(wrapped, "5m", "{ error: 250 }"), None, &[("expression.error", 200.0, true)]);
    let moving = "divideSeries(movingWindow(a,'10min','stddev'),movingAverage(a,'10min'))";
    check(&cv(moving, "1m", "{ error: 4 }"), Some(60), &[("expression.error", 3.0, true)]);
    check(&cv("divideSeries(stdev(a,5),movingAverage(b,5))", "5m", "{ error: 9 }"), None, &[]);
    check(&cv("divideSeries(stdev(a,5),movingAverage(a,4))", "5m", "{ error: 9 }"), None, &[]);
    check(&cv(seed, "10m", "{ warn: 9, error: 4.0 }"), None, &[]); // low values are bad
    // Of the seed's own levels none is reached by a rise.
    let shift = "absolute(divideSeries(diffSeries(timeShift(m,'7d'),m),m))";
    let both = [("expression.warn", 1.0, false), ("expression.error", 1.0, false)];
    check(&cv(shift, "10m", "{ warn: 1.0, error: 1.5 }"), None, &both);
    check(&cv(shift, "10m", "{ warn: 0.5, error: 0.9 }"), None, &[]);
    let aberration = "absolute(divideSeries(holtWintersAberration(m),m))";
    check(&cv(aberration, "10m", "{ warn: 1.0, error: 1.5 }"), None, &both);
    // What is counted is never below 0.
    let counted = "query: { stream: s, measure: count }, window: 1m";
    check(&format!("{counted}, absolute: {{ min: 0 }}"), None, &[("absolute.min", 0.0, true)]);
    check(&format!("{counted}, absolute: {{ min: 1, max: 2 }}"), None, &[]);
    check(&format!("{counted}, relative: {{ to: 1d, drop: 100% }}"), None, &[("relative.drop", 100.0, true)]);
    check(&format!("{counted}, relative: {{ to: 1d, drop: 99%, rise: 300% }}"), None, &[]);
    check("query: { series: s }, window: 1m, absolute: { min: 0 }", None, &[]);
}

#[test]
fn what_was_never_passed_says_how_near_it_came() {
    #[track_caller]
    fn check(detector: &str, expected: &[&str]) {
        let text = format!("{{ id: r, query: {{ series: rate }}, window: 1h, {detector} }}");
        let found = review(&text, &[("", spikes())], HOUR_MS, &Terms::default());
        assert_eq!(found.sentences[1..], *expected, "{detector}");
    }
    check("absolute: { max: 30 }", &["absolute.max: 30 was never reached: the closest value was 20."]);
    check("absolute: { min: 1, max: 15 }", &["absolute.min: 1 was never reached: the closest value was 5."]);
    check(
        "relative: { to: 1d, drop: 150% }",
        &[
            "relative.drop: 150% can never be exceeded: a value that keeps its sign drops by 100 % at most; no value moved in \
             that direction.",
        ],
    );
    let nothing = review(
        "{ id: r, query: { series: other }, window: 1h, absolute: { max: 1 }, no_data: ok }",
        &[("", spikes())],
        HOUR_MS,
        &Terms { alarms_per_week: Some(1.0), ..Terms::default() },
    );
    assert_eq!(
        nothing.sentences,
        [
            "Nothing was scored in 240 evaluations, so there is nothing to learn from.",
            "No absolute.max can be suggested: nothing was scored.",
        ]
    );
}

#[test]
fn alarms_that_no_limit_decides_are_named() {
    let mut values = spikes();
    for day in 0..9 {
        values[day * 24 + 3] = f64::NAN;
    }
    let text = "{ id: r, query: { series: rate }, window: 1h, absolute: { max: 30 } }";
    let terms = Terms { alarms_per_week: Some(2.0), ..Terms::default() };
    let found = review(text, &[("", values)], HOUR_MS, &terms);
    assert_eq!(found.suggestions, []);
    assert!(
        found.sentences[0].contains("fired 9 times (6.3 a week), for missing data"),
        "{:?}",
        found.sentences
    );
    assert!(found.sentences[2].contains("9 came from missing data"), "{:?}", found.sentences);
}
