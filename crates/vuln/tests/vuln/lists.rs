//! Statements of VEX, and lists of exploited vulnerabilities.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use crate::common::findings;
use lanner_vuln::write::{vex_cyclonedx, vex_openvex};
use lanner_vuln::{Epss, Exploited, Statement, VexStatus, read_epss, read_kev, read_vex};

fn statement(vulnerability: &str, product: &str, status: VexStatus) -> Statement {
    Statement {
        vulnerability: vulnerability.to_owned(),
        product: product.to_owned(),
        status,
        justification: "component_not_present".to_owned(),
        author: "Example Ltd".to_owned(),
        at_ms: Some(1_741_688_553_000),
    }
}

#[test]
fn statements_are_read_as_they_are_written() {
    let statements = [
        statement("CVE-2024-0001", "pkg:deb/debian/openssl", VexStatus::NotAffected),
        statement("CVE-2024-0002", "pkg:deb/debian/openssl@3.0.11", VexStatus::UnderInvestigation),
    ];
    let written = serde_json::to_vec(&vex_openvex(&statements, "Example Ltd", 1_741_688_553_000)).unwrap();
    let read = read_vex(&written).unwrap();
    assert_eq!(read[0], statements[0]);
    assert_eq!(
        (read[1].status, read[1].product.as_str()),
        (VexStatus::UnderInvestigation, "pkg:deb/debian/openssl@3.0.11")
    );

    let written = serde_json::to_vec(&vex_cyclonedx(&statements, "Example Ltd", 1_741_688_553_000)).unwrap();
    let read = read_vex(&written).unwrap();
    assert_eq!(
        read.iter().map(|one| one.status).collect::<Vec<_>>(),
        [VexStatus::NotAffected, VexStatus::UnderInvestigation]
    );
    assert_eq!(read[0].product, "pkg:deb/debian/openssl");
}

#[test]
fn statements_are_about_findings_of_their_product() {
    let report = r#"{"SchemaVersion":2,"ArtifactName":"shop:1.2","ArtifactType":"container_image","Results":[{"Target":"t","Class":"os-pkgs",
        "Vulnerabilities":[{"VulnerabilityID":"CVE-2024-0001","PkgName":"openssl","PkgIdentifier":{"PURL":"pkg:deb/debian/openssl@3.0.11?arch=amd64"},
        "InstalledVersion":"3.0.11","Severity":"HIGH"}]}]}"#;
    let finding = findings(report).pop().unwrap();
    for (product, about) in [
        ("", true),
        ("openssl", true),
        ("pkg:deb/debian/openssl", true),
        ("pkg:deb/debian/openssl@3.0.11", true),
        ("pkg:deb/debian/openssl@3.0.12", false),
        ("pkg:deb/debian/openssl-dev", false),
        ("shop:1.2", true),
        ("other", false),
    ] {
        assert_eq!(
            statement("CVE-2024-0001", product, VexStatus::NotAffected).is_about(&finding),
            about,
            "{product}"
        );
        assert!(!statement("CVE-2024-0009", product, VexStatus::NotAffected).is_about(&finding));
    }
}

#[test]
fn what_is_no_vex_is_an_error() {
    for (text, part) in [
        ("", "VEX"),
        ("{}", "unknown format"),
        (
            r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"status":"fine"}]}"#,
            "statements[0].status",
        ),
    ] {
        let error = read_vex(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn predictions_keep_their_provenance() {
    let text = "#model_version:v2025.03.14,score_date:2025-03-17T00:00:00+0000\ncve,epss,percentile\n\
                CVE-2021-44228,0.94358,0.99958\nnonsense,1,1\nCVE-2020-0001,2,0.5\n";
    let mut entries = Vec::new();
    let provenance = read_epss(text.as_bytes(), &mut |entry| entries.push(entry)).unwrap();
    assert_eq!(provenance, "v2025.03.14, 2025-03-17T00:00:00+0000");
    assert_eq!(entries, [Epss { cve: "CVE-2021-44228".into(), probability: 0.943_58, percentile: 0.999_58 }]);
    for (text, part) in [("a,b\n1,2\n", "no column \"cve\""), ("cve,epss,percentile\n", "no prediction")] {
        let error = read_epss(text.as_bytes(), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn known_exploited_vulnerabilities_are_read() {
    let text = r#"{"catalogVersion":"2026.11.28","vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10",
        "dueDate":"2021-12-24","knownRansomwareCampaignUse":"Known"},{"cveID":"none"}]}"#;
    let (version, listed) = read_kev(text.as_bytes()).unwrap();
    let expected = Exploited {
        cve: "CVE-2021-44228".into(),
        added: "2021-12-10".into(),
        due: "2021-12-24".into(),
        ransomware: true,
    };
    assert_eq!((version.as_str(), listed), ("2026.11.28", vec![expected]));
    assert!(read_kev(&b"{}"[..]).is_err());
}
