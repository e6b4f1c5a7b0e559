//! How many events of a host a profile follows: `lanner profile watch` over a file of Falco's, by its processor time. The peer is
//! Falco, which takes no recorded output.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::setup::Setup;
use crate::table::{Row, Target};

/// Events of the file.
const N_EVENTS: u32 = 1_000_000;
/// Started this often, the program's own start does not count.
const N_FIRST: u32 = 2_000;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (first, all, profile) = (path("first.json"), path("all.json"), path("host.profile"));
    std::fs::write(&first, events(0..N_FIRST)).unwrap();
    std::fs::write(&all, events(0..N_EVENTS)).unwrap();
    let lanner = |arguments: &[&str], file: &Path| {
        // The shell tells what its children took, in the second line; behind a pipe it would be another shell, without any.
        let times = "\"$@\" > /dev/null && times";
        let mut told = Command::new("bash");
        told.args(["-c", times, "-"]).arg(&setup.lanner).args(arguments).arg(file);
        let told = told.stderr(Stdio::inherit()).output().unwrap();
        assert!(told.status.success(), "{arguments:?} failed");
        seconds(String::from_utf8(told.stdout).unwrap().lines().last().unwrap())
    };
    let profile = profile.to_str().unwrap();
    lanner(&["profile", "learn", "--out", profile], &first);
    let begin = lanner(&["profile", "watch", "--frozen", profile], &first);
    let taken = lanner(&["profile", "watch", profile], &all) - begin;
    let rate = f64::from(N_EVENTS - N_FIRST) / taken;
    vec![Row::new(
        "events of a host that `lanner profile watch` follows, a second of processor time",
        "events/s",
        Target::AtLeast(500_000.0),
        rate,
    )]
}

/// `0m1.234s 0m0.100s`: user and system.
fn seconds(told: &str) -> f64 {
    let one = |text: &str| {
        let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
    };
    told.split_whitespace().map(one).sum()
}

/// Programs as Falco tells of them: a few behaviours, whose arguments vary.
fn events(range: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for n in range {
        let line =
            ["backup --run", "php -f index.php --id", "sh -c check --at", "python3 -m worker --log run"]
                [n as usize % 4];
        let exe = line.split(' ').next().unwrap();
        let time = format!(
            "2026-01-{:02}T{:02}:{:02}:{:02}.123456789Z",
            1 + n / 86_400,
            n / 3_600 % 24,
            n / 60 % 60,
            n % 60
        );
        let _ = writeln!(
            text,
            r#"{{"hostname":"web-7","output":"{time}: Notice Program started (command={line} {n} parent=cron)","output_fields":{{"container.id":"3ad7b26ded6d","container.image.repository":"registry:5000/shop/web","evt.type":"execve","proc.cmdline":"{line} {n}","proc.exepath":"/usr/bin/{exe}","proc.name":"{exe}","proc.pname":"cron{}","user.name":"root"}},"priority":"Notice","rule":"Program started","source":"syscall","tags":["process"],"time":"{time}"}}"#,
            n % 7,
        );
    }
    text
}
