//! The forecast of Microsoft's MVAD: smoothed rows, two heads of attention with two vectors each, a recurrent layer, linear maps.
//!
//! ```text
//! rows ─▶ moving mean ─▶ highest of some steps ─▶ x (n × k) ─▶ attention over features ─▶ ┐
//!                                                   ├────────▶ attention over steps ─────▶ ├─▶ GRU ─▶ linear maps ─▶ the next row
//!                                                   └────────────────────────────────────▶ ┘
//! ```
//!
//! Its second half, a variational autoencoder that reconstructs, takes no part in its verdict and is left out, as are its
//! normalised batches.
//!
//! Reading order: [`network`], `head` (attention), [`mod@train`].

mod head;
mod network;
mod train;

pub(crate) use network::Network;
pub(crate) use train::train;
