//! Training: epochs over shuffled windows, judged by later ones.

use std::fmt;

use super::adam::Adam;
use super::buffer::Buffer;
use crate::checkpoint::{Checkpoint, Count};
use crate::random::Random;

/// What is made small: the errors of a forecast and of a reconstruction, over all numbers of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Loss {
    pub(crate) forecast: f64,
    pub(crate) reconstruction: f64,
}

impl Loss {
    pub(crate) fn total(self) -> f64 {
        self.forecast + self.reconstruction
    }
}

/// A network with the windows that it learns from, oldest first.
pub(crate) trait Learner {
    fn n_windows(&self) -> usize;

    /// The loss of some windows, and its gradients; the seed says what chance does.
    fn learn(&self, params: &[f32], windows: &[usize], seed: u64) -> (Loss, Vec<f32>);

    /// The loss of some windows.
    fn measure(&self, params: &[f32], windows: &[usize]) -> Loss;
}

/// How a network is trained. The defaults are those of the reference of MTAD-GAT, with four epochs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) n_epochs: usize,
    pub(crate) batch: usize,
    pub(crate) rate: f32,
    /// The share of windows, the last ones, that are not learned from and say which epoch was best.
    pub(crate) validation: f64,
    /// Epochs without a better one before it stops.
    pub(crate) patience: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { n_epochs: 4, batch: 256, rate: 1e-3, validation: 0.1, patience: 5 }
    }
}

/// What one epoch came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Epoch {
    pub(crate) n_done: usize,
    pub(crate) n: usize,
    training: Loss,
    pub(crate) validation: Loss,
}

impl Epoch {
    /// The errors of forecast and reconstruction, and both again on later rows.
    pub(crate) const fn losses(&self) -> [f64; 4] {
        let (training, later) = (self.training, self.validation);
        [training.forecast, training.reconstruction, later.forecast, later.reconstruction]
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (training, validation) = (self.training, self.validation);
        write!(
            f,
            "epoch {} of {}: forecast error {:.4}, reconstruction error {:.4}; on later rows {:.4} and {:.4}",
            self.n_done,
            self.n,
            training.forecast,
            training.reconstruction,
            validation.forecast,
            validation.reconstruction
        )
    }
}

/// Trains a network from its first parameters on. The result are the parameters of the best epoch.
///
/// The same windows, settings and chance give the same parameters, with any number of interruptions: `from` is where a training
/// goes on.
pub(crate) fn train(
    learner: &dyn Learner,
    initial: Vec<f32>,
    random: &mut Random,
    settings: &Settings,
    from: Option<&Checkpoint>,
    progress: &mut dyn FnMut(&Epoch, Checkpoint),
) -> Vec<f32> {
    let mut course = Course::new(initial, settings.rate, from);
    let n = learner.n_windows();
    let n_validation = (n as f64 * settings.validation) as usize;
    let (mut order, later): (Vec<usize>, Vec<usize>) = (0..n).partition(|index| index + n_validation < n);
    for epoch in 1..=settings.n_epochs {
        if epoch > course.count.best.1 + settings.patience {
            break;
        }
        random.shuffle(&mut order);
        if epoch <= course.count.n_done {
            // Chance does again what it did then.
            order.chunks(settings.batch).for_each(|_| _ = random.next());
            continue;
        }
        let losses = order.chunks(settings.batch).map(|batch| {
            let (loss, grads) = learner.learn(&course.params, batch, random.next());
            course.adam.step(&mut course.params, &grads);
            (loss, batch.len())
        });
        let training = mean(&losses.collect::<Vec<_>>());
        let losses = later.chunks(settings.batch);
        let losses = losses.map(|batch| (learner.measure(&course.params, batch), batch.len()));
        let validation = mean(&losses.collect::<Vec<_>>());
        let done = Epoch { n_done: epoch, n: settings.n_epochs, training, validation };
        course.finish(&done, if later.is_empty() { training } else { validation });
        progress(&done, course.checkpoint());
    }
    Buffer::release_all();
    course.best
}

/// What goes on from epoch to epoch.
struct Course {
    params: Vec<f32>,
    best: Vec<f32>,
    adam: Adam,
    count: Count,
}

impl Course {
    /// From the beginning, or from where it was.
    fn new(initial: Vec<f32>, rate: f32, from: Option<&Checkpoint>) -> Self {
        match from.filter(|from| from.params.len() == initial.len()) {
            Some(from) => {
                let count = from.count();
                let adam = Adam::resume(rate, from.memory.clone(), count.powers);
                Self { params: from.params.clone(), best: from.best.clone(), adam, count }
            }
            None => {
                let best = (f64::INFINITY, 0);
                let count = Count { n_done: 0, powers: (1.0, 1.0), best, losses: Vec::new() };
                Self { adam: Adam::new(initial.len(), rate), best: initial.clone(), params: initial, count }
            }
        }
    }

    fn finish(&mut self, epoch: &Epoch, judged: Loss) {
        self.count.n_done = epoch.n_done;
        self.count.powers = self.adam.memory().1;
        self.count.losses.push(epoch.losses());
        if judged.total() < self.count.best.0 {
            self.count.best = (judged.total(), epoch.n_done);
            self.best.clone_from(&self.params);
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.count, &self.params, &self.best, self.adam.memory().0)
    }
}

/// The mean loss of batches, by their sizes.
fn mean(losses: &[(Loss, usize)]) -> Loss {
    let n: usize = losses.iter().map(|(_, n)| n).sum();
    let mean = |of: fn(&Loss) -> f64| {
        let squares: f64 = losses.iter().map(|(loss, n)| of(loss).powi(2) * *n as f64).sum();
        (squares / n.max(1) as f64).sqrt()
    };
    Loss { forecast: mean(|loss| loss.forecast), reconstruction: mean(|loss| loss.reconstruction) }
}
