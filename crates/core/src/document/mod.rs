//! A document as a tree with positions, and the reader that checks it.
//!
//! Rule files are YAML and API bodies are JSON; both become a [`Node`], and one decoder reads either. It
//! collects every problem instead of stopping at the first, and names line, column and field.

mod check;
mod tree;
mod written;
mod yaml;

pub use check::{Check, Fields};
pub use tree::{Content, Key, Node, Position, Problem, Problems};
pub use written::yaml;
