//! Noise of twelve kinds, from fixed seeds: nothing is wrong, so every alarm is false.

use super::series::Series;
use super::verdict::judge;

/// How a sample is made of its number, its seed, and the sample before.
pub(crate) type Kind = (&'static str, fn(&mut Random, f64, usize) -> f64);

pub(crate) const KINDS: [Kind; 12] = [
    ("uniform", |random, _, _| random.even()),
    ("normal", |random, _, _| random.normal()),
    ("exponential", |random, _, _| random.exponential()),
    ("Laplace", |random, _, _| random.exponential() - random.exponential()),
    ("log-normal", |random, _, _| random.normal().exp()),
    ("Student, 3 degrees", |random, _, _| random.student(3)),
    ("Cauchy", |random, _, _| random.student(1)),
    ("counts, 3 on average", |random, _, _| random.count(3.0)),
    ("rare counts", |random, _, _| random.count(0.05)),
    ("autoregressive, 0.9", |random, last, _| 0.9 * last + random.normal()),
    ("daily wave", |random, _, minute| 5.0 * day(minute).sin() + random.normal()),
    ("daily volatility", |random, _, minute| (1.5 + day(minute).sin()) * random.normal()),
];

fn day(minute: usize) -> f64 {
    minute as f64 / 1_440.0 * std::f64::consts::TAU
}

/// `n_days` of one kind of noise, a sample every `step_min` minutes.
pub(crate) fn series(kind: &Kind, seed: u64, step_min: usize, n_days: usize) -> Series {
    let (name, next) = kind;
    let mut random = Random(seed);
    let mut last = 0.0;
    let minutes: Vec<usize> = (0..n_days * 1_440).step_by(step_min).collect();
    let mut sample = |&minute: &usize| {
        last = next(&mut random, last, minute);
        last
    };
    Series {
        name: (*name).to_owned(),
        y: minutes.iter().map(&mut sample).collect(),
        times_ms: minutes.iter().map(|&minute| minute as i64 * 60_000).collect(),
        windows: Vec::new(),
    }
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Above 0 and below 1.
    pub(crate) fn even(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(crate) fn exponential(&mut self) -> f64 {
        -self.even().ln()
    }

    /// By the method of Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }

    fn student(&mut self, freedom: usize) -> f64 {
        let squares: f64 = (0..freedom).map(|_| self.normal().powi(2)).sum();
        self.normal() / (squares / freedom as f64).sqrt()
    }

    /// By the method of Knuth.
    fn count(&mut self, mean: f64) -> f64 {
        let (least, mut product, mut n) = ((-mean).exp(), self.even(), 0);
        while product > least {
            product *= self.even();
            n += 1;
        }
        f64::from(n)
    }
}

#[test]
fn alarms_a_week_on_noise() {
    let mut per_day = 0.0;
    println!("| Noise | Every minute | Every 5 minutes | Every hour |");
    println!("| --- | --- | --- | --- |");
    for kind in &KINDS {
        let per_week = |(step_min, n_days): (usize, usize)| {
            judge(&series(kind, 5, step_min, n_days)).n_alarms() as f64 * 7.0 / n_days as f64
        };
        let [minutes, fives, hours] = [(1, 28), (5, 56), (60, 364)].map(per_week);
        println!("| {} | {minutes:.1} | {fives:.1} | {hours:.1} |", kind.0);
        per_day += minutes / 7.0 / KINDS.len() as f64;
        assert!([minutes, fives, hours].iter().all(|per_week| *per_week <= 8.0), "{}", kind.0);
    }
    println!("{per_day:.2} a day on average, every minute");
    assert!(per_day <= 0.2, "{per_day}");
}
