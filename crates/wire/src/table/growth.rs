//! Whether numbers count up: a counter, which is judged by what it grew by, or row numbers, which measure nothing.

/// What the numbers of one series do from row to row.
///
/// ```
/// use lanner_wire::table::Growth;
/// let mut growth = Growth::default();
/// [10.0, 14.0, 19.0, 2.0, 8.0].into_iter().for_each(|number| growth.see(number));
/// assert!(!growth.is_total("queue"));
/// let mut growth = Growth::default();
/// (0..200).for_each(|row| growth.see(f64::from(row * 3)));
/// assert!(growth.is_total("queue"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Growth {
    pub(super) n_seen: usize,
    pub(super) n_whole: usize,
    last: Option<f64>,
    n_up: usize,
    n_down: usize,
    pub(super) n_by_one: usize,
    n_negative: usize,
}

/// A series that is not called like a counter is one only after so many steps.
const MIN_STEPS: usize = 100;

impl Growth {
    /// Takes the next number; gaps are left out.
    pub fn see(&mut self, number: f64) {
        self.n_seen += 1;
        self.n_whole += usize::from(number.fract() == 0.0);
        self.n_negative += usize::from(number < 0.0);
        if let Some(last) = self.last.replace(number) {
            self.n_up += usize::from(number > last);
            self.n_down += usize::from(number < last);
            self.n_by_one += usize::from(number - last == 1.0);
        }
    }

    /// Whether these are a counter's: they only grow, or start again. One whose `name` says so may rest and restart more
    /// often than another.
    #[must_use]
    pub fn is_total(&self, name: &str) -> bool {
        let n_steps = self.n_seen.saturating_sub(1);
        let is_called_so = is_counter_name(name);
        let n_rises_expected = n_steps * if is_called_so { 5 } else { 9 };
        if n_steps < 2 || self.n_negative > 0 || self.n_up * 10 < n_rises_expected {
            return false;
        }
        if is_called_so {
            self.n_down * 20 <= n_steps
        } else {
            self.n_down == 0 && self.n_whole == self.n_seen && n_steps >= MIN_STEPS
        }
    }
}

/// As Prometheus names counters, and people.
fn is_counter_name(name: &str) -> bool {
    let name = name.to_lowercase();
    ["total", "_count", "_sum", "_bucket", "counter"].iter().any(|end| name.ends_with(end))
}
