//! The party that relies on a provider: sends people there, and redeems what they bring back.

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use super::discovery::{self, Provider, shortened};
use super::id_token::{Expected, Keys, believed};
use super::{Attempt, Claims, OpenIdConfig, OpenIdError};
use crate::remote::url::parse_url;
use crate::remote::{Clients, Problem};

/// How long a provider may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger answer is refused.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// What a provider says of itself is asked again after this.
const LIFETIME: Duration = Duration::from_secs(600);
/// A provider is not asked for its keys, or again after a failure, more often than this.
const PAUSE: Duration = Duration::from_secs(5);
/// Sign-ins that are finished at a time; further ones wait.
const MAX_TURNS: usize = 8;

/// One provider, as it is relied on.
#[derive(Debug)]
pub struct Relying {
    config: OpenIdConfig,
    secret: Option<String>,
    http: Client,
    known: Mutex<Known>,
    turns: Semaphore,
}

/// What is known of the provider.
#[derive(Debug, Default)]
struct Known {
    provider: Option<(Provider, Instant)>,
    keys: Option<(Keys, Instant)>,
    failed: Option<(OpenIdError, Instant)>,
}

impl Relying {
    /// Looks the secret up. The provider is asked once somebody signs in.
    ///
    /// # Errors
    /// When the secret or the file of certificates cannot be read.
    pub fn new(config: OpenIdConfig) -> Result<Self, Problem> {
        let secret =
            config.client_secret.as_ref().map(|secret| secret.resolve("client_secret")).transpose()?;
        let http = Clients::default().get(config.ca_file.as_deref())?;
        Ok(Self { config, secret, http, known: Mutex::default(), turns: Semaphore::new(MAX_TURNS) })
    }

    /// The provider's host, for people.
    #[must_use]
    pub fn host(&self) -> String {
        let url = Url::parse(&self.config.issuer).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| self.config.issuer.clone())
    }

    /// Where somebody is sent to sign in. `challenge` is the hash of the attempt's verifier (`S256`).
    ///
    /// # Errors
    /// When the provider cannot be asked where that is.
    pub async fn address(&self, attempt: Attempt<'_>, challenge: &str) -> Result<String, OpenIdError> {
        let provider = self.provider().await?;
        let mut url = parse_url("", &provider.authorization_endpoint)
            .map_err(|problem| OpenIdError::Provider(problem.message))?;
        let scopes = [&["openid".to_owned()], &self.config.request[..]].concat().join(" ");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", attempt.redirect_uri),
            ("scope", &scopes),
            ("state", attempt.state),
            ("nonce", attempt.nonce),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// What the provider says of whoever brought this code back.
    /// - `issuer`: `iss` of what they came back with, if there was one
    ///
    /// # Errors
    /// When the provider cannot be asked, refuses the code, or says what is not believed.
    pub async fn claims(
        &self,
        code: &str,
        issuer: Option<&str>,
        attempt: Attempt<'_>,
    ) -> Result<Claims, OpenIdError> {
        let _turn = self.turns.acquire().await;
        let provider = self.provider().await?;
        let is_missing = issuer.is_none() && provider.authorization_response_iss_parameter_supported;
        if is_missing || issuer.is_some_and(|issuer| issuer != provider.issuer) {
            return Err(OpenIdError::Refused("the answer is not from this provider".to_owned()));
        }
        let redeemed = self.redeem(&provider, code, attempt).await?;
        let Some(token) = redeemed["id_token"].as_str() else {
            return Err(OpenIdError::Provider("the provider sent no ID token".to_owned()));
        };
        let expected =
            Expected { issuer: &provider.issuer, client_id: &self.config.client_id, nonce: attempt.nonce };
        let mut claims = believed(token, &self.keys(&provider, token).await?, expected)?;
        if self.config.claims.iter().any(|claim| !claims.contains_key(claim)) {
            self.complete(&mut claims, &provider, redeemed["access_token"].as_str()).await?;
        }
        Ok(claims)
    }

    /// Exchanges a code for tokens.
    async fn redeem(
        &self,
        provider: &Provider,
        code: &str,
        attempt: Attempt<'_>,
    ) -> Result<Value, OpenIdError> {
        let is_in_body = self.secret.is_none() || provider.wants_secret_in_body();
        let mut request = self.http.post(&provider.token_endpoint).body(self.form(code, attempt, is_in_body));
        if let Some(secret) = self.secret.as_ref().filter(|_| !is_in_body) {
            // RFC 6749, section 2.3.1: both are written as in a form first.
            let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(written(&self.config.client_id), Some(written(secret)));
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.ask("its tokens", request).await
    }

    /// What is sent to the token endpoint.
    /// - `says_who`: whether the body says who we are
    fn form(&self, code: &str, attempt: Attempt<'_>, says_who: bool) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", attempt.redirect_uri),
            ("code_verifier", attempt.verifier),
        ]);
        if says_who {
            form.append_pair("client_id", &self.config.client_id);
            form.extend_pairs(self.secret.iter().map(|secret| ("client_secret", secret)));
        }
        form.finish()
    }

    /// Adds what the provider tells of a person only when asked.
    async fn complete(
        &self,
        claims: &mut Claims,
        provider: &Provider,
        access_token: Option<&str>,
    ) -> Result<(), OpenIdError> {
        let (Some(endpoint), Some(token)) = (&provider.userinfo_endpoint, access_token) else {
            return Ok(());
        };
        let told: Claims =
            self.ask("what it knows of you", self.http.get(endpoint).bearer_auth(token)).await?;
        if told.get("sub") != claims.get("sub") {
            return Err(OpenIdError::Refused(
                "the provider told of somebody else than who signed in".to_owned(),
            ));
        }
        for (name, value) in told {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    async fn provider(&self) -> Result<Provider, OpenIdError> {
        let mut known = self.known.lock().await;
        if let Some((provider, at)) = &known.provider
            && at.elapsed() < LIFETIME
        {
            return Ok(provider.clone());
        }
        if let Some((error, at)) = &known.failed
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        let request = self.http.get(discovery::address(&self.config.issuer));
        let asked: Result<Provider, OpenIdError> = self.ask("what it is", request).await;
        match asked.and_then(|provider| provider.checked(&self.config.issuer)) {
            Ok(provider) => {
                *known = Known { provider: Some((provider.clone(), Instant::now())), ..Known::default() };
                Ok(provider)
            }
            Err(error) => {
                known.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// The provider's keys; asked for again where the one that a token names is not among them, as after a change of keys.
    async fn keys(&self, provider: &Provider, token: &str) -> Result<Keys, OpenIdError> {
        let mut known = self.known.lock().await;
        if let Some((keys, at)) = &known.keys {
            let age = at.elapsed();
            if age < PAUSE || age < LIFETIME && keys.knows(token) {
                return Ok(keys.clone());
            }
        }
        let set: Value = self.ask("its keys", self.http.get(&provider.jwks_uri)).await?;
        let keys = Keys::read(&set);
        known.keys = Some((keys.clone(), Instant::now()));
        Ok(keys)
    }

    /// The JSON of an answer.
    async fn ask<T: DeserializeOwned>(&self, what: &str, request: RequestBuilder) -> Result<T, OpenIdError> {
        let failed =
            |why: &str| OpenIdError::Provider(format!("{} was asked for {what} and {why}", self.host()));
        let sent = request.header("accept", "application/json").timeout(PATIENCE).send().await;
        let mut response = sent
            .map_err(|error| failed(&format!("did not answer: {}", lanner_core::cause::deepest(&error))))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| failed("broke off"))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return Err(failed("answered more than 1 MiB"));
            }
        }
        let status = response.status();
        if !status.is_success() {
            return Err(refusal(status, &body).unwrap_or_else(|| failed(&format!("answered {status}"))));
        }
        serde_json::from_slice(&body)
            .map_err(|error| failed(&format!("answered what cannot be read: {error}")))
    }
}

/// What a provider says of a code that it does not take (RFC 6749, section 5.2).
fn refusal(status: StatusCode, body: &[u8]) -> Option<OpenIdError> {
    let said: Value = serde_json::from_slice(body).ok().filter(|_| status.is_client_error())?;
    let error = said["error"].as_str()?;
    let more = said["error_description"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
    Some(OpenIdError::Refused(format!("the provider refuses this: {}", shortened(&format!("{error}{more}")))))
}
