//! How good the automatic detector is: the tables of `docs/detectors.md`, one file a corpus.
//!
//! ```text
//! cargo test -p lanner-detect --test corpora -- --nocapture
//! ```
//!
//! Recorded series are not part of the repository; without them tests say so and pass. Noise and planted anomalies are
//! made here.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the data lies beside the repository"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

mod clocks;
mod constants;
mod gaussian;
mod injected;
mod many;
mod masking;
mod nab;
mod noise;
mod planted;
mod quiet;
mod rivals;
mod series;
mod tsb;
mod verdict;
mod wsd;
