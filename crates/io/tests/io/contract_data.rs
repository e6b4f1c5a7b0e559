//! The contract of [`DataStore`]: what was appended is what is read, also after a restart.
//!
//! Each function is given what opens the store; [`contract!`] runs all of them for every implementation.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use lanner_core::time::{DAY_MS, HOUR_MS};
use lanner_core::{Labels, MatchOp, Matcher, Sample, SeriesKey, TimeRange};
use lanner_io::data::{Batch, DataStore, Events, NewEvent, Piece, SeriesId, StoreError};
use lanner_io::store::{EventRetention, RetentionRule, Store, StoreOptions};

const EVER: TimeRange = TimeRange::new(i64::MIN, i64::MAX);
const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

/// Opens the store with these options, anew or for the first time.
type Open<'o> = &'o dyn Fn(StoreOptions) -> Arc<dyn DataStore>;

fn sqlite(folder: &Path, options: StoreOptions) -> Arc<dyn DataStore> {
    Arc::new(Store::open(folder, options).unwrap())
}

macro_rules! contract {
    ($($name:ident)*) => {
        mod sqlite {
            $(
                #[test]
                fn $name() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$name(&|options| super::sqlite(folder.path(), options));
                }
            )*
        }
    };
}

contract! {
    the_last_sample_of_a_time_wins_also_after_a_restart
    batches_are_stored_as_a_whole_or_refused
    series_are_found_by_name_and_labels
    numbers_of_series_last
    events_come_back_in_order_of_time
    snapshots_of_events_show_one_moment
    what_is_older_than_its_retention_goes
}

fn forever() -> StoreOptions {
    StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() }
}

fn key(name: &str, host: &str) -> SeriesKey {
    SeriesKey::new(name, Labels::new([("host", host)]))
}

fn append(store: &dyn DataStore, samples: impl IntoIterator<Item = (SeriesId, Sample)>) {
    let samples = samples.into_iter().collect();
    store.append(Batch { samples, events: Vec::new() }).unwrap().wait().unwrap();
}

fn append_events(store: &dyn DataStore, stream: &str, events: &[(i64, &str)]) {
    let event = |(time_ms, json): &(i64, &str)| NewEvent {
        stream: stream.into(),
        time_ms: *time_ms,
        json: json.to_string().into(),
    };
    let events = events.iter().map(event).collect();
    store.append(Batch { samples: Vec::new(), events }).unwrap().wait().unwrap();
}

fn seen(events: &dyn Events) -> Vec<String> {
    let mut found = Vec::new();
    let mut visit = |_: i64, json: &[u8]| {
        found.push(String::from_utf8(json.to_vec()).unwrap());
        ControlFlow::Continue(())
    };
    events.visit(&mut visit).unwrap();
    found
}

fn texts(store: &dyn DataStore, stream: &str, range: TimeRange) -> Vec<String> {
    seen(&*store.events_snapshot(stream, range).unwrap())
}

fn the_last_sample_of_a_time_wins_also_after_a_restart(open: Open<'_>) {
    let mut store = open(forever());
    let mut model = BTreeMap::new();
    // Runs at equal distances, late ones, corrections, and another beginning each time the store is opened.
    for round in 0..4_i64 {
        let id = store.series_id(&key("m", "a")).unwrap();
        let other = store.series_id(&key("m", "b")).unwrap();
        let samples = (0..300_i64).map(|n| {
            let second = (n * 7_919 + round * 131) % 500;
            Sample::new(T + second * 1_000, (n + 1_000 * round) as f64)
        });
        let samples: Vec<Sample> = samples.collect();
        append(&*store, samples.iter().map(|sample| (id, *sample)));
        append(&*store, [(other, Sample::new(T + round, round as f64))]);
        model.extend(samples.iter().map(|sample| (sample.time_ms, sample.value)));
        for _ in 0..2 {
            let id = store.series_id(&key("m", "a")).unwrap();
            let expected = |range: TimeRange| -> Vec<Sample> {
                model.range(range.start_ms..range.end_ms).map(|(t, v)| Sample::new(*t, *v)).collect()
            };
            assert_eq!(store.samples(id, EVER).unwrap(), expected(EVER));
            let range = TimeRange::new(T + 100_000, T + 101_001); // the end is outside
            assert_eq!(store.samples(id, range).unwrap(), expected(range));
            let ends = model.keys().next().copied().zip(model.keys().next_back().copied());
            assert_eq!(store.extent(id).unwrap(), ends);
            assert_eq!(store.first_ms(id).unwrap(), ends.map(|ends| ends.0));
            let mut n = 0;
            let mut count = |piece: Piece<'_>| match piece {
                Piece::Even { values, .. } => n += values.len(),
                Piece::Row(..) => n += 1,
            };
            store.pieces(id, EVER, &mut count).unwrap();
            assert_eq!(n, model.len());
            drop(store);
            store = open(forever());
        }
    }
    let empty = store.series_id(&key("m", "empty")).unwrap();
    assert_eq!((store.samples(empty, EVER), store.extent(empty)), (Ok(Vec::new()), Ok(None)));
}

fn batches_are_stored_as_a_whole_or_refused(open: Open<'_>) {
    let store = open(StoreOptions { max_series: 2, ..forever() });
    let id = store.series_id(&key("cpu", "a")).unwrap();
    let refused = |sample: (SeriesId, Sample)| {
        let batch = Batch { samples: vec![(id, Sample::new(T, 1.0)), sample], events: Vec::new() };
        store.append(batch).unwrap_err().to_string()
    };
    assert_eq!(
        refused((id, Sample::new(T, f64::NAN))),
        "series cpu{host=\"a\"} has the value NaN at 1767225600000 ms; only finite numbers can be stored"
    );
    assert!(refused((id, Sample::new(i64::MAX, 1.0))).contains("outside 1900 to 2200"));
    assert!(refused((SeriesId(9), Sample::new(T, 1.0))).contains("number 9 is not registered"));
    let event = NewEvent { stream: "s".into(), time_ms: i64::MIN, json: "{}".into() };
    let batch = Batch { samples: vec![(id, Sample::new(T, 1.0))], events: vec![event] };
    assert!(matches!(store.append(batch), Err(StoreError::TimeOutOfRange { .. })));
    assert!(store.samples(id, EVER).unwrap().is_empty()); // nothing of a refused batch is stored

    store.series_id(&key("cpu", "b")).unwrap();
    assert_eq!(store.series_id(&key("cpu", "c")), Err(StoreError::TooManySeries { limit: 2 }));
    assert_eq!(store.series_id(&key("cpu", "a")), Ok(id));
}

fn series_are_found_by_name_and_labels(open: Open<'_>) {
    let store = open(forever());
    for (name, host) in
        [("cpu.load", "a1"), ("cpu.load", "a2"), ("cpu.idle", "b1"), ("mem", "a1"), ("cp", "")]
    {
        let raw = format!("{name},{host}");
        assert_eq!(store.written_series().get(raw.as_bytes()), None);
        let id = store.resolve(raw.as_bytes(), &key(name, host)).unwrap();
        let again = store.resolve(raw.as_bytes(), &key(name, host));
        assert_eq!((again, store.written_series().get(raw.as_bytes())), (Ok(id), Some(id)));
        append(&*store, [(id, Sample::new(T, 1.0))]);
    }
    drop(store);
    let store = open(forever());
    let check = |pattern: &str, matcher: Option<(MatchOp, &str)>, expected: &[&str]| {
        let matchers: Vec<Matcher> = matcher
            .map(|(op, value)| Matcher { label: "host".into(), op, value: value.into() })
            .into_iter()
            .collect();
        let found = store.select(pattern, &matchers).unwrap();
        let mut found: Vec<String> = found.iter().map(|(_, key)| key.to_string()).collect();
        found.sort();
        assert_eq!(found, expected, "{pattern} {matcher:?}");
    };
    let (load_1, load_2) = ("cpu.load{host=\"a1\"}", "cpu.load{host=\"a2\"}");
    let (idle, mem) = ("cpu.idle{host=\"b1\"}", "mem{host=\"a1\"}");
    check("cpu.load", None, &[load_1, load_2]);
    check("cpu.*", None, &[idle, load_1, load_2]);
    check("*", Some((MatchOp::Equal, "a1")), &[load_1, mem]);
    check("cpu.load", Some((MatchOp::Equal, "a2")), &[load_2]);
    check("c*", Some((MatchOp::Equal, "a1")), &[load_1]);
    check("*", Some((MatchOp::Equal, "nobody")), &[]);
    check("*", Some((MatchOp::NotRegex, "a.")), &["cp", idle]);
    check("*l*", Some((MatchOp::Regex, "a1|b1")), &[idle, load_1]);
    check("*", Some((MatchOp::Equal, "")), &["cp"]); // an absent label is empty
    check("cpu", None, &[]);
    assert_eq!(store.names("cpu*"), ["cpu.idle".into(), "cpu.load".into()]);
    let bad = [Matcher { label: "host".into(), op: MatchOp::Regex, value: "(".into() }];
    assert!(matches!(store.select("*", &bad), Err(StoreError::BadMatcher { .. })));
}

fn numbers_of_series_last(open: Open<'_>) {
    let store = open(forever());
    let ids: Vec<SeriesId> = (0..50).map(|n| store.series_id(&key("m", &n.to_string())).unwrap()).collect();
    append(&*store, ids.iter().map(|id| (*id, Sample::new(T, 1.0))));
    drop(store);
    let store = open(forever());
    for (n, id) in ids.iter().enumerate().rev() {
        let key = key("m", &n.to_string());
        assert_eq!((store.series_id(&key), store.series_key(*id)), (Ok(*id), Some(Arc::new(key))));
    }
    assert_eq!((store.n_series(), store.series_key(SeriesId(0))), (50, None));
}

fn events_come_back_in_order_of_time(open: Open<'_>) {
    let mut store = open(forever());
    append_events(&*store, "pay", &[(T + 5, "5"), (T + 1, "1"), (T + 5, "5 again")]);
    drop(store);
    store = open(forever());
    append_events(&*store, "pay", &[(T + 3, "3"), (T + 9, "9")]);
    append_events(&*store, "other", &[(T, "{}")]);
    append_events(&*store, "pay", &[(T + 7, "7"), (T + 2, "2"), (T + 5, "5 late")]);
    for _ in 0..2 {
        let all = ["1", "2", "3", "5", "5 again", "5 late", "7", "9"];
        assert_eq!(texts(&*store, "pay", EVER), all);
        assert_eq!(texts(&*store, "pay", TimeRange::new(T + 2, T + 7)), all[1..6]);
        assert!(texts(&*store, "none", EVER).is_empty());
        let streams = store.streams().unwrap();
        let pay = &streams[1];
        assert_eq!((&*streams[0].name, streams[0].n_events), ("other", 1));
        assert_eq!((pay.n_events, pay.first_ms, pay.last_ms), (8, T + 1, T + 9));
        drop(store);
        store = open(forever());
    }
    let mut n_seen = 0;
    let mut stop = |_: i64, _: &[u8]| {
        n_seen += 1;
        if n_seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.events("pay", EVER, &mut stop).unwrap();
    assert_eq!(n_seen, 3);
}

fn snapshots_of_events_show_one_moment(open: Open<'_>) {
    let store = open(forever());
    append_events(&*store, "a", &[(T, "1"), (T + 2, "2")]);
    append_events(&*store, "b", &[(T, "1")]);
    let wanted = [("a", EVER), ("b", EVER), ("none", EVER), ("a", TimeRange::new(T + 1, T + 9))];
    let snapshots = store.events_snapshots(&wanted).unwrap();
    append_events(&*store, "a", &[(T + 1, "late")]);
    append_events(&*store, "none", &[(T, "new")]);
    // What retention takes meanwhile stays in them.
    store.maintain(T + 400 * DAY_MS).unwrap();
    let seen: Vec<Vec<String>> = snapshots.iter().map(|snapshot| seen(&**snapshot)).collect();
    assert_eq!(seen, [vec!["1", "2"], vec!["1"], vec![], vec!["2"]]);
}

fn what_is_older_than_its_retention_goes(open: Open<'_>) {
    let rule = EventRetention { pattern: "short*".into(), keep_ms: HOUR_MS };
    let store =
        open(StoreOptions { event_retention: vec![rule], seal_after_ms: 0, ..StoreOptions::default() });
    let id = store.series_id(&key("m", "a")).unwrap();
    for stream in ["short", "usual"] {
        append_events(&*store, stream, &[(T, "{}")]);
    }
    append(&*store, (0..100).map(|n| (id, Sample::new(T + n * 1_000, n as f64))));
    let check = |age_ms: i64, streams: &[&str], n_rows: usize| {
        store.maintain(T + age_ms).unwrap();
        let names: Vec<String> = store.streams().unwrap().iter().map(|s| s.name.to_string()).collect();
        assert_eq!(
            (names, store.samples(id, EVER).unwrap().len()),
            (streams.iter().map(ToString::to_string).collect(), n_rows)
        );
    };
    check(HOUR_MS, &["short", "usual"], 100);
    check(3 * HOUR_MS, &["usual"], 10); // a row for each 10 s
    check(31 * DAY_MS, &[], 1); // an hour
    check(1_200 * DAY_MS, &[], 0);
}
