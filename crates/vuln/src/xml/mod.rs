//! XML as scanners write it, in constant memory: elements as they come, and records of interest as a whole.
//!
//! Refused are own entities (in a DOCTYPE) and nesting deeper than [`MAX_DEPTH`]; nothing outside the text is ever read.

mod record;
mod text;

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

pub(crate) use record::Element;
use record::Record;
pub(crate) use text::Warnings;
use text::predefined;

use crate::error::ReadError;

/// The deepest nesting. Greenbone nests 9 deep, Nmap's script tables somewhat deeper.
pub(crate) const MAX_DEPTH: usize = 64;
/// The largest record: one result with all its texts.
pub(crate) const MAX_RECORD_BYTES: usize = 32 * 1024 * 1024;

/// A step through a document.
#[derive(Debug)]
pub(crate) enum Step {
    /// An element begins; its name and attributes are in [`Xml::tag`].
    Open,
    /// An element ends. Only elements that were opened and neither skipped nor recorded end this way.
    Close,
    /// The document ends, with all elements closed.
    End,
}

/// A document being read.
pub(crate) struct Xml<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    record: Record,
    depth: usize,
    /// An empty element is also closed.
    closing: bool,
    warnings: Warnings,
}

impl<R: BufRead> Xml<R> {
    pub(crate) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.check_comments = false;
        config.trim_text(false);
        Self {
            reader,
            buffer: Vec::with_capacity(16 * 1024),
            record: Record::default(),
            depth: 0,
            closing: false,
            warnings: Warnings::default(),
        }
    }

    pub(crate) fn warnings(&self) -> Warnings {
        self.warnings
    }

    /// The next element's beginning or end; text between is skipped.
    pub(crate) fn step(&mut self) -> Result<Step, ReadError> {
        if std::mem::take(&mut self.closing) {
            return Ok(Step::Close);
        }
        loop {
            self.buffer.clear();
            let at = self.reader.buffer_position();
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(tag)) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(too_deep(at));
                    }
                    self.record.open_root(&tag).map_err(|problem| malformed(at, problem))?;
                    return Ok(Step::Open);
                }
                Ok(Event::Empty(tag)) => {
                    self.record.open_root(&tag).map_err(|problem| malformed(at, problem))?;
                    self.closing = true;
                    return Ok(Step::Open);
                }
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::Close);
                }
                Ok(Event::DocType(text)) => refuse_entities(at, &text)?,
                Ok(Event::Eof) if self.depth == 0 => return Ok(Step::End),
                Ok(Event::Eof) => return Err(truncated(at)),
                Ok(_) => {}
                Err(error) => return Err(failure(at, self.depth, &error)),
            }
        }
    }

    /// The element that [`step`](Self::step) opened: name and attributes.
    pub(crate) fn tag(&self) -> Element<'_> {
        self.record.root()
    }

    /// Reads the opened element to its end and returns it with all that it holds.
    pub(crate) fn record(&mut self) -> Result<Element<'_>, ReadError> {
        if !std::mem::take(&mut self.closing) {
            self.fill()?;
            let fixed = self.record.clean();
            self.warnings.control += u64::from(fixed.control > 0);
            self.warnings.encoding += u64::from(fixed.encoding > 0);
        }
        Ok(self.record.root())
    }

    /// Skips the opened element.
    pub(crate) fn skip(&mut self) -> Result<(), ReadError> {
        if std::mem::take(&mut self.closing) {
            return Ok(());
        }
        let base = self.depth;
        while self.depth >= base {
            match self.step()? {
                Step::Open | Step::Close => {}
                Step::End => break,
            }
        }
        self.closing = false;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        let base = self.depth;
        while self.depth >= base {
            self.buffer.clear();
            let at = self.reader.buffer_position();
            let filled = match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(tag)) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(too_deep(at));
                    }
                    self.record.open(&tag)
                }
                Ok(Event::Empty(tag)) => self.record.open(&tag).map(|()| self.record.close()),
                Ok(Event::End(_)) => {
                    self.depth -= 1;
                    self.record.close();
                    Ok(())
                }
                Ok(Event::Text(text)) => {
                    self.record.text(&text);
                    Ok(())
                }
                Ok(Event::CData(text)) => {
                    self.record.text(&text);
                    Ok(())
                }
                Ok(Event::GeneralRef(reference)) => resolve(&reference).map(|c| self.record.push(c)),
                Ok(Event::DocType(text)) => refuse_entities(at, &text).map(|()| Ok(()))?,
                Ok(Event::Eof) => return Err(truncated(at)),
                Ok(_) => Ok(()),
                Err(error) => return Err(failure(at, self.depth, &error)),
            };
            filled.map_err(|problem| malformed(at, problem))?;
            if self.record.len() > MAX_RECORD_BYTES {
                return Err(malformed(at, format!("one result is larger than {MAX_RECORD_BYTES} bytes")));
            }
        }
        Ok(())
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, String> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => return Ok(c),
        Err(_) => return Err(format!("&{};, which is no character", &**reference)),
        Ok(None) => {}
    }
    predefined(reference).ok_or_else(|| format!("unknown entity &{};", &**reference))
}

fn refuse_entities(at: u64, doctype: &str) -> Result<(), ReadError> {
    if doctype.contains("<!ENTITY") {
        return Err(ReadError::Refused {
            at: place(at),
            problem: "an entity of its own in the DOCTYPE".to_owned(),
        });
    }
    Ok(())
}

fn failure(at: u64, depth: usize, error: &quick_xml::Error) -> ReadError {
    use quick_xml::errors::{Error, SyntaxError};
    match error {
        Error::Io(error) => ReadError::Io(std::io::Error::new(error.kind(), error.to_string())),
        Error::Syntax(
            SyntaxError::UnclosedTag | SyntaxError::UnclosedCData | SyntaxError::UnclosedComment,
        ) if depth > 0 => truncated(at),
        error => malformed(at, error.to_string()),
    }
}

fn malformed(at: u64, problem: impl Into<String>) -> ReadError {
    ReadError::Malformed { at: place(at), problem: problem.into() }
}

fn truncated(at: u64) -> ReadError {
    ReadError::Truncated { at: place(at), problem: "elements are still open".to_owned() }
}

fn too_deep(at: u64) -> ReadError {
    ReadError::Refused { at: place(at), problem: format!("elements nested deeper than {MAX_DEPTH}") }
}

fn place(at: u64) -> String {
    format!("byte {at}")
}
