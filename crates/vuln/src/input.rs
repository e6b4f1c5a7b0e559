//! From bytes to text: gzip, byte-order marks and declared encodings, and a look at the beginning.

use std::io::{BufRead, BufReader, Cursor, Read};

use encoding_rs::Encoding;
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use crate::error::ReadError;

/// How much of a report is looked at to find its format.
const HEAD_BYTES: usize = 64 * 1024;

/// How much is read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Bytes, of which the first have been looked at.
type Joined<R> = std::io::Chain<Cursor<Vec<u8>>, R>;
/// A report's text in UTF-8. One type for whatever it comes from: readers of XML ask it many times for each element.
pub(crate) type Text<'a> = BufReader<Joined<DecodeReaderBytes<Joined<Box<dyn Read + 'a>>, Vec<u8>>>>;

/// A report's text in UTF-8, and its beginning.
pub(crate) struct Input<'a> {
    /// The first bytes of the text.
    pub(crate) head: String,
    /// All of the text, the head included.
    pub(crate) text: Text<'a>,
}

/// Gzip or plain, as the first two bytes say.
pub(crate) fn unpacked<'a>(mut input: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, ReadError> {
    let start = read_up_to(&mut input, 2)?;
    let packed = start == [0x1f, 0x8b];
    let joined = Cursor::new(start).chain(input);
    Ok(if packed { Box::new(flate2::read::MultiGzDecoder::new(joined)) } else { Box::new(joined) })
}

impl<'a> Input<'a> {
    pub(crate) fn open(mut bytes: Box<dyn Read + 'a>) -> Result<Self, ReadError> {
        let start = read_up_to(&mut bytes, 1024)?;
        if start.is_empty() {
            return Err(ReadError::Empty);
        }
        let encoding = declared(&start);
        let joined = Cursor::new(start).chain(bytes);
        let mut builder = DecodeReaderBytesBuilder::new();
        builder.encoding(Some(encoding)).bom_override(true);
        let mut text = builder.build_with_buffer(joined, vec![0; BUFFER_BYTES])?;
        let head = read_up_to(&mut text, HEAD_BYTES)?;
        let head_text = String::from_utf8_lossy(&head).into_owned();
        if head_text.trim().is_empty() && head.len() < HEAD_BYTES {
            return Err(ReadError::Empty);
        }
        let text = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(text));
        Ok(Self { head: head_text, text })
    }
}

/// The encoding that an XML declaration names; otherwise UTF-8.
fn declared(start: &[u8]) -> &'static Encoding {
    let text: String = start.iter().take(256).map(|byte| char::from(*byte)).collect();
    let label = text.strip_prefix("<?xml").and_then(|rest| {
        let declaration = rest.split("?>").next()?;
        let (_, value) = declaration.split_once("encoding")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split(quote).next().map(str::to_owned)
    });
    // A declaration that could be read as ASCII cannot be of UTF-16, whatever it says.
    let encoding = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    encoding.filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(encoding_rs::UTF_8)
}

fn read_up_to(input: &mut impl Read, most: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    input.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Text in which commas before a closing bracket are blanks: some versions of scanners write JSON like this.
pub(crate) struct WithoutTrailingCommas<R> {
    inner: R,
    buffer: Vec<u8>,
    from: usize,
    in_string: bool,
    escaped: bool,
    done: bool,
    /// How many commas were dropped.
    pub(crate) dropped: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R: BufRead> WithoutTrailingCommas<R> {
    pub(crate) fn new(inner: R) -> Self {
        let dropped = std::rc::Rc::default();
        Self { inner, buffer: Vec::new(), from: 0, in_string: false, escaped: false, done: false, dropped }
    }

    /// Takes the next piece. A comma and the blanks behind it wait for what follows them.
    fn refill(&mut self) -> std::io::Result<()> {
        self.buffer.drain(..self.from);
        self.from = 0;
        while !self.done && self.ready() == 0 {
            let piece = self.inner.fill_buf()?;
            let length = piece.len();
            self.done = length == 0;
            let piece = piece.to_vec();
            self.inner.consume(length);
            piece.iter().for_each(|byte| self.take(*byte));
        }
        Ok(())
    }

    fn take(&mut self, byte: u8) {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = byte == b'\\' && !self.escaped;
        } else if byte == b'"' {
            self.in_string = true;
        } else if matches!(byte, b']' | b'}') {
            let last = self.buffer.iter().rposition(|byte| !byte.is_ascii_whitespace());
            if let Some(comma) = last.filter(|at| *at >= self.from && self.buffer[*at] == b',') {
                self.buffer[comma] = b' ';
                self.dropped.set(self.dropped.get() + 1);
            }
        }
        self.buffer.push(byte);
    }

    /// How many bytes can no longer change.
    fn ready(&self) -> usize {
        if self.done || self.in_string {
            return self.buffer.len() - self.from;
        }
        let last = self.buffer.iter().rposition(|byte| !byte.is_ascii_whitespace());
        match last {
            Some(at) if self.buffer[at] == b',' && self.buffer.len() - at < 4096 => {
                at.saturating_sub(self.from)
            }
            _ => self.buffer.len() - self.from,
        }
    }
}

impl<R: BufRead> Read for WithoutTrailingCommas<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.ready() == 0 {
            self.refill()?;
        }
        let length = self.ready().min(out.len());
        out[..length].copy_from_slice(&self.buffer[self.from..self.from + length]);
        self.from += length;
        Ok(length)
    }
}
