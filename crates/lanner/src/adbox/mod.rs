//! Use cases of ADBox: detectors that are trained on the alerts of Wazuh, and the folder in which they live.
//!
//! Reading order: [`use_case`] and [`scenario`] (what is to be done), [`times`] (when), [`documents`], [`columns`], [`selection`] and [`wazuh`] (from where), [`derived`] and [`rows`] (documents
//! become rows), [`entity`] and [`split`] (a detector for each of several), [`trained`] and [`folder`] (what is kept), [`journal`] (how far a run has come), [`results`] (what is written), [`shipping`] (what is sent),
//! [`dashboard`] (what shows it), [`compose`] (a use case made of answers).

pub(crate) mod columns;
pub(crate) mod compose;
pub(crate) mod dashboard;
pub(crate) mod derived;
pub(crate) mod documents;
pub(crate) mod entity;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod limits;
pub(crate) mod results;
pub(crate) mod rows;
pub(crate) mod scenario;
pub(crate) mod selection;
pub(crate) mod shipping;
pub(crate) mod split;
pub(crate) mod times;
pub(crate) mod trained;
pub(crate) mod use_case;
pub(crate) mod wazuh;
