//! Texts in a request that ordinary clients never send: signs of somebody trying doors.

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

/// Whether a request, by its path, its query and its agent, tries a door.
pub(crate) fn is_marked(path: &str, query: &str, agent: &str) -> bool {
    let is_in = |text: &str| {
        let text = text.to_ascii_lowercase();
        MARKERS.iter().any(|marker| text.contains(marker))
    };
    is_in(path)
        || ENDS.iter().any(|end| path.ends_with(end))
        || (!query.is_empty() && is_in(query))
        || agent.contains("${jndi")
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
}
