//! How switches are found: the index of an earlier set and, beside it, small ones of what came since.
//!
//! Making an index of 50,000 conditions takes a while, and a kill switch must not wait for it. So a set goes on with
//! the indexes of the set before it, which only learn where each switch stands now, and indexes the few that are new or
//! have another condition. Once these are many the lookup is worn, and whoever has the time makes one index of all.

use std::sync::Arc;

use lanner_conditions::{Index, Scratch};
use serde_json::{Map, Value};

use crate::switch::{MISSING, Switch};

/// The place of a switch that is gone, or has another condition now.
const NOWHERE: u32 = u32::MAX;
/// So many switches beside the large index are few, however small that is; else a sixteenth of it.
const FEW: usize = 64;
/// So many switches are indexed anew at most because one more came: a few milliseconds.
const MAX_JOINED: usize = 1_024;

/// Where switches stand in a list, by id and by what they match. The same for all lists with these ids and conditions.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// The place of each switch, in order of ids.
    places: Box<[u32]>,
    /// The large index first, then what came later, about half as many in each as in the one before.
    layers: Vec<Layer>,
}

/// Some of the switches behind an index of their own.
#[derive(Debug, Clone)]
struct Layer {
    indexed: Arc<Indexed>,
    /// Where they stand now.
    now: Box<[u32]>,
    /// How many of them stand somewhere.
    n_live: usize,
}

/// An index over a list of switches: of all that can block, also what is inactive, so that turning a switch on costs
/// no new index.
#[derive(Debug)]
struct Indexed {
    /// In order of ids; a number of the index is a place in this list.
    switches: Box<[Arc<Switch>]>,
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

impl Layer {
    /// Of switches and their places, in order of ids.
    fn of<'s>(placed: impl Iterator<Item = (u32, &'s Arc<Switch>)>) -> Self {
        let (now, switches): (Vec<u32>, Vec<Arc<Switch>>) =
            placed.map(|(at, switch)| (at, Arc::clone(switch))).unzip();
        // What has a flag blocks nothing.
        let asked = (0..).zip(&switches).filter(|(_, switch)| switch.flag.is_none());
        let index = Index::build(asked.map(|(number, switch)| (number, &switch.condition, MISSING)));
        let n_live = now.len();
        let indexed = Arc::new(Indexed { switches: switches.into(), index });
        Self { indexed, now: now.into(), n_live }
    }

    /// The same index for a later list, and what of that it does not find. `wanted` is in order of ids.
    fn follow<'s>(&self, wanted: Vec<Placed<'s>>) -> (Self, Vec<Placed<'s>>) {
        let mut now: Box<[u32]> = vec![NOWHERE; self.now.len()].into();
        let (mut known, mut unfound) = ((0..).zip(&self.indexed.switches).peekable(), Vec::new());
        let n_wanted = wanted.len();
        for (at, switch) in wanted {
            // Of two that are one, the ids need no look.
            let comes_before = |old: &Arc<Switch>| !Arc::ptr_eq(old, switch) && old.id < switch.id;
            while known.next_if(|(_, old)| comes_before(old)).is_some() {}
            match known.next_if(|(_, old)| is_found_alike(old, switch)) {
                Some((number, _)) => now[number] = at,
                None => unfound.push((at, switch)),
            }
        }
        let n_live = n_wanted - unfound.len();
        (Self { indexed: Arc::clone(&self.indexed), now, n_live }, unfound)
    }

    /// The switches that stand somewhere, in order of ids.
    fn live(&self) -> impl Iterator<Item = Placed<'_>> {
        let placed = self.now.iter().copied().zip(&self.indexed.switches);
        placed.filter(|(at, _)| *at != NOWHERE)
    }
}

/// A switch and its place.
type Placed<'s> = (u32, &'s Arc<Switch>);

impl Lookup {
    /// Of switches in order of ids, at these places, with one index.
    pub(crate) fn of(by_id: &[Arc<Switch>], places: Box<[u32]>) -> Self {
        let layer = Layer::of(places.iter().copied().zip(by_id));
        Self { places, layers: vec![layer] }
    }

    /// Of switches in order of ids, at these places, which came after those of this one. Cost: a walk through all, and
    /// an index of what is new, with at most a thousand that came shortly before.
    pub(crate) fn next(&self, by_id: &[Arc<Switch>], places: Box<[u32]>) -> Self {
        let mut wanted: Vec<Placed<'_>> = places.iter().copied().zip(by_id).collect();
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        for layer in &self.layers {
            let (layer, unfound) = layer.follow(wanted);
            wanted = unfound;
            layers.extend(Some(layer).filter(|layer| layer.n_live > 0));
        }
        if !wanted.is_empty() {
            add(&mut layers, wanted);
        }
        Self { places, layers }
    }

    /// Whether so much stands beside the large index that asking costs more than it should.
    pub(crate) fn is_worn(&self) -> bool {
        let n_beside: usize = self.layers.iter().skip(1).map(|layer| layer.n_live).sum();
        n_beside > FEW.max(self.places.len() / 16)
    }

    /// The places of switches, in order of ids.
    pub(crate) const fn places(&self) -> &[u32] {
        &self.places
    }

    /// Finds the switches whose condition `context` meets. What finds nothing allocates nothing.
    pub(crate) fn find(&self, context: &Map<String, Value>, work: &mut Work) {
        let Work { scratch, others, found } = work;
        found.clear();
        for layer in &self.layers {
            layer.indexed.index.matches(context, scratch, others);
            found.extend(others.iter().map(|number| layer.now[*number as usize]).filter(|at| *at != NOWHERE));
        }
        found.sort_unstable();
    }

    /// How many switches no look-up finds, so that each context asks them.
    pub(crate) fn n_unindexed(&self) -> usize {
        let of_layer = |layer: &Layer| {
            let unindexed = layer.indexed.index.unindexed().iter();
            unindexed.filter(|number| layer.now[**number as usize] != NOWHERE).count()
        };
        self.layers.iter().map(of_layer).sum()
    }
}

/// Adds a layer of `fresh`, joined with the last ones where these are about as small.
fn add(layers: &mut Vec<Layer>, fresh: Vec<Placed<'_>>) {
    let (mut joined, mut n) = (Vec::new(), fresh.len());
    while let Some(last) =
        layers.pop_if(|last| last.n_live <= FEW.max(2 * n) && last.n_live + n <= MAX_JOINED)
    {
        n += last.n_live;
        joined.push(last);
    }
    let mut placed = fresh;
    placed.extend(joined.iter().flat_map(Layer::live));
    placed.sort_unstable_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    let layer = Layer::of(placed.into_iter());
    layers.push(layer);
}

/// Whether a look-up that finds one finds the other.
pub(crate) fn is_found_alike(a: &Arc<Switch>, b: &Arc<Switch>) -> bool {
    Arc::ptr_eq(a, b)
        || a.id == b.id && a.flag.is_some() == b.flag.is_some() && a.condition.expr() == b.condition.expr()
}
