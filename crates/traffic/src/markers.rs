//! Texts in a request that ordinary clients never send: signs of somebody trying doors.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Parts of paths and queries in lower case, as they stand in a log.
const MARKERS: [&str; 34] = [
    "/.env",
    "/.git",
    "/.svn",
    "/.aws",
    "/.ssh",
    "/.htpasswd",
    "/.bash",
    "/wp-config",
    "/phpmyadmin",
    "/phpinfo",
    "/etc/passwd",
    "%2fetc%2f",
    "/cgi-bin/",
    "../",
    "..%2f",
    "%2e%2e",
    ".%2e",
    "/actuator/env",
    "/server-status",
    "/_ignition/",
    "shell.php",
    "/setup.cgi",
    "union%20",
    "union+",
    "information_schema",
    "sleep(",
    "<script",
    "%3cscript",
    "javascript:",
    "${jndi",
    "cmd=",
    "/boaform",
    "/hnap1",
    "eval(",
];

/// Ends of paths that are left behind by mistake.
const ENDS: [&str; 8] = [".sql", ".bak", ".old", ".swp", ".pem", ".key", ".mdb", "~"];

/// Versions of HTTP that there are.
const VERSIONS: [&str; 7] = ["0.9", "1.0", "1.1", "2", "2.0", "3", "3.0"];

/// All markers in one pass: looked for one by one, they cost more than everything else that is done with a line.
#[expect(clippy::expect_used, reason = "an automaton of few short texts is not too large")]
static MARKED: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
    builder.build(MARKERS).expect("these texts are short")
});

/// Whether a request, by its path, its query and its agent, tries a door.
pub(crate) fn is_marked(path: &str, query: &str, agent: &str) -> bool {
    MARKED.is_match(path)
        || ENDS.iter().any(|end| path.ends_with(end))
        || (!query.is_empty() && MARKED.is_match(query))
        || agent.contains("${jndi")
}

/// Whether a request names a version of HTTP that does not exist, as tools do that overload servers.
pub(crate) fn is_version_made_up(protocol: &str) -> bool {
    protocol.strip_prefix("HTTP/").is_some_and(|version| !VERSIONS.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors() {
        #[track_caller]
        fn check(path: &str, query: &str, agent: &str, marked: bool) {
            assert_eq!(is_marked(path, query, agent), marked, "{path} {query} {agent}");
        }
        check("/.ENV", "", "", true);
        check("/files/..%2F..%2Fx", "", "", true);
        check("/a", "q=1%20UNION%20ALL", "", true);
        check("/dump.sql", "", "", true);
        check("/", "", "${jndi:ldap://x}", true);
        check("/.well-known/acme-challenge/x", "", "", false);
        check("/search", "q=union", "curl/8", false);
    }

    #[test]
    fn versions() {
        let is_made_up = |protocol: &&str| is_version_made_up(protocol);
        let all = ["", "HTTP/0.9", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "h2", "HTTP/1.2", "HTTP/2.1", "HTTP/"];
        assert_eq!(all.into_iter().filter(is_made_up).collect::<Vec<_>>(), ["HTTP/1.2", "HTTP/2.1", "HTTP/"]);
    }
}
