//! Falco's filters and rule files, exactly as Falco reads them, and what they say of an event.
//!
//! Conditions have a grammar of their own, [`parse`](crate::parse()), which reads nearly every filter, and more. Whoever
//! has rules that Falco itself loads needs Falco's reading: what it accepts, where it stops, which event each rule is
//! about. This module is that reading.
//!
//! ```
//! use lanner_conditions::falco::{self, FalcoFilter};
//! let text = "proc.name in (sh,  'my shell') and(not fd.name exists)";
//! assert_eq!(falco::canonical(text).unwrap(), r#"(proc.name in (sh, "my shell") and not fd.name exists)"#);
//! let problem = falco::canonical("proc.name = a && fd.name = b").unwrap_err();
//! assert_eq!((problem.line, problem.column), (1, 15)); // Falco has no `&&`
//!
//! let filter = FalcoFilter::compile("proc.aname = sshd and not proc.name = sshd").unwrap();
//! let event = serde_json::json!({"proc.name": "sh", "proc.pname": "bash", "proc.aname[2]": "sshd"});
//! assert!(filter.matches(event.as_object().unwrap()));
//! ```
//!
//! Reading order: `tree` (what a filter is), `parse` (how checks are joined), `check` (fields, operators, values),
//! `lex` (characters); then [`fields`](Kind) (which fields there are), `place` (where their values stand in an event),
//! `compile` and `node` (from tree to answer); then [`rules`] (rule files).
//!
//! Source: the grammar in `falcosecurity/libs`, `userspace/libsinsp/filter/parser.h` (release 0.25), the answers of that
//! parser to 1,180 strings, and those of the engine to 945 filters over 6,466 recorded events.

mod check;
mod compare;
mod compile;
mod event_names;
mod event_types;
mod fields;
mod filter;
mod lex;
mod node;
mod parse;
mod place;
mod posix;
mod problem;
pub mod rules;
mod transform;
mod tree;
mod warnings;

pub use event_types::EventTypes;
pub use fields::{ArgumentUse, FieldKind, Kind, kind_of};
pub use filter::FalcoFilter;
pub use parse::{canonical, parse};
pub use problem::FalcoProblem;
pub use tree::{Check, Field, Filter, HowMany, Name, Operand, Operator, Right, Transformed, Transformer};
