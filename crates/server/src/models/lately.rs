//! What was read a moment ago, so that a question that comes thousands of times a second is not put to the store each time.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::locked;

/// How long what was read is taken for true: another server with the same store may have changed it.
const LASTS: Duration = Duration::from_secs(1);

/// More names are not remembered.
const MAX_NAMES: usize = 1_000;

/// Values by name.
#[derive(Debug)]
pub(super) struct Lately<T> {
    known: Mutex<Known<T>>,
}

#[derive(Debug)]
struct Known<T> {
    /// How often something was forgotten.
    n_forgotten: u64,
    values: HashMap<String, (Instant, T)>,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self { known: Mutex::new(Known { n_forgotten: 0, values: HashMap::new() }) }
    }
}

impl<T: Clone> Lately<T> {
    /// The value of a name, if it was read lately.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        let known = locked(&self.known);
        known.values.get(name).filter(|(at, _)| at.elapsed() < LASTS).map(|(_, value)| value.clone())
    }

    /// The same, or what `read` says now.
    pub(super) fn get_or<E>(&self, name: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if let Some(value) = self.get(name) {
            return Ok(value);
        }
        let n_forgotten = locked(&self.known).n_forgotten;
        let (at, value) = (Instant::now(), read()?);
        let mut known = locked(&self.known);
        // What was changed in the meantime may have been read as it was before.
        let is_current = known.n_forgotten == n_forgotten;
        if is_current && (known.values.len() < MAX_NAMES || known.values.contains_key(name)) {
            known.values.insert(name.to_owned(), (at, value.clone()));
        }
        Ok(value)
    }

    /// Forgets a value, because it has changed.
    pub(super) fn forget(&self, name: &str) {
        let mut known = locked(&self.known);
        known.n_forgotten += 1;
        known.values.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_while_it_is_read_is_not_remembered() {
        let lately = Lately::default();
        let read = |value: i32| lately.get_or("a", || Ok::<_, ()>(value));
        assert_eq!((read(1), read(2), lately.get("b")), (Ok(1), Ok(1), None));
        lately.forget("a");
        assert_eq!((lately.get("a"), read(3)), (None, Ok(3)));
        lately.forget("a");
        let during = lately.get_or("a", || {
            lately.forget("a");
            Ok::<_, ()>(4)
        });
        assert_eq!((during, lately.get("a")), (Ok(4), None));
        assert_eq!(lately.get_or("c", || Err::<i32, _>("no")), Err("no"));
    }
}
