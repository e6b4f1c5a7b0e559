//! The shards that a worker holds, the rules in them, and what a turn changes in each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use lanner_core::{AlertNews, Changes};
use lanner_io::postgresql::PostgreSqlState;
use lanner_io::state::{Claim, Receipt, Shards, StoreError};

use crate::sync::locked;

/// The shards that this worker holds.
#[derive(Debug)]
pub(crate) struct HeldShards {
    pub(crate) state: Arc<PostgreSqlState>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    claims: BTreeMap<u8, Claim>,
    /// The shard of each rule that is evaluated here.
    rules: HashMap<Arc<str>, u8>,
    /// Shards that are to be read again.
    stale: BTreeSet<u8>,
}

/// What a turn changes in one shard.
#[derive(Debug, Default)]
struct Part {
    changes: Changes,
    news: Vec<AlertNews>,
}

/// The same, as often as it takes to write it.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) shard: u8,
    pub(super) changes: Arc<Changes>,
    news: Arc<[AlertNews]>,
}

impl HeldShards {
    /// None yet.
    pub(crate) fn new(state: Arc<PostgreSqlState>) -> Self {
        Self { state, held: Mutex::default() }
    }

    /// Which they are.
    pub(crate) fn ids(&self) -> BTreeSet<u8> {
        locked(&self.held).claims.keys().copied().collect()
    }

    /// Adds shards; their rules come later.
    pub(crate) fn add(&self, claims: &[Claim]) {
        let mut held = locked(&self.held);
        for claim in claims {
            if let Shards::One(shard) = claim.shards {
                held.claims.insert(shard, *claim);
                held.stale.insert(shard);
            }
        }
    }

    /// Notes to which shard rules belong.
    pub(crate) fn assign(&self, shard: u8, rules: impl IntoIterator<Item = Arc<str>>) {
        locked(&self.held).rules.extend(rules.into_iter().map(|rule| (rule, shard)));
    }

    /// The rules of a shard that are evaluated here.
    pub(crate) fn rules_of(&self, shard: u8) -> Vec<Arc<str>> {
        let held = locked(&self.held);
        held.rules.iter().filter(|(_, of)| **of == shard).map(|(rule, _)| Arc::clone(rule)).collect()
    }

    /// Whether a shard is to be read again.
    pub(crate) fn is_stale(&self, shard: u8) -> bool {
        locked(&self.held).stale.contains(&shard)
    }

    /// Notes that a shard was read.
    pub(crate) fn note_read(&self, shard: u8) {
        locked(&self.held).stale.remove(&shard);
    }

    /// Whether some shard is to be read again.
    pub(crate) fn has_stale(&self) -> bool {
        !locked(&self.held).stale.is_empty()
    }

    /// Forgets a shard, or only what is known of its rules, which are then to be read again.
    pub(super) fn remove(&self, shard: u8, is_kept: bool) {
        let mut held = locked(&self.held);
        held.rules.retain(|_, of| *of != shard);
        if is_kept {
            held.stale.insert(shard);
        } else {
            held.claims.remove(&shard);
            held.stale.remove(&shard);
        }
    }

    /// What a turn changed, shard by shard.
    pub(super) fn turns(&self, changes: Changes, news: Vec<AlertNews>) -> Vec<Turn> {
        let held = locked(&self.held);
        let parts = split(changes, news, |rule| held.rules.get(rule).copied());
        let turn = |(shard, part): (u8, Part)| Turn {
            shard,
            changes: Arc::new(part.changes),
            news: part.news.into(),
        };
        parts.into_iter().map(turn).collect()
    }

    /// Has a turn written; nothing of a shard that is somebody else's.
    pub(super) fn submit(&self, turn: Turn) -> Option<(Turn, Result<Receipt, StoreError>)> {
        let claim = *locked(&self.held).claims.get(&turn.shard)?;
        let receipt = self.state.apply_shard(claim, Arc::clone(&turn.changes), Arc::clone(&turn.news));
        Some((turn, receipt))
    }

    /// Notes which rules are forgotten.
    pub(super) fn forget(&self, changes: &Changes) {
        let mut held = locked(&self.held);
        for rule in &changes.forgotten_rules {
            held.rules.remove(rule);
        }
    }
}

/// What a turn changes, by shard. What concerns rules that are nobody's here is left out: they were let go.
fn split(
    changes: Changes,
    news: Vec<AlertNews>,
    shard_of: impl Fn(&str) -> Option<u8>,
) -> BTreeMap<u8, Part> {
    let mut parts = BTreeMap::new();
    let mut share = |rule: &str, put: &mut dyn FnMut(&mut Part)| {
        if let Some(shard) = shard_of(rule) {
            put(parts.entry(shard).or_default());
        }
    };
    // What is measured of sources elsewhere is in no history, and a worker has no messages.
    let Changes { evaluations, alerts, cursors, forgotten_rules, forgotten_groups, .. } = changes;
    for it in evaluations {
        let (rule, mut it) = (it.rule.clone(), Some(it));
        share(&rule, &mut |part| part.changes.evaluations.extend(it.take()));
    }
    for it in alerts {
        let (rule, mut it) = (it.rule.clone(), Some(it));
        share(&rule, &mut |part| part.changes.alerts.extend(it.take()));
    }
    for it in cursors {
        let (rule, mut it) = (it.rule.clone(), Some(it));
        share(&rule, &mut |part| part.changes.cursors.extend(it.take()));
    }
    for it in news {
        let (rule, mut it) = (it.alert.rule.clone(), Some(it));
        share(&rule, &mut |part| part.news.extend(it.take()));
    }
    for rule in forgotten_rules {
        share(&rule, &mut |part| part.changes.forgotten_rules.push(rule.clone()));
    }
    for (rule, group) in forgotten_groups {
        share(&rule, &mut |part| part.changes.forgotten_groups.push((rule.clone(), group.clone())));
    }
    parts
}

#[cfg(test)]
mod tests {
    use lanner_core::{Cursor, Group, TimeRange};

    use super::*;

    #[test]
    fn each_shard_has_its_own_changes() {
        let cursor = |rule: &str| Cursor { rule: rule.into(), window: TimeRange::new(0, 1), shard: 0 };
        let changes = Changes {
            cursors: vec![cursor("a"), cursor("b"), cursor("gone"), cursor("c")],
            forgotten_rules: vec!["b".into()],
            forgotten_groups: vec![("c".into(), Group::Whole)],
            ..Changes::default()
        };
        let shard_of =
            |rule: &str| [("a", 1), ("b", 2), ("c", 1)].iter().find(|it| it.0 == rule).map(|it| it.1);
        let parts = split(changes, Vec::new(), shard_of);
        let seen: Vec<_> = parts
            .iter()
            .map(|(shard, part)| {
                let rules: Vec<&str> = part.changes.cursors.iter().map(|it| &*it.rule).collect();
                (*shard, rules, part.changes.forgotten_rules.len(), part.changes.forgotten_groups.len())
            })
            .collect();
        assert_eq!(seen, [(1, vec!["a", "c"], 0, 1), (2, vec!["b"], 1, 0)]);
    }
}
