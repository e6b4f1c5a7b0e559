//! Nikto's old versions wrote texts without escaping them. As the elements of its reports are few and known, whatever else
//! looks like an element or an entity is text.

use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

/// What may follow `<`: elements of reports, their ends, declarations, comments.
const KNOWN: &[&str] = &[
    "niktoscan",
    "scandetails",
    "item",
    "description",
    "uri",
    "namelink",
    "iplink",
    "statistics",
    "ssl",
    "references",
    "osvdb",
    "hoststats",
    "scaninfo",
    "!DOCTYPE",
    "!--",
    "![CDATA[",
    "?",
    "!ENTITY",
];
/// How far `<` and `&` look ahead.
const AHEAD: usize = 24;

/// Text in which every `<` and `&` that begins nothing known is escaped.
pub(super) struct Escaped<R> {
    inner: R,
    pending: Vec<u8>,
    out: Vec<u8>,
    from: usize,
    /// Inside `<![CDATA[`, where nothing is escaped.
    cdata: bool,
    done: bool,
    repaired: Rc<Cell<u64>>,
}

impl<R: BufRead> Escaped<R> {
    pub(super) fn new(inner: R) -> Self {
        let (pending, out) = (Vec::new(), Vec::new());
        Self { inner, pending, out, from: 0, cdata: false, done: false, repaired: Rc::default() }
    }

    /// How many characters have been escaped so far.
    pub(super) fn repaired(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.repaired)
    }

    fn refill(&mut self) -> std::io::Result<()> {
        self.out.clear();
        self.from = 0;
        while self.out.is_empty() && !(self.done && self.pending.is_empty()) {
            let piece = self.inner.fill_buf()?;
            let length = piece.len();
            self.pending.extend_from_slice(piece);
            self.inner.consume(length);
            self.done = length == 0;
            self.pass();
        }
        Ok(())
    }

    /// Passes on what can be decided; the last few bytes wait for what follows them.
    fn pass(&mut self) {
        let sure = if self.done { self.pending.len() } else { self.pending.len().saturating_sub(AHEAD) };
        let mut at = 0;
        while at < sure {
            let rest = &self.pending[at..];
            if self.cdata {
                self.cdata = !rest.starts_with(b"]]>");
            } else {
                self.cdata = rest.starts_with(b"<![CDATA[");
            }
            let escape = match rest[0] {
                b'<' if !self.cdata && !begins_tag(rest) => "&lt;",
                b'&' if !self.cdata && !begins_entity(rest) => "&amp;",
                _ => "",
            };
            if escape.is_empty() {
                self.out.push(rest[0]);
            } else {
                self.out.extend_from_slice(escape.as_bytes());
                self.repaired.set(self.repaired.get() + 1);
            }
            at += 1;
        }
        self.pending.drain(..at);
    }
}

fn begins_tag(rest: &[u8]) -> bool {
    let rest = &rest[1..];
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    KNOWN.iter().any(|known| {
        rest.strip_prefix(known.as_bytes()).is_some_and(|after| {
            !known.ends_with(|c: char| c.is_ascii_alphabetic())
                || after.first().is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
        })
    })
}

fn begins_entity(rest: &[u8]) -> bool {
    let name: Vec<u8> = rest[1..].iter().take(AHEAD - 2).copied().take_while(|byte| *byte != b';').collect();
    let ended = rest.get(1 + name.len()) == Some(&b';');
    let named = [&b"amp"[..], b"lt", b"gt", b"quot", b"apos"].contains(&name.as_slice());
    let numbered = name.first() == Some(&b'#')
        && name.len() > 1
        && name[1..].iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'x');
    ended && (named || numbered)
}

impl<R: BufRead> Read for Escaped<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.from == self.out.len() {
            self.refill()?;
        }
        let length = (self.out.len() - self.from).min(out.len());
        out[..length].copy_from_slice(&self.out[self.from..self.from + length]);
        self.from += length;
        Ok(length)
    }
}
