//! Reports hold texts of strangers: what is written of them is what it says to be, and does nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use crate::common::findings;
use lanner_vuln::write::OUTPUTS;

const BAD: &str = "\\u001b]0;owned\\u0007\\n<13>1 - forged - - - -\\u2028x\\u202e\\u0000</script><b>";

#[test]
fn no_text_of_a_report_writes_lines_or_acts_on_who_reads_them() {
    let report = format!(
        r#"{{"SchemaVersion":2,"ArtifactName":"{BAD}","ArtifactType":"container_image","Results":[{{"Target":"{BAD}","Class":"os-pkgs",
        "Vulnerabilities":[{{"VulnerabilityID":"CVE-2024-0001","PkgName":"{BAD}","InstalledVersion":"{BAD}","Severity":"HIGH","Title":"{BAD}",
        "Description":"{BAD}","PrimaryURL":"{BAD}","References":["{BAD}"]}}]}}]}}"#
    );
    let found = findings(&report);
    assert_eq!(found.len(), 1);
    for output in OUTPUTS {
        let (mut writer, mut out) = ((output.open)(), Vec::new());
        writer.finding(&found[0], &mut out).unwrap();
        writer.finish(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        match output.name {
            "html" => assert!(!out.contains("<b>") && !out.contains("owned\u{7}</script>"), "{out}"),
            "csv" => {}
            // One document or line each; before one for bulk a line says where it goes.
            "bulk" | "vulntoes-bulk" => assert!(out.lines().count() <= 2, "{}: {out}", output.name),
            _ => assert!(out.lines().count() <= 1, "{}: {out}", output.name),
        }
        if output.name != "csv" {
            let is_hidden =
                |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' && output.name == "syslog";
            assert!(output.name == "html" || !out.contains(is_hidden), "{}: {out:?}", output.name);
        }
    }
}
