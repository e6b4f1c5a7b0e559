//! The key of a finding: a written contract (`docs/vulnerabilities.md`), kept by property tests.

use sha2::{Digest as _, Sha256};

use crate::finding::{Component, Finding, Host, HostKind};

/// Says which findings are the same: two findings of any two reports are one exactly if their keys are equal.
///
/// The key is the first 128 bits of a SHA-256 over these parts, each preceded by its length:
///
/// 1. the scanner, not its version nor the format of the report;
/// 2. the check's id, and the item within it where one check has many results;
/// 3. the host: its address if one is known, otherwise its name in lower case; for containers without digest, tag that is a
///    digest, and hashes of pods and replica sets;
/// 4. port and protocol;
/// 5. the path without the host's part of a URL;
/// 6. the package's name, without any version.
///
/// Nothing else is in it: not title, description, severity, scores, service, versions, the name or time of the scan, nor the
/// order of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// The 16 bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// A key from its 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A key from its 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = (text.len() == 32 && text.is_ascii()).then_some(text)?;
        u128::from_str_radix(digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The key of a finding. Pure; cost: one hash over some hundred bytes.
#[must_use]
pub fn key(finding: &Finding) -> Key {
    key_on(finding, &host_id(&finding.host))
}

/// The key that a finding has on a host of another spelling, for example once the address of a name became known.
#[must_use]
pub fn key_on(finding: &Finding, host: &str) -> Key {
    let port = finding.port.map_or(String::new(), |port| port.to_string());
    let protocol = if finding.port.is_some() { finding.protocol.to_ascii_lowercase() } else { String::new() };
    let component = finding.component.as_ref().map_or(String::new(), component_id);
    let mut hash = Sha256::new();
    for part in [
        finding.scanner.as_str(),
        finding.check.trim(),
        finding.item.trim(),
        host,
        &port,
        &protocol,
        path_id(&finding.path),
        &component,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Key(bytes)
}

/// What identifies a host: its address where one is known, otherwise its name.
///
/// ```
/// # use lanner_vuln::{Host, HostKind, host_id};
/// let host = Host { target: "Web.Example.test.".into(), ..Host::default() };
/// assert_eq!(host_id(&host), "web.example.test");
/// let pod = Host { target: "shop/cart-7d9f8b6c54-x2x4z".into(), kind: HostKind::Container, ..Host::default() };
/// assert_eq!(host_id(&pod), "shop/cart");
/// ```
#[must_use]
pub fn host_id(host: &Host) -> String {
    match host.kind {
        HostKind::Machine => machine_id(host),
        HostKind::Container => container_id(&host.target),
        HostKind::Code => host.target.trim().trim_start_matches("./").trim_end_matches('/').to_owned(),
    }
}

fn machine_id(host: &Host) -> String {
    [&host.address, &host.target].into_iter().find_map(|text| address(text)).unwrap_or_else(|| {
        let name = [&host.target, &host.name].into_iter().find(|name| !name.trim().is_empty());
        name.map_or(String::new(), |name| host_name(name))
    })
}

/// An address in its canonical spelling, so that `2001:DB8:0::1` and `2001:db8::1` are one.
fn address(text: &str) -> Option<String> {
    let address: std::net::IpAddr = text.trim().trim_matches(['[', ']']).parse().ok()?;
    Some(address.to_canonical().to_string())
}

/// A host's name in one spelling: without scheme, port and path of a URL, in lower case, without the final dot.
pub(crate) fn host_name(text: &str) -> String {
    let text = text.trim();
    let Some((_, rest)) = text.split_once("://") else {
        return text.trim_end_matches('.').to_ascii_lowercase();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let host = host.trim_matches(['[', ']']);
    address(host).unwrap_or_else(|| host.trim_end_matches('.').to_ascii_lowercase())
}

/// A container's name without digest, tags that are digests, and the random parts of pods.
fn container_id(target: &str) -> String {
    let name = target.trim().split('@').next().unwrap_or_default();
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    let name = without_pod_hash(name);
    match tag.filter(|tag| !is_digest(tag)) {
        Some(tag) => format!("{name}:{tag}"),
        None => name.to_owned(),
    }
}

fn is_digest(tag: &str) -> bool {
    tag.len() >= 7
        && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
        && tag.bytes().any(|byte| byte.is_ascii_digit())
}

/// Kubernetes names pods `NAME-HASH-RANDOM` and replica sets `NAME-HASH`, in letters that spell no words.
fn without_pod_hash(name: &str) -> &str {
    let random = |part: &str| part.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte));
    let is_hash = |part: &str| {
        (8..=10).contains(&part.len()) && random(part) && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    if let Some((rest, last)) = name.rsplit_once('-') {
        if is_hash(last) {
            return rest;
        }
        let set = rest.rsplit_once('-').filter(|(_, hash)| is_hash(hash));
        if let Some((base, _)) = set.filter(|_| last.len() == 5 && random(last)) {
            return base;
        }
    }
    name
}

/// A path as it is on the host: without scheme and authority, and without `./`.
fn path_id(path: &str) -> &str {
    let path = path.trim();
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |start| &rest[start..]),
        None => path.strip_prefix("./").unwrap_or(path),
    };
    // The root is the same place as no path at all: formats differ in whether they write it.
    if path == "/" { "" } else { path }
}

/// A package's name; versions and their patch suffixes are no part of it.
fn component_id(component: &Component) -> String {
    let purl = component
        .purl
        .strip_prefix("pkg:")
        .map(|rest| rest.split(['@', '?', '#']).next().unwrap_or_default());
    let name = if component.name.is_empty() { purl.unwrap_or_default() } else { &component.name };
    name.trim().to_ascii_lowercase()
}
