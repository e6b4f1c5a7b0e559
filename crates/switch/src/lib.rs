//! Kill switches: conditions on a JSON context that block what they match, evaluated inside the caller's process.
//!
//! ```
//! use lanner_switch::{Snapshot, SwitchSet};
//! use serde_json::json;
//!
//! let switch = json!({"id": "block-bank", "when": "WORKFLOW == \"PURCHASE\" and BANK == \"HSBC\""});
//! let set = SwitchSet::compile(&Snapshot::new(1, vec![switch])).unwrap();
//!
//! let context = json!({"WORKFLOW": "PURCHASE", "BANK": "HSBC"});
//! let verdict = set.evaluate(context.as_object().unwrap(), 1_767_225_600_000);
//! assert!(verdict.is_blocked());
//! assert_eq!(verdict.first().map(|switch| &*switch.id), Some("block-bank"));
//! ```
//!
//! Reading order: [`Switch`] (what one says), `read` (its document, with every problem in it), [`Window`] (when it
//! recurs), [`RateLimit`] (what of it passes), [`Snapshot`] (what travels), `sorted` (how later ones share with it what did not change), [`Delta`] (what changed in it), [`SwitchSet`] (many, behind one index), [`Verdict`], [`decide()`] (for whoever may be out of date), [`Explanation`],
//! [`Flag`] (values of its own), [`openfeature`] (all of them as flags), [`change`] (activate, deactivate), [`Trial`] (what one would have blocked), [`Tally`] (what
//! many would).
//!
//! **Architecture invariant:** no clock, file, socket, environment or randomness; times come in as arguments, in
//! milliseconds since the Unix epoch. Evaluation is total: no panic, no error, bounded work. A switch must never be
//! the cause of an outage.

pub mod change;
mod choice;
mod decide;
mod delta;
mod explain;
mod flag;
mod limit;
mod lookup;
pub mod openfeature;
mod probe;
mod read;
mod set;
mod slots;
mod snapshot;
mod sorted;
mod switch;
mod tally;
mod trial;
mod verdict;
mod window;

pub use decide::decide;
pub use delta::Delta;
pub use explain::{Explanation, Predicate};
pub use flag::{CASES as FLAG_CASES, FIELDS as FLAG};
pub use flag::{Case, Choice, Flag, Reason, Variant};
pub use limit::{FIELDS as LIMIT, RateLimit};
pub use read::{ANSWER, FIELDS, RESERVED_IDS, ROLLOUT, SCHEDULE};
pub use set::SwitchSet;
pub use snapshot::{Document, Snapshot, SnapshotError, signed_time};
pub use switch::{Answer, OnUnavailable, Phase, Rollout, Status, Switch};
pub use tally::Tally;
pub use trial::Trial;
pub use verdict::{Staleness, Verdict};
pub use window::Window;
