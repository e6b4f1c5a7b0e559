//! Findings for other programs: Lanner's own JSON, Falco's, OCSF and ECS.
//!
//! To add a form: a file here with one function, and a row in [`FORMS`].

mod ecs;
mod event;
mod falco;
mod finding;
mod forms;
mod ocsf;
mod plain;

pub use event::as_event;
pub use finding::Finding;
pub use forms::{FORMS, Form};
