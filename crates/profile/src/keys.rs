//! Keys of an event under a profile: of the whole behaviour, and of its parts alone and left out.

use lanner_sketch::{Hash, Seed};
use serde_json::{Map, Value};

use crate::spec::{MAX_PARTS, Spec};

/// Which parts are in a key: a bit for each.
pub(crate) type Mask = u64;

/// Stands for a mask in keys of versions; no mask is as high.
const VERSION: u64 = 1 << 63;

/// The hashes of an event's parts, by which a profile knows its behaviour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashes {
    group: u64,
    /// Of the image with its tag and digest; 0 where groups are no images.
    version: u64,
    parts: [u64; MAX_PARTS],
}

impl Hashes {
    /// Reads an event. Cost: that of its parts; no allocation once the buffer is long enough.
    pub(crate) fn read(spec: &Spec, seed: &Seed, event: &Map<String, Value>, buffer: &mut Vec<u8>) -> Self {
        let mut hashes = Self::default();
        for (at, part) in spec.parts.iter().enumerate() {
            hashes.set(at, part.hash(seed, part.value_of(event), buffer));
        }
        if let Some(by) = &spec.by {
            let value = by.value_of(event);
            hashes.set_group(by.hash(seed, value, buffer), by.version(seed, value.and_then(Value::as_str)));
        }
        hashes
    }

    /// Sets the hash of the part at a place.
    pub fn set(&mut self, at: usize, hash: u64) {
        if let Some(place) = self.parts.get_mut(at) {
            *place = hash;
        }
    }

    /// Sets the hash of what tells the profile's groups apart, and that of its version; see [`Part::version`](crate::Part::version).
    pub fn set_group(&mut self, hash: u64, version: Option<u64>) {
        (self.group, self.version) = (hash, version.unwrap_or(0));
    }

    /// The hash of the group.
    pub(crate) const fn group(&self) -> u64 {
        self.group
    }

    /// The key of the version of the group's image.
    fn version(&self, seed: &Seed) -> Option<Hash> {
        let bytes = [VERSION.to_le_bytes(), self.version.to_le_bytes()];
        (self.version != 0).then(|| seed.hash(bytes.as_flattened()))
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

/// The keys of an event that are always asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) hashes: Hashes,
    /// Of the group.
    pub(crate) group: Hash,
    /// Of the whole behaviour.
    pub(crate) whole: Hash,
    /// Of the version of the group's image.
    pub(crate) version: Option<Hash>,
}

impl Keys {
    pub(crate) fn of(hashes: Hashes, seed: &Seed, n_parts: usize) -> Self {
        let (group, whole) = (hashes.key(seed, 0), hashes.key(seed, all(n_parts)));
        Self { hashes, group, whole, version: hashes.version(seed) }
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
