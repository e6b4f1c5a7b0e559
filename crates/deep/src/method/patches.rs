//! The distance of a patch of rows from the nearest usual ones, as a small network sees them.

use rayon::prelude::*;

use super::kind::{Fit, Kind, Method, NOISE, Progress, Rows};
use crate::embed::Encoder;
use crate::product::distance2;
use crate::random::Random;
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "patches",
    about: "courses that a small network puts far from all usual ones",
    window: 32,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(Patches::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(Patches::read(part, n_columns)?)),
};

/// Usual patches that are kept as points, by chance.
const N_POINTS: usize = 1_500;

/// How many of the nearest count.
const N_NEAREST: usize = 3;

/// Patches that say what the least noise comes to.
const N_NOISY: usize = 64;

#[derive(Debug)]
struct Patches {
    encoder: Encoder,
    params: Vec<f32>,
    points: Vec<f32>,
    /// The score of a usual patch with the least noise.
    floor: f32,
}

impl Patches {
    /// Cost: 21,600 passes of the encoder, each of about window × 160 × (columns + 32) multiplications.
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let window = fit.window.max(Encoder::MIN_WINDOW);
        let encoder = Encoder::new(rows.n_columns, window);
        let params = encoder.learn(rows, fit.seed);
        let mut random = Random::new(fit.seed);
        let sample = random.sample(N_POINTS, rows.n_windows(window));
        let points = encoder.points_of(&params, rows, &sample);
        let mut found = Self { encoder, params, points, floor: 0.0 };
        found.floor = found.noise(rows, &sample, &mut random);
        found
    }

    /// How far noise moves the points of usual patches, on average.
    fn noise(&self, rows: &Rows<'_>, sample: &[usize], random: &mut Random) -> f32 {
        let window = self.encoder.window;
        let step = sample.len().div_ceil(N_NOISY).max(1);
        let firsts = sample.iter().step_by(step);
        let distances: Vec<f32> = firsts
            .map(|first| {
                let usual = &rows.window(*first, window)[..];
                let noisy: Vec<f32> =
                    usual.iter().map(|value| value + 2.0 * NOISE * (random.unit() - 0.5)).collect();
                let points = self.encoder.points(&self.params, &[usual, &noisy[..]].concat());
                let (a, b) = points.split_at(Encoder::N_DIMENSIONS);
                distance2(a, b).sqrt()
            })
            .collect();
        (distances.iter().sum::<f32>() / distances.len().max(1) as f32).max(1e-6)
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (window, floor) = match *part.get("shape")?.1 {
            [window, floor] if window >= Encoder::MIN_WINDOW as f32 && window <= 1_000.0 && floor > 0.0 => {
                (window as usize, floor)
            }
            _ => return Err(part.misshapen("shape")),
        };
        let encoder = Encoder::new(n_columns, window);
        let params = encoder.layout.gather(|name, shape| match part.get(name)? {
            (found, values) if found == shape => Ok(values),
            _ => Err(part.misshapen(name)),
        })?;
        let (_, points) = part.rows("points", &[Encoder::N_DIMENSIONS])?;
        Ok(Self { encoder, params, points: points.to_vec(), floor })
    }

    /// The mean distance to the nearest points.
    fn distance(&self, point: &[f32]) -> f32 {
        let mut nearest = [f32::INFINITY; N_NEAREST];
        for other in self.points.chunks_exact(Encoder::N_DIMENSIONS) {
            let distance = distance2(other, point);
            if distance < nearest[N_NEAREST - 1] {
                let at = nearest.partition_point(|near| *near <= distance);
                nearest[at..].rotate_right(1);
                nearest[at] = distance;
            }
        }
        let found = nearest.iter().filter(|distance| distance.is_finite());
        let (sum, n) = found.fold((0.0, 0), |(sum, n), distance| (sum + distance.sqrt(), n + 1));
        sum / n.max(1) as f32
    }

    fn distances(&self, points: &[f32]) -> Vec<f32> {
        points.par_chunks_exact(Encoder::N_DIMENSIONS).map(|point| self.distance(point)).collect()
    }
}

impl Method for Patches {
    fn window(&self) -> usize {
        self.encoder.window
    }

    /// How much nearer the patch would be, were a column as usual; in proportion, so that they add up.
    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let k = self.encoder.n_columns;
        let score = self.score(window);
        let mut without = Vec::with_capacity(k * window.len());
        for column in 0..k {
            let kept = window.iter().enumerate();
            without.extend(kept.map(|(at, value)| if at % k == column { 0.0 } else { *value }));
        }
        let nearer = self.distances(&self.encoder.points(&self.params, &without));
        let nearer: Vec<f32> = nearer.iter().map(|distance| (score - distance).max(0.0)).collect();
        let sum: f32 = nearer.iter().sum();
        let share = |nearer: &f32| if sum > 0.0 { nearer / sum } else { 1.0 / k as f32 };
        nearer.iter().map(|nearer| score * share(nearer)).collect()
    }

    fn score(&self, window: &[f32]) -> f32 {
        self.distance(&self.encoder.points(&self.params, window))
    }

    fn scores(&self, rows: &Rows<'_>) -> Vec<f32> {
        let all: Vec<usize> = (0..rows.n_windows(self.encoder.window)).collect();
        self.distances(&self.encoder.points_of(&self.params, rows, &all))
    }

    fn floor(&self) -> f32 {
        self.floor
    }

    fn write(&self, part: &mut Writer<'_>) {
        part.put("shape", &[2], &[self.encoder.window as f32, self.floor]);
        for (name, shape, values) in self.encoder.layout.named(&self.params) {
            part.put(name, shape, values);
        }
        let n = self.points.len() / Encoder::N_DIMENSIONS;
        part.put("points", &[n, Encoder::N_DIMENSIONS], &self.points);
    }
}
