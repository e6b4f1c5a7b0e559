//! The configuration file is read again, when the process is told to (SIGHUP) or the API asks.
//!
//! Who holds the file reads it: the program that started the server. It takes what comes out of [`Reloads::listen`](super::asked::Reloads::listen), and
//! puts what can change while the server runs into [`Live`](crate::settings::live::Live); the rest is named, and waits for a restart.

use lanner_io::store::StoreError;

use super::service::ConfigurationService;
use crate::rules::stored::stored_config;
use crate::settings::Settings;

/// Puts settings in force as far as they can change while the server runs, also in receivers that were made with others.
/// Says which settings have changed since the last time and are in force, and which wait for a restart.
///
/// # Errors
/// Failures of the store.
pub fn change_settings(
    service: &ConfigurationService,
    settings: &Settings,
) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let before = service.live.get();
    let (now, restart) = service.live.change(settings);
    if now.iter().any(|name| name == "sources") {
        service.sources.replace(&settings.sources);
    }
    if before.allow != settings.allow || before.external_url != settings.external_url {
        // What its addresses depend on besides waits for a restart.
        let links =
            Settings { external_url: settings.external_url.clone(), ..(*service.settings).clone() }.links();
        service.rules.delivery.renew(links, &stored_config(&*service.state)?.receivers);
    }
    Ok((now, restart))
}
