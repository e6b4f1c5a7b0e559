//! New rules: saved, tracked by the engine, their measures registered, their past counted.
//!
//! A rule is in force as soon as it is saved. The past of a new measure (the part of the current window that
//! went by before) is counted from stored events before the call returns, off to the side: its rules are not due
//! until then, and nobody else waits. The history that a relative rule compares with is prefilled in the
//! background, with visible progress. Until then what is missing is counted when it is asked for, so results do
//! not depend on how far the prefill is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanner_core::Changes;
use lanner_core::TimeRange;
use lanner_engine::config::{RECEIVER as RECEIVER_FIELDS, ReceiverDocument};
use lanner_engine::document::Problem;
use lanner_engine::rule::{Query, Status};
use lanner_engine::{Config, Engine, Rule};
use lanner_io::receiver::{ReceiverConfig, to_document};
use lanner_io::store::{Receipt, Store, StoreError};
use serde_json::Value;

use crate::app::{App, Prefill, locked};
use crate::blocking::blocking;
use crate::past::{self, Past};
use crate::stored::{self, Stored};

/// How the audit calls the configuration that the server was started with. No caller has this name.
pub const CONFIGURATION: &str = "config";
/// The kind of documents that rules are.
pub const RULE: &str = "rule";
/// The kind of documents that receivers are.
pub const RECEIVER: &str = "receiver";
/// The kind of documents that inhibitions are.
pub const INHIBITION: &str = "inhibition";

/// Checks receivers' own fields, which the engine does not know.
#[must_use]
pub fn check_receivers(receivers: &[ReceiverDocument]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for receiver in receivers {
        for problem in ReceiverConfig::read(&receiver.config).err().unwrap_or_default() {
            let dot = if problem.field.is_empty() { "" } else { "." };
            let path = format!("receivers.{}{dot}{}", receiver.name, problem.field);
            problems.push(Problem { at: receiver.node.at, path, message: problem.message, hint: None });
        }
    }
    problems
}

/// Everything that is stored, as one configuration document.
///
/// # Errors
/// Failures of the store.
pub fn stored_document(store: &Store) -> Result<Value, StoreError> {
    let list = |kind| -> Result<Vec<Value>, StoreError> {
        Ok(store.documents(kind)?.into_iter().filter_map(|stored| stored.document).collect())
    };
    Ok(document(list(RULE)?, list(RECEIVER)?, Some(list(INHIBITION)?)))
}

/// The document that a configuration is: what is stored and compared, with text where text is expected.
#[must_use]
pub fn document_of(config: &Config, has_inhibitions: bool) -> Value {
    let rules = config.rules.iter().map(Rule::document).collect();
    let receivers =
        config.receivers.iter().map(|receiver| to_document(&receiver.node, RECEIVER_FIELDS)).collect();
    document(rules, receivers, has_inhibitions.then(|| config.inhibition_documents.clone()))
}

/// A configuration document of its sections. They are moved; `json!` would copy thousands of rules.
#[must_use]
pub fn document(rules: Vec<Value>, receivers: Vec<Value>, inhibit: Option<Vec<Value>>) -> Value {
    let sections = [("rules", Some(rules)), ("receivers", Some(receivers)), ("inhibit", inhibit)];
    let written = sections.into_iter().filter_map(|(name, items)| Some((name.to_owned(), items?.into())));
    Value::Object(written.collect())
}

/// Pasts that are being counted in the background, whether somebody waits for them or not.
#[derive(Debug)]
pub struct CountingPast(tokio::task::JoinHandle<Result<(), StoreError>>);

impl CountingPast {
    fn start(app: &Arc<App>, pasts: Vec<Past>, now_ms: i64) -> Self {
        let app = Arc::clone(app);
        let work = blocking(move || past::settle(&app, pasts, now_ms));
        Self(tokio::spawn(async move { work.await.unwrap_or_else(broke_off) }))
    }

    /// Comes when all are counted.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn done(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or_else(broke_off)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `unwrap_or_else` hands over")]
pub(crate) fn broke_off<T>(panic: tokio::task::JoinError) -> Result<T, StoreError> {
    Err(StoreError::Database { detail: format!("the change was aborted: {panic}") })
}

/// Puts what is stored in force: at start-up and after each change. What cannot be read is set aside; what comes back
/// is still being counted.
///
/// # Errors
/// Failures of the store.
pub async fn reload(app: &Arc<App>) -> Result<CountingPast, StoreError> {
    // Read again, with the versions that were stored just now.
    let Stored { config, set_aside } = stored::read(&app.store)?;
    app.set_aside.replace(&[RULE, RECEIVER, INHIBITION], set_aside);
    app.engine().configure(config.routes, config.inhibitions);
    app.deliveries.reconcile(app, &config.receivers);
    let (now_ms, rules) = (app.now_ms(), config.rules);
    let shared = Arc::clone(app);
    let pasts = blocking(move || Ok(put_in_force(&shared, rules, now_ms))).await.unwrap_or_else(broke_off)?;
    Ok(CountingPast::start(app, pasts, now_ms))
}

/// A rule that is new, or has a new version.
struct Fresh {
    rule: Arc<Rule>,
    /// From when on it needs its measure.
    needed_from_ms: i64,
    /// No window is kept in history that ended later.
    judged_until_ms: i64,
}

fn put_in_force(app: &Arc<App>, rules: Vec<Rule>, now_ms: i64) -> Vec<Past> {
    // Nothing is evaluated until it is known who waits for a past; the engine itself stays free for questions.
    let in_order = locked(&app.turns);
    let mut engine = app.engine();
    let before = versions(&engine);
    let kept_before = kept(&engine);
    let changes: Changes = engine.set_rules(rules, now_ms);
    let stale: Vec<(Arc<str>, u32)> = before.difference(&versions(&engine)).cloned().collect();
    let fresh: Vec<Fresh> = engine
        .rules()
        .filter(|(rule, _)| !before.contains(&(rule.id.clone(), rule.version)))
        .map(|(rule, _)| Fresh {
            needed_from_ms: engine.needed_from_ms(&rule.id).unwrap_or(now_ms),
            judged_until_ms: engine.judged_until_ms(&rule.id).unwrap_or(now_ms).max(now_ms),
            rule: rule.clone(),
        })
        .collect();
    let kept_anew: Vec<_> = kept(&engine).difference(&kept_before).copied().collect();
    drop(engine);
    if app.watch.is_there() && !kept_anew.is_empty() {
        forget(app, kept_anew);
    }
    let pasts = measure(app, &stale, &fresh, now_ms);
    let waiting = app.counting.measures().waiting();
    app.engine().set_waiting(&waiting);
    crate::turn::write(app, changes);
    app.alarm.ring();
    drop(in_order);
    start_prefills(app, fresh.into_iter().map(|fresh| fresh.rule), now_ms);
    pasts
}

fn versions(engine: &Engine) -> BTreeSet<(Arc<str>, u32)> {
    engine.rules().map(|(rule, _)| (rule.id.clone(), rule.version)).collect()
}

/// Of which queries, and for windows of which length, history is kept.
fn kept(engine: &Engine) -> BTreeSet<(u64, i64)> {
    let rules = engine.rules().map(|(rule, _)| rule).filter(|rule| rule.looks_back());
    rules.map(|rule| (rule.query.fingerprint(), rule.schedule.window_ms)).collect()
}

/// Forgets what an earlier rule left in history: while none looked back, nobody corrected it.
fn forget(app: &App, kept_anew: Vec<(u64, i64)>) {
    let all = TimeRange::new(i64::MIN, i64::MAX);
    let wrong = kept_anew.into_iter().map(|(query, window_ms)| (query, all, window_ms)).collect();
    if let Err(error) = app.store.forget_measured(wrong).and_then(Receipt::wait) {
        tracing::error!("what an earlier rule measured is not forgotten, and may lack late events: {error}");
    }
}

/// Ends the measures of rules that are gone or have a new version, and registers those of new ones. Returns what is
/// to be counted of their past.
fn measure(app: &App, stale: &[(Arc<str>, u32)], fresh: &[Fresh], now_ms: i64) -> Vec<Past> {
    let _gate = app.counting.closed();
    let mut measures = app.counting.measures();
    stale.iter().for_each(|(id, _)| measures.remove(id));
    let mut earliest: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for Fresh { rule, needed_from_ms, judged_until_ms: end_ms } in fresh {
        let Query::Stream(query) = &rule.query else { continue };
        if measures.add(&rule.id, query, rule.step_ms(), *needed_from_ms) {
            // Values are known from before.
            let from_ms = needed_from_ms.saturating_sub(query.over_ms());
            let known = earliest.entry(query.stream.clone()).or_insert(from_ms);
            *known = from_ms.min(*known);
        }
        if rule.looks_back() {
            measures.kept(query, rule.step_ms(), TimeRange::new(end_ms - rule.schedule.window_ms, *end_ms));
        }
    }
    let mut pasts = Vec::new();
    for (stream, from_ms) in earliest {
        let past = measures.past(&stream);
        match app.store.events_snapshot(&stream, TimeRange::new(from_ms, i64::MAX)) {
            Ok(events) => pasts.push(Past { stream, from_ms, events, measures: past }),
            Err(error) => {
                // Windows from before are counted when they are asked for.
                measures.absorb(past, now_ms);
                tracing::error!(stream = &*stream, "the past of new measures cannot be counted: {error}");
            }
        }
    }
    pasts
}

/// Prefills the history of new relative rules in the background.
fn start_prefills(app: &Arc<App>, rules: impl Iterator<Item = Arc<Rule>>, now_ms: i64) {
    let relative: Vec<Arc<Rule>> = rules
        .filter(|rule| rule.status == Status::Active && rule.detector.bases().is_some())
        .filter(|rule| matches!(rule.query, Query::Stream(_)))
        .collect();
    for rule in &relative {
        locked(&app.prefills).insert(rule.id.clone(), Prefill::default());
    }
    if relative.is_empty() {
        return;
    }
    let app = Arc::clone(app);
    let prefill = move || {
        for rule in relative {
            if app.alarm.is_stopping() {
                return;
            }
            if let Err(error) = past::prefill(&app, &rule, now_ms) {
                tracing::warn!(
                    rule = &*rule.id,
                    "history is not prefilled: {error}; it is counted when needed"
                );
            }
            if let Some(progress) = locked(&app.prefills).get_mut(&rule.id) {
                progress.finished = true;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("prefill".to_owned()).spawn(prefill) {
        tracing::warn!("history is not prefilled: {error}; it is counted when needed");
    }
}

/// The configuration that is stored, without what cannot be read.
///
/// # Errors
/// Failures of the store.
pub fn stored_config(store: &Store) -> Result<Config, StoreError> {
    stored::read(store).map(|stored| stored.config)
}
