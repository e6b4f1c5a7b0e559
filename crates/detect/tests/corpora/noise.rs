//! Noise of twelve kinds, from fixed seeds: nothing is wrong, so every alarm is false.

use super::series::Series;
use super::verdict::judge_within;

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

/// `n_days` of one kind of noise, a sample every `step_s` seconds.
pub(crate) fn series(kind: &Kind, seed: u64, step_s: usize, n_days: usize) -> Series {
    let (name, next) = kind;
    let mut random = Random(seed);
    let mut last = 0.0;
    let seconds: Vec<usize> = (0..n_days * 86_400).step_by(step_s).collect();
    let mut sample = |&second: &usize| {
        last = next(&mut random, last, second / 60);
        last
    };
    Series {
        name: (*name).to_owned(),
        y: seconds.iter().map(&mut sample).collect(),
        times_ms: seconds.iter().map(|&second| second as i64 * 1_000).collect(),
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

/// Seconds from sample to sample, and days that are judged from each seed.
const STEPS: [(&str, usize, usize); 4] =
    [("10 s", 10, 56), ("1 min", 60, 56), ("5 min", 300, 56), ("1 h", 3_600, 364)];
const SEEDS: u64 = 3;

/// How many alarms there are in a week with a budget, on average over seeds.
fn alarms_a_week(kind: &Kind, (_, step_s, n_days): (&str, usize, usize), budget: f64) -> f64 {
    let of_seed = |seed| judge_within(budget, &series(kind, seed, step_s, n_days)).n_alarms();
    let n_alarms: usize = (0..SEEDS).map(|seed| of_seed(5 + seed)).sum();
    n_alarms as f64 * 7.0 / (n_days as u64 * SEEDS) as f64
}

#[test]
fn alarms_a_week_on_noise() {
    let mut per_day = 0.0;
    let names: Vec<&str> = STEPS.iter().map(|(name, ..)| *name).collect();
    println!("| Noise, every | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(STEPS.len()));
    for kind in &KINDS {
        let found = STEPS.map(|step| alarms_a_week(kind, step, 1.0));
        println!("| {} | {} |", kind.0, found.map(|per_week| format!("{per_week:.1}")).join(" | "));
        per_day += found[1] / 7.0 / KINDS.len() as f64;
        // One is expected.
        assert!(found.iter().all(|per_week| *per_week <= 2.5), "{}: {found:?}", kind.0);
    }
    println!("{per_day:.2} a day on average, every minute");
    assert!(per_day <= 0.2, "{per_day}");
}

/// The same with other budgets, every five minutes.
#[test]
fn other_budgets_on_noise() {
    const BUDGETS: [f64; 4] = [0.2, 1.0, 3.0, 10.0];
    println!("| Noise, budget a week | {} |", BUDGETS.map(|budget| budget.to_string()).join(" | "));
    println!("| --- |{}", " --- |".repeat(BUDGETS.len()));
    for kind in &KINDS {
        let found = BUDGETS.map(|budget| alarms_a_week(kind, STEPS[2], budget));
        println!("| {} | {} |", kind.0, found.map(|per_week| format!("{per_week:.1}")).join(" | "));
        let is_within = |(per_week, budget): (&f64, f64)| *per_week <= 1.5 + budget;
        assert!(found.iter().zip(BUDGETS).all(is_within), "{}: {found:?}", kind.0);
    }
}
