//! Options of command lines, as Falco's `getopt` finds them.
//!
//! What is asked and the answers are those of Falco's own tests of it (falcosecurity/libs).

#![allow(clippy::unwrap_used, clippy::panic, clippy::too_many_lines, reason = "a failing test says where")]

use lanner_conditions::{Condition, Missing, parse};
use serde_json::json;

/// `words` as a list in the condition, and as a list of the event.
#[track_caller]
fn asked(words: &[&str], rest: &str, holds: bool) {
    let literals: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    for given in [format!("({})", literals.join(", ")), "args".to_owned()] {
        let text = format!("getopt({given}, {rest}");
        let condition = Condition::compile(&text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let event = json!({ "args": words });
        let answer = condition.matches(event.as_object().unwrap(), Missing::False);
        assert_eq!(answer, holds, "{text} of {words:?}");
    }
}

/// The list of all options and their values holds one of `items`.
#[test]
fn all_options() {
    #[track_caller]
    fn check(words: &[&str], spec: &str, items: &[&str], holds: bool) {
        let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
        asked(words, &format!("\"{spec}\") intersects ({})", items.join(", ")), holds);
    }
    check(&["-n", ""], "n", &["n"], true);
    check(&["-t", "hello"], "t:", &["t", "hello"], true);
    check(&["-nt", "hello"], "nt:", &["n", "t", "hello"], true);
    check(&["-thello"], "t:", &["t", "hello"], true);
    check(&["-n", "-t", "hello"], "nt:", &["n", "t", "hello"], true);
    check(&["-n"], "n", &["t"], false);
    check(&["-n", "--", "-t"], "nt:", &["n"], true);
    check(&["-n", "--", "-t"], "nt:", &["t"], false);
    check(&["-x", "-n"], "n", &["?", "n"], true);
    check(&["-x", "-n"], "n", &["x"], false);
    check(&["-l", "-p", "8080", "-e", "/bin/sh"], "lp:e:", &["l", "p", "e", "8080", "/bin/sh"], true);
    check(&["-lpe", "/bin/sh"], "lp:e:", &["l", "p", "e"], true);
    check(&["-lpe", "/bin/sh"], "lpe:", &["/bin/sh"], true);
    check(&["-n", "-t"], "", &["n"], false);
    check(&["-n", "-t"], "", &["t"], false);
    check(&[""], "n", &["n"], false);
    check(&["arg1", "arg2", "arg3"], "n", &["n"], false);
    check(&["arg1", "-n", "arg2"], "n", &["n"], false);
    check(&["-", "-n"], "n", &["n"], false);
    check(&["-"], "n", &["n"], false);
    check(&["-t"], "t:", &[""], true);
    check(&["-t"], "t:", &["?"], false);
    check(&["-t"], "t:", &["t"], false);
    check(&["-t"], ":t:", &[""], true);
    check(&["-t"], ":t:", &[":"], false);
    check(&["-n", "--", "--"], "n", &["n"], true);
    check(&["--", "-n"], "n", &["n"], false);
    check(&["-nat", "hello"], "na:t", &["n", "a", "t"], true);
    check(&["-abcvalue"], "abc:", &["a", "b", "c", "value"], true);
    check(&["-abc", "value"], "abc:", &["a", "b", "c", "value"], true);
    check(&["-n", "-n", "-n"], "n", &["n"], true);
    check(&["-v", "-v", "-v"], "v", &["v"], true);
    check(&["-t", "val1", "-t", "val2"], "t:", &["t", "val1", "val2"], true);
    check(&["-p", "8080"], "p:", &["p", "8080"], true);
    check(&["-p8080"], "p:", &["p", "8080"], true);
    check(&["-n", "42"], "n:", &["n", "42"], true);
    check(&["-t", "-123"], "t:", &["t", "-123"], true);
    check(&["-f", "/etc/passwd"], "f:", &["f", "/etc/passwd"], true);
    check(&["-f", "./relative/path"], "f:", &["f", "./relative/path"], true);
    check(&["-u", "http://example.com:8080/path"], "u:", &["u", "http://example.com:8080/path"], true);
    check(&["-t", ""], "t:", &["t", ""], true);
    check(&["-p", "22", "-i", "keyfile", "user@host"], "p:i:", &["p", "22", "i", "keyfile"], true);
    check(&["-xzf", "file.tar.gz"], "xzf:", &["x", "z", "f", "file.tar.gz"], true);
    check(
        &["-X", "POST", "-H", "header", "-d", "data", "url"],
        "X:H:d:",
        &["X", "POST", "H", "header", "d", "data"],
        true,
    );
    check(&["-e", "/bin/sh", "attacker.com", "4444"], "e:", &["e", "/bin/sh"], true);
    check(&["-rn", "pattern", "/path"], "rn", &["r", "n"], true);
    check(
        &["-it", "-p", "8080:80", "-v", "/host:/container", "image"],
        "itp:v:",
        &["i", "t", "p", "8080:80", "v", "/host:/container"],
        true,
    );
    check(&["-a", "1", "-b", "2", "-c", "3"], "a:b:c:", &["a", "1", "b", "2", "c", "3"], true);
    check(&["-abc"], "abc", &["a", "b", "c"], true);
    check(&["-a", "val", "-b"], "a:b", &["a", "val", "b"], true);
    check(&["-abcdefg"], "abcdefg", &["a", "b", "c", "d", "e", "f", "g"], true);
    check(&["-1", "-2", "-3"], "123", &["1", "2", "3"], true);
    check(&["-a1b2c3"], "a1b2c3", &["a", "1", "b", "2", "c", "3"], true);
    check(&["regular_file", "-f", "another_file"], "f:", &["f", "another_file"], false);
    check(&["-f", "another_file", "regular_file"], "f:", &["f", "another_file"], true);
    check(&["-t", " "], "t:", &["t", " "], true);
    check(&["", "-n", ""], "n", &["n"], false);
    check(&["-@", "-+"], "@+", &["@", "+"], true);
    check(&["-nx"], "n", &["n", "?"], true);
    check(&["--exec"], "e:", &["?"], false);
    check(&["--exec"], "e:", &["e"], false);
    check(&["--exec", "-n"], "n", &["n"], true);
    check(&["-n", "file", "-t"], "nt", &["n"], true);
    check(&["-n", "file", "-t"], "nt", &["t"], false);
    check(&["-abcdefghijklmnopqrstuvwxyz"], "abcdefghijklmnopqrstuvwxyz", &["a", "b", "c", "z"], true);
    check(&["-a", "-b", "-c", "-d", "-e", "-f"], "abcdef", &["a", "b", "c", "d", "e", "f"], true);
    check(
        &["-t", "this_is_a_very_long_argument_value_that_might_test_buffer_handling"],
        "t:",
        &["t", "this_is_a_very_long_argument_value_that_might_test_buffer_handling"],
        true,
    );
}

/// One option.
#[test]
fn one_option() {
    #[track_caller]
    fn check(words: &[&str], spec: &str, test: &str, holds: bool) {
        asked(words, &format!("\"{spec}\"){test}"), holds);
    }
    check(&["-n", "-t", "hello"], "nt:", r#"[t] = "hello""#, true);
    check(&["-n", "-t", "hello"], "nt:", r#"[t] = "n""#, false);
    check(&["-n", "-t", "hello"], "nt:", r#"[n] = "n""#, true);
    check(&["-t", "v1", "-t", "v2"], "t:", r#"[t] = "v2""#, true);
    check(&["-t?"], "t:", r#"[t] = "?""#, true);
    check(&["-t:"], ":t:", r#"[t] = ":""#, true);
    check(&["-t"], "t:", r#"[t] != """#, false);
    check(&["-t"], "t:", r#"[t] = """#, true);
    check(&["-t"], "t:", r#"[t] = "?""#, false);
    check(&["-t"], ":t:", r#"[t] = ":""#, false);
    check(&["-n"], "nt:", r#"[t] != """#, false);
    check(&["-t", "v1", "-t"], "t:", r#"[t] = "v1""#, false);
    check(&["-t", "v1", "-t"], "t:", r#"[t] = """#, true);
}

#[test]
fn what_is_refused() {
    #[track_caller]
    fn check(text: &str, says: &str) {
        let problems = parse(text).unwrap_err();
        assert!(problems[0].to_string().contains(says), "{text}: {problems:?}");
    }
    check(r#"getopt() intersects ("n")"#, "write `getopt(field");
    check(r#"getopt(("a")) intersects ("n")"#, "write `getopt(field");
    check(r#"getopt(("a"), "n", "extra") intersects ("n")"#, "write `getopt(field");
    check(r#"getopt("not_a_list", "n") intersects ("n")"#, "write `getopt(field");
    check(r#"getopt(("-n"), ("n")) intersects ("n")"#, "write `getopt(field");
    check(r#"getopt(("-n"), "n")[""] = n"#, "one letter");
    check(r#"getopt(("-n"), "n")[ab] = n"#, "one letter");
}

/// What Falco's tests leave open.
#[test]
fn texts_and_other_values() {
    #[track_caller]
    fn check(event: &serde_json::Value, text: &str, holds: bool) {
        let condition = Condition::compile(text).unwrap();
        assert_eq!(condition.matches(event.as_object().unwrap(), Missing::False), holds, "{text} of {event}");
    }
    let event = json!({"a": "-n  -t value -x", "n": 7, "spec": "nt:", "o": {}, "mixed": ["-n", 5, "-t"], "flag": "-n"});
    check(&event, "getopt(a, 'nt:')[t] == value and getopt(a, spec)[n] == n", true);
    check(&event, "getopt(a, 'nt:') == x or len(getopt(a, 'nt:')) == 4", true); // n, t, value, ?
    check(&event, "getopt((flag, '-t', n), 'nt:')[t] == '7'", true);
    check(&event, "getopt(('-t', mixed), 't:n')[t] == '-n'", true);
    check(&event, "getopt((tolower(flag)), 'n')[n] exists", true);
    check(&event, "getopt(n, 'nt:') exists or getopt(o, 'n') exists or getopt(none, 'n') exists", false);
    check(&event, "getopt((flag, none), 'n') exists or getopt(a, n) exists", false);
    check(&event, "len(getopt((), 'n')) == 0", true);
}
