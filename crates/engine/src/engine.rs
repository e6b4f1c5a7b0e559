//! The three pure calls: what is due, what it comes to, what follows.
//!
//! ```text
//!   plan(now) ─▶ [Due] ─▶ (the edge reads the source) ─▶ evaluate(due, answer) ─▶ [Evaluation]
//!      ▲                                                                              │
//!      └── (the edge writes Changes in one transaction) ◀── Changes ◀── apply(now, due, evaluations)
//! ```
//!
//! Windows of one rule are walked strictly in order: the next is planned when the last was applied. After
//! downtime the missed windows come first, at most `max_catchup` of them.

mod decide;
mod groups;
mod mutes;
mod part;
mod postpone;
mod room;
mod rules;
mod shared;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::time::MINUTE_MS;
use lanner_core::{
    Acknowledgement, Alert, AlertNews, AlertState, Answer, Ask, Changes, Cursor, DeliveryOutcome, Evaluation,
    Group, Labels, NotificationLogEntry, Outcome, Reading, ResolvedReason, Silence, TimeRange,
};

use crate::alert::matcher::Silences;
use crate::alert::notify::{Inhibition, Notifier, Route};
use crate::alert::state::{self, Transition};
use crate::alert::vitals::{SelfWatch, SwitchNews, Vitals};
use crate::detector::learning::{Memory, TrainingBatch};
use crate::rule::Rule;
use crate::source::join::joined;
use crate::source::{Due, Gaps, Query};

use decide::{Case, Decision, Found, evaluation};
use groups::{Alerts, Subject};
pub use part::Part;
pub use rules::RuleChanges;

/// What is due, and what was passed over.
#[derive(Debug, Default)]
pub struct Plan {
    /// Evaluations, the longest overdue first; at most one a rule.
    pub due: Vec<Due>,
    /// Rules whose missed windows lay too far back, and about how many.
    pub skipped: Vec<(Arc<str>, i64)>,
}

/// Evaluations of one plan at most: whoever else asks the engine waits while it is made.
const MAX_PLANNED: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) rule: Arc<Rule>,
    cursor: TimeRange,
    due_ms: Option<i64>,
    /// When the evaluation was due that is in flight.
    in_flight_ms: Option<i64>,
    /// When the window was due that waits for its source.
    postponed_ms: Option<i64>,
    /// Whether it cannot be measured yet, and so is not due.
    waits: bool,
    /// Whether another server evaluates it, so that it is never due here.
    is_elsewhere: bool,
    alerts: Alerts,
    memory: Memory,
    /// How many groups of the latest window found no room.
    n_left_out: u64,
}

impl Tracked {
    /// When its next window is due.
    fn next_due_ms(&self, gaps: &Gaps, n_rules: usize) -> Option<i64> {
        let window = gaps.next_window(&self.rule, self.cursor.end_ms)?;
        Some(due_ms(&self.rule, gaps, window, n_rules))
    }

    /// When the window was due that waits for its past, of a rule that was judged before.
    fn due_once_measured_ms(&self, gaps: &Gaps, n_rules: usize) -> Option<i64> {
        let is_not_due = self.waits || self.is_elsewhere;
        (is_not_due && self.cursor.length_ms() > 0).then(|| self.next_due_ms(gaps, n_rules)).flatten()
    }
}

/// Rules, their alerts, and who is notified.
#[derive(Debug, Default)]
pub struct Engine {
    pub(crate) tracked: HashMap<Arc<str>, Tracked>,
    due: BTreeSet<(i64, Arc<str>)>,
    /// Rules that cannot be measured yet.
    waiting: BTreeSet<Arc<str>>,
    /// As `due`: rules with further windows that are due as well. They come after those that judge the present.
    behind: BTreeSet<(i64, Arc<str>)>,
    gaps: Gaps,
    pub(crate) notifier: Notifier,
    self_watch: SelfWatch,
    part: Part,
    /// What happened to alerts and others tell people.
    news: Vec<AlertNews>,
    restored_alerts: HashMap<Arc<str>, Alerts>,
    restored_cursors: HashMap<Arc<str>, TimeRange>,
}

impl Engine {
    /// An engine without rules and without a past; [`Engine::restore`] gives it one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up the state of an earlier run; before [`Self::set_rules`].
    pub fn restore(
        &mut self,
        mut alerts: Vec<Alert>,
        cursors: Vec<Cursor>,
        mut told: Vec<NotificationLogEntry>,
    ) {
        self.self_watch.restore(&mut alerts, &mut told);
        for alert in alerts {
            if alert.active && self.part != Part::Worker {
                let fingerprint = alert.fingerprint();
                self.notifier.restore_running(&fingerprint, &alert.labels);
                self.notifier.acknowledge(i64::MIN, &fingerprint, alert.acknowledged.clone());
            }
            self.restored_alerts
                .entry(alert.rule.clone())
                .or_default()
                .insert(alert.group.clone(), Box::new(alert));
        }
        self.restored_cursors.extend(cursors.into_iter().map(|cursor| (cursor.rule, cursor.window)));
        self.notifier.restore(told);
    }

    /// Replaces routes and inhibitions. Alerts that run are looked at again under the new ones.
    pub fn configure(&mut self, routes: Vec<Route>, inhibitions: Vec<Inhibition>) {
        self.self_watch.configure(&routes);
        self.notifier.configure(routes, inhibitions);
    }

    /// Replaces the silences, as of `now_ms`. What they no longer mute is looked at again.
    pub fn set_silences(&mut self, silences: &[Silence], now_ms: i64) {
        self.self_watch.set_silences(Silences::compile(silences), now_ms);
        self.notifier.set_silences(Silences::compile(silences), now_ms);
    }

    /// Replaces the times in which the server was away.
    pub fn set_gaps(&mut self, gaps: Gaps) {
        self.gaps = gaps;
        self.behind.clear();
        self.due.clear();
        let n_rules = self.tracked.len();
        for tracked in self.tracked.values_mut().filter(|tracked| tracked.due_ms.is_some()) {
            schedule_next(&mut self.due, &self.gaps, tracked, n_rules);
        }
    }

    /// Ends an alert's episode, if one runs, and tells who knows of it.
    fn end(
        &mut self,
        alert: &mut Alert,
        rule: Option<&Rule>,
        reason: ResolvedReason,
        now_ms: i64,
        changes: &mut Changes,
    ) {
        // A group is forgotten by windows, everything else by people.
        let at_ms = if reason == ResolvedReason::NoLongerMeasured { alert.window.end_ms } else { now_ms };
        if state::resolve_now(alert, rule, reason, at_ms) == Transition::Resolved {
            self.tell(now_ms, alert, &[]);
            changes.alerts.push(alert.clone());
        }
    }

    /// Which evaluations are due at `now_ms`, at most `limit`, and beside them those that ask a source what the last of them asks;
    /// they are in flight until applied.
    ///
    /// Rules that judge the present come first. Those that have more than one window to walk get what room is left,
    /// an eighth of it at least.
    pub fn plan(&mut self, now_ms: i64, limit: usize) -> Plan {
        let mut plan = Plan::default();
        while (plan.due.len() < limit - self.behind.len().min(limit / 8) || self.shares_a_request(&plan))
            && let Some(place) = pop_due(&mut self.due, now_ms)
        {
            if self.is_behind(&place.1, now_ms) {
                self.behind.insert(place);
            } else {
                self.plan_next(place, now_ms, &mut plan);
            }
        }
        while plan.due.len() < limit
            && let Some(place) = self.behind.pop_first()
        {
            self.plan_next(place, now_ms, &mut plan);
        }
        plan
    }

    /// Whether the next rule asks a source what the last of the plan asks: another plan would ask it again.
    fn shares_a_request(&self, plan: &Plan) -> bool {
        let (Some(last), Some((_, next))) = (plan.due.last(), self.due.first()) else { return false };
        let (last, next) = (&last.rule.query, self.tracked.get(next).map(|tracked| &*tracked.rule.query));
        let is_same =
            |next: &dyn Query| next.source() == last.source() && next.fingerprint() == last.fingerprint();
        last.source().is_some() && plan.due.len() < MAX_PLANNED && next.is_some_and(is_same)
    }

    /// Whether another window of a rule is due beside its next one.
    fn is_behind(&self, id: &str, now_ms: i64) -> bool {
        let Some(Tracked { rule, cursor, .. }) = self.tracked.get(id) else { return false };
        let after = |window: TimeRange| self.gaps.next_window(rule, window.end_ms);
        let second = after(*cursor).and_then(after);
        second.is_some_and(|window| due_ms(rule, &self.gaps, window, self.tracked.len()) <= now_ms)
    }

    /// Plans the next window of a rule, if it is due.
    fn plan_next(&mut self, (_, id): (i64, Arc<str>), now_ms: i64, plan: &mut Plan) {
        let n_rules = self.tracked.len();
        let Some(tracked) = self.tracked.get_mut(&id) else { return };
        tracked.due_ms = None;
        let rule = Arc::clone(&tracked.rule);
        let mut window = self.gaps.next_window(&rule, tracked.cursor.end_ms);
        let oldest_ms =
            now_ms - rule.max_catchup_ms - rule.delay_ms - rule.spread_ms(n_rules) - rule.schedule.every_ms;
        if let Some(missed) = window.filter(|window| window.end_ms < oldest_ms) {
            window = self.gaps.next_window(&rule, oldest_ms - 1);
            let passed_ms = window.map_or(oldest_ms, |window| window.end_ms) - missed.end_ms;
            plan.skipped.push((id, passed_ms / rule.schedule.every_ms));
            (tracked.cursor, tracked.postponed_ms) = (TimeRange::new(missed.start_ms, oldest_ms - 1), None);
        }
        let Some(window) = window else { return };
        let due_ms = due_ms(&rule, &self.gaps, window, n_rules);
        if due_ms > now_ms {
            return schedule_next(&mut self.due, &self.gaps, tracked, n_rules);
        }
        let (baselines, more) = match rule.detector.learner() {
            Some(learner) => {
                let TrainingBatch { windows, more } = tracked.memory.next_batch(&rule, learner, window);
                (windows.into_iter().map(Some).collect(), more)
            }
            None => (rule.baseline_windows(window), false),
        };
        let ask = Ask {
            rule: Arc::clone(&rule.id),
            baselines,
            learns: rule.detector.learner().is_some(),
            more,
            settled: rule.settled(tracked.cursor, window),
            known: tracked.alerts.keys().filter(|group| **group != Group::Unknown).cloned().collect(),
            step_ms: rule.step_ms(),
            hold_ms: rule.hold_ms(),
            window,
        };
        // For people it is late also where it had to wait for the server's return.
        let late = now_ms - rule.due_ms(window, n_rules) > rule.schedule.every_ms.max(MINUTE_MS);
        tracked.in_flight_ms = Some(due_ms);
        plan.due.push(Due { ask, due_ms, late, rule });
    }

    /// Notes where data came that windows lack which may have been learned, by the fingerprint of the query. What was
    /// learned of them is learned again before the next window is judged, or a few windows later where that is much.
    pub fn correct(&mut self, late: &HashMap<u64, TimeRange>) {
        for Tracked { rule, memory, .. } in self.tracked.values_mut() {
            if rule.detector.learner().is_some()
                && let Some(range) = late_of(&*rule.query, late)
            {
                memory.correct(range);
            }
        }
    }

    /// When something is next due, milliseconds since the Unix epoch.
    #[must_use]
    pub fn wake_ms(&self) -> Option<i64> {
        [self.next_due_ms(), self.notifier.next_due_ms()].into_iter().flatten().min()
    }

    /// When a rule is next due, milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        let first = |due: &BTreeSet<(i64, Arc<str>)>| due.first().map(|(due_ms, _)| *due_ms);
        [first(&self.due), first(&self.behind)].into_iter().flatten().min()
    }

    /// Scores and decides: one evaluation a group; none while there is more to learn. Changes nothing but what
    /// learning detectors remember.
    #[must_use]
    pub fn evaluate(&mut self, due: &Due, answer: &Answer, now_ms: i64) -> Vec<Evaluation> {
        let tracked = self.tracked.get_mut(&due.rule.id);
        let Some(Tracked { rule, alerts, memory, n_left_out, .. }) = tracked else { return Vec::new() };
        let read: &[Reading] = answer.as_ref().map_or(&[], |readings| &readings.groups);
        let mut found: Vec<&Reading> = read.iter().collect();
        found.sort_by(|a, b| a.group.cmp(&b.group));
        let mut scores = Vec::new();
        if let (Ok(readings), Some(learner)) = (answer, due.rule.detector.learner())
            && rule.version == due.rule.version
        {
            scores = memory.learn(due, learner, &self.gaps, &found);
            if due.ask.more {
                if rule.query.knows_first_data() {
                    memory.skip(due, readings.first_data_ms);
                }
                return Vec::new();
            }
        }
        let found = found
            .into_iter()
            .enumerate()
            .map(|(at, reading)| (&reading.group, Found { reading, score: scores.get(at).copied() }));
        // Which earlier windows are read beside this one depends on what is remembered; who is judged must not.
        let learns = due.rule.detector.learner().is_some();
        let nothing = due.rule.query.value_when_empty();
        let is_there = |reading: &Reading| reading.value.is_some() && reading.value != nothing;
        let found = found.filter(|(group, found)| {
            !learns || is_there(found.reading) || alerts.contains_key(*group) || **group == Group::Whole
        });
        let known = alerts.iter().map(|(group, alert)| (group, &**alert));
        let mut subjects: Vec<Subject<'_>> = joined(known, found).collect();
        // A rule without groups always speaks of the whole. One with groups says of nobody that its source fails, or
        // that an expression finds nothing at all, while it knows no group that could bear it.
        let is_grouped = !due.rule.query.by().is_empty();
        let knows_nobody = subjects.iter().all(|(group, ..)| **group == Group::Unknown);
        let finds_nothing = knows_nobody && due.rule.query.alert_when_empty();
        let nobody = if is_grouped { Group::Unknown } else { Group::Whole };
        let is_spoken_of = subjects.first().is_some_and(|(first, ..)| **first == nobody);
        if !is_spoken_of && (!is_grouped || (subjects.is_empty() && (answer.is_err() || finds_nothing))) {
            subjects.insert(0, (&nobody, None, None));
        }
        let is_silent = |(_, _, found): &Subject<'_>| found.is_none_or(|found| !is_there(found.reading));
        let seen_before_ms = due.ask.window.end_ms - due.rule.schedule.every_ms;
        *n_left_out = room::make(&mut subjects, is_silent, seen_before_ms);
        let judge = |(group, alert, found): Subject<'_>| {
            let decision = match answer {
                Err(why) => Decision::failed(&why.to_string()),
                // It is no longer unknown whom the rule speaks of, or nothing is wrong with nobody.
                Ok(_) if *group == Group::Unknown && !finds_nothing => Decision::of(Outcome::Normal),
                Ok(readings) => {
                    let case =
                        Case { due, gaps: &self.gaps, first_data_ms: readings.first_data_ms, alert, found };
                    case.decide()
                }
            };
            evaluation(due, group, decision, alert, now_ms)
        };
        subjects.into_iter().map(judge).collect()
    }

    /// Moves alerts by evaluations of one due window, and says what to write and send.
    ///
    /// `evaluations` are those of [`Self::evaluate`]; each gets the state that its alert has afterwards.
    pub fn apply(&mut self, now_ms: i64, due: &Due, evaluations: Vec<Evaluation>) -> Changes {
        let (mut changes, n_rules) = (Changes::default(), self.tracked.len());
        let Some(mut tracked) = self.tracked.remove(&due.rule.id) else { return changes };
        if is_walked(tracked.cursor, due.ask.window) {
            // An answer from before the rule was given away and taken back.
            self.tracked.insert(due.rule.id.clone(), tracked);
            return changes;
        }
        let changed = tracked.rule.version != due.rule.version;
        tracked.in_flight_ms = tracked.in_flight_ms.filter(|_| changed);
        if changed || (due.ask.more && evaluations.is_empty()) {
            if !changed {
                schedule_next(&mut self.due, &self.gaps, &mut tracked, n_rules);
            }
            // Where the rule changed while its window was in flight, the new version evaluates it.
            self.tracked.insert(due.rule.id.clone(), tracked);
            return changes;
        }
        for mut evaluation in evaluations {
            let group = evaluation.group.clone();
            let rule = &due.rule;
            // What the stored alert comes to by the evaluation alone.
            let mut followed = tracked.alerts.get(&group).map(|alert| Alert::clone(alert));
            let alert = tracked
                .alerts
                .entry(group.clone())
                .or_insert_with(|| Box::new(state::new_alert(rule, &group, evaluation.window.start_ms)));
            let step = state::step(alert, rule, &evaluation);
            evaluation.state = alert.state;
            if step != Transition::Quiet {
                self.tell(now_ms, alert, &rule.receivers);
                self.notifier.acknowledge(now_ms, &alert.fingerprint(), alert.acknowledged.clone());
            }
            let silent_ms = evaluation.window.end_ms - alert.seen_ms;
            let is_over = group == Group::Unknown && alert.state == AlertState::Normal;
            if is_over || (silent_ms > rule.forget_ms && group != Group::Whole) {
                let mut alert = alert.clone();
                tracked.alerts.remove(&group);
                self.end(&mut alert, Some(rule), ResolvedReason::NoLongerMeasured, now_ms, &mut changes);
                changes.alerts.pop_if(|kept| kept.group == group); // it is forgotten with its end
                changes.forgotten_groups.push((rule.id.clone(), group));
            } else {
                if let Some(followed) = &mut followed {
                    followed.follow(&evaluation);
                }
                if followed.as_ref() != Some(&**alert) {
                    changes.alerts.push(Alert::clone(alert));
                }
            }
            changes.evaluations.push(evaluation);
        }
        let made_room = room::forget(&mut tracked.alerts, &changes.evaluations);
        changes.forgotten_groups.extend(made_room.into_iter().map(|group| (due.rule.id.clone(), group)));
        (tracked.cursor, tracked.postponed_ms) = (due.ask.window, None);
        changes.cursors.push(due.rule.cursor(due.ask.window));
        schedule_next(&mut self.due, &self.gaps, &mut tracked, n_rules);
        self.tracked.insert(due.rule.id.clone(), tracked);
        self.flush(now_ms, &mut changes);
        changes
    }

    /// How many groups of a rule's latest window found no room among those that it remembers.
    #[must_use]
    pub fn n_left_out(&self, rule: &str) -> u64 {
        self.tracked.get(rule).map_or(0, |tracked| tracked.n_left_out)
    }

    /// Writes messages that are due although nothing was evaluated: waits that are over, and repeats.
    pub fn tick(&mut self, now_ms: i64) -> Changes {
        let mut changes = Changes::default();
        self.flush(now_ms, &mut changes);
        changes
    }

    /// Notes what became of a message. What was refused is not told: the group's next message, which a later
    /// [`Self::tick`] writes, says what is true by then. What follows is part of the next changes.
    pub fn settle(&mut self, now_ms: i64, key: &str, outcome: DeliveryOutcome) {
        self.self_watch.settle(now_ms, key, outcome);
        self.notifier.settle(now_ms, key, outcome);
    }

    /// The keys of the messages whose outcome is not known yet.
    pub fn under_way(&self) -> impl Iterator<Item = &str> {
        self.notifier.under_way().chain(self.self_watch.under_way())
    }

    /// Notes that somebody has taken on an alert, or given it back: one that was taken on is not repeated until it
    /// resolves or gets worse. Returns what to write; `None` when no episode of such an alert runs.
    pub fn acknowledge(
        &mut self,
        now_ms: i64,
        fingerprint: &str,
        acknowledged: Option<Acknowledgement>,
    ) -> Option<Changes> {
        let here = self.tracked.values_mut().filter(|tracked| !tracked.is_elsewhere);
        let mut alerts = here.flat_map(|tracked| tracked.alerts.values_mut());
        let alert = alerts.find(|alert| alert.active && alert.fingerprint() == fingerprint)?;
        alert.acknowledged = acknowledged;
        self.notifier.acknowledge(now_ms, fingerprint, alert.acknowledged.clone());
        let alerts = vec![Alert::clone(alert)];
        Some(Changes { alerts, notification_log: self.notifier.take_log(), ..Changes::default() })
    }

    /// Whether an episode of the alert with this fingerprint runs.
    #[must_use]
    pub fn is_running(&self, fingerprint: &str) -> bool {
        self.notifier.is_running(fingerprint)
    }

    /// Tells a group again what was given up, as far as it is still true. Returns whether there is anything to tell.
    pub fn resend(&mut self, now_ms: i64, receiver: &Arc<str>, group: &Labels) -> bool {
        self.notifier.resend(now_ms, receiver, group)
    }

    fn flush(&mut self, now_ms: i64, changes: &mut Changes) {
        let news = self.notifier.tick(now_ms);
        changes.outbox.extend(news.messages);
        changes.notification_log.extend(news.log);
    }

    /// Where the next window of a rule begins: what came before, it no longer needs, but for late events
    /// ([`Rule::hold_ms`]).
    #[must_use]
    pub fn needed_from_ms(&self, rule: &str) -> Option<i64> {
        let tracked = self.tracked.get(rule)?;
        let next = self.gaps.next_window(&tracked.rule, tracked.cursor.end_ms);
        next.map(|window| window.start_ms)
    }

    /// The end of the last window of a rule that was judged, or when the rule began.
    #[must_use]
    pub fn judged_until_ms(&self, rule: &str) -> Option<i64> {
        self.tracked.get(rule).map(|tracked| tracked.cursor.end_ms)
    }

    /// The alerts of every rule, and those about Lanner itself.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        let of_rules =
            self.tracked.values().flat_map(|tracked| tracked.alerts.values().map(|alert| &**alert));
        of_rules.chain(self.self_watch.alerts())
    }

    /// Moves the alerts about Lanner itself, and says what to write and send. That touches nothing that rules
    /// change, so it need not be written in any order with what they do: it goes on while they wait for a full disk.
    pub fn observe(&mut self, now_ms: i64, vitals: &Vitals) -> Changes {
        self.self_watch.observe(now_ms, vitals)
    }

    /// What is wrong with Lanner now; news of switches is none of it.
    pub fn complaints(&self) -> impl Iterator<Item = &Alert> {
        self.self_watch.alerts().filter(|alert| alert.active && SwitchNews::of(&alert.rule).is_none())
    }

    /// The switches that people were notified of, and what; its end is yet to come.
    pub fn switch_news(&self) -> impl Iterator<Item = (&str, SwitchNews)> {
        let active = self.self_watch.alerts().filter(|alert| alert.active);
        active.filter_map(|alert| Some((alert.group.labels().get("switch")?, SwitchNews::of(&alert.rule)?)))
    }
}

/// Where late data came that a query measures, if some did.
fn late_of(query: &dyn Query, late: &HashMap<u64, TimeRange>) -> Option<TimeRange> {
    let streams = query.streams().iter().map(|stream| stream.fingerprint);
    let ranges = streams.chain([query.fingerprint()]).filter_map(|query| late.get(&query).copied());
    ranges.reduce(|all, range| all.hull(range))
}

/// Whether a rule with this cursor was walked past `window`.
fn is_walked(cursor: TimeRange, window: TimeRange) -> bool {
    (window.end_ms, window.start_ms) <= (cursor.end_ms, cursor.start_ms)
}

/// Takes the first that is due, if one is.
fn pop_due(due: &mut BTreeSet<(i64, Arc<str>)>, now_ms: i64) -> Option<(i64, Arc<str>)> {
    due.first().is_some_and(|(due_ms, _)| *due_ms <= now_ms).then(|| due.pop_first()).flatten()
}

/// When a window is due. A rule that waits for late data does so from the server's return on if the window ended before:
/// what senders kept comes only then. It is due later by what was left of the downtime, so never after a later window.
fn due_ms(rule: &Rule, gaps: &Gaps, window: TimeRange, n_rules: usize) -> i64 {
    let away_ms = if rule.delay_ms == 0 { 0 } else { gaps.away_ms(window.end_ms) };
    rule.due_ms(window, n_rules) + away_ms
}

fn schedule_next(due: &mut BTreeSet<(i64, Arc<str>)>, gaps: &Gaps, tracked: &mut Tracked, n_rules: usize) {
    if tracked.waits || tracked.is_elsewhere {
        return;
    }
    tracked.due_ms = tracked.next_due_ms(gaps, n_rules);
    due.extend(tracked.due_ms.map(|due_ms| (due_ms, tracked.rule.id.clone())));
}
