//! Findings of vulnerability scanners: what scans saw, what is fixed since, what was accepted, and what is known to be
//! exploited. Reports are read by whoever sends them ([`lanner_vuln`]); here scans are compared with what is stored.
//!
//! Reading order: [`service`], [`import`] (a scan comes in), [`accepted`] (findings that are set aside), [`lists`] (EPSS and
//! KEV), [`view`] (what is shown and filtered), `publish` (series and events that rules watch).

pub mod accepted;
mod evidence;
pub mod handlers;
mod hosts;
pub mod import;
pub mod known;
pub mod lists;
pub mod news;
pub mod open_scan;
mod publish;
pub mod service;
pub mod view;
