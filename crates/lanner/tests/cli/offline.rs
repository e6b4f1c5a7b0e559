//! Commands on a data folder, without a running server.

use std::fmt::Write as _;

use crate::program::{golden, run, run_with_input};

#[test]
fn a_folder_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, events) = (path("data"), path("payments.ndjson"));
    let day = |n: usize| format!("{{\"time\":\"2025-01-0{n}T00:00:00Z\",\"bank\":\"hsbc\"}}\n");
    std::fs::write(&events, day(1).repeat(100) + &day(2).repeat(10)).unwrap();
    let import = ["import", "--data", &data, "--stream", "payments", &events];
    run(&[&import[..], &["--too-old", "keep"]].concat()).says(0, &["110 events"]);
    let rules = path("rules.yaml");
    let rule = "rules: [{ id: a, query: { stream: payments, measure: count }, window: 1m, relative: { to: 1d, drop: 50% } }]";
    std::fs::write(&rules, rule).unwrap();
    run(&["rule", "apply", "--data", &data, &rules]).says(0, &["1 created"]);
    let replay = [
        "replay",
        "--data",
        &data,
        "--from",
        "2025-01-01",
        "--to",
        "2025-01-02T00:02:00Z",
        "--format",
        "csv",
    ];
    let replay = run(&replay).expect(0);
    assert!(replay.contains("2025-01-02T00:01:00Z,goes on,,a,,firing,10,100"), "{replay}");
    let listed = run(&["rule", "list", "--data", &data, "--format", "csv"]).expect(0);
    assert!(listed.starts_with("id,version,") && listed.contains("\na,1,"), "{listed}");
    run(&["status", "--data", &data]).says(0, &[]);
}

#[test]
fn a_threshold_is_chosen_by_looking_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, samples, rules, incidents) =
        (path("data"), path("queue.csv"), path("rules.yaml"), path("incidents.csv"));
    // Three weeks of a value an hour, 5 and 6 by turns; at noon of each day 11, 12, ... 31.
    let mut text = "time,length\n".to_owned();
    for hour in 0..21 * 24 {
        let value = if hour % 24 == 12 { 11 + hour / 24 } else { 5 + hour % 2 };
        writeln!(text, "2025-01-{:02}T{:02}:00:00Z,{value}", 1 + hour / 24, hour % 24).unwrap();
    }
    std::fs::write(&samples, text).unwrap();
    run(&["import", "--data", &data, "--name", "queue", &samples]).says(0, &["504 samples"]);
    let rule = "rules:\n  - { id: long, query: { series: queue.length }, window: 1h, absolute: { max: 28, recover_at: { max: 20 } } }\n  \
                - { id: restless, query: { series: queue.length }, window: 1h, variation: { n: 5, above: 1.9 } }\n";
    std::fs::write(&rules, rule).unwrap();
    let marks = "from,to\n2025-01-19 11:00,2025-01-19 14:00\n2025-01-20 12:30,2025-01-20 12:30\n2025-01-03,2025-01-03\n";
    std::fs::write(&incidents, marks).unwrap();
    let ask = ["replay", "--data", &data, "--rules", &rules, "--from", "2025-01-01", "--to", "2025-01-22"];
    let more = ["--alarms-per-week", "2", "--incidents", &incidents, "--tolerance", "10m"];
    let reviewed = run(&[&ask[..], &more, &["--review"]].concat()).expect(0);
    golden(&reviewed, "review.txt");
    let whole = run(&[&ask[..], &more].concat());
    assert!(whole.out.contains("\n\nlong\n  It would have fired 3 times"), "{}", whole.out);
    // A list for programs stays a list; what there is to learn is a remark.
    let csv = run(&[&ask[..], &["--format", "csv"]].concat());
    assert!(csv.out.starts_with("start,") && csv.err.contains("\n  It would have fired 3 times"), "{csv:?}");
    let reviews = run(&[&ask[..], &more, &["--review", "--format", "json"]].concat()).expect(0);
    let reviews: serde_json::Value = serde_json::from_str(&reviews).unwrap();
    assert_eq!(reviews[0]["suggestions"][0]["settings"][0]["field"], "absolute.max");
    let rows = run(&[&ask[..], &more, &["--review", "--format", "csv"]].concat()).expect(0);
    assert_eq!(rows.lines().count(), 3, "{rows}");
    run(&[&ask[..], &["--alarms-per-week", "few"]].concat()).says(2, &["0 or larger"]);
    run(&[&ask[..], &["--tolerance", "10m"]].concat()).says(2, &["--incidents"]);
}

#[test]
fn whisper_files_are_imported_under_the_names_of_their_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, whisper) = (path("data"), path("whisper"));
    let file = whisper_file(1_795_000_020, &[16.0, 17.5, 19.0]);
    std::fs::create_dir_all(path("whisper/app/web")).unwrap();
    std::fs::write(path("whisper/app/web/rate.wsp"), &file).unwrap();
    std::fs::write(path("whisper/app/broken.wsp"), &file[..20]).unwrap();
    std::fs::write(path("whisper/notes.txt"), "not a series").unwrap();
    // The broken file costs only itself, and the exit code tells of it.
    run(&["import", "--data", &data, &whisper])
        .says(1, &["rate.wsp: 3 samples", "broken.wsp cannot be read as a Whisper file", "cut off"]);
    let exported = run(&["export", "--data", &data, "--series", "*", "--format", "csv"]).expect(0);
    assert!(exported.contains("app.web.rate") && exported.contains(",17.5"), "{exported}");
    // Whoever opens the folder next has nothing to read back into memory.
    let db = rusqlite::Connection::open(format!("{data}/lanner.db")).unwrap();
    let n_unsealed: i64 = db.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert_eq!(n_unsealed, 0);
    std::fs::create_dir_all(path("empty")).unwrap();
    let empty = run(&["import", "--data", &data, &path("empty")]);
    empty.says(2, &["contains no files with a series each (*.wsp)"]);
    // Without an ending the header tells, and the file's name is that of the series.
    std::fs::copy(path("whisper/app/web/rate.wsp"), path("load")).unwrap();
    run(&["import", "--data", &data, &path("load")]).says(0, &["load: 3 samples"]);
    let exported = run(&["export", "--data", &data, "--series", "load", "--format", "csv"]).expect(0);
    assert!(exported.contains("load,17.5"), "{exported}");
    let nameless = run_with_input(&["import", "--data", &data, "-"], &file);
    nameless.says(2, &["does not hold the name of its series", "--name"]);
}

/// A Whisper file of one archive: values a minute apart.
fn whisper_file(start_s: u32, values: &[f64]) -> Vec<u8> {
    let n_points = u32::try_from(values.len()).unwrap();
    let mut file = Vec::new();
    for number in [1, 60 * n_points, 0.5_f32.to_bits(), 1, 28, 60, n_points] {
        file.extend(number.to_be_bytes());
    }
    for (time_s, value) in (start_s..).step_by(60).zip(values) {
        file.extend(time_s.to_be_bytes());
        file.extend(value.to_be_bytes());
    }
    file
}
