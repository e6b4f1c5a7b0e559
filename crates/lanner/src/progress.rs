//! Progress: a bar with rate and remaining time on a terminal, an occasional plain line elsewhere.
//!
//! Nothing is shown for what takes less than two seconds, and nothing stays on the screen afterwards.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::remark;

const QUIET_FOR: Duration = Duration::from_secs(2);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Work under way, measured by its input in bytes and counted in items of its own.
#[derive(Debug)]
pub(crate) struct Progress {
    doing: &'static str,
    /// What is counted, such as `samples`.
    unit: &'static str,
    /// Bytes of the whole input, when known.
    total_bytes: Option<u64>,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing done yet; `doing` is for example `importing`.
    pub(crate) fn new(doing: &'static str, unit: &'static str, total_bytes: Option<u64>) -> Self {
        let started = Instant::now();
        Self { doing, unit, total_bytes, started, told: started, bar: None }
    }

    /// Shows how far it is, when it is time to.
    pub(crate) fn at(&mut self, done_bytes: u64, n_items: u64) {
        let elapsed = self.started.elapsed();
        if elapsed < QUIET_FOR {
            return;
        }
        let text = || {
            let how_far = how_far(done_bytes, self.total_bytes, n_items, self.unit, elapsed);
            format!("{} {how_far}", self.doing)
        };
        if io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| new_bar(self.total_bytes));
            bar.set_message(text());
            bar.set_position(done_bytes);
        } else if self.told.elapsed() >= LINE_EVERY {
            remark(&text());
            self.told = Instant::now();
        }
    }

    /// Takes the bar away, and says how long it took.
    pub(crate) fn finish(&mut self) -> Duration {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Awaits something whose end cannot be foretold, and says now and then that it is under way.
pub(crate) async fn waiting<T>(doing: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut progress = Progress::new(doing, "", None);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_millis(250)) => progress.at(0, 0),
        }
    }
}

fn new_bar(total_bytes: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr());
    let template = if total_bytes.is_some() { "{wide_bar} {msg}" } else { "{spinner} {msg}" };
    // The templates are fixed; were one wrong, the default bar would stand in.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// `40%, 1.2 M samples, 240 k/s, 12 s left`
fn how_far(done_bytes: u64, total_bytes: Option<u64>, n_items: u64, unit: &str, elapsed: Duration) -> String {
    let mut parts = Vec::new();
    let share =
        total_bytes.filter(|total| *total > 0).map(|total| (done_bytes as f64 / total as f64).min(1.0));
    parts.extend(share.map(|share| format!("{:.0}%", share * 100.0)));
    if unit.is_empty() {
        parts.push(duration(elapsed));
    } else {
        parts.push(format!("{} {unit}", scaled(n_items as f64)));
        parts.push(format!("{}/s", scaled(n_items as f64 / elapsed.as_secs_f64().max(1e-3))));
    }
    if let Some(share) = share.filter(|share| *share > 0.0) {
        let left = elapsed.as_secs_f64() * (1.0 - share) / share;
        parts.push(format!("{} left", duration(Duration::from_secs_f64(left.min(1e9)))));
    }
    parts.join(", ")
}

/// `950`, `12.3 k`, `4.50 M`
pub(crate) fn scaled(number: f64) -> String {
    let (size, letter) = match number {
        n if n >= 1e9 => (n / 1e9, " G"),
        n if n >= 1e6 => (n / 1e6, " M"),
        n if n >= 1e4 => (n / 1e3, " k"),
        n => return format!("{n:.0}"),
    };
    let decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    format!("{size:.decimals$}{letter}")
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is() {
        #[track_caller]
        fn check(done: u64, total: Option<u64>, n: u64, seconds: u64, expected: &str) {
            assert_eq!(how_far(done, total, n, "samples", Duration::from_secs(seconds)), expected);
        }
        check(40, Some(100), 1_200_000, 5, "40%, 1.20 M samples, 240 k/s, 7.5 s left");
        check(1, Some(1_000), 10, 10, "0%, 10 samples, 1/s, 2 h 46 min left");
        check(40, None, 9_999, 2, "9999 samples, 5000/s");
        check(0, Some(0), 0, 2, "0 samples, 0/s");
        assert_eq!(how_far(0, None, 0, "", Duration::from_secs(75)), "1 min 15 s");
    }
}
