//! The distance of a window from the nearest of some typical windows.

use std::borrow::Cow;

use rayon::prelude::*;

use super::kind::{Fit, Kind, Method, NOISE, Progress, Rows, by_column};
use crate::product::{View, distance2, dot, multiply};
use crate::random::Random;
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "k-means",
    about: "courses unlike any typical course",
    window: 20,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(KMeans::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(KMeans::read(part, n_columns)?)),
};

/// Typical windows.
const N_CENTRES: usize = 30;

/// Every so manieth window is learned from: its neighbours are nearly the same. At most so many, evenly spread.
const STEP: usize = 4;
const MAX_POINTS: usize = 20_000;

/// Points whose distances are computed at once.
const BLOCK: usize = 512;

/// Rounds of moving the centres.
const N_ROUNDS: usize = 20;

#[derive(Debug)]
pub(super) struct KMeans {
    window: usize,
    n_columns: usize,
    centres: Vec<f32>,
}

impl KMeans {
    /// Cost: O(rounds × rows / 4 × centres × numbers in a window).
    pub(super) fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let n = rows.n_windows(fit.window);
        let step = STEP.max(n.div_ceil(MAX_POINTS));
        let points = Points::of(rows, fit.window, step, n.div_ceil(step));
        let mut centres = points.first_centres(&mut Random::new(fit.seed));
        for _ in 0..N_ROUNDS {
            points.move_centres(&mut centres);
        }
        Self { window: fit.window, n_columns: rows.n_columns, centres }
    }

    pub(super) fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        match part.get("centres")? {
            ([n, window, columns], centres) if *columns == n_columns && *window > 0 && *n > 0 => {
                Ok(Self { window: *window, n_columns, centres: centres.to_vec() })
            }
            _ => Err(part.misshapen("centres")),
        }
    }
}

/// The windows that are learned from: where they lie among the rows; one after the other, where rows are not in memory.
struct Points<'a> {
    values: Cow<'a, [f32]>,
    /// Numbers from one point to the next, and in each.
    stride: usize,
    length: usize,
    n: usize,
}

impl<'a> Points<'a> {
    fn of(rows: &Rows<'a>, window: usize, step: usize, n: usize) -> Self {
        let length = window * rows.n_columns;
        match rows.in_memory() {
            Some(values) => Self { values: Cow::Borrowed(values), stride: step * rows.n_columns, length, n },
            None => {
                let mut values = Vec::with_capacity(n * length);
                (0..n).for_each(|index| values.extend_from_slice(&rows.window(index * step, window)));
                Self { values: Cow::Owned(values), stride: length, length, n }
            }
        }
    }

    fn point(&self, index: usize) -> &[f32] {
        let at = index * self.stride;
        self.values.get(at..at + self.length).unwrap_or_default()
    }

    /// Each next centre is a point by chance, the likelier the farther it is from all centres before (k-means++).
    fn first_centres(&self, random: &mut Random) -> Vec<f32> {
        let mut centres: Vec<f32> = Vec::new();
        let mut distances = vec![1.0_f32; self.n];
        for round in 0..N_CENTRES.min(self.n) {
            let sum: f64 = distances.iter().map(|distance| f64::from(*distance)).sum();
            let mut left = f64::from(random.unit()) * sum;
            let chosen = distances.iter().position(|distance| {
                left -= f64::from(*distance);
                left < 0.0
            });
            let point = self.point(chosen.unwrap_or_default());
            distances.par_iter_mut().enumerate().for_each(|(index, distance)| {
                let new = distance2(point, self.point(index));
                *distance = if round == 0 { new } else { distance.min(new) };
            });
            centres.extend(point);
        }
        centres
    }

    /// Each centre becomes the mean of the points that are nearest to it; one without any stays.
    #[expect(clippy::cast_possible_truncation, reason = "centres are kept in single precision")]
    fn move_centres(&self, centres: &mut [f32]) {
        let nearest = self.nearest(centres);
        centres.par_chunks_exact_mut(self.length).enumerate().for_each(|(index, centre)| {
            let mut sums = vec![0.0_f64; centre.len()];
            let mut n = 0;
            let mine = nearest.iter().enumerate().filter(|(_, nearest)| **nearest == index);
            for (point, _) in mine {
                n += 1;
                sums.iter_mut().zip(self.point(point)).for_each(|(sum, value)| *sum += f64::from(*value));
            }
            if n > 0 {
                centre.iter_mut().zip(sums).for_each(|(value, sum)| *value = (sum / f64::from(n)) as f32);
            }
        });
    }

    /// The nearest centre of each point: `|c|² - 2 p·c` is least. All products at once are ten times as fast as distances one by one.
    fn nearest(&self, centres: &[f32]) -> Vec<usize> {
        let (length, stride) = (self.length, self.stride);
        let n_centres = centres.len() / length;
        let squares: Vec<f32> = centres.chunks_exact(length).map(|centre| dot(centre, centre)).collect();
        let centres = View::new(centres, n_centres, length).transposed();
        let blocks: Vec<usize> = (0..self.n).step_by(BLOCK).collect();
        let nearest = blocks.par_iter().flat_map_iter(|&first| {
            let values = self.values.get(first * stride..).unwrap_or_default();
            let n = BLOCK.min(self.n - first);
            let mut products = vec![0.0; n * n_centres];
            multiply(View::strided(values, n, length, stride), centres, 0.0, &mut products);
            let nearest = products.chunks_exact(n_centres).map(|products| {
                let distances = products.iter().zip(&squares).map(|(product, square)| square - 2.0 * product);
                distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index)
            });
            nearest.collect::<Vec<usize>>()
        });
        nearest.collect()
    }
}

impl Method for KMeans {
    fn window(&self) -> usize {
        self.window
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let centres = self.centres.chunks_exact(window.len());
        let distances = centres.map(|centre| (distance2(centre, window), centre));
        let Some((squared, centre)) = distances.min_by(|a, b| a.0.total_cmp(&b.0)) else { return Vec::new() };
        let factor = 1.0 / squared.sqrt().max(1e-9);
        by_column(self.n_columns, centre.iter().zip(window).map(|(a, b)| (a - b) * (a - b) * factor))
    }

    fn floor(&self) -> f32 {
        NOISE * ((self.window * self.n_columns) as f32).sqrt()
    }

    fn write(&self, part: &mut Writer<'_>) {
        let length = self.window * self.n_columns;
        part.put("centres", &[self.centres.len() / length, self.window, self.n_columns], &self.centres);
    }
}
