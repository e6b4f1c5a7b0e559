//! Kill switches: kept as documents, published as snapshots, asked over HTTP.
//!
//! Clients hold the switches themselves and are only told when they changed; what is asked here is for everybody
//! who cannot. Both run `lanner-switch`, so both say the same.
//!
//! Reading order: [`service`] (what is in force), [`save`] (changes by people), [`guard`] (what needs a second look),
//! [`requests`] (what waits for one), [`throw`] (changes by alerts) with [`labelled`] (conditions made of labels), [`enforcement`]
//! (they only report until somebody enforces them), `decisions` and `budget` (how often alerts were wrong), `enact` (in force first, then on disk) with
//! `unwritten` (what is not on disk yet) and `reserve` (revisions that a crash must not bring back), [`news`] (what people
//! are told), then the faces: `documents` and `listing` (the API), `deliver` (snapshot, [`deltas`] and stream), [`clients`] (who holds which), `evaluate`, [`recent`] and `preview` (what would be blocked), `dry_run` (decisions of alerts), `ofrep` (OpenFeature,
//! at a [`pace`]), `gate` (proxies).

mod budget;
pub(crate) mod client_handlers;
pub(crate) mod clients;
pub(crate) mod counts;
pub(crate) mod current;
mod decisions;
pub(crate) mod deliver;
pub(crate) mod deltas;
pub(crate) mod documents;
pub(crate) mod dry_run;
pub(crate) mod edges;
pub(crate) mod enact;
pub(crate) mod enforcement;
pub(crate) mod evaluate;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod known;
pub(crate) mod labelled;
pub(crate) mod lately;
pub(crate) mod listing;
pub(crate) mod news;
pub(crate) mod ofrep;
pub(crate) mod pace;
pub(crate) mod preview;
pub(crate) mod recent;
pub(crate) mod requests;
mod reserve;
pub(crate) mod save;
pub(crate) mod service;
pub(crate) mod sign;
pub(crate) mod stepped_back;
pub(crate) mod throw;
pub(crate) mod thrown;
pub(crate) mod unwritten;
pub(crate) mod view;
mod watched;
