//! Networks of IP addresses: `10.0.0.0/8`, `2001:db8::/32`.

use std::net::IpAddr;

/// A block of addresses. An address of version 6 alone is one too, since it can be written in many ways.
///
/// ```
/// use lanner_conditions::Network;
/// let network = Network::parse("10.0.0.0/8").unwrap();
/// assert!(network.contains("10.200.0.7") && network.contains("::ffff:10.1.1.1"));
/// assert!(!network.contains("11.0.0.1") && !network.contains("ten"));
/// assert!(Network::parse("2001:db8::1").unwrap().contains("2001:DB8:0::1"));
/// assert!(Network::parse("10.0.0.1").is_none()); // is written in one way only
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The addresses' common bits, in the space of version 6.
    bits: u128,
    mask: u128,
}

impl Network {
    /// Reads `address/bits`, or an address of version 6. Bits of the address behind the prefix do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, n_bits) = match text.split_once('/') {
            Some((address, n_bits)) => (address, Some(n_bits)),
            None => (text, None),
        };
        if !may_be_address(address) {
            return None;
        }
        let address: IpAddr = address.parse().ok()?;
        let (offset, most) = if address.is_ipv4() { (96, 32) } else { (0, 128) };
        let n_bits = match n_bits {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u32>().ok()?,
            Some(_) => return None,
            None if address.is_ipv4() => return None,
            None => 128,
        };
        if n_bits > most {
            return None;
        }
        let mask = u128::MAX.checked_shl(128 - offset - n_bits).unwrap_or(0);
        Some(Self { bits: bits(address) & mask, mask })
    }

    /// Whether `text` is an address in it.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        address(text).is_some_and(|address| self.has(address))
    }

    /// Whether it has an address that [`address`] read.
    pub(crate) const fn has(&self, address: u128) -> bool {
        address & self.mask == self.bits
    }

    /// Its first address, and how many addresses it leaves out: what brings those that hold others before them.
    pub(crate) const fn place(&self) -> (u128, u128) {
        (self.bits, self.mask)
    }
}

/// The address that a text is, in the space of version 6.
pub(crate) fn address(text: &str) -> Option<u128> {
    if may_be_address(text) { text.parse().ok().map(bits) } else { None }
}

/// Version 4 as its part of version 6, so that `::ffff:10.0.0.1` and `10.0.0.1` are one address.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Rules out most texts at a glance.
fn may_be_address(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_hexdigit() || byte == b':') && text.len() <= 45
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_networks() {
        #[track_caller]
        fn check(network: &str, inside: &[&str], outside: &[&str]) {
            let network = Network::parse(network).unwrap();
            assert!(inside.iter().all(|address| network.contains(address)), "{inside:?}");
            assert!(!outside.iter().any(|address| network.contains(address)), "{outside:?}");
        }
        check(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["9.255.255.255", "11.0.0.0"],
        );
        check("192.168.1.77/24", &["192.168.1.1"], &["192.168.2.1", "", "192.168.1", "192.168.1.1 "]);
        check("0.0.0.0/0", &["255.1.2.3"], &["::1", "2001:db8::"]);
        check("::/0", &["::1", "1.2.3.4"], &["x"]);
        check("1.2.3.4/32", &["1.2.3.4"], &["1.2.3.5"]);
        check("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1"]);
    }

    #[test]
    fn what_is_no_network() {
        for text in
            ["10.0.0.1", "10.0.0.0/33", "::/129", "10.0.0.0/+8", "10.0.0/8", "/8", "a/b", "fd.name", ""]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
