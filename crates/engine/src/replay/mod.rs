//! History and written tests, walked through the same calls as the present.

mod run;
pub mod script;

pub use run::{Replay, run};
