//! Tasks of this repository: `cargo xtask test` runs everything a reviewer would run.
//!
//! Reading order: [`steps`] (what a test run consists of), [`tools`] (what it needs and where that is
//! kept), [`maven`] (those that run on Java), [`mod@bench`] (the measurements and their peer), [`package`] (what is installed), [`libraries`] and [`wasm`] (what programs are built with), [`picture`] and [`screenshots`], [`mod@stack`] (all roles with real servers, to look at), `tidy` (ordinary tests of the repository
//! itself: arrows, manifests, sources, papers).

mod bench;
mod command;
mod libraries;
mod maven;
mod package;
mod picture;
mod screenshots;
mod stack;
mod steps;
#[cfg(test)]
mod tidy;
mod tools;
mod wasm;

use std::process::ExitCode;

const HELP: &str = "\
Chores of this repository.

Usage: cargo xtask test [--quick]
       cargo xtask bench [--no-install] [--write] [--minutes N] [SECTION ...]
       cargo xtask package [--profile NAME | --program FILE] [--target TRIPLE] [--revision N] [--try DIR] [--boot DIR]
       cargo xtask stack up [--seed] [--program FILE] | down
       cargo xtask libraries
       cargo xtask notice
       cargo xtask picture COMMAND < recording > picture.svg
       cargo xtask screenshots [--program FILE]

  test      format, lints, licences, documentation, packages and all tests; stops at the first
            failure and ends with the test runner's count
  --quick   without licences and without packages
  package   a Debian package, an image for containers, checksums and a bill of materials, in target/package;
            --profile is that of the build (dist), --program is one that is built already, --target another target of rustc, such as
            x86_64-unknown-linux-musl for a static program, --revision the number after the version (1); --try uses the
            package in a bare Debian, which `debootstrap --variant=minbase stable DIR` makes; --boot under systemd, in one made
            with `--include=systemd-sysv,curl` (needs systemd-nspawn)
  stack up  all of Lanner's roles with InfluxDB, PostgreSQL and NATS, which are installed as for the tests; says what runs where,
            and what people are told, until Ctrl-C or `stack down`
  --seed    with example rules and payments, of which some soon fail
  --program one that is built already, with the feature nats
  libraries the wheel for Python and the package for JavaScript, in target/libraries, each tried after it was made
  notice    NOTICE: whose crates the program contains, and under which licences
  picture   what COMMAND wrote on a terminal, as a picture for the papers
  screenshots  the web page of the demo, as pictures for the papers, in docs/pictures; of the release build, or of one that is
            built already
  bench     speed, size and punctuality of the release build, with Prometheus from the Debian package
            beside it: installed with apt-get when it is missing and that is allowed, else left out
  --no-install  do not install the peer
  --write   write the table into docs/performance.md
  --minutes how long rules are watched, 4 by default
  --events  how many stored events the rule of the section beside counts, 1500000 by default
  SECTION   size, ingest, events, reads, idle, graphite, switches, beside, storm or rules; all of them by default; or
            switch: conditions of kill switches beside wirefilter, a-tree, cel and Python's rule-engine, which are fetched; or
            boost: boosted trees beside hessboost, LightGBM and scikit-learn, and exact reasons beside treeshap, all fetched

Examples:
  cargo xtask test --quick
  script -qec 'lanner demo --exit 2> demo.log' /dev/null | cargo xtask picture 'lanner demo' > docs/demo.svg
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let extent = match arguments.as_slice() {
        ["test"] => tools::Extent::Full,
        ["test", "--quick"] => tools::Extent::Quick,
        [] | ["-h" | "--help" | "help"] | [_, "-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["bench", arguments @ ..] => return ended(bench::run(arguments)),
        ["package", arguments @ ..] => return ended(package::run(arguments)),
        ["stack", arguments @ ..] => return ended(stack::run(arguments)),
        ["libraries"] => return ended(libraries::run()),
        ["notice"] => return ended(package::notice::run()),
        ["screenshots", arguments @ ..] => return ended(screenshots::run(arguments)),
        ["picture", typed] => return ended(picture::run(typed)),
        _ => {
            eprint!("xtask does not know `{}`.\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    ended(steps::run(extent))
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nFAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}
