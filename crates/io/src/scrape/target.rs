//! One of those that are asked.

use lanner_core::Labels;

/// A target: where it is, and the labels that its series get.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// `host:port`, which is also the label `instance`.
    pub address: String,
    /// `job`, `instance` and whatever is configured.
    pub labels: Labels,
}

/// Whether a text can be the address of a target.
///
/// # Errors
/// A sentence that says what to write instead.
pub(super) fn check_address(address: &str) -> Result<(), String> {
    let is_wrong = address.is_empty()
        || address.contains(['/', '?', '#', '@', ' '])
        || address.contains(char::is_control);
    if is_wrong {
        let shown: String = address.chars().take(80).collect();
        return Err(format!(
            "\"{shown}\" is no target; write host:port, and the rest of an address as scheme and path"
        ));
    }
    Ok(())
}

impl Target {
    /// The target of a job at an address. Of labels of the same name those behind count; `instance` is the address unless
    /// they say otherwise.
    pub(super) fn new(job: &str, address: &str, labels: impl IntoIterator<Item = (String, String)>) -> Self {
        let own =
            [("job", job), ("instance", address)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        // Names with two underscores are Prometheus' own, for discovery.
        let labels = labels.into_iter().filter(|(name, _)| !name.starts_with("__"));
        Self { address: address.to_owned(), labels: Labels::new(own.into_iter().chain(labels)) }
    }
}
