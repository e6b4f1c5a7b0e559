//! The shapes of the API, written out as JSON.

use std::sync::Arc;

use lanner_core::{
    Acknowledgement, Alert, AlertState, Annotations, Evaluation, Group, Labels, MatchOp, Matcher,
    Notification, NotifiedAlert, Outcome, ResolvedReason, Score, Silence, TimeRange,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

const START_MS: i64 = 1_767_225_600_000;

fn window() -> TimeRange {
    TimeRange::new(START_MS, START_MS + 60_000)
}

fn group() -> Labels {
    Labels::new([("bank", "hsbc")])
}

/// `view` is written as `expected`, and that reads back as `view`.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(view: &T, expected: &Value) {
    assert_eq!(serde_json::to_value(view).unwrap(), *expected);
    assert_eq!(serde_json::from_value::<T>(expected.clone()).unwrap(), *view);
}

#[test]
fn evaluations() {
    let mut evaluation = Evaluation {
        id: "ab".into(),
        rule: Arc::from("drop"),
        version: 3,
        group: Group::Of(group()),
        window: window(),
        value: Some(150.0),
        base: Some(200.0),
        lower: None,
        upper: Some(225.5),
        score: Some(Score::new(0.25)),
        outcome: Outcome::Breach,
        error: None,
        evidence: None,
        state: AlertState::Pending,
        late: false,
        evaluated_ms: START_MS + 61_500,
    };
    let mut expected = json!({
        "id": "ab", "rule": "drop", "version": 3, "group": {"bank": "hsbc"},
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
        "value": 150.0, "base": 200.0, "change": -0.25, "upper": 225.5,
        "score": 0.25, "outcome": "breach", "state": "pending", "late": false, "evaluated": "2026-01-01T00:01:01.5Z",
    });
    check(&EvaluationView::from(&evaluation), &expected);

    evaluation.base = Some(0.0);
    evaluation.score = Some(Score::new(f64::INFINITY));
    expected["base"] = json!(0.0);
    expected["change"] = Value::Null; // from nothing there is no part
    expected["score"] = Value::Null;
    expected["score_infinite"] = json!(true);
    check(&EvaluationView::from(&evaluation), &expected);
}

#[test]
fn alerts() {
    let alert = Alert {
        rule: Arc::from("drop"),
        version: 1,
        group: Group::Of(group()),
        labels: Labels::new([("bank", "hsbc"), ("rule", "drop")]),
        state: AlertState::Firing,
        since_ms: START_MS,
        bad_streak: 2,
        bad_kind: Some(AlertState::Firing),
        good_streak: 0,
        episode: 1,
        active: true,
        started_ms: Some(START_MS),
        resolved_ms: None,
        resolved_reason: None,
        seen_ms: START_MS,
        window: window(),
        value: Some(1.0),
        base: None,
        bad_value: Some(1.0),
        bad_base: None,
        evidence: None,
        error: None,
        content: json!("hsbc is down"),
        annotations: Annotations::from([("summary".to_owned(), "few".to_owned())]),
        late: true,
        acknowledged: Some(Acknowledgement {
            author: "ann".into(),
            comment: "on it".into(),
            at_ms: START_MS,
            until_ms: None,
        }),
    };
    let muted = |by: &str, receiver: Option<&str>, until| MutedView {
        by: by.to_owned(),
        receiver: receiver.map(str::to_owned),
        until,
    };
    let muted = vec![muted("silence s1", None, Some(Time(START_MS))), muted("nights", Some("pager"), None)];
    check(
        &AlertView::new(&alert, muted),
        &json!({
            "fingerprint": alert.fingerprint(), "rule": "drop", "version": 1, "group": {"bank": "hsbc"},
            "labels": {"bank": "hsbc", "rule": "drop"}, "state": "firing", "since": "2026-01-01T00:00:00Z",
            "active": true, "episode": 1, "started": "2026-01-01T00:00:00Z", "resolved": null,
            "resolved_reason": null, "annotations": {"summary": "few"},
            "seen": "2026-01-01T00:00:00Z",
            "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
            "value": 1.0, "base": null, "change": null, "bad_value": 1.0, "bad_base": null,
            "content": "hsbc is down", "late": true, "silenced_by": ["s1"],
            "muted": [
                {"by": "silence s1", "receiver": null, "until": "2026-01-01T00:00:00Z"},
                {"by": "nights", "receiver": "pager", "until": null},
            ],
            "acknowledged": {
                "author": "ann", "comment": "on it", "at": "2026-01-01T00:00:00Z", "until": null,
            },
        }),
    );
}

#[test]
fn messages() {
    let alert = NotifiedAlert {
        fingerprint: "f".into(),
        episode: 1,
        state: AlertState::Normal,
        rule: Arc::from("drop"),
        labels: group(),
        group: group(),
        content: json!({"bank": "hsbc"}),
        annotations: Annotations::from([("summary".to_owned(), "few".to_owned())]),
        started_ms: START_MS,
        resolved_ms: Some(START_MS + 60_000),
        resolved_reason: Some(ResolvedReason::RulePaused),
        window: window(),
        value: Some(1.0),
        base: Some(2.0),
        evidence: None,
        late: false,
        acknowledged: None,
    };
    let notification = Notification {
        key: "k".into(),
        receiver: Arc::from("on-call"),
        group: Labels::default(),
        alerts: vec![alert],
        omitted: lanner_core::Omitted::default(),
        repeat: false,
        give_up_ms: None,
        created_ms: START_MS,
    };
    let view = OutboxView {
        notification: NotificationView::from(&notification),
        status: DeliveryStatus::Sent,
        attempts: 2,
        next_attempt: None,
        sent: Some(Time(START_MS)),
        last_error: Some("timed out".into()),
    };
    check(
        &view,
        &json!({
            "notification": {
                "key": "k", "receiver": "on-call", "status": "resolved", "title": "RESOLVED drop {bank=\"hsbc\"} (rule paused)",
                "group": {}, "n_alerts": 1, "repeat": false, "created": "2026-01-01T00:00:00Z",
                "alerts": [{
                    "fingerprint": "f", "episode": 1, "state": "normal", "rule": "drop",
                    "labels": {"bank": "hsbc"}, "group": {"bank": "hsbc"}, "content": {"bank": "hsbc"},
                    "annotations": {"summary": "few"}, "resolved_reason": "rule_paused",
                    "started": "2026-01-01T00:00:00Z", "resolved": "2026-01-01T00:01:00Z",
                    "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
                    "value": 1.0, "base": 2.0, "late": false,
                }],
            },
            "status": "sent", "attempts": 2, "next_attempt": null, "sent": "2026-01-01T00:00:00Z",
            "last_error": "timed out",
        }),
    );
}

#[test]
fn silences() {
    let silence = Silence {
        id: "s".into(),
        matchers: vec![Matcher { label: "bank".into(), op: MatchOp::Regex, value: "h.*".into() }],
        start_ms: START_MS,
        end_ms: START_MS + 60_000,
        every: lanner_core::TimeIntervals::default(),
        author: "ann".into(),
        comment: "maintenance".into(),
        created_ms: START_MS,
    };
    let mut expected = json!({
        "id": "s", "matchers": ["bank=~\"h.*\""], "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z",
        "status": "pending", "author": "ann", "comment": "maintenance", "created": "2026-01-01T00:00:00Z",
    });
    let (begins, ends) = (json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:01:00Z"));
    for (now_ms, status, changes) in [
        (START_MS - 1, "pending", &begins),
        (START_MS, "active", &ends),
        (START_MS + 60_000, "expired", &Value::Null),
    ] {
        expected["status"] = json!(status);
        expected["changes"] = changes.clone();
        check(&SilenceView::new(&silence, now_ms), &expected);
    }
    // One that recurs, a Thursday.
    let every = json!(["fri 02:00-04:00 Europe/Berlin"]);
    let silence = Silence {
        every: serde_json::from_value(every.clone()).unwrap(),
        end_ms: lanner_core::time::MAX_TIME_MS,
        ..silence
    };
    expected["every"] = every;
    expected["end"] = Value::Null;
    for (now_ms, status, changes) in [
        (START_MS, "pending", "2026-01-02T01:00:00Z"),
        (START_MS + 26 * 3_600_000, "active", "2026-01-02T03:00:00Z"),
    ] {
        expected["status"] = json!(status);
        expected["changes"] = json!(changes);
        check(&SilenceView::new(&silence, now_ms), &expected);
    }
}

#[test]
fn new_silences() {
    #[track_caller]
    fn check(request: Value, expected: Result<(&str, i64, i64), &[&str]>) {
        let request: NewSilence = serde_json::from_value(request).unwrap();
        let actual = request.check("id".into(), "ann", START_MS);
        let actual = match &actual {
            Ok(silence) => Ok((
                crate::matchers::format_matchers(&silence.matchers),
                silence.start_ms - START_MS,
                silence.end_ms - START_MS,
            )),
            Err(problems) => Err(problems.iter().filter_map(|p| p.path.as_deref()).collect::<Vec<_>>()),
        };
        let expected = expected.map(|(matchers, start, end)| (matchers.to_owned(), start, end));
        assert_eq!(actual, expected.map_err(<[&str]>::to_vec));
    }
    check(
        json!({"matchers": ["a=b, c!=d"], "duration": "1m", "comment": "x"}),
        Ok(("a=\"b\",c!=\"d\"", 0, 60_000)),
    );
    check(
        json!({"matchers": [{"label": "a", "op": "=~", "value": "b"}], "start": "2026-01-01T00:00:01Z",
               "end": 1_767_225_602, "comment": "x", "author": "bob"}),
        Ok(("a=~\"b\"", 1_000, 2_000)),
    );
    check(json!({"matchers": [], "comment": " "}), Err(&["matchers", "end", "comment"]));
    check(
        json!({"matchers": ["a=b", "a"], "duration": "1", "comment": "x"}),
        Err(&["matchers[1]", "duration"]),
    );
    check(json!({"matchers": ["a=b"], "end": "2025-12-31", "comment": "x"}), Err(&["end"]));
    check(
        json!({"matchers": ["a=b"], "start": "2025-01-01", "end": "2025-12-31", "comment": "x"}),
        Err(&["end"]),
    );
    check(
        json!({"matchers": ["a=b"], "end": "2027-01-01", "duration": "1h", "comment": "x"}),
        Err(&["duration"]),
    );
}

#[test]
fn requests_refuse_unknown_fields() {
    #[track_caller]
    fn check<T: DeserializeOwned>(good: Value) {
        assert!(serde_json::from_value::<T>(good.clone()).is_ok(), "{good}");
        let mut bad = good;
        bad["surprise"] = json!(1);
        let message = serde_json::from_value::<T>(bad).err().unwrap().to_string();
        assert!(message.contains("unknown field `surprise`"), "{message}");
    }
    check::<ApplyRequest>(json!({"rules": []}));
    check::<CheckRequest>(json!({"rules": []}));
    check::<NewSilence>(json!({"matchers": ["a=b"], "comment": "x"}));
    check::<QueryRequest>(json!({"query": {}, "from": "now-1h"}));
    check::<ReplayRequest>(json!({"rules": [], "from": "now-1h"}));
    check::<Incident>(json!({"start": "2026-01-01", "end": "2026-01-02", "labels": {"bank": "hsbc"}}));
}

#[test]
fn reports() {
    let mut report = crate::Report { accepted: 5, skipped: 1, ..crate::Report::default() };
    report.reject(3, Some(7), "is bad");
    check(
        &WriteReport::from(report),
        &json!({
            "accepted": 5, "skipped": 1, "rejected": 1,
            "problems": [{"line": 3, "column": 7, "message": "is bad"}],
        }),
    );
    check(&ErrorBody::new("no"), &json!({"error": "no"}));
}

#[test]
fn query_ranges() {
    #[track_caller]
    fn check(from: &str, to: &str, step: Option<&str>, expected: Result<(i64, i64, i64), &str>) {
        let request = QueryRequest {
            query: Value::Null,
            from: When::parse(from).unwrap(),
            to: Some(When::parse(to).unwrap()),
            step: step.map(str::to_owned),
        };
        let actual = request.range(START_MS).map(|(range, step_ms)| (range.start_ms, range.end_ms, step_ms));
        assert_eq!(actual.map_err(|problem| problem.path.unwrap()), expected.map_err(str::to_owned));
    }
    check("1", "2", Some("1s"), Ok((1_000, 2_000, 1_000)));
    check("1", "3", Some("2s"), Ok((0, 4_000, 2_000))); // whole steps
    check("now-1h", "now", None, Ok((START_MS - 3_600_000, START_MS, 10_000)));
    check("now-30d", "now", None, Ok((START_MS - 2_592_000_000, START_MS, 21_600_000)));
    check("1900-01-01", "now", None, Ok((-2_209_939_200_000, 1_769_644_800_000, 14 * 604_800_000)));
    check("2", "1", None, Err("to"));
    check("1", "1", None, Err("to"));
    check("1", "2", Some("0s"), Err("step"));
    check("1", "2", Some("x"), Err("step"));
    check("now-30d", "now", Some("1s"), Err("step"));
}
