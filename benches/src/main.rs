//! Measures what Lanner promises, compared with Prometheus or graphite-web in the same run: `cargo xtask bench`.
//!
//! The load comes from this process on one core; the server under test has another core to itself. Rates
//! are given for wall time and for the server's processor time: other work on the machine spoils the first
//! far more than the second.
//!
//! Reading order: [`load`] (what is sent), then a file a question: [`ingest`], [`events`], [`rules`],
//! [`reads`], [`size`], [`idle`], [`graphite`], [`switches`], [`beside`], [`storm`], [`profiles`], [`automatic`], [`detect`]; below them [`lanner`] and [`prometheus`] (the two servers), [`process`],
//! [`http`], [`table`].

#![expect(clippy::unwrap_used, reason = "a measuring tool stops at the first surprise")]

mod automatic;
mod beside;
mod detect;
mod events;
mod graphite;
mod http;
mod idle;
mod ingest;
mod lanner;
mod load;
mod machine;
mod process;
mod profiles;
mod prometheus;
mod reads;
mod rules;
mod setup;
mod size;
mod storm;
mod switches;
mod table;

use std::path::PathBuf;

use setup::Setup;

type Section = (&'static str, fn(&Setup) -> Vec<table::Row>);

const SECTIONS: [Section; 13] = [
    ("size", size::run),
    ("ingest", ingest::run),
    ("events", events::run),
    ("reads", reads::run),
    ("idle", idle::run),
    ("graphite", graphite::run),
    ("switches", switches::run),
    ("beside", beside::run),
    ("storm", storm::run),
    ("profiles", profiles::run),
    ("rules", rules::run),
    ("automatic", automatic::run),
    ("detect", detect::run),
];

const USAGE: &str = "usage: lanner-benches [--minutes N] [--events N] [--write PAGE] [SECTION ...]";

fn main() {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut setup = Setup {
        lanner: path("LANNER_BENCH_PROGRAM").unwrap_or_else(|| "lanner".into()),
        prometheus: path("LANNER_BENCH_PROMETHEUS"),
        alertmanager: path("LANNER_BENCH_ALERTMANAGER"),
        graphite_web: path("LANNER_BENCH_GRAPHITE"),
        detect: path("LANNER_BENCH_DETECT"),
        nab: path("LANNER_BENCH_NAB"),
        minutes: 4,
        events: 1_500_000,
    };
    let (mut page, mut wanted) = (None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => setup.minutes = arguments.next().and_then(|n| n.parse().ok()).unwrap(),
            "--events" => setup.events = arguments.next().and_then(|n| n.parse().ok()).unwrap(),
            "--write" => page = arguments.next().map(PathBuf::from),
            name if SECTIONS.iter().any(|(known, _)| *known == name) => wanted.push(argument),
            _ => {
                eprintln!(
                    "lanner-benches does not know `{argument}`.\n{USAGE}\nsections: {}",
                    SECTIONS.map(|(name, _)| name).join(" ")
                );
                std::process::exit(2);
            }
        }
    }
    let mut rows = Vec::new();
    let before = machine::describe();
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|other| other == name) {
            eprintln!("\n=== {name} ===");
            let new = run(&setup);
            eprint!("{}", table::render(&new));
            rows.extend(new);
        }
    }
    let report =
        format!("{before}\nLoad average at the end: {}.\n\n{}", machine::load(), table::render(&rows));
    println!("\n{report}");
    if let Some(page) = page {
        table::replace_in(&page, &report);
    }
}
