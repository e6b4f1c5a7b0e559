//! Signing in through a provider of OpenID Connect: `oidc-provider`, a certified one, in Node.js.
//!
//! `cargo xtask test` fetches it; without it these tests say that they are skipped.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use lanner_core::Node;
use lanner_engine::Config;
use lanner_io::receiver::Secret;
use lanner_server::settings::{SettingSections, Settings};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use serde_json::{Value, json};

use crate::browsing::browse;
use crate::switching::{Running, start_with};
use crate::tls;

const TOKEN: &str = "0123456789abcdef0123";

/// Ended with the test, however it ends.
struct Provider {
    child: Child,
    issuer: String,
    /// Held, as a program whose output nobody could read would end.
    _said: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// A provider, by HTTPS where a key and a certificate are given.
    fn start(certificate: &[PathBuf]) -> Option<Self> {
        let Some(packages) = std::env::var_os("LANNER_TEST_OPENID") else {
            eprintln!(
                "SKIPPED: LANNER_TEST_OPENID says nothing; `cargo xtask test` fetches the provider that it names"
            );
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/openid/provider.mjs");
        let mut node = Command::new("node");
        node.arg(script).arg(packages).args(certificate).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = node.spawn().unwrap();
        let mut issuer = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http"), "the provider does not start: {issuer}");
        Some(Self { child, issuer: issuer.trim().to_owned(), _said: said })
    }

    /// A server that people sign in to through this provider, as a configuration says it; further fields of it are `more`.
    async fn serve(&self, more: &str) -> Running {
        let openid = format!(
            "{{ issuer: '{}', client_id: lanner, client_secret: 'a secret: 100 %+', request: [email, groups], \
             scopes: {{ read: [staff], admin: [platform] }}{more} }}",
            self.issuer
        );
        let mut server = start_with(tempfile::tempdir().unwrap(), |settings| {
            settings.openid = read(&openid).unwrap().openid;
            settings.token = Some(Secret::Text(TOKEN.to_owned()));
        })
        .await;
        server.tokens.insert("root".to_owned(), TOKEN.to_owned());
        server
    }
}

/// Settings with this `openid`, or what is wrong with it.
fn read(openid: &str) -> Result<Settings, Vec<String>> {
    let node = Node::from_yaml(&format!("server: {{ openid: {openid} }}")).unwrap();
    let mut config = Config::default();
    assert_eq!(config.read(&node), []);
    let mut settings = Settings::new("data");
    let problems = settings.read(SettingSections::from(&config));
    if problems.is_empty() { Ok(settings) } else { Err(problems.iter().map(ToString::to_string).collect()) }
}

/// A browser without a window: it keeps cookies, and follows where it is sent.
struct Person {
    http: Client,
    cookies: BTreeMap<String, String>,
}

impl Person {
    fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, cookies: BTreeMap::new() }
    }

    async fn ask(&mut self, method: Method, url: &str, form: &[(&str, &str)]) -> Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method.clone(), url).header("cookie", cookies.join("; "));
        if method == Method::POST {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    async fn get(&mut self, url: &str) -> (u16, String) {
        let response = self.ask(Method::GET, url, &[]).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Goes to the provider and signs in there; returns where it sends the browser back to.
    async fn sign_in(&mut self, server: &Running, provider: &Provider, name: &str, next: &str) -> Url {
        let mut at =
            Url::parse_with_params(&format!("{}/sign-in/openid", server.url), [("next", next)]).unwrap();
        let mut form = Vec::new();
        for _ in 0..12 {
            let method = if form.is_empty() { Method::GET } else { Method::POST };
            let response = self.ask(method, at.as_str(), &form).await;
            form.clear();
            let location = response.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
            match location {
                Some(location) => at = at.join(&location).unwrap(),
                // First who it is, then whether this program may know.
                None => {
                    let is_first = response.text().await.unwrap().contains("value=\"login\"");
                    let prompt = if is_first { "login" } else { "consent" };
                    form = vec![("prompt", prompt), ("login", name), ("password", "anything")];
                }
            }
            if at.path() == "/sign-in/openid/done" {
                assert!(at.as_str().starts_with(&server.url), "{at}");
                return at;
            }
            assert!(at.as_str().starts_with(&provider.issuer), "{at}");
        }
        panic!("the provider goes round in circles at {at}");
    }

    fn is_signed_in(&self) -> bool {
        self.cookies.get("lanner_session").is_some_and(|value| !value.is_empty())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_provider_knows_comes_in_with_the_scopes_of_their_groups() {
    let Some(provider) = Provider::start(&[]) else { return };
    let server = provider.serve("").await;
    let mut ann = Person::new();
    let back = ann.sign_in(&server, &provider, "ann", "/switches?q=a").await;
    let response = ann.ask(Method::GET, back.as_str(), &[]).await;
    let cookies: Vec<&str> =
        response.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(
        cookies[0].starts_with("lanner_session=") && cookies[0].contains("; HttpOnly; SameSite=Strict"),
        "{cookies:?}"
    );
    assert!(cookies[1].starts_with("lanner_openid=; Path=/sign-in/openid; Max-Age=0"), "{cookies:?}");
    let text = response.text().await.unwrap();
    assert!(
        text.contains("content=\"0;url=/switches?q=a\"") && text.contains("href=\"/switches?q=a\""),
        "{text}"
    );
    let (status, account) = ann.get(&format!("{}/account", server.url)).await;
    assert!(
        status == 200 && account.contains("You may: ingest, read, evaluate, operate, admin."),
        "{account}"
    );
    assert!(
        account.contains("<h1>ann@example.org</h1>") && account.contains("signed in through 127.0.0.1"),
        "{account}"
    );
    assert_eq!(ann.get(&format!("{}/api/v1/rules", server.url)).await.0, 401, "a cookie opens the API");

    // What they change carries their name.
    let (_, page) = ann.get(&format!("{}/access", server.url)).await;
    let form = page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [("form", &*form), ("name", "telegraf"), ("scope", "ingest")];
    assert_eq!(ann.ask(Method::POST, &format!("{}/access/tokens", server.url), &fields).await.status(), 201);
    let (_, audit) = server.ask_as("root", "GET", "/api/v1/audit?subject=telegraf", Value::Null).await;
    assert_eq!(audit[0]["actor"], "ann@example.org", "{audit}");

    let mut bob = Person::new();
    let back = bob.sign_in(&server, &provider, "bob", "//evil.example").await;
    let (status, text) = bob.get(back.as_str()).await;
    assert!(status == 200 && text.contains("content=\"0;url=/\""), "{text}");
    assert!(bob.get(&format!("{}/account", server.url)).await.1.contains("You may: read."));
    assert_eq!(bob.get(&format!("{}/access", server.url)).await.0, 403);

    // Nobody comes in who is in no group, whose address nobody has verified, or of whom the provider tells what is another's.
    for (name, status, says) in [
        ("eve", 403, "is in no group"),
        ("mal", 403, "has not verified"),
        ("kim", 401, "told of somebody else"),
    ] {
        let mut person = Person::new();
        let back = person.sign_in(&server, &provider, name, "/").await;
        let (found, text) = person.get(back.as_str()).await;
        assert!(found == status && text.contains(says) && !person.is_signed_in(), "{name}: {found} {text}");
    }
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_browser_that_went_comes_back_and_only_once() {
    let Some(provider) = Provider::start(&[]) else { return };
    let server = provider.serve("").await;
    let mut ann = Person::new();
    let back = ann.sign_in(&server, &provider, "ann", "/").await;
    let changed = |name: &str, value: &str| {
        let mut url = back.clone();
        let pairs = back.query_pairs().filter(|(known, _)| known != name);
        url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
        url.to_string()
    };
    let without = |name: &str| {
        let mut url = back.clone();
        url.query_pairs_mut().clear().extend_pairs(back.query_pairs().filter(|(known, _)| known != name));
        url.to_string()
    };
    // Somebody else's browser, without a cookie or with one of its own: an attacker's code is not taken up.
    let mut victim = Person::new();
    let theirs = victim.sign_in(&server, &provider, "bob", "/").await;
    for mut person in [Person::new(), victim] {
        let (status, text) = person.get(back.as_str()).await;
        assert!(
            status == 401 && text.contains("another browser") && !person.is_signed_in(),
            "{status}: {text}"
        );
    }
    let cookies = ann.cookies.clone();
    for (url, status, says) in [
        (changed("state", &"0".repeat(64)), 401, "another browser"),
        (changed("iss", "https://evil.example"), 401, "not from this provider"),
        // This provider says of itself that it always names itself.
        (without("iss"), 401, "not from this provider"),
        (changed("code", "wrong"), 401, "the provider refuses this: invalid_grant"),
        (changed("code", ""), 401, "did not sign you in"),
        (changed("error", "access_denied<b>"), 401, "did not sign you in: access_denied&lt;b&gt;"),
        // The code of somebody else, which was made for another verifier and another nonce.
        (
            changed("code", &theirs.query_pairs().find(|(name, _)| name == "code").unwrap().1),
            401,
            "invalid_grant",
        ),
    ] {
        ann.cookies.clone_from(&cookies);
        let (found, text) = ann.get(&url).await;
        assert!(found == status && text.contains(says) && !ann.is_signed_in(), "{url}: {found} {text}");
    }
    // A try takes the cookie away; with the one of before, the code is good once.
    assert_eq!(ann.get(back.as_str()).await.0, 401);
    ann.cookies.clone_from(&cookies);
    assert_eq!(ann.get(back.as_str()).await.0, 200);
    assert!(ann.is_signed_in());
    let mut again = Person { cookies, ..Person::new() };
    let (status, text) = again.get(back.as_str()).await;
    assert!(status == 401 && text.contains("invalid_grant"), "{status}: {text}");
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_believed_by_its_certificate_and_missed_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    if !tls::has_openssl() {
        return;
    }
    tls::make(folder.path(), "login");
    let [key, cert, ca] = ["login.key", "login.pem", "login.ca.pem"].map(|name| folder.path().join(name));
    let Some(provider) = Provider::start(&[key, cert]) else { return };
    let server = provider.serve("").await;
    let (status, text) = Person::new().get(&format!("{}/sign-in/openid", server.url)).await;
    assert!(status == 502 && text.contains("certificate"), "{status}: {text}");
    server.server.stop().await;
    let server = provider.serve(&format!(", ca_file: {}", ca.display())).await;
    let response =
        Person::new().ask(Method::GET, &format!("{}/sign-in/openid?next=/rules", server.url), &[]).await;
    let address = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    let query: BTreeMap<_, _> = address.query_pairs().into_owned().collect();
    assert!(address.as_str().starts_with(&format!("{}/auth?", provider.issuer)), "{address}");
    assert_eq!((&*query["scope"], &*query["code_challenge_method"]), ("openid email groups", "S256"));
    assert_eq!(query["redirect_uri"], format!("{}/sign-in/openid/done", server.url));
    server.server.stop().await;

    // Without it, the page says so, and tokens still open it.
    let server = provider.serve("").await;
    drop(provider);
    let (status, text) = Person::new().get(&format!("{}/sign-in/openid", server.url)).await;
    assert!(
        status == 502 && text.contains("did not answer") && text.contains("name=\"token\""),
        "{status}: {text}"
    );
    let form = [("token", TOKEN), ("next", "/rules")];
    let request = Person::new().http.post(format!("{}/sign-in", server.url)).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 303);
    server.server.stop().await;
}

/// At a desk: from a page to the provider and back to that page.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_through_the_provider_in_a_browser() {
    let Some(provider) = Provider::start(&[]) else { return };
    let server = provider.serve("").await;
    browse(&server, |browser, url| {
        browser.go(&format!("{url}/silences"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
        browser.follow("a[href^='/sign-in/openid']");
        browser.write("input[name=login]", "bob");
        browser.write("input[name=password]", "anything");
        // The provider's page loads a font from elsewhere, which is its own affair.
        browser.complaints();
        browser.follow("button[type=submit]");
        browser.complaints();
        browser.click("button[type=submit]");
        browser.wait_for("location.pathname === '/silences' && document.querySelector('.who a')?.textContent === 'bob@example.org'");
        assert_eq!(browser.evaluate("document.cookie"), "", "scripts see the session");
        assert_eq!(browser.complaints(), Vec::<String>::new());
        browser.follow("header form button");
        assert!(browser.text("main").contains("Sign in through 127.0.0.1"), "{}", browser.text("main"));
    })
    .await;
    server.server.stop().await;
}

#[test]
fn what_is_wrong_with_a_provider_in_the_configuration_is_told() {
    #[track_caller]
    fn check(openid: &str, expected: Result<(), &str>) {
        match (read(openid), expected) {
            (Ok(settings), Ok(())) => assert!(settings.openid.is_some()),
            (Err(problems), Err(part)) => assert!(problems.join("\n").contains(part), "{problems:#?}"),
            (found, expected) => panic!("{openid}: {:?}, not {expected:?}", found.map(|it| it.openid)),
        }
    }
    let with = |more: &str| {
        format!(
            "{{ issuer: 'https://login.example.org', client_id: lanner, scopes: {{ read: ['*'] }}{more} }}"
        )
    };
    check(&with(""), Ok(()));
    check(
        &with(
            ", client_secret: { file: /etc/lanner/openid }, groups: realm_access.roles, name: sub, request: []",
        ),
        Ok(()),
    );
    check("{ client_id: lanner, scopes: { admin: [a] } }", Err("issuer"));
    check(&with("").replace("https:", "http:"), Err("server.openid.issuer: is not HTTPS"));
    check(&with("").replace("read: ['*']", "operate: [a]"), Err("lets nobody see a page"));
    check(&with("").replace("read: ['*']", "raed: ['*']"), Err("did you mean"));
    check(&with(", ca_file: ca.pem"), Err("is relative"));
    check(&with(", client_secret: { vault: x }"), Err("server.openid.client_secret"));
    check(&with(", name: [a]"), Err("server.openid.name"));
}

/// A server with a provider is open to nobody else, even where it has no token.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_closes_the_door() {
    let openid = "{ issuer: 'http://127.0.0.1:9', client_id: lanner, scopes: { admin: [platform] } }";
    let server =
        start_with(tempfile::tempdir().unwrap(), |settings| settings.openid = read(openid).unwrap().openid)
            .await;
    for (method, path) in [("GET", "/api/v1/rules"), ("POST", "/api/v1/apply")] {
        assert_eq!(server.ask(method, path, json!({})).await.0, 401, "{path}");
    }
    let (status, text) = Person::new().get(&format!("{}/sign-in", server.url)).await;
    assert!(status == 200 && text.contains("Sign in through 127.0.0.1"), "{text}");
    server.server.stop().await;
}
