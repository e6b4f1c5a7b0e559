//! Links from a message to the things it is about.

use lanner_core::NotifiedAlert;
use lanner_core::alert::is_builtin;
use reqwest::Url;

/// Addresses of Lanner that go into messages.
#[derive(Debug, Clone, Default)]
pub struct Links {
    external_url: Option<String>,
    own_url: Option<String>,
}

impl Links {
    /// - `external_url`: where people reach Lanner, such as `https://lanner.example.org`, if that was configured;
    /// - `own_url`: where it listens. Stands in where a format needs some address, as in `generatorURL`.
    #[must_use]
    pub fn new(external_url: Option<String>, own_url: Option<String>) -> Self {
        let trimmed = |url: String| url.trim_end_matches('/').to_owned();
        Self { external_url: external_url.map(trimmed), own_url: own_url.map(trimmed) }
    }

    /// Where people reach Lanner, if that was configured.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.external_url.as_deref()
    }

    /// Where the rule of an alert can be read; `None` where not even an address of Lanner's own is known.
    ///
    /// ```
    /// # use lanner_io::receiver::Links;
    /// let links = Links::new(Some("https://example.org/lanner/".to_owned()), None);
    /// assert_eq!(links.rule("a/b").unwrap(), "https://example.org/lanner/api/v1/rules/a%2Fb");
    /// ```
    #[must_use]
    pub fn rule(&self, rule: &str) -> Option<String> {
        let mut url = Url::parse(self.external_url.as_deref().or(self.own_url.as_deref())?).ok()?;
        let builtin = is_builtin(rule);
        {
            let mut path = url.path_segments_mut().ok()?;
            path.pop_if_empty().extend(["api", "v1"]);
            // What Lanner says of itself has no document.
            if builtin {
                path.push("alerts")
            } else {
                path.extend(["rules", rule])
            };
        }
        if builtin {
            url.query_pairs_mut().append_pair("rule", rule).append_pair("all", "true");
        }
        Some(url.into())
    }

    /// Where the alert's rule can be read, for people: only where they can reach it.
    #[must_use]
    pub(super) fn shown_rule(&self, alert: &NotifiedAlert) -> Option<String> {
        self.home().and_then(|_| self.rule(&alert.rule))
    }
}

/// This machine's name, where it has one.
#[must_use]
pub fn host_name() -> Option<String> {
    #[cfg(unix)]
    {
        let name = rustix::system::uname();
        name.nodename().to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned)
    }
    #[cfg(not(unix))]
    {
        std::env::var("COMPUTERNAME").ok()
    }
}
