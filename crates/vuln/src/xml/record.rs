//! One element with all that it holds, flat, in buffers that the next record uses again.

use quick_xml::events::BytesStart;

use super::text::{Warnings, attributes};

/// An element and everything in it, in document order.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: String,
    nodes: Vec<Node>,
    open: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    depth: u16,
    name: Span,
    /// The element's own text up to its first child that holds something, or the attribute's value.
    value: Span,
    /// Index behind the last node inside.
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Element,
    Attribute,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    from: usize,
    to: usize,
}

impl Record {
    /// Starts anew with this element.
    pub(super) fn open_root(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        self.text.clear();
        self.nodes.clear();
        self.open.clear();
        self.open(tag)
    }

    pub(super) fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
        let name = self.write(tag.name().as_ref());
        let at = self.nodes.len();
        self.nodes.push(Node { kind: Kind::Element, depth, name, value: Span::default(), end: at + 1 });
        self.open.push(at);
        let (text, nodes) = (&mut self.text, &mut self.nodes);
        attributes(tag, |name, value| {
            let name = write(text, name);
            let value = write(text, value);
            nodes.push(Node { kind: Kind::Attribute, depth: depth + 1, name, value, end: nodes.len() + 1 });
        })
    }

    pub(super) fn close(&mut self) {
        let end = self.nodes.len();
        if let Some(node) = self.open.pop().and_then(|at| self.nodes.get_mut(at)) {
            node.end = end;
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        let Some(node) = self.open.last().and_then(|at| self.nodes.get_mut(*at)) else { return };
        if node.value.to != self.text.len() {
            // Other elements came between. The text before them counts, unless it is blank.
            if !self.text[node.value.from..node.value.to].trim().is_empty() {
                return;
            }
            node.value = Span { from: self.text.len(), to: self.text.len() };
        }
        self.text.push_str(text);
        node.value.to = self.text.len();
    }

    pub(super) fn push(&mut self, c: char) {
        self.text(c.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn len(&self) -> usize {
        self.text.len() + self.nodes.len() * size_of::<Node>()
    }

    /// Removes characters that XML forbids, which scanners copy from banners.
    pub(super) fn clean(&mut self) -> Warnings {
        let forbidden = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        let mut found = Warnings::default();
        // A block at a time, so that the compiler can look at many bytes at once.
        let holds_forbidden = |block: &[u8]| block.iter().fold(false, |found, byte| found | forbidden(*byte));
        if self.text.as_bytes().chunks(1024).any(holds_forbidden) {
            found.control = 1;
            // A blank has the same length, so that all spans stay true.
            self.text =
                self.text.chars().map(|c| if c.is_ascii() && forbidden(c as u8) { ' ' } else { c }).collect();
        }
        found.encoding = u64::from(self.text.contains('\u{FFFD}'));
        found
    }

    pub(super) fn root(&self) -> Element<'_> {
        Element { record: self, at: 0 }
    }

    fn write(&mut self, text: &str) -> Span {
        write(&mut self.text, text)
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.from..span.to).unwrap_or_default()
    }
}

fn write(buffer: &mut String, text: &str) -> Span {
    let from = buffer.len();
    buffer.push_str(text);
    Span { from, to: buffer.len() }
}

/// An element of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    record: &'a Record,
    at: usize,
}

impl<'a> Element<'a> {
    fn node(&self) -> Option<&'a Node> {
        self.record.nodes.get(self.at)
    }

    /// Its name without prefix.
    pub(crate) fn name(&self) -> &'a str {
        let name = self.node().map_or("", |node| self.record.slice(node.name));
        name.rsplit(':').next().unwrap_or(name)
    }

    /// Its own text as written.
    pub(crate) fn raw_text(&self) -> &'a str {
        self.node().map_or("", |node| self.record.slice(node.value))
    }

    /// Its own text without blanks at the ends.
    pub(crate) fn text(&self) -> &'a str {
        self.raw_text().trim()
    }

    fn inner(&self, kind: Kind) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let record = self.record;
        let (depth, from, end) =
            self.node().map_or((0, 0, 0), |node| (node.depth + 1, self.at + 1, node.end));
        // The root of a record that is not filled yet ends behind its attributes.
        let end = if from == 1 { record.nodes.len() } else { end };
        (from..end)
            .filter(move |at| {
                record.nodes.get(*at).is_some_and(|node| node.depth == depth && node.kind == kind)
            })
            .map(move |at| Element { record, at })
    }

    /// Its child elements in document order.
    pub(crate) fn children(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        self.inner(Kind::Element)
    }

    /// Its attributes in document order: names and values.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.inner(Kind::Attribute).map(|attribute| (attribute.name(), attribute.raw_text()))
    }

    /// An attribute's value; empty if there is none.
    pub(crate) fn attribute(&self, name: &str) -> &'a str {
        self.attributes().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<Element<'a>> {
        self.children().find(|child| child.name() == name)
    }

    /// All children of a name.
    pub(crate) fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = Element<'a>> + use<'a, 'n> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The trimmed text of the first child of a name; empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> &'a str {
        self.child(name).map_or("", |child| child.text())
    }

    /// All elements of a name at any depth inside.
    pub(crate) fn descendants<'n>(&self, name: &'n str) -> impl Iterator<Item = Element<'a>> + use<'a, 'n> {
        let record = self.record;
        let end = self.node().map_or(0, |node| if self.at == 0 { record.nodes.len() } else { node.end });
        (self.at + 1..end).map(move |at| Element { record, at }).filter(move |element| {
            element.node().is_some_and(|node| node.kind == Kind::Element) && element.name() == name
        })
    }
}
