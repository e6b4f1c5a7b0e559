//! A command that reads writes nothing: the data folder is the same before and after, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{lanner, run, serve};

/// Every command that takes `--data` and reads, without that option.
const READS: &[&str] = &[
    "replay --from 2025-01-01 --to 2025-01-03",
    "replay --from 2025-01-01 --to 2025-01-03 --rules RULES --review",
    "query --stream payments --from 2025-01-01 --to 2025-01-03 --step 1d",
    "export",
    "export --stream payments",
    "export --format csv",
    "backup --force COPY",
    "status",
    "rule list",
    "rule show a",
    "rule history a",
    "rule diff RULES",
    "rule apply --dry-run RULES",
    "apply --dry-run RULES",
    "diff RULES",
    "alert list --all",
    "alert history",
    "alert show ffffffffffffffff",
    "silence list --all",
    "outbox list",
    "receiver list",
    "api labels",
    "user list",
    "switch list",
    "switch show block",
    "switch history block",
    "switch audit",
    "switch audit --verify",
    "switch evaluate bank=x",
    "switch explain bank=x",
    "switch requests",
    "switch dry-run block",
    "switch preview block --stream payments",
    "switch apply --dry-run SWITCHES",
    "switch clients",
    "token list",
    "processor list",
    "model list",
    "worker list",
    "worker shards",
    "vuln list",
    "vuln show ffffffffffffffffffffffffffffffff",
    "vuln stats",
    "vuln diff",
    "vuln accepted",
    "vuln vex export",
];

/// Every command that takes `--data` and changes something.
const CHANGES: &[&str] = &[
    "import",
    "restore",
    "alert ack",
    "alert unack",
    "rule delete",
    "silence add",
    "silence expire",
    "outbox retry",
    "receiver test",
    "receiver delete",
    "reload",
    "switch activate",
    "switch deactivate",
    "switch approve",
    "switch deny",
    "switch enforce",
    "switch bump",
    "switch revert",
    "switch delete",
    "detector train",
    "token create",
    "token revoke",
    "user add",
    "user password",
    "user scopes",
    "user remove",
    "processor delete",
    "processor hold",
    "processor teach",
    "processor unlearn",
    "model import",
    "model promote",
    "model rollback",
    "model remove",
    "vuln import",
    "vuln accept",
    "vuln unaccept",
    "vuln vex import",
    "vuln enrich",
];

/// Each file below a folder, with its content and when it was last changed.
fn content(folder: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: std::fs::DirEntry| {
        let modified = entry.metadata().unwrap().modified().unwrap();
        (entry.file_name().into_string().unwrap(), (std::fs::read(entry.path()).unwrap(), modified))
    };
    entries.map(file).collect()
}

/// A folder with samples and events of last year, rules, switches and silences, and the files that commands name.
fn filled(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let data = path("data");
    let events: String = (1..=2)
        .flat_map(|day| {
            (0..50).map(move |n| format!("{{\"time\":\"2025-01-0{day}T00:00:{n:02}Z\",\"bank\":\"x\"}}\n"))
        })
        .collect();
    let samples: String = (0..600).map(|n| format!("cpu value={n} {}\n", 1_735_689_600 + 10 * n)).collect();
    std::fs::write(path("events.ndjson"), events).unwrap();
    std::fs::write(path("samples.lp"), samples).unwrap();
    std::fs::write(
        path("rules.yaml"),
        "rules: [{ id: a, query: { stream: payments, measure: count }, window: 1m, absolute: { min: 1 } }]\n\
         receivers: [{ name: tried, kind: switch, switch: block, dry_run: { wrong_per_day: 1 } }]",
    )
    .unwrap();
    std::fs::write(path("switches.yaml"), "switches: [{ id: block, when: 'bank == \"x\"' }]").unwrap();
    let fill = |arguments: &[&str]| run(&[arguments, &["--data", &data]].concat()).expect(0);
    fill(&["import", "--too-old", "keep", "--stream", "payments", &path("events.ndjson")]);
    fill(&["import", "--precision", "s", &path("samples.lp")]);
    fill(&["rule", "apply", &path("rules.yaml")]);
    fill(&["switch", "apply", &path("switches.yaml")]);
    fill(&["silence", "add", "bank=y", "--for", "1h", "--comment", "test"]);
    data
}

/// Runs every command that reads, and looks whether the folder is what it was.
fn check(folder: &Path, data: &str) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let before = content(Path::new(data));
    for command in READS {
        let file = |word: &str| match word {
            "RULES" => path("rules.yaml"),
            "SWITCHES" => path("switches.yaml"),
            "COPY" => path("copy.db"),
            word => word.to_owned(),
        };
        let mut arguments: Vec<String> = command.split(' ').map(file).collect();
        arguments.extend(["--data".to_owned(), data.to_owned()]);
        let ran = run(&arguments);
        let is_wanted = ran.code == 0 || command.contains("show ffff") || ran.code == 1;
        assert!(is_wanted, "{command}: {ran:?}");
        let after = content(Path::new(data));
        let names = |content: &BTreeMap<String, _>| content.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(&before), "{command}");
        let changed: Vec<_> =
            before.iter().filter(|(name, file)| after[*name] != **file).map(|(name, _)| name).collect();
        assert!(changed.is_empty(), "{command} changed {changed:?}");
    }
    let exported = run(&["export", "--data", data]).expect(0);
    assert_eq!(exported.lines().count(), 600);
    assert_eq!(run(&["export", "--stream", "payments", "--data", data]).expect(0).lines().count(), 100);
}

#[test]
fn commands_that_read_leave_a_folder_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = filled(folder.path());
    check(folder.path(), &data);
    // As a backup is put back: one file and nothing else.
    for name in ["lanner.lock", "lanner.db-wal", "lanner.db-shm"] {
        let _ = std::fs::remove_file(Path::new(&data).join(name));
    }
    check(folder.path(), &data);
}

#[test]
fn commands_that_read_leave_what_a_killed_server_left() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let config = folder.path().join("keep.yaml");
    std::fs::write(&config, "retention: { series: [{ keep: forever }], events: [{ keep: 100y }] }").unwrap();
    let served = serve(folder, &["--config", config.to_str().unwrap()]);
    let late = "cpu value=7 1735690000000000123\n";
    served.run(&["import", "--format", "line", &served.file("late.lp", late)]).expect(0);
    let refused = run(&["export", "--data", &served.path("data")]);
    refused.says(2, &["is being served by another lanner (process ", "omit --data"]);
    let folder = served.kill();
    let data = folder.path().join("data");
    let log = std::fs::metadata(data.join("lanner.db-wal")).unwrap().len();
    assert!(log > 0, "the server left its log");
    let data = data.to_str().unwrap();
    let before = content(Path::new(data));
    let exported = run(&["export", "--data", data]).expect(0);
    assert!(exported.contains("\"value\":7"), "what was acknowledged last is there");
    run(&["replay", "--from", "2025-01-01", "--to", "2025-01-03", "--data", data]).expect(0);
    run(&["backup", "--data", data, "--force", folder.path().join("copy.db").to_str().unwrap()]).expect(0);
    assert_eq!(content(Path::new(data)), before);
    let copies = folder.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    std::fs::rename(folder.path().join("copy.db"), copies.join("lanner.db")).unwrap();
    assert_eq!(run(&["export", "--data", copies.to_str().unwrap()]).expect(0), exported);
}

/// A mounted file system; unmounted when dropped.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // What cannot be unmounted ends with the machine.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[test]
fn commands_that_read_work_where_nobody_can_write() {
    let folder = tempfile::tempdir().unwrap();
    let data = filled(folder.path());
    let place = folder.path().join("mounted");
    std::fs::create_dir(&place).unwrap();
    let mount = |arguments: &[&str]| {
        let tried = Command::new("mount").args(arguments).arg(&place).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=24m", "tmpfs"]) {
        eprintln!("SKIPPED: this test mounts a small file system, which only root may");
        return;
    }
    let _mounted = Mounted(place.clone());
    std::fs::copy(Path::new(&data).join("lanner.db"), place.join("lanner.db")).unwrap();
    assert!(mount(&["-o", "remount,ro"]));
    check(folder.path(), place.to_str().unwrap());
    run(&["import", "--data", place.to_str().unwrap(), &format!("{}/samples.lp", folder.path().display())])
        .says(2, &["cannot be written"]);
}

/// The commands below `lanner PATH` that take `--data`.
fn with_data(path: &[String], found: &mut BTreeSet<String>) {
    let help = lanner().args(path).arg("--help").stdout(Stdio::piped()).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    if help.contains("--data <DIR>") && !matches!(path, [one] if one == "serve" || one == "demo") {
        found.insert(path.join(" "));
    }
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        match line.split_whitespace().next() {
            Some(name) if line.starts_with("  ") && !line.starts_with("   ") && name != "help" => {
                with_data(&[path, &[name.to_owned()]].concat(), found);
            }
            _ => {}
        }
    }
}

#[test]
fn every_command_that_opens_a_folder_is_known_to_read_or_to_change() {
    let mut found = BTreeSet::new();
    with_data(&[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    for command in &found {
        let begins = |known: &&&str| {
            known.split(' ').zip(command.split(' ')).all(|(a, b)| a == b)
                && known.split(' ').count() >= command.split(' ').count()
        };
        let is_known = READS.iter().any(|known| begins(&known)) || CHANGES.iter().any(|known| begins(&known));
        assert!(is_known, "is `lanner {command}` a command that reads? Write it into one of the lists");
    }
}

#[test]
fn commands_on_files_write_nothing_unless_they_are_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let started = |minute: usize| {
        format!(
            "{{\"time\":\"2026-01-01T{:02}:{:02}:00Z\",\"rule\":\"r\",\"output_fields\":{{\"evt.type\":\"execve\",\"proc.exepath\":\"/bin/sh\",\
             \"proc.pname\":\"cron\",\"proc.cmdline\":\"sh {minute}\"}}}}\n",
            minute / 60,
            minute % 60
        )
    };
    std::fs::write(path("events.json"), (0..600).map(started).collect::<String>()).unwrap();
    let call = |n: usize| {
        let time = format!("{:02}:{:02}:{:02}", n / 3_600, n / 60 % 60, n % 60);
        format!(
            "192.0.2.{} - - [01/Jan/2026:{time} +0000] \"GET /items/{} HTTP/1.1\" 200 7 \"-\" \"x\"\n",
            n % 30,
            n % 7
        )
    };
    std::fs::write(path("access.log"), (0..9_000).map(call).collect::<String>()).unwrap();
    let found = r#"{"template-id":"t","info":{"name":"x","severity":"high"},"host":"192.0.2.1"}"#;
    std::fs::write(path("nuclei.jsonl"), found).unwrap();
    run(&["profile", "learn", "--out", &path("host.profile"), &path("events.json")]).expect(0);
    let before = content(folder.path());
    for command in [
        "profile show host.profile",
        "profile top host.profile",
        "profile explain host.profile events.json",
        "profile watch host.profile events.json",
        "profile watch --frozen --output ocsf host.profile events.json",
        "api replay access.log",
        "api replay --format json access.log",
        "vuln convert nuclei.jsonl",
        "vuln convert --to html nuclei.jsonl",
        "vuln convert --to none nuclei.jsonl",
    ] {
        let ran: crate::program::Ran =
            lanner().current_dir(folder.path()).args(command.split(' ')).output().unwrap().into();
        assert!(ran.code < 2, "{command}: {ran:?}");
        assert_eq!(content(folder.path()), before, "{command}");
    }
}
