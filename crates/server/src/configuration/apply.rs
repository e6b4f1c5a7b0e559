//! A configuration is applied: checked as a whole, compared with what is stored, written at once, put in force.
//!
//! Nothing is written unless all of it can be read back and put in force: rules, processors, receivers, inhibitions,
//! switches and silences alike. What is stored is what the reader makes of a document, so that check, store and start mean the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use lanner_core::{Node, Problem, Problems, Silence};
use lanner_engine::Config;
use lanner_io::store::{Author, DocumentBatch};
use serde_json::Value;

use super::service::ConfigurationService;
use crate::documents::{
    Applied, ApplyError, ApplyOptions, CONFIGURATION, INHIBITION, Outcome, PROCESSOR, RECEIVER, RULE,
    Sections,
};
use crate::rules::plan::{self as rules, JOINED};
use crate::rules::register::{Touched, follow};
use crate::silences::file;
use crate::switches::enact::{Otherwise, enact};
use crate::switches::save::{self, PlannedSwitches};
use crate::switches::unwritten::Change;

/// Checks a configuration document against what is stored, and makes it take effect. Sections that it does not have
/// stay as they are, unless they are pruned.
///
/// # Errors
/// Every problem in it; then nothing is changed. Failures of the store.
pub async fn apply(
    service: &Arc<ConfigurationService>,
    document: &Value,
    options: &ApplyOptions,
) -> Result<Outcome, ApplyError> {
    let rules_lock = service.rules.changing.lock().await;
    check_powers(service, document, &options.actor)?;
    let (outcome, kinds, has_silences) = loop {
        let now_ms = service.now_ms();
        let plan = plan(service, document, options, now_ms).await?;
        if options.dry_run {
            return Ok(plan.outcome);
        }
        let (outcome, has_silences, kinds) =
            (plan.outcome.clone(), !plan.silences.is_empty(), kinds(&plan.batches));
        if write(service, plan, options, now_ms).await? {
            break (outcome, kinds, has_silences);
        }
    };
    // Before rules: what arrives from now on is stored as they are to count it.
    if kinds.contains(PROCESSOR) {
        service.processors.put_in_force().await?;
    }
    if has_silences {
        service.silences.put_in_force()?;
    }
    if [RULE, RECEIVER, INHIBITION].iter().any(|kind| kinds.contains(*kind)) {
        let touches = |applied: &Applied| applied.touched().next().is_some();
        let touched = Touched {
            rules: outcome.rules.touched().cloned().collect(),
            receivers: touches(&outcome.receivers) || touches(&outcome.inhibitions),
        };
        let counting = follow(&service.rules, touched).await?;
        drop(rules_lock);
        counting.done().await?;
    }
    Ok(outcome)
}

/// Writes what is planned; switches are in force before that. Says whether it was done: not where somebody changed one of
/// the switches since they were planned.
async fn write(
    service: &ConfigurationService,
    plan: Plan,
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<bool, ApplyError> {
    let Plan { batches, silences, switches, .. } = plan;
    let ApplyOptions { actor, cause, .. } = options;
    let Some(switches) = switches.filter(|switches| !switches.is_empty()) else {
        service.state.save_batches(actor, cause, now_ms, batches, silences)?.await?;
        return Ok(true);
    };
    let lock = service.switches.lock().await;
    if !switches.still_holds(&service.switches) {
        return Ok(false);
    }
    let author = |message| Author { actor: actor.clone(), message, cause: cause.clone(), now_ms };
    let (change, prepared) = switches.into_change(author);
    let change = Change { others: batches, silences, ..change };
    let (lock, recording) = enact(&service.switches, lock, prepared, change, Otherwise::Undone).await?;
    drop(lock);
    recording.done().await?;
    Ok(true)
}

fn kinds(batches: &[DocumentBatch]) -> BTreeSet<String> {
    batches.iter().map(|batch| batch.kind.clone()).collect()
}

/// What is to be written, and what that makes of everything.
#[derive(Default)]
struct Plan {
    outcome: Outcome,
    batches: Vec<DocumentBatch>,
    silences: Vec<Silence>,
    switches: Option<PlannedSwitches>,
}

/// Plans all of it, so that every problem is reported at once.
async fn plan(
    service: &Arc<ConfigurationService>,
    document: &Value,
    options: &ApplyOptions,
    now_ms: i64,
) -> Result<Plan, ApplyError> {
    let (mut plan, mut problems) = (Plan::default(), Vec::new());
    let is_pruned = options.prune.may_take(|sections| sections.rules || sections.receivers);
    if is_pruned || JOINED.iter().any(|name| document.get(name).is_some()) {
        let sources = service.sources.names();
        match rules::plan(&*service.state, (&sources, service.sources.streams()), document, options) {
            Ok(planned) => {
                plan.outcome.rules = planned.rules;
                plan.outcome.receivers = planned.receivers;
                plan.outcome.inhibitions = planned.inhibitions;
                plan.batches = planned.batches;
            }
            Err(ApplyError::Problems(Problems(found))) => problems.extend(found),
            Err(error) => return Err(error),
        }
    }
    if let Some(processors) = written(document, "processors", options, |sections| sections.processors) {
        problems.extend(misplaced(service, &processors));
        match service.processors.plan(&processors, options) {
            Ok((applied, batch)) => {
                plan.outcome.processors = applied;
                plan.batches.push(batch);
            }
            Err(ApplyError::Problems(Problems(found))) => problems.extend(found),
            Err(error) => return Err(error),
        }
    }
    if let Some(switches) = written(document, "switches", options, |sections| sections.switches) {
        match save::plan(&service.switches, switches, options, now_ms).await {
            Ok(planned) => {
                plan.outcome.switches = planned.applied().clone();
                plan.switches = Some(planned);
            }
            Err(ApplyError::Problems(Problems(found))) => problems.extend(found),
            Err(error) => return Err(error),
        }
    }
    if let Some(silences) = written(document, "silences", options, |sections| sections.silences) {
        let silences = with_intervals(document, silences);
        match file::plan(&service.state.silences()?, &silences, options, now_ms) {
            Ok((applied, silences)) => {
                plan.outcome.silences = applied;
                plan.silences = silences;
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(ApplyError::Problems(Problems(problems))) }
}

/// Processors of streams whose events lie elsewhere, and never come here.
fn misplaced(service: &ConfigurationService, processors: &[Value]) -> Vec<Problem> {
    let mut config = Config::default();
    // What is wrong with them is told with what they would change.
    config.read(&Node::from_json(&serde_json::json!({ "processors": processors })));
    config.misplaced(service.sources.streams())
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
    config.silences.iter().map(file::document).collect()
}

/// Refuses receivers that would do on this machine what whoever sends them may not.
fn check_powers(service: &ConfigurationService, document: &Value, actor: &str) -> Result<(), ApplyError> {
    let receivers = document.get("receivers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if actor == CONFIGURATION {
        return Ok(());
    }
    let problems = service.rules.delivery.powers.check(receivers)?;
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(Problems(problems))) }
}
