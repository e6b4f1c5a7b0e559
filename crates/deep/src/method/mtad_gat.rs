//! MTAD-GAT: the errors of a network that forecasts the next row and reconstructs its window.

use super::kind::{Fit, Kind, Method, Progress, Rows};
use crate::mtad::{Network, Settings, Shape, forward, train};
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "mtad-gat",
    about: "rows that a neural network with graph attention neither forecasts nor reconstructs",
    window: 100,
    is_slow: true,
    fit: |rows, fit, progress| Box::new(MtadGat::fit(rows, fit, progress)),
    read: |part, n_columns| Ok(Box::new(MtadGat::read(part, n_columns)?)),
};

/// Windows that are passed at once when many are scored.
const BATCH: usize = 256;

/// A row is strange as far as it differs from the forecast by the window before it, and from its own reconstruction as the
/// last row of its window.
///
/// # Source
/// H. Zhao et al., "Multivariate time-series anomaly detection via graph attention network", ICDM 2020, as
/// ML4ITS/mtad-gat-pytorch reads it.
#[derive(Debug)]
struct MtadGat {
    network: Network,
    params: Vec<f32>,
}

impl MtadGat {
    fn fit(rows: &Rows<'_>, fit: &Fit, progress: &mut dyn FnMut(Progress)) -> Self {
        // A window more is needed: its last row is forecast.
        let shape = Shape::new(rows.n_columns, fit.window.min(rows.n().saturating_sub(1)).max(1));
        let settings = Settings { n_epochs: fit.n_epochs, seed: fit.seed, ..Settings::default() };
        let rows = to_unit(rows.values);
        let (network, params) = train(shape, &rows, &settings, &mut |epoch| {
            let note = epoch.to_string();
            progress(Progress { n_done: epoch.n_done, n: epoch.n, note });
        });
        Self { network, params }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let ([_, window], _) = part.get("shape")? else { return Err(part.misshapen("shape")) };
        if *window == 0 || *window > 1_000 {
            return Err(part.misshapen("shape"));
        }
        let network = Network::new(Shape::new(n_columns, *window));
        let params = network.gather(|name, shape| match part.get(name)? {
            (found, values) if found == shape => Ok(values),
            _ => Err(part.misshapen(name)),
        })?;
        Ok(Self { network, params })
    }

    fn n_columns(&self) -> usize {
        self.network.shape.n_features
    }

    /// The errors of rows that were forecast and reconstructed, in units of the range of training.
    fn errors(rows: &[f32], forecasts: &[f32], reconstructions: &[f32]) -> Vec<f32> {
        let results = forecasts.iter().zip(reconstructions);
        rows.iter().zip(results).map(|(row, (one, other))| (row - one).abs() + (row - other).abs()).collect()
    }
}

/// Scaled rows as the network wants them, about from 0 to 1.
fn to_unit(rows: &[f32]) -> Vec<f32> {
    rows.iter().map(|value| 0.25 * value + 0.5).collect()
}

impl Method for MtadGat {
    fn window(&self) -> usize {
        self.network.shape.window + 1
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let (k, window) = (self.n_columns(), to_unit(window));
        let row = window.get(window.len() - k..).unwrap_or_default();
        let both = [window.get(..window.len() - k).unwrap_or_default(), window.get(k..).unwrap_or_default()]
            .concat();
        let (forecasts, reconstructions) = forward(&self.network, &self.params, &both);
        let errors = Self::errors(row, &forecasts, reconstructions.get(k..).unwrap_or_default());
        errors.iter().map(|error| error / k as f32).collect()
    }

    /// One pass for each window: it forecasts the next row and reconstructs its own last one.
    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let (k, n) = (self.n_columns(), self.network.shape.window);
        let unit = to_unit(rows.values);
        let unit = Rows { values: &unit, n_columns: k };
        let (mut forecasts, mut reconstructions) = (Vec::new(), Vec::new());
        for first in (0..unit.n_windows(n)).step_by(BATCH) {
            let windows = (first..unit.n_windows(n).min(first + BATCH)).map(|first| unit.window(first, n));
            let (forecast, reconstruction) =
                forward(&self.network, &self.params, &windows.collect::<Vec<_>>().concat());
            forecasts.extend(forecast);
            reconstructions.extend(reconstruction);
        }
        let rows = unit.values.get(n * k..).unwrap_or_default();
        let errors = Self::errors(rows, &forecasts, reconstructions.get(k..).unwrap_or_default());
        errors.chunks_exact(k).map(|row| row.iter().sum::<f32>() / k as f32).collect()
    }

    fn write(&self, part: &mut Writer<'_>) {
        part.put("shape", &[0, self.network.shape.window], &[]);
        for (name, shape, values) in self.network.named(&self.params) {
            part.put(name, shape, values);
        }
    }
}
