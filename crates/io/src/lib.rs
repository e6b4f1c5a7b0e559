//! All that touches disk or network.
//!
//! [`receiver`] sends messages to people and programs.

pub mod receiver;
