//! Graphite's language: how it is read, what its functions do, and how much an expression may cost.

mod bounds;
mod functions;
mod many;
mod parse;
