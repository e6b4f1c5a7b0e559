//! What the tests of this crate share.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use lanner_testkit::shared_data;
use lanner_vuln::{Finding, Options, ReadError, Report, read};

/// The recorded reports of a kind; none where this machine has no recorded data.
#[expect(clippy::disallowed_methods, reason = "reads recorded reports")]
pub(crate) fn samples(kind: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = shared_data(&format!("vuln/{kind}")) else { return Vec::new() };
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.ends_with("expectations.json"));
    let read = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
    };
    let mut samples: Vec<_> = paths.map(read).collect();
    samples.sort();
    samples
}

/// One recorded file.
#[expect(clippy::disallowed_methods, reason = "reads recorded reports")]
pub(crate) fn recorded(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(shared_data(&format!("vuln/{name}"))?).unwrap())
}

/// Reads a report and keeps its findings.
pub(crate) fn read_all(bytes: &[u8], raw: bool) -> (Result<Report, ReadError>, Vec<Finding>) {
    let mut findings = Vec::new();
    let report = read(bytes, Options { raw }, &mut |finding| {
        findings.push(finding);
        Ok(())
    });
    (report, findings)
}

/// The findings of a text that has to be read to its end.
#[track_caller]
pub(crate) fn findings(text: &str) -> Vec<Finding> {
    let (report, findings) = read_all(text.as_bytes(), false);
    let report = report.unwrap();
    assert!(report.stopped.is_none(), "{:?}", report.stopped);
    findings
}
