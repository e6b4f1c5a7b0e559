//! `lanner api`: an access log in; findings, a model, and its verdicts out.

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::program::{run, run_with_input};

/// Clients of a day who shop, and who walk through the orders of others.
const N_SHOPPERS: u32 = 90;
const N_WALKERS: u32 = 30;

/// A line of an access log, in the combined format.
fn line(day: u32, second: u32, client: &str, path: &str, status: u16) -> String {
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!(
        "{client} - - [{day:02}/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} 512 \
         \"-\" \"Mozilla/5.0\"\n"
    )
}

/// A log of one day, and the labels of its clients. The same seed gives the same log.
fn traffic(day: u32, seed: u32) -> (String, String) {
    let mut state = seed;
    let mut below = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n
    };
    let mut calls: Vec<(u32, String)> = Vec::new();
    let mut labels = String::from("client,label\n");
    for n in 0..N_SHOPPERS {
        let (client, mut at) = (format!("10.0.1.{n}"), 28_800 + below(30_000));
        labels += &format!("{client},normal\n");
        let own_order = 1_000 + below(9_000);
        for _ in 0..6 + below(9) {
            at += 2 + below(90);
            let (path, status) = match below(10) {
                0..4 => (format!("/products/{}", below(60)), 200),
                4..6 => ("/products".to_owned(), 200),
                6..8 => ("/cart".to_owned(), 200),
                8 => (format!("/orders/{own_order}"), 200),
                _ => ("/login".to_owned(), if below(8) == 0 { 401 } else { 200 }),
            };
            calls.push((at, line(day, at, &client, &path, status)));
        }
    }
    for n in 0..N_WALKERS {
        let (client, mut at) = (format!("10.0.9.{n}"), 28_800 + below(30_000));
        labels += &format!("{client},anomalous\n");
        let first = 1_000 + below(5_000);
        for order in first..first + 60 + below(30) {
            at += 1 + below(12);
            let status = if below(5) == 0 { 404 } else { 200 };
            calls.push((at, line(day, at, &client, &format!("/orders/{order}"), status)));
        }
    }
    calls.sort();
    (calls.into_iter().map(|(_, line)| line).collect(), labels)
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_log_that_was_never_seen_is_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let log = write(folder.path(), "access.log", traffic(2, 1).0);
    let found: Value =
        serde_json::from_str(&run(&["api", "replay", "--format", "json", &log]).expect(1)).unwrap();
    assert_eq!(found["summary"]["clients"], N_SHOPPERS + N_WALKERS);
    assert_eq!(found["summary"]["unparsed"], 0);
    let findings = found["findings"].as_array().unwrap();
    let walkers = findings.iter().filter(|finding| finding["finding"] == "enumeration");
    let walkers: Vec<&str> = walkers.map(|finding| finding["client"].as_str().unwrap()).collect();
    assert_eq!(walkers.len(), N_WALKERS as usize, "{walkers:?}");
    assert!(walkers.iter().all(|client| client.starts_with("10.0.9.")), "{walkers:?}");
    assert_eq!(findings.len(), walkers.len(), "{findings:?}");

    let table = run(&["api", "replay", &log]).expect(1);
    assert!(table.contains("/orders/{"), "{table}");
    // Those that only shop are no finding.
    let (whole, _) = traffic(2, 1);
    let shoppers: String = whole.split_inclusive('\n').filter(|line| line.starts_with("10.0.1.")).collect();
    let calm = write(folder.path(), "calm.log", shoppers);
    run(&["api", "replay", &calm]).expect(0);
}

#[test]
fn a_model_is_learned_judged_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let ((first, labels), (second, more_labels)) = (traffic(2, 1), traffic(3, 2));
    let (first, labels) = (write(folder.path(), "1.log", first), write(folder.path(), "1.csv", labels));
    let second = write(folder.path(), "2.log", second);
    let more_labels = write(folder.path(), "2.csv", more_labels);
    let model = folder.path().join("model.json").to_str().unwrap().to_owned();
    let learned =
        run(&["api", "learn", &first, "--labels", &labels, "--output", &model, "--trees", "40"]).expect(0);
    assert!(learned.contains("30 anomalous and 90 normal sessions"), "{learned}");
    let few = [
        "api",
        "learn",
        &first,
        "--labels",
        &labels,
        "--output",
        "none.json",
        "--trees",
        "5",
        "--aim",
        "alarms",
    ];
    let nothing = ["no threshold flags anything with 0.001 a day", "raise --alarms-per-day"];
    run(&[&few[..], &["--alarms-per-day", "0.001"]].concat()).says(2, &nothing);

    // What was said of each session, as a server tells it, teaches the same; of others it teaches nothing.
    let scored = run(&["api", "score", &first, "--model", &model, "--all", "--format", "json"]).expect(1);
    let sessions: Vec<Value> = serde_json::from_str(&scored).unwrap();
    let said = |hours: i64| {
        let row = |session: &Value| {
            let (client, start) = (session["client"].as_str().unwrap(), session["start"].as_str().unwrap());
            let label = if client.starts_with("10.0.9.") { "anomalous" } else { "normal" };
            let began_ms = lanner_core::time::parse_time_ms(start).unwrap() + hours * 3_600_000 + 20_000;
            format!(
                "{client},{},{label},ann,2026-03-03T08:00:00Z,seen,0\n",
                lanner_core::time::format_time(began_ms)
            )
        };
        sessions.iter().map(row).collect::<String>()
    };
    let header = "client,started,label,who,when,why,id\n";
    let own = write(folder.path(), "own.csv", format!("{header}{}", said(0)));
    let same = folder.path().join("same.json").to_str().unwrap().to_owned();
    run(&["api", "learn", &first, "--labels", &own, "--output", &same, "--trees", "40"]).expect(0);
    assert_eq!(std::fs::read(&same).unwrap(), std::fs::read(&model).unwrap());
    let others = write(folder.path(), "others.csv", format!("{header}{}", said(9)));
    run(&["api", "learn", &first, "--labels", &others, "--output", &same])
        .says(2, &["0 anomalous and 0 normal"]);
    let wrong = write(folder.path(), "wrong.csv", format!("{header}10.0.1.1,soon,normal,a,b,c,d\n"));
    run(&["api", "learn", &first, "--labels", &wrong, "--output", &same]).says(2, &["wrong.csv:2: started:"]);

    let judge = ["api", "evaluate", &second, "--model", &model, "--labels", &more_labels, "--format", "json"];
    let quality: Value = serde_json::from_str(&run(&judge).expect(0)).unwrap();
    assert!(quality["f1"].as_f64().unwrap() > 0.95, "{quality}");

    let flagged: Value = serde_json::from_str(
        &run(&["api", "score", &second, "--model", &model, "--format", "json"]).expect(1),
    )
    .unwrap();
    let flagged = flagged.as_array().unwrap();
    let walkers = flagged.iter().filter(|row| row["client"].as_str().unwrap().starts_with("10.0.9.")).count();
    assert!(walkers >= 28 && flagged.len() <= walkers + 1, "{walkers} of {}", flagged.len());

    let why = run(&["api", "explain", &second, "--model", &model, "--client", "10.0.9.1"]).expect(0);
    assert!(why.contains("usually") && why.contains("passes with"), "{why}");
    let why = ["api", "explain", &second, "--model", &model, "--client", "10.0.9.1", "--format", "json"];
    let why: Value = serde_json::from_str(&run(&why).expect(0)).unwrap();
    let nearest = &why["nearest"];
    assert!(nearest["client"].as_str().unwrap().starts_with("10.0.1."), "{why}");
    assert!(!nearest["differences"].as_array().unwrap().is_empty(), "{why}");
    run(&["api", "explain", &second, "--model", &model, "--client", "192.0.2.1"])
        .says(2, &["192.0.2.1", "--all"]);
    let whole = std::fs::read(&model).unwrap();
    let cut = write(folder.path(), "cut.json", &whole[..whole.len() / 2]);
    run(&["api", "score", &second, "--model", &cut]).says(2, &["cut.json", "lanner api learn"]);
}

#[test]
fn what_is_no_log_is_told_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = traffic(2, 1);
    // A log that is still being compressed.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let days: String = (2..22).map(|day| traffic(day, day).0).collect();
    packed.write_all(days.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let cut = write(folder.path(), "cut.log.gz", &packed[..packed.len() / 2]);
    run(&["api", "replay", &cut]).says(1, &["cut.log.gz breaks off after line", "what came before is used"]);
    // A line without an end, and one of noise, among good ones.
    let noise: Vec<u8> = (0..=255).collect();
    let endless = [log.as_bytes(), &b"x".repeat(3_000_000), b"\n", &noise, b"\n", log.as_bytes()].concat();
    let endless = write(folder.path(), "endless.log", endless);
    run(&["api", "replay", &endless]).says(1, &["could not be read", "the first is line"]);
    run_with_input(&["api", "replay", "-"], &noise.repeat(100)).says(2, &["no access log", "--log-format"]);
    run_with_input(&["api", "replay", "-"], b"").says(2, &["no requests"]);
}

#[test]
fn labels_are_added_and_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let (log, labels) = traffic(2, 1);
    let log = write(folder.path(), "1.log", log);
    let table = folder.path().join("labels.csv").to_str().unwrap().to_owned();
    let label = |client: &str, label: &str| {
        run(&["api", "label", &table, "--client", client, label, "--why", "seen, and \"known\""]).expect(0);
    };
    label("10.0.9.1", "normal");
    label("10.0.9.1", "anomalous");
    let written = std::fs::read_to_string(&table).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "client,label,who,when,why"), "{written}");
    assert!(
        lines[2].starts_with("10.0.9.1,anomalous,") && lines[2].ends_with(r#","seen, and ""known""""#),
        "{written}"
    );
    run(&["api", "label", &table, "--session", "s1", "normal", "--why", "?"]).says(2, &["no column session"]);
    run(&["api", "label", &table, "normal", "--why", "?"]).says(2, &["--client"]);

    // The rest is labelled by others, in the same table.
    let rest: String =
        labels.lines().skip(1).map(|line| format!("{line},ann,2026-03-02T10:00:00Z,\n")).collect();
    std::fs::write(&table, written + &rest).unwrap();
    let model = folder.path().join("model.json").to_str().unwrap().to_owned();
    let learn =
        ["api", "learn", &log, "--labels", &table, "--output", &model, "--trees", "20", "--tune", "3"];
    let learned = run(&learn).expect(0);
    assert!(learned.contains("30 anomalous and 90 normal sessions"), "{learned}");
    let first = std::fs::read(&model).unwrap();
    run(&learn).expect(0);
    assert!(std::fs::read(&model).unwrap() == first, "the same seed gives the same model");
    let shown = run(&["model", "show", &model]).expect(0);
    assert!(shown.contains("\"trials\":3"), "{shown}");
}

#[test]
fn a_server_keeps_models() {
    let folder = tempfile::tempdir().unwrap();
    let trees = r#"{"format":"lanner-boost/1","base_score":0.5,"feature_names":["requests"],"trees":[]}"#;
    let (first, second) =
        (write(folder.path(), "a.json", trees), write(folder.path(), "b.json", trees.replace("0.5", "0.7")));
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    run(&["import", "--data", &data, &write(folder.path(), "a.lp", "cpu value=1\n")]).expect(0);
    let model = |arguments: &[&str]| run(&[&["model"], arguments, &["--data", &data]].concat());
    model(&["import", &first]).says(0, &["of the kind trees is kept"]);
    model(&["import", &second]).expect(0);
    model(&["import", &write(folder.path(), "c.json", "{}")]).says(2, &["is no model"]);
    let listed: Value = serde_json::from_str(&model(&["list", "--format", "json"]).expect(0)).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    let id = |at: usize| listed[at]["id"].as_str().unwrap().to_owned();
    model(&["promote", &id(0)[..12], "-m", "first"]).says(0, &["is the champion of the kind trees"]);
    model(&["promote", &id(1)[..12], "--challenger"]).says(0, &["is the challenger"]);
    model(&["remove", &id(0)]).says(2, &["is the champion of its kind"]);
    model(&["promote", &id(1)]).expect(0);
    model(&["rollback", "trees"]).says(0, &[&id(0)]);
    model(&["remove", &id(1)[..12]]).says(0, &["is deleted"]);
    model(&["remove", "none"]).says(2, &["there is no model \"none\""]);
    let listed = model(&["list"]).expect(0);
    assert!(listed.contains("champion"), "{listed}");
}

#[test]
fn a_model_is_shown_in_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (first, labels) = traffic(2, 1);
    let (log, labels) = (write(folder.path(), "<i>.log", first), write(folder.path(), "1.csv", labels));
    let model = folder.path().join("model.json").to_str().unwrap().to_owned();
    run(&["api", "learn", &log, "--labels", &labels, "--output", &model, "--trees", "20"]).expect(0);
    let html = folder.path().join("model.html").to_str().unwrap().to_owned();
    run(&["api", "evaluate", &log, "--model", &model, "--labels", &labels, "--html", &html]).expect(0);
    let page = std::fs::read_to_string(&html).unwrap();
    for part in ["Receiver operating characteristic", "Precision and recall", "Importance", "Dependence"] {
        assert!(page.contains(part), "{part}");
    }
    let is_drawn = |name: &str| page.contains(&format!("<figcaption><b>{name}</b>"));
    assert!(lanner_traffic::FEATURES.iter().any(|feature| is_drawn(feature.name)), "no feature is drawn");
    assert!(page.matches("<svg").count() >= 5 && page.contains("auc_roc"));
    // Nothing is loaded, nothing runs, and names stay texts.
    for word in ["http:", "https:", "src=", "url(", "<script", "<i>.log"] {
        assert!(!page.contains(word), "{word}");
    }
}

/// What a run of a pipeline did, step by step.
fn steps(file: &str, expected: &[(&str, &str)]) -> Vec<Value> {
    let steps: Vec<Value> =
        serde_json::from_str(&run(&["api", "pipeline", "run", file, "--format", "json"]).expect(0)).unwrap();
    let states: Vec<(&str, &str)> =
        steps.iter().map(|step| (step["step"].as_str().unwrap(), step["state"].as_str().unwrap())).collect();
    assert_eq!(states, expected);
    steps
}

#[test]
fn a_pipeline_does_again_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let ((first, labels), (second, more_labels)) = (traffic(2, 1), traffic(3, 2));
    write(folder.path(), "1.log", &first);
    write(folder.path(), "1.csv", &labels);
    write(folder.path(), "2.log", &second);
    write(folder.path(), "2.csv", &more_labels);
    let text = |seed: u32| {
        format!(
            "steps:\n  parse: {{ log: 1.log }}\n  features: {{ labels: 1.csv }}\n  \
             learn: {{ trees: 20, seed: {seed}, tune: 2, output: model.json }}\n  evaluate: {{ log: 2.log, labels: 2.csv }}\n"
        )
    };
    let file = write(folder.path(), "pipeline.yaml", text(1));
    run(&["api", "pipeline", "status", &file]).expect(1);
    let first_run = steps(
        &file,
        &[
            ("parse", "done"),
            ("templates", "done"),
            ("features", "done"),
            ("learn", "done"),
            ("parse-other", "done"),
            ("evaluate", "done"),
        ],
    );
    run(&["api", "pipeline", "status", &file]).expect(0);
    let kept =
        ["parse", "templates", "features", "learn", "parse-other", "evaluate"].map(|step| (step, "kept"));
    steps(&file, &kept);

    // Another seed: only the model and what is said of it.
    write(folder.path(), "pipeline.yaml", text(2));
    let mut learned = kept;
    learned[3].1 = "done";
    learned[5].1 = "done";
    let other = steps(&file, &learned);
    assert_ne!(other[3]["made"], first_run[3]["made"]);
    // Back again: nothing, and the model that was written is the first one.
    write(folder.path(), "pipeline.yaml", text(1));
    steps(&file, &kept);
    let shown =
        run(&["model", "show", folder.path().join("model.json").to_str().unwrap(), "--format", "json"])
            .expect(0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["id"], first_run[3]["made"]);
    // A comment in the labels' order changes the file, but not what is learned.
    let mut lines: Vec<&str> = labels.lines().collect();
    lines[1..].reverse();
    write(folder.path(), "1.csv", lines.join("\n"));
    let mut labelled = kept;
    labelled[2].1 = "done";
    steps(&file, &labelled);

    let runs: Vec<Value> =
        serde_json::from_str(&run(&["api", "pipeline", "runs", &file, "--format", "json"]).expect(0))
            .unwrap();
    let changed: Vec<&Value> = runs.iter().map(|run| &run["changed"][0]).collect();
    assert_eq!(runs.len(), 4, "{runs:?}");
    assert_eq!((changed[1], changed[2]), (&"learn.seed 2".into(), &"learn.seed 1".into()));
    let compared = run(&["api", "pipeline", "compare", &file, "1", "2", "--format", "csv"]).expect(1);
    assert!(compared.contains("learn.seed,1,2"), "{compared}");
    run(&["api", "pipeline", "compare", &file, "1", "9"]).says(2, &["there is no run 9"]);

    // The same files elsewhere give the same model; what was damaged is made anew.
    let elsewhere = folder.path().join("elsewhere").to_str().unwrap().to_owned();
    let again = run(&["api", "pipeline", "run", &file, "--folder", &elsewhere, "--format", "json"]).expect(0);
    let again: Vec<Value> = serde_json::from_str(&again).unwrap();
    assert_eq!(again[3]["made"], first_run[3]["made"]);
    for entry in std::fs::read_dir(folder.path().join("pipeline.kept/steps")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("learn-") {
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    run(&["api", "pipeline", "run", &file]).says(3, &["was damaged", "run the pipeline again"]);
    learned[5].1 = "kept";
    let mended = steps(&file, &learned);
    assert_eq!(mended[3]["made"], first_run[3]["made"]);

    write(folder.path(), "wrong.yaml", "steps: { pars: { log: x } }");
    let wrong = folder.path().join("wrong.yaml").to_str().unwrap().to_owned();
    run(&["api", "pipeline", "run", &wrong])
        .says(2, &["\"parse\" is missing", "\"features\" is missing", "\"pars\""]);
}

#[test]
fn load_is_put_on_a_server() {
    let args = ["api", "bench", "--users", "1,4", "--for", "300ms", "--most", "0", "--format", "json"];
    let steps: Vec<Value> = serde_json::from_str(&run(&args).expect(0)).unwrap();
    assert_eq!(steps.iter().map(|step| &step["users"]).collect::<Vec<_>>(), [1, 4]);
    for step in &steps {
        assert!(step["requests"].as_u64().unwrap() > 10 && step["failed"] == 0, "{step}");
        assert!(step["p50_ms"].as_f64().unwrap() <= step["p99_ms"].as_f64().unwrap(), "{step}");
        #[cfg(target_os = "linux")]
        assert!(step["processor_us"].is_number(), "{step}");
    }
    // A server without a model has nothing to be asked, and nobody answers at a closed port.
    let nobody = ["api", "bench", "--url", "http://127.0.0.1:9", "--for", "300ms", "--users", "1"];
    run(&nobody).says(3, &["no answer from http://127.0.0.1:9/"]);
    run(&["api", "bench", "--users", "0"]).says(2, &["0"]);
    let folder = tempfile::tempdir().unwrap();
    let rubbish = write(folder.path(), "model.json", "{}");
    run(&["api", "bench", "--model", &rubbish]).says(2, &["model.json"]);
}

#[test]
fn call_graphs_are_described_as_published_or_as_named() {
    let folder = tempfile::tempdir().unwrap();
    let edge = |from: &str, to: &str| serde_json::json!({ "fromId": from, "toId": to });
    let graphs = serde_json::json!([
        { "_id": "x", "call_graph": [edge("a", "b"), edge("a", "c"), edge("c", "c")] },
        { "_id": "y", "call_graph": [edge("a", "b")] },
    ]);
    let file = write(folder.path(), "graphs.json", graphs.to_string());
    let of = |more: &[&str]| -> Vec<Value> {
        let args = [&["api", "graphs", &file, "--format", "json"], more].concat();
        serde_json::from_str(&run(&args).expect(0)).unwrap()
    };
    // By hand: callers are a in 3 edges and c in 1, callees b in 2 and c in 2.
    let named = &of(&[])[0];
    assert_eq!(
        (&named["max_global_source_degrees"], &named["max_global_dest_degrees"]),
        (&3.0.into(), &2.0.into())
    );
    let published = &of(&["--seed-compat"])[0];
    assert_eq!(
        (&published["max_global_source_degrees"], &published["max_global_dest_degrees"]),
        (&2.0.into(), &3.0.into())
    );
    // One edge has no spread; of a table without its endpoints it has no degrees either.
    assert_eq!(of(&[])[1]["std_local_source_degrees"], Value::Null);
    let empty = write(folder.path(), "empty.json", "[]");
    assert_eq!(of(&["--reference", &empty])[0]["max_global_source_degrees"], 0.0);
    for (text, expected) in [
        ("{}", "invalid type"),
        (r#"[{"_id":"x","call_graph":[{"toId":"a"}]}]"#, "graph \"x\": edge 0 has no fromId"),
        (r#"[{"_id":"x","call_graph":[{"fromId":"a"}]}]"#, "graph \"x\": edge 0 has no toId"),
        ("[{", "EOF"),
    ] {
        let wrong = write(folder.path(), "wrong.json", text);
        run(&["api", "graphs", &wrong]).says(2, &["wrong.json", expected]);
    }
}

#[test]
fn paths_of_an_openapi_document_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["/api/v1/products/red-shoe", "/api/v1/products/blue-hat", "/api/v1/users/ann/orders"];
    let lines: String =
        (0..).zip(paths).map(|(second, path)| line(2, second, "10.0.0.1", path, 200)).collect();
    let log = write(folder.path(), "access.log", lines);
    let of = |document: &str| -> Vec<Value> {
        let document = write(folder.path(), "openapi", document);
        let found = run(&["api", "replay", &log, "--openapi", &document, "--format", "json"]).expect(0);
        let found: Value = serde_json::from_str(&found).unwrap();
        found["endpoints"].as_array().unwrap().clone()
    };
    let expected: Vec<Value> = vec![
        serde_json::json!(["GET /api/v1/products/{id}", 2]),
        serde_json::json!(["GET /api/v1/users/{id}/orders", 1]),
    ];
    let three_0 = "openapi: 3.0.3\nservers: [{ url: 'https://shop.example.org/api/v1' }]\npaths:\n  /products/{productId}: { get: {} }\n  \
                   /users/{userId}/orders: { get: {} }\n";
    assert_eq!(of(three_0), expected);
    let three_1 = r#"{"openapi":"3.1.0","servers":[{"url":"/api/v1"}],"paths":{"/products/{id}":{},"/users/{u}/orders":{}},"webhooks":{}}"#;
    assert_eq!(of(three_1), expected);
    let old = write(folder.path(), "swagger.yaml", "swagger: '2.0'\n");
    run(&["api", "replay", &log, "--openapi", &old]).says(2, &["no paths were found", "OpenAPI 3"]);
}
