//! Access logs of nginx and Apache, whose lines `traffic` reads: what of a request becomes which field.
//!
//! What a log does not tell, or says with a dash, becomes no field.

use lanner_core::instant::within_bounds;
use lanner_core::time::format_time;
use lanner_traffic::Request;
use lanner_traffic::log::LogFormat;
use serde_json::{Map, Value};

use super::form::Read;

/// Without referer and agent, which may be there.
pub(super) fn read_common(text: &str) -> Option<Read> {
    read(text).map(|(read, _)| read)
}

/// With referer and agent, where the line has them.
pub(super) fn read_combined(text: &str) -> Option<Read> {
    let (mut read, request) = read(text)?;
    insert(&mut read.fields, "referer", &request.referer);
    insert(&mut read.fields, "agent", &request.agent);
    Some(read)
}

fn read(text: &str) -> Option<(Read, Request<'_>)> {
    let request = LogFormat::Combined.read(text)?;
    let time_ms = within_bounds(request.time_ms)?;
    let mut fields = Map::new();
    insert(&mut fields, "host", &request.host);
    insert(&mut fields, "client", &request.client);
    insert(&mut fields, "user", &request.user);
    fields.insert("time".to_owned(), format_time(time_ms).into());
    // What is no request of HTTP, as scanners send it, is kept whole.
    let path = if request.method.is_empty() { "request" } else { "path" };
    insert(&mut fields, "method", &request.method);
    insert(&mut fields, path, &request.path);
    insert(&mut fields, "query", &request.query);
    insert(&mut fields, "protocol", &request.protocol);
    fields.extend(request.status.map(|status| ("status".to_owned(), status.into())));
    fields.extend(request.bytes.map(|bytes| ("bytes".to_owned(), bytes.into())));
    Some((Read { fields, time_ms: Some(time_ms) }, request))
}

/// Adds a text, unless it is empty.
fn insert(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.to_owned(), text.into());
    }
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
        let short = json!({"client": "10.0.0.1", "time": time, "method": "GET", "path": "/", "protocol": "HTTP/1.1", "status": 200, "bytes": 5});
        check(read_combined, &format!(r#"{head}"GET / HTTP/1.1" 200 5"#), Some(short.clone()));
        check(read_combined, &format!(r#"{head}"GET / HTTP/1.1" 200 5 "-" "open"#), Some(short.clone()));
        // Behind what a system log puts in front, and a whole address, as proxies write it.
        let passed_on =
            format!(r#"Nov 29 10:00:00 web nginx[7]: {head}"GET http://a.org/ HTTP/1.1" 200 5 "-" "-""#);
        check(read_combined, &passed_on, Some(short));
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
