//! The example's events: payments of three banks, one of which fails for a while.

use std::fmt::Write as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use crate::InfluxDb;
use crate::influxdb::write;

/// Where they are kept.
pub(super) const DATABASE: &str = "shop";
const BANKS: [&str; 3] = ["HDFC", "HSBC", "ICICI"];
/// The one that fails.
const FAILING: &str = "HSBC";
/// How long yesterday's payments reach from now on, so that there is something to compare with, seconds.
const YESTERDAY_S: i64 = 6 * 3_600;
/// How much there is before, seconds.
const BEFORE_S: i64 = 120;
const DAY_S: i64 = 86_400;
/// How many lines are written at a time.
const BATCH: usize = 20_000;

/// When the bank fails, by seconds since the stack is there.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// When it fails first.
    pub fails_after_s: i64,
    /// For how long.
    pub fails_for_s: i64,
    /// From one failure to the next.
    pub every_s: i64,
}

impl Course {
    /// Whether the bank fails at this second.
    #[must_use]
    pub const fn fails_at(&self, second: i64) -> bool {
        let since = second - self.fails_after_s;
        since >= 0 && since % self.every_s < self.fails_for_s
    }
}

/// Payments that are made until this is dropped.
#[derive(Debug)]
pub(super) struct Payments {
    stop: Option<Sender<()>>,
    making: Option<JoinHandle<()>>,
}

impl Payments {
    /// Has them made from now on, and sent to the InfluxDB on this port.
    pub(super) fn make(port: u16, course: Course) -> Self {
        let (stop, stopped) = mpsc::channel();
        let making = std::thread::spawn(move || {
            let begun_s = now_s();
            let mut next_s = begun_s - 1;
            loop {
                let mut lines = String::new();
                // A second is written when it is over.
                while next_s < now_s() {
                    write_second(&mut lines, next_s, course.fails_at(next_s - begun_s));
                    next_s += 1;
                }
                if !lines.is_empty()
                    && let Err(error) = write(port, DATABASE, &lines)
                {
                    eprintln!("payments are lost: {error}");
                }
                match stopped.recv_timeout(Duration::from_millis(200)) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        });
        Self { stop: Some(stop), making: Some(making) }
    }
}

impl Drop for Payments {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(making) = self.making.take() {
            let _ = making.join();
        }
    }
}

/// Writes what came before: the last minutes, and yesterday's hours from now on.
pub(super) fn write_history(influxdb: &InfluxDb) -> Result<(), String> {
    let now_s = now_s();
    let yesterday = now_s - DAY_S - BEFORE_S..now_s - DAY_S + YESTERDAY_S;
    let mut lines = String::new();
    for (n, second) in yesterday.chain(now_s - BEFORE_S..now_s).enumerate() {
        write_second(&mut lines, second, false);
        if n % (BATCH / 6) == 0 {
            influxdb.write(DATABASE, &std::mem::take(&mut lines))?;
        }
    }
    influxdb.write(DATABASE, &lines)
}

/// The payments of a second: two of each bank; of one that fails one in two seconds.
fn write_second(lines: &mut String, second: i64, fails: bool) {
    for bank in BANKS {
        let n = match fails && bank == FAILING {
            false => 2,
            true => second.rem_euclid(2),
        };
        for of_second in 0..n {
            let amount = 10 + (second * 7 + of_second) % 90;
            let _ =
                writeln!(lines, "payments,bank={bank} amount={amount} {}", second * 1_000 + 400 * of_second);
        }
    }
}

fn now_s() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_fails_again_and_again() {
        let course = Course { fails_after_s: 20, fails_for_s: 60, every_s: 240 };
        for (second, expected) in [
            (0, false),
            (19, false),
            (20, true),
            (79, true),
            (80, false),
            (259, false),
            (260, true),
            (320, false),
        ] {
            assert_eq!(course.fails_at(second), expected, "{second}");
        }
    }

    #[test]
    fn a_bank_that_fails_has_a_quarter_of_its_payments() {
        let of_half_a_minute = |fails| {
            let mut lines = String::new();
            (100..130).for_each(|second| write_second(&mut lines, second, fails));
            BANKS.map(|bank| lines.lines().filter(|line| line.contains(bank)).count())
        };
        assert_eq!((of_half_a_minute(false), of_half_a_minute(true)), ([60, 60, 60], [60, 15, 60]));
    }
}
