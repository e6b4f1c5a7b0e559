//! How well rare keys are recognised among frequent ones, and what hostile keys achieve.
//!
//! The streams are those of published comparisons of sketches: Zipf's distribution with exponent 1.1, two million sightings.

use std::collections::HashMap;

use lanner_sketch::{Hash, Rarity, Seed, Size};

const N_SIGHTINGS: usize = 2_000_000;

/// Seen at most this often, a key is rare.
const RARE: u32 = 3;

/// Numbers from 0 to 1, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Two million draws of `n_keys` keys, of which key k has a probability proportional to k^-1.1.
fn zipf(n_keys: u32) -> Vec<u32> {
    let mut sum = 0.0;
    let shares = (1..=n_keys).map(|rank| {
        sum += f64::from(rank).powf(-1.1);
        sum
    });
    let shares: Vec<f64> = shares.collect();
    let mut random = Random(1);
    let mut draw = || {
        let drawn = random.next() * sum;
        shares.partition_point(|share| *share < drawn) as u32
    };
    (0..N_SIGHTINGS).map(|_| draw()).collect()
}

/// Of rare keys, the share still recognised as such at the end; no frequent one may be among them.
fn recognised(stream: &[u32], n_bytes: usize) -> f64 {
    let seed = Seed::new(99);
    let hash = |key: u32| seed.hash(format!("process {key} started by its usual parent").as_bytes());
    let mut sketch = Rarity::new(Size::memory(n_bytes), &seed);
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for key in stream {
        sketch.add(hash(*key));
        *counts.entry(*key).or_default() += 1;
    }
    let (mut n_rare, mut n_recognised) = (0, 0);
    for (key, count) in counts {
        let told = sketch.count(hash(key)).value();
        assert!(told >= count.min(Rarity::MOST), "key {key}: {told} of {count}");
        if count <= RARE {
            n_rare += 1;
            n_recognised += u32::from(told <= RARE);
        }
    }
    println!("{n_rare} rare keys");
    f64::from(n_recognised) / f64::from(n_rare)
}

#[test]
fn rare_keys_are_recognised() {
    // With 200,000 keys 93,000 are rare, with a million 250,000.
    for n_keys in [200_000, 1_000_000] {
        let stream = zipf(n_keys);
        for (n_bytes, least) in [(256 * 1024, 0.985), (1024 * 1024, 0.999)] {
            let share = recognised(&stream, n_bytes);
            println!("of {n_keys} keys, {n_bytes} bytes: {:.3} % of rare keys recognised", share * 100.0);
            assert!(share >= least, "{n_keys} keys, {n_bytes} bytes: {share}");
        }
    }
}

/// Keys that were chosen to collide with a frequent one under a public seed pass for frequent there, and not under ours.
#[test]
fn hostile_keys_do_not_pass_for_frequent_ones() {
    let filled = |seed: &Seed| {
        let mut sketch = Rarity::new(Size::memory(4 * 1024), seed);
        let frequent: Vec<Hash> =
            (0..200).map(|key| seed.hash(format!("cron job {key}").as_bytes())).collect();
        (0..20).for_each(|_| frequent.iter().for_each(|key| _ = sketch.add(*key)));
        sketch
    };
    let passes =
        |sketch: &Rarity, seed: &Seed, key: &str| sketch.count(seed.hash(key.as_bytes())).is_saturated();
    let (public, ours) = (Seed::new(0), Seed::new(0x1234_5678_9abc_def0_1357));
    let (at_public, at_ours) = (filled(&public), filled(&ours));
    let tries = (0..3_000_000).map(|n| format!("miner --try {n}"));
    let chosen: Vec<String> = tries.filter(|key| passes(&at_public, &public, key)).take(200).collect();
    assert!(chosen.len() >= 50, "{} found", chosen.len());
    let n_passing = chosen.iter().filter(|key| passes(&at_ours, &ours, key)).count();
    assert!(n_passing <= 1, "{n_passing} of {} pass under our seed too", chosen.len());
}
