//! Chores of this repository: `cargo xtask test` runs everything that a reviewer asks for.
//!
//! Reading order: [`steps`] (what a test run consists of), [`tools`] (what it needs and where that is
//! kept), [`picture`], `tidy` (ordinary tests of the repository itself: arrows, manifests, sources, papers).

mod picture;
mod steps;
#[cfg(test)]
mod tidy;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Chores of this repository.

Usage: cargo xtask test [--quick]
       cargo xtask picture COMMAND < recording > picture.svg

  test      format, lints, licences, documentation, demonstration and all tests; stops at the first
            failure and ends with the test runner's count
  --quick   without licences and without the release build
  picture   what COMMAND wrote on a terminal, as a picture for the papers

Examples:
  cargo xtask test --quick
  script -qec 'lanner demo --exit 2> demo.log' /dev/null | cargo xtask picture 'lanner demo' > docs/demo.svg
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let extent = match arguments.as_slice() {
        ["test"] => steps::Extent::Full,
        ["test", "--quick"] => steps::Extent::Quick,
        ["picture", typed] => {
            return picture::run(typed).map_or_else(
                |why| {
                    eprintln!("{why}");
                    ExitCode::FAILURE
                },
                |()| ExitCode::SUCCESS,
            );
        }
        [] | ["-h" | "--help" | "help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("xtask does not know `{}`.\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match steps::run(extent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nFAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The cargo that runs this program.
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
