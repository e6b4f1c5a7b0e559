//! Keys of an event under a profile: of the whole behaviour, and of its parts alone and left out.

use lanner_sketch::{Hash, Seed};
use serde_json::{Map, Value};

use crate::part::Part;
use crate::spec::{MAX_PARTS, Spec};

/// Which parts are in a key: a bit for each.
pub(crate) type Mask = u64;

/// The hashes of an event's parts, from which its keys are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    buffer: Vec<u8>,
    group: u64,
    parts: [u64; MAX_PARTS],
}

impl Keys {
    /// Reads an event. Cost: that of its parts; no allocation once the buffer is long enough.
    pub(crate) fn read(&mut self, spec: &Spec, seed: &Seed, event: &Map<String, Value>) {
        let mut hash = |part: &Part| {
            self.buffer.clear();
            part.encode(event, &mut self.buffer);
            seed.hash(&self.buffer).number()
        };
        self.group = spec.by.as_ref().map_or(0, &mut hash);
        for (place, part) in self.parts.iter_mut().zip(&spec.parts) {
            *place = hash(part);
        }
    }

    /// The key of some parts within the group of the event.
    pub(crate) fn key(&self, seed: &Seed, mask: Mask) -> Hash {
        let mut bytes = [0; 8 * (MAX_PARTS + 2)];
        let parts = self.parts.iter().enumerate();
        let parts = parts.map(|(at, part)| if mask & (1 << at) == 0 { 0 } else { *part });
        let numbers = [mask, self.group].into_iter().chain(parts);
        for (place, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        seed.hash(&bytes)
    }
}

/// All parts.
pub(crate) const fn all(n_parts: usize) -> Mask {
    (1 << n_parts) - 1
}

/// Each part alone, and all parts but each, every mask once and without that of all parts.
pub(crate) fn others(n_parts: usize) -> impl Iterator<Item = Mask> {
    let singles = (0..n_parts).map(|at| 1 << at);
    // Of two parts, leaving one out is the other alone.
    let rests = (0..n_parts).filter(move |_| n_parts > 2).map(move |at| all(n_parts) & !(1 << at));
    singles.chain(rests).filter(move |mask| *mask != all(n_parts))
}
