//! The pages of sessions, models and detectors.

use lanner_page::models::{self, Change, What};
use lanner_page::{chart, detectors, session, sessions, training};
use lanner_wire::api::{
    DetectorView, ModelDriftView, ModelView, ScoreAccountView, SessionDetail, SessionLabelView, Time,
};
use serde_json::json;

use crate::{NOW_MS, ago, alert, check, read, reader, visitor};

fn model(id: &str, kind: &str, role: Option<&str>) -> ModelView {
    read(json!({
        "id": format!("{id}{:0>52}", 1), "kind": kind, "role": role, "threshold": 0.5, "data": "d1a7a000000000000",
        "metrics": { "auc": 0.9876, "rows": 1157, "folds": [1], "method": "pca", "columns": 3, "expected_alarms_per_day": 0.25 },
        "created": ago(3_000),
    }))
}

fn drift(role: &str, large: bool) -> ModelDriftView {
    read(json!({
        "processor": "api", "model": format!("9f86d081884c{:0>52}", 1), "role": role, "sessions": 400, "flagged_share": 0.12,
        "expected_share": 0.003, "score_index": 0.312, "new_share": 0.08, "large": large,
        "features": [{ "feature": "n_endpoints", "index": 0.44 }, { "feature": "entropy", "index": 0.12 }, { "feature": "n_calls", "index": 0.01 }],
    }))
}

#[test]
fn sessions_of_an_api() {
    check(
        "sessions-none",
        &sessions::page(
            &visitor(),
            &sessions::Sessions { span: "24h".to_owned(), ..sessions::Sessions::default() },
        ),
    );
    let session = sessions::Session {
        id: Some("5f1d7c0a9b3e2468".to_owned()),
        time: Time(NOW_MS - 300_000),
        started_ms: NOW_MS - 900_000,
        client: vec![("client".to_owned(), "203.0.113.7".to_owned())],
        finding: Some("brute_force".to_owned()),
        reasons: vec![
            "brute_force: 60 attempts to log in".to_owned(),
            "560 <requests>, usual are 3 to 40".to_owned(),
        ],
        score: Some(2.25),
        kind: Some("script".to_owned()),
        counts: [560, 60, 3],
        is_over: false,
    };
    let mut quiet = drift("challenger", false);
    (quiet.score_index, quiet.large, quiet.new_share) = (None, None, None);
    quiet.features.clear();
    let whole = sessions::Sessions {
        processors: vec![sessions::Processor {
            id: "api".to_owned(),
            stream: "access".to_owned(),
            note: Some("judging; 3 open".to_owned()),
        }],
        flagged: vec![session],
        n_judged: 1_200,
        cut_at: None,
        span: "24h".to_owned(),
        models: vec![model("9f86d081884c", "api", Some("champion")), model("60303ae22b99", "api", None)],
        drift: vec![drift("champion", true), quiet],
    };
    check("sessions", &sessions::page(&visitor(), &whole));
    check("sessions-read", &sessions::page(&reader(), &whole));
}

fn score(model: Option<&str>, unit: &str, base: f64, threshold: Option<f64>) -> ScoreAccountView {
    let amounts = [
        ("client_error_share", "93 % of calls <refused> (4xx), usually at most 4 %", 3.25),
        ("entropy", "1.2 bits of variety", -0.4),
    ];
    let amount = |(feature, text, amount)| json!({ "feature": feature, "text": text, "amount": amount });
    let total = base + 3.25 - 0.4;
    read(
        json!({ "model": model, "decides": model.is_some(), "unit": unit, "base": base, "total": total, "threshold": threshold,
        "amounts": amounts.map(amount) }),
    )
}

fn detail() -> SessionDetail {
    let endpoint = |name: &str, calls: u32, refused: u32, share: Option<f64>| json!({ "endpoint": name, "calls": calls, "refused": refused, "objects": calls, "usual_share": share, "unusual": share == Some(0.0) });
    let step = |from: usize, to: usize, times: u32, share: Option<f64>| json!({ "from": from, "to": to, "times": times, "usual_share": share, "unusual": share == Some(0.0) });
    read(json!({
        "id": "5f1d7c0a9b3e2468", "processor": "api", "stream": "access", "client": { "client": "203.0.113.7", "agent": "<b>hsbc" },
        "client_kind": "automation", "started": ago(30), "ended": ago(20), "over": true, "status": "active", "flagged": true,
        "requests": 140, "stored_requests": 120, "cut": true, "usual_sessions": 500,
        "endpoints": [endpoint("POST /login", 1, 0, Some(0.9)), endpoint("GET /orders/{id}", 130, 120, Some(0.5)), endpoint("GET /admin/<b>", 9, 9, Some(0.0)), endpoint("(new)", 1, 0, None)],
        "steps": [step(0, 1, 1, Some(0.4)), step(1, 1, 120, Some(0.02)), step(1, 2, 9, Some(0.0)), step(2, 1, 9, Some(0.0)), step(1, 3, 1, None)],
        "findings": [{ "finding": "enumeration", "evidence": "130 different objects at GET /orders/{id}" }],
        "scores": [score(Some("9f86d081884c7d659a2f"), "log_odds", -3.0, Some(0.4)), score(None, "bits", 0.0, Some(2.0)), score(None, "bits", 0.0, None)],
        "label": null,
    }))
}

#[test]
fn one_session() {
    check("session", &session::page(&visitor(), &detail(), None));
    let said = SessionLabelView {
        client: "203.0.113.7".to_owned(),
        started: Time(NOW_MS - 1_800_000),
        label: "anomalous".to_owned(),
        who: "ann".to_owned(),
        when: Time(NOW_MS - 60_000),
        why: "walked through <payments>".to_owned(),
        id: "5f1d7c0a9b3e2468".to_owned(),
    };
    let labelled = SessionDetail { label: Some(said), ..detail() };
    check("session-labelled", &session::page(&visitor(), &labelled, Some("why: is empty")));
    check("session-read", &session::page(&reader(), &labelled, None));
    let gone =
        SessionDetail { stored_requests: 0, status: "learning".to_owned(), flagged: false, ..detail() };
    check("session-gone", &session::page(&visitor(), &gone, None));
}

#[test]
fn a_change_of_models_is_asked_about() {
    let change = |what| Change {
        what,
        kind: "api".to_owned(),
        champion: Some(model("9f86d081884c", "api", Some("champion"))),
        message: "learned from <payments>".to_owned(),
        problem: None,
    };
    let other = || Box::new(model("60303ae22b99", "api", None));
    check("model-promote", &models::confirm(&visitor(), &change(What::Champion(other()))));
    check("model-challenge", &models::confirm(&visitor(), &change(What::Challenger(other()))));
    let refused =
        Change { problem: Some("no earlier champion is kept".to_owned()), ..change(What::RollBack) };
    check("model-rollback", &models::confirm(&visitor(), &refused));
    assert_eq!(models::home("detector/web"), "/detectors/web");
}

fn detector() -> DetectorView {
    read(json!({
        "id": format!("9f86d081884c{:0>52}", 1), "name": "web", "method": "pca", "window": 20, "step": "1m", "rows": 1_440, "rows_per_day": 1440.0,
        "held_out_rows": 1_421, "set_by": "0.3 alarms a day", "too_alike": true,
        "columns": [{ "name": "cpu", "low": 0.1, "high": 0.9 }, { "name": "<b>hsbc", "low": null, "high": null }],
        "alarms": [{ "limit": 0.5, "per_day": 12.0 }, { "limit": 1.0, "per_day": 0.3 }, { "limit": 2.0, "per_day": 0.0 }],
    }))
}

#[test]
fn detectors_and_one_of_them() {
    check("detectors-none", &detectors::list(&visitor(), &[], &[]));
    let errors = |name: &str, first: f64| chart::Line {
        name: name.to_owned(),
        values: vec![Some(first), None, Some(first / 4.0)],
    };
    let lines = vec![errors("forecast", 0.5), errors(training::LATER_FORECAST, 0.75)];
    let chart = chart::Chart {
        title: "Errors of <web>".to_owned(),
        times: vec![NOW_MS - 90_000, NOW_MS - 60_000, NOW_MS - 30_000],
        lines,
        ..chart::Chart::default()
    };
    let running =
        training::Training { name: "web".to_owned(), n_done: 3, n: 10, last: Time(NOW_MS - 30_000), chart };
    check("training", &training::page(&visitor(), &running));
    let kind = "detector/web";
    let (one, other) =
        (model("9f86d081884c", kind, Some("champion")), model("60303ae22b99", kind, Some("challenger")));
    let named =
        detectors::Named { name: "web".to_owned(), scores: Some(one.clone()), n_models: 2, n_rules: 1 };
    let unchosen = detectors::Named { name: "db".to_owned(), scores: None, n_models: 3, n_rules: 0 };
    check(
        "detectors",
        &detectors::list(
            &reader(),
            &[named, unchosen],
            &[running.clone(), training::Training { n_done: 10, ..running.clone() }],
        ),
    );
    let bare = detectors::One {
        name: "web".to_owned(),
        detector: DetectorView { too_alike: false, ..detector() },
        models: vec![one.clone()],
        other: None,
        rules: Vec::new(),
        scores: None,
        last: None,
        training: Some(training::Training { last: Time(NOW_MS - 3_600_000), ..running }),
    };
    check("detector-new", &detectors::one(&visitor(), &bare));
    let entities = json!([{ "name": "web-1", "rows": 720, "expected_alarms_per_day": 0.25, "too_alike": false },
        { "name": "<b>", "rows": 720, "expected_alarms_per_day": 0.0, "too_alike": true }]);
    let each = DetectorView { by: Some("host".to_owned()), entities: read(entities), ..detector() };
    check("detector-each", &detectors::one(&visitor(), &detectors::One { detector: each, ..bare.clone() }));
    let mut last = alert("odd", "hsbc", "firing", 12);
    let evidence = json!({ "contributors": [{ "name": "cpu", "share": 0.75, "value": 0.97, "usual": [0.1, 0.9] }, { "name": "<b>hsbc", "share": 0.25, "usual": [0.0, 1.0] }] });
    last.evidence = Some(Box::new(read(evidence)));
    let rule = json!({ "id": "odd", "version": 1, "document": {}, "changed": ago(9_000), "actor": "ann", "state": null, "problem": "web is <gone>" });
    let chart = chart::Chart {
        title: "Scores of odd".to_owned(),
        times: vec![NOW_MS - 60_000, NOW_MS],
        lines: vec![chart::Line { name: "value".to_owned(), values: vec![Some(0.5), Some(1.5)] }],
        findings: vec![false, true],
        ..chart::Chart::default()
    };
    let whole = detectors::One {
        detector: detector(),
        models: vec![one, other.clone()],
        other: Some(other),
        rules: vec![read(rule)],
        scores: Some(detectors::Scores { rule: "odd".to_owned(), group: "host=a".to_owned(), chart }),
        last: Some(last),
        ..bare
    };
    check("detector", &detectors::one(&visitor(), &whole));
}
