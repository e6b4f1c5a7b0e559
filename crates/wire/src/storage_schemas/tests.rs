//! Carbon's configuration as people write it, and every mistake in it with its line.

use proptest::prelude::*;

use super::*;

#[test]
fn retentions_in_all_their_forms() {
    #[track_caller]
    fn check(text: &str, expected: Result<(u32, u32), &str>) {
        let actual = Retention::parse(text).map(|it| (it.step_s, it.n_points));
        match (&actual, expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(*actual, expected, "{text}"),
            (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{text}: {actual}"),
            _ => panic!("{text}: {actual:?}"),
        }
    }
    check("60:1440", Ok((60, 1440)));
    check("60s:1d", Ok((60, 1440)));
    check(" 60s:1d ", Ok((60, 1440)));
    check("1m:21600m", Ok((60, 21_600)));
    check("1min:24hours", Ok((60, 1440)));
    check("5minutes:30days", Ok((300, 8_640)));
    check("1h:3y", Ok((3_600, 26_280)));
    check("1d:52w", Ok((86_400, 364)));
    check("1w:520", Ok((604_800, 520)));
    check("60s:90", Ok((60, 90)));
    check("7s:1m", Ok((7, 8))); // rounded down
    check("60", Err("not step:span"));
    check("60s:", Err("not step:span"));
    check(":1d", Err("not step:span"));
    check("60s: 1d", Err("not step:span"));
    check("1D:1y", Err("not step:span"));
    check("1mo:1y", Err("not step:span"));
    check("-60:5", Err("not step:span"));
    check("0s:1d", Err("not step:span"));
    check("99999999999999999999:1", Err("not step:span"));
    check("9999999999:1", Err("not step:span"));
    check("60s:99999999999y", Err("not step:span"));
    check("1h:1m", Err("keeps no point"));
    check("60:0", Err("keeps no point"));
}

/// One line for each section, or each problem.
fn schemas(text: &str) -> Vec<String> {
    let line = |schema: StorageSchema| {
        let retentions: Vec<String> =
            schema.retentions.iter().map(|it| format!("{}:{}", it.step_s, it.n_points)).collect();
        format!("{} {} {} {}", schema.line, schema.name, schema.pattern, retentions.join(","))
    };
    match parse_schemas(text) {
        Ok(schemas) => schemas.into_iter().map(line).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn schemas_of_a_file() {
    let text = "\u{feff}# carbon's own\n\n[carbon]\npattern = ^carbon\\.\nretentions = 60:90d\n\
                ; another\n[by colon]\nPattern: a=b:c # no comment\nRETENTIONS:1h:3y, 60s:1d,5m:30d\npriority = 100\n\
                [two lines]\r\npattern=.*\r\nretentions = 60s:1d,\r\n   5m:30d\r\n";
    assert_eq!(
        schemas(text),
        [
            "3 carbon ^carbon\\. 60:129600",
            "7 by colon a=b:c # no comment 60:1440,300:8640,3600:26280",
            "11 two lines .* 60:1440,300:8640",
        ]
    );
    assert!(schemas("").is_empty());
}

#[test]
fn all_problems_at_once() {
    let text = "pattern = x\n[a]\nretentions = 1d\nnonsense\n[b]\npattern =\nretentions = 60s:1d\ntypo = 1\n\
                [a]\npattern = x\npattern = y\n= 5\n[\n";
    assert_eq!(
        schemas(text),
        [
            "line 1: a section, [name], must come first",
            "line 2: section [a] has no pattern",
            "line 3: \"1d\" is not step:span, such as 60s:1d or 60:1440",
            "line 4: \"nonsense\" is not key = value",
            "line 5: section [b] has no pattern",
            "line 8: the key \"typo\" is not known here",
            "line 9: section [a] is already on line 2",
            "line 9: section [a] has no retentions",
            "line 11: the key \"pattern\" is here twice",
            "line 12: \"= 5\" is not key = value",
            "line 13: a section is [name]",
        ]
    );
}

#[test]
fn retentions_that_do_not_fit_together() {
    #[track_caller]
    fn check(retentions: &str, expected: &str) {
        let problems = schemas(&format!("[a]\npattern = x\nretentions = {retentions}\n"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{}", problems[0]);
    }
    check("60s:1d,60s:7d", "line 3: 60:1440 and 60:10080 have the same step");
    check("180s:7d,300s:30d", "is not a multiple");
    check("60s:7d,300s:1d", "keeps no longer time");
    check("60s:7d,300s:7d", "keeps no longer time");
    check("60:4,300:10", "too short for one point");
}

#[test]
fn aggregations_of_a_file() {
    let text = "[min]\npattern = \\.min$\nxFilesFactor = 0.1\naggregationMethod = min\n\
                [plain]\npattern = .*\n";
    let aggregations = parse_aggregations(text).unwrap();
    let found: Vec<_> =
        aggregations.iter().map(|it| (&*it.name, it.x_files_factor, it.aggregation)).collect();
    assert_eq!(found, [("min", Some(0.1), Some(Aggregation::Min)), ("plain", None, None)]);

    let text = "[a]\npattern = x\nxFilesFactor = 2\naggregationMethod = median\nretentions = 60:5\n\
                [b]\nxFilesFactor = nan\n";
    let problems: Vec<String> =
        parse_aggregations(text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "line 3: \"2\" is not a number from 0 to 1",
            "line 4: \"median\" is no method; write average, sum, last, max, min, avg_zero, absmax or absmin",
            "line 5: the key \"retentions\" is not known here",
            "line 6: section [b] has no pattern",
            "line 7: \"nan\" is not a number from 0 to 1",
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "([a-c=:;#\\[\\] \n,0-9smhdwy]|pattern|retentions|\\PC){0,60}") {
        let _ = parse_schemas(&text);
        let _ = parse_aggregations(&text);
    }

    #[test]
    fn a_retention_keeps_what_it_says(step_s in 1..100_000_u32, n_points in 1..1_000_000_u32) {
        let span_s = u64::from(step_s) * u64::from(n_points);
        for text in [format!("{step_s}:{n_points}"), format!("{step_s}s:{span_s}s")] {
            prop_assert_eq!(Retention::parse(&text), Ok(Retention { step_s, n_points }));
        }
    }
}
