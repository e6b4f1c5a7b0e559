//! Long lists of numbers whose memory is used again.
//!
//! A pass of training fills lists of 100 megabytes, and the next one as many. Given back to the system in between, their memory would be
//! cleared page by page each time, which takes a seventh of a training.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Memory that nobody uses now.
static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Lists that are kept at most, and how long one has to be to be worth it.
const MOST: usize = 200;
const LONG: usize = 16_384;

/// A list of numbers; its memory is kept for the next one.
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// `n` numbers that are to be written before they are read: those that were there before, or 0.
    pub(crate) fn any(n: usize) -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        // The first that fits: lists of a pass come in the same order each time.
        let fitting = free.iter().position(|list| (n..=2 * n).contains(&list.capacity()));
        let mut list = fitting.map(|at| free.swap_remove(at)).unwrap_or_default();
        drop(free);
        list.resize(n, 0.0);
        Self(list)
    }

    /// `n` times 0.
    pub(crate) fn zeros(n: usize) -> Self {
        let mut buffer = Self::any(n);
        buffer.fill(0.0);
        buffer
    }

    /// Gives back all memory that is kept.
    pub(crate) fn release_all() {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.capacity() >= LONG && free.len() < MOST {
            free.push(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_zeros_also_in_memory_that_was_used() {
        for n in [10, 20_000, 30_000, 20_000] {
            let mut buffer = Buffer::zeros(n);
            assert!(buffer.len() == n && buffer.iter().all(|value| *value == 0.0));
            buffer.fill(7.0);
        }
        assert_eq!(Buffer::any(25_000).len(), 25_000);
    }
}
