//! A configuration is applied: checked as a whole, compared with what is stored, written at once, put in force.
//!
//! Nothing is written unless all of it can be read back and put in force: rules, receivers, inhibitions, switches and
//! silences alike. What is stored is what the reader makes of a document, so that check, store and start mean the same.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lanner_core::{Node, Problem, Problems, Silence};
use lanner_engine::Config;
use lanner_io::store::{DocumentBatch, DocumentChange, StoreError, StoredDocument};
use serde_json::Value;

use crate::app::App;
use crate::documents::{
    Applied, ApplyError, ApplyOptions, CONFIGURATION, INHIBITION, Outcome, Prune, RECEIVER, RULE, Sections,
};
use crate::notify::receivers::check_receivers;
use crate::rules::document::document_of;
use crate::rules::register::{Touched, follow};
use crate::silences;
use crate::switches::save::{self, PlannedSwitches};
use crate::switches::{Lock, cause};

/// The sections whose parts depend on one another.
const JOINED: [&str; 4] = ["rules", "receivers", "inhibit", "time_intervals"];

/// Checks a configuration document against what is stored, and makes it take effect. Sections that it does not have
/// stay as they are, unless they are pruned.
///
/// # Errors
/// Every problem in it; then nothing is changed. Failures of the store.
pub async fn apply(app: &Arc<App>, document: &Value, options: &ApplyOptions) -> Result<Outcome, ApplyError> {
    let rules_lock = app.changing_rules.lock().await;
    let now_ms = app.now_ms();
    check_powers(app, document, &options.actor)?;
    let Plan { outcome, batches, silences, switches_lock } = plan(app, document, options, now_ms).await?;
    if options.dry_run {
        return Ok(outcome);
    }
    let touches = |kind: &str| batches.iter().any(|batch| batch.kind == kind);
    let (switches, rules) =
        (touches(crate::switches::SWITCH), [RULE, RECEIVER, INHIBITION].into_iter().any(touches));
    let has_silences = !silences.is_empty();
    let touched = Touched {
        rules: outcome.rules.touched().cloned().collect(),
        receivers: [&outcome.receivers, &outcome.inhibitions]
            .into_iter()
            .any(|it| it.touched().next().is_some()),
    };
    app.store.save_batches(&options.actor, &options.cause, now_ms, batches, silences)?.await?;
    // Switches first: they are what somebody may wait for.
    if switches {
        app.switches.reload(&app.store, &app.set_aside, now_ms)?;
    }
    if has_silences {
        silences::put_in_force(app)?;
    }
    drop(switches_lock);
    if rules {
        let counting = follow(app, touched).await?;
        drop(rules_lock);
        counting.done().await?;
    }
    Ok(outcome)
}

/// What is to be written, and what that makes of everything.
#[derive(Default)]
struct Plan {
    outcome: Outcome,
    batches: Vec<DocumentBatch>,
    silences: Vec<Silence>,
    /// Held from when changes of switches are planned until they are in force.
    switches_lock: Option<Lock>,
}

/// Plans all of it, so that every problem is told at once.
async fn plan(
    app: &Arc<App>,
    document: &Value,
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<Plan, ApplyError> {
    let (mut plan, mut problems) = (Plan::default(), Vec::new());
    let is_pruned = options.prune.may_take(|sections| sections.rules || sections.receivers);
    if is_pruned || JOINED.iter().any(|name| document.get(name).is_some()) {
        match plan_joined(app, document, options, &mut plan) {
            Err(ApplyError::Problems(Problems(found))) => problems.extend(found),
            planned => planned?,
        }
    }
    if let Some(switches) = written(document, "switches", options, |sections| sections.switches) {
        // Not before, and only where switches may change: nobody who throws one waits for rules.
        plan.switches_lock = Some(app.switches.lock().await);
        match save::plan(app, switches, options, now_ms).await {
            Ok(PlannedSwitches { applied, batch }) => {
                plan.outcome.switches = applied;
                plan.batches.push(batch);
            }
            Err(ApplyError::Problems(Problems(found))) => problems.extend(found),
            Err(error) => return Err(error),
        }
    }
    if let Some(silences) = written(document, "silences", options, |sections| sections.silences) {
        let silences = with_intervals(document, silences);
        match silences::plan(&app.store.silences()?, &silences, options, now_ms) {
            Ok((applied, silences)) => {
                plan.outcome.silences = applied;
                plan.silences = silences;
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(ApplyError::Problems(Problems(problems))) }
}

/// The items of a section that stands in the document, or is to be pruned.
fn written(
    document: &Value,
    name: &str,
    options: &ApplyOptions,
    section: fn(Sections) -> bool,
) -> Option<Vec<Value>> {
    let items = document.get(name).and_then(Value::as_array).cloned();
    items.or_else(|| options.prune.may_take(section).then(Vec::new))
}

/// Silences with the time intervals that the document describes in the place of their names.
fn with_intervals(document: &Value, silences: Vec<Value>) -> Vec<Value> {
    let Some(intervals) = document.get("time_intervals") else { return silences };
    let mut config = Config::default();
    // Problems of the intervals are told with the receivers, and a name that stays is one of the silence.
    config.read(&Node::from_json(&serde_json::json!({ "time_intervals": intervals, "silences": silences })));
    config.silences.iter().map(silences::document).collect()
}

/// Rules, receivers and inhibitions, which depend on one another.
fn plan_joined(
    app: &App,
    document: &Value,
    options: &ApplyOptions,
    plan: &mut Plan,
) -> Result<(), ApplyError> {
    let receivers = app.store.documents(RECEIVER)?;
    let document = check(&receivers, document)?;
    let stored = Stored {
        rules: stored_rules(app, &document, options)?,
        receivers,
        inhibitions: app.store.documents(INHIBITION)?,
    };
    let rules = compare(&stored.rules, section(&document, "rules"), "id", |stored| {
        options.prune.takes(|sections| sections.rules, cause::of(stored) == options.cause)
    });
    let mut receivers = compare(&stored.receivers, section(&document, "receivers"), "name", |stored| {
        options.prune.takes(|sections| sections.receivers, cause::of(stored) == options.cause)
    });
    stored.check_gone(&document, &rules.deleted, &mut receivers.deleted, options.prune)?;
    let own = |stored: &StoredDocument| options.prune == Prune::Own && cause::of(stored) == options.cause;
    let inhibitions = match document.get("inhibit").and_then(Value::as_array) {
        Some(new) => Some(new.clone()),
        None if stored.inhibitions.iter().any(own) => {
            let others = stored.inhibitions.iter().filter(|stored| !own(stored));
            Some(others.filter_map(|stored| stored.document.clone()).collect())
        }
        None => None,
    };
    let batch = |kind: &str, changes| DocumentBatch {
        kind: kind.to_owned(),
        message: options.message.clone(),
        changes,
    };
    plan.batches.push(batch(RECEIVER, changes(section(&document, "receivers"), "name", &receivers.deleted)));
    if let Some(new) = &inhibitions {
        plan.outcome.inhibitions = compare_unnamed(&stored.inhibitions, new);
        plan.batches.push(batch(INHIBITION, unnamed(&stored.inhibitions, new)));
    }
    plan.batches.push(batch(RULE, changes(section(&document, "rules"), "id", &rules.deleted)));
    plan.outcome.rules = rules;
    plan.outcome.receivers = receivers;
    Ok(())
}

/// The stored rules that matter: those that the document names, or all where others may go or are spoken of.
fn stored_rules(
    app: &App,
    document: &Value,
    options: &ApplyOptions,
) -> Result<Vec<StoredDocument>, StoreError> {
    if options.dry_run || options.prune.may_take(|sections| sections.rules || sections.receivers) {
        return app.store.documents(RULE);
    }
    app.store.documents_of(RULE, section(document, "rules").iter().map(|rule| name_of(rule, "id")))
}

/// What is stored of the sections that depend on one another.
struct Stored {
    rules: Vec<StoredDocument>,
    receivers: Vec<StoredDocument>,
    inhibitions: Vec<StoredDocument>,
}

impl Stored {
    /// Refuses that receivers go which rules name that stay; where a configuration drops only its own, they stay too.
    fn check_gone(
        &self,
        document: &Value,
        rules_gone: &[String],
        receivers_gone: &mut Vec<String>,
        prune: Prune,
    ) -> Result<(), ApplyError> {
        if receivers_gone.is_empty() {
            return Ok(());
        }
        let mut replaced: HashSet<&str> = rules_gone.iter().map(String::as_str).collect();
        replaced.extend(section(document, "rules").iter().map(|rule| name_of(rule, "id")));
        let stays = |stored: &&StoredDocument| !replaced.contains(&*stored.id);
        let stored = self.rules.iter().filter(stays).filter_map(|stored| stored.document.as_ref());
        let mut named: BTreeMap<&str, &str> = BTreeMap::new();
        for rule in stored.chain(section(document, "rules")) {
            named.extend(receivers_of(rule).map(|receiver| (receiver, name_of(rule, "id"))));
        }
        let mut problems = Vec::new();
        receivers_gone.retain(|receiver| {
            let Some(rule) = named.get(receiver.as_str()) else { return true };
            if prune == Prune::Own {
                tracing::warn!(
                    receiver,
                    rule,
                    "is no longer in the configuration, and is kept because a rule names it"
                );
            } else {
                let message = format!("names the receiver \"{receiver}\", which would be deleted");
                let hint = Some("keep it in the files, or delete the rule as well".to_owned());
                problems.push(Problem { at: None, path: format!("rules.{rule}.receivers"), message, hint });
            }
            false
        });
        if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(Problems(problems))) }
    }
}

/// The receivers that a stored rule names; one alone may stand without a list.
fn receivers_of(rule: &Value) -> impl Iterator<Item = &str> {
    let names = rule.get("receivers");
    let names = names.map(|names| names.as_array().map_or(std::slice::from_ref(names), Vec::as_slice));
    names.unwrap_or_default().iter().filter_map(Value::as_str)
}

/// The items of one section of a configuration document.
fn section<'d>(document: &'d Value, name: &str) -> &'d [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn name_of<'d>(item: &'d Value, key: &str) -> &'d str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The document as it will be stored, if there is nothing wrong with it beside what is stored, and it reads back to the
/// same. Every problem at once.
fn check(receivers: &[StoredDocument], document: &Value) -> Result<Value, ApplyError> {
    let known = receivers.iter().map(|stored| &*stored.id);
    let known: HashSet<&str> = known.collect();
    let read = |document: &Value| {
        let mut config = Config::default();
        let mut problems = config.read(&Node::from_json(document));
        problems.extend(check_receivers(&config.receivers));
        problems.extend(config.cross_check_with(&known));
        let sections = document_of(&config, document.get("inhibit").is_some());
        if problems.is_empty() { Ok(sections) } else { Err(ApplyError::Problems(Problems(problems))) }
    };
    let stored = read(&joined_sections(document))?;
    let again = serde_json::from_str(&stored.to_string()).map_err(StoreError::from)?;
    if read(&again)? == stored {
        return Ok(stored);
    }
    let message = "would not read back as written; this is a bug in Lanner, please report it".to_owned();
    Err(ApplyError::Problems(Problems(vec![Problem { at: None, path: String::new(), message, hint: None }])))
}

/// The sections that depend on one another.
fn joined_sections(document: &Value) -> Value {
    let sections = JOINED.iter().filter_map(|name| Some(((*name).to_owned(), document.get(name)?.clone())));
    Value::Object(sections.collect())
}

fn compare(
    stored: &[StoredDocument],
    written: &[Value],
    key: &str,
    goes: impl Fn(&StoredDocument) -> bool,
) -> Applied {
    let before: BTreeMap<&str, &StoredDocument> = stored.iter().map(|stored| (&*stored.id, stored)).collect();
    let mut applied = Applied::default();
    let mut kept = HashSet::new();
    for item in written {
        let id = name_of(item, key);
        kept.insert(id);
        match before.get(id) {
            None => applied.created.push(id.to_owned()),
            Some(stored) if stored.document.as_ref() == Some(item) => applied.unchanged.push(id.to_owned()),
            Some(_) => applied.changed.push(id.to_owned()),
        }
    }
    for stored in stored.iter().filter(|stored| !kept.contains(&*stored.id)) {
        let absent = if goes(stored) { &mut applied.deleted } else { &mut applied.kept };
        absent.push(stored.id.clone());
    }
    applied
}

fn changes(written: &[Value], key: &str, deleted: &[String]) -> Vec<DocumentChange> {
    let change =
        |item: &Value| DocumentChange { id: name_of(item, key).to_owned(), document: Some(item.clone()) };
    let gone = deleted.iter().map(|id| DocumentChange { id: id.clone(), document: None });
    written.iter().map(change).chain(gone).collect()
}

/// Inhibitions have no names; they are compared, and replaced, as a whole.
fn compare_unnamed(stored: &[StoredDocument], new: &[Value]) -> Applied {
    let name = |document: &Value| document.to_string();
    let before: Vec<String> = stored.iter().filter_map(|stored| stored.document.as_ref()).map(name).collect();
    let after: Vec<String> = new.iter().map(name).collect();
    let (unchanged, created) = after.iter().cloned().partition(|item| before.contains(item));
    let deleted = before.into_iter().filter(|item| !after.contains(item)).collect();
    Applied { created, changed: Vec::new(), unchanged, deleted, kept: Vec::new() }
}

fn unnamed(stored: &[StoredDocument], new: &[Value]) -> Vec<DocumentChange> {
    let ids: Vec<String> = (0..new.len()).map(|at| format!("{at:04}")).collect();
    let gone = stored.iter().filter(|stored| !ids.contains(&stored.id));
    let gone = gone.map(|old| DocumentChange { id: old.id.clone(), document: None });
    let new =
        ids.iter().zip(new).map(|(id, item)| DocumentChange { id: id.clone(), document: Some(item.clone()) });
    new.chain(gone).collect()
}

/// Refuses receivers that would do on this machine what whoever sends them may not.
fn check_powers(app: &App, document: &Value, actor: &str) -> Result<(), ApplyError> {
    let receivers = document.get("receivers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if actor == CONFIGURATION {
        return Ok(());
    }
    let problems = crate::notify::powers::check(app, receivers)?;
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(Problems(problems))) }
}

/// Deletes one rule.
///
/// # Errors
/// Failures of the store.
pub async fn delete_rule(app: &Arc<App>, id: &str, actor: &str) -> Result<(), ApplyError> {
    let rule = || Ok(Touched { rules: vec![id.to_owned()], receivers: false });
    delete(app, RULE, id, actor, rule).await
}

/// Deletes one receiver, if no rule names it.
///
/// # Errors
/// The rules that name it; failures of the store.
pub async fn delete_receiver(app: &Arc<App>, name: &str, actor: &str) -> Result<(), ApplyError> {
    let if_free = || {
        let rules = app.store.documents(RULE)?;
        let naming: Vec<&str> =
            rules.iter().filter(|stored| names(stored, name)).map(|stored| &*stored.id).collect();
        if naming.is_empty() {
            return Ok(Touched { rules: Vec::new(), receivers: true });
        }
        let shown = naming.iter().take(5).map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
        let more = if naming.len() > 5 { format!(" and {} more", naming.len() - 5) } else { String::new() };
        let message = format!("the receiver \"{name}\" is named by the rules {shown}{more}");
        let hint = Some("remove it from them, or delete them, first".to_owned());
        Err(ApplyError::Problems(Problems(vec![Problem { at: None, path: String::new(), message, hint }])))
    };
    delete(app, RECEIVER, name, actor, if_free).await
}

/// Whether a stored rule names a receiver.
fn names(stored: &StoredDocument, receiver: &str) -> bool {
    stored.document.as_ref().is_some_and(|rule| receivers_of(rule).any(|name| name == receiver))
}

async fn delete(
    app: &Arc<App>,
    kind: &str,
    id: &str,
    actor: &str,
    if_free: impl Fn() -> Result<Touched, ApplyError>,
) -> Result<(), ApplyError> {
    let _one_at_a_time = app.changing_rules.lock().await;
    let touched = if_free()?;
    let gone = vec![DocumentChange { id: id.to_owned(), document: None }];
    app.store.save_documents(kind, actor, "deleted", app.now_ms(), gone)?.await?;
    follow(app, touched).await?;
    Ok(())
}
