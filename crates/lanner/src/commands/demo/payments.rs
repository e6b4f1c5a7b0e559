//! Generated payments: banks of different size, days and nights, weekends, and one bank that fails.
//!
//! The same payments every time: a minute's payments depend on nothing but the minute and what came before.

use std::fmt::Write as _;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS};

/// The bank that fails.
pub(super) const FAILING_BANK: &str = "hsbc";

/// Each bank with its payments on an ordinary day. The banks are real names, the payments are not.
const BANKS: [(&str, f64); 4] =
    [(FAILING_BANK, 4_800.0), ("barclays", 4_000.0), ("santander", 3_400.0), ("ing", 2_800.0)];

/// How busy each hour of the day is, against an average hour before scaling.
const HOURS: [f64; 24] = [
    0.25, 0.15, 0.10, 0.10, 0.15, 0.30, 0.60, 1.00, 1.40, 1.60, 1.70, 1.75, 1.85, 1.75, 1.65, 1.60, 1.65,
    1.75, 1.70, 1.40, 1.10, 0.80, 0.55, 0.40,
];

/// How busy each day of the week is, Monday first.
const DAYS: [f64; 7] = [1.0, 1.0, 1.0, 1.0, 1.05, 0.85, 0.7];

/// Payments that fail on an ordinary day.
const FAILED_SHARE: f64 = 0.02;

/// Payments as they happen, minute by minute.
#[derive(Debug)]
pub(super) struct Payments {
    random: Random,
    next_ms: i64,
    outage_ms: i64,
}

impl Payments {
    /// Payments from `start_ms` on, a whole minute; from `outage_ms` on every payment of one bank fails.
    pub(super) const fn new(start_ms: i64, outage_ms: i64) -> Self {
        Self { random: Random(0x1a_44e5), next_ms: start_ms, outage_ms }
    }

    /// Writes the payments of the minutes that are over at `to_ms`, one JSON object a line; returns how many.
    pub(super) fn write_until(&mut self, to_ms: i64, lines: &mut String) -> u64 {
        let mut n_payments = 0;
        while self.next_ms + MINUTE_MS <= to_ms {
            n_payments += self.write_minute(lines);
            self.next_ms += MINUTE_MS;
        }
        n_payments
    }

    fn write_minute(&mut self, lines: &mut String) -> u64 {
        let busyness = busyness(self.next_ms);
        let mut payments: Vec<(i64, &str)> = Vec::new();
        for (bank, per_day) in BANKS {
            for _ in 0..self.random.poisson(per_day / 1_440.0 * busyness) {
                let at_ms = self.next_ms + (self.random.share() * MINUTE_MS as f64) as i64;
                payments.push((at_ms, bank));
            }
        }
        payments.sort_by_key(|(at_ms, _)| *at_ms);
        for (at_ms, bank) in &payments {
            let is_down = *bank == FAILING_BANK && *at_ms >= self.outage_ms;
            let status = if self.random.share() < FAILED_SHARE || is_down { "failed" } else { "ok" };
            let amount = 2.0 - 38.0 * (1.0 - self.random.share()).ln();
            // Writing to a text cannot fail.
            let _ = writeln!(
                lines,
                r#"{{"time":{at_ms},"bank":"{bank}","status":"{status}","amount":{amount:.2}}}"#
            );
        }
        payments.len() as u64
    }
}

/// How busy a moment is against the average, in UTC.
fn busyness(time_ms: i64) -> f64 {
    let hour = (time_ms.rem_euclid(DAY_MS) / HOUR_MS) as usize % 24;
    let into = time_ms.rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
    let shape = HOURS[hour] * (1.0 - into) + HOURS[(hour + 1) % 24] * into;
    // 1970-01-05 was a Monday.
    let day = ((time_ms - 4 * DAY_MS).rem_euclid(WEEK_MS) / DAY_MS) as usize % 7;
    shape / (HOURS.iter().sum::<f64>() / 24.0) * DAYS[day]
}

/// SplitMix64: small, and good enough for traffic. G. L. Steele et al., "Fast splittable pseudorandom number
/// generators", OOPSLA 2014.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `[0, 1)`.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A count whose mean is `mean`, by multiplying shares; cost O(mean).
    fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.share(), 0);
        while product > limit {
            product *= self.share();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_every_time_and_the_bank_fails() {
        let start_ms = 1_767_571_200_000; // a Monday
        let outage_ms = start_ms + 12 * HOUR_MS;
        let (mut text, mut again) = (String::new(), String::new());
        let n = Payments::new(start_ms, outage_ms).write_until(start_ms + DAY_MS, &mut text);
        let mut payments = Payments::new(start_ms, outage_ms);
        for hour in 1..=24 {
            payments.write_until(start_ms + hour * HOUR_MS, &mut again);
        }
        assert_eq!(text, again);
        assert_eq!((text.lines().count() as u64, (14_000..16_000).contains(&n)), (n, true), "{n}");
        let mut last_ms = start_ms;
        for line in text.lines() {
            let payment: serde_json::Value = serde_json::from_str(line).unwrap();
            let at_ms = payment["time"].as_i64().unwrap();
            assert!(at_ms >= last_ms);
            last_ms = at_ms;
            let is_down = payment["bank"] == FAILING_BANK && at_ms >= outage_ms;
            assert!(!is_down || payment["status"] == "failed", "{line}");
        }
    }
}
