//! The numbers that shape a network.

use crate::method::kind::NetworkSettings;

/// The shape of a network; the defaults are those of the reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    /// Features of a row.
    pub(crate) n_features: usize,
    /// Rows of a window.
    pub(crate) window: usize,
    /// Features that are forecast and reconstructed, the first ones.
    pub(crate) n_outputs: usize,
    /// Rows that the convolution looks at, an odd number.
    pub(crate) kernel: usize,
    /// Whether attention is of the form GATv2, else GAT.
    pub(crate) is_v2: bool,
    /// Length of the mapped nodes that are features; as long as a window, if not given.
    pub(crate) feature_embed: Option<usize>,
    /// Length of the mapped nodes that are steps; as many as features, if not given.
    pub(crate) time_embed: Option<usize>,
    /// Layers and state of the recurrent network.
    pub(crate) gru: Layers,
    /// Layers and width of the forecast.
    pub(crate) forecast: Layers,
    /// Layers and state of the decoder that reconstructs.
    pub(crate) decoder: Layers,
    /// The slope of attention's curve below 0.
    pub(crate) alpha: f32,
    /// The probability that a number is left out in training.
    pub(crate) dropout: f32,
}

/// How many layers, and numbers in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layers {
    /// Layers.
    pub(crate) n: usize,
    /// Numbers in each.
    pub(crate) width: usize,
}

impl Shape {
    /// The reference's shape for so many features and rows of a window.
    pub(crate) const fn new(n_features: usize, window: usize) -> Self {
        Self {
            n_features,
            window,
            n_outputs: n_features,
            kernel: 7,
            is_v2: true,
            feature_embed: None,
            time_embed: None,
            gru: Layers { n: 1, width: 150 },
            forecast: Layers { n: 3, width: 150 },
            decoder: Layers { n: 1, width: 150 },
            alpha: 0.2,
            dropout: 0.3,
        }
    }

    /// The shape that settings ask for.
    pub(crate) fn of(n_features: usize, window: usize, settings: &NetworkSettings) -> Self {
        let layers = |(n, width): (usize, usize)| Layers { n, width };
        Self {
            kernel: settings.kernel,
            is_v2: settings.is_v2,
            feature_embed: settings.feature_embed,
            time_embed: settings.time_embed,
            gru: layers(settings.encoder),
            forecast: layers(settings.forecast),
            decoder: layers(settings.decoder),
            alpha: settings.alpha,
            dropout: settings.dropout,
            ..Self::new(n_features, window)
        }
    }
}
