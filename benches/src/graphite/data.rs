//! A thousand series of one-minute steps, a day's rhythm with noise, as Whisper files.

use std::path::{Path, PathBuf};

use crate::load;

pub(super) const N_SERIES: usize = 1_000;
/// A day asked for, seven more that Holt-Winters learns from, and one to spare.
const N_DAYS: i64 = 9;
pub(super) const DAY_S: i64 = 86_400;
pub(super) const STEP_S: i64 = 60;
pub(super) const N_POINTS: usize = (N_DAYS * DAY_S / STEP_S) as usize;

/// The files, and the time of the last value in each.
pub(super) struct Data {
    /// Holds `whisper/bench/hostNNNN.wsp`.
    pub(super) folder: PathBuf,
    /// Seconds since 1970, a whole minute.
    pub(super) end_s: i64,
}

/// The value of series `n` at a time: two decimals, as most that people measure.
pub(super) fn value(n: usize, time_s: i64) -> f64 {
    let minute = time_s / STEP_S;
    let day = (minute % 1_440) as f64 / 1_440.0 * std::f64::consts::TAU;
    // The finaliser of SplitMix64: equal bits give equal noise in every run.
    let mut bits = (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n as u64) << 32;
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    let noise = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    let level = 100.0 + (n % 10) as f64;
    ((level + 30.0 * day.sin() + 10.0 * noise) * 100.0).round() / 100.0
}

/// All values of series `n`, oldest first.
pub(super) fn values(n: usize, end_s: i64) -> impl Iterator<Item = (i64, f64)> {
    let first_s = end_s - (N_POINTS as i64 - 1) * STEP_S;
    (0..N_POINTS as i64).map(move |at| (first_s + at * STEP_S, value(n, first_s + at * STEP_S)))
}

impl Data {
    pub(super) fn write(folder: &Path) -> Self {
        let end_s = load::now_ms() / 1_000 / STEP_S * STEP_S;
        let files = folder.join("whisper/bench");
        std::fs::create_dir_all(&files).unwrap();
        for n in 0..N_SERIES {
            std::fs::write(files.join(format!("host{n:04}.wsp")), file(n, end_s)).unwrap();
        }
        Self { folder: folder.to_owned(), end_s }
    }
}

/// A file with one archive. Its first point is the oldest, from which all other places count.
fn file(n: usize, end_s: i64) -> Vec<u8> {
    const HEAD: u32 = 28;
    const LAST_COUNTS: u32 = 4;
    let (step_s, n_points) = (STEP_S as u32, N_POINTS as u32);
    let mut bytes = Vec::with_capacity(HEAD as usize + 12 * N_POINTS);
    let no_share_needed = 0.0_f32.to_bits();
    for word in [LAST_COUNTS, step_s * n_points, no_share_needed, 1, HEAD, step_s, n_points] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    for (time_s, value) in values(n, end_s) {
        bytes.extend_from_slice(&(time_s as u32).to_be_bytes());
        bytes.extend_from_slice(&value.to_be_bytes());
    }
    bytes
}
