//! Findings for others: one file per shape, and the list of them.

mod bulk;
mod csv;
mod dashboard;
mod ecs;
mod elsa;
mod html;
mod index;
mod jsonl;
mod ocsf;
mod output;
mod syslog;
mod vex;
mod vulntoes;

pub use dashboard::dashboard;
pub use ecs::document as ecs;
pub use index::{Shape, template};
pub use ocsf::document as ocsf;
pub use output::{Output, Writer};
pub use vex::{cyclonedx as vex_cyclonedx, openvex as vex_openvex};
pub use vulntoes::document as vulntoes;

/// All shapes.
pub const OUTPUTS: &[Output] = &[
    jsonl::OUTPUT,
    ecs::OUTPUT,
    ocsf::OUTPUT,
    bulk::OUTPUT,
    vulntoes::OUTPUT,
    vulntoes::BULK,
    syslog::OUTPUT,
    elsa::OUTPUT,
    csv::OUTPUT,
    html::OUTPUT,
];
