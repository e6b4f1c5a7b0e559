//! The condition language: switches, event filters and Falco rules are written in it.
//!
//! ```
//! use lanner_conditions::{Condition, Index, Missing, Scratch};
//!
//! let rules = [(7, r#"status == "ok" and bank in (hsbc, ing)"#), (9, "not amount < 100")];
//! let rules = rules.map(|(id, text)| (id, Condition::compile(text).unwrap(), Missing::False));
//! let index = Index::build(rules);
//!
//! let event = serde_json::json!({"status": "ok", "bank": "ing", "amount": 99});
//! let (mut scratch, mut ids) = (Scratch::default(), Vec::new());
//! index.matches(event.as_object().unwrap(), &mut scratch, &mut ids);
//! assert_eq!(ids, [7]);
//! ```
//!
//! Reading order: [`Expr`] (what a condition is), [`parse()`] (from text, all mistakes at once), its `Display`
//! (canonical text), [`Condition`] (what it means), [`Index`] (many conditions on one event), [`import`] (conditions from
//! other languages), [`export`] (conditions in the languages of databases).
//!
//! The meaning in short: no value is converted, so `"5" == 5` is false and `"5" > 3` is unknown; numbers
//! compare exactly; texts compare by bytes. A test of a missing field is unknown or false, see [`Missing`].
//!
//! Invariants: a condition that was read has bounded size and depth; asking it is total (no panic, no
//! error, work bounded by its size and the event's) and pure (no clock, no file, no randomness). An index
//! answers exactly what asking each of its conditions would.

mod atom;
mod call;
mod condition;
mod definitions;
mod encoding;
mod explain;
pub mod export;
mod expr;
pub mod falco;
mod field;
mod function;
mod getopt;
mod glob;
pub mod import;
mod index;
mod json;
mod literal;
mod murmur3;
mod network;
mod number;
mod operand;
mod parse;
mod path;
mod pattern;
mod print;
mod problem;
mod read;
mod relation;
mod scan;
mod schema;
mod scope;
mod short;
mod source;
mod test;
mod time;
mod verdict;
mod version;
mod words;

pub use condition::Condition;
pub use definitions::{DefinitionProblem, Definitions, MAX_LISTS, MAX_MACROS};
pub use explain::{Explanation, Step};
pub use expr::{Comparison, EachOp, Expr, Op, Predicate, Quantifier, Right, Set, TextOp};
pub use field::{FieldPath, Fields, Found, View};
pub use function::Function;
pub use index::{Index, IndexStats, Scratch};
pub use json::{Buffer, JsonError, JsonFields, Place, Reader};
pub use literal::Literal;
pub use network::Network;
pub use number::Number;
pub use operand::{Argument, Call, Operand};
pub use parse::{MAX_DEPTH, MAX_LIST_ITEMS, MAX_REGEXES, MAX_TESTS, MAX_TEXT_BYTES, parse, parse_in};
pub use pattern::{MAX_PATTERN_BYTES, MatchOp, Pattern, PatternError};
pub use problem::Problem;
pub use schema::{Kind, Schema};
pub use scope::Scope;
pub use verdict::{Missing, Verdict};
