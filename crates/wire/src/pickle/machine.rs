//! A pickle machine that knows plain data only: lists, tuples, texts, bytes, numbers, booleans, `None`.
//!
//! Everything lies in one list of nodes and is referred to by its place there, so that what is shared stays shared:
//! no operation copies a node, and nothing here recurses. Each operation takes at least a byte of the frame and
//! adds at most one node, one place on the stack and one mark.
//!
//! Source of the operations: the comments of `pickletools.py` in CPython.

use std::borrow::Cow;

use super::error::FrameError;
use crate::report::shown;

type Result<T> = std::result::Result<T, FrameError>;

/// What a place holds.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    /// Any integer, float or boolean.
    Number(f64),
    /// Bytes, or text as UTF-8.
    Text(Cow<'a, [u8]>),
    List(Vec<u32>),
    /// A part of [`Machine::tuple_items`].
    Tuple {
        start: u32,
        len: u32,
    },
    /// A dictionary, of which nothing is kept.
    Dict,
}

impl Node<'_> {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Tuple { .. } => "a tuple",
            Self::Dict => "a dictionary",
        }
    }
}

/// The machine and, once it has run, what it built.
pub(super) struct Machine<'a> {
    input: &'a [u8],
    at: usize,
    /// The first byte of the operation under way.
    op_at: usize,
    nodes: Vec<Node<'a>>,
    tuple_items: Vec<u32>,
    stack: Vec<u32>,
    /// Sizes of the stack at the marks on it.
    marks: Vec<usize>,
    memo: Vec<u32>,
}

/// A place of the memo where nothing was put.
const NOTHING: u32 = u32::MAX;

impl<'a> Machine<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            op_at: 0,
            nodes: Vec::new(),
            tuple_items: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
        }
    }

    /// Runs to the end, and gives the place of the result.
    pub(super) fn run(&mut self) -> Result<u32> {
        loop {
            self.op_at = self.at;
            let op = self.byte()?;
            if op == b'.' {
                return self.pop();
            }
            if let Some(node) = self.plain(op)? {
                self.push(node);
            } else if !self.build(op)? && !self.remember(op)? {
                return Err(self.refusal(op));
            }
        }
    }

    pub(super) fn node(&self, place: u32) -> &Node<'a> {
        &self.nodes[place as usize]
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self, place: u32) -> Option<&[u32]> {
        match self.node(place) {
            Node::List(items) => Some(items),
            Node::Tuple { start, len } => self.tuple_items[*start as usize..].get(..*len as usize),
            _ => None,
        }
    }

    /// Operations that push a node made of nothing but their argument.
    fn plain(&mut self, op: u8) -> Result<Option<Node<'a>>> {
        Ok(Some(match op {
            b'N' => Node::None,
            0x88 => Node::Number(1.0),
            0x89 => Node::Number(0.0),
            b'K' => Node::Number(f64::from(self.byte()?)),
            b'M' => Node::Number(f64::from(u16::from_le_bytes(self.array()?))),
            b'J' => Node::Number(f64::from(i32::from_le_bytes(self.array()?))),
            b'G' => Node::Number(f64::from_be_bytes(self.array()?)),
            b'I' | b'L' | b'F' => self.number_line(op)?,
            0x8a | 0x8b => {
                let n_bytes = self.length(if op == 0x8a { 1 } else { 4 })?;
                Node::Number(integer_le(self.take(n_bytes)?))
            }
            b'U' | b'C' | 0x8c => self.text(1)?,
            b'T' | b'B' | b'X' => self.text(4)?,
            0x8d | 0x8e | 0x96 => self.text(8)?,
            b'S' => Node::Text(self.quoted_line()?),
            b'V' => self.unicode_line()?,
            b']' => Node::List(Vec::new()),
            b')' => Node::Tuple { start: 0, len: 0 },
            b'}' => Node::Dict,
            _ => return Ok(None),
        }))
    }

    /// Operations that build of what is on the stack. Whether `op` is one of them.
    fn build(&mut self, op: u8) -> Result<bool> {
        match op {
            b'(' => self.marks.push(self.stack.len()),
            b'0' if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            b'0' => drop(self.pop()?),
            b'1' => self.drop_marked()?,
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'a' => {
                self.top()?;
                self.extend(self.stack.len() - 1)?;
            }
            b'e' => {
                let start = self.mark()?;
                self.extend(start)?;
            }
            b'l' => {
                let start = self.mark()?;
                let items = self.stack.split_off(start);
                self.push(Node::List(items));
            }
            b't' => {
                let start = self.mark()?;
                self.tuple(start);
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(op - 0x84));
                let start = start.filter(|start| *start >= self.floor()).ok_or_else(|| self.stack_empty())?;
                self.tuple(start);
            }
            b'd' => {
                self.drop_marked()?;
                self.push(Node::Dict);
            }
            b's' => {
                self.pop()?;
                self.pop()?;
                self.top()?;
            }
            b'u' => self.drop_marked()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Memo, protocol and frame. Whether `op` is one of them.
    fn remember(&mut self, op: u8) -> Result<bool> {
        match op {
            b'p' | b'q' | b'r' => {
                let index = self.memo_index(op)?;
                self.put(index)?;
            }
            0x94 => self.put(self.memo.len())?,
            b'g' | b'h' | b'j' => {
                let index = self.memo_index(op)?;
                let place = self.memo.get(index).copied().filter(|place| *place != NOTHING);
                self.stack.push(place.ok_or_else(|| self.error("the memo has nothing at this index"))?);
            }
            0x80 if self.byte()? > 5 => return Err(self.error("the protocol is later than 5")),
            0x80 => {}
            0x95 => {
                let n_bytes = self.length(8)?;
                if n_bytes > self.input.len() - self.at {
                    return Err(self.truncated());
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Why an operation is not done.
    fn refusal(&mut self, op: u8) -> FrameError {
        let name = match op {
            b'c' => "the object",
            b'i' => "an instance of",
            0x93 => return FrameError::forbidden(format!("the object {}", self.named_on_stack())),
            b'R' => return FrameError::forbidden("a call (REDUCE)"),
            b'b' => return FrameError::forbidden("the state of an object (BUILD)"),
            b'o' | 0x81 | 0x92 => return FrameError::forbidden("a new object (OBJ, NEWOBJ)"),
            0x82..=0x84 => return FrameError::forbidden("an object of the extension registry (EXT)"),
            b'P' | b'Q' => return FrameError::forbidden("a reference to an outside object (PERSID)"),
            0x8f..=0x91 => return FrameError::forbidden("a set"),
            0x97 | 0x98 => return FrameError::forbidden("a buffer outside the pickle"),
            _ => return self.error("there is no operation of this number"),
        };
        match (self.line(), self.line()) {
            (Ok(module), Ok(object)) => {
                let (module, object) = (String::from_utf8_lossy(module), String::from_utf8_lossy(object));
                FrameError::forbidden(format!("{name} {}.{}", shown(&module), shown(&object)))
            }
            _ => self.truncated(),
        }
    }

    fn named_on_stack(&self) -> String {
        let names = self.stack.iter().rev().take(2).rev().map(|place| match self.node(*place) {
            Node::Text(text) => shown(&String::from_utf8_lossy(&text[..text.len().min(160)])),
            other => other.kind().to_owned(),
        });
        names.collect::<Vec<_>>().join(".")
    }

    // Stack and memo.

    fn push(&mut self, node: Node<'a>) {
        self.stack.push(self.nodes.len() as u32); // fewer nodes than bytes, and a frame has at most 2^20
        self.nodes.push(node);
    }

    /// What the topmost mark shuts off below it.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<u32> {
        let above = &self.stack[self.floor()..];
        above.last().copied().ok_or_else(|| self.stack_empty())
    }

    fn pop(&mut self) -> Result<u32> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes the topmost mark away, and says where what lies above it begins.
    fn mark(&mut self) -> Result<usize> {
        self.marks.pop().ok_or_else(|| self.error("there is no mark on the stack"))
    }

    fn drop_marked(&mut self) -> Result<()> {
        let start = self.mark()?;
        self.stack.truncate(start);
        Ok(())
    }

    fn tuple(&mut self, start: usize) {
        let items = &self.stack[start..];
        let node = Node::Tuple { start: self.tuple_items.len() as u32, len: items.len() as u32 };
        self.tuple_items.extend_from_slice(items);
        self.stack.truncate(start);
        self.push(node);
    }

    /// Appends what is on the stack from `start` on to the list below it.
    fn extend(&mut self, start: usize) -> Result<()> {
        let list = start.checked_sub(1).filter(|list| *list >= self.floor());
        let list = list.ok_or_else(|| self.stack_empty())?;
        let Node::List(items) = &mut self.nodes[self.stack[list] as usize] else {
            return Err(self.error("items are appended to something that is not a list"));
        };
        items.extend_from_slice(&self.stack[start..]);
        self.stack.truncate(start);
        Ok(())
    }

    fn memo_index(&mut self, op: u8) -> Result<usize> {
        match op {
            b'q' | b'h' => self.length(1),
            b'r' | b'j' => self.length(4),
            _ => {
                let text = std::str::from_utf8(self.line()?).ok().and_then(|text| text.parse().ok());
                text.ok_or_else(|| self.error("an index of the memo is not a number"))
            }
        }
    }

    /// An honest index is no larger than the number of operations before it.
    fn put(&mut self, index: usize) -> Result<()> {
        let top = self.top()?;
        if index > self.input.len() {
            return Err(self.error("an index of the memo is larger than the frame"));
        }
        if self.memo.len() <= index {
            self.memo.resize(index + 1, NOTHING);
        }
        self.memo[index] = top;
        Ok(())
    }

    // Arguments.

    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let array = self.input[self.at..].first_chunk().ok_or_else(|| self.truncated())?;
        self.at += N;
        Ok(*array)
    }

    /// A little-endian length of so many bytes.
    fn length(&mut self, n_bytes: usize) -> Result<usize> {
        let bytes = self.take(n_bytes)?;
        let length = bytes.iter().rev().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8]> {
        let bytes = self.input[self.at..].get(..n_bytes).ok_or_else(|| self.truncated())?;
        self.at += n_bytes;
        Ok(bytes)
    }

    fn text(&mut self, length_bytes: usize) -> Result<Node<'a>> {
        let n_bytes = self.length(length_bytes)?;
        Ok(Node::Text(Cow::Borrowed(self.take(n_bytes)?)))
    }

    /// The argument up to a line break, which is taken as well.
    fn line(&mut self) -> Result<&'a [u8]> {
        let n_bytes = memchr::memchr(b'\n', &self.input[self.at..]).ok_or_else(|| self.truncated())?;
        let line = self.take(n_bytes)?;
        self.at += 1;
        Ok(line)
    }

    fn number_line(&mut self, op: u8) -> Result<Node<'a>> {
        let line = self.line()?;
        let line = if op == b'L' { line.strip_suffix(b"L").unwrap_or(line) } else { line };
        let is_number =
            op == b'F' || line.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
        let text = std::str::from_utf8(line).ok().filter(|_| is_number);
        let number = text.and_then(|text| text.parse().ok());
        number.map(Node::Number).ok_or_else(|| self.error("a number cannot be read"))
    }

    /// Bytes as Python writes them in its source: `'a\n\xff'`.
    fn quoted_line(&mut self) -> Result<Cow<'a, [u8]>> {
        let inner = match self.line()? {
            [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
            _ => return Err(self.error("a text has no quotes")),
        };
        if !inner.contains(&b'\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let mut bytes = Vec::with_capacity(inner.len());
        let mut rest = inner;
        while let Some((byte, after)) = rest.split_first() {
            let (decoded, used) = match (byte, after) {
                (b'\\', [b'n', ..]) => (b'\n', 2),
                (b'\\', [b'r', ..]) => (b'\r', 2),
                (b'\\', [b't', ..]) => (b'\t', 2),
                (b'\\', [quoted @ (b'\\' | b'\'' | b'"'), ..]) => (*quoted, 2),
                (b'\\', [b'x', high, low, ..]) => match hex(&[*high, *low]) {
                    Some(value) => (value as u8, 4),
                    None => return Err(self.error("an escape in a text cannot be read")),
                },
                (other, _) => (*other, 1),
            };
            bytes.push(decoded);
            rest = &rest[used..];
        }
        Ok(Cow::Owned(bytes))
    }

    /// Latin-1 text with the escapes `\u` and `\U` of 4 and 8 hexadecimal digits.
    fn unicode_line(&mut self) -> Result<Node<'a>> {
        let line = self.line()?;
        if line.is_ascii() && !line.contains(&b'\\') {
            return Ok(Node::Text(Cow::Borrowed(line)));
        }
        let mut units: Vec<u16> = Vec::with_capacity(line.len());
        let mut rest = line;
        while let Some((byte, after)) = rest.split_first() {
            let digits = match (byte, after.first()) {
                (b'\\', Some(b'u')) => 4,
                (b'\\', Some(b'U')) => 8,
                _ => {
                    units.push(u16::from(*byte));
                    rest = after;
                    continue;
                }
            };
            let code = after.get(1..=digits).and_then(hex);
            let code = code.ok_or_else(|| self.error("an escape in a text cannot be read"))?;
            match (u16::try_from(code), char::from_u32(code)) {
                (Ok(unit), _) => units.push(unit),
                (_, Some(character)) => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
                _ => return Err(self.error("a text has a character that does not exist")),
            }
            rest = &after[1 + digits..];
        }
        let text = String::from_utf16(&units).map_err(|_| self.error("a text has half a character"))?;
        Ok(Node::Text(Cow::Owned(text.into_bytes())))
    }

    // Errors.

    fn error(&self, what: &'static str) -> FrameError {
        FrameError::malformed(self.op_at, what)
    }

    fn stack_empty(&self) -> FrameError {
        self.error("the stack is empty")
    }

    fn truncated(&self) -> FrameError {
        FrameError::Truncated { n_bytes: self.input.len() }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| Some((sum << 4) | char::from(*digit).to_digit(16)?))
}

/// A little-endian two's complement integer as the nearest number; beyond 15 bytes to about one part in 10^15.
fn integer_le(bytes: &[u8]) -> f64 {
    let fill = if bytes.last().is_some_and(|last| *last >= 0x80) { 0xff } else { 0 };
    let n_bytes = bytes.iter().rposition(|byte| *byte != fill).map_or(0, |at| at + 1);
    let n_low = n_bytes.saturating_sub(15);
    let mut high = [fill; 16];
    high[..n_bytes - n_low].copy_from_slice(&bytes[n_low..n_bytes]);
    // 2^8 to the power of 128 is infinite, and so is any longer integer.
    i128::from_le_bytes(high) as f64 * 2_f64.powi(8 * n_low.min(200) as i32)
}
