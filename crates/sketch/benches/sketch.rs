//! One sighting of a 64-byte key, and its count: `cargo bench -p lanner-sketch`.
//!
//! `baseline` is the method of Falco's own anomaly detection plugin: a row of 64-bit cells for each hash function, the key hashed
//! anew for each row, and an estimate that hashes it once more for each.

#![allow(missing_docs, reason = "a bench has no users")]

use std::cell::Cell;

use divan::{Bencher, black_box};
use lanner_sketch::{FirstSeen, LastSeen, Panes, Rarity, Seed, Size};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const SIZES_MIB: [usize; 3] = [1, 8, 64];
const DAY_MS: i64 = 86_400_000;

fn main() {
    divan::main();
}

/// Two thousand keys that come again and again.
fn keys() -> Vec<[u8; 64]> {
    let key = |n: u32| std::array::from_fn(|at| if at < 4 { n.to_le_bytes()[at] } else { at as u8 });
    (0..2_000).map(key).collect()
}

fn each(bencher: Bencher<'_, '_>, mut step: impl FnMut(&[u8; 64]) -> u64) {
    let (keys, at) = (keys(), Cell::new(0));
    keys.iter().for_each(|key| _ = step(key));
    bencher.bench_local(|| {
        let now = at.get();
        at.set(if now + 1 == keys.len() { 0 } else { now + 1 });
        step(black_box(&keys[now]))
    });
}

#[divan::bench(args = SIZES_MIB, sample_size = 512)]
fn rarity(bencher: Bencher<'_, '_>, mib: usize) {
    let seed = Seed::new(1);
    let mut sketch = Rarity::new(Size::memory(mib << 20), &seed);
    each(bencher, |key| u64::from(sketch.add(seed.hash(key)).value()));
}

#[divan::bench(args = SIZES_MIB, sample_size = 512)]
fn panes_day_week_quarter(bencher: Bencher<'_, '_>, mib: usize) {
    let seed = Seed::new(1);
    let mut sketch = Panes::new(Size::memory(mib << 20), &seed, &[DAY_MS, 7 * DAY_MS, 90 * DAY_MS], 0);
    each(bencher, |key| {
        sketch.advance(black_box(1));
        u64::from(sketch.add(seed.hash(key)).count(2).value())
    });
}

/// The same panes with one window: what three of them are compared with.
#[divan::bench(args = SIZES_MIB, sample_size = 512)]
fn panes_day(bencher: Bencher<'_, '_>, mib: usize) {
    let seed = Seed::new(1);
    let mut sketch = Panes::new(Size::memory(mib << 20), &seed, &[DAY_MS], 0);
    each(bencher, |key| {
        sketch.advance(black_box(1));
        u64::from(sketch.add(seed.hash(key)).count(0).value())
    });
}

#[divan::bench(args = SIZES_MIB, sample_size = 512)]
fn first_and_last_seen(bencher: Bencher<'_, '_>, mib: usize) {
    let seed = Seed::new(1);
    let size = Size::memory(mib << 19);
    let (first, last) = (FirstSeen::new(size, &seed), LastSeen::new(size, &seed));
    each(bencher, |key| {
        let key = seed.hash(key);
        (first.add(key, 1_000).unwrap_or(0) + last.add(key, 1_000).unwrap_or(0)) as u64
    });
}

#[divan::bench(args = SIZES_MIB, sample_size = 512)]
fn baseline(bencher: Bencher<'_, '_>, mib: usize) {
    const N_ROWS: usize = 7;
    let n_columns = (mib << 20) / 8 / N_ROWS;
    let mut rows = vec![vec![0_u64; n_columns]; N_ROWS];
    let column = |key: &[u8], row: usize| (xxh3_64_with_seed(key, row as u64) % n_columns as u64) as usize;
    each(bencher, |key| {
        for (row, cells) in rows.iter_mut().enumerate() {
            // The plugin's hash function takes the key by value.
            let key = key.to_vec();
            cells[column(&key, row)] += 1;
        }
        let cells = rows.iter().enumerate().map(|(row, cells)| {
            let key = black_box(key.to_vec());
            cells[column(&key, row)]
        });
        let estimates: Vec<u64> = cells.collect();
        estimates.into_iter().min().unwrap_or(0)
    });
}
