//! The formats, one file each, and the list of them.

mod cyclonedx;
mod grype;
mod kind;
mod nessus;
mod nessus_csv;
mod nessus_v1;
mod nikto;
mod nikto_json;
mod nikto_repair;
mod nmap;
mod nuclei;
mod openscap;
mod openvas;
mod openvas_csv;
mod qualys;
mod sarif;
mod table;
mod trivy;

pub use kind::Format;

/// All formats. The first that recognises a report reads it.
pub const FORMATS: &[Format] = &[
    nessus::FORMAT,
    nessus_v1::FORMAT,
    openvas::FORMAT,
    nmap::FORMAT,
    nikto::FORMAT,
    openscap::FORMAT,
    qualys::FORMAT,
    trivy::FORMAT,
    grype::FORMAT,
    sarif::FORMAT,
    cyclonedx::FORMAT,
    nikto_json::FORMAT,
    nuclei::FORMAT,
    nessus_csv::FORMAT,
    openvas_csv::FORMAT,
];
