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
use lanner_engine::config::ReceiverDocument;
use lanner_engine::document::{Content, Key, Node, Problem, Problems};
use lanner_engine::rule::{Query, Status};
use lanner_engine::{Config, Engine, Rule};
use lanner_io::receiver::ReceiverConfig;
use lanner_io::store::{DocumentChange, Store, StoreError};
use serde_json::Value;

use crate::app::{App, Prefill, locked};
use crate::blocking::blocking;
use crate::past::{self, Past};

/// The kind of documents that rules are.
pub const RULE: &str = "rule";
/// The kind of documents that receivers are.
pub const RECEIVER: &str = "receiver";
/// The kind of documents that inhibitions are.
pub const INHIBITION: &str = "inhibition";

/// What an application of a configuration changed, by rule id.
#[derive(Debug, Default, PartialEq)]
pub struct Applied {
    /// New rules.
    pub created: Vec<String>,
    /// Rules with a new version.
    pub changed: Vec<String>,
    /// Rules that were as written already.
    pub unchanged: Vec<String>,
    /// Rules that are gone.
    pub deleted: Vec<String>,
}

/// Why a configuration was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Something in it is wrong; nothing was changed.
    #[error("{0}")]
    Problems(Problems),
    /// It could not be written.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How a configuration is applied.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// Who applies it.
    pub actor: String,
    /// Why, for the history.
    pub message: String,
    /// Whether rules that are not in it are deleted: all of them, or those of one actor.
    pub prune: Prune,
    /// Whether nothing is changed, only said what would be.
    pub dry_run: bool,
}

/// Which rules that are not in a configuration are deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prune {
    /// None.
    #[default]
    Nothing,
    /// Those that the same actor wrote last.
    Own,
    /// All.
    All,
}

/// Checks receivers' own fields, which the engine does not know.
#[must_use]
pub fn check_receivers(receivers: &[ReceiverDocument]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for receiver in receivers {
        for problem in ReceiverConfig::from_value(&receiver.config).err().unwrap_or_default() {
            let dot = if problem.field.is_empty() { "" } else { "." };
            let path = format!("receivers.{}{dot}{}", receiver.name, problem.field);
            problems.push(Problem { at: receiver.at, path, message: problem.message, hint: None });
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

/// A configuration document of its sections. They are moved; `json!` would copy thousands of rules.
#[must_use]
pub fn document(rules: Vec<Value>, receivers: Vec<Value>, inhibit: Option<Vec<Value>>) -> Value {
    let sections = [("rules", Some(rules)), ("receivers", Some(receivers)), ("inhibit", inhibit)];
    let written = sections.into_iter().filter_map(|(name, items)| Some((name.to_owned(), items?.into())));
    Value::Object(written.collect())
}

/// The items of one section of a configuration document.
fn section<'d>(document: &'d Value, name: &str) -> &'d [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn name_of<'d>(item: &'d Value, key: &str) -> &'d str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Joins a configuration with what is stored: items of the same name are replaced.
fn joined(stored: &Value, document: &Value, deleted: &[String]) -> Node {
    let join = |name: &str, key: &str| -> Vec<Node> {
        let new = section(document, name);
        let mut gone: BTreeSet<&str> = new.iter().map(|item| name_of(item, key)).collect();
        if name == "rules" {
            gone.extend(deleted.iter().map(String::as_str));
        }
        let kept = section(stored, name).iter().filter(|item| !gone.contains(name_of(item, key)));
        kept.chain(new).map(Node::from_json).collect()
    };
    let inhibit = document.get("inhibit").or_else(|| stored.get("inhibit"));
    let sections = [
        ("rules", Content::List(join("rules", "id"))),
        ("receivers", Content::List(join("receivers", "name"))),
        ("inhibit", inhibit.map_or(Content::Null, |inhibit| Node::from_json(inhibit).content)),
    ];
    let entry = |(name, content): (&str, Content)| {
        (Key { at: None, name: name.to_owned() }, Node { at: None, content })
    };
    Node { at: None, content: Content::Map(sections.map(entry).into()) }
}

/// Checks a configuration document against what is stored, and makes it take effect.
///
/// # Errors
/// Every problem in it; then nothing is changed. Failures of the store.
pub async fn apply(app: &Arc<App>, document: &Value, options: &ApplyOptions) -> Result<Applied, ApplyError> {
    let one_at_a_time = app.changing_rules.lock().await;
    check_alone(document)?;
    let stored = stored_document(&app.store)?;
    let deleted = to_delete(app, document, options)?;
    let config = check_whole(&joined(&stored, document, &deleted))?;
    let applied = compare(&stored, document, deleted);
    if options.dry_run {
        return Ok(applied);
    }
    drop(stored);
    save(app, document, &applied.deleted, options).await?;
    let counting = reload(app, config).await?;
    drop(one_at_a_time);
    counting.done().await?;
    Ok(applied)
}

/// The problems of a configuration document whatever else is stored.
fn check_alone(document: &Value) -> Result<(), ApplyError> {
    let mut config = Config::default();
    let mut problems = config.read(&Node::from_json(document));
    problems.extend(check_receivers(&config.receivers));
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(Problems(problems))) }
}

/// The configuration that a whole document describes, or its problems.
fn check_whole(document: &Node) -> Result<Config, ApplyError> {
    let mut config = Config::default();
    let mut problems = config.read(document);
    problems.extend(config.cross_check());
    if problems.is_empty() { Ok(config) } else { Err(ApplyError::Problems(Problems(problems))) }
}

fn to_delete(app: &App, document: &Value, options: &ApplyOptions) -> Result<Vec<String>, StoreError> {
    let kept: BTreeSet<&str> = section(document, "rules").iter().map(|rule| name_of(rule, "id")).collect();
    let goes = |actor: &str| match options.prune {
        Prune::Nothing => false,
        Prune::Own => actor == options.actor,
        Prune::All => true,
    };
    let rules = app.store.rules()?;
    Ok(rules
        .into_iter()
        .filter(|rule| goes(&rule.actor) && !kept.contains(&*rule.id))
        .map(|rule| rule.id)
        .collect())
}

fn compare(stored: &Value, document: &Value, deleted: Vec<String>) -> Applied {
    let mut applied = Applied { deleted, ..Applied::default() };
    let before: BTreeMap<&str, &Value> =
        section(stored, "rules").iter().map(|rule| (name_of(rule, "id"), rule)).collect();
    for rule in section(document, "rules") {
        let id = name_of(rule, "id").to_owned();
        match before.get(id.as_str()) {
            None => applied.created.push(id),
            Some(other) if *other == rule => applied.unchanged.push(id),
            Some(_) => applied.changed.push(id),
        }
    }
    applied
}

async fn save(
    app: &App,
    document: &Value,
    deleted: &[String],
    options: &ApplyOptions,
) -> Result<(), StoreError> {
    let now_ms = app.now_ms();
    let changes = |section_name: &str, key: &str| -> Vec<DocumentChange> {
        let change =
            |item: &Value| DocumentChange { id: name_of(item, key).to_owned(), document: Some(item.clone()) };
        section(document, section_name).iter().map(change).collect()
    };
    let ApplyOptions { actor, message, .. } = options;
    let receivers = changes("receivers", "name");
    if !receivers.is_empty() {
        app.store.save_documents(RECEIVER, actor, message, now_ms, receivers)?.await?;
    }
    if document.get("inhibit").is_some() {
        // Inhibitions have no names; they are replaced as a whole.
        let stored = app.store.documents(INHIBITION)?;
        let new = section(document, "inhibit");
        let gone = stored.iter().skip(new.len());
        let mut all: Vec<DocumentChange> = new
            .iter()
            .enumerate()
            .map(|(at, item)| DocumentChange { id: format!("{at:04}"), document: Some(item.clone()) })
            .collect();
        all.extend(gone.map(|old| DocumentChange { id: old.id.clone(), document: None }));
        app.store.save_documents(INHIBITION, actor, message, now_ms, all)?.await?;
    }
    let mut rules = changes("rules", "id");
    rules.extend(deleted.iter().map(|id| DocumentChange { id: id.clone(), document: None }));
    app.store.save_documents(RULE, actor, message, now_ms, rules)?.await?;
    Ok(())
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

fn broke_off<T>(panic: tokio::task::JoinError) -> Result<T, StoreError> {
    Err(StoreError::Database { detail: format!("registration broke off: {panic}") })
}

/// Puts what is stored in force: at start-up and after each change. What comes back is still being counted.
///
/// # Errors
/// Failures of the store.
pub async fn reload(app: &Arc<App>, mut config: Config) -> Result<CountingPast, StoreError> {
    // Read again with their versions; thousands of them twice would take much room.
    config.rules = Vec::new();
    let mut rules = Vec::new();
    for stored in app.store.rules()? {
        let Some(document) = &stored.document else { continue };
        match Rule::from_json(document, stored.version) {
            Ok(rule) => rules.push(rule),
            // Refused when saved; only an older release can have written it.
            Err(problems) => tracing::error!(rule = stored.id, "the stored rule is left out: {problems}"),
        }
    }
    app.engine().configure(config.routes, config.inhibitions);
    app.deliveries.reconcile(&config.receivers);
    let now_ms = app.now_ms();
    let shared = Arc::clone(app);
    let pasts = blocking(move || Ok(put_in_force(&shared, rules, now_ms))).await.unwrap_or_else(broke_off)?;
    Ok(CountingPast::start(app, pasts, now_ms))
}

fn put_in_force(app: &Arc<App>, rules: Vec<Rule>, now_ms: i64) -> Vec<Past> {
    // Nothing is evaluated until it is known who waits for a past; the engine itself stays free for questions.
    let in_order = locked(&app.turns);
    let mut engine = app.engine();
    let before = versions(&engine);
    let changes: Changes = engine.set_rules(rules, now_ms);
    let stale: Vec<(Arc<str>, u32)> = before.difference(&versions(&engine)).cloned().collect();
    let fresh: Vec<(Arc<Rule>, i64)> = engine
        .rules()
        .filter(|(rule, _)| !before.contains(&(rule.id.clone(), rule.version)))
        .map(|(rule, _)| (rule.clone(), engine.needed_from_ms(&rule.id).unwrap_or(now_ms)))
        .collect();
    drop(engine);
    let pasts = measure(app, &stale, &fresh, now_ms);
    let waiting = app.counting.measures().waiting();
    app.engine().set_waiting(&waiting);
    crate::turn::write(app, &changes);
    app.alarm.ring();
    drop(in_order);
    start_prefills(app, fresh.into_iter().map(|(rule, _)| rule), now_ms);
    pasts
}

fn versions(engine: &Engine) -> BTreeSet<(Arc<str>, u32)> {
    engine.rules().map(|(rule, _)| (rule.id.clone(), rule.version)).collect()
}

/// Ends the measures of rules that are gone or have a new version, and registers those of new ones. Returns what is
/// to be counted of their past.
fn measure(app: &App, stale: &[(Arc<str>, u32)], fresh: &[(Arc<Rule>, i64)], now_ms: i64) -> Vec<Past> {
    let _gate = app.counting.closed();
    let mut measures = app.counting.measures();
    stale.iter().for_each(|(id, _)| measures.remove(id));
    let mut earliest: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for (rule, needed_from_ms) in fresh {
        if let Query::Stream(query) = &rule.query
            && measures.add(&rule.id, query, rule.step_ms(), *needed_from_ms)
        {
            let known = earliest.entry(query.stream.clone()).or_insert(*needed_from_ms);
            *known = (*needed_from_ms).min(*known);
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

/// Deletes one rule.
///
/// # Errors
/// Failures of the store.
pub async fn delete(app: &Arc<App>, id: &str, actor: &str) -> Result<(), StoreError> {
    let _one_at_a_time = app.changing_rules.lock().await;
    let gone = vec![DocumentChange { id: id.to_owned(), document: None }];
    app.store.save_documents(RULE, actor, "deleted", app.now_ms(), gone)?.await?;
    let config = stored_config(&app.store)?;
    reload(app, config).await.map(drop)
}

/// The configuration that is stored. What an older release wrote and this one refuses is left out.
///
/// # Errors
/// Failures of the store.
pub fn stored_config(store: &Store) -> Result<Config, StoreError> {
    let mut config = Config::default();
    for problem in config.read(&Node::from_json(&stored_document(store)?)) {
        tracing::error!("stored configuration: {problem}");
    }
    Ok(config)
}
