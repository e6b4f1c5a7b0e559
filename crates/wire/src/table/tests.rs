//! Tables read whole.

use proptest::prelude::*;

use lanner_core::{Labels, Sample};

use super::*;

/// All samples as `name{labels} time value`, and the problems.
fn read(text: &[u8], options: Options<'_>) -> Result<(Vec<String>, Vec<String>), TableError> {
    let mut table = Table::open(text, options)?;
    let (mut row, mut samples) = (Row::default(), Vec::new());
    while table.next_row(&mut row)? {
        for (key, value) in table.keys(row.group).iter().zip(&row.values).filter(|(_, value)| !value.is_nan())
        {
            samples.push(format!("{key} {} {value}", row.at));
        }
    }
    Ok((samples, table.report.problems.iter().map(ToString::to_string).collect()))
}

#[track_caller]
fn check_with(text: &[u8], options: Options<'_>, expected: &[&str], problems: &[&str]) {
    let (samples, found) = read(text, options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(samples, expected, "{}", String::from_utf8_lossy(text));
    assert_eq!(found.len(), problems.len(), "{found:?}");
    for (found, expected) in found.iter().zip(problems) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str], problems: &[&str]) {
    check_with(text.as_bytes(), Options::default(), expected, problems);
}

const NEW_YEAR: &str = "1767225600000";

#[test]
fn wide() {
    let [at, next] = [NEW_YEAR, "1767225660000"];
    let (a, b) = (format!("a {at} 2"), format!("b {at} 3"));
    let both = [a.as_str(), b.as_str()];
    check("time,a,b\n2026-01-01,2,3\n", &both, &[]);
    check("\u{feff}Date;a;b\r\n2026-01-01;2,0;3,0\r\n\r\n", &both, &[]);
    check("time,a,b\r2026-01-01,2,3\r", &both, &[]);
    check("time,a,b\r\r2026-01-01,2,3", &both, &[]);
    check("sep=;\nDatum;a;b\n01.01.2026;2,0;3\n", &both, &[]);
    check("a\tb\tts\n2\t3\t1767225600\n", &both, &[]);
    check("when|a|b\n2026-01-01 00:00:00|2|3\n", &both, &[]);
    check("a,b,when\n2,3,\"Jan 1, 2026 12:00 AM\"\n", &both, &[]);
    check("Date,Time,a,b\n2026-01-01,00:00,2,3\n", &both, &[]);
    check(
        "Time,Date,a,b\n12:00 AM,1/31/2026,9,9\n12:00 AM,1/1/2026,2,3\n",
        &["a 1769817600000 9", "b 1769817600000 9", &a, &b],
        &[],
    );
    check("<DATE>,<TIME>,a,b\n20260101,0,2,3\n", &both, &[]);
    check("date,hour,a,b\n2026-01-01,0,2,3\n", &both, &[]);
    check("date,hour,a,b\n2025-12-31,24,2,3\n", &both, &[]);
    check("year,month,day,a,b\n2026,1,1,2,3\n", &both, &[]);
    check("No,Year,Month,Day,Hour,Minute,a,b\n1,2026,01,1.0,0,0,2,3\n", &both, &[]);
    check("month,a,b,year\n1,2,3,2026\n", &both, &[]);
    check(
        "year,month,day,hour,min,a\n2026,1,1,0,7,2\n2026,2,30,0,7,2\n",
        &[&format!("min {at} 7"), &a],
        &["line 3, column 1: year: \"2026-02-30 00:00:00\" is not a time"],
    );
    check("time,year,month,a,b\n2026-01-01,2026,1,2,3\n", &both, &[]);
    check("\"MTU (UTC)\",a,b\n01.01.2026 00:00 - 01.01.2026 00:15,2,3\n", &both, &[]);
    check("\"@timestamp\",a,b\n\"Jan 1, 2026 @ 00:00:00.000\",2,3\n", &both, &[]);
    check("time,a,b\n,kW,ms\n2026-01-01,2,3\n2026-01-01,,\n2026-01-01,2,3\n", &[&a, &b, &a, &b], &[]);
    check("An export\n\ntime,a,b\n2026-01-01,2,3\n", &both, &[]);
    check("#time,a,b\n2026-01-01,2 ms,$3\n", &both, &[]);
    check(
        "id,time,device_id,status_code,a\n1,2026-01-01,7,200,2\n2,2026-01-01 00:01,8,200,4\n",
        &[&a, &format!("a {next} 4")],
        &[],
    );
    check(
        "time,received_at,a\n1767225600,1767225603,2\n1767225660,1767225664,4\n",
        &[&a, &format!("a {next} 4")],
        &[],
    );
    check("time,a\n2026-01-01,\"118,976.48\"\n", &[&format!("a {at} 118976.48")], &[]);
    check("2026-01-01,2,3\n", &[&format!("column 2 {at} 2"), &format!("column 3 {at} 3")], &[]);
    check("t,200,404\n2026-01-01,2,3\n", &[&format!("200 {at} 2"), &format!("404 {at} 3")], &[]);
    check("time,a\n2026-01-01,\n2026-01-01 00:01,NaN\n2026-01-01 00:02,-\n", &[], &[]);
}

#[test]
fn as_programs_print_them() {
    let [at, next] = [NEW_YEAR, "1767225660000"];
    let (a, b) = (format!("a {at} 2"), format!("b {at} 3"));
    let more = [format!("a {next} 4"), format!("b {next} 5")];
    let all: Vec<&str> = [&a, &b, &more[0], &more[1]].map(String::as_str).to_vec();
    let rows = [("2026-01-01 00:00:00", "2", "3"), ("2026-01-01 00:01:00", "4", "5")];
    let lines = |row: fn(&(&str, &str, &str)) -> String| rows.iter().map(row).collect::<String>();
    let piped = lines(|(time, a, b)| format!("| {time} | {a} | {b} |\n"));
    check(&format!("| time | a | b |\n|------|--:|:-:|\n{piped}"), &all, &[]);
    check(&format!("| time | a | b |\n|------+---+---|\n{piped}"), &all, &[]);
    let rule = "+------+---+---+\n";
    check(&format!("{rule}| time | a | b |\n{rule}{piped}{rule}"), &all, &[]);
    let bare = lines(|(time, a, b)| format!(" {time} | {a} | {b}\n"));
    check(&format!("   time | a | b \n--------+---+---\n{bare}"), &all, &[]);
    let blanks = lines(|(time, a, b)| format!("{}Z   {a:>5} {b}\n", time.replace(' ', "T")));
    check(&format!("time                      a b\n{blanks}"), &all, &[]);
    let two_cells = lines(|(time, a, b)| format!("{time} {a} {b}\n"));
    check(&format!("date       time     a b\n{two_cells}"), &all, &[]);
    check(&format!("time a b\n{two_cells}"), &all, &[]);
    check(
        &format!(
            "time                 a b\n{}",
            two_cells.replace(" 2 3", "   2  3").replace(" 4 5", "   4  5")
        ),
        &all,
        &[],
    );
    check(
        "        a           b\n\n1767225600: 2.0e+00 3\n1767225660: 4 5\n1767225720: nan nan\n",
        &all,
        &[],
    );
    check(
        "servers.a 2 1767225600\nservers.a 4 1767225660\n",
        &["servers.a 1767225600000 2", "servers.a 1767225660000 4"],
        &[],
    );
    check(
        "servers.a,2026-01-01 00:00:00,2\nservers.b,2026-01-01 00:00:00,\n",
        &["servers.a 1767225600000 2"],
        &[],
    );
    check("'time','a'\n'2026-01-01','2'\n", &[&a], &[]);
    check("time,a\n=\"2026-01-01\",=\"2\"\n", &[&a], &[]);
    check("time,a\n2026-01-01,2\ntime,a\n2026-01-01,2\n", &[&a, &a], &[]);
}

#[test]
fn headings_of_several_rows() {
    let at = NEW_YEAR;
    let named = |names: [&str; 4]| names.map(|name| format!("{name} {at} 2"));
    let check = |heading: &str, names: [&str; 4]| {
        let rows = "2026-01-01,2,2,2,2\n".repeat(30);
        let mut expected = named(names).map(|sample| vec![sample; 30]).concat();
        expected.sort();
        let (mut samples, problems) =
            read(format!("{heading}{rows}").as_bytes(), Options::default()).unwrap();
        samples.sort();
        assert_eq!((samples, problems.len()), (expected, 0));
    };
    let of_hosts = ["w1 cpu", "w1 mem", "w2 cpu", "w2 mem"];
    check("host,w1,w1,w2,w2\ntime,cpu,mem,cpu,mem\n", of_hosts);
    check(",w1,,w2,\ntime,cpu,mem,cpu,mem\n", of_hosts);
    check(",w1,w1,w2,w2\nkind,cpu,mem,cpu,mem\ntime,,,,\n", of_hosts);
    check("time,a,b,c,d\n,kW,kW,%,%\n", ["a", "b", "c", "d"]);
    check("time,a,a,c,d\n", ["a", "a (column 3)", "c", "d"]);
    check("a,b,c,d\n", ["a", "b", "c", "d"]); // nothing above the time
    self::check("time,a\n2026-01-01,2,\n2026-01-01,2,\n", &[&format!("a {at} 2"), &format!("a {at} 2")], &[]);
}

#[test]
fn times_in_the_heading() {
    let at = NEW_YEAR;
    let hours = |row: &str| {
        (0..24).map(|hour| format!(",{}", row.replace('h', &hour.to_string()))).collect::<String>()
    };
    let text = format!("day{}\n2026-01-01{}\n2026-01-02{}\n", hours("h:00"), hours("h"), hours("10h"));
    let (samples, problems) = read(text.as_bytes(), Options::default()).unwrap();
    assert_eq!((samples.len(), problems.len()), (48, 0));
    assert_eq!([&samples[1], &samples[25]], ["value 1767229200000 1", "value 1767315600000 101"]);
    let counted = text.replacen(&hours("h:00"), &hours("h"), 1);
    assert_eq!(read(counted.as_bytes(), Options::default()).unwrap().0, samples);
    check(
        "metric,2026-01-01 00:00,2026-01-01 00:01,2026-01-01 00:02,2026-01-01 00:03\ncpu,1,2,3,4\nmem,5,,7,8\n",
        &[
            &format!("cpu {at} 1"),
            "cpu 1767225660000 2",
            "cpu 1767225720000 3",
            "cpu 1767225780000 4",
            &format!("mem {at} 5"),
            "mem 1767225720000 7",
            "mem 1767225780000 8",
        ],
        &[],
    );
}

#[test]
fn clocks_of_other_places() {
    let at = NEW_YEAR;
    let a = format!("a {at} 2");
    check("time,a\n2026-01-01 01:00:00 Europe/Berlin,2\n", &[&a], &[]);
    check("time,timezone,a\n2026-01-01 01:00:00,Europe/Berlin,2\n", &[&a], &[]);
    check("Time (UTC+02:00),a\n2026-01-01 02:00:00,2\n", &[&a], &[]);
    check("MTU (CET/CEST),a\n01.01.2026 01:00 - 01.01.2026 01:15,2\n", &[&a], &[]);
    check("Time (s),a\n2026-01-01 00:00:00,2\n", &[&a], &[]);
    check("Date,Time,AM/PM,a\n1/31/2026,01:00,PM,9\n1/1/2026,12:00,AM,2\n", &["a 1769864400000 9", &a], &[]);
    check("fecha,a\n31/01/2026 01:00 p. m.,9\n01/01/2026 12:00 a. m.,2\n", &["a 1769864400000 9", &a], &[]);
    check(
        "time,a\n2026-01-01 01:00 Nowhere/Town,2\n2026-01-01 01:00 Europe/Berlin,2\n",
        &[&a],
        &["line 2, column 1: time: \"2026-01-01 01:00 Nowhere/Town\" names no time zone"],
    );
}

#[test]
fn what_may_change_is_no_label() {
    let row = |row: u32| {
        let state = if row < 1_200 { "FALSE" } else { "TRUE" };
        format!("2026-01-{:02} {:02}:{:02},{row},{state},b\n", 1 + row / 1_440, row / 60 % 24, row % 60)
    };
    let text: String = std::iter::once("time,a,alert,host\n".to_owned()).chain((0..1_300).map(row)).collect();
    let (samples, _) = read(text.as_bytes(), Options::default()).unwrap();
    assert!(samples.iter().all(|sample| sample.starts_with("a{host=\"b\"} ")), "{:?}", samples.last());
}

#[test]
fn cells_without_a_value() {
    let words = ["#N/A", "#NV", "#DIV/0!", "(null)", "undefined", "<NA>", "k.A.", "no data", "-nan", "—"];
    let rows: String = words.iter().map(|word| format!("2026-01-01,{word}\n")).collect();
    check(&format!("time,a\n{rows}2026-01-01,2\n"), &[&format!("a {NEW_YEAR} 2")], &[]);
}

#[test]
fn encodings() {
    let text = "Größe;Zeit\r\n2,5;01.01.2026\r\n";
    let expected = [&*format!("Größe {NEW_YEAR} 2.5")];
    check(text, &expected, &[]);
    let little: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    check_with(&little, Options::default(), &expected, &[]);
    let big: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    check_with(&big, Options::default(), &expected, &[]);
    check_with(&little[2..], Options::default(), &expected, &[]); // without its mark
    check_with(&big[2..], Options::default(), &expected, &[]);
    let windows: Vec<u8> = text.chars().map(|c| c as u8).collect();
    check_with(&windows, Options::default(), &expected, &[]);
    let price = b"Datum;Preis\n01.01.2026;1.234,50 \x80\n"; // the euro sign of Windows
    check_with(price, Options::default(), &[&format!("Preis {NEW_YEAR} 1234.5")], &[]);
}

#[test]
fn rows_of_several_series() {
    let at = NEW_YEAR;
    check(
        "time,name,value,host\n2026-01-01,cpu,2,a\n2026-01-01,cpu,4,\n2026-01-01,mem,5,b\n2026-01-01,,5,b\n",
        &[&format!("cpu{{host=\"a\"}} {at} 2"), &format!("cpu {at} 4"), &format!("mem{{host=\"b\"}} {at} 5")],
        &["line 5, column 2: name: the series has no name"],
    );
    check("Value,Metric,TS\n1.5,x,1767225600\n", &[&format!("x {at} 1.5")], &[]);
    check(
        "time,host,cpu\n2026-01-01,a,1\n2026-01-01,b,2\n2026-01-01 00:01,a,3\n2026-01-01 00:01,b,4\n",
        &[
            &format!("cpu{{host=\"a\"}} {at} 1"),
            &format!("cpu{{host=\"b\"}} {at} 2"),
            "cpu{host=\"a\"} 1767225660000 3",
            "cpu{host=\"b\"} 1767225660000 4",
        ],
        &[],
    );
}

#[test]
fn series_in_other_words() {
    let at = NEW_YEAR;
    let both = [&*format!("cpu{{host=\"a\"}} {at} 2"), &format!("mem{{host=\"b\"}} {at} 3")];
    // As Prometheus writes series, in cells and in the heading.
    check(
        "Time,Metric,Value\n2026-01-01,\"cpu{host=\"\"a\"\"}\",2\n2026-01-01,\"mem{host=\"\"b\"\"}\",3\n",
        &both,
        &[],
    );
    check(
        "Time;cpu{host=a};\"mem{host=\"\"b\"\"}\"\n2026-01-01;2;3\n",
        &[&format!("cpu{{host=a}} {at} 2"), both[1]],
        &[],
    );
    check(
        "time,name,labels,value\n2026-01-01,cpu,\"{host=\"\"a\"\"}\",2\n2026-01-01,mem,\"{\"\"host\"\":\"\"b\"\"}\",3\n",
        &both,
        &[],
    );
    // As data frames are melted.
    check(
        "date,variable,value\n2026-01-01,cpu,2\n2026-01-01,mem,3\n",
        &[&format!("cpu {at} 2"), &format!("mem {at} 3")],
        &[],
    );
    // Our own exports hold any name as it is.
    check(
        "time,name,value\n2026-01-01,\"cpu{host=\"\"a\"\"}\",2\n",
        &[&format!("cpu{{host=\"a\"}} {at} 2")],
        &[],
    );
    // What differs in each row is no label.
    let row = |row: u32| format!("2026-01-01 00:{row:02},{row},cpu,{}\n", row % 7);
    let text: String = std::iter::once("time,id,metric,value\n".to_owned()).chain((0..40).map(row)).collect();
    let table = Table::open(text.as_bytes(), Options::default()).unwrap();
    assert_eq!((table.layout.labels.len(), &table.layout.texts[..]), (0, &[1][..]));
}

#[test]
fn annotated_tables_of_influx() {
    let text = "\
#group,false,false,true,true,false,false,true,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r
#default,_result,,,,,,,,\r
,result,table,_start,_stop,_time,_value,_field,_measurement,host\r
,,0,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,1.5,usage,cpu,a\r
\r
#group,false,false,true,true,false,false,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,long,string,string\r
#default,_result,,,,,,,\r
,result,table,_start,_stop,_time,_value,_field,_measurement\r
,,1,2025-12-31T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,7,value,queue\r
\r
";
    let at = NEW_YEAR;
    check(text, &[&format!("cpu.usage{{host=\"a\"}} {at} 1.5"), &format!("queue {at} 7")], &[]);
}

#[test]
fn a_bad_cell_is_shown_and_costs_only_itself() {
    check(
        "time,a,b\n2026-01-01,1\nyesterday,1,1\n2026-01-01,2,oops\n2026-01-01,1,2,3\n2026-01-01,3,4\n2026",
        &["a 1767225600000 2", "a 1767225600000 3", "b 1767225600000 4"],
        &[
            "line 2: 2 cells where others have 3",
            "line 3, column 1: time: \"yesterday\" is not a time; write",
            "line 4, column 3: b: \"oops\" is not a number",
            "line 5: 4 cells where others have 3; quote",
            "line 7: 1 cell where others have 3",
        ],
    );
    check(
        "Date,Time,a\n2026-01-01,25:00,1\n2026-01-01,00:00,1\n2026-01-01,00:00,1\n",
        &["a 1767225600000 1", "a 1767225600000 1"],
        &["line 2, column 2: Time: \"25:00\" is not a time of day"],
    );
}

#[test]
fn lines_are_counted() {
    let input =
        "time,a\r\n\r\n2026-01-01,\"x\ny\"\r\n\n2026-01-01,z\r\n2026-01-01,1\r\n2026-01-01,w".to_owned();
    let options = Options { values: &["a".to_owned()], ..Options::default() };
    for input in [input.replace('\r', ""), input] {
        let mut table = Table::open(input.as_bytes(), options).unwrap();
        while table.next_row(&mut Row::default()).unwrap() {}
        assert_eq!(table.report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [3, 6, 8]);
    }
}

#[test]
fn what_cannot_be_read_says_why_and_what_to_do() {
    #[track_caller]
    fn check(input: &[u8], options: Options<'_>, expected: &str, hint: &str) {
        let error = read(input, options).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some_and(|found| found.contains(hint)), "{:?}", error.hint());
    }
    let plain = Options::default();
    check(b"", plain, "no rows", "a column of numbers");
    check(b"\n\n", plain, "no rows", "a column of numbers");
    check(b"{\"a\": [1]}", plain, "is JSON", "Prometheus");
    check(b"PK\x03\x04\0\0", plain, "not a table of text", "CSV");
    check(b"%PDF-1.4\nx\n", plain, "not a table of text", "documents");
    check(b"<html><table>", plain, "not a table of text", "pages");
    check(b"a,b\nx,y\n", plain, "the columns are a, b", "--value");
    let dates = b"time,a\n01/02/2026,1\n02/02/2026,2\n";
    check(dates, plain, "column 1: time: \"01/02/2026\" may begin", "--date-order dmy");
    let mixed = b"time,a\n13/02/2026,1\n02/14/2026,2\n";
    check(
        mixed,
        plain,
        "column 1: time: \"13/02/2026\" in line 2 begins with the day, \"02/14/2026\" in line 3 with the month",
        "--date-order dmy",
    );
    let named = Options { time: Some("c"), ..plain };
    check(b"a,b\n1,2\n", named, "no column \"c\"; the columns are a, b", "number");
    let named = Options { time: Some("a"), ..plain };
    check(
        b"a,b\n31.13.2025,2\n",
        named,
        "line 2, column 1: a: \"31.13.2025\" is not a time",
        "31.12.2026 08:00",
    );
    let values = ["a".to_owned()];
    let named = Options { values: &values, ..plain };
    check(b"time,a\n2026-01-01,x\n", named, "line 2, column 2: a: \"x\" is not a number", "--value");
    let table = Table::open(&b"time,a\n31.13.2025,2\n30.13.2025,3\n"[..], plain).unwrap();
    let error = table.need_times().unwrap_err().to_string();
    assert!(error.ends_with("line 2, column 1: time: \"31.13.2025\" is not a time"), "{error}");
}

#[test]
fn options_decide_what_is_open() {
    let day_first = Options { date_order: Some(DateOrder::DayFirst), ..Options::default() };
    check_with(b"time,a\n02/01/2026,1\n", day_first, &["a 1767312000000 1"], &[]);
    let month_first = Options { date_order: Some(DateOrder::MonthFirst), ..Options::default() };
    check_with(b"time,a\n01/02/2026,1\n", month_first, &["a 1767312000000 1"], &[]);
    check_with(
        b"time,a\n13/02/2026,1\n02/01/2026,2\n",
        month_first,
        &["a 1769904000000 2"],
        &[
            "line 2, column 1: time: \"13/02/2026\" begins with the day, where the others begin with the month",
        ],
    );
    let zone = TimeZone::get("America/New_York").unwrap();
    let there = Options { zone: Some(&zone), ..Options::default() };
    check_with(b"time,a\n2025-12-31 19:00,1\n", there, &["a 1767225600000 1"], &[]);
    let comma = Options { decimal: Some(Decimal::Comma), ..Options::default() };
    check_with(b"time,a\n2026-01-01,\"1,234\"\n", comma, &["a 1767225600000 1.234"], &[]);
    let named = Options { time: Some("AT"), values: &["b".to_owned()], ..Options::default() };
    check_with(b"a,at,b\n1,5,6\n", named, &["b 5000 6"], &[]);
}

#[test]
fn the_order_of_dates_is_found_beyond_the_first_rows() {
    let day = |day: u32| (0..2_000).map(move |_| format!("{day:02}/05/2026,1\n"));
    let text: String = std::iter::once("time,a\n".to_owned()).chain((1..14).flat_map(day)).collect();
    let table = Table::open(text.as_bytes(), Options::default()).unwrap();
    assert_eq!(table.layout.times.map(|(_, order)| order), Some(DateOrder::DayFirst));
}

#[test]
fn totals_are_told_from_measurements() {
    let table = |name: &str, value: fn(u32) -> u32| {
        let rows = (0..300).map(|row| format!("2026-01-01 {:02}:{:02},{}\n", row / 60, row % 60, value(row)));
        let text: String = std::iter::once(format!("time,{name}\n")).chain(rows).collect();
        let mut options = Options::default();
        let values = [name.to_owned()];
        options.values = &values;
        Table::open(text.as_bytes(), options).unwrap().layout.totals
    };
    assert_eq!(table("requests_total", |row| row % 100 * 7), [true]);
    assert_eq!(table("x", |row| row * 7 + row % 3), [true]);
    assert_eq!(table("x", |row| row % 100), [false]);
    assert_eq!(table("x", |_| 5), [false]);
}

#[test]
fn a_row_without_an_end_is_given_up() {
    let input = format!("time,a\n2026-01-01,2\n2026-01-02,\"{}", "x\n".repeat(MAX_ROW_BYTES));
    let error = read(input.as_bytes(), Options::default()).unwrap_err();
    assert!(matches!(error, TableError::Read(ReadError::RowTooLong { line: 2 })), "{error:?}");
}

#[test]
fn a_file_longer_than_a_row_may_be_is_read() {
    let input = format!("time,a\n{}", "1767225600,2\n".repeat(MAX_ROW_BYTES / 10));
    let (samples, problems) = read(input.as_bytes(), Options::default()).unwrap();
    assert_eq!((samples.len(), problems.len()), (MAX_ROW_BYTES / 10, 0));
}

#[test]
fn very_many_series_are_named_rightly() {
    let row = |n: usize| format!("2026-01-01,s{n},{n}\n");
    let n_series = groups::MAX_GROUPS + 10;
    let text: String =
        std::iter::once("time,name,value\n".to_owned()).chain((0..n_series).chain([3]).map(row)).collect();
    let (samples, _) = read(text.as_bytes(), Options::default()).unwrap();
    assert_eq!(samples.len(), n_series + 1);
    assert_eq!(samples.last().unwrap(), "s3 1767225600000 3");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&input, Options::default());
    }

    #[test]
    fn any_near_table_is_answered(rows in "(time|name|value|a|1|\"|,|;|\t|\r|\n|x|nan|2026-01-0[1-9]|1/2/26|_time|_value|#group|12:00){0,60}") {
        let _ = read(format!("time,a\n{rows}").as_bytes(), Options::default());
        let _ = read(rows.as_bytes(), Options::default());
    }

    #[test]
    fn what_is_written_reads_back(
        names in prop::collection::vec("\\PC{1,8}", 1..4),
        labels in prop::collection::vec(("l[a-z]{1,3}", "[^\r]{0,6}"), 0..4),
        samples in prop::collection::vec(
            (0_usize..3, lanner_core::time::MIN_TIME_MS..lanner_core::time::MAX_TIME_MS, prop::num::f64::NORMAL | prop::num::f64::ZERO),
            1..6,
        ),
    ) {
        let keys: Vec<SeriesKey> =
            names.iter().map(|name| SeriesKey::new(name.as_str(), Labels::new(labels.clone()))).collect();
        let mut writer = crate::csv::Writer::new(Vec::new(), &keys).unwrap();
        let mut expected = Vec::new();
        for (at, time_ms, value) in samples {
            let key = &keys[at % keys.len()];
            writer.write(key, Sample::new(time_ms, value)).unwrap();
            expected.push(format!("{key} {time_ms} {value}"));
        }
        let out = writer.finish().unwrap();
        let (samples, problems) = read(&out, Options::default()).unwrap();
        prop_assert_eq!(samples, expected, "{:?}", problems);
    }
}
