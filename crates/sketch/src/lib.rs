//! Sketches: how often, how recently, and how many different, in memory that is fixed before the start.
//!
//! ```
//! use lanner_sketch::{Rarity, Seed, Size};
//!
//! let seed = Seed::new(0x5eed);
//! let mut seen = Rarity::new(Size::memory(256 * 1024), &seed);
//! let key = seed.hash(b"nginx starts sh");
//! assert_eq!(seen.add(key).value(), 1);
//! assert_eq!(seen.add(key).value(), 2);
//! assert!(seen.count(seed.hash(b"nginx starts nginx")).is_never());
//! ```
//!
//! Reading order: [`Seed`] (a key becomes a hash, once), [`Counts`] (how often), [`Panes`] (how often in the last day, week,
//! quarter), [`FirstSeen`] and [`LastSeen`], [`Spread`] (on how many hosts), [`Distinct`] (how many different), [`Top`] (which are the most frequent),
//! [`mod@file`] (how they are kept).
//!
//! All sketches that are asked for one key lie in 64-byte lines, and a key touches exactly one line of each: what costs time
//! is memory that is not in a cache.
//!
//! Invariants: no sketch allocates after it was made, except [`Distinct`] and [`Top`], which grow to a bound. Counts are never
//! too low, last sightings never too early, first sightings never too late. The same keys in the same order give the same
//! bytes, on every machine.

mod cells;
mod counts;
mod distinct;
pub mod file;
mod line;
mod merge;
mod moments;
mod panes;
mod seed;
mod size;
mod spread;
mod top;

pub use counts::{Count, Counts, Rarity};
pub use distinct::Distinct;
pub use file::FileError;
pub use merge::{MergeError, Merged};
pub use moments::{FirstSeen, LastSeen};
pub use panes::{Forgotten, MAX_WINDOWS, Panes, Recent};
pub use seed::{Hash, Seed};
pub use size::{MAX_BYTES, Size};
pub use spread::{Presence, Spread};
pub use top::{Frequent, Top};
