//! The forms `common` and `combined`.
//!
//! `client - user [29/Nov/2026:10:00:00 +0000] "GET /path?query HTTP/1.1" 200 512 "referer" "agent"`; referer and agent
//! may be missing, and what follows is not looked at. A dash means that there is nothing. Escapes in quotes (`\"`,
//! `\x22`) stay as they are.

use memchr::memchr2;

use super::marks::Mark;
use super::stamp;
use crate::request::Request;

pub(super) fn read(line: &str) -> Option<Request<'_>> {
    let (who, rest) = Mark(" [", 1).split(line)?;
    let (host, client, user) = parties(who)?;
    let (time, rest) = Mark("] ", 0).split(rest)?;
    let (request_line, rest) = quoted(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    if client.is_empty() || !is_status {
        return None;
    }
    let mut request = Request {
        time_ms: stamp::common(time)?,
        user: user.into(),
        host: host.into(),
        status: status.parse().ok(),
        bytes: if bytes == "-" { None } else { Some(bytes.parse().ok()?) },
        ..Request::default()
    };
    request.set_client(client.into());
    request.set_line(request_line);
    if let Some((referer, rest)) = rest.strip_prefix(' ').and_then(quoted) {
        request.referer = something(referer).into();
        if let Some((agent, _)) = rest.strip_prefix(' ').and_then(quoted) {
            request.agent = something(agent).into();
        }
    }
    Some(request)
}

/// Who was asked, who asked, and under which name: `client - user`, before which a virtual host may stand, and after whose
/// dash the id of a request. Names may hold spaces.
fn parties(who: &str) -> Option<(&str, &str, &str)> {
    let (client, rest) = who.split_once(' ')?;
    let (identity, user) = rest.split_once(' ')?;
    match user.strip_prefix("- ") {
        Some(user) if identity != "-" => {
            let user = user.rsplit_once(' ').map_or(user, |(_, user)| user);
            Some((client, identity, something(user)))
        }
        _ => Some(("", client, something(user))),
    }
}

/// A text, unless it says that there is nothing.
pub(super) fn something(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// What stands in the quotes at the beginning of a text, and what follows them.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut begin = 0;
    loop {
        let at = begin + memchr2(b'"', b'\\', inside.as_bytes().get(begin..)?)?;
        if inside.as_bytes()[at] == b'"' {
            return Some((&inside[..at], &inside[at + 1..]));
        }
        begin = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combined_and_common() {
        let request = |line: &str| {
            read(line).map(|request| {
                format!(
                    "{:?}",
                    (
                        request.time_ms,
                        &*request.host,
                        &*request.client,
                        &*request.user,
                        &*request.method,
                        &*request.path,
                        &*request.query,
                        request.status,
                        request.bytes,
                        &*request.agent,
                    )
                )
            })
        };
        #[track_caller]
        fn check(found: Option<&String>, expected: &str) {
            assert_eq!(found.map(String::as_str), Some(expected));
        }
        let line = r#"2001:db8::1 - ann lee [29/Nov/2026:10:00:00 +0100] "POST /pay?a=1&b HTTP/2.0" 502 0 "-" "x \"y\"" 0.004"#;
        let expected = r#"(1795942800000, "", "2001:db8::1", "ann lee", "POST", "/pay", "a=1&b", Some(502), Some(0), "x \\\"y\\\"")"#;
        check(request(line).as_ref(), expected);
        let hosted = r#"example.org 10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "\x16\x03" 400 - "-" "-""#;
        check(
            request(hosted).as_ref(),
            r#"(1795946400000, "example.org", "10.0.0.1", "", "", "\\x16\\x03", "", Some(400), None, "")"#,
        );
        let with_id = r#"example.org 10.0.0.1 - abc12 - [29/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5"#;
        check(
            request(with_id).as_ref(),
            r#"(1795946400000, "example.org", "10.0.0.1", "", "GET", "/", "", Some(200), Some(5), "")"#,
        );
        for wrong in [
            "",
            "a - - [x] \"GET / HTTP/1.1\" 200 1",
            "10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] \"GET / 200 1",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
