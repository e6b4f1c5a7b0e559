//! What a client asks of one endpoint over days: who asks for one object now and then, but for one after the other, shows
//! it in no session.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::call::{Call, Object};
use crate::endpoints::EndpointId;
use crate::session::Map;

/// Walks watched at once; beyond that the one idle longest is forgotten.
const MAX_WALKS: usize = 100_000;

/// A walk is over after so long without a call.
const IDLE_MS: i64 = 24 * 3_600_000;

/// Objects told apart in a walk.
const MAX_OBJECTS: usize = 1_024;

/// Objects told apart in all walks, which take some 30 bytes each; beyond that likewise.
const MAX_ALL_OBJECTS: usize = 2_000_000;

/// What a client asked of one endpoint, over sessions.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Whose it is.
    pub key: Arc<str>,
    /// Where.
    pub endpoint: EndpointId,
    /// When it began; milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// The last call.
    pub last_ms: i64,
    /// Calls that named an object.
    pub n_calls: u32,
    /// Refused ones among them: 401, 403, 404, 410.
    pub n_refused: u32,
    /// Steps to a number next to the one before, 1 or 2 away.
    pub n_steps: u32,
    /// Calls with a parameter given twice.
    pub n_polluted: u32,
    objects: HashSet<Object, FixedState>,
    last: Option<u64>,
}

impl Walk {
    /// Different objects.
    #[must_use]
    pub fn n_objects(&self) -> usize {
        self.objects.len()
    }
}

/// All walks under way.
#[derive(Debug, Default)]
pub struct Walks {
    open: Map<(Arc<str>, EndpointId), (Walk, u64)>,
    by_last: BTreeMap<(i64, u64), (Arc<str>, EndpointId)>,
    n_calls: u64,
    n_objects: usize,
    /// Walks forgotten because there were too many.
    pub n_evicted: u64,
}

impl Walks {
    /// Adds a call, if it names an object or gives a parameter twice. `on_end` is given walks that are over. Cost: O(log open).
    pub fn add(&mut self, key: &Arc<str>, call: &Call, on_end: &mut dyn FnMut(Walk)) {
        if call.object.is_none() && !call.is_polluted {
            return;
        }
        self.end_until(call.time_ms - IDLE_MS, on_end);
        self.n_calls += 1;
        let place = (key.clone(), call.endpoint);
        let mut walk = match self.open.remove(&place) {
            Some((walk, n)) => {
                self.by_last.remove(&(walk.last_ms, n));
                walk
            }
            None => Walk {
                key: key.clone(),
                endpoint: call.endpoint,
                first_ms: call.time_ms,
                last_ms: call.time_ms,
                n_calls: 0,
                n_refused: 0,
                n_steps: 0,
                n_polluted: 0,
                objects: HashSet::default(),
                last: None,
            },
        };
        let n_before = walk.objects.len();
        walk.add(call);
        self.n_objects += walk.objects.len() - n_before;
        self.by_last.insert((walk.last_ms, self.n_calls), place.clone());
        self.open.insert(place, (walk, self.n_calls));
        while self.open.len() > MAX_WALKS || self.n_objects > MAX_ALL_OBJECTS {
            self.n_evicted += 1;
            self.end_first(on_end);
        }
    }

    /// What a client asked of an endpoint so far, if it is watched.
    #[must_use]
    pub fn get(&self, key: &Arc<str>, endpoint: EndpointId) -> Option<&Walk> {
        self.open.get(&(key.clone(), endpoint)).map(|(walk, _)| walk)
    }

    /// Ends all.
    pub fn finish(&mut self, on_end: &mut dyn FnMut(Walk)) {
        self.end_until(i64::MAX, on_end);
    }

    fn end_until(&mut self, last_ms: i64, on_end: &mut dyn FnMut(Walk)) {
        while self.by_last.first_key_value().is_some_and(|((last, _), _)| *last < last_ms) {
            self.end_first(on_end);
        }
    }

    fn end_first(&mut self, on_end: &mut dyn FnMut(Walk)) {
        if let Some((_, place)) = self.by_last.pop_first()
            && let Some((walk, _)) = self.open.remove(&place)
        {
            self.n_objects -= walk.objects.len();
            on_end(walk);
        }
    }
}

impl Walk {
    fn add(&mut self, call: &Call) {
        self.last_ms = self.last_ms.max(call.time_ms);
        self.n_polluted += u32::from(call.is_polluted);
        let Some(object) = call.object else { return };
        self.n_calls += 1;
        self.n_refused += u32::from(call.is_refused());
        if self.objects.len() < MAX_OBJECTS {
            self.objects.insert(object);
        }
        if let Object::Number(number) = object {
            let is_step = self.last.is_some_and(|last| (1..=2).contains(&last.abs_diff(number)));
            self.n_steps += u32::from(is_step);
            self.last = Some(number);
        }
    }
}
