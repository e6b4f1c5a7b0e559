//! Conditions in SQL: a table of cases, each with what it is in each dialect, or why it cannot be said.

#![allow(clippy::disallowed_methods, reason = "the golden file lies beside the tests")]
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::fmt::Write as _;

use lanner_conditions::Condition;
use lanner_conditions::export::sql::{Columns, Dialect, Kind, Writer, check};

/// One for each rule of the translation, and for what is refused.
const CASES: &[&str] = &[
    // Equality: NULL is null, which equals nothing else, so that its opposite holds.
    r#"bank == "hsbc""#,
    r#"bank != "hsbc""#,
    r#"not bank == "hsbc""#,
    "bank == null",
    "bank != null",
    r#"bank == "it's \"quoted\"; -- or not""#,
    "ok == true",
    "ok != false",
    "n == 5",
    "n == 5.5",
    "n == 18446744073709551615",
    "ratio == 0.1",
    "ratio == null",
    "amount == 0.1",
    "amount == 9007199254740992",
    "share == 0.1",
    "at == null",
    // Order: what has none is false, and so is its opposite's opposite.
    r#"bank < "m""#,
    r#"not bank >= "m""#,
    "n <= 5",
    "ratio > 1e10",
    "amount >= 1.5",
    // Sets.
    r#"bank in (hsbc, ing)"#,
    r#"bank not in (hsbc, ing)"#,
    r#"bank in (hsbc, null)"#,
    r#"bank not in (hsbc, null)"#,
    "n in (1, 2.5)",
    "n not in (1, null)",
    "bank intersects (hsbc, ing)",
    // Texts.
    r#"bank contains "sb""#,
    r#"bank icontains "SB""#,
    r#"bank startswith "hs""#,
    r#"bank endswith "bc""#,
    r#""sb" in bank"#,
    r#""sb" not in bank"#,
    r#"bank startswith anyof ("a", "b")"#,
    r#"bank contains allof ("a", "b")"#,
    "bank contains val(country)",
    // Truth, presence, functions.
    "bank",
    "n",
    "ratio",
    "amount",
    "ok",
    "bank exists",
    "at exists",
    "not ok",
    r#"tolower(bank) == "hsbc""#,
    r#"toupper(bank) != "HSBC""#,
    "len(bank) > 4",
    "len(bank) != 4",
    "len(bank) exists",
    // Two columns.
    "n > val(m)",
    "n == val(m)",
    "n != val(m)",
    "ratio <= val(share)",
    "bank < val(country)",
    // Together.
    r#"status == "ok" and (bank == hsbc or n > 5) and not ok"#,
    "true",
    "bank == hsbc or false",
    r#"$["odd \" key"] == "x""#,
    // Refused.
    r#"bank =~ "h.*""#,
    r#"bank regex "h.*""#,
    r#"bank glob "h*""#,
    r#"bank pmatch ("/etc")"#,
    r#"bank bcontains 7f45"#,
    r#"bank startswith oneof ("a", "b")"#,
    r#"bank == "10.0.0.0/8""#,
    r#"bank in ("::1", hsbc)"#,
    r#"bank == d"2026-01-01""#,
    r#"at > d"2026-01-01""#,
    r#"semver(bank) < "1.10.0""#,
    r#"b64(bank) == "x""#,
    r#"type(bank) == "text""#,
    "len(bank) == null",
    "bank == val(country)",
    "n > val(ratio)",
    "bank in val(country)",
    "ratio == 9007199254740993",
    "bank == 5",
    r#"n == "5""#,
    r#"n == "five""#,
    "n == true",
    "bank contains val(n)",
    "len(n) > 4",
    "place == 5",
    "place",
    "bunk == hsbc",
    "card.bank == hsbc",
    "bank.length > 4",
];

fn columns() -> Columns {
    let kinds = [
        ("bank", Kind::Text),
        ("country", Kind::Text),
        ("status", Kind::Text),
        ("odd \" key", Kind::Text),
        ("n", Kind::Whole),
        ("m", Kind::Whole),
        ("ratio", Kind::Float),
        ("share", Kind::Single),
        ("amount", Kind::Decimal),
        ("ok", Kind::Truth),
        ("at", Kind::Instant),
        ("place", Kind::Other("point".to_owned())),
    ];
    let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind)).into();
    Columns::Of { table: "payments".to_owned(), kinds }
}

/// What a condition is in SQL, with the values of its placeholders, or why it is refused.
fn written(condition: &Condition, dialect: Dialect, columns: &Columns) -> String {
    let mut writer = Writer::new(dialect, columns);
    match writer.condition(condition.expr()) {
        Ok(sql) => {
            let values: Vec<String> = writer.into_params().iter().map(|param| format!("{param:?}")).collect();
            if values.is_empty() { sql } else { format!("{sql} with {}", values.join(", ")) }
        }
        Err(refused) => format!("refused: {refused}"),
    }
}

#[test]
fn conditions_are_written_in_sql() {
    let mut table = String::new();
    for case in CASES {
        let condition = Condition::compile(case).unwrap_or_else(|problems| panic!("{case}: {problems:?}"));
        let _ = writeln!(table, "{case}");
        for dialect in [Dialect::PostgreSql, Dialect::MySql] {
            let _ = writeln!(table, "  {}: {}", dialect.name(), written(&condition, dialect, &columns()));
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/export_sql.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(golden).unwrap(), "UPDATE_GOLDEN=1, then read the diff");
}

/// What can be said of some table is not refused before the table is known.
#[test]
fn nothing_is_refused_too_early() {
    for case in CASES {
        let condition = Condition::compile(case).unwrap();
        for dialect in [Dialect::PostgreSql, Dialect::MySql] {
            let known = written(&condition, dialect, &columns());
            let checked = check(condition.expr(), dialect);
            assert!(checked.is_ok() || known.starts_with("refused"), "{case}: {checked:?}, and {known}");
        }
    }
}

#[test]
fn tables_are_names_in_quotes() {
    #[track_caller]
    fn check(name: &str, expected: Option<[&str; 2]>) {
        let of = |dialect| Writer::new(dialect, &Columns::Assumed).table(name).ok();
        let expected = expected.map(|names| names.map(str::to_owned));
        let found = of(Dialect::PostgreSql).zip(of(Dialect::MySql)).map(|(a, b)| [a, b]);
        assert_eq!(found, expected, "{name}");
    }
    check("payments", Some(["\"payments\"", "`payments`"]));
    check("shop.Payments", Some(["\"shop\".\"Payments\"", "`shop`.`Payments`"]));
    check("a\"; DROP TABLE b", Some(["\"a\"\"; DROP TABLE b\"", "`a\"; DROP TABLE b`"]));
    check("a`b", Some(["\"a`b\"", "`a``b`"]));
    check("", None);
    check("a.", None);
    check("a.b.c.d", None);
}
