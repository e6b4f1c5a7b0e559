//! `lanner detect`: tables in, findings out.

use std::io::Read as _;

use serde_json::Value;

use crate::program::{Ran, run, run_with_input};

impl Ran {
    /// What was said on either output; all `parts` must be in it.
    #[track_caller]
    fn tells(self, code: i32, parts: &[&str]) {
        let text = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{text}");
        parts.iter().for_each(|part| assert!(text.contains(part), "\"{part}\" is not in:\n{text}"));
    }
}

/// Something that repeats, with a spike in row 300.
fn sample(row: u32) -> f64 {
    if row == 300 { 60.0 } else { f64::from(row * 7 % 10) }
}

/// A minute for each row.
fn time(row: u32) -> String {
    format!("2026-01-01 {:02}:{:02}:00", row / 60, row % 60)
}

/// A table with a heading and 400 rows.
fn table(heading: &str, row: impl Fn(u32) -> String) -> String {
    std::iter::once(heading.to_owned())
        .chain((0..400).map(row))
        .filter(|line| !line.is_empty())
        .map(|line| line + "\n")
        .collect()
}

#[test]
fn any_table_will_do() {
    #[track_caller]
    fn check(table: &str, from: &str) {
        let ran = run_with_input(&["detect", "--format", "json", "-"], table.as_bytes());
        assert_eq!(ran.code, 1, "{ran:?}");
        let findings: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(findings[0]["from"].to_string(), from, "{findings}");
        assert_eq!(
            (&findings[0]["value"], findings.as_array().unwrap().len()),
            (&60.0.into(), 1),
            "{findings}"
        );
    }
    let at = "\"2026-01-01T05:00:00Z\"";
    let epoch = |row: u32| 1_767_225_600 + u64::from(row) * 60;
    check(&table("timestamp,value", |row| format!("{},{}", time(row), sample(row))), at);
    check(&table("", |row| format!("{},{}", time(row), sample(row))), at); // no heading
    check(&table("zeit;wert", |row| format!("{};{},0\r", time(row), sample(row))), at);
    check(&table("a\tb", |row| format!("{}\t{}", sample(row), epoch(row) * 1_000)), at);
    check(&table("x|y", |row| format!("{}|{}", epoch(row), sample(row))), at);
    check(&table("time,host,value", |row| format!("{},\"a, b\",{}", time(row), sample(row))), at);
    let gap = |row: u32| if row % 9 == 1 { "NaN".to_owned() } else { sample(row).to_string() };
    check(&table("time,value", |row| format!("{},{}", time(row), gap(row))), at);
    check(&table("value", |row| sample(row).to_string()), "302");
    check(&table("", |row| sample(row).to_string()), "301");
}

#[test]
fn several_columns() {
    let row = |row| format!("{},{},x,{},{}", time(row), sample(row), 5, sample(399 - row));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.csv");
    std::fs::write(&path, table("t,a,text,b,c", row)).unwrap();
    let path = path.to_str().unwrap();
    let ran = run(&["detect", path, "--format", "csv"]);
    let mut series: Vec<_> = ran.out.lines().map(|line| line.split(",2026").next().unwrap()).collect();
    series[1..].sort_unstable();
    assert_eq!(series, ["series,from,to,value,expected,score,what", "a", "c"]);
    ran.tells(1, &["3 series, time column t"]);
    run(&["detect", path, "--value", "b"]).tells(0, &["Nothing unusual was found."]);
    let only = run(&["detect", path, "--value", "A", "--format", "json"]).expect(1);
    assert!(only.contains("\"a\"") && !only.contains("\"c\""), "{only}");
    run(&["detect", path, "--threshold", "1000"]).tells(0, &[]);
}

#[test]
fn exit_codes_and_mistakes() {
    let usual = table("time,value", |row| format!("{},{}", time(row), row % 7));
    run_with_input(&["detect", "-"], usual.as_bytes()).tells(0, &["Nothing unusual"]);
    run_with_input(&["detect", "-", "--format", "json"], usual.as_bytes()).tells(0, &["[]"]);
    run_with_input(&["detect", "-", "--value", "x"], usual.as_bytes())
        .tells(2, &["no column \"x\"", "time, value"]);
    let texts = table("time,value", |row| format!("{},x{row}", time(row)));
    run_with_input(&["detect", "-", "--time", "value"], texts.as_bytes())
        .tells(2, &["standard input: line 2, column 2: value: \"x0\" is not a time", "2026-12-31T08:00:00Z"]);
    run_with_input(&["detect", "-", "--label", "value"], usual.as_bytes())
        .tells(2, &["no column of numbers"]);
    run_with_input(&["detect", "-"], &[0x1f, 0x8b, 1, 2, 3]).tells(2, &["standard input"]);
    run(&["detect", "no-such.csv"]).tells(2, &["no-such.csv", "check the path"]);
    run(&["detect", "-", "--threshold", "0"]).tells(2, &["above 0"]);
}

#[test]
fn where_nothing_could_be_judged_nothing_is_called_usual() {
    #[track_caller]
    fn check(input: &[u8], parts: &[&str]) {
        let ran = run_with_input(&["detect", "-"], input);
        assert!(!format!("{}{}", ran.out, ran.err).contains("Nothing unusual"), "{ran:?}");
        ran.tells(2, parts);
        assert_eq!(run_with_input(&["detect", "--format", "json", "-"], input).code, 2);
    }
    check(b"", &["standard input holds no rows"]);
    check(b"time,value\n", &["standard input holds no rows"]);
    check(b"time,value\n2026-01-01,1\n", &["too few values", "value (1 value)", "Nothing could be scored."]);
    check(b"time,v\n2026-01-01,1\n2026-01-02,2\n", &["v (2 values)", "Nothing could be scored."]);
    check(b"[{\"time\": 1, \"value\": 2}]", &["value (1 value)", "Nothing could be scored."]);
    check(b"{\"answer\": [1, 2]}", &["standard input is JSON that cannot be read as samples"]);
    check(b"a,b\nx,y\n", &["no column of numbers", "a, b"]);
    check(b"PK\x03\x04\0\0", &["not a table of text"]);
    let texts = table("time,state", |row| format!("{},s{}", time(row), row % 7));
    check(texts.as_bytes(), &["no column of numbers", "time, state"]);
}

#[test]
fn what_dates_leave_open_is_asked() {
    let ambiguous = table("day,value", |row| format!("0{}/0{}/2025,{row}", row % 8 + 2, row % 7 + 1));
    let ran = run_with_input(&["detect", "-"], ambiguous.as_bytes());
    ran.tells(2, &["column 1: day: \"02/01/2025\" may begin", "--date-order dmy"]);
    let day_first =
        table("day,value", |row| format!("{:02}/12/2025 00:{:02},{}", row / 40 + 3, row % 40, sample(row)));
    run_with_input(&["detect", "-"], day_first.as_bytes()).tells(1, &["2025-12-10T00:20:00Z"]);
    let zone = ["detect", "-", "--tz", "Europe/Berlin"];
    run_with_input(&zone, day_first.as_bytes()).tells(1, &["2025-12-10T00:20:00+01:00"]);
    let json = ["detect", "-", "--time-zone", "Europe/Berlin", "--format", "json"];
    run_with_input(&json, day_first.as_bytes()).tells(1, &["2025-12-09T23:20:00Z"]);
    let mixed = table("day,value", |row| {
        if row % 2 == 0 { format!("13/02/2025,{row}") } else { format!("02/14/2025,{row}") }
    });
    run_with_input(&["detect", "-"], mixed.as_bytes()).tells(
        2,
        &["column 1: day: \"13/02/2025\" in line 2 begins with the day, \"02/14/2025\" in line 3 with the month"],
    );
}

/// Five-minute values of two weeks with one incident, in the forms in which people have them.
#[test]
fn tables_as_people_have_them() {
    let Some(folder) = lanner_testkit::shared_data("tables") else { return };
    let mut n_tables = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".csv.gz") {
            continue;
        }
        n_tables += 1;
        let ran = run(&["detect", path.to_str().unwrap(), "--format", "json"]);
        let findings: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{name}: {ran:?}"));
        let findings = findings.as_array().unwrap();
        let from = |finding: &Value| finding["from"].as_str().unwrap_or_default().to_owned();
        let (start, end) = ("2025-10-30T10:00:00Z", "2025-10-30T11:40:00Z");
        let is_in_time = |finding: &Value| from(finding).as_str() >= start && from(finding).as_str() <= end;
        assert!(findings.iter().any(is_in_time), "{name}: {findings:?} {}", ran.err);
        // Nothing before it comes near.
        let is_marginal = |finding: &Value| finding["score"].as_f64().unwrap() < 1.1;
        let is_late = |finding: &Value| from(finding).as_str() >= start;
        let (gaps, values): (Vec<&Value>, Vec<&Value>) =
            findings.iter().partition(|finding| finding["what"].as_str().unwrap().starts_with("no values"));
        assert!(values.iter().all(|it| is_late(it) || is_marginal(it)), "{name}: {findings:?} {}", ran.err);
        // Only the one with an outage has a gap.
        assert_eq!(gaps.len(), usize::from(name.starts_with("21b")), "{name}: {findings:?}");
        if name.starts_with("21b") {
            assert_eq!(gaps[0]["what"], "no values for 1 d 1 h before this");
            assert!(ran.err.contains("no values for 1 d 1 h"), "{}", ran.err);
        }
    }
    assert!(n_tables > 10, "{n_tables}");
}

#[test]
fn rows_out_of_order() {
    let newest_first = table("time,value", |row| format!("{},{}", time(399 - row), sample(399 - row)));
    run_with_input(&["detect", "-"], newest_first.as_bytes())
        .tells(2, &["standard input:3:", "sort the rows"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, newest_first).unwrap();
    run(&["detect", path.to_str().unwrap()])
        .tells(1, &["a.csv:3:", "sorted in memory", "2026-01-01T05:00:00Z"]);
    let twice = table("time,value", |row| format!("{},{}", time(row / 2), row % 7));
    run_with_input(&["detect", "-"], twice.as_bytes()).tells(0, &["standard input:3:", "200 such rows"]);
}

#[test]
fn bad_rows_cost_only_themselves() {
    let mut text = table("time,value", |row| format!("{},{}", time(row), sample(row)));
    text.push_str("yesterday,1\n2026-01-02 00:00:00,many\n2026-01-02 00:01:00,1,2\n\"");
    let ran = run_with_input(&["detect", "-"], text.as_bytes());
    ran.tells(
        1,
        &[
            "standard input:402:1: time: \"yesterday\" is not a time; write 2026-12-31T08:00:00Z",
            "standard input:403:2: value: \"many\" is not a number; leave the cell empty for a gap; left out",
            "standard input:404: 3 cells where others have 2",
        ],
    );
}

#[test]
fn how_well_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let row = |row| format!("{},{},{}", time(row), sample(row), u8::from((298..310).contains(&row)));
    std::fs::write(path("a.csv"), table("time,value,bad", row)).unwrap();
    std::fs::write(path("spans.csv"), "from,to\n2026-01-01 04:58:00,2026-01-01 05:09:00\n").unwrap();
    std::fs::write(path("spans.json"), r#"{"x/a.csv": [["2026-01-01 04:58:00", "2026-01-01 05:09:00"]]}"#)
        .unwrap();
    std::fs::write(path("later.csv"), "from,to\n2027-01-01,2027-01-02\n").unwrap();
    let table = path("a.csv");
    let by_label = run(&["detect", &table, "--label", "bad", "--format", "json"]).expect(1);
    let found: Value = serde_json::from_str(&by_label).unwrap();
    let quality = &found["quality"][0];
    assert_eq!((&quality["incidents"], &quality["alarms"]["found"]), (&1.into(), &1.into()), "{quality}");
    assert_eq!(quality["alarms"]["median_delay_ms"], 120_000);
    for labels in ["spans.csv", "spans.json"] {
        let arguments =
            ["detect", &table, "--value", "value", "--evaluate", &path(labels), "--format", "json"];
        assert_eq!(run(&arguments).expect(1), by_label);
    }
    let evaluate = |labels: &str| run(&["detect", &table, "--value", "value", "--evaluate", &path(labels)]);
    evaluate("spans.csv").tells(1, &["VUS-PR", "NAB few missed", "median delay", "2m"]);
    evaluate("later.csv").tells(2, &["no point is labelled", "reaches from 2026-01-01T00:00:00Z"]);
    evaluate("none.csv").tells(2, &["none.csv", "check the path"]);
    evaluate("a.csv").tells(1, &["VUS-PR"]); // a table of marks
}

#[test]
fn findings_are_told_the_most_improbable_first() {
    let spike = |row: u32| match row {
        250 => 30.0,
        300..=304 => 500.0,
        row => f64::from(row * 7 % 10),
    };
    let text = table("time,value", |row| format!("{},{}", time(row), spike(row)));
    let ran = run_with_input(&["detect", "-", "--format", "json"], text.as_bytes());
    let findings: Value = serde_json::from_str(&ran.expect(1)).unwrap();
    let scores: Vec<f64> =
        findings.as_array().unwrap().iter().map(|it| it["score"].as_f64().unwrap()).collect();
    assert!(scores.len() == 2 && scores[0] >= scores[1], "{scores:?}");
    let what = findings[0]["what"].as_str().unwrap();
    assert!(what.starts_with("rose to 500, about ") && what.contains("expected"), "{what}");
    let ran = run_with_input(&["detect", "-", "--top", "1"], text.as_bytes());
    let lines = ran.out.lines().filter(|line| line.contains("2026-01-01T")).count();
    assert_eq!(lines, 1, "{ran:?}");
    ran.tells(1, &["rose to 500", "1 more, all less improbable; --top 2 shows them"]);
}

#[test]
fn every_value_with_its_score() {
    let text = table("time,value", |row| format!("{},{}", time(row), sample(row)));
    let all = run_with_input(&["detect", "-", "--scores", "-"], text.as_bytes()).expect(1);
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!((lines.len(), lines[0]), (401, "time,series,value,expected,lower,upper,score"));
    assert_eq!(lines[1], "2026-01-01T00:00:00Z,value,0,,,,");
    let score: f64 = lines[301].rsplit(',').next().unwrap().parse().unwrap();
    assert!(lines[301].starts_with("2026-01-01T05:00:00Z,value,60,") && score > 1.0, "{}", lines[301]);
    // Sorted, and once each, if the file is not in order.
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let newest_first = table("time,value", |row| format!("{},{}", time(399 - row), sample(399 - row)));
    std::fs::write(path("a.csv"), newest_first).unwrap();
    run(&["detect", &path("a.csv"), "--scores", &path("scores.csv")]).tells(1, &["rose to 60"]);
    assert_eq!(std::fs::read_to_string(path("scores.csv")).unwrap(), all);
    run(&["detect", &path("a.csv"), "--scores", &path("a.csv")]).tells(2, &["would replace the table"]);
}

#[test]
fn several_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: String| std::fs::write(path(name), text).unwrap();
    let of = |name: &str, rows: std::ops::Range<u32>| {
        let rows = rows.map(|row| format!("{},{}\n", time(row), sample(row)));
        std::iter::once(format!("time,{name}\n")).chain(rows).collect::<String>()
    };
    write("a.csv", of("value", 0..400));
    write("b.csv", of("value", 0..290));
    write("monday.csv", of("cpu", 0..200));
    write("tuesday.csv", of("cpu", 200..400));
    write("other.csv", of("cpu", 0..400));
    write("broken.csv", "x\ny\n".to_owned());
    let ran = run(&["detect", &path("a.csv"), &path("b.csv")]);
    assert!(ran.out.contains(" a ") && !ran.out.contains("value"), "{ran:?}");
    ran.tells(1, &["in all: 2 files, 690 rows, 2 series; 1 finding in 1 series"]);
    // A day each, and another host.
    let ran = run(&["detect", &path("monday.csv"), &path("tuesday.csv"), &path("other.csv")]);
    assert!(ran.out.contains("monday: cpu") && ran.out.contains("other: cpu"), "{ran:?}");
    ran.tells(1, &["continues series of the files before: cpu", "in all: 3 files, 800 rows, 2 series"]);
    // One that cannot be read costs only itself.
    run(&["detect", &path("broken.csv"), &path("a.csv")])
        .tells(2, &["no column of numbers", "rose to 60", "1 file could not be read to the end"]);
    let whole = flate2_of(&of("value", 0..400));
    std::fs::write(path("cut.csv.gz"), &whole[..whole.len() - 20]).unwrap();
    run(&["detect", &path("cut.csv.gz")]).tells(2, &["cut.csv.gz: after line", "rose to 60"]);
}

fn flate2_of(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn exports_of_other_programs() {
    #[track_caller]
    fn check(text: &str, name: &str) {
        let ran = run_with_input(&["detect", "-", "--format", "json"], text.as_bytes());
        assert_eq!(ran.code, 1, "{ran:?}");
        let findings: Value = serde_json::from_str(&ran.out).unwrap();
        let found = (&findings[0]["series"], &findings[0]["from"], findings.as_array().unwrap().len());
        assert_eq!(found, (&name.into(), &"2026-01-01T05:00:00Z".into(), 1), "{ran:?}");
    }
    let at = |row: u32| 1_767_225_600 + u64::from(row) * 60;
    check(
        &table("# TYPE queue gauge", |row| format!("queue{{host=\"a\"}} {} {}000", sample(row), at(row))),
        "queue",
    );
    check(&table("", |row| format!("queue,host=a value={} {}000000000", sample(row), at(row))), "queue");
    let pairs = |row| format!("[{},\"{}\"]", at(row), sample(row));
    let values: Vec<String> = (0..400).map(pairs).collect();
    let matrix = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"__name__":"queue","job":"a"}},"values":[{}]}}]}}}}"#,
        values.join(",")
    );
    check(&matrix, "queue");
    // A counter is judged by what it grows by, also where rows are shared by several series.
    let mut total = 0.0;
    let counter: Vec<String> = (0..400)
        .map(|row| {
            total += sample(row) + 100.0;
            format!(
                "requests_total{{host=\"a\"}} {total} {}000\nup{{host=\"a\"}} 1 {}000\n",
                at(row),
                at(row)
            )
        })
        .collect();
    let ran = run_with_input(&["detect", "-"], counter.concat().as_bytes());
    ran.tells(1, &["scored by their increase from row to row: requests_total", "increase rose to 160"]);
}

#[test]
fn hostile_tables_are_answered() {
    let wide = |n: usize| {
        let names: Vec<String> = (0..n).map(|column| format!("c{column}")).collect();
        let cells = vec!["1"; n].join(",");
        format!("time,{}\n2026-01-01,{cells}\n2026-01-02,{cells}\n", names.join(","))
    };
    run_with_input(&["detect", "-"], wide(9_999).as_bytes())
        .tells(2, &["9999 series", "Nothing could be scored"]);
    run_with_input(&["detect", "-"], wide(10_001).as_bytes()).tells(2, &["10001 series in each row"]);
    run_with_input(&["detect", "-"], b"time,a\n2026-01-01,\"1\n2\n").tells(2, &[]);
    run_with_input(&["detect", "-"], b"\x7fELF\0\0\0").tells(2, &["not a table of text"]);
    run_with_input(&["detect", "-"], &[0xff; 10_000]).tells(2, &["holds no rows"]);
}

/// A table takes no more memory than its size explains, also after one long row.
#[test]
#[cfg(target_os = "linux")]
fn a_long_cell_is_not_kept_for_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.csv");
    let rows = table(&format!("time,value\n2025-12-31 00:00:00,{}", "9".repeat(3_000_000)), |row| {
        format!("{},{}", time(row), sample(row))
    });
    std::fs::write(&path, rows).unwrap();
    // Half a gigabyte beside the program itself.
    let script = "ulimit -v 1000000; exec \"$0\" detect \"$1\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_lanner")]).arg(&path);
    Ran::from(command.output().unwrap()).tells(1, &["rose to 60", "is not a finite number"]);
}

#[test]
fn days_that_move_with_clocks_are_told() {
    // From February to May by five minutes, in UTC, busy from nine to five in Berlin.
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let row = |n: i64| {
        let at = jiff::Timestamp::from_second(1_769_904_000 + n * 300).unwrap();
        let is_busy = (9..17).contains(&berlin.to_datetime(at).hour());
        format!("{at},{}\n", if is_busy { 50 } else { 10 } + n * 7 % 10)
    };
    let table: String = std::iter::once("time,load\n".to_owned()).chain((0..26_000).map(row)).collect();
    let told = |options: &[&str]| {
        run_with_input(&[&["detect"][..], options, &["-"]].concat(), table.as_bytes()).err.contains(
            "days move when clocks change as in Europe/Berlin, which was found in the values of load",
        )
    };
    assert!(told(&[]));
    assert!(!told(&["--tz", "Europe/Berlin"]) && !told(&["--tz", "UTC"]));
}

#[test]
fn a_report_is_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let report = path.to_str().unwrap();
    let text = table("time,</script><b>", |row| format!("{},{}", time(row), sample(row)));
    run_with_input(&["detect", "-", "--report", report], text.as_bytes()).tells(1, &["to open in a browser"]);
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("<b>") && page.matches("</script>").count() == 3);
    let data = page.split_once("type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(data).unwrap();
    let series = &data["series"][0];
    assert_eq!(series["name"], "</script><b>");
    for column in ["steps", "least", "expected", "lower", "upper", "score"] {
        assert_eq!(series[column].as_array().unwrap().len(), 400, "{column}");
    }
    assert_eq!(series["findings"].as_array().unwrap().len(), 1);
    assert!(series["findings"][0][2].as_str().unwrap().starts_with("rose to 60"), "{series}");
    assert!(page.contains("<h1>standard input</h1>"));
    std::fs::write(folder.path().join("t.csv"), &text).unwrap();
    let table = folder.path().join("t.csv");
    let table = table.to_str().unwrap();
    run(&["detect", table, "--report", table]).tells(2, &["would replace the table"]);
    run(&["detect", table, "--report", report]).tells(1, &["to open in a browser"]);
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.contains("<h1>t</h1>") && !page.contains(folder.path().to_str().unwrap()));
    assert_eq!(std::fs::read_to_string(table).unwrap(), text);
}

#[test]
fn a_hole_is_told_and_stands_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let row = |row| {
        let is_missing = (150..250).contains(&row);
        if is_missing { String::new() } else { format!("{},{}", time(row), sample(row)) }
    };
    let text = table("time,value", row);
    run_with_input(&["detect", "-", "--report", path.to_str().unwrap()], text.as_bytes())
        .tells(1, &["no values for 1 h 41 min"]);
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.contains("no values from 2026-01-01 02:29"), "the report does not show the hole");
}

#[test]
fn real_data() {
    let Some(nab) = lanner_testkit::shared_data("nab") else { return };
    let table = nab.join("data/realKnownCause/nyc_taxi.csv.gz");
    let windows = nab.join("combined_windows.json");
    let arguments =
        ["detect", table.to_str().unwrap(), "--evaluate", windows.to_str().unwrap(), "--format", "json"];
    let found: Value = serde_json::from_str(&run(&arguments).expect(1)).unwrap();
    let quality = &found["quality"][0];
    assert_eq!(quality["incidents"], 5);
    assert!(quality["alarms"]["found"].as_u64().unwrap() >= 3, "{quality}");
    assert!(quality["nab"]["standard"].as_f64().unwrap() > 30.0, "{quality}");

    // The same from standard input, as text.
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&table).unwrap()).read_to_end(&mut text).unwrap();
    let streamed = run_with_input(&["detect", "-", "--format", "json"], &text).expect(1);
    assert_eq!(serde_json::from_str::<Value>(&streamed).unwrap(), found["findings"]);
}

/// One reader for both: what is a table, a time or a number for one command is so for the other.
#[test]
fn what_detect_reads_import_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rows = |row: &dyn Fn(u32) -> String| (0..400).map(|n| row(n) + "\n").collect::<String>();
    let seconds = |n: u32| 1_767_225_600 + 60 * n;
    let points = (0..400).map(|n| format!("[{n},{}]", seconds(n))).collect::<Vec<_>>().join(",");
    for (at, text) in [
        rows(&|n| format!("{},{}", time(n), n % 7)),
        "Datum;Zeit;Wert\n".to_owned()
            + &rows(&|n| format!("31.12.2025;{:02}:{:02};1.234,{n}", n / 60, n % 60)),
        "when,amount\n".to_owned()
            + &rows(&|n| format!("\"Dec 31, 2025 {}:{:02} PM\",\"$1,190.{n}\"", n / 60 + 1, n % 60)),
        "sep=;\nt;v\n".to_owned() + &rows(&|n| format!("20251231{:02}{:02};{n} ms", n / 60, n % 60)),
        rows(&|n| format!("up{{job=\"a\"}} {n} {}000", seconds(n))),
        rows(&|n| format!("cpu,host=a value={n} {}000000000", seconds(n))),
        rows(&|n| format!("{{\"time\":{},\"cpu\":{n}}}", seconds(n))),
        format!(r#"[{{"target":"cpu","datapoints":[{points}]}}]"#),
    ]
    .iter()
    .enumerate()
    {
        let file = path(&format!("{at}.txt"));
        std::fs::write(&file, text).unwrap();
        let detected = run(&["detect", &file]);
        assert!(
            detected.code < 2 && detected.err.contains("400 rows, 1 series"),
            "{text:.200}: {detected:?}"
        );
        let data = path(&format!("data-{at}"));
        run(&["import", "--data", &data, "--too-old", "keep", &file]).says(0, &["400 samples"]);
        let exported = run(&["export", "--data", &data, "--format", "csv"]).expect(0);
        let is_then = ["\n2025-12-31T", "\n2026-01-01T"].iter().any(|day| exported.contains(day));
        assert!(is_then, "{text:.200}: {exported:.200}");
    }
    // And what one writes the other reads, series by series.
    let two = path("two.csv");
    std::fs::write(&two, table("time,a,b", |n| format!("{},{},{}", time(n), n % 7, 1_000 + n % 5))).unwrap();
    let data = path("both");
    run(&["import", "--data", &data, "--too-old", "keep", &two]).says(0, &["800 samples"]);
    let exported = run(&["export", "--data", &data, "--format", "csv"]).expect(0);
    run_with_input(&["detect", "-"], exported.as_bytes()).tells(0, &["800 rows, 2 series"]);
}
