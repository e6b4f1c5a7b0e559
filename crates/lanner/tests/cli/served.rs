//! Commands against a server: data in and out, rules, alerts, silences, replay, backup.

use std::io::Write as _;

use crate::program::{Served, eventually, lanner, run, run_with_input, serve};

fn start() -> Served {
    serve(tempfile::tempdir().unwrap(), &[])
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// Milliseconds since 1970.
fn now_ms() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

#[test]
fn a_machine_without_certificate_authorities_has_commands_all_the_same() {
    let server = start();
    let empty = tempfile::tempdir().unwrap();
    let mut command = lanner();
    command.arg("status").env("LANNER_URL", &server.url);
    // Where the system's authorities are looked for.
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", empty.path());
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn samples_go_in_and_come_out_the_same() {
    let server = start();
    let long = "time,name,value,host\n2026-01-01T00:00:00Z,cpu,0.1,a\n2026-01-01T00:01:00Z,cpu,0.2,a\n\
                2026-01-01T00:00:00Z,cpu,0.30000000000000004,b\n";
    server.run(&["import", &server.file("long.csv", long)]).says(0, &["3 samples"]);
    let wide = "time;power;heat\n2026-01-01 00:00;1.5;\n2026-01-01 00:01;2.5;80\n";
    let wide = server.file("wide.csv.gz", gzip(wide));
    server.run(&["import", "--name", "meter", &wide]).says(0, &["3 samples", "1 gap"]);
    let line = b"disk\\ free,path=/a\\,b value=7 1767225600000000000\n";
    let ran = lanner_with(&server, &["import", "--format", "line", "-"], line);
    assert_eq!(ran.code, 0, "{ran:?}");

    for form in ["ndjson", "csv", "line"] {
        let first = server.path(&format!("first.{form}"));
        server.run(&["export", "--format", form, "-o", &first]).says(0, &["7 samples written"]);
        let other = start();
        other.run(&["import", "--format", form, &first]).says(0, &["7 samples"]);
        let text = std::fs::read_to_string(&first).unwrap();
        assert_eq!(sorted(&other.run(&["export", "--format", form]).expect(0)), sorted(&text), "{form}");
    }
    let ranged = [
        "export",
        "--series",
        "cpu",
        "--match",
        "host=a",
        "--from",
        "2026-01-01T00:01:00Z",
        "--format",
        "csv",
    ];
    assert_eq!(server.run(&ranged).expect(0), "time,name,value,host\n2026-01-01T00:01:00Z,cpu,0.2,a\n");

    let answer = server.json(&[
        "query",
        "--series",
        "cpu",
        "--label",
        "host=a",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-01T00:02:00Z",
        "--step",
        "1m",
    ]);
    assert_eq!(answer["series"][0]["values"], serde_json::json!([0.1, 0.2]));
    let csv = [
        "query",
        "--series",
        "cpu",
        "--by",
        "host",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-01T00:01:00Z",
        "--format",
        "csv",
    ];
    let csv = server.run(&csv).expect(0);
    assert_eq!(
        csv,
        "time,host,value\n2026-01-01T00:00:00Z,a,0.1\n2026-01-01T00:00:00Z,b,0.30000000000000004\n"
    );
    let table = server.run(&[
        "query",
        "--series",
        "meter.*",
        "--by",
        "*",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-02",
    ]);
    assert!(table.out.contains("meter.power") && table.out.contains('▁'), "{}", table.out);
}

fn lanner_with(server: &Served, arguments: &[&str], input: &[u8]) -> crate::program::Ran {
    run_with_input(&[arguments, &["--url", &server.url]].concat(), input)
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn any_name_goes_in_and_comes_out_the_same() {
    let names = ["#a", "a\\\\", "a\\nb", "a b,c=d", "\\\"", "time", "é"];
    let line = |name: &&str| {
        format!(
            "{{\"name\":\"{name}\",\"labels\":{{\"l\":\"{name}\"}},\"time\":\"2026-01-01T00:00:00Z\",\"value\":0.1}}\n"
        )
    };
    let text: String = names.iter().map(line).collect();
    let server = start();
    server.run(&["import", &server.file("odd.ndjson", &text)]).says(0, &["7 samples"]);
    assert_eq!(sorted(&server.run(&["export"]).expect(0)), sorted(&text));
    server
        .run(&["export", "--format", "line"])
        .says(2, &["line protocol cannot hold", "export as ndjson instead"]);
}

#[test]
fn events_go_in_and_come_out_the_same() {
    let server = start();
    let text = "{\"time\":\"2026-01-01T00:00:00Z\",\"bank\":\"hsbc\",\"amount\":1.10}\n\
                {\"time\":\"2026-01-01T00:00:01Z\",\"bank\":\"ing\"}\n";
    let file = server.file("payments.ndjson.gz", gzip(text));
    let import = ["import", "--stream", "payments", "--too-old", "keep", &file];
    server.run(&import).says(0, &["2 events", "dropped at the next upkeep"]);
    assert_eq!(server.run(&["export", "--stream", "payments"]).expect(0), text);
    let zipped = server.path("out.ndjson.gz");
    server.run(&["export", "--stream", "payments", "-o", &zipped]).says(0, &["2 events written"]);
    assert!(std::fs::read(&zipped).unwrap().starts_with(&[0x1f, 0x8b]));
    let answer = server.json(&[
        "query",
        "--stream",
        "payments",
        "--by",
        "bank",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-01T00:01:00Z",
        "--step",
        "1m",
    ]);
    assert_eq!(answer["series"].as_array().unwrap().len(), 2);
    assert_eq!(answer["series"][0]["values"][0], 1.0);
    // One that had no time keeps that at which it came, wherever it goes.
    server
        .run(&["import", "--stream", "untimed", &server.file("untimed.ndjson", "{\"bank\":\"ing\"}\n")])
        .expect(0);
    let first = server.run(&["export", "--stream", "untimed"]).expect(0);
    let other = start();
    std::thread::sleep(std::time::Duration::from_millis(20));
    other.run(&["import", "--stream", "untimed", &other.file("first.ndjson", &first)]).expect(0);
    assert_eq!(other.run(&["export", "--stream", "untimed"]).expect(0), first);
    let told: serde_json::Value = serde_json::from_str(first.trim()).unwrap();
    let time = told["_time"].as_str().unwrap();
    assert_eq!(other.run(&["export", "--stream", "untimed", "--from", time]).expect(0), first);
    assert_eq!(other.run(&["export", "--stream", "untimed", "--to", time]).expect(0), "");
}

#[test]
fn bad_lines_are_named() {
    let server = start();
    let file = server.file("bad.csv", "time,a\n2026-01-01,1\nyesterday,2\n2026-01-02,x\n");
    let ran = server.run(&["import", &file]);
    ran.says(1, &["bad.csv:3:1: ", "bad.csv:4:2: ", "1 sample in", "2 lines refused"]);
    let file = server.file("bad.ndjson", "{\"a\":1}\n{\"a\n");
    server
        .run(&["import", "--stream", "s", &file])
        .says(1, &["bad.ndjson:2:", "1 event in", "1 line refused"]);
    server
        .run(&["import", &server.file("x.dat", "")])
        .says(2, &["x.dat holds no rows", "a column of numbers"]);
    server
        .run(&["import", &server.file("y.csv", "")])
        .says(2, &["y.csv holds no rows", "a column of numbers"]);
    server.run(&["import", &server.file("z.csv.gz", b"\x1f\x8bnonsense")]).says(2, &["z.csv.gz"]);
    server.run(&["import", "--kind", "events", &file]).says(2, &["--stream"]);
    server.run(&["import", "no-such.csv"]).says(2, &["cannot read no-such.csv"]);
    server
        .run(&["import", "docs"])
        .says(2, &["the folder docs contains no files with a series each (*.wsp)", "hint"]);
}

#[test]
fn mistakes_are_answered_with_what_to_do() {
    run(&["status", "--url", "http://127.0.0.1:1"]).says(3, &["is `lanner serve` running?", "--data DIR"]);
    run(&["status", "--url", "carbon:2003"]).says(2, &["http"]);
    run(&["status", "--data", "no-such-folder"]).says(2, &["not a data folder"]);
    run(&["query", "--from", "now-1h"]).says(2, &["--series"]);
    run(&["query", "--series", "a", "--from", "yesterday"]).says(2, &["yesterday"]);
    let server = start();
    server.run(&["query", "--stream", "s", "--measure", "sum"]).says(2, &["sum needs a field"]);
    server.run(&["query", "--stream", "s", "--where", "a =="]).says(2, &["character"]);
    server.run(&["rule", "show", "nobody"]).says(2, &["there is no rule \"nobody\""]);
    server.run(&["rule", "delete", "nobody"]).says(2, &["there is no rule"]);
    server.run(&["alert", "show", "00"]).says(2, &["there is no alert 00"]);
    server
        .run(&["silence", "add", "bank", "--for", "2h", "--comment", "x"])
        .says(2, &["operator is missing"]);
    server.run(&["silence", "add", "a=b", "--for", "2", "--comment", "x"]).says(2, &["not a duration"]);
    server.run(&["silence", "expire", "0123"]).says(2, &["0123"]);
    server.run(&["receiver", "test", "nobody"]).says(2, &["there is no receiver"]);
    server.run(&["outbox", "retry", "nothing"]).says(2, &["nothing"]);
    server.run(&["replay", "--from", "now-1h"]).says(2, &["no rules to replay", "--rules"]);
    server
        .run(&["rule", "apply", "crates/lanner/testdata/mistakes.yaml"])
        .says(2, &["7 problems", "nothing was changed"]);
}

const RULES: &str = "\
rules:
  - id: floor
    query: { stream: payments, measure: count, by: [bank] }
    window: 1s
    absolute: { min: 1 }
    receivers: [team]
receivers:
  - { name: team, kind: log, path: FOLDER/team.json }
";

#[test]
fn rules_are_applied_compared_and_remembered() {
    let server = serve(tempfile::tempdir().unwrap(), &["--allow", "log"]);
    let folder = server.folder.path().to_str().unwrap();
    let file = server.file("rules.yaml", RULES.replace("FOLDER", folder));
    server.run(&["rule", "list"]).expect(0);
    assert_eq!(server.run(&["rule", "diff", &file]).expect(1), "+ floor\n+ receiver team\n");
    server.run(&["rule", "apply", &file, "--dry-run"]).says(0, &["1 created", "nothing was changed"]);
    assert_eq!(server.json(&["rule", "list"]), serde_json::json!([]));
    server.run(&["rule", "apply", &file, "-m", "first"]).says(0, &["1 created, 0 changed"]);
    server.run(&["rule", "apply", &file]).says(0, &["0 created, 0 changed, 0 deleted, 1 unchanged"]);
    server.run(&["rule", "diff", &file]).says(0, &["no differences"]);

    let changed = RULES.replace("min: 1", "min: 2").replace("FOLDER", folder);
    let file = server.file("rules.yaml", changed);
    assert_eq!(server.run(&["rule", "diff", &file]).expect(1), "~ floor\n    ~ absolute.min: 1 -> 2\n");
    server.run(&["rule", "apply", &file]).says(0, &["1 changed"]);
    let history = server.run(&["rule", "history", "floor", "--format", "csv"]).expect(0);
    let what: Vec<&str> =
        history.lines().filter_map(|line| line.rsplit_once(',')).map(|(_, what)| what).collect();
    assert_eq!(what, ["what", "absolute.min", "created"]);
    let shown = server.run(&["rule", "show", "floor"]).expect(0);
    assert!(shown.contains("version  2") && shown.contains("absolute:\n  min: 2\n"), "{shown}");
    assert!(server.run(&["rule", "list"]).expect(0).contains("floor"));

    let receivers = server.run(&["receiver", "list", "--format", "csv"]).expect(0);
    assert!(receivers.contains("team,log,"), "{receivers}");
    server.run(&["receiver", "test", "team"]).says(0, &["accepted the test message"]);
    assert!(std::fs::read_to_string(server.path("team.json")).unwrap().contains("nothing is wrong"));
    server.run(&["rule", "delete", "floor"]).says(0, &["deleted"]);
    let empty = server.file("empty.yaml", "rules: []");
    server.run(&["rule", "diff", &empty, "--prune"]).says(0, &["no differences"]);
}

#[test]
fn alerts_fire_are_silenced_and_replayed() {
    let server = serve(tempfile::tempdir().unwrap(), &["--allow", "log"]);
    let folder = server.folder.path().to_str().unwrap();
    let rules = server.file("rules.yaml", RULES.replace("FOLDER", folder));
    server.run(&["rule", "apply", &rules]).expect(0);
    let event = format!("{{\"time\":{},\"bank\":\"hsbc\"}}\n", now_ms());
    server.run(&["import", "--stream", "payments", &server.file("e.ndjson", event)]).expect(0);
    let firing = || server.json(&["alert", "list"]);
    eventually(|| firing().as_array().is_some_and(|alerts| !alerts.is_empty()), "an alert fires");
    let alert = &firing()[0];
    assert_eq!((&alert["rule"], &alert["group"]["bank"]), (&"floor".into(), &"hsbc".into()));
    let fingerprint = alert["fingerprint"].as_str().unwrap();
    let shown = server.run(&["alert", "show", &fingerprint[..8]]).expect(0);
    assert!(shown.contains("firing") && shown.contains("content"), "{shown}");
    let history = server.run(&["alert", "history", "--rule", "floor", "--format", "csv"]).expect(0);
    assert!(history.contains("breach"), "{history}");
    eventually(
        || server.run(&["outbox", "list", "--status", "sent"]).expect(0).contains("floor"),
        "a message is sent",
    );

    let added =
        server.run(&["silence", "add", "bank=hsbc", "--for", "2h", "--comment", "known, \"fixed\" soon"]);
    let id = added.out.trim().to_owned();
    added.says(0, &["muted until"]);
    assert!(server.run(&["silence", "list"]).expect(0).contains("known, \"fixed\" soon"));
    assert_eq!(server.json(&["alert", "list"])[0]["silenced_by"][0], id);
    server.run(&["silence", "expire", &id]).says(0, &["is expired"]);
    assert_eq!(server.json(&["silence", "list"]), serde_json::json!([]));

    let replay = server.json(&["replay", "--from", "now-1m"]);
    assert!(replay["summary"]["episodes"].as_u64().unwrap() >= 1, "{replay}");
    let episodes = server.run(&["replay", "--from", "now-1m", "--rules", &rules, "--rule", "floor"]);
    assert!(episodes.out.contains("goes on") && episodes.err.contains("1 episode,"), "{episodes:?}");
    let status = server.json(&["status"]);
    assert_eq!((&status["ready"], &status["engine"]["rules"]), (&true.into(), &1.into()));
}

#[test]
fn a_backup_is_served_as_well() {
    let server = start();
    let samples = server.file("a.csv", "time,name,value\n2026-01-01,a,1\n2026-01-02,a,2\n");
    server.run(&["import", &samples]).expect(0);
    let expected = server.run(&["export"]).expect(0);
    std::fs::create_dir_all(server.path("copy/data")).unwrap();
    let copy = server.path("copy/data/lanner.db");
    server.run(&["backup", &copy]).says(0, &["lanner.db holds"]);
    server.run(&["backup", &copy]).says(2, &["exists already", "--force"]);
    server.run(&["backup", "--force", &copy]).expect(0);
    let (_, folder) = server.stop();
    assert!(!folder.path().join("copy/data/lanner.db.part").exists());

    let restored = tempfile::tempdir().unwrap();
    std::fs::rename(folder.path().join("copy/data"), restored.path().join("data")).unwrap();
    let server = serve(restored, &[]);
    assert_eq!(server.run(&["export"]).expect(0), expected);
}

#[test]
fn a_configuration_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lanner.yaml");
    let text = RULES.replace("FOLDER", folder.path().to_str().unwrap());
    std::fs::write(&config, format!("{text}server: {{ token: hunter2-hunter2-hunter2 }}\n")).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let server = serve(folder, &["--config", &config]);
    server.run(&["rule", "list"]).says(2, &["token", "--token", "LANNER_TOKEN"]);
    let listed =
        server.run(&["rule", "list", "--token", "hunter2-hunter2-hunter2", "--format", "csv"]).expect(0);
    assert!(listed.contains("floor") && listed.contains("config"), "{listed}");
    server.stop();

    let wrong =
        lanner().args(["serve", "--config", "crates/lanner/testdata/mistakes.yaml"]).output().unwrap();
    crate::program::Ran::from(wrong).says(2, &["8 problems"]);
    run(&["serve", "--listen", "nowhere"]).says(2, &["--listen", "not an address"]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    run(&["serve", "--data", data, "--listen", "0.0.0.0:0", "--carbon", "off"]).says(3, &["token"]);
}

#[test]
fn a_busy_server_is_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let busy = std::thread::spawn(move || {
        // The first one is asked whether it is there.
        for answer in ["204 No Content", "429 Too Many Requests\r\nRetry-After: 1", "204 No Content"] {
            let (stream, _) = listener.accept().unwrap();
            let mut request = std::io::BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while std::io::BufRead::read_line(&mut request, &mut line).unwrap() > 2 {
                if let Some(text) = line.strip_prefix("content-length: ") {
                    length = text.trim().parse().unwrap();
                }
                line.clear();
            }
            std::io::Read::read_exact(&mut request, &mut vec![0; length]).unwrap();
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
    let started = std::time::Instant::now();
    let arguments = ["import", "--url", &url, "--too-old", "keep", "--format", "line", "-"];
    run_with_input(&arguments, b"a value=1 1\n").says(0, &["1 sample in"]);
    assert!(started.elapsed() >= std::time::Duration::from_secs(1));
    busy.join().unwrap();
}

#[test]
fn a_wrong_port_fails_within_seconds() {
    #[track_caller]
    fn check(answer: &'static [u8], parts: &[&str]) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Whoever expects another protocol says something else, or waits for more.
                let _ = stream.write_all(answer);
                held.push(stream);
            }
        });
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/payments.yaml");
        let all = [
            "status",
            "rule list",
            "export",
            "import --format line -",
            "query --series a",
            "replay --from now-1h",
            "apply FILE",
            "diff FILE",
            "alert list",
            "silence list",
            "receiver list",
            "outbox list",
            "processor list",
            "switch evaluate a=b",
            "switch list",
            "token list",
            "reload",
            "vuln list",
            "vuln stats",
            "vuln accepted",
        ];
        // All of them at once: each waits for as long.
        let start = |command: &str| {
            let words = command.split(' ').map(|word| if word == "FILE" { file } else { word });
            let mut command = lanner();
            command.args(words).args(["--url", &url]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        };
        let started = std::time::Instant::now();
        let running: Vec<_> = all.iter().map(|it| (it, start(it))).collect();
        for (command, child) in running {
            let ran = crate::program::Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, 3, "{command}: {ran:?}");
            ran.says(3, parts);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
    }
    check(b"", &["no answer from http://127.0.0.1", "within 5 s", "is it the HTTP port", "--url"]);
    check(b"SSH-2.0-other\r\n", &["no answer from http://127.0.0.1", "is it the HTTP port", "--url"]);
    let server = start();
    run(&["status", "--url", &server.url, "--timeout", "0s"]).says(2, &["longer than 0s"]);
}

#[test]
fn an_output_that_nobody_reads_ends_silently() {
    let server = start();
    let lines: String = (0..20_000).map(|n| format!("cpu{n},host=a value={n} {n}000000000\n")).collect();
    let import = ["import", "--url", &server.url, "--too-old", "keep", "--format", "line", "-"];
    run_with_input(&import, lines.as_bytes()).says(0, &[]);
    let rows: String = (0..3_000)
        .map(|n| format!("{},{}\n", n * 60 + 1_767_225_600, (n * 7 % 10) + (n % 100) / 99 * n))
        .collect();
    let table = server.file("table.csv", format!("time,value\n{rows}"));
    let found: String = (0..3_000)
        .map(|n| {
            format!(
                r#"{{"template-id":"t{n}","info":{{"name":"x","severity":"high"}},"host":"192.0.2.{}"}}"#,
                n % 200
            ) + "\n"
        })
        .collect();
    let report = server.file("nuclei.jsonl", found);
    server.run(&["vuln", "import", &report]).expect(0);
    let calls = (0..3_000).map(|n| {
        format!(
            "192.0.2.{} - - [01/Jan/2026:00:{:02}:{:02} +0000] \"GET /{n} HTTP/1.1\" 404 7 \"-\" \"x\"\n",
            n % 40,
            n / 60,
            n % 60
        )
    });
    let log = server.file("access.log", calls.collect::<String>());
    for arguments in [
        &["export", "--url", &server.url][..],
        &["export", "--url", &server.url, "--format", "csv"],
        &[
            "query",
            "--url",
            &server.url,
            "--series",
            "*",
            "--by",
            "*",
            "--from",
            "1970-01-01",
            "--to",
            "1970-01-02",
            "--format",
            "csv",
        ],
        &[
            "query",
            "--url",
            &server.url,
            "--series",
            "*",
            "--by",
            "*",
            "--from",
            "1970-01-01",
            "--to",
            "1970-01-02",
            "--format",
            "json",
        ],
        &["detect", &table, "--format", "csv"],
        &["vuln", "convert", "--to", "csv", &report],
        &["vuln", "list", "--url", &server.url, "--limit", "10000"],
        &["api", "replay", &log],
        &["completion", "bash"],
        &["--help"],
    ] {
        let mut command = lanner();
        command.args(arguments).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take()); // as `head -0` does
        let ran = crate::program::Ran::from(child.wait_with_output().unwrap());
        let is_silent = !["roken pipe", "panicked", "lanner: "].iter().any(|word| ran.err.contains(word));
        assert!(is_silent && ran.code < 2, "{arguments:?}: {} {}", ran.code, ran.err);
    }
}

#[test]
fn a_name_that_does_not_exist_is_a_mistake() {
    let server = start();
    let import = ["import", "--url", &server.url, "--too-old", "keep", "--format", "line", "-"];
    run_with_input(&import, b"queue.length value=1 1000000000\n").says(0, &[]);
    let query = |arguments: &[&str]| run(&[&["query", "--url", &server.url][..], arguments].concat());
    query(&["--series", "queue.lenght"])
        .says(2, &["no series \"queue.lenght\"", "did you mean \"queue.length\"?"]);
    query(&["--series", "other*"]).says(2, &["no series \"other*\""]);
    query(&["--stream", "payments"]).says(2, &["no stream \"payments\""]);
    query(&["{ series: queue.lenght, measure: max }"]).says(2, &["did you mean \"queue.length\"?"]);
    let share = "{ formula: a / b, of: { a: { series: queue.length }, b: { series: queue.lenght } } }";
    query(&[share]).says(2, &["no series \"queue.lenght\""]);
    let export = |arguments: &[&str]| run(&[&["export", "--url", &server.url][..], arguments].concat());
    export(&["--series", "queue.lenght"]).says(2, &["did you mean \"queue.length\"?"]);
    export(&["--series", "other*", "--format", "csv"]).says(2, &["no series \"other*\""]);
    let output = server.path("none.ndjson");
    export(&["--stream", "payments", "-o", &output]).says(2, &["no stream \"payments\""]);
    assert!(!std::path::Path::new(&output).exists());
    export(&["--series", "queue.length", "--from", "now-1h"]).says(0, &[]);
    export(&[]).says(0, &[]);
    assert!(query(&["--series", "queue.length"]).expect(0).contains("No data in this range."));
}

#[test]
fn two_tables_do_not_become_one_series() {
    let server = start();
    let a = server.file("temperature.csv", "time,value\n2026-01-01,1\n2026-01-02,2\n");
    let b = server.file("pressure.csv", "time,value\n2026-01-01,3\n2026-01-02,4\n");
    run(&["import", "--url", &server.url, &a, &b])
        .says(0, &["value becomes the series temperature", "value becomes the series pressure"]);
    let exported = run(&["export", "--url", &server.url, "--format", "csv"]).expect(0);
    let expected = "time,name,value\n\
        2026-01-01T00:00:00Z,pressure,3\n2026-01-02T00:00:00Z,pressure,4\n\
        2026-01-01T00:00:00Z,temperature,1\n2026-01-02T00:00:00Z,temperature,2\n";
    assert_eq!(exported, expected);
    let ran = run_with_input(&["detect", "-"], exported.as_bytes());
    assert!(ran.err.contains("pressure (2 values), temperature (2 values)"), "{ran:?}");
}

#[test]
fn interrupted_is_not_stuck() {
    let server = start();
    let mut command = lanner();
    command.args(["import", "--stream", "s", "-", "--url", &server.url]);
    let mut child =
        command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take(); // stays open, as a terminal does
    std::thread::sleep(std::time::Duration::from_millis(500));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    eventually(|| child.try_wait().unwrap().is_some(), "it ends");
    let output: crate::program::Ran = child.wait_with_output().unwrap().into();
    drop(input);
    output.says(130, &["interrupted"]);
}

#[test]
fn one_folder_has_one_server() {
    let server = start();
    let data = server.path("data");
    run(&["status", "--data", &data])
        .says(2, &["is being served by another lanner", "use that server", "stop it"]);
    run(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--carbon", "off"]).says(3, &["in use"]);
}

#[test]
fn readers_may_leave_early() {
    let server = start();
    let lines = (0..200_000).map(|n| format!("a value=1 {n}000000\n")).collect::<String>();
    server.run(&["import", "--too-old", "keep", &server.file("a.lp", lines)]).expect(0);
    let mut child =
        lanner().args(["export", "--url", &server.url]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut first).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
