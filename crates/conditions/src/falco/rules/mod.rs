//! Falco's rule files: lists, macros, rules and their exceptions, with the errors and warnings that Falco gives.
//!
//! Reading order: [`Loader`] (files, one after the other), `read` (items), `definitions` (how later items change earlier
//! ones), `lists`, `macros` and `exceptions` (what becomes of a condition), `compiled` (rules), [`RuleSet`] (many rules
//! and one event).
//!
//! Differences to Falco: all errors are told at once, with their places; plugins that a file requires are not looked
//! for; a condition with its macros has at most 100,000 checks and 300 levels.

mod compiled;
mod definitions;
mod exceptions;
mod lists;
mod loader;
mod locate;
mod macros;
mod output;
mod read;
mod report;
mod set;
mod value;
mod version;

pub use compiled::Rule;
pub use definitions::Priority;
pub use loader::{Loaded, Loader};
pub use output::Output;
pub use report::{Code, Remark};
pub use set::RuleSet;
