//! New rules: saved, tracked by the engine, their measures registered, their past counted.
//!
//! A rule is in force as soon as it is saved. The past of a new measure (the part of the current window that
//! went by before) is counted from stored events before the call returns, off to the side: its rules are not due
//! until then, and nobody else waits. The history that a relative rule compares with is prefilled in the
//! background, with visible progress. Until then what is missing is counted when it is asked for, so results do
//! not depend on how far the prefill is.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lanner_core::TimeRange;
use lanner_engine::engine::RuleChanges;
use lanner_engine::rule::Status;
use lanner_engine::{Config, Engine, Rule};
use lanner_io::store::StoreError;

use super::past::{self, Past};
use super::prefill;
use super::service::{Prefill, RuleService};
use super::stored;
use crate::documents::{Aside, INHIBITION, RECEIVER, RULE, broke_off};
use crate::evaluate::cycle;
use crate::http::blocking;
use crate::sync::locked;

/// Pasts that are being counted in the background, whether somebody waits for them or not.
#[derive(Debug)]
pub(crate) struct CountingPast(tokio::task::JoinHandle<Result<(), StoreError>>);

impl CountingPast {
    fn start(service: &Arc<RuleService>, pasts: Vec<Past>, now_ms: i64) -> Self {
        Self(tokio::spawn(past::settle(Arc::clone(service), pasts, now_ms)))
    }

    /// Comes when all are counted.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn done(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or_else(broke_off)
    }
}

/// What was stored just now and is to be in force.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// The ids of rules that were made, changed or deleted.
    pub rules: Vec<String>,
    /// Whether there was one of receivers or inhibitions.
    pub receivers: bool,
}

/// Puts all that is stored in force, at start-up. What cannot be read is set aside; what comes back is still being
/// counted.
///
/// # Errors
/// Failures of the store.
pub(crate) async fn reload(service: &Arc<RuleService>) -> Result<CountingPast, StoreError> {
    let stored = stored::read(&*service.state, service.evaluation.sources.streams())?;
    put_receivers_in_force(service, &[RULE, RECEIVER, INHIBITION], stored.set_aside, &stored.config);
    let rules = stored.config.rules;
    put_rules_in_force(service, move |engine, now_ms| engine.replace_rules(rules, now_ms)).await
}

/// As [`reload`], after a change: costs what the change costs, however much else is stored.
///
/// # Errors
/// Failures of the store; the next change then reads everything again.
pub(crate) async fn follow(service: &Arc<RuleService>, touched: Touched) -> Result<CountingPast, StoreError> {
    let is_behind = service.is_behind.swap(true, Ordering::Relaxed);
    let counting = if is_behind { reload(service).await? } else { follow_only(service, touched).await? };
    service.is_behind.store(false, Ordering::Relaxed);
    Ok(counting)
}

async fn follow_only(service: &Arc<RuleService>, touched: Touched) -> Result<CountingPast, StoreError> {
    if touched.receivers {
        let stored = stored::read_receivers(&*service.state)?;
        put_receivers_in_force(service, &[RECEIVER, INHIBITION], stored.set_aside, &stored.config);
    }
    // Read again, with the versions that were stored just now.
    let ids = || touched.rules.iter().map(String::as_str);
    let stored = stored::read_rules(&*service.state, ids(), service.evaluation.sources.streams())?;
    service.set_aside.replace_some(RULE, ids(), stored.set_aside);
    let rules = stored.config.rules;
    let named: HashSet<&str> = rules.iter().map(|rule| &*rule.id).collect();
    let gone: Vec<Arc<str>> = ids().filter(|id| !named.contains(id)).map(Arc::from).collect();
    put_rules_in_force(service, move |engine, now_ms| engine.change_rules(rules, gone, now_ms)).await
}

fn put_receivers_in_force(service: &RuleService, kinds: &[&str], set_aside: Aside, config: &Config) {
    service.set_aside.replace(kinds, set_aside);
    service.evaluation.engine().configure(config.routes.clone(), config.inhibitions.clone());
    service.delivery.outgoing.set_routes(&config.routes);
    service.delivery.reconcile(&config.receivers);
}

/// Has rules changed, and their measures with them.
async fn put_rules_in_force(
    service: &Arc<RuleService>,
    change: impl FnOnce(&mut Engine, i64) -> RuleChanges + Send + 'static,
) -> Result<CountingPast, StoreError> {
    let (shared, now_ms) = (Arc::clone(service), service.now_ms());
    let work = blocking(move || Ok(put_in_force(&shared, change, now_ms)));
    let pasts = work.await.unwrap_or_else(broke_off)?;
    Ok(CountingPast::start(service, pasts, now_ms))
}

/// A rule that is new, or has a new version.
struct Fresh {
    rule: Arc<Rule>,
    /// From when on it needs its measure.
    needed_from_ms: i64,
    /// No window is kept in history that ended later.
    judged_until_ms: i64,
}

fn put_in_force(
    service: &Arc<RuleService>,
    change: impl FnOnce(&mut Engine, i64) -> RuleChanges,
    now_ms: i64,
) -> Vec<Past> {
    // Nothing is evaluated until it is known who waits for a past; the engine itself stays free for questions.
    let in_order = locked(&service.evaluation.turns);
    let mut engine = service.evaluation.engine();
    let RuleChanges { changes, stale, fresh } = change(&mut engine, now_ms);
    let kept_anew = kept_anew(&engine, &stale, &fresh);
    let fresh = fresh.into_iter().map(|rule| Fresh {
        needed_from_ms: engine.needed_from_ms(&rule.id).unwrap_or(now_ms),
        judged_until_ms: engine.judged_until_ms(&rule.id).unwrap_or(now_ms).max(now_ms),
        rule,
    });
    let fresh: Vec<Fresh> = fresh.collect();
    drop(engine);
    if service.evaluation.watch.is_there() && !kept_anew.is_empty() {
        forget(service, kept_anew);
    }
    let pasts = measure(service, &stale, &fresh, now_ms);
    let waiting = service.intake.counting.waiting();
    service.evaluation.engine().set_waiting(waiting);
    cycle::write(&service.evaluation, changes);
    service.evaluation.wakeup.ring();
    drop(in_order);
    start_prefills(service, fresh.into_iter().map(|fresh| fresh.rule), now_ms);
    pasts
}

/// Of which queries, and for windows of which length, history is kept from now on and was not before.
fn kept_anew(engine: &Engine, stale: &[Arc<Rule>], fresh: &[Arc<Rule>]) -> Vec<(u64, i64)> {
    let keys = |rule: &'_ Arc<Rule>| {
        let window_ms = rule.schedule.window_ms;
        rule.query.streams().iter().map(move |query| (query.fingerprint, window_ms)).collect::<Vec<_>>()
    };
    let mut anew: HashSet<(u64, i64)> =
        fresh.iter().filter(|rule| rule.looks_back()).flat_map(keys).collect();
    if anew.is_empty() {
        return Vec::new();
    }
    let new: HashSet<&Arc<str>> = fresh.iter().map(|rule| &rule.id).collect();
    let others = engine.rules().map(|(rule, _)| rule).filter(|rule| rule.looks_back());
    for rule in
        others.filter(|rule| !new.contains(&rule.id)).chain(stale.iter().filter(|rule| rule.looks_back()))
    {
        keys(rule).iter().for_each(|key| _ = anew.remove(key));
    }
    anew.into_iter().collect()
}

/// Forgets what an earlier rule left in history: while none looked back, nobody corrected it.
fn forget(service: &RuleService, kept_anew: Vec<(u64, i64)>) {
    let all = TimeRange::new(i64::MIN, i64::MAX);
    let wrong: Vec<_> = kept_anew.into_iter().map(|(query, window_ms)| (query, all, window_ms)).collect();
    if let Err(error) = service.state.forget_measured(&wrong) {
        tracing::error!("what an earlier rule measured is not forgotten, and may lack late events: {error}");
    }
}

/// Ends the measures of rules that are gone or have a new version, and registers those of new ones. Returns what is
/// to be counted of their past.
fn measure(service: &RuleService, stale: &[Arc<Rule>], fresh: &[Fresh], now_ms: i64) -> Vec<Past> {
    let counting = &service.intake.counting;
    let _gate = counting.closed();
    for rule in stale {
        for query in rule.query.streams() {
            locked(&counting.of(&query.stream)).remove(&rule.id, query, rule.step_ms());
        }
    }
    let mut earliest: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    let queries =
        fresh.iter().flat_map(|fresh| fresh.rule.query.streams().iter().map(move |query| (fresh, query)));
    for (Fresh { rule, needed_from_ms, judged_until_ms: end_ms }, query) in queries {
        let measures = counting.entry(&query.stream);
        let mut measures = locked(&measures);
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
    counting.tidy();
    let wanted: Vec<_> =
        earliest.iter().map(|(stream, from_ms)| (&**stream, TimeRange::new(*from_ms, i64::MAX))).collect();
    let snapshots = service.data.events_snapshots(&wanted);
    let past = |(stream, from_ms): (Arc<str>, i64)| (locked(&counting.of(&stream)).past(), stream, from_ms);
    let pasts: Vec<_> = earliest.into_iter().map(past).collect();
    match snapshots {
        Ok(snapshots) => {
            let past = |((measures, stream, from_ms), events)| Past { stream, from_ms, events, measures };
            pasts.into_iter().zip(snapshots).map(past).collect()
        }
        Err(error) => {
            // Windows from before are counted when they are asked for.
            for (past, stream, _) in pasts {
                locked(&counting.of(&stream)).absorb(past, now_ms);
            }
            tracing::error!("the history of new measures cannot be counted: {error}");
            Vec::new()
        }
    }
}

/// Prefills the history of new relative rules in the background.
fn start_prefills(service: &Arc<RuleService>, rules: impl Iterator<Item = Arc<Rule>>, now_ms: i64) {
    let relative: Vec<Arc<Rule>> = rules
        .filter(|rule| rule.status == Status::Active && rule.detector.baselines().is_some())
        .filter(|rule| !rule.query.streams().is_empty())
        .collect();
    for rule in &relative {
        locked(&service.prefills).insert(rule.id.clone(), Prefill::default());
    }
    if relative.is_empty() {
        return;
    }
    let service = Arc::clone(service);
    let prefill = move || {
        for rule in relative {
            if service.shutdown.has_begun() {
                return;
            }
            if let Err(error) = prefill::prefill(&service, &rule, now_ms) {
                tracing::warn!(
                    rule = &*rule.id,
                    "history is not prefilled: {error}; it is counted when needed"
                );
            }
            if let Some(progress) = locked(&service.prefills).get_mut(&rule.id) {
                progress.finished = true;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("prefill".to_owned()).spawn(prefill) {
        tracing::warn!("history is not prefilled: {error}; it is counted when needed");
    }
}
