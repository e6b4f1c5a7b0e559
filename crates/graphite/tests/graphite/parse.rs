//! What people may write, and what they are told when it is wrong.
#![expect(clippy::disallowed_methods, reason = "bad input must end soon: time is measured")]

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lanner_graphite::{EventTags, Expr, Points, Request, Series, Source, parse, parse_as_graphite};
use proptest::prelude::*;

/// No series, no events.
struct Nothing;

impl Source for Nothing {
    fn find(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str, _: i64, _: i64, _: i64) -> Result<Option<Points>, String> {
        Ok(None)
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

fn evaluate(expr: &Expr) -> Result<Vec<Series>, String> {
    let request = Request::new(&Nothing, 1_737_336_719, TimeZone::UTC);
    request.evaluate(expr, 1_737_333_119, 1_737_336_719).map_err(|problem| problem.to_string())
}

/// Reads and evaluates in both ways; nothing more is wanted than an end.
fn both_ways(text: &str) {
    if let Ok(expr) = parse(text) {
        let _ = evaluate(&expr);
    }
    if let Ok(expr) = parse_as_graphite(text) {
        let _ = evaluate(&expr);
    }
}

#[test]
fn what_is_told() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let problems = parse(text).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.join("\n"), expected, "{text}");
    }
    check("", "column 1: a metric or a function expected here");
    check("  )", "column 3: a metric or a function expected here, not ')'");
    check("sumSeries(a.b", "column 1: the ')' of sumSeries( is missing");
    check("scale(sumSeries(a.b,c)", "column 1: the ')' of scale( is missing");
    check("sumSeries(a b)", "column 13: ',' or ')' expected here, not 'b'");
    check("a.b)", "column 4: ')' after the end of the expression");
    check("a.b | ", "column 7: a function must follow '|', such as | scale(2)");
    check("a.b | c.d", "column 7: a function must follow '|', such as | scale(2)");
    check("alias(a,'b)", "column 9: this text has no closing quote");
    check("a.{b,c", "column 3: the } of this { is missing");
    check("a.{b(c}", "column 5: '(' cannot stand between { and }");
    check("scale(factor=2,a)", "column 16: arguments without a name come before those with one");
    check(
        "movingAvrage(a,5)",
        "column 1: there is no function movingAvrage(); did you mean movingAverage()?",
    );
    check("nothingOfTheKind(a)", "column 1: there is no function nothingOfTheKind()");
    check("scale(a)", "column 1: scale() needs factor: scale(seriesList, factor)");
    check("scale(a,2,3)", "column 11: scale() takes 2 arguments: scale(seriesList, factor)");
    check(
        "scale(a,by=2)",
        "column 12: scale() has no parameter by: scale(seriesList, factor)\n\
        column 1: scale() needs factor: scale(seriesList, factor)",
    );
    check("scale(a,2,factor=3)", "column 18: scale() is given factor twice");
    check("scale(a,'2x')", "column 9: scale(): factor is a number, not '2x'");
    check("scale(2,2)", "column 7: scale(): seriesList is a metric or an expression, not 2");
    check("alias(a,b)", "column 9: alias(): newName is a text: write \"b\" in quotes?");
    check("sortByName(a,2)", "column 14: sortByName(): natural is true or false, not 2");
    check(
        "filterSeries(a,'max','=>',1)",
        "column 22: filterSeries(): operator is one of !=, <, <=, =, >, >=, not '=>'",
    );
    check(
        "highest(a,1,'best')",
        "column 13: highest(): func is one of average, avg, avg_zero, count, current, \
        diff, last, max, median, min, multiply, range, rangeOf, stddev, sum, total, not 'best'",
    );
    check(
        "group(scale(a),nonsense1(b))",
        "column 7: scale() needs factor: scale(seriesList, factor)\ncolumn 16: there is no function nonsense1()",
    );
    check(
        "template(a.$x.b,x=c)",
        "column 19: a variable of template() stands for a number or a text in quotes",
    );
    check("template(a.b", "column 1: the ')' of template( is missing");
    check(
        "template(scale($m,2),m='a.b')",
        "column 16: scale(): a variable alone is a value, not a metric: write 'a.b' itself, or a path such as a.$x.b",
    );
    check("template(scale(a,$k),k='x')", "column 18: scale(): factor is a number, not 'x'");
    check("template(scale(a,$k),x=1)", "column 18: scale(): factor is a number: write \"$k\" in quotes?");
}

#[test]
fn what_can_be_written() {
    #[track_caller]
    fn check(text: &str) {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text).unwrap_err());
    }
    check("a");
    check("servers.[!x]*.cpu.us?r");
    check("weird.name-with_dash.a:b+c");
    check(" a.b | scale( 2 ) | alias( \"x y\" ) ");
    check("alias(a,'it''s') | alias(\"a\\\"b\")");
    check("keepLastValue(a,INF)");
    check("summarize(a,\"1h\",alignToFrom=true)");
    check("scale(a,-1.5E2)");
    check("sortByName(a,TRUE) | sortByName(1) | sortByName('false')");
    check("scale(a,'2.5') | limit(\"3\") | keepLastValue('inf')");
    check("timeShift(a,'1d',alignDST=true)");
    check("timeShift(a,'1d',alignDst=true)");
    check("transformNull(a,0,none)");
    check("template(scale(a.$x.c,$k),x=\"b\",k=2)");
    check("template(a.$1.$2,'b',3)");
    check("a\\(b\\).c");
}

/// What Graphite's own parser leaves is left.
#[test]
fn as_graphite_reads() {
    #[track_caller]
    fn check(text: &str, path: &str) {
        let expr = parse_as_graphite(text).unwrap();
        assert!(matches!(&expr, Expr::Path { text, .. } if text == path), "{text}: {expr:?}");
    }
    check("sumSeries(a.b", "sumSeries");
    check("a.b)", "a.b");
    check("a.b | c", "a.b");
    check("a.b | scale(", "a.b");
    check("f('x", "f");
    check("a\\(b\\).c\\=d", "a(b).c=d");
    check("template(a.$x.$1,x=\"b\")", "a.b.$1");
    check("template(servers.$1.cpu,\"db-a\")", "servers.db-a.cpu");
    check("template(a.$x,x=2)", "a.2");
}

/// Bad input ends at once, however long it is.
#[test]
fn long_texts() {
    #[track_caller]
    fn check(piece: &str, end: &str) {
        let room = 65_536_usize.saturating_sub(end.chars().count());
        let text = piece.repeat(room.checked_div(piece.len()).unwrap_or(0)) + end;
        let started = Instant::now();
        both_ways(&text);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(8), "{piece}: {took:?}");
        eprintln!("{piece:>24} {took:?}");
    }
    check("a(", "");
    check("a|", "");
    check("a.", "");
    check("a,", "");
    check("(", "");
    check("{", "");
    check("a{b,", "");
    check("'", "");
    check("\\", "");
    check("a('", "");
    check("a|a(", "");
    check("a|sumSeries()|", "");
    check("sumSeries(a)|", "a");
    check("exp(a,a=1,", "");
    check("nosuchfunction(a),", "");
    check("template(", "");
    check("template(a,b=1)|", "");
    check("sumSeries(a,", "a");
    check("sumSeries(", &")".repeat(6000));
    check("$a", "");
    let many = "nosuchfunctionx(a),".repeat(3000);
    check("", &format!("group({many}a)"));
    check("", &format!("group({}a)", "stdev(a),".repeat(6000)));
    check("", &format!("scale(a,{}factor=1)", "factor=2,".repeat(6000)));
    check("", &format!("sumSeries({}a=1)", "a,".repeat(30_000)));
    check("", &format!("template(group({}b),a='{}')", "$a.x,".repeat(5000), "y".repeat(30_000)));
    let doubling: String = (0..60).map(|i| format!(",v{i}='$v{}$v{}'", i + 1, i + 1)).collect();
    check("", &format!("template(a.$v0{doubling})"));
}

#[test]
fn deep_expressions() {
    #[track_caller]
    fn check(text: &str) {
        for problems in [parse(text).unwrap_err(), parse_as_graphite(text).unwrap_err()] {
            assert!(problems[0].message.starts_with("calls may lie in calls 100 deep"), "{problems:?}");
        }
    }
    check(&format!("{}a{}", "exp(".repeat(10_000), ")".repeat(10_000)));
    check(&format!("{}a", "exp(".repeat(10_000)));
    check(&format!("a{}", "|exp()".repeat(10_000)));
    check(&format!("{}a{}{}", "absolute(".repeat(60), ")".repeat(60), "|absolute()".repeat(60)));
    assert!(parse(&format!("{}a{}", "absolute(".repeat(99), ")".repeat(99))).is_ok());
    assert!(parse(&format!("a{}", "|absolute()".repeat(100))).is_ok());
    let long = parse(&"a".repeat(65_537)).unwrap_err();
    assert_eq!(long[0].message, "an expression may have 65536 characters");
}

/// Calls that ask twice for what lies in them would ask 2^50 times.
#[test]
fn expressions_that_ask_too_often() {
    for function in ["holtWintersAberration", "timeShift", "hitcount", "linearRegression", "timeStack"] {
        let rest = match function {
            "timeShift" => ",'1d')",
            "hitcount" => ",'1h',true)",
            "timeStack" => ",'1d',0,9)",
            _ => ")",
        };
        let started = Instant::now();
        both_ways(&format!("{}a{}", format!("{function}(").repeat(50), rest.repeat(50)));
        assert!(started.elapsed() < Duration::from_secs(20), "{function}: {:?}", started.elapsed());
    }
}

/// Expressions that make expressions end.
#[test]
fn expressions_that_make_expressions() {
    let expr = parse(
        "aliasQuery(alias(constantLine(1),'x'),'x','aliasQuery(alias(constantLine(2),\"y\"),\"y\",\"constantLine(3)\",\"%d\")','%d')",
    );
    let series = evaluate(&expr.unwrap()).unwrap();
    assert_eq!(&*series[0].name, "2");
}

/// Expressions of what an expression is made of.
fn expression() -> impl Strategy<Value = String> {
    let names: Vec<&str> = lanner_graphite::functions::GROUPS
        .iter()
        .flat_map(|(_, entries)| entries.iter().map(|entry| entry.function.name))
        .chain(["template", "nonsense"])
        .collect();
    let leaf = prop_oneof![
        Just("a.b".to_owned()),
        Just("a.*.{c,d}".to_owned()),
        Just("'1h'".to_owned()),
        Just("\"sum\"".to_owned()),
        Just("1".to_owned()),
        Just("-3".to_owned()),
        Just("0".to_owned()),
        Just("1e300".to_owned()),
        Just("inf".to_owned()),
        Just("none".to_owned()),
        Just("true".to_owned()),
        Just("'9999999y'".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("constantLine(1)".to_owned()),
        Just("time('x')".to_owned()),
        Just("randomWalk('r')".to_owned()),
        Just("$x".to_owned()),
        Just("'%s(.*)\\1'".to_owned()),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        (prop::sample::select(names.clone()), prop::collection::vec(inner, 0..4), any::<bool>()).prop_map(
            |(name, arguments, piped)| match (piped, arguments.split_first()) {
                (true, Some((first, rest))) => format!("{first} | {name}({})", rest.join(",")),
                _ => format!("{name}({})", arguments.join(",")),
            },
        )
    })
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,60}") {
        both_ways(&text);
    }

    #[test]
    fn any_writing(text in "[a-c(){},.'\"\\\\|= 0-9$*-]{0,60}") {
        both_ways(&text);
    }

    #[test]
    fn any_expression(text in expression()) {
        both_ways(&text);
    }

    /// Strict reading accepts no more than Graphite's, and reads the same.
    #[test]
    fn two_readings(text in expression()) {
        if let Ok(strict) = parse(&text) {
            let lenient = parse_as_graphite(&text).unwrap();
            let lenient = format!("{lenient:?}").replace("piped: true", "piped: false");
            prop_assert_eq!(format!("{strict:?}"), lenient);
        }
    }
}
