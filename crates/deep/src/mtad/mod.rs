//! MTAD-GAT, a network of two heads of graph attention and recurrent layers, without a framework.
//!
//! Reading order: [`shape`], [`network`] (the parts together), `dense`, `attention`, `gru`, `stretch` (the parts), `loss` and
//! `adam` (what is made small, and how), [`mod@train`]. The weights have the names and shapes of the reference in PyTorch, and
//! recorded tensors of it are reproduced to 1e-4.
//!
//! Some savings are exact: nodes are mapped once, not each pair; the decoder's input is never made; one pass for each window
//! gives the forecast of the next row and the reconstruction of the last; and what only training needs is not kept when rows are
//! scored (`score`).

mod attention;
#[cfg(test)]
mod golden;
mod loss;
mod network;
mod score;
mod shape;
mod stretch;
mod train;

pub(crate) use network::Network;
pub(crate) use score::Scoring;
pub(crate) use shape::Shape;
pub(crate) use train::train;
