//! Delays the answer to a wrong token, longer with each one from the same address.
//!
//! A right token is never kept waiting, so nobody can lock others out from behind the same address. What is remembered
//! and what waits is bounded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::locked;

/// So many wrong tokens are answered at once: people mistype.
const FREE: u32 = 3;
/// How long the next one waits; each further one twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// After so long without a wrong token an address starts anew.
const MEMORY: Duration = Duration::from_secs(600);
/// Addresses that are remembered.
const MAX_ADDRESSES: usize = 4_096;
/// Answers that wait at one time, for one address and altogether.
const MAX_HELD: u32 = 8;
const MAX_HELD_ALTOGETHER: u32 = 256;

/// The memory of wrong tokens.
#[derive(Debug, Default)]
pub(crate) struct SlowDown(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    addresses: HashMap<IpAddr, Tries>,
    held: u32,
}

#[derive(Debug)]
struct Tries {
    wrong: u32,
    held: u32,
    last: Instant,
}

/// One answer that waits; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'m> {
    memory: &'m SlowDown,
    address: IpAddr,
    /// How long to wait.
    pub(super) wait: Duration,
}

impl SlowDown {
    /// Notes that `address` is to be answered after work, such as trying a password; `None` when too many of its answers wait already.
    pub(super) fn work(&self, address: IpAddr, now: Instant) -> Option<Held<'_>> {
        let address = network(address);
        let mut memory = locked(&self.0);
        memory.make_room(address, now);
        let tries = memory.addresses.entry(address).or_insert(Tries { wrong: 0, held: 0, last: now });
        if tries.held >= MAX_HELD {
            return None;
        }
        tries.held += 1;
        memory.held += 1;
        Some(Held { memory: self, address, wait: Duration::ZERO })
    }

    /// Notes a wrong token of `address`; `None` when too many answers wait already.
    pub(super) fn wrong(&self, address: IpAddr, now: Instant) -> Option<Held<'_>> {
        let address = network(address);
        let mut memory = locked(&self.0);
        memory.make_room(address, now);
        let tries = memory.addresses.entry(address).or_insert(Tries { wrong: 0, held: 0, last: now });
        if now.saturating_duration_since(tries.last) > MEMORY {
            tries.wrong = 0;
        }
        tries.wrong = tries.wrong.saturating_add(1);
        tries.last = now;
        let wait = wait(tries.wrong);
        if tries.held >= MAX_HELD || (memory.held >= MAX_HELD_ALTOGETHER && !wait.is_zero()) {
            return None;
        }
        memory.addresses.entry(address).and_modify(|tries| tries.held += 1);
        memory.held += 1;
        Some(Held { memory: self, address, wait })
    }
}

impl Memory {
    /// Forgets whoever is longest silent when the memory is full.
    fn make_room(&mut self, address: IpAddr, now: Instant) {
        if self.addresses.len() < MAX_ADDRESSES || self.addresses.contains_key(&address) {
            return;
        }
        self.addresses.retain(|_, tries| now.saturating_duration_since(tries.last) <= MEMORY);
        if self.addresses.len() >= MAX_ADDRESSES
            && let Some(oldest) = self.addresses.iter().min_by_key(|(_, tries)| tries.last).map(|(it, _)| *it)
        {
            self.addresses.remove(&oldest);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut memory = locked(&self.memory.0);
        memory.held = memory.held.saturating_sub(1);
        memory.addresses.entry(self.address).and_modify(|tries| tries.held = tries.held.saturating_sub(1));
    }
}

fn wait(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WAIT.saturating_mul(1 << doublings.min(16)).min(LONGEST_WAIT),
    }
}

/// What one caller has: an address of IPv4, a network of 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_forgotten() {
        let (slow, start) = (SlowDown::default(), Instant::now());
        let waits: Vec<u128> = (0..12).map(|_| slow.wrong(ip(1), start).unwrap().wait.as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(slow.wrong(ip(2), start).unwrap().wait, Duration::ZERO, "others do not wait");
        let later = start + MEMORY + Duration::from_secs(1);
        assert_eq!(slow.wrong(ip(1), later).unwrap().wait, Duration::ZERO);
    }

    #[test]
    fn what_waits_and_what_is_remembered_is_bounded() {
        let (slow, now) = (SlowDown::default(), Instant::now());
        let held: Vec<_> = (0..20).map(|_| slow.wrong(ip(1), now)).collect();
        assert_eq!(held.iter().flatten().count(), 8);
        assert!(slow.work(ip(1), now).is_none());
        drop(held);
        let held: Vec<_> = (0..20).map(|_| slow.work(ip(1), now)).collect();
        assert_eq!(held.iter().flatten().count(), 8);
        drop(held);
        assert!(slow.wrong(ip(1), now).is_some());
        for n in 0..20_000 {
            slow.wrong(ip(n), now + Duration::from_millis(n.into()));
        }
        assert_eq!(locked(&slow.0).addresses.len(), MAX_ADDRESSES);
        assert_eq!(locked(&slow.0).held, 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff:2".parse().unwrap());
        assert_eq!(network(one), network(other));
        assert_ne!(network(one), network("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), ip(0x0a00_0001));
    }
}
