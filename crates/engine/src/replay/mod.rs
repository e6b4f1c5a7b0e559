//! History and written tests, walked through the same calls as the present.

mod run;
pub mod script;
mod stand_in;

pub use run::{Replay, run};
