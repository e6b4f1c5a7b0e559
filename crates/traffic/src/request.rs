//! One request, as a log tells of it.

use std::borrow::Cow;

/// A request and its answer. What a log does not tell is empty or `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request<'a> {
    /// When it came; milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The address that asked, without its port.
    pub client: Cow<'a, str>,
    /// The name it gave.
    pub user: Cow<'a, str>,
    /// The host that was asked.
    pub host: Cow<'a, str>,
    /// `GET`, `POST` and so on; empty for what is no request of HTTP.
    pub method: Cow<'a, str>,
    /// The path; the whole text for what is no request of HTTP.
    pub path: Cow<'a, str>,
    /// What follows the question mark.
    pub query: Cow<'a, str>,
    /// `HTTP/1.1` and so on.
    pub protocol: Cow<'a, str>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Bytes of the answer.
    pub bytes: Option<u64>,
    /// Where the link was.
    pub referer: Cow<'a, str>,
    /// The program that asked.
    pub agent: Cow<'a, str>,
    /// How long the answer took.
    pub duration_ms: Option<f64>,
    /// The session, where the log names one.
    pub session: Cow<'a, str>,
}

impl Request<'_> {
    /// The same, with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Request {
            time_ms: self.time_ms,
            client: own(self.client),
            user: own(self.user),
            host: own(self.host),
            method: own(self.method),
            path: own(self.path),
            query: own(self.query),
            protocol: own(self.protocol),
            status: self.status,
            bytes: self.bytes,
            referer: own(self.referer),
            agent: own(self.agent),
            duration_ms: self.duration_ms,
            session: own(self.session),
        }
    }
}

impl<'a> Request<'a> {
    /// Takes `GET /path?query HTTP/1.1` apart; what is no such thing, as scanners send, becomes the path without a method.
    pub(crate) fn set_line(&mut self, line: &'a str) {
        let mut parts = line.splitn(3, ' ');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(method), Some(target), Some(protocol))
                if !target.is_empty() && protocol.starts_with("HTTP/") && !protocol.contains(' ') =>
            {
                self.method = method.into();
                self.protocol = protocol.into();
                self.set_target(target.into());
            }
            _ => self.path = line.into(),
        }
    }

    /// Takes `/path?query` apart, also with a scheme and a host in front.
    pub(crate) fn set_target(&mut self, target: Cow<'a, str>) {
        let target = without_host(target);
        match target {
            Cow::Borrowed(target) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                (self.path, self.query) = (path.into(), query.into());
            }
            Cow::Owned(target) => {
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                (self.path, self.query) = (path.to_owned().into(), query.to_owned().into());
            }
        }
    }

    /// Sets the client from an address that may have a port.
    pub(crate) fn set_client(&mut self, address: Cow<'a, str>) {
        let length = address_length(&address);
        self.client = match address {
            Cow::Borrowed(address) => address[..length].trim_matches(['[', ']']).into(),
            Cow::Owned(address) => address[..length].trim_matches(['[', ']']).to_owned().into(),
        };
    }
}

/// `http://host:80/path` as `/path`: proxies log whole addresses.
fn without_host(target: Cow<'_, str>) -> Cow<'_, str> {
    if target.starts_with('/') {
        return target;
    }
    let Some((scheme, rest)) = target.split_once("://") else { return target };
    if !matches!(scheme, "http" | "https" | "ws" | "wss") {
        return target;
    }
    let begin = rest.find('/').map_or(target.len(), |at| scheme.len() + 3 + at);
    let path = match target {
        Cow::Borrowed(target) => Cow::Borrowed(&target[begin..]),
        Cow::Owned(target) => Cow::Owned(target[begin..].to_owned()),
    };
    if path.is_empty() { "/".into() } else { path }
}

/// The length of an address without its port.
fn address_length(address: &str) -> usize {
    let Some((host, port)) = address.rsplit_once(':') else { return address.len() };
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    // An address of version 6 has colons itself; a port follows its bracket.
    if is_port && (!host.contains(':') || host.ends_with(']')) { host.len() } else { address.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_addresses() {
        #[track_caller]
        fn check(line: &str, method: &str, path: &str, query: &str) {
            let mut request = Request::default();
            request.set_line(line);
            assert_eq!((&*request.method, &*request.path, &*request.query), (method, path, query), "{line}");
        }
        check("GET /a?b=1?c HTTP/1.1", "GET", "/a", "b=1?c");
        check("GET http://x.org:80/a HTTP/1.0", "GET", "/a", "");
        check("GET http://x.org HTTP/1.0", "GET", "/", "");
        check("CONNECT x.org:25 HTTP/1.1", "CONNECT", "x.org:25", "");
        check("\\x16\\x03\\x01", "", "\\x16\\x03\\x01", "");
        check("GET /a b HTTP/1.1", "", "GET /a b HTTP/1.1", "");
        check("", "", "", "");
        for (address, client) in [
            ("10.0.0.1:40000", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::1", "::1"),
        ] {
            let mut request = Request::default();
            request.set_client(address.into());
            assert_eq!(request.client, client);
        }
    }
}
