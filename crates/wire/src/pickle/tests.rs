//! What CPython writes is read; what it should not write is refused.

use proptest::prelude::*;

use super::*;
use crate::python;

/// What `parse_frame` makes of a frame: samples, problems, and the error of the frame, a line each.
fn read(pickle: &[u8]) -> Vec<String> {
    let mut report = Report::default();
    let mut lines = Vec::new();
    let result = parse_frame(pickle, 42_000, &mut report, |sample| {
        lines.push(format!("{} {} {}", sample.raw_path, sample.time_ms, sample.value));
        Ok(())
    });
    lines.extend(report.problems.iter().map(ToString::to_string));
    lines.extend((report.skipped > 0).then(|| format!("{} skipped", report.skipped)));
    lines.extend(result.err().map(|error| error.to_string()));
    lines
}

fn bytes_of(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Made with CPython 3.11 by
///
/// ```python
/// rows = [("a.b", (1700000000, 1.5)), ("größe;host=é", (1700000060.25, -3)), ("a.b", (1700000120, 2**63 + 5)),
///         ["l.x", [1700000180, True]], ("big", (1700000240, 10**20)), (b"by.tes", (1700000300, float("nan"))),
///         ("t", ("1700000360", "2.5"))]
/// for protocol in range(6):  # before protocol 3 bytes are objects, so that row is left out there
///     chosen = [row for row in rows if protocol > 2 or row[0] != b"by.tes"]
///     print(pickle.dumps(chosen, protocol).hex())
/// ```
const GOLDEN: [&str; 5] = [
    "286c70300a2856612e620a70310a2849313730303030303030300a46312e350a7470320a7470330a6128566772f6df653b68\
         6f73743de90a70340a2846313730303030303036302e32350a492d330a7470350a7470360a612867310a2849313730303030\
         303132300a4c393232333337323033363835343737353831334c0a7470370a7470380a61286c70390a566c2e780a7031300a\
         61286c7031310a49313730303030303138300a614930310a61616128566269670a7031320a2849313730303030303234300a\
         4c3130303030303030303030303030303030303030304c0a747031330a747031340a612856740a7031350a28563137303030\
         30303336300a7031360a56322e350a7031370a747031380a747031390a612e",
    "5d710028285803000000612e627101284a00f15365473ff800000000000074710274710328580f0000006772c3b6c39f653b\
         686f73743dc3a97104284741d954fc4f1000004afdffffff747105747106286801284a78f153654c39323233333732303336\
         3835343737353831334c0a7471077471085d71092858030000006c2e78710a5d710b284ab4f153654930310a656528580300\
         0000626967710c284af0f153654c3130303030303030303030303030303030303030304c0a74710d74710e28580100000074\
         710f28580a0000003137303030303033363071105803000000322e357111747112747113652e",
    "80025d7100285803000000612e6271014a00f15365473ff8000000000000867102867103580f0000006772c3b6c39f653b68\
         6f73743dc3a971044741d954fc4f1000004afdffffff86710586710668014a78f153658a0905000000000000800086710786\
         71085d71092858030000006c2e78710a5d710b284ab4f153658865655803000000626967710c4af0f153658a09000010632d\
         5ec76b0586710d86710e580100000074710f580a0000003137303030303033363071105803000000322e3571118671128671\
         13652e",
    "80035d7100285803000000612e6271014a00f15365473ff8000000000000867102867103580f0000006772c3b6c39f653b68\
         6f73743dc3a971044741d954fc4f1000004afdffffff86710586710668014a78f153658a0905000000000000800086710786\
         71085d71092858030000006c2e78710a5d710b284ab4f153658865655803000000626967710c4af0f153658a09000010632d\
         5ec76b0586710d86710e430662792e746573710f4a2cf25365477ff80000000000008671108671115801000000747112580a\
         0000003137303030303033363071135803000000322e357114867115867116652e",
    "800495bb000000000000005d94288c03612e62944a00f15365473ff8000000000000869486948c0f6772c3b6c39f653b686f\
         73743dc3a9944741d954fc4f1000004afdffffff8694869468014a78f153658a09050000000000008000869486945d94288c\
         036c2e78945d94284ab4f153658865658c03626967944af0f153658a09000010632d5ec76b0586948694430662792e746573\
         944a2cf25365477ff8000000000000869486948c0174948c0a31373030303030333630948c03322e359486948694652e",
];

#[test]
fn frames_of_every_protocol_are_read() {
    let expected = [
        "a.b 1700000000000 1.5",
        "größe;host=é 1700000060250 -3",
        "a.b 1700000120000 9223372036854776000",
        "l.x 1700000180000 1",
        "big 1700000240000 100000000000000000000",
        "t 1700000360000 2.5",
    ];
    for (protocol, hex) in GOLDEN.iter().enumerate() {
        let mut lines = read(&bytes_of(hex));
        if protocol > 2 {
            assert_eq!(lines.pop().as_deref(), Some("1 skipped"), "protocol {protocol}");
        }
        assert_eq!(lines, expected, "protocol {protocol}");
    }
    // Protocol 5 differs in its number only.
    let fifth = GOLDEN[4].replacen("8004", "8005", 1);
    assert_eq!(read(&bytes_of(&fifth)), read(&bytes_of(GOLDEN[4])));
    // Python 2 writes its byte strings so.
    let second =
        b"(lp1\n(S'a\\x2eb\\'\\n'\np2\n(I-1\nF1.5\ntp3\ntp4\na(U\x01c(J\x01\0\0\0K\x02ttaT\x01\0\0\0x0.";
    assert_eq!(read(second), ["a.b'\n 42000 1.5", "c 1000 2"]);
}

#[test]
fn bad_entries_and_bad_frames() {
    #[track_caller]
    fn check(pickle: &[u8], expected: &[&str]) {
        let actual = read(pickle);
        assert_eq!(actual.len(), expected.len(), "{actual:?}");
        for (actual, expected) in actual.iter().zip(expected) {
            assert!(actual.contains(expected), "{actual}");
        }
    }
    // A bad entry costs only itself.
    let entry = |path: &str, point: &str| format!("({path}({point}tt");
    let list = |entries: &[String]| format!("({}l.", entries.concat()).into_bytes();
    let good = entry("Va\n", "I1\nI2\n");
    for (bad, problem) in [
        (
            entry("N", "I1\nI2\n"),
            "line 1: an entry is (path, (seconds, value)), this one has None where the path",
        ),
        (entry("Va\n", "I1\n"), "more or fewer than two parts where (seconds, value)"),
        (entry("Va\n", "I1\n}"), "a dictionary where a value belongs"),
        (entry("Va\n", "I1\nVx\n"), "\"x\" is not a number"),
        (entry("Va\n", "I1\nFinf\n"), "inf is not a finite number"),
        (entry("Va\n", "I99999999999\nI1\n"), "99999999999 is not a time"),
        (entry("Va\n", "Fnan\nI1\n"), "NaN is not a time"),
        (entry("S'\\xff'\n", "I1\nI1\n"), "the path is not UTF-8"),
        (entry(&format!("V{}\n", "a".repeat(70_000)), "I1\nI1\n"), "longer than 64 KiB"),
        (entry("Va\n", &format!("I1\nV{}\n", "1".repeat(100))), "is not a number"),
        ("I5\n".to_owned(), "a number where (path, (seconds, value))"),
        ("N".to_owned(), "None where (path"),
        ("]".to_owned(), "more or fewer than two parts where (path"),
    ] {
        check(&list(&[bad, good.clone()]), &["a 1000 2", problem]);
    }
    check(b"(l.", &[]);
    check(b").", &[]);

    // Objects are refused by name.
    check(b"cos\nsystem\n(S'true'\ntR.", &["holds the object os.system, which is never loaded"]);
    check(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", &["the object os.system"]);
    check(b"ios\nsystem\n.", &["an instance of os.system"]);
    for (op, name) in [
        (b'R', "REDUCE"),
        (b'b', "BUILD"),
        (b'o', "OBJ"),
        (0x81, "NEWOBJ"),
        (0x92, "NEWOBJ"),
        (0x82, "EXT"),
        (0x83, "EXT"),
        (0x84, "EXT"),
        (b'P', "PERSID"),
        (b'Q', "PERSID"),
        (0x8f, "a set"),
        (0x97, "a buffer"),
    ] {
        check(&[b'N', op, b'.'], &[name]);
    }

    // Broken frames.
    check(b"", &["ends too early, after 0 bytes"]);
    check(b"(l", &["ends too early, after 2 bytes"]);
    check(b"X\xff\xff\xff\xffa.", &["ends too early"]);
    check(b"\x80\x06N.", &["at byte 0, the protocol is later than 5"]);
    check(b"N.", &["the pickle is None; send a list"]);
    check(b".", &["the stack is empty"]);
    check(b"N(0e.", &["at byte 3, there is no mark"]);
    check(b"N(e.", &["not a list"]);
    check(b"N(a.", &["the stack is empty"]);
    check(b"(N\x86.", &["the stack is empty"]);
    check(b"g5\n.", &["the memo has nothing"]);
    check(b"Nr\xff\xff\xff\x7f.", &["larger than the frame"]);
    check(b"I1_0\n.", &["a number cannot be read"]);
    check(b"V\\ud800\n.", &["half a character"]);
    check(b"\xfe.", &["no operation"]);
    check(b"\x95\xff\0\0\0\0\0\0\0N.", &["ends too early"]);
}

#[test]
fn texts_and_numbers() {
    #[track_caller]
    fn check(path: &[u8], number: &[u8], expected: &str) {
        let frame = [&b"(("[..], path, b"(K\x01", number, b"ttl."].concat();
        assert_eq!(read(&frame), [expected]);
    }
    check(b"V\xfc\\u20ac\\ud83d\\ude00\\U0001f600\n", b"L-12L\n", "ü€😀😀 1000 -12");
    check(b"S\"it's\"\n", b"\x8a\0", "it's 1000 0");
    check(b"C\x01b", b"\x8a\x02\0\x80", "b 1000 -32768");
    check(b"\x8e\x01\0\0\0\0\0\0\0b", b"\x8b\x03\0\0\0\x80\0\0", "b 1000 128");
    // -1 and 2^128 in more bytes than needed
    check(b"C\x01b", &[&b"\x8a\x14"[..], &[0xff; 20]].concat(), "b 1000 -1");
    let wide = [&b"\x8a\x14"[..], &[0; 16], &[1, 0, 0, 0]].concat();
    check(b"C\x01b", &wide, &format!("b 1000 {}", 2_f64.powi(128)));
}

#[test]
fn bombs_are_answered_at_once() {
    // Tuples of two of the one before, a million deep: 2^(a million) leaves if anything copied them.
    let doubling = [b"N".to_vec(), b"2\x86".repeat(500_000), b"l.".to_vec()].concat();
    assert!(read(&doubling)[0].contains("no mark"));
    let nested = [b"(".repeat(500_000), b"l".repeat(500_000), b".".to_vec()].concat();
    assert_eq!(read(&nested).len(), 1);
    // A list that holds itself.
    assert!(read(b"]q\0h\0a.")[0].contains("more or fewer than two parts"));
    // One path of 60 000 bytes, in 400 000 entries of 2 bytes each.
    let path = [&b"X\x60\xea\0\0"[..], &b"a".repeat(60_000)].concat();
    let entry = [&b"("[..], &path, b"(K\x01K\x01ttq\0"].concat();
    let repeated = [&b"("[..], &entry, &b"h\0".repeat(400_000), b"l."].concat();
    let mut n_samples = 0;
    let error = parse_frame(&repeated, 0, &mut Report::default(), |_| {
        n_samples += 1;
        Ok(())
    });
    assert!(matches!(error, Err(FrameError::Inflated { .. })), "{error:?}");
    assert!(n_samples < 1_000, "{n_samples}");
    // Digits without end.
    let digits = [&b"((Va\n(I1\nL"[..], &b"9".repeat(900_000), b"L\nttl."].concat();
    assert!(read(&digits)[0].contains("not a finite number"));
}

#[test]
fn frames_are_cut() {
    #[track_caller]
    fn check(received: &[u8], expected: Option<(&[u8], usize)>) {
        assert_eq!(next_frame(received), Ok(expected));
    }
    check(b"", None);
    check(b"\0\0\0", None);
    check(b"\0\0\0\0rest", Some((b"", 4)));
    check(b"\0\0\0\x01", None);
    check(b"\0\0\0\x01N\0", Some((b"N", 5)));
    check(b"\0\x10\0\0", None);
    assert_eq!(next_frame(b"\0\x10\0\x01"), Err(FrameError::TooLong { n_bytes: MAX_FRAME_BYTES + 1 }));
    assert!(parse_frame(&vec![b'N'; MAX_FRAME_BYTES + 1], 0, &mut Report::default(), |_| Ok(())).is_err());
}

/// What the Python of this machine writes for random rows is read back, by all protocols.
#[test]
fn the_python_at_hand_is_understood() {
    const SCRIPT: &str = r#"
import pickle, random, struct, sys
random.seed(7)
number = lambda: random.choice([random.random() * 10 ** random.randint(-300, 300), random.randint(-2 ** 70, 2 ** 70)])
for protocol in list(range(pickle.HIGHEST_PROTOCOL + 1)) * 20:
    rows = [("n%d.\u00fc\\%s" % (i, chr(random.randint(32, 0x1ffff) & ~0xd800)), (1700000000 + i, number())) for i in range(50)]
    frame = pickle.dumps(rows, protocol)
    lines = "".join("%s %d %s\n" % (path, time * 1000, struct.pack(">d", value).hex()) for path, (time, value) in rows)
    for part in (frame, lines.encode()):
        sys.stdout.buffer.write(struct.pack(">L", len(part)) + part)
"#;
    let Some(output) = python::run("pickle", SCRIPT, b"") else { return };
    let mut rest = &output[..];
    let mut n_frames = 0;
    while let Some((frame, used)) = next_frame(rest).unwrap() {
        let (expected, more) = next_frame(&rest[used..]).unwrap().unwrap();
        let mut actual = String::new();
        parse_frame(frame, 0, &mut Report::default(), |sample| {
            let value = sample.value.to_bits();
            actual.push_str(&format!("{} {} {value:016x}\n", sample.raw_path, sample.time_ms));
            Ok(())
        })
        .unwrap();
        assert_eq!(actual, std::str::from_utf8(expected).unwrap());
        rest = &rest[used + more..];
        n_frames += 1;
    }
    assert!(n_frames >= 60, "{n_frames}");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = next_frame(&bytes);
        read(&bytes);
    }

    #[test]
    fn any_operations_are_answered(ops in "[().012NKIaeltdsu\\]}ghpq\n0-9XUV\x00\x01]{0,200}") {
        let bytes: Vec<u8> = ops.bytes().map(|b| if b == b'9' { 0x86 } else { b }).collect();
        read(&bytes);
    }

    #[test]
    fn a_frame_changed_anywhere_is_answered(which in 0..GOLDEN.len(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut frame = bytes_of(GOLDEN[which]);
        let at = at.index(frame.len());
        frame[at] = byte;
        read(&frame);
        read(&frame[..at]);
    }
}
