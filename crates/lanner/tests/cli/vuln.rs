//! Reports of vulnerability scanners, in other shapes.

use crate::program::{run, run_with_input};

const REPORT: &str = r#"<NessusClientData_v2><Report name="r"><ReportHost name="192.0.2.7"><HostProperties>
<tag name="HOST_END">Tue Mar 11 10:01:00 2025</tag></HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="1" pluginName="Old server"><cve>CVE-2024-0001</cve></ReportItem>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="1" pluginID="2" pluginName="Old keys"/></ReportHost></Report></NessusClientData_v2>"#;

#[test]
fn reports_are_converted_without_a_server() {
    let convert =
        |shape: &str| run_with_input(&["vuln", "convert", "--to", shape, "-"], REPORT.as_bytes()).expect(0);
    assert_eq!(convert("jsonl").lines().count(), 2);
    assert!(convert("html").contains("<svg"));
    assert!(
        convert("syslog")
            .starts_with("<26>1 2025-03-11T10:01:00.000Z 192.0.2.7 nessus - 1 [finding@32473 key=")
    );
    assert!(convert("scan").contains("\"complete\":true"));
    assert!(run(&["vuln", "convert", "--to", "template"]).expect(0).contains("index_patterns"));
}

#[test]
fn what_is_no_report_is_said_and_what_breaks_off_is_kept() {
    run_with_input(&["vuln", "convert", "-"], b"<html>").says(2, &["unknown format", "Nessus XML"]);
    run(&["vuln", "convert", "--to", "csv"]).says(2, &["no files"]);
    let cut = &REPORT[..REPORT.len() - 60];
    let ran = run_with_input(&["vuln", "convert", "-"], cut.as_bytes());
    assert_eq!(ran.out.lines().count(), 1);
    ran.says(1, &["ends early"]);
}

#[test]
fn folders_are_read_and_what_lies_in_them_need_not_be_a_report() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::fs::write(folder.path().join("a/weekly.nessus"), REPORT).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    let out = run(&["vuln", "convert", "--to", "csv", folder.path().to_str().unwrap()]).expect(0);
    assert!(out.starts_with("key,severity,") && out.lines().count() == 3, "{out}");
}
