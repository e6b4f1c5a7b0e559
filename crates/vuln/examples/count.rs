//! Counts the findings of a report by severity: `cargo run --release -p lanner-vuln --example count -- report.nessus`
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example is a program, which reads files"
)]

use std::collections::BTreeMap;
use std::fs::File;

use lanner_vuln::{Options, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a report")?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let report = read(File::open(path)?, Options::default(), &mut |finding| {
        *counts.entry(finding.severity().name()).or_default() += 1;
        Ok(())
    })?;
    println!(
        "{}: {} findings on {} hosts, {counts:?}",
        report.format,
        report.findings,
        report.scan.hosts.len()
    );
    Ok(())
}
