//! Findings of vulnerability scanners: what scans saw, what is fixed since, what was accepted, and what is known to be
//! exploited. Reports are read by whoever sends them ([`lanner_vuln`]); here scans are compared with what is stored.
//!
//! Reading order: [`service`], [`import`] (a scan comes in), [`accepted`] (findings that are set aside), [`lists`] (EPSS and
//! KEV), [`view`] (what is shown and filtered), `glance` (all at
//! once), `publish` (series and events that rules watch).

pub(crate) mod accepted;
mod evidence;
mod glance;
pub(crate) mod handlers;
mod hosts;
pub(crate) mod import;
pub(crate) mod known;
pub(crate) mod lists;
pub(crate) mod news;
pub(crate) mod open_scan;
mod publish;
pub(crate) mod service;
pub(crate) mod view;
