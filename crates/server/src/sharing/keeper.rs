//! A worker and its shards: it says that it is there, takes shards, gives back what is more than its share, and puts their
//! rules in force.
//!
//! ```text
//!   renew ─▶ who is there? ─▶ too few: take free ones ──▶ read their state ─▶ rules in force
//!                          └▶ too many: finish the turn ─▶ let them go ─▶ free at once
//! ```
//!
//! Nothing here decides whether a turn is written: the claim of its shard does.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lanner_core::Cursor;
use lanner_engine::Rule;
use lanner_engine::engine::RuleChanges;
use lanner_io::postgresql::lease::LEASE;
use lanner_io::postgresql::sharing::{Report, Work, Worker};
use lanner_io::state::{Shards, StateStore as _, StoreError};

use super::acknowledgements;
use crate::documents::RULE;
use crate::evaluate::cycle;
use crate::evaluate::held::HeldShards;
use crate::evaluate::owner::Owner;
use crate::evaluate::service::EvaluationService;
use crate::evaluate::shard_turns::drop_shard;
use crate::metrics::METRICS;
use crate::rules::stored;
use crate::sync::locked;

/// How often it looks who is there, and whether rules have changed.
const EVERY: Duration = Duration::from_millis(250);

/// Keeps the shards of a worker.
#[derive(Debug)]
pub(crate) struct Keeper {
    service: Arc<EvaluationService>,
    worker: Worker,
    /// Why it holds nothing, or knows nothing new, if that is so.
    problem: Mutex<Option<String>>,
    /// The rules that were put in force last.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    renewed: Option<Instant>,
    /// The revision of the documents that are in force.
    revision: Option<u64>,
    /// Whether rules wait until another owner has forgotten them.
    has_waiting: bool,
}

impl Keeper {
    /// Nothing is held yet.
    #[must_use]
    pub(crate) fn new(service: Arc<EvaluationService>, worker: Worker) -> Self {
        let problem = Mutex::new(Some("the worker has not begun yet".to_owned()));
        Self { service, worker, problem, known: Mutex::default() }
    }

    /// Why the worker does nothing, if it does nothing.
    pub(crate) fn problem(&self) -> Option<String> {
        locked(&self.problem).clone()
    }

    /// How many shards it holds.
    pub(crate) fn n_held(&self) -> usize {
        self.held().map_or(0, |held| held.ids().len())
    }

    fn held(&self) -> Option<&HeldShards> {
        match &self.service.owner {
            Owner::Shards(held) => Some(held),
            _ => None,
        }
    }

    /// Runs until the server stops, then gives everything back. Blocks.
    pub(crate) fn run(&self) {
        let Some(held) = self.held() else { return };
        while !self.service.shutdown.has_begun() {
            let outcome = self.round(held);
            let problem = match outcome {
                Ok(problem) => problem,
                Err(error) => Some(format!("shards are neither taken nor given back: {error}")),
            };
            self.note(problem);
            METRICS.sharing.shards_held.set(held.ids().len() as f64);
            std::thread::sleep(EVERY);
        }
        self.leave(held);
    }

    fn note(&self, problem: Option<String>) {
        let mut known = locked(&self.problem);
        if *known != problem {
            match &problem {
                Some(problem) => tracing::error!("{problem}"),
                None => tracing::info!("this worker, {}, takes part", self.worker.about),
            }
        }
        *known = problem;
    }

    /// Returns why nothing is held that could be, if that is so.
    fn round(&self, held: &HeldShards) -> Result<Option<String>, StoreError> {
        self.renew(held)?;
        let work = held.state.work()?;
        self.compare(held, &work)?;
        let objection = self.objection(&work);
        let share = if objection.is_some() { 0 } else { work.fair_share(&self.worker.name) };
        let n_held = held.ids().len();
        if n_held > share {
            self.shed(held, n_held - share)?;
        } else if n_held < share && work.n_free() > 0 {
            held.add(&held.state.take_shards(&self.worker, share - n_held)?);
        }
        self.put_rules_in_force(held)?;
        acknowledgements::take(&self.service, held)?;
        Ok(objection)
    }

    /// Says that this worker is there, if that is due.
    fn renew(&self, held: &HeldShards) -> Result<(), StoreError> {
        let is_due = locked(&self.known).renewed.is_none_or(|renewed| renewed.elapsed() >= LEASE / 3);
        if is_due {
            held.state.renew_worker(&self.worker, &self.report())?;
            locked(&self.known).renewed = Some(Instant::now());
        }
        Ok(())
    }

    /// How this worker fares.
    fn report(&self) -> Report {
        let next_ms = self.service.engine().next_due_ms();
        Report {
            behind_ms: next_ms.map_or(0, |next_ms| (self.service.now_ms() - next_ms).max(0)),
            evaluations: self.service.n_evaluations.load(Ordering::Relaxed),
        }
    }

    /// Lets go what the state says is another's, and gives back what it says is ours and nobody here knows of.
    fn compare(&self, held: &HeldShards, work: &Work) -> Result<(), StoreError> {
        let ours: HashSet<u8> = work.held_by(&self.worker.name).collect();
        let ids = held.ids();
        let lost: Vec<u8> = ids.iter().copied().filter(|shard| !ours.contains(shard)).collect();
        if !lost.is_empty() {
            tracing::warn!(shards = lost.len(), "shards are another worker's now");
            let _in_order = locked(&self.service.turns);
            lost.into_iter().for_each(|shard| drop_shard(held, &self.service, shard));
        }
        let unknown: Vec<u8> = ours.into_iter().filter(|shard| !ids.contains(shard)).collect();
        if unknown.is_empty() { Ok(()) } else { held.state.release_shards(&self.worker, &unknown) }
    }

    /// Why this worker may take nothing, if that is so.
    fn objection(&self, work: &Work) -> Option<String> {
        let Some(asked) = &work.sources else {
            return Some(
                "nothing is shared out: this worker waits for a server with the roles api and notify on the same state"
                    .to_owned(),
            );
        };
        let known = self.service.sources.all_names();
        let missing: Vec<&str> =
            asked.iter().filter(|name| !known.contains(name)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            format!(
                "this worker takes no part: its configuration lacks sources that rules may ask: {}; copy the sections \
                 `sources` and `streams` of the server that notifies",
                missing.join(", ")
            )
        })
    }

    /// Gives back so many shards, when their turns under way are written.
    fn shed(&self, held: &HeldShards, n: usize) -> Result<(), StoreError> {
        let shed: Vec<u8> = held.ids().into_iter().rev().take(n).collect();
        {
            let _in_order = locked(&self.service.turns);
            shed.iter().for_each(|shard| drop_shard(held, &self.service, *shard));
        }
        tracing::info!(shards = shed.len(), "gives shards back");
        held.state.release_shards(&self.worker, &shed)
    }

    /// Puts rules in force that have changed, and those of shards that were taken.
    fn put_rules_in_force(&self, held: &HeldShards) -> Result<(), StoreError> {
        let revision = held.state.document_revision(RULE)?;
        let is_changed = {
            let known = locked(&self.known);
            known.revision != Some(revision) || known.has_waiting
        };
        if !is_changed && !held.has_stale() {
            return Ok(());
        }
        let mut by_shard: HashMap<u8, Vec<Rule>> = HashMap::new();
        let mut all = HashSet::new();
        for rule in stored::read_all_rules(&*held.state, self.service.sources.streams())?.config.rules {
            all.insert(rule.id.clone());
            if rule.is_shared() {
                by_shard.entry(rule.shard()).or_default().push(rule);
            }
        }
        let mut has_waiting = false;
        for shard in held.ids() {
            self.renew(held)?; // there may be many, and a database far away
            if is_changed || held.is_stale(shard) {
                let rules = by_shard.remove(&shard).unwrap_or_default();
                has_waiting |= self.put_shard(held, shard, rules, &all)?;
            }
        }
        let mut known = locked(&self.known);
        (known.revision, known.has_waiting) = (Some(revision), has_waiting);
        Ok(())
    }

    /// Puts the rules of one shard in force, with their state where that is not known. Returns whether some have to wait.
    ///
    /// - `all`: the rules there are, in whatever shards
    fn put_shard(
        &self,
        held: &HeldShards,
        shard: u8,
        mut rules: Vec<Rule>,
        all: &HashSet<Arc<str>>,
    ) -> Result<bool, StoreError> {
        let service = &*self.service;
        let loaded = if held.is_stale(shard) { Some(held.state.load(Shards::One(shard))?) } else { None };
        let known: HashSet<Arc<str>> = match &loaded {
            Some(loaded) => {
                let of_cursors = loaded.cursors.iter().map(|Cursor { rule, .. }| rule);
                of_cursors.chain(loaded.alerts.iter().map(|alert| &alert.rule)).cloned().collect()
            }
            None => held.rules_of(shard).into_iter().collect(),
        };
        // A rule that asks for something else now may still be another's, who forgets it first.
        let fresh: Vec<&str> = rules.iter().map(|rule| &*rule.id).filter(|id| !known.contains(*id)).collect();
        let of_others =
            if fresh.is_empty() { Vec::new() } else { held.state.rules_of_others(shard, &fresh)? };
        rules.retain(|rule| !of_others.iter().any(|id| **id == *rule.id));
        let named: HashSet<Arc<str>> = rules.iter().map(|rule| rule.id.clone()).collect();
        let gone: Vec<Arc<str>> = known.iter().filter(|id| !named.contains(*id)).cloned().collect();

        let _in_order = locked(&service.turns);
        if !held.ids().contains(&shard) {
            return Ok(false); // a write has found out that it is another's
        }
        let mut engine = service.engine();
        if let Some(loaded) = loaded {
            held.note_read(shard);
            engine.restore(loaded.alerts, loaded.cursors, Vec::new());
        }
        held.assign(shard, named.into_iter().chain(gone.iter().cloned()));
        let (moved, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(|id| all.contains(id));
        let mut changes = engine.hand_over(moved, service.now_ms());
        let RuleChanges { changes: more, .. } = engine.change_rules(rules, gone, service.now_ms());
        changes.extend(more);
        drop(engine);
        cycle::write(service, changes);
        service.wakeup.ring();
        Ok(!of_others.is_empty())
    }

    /// Finishes the turn, and lets others take everything.
    fn leave(&self, held: &HeldShards) {
        let ids: Vec<u8> = held.ids().into_iter().collect();
        {
            let _in_order = locked(&self.service.turns);
            ids.iter().for_each(|shard| drop_shard(held, &self.service, *shard));
        }
        let released = held.state.release_shards(&self.worker, &ids);
        if let Err(error) = released.and_then(|()| held.state.dismiss_worker(&self.worker)) {
            tracing::warn!("shards are not given back, and are free when the lease ends: {error}");
        }
    }
}
