//! Any `log_format` of nginx and `LogFormat` of Apache.
//!
//! A format is text with variables in it: `$remote_addr`, `${status}`, `%h`, `%>s`, `%{User-Agent}i`. A line is read from the
//! left; a variable's value ends where the text that follows the variable begins. Behind a quote, escaped quotes are part
//! of the value. Values of variables without a meaning here are skipped.

use std::borrow::Cow;

use super::clf::something;
use super::stamp;
use crate::request::Request;

/// A format that lines are read by.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The text before the first variable.
    begin: String,
    /// Each variable, and the text behind it.
    parts: Vec<(Meaning, String)>,
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It says neither when, nor who, nor what.
    #[error("the format has no variable for {0}; it needs a time, a client and a request")]
    Lacks(&'static str),
    /// Two variables without text between them.
    #[error("nothing stands between {0} and the variable behind it, so nobody knows where the one ends")]
    Together(String),
}

/// What the value of a variable says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Client,
    User,
    Host,
    TimeCommon,
    TimeIso,
    TimeEpoch,
    Request,
    Method,
    Target,
    Query,
    Protocol,
    Status,
    Bytes,
    Referer,
    Agent,
    Seconds,
    Milliseconds,
    Microseconds,
    Session,
    Other,
}

/// What AWS writes for its application load balancers.
const ALB: &str = "$type $time_iso8601 $elb $remote_addr $target $request_processing_time $request_time \
    $response_processing_time $status $target_status $received_bytes $body_bytes_sent \"$request\" \"$http_user_agent\"";

impl Pattern {
    /// The access logs of AWS's application load balancers.
    pub(super) fn alb() -> Self {
        Self::compile(ALB).unwrap_or(Self { begin: String::new(), parts: Vec::new() })
    }

    /// Reads a format.
    ///
    /// # Errors
    /// See [`FormatError`].
    pub fn compile(text: &str) -> Result<Self, FormatError> {
        let (mut begin, mut parts): (String, Vec<(Meaning, String)>) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((name, after)) = variable(rest) {
                if parts.last().is_some_and(|(_, text)| text.is_empty()) {
                    return Err(FormatError::Together(name.to_owned()));
                }
                parts.push((meaning(name), String::new()));
                rest = after;
            } else {
                parts.last_mut().map_or(&mut begin, |(_, text)| text).push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        let has = |wanted: &[Meaning]| parts.iter().any(|(meaning, _)| wanted.contains(meaning));
        if !has(&[Meaning::TimeCommon, Meaning::TimeIso, Meaning::TimeEpoch]) {
            return Err(FormatError::Lacks("the time"));
        }
        if !has(&[Meaning::Client]) {
            return Err(FormatError::Lacks("the client"));
        }
        if !has(&[Meaning::Request, Meaning::Target]) {
            return Err(FormatError::Lacks("the request"));
        }
        Ok(Self { begin, parts })
    }

    /// Reads a line. What follows the last variable is not looked at.
    pub(super) fn read<'a>(&self, line: &'a str) -> Option<Request<'a>> {
        let mut rest = line.strip_prefix(self.begin.as_str())?;
        let mut request = Request::default();
        let mut is_timed = false;
        for (at, (meaning, behind)) in self.parts.iter().enumerate() {
            let is_last = at + 1 == self.parts.len();
            let end = end_of(rest, behind, is_last)?;
            let value = something(&rest[..end]);
            is_timed |= set(&mut request, *meaning, value)?;
            rest = rest[end..].strip_prefix(behind.as_str()).unwrap_or("");
        }
        (is_timed && !request.client.is_empty()).then_some(request)
    }
}

/// Where a value ends.
fn end_of(rest: &str, behind: &str, is_last: bool) -> Option<usize> {
    if behind.is_empty() {
        return Some(rest.find(' ').unwrap_or(rest.len()));
    }
    if !behind.starts_with('"') {
        return rest.find(behind).or_else(|| is_last.then_some(rest.len()));
    }
    let mut from = 0;
    loop {
        let at = from + rest[from..].find(behind)?;
        let n_escapes = rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if n_escapes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Puts a value where it belongs, and says whether it was the time; `None` where it is not what it should be.
fn set<'a>(request: &mut Request<'a>, meaning: Meaning, value: &'a str) -> Option<bool> {
    let text = Cow::Borrowed(value);
    let number = || value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    match meaning {
        Meaning::TimeCommon => request.time_ms = stamp::common(value.trim_matches(['[', ']']))?,
        Meaning::TimeIso => request.time_ms = stamp::rfc3339(value)?,
        Meaning::TimeEpoch => request.time_ms = stamp::epoch(value)?,
        Meaning::Client if value.contains(' ') => return None,
        Meaning::Client => request.set_client(text),
        Meaning::User => request.user = text,
        Meaning::Host => request.host = text,
        Meaning::Request => request.set_line(value),
        Meaning::Method => request.method = text,
        Meaning::Target => request.set_target(text),
        Meaning::Query => request.query = value.strip_prefix('?').unwrap_or(value).into(),
        Meaning::Protocol => request.protocol = text,
        Meaning::Status if value.is_empty() => {}
        Meaning::Status => request.status = Some(value.parse().ok().filter(|status| *status < 1_000)?),
        Meaning::Bytes => request.bytes = value.parse().ok(),
        Meaning::Referer => request.referer = text,
        Meaning::Agent => request.agent = text,
        Meaning::Seconds => request.duration_ms = number().map(|seconds| seconds * 1e3),
        Meaning::Milliseconds => request.duration_ms = number(),
        Meaning::Microseconds => request.duration_ms = number().map(|micros| micros / 1e3),
        Meaning::Session => request.session = text,
        Meaning::Other => {}
    }
    Some(matches!(meaning, Meaning::TimeCommon | Meaning::TimeIso | Meaning::TimeEpoch))
}

/// The variable at the beginning of a text, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(inside) = text.strip_prefix("${") {
        return inside.split_once('}').filter(|(name, _)| !name.is_empty() && name.chars().all(is_name));
    }
    if let Some(name) = text.strip_prefix('$') {
        let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
        return (end > 0).then(|| name.split_at(end));
    }
    let inside = text.strip_prefix('%')?;
    let skipped =
        inside.len() - inside.trim_start_matches(|c: char| "!<>,".contains(c) || c.is_ascii_digit()).len();
    let mut end = skipped;
    if inside[end..].starts_with('{') {
        end += inside[end..].find('}')? + 1;
    }
    let letter = inside[end..].chars().next().filter(char::is_ascii_alphabetic)?;
    end += letter.len_utf8();
    Some((&inside[skipped..end], &inside[end..]))
}

/// What a variable means, by its name in nginx or Apache.
fn meaning(name: &str) -> Meaning {
    match name.to_ascii_lowercase().as_str() {
        "remote_addr" | "client_ip" | "realip_remote_addr" => Meaning::Client,
        "remote_user" => Meaning::User,
        "host" | "http_host" | "server_name" => Meaning::Host,
        "time_local" => Meaning::TimeCommon,
        "time_iso8601" => Meaning::TimeIso,
        "msec" => Meaning::TimeEpoch,
        "request" => Meaning::Request,
        "request_method" => Meaning::Method,
        "request_uri" | "uri" => Meaning::Target,
        "args" | "query_string" => Meaning::Query,
        "server_protocol" => Meaning::Protocol,
        "status" => Meaning::Status,
        "body_bytes_sent" | "bytes_sent" => Meaning::Bytes,
        "http_referer" => Meaning::Referer,
        "http_user_agent" => Meaning::Agent,
        "request_time" => Meaning::Seconds,
        _ if name.starts_with("cookie_") || name.contains("session") => Meaning::Session,
        _ => apache(name),
    }
}

fn apache(name: &str) -> Meaning {
    match name {
        "h" | "a" | "{c}a" => Meaning::Client,
        "u" => Meaning::User,
        "v" | "V" => Meaning::Host,
        "t" => Meaning::TimeCommon,
        "{sec}t" | "{msec}t" | "{usec}t" => Meaning::TimeEpoch,
        "r" => Meaning::Request,
        "m" => Meaning::Method,
        "U" => Meaning::Target,
        "q" => Meaning::Query,
        "H" => Meaning::Protocol,
        "s" => Meaning::Status,
        "b" | "B" | "O" => Meaning::Bytes,
        "T" | "{s}T" => Meaning::Seconds,
        "{ms}T" => Meaning::Milliseconds,
        "D" | "{us}T" => Meaning::Microseconds,
        _ if name.eq_ignore_ascii_case("{referer}i") => Meaning::Referer,
        _ if name.eq_ignore_ascii_case("{user-agent}i") => Meaning::Agent,
        _ if name.ends_with("}C") => Meaning::Session,
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        #[track_caller]
        fn check(format: &str, line: &str, expected: &str) {
            let pattern = Pattern::compile(format).unwrap();
            let request = pattern.read(line).unwrap_or_else(|| panic!("{line}"));
            let Request { client, method, path, query, status, duration_ms, agent, session, .. } = request;
            let found =
                format!("{client} {method} {path} {query} {status:?} {duration_ms:?} {agent} {session}");
            assert_eq!(found, expected, "{line}");
            assert_eq!(request.time_ms, 1_795_946_400_000, "{line}");
        }
        let apache = r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D"#;
        let line = r#"a.org:80 10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "GET /a?b HTTP/1.1" 200 5 "-" "x \"y\"" 1500"#;
        check(apache, line, r#"10.0.0.1 GET /a b Some(200) Some(1.5) x \"y\" "#);
        let nginx = r#"$msec|${request_method}|$request_uri|$status|$remote_addr|$request_time|$cookie_sid"#;
        check(
            nginx,
            "1795946400.000|POST|/a?b=1|204|::1|0.2|s1",
            "::1 POST /a b=1 Some(204) Some(200.0)  s1",
        );
        let alb = r#"https 2026-11-29T10:00:00.000Z app/my/50dc 10.0.0.1:2817 10.1.0.1:80 0.0 0.5 0.0 200 200 34 366 "GET https://x.org:443/a?b HTTP/2.0" "curl" ECDHE TLSv1.2"#;
        check(ALB, alb, "10.0.0.1 GET /a b Some(200) Some(500.0) curl ");
    }

    #[test]
    fn formats_that_say_too_little() {
        #[track_caller]
        fn check(format: &str, why: &str) {
            assert_eq!(Pattern::compile(format).unwrap_err().to_string(), why);
        }
        let lacks =
            |what| format!("the format has no variable for {what}; it needs a time, a client and a request");
        check("", &lacks("the time"));
        check("$time_local", &lacks("the client"));
        check("%t %h", &lacks("the request"));
        let together =
            "nothing stands between status and the variable behind it, so nobody knows where the one ends";
        check("$time_local$status", together);
    }
}
