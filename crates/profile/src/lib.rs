//! Profiles of behaviour: which process starts which, with what arguments; which program opens which files. What is usual is
//! learned, and an event that is not says so, with the reason.
//!
//! ```
//! use lanner_core::document::{Check, Node};
//! use lanner_profile::{Profile, Spec};
//! use lanner_sketch::Seed;
//! use serde_json::json;
//!
//! let node = Node::from_json(&json!({ "id": "exec", "fields": ["proc.pname", "template(proc.cmdline)"] }));
//! let spec = Spec::read_document(&node, "", &|_, _, _| None, &mut Check::default()).unwrap();
//! let mut profile = Profile::new(spec, &Seed::new(0x5eed));
//!
//! let event = |parent: &str, line: &str| json!({ "proc.pname": parent, "proc.cmdline": line }).as_object().cloned().unwrap();
//! for second in 0..100 {
//!     profile.observe(&event("cron", &format!("backup --run {second}")), second * 1_000);
//! }
//! profile.finish();
//! let answer = profile.observe(&event("nginx", "backup --run 100"), 100_000).unwrap();
//! assert!(answer.is_rare);
//! assert_eq!(answer.reason(), "never seen: proc.pname");
//! ```
//!
//! Reading order: [`Spec`] (what a profile learns), [`Part`] (fields, and what of them counts), [`Profile`] (asking and learning),
//! [`Answer`] (what it says), [`Hosts`] (what many hosts say), [`mod@read`] (events of other programs), [`mod@write`] (findings for other programs).
//!
//! Invariants: time and randomness come in as arguments; an event is asked about before it is learned; memory is that of the
//! specification, whatever comes; no event is an error.

mod answer;
mod books;
mod fleet;
mod groups;
mod hosts;
mod keys;
mod known;
mod ledger;
mod notes;
mod novelty;
mod part;
mod profile;
pub mod read;
mod spec;
mod state;
mod sync;
mod template;
pub mod write;

pub use answer::{Answer, InFleet, Status};
pub use fleet::Fleet;
pub use hosts::{Host, HostError, Hosts, MAX_HOST_BYTES, MAX_HOSTS, Terms};
pub use keys::Hashes;
pub use part::Part;
pub use profile::{Advice, PartSeen, Profile};
pub use spec::{FIELDS, Filter, MAX_PARTS, ReadFilter, Spec, WINDOWS};
pub use state::{StateError, is_profile};

pub use lanner_sketch::Seed;

/// The profile that is used where nobody names another, as YAML: [`read::Format`]s give all of its fields.
pub const DEFAULT: &str = include_str!("default.yaml");
