//! What every sketch keeps: bounds of its answers, merging, and files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use lanner_sketch::file::{Kept, read, write};
use lanner_sketch::{
    Counts, Distinct, FileError, FirstSeen, Hash, LastSeen, Merged, Panes, Presence, Rarity, Seed, Size,
    Spread, Top,
};
use proptest::prelude::*;

const DAY_MS: i64 = 86_400_000;

fn seed() -> Seed {
    Seed::new(7)
}

fn hash(key: u8) -> Hash {
    seed().hash(&[key])
}

/// A few lines, so that keys collide all the time.
fn small() -> Size {
    Size::memory(128)
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

fn counted(keys: &[u8]) -> HashMap<u8, u32> {
    let mut counts = HashMap::new();
    keys.iter().for_each(|key| *counts.entry(*key).or_default() += 1);
    counts
}

fn never_too_low<const BITS: u32>(keys: &[u8], others: &[u8]) {
    let sketch = |keys: &[u8]| {
        let mut sketch = Counts::<BITS>::new(small(), &seed());
        for key in keys {
            let before = sketch.count(hash(*key));
            let after = sketch.add(hash(*key));
            assert_eq!(after.value(), (before.value().saturating_add(1)).min(Counts::<BITS>::MOST));
            assert_eq!(after, sketch.count(hash(*key)));
            assert_eq!(after.is_saturated(), after.value() == Counts::<BITS>::MOST);
        }
        sketch
    };
    let check = |sketch: &Counts<BITS>, keys: &[u8]| {
        for (key, count) in counted(keys) {
            assert!(sketch.count(hash(key)).value() >= count.min(Counts::<BITS>::MOST));
        }
    };
    let (mut ours, theirs) = (sketch(keys), sketch(others));
    check(&ours, keys);
    assert_eq!(ours.merge(&theirs), Ok(Merged::UpperBound));
    check(&ours, &[keys, others].concat());
    comes_back(&ours);
}

/// It reads back as it was written, and nothing else reads at all.
#[track_caller]
fn comes_back<T: Kept + PartialEq + std::fmt::Debug>(sketch: &T) {
    let mut bytes = Vec::new();
    write(sketch, &seed(), 5, &mut bytes);
    bytes.extend(b"behind");
    let mut rest = &bytes[..];
    assert_eq!(&read::<T>(&mut rest, &seed(), 5).unwrap(), sketch);
    assert_eq!(rest, b"behind");
}

proptest! {
    #[test]
    fn counts_are_never_too_low(keys in keys(), others in keys()) {
        never_too_low::<4>(&keys, &others);
        never_too_low::<8>(&keys, &others);
        never_too_low::<16>(&keys, &others);
        never_too_low::<32>(&keys, &others);
    }

    /// In each window at least what was seen within its length, and with room enough nothing older than twice that.
    #[test]
    fn panes_look_back_over_their_window(
        sightings in prop::collection::vec((any::<u8>(), 0..DAY_MS, 0..20_i64), 0..300),
        is_roomy in any::<bool>(),
    ) {
        let lengths = [DAY_MS, 7 * DAY_MS, 0];
        let size = if is_roomy { Size::memory(1 << 16) } else { small() };
        let mut panes = Panes::new(size, &seed(), &lengths, 0);
        let (mut seen, mut now_ms) = (Vec::new(), 0);
        for (key, wait_ms, pause) in sightings {
            // Now and then nothing comes for days.
            now_ms += wait_ms + (pause - 12).max(0) * DAY_MS;
            panes.advance(now_ms);
            seen.push((key, now_ms));
            let told = panes.add(hash(key));
            prop_assert_eq!(told, panes.count(hash(key)));
            for (place, length) in lengths.iter().enumerate() {
                let within = |length: i64| {
                    seen.iter().filter(|(other, at)| *other == key && now_ms - at < length).count() as u32
                };
                let (least, most) = match length {
                    0 => (within(i64::MAX), within(i64::MAX)),
                    length => (within(*length), within(2 * length + 2 * DAY_MS)),
                };
                let count = told.count(place);
                prop_assert!(count.value() >= least.min(15), "{count} of {least}");
                prop_assert!(!is_roomy || count.value() <= most.min(15), "{count} of {most}");
            }
        }
        comes_back(&panes);
    }

    #[test]
    fn moments_are_bounds_and_merge_exactly(
        ours in prop::collection::vec((any::<u8>(), 1..4_000_000_i64), 0..200),
        theirs in prop::collection::vec((any::<u8>(), 1..4_000_000_i64), 0..200),
    ) {
        let sketches = |sightings: &[(u8, i64)]| {
            let both = (FirstSeen::new(small(), &seed()), LastSeen::new(small(), &seed()));
            for (key, time_s) in sightings {
                both.0.add(hash(*key), time_s * 1_000);
                both.1.add(hash(*key), time_s * 1_000);
            }
            both
        };
        let all = [&ours[..], &theirs[..]].concat();
        let (mut first, mut last) = sketches(&ours);
        let (other_first, other_last) = sketches(&theirs);
        prop_assert_eq!(first.merge(&other_first), Ok(Merged::Exact));
        prop_assert_eq!(last.merge(&other_last), Ok(Merged::Exact));
        prop_assert_eq!((&first, &last), (&sketches(&all).0, &sketches(&all).1));
        for (key, time_s) in all {
            prop_assert!(first.time_ms(hash(key)).unwrap() <= time_s * 1_000);
            prop_assert!(last.time_ms(hash(key)).unwrap() >= time_s * 1_000);
        }
        comes_back(&first);
        comes_back(&last);
    }

    /// On at least as many hosts as saw a key, with room enough on just as many; a host may tell as often as it likes.
    #[test]
    fn hosts_are_counted_once(
        hosts in prop::collection::vec((0..6_usize, keys()), 0..20),
        is_roomy in any::<bool>(),
    ) {
        let size = if is_roomy { Size::memory(1 << 18) } else { small() };
        let (mut spread, mut last) = (Spread::new(size, &seed()), vec![(Vec::new(), None); 6]);
        for (host, keys) in hosts {
            let mut panes = Panes::new(size, &seed(), &[DAY_MS, 7 * DAY_MS], 0);
            keys.iter().for_each(|key| _ = panes.add(hash(*key)));
            let presence = panes.presence(1);
            if let Some(before) = &last[host].1 {
                prop_assert_eq!(spread.remove(before), Ok(Merged::Exact));
            }
            prop_assert_eq!(spread.add(&presence), Ok(Merged::Exact));
            comes_back(&presence);
            last[host] = (keys, Some(presence));
        }
        for key in 0..=255 {
            let n_hosts = last.iter().filter(|(keys, _)| keys.contains(&key)).count() as u32;
            let told = spread.n_hosts(hash(key));
            prop_assert!(told >= n_hosts && (!is_roomy || told == n_hosts), "{told} of {n_hosts}");
        }
        comes_back(&spread);
        let told = last.into_iter().filter_map(|(_, presence)| presence);
        told.for_each(|presence| _ = spread.remove(&presence));
        prop_assert_eq!(spread, Spread::new(size, &seed()));
    }

    #[test]
    fn damage_is_noticed(at in any::<prop::sample::Index>(), flip in 1..=255_u8, cut in any::<prop::sample::Index>()) {
        let mut sketch = Rarity::new(small(), &seed());
        (0..20).for_each(|key| _ = sketch.add(hash(key)));
        let mut bytes = Vec::new();
        write(&sketch, &seed(), 5, &mut bytes);
        let shorter = &bytes[..cut.index(bytes.len())];
        prop_assert!(read::<Rarity>(&mut &*shorter, &seed(), 5).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let read = read::<Rarity>(&mut &bytes[..], &seed(), 5);
        prop_assert!(read.is_err(), "byte {at}");
    }

    /// Whatever bytes are read, nothing panics.
    #[test]
    fn any_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let with_magic = [b"lanrsktc\x01\x00\x04\x00", &bytes[..]].concat();
        prop_assert!(read::<Rarity>(&mut &bytes[..], &seed(), 5).is_err());
        prop_assert!(read::<Rarity>(&mut &with_magic[..], &seed(), 5).is_err());
    }
}

#[test]
fn a_file_of_something_else_says_so() {
    #[track_caller]
    fn check<T: Kept + std::fmt::Debug>(bytes: &[u8], seed: &Seed, fingerprint: u64, expected: &str) {
        let error = read::<T>(&mut &*bytes, seed, fingerprint).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let mut bytes = Vec::new();
    write(&Rarity::new(small(), &seed()), &seed(), 5, &mut bytes);
    check::<Rarity>(&bytes, &Seed::new(8), 5, "another seed");
    check::<Rarity>(&bytes, &seed(), 6, "other fields");
    check::<LastSeen>(&bytes, &seed(), 5, "kind 4, and 101 is expected");
    check::<Rarity>(&bytes[..100], &seed(), 5, "cut short: 176 bytes expected, 100 found");
    check::<Rarity>(b"PK\x03\x04", &seed(), 5, "is not a sketch");
    check::<Rarity>(b"", &seed(), 5, "cut short");
    bytes[8] = 2;
    check::<Rarity>(&bytes, &seed(), 5, "has version 2");
    assert_eq!(FileError::Foreign.to_string(), "is not a sketch");
}

/// Whatever a host claims to have seen, it takes no more memory than what it sent.
#[test]
fn what_a_host_tells_is_checked() {
    #[track_caller]
    fn check(body: &[u8]) {
        assert_eq!(Presence::read_body(1, body), None, "{body:?}");
    }
    check(&[]);
    check(&[2, 0, 0]);
    // A place behind the end, a line without bits, a line twice, a number that does not end, one written too long.
    check(&[2, 0, 0, 0, 2, 1, 0]);
    check(&[2, 0, 0, 0, 1, 0, 0]);
    check(&[2, 0, 0, 0, 1, 1, 0, 0, 1, 0]);
    check(&[2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0]);
    check(&[2, 0, 0, 0, 0x81, 0, 1, 0]);
    assert!(Presence::read_body(1, &[0xff, 0xff, 0xff, 0xff, 1, 1, 0]).is_some());
    assert_eq!(Spread::read_body(1, &[3, 0, 1]), None);
    assert_eq!(Spread::read_body(1, &[]), None);
    let host = Panes::new(small(), &seed(), &[DAY_MS], 0).presence(0);
    assert_eq!(Spread::new(Size::memory(64), &seed()).add(&host).unwrap_err().of, "size");
    assert_eq!(Spread::new(small(), &Seed::new(8)).add(&host).unwrap_err().of, "seed");
}

#[test]
fn different_sketches_are_not_merged() {
    let mut sketch = Rarity::new(small(), &seed());
    let other = Rarity::new(small(), &Seed::new(8));
    assert_eq!(sketch.merge(&other).unwrap_err().of, "seed");
    let other = Rarity::new(Size::memory(64), &seed());
    assert_eq!(
        sketch.merge(&other).unwrap_err().to_string(),
        "the sketches differ in their size: 2 here, 1 there"
    );
    let mut panes = Panes::new(small(), &seed(), &[DAY_MS], 0);
    assert_eq!(panes.merge(&Panes::new(small(), &seed(), &[1], 0)).unwrap_err().of, "windows");
}

/// A key that comes every day is never rare, whenever a pane ends; one that stays away becomes rare after two lengths at most.
#[test]
fn the_end_of_a_pane_makes_no_storm() {
    let mut panes = Panes::new(Size::memory(1 << 16), &seed(), &[DAY_MS, 7 * DAY_MS, 90 * DAY_MS], 0);
    let hour_ms = DAY_MS / 24;
    for hour in 0..200 * 24 {
        panes.advance(hour * hour_ms);
        let told = panes.add(hash(1));
        let expected = (hour + 1).min(15) as u32;
        for place in 0..3 {
            assert_eq!(told.count(place).value(), expected, "hour {hour}, window {place}");
        }
    }
    let left_ms = 200 * DAY_MS;
    for (days, expected) in [
        (0, [15, 15, 15]),
        (1, [0, 15, 15]),
        (7, [0, 15, 15]),
        (16, [0, 0, 15]),
        (90, [0, 0, 15]),
        (182, [0, 0, 0]),
    ] {
        panes.advance(left_ms + days * DAY_MS);
        let told = panes.count(hash(1));
        assert_eq!([0, 1, 2].map(|place| told.count(place).value()), expected, "{days} days later");
    }
}

#[test]
fn days_are_forgotten_as_far_as_panes_tell_them_apart() {
    let mut panes = Panes::new(Size::memory(1 << 16), &seed(), &[DAY_MS, 7 * DAY_MS], 0);
    for day in 0..10 {
        panes.advance(day * DAY_MS + DAY_MS / 2);
        panes.add(hash(day as u8));
    }
    let counts = |panes: &Panes| [0, 7, 8, 9].map(|day| panes.count(hash(day)).count(1).value());
    assert_eq!(counts(&panes), [1, 1, 1, 1]);
    let hour_ms = DAY_MS / 24;
    let forgotten = panes.forget(8 * DAY_MS + hour_ms, 8 * DAY_MS + 2 * hour_ms);
    assert_eq!((forgotten.from_ms, forgotten.to_ms), (Some(8 * DAY_MS), Some(9 * DAY_MS)));
    assert!(forgotten.is_all);
    assert_eq!(counts(&panes), [1, 1, 0, 1]);
    let forgotten = panes.forget(0, 7 * DAY_MS);
    assert_eq!((forgotten.from_ms, forgotten.is_all), (None, false));
    assert_eq!(counts(&panes), [1, 1, 0, 1]);
    let forgotten = panes.forget(0, i64::MAX);
    assert_eq!((forgotten.from_ms, forgotten.is_all), (Some(8 * DAY_MS), false));
    assert_eq!(counts(&panes), [1, 1, 0, 0]);
}

#[test]
fn different_keys_are_counted_within_their_error() {
    for n in [0_u32, 1, 10, 1_000, 100_000] {
        let (mut ours, mut theirs) = (Distinct::new(12, &seed()), Distinct::new(12, &seed()));
        for key in 0..n {
            let half = if key % 2 == 0 { &mut ours } else { &mut theirs };
            half.add(seed().hash(&key.to_le_bytes()));
            half.add(seed().hash(&key.to_le_bytes()));
        }
        assert_eq!(ours.merge(&theirs), Ok(Merged::Exact));
        // Four standard errors of 1.6 %.
        let error = (ours.count() - f64::from(n)).abs();
        assert!(error <= 0.065 * f64::from(n), "{} of {n}", ours.count());
        let mut bytes = Vec::new();
        write(&ours, &seed(), 5, &mut bytes);
        let again: Distinct = read(&mut &bytes[..], &seed(), 5).unwrap();
        assert!((again.count() - ours.count()).abs() <= 0.065 * f64::from(n), "{} of {n}", again.count());
    }
}

#[test]
fn the_most_frequent_are_found_with_bounds() {
    let sketch = |keys: std::ops::Range<u64>| {
        let mut top = Top::new(64);
        for n in keys {
            // Key k makes up one in k of what comes.
            let keys = (1..200_u64).filter(|key| n % key == 0);
            keys.for_each(|key| top.add(seed().hash(&key.to_le_bytes()), || format!("key {key}")));
        }
        top
    };
    let mut top = sketch(0..3_000);
    _ = top.merge(&sketch(3_000..6_000));
    let mut bytes = Vec::new();
    write(&top, &seed(), 5, &mut bytes);
    let top: Top = read(&mut &bytes[..], &seed(), 5).unwrap();
    let rows = top.rows(5);
    for (row, key) in rows.iter().zip(1_u64..) {
        assert_eq!(row.key, format!("key {key}"));
        let count = 6_000_u64.div_ceil(key);
        assert!((row.at_least..=row.at_most).contains(&count), "{row:?} of {count}");
    }
    assert_eq!(rows.len(), 5);
}
