//! Kill switches in a program: what it holds, against a server, and what befalls both.
//!
//! One program, because each that links the server costs seconds to build.

#[cfg(feature = "tower")]
mod axum;
mod bare;
mod border;
mod closed_loop;
mod deltas;
mod faults;
mod languages;
mod outages;
mod running;
