//! JSON lines of proxies and load balancers.
//!
//! Products call the same thing differently; each meaning has the list of names under which it is looked for, from the most to
//! the least exact. A dotted name is a path into objects.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::stamp;
use crate::request::Request;

const TIME: &[&str] = &[
    "start_time",
    "StartUTC",
    "time_iso8601",
    "ts",
    "time",
    "@timestamp",
    "timestamp",
    "time_local",
    "msec",
    "startTime",
];
const CLIENT: &[&str] = &[
    "request.client_ip",
    "request.remote_ip",
    "ClientHost",
    "client_ip",
    "remote_addr",
    "downstream_remote_address",
    "client.ip",
    "client",
    "client_port",
    "remote_ip",
    "request.remote_addr",
];
const USER: &[&str] = &["user_id", "ClientUsername", "remote_user", "user"];
const HOST: &[&str] =
    &["request.host", "RequestHost", ":authority", "authority", "host", "http_host", "domain_name"];
const METHOD: &[&str] =
    &["request.method", "RequestMethod", "request_method", "method", "http.request.method"];
const TARGET: &[&str] = &[
    "request.uri",
    "RequestPath",
    "x-envoy-origin-path",
    "x_envoy_original_path",
    "request_uri",
    "path",
    "uri",
    "request_url",
    "url",
    "url.path",
];
const LINE: &[&str] = &["request"];
const QUERY: &[&str] = &["query", "args", "query_string"];
const PROTOCOL: &[&str] = &["request.proto", "RequestProtocol", "protocol", "server_protocol"];
const STATUS: &[&str] = &[
    "DownstreamStatus",
    "response_code",
    "status",
    "elb_status_code",
    "OriginStatus",
    "http.response.status_code",
    "status_code",
];
const BYTES: &[&str] = &["DownstreamContentSize", "bytes_sent", "size", "body_bytes_sent", "sent_bytes"];
const REFERER: &[&str] = &["request.headers.Referer", "request_Referer", "http_referer", "referer"];
const AGENT: &[&str] = &[
    "request.headers.User-Agent",
    "request_User-Agent",
    "user_agent",
    "user-agent",
    "http_user_agent",
    "agent",
];
const SESSION: &[&str] = &["x_session_id", "session_id", "session", "x-session-id"];

pub(super) fn read(line: &str) -> Option<Request<'_>> {
    if !line.starts_with('{') {
        return None;
    }
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let text = |names: &[&str]| {
        names.iter().find_map(|name| find(&fields, name).and_then(plain)).unwrap_or_default()
    };
    let mut request = Request {
        time_ms: TIME.iter().find_map(|name| time(find(&fields, name)?))?,
        user: something(text(USER)),
        host: something(text(HOST)),
        method: something(text(METHOD)),
        protocol: something(text(PROTOCOL)),
        status: text(STATUS).parse().ok().filter(|status| *status < 1_000),
        bytes: text(BYTES).parse().ok(),
        referer: something(text(REFERER)),
        agent: something(text(AGENT)),
        duration_ms: duration_ms(&fields),
        session: something(text(SESSION)),
        ..Request::default()
    };
    request.set_client(something(text(CLIENT)));
    set_what(&mut request, &text);
    let is_request = !request.client.is_empty() && (!request.path.is_empty() || request.status.is_some());
    is_request.then_some(request)
}

/// What was asked for, which some write as parts and some as one line.
fn set_what(request: &mut Request<'_>, text: &dyn Fn(&[&str]) -> String) {
    let target = text(TARGET);
    if !target.is_empty() {
        request.set_target(target.into());
    } else {
        let mut of_line = Request::default();
        let line = text(LINE);
        of_line.set_line(&line);
        let Request { method, path, query, protocol, .. } = of_line;
        request.path = path.into_owned().into();
        request.query = query.into_owned().into();
        if request.method.is_empty() {
            request.method = method.into_owned().into();
        }
        if request.protocol.is_empty() {
            request.protocol = protocol.into_owned().into();
        }
    }
    if request.query.is_empty() {
        request.query = text(QUERY).into();
    }
}

/// The field of a name, or at the end of a path of names. Names may hold dots themselves.
fn find<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(name) {
        return Some(value);
    }
    let (head, rest) = name.split_once('.')?;
    find(fields.get(head)?.as_object()?, rest)
}

/// A text or a number as text; of a list, as Caddy writes headers, the first.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => list.first().and_then(plain),
        _ => None,
    }
}

fn something(text: String) -> Cow<'static, str> {
    if text == "-" { "".into() } else { text.into() }
}

fn time(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => stamp::of_number(number.as_f64()?),
        Value::String(text) => {
            stamp::rfc3339(text).or_else(|| stamp::common(text)).or_else(|| stamp::epoch(text))
        }
        _ => None,
    }
}

/// How long the answer took. Traefik writes nanoseconds, Caddy and nginx seconds, Envoy milliseconds.
fn duration_ms(fields: &Map<String, Value>) -> Option<f64> {
    let number = |name: &str| find(fields, name).and_then(plain)?.parse::<f64>().ok();
    number("Duration")
        .map(|nanos| nanos / 1e6)
        .or_else(|| number("request_time").map(|seconds| seconds * 1e3))
        .or_else(|| {
            number("duration").map(|n| if find(fields, "request.uri").is_some() { n * 1e3 } else { n })
        })
        .filter(|ms| ms.is_finite() && *ms >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let request = read(line).unwrap_or_else(|| panic!("{line}"));
            let Request { client, method, path, query, status, duration_ms, agent, .. } = request;
            assert_eq!(
                format!("{client} {method} {path} {query} {status:?} {duration_ms:?} {agent}"),
                expected
            );
            assert_eq!(request.time_ms, 1_795_946_400_100);
        }
        let caddy = r#"{"ts":1795946400.1,"request":{"client_ip":"10.0.0.1","method":"GET","uri":"/a?b","headers":{"User-Agent":["curl"]}},"duration":0.25,"status":401}"#;
        check(caddy, "10.0.0.1 GET /a b Some(401) Some(250.0) curl");
        let traefik = r#"{"ClientHost":"10.0.0.1","DownstreamStatus":404,"Duration":2000000,"RequestMethod":"GET","RequestPath":"/a","StartUTC":"2026-11-29T10:00:00.1Z","request_User-Agent":"x"}"#;
        check(traefik, "10.0.0.1 GET /a  Some(404) Some(2.0) x");
        let envoy = r#"{"start_time":"2026-11-29T10:00:00.100Z","method":"GET","path":"/a","response_code":"200","downstream_remote_address":"10.0.0.1:40","duration":17}"#;
        check(envoy, "10.0.0.1 GET /a  Some(200) Some(17.0) ");
        let nginx =
            r#"{"msec":"1795946400.100","remote_addr":"::1","request":"PUT /a?b HTTP/1.1","status":"201"}"#;
        check(nginx, "::1 PUT /a b Some(201) None ");
        for other in ["{}", "[1]", "{\"ts\":1795946400.1}", r#"{"level":"warn","ts":1795946400.1,"msg":"x"}"#]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
