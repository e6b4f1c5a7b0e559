//! MVAD: how far a row is from what a network with attention forecasts, each column up to a bound.

use rayon::prelude::*;

use super::kind::{Expectations, Fit, Kind, Method, NOISE, Progress, Rows};
use crate::mvad::{Network, train};
use crate::net::Settings;
use crate::store::{Damage, Part, Writer};
use crate::unit::to_unit;

pub(super) const KIND: Kind = Kind {
    name: "mvad",
    about: "rows that a neural network does not forecast, each column up to a bound",
    window: 200,
    is_slow: true,
    fit: |rows, fit, progress| Box::new(Mvad::fit(rows, fit, progress)),
    read: |part, n_columns| Ok(Box::new(Mvad::read(part, n_columns)?)),
};

/// Windows that one thread passes at once.
const SHARD: usize = 64;

/// Windows that are learned from at once, at most, and steps that an epoch takes at least, of few rows.
const BATCH: usize = 128;
const MIN_BATCH: usize = 16;

/// A row is strange by the mean over columns of `exp(min(2 |forecast - value|, 1)) - 1`: a column that fails cannot drown the others.
///
/// # Source
/// microsoft/anomaly-detector (MVAD), which SONAR uses, without its weights of columns; thresholds are ours.
#[derive(Debug)]
struct Mvad {
    network: Network,
    params: Vec<f32>,
}

impl Mvad {
    fn fit(rows: &Rows<'_>, fit: &Fit, progress: &mut dyn FnMut(Progress)) -> Self {
        // A window more is needed: its last row is forecast.
        let window = fit.window.min(rows.n().saturating_sub(1)).max(1);
        let settings = Settings {
            n_epochs: fit.n_epochs,
            batch: BATCH.min((rows.n() / 500).max(MIN_BATCH)),
            ..Settings::default()
        };
        let shape = (rows.n_columns, window);
        let seed = (&settings, fit.seed);
        let (network, params) = train(shape, rows, seed, fit.resume.as_ref(), &mut |epoch, checkpoint| {
            let (note, losses) = (epoch.to_string(), Some(epoch.losses()));
            let checkpoint = Some(checkpoint);
            progress(Progress { n_done: epoch.n_done, n: epoch.n, note, losses, checkpoint });
        });
        Self { network, params }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let window = match *part.get("window")?.1 {
            [window] if (1.0..=1_000.0).contains(&window) => window as usize,
            _ => return Err(part.misshapen("window")),
        };
        let network = Network::new(n_columns, window);
        let params = network.layout.gather(|name, shape| match part.get(name)? {
            (found, values) if found == shape => Ok(values),
            _ => Err(part.misshapen(name)),
        })?;
        Ok(Self { network, params })
    }

    /// The forecast after a window in units of the network.
    fn forecast(&self, unit: &[f32]) -> Vec<f32> {
        self.network.forecast(&self.params, &self.network.prepare(unit))
    }

    /// What each value contributes.
    fn errors(&self, unit: &[f32], forecasts: &[f32]) -> Vec<f32> {
        let k = self.network.n_columns as f32;
        let error = |(value, forecast): (&f32, &f32)| (2.0 * (value - forecast).abs()).min(1.0).exp_m1() / k;
        unit.iter().zip(forecasts).map(error).collect()
    }
}

impl Method for Mvad {
    fn window(&self) -> usize {
        self.network.window + 1
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let window = to_unit(window);
        let (before, row) = window.split_at(window.len().saturating_sub(self.network.n_columns));
        self.errors(row, &self.forecast(before))
    }

    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let expected = self.expectations(rows).map(|expected| expected.errors).unwrap_or_default();
        expected.chunks_exact(rows.n_columns).map(|row| row.iter().sum()).collect()
    }

    /// It reconstructs nothing: the forecast stands for both.
    fn expectations(&self, rows: &Rows<'_>) -> Option<Expectations> {
        let (k, n) = (rows.n_columns, self.network.window);
        let unit = to_unit(rows.in_memory().unwrap_or_default());
        let unit_rows = Rows::of(&unit, k);
        let firsts: Vec<usize> = (0..rows.n().saturating_sub(n)).collect();
        let forecasts = firsts.par_chunks(SHARD).flat_map_iter(|firsts| {
            let windows = firsts.iter().flat_map(|first| self.network.prepare(&unit_rows.window(*first, n)));
            self.network.forecast(&self.params, &windows.collect::<Vec<_>>())
        });
        let forecasts: Vec<f32> = forecasts.collect();
        let errors = self.errors(unit.get(n * k..).unwrap_or_default(), &forecasts);
        let forecasts: Vec<f32> = forecasts.iter().map(|value| 4.0 * (value - 0.5)).collect();
        Some(Expectations { reconstructions: forecasts.clone(), forecasts, errors })
    }

    fn floor(&self) -> f32 {
        (2.0 * 0.25 * NOISE).exp_m1()
    }

    /// The forecast of the row was made with the row before: one pass instead of two.
    fn next(&self, window: &[f32], forecast: &mut Vec<f32>) -> f32 {
        let (k, window) = (self.network.n_columns, to_unit(window));
        let (before, row) = window.split_at(window.len().saturating_sub(k));
        // The window before this one forecast its last row, unless there was none.
        if forecast.len() != k {
            *forecast = self.forecast(before);
        }
        let score = self.errors(row, forecast).iter().sum();
        *forecast = self.forecast(window.get(k..).unwrap_or_default());
        score
    }

    fn write(&self, part: &mut Writer<'_>) {
        part.put("window", &[1], &[self.network.window as f32]);
        for (name, shape, values) in self.network.layout.named(&self.params) {
            part.put(name, shape, values);
        }
    }
}
