//! The sections of a configuration that are settings.

use lanner_core::Node;
use lanner_engine::Config;

/// The sections of a configuration that are settings, as far as they are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SettingSections<'n> {
    /// `server`.
    pub server: Option<&'n Node>,
    /// `retention`.
    pub retention: Option<&'n Node>,
    /// `sources`.
    pub sources: Option<&'n Node>,
    /// `streams`.
    pub streams: Option<&'n Node>,
    /// `scrape`.
    pub scrape: Option<&'n Node>,
    /// `consume`.
    pub consume: Option<&'n Node>,
    /// `remote_write`.
    pub remote_write: Option<&'n Node>,
}

impl<'n> From<&'n Config> for SettingSections<'n> {
    fn from(config: &'n Config) -> Self {
        Self {
            server: config.server.as_ref(),
            retention: config.retention.as_ref(),
            sources: config.sources.as_ref(),
            streams: config.streams.as_ref(),
            scrape: config.scrape.as_ref(),
            consume: config.consume.as_ref(),
            remote_write: config.remote_write.as_ref(),
        }
    }
}
