//! Files of the reference are read as the reference reads them; broken ones are refused.

use proptest::prelude::*;

use super::*;

/// See `testdata/whisper/README.md`.
const THREE: &[u8] = include_bytes!("../../testdata/whisper/three.wsp");
const WRAPPED: &[u8] = include_bytes!("../../testdata/whisper/wrapped.wsp");
const EMPTY: &[u8] = include_bytes!("../../testdata/whisper/empty.wsp");

fn shown(points: impl Iterator<Item = (i64, f64)>) -> String {
    points.map(|(time_s, value)| format!(" {time_s}={value}")).collect()
}

/// An archive a line: `step:size time=value ..`.
fn archives(file: &[u8]) -> Vec<String> {
    let whisper = Whisper::read(file).unwrap();
    let line =
        |archive: &Archive<'_>| format!("{}:{}{}", archive.step_s, archive.n_points, shown(archive.points()));
    whisper.archives().iter().map(line).collect()
}

/// The points are those that `whisper.fetch` gives for each archive.
#[test]
fn files_of_the_reference() {
    let minutes = " 1700010720=288 1700010780=289.5 1700010840=291 1700010900=292.5 1700010960=294 \
                   1700011020=295.5 1700011080=297 1700011140=298.5";
    let fives = " 1700007600=213.75 1700007900=220.5 1700008200=228 1700008500=236 1700008800=243 \
                 1700009100=250.5 1700009400=256.5 1700009700=265.5 1700010000=273 1700010300=280.5 \
                 1700010600=289.5 1700010900=295.5";
    let hours = " 1699999200=44.208333333333336 1700002800=134.29166666666666 1700006400=224.125";
    assert_eq!(
        archives(THREE),
        [format!("60:10{minutes}"), format!("300:12{fives}"), format!("3600:5{hours}")]
    );
    let whisper = Whisper::read(THREE).unwrap();
    assert_eq!((whisper.aggregation, whisper.x_files_factor), (Aggregation::Average, 0.5));
    let older_fives = fives.strip_suffix(" 1700010900=295.5").unwrap();
    assert_eq!(shown(whisper.points()), format!("{hours}{older_fives}{minutes}"));

    let expected = "10:8 1699999320=12 1699999350=15 1699999360=16 1699999390=19";
    assert_eq!(archives(WRAPPED), [expected]);
    assert_eq!(Whisper::read(WRAPPED).unwrap().aggregation, Aggregation::Last);

    assert_eq!(archives(EMPTY), ["60:5", "300:4"]);
    assert_eq!(Whisper::read(EMPTY).unwrap().points().count(), 0);
}

#[test]
fn broken_files() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut file = THREE.to_vec();
        change(&mut file);
        let error = Whisper::read(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    fn put(file: &mut [u8], at: usize, word: u32) {
        file[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    check(|file| file.clear(), "has 0 bytes, its header alone needs 16");
    check(|file| file.truncate(15), "has 15 bytes");
    check(|file| file.truncate(40), "has 40 bytes, its header alone needs 52");
    check(|file| file.truncate(375), "archive 3 should be bytes 316 to 376, but the file has 375");
    check(|file| file.splice(0..0, *b"whisper_compressed").for_each(drop), "go-carbon's compressed format");
    check(|file| put(file, 0, 0), "no aggregation of number 0");
    check(|file| put(file, 0, 9), "no aggregation of number 9");
    check(|file| put(file, 8, 2.5_f32.to_bits()), "xFilesFactor is 2.5");
    check(|file| put(file, 8, f32::NAN.to_bits()), "xFilesFactor is NaN");
    check(|file| put(file, 12, 0), "no archives");
    check(|file| put(file, 12, u32::MAX), "its header alone needs 51539607556");
    check(|file| put(file, 20, 0), "byte 16: archive 1 has 10 points of 0 seconds");
    check(|file| put(file, 36, 0), "byte 28: archive 2 has 0 points of 300 seconds");
    check(|file| put(file, 32, 60), "byte 28: archive 2 has a step of 60 seconds, not more");
    check(|file| put(file, 16, 51), "archive 1 begins at byte 51");
    check(
        |file| put(file, 28, 52),
        "archive 2 begins at byte 52, inside what lies before it, which ends at 172",
    );
    check(|file| put(file, 48, u32::MAX), "but the file has 376");
}

#[test]
fn places_that_hold_something_else() {
    #[track_caller]
    fn check(ring: &[(u32, f64)], expected: &str) {
        let mut file = [1, 120, 0, 1, 28, 60, ring.len() as u32].map(u32::to_be_bytes).concat();
        for (time_s, value) in ring {
            file.extend([&time_s.to_be_bytes()[..], &value.to_be_bytes()].concat());
        }
        assert_eq!(archives(&file), [format!("60:{}{expected}", ring.len())]);
    }
    check(&[(0, 0.0), (60, 1.0)], ""); // nothing is written before the first place
    check(&[(120, 1.0), (0, 0.0)], " 120=1");
    check(&[(240, 3.0), (300, 4.0), (180, 2.0)], " 180=2 240=3 300=4");
    check(&[(600, 3.0), (300, 4.0), (540, 2.0)], " 540=2 600=3"); // of the lap before
    check(&[(240, 3.0), (240, 4.0), (301, 2.0)], " 240=3"); // where it does not belong
    check(&[(240, f64::NAN), (300, 4.0), (180, f64::INFINITY)], " 300=4");
    check(&[(u32::MAX, 1.0)], " 4294967295=1");
}

#[test]
fn names_of_aggregations() {
    for (aggregation, name) in AGGREGATIONS {
        assert_eq!((Aggregation::parse(name), aggregation.name()), (Some(aggregation), name));
    }
    assert_eq!(Aggregation::parse("median"), None);
}

/// Files of random shape, written by the reference, read as the reference reads them.
#[test]
fn the_reference_at_hand_agrees() {
    const SCRIPT: &str = r"
import os, random, struct, sys, tempfile, whisper
random.seed(5)
for number in range(60):
    steps = [10, 60, 300][random.randint(0, 2):] or [300]
    archives = [(step, random.randint(6, 9) * (1 + at)) for at, step in enumerate(steps)]
    path = os.path.join(tempfile.mkdtemp(), 'x.wsp')
    whisper.create(path, archives, random.random(), random.choice(list(whisper.aggregationMethods)))
    now = 1700000000
    for _ in range(random.randint(1, 200)):
        now += random.choice([1, 10, 10, 10, 60, 60, 700])
        late = random.choice([0, 0, 0, 30])
        whisper.update(path, random.random(), now - late, now=now)
    data, lines = open(path, 'rb').read(), ''
    for archive in whisper.info(path)['archives']:
        step, n = archive['secondsPerPoint'], archive['points']
        newest = max(t for t, _ in struct.iter_unpack('!Ld', data[archive['offset']:][:12 * n]))
        line = '%d:%d' % (step, n)
        if newest:
            (start, _, _), values = whisper.fetch(path, newest - step * n, newest, now=newest, archiveToSelect='%ds' % step)
            line += ''.join(' %d=%r' % (start + step * i, v) for i, v in enumerate(values) if v is not None)
        lines += line + '\n'
    for part in (data, lines.encode()):
        sys.stdout.buffer.write(struct.pack('>L', len(part)) + part)
";
    let Some(output) = crate::python::run("whisper", SCRIPT, b"") else { return };
    let mut parts = Vec::new();
    let mut rest = &output[..];
    while let Some((length, after)) = rest.split_first_chunk() {
        let (part, more) = after.split_at(u32::from_be_bytes(*length) as usize);
        parts.push(part);
        rest = more;
    }
    for pair in parts.chunks(2) {
        let lines: Vec<String> = std::str::from_utf8(pair[1]).unwrap().lines().map(as_rust_prints).collect();
        assert_eq!(archives(pair[0]), lines);
    }
    assert_eq!(parts.len(), 120);
}

/// Numbers as Python prints them may have an exponent.
fn as_rust_prints(line: &str) -> String {
    let mut words = line.split(' ');
    let archive = words.next().unwrap();
    let points = words.map(|word| {
        let (time_s, value) = word.split_once('=').unwrap();
        (time_s.parse().unwrap(), value.parse().unwrap())
    });
    format!("{archive}{}", shown(points))
}

proptest! {
    #[test]
    fn any_bytes_are_answered(file in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Whisper::read(&file);
    }

    #[test]
    fn a_file_changed_anywhere_is_answered(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = THREE.to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(whisper) = Whisper::read(&file) {
            for archive in whisper.archives() {
                prop_assert!(archive.points().is_sorted_by(|a, b| a.0 < b.0));
            }
            prop_assert!(whisper.points().is_sorted_by(|a, b| a.0 < b.0));
        }
    }
}
