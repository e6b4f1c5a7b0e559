//! Reports of scanners: any bytes are answered, and what is read keeps its key when it is written and read again.
//! `FORMAT` names the format that is tried (`reports.rs` writes a corpus of each); without it the format is found.
#![no_main]

use std::sync::LazyLock;

use lanner_vuln::write::OUTPUTS;
use lanner_vuln::{FORMATS, Finding, Format, Options, key, read, read_as};
use libfuzzer_sys::fuzz_target;

static CHOSEN: LazyLock<Option<&Format>> = LazyLock::new(|| {
    let name = std::env::var("FORMAT").ok()?;
    let format = FORMATS.iter().find(|format| format.name == name);
    Some(format.unwrap_or_else(|| panic!("FORMAT: no format is called {name}")))
});

fuzz_target!(|body: &[u8]| {
    let (options, mut findings) = (Options { raw: true }, Vec::new());
    let mut take = |finding| {
        findings.push(finding);
        Ok(())
    };
    let report = match *CHOSEN {
        Some(format) => read_as(format, body, options, &mut take),
        None => read(body, options, &mut take),
    };
    if let Ok(report) = report {
        assert_eq!(report.findings, findings.len() as u64);
    }
    findings.iter().for_each(check_key);
    for output in OUTPUTS {
        let (mut writer, mut out) = ((output.open)(), Vec::new());
        findings.iter().for_each(|finding| writer.finding(finding, &mut out).expect("memory takes what is written"));
        writer.finish(&mut out).expect("memory takes what is written");
    }
});

fn check_key(finding: &Finding) {
    let written = serde_json::to_vec(finding).expect("findings can be written");
    let again: Finding = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(key(finding), key(&again));
}
