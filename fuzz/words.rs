//! Bytes as a text that is rich in the words of the condition language and of JSON.
//!
//! A byte above 127 stands for one of them, so that a change of one byte makes another condition and not
//! another misspelling. All other bytes stand for themselves.

const WORDS: [&str; 128] = [
    "a", "b", "c", "a.b", "l[0]", "a.length", "$[\"a.b\"]", "d.e", " and ", " or ", "not ", "(", ")", " == ", " != ",
    " < ", " <= ", " > ", " >= ", " in (", " not in (", ", ", " exists", " contains ", " icontains ", " startswith ",
    " endswith ", " glob ", " iglob ", " regex ", " =~ ", " !~~ ", " intersects (", " pmatch (", "oneof (", "anyof (",
    "allof (", "val(a)", "val(b)", "val(l)", "tolower(a)", "len(l)", "basename(b)", "b64(a)", "join(\"-\", (a, b))",
    "concat(a, b)", "getopt(a, \"xy:\")[y]", "x", "xy", "xyz", "\"x\"", "\"\"", "'x y'", "5", "5.0", "-1", "2.5", "7",
    "9007199254740993", "0x1F", "null", "true", "false", "\"5\"", "x*", "\"?y*\"", "\"[w-x]*\"", "\"x.*\"", "/etc",
    "\"/etc/*/x\"", "10.0.0.0/8", "::1", "d\"2026-12-01\"", "d\"2026-12-01T00:00:00.5Z\"", "7f", " bcontains ", "&&",
    "||", "!", "\n", "\n{", "}", "{", "\"a\":", "\"b\":", "\"c\":", "\"d\":", "\"e\":", "\"l\":", "\"a.b\":", "\"l[0]\":",
    ",", "[", "]", "\"xy\"", "\"xyz\"", "\"X\"", "\"10.1.2.3\"", "\"0:0::1\"", "\"2026-12-01\"",
    "\"2026-12-01T01:00:00+01:00\"", "\"/etc/a/x\"", "1e300", "18446744073709551615", "1e999", "\"\\u0078\"",
    "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "ü", "\"-xy value\"", "\"eA==\"", "\n{\"a\":\"x\",", "\n{\"b\":5,", "\n{\"l\":[\"x\",5],",
    "\n{\"a\":{\"b\":\"x\"},", "\n{\"d\":{\"e\":7}}", "\n{}", "a == x", "a == x and b == 5", "not a in (x, 5)", "b > 2",
    "l intersects (x, 7)", "a startswith x and ", "b == 5 or ", "\"length\":", " ", "x\\n", "007",
];

/// The text behind `bytes`.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte.checked_sub(128) {
            Some(word) => text.push_str(WORDS[usize::from(word)]),
            None => text.push(char::from(*byte)),
        }
    }
    text
}
