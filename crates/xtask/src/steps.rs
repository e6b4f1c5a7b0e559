//! The steps of a test run, in order: cheap ones first, the tests last. One profile is built, the one of the tests: the release
//! build of everything takes as long as all of them, and finds what they find.
//!
//! Invariants: the first failure ends the run with one sentence; nothing is printed after the test
//! runner's count.

use std::num::NonZero;
use std::time::{Duration, Instant};

use crate::command::{cargo, succeed};
use crate::package;
use crate::tools::{self, Extent, Tools};
use crate::wasm::Wasm;

struct Step {
    heading: &'static str,
    /// What to do when it fails.
    remedy: &'static str,
    run: fn(&Tools) -> Result<(), String>,
    in_quick: bool,
}

const STEPS: [Step; 8] = [
    Step {
        heading: "format",
        remedy: "run `cargo fmt --all`",
        run: |_| succeed(cargo().args(["fmt", "--all", "--check"])),
        in_quick: true,
    },
    Step {
        heading: "lints",
        remedy: "run `cargo clippy --workspace --all-targets` and follow its advice",
        run: |_| succeed(cargo().args(CLIPPY)),
        in_quick: true,
    },
    Step {
        heading: "licences, bans and sources of dependencies",
        remedy: "choose another dependency, or change deny.toml and say why there",
        run: |tools| succeed(tools.deny().args(["check", "licenses", "bans", "sources"])),
        in_quick: false,
    },
    Step {
        heading: "documentation",
        remedy: "repair the link or the example that rustdoc names",
        run: |_| succeed(cargo().args(DOC).env("RUSTDOCFLAGS", "-D warnings")),
        in_quick: true,
    },
    Step {
        heading: "examples in the documentation",
        remedy: "run `cargo test --doc -p` with the crate that is named above",
        run: |_| succeed(cargo().args(["test", "--doc", "--workspace", "--locked"])),
        in_quick: true,
    },
    Step {
        heading: "libraries for other languages",
        remedy: "run `cargo build --workspace --lib`, or `cargo build -p lanner-ffi` as this step does",
        run: |_| bindings(),
        in_quick: true,
    },
    Step {
        heading: "packages",
        remedy: "run `cargo xtask package --program target/debug/lanner`",
        run: |_| package::program_of_the_tests(),
        in_quick: false,
    },
    Step {
        heading: "all tests",
        remedy: "the runner names the tests above; run one with `cargo nextest run NAME`",
        run: |tools| succeed(tools.nextest().args(NEXTEST).arg(test_threads())),
        in_quick: true,
    },
];

const CLIPPY: [&str; 7] = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
const NEXTEST: [&str; 5] = ["run", "--workspace", "--locked", "--profile", "ci"];
const DOC: [&str; 5] = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];

/// Runs the steps.
///
/// # Errors
/// A sentence that names the step that failed and what to do.
pub(crate) fn run(extent: Extent) -> Result<(), String> {
    heading("tools");
    let begin = Instant::now();
    let tools = tools::prepare(extent)?;
    let mut times = vec![("tools", begin.elapsed())];

    let steps: Vec<&Step> = STEPS.iter().filter(|step| step.in_quick || extent == Extent::Full).collect();
    for (index, step) in steps.iter().enumerate() {
        if index + 1 == steps.len() {
            eprintln!("\n{}", summary(&times));
        }
        heading(step.heading);
        let begin = Instant::now();
        (step.run)(&tools).map_err(|why| format!("{}: {why}; {}", step.heading, step.remedy))?;
        times.push((step.heading, begin.elapsed()));
    }
    Ok(())
}

fn heading(text: &str) {
    eprintln!("\n=== {text} ===");
}

/// One line about the steps that are over: nothing may follow the test runner's count.
fn summary(times: &[(&str, Duration)]) -> String {
    let steps: Vec<String> =
        times.iter().map(|(heading, time)| format!("{heading} {:.0} s", time.as_secs_f64())).collect();
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    format!("Passed so far in {:.0} s: {}.", total.as_secs_f64(), steps.join(", "))
}

/// Twice as many tests at once as there are cores: half of their time they wait for servers and for windows to end.
fn test_threads() -> String {
    let n_cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    format!("--test-threads={}", 2 * n_cores)
}

/// Builds what tests load as Python and Node.js would: nothing links it, so cargo does not know that they need it.
fn bindings() -> Result<(), String> {
    // With the tests, so that nothing is built twice: the runner builds the same with the same features.
    let with_tests = ["--workspace", "--lib", "--bins", "--tests"];
    succeed(cargo().args(["build", "--locked"]).args(with_tests))?;
    match Wasm::find(&tools::cache_folder()?) {
        Ok(wasm) => wasm.build("wasm").map(|_| ()),
        Err(why) => {
            eprintln!("SKIPPED: JavaScript, because {why}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_the_last_step() {
        assert_eq!(STEPS.last().map(|step| (step.heading, step.in_quick)), Some(("all tests", true)));
    }
}
