//! Access logs of nginx and Apache: the forms `common` and `combined`.
//!
//! `client - user [29/Nov/2026:10:00:00 +0000] "GET /path?query HTTP/1.1" 200 512 "referer" "agent"`; what follows is
//! not looked at. A dash means that there is nothing. Escapes in quotes (`\"`, `\x22`) stay as they are.

use jiff::fmt::strtime;
use lanner_core::instant::within_bounds;
use lanner_core::time::format_time;
use serde_json::{Map, Value};

use super::form::Read;

/// How these logs write times.
const TIME: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Up to the number of bytes; what follows, such as the rest of the combined form, is not looked at.
pub(super) fn read_common(text: &str) -> Option<Read> {
    common(text).map(|(read, _)| read)
}

/// With referer and agent.
pub(super) fn read_combined(text: &str) -> Option<Read> {
    let (mut read, rest) = common(text)?;
    let (referer, rest) = quoted(rest.strip_prefix(' ')?)?;
    let (agent, _) = quoted(rest.strip_prefix(' ')?)?;
    insert(&mut read.fields, "referer", referer);
    insert(&mut read.fields, "agent", agent);
    Some(read)
}

fn common(text: &str) -> Option<(Read, &str)> {
    let (who, rest) = text.split_once(" [")?;
    let (host, client, user) = parties(who)?;
    let (time, rest) = rest.split_once("] ")?;
    let time_ms = strtime::parse(TIME, time).ok()?.to_timestamp().ok()?.as_millisecond();
    let time_ms = within_bounds(time_ms)?;
    let (request, rest) = quoted(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    if client.is_empty() || !is_status {
        return None;
    }
    let mut fields = Map::new();
    insert(&mut fields, "host", host);
    insert(&mut fields, "client", client);
    insert(&mut fields, "user", user);
    fields.insert("time".to_owned(), format_time(time_ms).into());
    add_request(&mut fields, request);
    fields.insert("status".to_owned(), status.parse::<u64>().ok()?.into());
    if bytes != "-" {
        fields.insert("bytes".to_owned(), bytes.parse::<u64>().ok()?.into());
    }
    Some((Read { fields, time_ms: Some(time_ms) }, rest))
}

/// Who was asked, who asked, and under which name: `client - user`, before which Apache's `vhost_combined` has the host. Names
/// may hold spaces.
fn parties(who: &str) -> Option<(&str, &str, &str)> {
    let (client, rest) = who.split_once(' ')?;
    let (identity, user) = rest.split_once(' ')?;
    match user.strip_prefix("- ") {
        Some(user) if identity != "-" => Some((client, identity, user)),
        _ => Some(("-", client, user)),
    }
}

/// `GET /path?query HTTP/1.1` in its parts; what is no such thing, as scanners send it, is kept as `request`.
fn add_request(fields: &mut Map<String, Value>, request: &str) {
    let parts: Vec<&str> = request.splitn(4, ' ').collect();
    match parts[..] {
        [method, target, protocol] if !target.is_empty() && protocol.starts_with("HTTP/") => {
            let (path, query) =
                target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
            insert(fields, "method", method);
            insert(fields, "path", path);
            insert(fields, "query", query.unwrap_or("-"));
            insert(fields, "protocol", protocol);
        }
        _ => insert(fields, "request", request),
    }
}

/// Adds a text, unless it says that there is nothing.
fn insert(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if text != "-" && !text.is_empty() {
        fields.insert(name.to_owned(), text.into());
    }
}

/// What stands in the quotes at the beginning of a text, and what follows them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut bytes = inside.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((&inside[..at], &inside[at + 1..])),
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "rows are easier to read")]
    fn check(read: fn(&str) -> Option<Read>, line: &str, expected: Option<Value>) {
        assert_eq!(read(line).map(|read| Value::Object(read.fields)), expected, "{line}");
    }

    #[test]
    fn combined() {
        let line = r#"2001:db8::1 - ann lee [29/Nov/2026:10:00:00 +0100] "POST /pay?a=1&b HTTP/2.0" 502 0 "-" "x \"y\" \x22" 0.004"#;
        let expected = json!({
            "client": "2001:db8::1", "user": "ann lee", "time": "2026-11-29T09:00:00Z", "method": "POST", "path": "/pay",
            "query": "a=1&b", "protocol": "HTTP/2.0", "status": 502, "bytes": 0, "agent": r#"x \"y\" \x22"#,
        });
        check(read_combined, line, Some(expected));
        assert_eq!(read_combined(line).unwrap().time_ms, Some(1_795_942_800_000));
        let head = r#"10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "#;
        let tls = format!(r#"{head}"\x16\x03\x01" 400 157 "-" "-""#);
        let time = "2026-11-29T10:00:00Z";
        let expected = json!({"client": "10.0.0.1", "time": time, "request": "\\x16\\x03\\x01", "status": 400, "bytes": 157});
        check(read_combined, &tls, Some(expected));
        let closed = format!(r#"{head}"" 408 - "-" "-""#);
        check(read_combined, &closed, Some(json!({"client": "10.0.0.1", "time": time, "status": 408})));
        check(read_combined, &format!(r#"{head}"GET / HTTP/1.1" 200 5"#), None);
        check(read_combined, &format!(r#"{head}"GET / HTTP/1.1" 200 5 "-" "open"#), None);
        check(read_combined, "", None);
    }

    #[test]
    fn common() {
        let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let expected = json!({
            "client": "127.0.0.1", "user": "frank", "time": "2000-10-10T20:55:36Z", "method": "GET",
            "path": "/apache_pb.gif", "protocol": "HTTP/1.0", "status": 200, "bytes": 2326,
        });
        check(read_common, line, Some(expected.clone()));
        check(read_common, &format!("{line} \"-\" \"curl\""), Some(expected.clone()));
        let mut of_host = expected.clone();
        of_host["host"] = "www.example.org:80".into();
        check(read_common, &format!("www.example.org:80 {line}"), Some(of_host));
        let identified = line.replace(" - frank", " frank-pc frank");
        check(read_common, &identified, Some(expected));
        check(read_common, &line.replace("Oct", "Okt"), None);
        check(read_common, &line.replace("2000:", "1800:"), None);
        check(read_common, &line.replace(" 200 ", " 2000 "), None);
        check(read_common, &line.replace("2326", "many"), None);
        check(read_common, &line.replace(" - frank", ""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "([a \\[\\]\"\\\\0-9:/-]|\\PC){0,80}") {
            let _ = read_combined(&text);
        }

        #[test]
        fn any_near_line_is_answered(who in "\\PC{0,9}", request in "\\PC{0,20}", rest in "[0-9 \"-]{0,20}") {
            let _ = read_combined(&format!("{who} - - [29/Nov/2026:10:00:00 +0000] \"{request}\" {rest}"));
        }
    }
}
