//! Parts that networks are made of: linear maps, gated recurrent units, curves, and how they learn.
//!
//! Reading order: `layout` (where parameters lie), `dense`, `convolution`, `gru`, `curves`, `adam`, `train`; `buffer` (memory that is used again).

mod adam;
mod buffer;
mod convolution;
mod curves;
mod dense;
mod gru;
mod layout;
mod train;

pub(crate) use adam::Adam;
pub(crate) use buffer::Buffer;
pub(crate) use convolution::Convolution;
pub(crate) use curves::{sigmoids, softmax};
pub(crate) use dense::{Dense, add_columns};
pub(crate) use gru::{Drive, Gru, Outputs, Trace as GruTrace};
pub(crate) use layout::{Layout, Slot};
pub(crate) use train::{Epoch, Learner, Loss, Settings, train};
