//! The HTTP clients that all who ask other servers share.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lanner_core::cause::deepest;
use reqwest::{Client, redirect};

use super::problem::Problem;
use super::tls::Authorities;

/// Redirects to the same place that are followed.
const MAX_REDIRECTS: usize = 3;

/// The HTTP client that is shared by all who trust no certificates of their own.
#[derive(Debug, Default)]
pub struct Clients(Mutex<Option<Client>>);

impl Clients {
    /// The shared client, or one of its own for whoever has a `ca_file`.
    pub(crate) fn get(&self, ca_file: Option<&Path>) -> Result<Client, Problem> {
        if ca_file.is_some() {
            return new_client(ca_file);
        }
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = shared.as_ref() {
            return Ok(client.clone());
        }
        Ok(shared.insert(new_client(None)?).clone())
    }
}

fn new_client(ca_file: Option<&Path>) -> Result<Client, Problem> {
    Client::builder()
        .tls_backend_preconfigured(Authorities::load(ca_file)?.client_config())
        .redirect(redirect::Policy::custom(follow_on_the_same_host))
        .user_agent(concat!("lanner/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(1)
        .build()
        .map_err(|error| Problem::new("ca_file", format!("cannot prepare a client: {}", deepest(&error))))
}

/// Only redirects that keep the method, the body, and the place that credentials were meant for.
fn follow_on_the_same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let same_origin = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}
