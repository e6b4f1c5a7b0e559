//! The mean distance to the nearest of some windows of training.

use super::kind::{Fit, Kind, Method, NOISE, Progress, Rows, by_column};
use crate::product::distance2;
use crate::random::Random;
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "neighbours",
    about: "rows unlike any row before",
    window: 1,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(Neighbours::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(Neighbours::read(part, n_columns)?)),
};

/// Windows that are kept, by chance.
const N_POINTS: usize = 3_000;

/// How many of the nearest count.
const N_NEAREST: usize = 10;

#[derive(Debug)]
struct Neighbours {
    window: usize,
    n_columns: usize,
    points: Vec<f32>,
}

impl Neighbours {
    /// Cost: O(points); a score costs O(points × numbers in a window).
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let sample = Random::new(fit.seed).sample(N_POINTS, rows.n_windows(fit.window));
        let mut points = Vec::new();
        sample.into_iter().for_each(|first| points.extend_from_slice(&rows.window(first, fit.window)));
        Self { window: fit.window, n_columns: rows.n_columns, points }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        match part.get("points")? {
            ([n, window, columns], points) if *columns == n_columns && *window > 0 && *n > 0 => {
                Ok(Self { window: *window, n_columns, points: points.to_vec() })
            }
            _ => Err(part.misshapen("points")),
        }
    }

    /// The nearest points with their squared distances, nearest first.
    fn nearest(&self, window: &[f32]) -> Vec<(f32, &[f32])> {
        let mut nearest: Vec<(f32, &[f32])> = Vec::with_capacity(N_NEAREST + 1);
        for point in self.points.chunks_exact(window.len()) {
            let distance = distance2(point, window);
            if nearest.len() < N_NEAREST || nearest.last().is_some_and(|(furthest, _)| distance < *furthest) {
                let at = nearest.partition_point(|(other, _)| *other <= distance);
                nearest.insert(at, (distance, point));
                nearest.truncate(N_NEAREST);
            }
        }
        nearest
    }
}

impl Method for Neighbours {
    fn window(&self) -> usize {
        self.window
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let nearest = self.nearest(window);
        let mut sums = vec![0.0; self.n_columns];
        for (squared, point) in &nearest {
            let factor = 1.0 / (squared.sqrt().max(1e-9) * nearest.len() as f32);
            let terms = point.iter().zip(window).map(|(a, b)| (a - b) * (a - b) * factor);
            sums.iter_mut().zip(by_column(self.n_columns, terms)).for_each(|(sum, term)| *sum += term);
        }
        sums
    }

    fn score(&self, window: &[f32]) -> f32 {
        let nearest = self.nearest(window);
        nearest.iter().map(|(squared, _)| squared.sqrt()).sum::<f32>() / nearest.len() as f32
    }

    fn floor(&self) -> f32 {
        NOISE * ((self.window * self.n_columns) as f32).sqrt()
    }

    fn write(&self, part: &mut Writer<'_>) {
        let length = self.window * self.n_columns;
        part.put("points", &[self.points.len() / length, self.window, self.n_columns], &self.points);
    }
}
