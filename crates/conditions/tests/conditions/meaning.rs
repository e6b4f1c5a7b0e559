//! What conditions mean, as rows.
//!
//! The rows marked "seed" are verdicts of the Python package rule-engine 3.4.0, whose language switches
//! were first written in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::{Condition, Missing, Verdict};
use serde_json::{Value, json};

use Missing::{False as F, Kleene as K};
use Verdict::{False, True, Unknown};

#[track_caller]
fn check_on(event: &Value, missing: Missing, text: &str, expected: Verdict) {
    let condition = Condition::compile(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    assert_eq!(condition.verdict(event.as_object().unwrap(), missing), expected, "{text}");
}

#[test]
fn seed_dialect() {
    #[track_caller]
    fn check(text: &str, expected: Verdict) {
        let event = json!({"A": "hsbc", "N": 5, "L": ["x", "y"], "M": {"k": "v"}});
        check_on(&event, K, text, expected);
    }
    check("A not in [\"q\"]", True);
    check("not A in [\"q\"]", True);
    check("A =~ \"hs\"", True);
    check("A =~~ \"sb\"", True);
    check("A != 5", True);
    check("\"x\" in L", True);
    check("\"sb\" in A", True);
    check("\"hsbc\" == A", True);
    check("A < \"z\"", True);
    check("N == 5.0", True);
    check("N == 0x5", True);
    check("N in [5,6]", True);
    check("M.k == \"v\"", True);
    check("M[\"k\"] == \"v\"", True);
    check("N", True);
    check("L", True);
    check("A.length == 4", True);
    check("A =~ \"sb\"", False);
    check("A == 5", False);
    check("N == \"5\"", False);
    // Errors there, defined here.
    check("N < \"9\"", Unknown);
    check("A == hsbc", True); // a bare word on the right is a text
    check("Q == null", Unknown);
    check("Q&.a == null", Unknown);
    check("A == \"hsbc\" AND N == 5", True);
    check("A == \"hsbc\" && N == 5", True);
    check("A in (hsbc, ing)", True);
}

#[test]
fn values() {
    #[track_caller]
    fn check(value: &Value, text: &str, expected: Verdict) {
        check_on(&json!({ "x": value }), K, text, expected);
    }
    // Kinds are not converted.
    check(&json!("5"), "x == 5", False);
    check(&json!("5"), "x > 3", Unknown);
    check(&json!("5"), "not x > 3", Unknown);
    check(&json!(5), "x contains 5", Unknown);
    check(&json!(true), "x == true", True);
    check(&json!(1), "x == true", False);
    check(&json!([1]), "x == 1", False);
    check(&json!([1]), "x in (1, 2)", True); // each item is among them
    check(&json!([1, 3]), "x in (1, 2)", False);
    check(&json!([]), "x in (1, 2)", False);
    check(&json!([1, 3]), "x not in (1, 2)", True);
    check(&json!({"a": 1}), "x != 1", True);
    // Numbers are exact.
    check(&json!(9_007_199_254_740_993_i64), "x == 9007199254740992.0", False);
    check(&json!(9_007_199_254_740_993_i64), "x > 9007199254740992.0", True);
    check(&json!(u64::MAX), "x == 18446744073709551615", True);
    check(&json!(u64::MAX), "x < 18446744073709551616", True);
    check(&json!(-0.0), "x == 0", True);
    check(&json!(0.1), "x == .1", True);
    check(&json!(250), "x == 2.5e2 and x in (0xFA)", True);
    check(&json!(-31), "x == -0x1f and -32 < x", True);
    check(&json!(3), "3 <= x and 2 < x and 4 > x and 3 = x and 4 != x", True);
    // null is a value.
    check(&json!(null), "x == null and null = x and x exists and x in (1, null)", True);
    check(&json!(null), "x != null or x", False);
    check(&json!(null), "x < 5", Unknown);
    check(&json!(0), "x == null", False);
    // Truth of a field alone.
    for falsy in [json!(false), json!(null), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
        check(&falsy, "x", False);
    }
    for truthy in [json!(true), json!(0.5), json!("0"), json!([0]), json!({"a": 0})] {
        check(&truthy, "x", True);
    }
    // Texts.
    check(&json!("Grüße"), "x contains rüß and x startswith Gr and x endswith 'ße'", True);
    check(&json!("HSBC"), "x icontains sB and not x contains sb and x icontains \"\"", True);
    check(&json!("a b"), r#"x glob "a?b" and x iglob "A*" and x regex "a\sb""#, True);
    check(&json!("ab"), "x regex a or x =~~ \"^b\" or x !~ a or x !~~ b", False);
    check(&json!("a word"), r#"x =~~ "\bword\b""#, True);
    check(&json!("a\\d"), r#"x == "a\d" and x == "a\\d""#, True);
    check(&json!("it's\n"), r"x == 'it\'s\n' and x == 'it\x27s\x0a'", True);
    check(&json!("a"), "x < 'b' and x >= \"a\"", True);
    // A value in a field.
    check(&json!(["a", 1, null]), "'a' in x", True);
    check(&json!(["a", 1, null]), "1.0 in x and null in x and 'b' not in x and not 'b' in x", True);
    check(&json!({"k": 0}), "'k' in x and 'l' not in x", True);
    check(&json!({"k": 0}), "0 in x", False);
    check(&json!("abc"), "5 in x", Unknown);
    check(&json!(5), "5 in x", Unknown);
    // Lengths.
    check(&json!("äö"), "x.length == 2", True);
    check(&json!([1, 2, 3]), "x.length > 2", True);
    check(&json!({"length": 7, "a": 0}), "x.length == 7", True);
    check(&json!({"a": 0}), "x.length == 1", True);
    check(&json!(7), "x.length == 1", Unknown);
    check(&json!([[1, 2]]), "x[0].length == 2", True);
    // Constants and precedence.
    check(&json!(1), "true", True);
    check(&json!(1), "not true or TRUE AND false", False);
    check(&json!(1), "x == 1 or x == 2 and x == 3", True);
    check(&json!(1), "(x == 1 or x == 2) and x == 3", False);
    check(&json!(1), "not x == 2", True);
    check(&json!(1), "!(x = 2) && !!x", True);
    check(&json!(1), "x in ()", False);
    check(&json!("<"), "x=<", True);
    check(&json!("10.0.0.0/8"), "x in (10.0.0.0/8)", True);
}

#[test]
fn operators_of_falco() {
    #[track_caller]
    fn check(value: &Value, text: &str, expected: Verdict) {
        check_on(&json!({ "x": value }), K, text, expected);
    }
    check(&json!([1, 3]), "x intersects (1, 2)", True);
    check(&json!([3]), "x intersects (1, 2)", False);
    check(&json!([]), "x intersects (1, 2)", False);
    check(&json!(2), "x intersects (1, 2)", True);
    check(&json!("/opt/dir/x"), "x pmatch (/etc, /opt/dir)", True);
    check(&json!("/opt/dir2"), "x pmatch (/etc, /opt/dir)", False);
    check(&json!("/usr/a/lib/x"), "x pmatch ('/usr/*/lib')", True);
    check(&json!(5), "x pmatch (/etc)", Unknown);
    check(&json!("cat"), "x == oneof (cat, nginx) and x == anyof (cat) and x == allof (cat)", True);
    check(&json!("cat"), "x == allof (cat, nginx) or x == oneof (cat, cat)", False);
    check(&json!("cat"), "x != anyof (cat, nginx) and x != oneof (cat, nginx)", True);
    check(&json!("cat"), "x != allof (cat, nginx)", False);
    check(&json!("cat"), "x == oneof () or x == anyof () or x == allof ()", False);
    check(&json!("libc.so"), "x endswith anyof (.so, .a) and x contains oneof (lib, x)", True);
    check(&json!("libc.so"), "x glob anyof (\"*.a\", \"lib*\") and x regex allof (\".*\", \"lib.*\")", True);
    check(&json!("\u{7f}ELF"), "x bcontains 454C46 and x bstartswith 7f45", True);
    check(&json!("äa"), "x bstartswith c3 and x bcontains a461", True); // bytes need not be whole characters
    check(&json!("10.1.2.3"), "x == 10.0.0.0/8 and x in (a, 10.1.0.0/16) and x != 11.0.0.0/8", True);
    check(&json!("::ffff:10.1.2.3"), "x == 10.0.0.0/8", True);
    check(&json!("2001:db8:0::1"), "x == 2001:db8::1 and x in (2001:db8::/32)", True);
    check(&json!("10.1.2.3.4"), "x == 10.0.0.0/8", False);
    check(&json!(["10.1.2.3"]), "x intersects (10.0.0.0/8)", True);
}

#[test]
fn times() {
    #[track_caller]
    fn check(value: &Value, text: &str, expected: Verdict) {
        check_on(&json!({ "x": value }), K, text, expected);
    }
    check(&json!("2026-12-01T08:00:00+01:00"), "x == d\"2026-12-01T07:00:00Z\"", True);
    check(&json!("2026-12-01T08:00:00+01:00"), "x < d\"2026-12-01T07:00:00.001Z\"", True);
    check(&json!("2026-12-01"), "x in (d\"2026-12-01T00:00Z\") and x >= d'2026-12-01'", True);
    check(&json!("2026-12-01"), "d'2026-12-01' < x", False);
    check(&json!("noon"), "x == d'2026-12-01'", False);
    check(&json!("noon"), "x > d'2026-12-01'", Unknown);
    check(&json!(1_796_083_200), "x > d'2026-12-01'", Unknown); // a number is no time
}

#[test]
fn fields_and_functions() {
    #[track_caller]
    fn check(text: &str, expected: Verdict) {
        let event = json!({
            "name": "Nginx", "lower": "nginx", "n": 5, "m": 6, "path": "/usr/sbin/nginx", "l": ["A", "b"],
            "args": "-n -t value -xy file", "b64": "aGVsbG8=", "sep": "-", "pattern": "N?inx", "list": [5, "nginx"],
            "o": {"k": 1}, "null": null,
        });
        check_on(&event, K, text, expected);
    }
    check("n < val(m) and not n == val(m) and n != val(m) and n <= val(n)", True);
    check("n < val(name)", Unknown);
    check("n == val(name)", False);
    check("n == val(none)", Unknown);
    check("none == val(n)", Unknown);
    check("lower == tolower(name) and toupper(lower) == NGINX", True);
    check("name startswith val(sep) or name endswith val(sep)", False);
    check("path endswith val(lower) and path contains tolower(name) and path icontains val(name)", True);
    check("name glob val(pattern) and name iglob 'nGinx' and not lower glob val(pattern)", True);
    check("n in val(list) and lower in val(list) and 'k' in o", True);
    check("l in val(list)", False);
    check("l intersects tolower(l)", True); // "b" is in both
    check("basename(path) == nginx and len(basename(path)) == 5", True);
    check("len(l) == 2 and len(o) == 1 and len(name) == 5", True);
    check("len(n) == 1", Unknown);
    check("b64(b64) == hello", True);
    check("b64(name) exists", False); // is no base64
    check("tolower(n) == 5", Unknown);
    check("tolower(l) in (a, b)", True);
    check("join(val, (name)) == x", Unknown); // `val` is a field here, and missing
    check("join('-', (name, n, 'x', 7)) == Nginx-5-x-7", True);
    check("join(sep, (l)) == A-b and join(sep, ()) == ''", True);
    check("concat(name, '/', lower) == Nginx/nginx", True);
    check("concat(name, none) exists", False);
    check("join('-', (o)) exists", False);
    check("getopt(args, \"nt:x\")[t] == value", True);
}

#[test]
fn versions() {
    #[track_caller]
    fn check(text: &str, expected: Verdict) {
        let event = json!({"v": "1.9.3", "w": "v1.10.0-rc.1", "n": 1.2, "x": "latest", "l": ["1.0.0"]});
        check_on(&event, K, text, expected);
    }
    check("semver(v) < \"1.10.0\" and semver(v) < semver(w) and not semver(w) < semver(v)", True);
    check(
        "semver(w) < \"1.10.0\" and semver(w) > \"v1.10.0-beta\" and semver(w) >= semver(\"1.10.0-rc.1\")",
        True,
    );
    check("\"2\" > semver(v) and semver(v) in (1.9.3, 2.0.0) and semver(v) == anyof (1.9.3, 2)", True);
    check(
        "semver(v) == oneof (1.9.3, 2) and semver(v) != '1.9' and semver(v) not in ('1.9') and semver(v) > 1",
        True,
    );
    check("semver(v) == 1.9.3+build and semver(w) == 1.10.0-rc.1", True);
    check("semver(n) == 1.2.0 and semver(tolower(w)) exists and semver(v)", True);
    check("v < \"1.10.0\"", False); // texts: "1.9" comes after "1.1"
    // What is no version cannot be compared.
    check("semver(x) < \"1.10.0\"", Unknown);
    check("not semver(x) < \"1.10.0\"", Unknown);
    check("semver(none) == 1 or semver(l) == 1.0.0", Unknown);
    check("semver(x) exists or semver(none) exists", False);
}

#[test]
fn hashes_and_kinds() {
    #[track_caller]
    fn check(text: &str, expected: Verdict) {
        let event = json!({"t": "user", "n": 5, "b": true, "z": null, "l": [], "o": {}});
        check_on(&event, K, text, expected);
    }
    check("murmur3(concat(\"flag\", \"jon@company.com\")) == 251014967 and murmur3(t) >= 0", True);
    check("murmur3(n) exists or murmur3(none) exists or murmur3(l) exists", False);
    check("type(t) == text and type(n) == number and type(b) == bool and type(z) == \"null\"", True);
    check("type(l) == list and type(o) == object and type(len(t)) == number", True);
    check("type(none) == text", Unknown);
}

/// Texts and lists of a megabyte that are hard to search: each would take hours if it took the product of two lengths.
#[test]
fn hard_values_take_little_time() {
    let small = "a".repeat(1 << 15);
    let numbers: Vec<u64> = (0..100_000).collect();
    let event = json!({
        "text": "a".repeat(1 << 20), "part": format!("{small}b"), "upper": "A".repeat(1 << 20), "ä": "Ä".repeat(1 << 19),
        "other": format!("{}b", "ä".repeat(1 << 15)), "glob": format!("*{small}b*"),
        "l": numbers, "m": numbers.iter().map(|n| n + 100_000).collect::<Vec<_>>(),
        "words": vec!["b"; 100_000], "cluster": format!("-{}", "a".repeat(1 << 20)), "spec": "b".repeat(1 << 20),
    });
    #[track_caller]
    fn check(event: &Value, op: &str, fields: &[&str], expected: Verdict) {
        for field in fields {
            check_on(event, K, &format!("{field} {op}"), expected);
        }
    }
    let texts = ["text", "upper", "ä"];
    for op in ["contains", "icontains", "startswith", "endswith"] {
        check(&event, &format!("{op} {small}b"), &texts, False);
        check(&event, &format!("{op} val(part)"), &texts, False);
        check(&event, &format!("{op} val(other)"), &texts, False);
    }
    for op in ["glob", "iglob"] {
        check(&event, &format!("{op} \"*{small}b*\""), &texts, False);
        check(&event, &format!("{op} val(glob)"), &texts, False);
    }
    check(&event, "regex \"(a|aa|aaa)*b\"", &texts, False);
    check(&event, "=~~ \"(a+)+b\"", &texts, False);
    check_on(&event, K, "len(getopt(cluster, spec)) == 1048576", True);
    check(&event, "intersects val(m)", &["l"], False);
    check(&event, "in val(l)", &["l"], True);
    check(&event, "intersects val(text)", &["words"], Unknown); // 100,000 searches in a megabyte
}

#[test]
fn lists_against_long_lists() {
    let long: Vec<Value> = (0..5_000).map(|n| json!(n)).collect();
    let with = |more: Value| {
        let mut list = long.clone();
        list.push(more);
        list
    };
    #[track_caller]
    fn check(item: &Value, other: &[Value], expected: bool) {
        let event = json!({"l": [[], item], "other": other, "few": [item]});
        check_on(&event, K, "l intersects val(other)", Verdict::from(expected));
        check_on(&event, K, "few in val(other)", Verdict::from(expected));
    }
    check(&json!("x"), &with(json!("x")), true);
    check(&json!("x"), &with(json!("y")), false);
    check(&json!(7.0), &with(json!("x")), true);
    check(&json!(null), &with(json!(null)), true);
    check(&json!(null), &long, false);
    check(&json!(true), &with(json!(true)), true);
    check(&json!(true), &with(json!(false)), false);
    check(&json!("10.1.2.3"), &with(json!("10.0.0.0/8")), true);
    check(&json!("11.1.2.3"), &with(json!("10.0.0.0/8")), false);
    check(&json!([1]), &with(json!([1])), false);
}

#[test]
fn results_are_bounded() {
    // Each level has two hundred times the text of the one below.
    let text = "len(join(join(join(s, (l)), (l)), (l))) > 0";
    let event = json!({"s": "x".repeat(100), "l": vec!["y"; 200]});
    check_on(&event, K, text, Unknown);
}

#[test]
fn explanations() {
    let text = "(a == 1 or not b in (x, y)) and tolower(c) == val(d) and e exists and f == anyof (1)";
    let condition = Condition::compile(text).unwrap();
    let event = json!({"b": "x", "c": ["long".repeat(50)], "f": 1});
    let explanation = condition.explain(event.as_object().unwrap(), K);
    let missing: Vec<&str> = explanation.missing.iter().map(|field| field.as_str()).collect();
    assert_eq!(missing, ["a", "d"]);
    assert_eq!(explanation.verdict, condition.verdict(event.as_object().unwrap(), K));
    assert_eq!(
        explanation.to_string(),
        r#"false: all of
  unknown: any of
    unknown: a == 1 [a is missing]
    false: not
      true: b in ("x", "y") [b is "x"]
  unknown: tolower(c) == val(d) [c is a list of 1, d is missing]
  false: e exists [e is missing]
  true: f == anyof (1) [f is 1]"#
    );
    let explanation = condition.explain(event.as_object().unwrap(), F);
    assert_eq!(explanation.verdict, False);
    let event = json!({"a": "y".repeat(1_000)});
    let explanation = Condition::compile("a").unwrap().explain(event.as_object().unwrap(), K);
    assert!(explanation.to_string().len() < 200);
}

#[test]
fn missing_fields() {
    #[track_caller]
    fn check(text: &str, kleene: Verdict, two_valued: Verdict) {
        let event = json!({"a": 1, "s": "x"});
        check_on(&event, K, text, kleene);
        check_on(&event, F, text, two_valued);
    }
    check("q == 1", Unknown, False);
    check("q != 1", Unknown, False);
    check("not q == 1", Unknown, True);
    check("q in (1)", Unknown, False);
    check("q not in (1)", Unknown, False);
    check("not (q in (1))", Unknown, True);
    check("q !~ x", Unknown, False);
    check("q", Unknown, False);
    check("not q", Unknown, True);
    check("q exists", False, False);
    check("not q exists", True, True);
    check("q == null", Unknown, False);
    check("q == 1 or a == 1", True, True);
    check("q == 1 and a == 1", Unknown, False);
    check("q == 1 and a == 2", False, False);
    check("q == 1 or a == 2", Unknown, False);
    check("not (q == 1 or a == 2)", Unknown, True);
    check("s > 3", Unknown, False); // what cannot be asked counts as what is missing
    check("not s > 3", Unknown, True);
}
