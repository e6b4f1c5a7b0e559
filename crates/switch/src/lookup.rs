//! How switches are found: the index of an earlier set and, beside it, a small one of what came since.
//!
//! Making an index of 50,000 conditions takes a while, and a kill switch must not wait for it. So a set goes on with
//! the index of the set before it, which only learns where each switch stands now, and indexes the few that are new or
//! have another condition; once these are many, all get a new index.

use std::sync::Arc;

use lanner_conditions::{Index, Scratch};
use serde_json::{Map, Value};

use crate::switch::{MISSING, Switch};

/// The place of a switch that is gone, or has another condition now.
const NOWHERE: u32 = u32::MAX;
/// So many switches beside the large index are few, however small that is; else a sixteenth of it.
const FEW: usize = 64;

/// Where switches stand in a list, by id and by what they match. The same for all lists with these ids and conditions.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// The place of each switch, in order of ids.
    places: Box<[u32]>,
    base: Arc<Base>,
    /// Where the switches of the base stand now.
    now: Box<[u32]>,
    /// The places of all others.
    others: Index,
}

/// An index over a list of switches: of all that can block, also what is inactive, so that turning a switch on costs
/// no new index.
#[derive(Debug)]
struct Base {
    /// In order of ids, each with its number in the index.
    switches: Box<[(Arc<Switch>, u32)]>,
    index: Index,
}

/// Working memory of one thread.
#[derive(Default)]
pub(crate) struct Work {
    scratch: Scratch,
    others: Vec<u32>,
    /// The places that were found, ascending.
    pub(crate) found: Vec<u32>,
}

impl Lookup {
    /// Of these switches, with an index of their own.
    pub(crate) fn of(switches: &[Arc<Switch>]) -> Self {
        let places = places(switches);
        let by_id = places.iter().map(|at| (Arc::clone(&switches[*at as usize]), *at));
        let base = Base { switches: by_id.collect(), index: index((0..).zip(switches)) };
        let now = (0..).zip(switches).map(|(at, _)| at).collect();
        Self { places, base: Arc::new(base), now, others: Index::build(std::iter::empty::<Asked<'_>>()) }
    }

    /// Of these switches, which came after those of this one.
    pub(crate) fn next(&self, switches: &[Arc<Switch>]) -> Self {
        let places = places(switches);
        let mut now: Box<[u32]> = vec![NOWHERE; self.base.switches.len()].into();
        let mut others = Vec::new();
        let mut known = self.base.switches.iter().peekable();
        for at in &places {
            let switch = &switches[*at as usize];
            while known.next_if(|(old, _)| old.id < switch.id).is_some() {}
            match known.next_if(|(old, _)| is_found_alike(old, switch)) {
                Some((_, number)) => now[*number as usize] = *at,
                None => others.push((*at, switch)),
            }
        }
        if others.len() > FEW.max(switches.len() / 16) {
            return Self::of(switches);
        }
        Self { places, base: Arc::clone(&self.base), now, others: index(others.into_iter()) }
    }

    /// The places of switches, in order of ids.
    pub(crate) const fn places(&self) -> &[u32] {
        &self.places
    }

    /// Finds the switches whose condition `context` meets. What finds nothing allocates nothing.
    pub(crate) fn find(&self, context: &Map<String, Value>, work: &mut Work) {
        let Work { scratch, others, found } = work;
        self.base.index.matches(context, scratch, found);
        found.retain_mut(|at| {
            *at = self.now[*at as usize];
            *at != NOWHERE
        });
        self.others.matches(context, scratch, others);
        found.extend_from_slice(others);
        found.sort_unstable();
    }

    /// How many switches no look-up finds, so that each context asks them.
    pub(crate) fn n_unindexed(&self) -> usize {
        let is_there = |number: &&u32| self.now[**number as usize] != NOWHERE;
        self.base.index.unindexed().iter().filter(is_there).count() + self.others.unindexed().len()
    }
}

/// Whether a look-up that finds one finds the other.
pub(crate) fn is_found_alike(a: &Arc<Switch>, b: &Arc<Switch>) -> bool {
    Arc::ptr_eq(a, b)
        || a.id == b.id && a.flag.is_some() == b.flag.is_some() && a.condition.expr() == b.condition.expr()
}

fn places(switches: &[Arc<Switch>]) -> Box<[u32]> {
    let mut places: Box<[u32]> = (0..).zip(switches).map(|(at, _)| at).collect();
    places.sort_unstable_by_key(|at| &switches[*at as usize].id);
    places
}

type Asked<'s> = (u32, &'s lanner_conditions::Condition, lanner_conditions::Missing);

/// The index of those that can block.
fn index<'s>(switches: impl Iterator<Item = (u32, &'s Arc<Switch>)>) -> Index {
    let asked = switches.filter(|(_, switch)| switch.flag.is_none());
    Index::build(asked.map(|(at, switch)| (at, &switch.condition, MISSING)))
}
