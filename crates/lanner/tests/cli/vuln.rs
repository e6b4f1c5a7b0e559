//! Reports of vulnerability scanners, from files to what is known of them.

use std::path::{Path, PathBuf};

use lanner_testkit::shared_data;
use serde_json::Value;

use crate::program::{Ran, run, run_with_input, serve};

/// A Nessus report of one host, scanned at this minute with these plugins, which found these.
fn nessus(minute: u32, host: &str, plugins: &str, found: &[&str]) -> String {
    let item = |id: &&str| {
        format!(
            "<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"4\" pluginID=\"{id}\" pluginName=\"Finding {id}\">\
             <cve>CVE-2024-000{id}</cve></ReportItem>"
        )
    };
    format!(
        "<NessusClientData_v2><Policy><policyName>weekly</policyName><Preferences><ServerPreferences><preference><name>plugin_set</name>\
         <value>{plugins}</value></preference></ServerPreferences></Preferences></Policy><Report name=\"r\"><ReportHost name=\"{host}\">\
         <HostProperties><tag name=\"HOST_END\">Tue Mar 11 10:{minute:02}:00 2025</tag></HostProperties>{}</ReportHost></Report>\
         </NessusClientData_v2>",
        found.iter().map(item).collect::<String>()
    )
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn vuln(&self, arguments: &[&str]) -> Ran {
        let data = self.path("data");
        run(&[&["vuln"], arguments, &["--data", &data]].concat())
    }

    /// Imports files, and answers what each came to: new, reopened, open, fixed, not looked at.
    fn import(&self, files: &[&str]) -> Vec<[u64; 5]> {
        let out = self.vuln(&[&["import", "--format", "json"], files].concat()).expect(0);
        let results: Vec<Value> = serde_json::from_str(&out).unwrap();
        let number = |one: &Value, name: &str| one[name].as_u64().unwrap();
        let names = ["new", "reopened", "open", "fixed", "not_looked_at"];
        results.iter().map(|one| names.map(|name| number(one, name))).collect()
    }

    fn open(&self) -> Vec<Value> {
        let page = self.vuln(&["list", "--format", "json", "--limit", "10000"]).expect(0);
        serde_json::from_str(&page).unwrap()
    }
}

#[test]
fn scans_say_what_is_new_fixed_open_again_and_not_looked_at() {
    let folder = Folder::new();
    let (all, few) = ("1;2;3", "1;2");
    let first = folder.file("1.nessus", &nessus(1, "192.0.2.7", all, &["1", "2", "3"]));
    let narrow = folder.file("2.nessus", &nessus(2, "192.0.2.7", few, &["1"]));
    let again = folder.file("3.nessus", &nessus(3, "192.0.2.7", all, &["1", "2"]));
    let other = folder.file("4.nessus", &nessus(4, "192.0.2.8", all, &["1"]));
    assert_eq!(folder.import(&[&first]), [[3, 0, 0, 0, 0]]);
    // 2 was looked for and is gone; 3 was not looked for.
    assert_eq!(folder.import(&[&narrow]), [[0, 0, 1, 1, 1]]);
    assert_eq!(folder.import(&[&again]), [[0, 1, 1, 1, 0]]);
    assert_eq!(folder.import(&[&other]), [[1, 0, 0, 0, 2]]);
    // Again, and in reverse: nothing changes.
    let unchanged = |results: Vec<[u64; 5]>| {
        results.iter().all(|[new, reopened, _, fixed, _]| new + reopened + fixed == 0)
    };
    assert!(unchanged(folder.import(&[&first, &narrow, &again, &other])));
    assert!(unchanged(folder.import(&[&other, &again, &narrow, &first])));
    assert_eq!(folder.open().len(), 3);

    // Whoever imports in reverse from the start knows the same.
    let reversed = Folder::new();
    reversed.import(&[&other, &again, &narrow, &first]);
    let known = |folder: &Folder| {
        let any = folder.vuln(&["list", "--status", "any", "--format", "csv"]).expect(0);
        let mut lines: Vec<String> = any.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(known(&folder), known(&reversed));
}

#[test]
fn a_name_and_its_address_are_one_host() {
    let folder = Folder::new();
    let csv = "Plugin ID,CVE,CVSS,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,Plugin Output\n\
               7,,,High,web.example.test,tcp,443,n,,,,,\n";
    let csv = folder.file("scan.csv", csv);
    let xml = folder.file(
        "scan.nessus",
        "<NessusClientData_v2><Report name=\"r\"><ReportHost name=\"web.example.test\"><HostProperties>\
         <tag name=\"host-ip\">192.0.2.7</tag><tag name=\"HOST_END\">Tue Mar 11 10:01:00 2025</tag></HostProperties>\
         <ReportItem port=\"443\" protocol=\"tcp\" severity=\"3\" pluginID=\"7\" pluginName=\"n\"/></ReportHost></Report></NessusClientData_v2>",
    );
    assert_eq!(folder.import(&[&csv]), [[1, 0, 0, 0, 0]]);
    assert_eq!(folder.import(&[&xml]), [[0, 0, 1, 0, 0]]);
    assert_eq!(folder.import(&[&csv, &xml]), [[0, 0, 1, 0, 0]; 2]);
    assert_eq!(folder.open().len(), 1);
}

#[test]
fn risks_are_accepted_for_a_time_and_lists_tell_what_is_exploited() {
    let folder = Folder::new();
    folder.import(&[&folder.file("1.nessus", &nessus(1, "192.0.2.7", "1;2", &["1", "2"]))]);
    let accept = ["accept", "check == \"1\"", "--reason", "replaced soon", "--author", "ann"];
    folder.vuln(&[&accept[..], &["--until", "2020-01-01"]].concat()).says(2, &["until: has passed"]);
    folder
        .vuln(&["accept", "chekc ==", "--reason", "", "--until", "2020-01-01"])
        .says(2, &["condition", "reason", "until"]);
    let id = folder.vuln(&[&accept[..], &["--until", "2199-01-01"]].concat()).expect(0);
    assert_eq!(folder.open().len(), 1);
    let stats = folder.vuln(&["stats", "--format", "csv"]).expect(0);
    assert!(stats.contains("critical,1,0,1,0,1"), "{stats}");
    let listed = folder.vuln(&["accepted", "--format", "csv"]).expect(0);
    assert!(listed.contains("ann") && listed.contains("replaced soon"), "{listed}");

    let vex = r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"vendor","statements":[{"vulnerability":{"name":"CVE-2024-0002"},
        "status":"not_affected","justification":"component_not_present"}]}"#;
    let vex = folder.file("vex.json", vex);
    folder.vuln(&["vex", "import", &vex, "--until", "2199-01-01"]).says(0, &["1 statement read"]);
    assert_eq!(folder.open().len(), 0);
    let written = folder.vuln(&["vex", "export"]).expect(0);
    assert!(written.contains("component_not_present"), "{written}");
    folder.vuln(&["unaccept", id.trim()]).says(0, &["is ended"]);
    assert_eq!(folder.open().len(), 1);

    let kev = folder.file(
        "kev.json",
        r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2025-01-02"}]}"#,
    );
    let epss = folder.file(
        "epss.csv",
        "#model_version:v4,score_date:2025-03-17\ncve,epss,percentile\nCVE-2024-0001,0.7,0.9\n",
    );
    let said = folder.vuln(&["enrich", "--kev", &kev, "--epss", &epss]).expect(0);
    assert_eq!(said, "CVE-2024-0001 became known to be exploited\n");
    assert_eq!(folder.vuln(&["enrich", "--kev", &kev]).expect(0), "");
    let listed =
        folder.vuln(&["list", "--filter", "exploited == true and epss > 0.5", "--format", "csv"]).expect(0);
    assert!(listed.contains("2025-01-02"), "{listed}");
}

#[test]
fn rules_can_watch_counts_and_changes() {
    let served = serve(tempfile::tempdir().unwrap(), &[]);
    let report = served.file("1.nessus", nessus(1, "192.0.2.7", "1;2", &["1", "2"]));
    run(&["vuln", "import", "--url", &served.url, &report]).expect(0);
    let export = |arguments: &[&str]| run(&[&["export", "--url", &served.url], arguments].concat()).expect(0);
    let events = export(&["--stream", "vulnerabilities"]);
    assert_eq!(events.lines().filter(|line| line.contains("\"change\":\"new\"")).count(), 2, "{events}");
    let series = export(&["--format", "ndjson"]);
    for part in ["vulnerabilities.open", "vulnerabilities_of_host.open", "vulnerabilities_of_check.open"] {
        assert!(series.contains(part), "{part}: {series}");
    }
}

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

#[test]
fn a_report_in_a_folder_that_cannot_be_read_is_told_after_the_rest_is_taken() {
    let (data, reports) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |name: &str, text: &str| std::fs::write(reports.path().join(name), text).unwrap();
    put("2-good.nessus", REPORT);
    put("3-notes.txt", "nothing");
    put("4-empty.xml", "");
    let import = || {
        let (data, reports) = (data.path().to_str().unwrap(), reports.path().to_str().unwrap());
        run(&["vuln", "import", "--format", "json", "--data", data, reports])
    };
    import().expect(0);
    // What cannot be opened comes first, and what is no whole report second.
    std::os::unix::fs::symlink("/no/such/report.nessus", reports.path().join("0-gone.nessus")).unwrap();
    put("1-hostile.nessus", "<!DOCTYPE x [<!ENTITY a 'b'>]><NessusClientData_v2>&a;</NessusClientData_v2>");
    put("2-good.nessus", &REPORT.replace("192.0.2.7", "192.0.2.8"));
    let ran = import();
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()[0]["new"], 2, "{}", ran.out);
    ran.says(
        2,
        &["0-gone.nessus: cannot read: No such file", "1-hostile.nessus", "2 of 5 files could not be read"],
    );
    // What breaks off is kept as far as it goes, and is not all.
    let cut = reports.path().join("cut.nessus");
    std::fs::write(&cut, &REPORT.replace("192.0.2.7", "192.0.2.9")[..REPORT.len() - 60]).unwrap();
    let ran = run(&["vuln", "import", "--data", data.path().to_str().unwrap(), cut.to_str().unwrap()]);
    ran.says(2, &["ends early"]);
}

/// Every recorded report, then all of them again, then in reverse: nothing new, fixed or reopened after the first time.
#[test]
fn recorded_reports_come_again_and_change_nothing() {
    let Some(data) = shared_data("vuln") else { return };
    let mut files: Vec<PathBuf> = Vec::new();
    for kind in ["nessus", "openvas", "nmap", "nikto"] {
        files.extend(std::fs::read_dir(data.join(kind)).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.sort();
    let folder = Folder::new();
    let import = |files: &[PathBuf]| {
        let names: Vec<&str> = files.iter().map(|path| Path::to_str(path).unwrap()).collect();
        // Some are no reports, by intention.
        let ran = folder.vuln(&[&["import", "--format", "json"][..], &names].concat());
        assert_eq!(ran.code, 2, "{}", ran.err);
        let results: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        results
    };
    assert!(import(&files).len() > 30);
    for _ in 0..2 {
        for one in import(&files) {
            let changes = ["new", "reopened", "fixed"].map(|name| one[name].as_u64().unwrap());
            assert_eq!(changes, [0, 0, 0], "{one}");
        }
        files.reverse();
    }
}
