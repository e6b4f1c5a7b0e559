//! Samples and events: what was appended is what is read, across memory, blocks, restarts and age.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use lanner_core::{Aggregate, Labels, Sample, SeriesKey, TimeRange};
use lanner_io::store::{Batch, NewEvent, RetentionRule, SeriesId, Store, StoreError, StoreOptions, Tier};
use proptest::prelude::*;

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn key(name: &str, host: &str) -> SeriesKey {
    SeriesKey::new(name, Labels::new([("host", host)]))
}

fn forever() -> StoreOptions {
    StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() }
}

fn append(store: &Store, samples: impl IntoIterator<Item = (SeriesId, Sample)>) {
    let samples = samples.into_iter().collect();
    store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
}

fn append_events(store: &Store, stream: &str, events: &[(i64, &str)]) {
    let events = events
        .iter()
        .map(|(time_ms, json)| NewEvent {
            stream: stream.into(),
            time_ms: *time_ms,
            json: json.to_string().into(),
        })
        .collect();
    store.append(Batch { samples: Vec::new(), events }).unwrap().wait().unwrap();
}

fn texts(store: &Store, stream: &str, range: TimeRange) -> Vec<String> {
    let mut found = Vec::new();
    let mut visit = |_: i64, json: &[u8]| {
        found.push(String::from_utf8(json.to_vec()).unwrap());
        ControlFlow::Continue(())
    };
    store.events(stream, range, &mut visit).unwrap();
    found
}

/// What a user of the store may do.
#[derive(Debug, Clone)]
enum Step {
    /// Samples of series 0 to 3 at a second of a short or a long time, and their values.
    Append(Vec<(usize, i64, f64)>),
    Seal,
    Maintain,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let second = prop_oneof![4 => 0..200_i64, 1 => 0..100_000_i64];
    let value = prop_oneof![(-20..20).prop_map(f64::from), -1e300..1e300, Just(0.1)];
    let samples = proptest::collection::vec((0..4_usize, second, value), 1..60);
    let run = (0..4_usize, 0..90_000_i64, 1..3_000_i64).prop_map(|(series, from, n)| {
        (from..from + n).map(|second| (series, second, (second % 10) as f64)).collect()
    });
    let step = prop_oneof![
        6 => samples.prop_map(Step::Append),
        2 => run.prop_map(Step::Append),
        3 => Just(Step::Seal),
        1 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_last_write_wins_everywhere(
        steps in steps(), from in 0..100_000_i64, length in 0..5_000_i64,
        block_cache_bytes in prop_oneof![Just(0), Just(3_000), Just(1 << 20)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { block_cache_bytes, ..forever() };
        let mut store = Store::open(folder.path(), options.clone()).unwrap();
        let keys: Vec<SeriesKey> = (0..4).map(|n| key("m", &n.to_string())).collect();
        let mut model: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); 4];
        for step in steps {
            match step {
                Step::Append(samples) => {
                    let ids: Vec<SeriesId> = keys.iter().map(|key| store.series_id(key).unwrap()).collect();
                    append(&store, samples.iter().map(|(series, second, value)| {
                        (ids[*series], Sample::new(T + second * 1_000, *value))
                    }));
                    for (series, second, value) in samples {
                        model[series].insert(T + second * 1_000, value);
                    }
                }
                Step::Seal => { store.seal().unwrap(); }
                Step::Maintain => { store.maintain(T + 365 * DAY_MS).unwrap(); }
                Step::Reopen => {
                    store.close();
                    store = Store::open(folder.path(), options.clone()).unwrap();
                }
            }
            // So that blocks are remembered before they change.
            for (key, model) in keys.iter().zip(&model) {
                let samples = store.samples(store.series_id(key).unwrap(), EVER).unwrap();
                prop_assert!(samples.iter().map(|sample| (&sample.time_ms, &sample.value)).eq(model));
            }
        }
        let window = TimeRange::new(T + from * 1_000, T + (from + length) * 1_000);
        for (key, model) in keys.iter().zip(&model) {
            let id = store.series_id(key).unwrap();
            let expected = |range: TimeRange| -> Vec<Sample> {
                model.range(range.start_ms..range.end_ms).map(|(t, v)| Sample::new(*t, *v)).collect()
            };
            prop_assert_eq!(store.samples(id, EVER).unwrap(), expected(EVER));
            prop_assert_eq!(store.samples(id, window).unwrap(), expected(window));
            let count = store.aggregate(id, window).unwrap().map_or(0, |total| total.count);
            prop_assert_eq!(count as usize, expected(window).len());
            prop_assert_eq!(store.first_ms(id).unwrap(), model.keys().next().copied());
            prop_assert_eq!(store.last_ms(id).unwrap(), model.keys().next_back().copied());
        }
    }

    #[test]
    fn growing_old_loses_no_sample_of_a_step(
        gaps in proptest::collection::vec(prop_oneof![1..2_000_i64, 1..100_000_i64, 1..4_000_000_i64], 1..400),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ages in proptest::collection::vec(0..40 * DAY_MS, 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let tier = |step_ms, keep_ms| Tier { step_ms, keep_ms };
        let tiers = vec![tier(10_000, DAY_MS), tier(60_000, 30 * DAY_MS), tier(HOUR_MS, 3_000 * DAY_MS)];
        let retention = vec![RetentionRule { pattern: "*".into(), tiers }];
        let options = StoreOptions { retention, ..StoreOptions::default() };
        let store = Store::open(folder.path(), options).unwrap();
        let id = store.series_id(&key("m", "a")).unwrap();
        let mut time_ms = T;
        let samples: Vec<Sample> = gaps.iter().enumerate().map(|(at, gap_ms)| {
            time_ms += gap_ms;
            Sample::new(time_ms, (at % 17) as f64)
        }).collect();
        // In a few batches, out of order, sealed apart.
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(samples.len())).collect();
        cuts.extend([0, samples.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2).rev() {
            append(&store, samples[pair[0]..pair[1]].iter().map(|sample| (id, *sample)));
            store.seal().unwrap();
        }
        let mut ages = ages;
        ages.sort_unstable();
        for age_ms in ages {
            store.maintain(time_ms + age_ms).unwrap();
            // Hours are never split: what they come to stays the same while steps grow.
            let mut expected: BTreeMap<i64, Aggregate> = BTreeMap::new();
            for sample in &samples {
                let hour_ms = sample.time_ms.div_euclid(HOUR_MS) * HOUR_MS;
                let row = Aggregate::of(*sample);
                expected.entry(hour_ms).and_modify(|total| total.merge(&row)).or_insert(row);
            }
            let actual: BTreeMap<i64, Aggregate> =
                store.aggregates(id, EVER, HOUR_MS).unwrap().into_iter().collect();
            prop_assert_eq!(actual, expected);
        }
    }
}

#[test]
fn coarse_data_is_kept_exactly_and_fine_data_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let coarse = store.series_id(&key("coarse", "a")).unwrap();
    let fine = store.series_id(&key("fine", "a")).unwrap();
    let five_minutes: Vec<Sample> =
        (0..288).map(|n| Sample::new(T + 7 + n * 5 * MINUTE_MS, n as f64)).collect();
    append(&store, five_minutes.iter().map(|sample| (coarse, *sample)));
    append(&store, (0..86_400).map(|n| (fine, Sample::new(T + n * 1_000, (n % 60) as f64))));
    store.seal().unwrap();

    let rows = |age_ms| {
        store.maintain(T + DAY_MS + age_ms).unwrap();
        (store.samples(coarse, EVER).unwrap(), store.samples(fine, EVER).unwrap())
    };
    let (coarse_rows, fine_rows) = rows(0);
    assert_eq!(coarse_rows, five_minutes);
    // The newest two hours as written; older ones in steps of 10 s, each shown at its beginning.
    assert_eq!(fine_rows[..2], [Sample::new(T, 4.5), Sample::new(T + 10_000, 14.5)]);
    assert_eq!(fine_rows[fine_rows.len() - 1], Sample::new(T + DAY_MS - 1_000, 59.0));
    let (coarse_rows, fine_rows) = rows(2 * DAY_MS);
    assert_eq!(coarse_rows, five_minutes);
    assert_eq!((fine_rows.len(), fine_rows[0]), (1_440, Sample::new(T, 29.5)));
    let (coarse_rows, fine_rows) = rows(40 * DAY_MS);
    assert_eq!((coarse_rows.len(), coarse_rows[0]), (24, Sample::new(T, 5.5)));
    assert_eq!(fine_rows.len(), 24);
    let total = store.aggregate(fine, EVER).unwrap().unwrap();
    assert_eq!((total.count, total.min, total.max, total.last), (86_400, 0.0, 59.0, 59.0));
    let (coarse_rows, fine_rows) = rows(4 * 365 * DAY_MS);
    assert!(coarse_rows.is_empty() && fine_rows.is_empty());
    // A series that retention emptied is forgotten at the next start.
    store.close();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    assert_eq!(store.n_series(), 0);
}

#[test]
fn blocks_that_changed_are_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let tiers = vec![Tier { step_ms: MINUTE_MS, keep_ms: DAY_MS }];
    let retention = vec![RetentionRule { pattern: "*".into(), tiers }];
    let store = Store::open(folder.path(), StoreOptions { retention, ..StoreOptions::default() }).unwrap();
    let id = store.series_id(&key("m", "a")).unwrap();
    #[track_caller]
    fn check(store: &Store, id: SeriesId, n_rows: usize, sum: f64) {
        let (mut found, mut total) = (0, 0.0);
        let count = |_: i64, row: &Aggregate| (found, total) = (found + 1, total + row.sum);
        store.points(id, EVER, count).unwrap();
        assert_eq!((found, total), (n_rows, sum));
    }
    let every_ten_seconds =
        |from_ms: i64, n: i64| (0..n).map(move |at| (id, Sample::new(from_ms + at * 10_000, 1.0)));
    append(&store, every_ten_seconds(T, 360));
    check(&store, id, 360, 360.0);
    store.seal().unwrap();
    check(&store, id, 360, 360.0);
    append(&store, [(id, Sample::new(T + 10_000, 5.0)), (id, Sample::new(T + 15_000, 2.0))]);
    check(&store, id, 361, 366.0);
    store.seal().unwrap(); // the block is written anew
    check(&store, id, 361, 366.0);
    store.maintain(T + 12 * HOUR_MS).unwrap(); // and merged
    check(&store, id, 60, 366.0);
    store.maintain(T + 30 * DAY_MS).unwrap(); // and dropped
    check(&store, id, 0, 0.0);
    append(&store, every_ten_seconds(T + 30 * DAY_MS, 6));
    store.seal().unwrap(); // its row's number may be given again
    check(&store, id, 6, 6.0);
}

#[test]
fn late_samples_are_added_to_merged_steps() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let id = store.series_id(&key("m", "a")).unwrap();
    append(&store, (0..600).map(|n| (id, Sample::new(T + n * 1_000, 1.0))));
    store.seal().unwrap();
    store.maintain(T + 3 * HOUR_MS).unwrap();
    append(&store, [(id, Sample::new(T + 5_500, 100.0)), (id, Sample::new(T - 5_000, 7.0))]);
    for _ in 0..2 {
        let step = store.aggregates(id, TimeRange::new(T, T + 10_000), 10_000).unwrap();
        assert_eq!((step[0].1.count, step[0].1.sum), (11, 110.0)); // before sealing and after
        assert_eq!(store.samples(id, EVER).unwrap()[0], Sample::new(T - 5_000, 7.0));
        store.seal().unwrap();
    }
}

#[test]
fn sealed_and_unsealed_events_come_back_in_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), forever()).unwrap();
    append_events(&store, "pay", &[(T + 5, "5"), (T + 1, "1"), (T + 5, "5 again")]);
    store.seal().unwrap();
    append_events(&store, "pay", &[(T + 3, "3"), (T + 9, "9")]);
    append_events(&store, "other", &[(T, "{}")]);
    store.seal().unwrap();
    append_events(&store, "pay", &[(T + 7, "7"), (T + 2, "2"), (T + 5, "5 late")]);
    for _ in 0..2 {
        let all = ["1", "2", "3", "5", "5 again", "5 late", "7", "9"];
        assert_eq!(texts(&store, "pay", EVER), all);
        assert_eq!(texts(&store, "pay", TimeRange::new(T + 2, T + 7)), all[1..6]);
        assert!(texts(&store, "none", EVER).is_empty());
        let streams = store.streams().unwrap();
        let pay = &streams[1];
        assert_eq!((&*streams[0].name, streams[0].n_events), ("other", 1));
        assert_eq!((pay.n_events, pay.first_ms, pay.last_ms), (8, T + 1, T + 9));
        store.close();
        store = Store::open(folder.path(), forever()).unwrap();
        store.seal().unwrap();
    }
    let mut seen = 0;
    let mut stop = |_: i64, _: &[u8]| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.events("pay", EVER, &mut stop).unwrap();
    assert_eq!(seen, 3);
}

#[test]
fn memory_is_bounded_without_anybody_calling_maintain() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_head_bytes: 1 << 20, ..forever() };
    let store = Store::open(folder.path(), options).unwrap();
    let ids: Vec<SeriesId> = (0..50).map(|n| store.series_id(&key("m", &n.to_string())).unwrap()).collect();
    for round in 0..100 {
        let samples =
            ids.iter().flat_map(|id| (0..50).map(|n| (*id, Sample::new(T + round * 50 + n, n as f64))));
        let batch = Batch { samples: samples.collect(), events: Vec::new() };
        loop {
            match store.append(batch.clone()) {
                Ok(receipt) => break receipt.wait().unwrap(),
                Err(StoreError::Busy { retry_after }) => std::thread::sleep(retry_after / 20),
                Err(error) => unreachable!("{error}"),
            }
        }
        assert!(store.stats().unwrap().head_bytes <= 3 << 20);
    }
    for id in ids {
        assert_eq!(store.samples(id, EVER).unwrap().len(), 5_000);
    }
}

#[test]
fn readers_see_every_acknowledged_sample_while_data_moves() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), forever()).unwrap();
    let id = store.series_id(&key("m", "a")).unwrap();
    let acknowledged = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| {
            for n in 0..300 {
                append(&store, [(id, Sample::new(T + n, n as f64))]);
                acknowledged.store(n as usize + 1, std::sync::atomic::Ordering::SeqCst);
                if n % 7 == 0 {
                    store.seal().unwrap();
                }
            }
        });
        while !writing.is_finished() {
            let at_least = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            let samples = store.samples(id, EVER).unwrap();
            assert!(samples.len() >= at_least, "{} of {at_least}", samples.len());
            assert!(samples.iter().enumerate().all(|(n, sample)| sample.time_ms == T + n as i64));
        }
    });
}
