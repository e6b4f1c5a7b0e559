//! What the first kill switch was written with: the Python package `rule-engine`, in an environment of its own.
//!
//! The environment lies beside the build (`target/rule-engine`) and is made once.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::question::{Figures, HIT, MISS, conditions, context};

const PACKAGE: &str = "rule-engine==3.4.0";
/// More take seconds a context.
const MOST: usize = 1_000;

/// Reads the conditions and contexts, one a line; writes milliseconds for building, nanoseconds for the rest.
const SCRIPT: &str = r#"
import json, sys, time
import rule_engine
lines = sys.stdin.read().split("\n")
n = int(lines[0])
hit, miss, rules = lines[1], lines[2], lines[3:3 + n]
started = time.perf_counter()
rules = [rule_engine.Rule(rule) for rule in rules]
print((time.perf_counter() - started) * 1e3)
def best(call):
    fastest = float("inf")
    for _ in range(5):
        n_calls = max(1, 2000 // n)
        started = time.perf_counter()
        for _ in range(n_calls):
            call()
        fastest = min(fastest, (time.perf_counter() - started) / n_calls)
    print(fastest * 1e9)
for text in (hit, miss):
    fields = json.loads(text)
    best(lambda: [rule for rule in rules if rule.matches(fields)])
for text in (hit, miss):
    best(lambda: (lambda fields: [rule for rule in rules if rule.matches(fields)])(json.loads(text)))
"#;

pub(crate) fn run(n: usize) -> Option<Figures> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(environment).as_ref()?;
    if n > MOST {
        return None;
    }
    let mut input = format!("{n}\n{}\n{}\n", context(HIT.0, HIT.1), context(MISS.0, MISS.1));
    input.push_str(&conditions(n, "==", "and").join("\n"));
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let output = String::from_utf8(output.stdout).ok()?;
    let figures: Vec<f64> = output.lines().filter_map(|line| line.parse().ok()).collect();
    let [build_ms, hit_ns, miss_ns, text_hit_ns, text_miss_ns] = figures[..] else { return None };
    Some(Figures {
        build_ms: Some(build_ms),
        hit_ns: Some(hit_ns),
        miss_ns: Some(miss_ns),
        text_hit_ns: Some(text_hit_ns),
        text_miss_ns: Some(text_miss_ns),
    })
}

/// The environment's Python; says so where it cannot be had.
fn environment() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?.join("rule-engine");
    let python = folder.join("bin/python");
    let run =
        |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    let imports = || run(Command::new(&python).args(["-c", "import rule_engine"]).stderr(Stdio::null()));
    if !imports() {
        eprintln!("rule-engine: making an environment for it in {}", folder.display());
        let _ = run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PACKAGE]));
    }
    if imports() {
        return Some(python);
    }
    eprintln!("SKIPPED: {PACKAGE}, because Python or the package is not here");
    None
}
