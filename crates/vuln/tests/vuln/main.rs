//! Reports of scanners, whole, damaged and hostile.

mod common;
mod compatible;
mod examples;
mod hostile;
mod keys;
mod lists;
mod mutated;
mod recorded;
mod scopes;
