//! MTAD-GAT: the errors of a network that forecasts the next row and reconstructs its window.

use super::kind::{Expectations, Fit, Kind, Method, NOISE, NetworkSettings, Progress, Rows};
use crate::mtad::{Network, Scoring, Shape, train};
use crate::net::Settings;
use crate::store::{Damage, Part, Writer};
use crate::unit::{from_unit, to_unit};

pub(super) const KIND: Kind = Kind {
    name: "mtad-gat",
    about: "rows that a neural network with graph attention neither forecasts nor reconstructs",
    window: 100,
    is_slow: true,
    fit: |rows, fit, progress| Box::new(MtadGat::fit(rows, fit, progress)),
    read: |part, n_columns| Ok(Box::new(MtadGat::read(part, n_columns)?)),
};

/// Few rows are learned from in smaller batches, so that an epoch takes so many steps; but batches are no smaller than this.
const STEPS_PER_EPOCH: usize = 50;
const MIN_BATCH: usize = 16;

/// A row is strange as far as it differs from the forecast by the window before it, and from its own reconstruction as the
/// last row of its window.
///
/// # Source
/// H. Zhao et al., "Multivariate time-series anomaly detection via graph attention network", ICDM 2020, as
/// ML4ITS/mtad-gat-pytorch reads it.
#[derive(Debug)]
struct MtadGat {
    scoring: Scoring,
    /// How much the reconstruction counts beside the forecast.
    gamma: f32,
}

impl MtadGat {
    fn fit(rows: &Rows<'_>, fit: &Fit, progress: &mut dyn FnMut(Progress)) -> Self {
        // A window more is needed: its last row is forecast.
        let window = fit.window.min(rows.n().saturating_sub(1)).max(1);
        let shape = Shape::of(rows.n_columns, window, &fit.network);
        let settings = Settings {
            n_epochs: fit.n_epochs,
            batch: fit.network.batch.min((rows.n() / STEPS_PER_EPOCH).max(MIN_BATCH)),
            rate: fit.network.rate,
            validation: fit.network.validation,
            ..Settings::default()
        };
        let (network, params) = train(
            shape,
            rows,
            (&settings, fit.seed, fit.initial.as_ref()),
            fit.resume.as_ref(),
            &mut |epoch, checkpoint| {
                let (note, losses) = (epoch.to_string(), Some(epoch.losses()));
                let checkpoint = Some(checkpoint);
                progress(Progress { n_done: epoch.n_done, n: epoch.n, note, losses, checkpoint });
            },
        );
        Self { scoring: Scoring::new(network, params), gamma: fit.network.gamma }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (window, gamma, settings) = read_shape(part)?;
        let network = Network::new(Shape::of(n_columns, window, &settings));
        let params = network.layout.gather(|name, shape| match part.get(name)? {
            (found, values) if found == shape => Ok(values),
            _ => Err(part.misshapen(name)),
        })?;
        Ok(Self { scoring: Scoring::new(network, params), gamma })
    }

    fn n_columns(&self) -> usize {
        self.scoring.network.shape.n_features
    }

    /// Rows that the network passes at once.
    fn n_rows(&self) -> usize {
        self.scoring.network.shape.window
    }

    /// The errors of rows that were forecast and reconstructed, in units of the range of training.
    fn errors(&self, rows: &[f32], forecasts: &[f32], reconstructions: &[f32]) -> Vec<f32> {
        let results = forecasts.iter().zip(reconstructions);
        let error =
            |(row, (one, other)): (&f32, (&f32, &f32))| (row - one).abs() + self.gamma * (row - other).abs();
        rows.iter().zip(results).map(error).collect()
    }

    /// One pass for each window: it forecasts the next row and reconstructs its own last one. In units of the network.
    fn pass(&self, unit: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let k = self.n_columns();
        let (mut forecasts, mut reconstructions) = self.scoring.forward(unit);
        // The last window forecasts a row that is not there, the first one reconstructs one that nothing forecast.
        forecasts.truncate(forecasts.len().saturating_sub(k));
        reconstructions.drain(..k.min(reconstructions.len()));
        (forecasts, reconstructions)
    }
}

/// What the file says of the shape: the window, the weight of the reconstruction, and the rest.
fn read_shape(part: &Part<'_>) -> Result<(usize, f32, NetworkSettings), Damage> {
    let (_, shape) = part.get("shape")?;
    let [window, kernel, is_v2, feature_embed, time_embed, e_n, e, f_n, f, d_n, d, alpha, gamma] = *shape
    else {
        return Err(part.misshapen("shape"));
    };
    let sizes = [window, kernel, e_n, e, d_n, d, f];
    let is_possible = sizes.iter().all(|size| (1.0..=2_000.0).contains(size))
        && [feature_embed, time_embed, f_n].iter().all(|size| (0.0..=2_000.0).contains(size))
        && [e_n, d_n, f_n].iter().all(|layers| *layers <= 8.0)
        && window <= 1_000.0
        && kernel % 2.0 == 1.0;
    if !is_possible {
        return Err(part.misshapen("shape"));
    }
    let whole = |size: f32| size as usize;
    let embed = |size: f32| Some(size as usize).filter(|size| *size > 0);
    let settings = NetworkSettings {
        kernel: whole(kernel),
        is_v2: is_v2 > 0.0,
        feature_embed: embed(feature_embed),
        time_embed: embed(time_embed),
        encoder: (whole(e_n), whole(e)),
        forecast: (whole(f_n), whole(f)),
        decoder: (whole(d_n), whole(d)),
        alpha,
        ..NetworkSettings::default()
    };
    Ok((whole(window), gamma, settings))
}

/// Sizes fit into 24 bits.
fn shape_of(shape: &Shape, gamma: f32) -> [f32; 13] {
    let size = |size: usize| size as f32;
    let embed = |size: Option<usize>| size.unwrap_or(0) as f32;
    [
        size(shape.window),
        size(shape.kernel),
        f32::from(u8::from(shape.is_v2)),
        embed(shape.feature_embed),
        embed(shape.time_embed),
        size(shape.gru.n),
        size(shape.gru.width),
        size(shape.forecast.n),
        size(shape.forecast.width),
        size(shape.decoder.n),
        size(shape.decoder.width),
        shape.alpha,
        gamma,
    ]
}

impl Method for MtadGat {
    fn window(&self) -> usize {
        self.n_rows() + 1
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let (k, window) = (self.n_columns(), to_unit(window));
        let row = window.get(window.len() - k..).unwrap_or_default();
        // Two windows: that before the row, and that which ends with it.
        let (forecasts, reconstructions) = self.scoring.forward(&window);
        let errors = self.errors(row, &forecasts, reconstructions.get(k..).unwrap_or_default());
        errors.iter().map(|error| error / k as f32).collect()
    }

    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let k = self.n_columns();
        let expected = self.expectations(rows).map(|expected| expected.errors).unwrap_or_default();
        expected.chunks_exact(k).map(|row| row.iter().sum()).collect()
    }

    fn expectations(&self, rows: &Rows<'_>) -> Option<Expectations> {
        let (k, n) = (self.n_columns(), self.n_rows());
        let unit = to_unit(rows.in_memory().unwrap_or_default());
        let (forecasts, reconstructions) = self.pass(&unit);
        let judged = unit.get(n * k..).unwrap_or_default();
        let mut errors = self.errors(judged, &forecasts, &reconstructions);
        errors.iter_mut().for_each(|error| *error /= k as f32);
        Some(Expectations {
            forecasts: from_unit(&forecasts),
            reconstructions: from_unit(&reconstructions),
            errors,
        })
    }

    fn floor(&self) -> f32 {
        0.25 * NOISE * (1.0 + self.gamma)
    }

    /// The forecast of the row was made with the row before: one pass instead of two.
    fn next(&self, window: &[f32], forecast: &mut Vec<f32>) -> f32 {
        let (k, window) = (self.n_columns(), to_unit(window));
        let (first, row) = window.split_at(window.len() - k);
        if forecast.len() != k {
            *forecast = self.scoring.forward(first).0;
        }
        let (next, reconstruction) = self.scoring.forward(window.get(k..).unwrap_or_default());
        let errors = self.errors(row, forecast, &reconstruction);
        *forecast = next;
        errors.iter().sum::<f32>() / k as f32
    }

    fn write(&self, part: &mut Writer<'_>) {
        let Scoring { network, params, .. } = &self.scoring;
        let shape = shape_of(&network.shape, self.gamma);
        part.put("shape", &[shape.len()], &shape);
        for (name, shape, values) in network.layout.named(params) {
            part.put(name, shape, values);
        }
    }
}
