//! MTAD-GAT, a network of two heads of graph attention and recurrent layers, without a framework.
//!
//! Reading order: [`shape`], [`network`] (the parts together), `attention` with `pairs`, `stretch` (the parts), `loss` (what is made small),
//! [`mod@train`]. The weights have the names and shapes of the reference in PyTorch, and
//! recorded tensors of it are reproduced to 1e-4.
//!
//! Some savings are exact: nodes are mapped once, not each pair; the decoder's input is never made; one pass for each window
//! gives the forecast of the next row and the reconstruction of the last; and when rows are scored (`score`), what only training needs is
//! not kept, and what windows have in common is mapped once (`slide`).

mod attention;
#[cfg(test)]
mod golden;
mod loss;
mod network;
mod pairs;
mod score;
mod shape;
mod slide;
mod stretch;
mod train;

pub(crate) use network::Network;
pub(crate) use score::Scoring;
pub(crate) use shape::Shape;
pub(crate) use train::train;
