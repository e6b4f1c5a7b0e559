//! The addresses under which a server is known, and the origins of web pages.

/// The addresses under which this server is known.
#[derive(Debug, Default, Clone)]
pub struct Home {
    /// Names in `Host` besides those of this machine, in lower case, without a port.
    hosts: Vec<String>,
    /// The origin of `external_url`.
    external: Option<String>,
}

impl Home {
    /// - `external_url`: where people reach this server
    /// - `hosts`: further names under which programs do
    #[must_use]
    pub fn new(external_url: Option<&str>, hosts: &[String]) -> Self {
        let external = external_url.and_then(origin_of);
        let mut hosts: Vec<String> = hosts.iter().map(|host| host_name(host)).collect();
        let host = external.as_deref().and_then(|origin| Some(host_name(origin.split_once("://")?.1)));
        hosts.extend(host);
        Self { hosts, external }
    }

    pub(crate) fn knows(&self, host: &str) -> bool {
        let name = host_name(host);
        is_loopback(&name) || self.hosts.contains(&name)
    }

    /// Whether a page of this origin is one of ours: it came from where it sends to.
    pub(crate) fn serves(&self, origin: &str, host: Option<&str>) -> bool {
        let Some(origin) = origin_of(origin) else { return false };
        let of = |scheme| host.and_then(|host| origin_of(&format!("{scheme}://{host}")));
        self.external.as_ref() == Some(&origin)
            || [of("http"), of("https")].into_iter().flatten().any(|own| own == origin)
    }
}

/// An origin as it is written under `cors`.
///
/// # Errors
/// A sentence that says what to write instead.
pub(crate) fn read_origin(text: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("\"{text}\" {why}; write for example https://shop.example"));
    match origin_of(text) {
        _ if text == "*" => wrong("would let every page ask"),
        None => wrong("is not an origin"),
        Some(origin) if text.to_ascii_lowercase().trim_end_matches('/').len() > origin.len() + 4 => {
            wrong("is more than scheme, host and port")
        }
        Some(origin) => Ok(origin),
    }
}

/// A host without its port, in lower case. What stands behind a name and is no port belongs to the name, which is then
/// nobody's.
fn host_name(host: &str) -> String {
    let is_port = |rest: &str| {
        let port = rest.strip_prefix(':').unwrap_or(rest);
        rest.is_empty() || rest.len() > port.len() && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if is_port(rest) => address,
        Some(_) => host,
        None => match host.find(':') {
            Some(at) if is_port(&host[at..]) => &host[..at],
            _ => host,
        },
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// `scheme://host:port` in lower case, without the scheme's own port; `None` for `null` and what is none.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let url = url.to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.strip_suffix(port).unwrap_or(host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_whole() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (read_origin(text), expected) {
                (Ok(origin), Ok(expected)) => assert_eq!(origin, expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
        check("https://shop.example", Ok("https://shop.example"));
        check("https://Shop.example:443/", Ok("https://shop.example"));
        check("http://localhost:3000", Ok("http://localhost:3000"));
        check("*", Err("every page"));
        check("null", Err("not an origin"));
        check("shop.example", Err("https://shop.example"));
        check("https://shop.example/checkout", Err("more than scheme"));
    }

    #[test]
    fn origins_are_compared_as_browsers_do() {
        #[track_caller]
        fn check(url: &str, expected: Option<&str>) {
            assert_eq!(origin_of(url).as_deref(), expected, "{url}");
        }
        check("https://Shop.Example:443/x?y", Some("https://shop.example"));
        check("http://shop.example:80", Some("http://shop.example"));
        check("https://shop.example:8443", Some("https://shop.example:8443"));
        check("http://u:p@[::1]:9797#x", Some("http://[::1]:9797"));
        for none in ["null", "", "shop.example", "ftp://shop.example", "https://", "file:///etc"] {
            check(none, None);
        }
    }
}
