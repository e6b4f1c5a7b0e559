//! The state machine of an alert: from one evaluation to the next state.
//!
//! ```text
//!            bad             bad, `for` in a row                good
//!  normal ────────▶ pending ────────────────────▶ firing ────────────────▶ recovering
//!     ▲                │ good                    no_data        ◀──── bad ──────┘
//!     └────────────────┘                         error                          │
//!     ◀──────────────────────────── good, `recover_for` in a row ───────────────┘
//! ```
//!
//! Bad windows come in three kinds: a breach, no data, an error; `for` counts windows of one kind in a row.
//! An episode runs from the first `firing`, `no_data` or `error` to the return to `normal`, whatever kinds it
//! passes through. Everything is counted in windows and dated by their ends, never by a clock, so replaying
//! history gives what live evaluation gave.

use lanner_core::time::format_time;
use lanner_core::{
    Alert, AlertState, Annotations, Evaluation, Group, Labels, NotifiedAlert, Outcome, ResolvedReason,
};

use crate::rule::template::{Context, Template};
use crate::rule::{Policy, Rule};

/// What happened to the people's view of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Nothing that people are notified of.
    Quiet,
    /// An episode began, or changed its kind.
    Fired,
    /// An episode ended.
    Resolved,
}

/// An alert before its first evaluation.
#[must_use]
pub(crate) fn new_alert(rule: &Rule, group: &Group, at_ms: i64) -> Alert {
    Alert {
        rule: rule.id.clone(),
        version: rule.version,
        group: group.clone(),
        labels: rule.alert_labels(group.labels()),
        state: AlertState::Normal,
        since_ms: at_ms,
        bad_streak: 0,
        bad_kind: None,
        good_streak: 0,
        episode: 0,
        active: false,
        started_ms: None,
        resolved_ms: None,
        resolved_reason: None,
        acknowledged: None,
        seen_ms: at_ms,
        window: lanner_core::TimeRange::new(at_ms, at_ms),
        value: None,
        base: None,
        bad_value: None,
        evidence: None,
        bad_base: None,
        error: None,
        content: serde_json::Value::Null,
        annotations: Annotations::default(),
        late: false,
    }
}

/// The state machine without notifications: what the next window needs to know of those before, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateMachine {
    /// The state.
    pub state: AlertState,
    /// Whether people have been notified, and not yet that it is over.
    pub active: bool,
    bad_streak: u32,
    bad_kind: Option<AlertState>,
    good_streak: u32,
}

impl StateMachine {
    /// Before the first window.
    pub(crate) const NEW: Self =
        Self { state: AlertState::Normal, active: false, bad_streak: 0, bad_kind: None, good_streak: 0 };

    fn of(alert: &Alert) -> Self {
        let Alert { state, active, bad_streak, bad_kind, good_streak, .. } = *alert;
        Self { state, active, bad_streak, bad_kind, good_streak }
    }

    fn write_to(self, alert: &mut Alert) {
        let Self { state, active, bad_streak, bad_kind, good_streak } = self;
        (alert.state, alert.active) = (state, active);
        (alert.bad_streak, alert.bad_kind, alert.good_streak) = (bad_streak, bad_kind, good_streak);
    }

    /// Whether the limits of recovery count for the next window.
    #[must_use]
    pub(crate) const fn is_firing(&self) -> bool {
        matches!(self.state, AlertState::Firing | AlertState::Recovering)
    }

    /// Moves by one window. A severity that changes is not looked at.
    pub fn step(&mut self, rule: &Rule, outcome: Outcome) -> Transition {
        match effect(rule, outcome) {
            Effect::Keep => Transition::Quiet,
            Effect::Good => self.good(rule),
            Effect::Bad(kind) => self.bad(rule, kind),
        }
    }

    fn good(&mut self, rule: &Rule) -> Transition {
        (self.bad_streak, self.bad_kind) = (0, None);
        if !self.active {
            self.state = AlertState::Normal;
            return Transition::Quiet;
        }
        self.good_streak += 1;
        if self.good_streak < rule.recover_windows {
            self.state = AlertState::Recovering;
            return Transition::Quiet;
        }
        *self = Self::NEW;
        Transition::Resolved
    }

    fn bad(&mut self, rule: &Rule, kind: AlertState) -> Transition {
        self.good_streak = 0;
        self.bad_streak = if self.bad_kind == Some(kind) { self.bad_streak.saturating_add(1) } else { 1 };
        self.bad_kind = Some(kind);
        let long_enough = self.bad_streak >= rule.for_windows;
        // While an episode runs, a bad window of the kind that people were notified of needs no waiting.
        let told = self.active && (self.state == kind || self.state == AlertState::Recovering);
        if !self.active && !long_enough {
            self.state = AlertState::Pending;
        } else if told || long_enough {
            (self.state, self.active) = (kind, true);
        }
        if long_enough && !told { Transition::Fired } else { Transition::Quiet }
    }
}

/// Moves `alert` by one evaluation of its rule.
pub fn step(alert: &mut Alert, rule: &Rule, evaluation: &Evaluation) -> Transition {
    let before = alert.state;
    let severity = severity(alert, rule, evaluation);
    let graver = alert.active && severity.as_deref() != alert.labels.get("severity");
    let graded = rule.detector.grades() && severity.as_deref() != alert.labels.get("severity");
    if alert.version != rule.version || graded {
        alert.labels = rule.alert_labels(alert.group.labels());
        if let Some(severity) = severity {
            alert.labels = alert.labels.with(&Labels::new([("severity", severity)]));
        }
    }
    alert.version = rule.version;
    alert.window = evaluation.window;
    (alert.value, alert.base) = (evaluation.value, evaluation.base);
    alert.error.clone_from(&evaluation.error);
    if rule.query.counts_as_seen(evaluation.outcome, evaluation.value) {
        alert.seen_ms = evaluation.window.end_ms;
    }
    let step = match (advance(alert, rule, evaluation), effect(rule, evaluation.outcome)) {
        // What people were notified of as a warning is an error now, or the other way round.
        (Transition::Quiet, Effect::Bad(_))
            if graver && rule.detector.grades() && alert.state == AlertState::Firing =>
        {
            Transition::Fired
        }
        (step, _) => step,
    };
    if graver && alert.labels.get("severity") == Some("error") {
        alert.acknowledged = None; // it is worse than what somebody took on
    }
    if alert.state != before {
        alert.since_ms = evaluation.window.end_ms;
        alert.late = evaluation.late;
    }
    if step != Transition::Quiet {
        render(alert, rule, evaluation.score);
    }
    step
}

/// Fills in what the rule says to people, for the state that `alert` is in.
fn render(alert: &mut Alert, rule: &Rule, score: Option<lanner_core::Score>) {
    let context = context(rule, alert, score);
    let (content, annotations) = (rule.content.render(&context), rule.annotations.render_texts(&context));
    (alert.content, alert.annotations) = (content, annotations);
}

/// How bad it is, for detectors that say so; while an episode runs, how bad it was last. Knowing nothing is as
/// bad as an error.
fn severity(alert: &Alert, rule: &Rule, evaluation: &Evaluation) -> Option<String> {
    if !rule.detector.grades() {
        return None;
    }
    let grade = match effect(rule, evaluation.outcome) {
        Effect::Bad(AlertState::NoData | AlertState::Error) => Some("error"),
        _ => evaluation.score.and_then(|score| rule.detector.grade(score)),
    };
    let last = alert.labels.get("severity").filter(|_| alert.active);
    grade.or(last).map(str::to_owned)
}

/// Ends a running episode for another reason than recovery.
///
/// `rule` is the one that the episode began with. It says what people read; without it (the rule was deleted
/// while Lanner was down) the standard text does.
pub(crate) fn resolve_now(
    alert: &mut Alert,
    rule: Option<&Rule>,
    reason: ResolvedReason,
    at_ms: i64,
) -> Transition {
    (alert.bad_streak, alert.bad_kind, alert.good_streak) = (0, None, 0);
    alert.state = AlertState::Normal;
    if !alert.active {
        return Transition::Quiet;
    }
    (alert.active, alert.resolved_ms, alert.since_ms) = (false, Some(at_ms), at_ms);
    alert.resolved_reason = Some(reason);
    alert.acknowledged = None;
    match rule {
        Some(rule) => render(alert, rule, None),
        None => alert.content = Template::standard().render(&orphaned(alert)),
    }
    Transition::Resolved
}

/// What is known of an alert whose rule is not.
fn orphaned(alert: &Alert) -> Context<'_> {
    Context {
        rule: &alert.rule,
        state: "resolved",
        reason: alert.resolved_reason,
        group: alert.group.labels().clone(),
        labels: alert.labels.clone(),
        severity: alert.labels.get("severity").map(str::to_owned),
        value: alert.bad_value,
        base: alert.bad_base,
        window: [format_time(alert.window.start_ms), format_time(alert.window.end_ms)],
        ..Context::default()
    }
}

enum Effect {
    Good,
    Keep,
    Bad(AlertState),
}

fn effect(rule: &Rule, outcome: Outcome) -> Effect {
    match (outcome, rule.policies.of(outcome)) {
        (Outcome::Normal, _) | (_, Some(Policy::Ok)) => Effect::Good,
        (_, Some(Policy::Keep)) => Effect::Keep,
        (Outcome::NoData | Outcome::Unknown, _) => Effect::Bad(AlertState::NoData),
        (Outcome::Error, _) => Effect::Bad(AlertState::Error),
        (_, _) => Effect::Bad(AlertState::Firing),
    }
}

/// Moves by one window, and dates what begins and ends.
fn advance(alert: &mut Alert, rule: &Rule, evaluation: &Evaluation) -> Transition {
    let outcome = evaluation.outcome;
    let end_ms = alert.window.end_ms;
    let was_active = alert.active;
    let mut machine = StateMachine::of(alert);
    let step = machine.step(rule, outcome);
    machine.write_to(alert);
    if matches!(effect(rule, outcome), Effect::Bad(_)) {
        (alert.bad_value, alert.bad_base) = (alert.value, alert.base);
        alert.evidence.clone_from(&evaluation.evidence);
    }
    match step {
        Transition::Resolved => {
            (alert.resolved_ms, alert.resolved_reason) = (Some(end_ms), Some(reason_of(outcome)));
            alert.acknowledged = None;
        }
        Transition::Fired if !was_active => {
            alert.episode = alert.episode.saturating_add(1);
            (alert.started_ms, alert.resolved_ms, alert.resolved_reason) = (Some(end_ms), None, None);
            alert.acknowledged = None;
        }
        _ => {}
    }
    step
}

/// Why an episode ended with a window of this outcome.
const fn reason_of(outcome: Outcome) -> ResolvedReason {
    match outcome {
        Outcome::Normal | Outcome::Breach | Outcome::BelowMinBase => ResolvedReason::Recovered,
        // Only where the rule's policy takes it as good.
        Outcome::NoData
        | Outcome::Error
        | Outcome::BaseZero
        | Outcome::BaseMissing
        | Outcome::HistoryShort
        | Outcome::Unknown => ResolvedReason::NoLongerMeasured,
    }
}

fn context<'a>(rule: &'a Rule, alert: &'a Alert, score: Option<lanner_core::Score>) -> Context<'a> {
    let resolved = !alert.active;
    Context {
        rule: &rule.id,
        description: &rule.description,
        state: if resolved { "resolved" } else { alert.state.name() },
        reason: alert.resolved_reason.filter(|_| resolved),
        group: alert.group.labels().clone(),
        by: rule.query.by(),
        labels: rule.labels.clone(),
        severity: alert.labels.get("severity").map(str::to_owned),
        // A resolved message reports what was wrong, not what is right again.
        value: if resolved { alert.bad_value } else { alert.value },
        base: if resolved { alert.bad_base } else { alert.base },
        score: score.map(lanner_core::Score::value).filter(|score| score.is_finite()),
        error: alert.error.as_deref(),
        evidence: alert.evidence.as_deref(),
        window: [format_time(alert.window.start_ms), format_time(alert.window.end_ms)],
    }
}

/// What a message says of an alert.
#[must_use]
pub(crate) fn notified_alert(alert: &Alert) -> NotifiedAlert {
    let resolved = !alert.active;
    NotifiedAlert {
        fingerprint: alert.fingerprint(),
        episode: alert.episode,
        // People are notified of an episode until it ends; `recovering` is not news.
        state: match alert.state {
            AlertState::Recovering | AlertState::Pending => AlertState::Firing,
            state => state,
        },
        rule: alert.rule.clone(),
        labels: alert.labels.clone(),
        group: alert.group.labels().clone(),
        content: alert.content.clone(),
        annotations: alert.annotations.clone(),
        started_ms: alert.started_ms.unwrap_or(alert.since_ms),
        resolved_ms: alert.resolved_ms.filter(|_| resolved),
        resolved_reason: alert.resolved_reason.filter(|_| resolved),
        window: alert.window,
        value: if resolved { alert.bad_value } else { alert.value },
        base: if resolved { alert.bad_base } else { alert.base },
        evidence: alert.evidence.clone(),
        late: alert.late,
        acknowledged: None,
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::{Evidence, TimeRange};

    use super::*;

    fn evaluation(rule: &Rule, at: i64, outcome: Outcome) -> Evaluation {
        Evaluation {
            id: String::new(),
            rule: rule.id.clone(),
            version: 1,
            group: Group::default(),
            window: TimeRange::new(at, at + 1),
            value: Some(at as f64),
            base: None,
            lower: None,
            upper: None,
            score: None,
            outcome,
            error: None,
            evidence: None,
            state: AlertState::Normal,
            late: false,
            evaluated_ms: at,
        }
    }

    /// Feeds outcomes (`.` normal, `b` breach, `-` no data, `e` error, `z` base zero, `k` base missing, `?` unknown) and
    /// returns a letter per window: `n`ormal, `p`ending, `F`iring, `r`ecovering, `D` no data, `E`rror.
    fn walk(extra: &str, outcomes: &str) -> (String, Vec<String>) {
        let text = format!(
            "{{ id: r, query: {{ stream: s, measure: count }}, window: 1m, relative: {{ to: 1d, drop: 10% }}, {extra} }}"
        );
        let node = crate::document::Node::from_yaml(&text).unwrap();
        let rule = Rule::check(&node, "", 1).unwrap();
        let mut alert = new_alert(&rule, &Group::default(), 0);
        let (mut states, mut told) = (String::new(), Vec::new());
        for (at, letter) in outcomes.chars().enumerate() {
            let outcome = match letter {
                '.' => Outcome::Normal,
                'b' => Outcome::Breach,
                '-' => Outcome::NoData,
                'e' => Outcome::Error,
                'z' => Outcome::BaseZero,
                '?' => Outcome::Unknown,
                _ => Outcome::BaseMissing,
            };
            let at = at as i64;
            let evaluation = evaluation(&rule, at, outcome);
            match step(&mut alert, &rule, &evaluation) {
                Transition::Quiet => {}
                step => told.push(format!("{at}{step:?}{}", alert.episode)),
            }
            states.push(match alert.state {
                AlertState::Normal => 'n',
                AlertState::Pending => 'p',
                AlertState::Firing => 'F',
                AlertState::Recovering => 'r',
                AlertState::NoData => 'D',
                AlertState::Error => 'E',
            });
        }
        (states, told)
    }

    #[test]
    fn evidence_of_the_last_bad_window_reaches_people() {
        let text = "{ id: r, query: { stream: s, measure: count }, window: 1m, absolute: { max: 1 }, \
                    content: '{{ evidence.contributors[0].name if evidence else 0 }}' }";
        let rule = Rule::check(&crate::document::Node::from_yaml(text).unwrap(), "", 1).unwrap();
        let mut alert = new_alert(&rule, &Group::default(), 0);
        let evidence = |name: &str| {
            let contributors = vec![lanner_core::Contributor::new(name, 0.75)];
            Some(Box::new(Evidence { contributors, ..Evidence::default() }))
        };
        let windows = [(Outcome::Breach, evidence("cpu")), (Outcome::Normal, evidence("disk"))];
        for (at, (outcome, evidence)) in windows.into_iter().enumerate() {
            step(&mut alert, &rule, &Evaluation { evidence, ..evaluation(&rule, at as i64, outcome) });
            let told = notified_alert(&alert);
            assert_eq!((told.content, &told.evidence), ("cpu".into(), &alert.evidence), "{at}");
        }
        assert_eq!(alert.evidence, evidence("cpu"), "of a good window it says nothing");
    }

    #[test]
    fn people_are_told_again_when_it_is_worse() {
        let text = "{ id: r, query: { target: a }, window: 1m, expression: { warn: 1, error: 2 } }";
        let rule = Rule::check(&crate::document::Node::from_yaml(text).unwrap(), "", 1).unwrap();
        let mut alert = new_alert(&rule, &Group::default(), 0);
        let mut lines = Vec::new();
        for (at, score) in [0.0, 1.0, 1.0, 2.0, 2.0, 1.0, f64::NAN, 0.0, 0.0].into_iter().enumerate() {
            let outcome = match score {
                score if score > 0.0 => Outcome::Breach,
                score if score.is_nan() => Outcome::NoData,
                _ => Outcome::Normal,
            };
            let score = (!score.is_nan()).then(|| lanner_core::Score::new(score));
            let evaluation = Evaluation { score, ..evaluation(&rule, at as i64, outcome) };
            let step = step(&mut alert, &rule, &evaluation);
            lines.push(format!("{step:?} {}", alert.labels.get("severity").unwrap_or("-")));
        }
        let expected = [
            "Quiet -",
            "Fired warn",
            "Quiet warn",
            "Fired error",
            "Quiet error",
            "Fired warn",
            "Fired error",
            "Resolved error",
            "Quiet -",
        ];
        assert_eq!(lines, expected);
        assert!(alert.content.as_str().is_some_and(|text| text.contains("(error)")), "{}", alert.content);
    }

    #[test]
    fn lives() {
        #[track_caller]
        fn check(extra: &str, outcomes: &str, states: &str, told: &[&str]) {
            let (actual, actual_told) = walk(extra, outcomes);
            assert_eq!(
                (actual.as_str(), actual_told),
                (states, told.iter().map(|t| (*t).to_owned()).collect())
            );
        }
        check("for: 1", "b.bb.", "FnFFn", &["0Fired1", "1Resolved1", "2Fired2", "4Resolved2"]);
        check("for: 3", "bb.bbbb.", "ppnppFFn", &["5Fired1", "7Resolved1"]);
        check("recover_for: 2", "b.b..", "FrFrn", &["0Fired1", "4Resolved1"]);
        // Missing data obeys `for` too, and an alert that fires does not resolve because data stops.
        check("for: 2", "--.", "pDn", &["1Fired1", "2Resolved1"]);
        check("for: 2", "bb--b.", "pFFDDn", &["1Fired1", "3Fired1", "5Resolved1"]);
        check("no_data: keep", "b-.-", "FFnn", &["0Fired1", "2Resolved1"]);
        check("no_data: ok", "b-", "Fn", &["0Fired1", "1Resolved1"]);
        check("for: 2", "b-b-", "pppp", &[]); // kinds do not add up
        check("error: alert", "e.", "En", &["0Fired1", "1Resolved1"]);
        // A base that cannot be compared with leaves everything as it is, unless the rule says otherwise.
        check("for: 1", "bzk.", "FFFn", &["0Fired1", "3Resolved1"]);
        // While the server was away nothing fires and nothing ends, unless the rule says otherwise.
        check("for: 1", "?b??.?", "nFFFnn", &["1Fired1", "4Resolved1"]);
        check("unknown: alert", "?.", "Dn", &["0Fired1", "1Resolved1"]);
        check("unknown: ok", "b?", "Fn", &["0Fired1", "1Resolved1"]);
        check("base_zero: alert", "z.", "Fn", &["0Fired1", "1Resolved1"]);
        check("base_zero: ok", "bz", "Fn", &["0Fired1", "1Resolved1"]);
    }
}
