//! What can be read, how it is written, and what is said of what cannot be read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::{Condition, Expr, FieldPath, Kind, MAX_DEPTH, Schema, Scope, parse};
use proptest::prelude::*;

#[test]
fn canonical_text() {
    #[track_caller]
    fn check(text: &str, canonical: &str) {
        let expr = parse(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(expr.to_string(), canonical, "{text}");
        assert_eq!(parse(canonical).as_ref(), Ok(&expr), "{text}");
    }
    check("a", "a");
    check("((a)) and (b and c)", "a and b and c");
    check("a or b and c or(d)", "a or b and c or d");
    check("(a or b)and(c)", "(a or b) and c");
    check("not(a)and not not b", "not a and not not b");
    check("not (a and b)", "not (a and b)");
    check("!a&&!(b||c)", "not a and not (b or c)");
    check("a==5&&b=x||c", "a == 5 and b == \"x\" or c");
    check("fd.num>=0", "fd.num >= 0");
    check("evt.type in (open,openat)", r#"evt.type in ("open", "openat")"#);
    check("evt.dir=<", r#"evt.dir == "<""#);
    check("evt.dir = > and a", r#"evt.dir == ">" and a"#);
    check("a NOT IN [1, 2.50, TRUE, Null, -1]", "a not in (1, 2.5, true, null, -1)");
    check("\"x\" in tags", "\"x\" in tags");
    check("5 < n", "n > 5");
    check("'HSBC' == BANK", "BANK == \"HSBC\"");
    check("true == flag or false", "flag == true or false");
    check("a\n  exists\n and b\tcontains c", "a exists and b contains \"c\"");
    check("a contains 5 or a contains true", r#"a contains "5" or a contains "true""#);
    check(r"a =~ '\d+\.' and b !~~ 'x\'y'", r#"a =~ "\\d+\\." and b !~~ "x'y""#);
    check("a == \"\t\u{7}\"", r#"a == "\t\x07""#);
    check("proc.aname[2] == sh or env[\"HOME\"] exists", r#"proc.aname[2] == "sh" or env[HOME] exists"#);
    check(r#"$["odd key"].x["a]b"] or $['or']"#, r#"$["odd key"].x["a]b"] or $["or"]"#);
    check("@timestamp exists and größe > 1", "@timestamp exists and größe > 1");
    check("json.value[/requestURI] = /a", r#"json.value[/requestURI] == "/a""#);
    check("a = 1e400x or b = 1.2.3", r#"a == "1e400x" or b == "1.2.3""#);
    check(
        "a == -9223372036854775808 or a == 18446744073709551615",
        "a == -9223372036854775808 or a == 18446744073709551615",
    );
    check("a == 18446744073709551616 or a == 1e3", "a == 1.8446744073709552e19 or a == 1000");
    check("a.in == 1 and a.0 == 2", "a.in == 1 and a.0 == 2");
    check("a == val(b) and a<VAL( b[0] )", "a == val(b) and a < val(b[0])");
    check("tolower(a)==ToUpper( b )", "tolower(a) == toupper(b)");
    check("x = toupper", "x == \"toupper\""); // without `(` it is a text
    check("join(\"-\",(a , 'x', 5,len(b))) = c", r#"join("-", (a, "x", 5, len(b))) == "c""#);
    check("join(\",\", ()) exists", r#"join(",", ()) exists"#);
    check("concat(a,\"x\") glob val(b)", r#"concat(a, "x") glob val(b)"#);
    check("getopt(a, \"nt:\")[t] = x", r#"getopt(a, "nt:")[t] == "x""#);
    check("getopt(('-n', a), b)['t'] exists", r#"getopt(("-n", a), b)[t] exists"#);
    check("'x' in tolower(a)", r#""x" in tolower(a)"#);
    check("a in val(b) or a not in tolower(c)", "a in val(b) or a not in tolower(c)");
    check("a intersects(x, 5) and a intersects val(b)", r#"a intersects ("x", 5) and a intersects val(b)"#);
    check("a pmatch (/etc,'/usr/*/lib')", r#"a pmatch ("/etc", "/usr/*/lib")"#);
    check("a = oneof (x,5)", r#"a == oneof ("x", 5)"#);
    check("a != anyof [x]", r#"a != anyof ("x")"#);
    check("a startswith allof (x, 5)", r#"a startswith allof ("x", "5")"#);
    check("a regex anyof ('x.*',y)", r#"a regex anyof ("x.*", "y")"#);
    check("a startswith oneof ()", "a == oneof ()"); // none of them is always none
    check("a bcontains 7F45 or a bstartswith ''", r#"a bcontains "7F45" or a bstartswith """#);
    check("a < d\"2026-12-01T08:00:00+01:00\"", r#"a < d"2026-12-01T07:00:00Z""#);
    check("d'2026-12-01' <= a", r#"a >= d"2026-12-01T00:00:00Z""#);
    check("a in (d\"2026-12-01\", x)", r#"a in (d"2026-12-01T00:00:00Z", "x")"#);
    check("d == d or d", r#"d == "d" or d"#);
    check("a=10.0.0.0/8", r#"a == "10.0.0.0/8""#);
}

#[test]
fn all_mistakes_at_once() {
    /// `marked`: a text with `▸` before each mistake; `says`: a part of each message, in order.
    #[track_caller]
    fn check(marked: &str, says: &[&str]) {
        let text = marked.replace('▸', "");
        let marks = marked.chars().enumerate().filter(|(_, c)| *c == '▸');
        let expected: Vec<usize> = marks.enumerate().map(|(n_before, (at, _))| at + 1 - n_before).collect();
        let problems = parse(&text).unwrap_err();
        let columns: Vec<usize> = problems.iter().map(|problem| problem.column).collect();
        assert_eq!(columns, expected, "{text}: {problems:?}");
        assert_eq!(problems.len(), says.len(), "{text}");
        for (problem, says) in problems.iter().zip(says) {
            assert!(problem.to_string().contains(says), "{text}: {problem}");
        }
    }
    check("▸", &["expected a condition"]);
    check("a ▸likes b and c == ▸", &["use `glob`", "expected a value"]);
    check("a = b ▸= c or ü == 5 ▸+ 3", &["chained", "arithmetic"]);
    check("a == ▸5+3 or b == 2*x", &["arithmetic"]);
    check("a == ▸2024-01-01", &["write \"2024-01-01\""]);
    check("▸(a and (b or c)", &["never closed"]);
    check("a▸)▸) or b ==▸", &["without `(`", "without `(`", "expected a value"]);
    check("a == ▸\"x and b", &["never closed"]);
    check("(a == ▸'x", &["never closed"]);
    check("a in ▸b, c", &["expected a list"]);
    check("a in (1, ▸, 2) and b ▸foo c", &["expected a value", "unknown operator `foo`"]);
    check("a in ▸(1, 2", &["never closed"]);
    check("a in (1 ▸2)", &["expected `,` or `)`"]);
    check("a == ▸or", &["write \"or\""]);
    check("▸and a", &["found `and`"]);
    check("a and ▸and b", &["found `and`"]);
    check("▸in == 5", &["$[\"in\"]"]);
    check("a == b ▸c", &["before `c`"]);
    check("a ▸? b : c", &["`?` is not supported"]);
    check("a == 1 ▸# x", &["comments"]);
    check("▸lower(a) == b and a == ▸foo(b)", &["use `tolower`", "there are tolower"]);
    check("▸val(a) == b", &["write the field alone"]);
    check("a == val(▸len(b)) or a == val(▸5)", &["without `val`", "expected a field"]);
    check("▸len(a, b) == 1 or ▸join(a) == b", &["takes one field", "write `join"]);
    check("▸len(a)[b] == 1", &["has no parts"]);
    check("len▸(a", &["never closed"]);
    check("semver(a) < ▸\"latest\" or semver(a) == ▸1.10", &["not a version", "not a version"]);
    check("semver(a) in ▸(1.0.0, x)", &["\"x\" is not a version"]);
    check("▸semver(a) contains 1 or ▸semver(a) < val(b)", &["only be compared", "only be compared"]);
    check("▸a < semver(b) or ▸len(semver(a)) == 1", &["write semver(a)", "can only be compared"]);
    check("▸semver(\"x\") == semver(a)", &["a version in quotes"]);
    check("semver(a) == oneof ▸(1.5, 2)", &["is not a version"]);
    check("len(a ▸b) == 1 and ▸len() == 5", &["expected `,` or `)`", "takes one field"]);
    check("a.b▸(c) == 1", &["unexpected `(`"]);
    check("a pmatch ▸(5) and a pmatch ▸(\"[\")", &["is no path", "`[` without `]`"]);
    check("a == ▸oneof", &["write \"oneof\""]);
    check("a > ▸oneof (1, 2)", &["cannot follow"]);
    check("a contains anyof ▸b", &["expected a list"]);
    check("a regex ▸val(b)", &["cannot come from the event"]);
    check("a bcontains ▸7f4", &["pairs of hexadecimal digits"]);
    check("a == ▸d\"noon\" or a > ▸d'13'", &["is no time", "is no time"]);
    check("a regex anyof ▸(x, \"(\")", &["unclosed group"]);
    check("a ▸not contains b", &["put `not` before the field"]);
    check("a ▸=== 1", &["use `==`"]);
    check("a ▸<> 1", &["use `!=`"]);
    check("a < ▸b or a >= ▸true", &["needs a number", "needs a number"]);
    check("5 == ▸5", &["expected a field"]);
    check("'x' in ▸('x')", &["expected a field"]);
    check("▸\"x\" and ▸5 or ▸null", &["a value alone", "a value alone", "a value alone"]);
    check("a == ▸007", &["begins with a zero"]);
    check("a == ▸1e999", &["too large"]);
    check(
        "a == ▸18446744073709551617 or b in (▸-9223372036854775809)",
        &["would be rounded", "would be rounded"],
    );
    check("a.▸ == 1", &["name after `.`"]);
    check("a▸[] == 1", &["key between"]);
    check("▸$now > 5", &["`$`"]);
    check("a =~ ▸\"(\" and b regex ▸\"*\"", &["unclosed group", "repetition operator missing expression"]);
    check("a glob ▸\"[\" or b == ▸", &["`[` without `]`", "expected a value"]);
    check("(▸)", &["expected a condition"]);
    check("a ▸b", &["unknown operator"]);
    check("▸5x == a", &["found `5x`"]);
}

#[test]
fn a_problem_reads_well() {
    let problems = Condition::compile("größe is 5").unwrap_err();
    assert_eq!(problems[0].to_string(), "column 7: unknown operator `is`; use `==`");
    assert_eq!((problems[0].offset, problems[0].length), (8, 2));
}

#[test]
fn limits() {
    let nested = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err().len(), 1);
    assert_eq!(parse(&"(".repeat(60_000)).unwrap_err().len(), 1);
    assert_eq!(parse(&"not ".repeat(10_000)).unwrap_err().len(), 1);
    assert!(parse(&"! ".repeat(MAX_DEPTH).replace("! ", "!")).is_err());
    assert!(parse(&"a".repeat(70_000)).is_err());
    assert!(parse(&format!("a in ({})", vec!["1"; 10_000].join(","))).is_ok());
    assert!(parse(&format!("a in ({})", vec!["1"; 10_001].join(","))).is_err());
    assert!(parse(&vec!["a"; 10_000].join(" and ")).is_ok());
    assert!(parse(&vec!["a"; 65].join(".")).is_err());
    assert_eq!(parse(&") ".repeat(10_000)).unwrap_err().len(), 100);
    assert_eq!(parse(&format!("{}a{} == x", "b64(".repeat(5_000), ")".repeat(5_000))).unwrap_err().len(), 1);
    assert_eq!(parse(&vec!["a regex b"; 65].join(" and ")).unwrap_err().len(), 1);
    assert!(parse(&vec!["a regex b"; 64].join(" and ")).is_ok());
    assert!(parse(&vec!["a glob b"; 1_000].join(" and ")).is_ok());
    let list = vec!["x"; 9_000].join(",");
    assert!(parse(&format!("a == anyof ({list}) or b == anyof ({list})")).is_ok());
    assert_eq!(parse(&vec![format!("a == anyof ({list})"); 3].join(" or ")).unwrap_err().len(), 1);
    assert!(FieldPath::parse(&vec!["a"; 64].join(".")).is_ok());
}

#[test]
fn fields_are_named_once() {
    let text = "b == 1 and (a.x exists or not b > 2) and $['c d'] or join(\"\", (b, e)) in val(f)";
    let condition = Condition::compile(text).unwrap();
    let fields: Vec<String> = condition.fields().iter().map(ToString::to_string).collect();
    assert_eq!(fields, ["$[\"c d\"]", "a.x", "b", "e", "f"]);
}

#[test]
fn what_a_schema_has_to_say() {
    let kinds = [
        ("n", Kind::Number),
        ("t", Kind::Text),
        ("b", Kind::Bool),
        ("at", Kind::Time),
        ("ip", Kind::Address),
        ("l", Kind::List),
        ("o", Kind::Object),
        ("x", Kind::Any),
        ("card.no", Kind::Text),
    ];
    let scope = Scope::default().with_schema(Schema::new(kinds).unwrap().strict());
    let check = |marked: &str, says: &[&str]| {
        let text = marked.replace('▸', "");
        let marks = marked.chars().enumerate().filter(|(_, c)| *c == '▸');
        let expected: Vec<usize> = marks.enumerate().map(|(n_before, (at, _))| at + 1 - n_before).collect();
        let problems = Condition::compile_in(&text, &scope).err().unwrap_or_default();
        let columns: Vec<usize> = problems.iter().map(|problem| problem.column).collect();
        assert_eq!(columns, expected, "{text}: {problems:?}");
        for (problem, says) in problems.iter().zip(says) {
            assert!(problem.to_string().contains(says), "{text}: {problem}");
        }
    };
    check("n == 5 and n < 2.5 and n in (1, null) and n and n exists", &[]);
    check("t == x1 and t < 'a' and t contains 5 and t regex x2 and t pmatch (/etc)", &[]);
    check("at < d'2026-12-01' and at in (d'2026-12-01')", &[]);
    check("ip == 10.0.0.0/8 and ip in (::1, 1.2.3.4) and ip startswith 10.", &[]);
    check("l intersects (1, a) and 5 in l and l[0] == 1 and l.length > 2 and l in (1)", &[]);
    check("o.a.b == 1 and 'k' in o and x == 1 and x contains a", &[]);
    check("t == tolower(t) and len(l) > val(n) and join('-', (t, n)) == val(t) and t == val(card.no)", &[]);
    check(
        "n == ▸\"5\" or n == ▸abc or n in ▸(1, abc)",
        &["leave out the quotes", "never \"abc\"", "never \"abc\""],
    );
    check("t == ▸5 or t > ▸5 or t == ▸true", &["put it in quotes", "put it in quotes", "put it in quotes"]);
    check("b > ▸true", &["needs a number"]);
    check("at == ▸\"2026-12-01\" or at > ▸5", &["write d\"2026-12-01\"", "never 5"]);
    check("ip == ▸localhost", &["never \"localhost\""]);
    check("▸l == 5 or ▸o == x1", &["use `intersects`", "no single value"]);
    check("▸n contains 5 or ▸l startswith a", &["not a text", "use `intersects`"]);
    check("5 in ▸n", &["nothing can be in it"]);
    check(
        "▸nn == 5 or ▸card == 5 or t == ▸val(tt)",
        &["use `n`", "there is no field `card`", "there is no field"],
    );
    check("t == ▸t or t == ▸card.no or t == \"t\"", &["also a field's name", "val(card.no)"]);
    check("▸tolower(n) == x1", &["cannot be asked of it"]);
    check("n == ▸val(t) or l == ▸val(l)", &["`t` is a text", "`l` is a list"]);
}

/// Texts that look like conditions, with mistakes.
fn nearly_a_condition() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b.c",
        "d[0]",
        "$[\"x\"]",
        "(",
        ")",
        "[",
        "]",
        ",",
        "and",
        "or",
        "not",
        "!",
        "&&",
        "||",
        "==",
        "=",
        "!=",
        "<",
        ">=",
        "=~",
        "!~~",
        "in",
        "exists",
        "contains",
        "glob",
        "regex",
        "\"x y\"",
        "'it\\'s'",
        "\"",
        "5",
        "-2.5e3",
        "0x1F",
        "007",
        "5+3",
        "true",
        "null",
        "/etc",
        "10.0.0.0/8",
        "*",
        "[a-",
        "ü",
        " ",
        "\n",
        "pmatch",
        "likes",
        "tolower(",
        "join(\"-\", (",
        "val(",
        "anyof",
        "startswith",
        "intersects",
        "d\"2026-12-01\"",
        "bcontains",
        "7f",
        "::1",
    ];
    prop::collection::vec((prop::sample::select(pieces.to_vec()), any::<bool>()), 0..24).prop_map(|pieces| {
        pieces.iter().map(|(piece, blank)| format!("{piece}{}", if *blank { " " } else { "" })).collect()
    })
}

/// What was read is written so that it reads the same, and stays so.
fn holds_for(text: &str) {
    match parse(text) {
        Ok(expr) => {
            let written = expr.to_string();
            let again: Expr = parse(&written).unwrap();
            assert_eq!(again, expr, "{text} -> {written}");
            assert_eq!(again.to_string(), written);
            assert!(Condition::from_expr(expr).fields().len() <= written.len());
        }
        Err(problems) => {
            assert!((1..=100).contains(&problems.len()), "{text}");
            for problem in problems {
                assert_eq!(text[..problem.offset].chars().count() + 1, problem.column);
                assert!(text[problem.offset..].chars().count() >= problem.length);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        holds_for(&text);
    }

    #[test]
    fn any_near_miss_is_read_or_refused(text in nearly_a_condition()) {
        holds_for(&text);
    }
}
