//! Fields taken out of a text are those of the tree that `serde_json` makes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::{Buffer, Condition, FieldPath, Fields, Index, Missing, Reader, Scratch};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

const PATHS: [&str; 14] = [
    "a",
    "b",
    "a.b",
    "a.b.c",
    "a.length",
    "a.b.length",
    "l[0]",
    "l[1].k",
    "l[0][2]",
    "l.length",
    "$[\"\"]",
    "$[\"ü\"]",
    "$[\"a.b\"].c",
    "$[\"l[0]\"]",
];

/// Both readings of `text`: the same refusal, or the same fields.
#[track_caller]
fn check(text: &str) -> bool {
    let paths: Vec<FieldPath> = PATHS.iter().map(|path| FieldPath::parse(path).unwrap()).collect();
    let reader = Reader::new(&paths);
    let mut buffer = Buffer::default();
    let tree: Result<Map<String, Value>, _> = serde_json::from_str(text);
    for _ in 0..2 {
        // The second time shows that nothing of the first is left over.
        match (reader.read(text, &mut buffer), &tree) {
            (Ok(fields), Ok(tree)) => {
                for path in &paths {
                    assert_eq!(fields.view(path), tree.view(path), "{path} in {text}");
                    let place = reader.place(path).unwrap();
                    assert_eq!(fields.at(place), fields.view(path), "{path} in {text}");
                }
            }
            (Err(_), Err(_)) => {}
            (ours, tree) => panic!("{text}\n  ours: {:?}\n  tree: {tree:?}", ours.map(drop)),
        }
        reader.read("{}", &mut buffer).unwrap();
    }
    tree.is_ok()
}

#[test]
fn texts() {
    let fine = [
        "{}",
        " {\n\"a\" : 1 , \"b\":\"x\"\t}\r\n",
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1},"a":{"c":2}}"#,
        r#"{"a":{"b":1},"a":3,"a.b":4}"#,
        r#"{"a.b":1,"a":{"b":2}}"#,
        r#"{"a":{"b":2},"a.b":1}"#,
        r#"{"a":{"b":{"c":1}},"a":{"b.c":2}}"#,
        r#"{"a":{"b":{"c":1},"b":{}}}"#,
        r#"{"l":[1,{"k":2}],"l[0]":3}"#,
        r#"{"l":[[1,2,{"x":[]}]],"l":{"0":5}}"#,
        r#"{"l":{"1":{"k":null}}}"#,
        r#"{"\u0061":"\ud83d\ude00\n\"","\u00fc":"\u00FC\/","":""}"#,
        r#"{"a":[1,"x",null,{"y":true}],"b":{"z":[]}}"#,
        r#"{"a":-0,"b":0.1}"#,
        r#"{"a":18446744073709551615,"b":-9223372036854775808}"#,
        r#"{"a":18446744073709551616,"b":-9223372036854775809}"#,
        r#"{"a":1e308,"b":5e-324,"l":[1E+2]}"#,
        r#"{"a":1e-999}"#,
        r#"{"a":"äöü","b":"\u007f"}"#,
        "{\"a\":\"\u{7f}\"}",
    ];
    let wrong = [
        "",
        " ",
        "[]",
        "1",
        "{",
        "{}x",
        "{} {}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":+1}"#,
        r#"{"a":.5}"#,
        r#"{"a":1.}"#,
        r#"{"a":1e}"#,
        r#"{"a":1e999}"#,
        r#"{"x":1e999}"#,
        r#"{"x":[-1e999]}"#,
        r#"{"a":nul}"#,
        r#"{"a":nulls}"#,
        r#"{"a":True}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"x}"#,
        r#"{"a":"\q"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\ud83d"}"#,
        r#"{"a":"\ud83d\u0041"}"#,
        r#"{"x":"\udc00"}"#,
        "{\"a\":\"\n\"}",
        "{\"\t\":1}",
        r#"{"a":[1,]}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":[}"#,
        r#"{"a":{]}"#,
        "{\"a\":1}\u{0}",
        "\u{feff}{}",
    ];
    for text in fine {
        assert!(check(text), "{text}");
    }
    for text in wrong {
        assert!(!check(text), "{text}");
    }
    let digits = "1".repeat(400);
    assert!(!check(&format!("{{\"x\":{digits}}}")));
    assert!(check(&format!("{{\"x\":{digits}e-200,\"a\":{}}}", &digits[..300])));
}

/// A text is passed over several bytes at a time, so what ends it is tried at each of their places, beside bytes that look like it.
#[test]
fn what_ends_a_text_is_seen_at_any_place() {
    let special = [
        "", "\"", "\\", "\\n", "\\q", "\\u00e9", "\u{1}", "\u{1f}", "\u{0}", " ", "!", "#", "\u{7f}", "ü",
        "¢", "😀",
    ];
    for n_before in 0..20 {
        for (special, n_after) in special.iter().zip([0, 1, 7, 8, 9, 20].into_iter().cycle()) {
            let inside = format!("{}{special}{}", "x".repeat(n_before), "é!".repeat(n_after));
            check(&format!("{{\"a\":\"{inside}\",\"b\":\"{inside}\"}}"));
            check(&format!("{{\"{inside}\":1,\"other\":\"{inside}\",\"b\":2}}"));
        }
    }
}

#[test]
fn nesting_ends_where_that_of_the_tree_does() {
    for inside in [r#"{"x":%}"#, r#"{"a":{"b":%}}"#, r#"{"l":[%]}"#] {
        for n in [1, 120, 124, 125, 126, 127, 128, 129, 5_000] {
            check(&inside.replace('%', &format!("{}{}", "[".repeat(n), "]".repeat(n))));
        }
    }
}

#[test]
fn a_mistake_is_placed() {
    #[track_caller]
    fn check(text: &str, says: &str) {
        let reader = Reader::new(&[]);
        let error = reader.read(text, &mut Buffer::default()).map(drop).unwrap_err();
        assert_eq!(error.to_string(), says, "{text}");
    }
    check("", "byte 0: the text ends: expected an object");
    check("[]", "byte 0: expected an object");
    check(r#"{"a": 01}"#, "byte 7: expected `,` or `}`");
    check(r#"{"a": x}"#, "byte 6: expected a value");
    check(r#"{"a": 1e999}"#, "byte 6: the number is out of range");
    check(r#"{"a": "x"#, "byte 8: the text ends inside an object or a list: this text is never closed");
    check(r#"{"a": 1} 2"#, "byte 9: the object has ended before this");
}

/// Texts that are nearly JSON objects about the fields that are read.
fn nearly_json() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"l\"",
        "\"k\"",
        "\"c\"",
        "\"a.b\"",
        "\"l[0]\"",
        "\"\\u0061\"",
        "\"x\\n\"",
        "\"\\ud83d\\ude00\"",
        "\"",
        "1",
        "-2.5",
        "1e3",
        "0",
        "18446744073709551616",
        "true",
        "null",
        " ",
        "\"\"",
        "1e999",
        "\"\\ud83d\"",
    ];
    prop::collection::vec(select(pieces.to_vec()), 0..24).prop_map(|pieces| format!("{{{}", pieces.concat()))
}

fn json() -> impl Strategy<Value = String> {
    let text = || select(vec!["a", "b", "c", "l", "k", "a.b", "b.c", "l[0]", "0", "1", "x\n", "ü", "😀", ""]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("JSON has none", |value| value.is_finite())
            .prop_map(|value| format!("{value:?}")),
        text().prop_map(|text| Value::from(text).to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
    ];
    let value = leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            members(text(), inner),
        ]
    });
    members(text(), value)
}

/// An object; keys may stand in it more than once, which a map could not say.
fn members(
    key: impl Strategy<Value = &'static str>,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    prop::collection::vec((key, value), 0..6).prop_map(|members| {
        let member = |(key, value): &(&str, String)| format!("{}: {value}", Value::from(*key));
        format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_text_is_read_like_a_tree(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_near_miss_is_read_like_a_tree(text in nearly_json()) {
        check(&text);
    }

    #[test]
    fn any_object_is_read_like_a_tree(text in json(), cut in 0.0..1.5) {
        prop_assert!(check(&text));
        let end = ((text.len() as f64 * cut) as usize).min(text.len());
        check(text.get(..end).unwrap_or_default());
    }
}

#[test]
fn an_index_reads_texts() {
    let texts = ["a.b == x and l[0] > 5", "a.length == 1", "'x' in l", "l", "b == val(a.b)", "len(l) == 2"];
    let rules = (0..).zip(texts).map(|(id, text)| (id, Condition::compile(text).unwrap(), Missing::Kleene));
    let index = Index::build(rules);
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    let mut check = |text: &str, ids: &[u32]| {
        index.matches_json(text, &mut scratch, &mut found).unwrap();
        assert_eq!(found, ids, "{text}");
        let tree: Map<String, Value> = serde_json::from_str(text).unwrap();
        index.matches(&tree, &mut scratch, &mut found);
        assert_eq!(found, ids, "{text}");
    };
    check(r#"{"a": {"b": "x"}, "l": [6]}"#, &[0, 1, 3]);
    check(r#"{"a": {"b": "\u0078"}, "b": "x", "l": ["x", 0]}"#, &[1, 2, 3, 4, 5]);
    check(r#"{"a.b": "x", "l[0]": 5.5, "a": "ü", "l": ""}"#, &[0, 1]);
    check("{}", &[]);
    let (mut scratch, mut found) = (Scratch::default(), vec![7]);
    assert!(index.matches_json("{", &mut scratch, &mut found).is_err());
    assert!(found.is_empty());
}
