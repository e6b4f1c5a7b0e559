//! Reports of scanners: any bytes are answered, in every format, and what is read keeps its key when it is written and read again.
//! The first byte chooses the format.
#![no_main]

use lanner_vuln::write::OUTPUTS;
use lanner_vuln::{FORMATS, Finding, Options, key, read_as, read_epss, read_kev, read_vex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Some((first, body)) = body.split_first() else { return };
    let format = &FORMATS[usize::from(*first) % FORMATS.len()];
    let mut findings = Vec::new();
    let read = read_as(format, body, Options { raw: true }, &mut |finding| {
        findings.push(finding);
        Ok(())
    });
    if let Ok(report) = read {
        assert_eq!(report.findings, findings.len() as u64);
    }
    for finding in &findings {
        let written = serde_json::to_vec(finding).expect("findings can be written");
        let again: Finding = serde_json::from_slice(&written).expect("what was written can be read");
        assert_eq!(key(finding), key(&again));
    }
    for output in OUTPUTS {
        let (mut writer, mut out) = ((output.open)(), Vec::new());
        findings.iter().for_each(|finding| writer.finding(finding, &mut out).expect("memory takes what is written"));
        writer.finish(&mut out).expect("memory takes what is written");
    }
    let _ = read_vex(body);
    let _ = read_kev(body);
    let _ = read_epss(body, &mut |_| {});
});
