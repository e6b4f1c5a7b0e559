//! What a provider says of itself: `.well-known/openid-configuration`.

use reqwest::Url;
use serde::Deserialize;

use super::OpenIdError;
use crate::remote::url::parse_url;

/// The document, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// Where the document of an issuer is.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Provider {
    /// Refuses what is not that issuer's, and addresses to which secrets would travel in the clear.
    pub(super) fn checked(self, issuer: &str) -> Result<Self, OpenIdError> {
        if self.issuer != issuer {
            return Err(OpenIdError::Provider(format!(
                "the provider calls itself \"{}\", not \"{issuer}\"; write server.openid.issuer as it does",
                shortened(&self.issuer)
            )));
        }
        let userinfo = self.userinfo_endpoint.as_ref();
        let all = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        for endpoint in all.into_iter().chain(userinfo) {
            check_issuer(endpoint).map_err(|why| {
                OpenIdError::Provider(format!(
                    "the provider names the address \"{}\", which {why}",
                    shortened(endpoint)
                ))
            })?;
        }
        Ok(self)
    }

    /// Whether a secret goes into the body: by default it is a header.
    pub(super) fn wants_secret_in_body(&self) -> bool {
        let knows = |method: &str| self.token_endpoint_auth_methods_supported.iter().any(|it| it == method);
        knows("client_secret_post") && !knows("client_secret_basic")
    }
}

/// Says what is wrong with an address of a provider: it is HTTPS, or on this machine.
///
/// # Errors
/// A fragment such as `is not HTTPS`.
pub fn check_issuer(address: &str) -> Result<(), String> {
    let url = parse_url("", address).map_err(|problem| problem.message)?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("has more than a host and a path".to_owned());
    }
    if url.scheme() == "https" || is_here(&url) {
        return Ok(());
    }
    Err("is not HTTPS; write for example https://login.example.org".to_owned())
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The beginning of what a provider wrote.
pub(super) fn shortened(text: &str) -> String {
    crate::remote::redact::cleaned(text, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_encrypted_or_not_at_all() {
        #[track_caller]
        fn check(address: &str, expected: Result<(), &str>) {
            match (check_issuer(address), expected) {
                (Ok(()), Ok(())) => {}
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, expected) => panic!("{address}: {found:?}, not {expected:?}"),
            }
        }
        check("https://login.example.org/realms/staff", Ok(()));
        check("http://127.0.0.1:8080", Ok(()));
        check("http://[::1]:8080/", Ok(()));
        check("http://localhost:8080/", Ok(()));
        check("http://login.example.org", Err("not HTTPS"));
        check("http://localhost.example.org", Err("not HTTPS"));
        check("https://login.example.org/?realm=staff", Err("more than a host"));
        check("https://ann@login.example.org", Err("more than a host"));
        check("login.example.org", Err("not a URL"));
        check("ftp://login.example.org", Err("scheme ftp"));
    }

    #[test]
    fn a_document_of_another_issuer_is_refused() {
        let read = |text: &str| serde_json::from_str::<Provider>(text).unwrap();
        let document = r#"{"issuer": "https://a.example", "authorization_endpoint": "https://a.example/auth", "jwks_uri": "https://a.example/jwks",
            "token_endpoint": "https://a.example/token", "token_endpoint_auth_methods_supported": ["client_secret_post"]}"#;
        let provider = read(document).checked("https://a.example").unwrap();
        assert!(provider.wants_secret_in_body());
        // Also a slash at the end tells two issuers apart.
        for issuer in ["https://b.example", "https://a.example/"] {
            let why = read(document).checked(issuer).unwrap_err().to_string();
            assert!(why.contains("calls itself \"https://a.example\""), "{why}");
        }
        let plain = document.replace("https://a.example/token", "http://a.example/token");
        let why = read(&plain).checked("https://a.example").unwrap_err().to_string();
        assert!(why.contains("http://a.example/token") && why.contains("not HTTPS"), "{why}");
    }
}
