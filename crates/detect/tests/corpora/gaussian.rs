//! The benchmark's own simple detector: how improbable is a value, if the last 6,400 were normally distributed?

use std::collections::VecDeque;

/// Values of the window, and how many come before it moves.
const WINDOW: usize = 6_400;
const STEP: usize = 100;

/// Beyond this many deviations the benchmark's score, 1 minus the tail's probability, can rise no more.
const MOST: f64 = 8.2;

/// Distances from the mean in standard deviations: the same order as the benchmark's probabilities.
pub(crate) fn scores(y: &[f64]) -> Vec<f64> {
    let (mut window, mut waiting) = (VecDeque::new(), Vec::new());
    let (mut mean, mut deviation) = (0.0, 1.0);
    let mut scores = Vec::new();
    for &y in y {
        let score: f64 = if window.is_empty() { 0.0 } else { (y - mean) / deviation };
        scores.push(score.abs().min(MOST));
        if window.len() < WINDOW {
            window.push_back(y);
        } else {
            waiting.push(y);
            if waiting.len() < STEP {
                continue;
            }
            window.drain(..STEP);
            window.extend(waiting.drain(..));
        }
        (mean, deviation) = moments(&window);
    }
    scores
}

fn moments(window: &VecDeque<f64>) -> (f64, f64) {
    let n = window.len() as f64;
    let mean = window.iter().sum::<f64>() / n;
    let variance = window.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
    (mean, if variance > 0.0 { variance.sqrt() } else { 1e-6 })
}
