//! Recorded reports, damaged at random: any bytes are answered, in the report's own format and in every other.
//!
//! The same cases in every run; `LANNER_MUTATIONS=1000` tries so many of each report in place of a few.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use crate::common::samples;
use lanner_vuln::write::OUTPUTS;
use lanner_vuln::{FORMATS, Finding, MAX_EVIDENCE_BYTES, Options, Report, key, read, read_as};

/// Larger reports take longer and tell no more.
const MAX_BYTES: usize = 256 * 1024;
/// Mutations of each report, unless the environment says how many.
const MUTATIONS: u64 = 6;

/// What readers may stumble over, wherever it stands.
const WORDS: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "&",
    "&#0;",
    "&#xD800;",
    "&unknown;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<?xml version=\"1.0\" encoding=\"utf-16\"?>",
    "\"",
    "'",
    "=",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "null",
    "99999999999999999999",
    "-1",
    "1e999",
    "NaN",
    "\u{FEFF}",
    "\u{FFFD}",
    "\0",
    "\r\n",
    "CVE-",
    "CVE-2024-99999999999999999999",
    "CVSS:3.1/AV:N",
    "443/tcp",
    "Thu Jan  1 00:00:00 1970",
];

/// Numbers that look random, from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n as u64).max(1)).unwrap()
    }
}

/// Damages a report in one to four places.
fn mutate(body: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(body.len() + 1);
        let end = (at + random.below(200)).min(body.len());
        match random.below(6) {
            0 => body.truncate(at),
            1 => drop(body.drain(at..end)),
            2 => {
                let part = body[at..end].to_vec();
                let to = random.below(body.len() + 1);
                body.splice(to..to, part);
            }
            3 => body[at..end].iter_mut().take(4).for_each(|byte| *byte ^= 1 << (random.0 % 8)),
            4 => body[at..end].reverse(),
            _ => {
                let word = WORDS[random.below(WORDS.len())].repeat(1 + random.below(3));
                body.splice(at..at, word.into_bytes());
            }
        }
    }
}

/// What holds of whatever is read of any bytes.
fn check(name: &str, seed: u64, report: Option<&Report>, findings: &[Finding]) {
    let label = format!("{name}, seed {seed}");
    if let Some(report) = report {
        assert_eq!(report.findings, findings.len() as u64, "{label}");
    }
    for finding in findings {
        assert!(!finding.check.is_empty() && finding.evidence.len() <= MAX_EVIDENCE_BYTES, "{label}");
        let again: Finding = serde_json::from_str(&serde_json::to_string(finding).unwrap()).unwrap();
        assert_eq!(key(finding), key(&again), "{label}");
    }
    for output in OUTPUTS {
        let (mut writer, mut out) = ((output.open)(), Vec::new());
        findings.iter().take(20).for_each(|finding| writer.finding(finding, &mut out).unwrap());
        writer.finish(&mut out).unwrap();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment asks for a longer run")]
fn damaged_recorded_reports_are_answered() {
    let wanted = std::env::var("LANNER_MUTATIONS").ok().and_then(|text| text.parse().ok());
    let n_mutations: u64 = wanted.unwrap_or(MUTATIONS);
    for kind in ["nessus", "openvas", "nmap", "nikto", "malformed"] {
        for (name, bytes) in samples(kind) {
            for seed in (0..n_mutations).filter(|_| bytes.len() <= MAX_BYTES) {
                let (mut body, mut random) = (bytes.clone(), Random(seed));
                mutate(&mut body, &mut random);
                let (options, mut findings) = (Options { raw: seed % 2 == 0 }, Vec::new());
                let mut take = |finding| {
                    findings.push(finding);
                    Ok(())
                };
                let report = if seed % 3 == 2 {
                    read_as(&FORMATS[random.below(FORMATS.len())], &body[..], options, &mut take)
                } else {
                    read(&body[..], options, &mut take)
                };
                check(&name, seed, report.as_ref().ok(), &findings);
            }
        }
    }
}
