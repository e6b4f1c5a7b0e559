//! Where each parameter of a network lies in the one list of all of them.

use crate::random::Random;

/// The parameters of a network, by the names that PyTorch gives them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    pub(crate) entries: Vec<Entry>,
    n: usize,
}

/// One parameter: a matrix, a vector.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) slot: Slot,
    /// Values are at first spread evenly from `-bound` to `bound`.
    bound: f32,
}

/// A part of the list of all numbers. The gradients lie in a list of the same layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    start: usize,
    end: usize,
}

impl Slot {
    pub(crate) fn of(self, all: &[f32]) -> &[f32] {
        all.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn of_mut(self, all: &mut [f32]) -> &mut [f32] {
        all.get_mut(self.start..self.end).unwrap_or_default()
    }
}

impl Layout {
    /// Makes room for one more.
    pub(crate) fn add(&mut self, name: impl Into<String>, shape: &[usize], bound: f32) -> Slot {
        let slot = Slot { start: self.n, end: self.n + shape.iter().product::<usize>() };
        self.n = slot.end;
        self.entries.push(Entry { name: name.into(), shape: shape.to_vec(), slot, bound });
        slot
    }

    /// The parameters by name, with their shapes.
    pub(crate) fn named<'a>(
        &'a self,
        params: &'a [f32],
    ) -> impl Iterator<Item = (&'a str, &'a [usize], &'a [f32])> {
        self.entries.iter().map(|entry| (entry.name.as_str(), entry.shape.as_slice(), entry.slot.of(params)))
    }

    /// The parameters from something that has them by name and shape.
    pub(crate) fn gather<'a, E>(
        &self,
        get: impl Fn(&str, &[usize]) -> Result<&'a [f32], E>,
    ) -> Result<Vec<f32>, E> {
        let mut params = vec![0.0; self.n];
        for entry in &self.entries {
            let values = get(&entry.name, &entry.shape)?;
            entry.slot.of_mut(&mut params).iter_mut().zip(values).for_each(|(param, value)| *param = *value);
        }
        Ok(params)
    }

    /// First values by chance.
    pub(crate) fn initial(&self, random: &mut Random) -> Vec<f32> {
        let mut values = vec![0.0; self.n];
        for entry in &self.entries {
            for value in entry.slot.of_mut(&mut values) {
                *value = (2.0 * random.unit() - 1.0) * entry.bound;
            }
        }
        values
    }
}
