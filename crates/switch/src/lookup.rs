//! How switches are found: the index of an earlier set and, beside it, small ones of what came since.
//!
//! Making an index of 50,000 conditions takes a while, and a kill switch must not wait for it. So a set goes on with
//! the indexes of the set before it, which name slots: what stands in a slot may change, as long as it is found alike.
//! What is new or has another condition is indexed beside them. Once these are many the lookup is worn, and whoever has
//! the time makes one index of all.

use std::cmp::Reverse;
use std::sync::Arc;

use lanner_conditions::{Index, Scratch};
use serde_json::{Map, Value};

use crate::slots::Slots;
use crate::switch::{MISSING, Switch};

/// So many switches beside the large index are few, however small that is; else a sixteenth of it.
const FEW: usize = 64;
/// So many switches are indexed anew at most because one more came: a few milliseconds.
const MAX_JOINED: usize = 1_024;

/// Which slots a context finds. The same for all sets with these ids and conditions.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    /// The large index first, then what came later, about half as many in each as in the one before.
    layers: Vec<Arc<Layer>>,
}

/// Some of the slots behind an index of their own: of all whose switches can block, also what is inactive, so that turning
/// a switch on costs no new index.
#[derive(Debug)]
struct Layer {
    slots: Box<[u32]>,
    /// A number of it is a slot.
    index: Index,
}

/// Working memory of one thread.
#[derive(Default)]
pub(crate) struct Work {
    scratch: Scratch,
    others: Vec<u32>,
    /// The slots that were found, in the order in which their switches answer.
    pub(crate) found: Vec<u32>,
}

impl Layer {
    fn of(wanted: Vec<u32>, slots: &Slots) -> Self {
        let filled = wanted.iter().filter_map(|slot| Some((*slot, slots.get(*slot)?)));
        // What has a flag blocks nothing.
        let asked = filled.filter(|(_, switch)| switch.flag.is_none());
        let index = Index::build(asked.map(|(slot, switch)| (slot, &switch.condition, MISSING)));
        Self { slots: wanted.into(), index }
    }
}

impl Lookup {
    /// Of all slots, with one index.
    pub(crate) fn of(slots: &Slots) -> Self {
        Self { layers: vec![Arc::new(Layer::of((0..slots.len() as u32).collect(), slots))] }
    }

    /// As this one, and finds what is in these further slots. Cost: an index of those, with at most a thousand that came
    /// shortly before.
    pub(crate) fn next(&self, fresh: Vec<u32>, slots: &Slots) -> Self {
        let (mut layers, mut wanted) = (self.layers.clone(), fresh);
        if wanted.is_empty() {
            return Self { layers };
        }
        let (mut joined, mut n) = (Vec::new(), wanted.len());
        while let Some(last) =
            layers.pop_if(|last| last.slots.len() <= FEW.max(2 * n) && last.slots.len() + n <= MAX_JOINED)
        {
            n += last.slots.len();
            joined.push(last);
        }
        // Not those that are empty by now.
        let of_joined = joined.iter().flat_map(|layer| &layer.slots).copied();
        wanted.extend(of_joined.filter(|slot| slots.get(*slot).is_some()));
        layers.push(Arc::new(Layer::of(wanted, slots)));
        Self { layers }
    }

    /// Whether so much stands beside the large index, or so many of all slots are empty, that asking costs more than it
    /// should; `n` is the number of switches.
    pub(crate) fn is_worn(&self, slots: &Slots, n: usize) -> bool {
        let n_beside: usize = self.layers.iter().skip(1).map(|layer| layer.slots.len()).sum();
        n_beside > FEW.max(n / 16) || slots.len() - n > FEW.max(n)
    }

    /// Finds the switches whose condition `context` meets. What finds nothing allocates nothing.
    pub(crate) fn find(&self, context: &Map<String, Value>, slots: &Slots, work: &mut Work) {
        let Work { scratch, others, found } = work;
        found.clear();
        for layer in &self.layers {
            layer.index.matches(context, scratch, others);
            found.extend(others.iter().filter(|slot| slots.get(**slot).is_some()));
        }
        if found.len() > 1 {
            found.sort_unstable_by_key(|slot| slots.get(*slot).map(answers_before));
        }
    }

    /// How many switches no look-up finds, so that each context asks them.
    pub(crate) fn n_unindexed(&self, slots: &Slots) -> usize {
        let unindexed = self.layers.iter().flat_map(|layer| layer.index.unindexed());
        unindexed.filter(|slot| slots.get(**slot).is_some()).count()
    }
}

/// By what switches are sorted: the highest priority answers first, then the least id.
pub(crate) fn answers_before(switch: &Arc<Switch>) -> (Reverse<i64>, &str) {
    (Reverse(switch.priority), &switch.id)
}

/// Whether a look-up that finds one finds the other.
pub(crate) fn is_found_alike(a: &Arc<Switch>, b: &Arc<Switch>) -> bool {
    Arc::ptr_eq(a, b)
        || a.id == b.id && a.flag.is_some() == b.flag.is_some() && a.condition.expr() == b.condition.expr()
}
