//! `lanner detector`: trained on one table, scoring another.

use std::fmt::Write as _;
use std::path::Path;

use lanner_testkit::shared_data;
use serde_json::Value;

use crate::program::{run, serve};

/// A minute for each row: load, and what follows from it; from row `strange` on for ten rows the processor works for nothing.
fn table(first: u32, n: u32, strange: Option<u32>) -> String {
    let mut text = "time,host_name,requests,cpu,bytes,incident\n".to_owned();
    for row in first..first + n {
        let load = 10.0 + 5.0 * (f64::from(row) / 30.0).sin() + f64::from(row * 7_919 % 101) / 100.0;
        let is_strange = strange.is_some_and(|from| (from..from + 10).contains(&row));
        let cpu = if is_strange { 40.0 } else { 2.0 * load + f64::from(row * 31 % 17) / 50.0 };
        let (hour, minute, day) = (row / 60 % 24, row % 60, 1 + row / 1_440);
        let (bytes, mark) = (1e6 * load, u8::from(is_strange));
        writeln!(text, "2026-01-{day:02}T{hour:02}:{minute:02}:00Z,web,{load},{cpu},{bytes},{mark}").unwrap();
    }
    text
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("usual.csv"), table(0, 3_000, None)).unwrap();
        std::fs::write(folder.path("later.csv"), table(3_000, 600, Some(3_400))).unwrap();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn train(&self, more: &[&str]) -> crate::program::Ran {
        let (usual, out) = (self.path("usual.csv"), self.path("web.detector"));
        let values = ["--value", "requests", "--value", "cpu", "--value", "bytes"];
        run(&[&["detector", "train", &usual, "--out", &out], &values[..], more].concat())
    }
}

#[test]
fn train_score_explain() {
    let folder = Folder::new();
    let trained: Value =
        serde_json::from_str(&folder.train(&["--risk", "0.00001", "--format", "json"]).expect(0)).unwrap();
    assert_eq!(
        (&trained["kind"], &trained["columns"], &trained["rows"]),
        (&"ensemble".into(), &3.into(), &3_000.into())
    );
    assert!(trained["expected_alarms_per_day"].as_f64().unwrap() <= 0.5, "{trained}");

    let (detector, later) = (folder.path("web.detector"), folder.path("later.csv"));
    let findings = run(&["detector", "score", &detector, &later, "--format", "json"]).expect(1);
    let findings: Value = serde_json::from_str(&findings).unwrap();
    assert_eq!(findings.as_array().unwrap().len(), 1, "{findings}");
    let at = findings[0]["at"].as_str().unwrap();
    assert!(("2026-01-03T08:40:00Z".."2026-01-03T09:00:00Z").contains(&at), "{findings}");
    assert_eq!(findings[0]["columns"][0]["column"], "cpu", "{findings}");
    let usual = run(&["detector", "score", &detector, &folder.path("usual.csv")]);
    assert!(usual.err.contains("2981 rows scored"), "{usual:?}");

    let explained =
        run(&["detector", "explain", &detector, &later, "--at", "2026-01-03T08:41Z", "--format", "csv"]);
    assert!(explained.out.starts_with("column,value,contribution,share\ncpu,40,"), "{explained:?}");
    run(&["detector", "explain", &detector, &later, "--at", "2026-01-03T07:00:30Z"])
        .says(2, &["no row has the time"]);

    let scores = run(&["detector", "score", &detector, &later, "--scores", "-"]).expect(1);
    assert_eq!((scores.lines().count(), scores.lines().nth(1)), (601, Some("2026-01-03T02:00:00Z,")));
}

#[test]
fn evaluate_show_and_another_limit() {
    let folder = Folder::new();
    folder.train(&["--kind", "mahalanobis"]).expect(0);
    let (detector, later) = (folder.path("web.detector"), folder.path("later.csv"));
    let evaluated =
        run(&["detector", "evaluate", &detector, &later, "--label", "incident", "--format", "json"])
            .expect(0);
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    assert_eq!((&evaluated[0]["incidents"], &evaluated[0]["found"]), (&1.into(), &1.into()), "{evaluated}");
    assert!(evaluated[0]["vus_pr"].as_f64().unwrap() > 0.8, "{evaluated}");

    let louder = folder.path("louder.detector");
    let set = run(&["detector", "limit", &detector, "--alarms-per-day", "20", "--out", &louder]).expect(0);
    assert!(set.contains("20 alarms a day"), "{set}");
    let shown = run(&["detector", "show", &detector, &louder, "--format", "json"]).expect(0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown[1]["threshold"].as_f64() < shown[0]["threshold"].as_f64(), "{shown}");
    let model = run(&["model", "show", &detector]).expect(0);
    assert!(model.contains("mahalanobis over 3 columns, windows of 5 rows"), "{model}");
}

#[test]
fn thresholds_follow() {
    let folder = Folder::new();
    let trained = folder.train(&["--risk", "0.0001", "--level", "0.99", "--format", "json"]).expect(0);
    assert!(trained.contains("risk 0.0001 above 0.99, following the level of 4 days"), "{trained}");
    let (detector, out) = (folder.path("web.detector"), folder.path("drifting.detector"));
    let limit = |more: &[&str]| run(&[&["detector", "limit", &detector, "--out", &out], more].concat());
    limit(&["--follow", "drift", "--over", "0s"]).says(2, &["--over"]);
    limit(&["--alarms-per-day", "1", "--follow", "peaks"]).says(2, &["set by a risk"]);
    limit(&["--risk", "0.1", "--level", "1"]).says(2, &["the level is 1"]);
    limit(&["--over", "1d"]).says(2, &["--follow"]);
    let set = limit(&["--follow", "drift", "--over", "6h", "--format", "json"]).expect(0);
    assert!(set.contains("following the mean of 360 rows"), "{set}");
    run(&["detector", "score", &out, &folder.path("later.csv")]).says(1, &["581 rows scored"]);
}

#[test]
fn a_report_shows_scores_and_columns() {
    let folder = Folder::new();
    folder.train(&["--kind", "mahalanobis"]).expect(0);
    let (detector, later) = (folder.path("web.detector"), folder.path("later.csv"));
    let html = folder.path("report.html");
    let evaluate =
        |html: &str| run(&["detector", "evaluate", &detector, &later, "--label", "incident", "--html", html]);
    evaluate(&html).says(0, &["to open in a browser"]);
    let page = std::fs::read_to_string(&html).unwrap();
    let (_, data) = page.split_once("type=\"application/json\">").unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let series = data["series"].as_array().unwrap();
    let names: Vec<&str> = series.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["all columns together", "requests", "cpu", "bytes"]);
    let (whole, cpu) = (&series[0], &series[2]);
    assert!(whole["findings"][0][2].as_str().unwrap().starts_with("cpu "), "{}", whole["findings"]);
    // The incident begins with row 400 of 600; the column that it is in contributes nearly all of the score.
    let at = |of: &Value| of[401].as_f64().unwrap();
    assert!(at(&whole["score"]) > 1.0 && at(&cpu["score"]) > 0.5 * at(&whole["score"]));
    assert_eq!((at(&cpu["least"]), cpu["least"].as_array().unwrap().len()), (40.0, 600));
    let (_, list) = page.split_once("id=\"list\"").unwrap();
    let (list, _) = list.split_once("</table>").unwrap();
    assert!(list.contains("href=\"#chart-0\"") && !list.contains("href=\"#chart-2\""), "{list}");
    assert!(page.contains("score, found above 1") && !page.contains("part, found above"));
    assert!(at(&whole["least"]) > at(&whole["upper"]), "a score in its own unit is above its threshold");
    assert_eq!(
        page.matches("class=\"shade known\" d=\"M").count(),
        8,
        "one incident in four charts, and their legends"
    );
    assert!(page.split_once("id=\"facts\"").unwrap().1.contains("VUS-PR"));
    evaluate(&later).says(2, &["would replace"]);
    run(&["detector", "evaluate", &detector, &detector, &later, "--label", "incident", "--html", &html])
        .says(2, &["shows one detector"]);
}

#[test]
fn the_benchmark_is_measured_in_its_own_form() {
    let folder = Folder::new();
    let data = folder.path("Datasets/TSB-AD-M");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::create_dir_all(folder.path("Datasets/File_List")).unwrap();
    let names = ["001_Web_id_1_Facility_tr_500_1st_700.csv", "002_Web_id_2_Facility_tr_500_1st_1.csv"];
    let mut text = "load,cpu,Label\n".to_owned();
    for row in 0..1_000_u32 {
        let load = 10.0 + 5.0 * (f64::from(row) / 30.0).sin() + f64::from(row * 7_919 % 101) / 100.0;
        let is_strange = (700..720).contains(&row);
        writeln!(text, "{load},{},{}", if is_strange { 60.0 } else { 2.0 * load }, u8::from(is_strange))
            .unwrap();
    }
    std::fs::write(format!("{data}/{}", names[0]), text).unwrap();
    std::fs::write(
        folder.path("Datasets/File_List/TSB-AD-M-Eva.csv"),
        format!("file_name\n{}\n{}\n", names[0], names[1]),
    )
    .unwrap();
    let ran = run(&["detector", "evaluate", "--tsb-ad", &data, "--kind", "mahalanobis", "--format", "csv"]);
    assert!(ran.err.contains("1 of 2 files by mahalanobis") && ran.err.contains("cannot read"), "{ran:?}");
    let table = ran.expect(0);
    let lines: Vec<&str> = table.lines().collect();
    let columns =
        "file,Time,AUC-PR,AUC-ROC,VUS-PR,VUS-ROC,Standard-F1,PA-F1,Event-based-F1,R-based-F1,Affiliation-F";
    assert_eq!((lines.len(), lines[0]), (2, columns));
    let cells: Vec<&str> = lines[1].split(',').collect();
    assert!(cells[0] == names[0] && cells[2].parse::<f64>().unwrap() > 0.9, "{table}");
    run(&["detector", "evaluate", "--tsb-ad", &folder.path("nowhere")]).says(2, &["nowhere"]);
    run(&["detector", "evaluate"]).says(2, &["--label"]);
}

#[test]
fn an_interrupted_training_goes_on() {
    let folder = Folder::new();
    let few = folder.path("few.csv");
    std::fs::write(&few, table(0, 400, None)).unwrap();
    let train = |out: &str, more: &[&str]| {
        let values =
            ["--value", "requests", "--value", "cpu", "--kind", "mvad", "--window", "10", "--name", "web"];
        run(&[&["detector", "train", &few, "--out", out], &values[..], more].concat())
    };
    let (whole, halves) = (folder.path("whole.detector"), folder.path("halves.detector"));
    train(&whole, &["--epochs", "40"]).expect(0);
    let checkpoint = format!("{halves}.checkpoint");
    train(&halves, &["--epochs", "40", "--resume"]).says(2, &["to go on from"]);
    // Killed as soon as there is a checkpoint.
    let mut command = crate::program::lanner();
    command.args(["detector", "train", &few, "--out", &halves, "--value", "requests", "--value", "cpu"]);
    command.args(["--kind", "mvad", "--window", "10", "--name", "web", "--epochs", "40"]);
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    while !Path::new(&checkpoint).exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!Path::new(&halves).exists(), "it was killed too late");
    train(&halves, &["--epochs", "40"]).says(2, &["left of a training that was interrupted", "--resume"]);
    train(&halves, &["--epochs", "40", "--resume", "--seed", "1"]).says(2, &["another training"]);
    train(&halves, &["--epochs", "40", "--resume"]).says(0, &["done before", "of 40: forecast error"]);
    assert!(std::fs::read(&halves).unwrap() == std::fs::read(&whole).unwrap());
    assert!(!Path::new(&checkpoint).exists());
    std::fs::write(&checkpoint, b"rubbish").unwrap();
    std::fs::remove_file(&halves).unwrap();
    train(&halves, &["--resume"]).says(2, &["is no checkpoint"]);
}

#[test]
fn a_server_is_told_how_a_training_goes() {
    let (folder, server) = (Folder::new(), serve(tempfile::tempdir().unwrap(), &[]));
    let few = folder.path("few.csv");
    std::fs::write(&few, table(0, 400, None)).unwrap();
    let out = folder.path("shop.detector");
    let values =
        ["--value", "requests", "--value", "cpu", "--kind", "mvad", "--window", "10", "--epochs", "3"];
    let train = [&["detector", "train", &few, "--out", &out, "--tell"], &values[..]].concat();
    server.run(&train).says(0, &["epoch 3 of 3: forecast error"]);
    let told = server.run(&["export", "--series", "detector.training.*", "--format", "line"]).expect(0);
    let of = |name: &str| {
        told.lines()
            .filter(|line| line.starts_with(&format!("detector.training.{name},detector=shop ")))
            .count()
    };
    assert_eq!((of("pass"), of("forecast"), of("later_forecast")), (3, 3, 3), "{told}");
    // Nobody trains for hours and learns then that nobody was told.
    std::fs::remove_file(&out).unwrap();
    run(&[&train[..], &["--url", "http://127.0.0.1:9"]].concat()).says(3, &["is `lanner serve` running?"]);
    assert!(!Path::new(&out).exists());
}

/// Recorded weights of the reference, of 3 columns and windows of 6 rows.
#[test]
fn weights_of_another_program_are_kept() {
    let Some(weights) = shared_data("mtad-gat-golden/gatv2-adbox.weights.safetensors") else { return };
    let folder = Folder::new();
    let (usual, out) = (folder.path("usual.csv"), folder.path("given.detector"));
    let row = |at: u32| format!("{},{},{}\n", at % 7, at * at % 11, at % 5);
    std::fs::write(&usual, format!("a,b,c\n{}", (0..400).map(row).collect::<String>())).unwrap();
    let train = ["detector", "train", &usual, "--kind", "mtad-gat", "--out", &out, "--epochs", "0"];
    let given = ["--weights", weights.to_str().unwrap()];
    let trained = run(&[&train[..], &given, &["--window", "6"]].concat());
    assert!(trained.code == 0 && trained.out.contains("mtad-gat"), "{} {}", trained.out, trained.err);
    let other = folder.path("other.detector");
    let train = ["detector", "train", &usual, "--kind", "mtad-gat", "--out", &other, "--epochs", "0"];
    run(&[&train[..], &given, &["--window", "8"]].concat())
        .says(2, &["the weights do not fit a network of 3 columns"]);
    run(&[&train[..], &["--weights", &usual]].concat()).says(2, &["no safetensors file"]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = Folder::new();
    folder.train(&[]).expect(0);
    folder.train(&[]).says(2, &["exists; detectors never change"]);
    let (detector, later) = (folder.path("web.detector"), folder.path("later.csv"));
    let out = folder.path("other.detector");
    let usual = folder.path("usual.csv");
    run(&["detector", "train", &usual, "--out", &out, "--kind", "magic"]).says(2, &["ensemble, mahalanobis"]);
    run(&["detector", "train", &usual, "--out", &out, "--window", "0"]).says(2, &["the window is 0 rows"]);
    run(&["detector", "train", &usual, "--out", &out, "--risk", "2"]).says(2, &["the risk is 2"]);
    run(&["detector", "limit", &detector, "--out", &out]).says(2, &["--alarms-per-day"]);
    run(&["detector", "score", &later, &later]).says(2, &["is no file of a detector"]);
    run(&["detector", "evaluate", &later, "--label", "incident"]).says(2, &["no detector is given"]);
    let few = folder.path("few.csv");
    std::fs::write(&few, table(0, 19, None)).unwrap();
    run(&["detector", "score", &detector, &few]).says(2, &["a score looks at 20 rows"]);
    run(&["detector", "train", &few, "--out", &out]).says(2, &["at least 200 rows, found 19"]);
    std::fs::write(&few, "time,requests,bytes\n2026-01-01,1,2\n2026-01-02,1,2\n").unwrap();
    run(&["detector", "score", &detector, &few]).says(2, &["cpu"]);
    let bytes = std::fs::read(&detector).unwrap();
    std::fs::write(&out, &bytes[..bytes.len() / 2]).unwrap();
    run(&["detector", "show", &out]).says(2, &["is damaged"]);
    tables_that_teach_nothing(&folder);
    assert!(!Path::new(&folder.path("third.detector")).exists());
}

/// Wide beyond all use, without a number, backwards.
fn tables_that_teach_nothing(folder: &Folder) {
    let (file, out) = (folder.path("strange.csv"), folder.path("strange.detector"));
    let check = |text: String, part: &str| {
        std::fs::write(&file, text).unwrap();
        run(&["detector", "train", &file, "--out", &out]).says(2, &[part]);
        assert!(!Path::new(&out).exists());
    };
    let wide = |n: usize| {
        let row = |cell: &dyn Fn(usize) -> String| (0..n).map(cell).collect::<Vec<_>>().join(",");
        format!("{}\n{}\n", row(&|at| format!("c{at}")), row(&|_| "1.5".to_owned()))
    };
    check(wide(1_000_000), "a row is longer than 4 MiB");
    check(wide(100_000), "more than 10000");
    let rows = |row: &dyn Fn(i64) -> String| -> String { (0..300).map(row).collect() };
    check(format!("a,b\n{}", rows(&|_| "NaN,\n".to_owned())), "no column contains a number");
    let backwards = rows(&|at| format!("{},{}.5,1\n", 1_700_000_000 - at * 60, at % 7));
    check(format!("time,a,b\n{backwards}"), "before that of the row above");
}

/// Three hosts in one table, of which one has ten times the load; `strange` is the host whose processor works for nothing in the end.
fn fleet(first: u32, n: u32, strange: Option<&str>, hosts: &[&str]) -> String {
    let mut text = "time,host,requests,cpu,incident\n".to_owned();
    for row in first..first + n {
        for (at, host) in hosts.iter().enumerate() {
            let scale = if *host == "large" { 10.0 } else { 1.0 };
            let mixed = (row * 3 + at as u32) * 7_919 % 101;
            let load = scale * (10.0 + 5.0 * (f64::from(row) / 30.0).sin() + f64::from(mixed) / 100.0);
            let is_strange = strange == Some(*host) && (first + n - 20..first + n - 10).contains(&row);
            let cpu = if is_strange { 9.0 * load } else { 2.0 * load + f64::from(mixed % 17) / 50.0 };
            let (day, hour, minute) = (1 + row / 1_440, row / 60 % 24, row % 60);
            writeln!(
                text,
                "2026-01-{day:02}T{hour:02}:{minute:02}:00Z,{host},{load},{cpu},{}",
                u8::from(is_strange)
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn each_host_has_a_detector_of_its_own() {
    let folder = Folder::new();
    let (table, later) = (folder.path("fleet.csv"), folder.path("fleet-later.csv"));
    std::fs::write(&table, fleet(0, 2_000, None, &["a", "large", "b"])).unwrap();
    std::fs::write(&later, fleet(2_000, 400, Some("b"), &["a", "b", "large", "new"])).unwrap();
    let (set, one) = (folder.path("fleet.detector"), folder.path("one.detector"));
    let train = |out: &str, more: &[&str]| {
        let values = ["--value", "requests", "--value", "cpu", "--kind", "mahalanobis"];
        run(&[&["detector", "train", &table, "--out", out], &values[..], more].concat())
    };
    train(&one, &[]).says(2, &["another series begins here", "--by COLUMN"]);
    train(&set, &["--by", "cluster"]).says(2, &["cluster"]);
    let trained: Value =
        serde_json::from_str(&train(&set, &["--by", "host", "--format", "json"]).expect(0)).unwrap();
    let of = |at: usize| (trained[at]["entity"].as_str(), trained[at]["rows"].as_u64());
    assert_eq!(
        (of(0), of(1), of(2)),
        ((Some("a"), Some(2_000)), (Some("b"), Some(2_000)), (Some("large"), Some(2_000)))
    );
    assert!(trained[2]["threshold"].as_f64().unwrap() > 0.0, "{trained}");

    // What is usual for the large host would not be for the others; who is new is said, and not judged.
    let scored = run(&["detector", "score", &set, &later, "--format", "json"]);
    assert!(
        scored.err.contains("1 value of host has no detector, so 400 rows are not judged: new"),
        "{scored:?}"
    );
    let found: Value = serde_json::from_str(&scored.expect(1)).unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["entity"]), (1, &"b".into()), "{found}");
    assert_eq!(found[0]["columns"][0]["column"], "cpu", "{found}");
    let listed = run(&["detector", "score", &set, &later]).expect(1);
    assert!(listed.trim_start().starts_with("host"), "{listed}");
    let large = run(&["detector", "score", &set, &later, "--entity", "large"]);
    assert!(large.err.contains("396 rows scored"), "{large:?}");
    assert!(large.expect(0).contains("Nothing unusual"));
    run(&["detector", "score", &set, &later, "--entity", "new"])
        .says(2, &["no detector for host new", "a, b, large"]);
    let scores = run(&["detector", "score", &set, &later, "--scores", "-"]).expect(1);
    assert!(scores.starts_with("time,host,score\n") && scores.lines().count() == 1_201, "{}", &scores[..80]);

    let evaluated = run(&["detector", "evaluate", &set, &later, "--label", "incident", "--format", "json"]);
    assert!(evaluated.err.contains("mean over host, 1 with incidents: VUS-PR"), "{evaluated:?}");
    let evaluated: Value = serde_json::from_str(&evaluated.expect(0)).unwrap();
    let found = |at: usize| (evaluated[at]["entity"].as_str(), evaluated[at]["found"].as_u64());
    assert_eq!(
        (found(0), found(1), found(2)),
        ((Some("a"), Some(0)), (Some("b"), Some(1)), (Some("large"), Some(0)))
    );
    let html = folder.path("b.html");
    let report = |more: &[&str]| {
        run(&[&["detector", "evaluate", &set, &later, "--label", "incident", "--html", &html], more].concat())
    };
    report(&[]).says(2, &["--html shows one detector", "--entity"]);
    report(&["--entity", "b"]).says(0, &["to open in a browser"]);

    let explained = run(&["detector", "explain", &set, &later]);
    assert!(explained.err.contains("host b, 2026-01-02T"), "{explained:?}");
    let louder = folder.path("louder.detector");
    run(&["detector", "limit", &set, "--alarms-per-day", "20", "--out", &louder]).expect(0);
    let shown = run(&["detector", "show", &louder, "--entity", "a", "--format", "json"]).expect(0);
    assert!(shown.contains("20 alarms a day"), "{shown}");
    let model = run(&["model", "show", &set]).expect(0);
    assert!(model.contains("mahalanobis over 2 columns, windows of 5 rows, for each host: 3"), "{model}");

    // Fewer hosts than there are; and one without enough rows.
    let few = folder.path("few.detector");
    train(&few, &["--by", "host", "--max-entities", "2"]).says(0, &["host has more than 2 values", "b"]);
    std::fs::write(&table, fleet(0, 2_000, None, &["a"]) + &fleet(2_000, 30, None, &["b"]).split_off(32))
        .unwrap();
    let short = folder.path("short.detector");
    train(&short, &["--by", "host"])
        .says(0, &["host b has no detector: training needs at least 200 rows, found 30"]);
    let none = folder.path("none.detector");
    std::fs::write(&table, fleet(0, 30, None, &["a", "b"])).unwrap();
    train(&none, &["--by", "host"]).says(2, &["no value of host has rows that can be learned from"]);
    assert!(!Path::new(&none).exists());
}

#[test]
fn rows_that_find_no_room_teach_the_same() {
    let folder = Folder::new();
    for kind in ["ensemble", "mvad"] {
        let train = |out: &str, memory: &str| {
            let (usual, out) = (folder.path("usual.csv"), folder.path(out));
            let values = [
                "--value", "requests", "--value", "cpu", "--value", "bytes", "--window", "10", "--epochs",
                "1",
            ];
            let more = ["--kind", kind, "--memory", memory, "--name", "web"];
            run(&[&["detector", "train", &usual, "--out", &out], &values[..], &more].concat()).expect(0);
            std::fs::read(out).unwrap()
        };
        let (held, read) = (train(&format!("{kind}.held"), "512"), train(&format!("{kind}.read"), "0"));
        assert!(held == read, "{kind}");
    }
    // Nothing is left behind.
    let left = std::fs::read_dir(folder.0.path()).unwrap().count();
    assert_eq!(left, 2 + 4);
}

#[test]
fn several_trainings_that_were_interrupted_go_on() {
    let folder = Folder::new();
    let table = folder.path("fleet.csv");
    std::fs::write(&table, fleet(0, 400, None, &["a", "b", "large"])).unwrap();
    let arguments = |out: &str| {
        let values =
            ["--value", "requests", "--value", "cpu", "--kind", "mvad", "--window", "10", "--epochs", "30"];
        let more = ["--by", "host", "--name", "web", "--out", out];
        [&["detector", "train", &table], &values[..], &more]
            .concat()
            .iter()
            .map(|it| (*it).to_owned())
            .collect::<Vec<_>>()
    };
    let train = |out: &str, more: &[&str]| {
        let arguments = arguments(out);
        run(&[&arguments.iter().map(String::as_str).collect::<Vec<_>>()[..], more].concat())
    };
    let (whole, halves) = (folder.path("whole.detector"), folder.path("halves.detector"));
    train(&whole, &[]).expect(0);
    let checkpoints = format!("{halves}.checkpoint");
    let mut child = crate::program::lanner()
        .args(arguments(&halves))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Killed as soon as one of them is whole.
    let is_kept = || {
        let entries = std::fs::read_dir(&checkpoints).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().len() == 64)
    };
    while !is_kept() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!Path::new(&halves).exists(), "it was killed too late");
    train(&halves, &[]).says(2, &["left of a training that was interrupted"]);
    train(&halves, &["--resume"]).says(0, &["done before"]);
    assert!(std::fs::read(&halves).unwrap() == std::fs::read(&whole).unwrap());
    assert!(!Path::new(&checkpoints).exists());
}
