//! MTAD-GAT, a network of two heads of graph attention and recurrent layers, without a framework.
//!
//! Reading order: [`shape`], [`network`] (the parts together), `dense`, `attention`, `gru`, `stretch` (the parts), `loss` and
//! `adam` (what is made small, and how), [`mod@train`]. The weights have the names and shapes of the reference in PyTorch, and
//! recorded tensors of it are reproduced to 1e-4.
//!
//! Three savings are exact: nodes are mapped once, not each pair; the decoder's input is never made; one pass for each window
//! gives the forecast of the next row and the reconstruction of the last.

mod adam;
mod attention;
mod curves;
mod dense;
#[cfg(test)]
mod golden;
mod gru;
mod layout;
mod loss;
mod network;
mod shape;
mod stretch;
mod train;

use rayon::prelude::*;

pub(crate) use network::Network;
pub(crate) use shape::Shape;
pub(crate) use train::{Settings, train};

/// Windows that one thread passes at once.
const SHARD: usize = 64;

/// The forecast of the row after each window, and the reconstruction of its last row.
pub(crate) fn forward(network: &Network, params: &[f32], windows: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let length = network.shape.window * network.shape.n_features;
    let passed: Vec<(Vec<f32>, Vec<f32>)> = windows
        .par_chunks(SHARD * length)
        .map(|windows| {
            let trace = network.forward(params, windows, None);
            let n_last = windows.len() / length * network.shape.n_outputs;
            let last = trace.reconstruction.len().saturating_sub(n_last);
            let reconstruction = trace.reconstruction.get(last..).unwrap_or_default().to_vec();
            (trace.forecast, reconstruction)
        })
        .collect();
    let (forecasts, reconstructions): (Vec<Vec<f32>>, Vec<Vec<f32>>) = passed.into_iter().unzip();
    (forecasts.concat(), reconstructions.concat())
}
