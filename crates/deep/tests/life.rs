//! The life of a detector of every kind: trained, kept, read again, scoring in batches and as rows come.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use lanner_deep::{
    Checkpoint, Damage, Detector, DetectorFile, DetectorSet, FORMAT, Follow, Frame, KINDS, Kind, RowSource,
    RowStore, Rule, SET_FORMAT, TrainError, Training, is_detector,
};

const N_COLUMNS: usize = 4;

/// Noise that looks by chance, from -0.5 to 0.5.
fn noise(at: usize, column: usize) -> f32 {
    let mixed = (at as u64 * 4 + column as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
}

/// A server: load by the time of day, and what follows from it, each in a unit of its own.
fn usual(at: usize) -> [f32; N_COLUMNS] {
    let load = 1.0 + 0.5 * (at as f32 * std::f32::consts::TAU / 144.0).sin();
    let value = |column: usize, scale: f32| scale * (load + 0.1 * noise(at, column));
    [value(0, 100.0), value(1, 0.4), value(2, 3e6), 5.0 + noise(at, 3)]
}

fn columns() -> Vec<String> {
    ["requests", "cpu", "bytes", "temperature"].map(str::to_owned).to_vec()
}

fn frame(rows: impl Iterator<Item = [f32; N_COLUMNS]>) -> Frame {
    Frame::new(columns(), rows.flatten().collect()).unwrap()
}

/// Whether it learns in epochs, which take long.
fn is_network(kind: &Kind) -> bool {
    matches!(kind.name, "mtad-gat" | "mvad")
}

fn training(kind: &'static Kind) -> Training {
    let window = is_network(kind).then_some(10);
    let follow = Follow::Stay;
    Training { kind, window, seed: 7, rows_per_day: 144.0, n_epochs: 8, follow, ..Training::default() }
}

fn trained(kind: &'static Kind) -> Detector {
    let rows = frame((0..1_500).map(usual));
    Detector::train(&rows, &training(kind), &mut |_| ()).unwrap()
}

/// Trained as [`trained`], but for one epoch: for what is so however little a network has learned.
fn briefly_trained(kind: &'static Kind) -> Detector {
    let rows = frame((0..1_500).map(usual));
    Detector::train(&rows, &Training { n_epochs: 1, ..training(kind) }, &mut |_| ()).unwrap()
}

/// 400 rows, of which `strange` changes those from 300 on.
fn later(strange: impl Fn(&mut [f32; N_COLUMNS])) -> Frame {
    frame((0..400).map(|at| {
        let mut row = usual(1_500 + at);
        if at >= 300 {
            strange(&mut row);
        }
        row
    }))
}

/// What becomes of a row.
type Change = fn(&mut [f32; N_COLUMNS]);

#[test]
fn every_kind_tells_a_rise_and_a_drop_at_its_beginning() {
    for kind in KINDS {
        let detector = trained(kind);
        let changes: [(&str, Change); 2] = [("rise", |row| row[1] *= 1.8), ("drop", |row| row[1] = 0.0)];
        for (what, change) in changes {
            let rows = later(change);
            let scores = detector.scores(&rows).unwrap();
            let name = kind.name;
            assert!(scores[..detector.window() - 1].iter().all(|score| score.is_nan()), "{name}");
            let told = scores[300..].iter().position(|score| *score > 1.0);
            assert!(told.is_some_and(|after| after < 10), "{name}: the {what} is told after {told:?} rows");
            let false_alarms = scores[..300].iter().filter(|score| **score > 1.0).count();
            assert!(false_alarms <= 15, "{name}: {false_alarms} of 300 usual rows are alarms");
            // In the end the column that changed contributes most, and contributions add up.
            let parts = detector.explain(&rows, 399).unwrap();
            assert!((parts.iter().sum::<f64>() - scores[399]).abs() < 1e-3 * scores[399].max(1.0), "{name}");
            let most = (0..N_COLUMNS).max_by(|a, b| parts[*a].total_cmp(&parts[*b])).unwrap();
            assert_eq!(most, 1, "{name}: the {what} is put down to {parts:?}");
        }
    }
}

#[test]
fn single_values_and_jumps_count_beside_any_kind() {
    for kind in ["mahalanobis", "k-means", "mtad-gat"].map(|name| Kind::named(name).unwrap()) {
        let training = Training { points: true, ..training(kind) };
        let usual = frame((0..1_500).map(usual));
        let detector = Detector::train(&usual, &training, &mut |_| ()).unwrap();
        let again = Detector::from_bytes(&detector.to_bytes()).unwrap();
        assert!(again.has_points() && again.to_bytes() == detector.to_bytes(), "{}", kind.name);
        let rows = later(|row| row[3] = 9.0);
        let scores = again.scores(&rows).unwrap();
        assert!(scores[300..310].iter().any(|score| *score > 1.0), "{}: {:?}", kind.name, &scores[298..312]);
        // The mean of three scores, each by its own scale: the contributions add up.
        let parts = again.explain(&rows, 320).unwrap();
        assert!((parts.iter().sum::<f64>() - scores[320]).abs() < 1e-3 * scores[320], "{}", kind.name);
        let most = (0..N_COLUMNS).max_by(|a, b| parts[*a].total_cmp(&parts[*b])).unwrap();
        assert_eq!(most, 3, "{}: {parts:?}", kind.name);
        let mut stream = again.stream();
        for (at, expected) in scores.iter().enumerate() {
            let found = stream.push(rows.row(at)).map_or(f64::NAN, |score| score.value());
            let is_same = (found - expected).abs() <= 1e-4 * expected || found.is_nan() && expected.is_nan();
            assert!(is_same, "{} row {at}: {found} is not {expected}", kind.name);
        }
    }
}

#[test]
fn an_interrupted_training_ends_as_if_nothing_had_happened() {
    let (rows, mut kept) = (frame((0..600).map(usual)), Vec::new());
    let training = Training { n_epochs: 5, ..training(Kind::named("mtad-gat").unwrap()) };
    let whole = Detector::train(&rows, &training, &mut |step| kept.extend(step.checkpoint)).unwrap();
    assert_eq!(kept.iter().map(Checkpoint::n_done).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for checkpoint in &kept {
        let read = Checkpoint::from_bytes(&checkpoint.to_bytes()).unwrap();
        assert_eq!((&read, read.losses().len()), (checkpoint, checkpoint.n_done()));
        let resumed = Training { resume: Some(read), ..training.clone() };
        let mut n_epochs = 0;
        let ended = Detector::train(&rows, &resumed, &mut |_| n_epochs += 1).unwrap();
        assert!(ended.to_bytes() == whole.to_bytes(), "after {} epochs", checkpoint.n_done());
        assert_eq!(n_epochs, 5 - checkpoint.n_done());
    }
    // Fewer epochs: what is there is enough. Other rows or settings: it is another training.
    let resumed = Training { resume: Some(kept[2].clone()), n_epochs: 2, ..training };
    assert!(Detector::train(&rows, &resumed, &mut |_| panic!("nothing is left to do")).is_ok());
    let other = Detector::train(&frame((1..601).map(usual)), &resumed, &mut |_| ()).unwrap_err();
    assert_eq!(other, TrainError::OtherCheckpoint);
    let other = Training { seed: 8, ..resumed.clone() };
    assert_eq!(Detector::train(&rows, &other, &mut |_| ()).unwrap_err(), TrainError::OtherCheckpoint);
    let quick = Training { kind: Kind::named("k-means").unwrap(), window: None, ..resumed };
    let refused = Detector::train(&rows, &quick, &mut |_| ()).unwrap_err().to_string();
    assert!(refused.contains("does not learn in epochs"), "{refused}");
    let mut bytes = kept[0].to_bytes();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap_err(), Damage::Checksum);
    assert!(Checkpoint::from_bytes(&whole.to_bytes()).unwrap_err().to_string().contains("lanner-training/1"));
    assert!(Detector::from_bytes(&kept[0].to_bytes()).is_err());
}

#[test]
fn thresholds_follow() {
    let detector = trained(Kind::named("mahalanobis").unwrap());
    // A column that is higher for good. Half of two days, 144 rows, are alarms.
    let rows = frame((0..800).map(|at| {
        let mut row = usual(1_500 + at);
        row[3] += if at < 100 { 0.0 } else { 2.0 };
        row
    }));
    let n_alarms = |follow: Follow, rule: Rule| {
        let detector =
            Detector::from_bytes(&detector.to_bytes()).unwrap().with_threshold(rule, follow).unwrap();
        let scores = detector.scores(&rows).unwrap();
        assert!(detector.expected_alarms_per_day() < 3.0, "{follow:?}");
        scores.iter().filter(|score| **score > 1.0).count()
    };
    let (budget, risk) = (Rule::AlarmsPerDay(0.3), Rule::PeaksOverThreshold { risk: 1e-3, level: None });
    assert!(n_alarms(Follow::Stay, budget) > 680);
    // Rows that are farther away also stray more, so some are alarms for longer.
    let n = n_alarms(Follow::Level { days: 2.0 }, budget);
    assert!((120..480).contains(&n), "{n}");
    assert!(n_alarms(Follow::Drift { rows: 100 }, risk) > 650, "a jump is no drift");
    assert!(n_alarms(Follow::Peaks, risk) > 650);
    let wrong = |rule, follow| {
        Detector::from_bytes(&detector.to_bytes()).unwrap().with_threshold(rule, follow).unwrap_err()
    };
    assert!(wrong(budget, Follow::Peaks).contains("set by a risk"));
    assert!(wrong(budget, Follow::Level { days: 0.0 }).contains("0 days"));
    assert!(wrong(risk, Follow::Drift { rows: 0 }).contains("mean of 0 scores"));
    assert!(
        wrong(Rule::PeaksOverThreshold { risk: 0.1, level: Some(1.0) }, Follow::Stay).contains("level is 1")
    );

    // With a threshold that was kept in between, the same.
    let detector = detector.with_threshold(budget, Follow::Level { days: 2.0 }).unwrap();
    let whole = detector.scores(&rows).unwrap();
    let (first, second) = (frame((0..400).map(|at| rows.row(at).try_into().unwrap())), 396..800);
    let second = frame(second.map(|at| rows.row(at).try_into().unwrap()));
    let mut limit = detector.limit();
    detector.judge(&first, &mut limit).unwrap();
    let mut kept: lanner_deep::Limit = serde_json::from_str(&serde_json::to_string(&limit).unwrap()).unwrap();
    let rest = detector.judge(&second, &mut kept).unwrap().scores;
    let n = rest.len();
    assert!(rest[4..].iter().zip(&whole[800 - n + 4..]).all(|(a, b)| (a - b).abs() < 1e-6 * b), "{n}");
}

#[test]
fn a_stream_scores_as_a_batch_does() {
    for kind in KINDS {
        let detector = briefly_trained(kind);
        let rows = later(|row| row[2] = f32::NAN);
        let batch = detector.scores(&rows).unwrap();
        let mut stream = detector.stream();
        for (at, expected) in batch.iter().enumerate() {
            let found = stream.push(rows.row(at)).map_or(f64::NAN, |score| score.value());
            let is_same =
                (found - expected).abs() <= 1e-4 * expected || (found.is_nan() && expected.is_nan());
            assert!(is_same, "{} row {at}: {found} is not {expected}", kind.name);
        }
        let (by_stream, by_batch) = (stream.explain(), detector.explain(&rows, 399).unwrap());
        assert!(by_stream.iter().zip(&by_batch).all(|(a, b)| (a - b).abs() < 1e-4), "{}", kind.name);
    }
}

#[test]
fn what_is_kept_is_read_again() {
    for kind in KINDS {
        let detector = briefly_trained(kind).with_notes("of a test".into());
        let bytes = detector.to_bytes();
        assert!(is_detector(&bytes));
        let again = Detector::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes, "{}", kind.name);
        assert_eq!((again.notes(), again.kind().name), (&"of a test".into(), kind.name));
        let rows = later(|_| ());
        let (one, other) = (detector.scores(&rows).unwrap(), again.scores(&rows).unwrap());
        assert!(one.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits()), "{}", kind.name);
        assert_eq!(again.expected_alarms_per_day(), detector.expected_alarms_per_day());
        // The same seed gives the same detector, and a threshold is no training.
        assert_eq!(briefly_trained(kind).with_notes("of a test".into()).to_bytes(), bytes, "{}", kind.name);
        let lower = again.with_rule(Rule::AlarmsPerDay(2.0)).unwrap();
        assert!(lower.threshold() <= detector.threshold(), "{}", kind.name);
    }
}

#[test]
fn damaged_files_are_refused() {
    let bytes = trained(&KINDS[0]).to_bytes();
    let refused = |bytes: &[u8]| Detector::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(Detector::from_bytes(b"").unwrap_err(), Damage::Other);
    assert_eq!(refused(b"time,value\n1,2\n"), "is no file of a detector");
    assert!(refused(&bytes[..bytes.len() - 1]).starts_with("is damaged"));
    assert!(refused(&bytes[..200]).starts_with("is damaged"));
    let at =
        bytes.windows(FORMAT.len()).position(|part| part == FORMAT.as_bytes()).unwrap() + FORMAT.len() - 1;
    let mut newer = bytes.clone();
    newer[at] = b'7';
    assert!(refused(&newer).contains("\"lanner-detector/7\""), "{}", refused(&newer));
    // Every single bit counts.
    let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    for at in (8..header).step_by(41).chain((header..bytes.len()).step_by(4_999)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        // Spaces that fill the header up say nothing.
        assert!(Detector::from_bytes(&damaged).is_err() || bytes[at] == b' ', "byte {at} does not count");
    }
}

#[test]
fn odd_tables() {
    let quick = || KINDS.iter().filter(|kind| !is_network(kind));
    for kind in quick() {
        // A constant column, one without any value, one that is there now and then, and one that goes to the limit.
        let odd = |at: usize| {
            [
                3.0,
                f32::NAN,
                if at.is_multiple_of(3) { noise(at, 2) } else { f32::NAN },
                if at == 9 { f32::MAX } else { 1.0 },
            ]
        };
        let detector = Detector::train(&frame((0..400).map(odd)), &training(kind), &mut |_| ()).unwrap();
        let mut rows: Vec<[f32; 4]> = (0..100).map(odd).collect();
        rows[60] = [f32::NAN; 4];
        rows[80] = [4e9, 1.0, f32::INFINITY, -1.0];
        let scores = detector.scores(&frame(rows.into_iter())).unwrap();
        // An isolation forest never cuts what never changed, and a patch hardly sees a single row at its end.
        let later = if kind.name == "patches" { 5 } else { 0 };
        let is_told = scores[80 + later] > 1.0 || kind.name == "isolation-forest";
        assert!(scores[60].is_nan() && is_told, "{}: {:?}", kind.name, &scores[55..]);
        assert!(scores[detector.window()..60].iter().all(|score| score.is_finite()), "{}", kind.name);
    }
    let few = Detector::train(&frame((0..1).map(usual)), &training(&KINDS[0]), &mut |_| ()).unwrap_err();
    assert_eq!(few, TrainError::TooFewRows { required: 200, found: 1 });
    let nothing = frame((0..300).map(|_| [f32::NAN; 4]));
    assert_eq!(
        Detector::train(&nothing, &training(&KINDS[0]), &mut |_| ()).unwrap_err(),
        TrainError::NoValues
    );
    let wrong = Training {
        window: Some(0),
        n_epochs: 0,
        rows_per_day: f64::NAN,
        rule: Rule::AlarmsPerDay(-1.0),
        ..training(&KINDS[0])
    };
    let problems = Detector::train(&frame((0..300).map(usual)), &wrong, &mut |_| ()).unwrap_err().to_string();
    let expected = "-1 alarms a day cannot be aimed at; give a number above 0\n\
        the window is 0 rows, which should be from 1 to 1000\n\
        0 epochs should be from 1 to 1000\n\
        NaN rows a day should be a number above 0";
    assert_eq!(problems, expected);
}

#[test]
fn rows_without_noise_are_said_and_leave_a_threshold() {
    let wave = |at: usize, period: f32| 50.0 + 40.0 * (at as f32 * std::f32::consts::TAU / period).sin();
    // Slow waves, and such that come back to the same values again and again.
    for periods in [[1_440.0, 720.0, 360.0], [60.0, 30.0, 20.0]] {
        let row = |at: usize| [wave(at, periods[0]), wave(at, periods[1]), wave(at, periods[2]), 1.0];
        let noisy = |at: usize| {
            let [a, b, c, constant] = row(at);
            [a + 0.4 * noise(at, 0), b + 0.4 * noise(at, 1), c + 0.4 * noise(at, 2), constant]
        };
        let later = |at: usize| {
            let mut row = noisy(2_880 + at);
            if (100..110).contains(&at) {
                row[..3].reverse();
            }
            row
        };
        for kind in KINDS.iter().filter(|kind| !is_network(kind)) {
            let training = Training { rows_per_day: 1_440.0, window: None, ..training(kind) };
            let detector = Detector::train(&frame((0..2_880).map(row)), &training, &mut |_| ()).unwrap();
            assert!(detector.is_too_alike(), "{}", kind.name);
            let scores = detector.scores(&frame((0..300).map(later))).unwrap();
            let highest = scores[100..110].iter().copied().fold(0.0, f64::max);
            let before = scores[30..100].iter().copied().fold(0.0, f64::max);
            eprintln!("{}: threshold {}, {highest} of {before}", kind.name, detector.threshold());
            // Reversed columns stay within their ranges, and a course of twenty rows hardly sees ten of them.
            let is_told = highest > 1.0 || matches!(kind.name, "isolation-forest" | "k-means" | "patches");
            assert!(is_told && highest > 0.3 && before < 1.2, "{}: {highest} of {before}", kind.name);
        }
    }
    assert!(!trained(&KINDS[1]).is_too_alike());
}

#[test]
fn other_columns_are_refused_by_name() {
    let detector = trained(Kind::named("mahalanobis").unwrap());
    let names = |names: [&str; 4]| Frame::new(names.map(str::to_owned).to_vec(), Vec::new()).unwrap();
    #[track_caller]
    fn check(detector: &Detector, frame: &Frame, expected: &str) {
        let message = detector.scores(frame).unwrap_err().to_string();
        assert_eq!(message, format!("the columns differ from those of training: {expected}"));
    }
    check(&detector, &names(["requests", "cpu", "bytes", "disk"]), "temperature is missing, disk is new");
    check(&detector, &names(["cpu", "requests", "bytes", "temperature"]), "their order");
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    for kind in KINDS {
        let one = pool(1).install(|| briefly_trained(kind).to_bytes());
        assert!(pool(3).install(|| briefly_trained(kind).to_bytes()) == one, "{}", kind.name);
    }
}

/// Rows that are computed whenever they are asked for, and the most of them that were asked for at once.
struct Computed {
    columns: Vec<String>,
    n_rows: usize,
    most: AtomicUsize,
}

impl RowStore for Computed {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) {
        self.most.fetch_max(rows.len(), Ordering::Relaxed);
        into.extend(rows.flat_map(gappy));
    }
}

/// A row now and then is missing, or a value of it.
fn gappy(at: usize) -> [f32; N_COLUMNS] {
    match at % 97 {
        13 => [f32::NAN; N_COLUMNS],
        7 => [f32::NAN, 1.0, 3e6, 5.0],
        _ => usual(at),
    }
}

#[test]
fn rows_that_lie_elsewhere_teach_the_same() {
    for kind in KINDS {
        // More than two pieces, where that does not take minutes.
        let n_rows = if is_network(kind) { 700 } else { 9_000 };
        let store = Computed { columns: columns(), n_rows, most: AtomicUsize::new(0) };
        let rows = frame((0..n_rows).map(gappy));
        for points in [false, true] {
            let training = Training { n_epochs: 1, points, ..training(kind) };
            let held = Detector::train(&rows, &training, &mut |_| ()).unwrap();
            let read = Detector::train_on(RowSource::Stored(&store), &training, &mut |_| ()).unwrap();
            assert!(held.to_bytes() == read.to_bytes(), "{}, single values: {points}", kind.name);
        }
        let most = store.most.load(Ordering::Relaxed);
        assert!(most <= 4_096 + 32, "{}: {most} rows were read at once", kind.name);
    }
}

#[test]
fn a_store_that_gives_too_little_ends_nothing() {
    struct Broken(Vec<String>);
    impl RowStore for Broken {
        fn columns(&self) -> &[String] {
            &self.0
        }
        fn n_rows(&self) -> usize {
            1_000
        }
        fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) {
            into.extend(rows.take_while(|row| *row < 600).flat_map(usual));
        }
    }
    for kind in KINDS.iter().filter(|kind| !is_network(kind)) {
        let store = Broken(columns());
        assert!(
            Detector::train_on(RowSource::Stored(&store), &training(kind), &mut |_| ()).is_ok(),
            "{}",
            kind.name
        );
    }
}

/// Rows of a host: its number is how many times the usual load it has.
fn of_host(host: usize, n_rows: usize) -> Frame {
    frame((0..n_rows).map(|at| usual(at + 31 * host).map(|value| value * host as f32)))
}

#[test]
fn each_entity_has_a_detector_of_its_own() {
    let kind = Kind::named("mahalanobis").unwrap();
    let hosts: Vec<(String, Frame)> = (1..=5)
        .map(|host| (format!("host-{host}"), of_host(host, if host == 4 { 30 } else { 800 })))
        .collect();
    let train = |n_threads: usize| {
        let sources: Vec<(String, RowSource<'_>)> =
            hosts.iter().map(|(host, rows)| (host.clone(), rows.into())).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| DetectorSet::train("host", &sources, &|_| training(kind), &|_, _| ()))
    };
    let (set, failed) = train(3);
    let set = set.unwrap();
    assert_eq!(failed, [("host-4".to_owned(), TrainError::TooFewRows { required: 200, found: 30 })]);
    assert_eq!(
        set.iter().map(|(host, _)| host).collect::<Vec<_>>(),
        ["host-1", "host-2", "host-3", "host-5"]
    );
    // Each is what it would be by itself, however many are trained at once.
    let bytes = set.to_bytes();
    assert!(bytes == train(1).0.unwrap().to_bytes());
    let alone = Detector::train(&hosts[2].1, &training(kind), &mut |_| ()).unwrap();
    assert!(set.get("host-3").unwrap().to_bytes() == alone.to_bytes());
    // What is usual for one is not for another.
    let above = |host: &str| {
        let scores = set.get(host).unwrap().scores(&hosts[2].1).unwrap();
        scores.iter().filter(|score| **score > 1.0).count()
    };
    assert!(above("host-3") < 10 && above("host-1") > 700 && above("host-5") > 700);

    assert!(is_detector(&bytes) && Detector::from_bytes(&bytes).unwrap_err() == Damage::Set);
    let DetectorFile::Set(again) = DetectorFile::from_bytes(&bytes).unwrap() else { panic!("it is a set") };
    assert!(again.to_bytes() == bytes && again.by() == "host");
    assert!(matches!(DetectorFile::from_bytes(&alone.to_bytes()), Ok(DetectorFile::One(_))));
    let louder = again.map(&|_, detector| detector.with_rule(Rule::AlarmsPerDay(9.0))).unwrap();
    assert!(louder.get("host-1").unwrap().threshold() < set.get("host-1").unwrap().threshold());
    let refused = louder.map(&|_, detector| detector.with_rule(Rule::AlarmsPerDay(0.0))).unwrap_err();
    assert!(refused.starts_with("host-1: 0 alarms a day"), "{refused}");
    // Nothing to learn from at all.
    let (none, failed) = DetectorSet::train(
        "host",
        &[("a".to_owned(), (&hosts[3].1).into())],
        &|_| training(kind),
        &|_, _| (),
    );
    assert!(none.is_none() && failed.len() == 1);
}

#[test]
fn damaged_sets_are_refused() {
    let kind = Kind::named("mahalanobis").unwrap();
    let (a, b) = (of_host(1, 300), of_host(2, 300));
    let hosts = vec![("a".to_owned(), (&a).into()), ("b".to_owned(), (&b).into())];
    let bytes = DetectorSet::train("host", &hosts, &|_| training(kind), &|_, _| ()).0.unwrap().to_bytes();
    let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    for at in (8..header).step_by(41).chain((header..bytes.len()).step_by(499)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(DetectorFile::from_bytes(&damaged).is_err() || bytes[at] == b' ', "byte {at} does not count");
    }
    assert!(DetectorFile::from_bytes(&bytes[..bytes.len() / 2]).is_err());
    let at = bytes.windows(SET_FORMAT.len()).position(|part| part == SET_FORMAT.as_bytes()).unwrap();
    let mut newer = bytes;
    newer[at + SET_FORMAT.len() - 1] = b'7';
    let refused = DetectorFile::from_bytes(&newer).unwrap_err().to_string();
    assert!(refused.contains("\"lanner-detectors/7\""), "{refused}");
}
