//! The look-up tables of an index: values to small numbers, prefixes of a text, networks around an address, intervals
//! around a number.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::field::View;
use crate::{Literal, Network, Number};

/// The number of a value that no rule mentions.
pub(super) const NO_VALUE: u32 = u32::MAX;
/// Stands for any list: it has no number, but `in` and `intersects` have to be asked.
pub(super) const LIST: u32 = u32::MAX - 1;

/// The values that rules compare one field with, each with a number of its own.
///
/// The hash is fast and not secret: events are only looked up in it, they cannot fill it.
#[derive(Debug)]
pub(super) struct Values {
    texts: HashMap<Box<str>, u32, FixedState>,
    numbers: HashMap<Number, u32, FixedState>,
    null: u32,
    bools: [u32; 2],
}

impl Default for Values {
    fn default() -> Self {
        let (texts, numbers) = (HashMap::default(), HashMap::default());
        Self { texts, numbers, null: NO_VALUE, bools: [NO_VALUE; 2] }
    }
}

impl Values {
    /// The number of `literal`; `next` if it is new.
    pub(super) fn intern(&mut self, literal: &Literal, next: u32) -> u32 {
        let id = match literal {
            Literal::Null => &mut self.null,
            Literal::Bool(value) => &mut self.bools[usize::from(*value)],
            Literal::Number(number) => self.numbers.entry(*number).or_insert(NO_VALUE),
            Literal::Text(text) => self.texts.entry(text.as_str().into()).or_insert(NO_VALUE),
            Literal::Time(_) => return NO_VALUE, // JSON has none
        };
        if *id == NO_VALUE {
            *id = next;
        }
        *id
    }

    /// The number of a field's value.
    #[inline]
    pub(super) fn id(&self, value: View<'_>) -> u32 {
        match value {
            View::Text(text) => self.texts.get(text).copied().unwrap_or(NO_VALUE),
            View::Number(number) => self.numbers.get(&number).copied().unwrap_or(NO_VALUE),
            View::Null => self.null,
            View::Bool(value) => self.bools[usize::from(value)],
            View::List(_) => LIST,
            View::Object(_) => NO_VALUE,
        }
    }
}

/// A run of entries, `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Finds all prefixes of a text that are in the table.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// Sorted.
    texts: Box<[Box<[u8]>]>,
    /// The longest member before this one that is a prefix of it, or `u32::MAX`.
    parents: Box<[u32]>,
    spans: Box<[Span]>,
}

impl Prefixes {
    /// A table of prefixes in any order.
    pub(super) fn new(mut prefixes: Vec<(Box<[u8]>, Span)>) -> Self {
        prefixes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut parents: Vec<u32> = Vec::with_capacity(prefixes.len());
        for at in 0..prefixes.len() {
            // Whatever is a prefix of this one is its predecessor or one of that one's own prefixes.
            let mut parent = (at as u32).checked_sub(1).unwrap_or(u32::MAX);
            while parent != u32::MAX && !prefixes[at].0.starts_with(&prefixes[parent as usize].0) {
                parent = parents[parent as usize];
            }
            parents.push(parent);
        }
        let (texts, spans): (Vec<_>, Vec<_>) = prefixes.into_iter().unzip();
        Self { texts: texts.into(), parents: parents.into(), spans: spans.into() }
    }

    /// Calls `visit` for each member that `text` begins with.
    ///
    /// The last member that sorts up to `text` has all of them among itself and its own prefixes. Cost:
    /// O(log n + how many of those there are).
    pub(super) fn visit(&self, text: &str, mut visit: impl FnMut(Span)) {
        let text = text.as_bytes();
        let above = self.texts.partition_point(|prefix| **prefix <= *text);
        let mut at = (above as u32).checked_sub(1).unwrap_or(u32::MAX);
        while at != u32::MAX {
            if text.starts_with(&self.texts[at as usize]) {
                visit(self.spans[at as usize]);
            }
            at = self.parents[at as usize];
        }
    }
}

/// Finds all networks that an address lies in.
///
/// Of two networks one is within the other, or they are apart: networks are to addresses what prefixes are to texts.
#[derive(Debug, Default)]
pub(super) struct Networks {
    /// In order of their first addresses; of equal ones the larger network first.
    networks: Box<[Network]>,
    /// The smallest member before this one that it lies in, or `u32::MAX`.
    parents: Box<[u32]>,
    spans: Box<[Span]>,
}

impl Networks {
    /// A table of networks in any order.
    pub(super) fn new(mut networks: Vec<(Network, Span)>) -> Self {
        networks.sort_unstable_by_key(|(network, _)| network.place());
        let mut parents: Vec<u32> = Vec::with_capacity(networks.len());
        for (at, (network, _)) in (0_u32..).zip(&networks) {
            // Whatever it lies in is its predecessor or what that one lies in.
            let mut parent = at.checked_sub(1).unwrap_or(u32::MAX);
            while parent != u32::MAX && !networks[parent as usize].0.has(network.place().0) {
                parent = parents[parent as usize];
            }
            parents.push(parent);
        }
        let (networks, spans): (Vec<_>, Vec<_>) = networks.into_iter().unzip();
        Self { networks: networks.into(), parents: parents.into(), spans: spans.into() }
    }

    /// Calls `visit` for each member that `address` lies in. Cost: O(log n + how many networks lie in each other).
    pub(super) fn visit(&self, address: u128, mut visit: impl FnMut(Span)) {
        let above = self.networks.partition_point(|network| network.place().0 <= address);
        let mut at = (above as u32).checked_sub(1).unwrap_or(u32::MAX);
        while at != u32::MAX {
            if self.networks[at as usize].has(address) {
                visit(self.spans[at as usize]);
            }
            at = self.parents[at as usize];
        }
    }
}

/// Finds all intervals around a number: a balanced tree over intervals sorted by their lower end, in
/// place; each subtree knows its highest upper end.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    members: Box<[Interval]>,
}

#[derive(Debug)]
struct Interval {
    low: f64,
    high: f64,
    /// The highest `high` of the subtree that this is the root of.
    highest: f64,
    span: Span,
}

impl Intervals {
    /// A table of closed intervals.
    pub(super) fn new(mut intervals: Vec<(f64, f64, Span)>) -> Self {
        intervals.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut members: Box<[Interval]> = intervals
            .into_iter()
            .map(|(low, high, span)| Interval { low, high, highest: high, span })
            .collect();
        raise(&mut members);
        Self { members }
    }

    /// Calls `visit` for each interval that `x` lies in. Cost: O(log n + how many there are).
    pub(super) fn visit(&self, x: f64, mut visit: impl FnMut(Span)) {
        descend(&self.members, x, &mut visit);
    }
}

/// Works out `highest` in every subtree; returns that of the whole.
fn raise(members: &mut [Interval]) -> f64 {
    let middle = members.len() / 2;
    let Some((below, rest)) = members.split_at_mut_checked(middle) else { return f64::NEG_INFINITY };
    let Some((root, above)) = rest.split_first_mut() else { return f64::NEG_INFINITY };
    root.highest = root.high.max(raise(below)).max(raise(above));
    root.highest
}

fn descend(members: &[Interval], x: f64, visit: &mut impl FnMut(Span)) {
    let (below, rest) = members.split_at(members.len() / 2);
    let Some((root, above)) = rest.split_first() else { return };
    if root.highest < x {
        return;
    }
    descend(below, x, visit);
    if root.low <= x {
        if x <= root.high {
            visit(root.span);
        }
        descend(above, x, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_a_text() {
        let table = ["", "/usr", "/usr/bin", "/usr/lib", "/v", "a"];
        let span = |at: usize| Span { start: at as u32, end: 0 };
        let prefixes = Prefixes::new(
            table.iter().enumerate().map(|(at, text)| (text.as_bytes().into(), span(at))).collect(),
        );
        #[track_caller]
        fn check(prefixes: &Prefixes, text: &str, expected: &[u32]) {
            let mut found = Vec::new();
            prefixes.visit(text, |span| found.push(span.start));
            found.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
        check(&prefixes, "/usr/bin/sh", &[0, 1, 2]);
        check(&prefixes, "/usr/lid", &[0, 1]);
        check(&prefixes, "/usr", &[0, 1]);
        check(&prefixes, "/us", &[0]);
        check(&prefixes, "/z", &[0]);
        check(&prefixes, "", &[0]);
        check(&prefixes, "abc", &[0, 5]);
        check(&Prefixes::default(), "x", &[]);
    }

    #[test]
    fn networks_around_an_address() {
        let table = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.0.0/24",
            "10.1.7.0/24",
            "0.0.0.0/0",
            "::/0",
            "::1",
            "2001:db8::/32",
            "10.1.7.9/32",
        ];
        let networks = table
            .iter()
            .enumerate()
            .map(|(at, text)| (Network::parse(text).unwrap(), Span { start: at as u32, end: 0 }));
        let networks = Networks::new(networks.collect());
        let addresses = [
            "10.1.7.9",
            "10.1.7.10",
            "10.1.0.1",
            "10.1.1.1",
            "10.2.0.0",
            "11.0.0.0",
            "9.255.255.255",
            "::1",
            "::2",
            "2001:db8:1::",
            "2001:db9::",
            "::ffff:10.1.7.9",
            "255.255.255.255",
            "::",
            "ffff::",
        ];
        for text in addresses {
            let mut found = Vec::new();
            networks.visit(crate::network::address(text).unwrap(), |span| found.push(span.start as usize));
            found.sort_unstable();
            let contains = |at: &usize| Network::parse(table[*at]).unwrap().contains(text);
            assert_eq!(found, (0..table.len()).filter(contains).collect::<Vec<_>>(), "{text}");
        }
        Networks::default().visit(0, |_| panic!("there is nothing to find"));
    }

    #[test]
    fn intervals_around_a_number() {
        // All closed intervals with ends among 0..8, against the definition.
        let all: Vec<(f64, f64)> =
            (0..8).flat_map(|low| (low..8).map(move |high| (f64::from(low), f64::from(high)))).collect();
        for n in 0..all.len() {
            let span = |at: usize| Span { start: at as u32, end: 0 };
            let some = &all[..n];
            let table =
                Intervals::new(some.iter().enumerate().map(|(at, &(l, h))| (l, h, span(at))).collect());
            for x in [-0.5, 0.0, 0.5, 3.0, 6.9, 7.0, 7.1] {
                let mut found = Vec::new();
                table.visit(x, |span| found.push(span.start as usize));
                found.sort_unstable();
                let expected: Vec<usize> = (0..n).filter(|&at| some[at].0 <= x && x <= some[at].1).collect();
                assert_eq!(found, expected, "{x} in {n}");
            }
        }
    }
}
