//! A training that is not over: all that its next epoch needs.

use serde::{Deserialize, Serialize};

use crate::store::{CHECKPOINT, Damage, Store};

/// Where a training is after an epoch. Going on from here gives the same bytes as never having stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    about: About,
    pub(crate) params: Vec<f32>,
    /// The parameters of the best epoch so far.
    pub(crate) best: Vec<f32>,
    /// The optimiser's memory: means of the gradients, and of their squares.
    pub(crate) memory: [Vec<f32>; 2],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct About {
    /// What is trained on what: a checkpoint goes with no other rows and settings.
    training: String,
    n_done: usize,
    powers: [f64; 2],
    /// The error of the best epoch, if it is one, and which that was.
    best: (Option<f64>, usize),
    losses: Vec<[f64; 4]>,
}

/// What is counted and measured from epoch to epoch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Count {
    /// Epochs done.
    pub(crate) n_done: usize,
    /// What the optimiser's memory began with is worth so much by now.
    pub(crate) powers: (f64, f64),
    /// The error of the best epoch, and which that was.
    pub(crate) best: (f64, usize),
    /// Epoch by epoch.
    pub(crate) losses: Vec<[f64; 4]>,
}

impl Checkpoint {
    pub(crate) fn new(count: &Count, params: &[f32], best: &[f32], memory: [&[f32]; 2]) -> Self {
        let about = About {
            training: String::new(),
            n_done: count.n_done,
            powers: [count.powers.0, count.powers.1],
            best: (Some(count.best.0).filter(|error| error.is_finite()), count.best.1),
            losses: count.losses.clone(),
        };
        let memory = memory.map(<[f32]>::to_vec);
        Self { about, params: params.to_vec(), best: best.to_vec(), memory }
    }

    pub(crate) fn count(&self) -> Count {
        let About { n_done, powers, best, losses, .. } = self.about.clone();
        Count {
            n_done,
            powers: (powers[0], powers[1]),
            best: (best.0.unwrap_or(f64::INFINITY), best.1),
            losses,
        }
    }

    /// Says what is trained on what.
    pub(crate) fn of(mut self, training: &str) -> Self {
        training.clone_into(&mut self.about.training);
        self
    }

    /// Whether it is one of this training.
    pub(crate) fn is_of(&self, training: &str) -> bool {
        self.about.training == training
    }

    /// Epochs done.
    #[must_use]
    pub fn n_done(&self) -> usize {
        self.about.n_done
    }

    /// The errors of forecast and reconstruction, and both again on later rows, epoch by epoch.
    #[must_use]
    pub fn losses(&self) -> &[[f64; 4]] {
        &self.about.losses
    }

    /// The bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut store = Store::default();
        let mut part = store.writer("training");
        let [means, squares] = &self.memory;
        let tensors =
            [("params", &self.params), ("best", &self.best), ("means", means), ("squares", squares)];
        for (name, values) in tensors {
            part.put(name, &[values.len()], values);
        }
        store.to_bytes(CHECKPOINT, &self.about)
    }

    /// Reads what [`Checkpoint::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let (about, store): (About, Store) = Store::from_bytes(CHECKPOINT, bytes)?;
        let part = store.part("training");
        let get = |name: &str| part.get(name).map(|(_, values)| values.to_vec());
        let (params, best, memory) = (get("params")?, get("best")?, [get("means")?, get("squares")?]);
        if [&best, &memory[0], &memory[1]].iter().any(|other| other.len() != params.len()) {
            return Err(part.misshapen("params"));
        }
        Ok(Self { about, params, best, memory })
    }
}
