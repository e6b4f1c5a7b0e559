//! The condition language: switches, event filters and Falco rules are written in it.
//!
//! ```
//! use lanner_rules::{Condition, Index, Missing, Scratch};
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
//! (canonical text), [`Condition`] (what it means), [`Index`] (many conditions on one event).
//!
//! The meaning in short: no value is converted, so `"5" == 5` is false and `"5" > 3` is unknown; numbers
//! compare exactly; texts compare by bytes. A test of a missing field is unknown or false, see [`Missing`].
//!
//! Invariants: a condition that was read has bounded size and depth; asking it is total (no panic, no
//! error, work bounded by its size and the event's) and pure (no clock, no file, no randomness). An index
//! answers exactly what asking each of its conditions would.

mod condition;
mod expr;
mod field;
mod index;
mod number;
mod parse;
mod print;
mod problem;
mod scan;
mod test;
mod words;

pub use condition::{Condition, Missing, Verdict};
pub use expr::{
    Comparison, Expr, Literal, MAX_PATTERN_BYTES, MatchOp, Op, Pattern, PatternError, Predicate, TextOp,
};
pub use field::{FieldPath, Fields};
pub use index::{Index, Scratch};
pub use number::Number;
pub use parse::{MAX_DEPTH, MAX_LIST_ITEMS, MAX_TEXT_BYTES, parse};
pub use problem::Problem;
