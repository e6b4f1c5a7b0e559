//! Kill switches: kept as documents, published as snapshots, asked over HTTP.
//!
//! Clients hold the switches themselves and are only told when they changed; what is asked here is for everybody
//! who cannot. Both run `lanner-switch`, so both say the same.
//!
//! Reading order: [`service`] (what is in force), [`save`] (changes by people), [`guard`] (what needs a second look),
//! [`requests`] (what waits for one), [`throw`] (changes by alerts), `enact` (in force first, then on disk) with
//! `unwritten` (what is not on disk yet) and `reserve` (revisions that a crash must not bring back), [`news`] (what people
//! are told), then the faces: `documents` and `listing` (the API), `deliver` (snapshot, [`deltas`] and stream), [`clients`] (who holds which), `evaluate`, [`recent`] and `preview` (what would be blocked), `ofrep` (OpenFeature,
//! at a [`pace`]), `gate` (proxies).

pub mod client_handlers;
pub mod clients;
pub mod counts;
pub mod current;
pub mod deliver;
pub mod deltas;
pub mod documents;
pub mod edges;
pub(crate) mod enact;
pub mod evaluate;
pub mod gate;
pub mod guard;
pub mod known;
pub mod lately;
pub mod listing;
pub mod news;
pub mod ofrep;
pub mod pace;
pub mod preview;
pub mod recent;
pub mod requests;
mod reserve;
pub mod save;
pub mod service;
pub mod sign;
pub mod throw;
pub mod thrown;
pub(crate) mod unwritten;
pub mod view;
