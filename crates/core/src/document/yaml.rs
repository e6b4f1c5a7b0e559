//! Parses YAML into a tree with positions. The only file that uses the YAML library.
//!
//! The library parses; which plain scalar is a number, a truth or nothing is decided here, by the core schema of
//! YAML 1.2, and what was written is kept beside it. So `no`, `off` and `y` are text, and `1.10` is still `1.10` where
//! a name is expected.

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::tree::{Content, Key, Node, Position, Problem};

/// More maps and lists within one another than this are refused.
const MAX_DEPTH: usize = 64;
/// How many values aliases may repeat, beyond one for each byte of the text.
const MAX_REPEATED: usize = 250_000;

impl Node {
    /// Reads YAML. An empty text is an empty map.
    ///
    /// # Errors
    /// Where the text is not YAML.
    pub fn from_yaml(text: &str) -> Result<Self, Problem> {
        parse(text)
    }
}

/// Reads one YAML document; an empty one is an empty map.
///
/// Depth and what aliases repeat are bounded, so hostile input is an error, not a burden.
///
/// # Errors
/// The first place where the text is not YAML; nothing after it can be trusted.
fn parse(text: &str) -> Result<Node, Problem> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut tree = Tree { n_repeatable: MAX_REPEATED.saturating_add(text.len()), ..Tree::default() };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| not_yaml(&error))?;
        tree.take(event, span)?;
    }
    match tree.root {
        Some(Node { content: Content::Null, .. }) | None => Ok(Node::new(None, Content::Map(Vec::new()))),
        Some(root) => Ok(root),
    }
}

fn not_yaml(error: &ScanError) -> Problem {
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            return problem(place(*error.marker()), format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        ErrorKind::UnknownAnchor => "the alias names an anchor that is not defined before it".to_owned(),
        kind => kind.to_string(),
    };
    problem(place(*error.marker()), format!("this is not YAML: {message}"))
}

fn problem(at: Position, message: impl Into<String>) -> Problem {
    Problem { at: Some(at), path: String::new(), message: message.into(), hint: None }
}

fn place(mark: granit_parser::Marker) -> Position {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: count(mark.line()), column: count(mark.col()).saturating_add(1) }
}

/// The tree while it grows.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    n_documents: usize,
    /// Maps and lists that are not closed yet, the innermost last.
    open: Vec<Open>,
    /// What anchors name, and how many values it holds.
    anchors: HashMap<usize, (Node, usize)>,
    n_repeatable: usize,
}

/// A map or list that is not closed yet.
struct Open {
    at: Position,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        /// The key that waits for its value.
        key: Option<Key>,
        /// Maps whose entries are taken over where the map has none of that name (`<<`).
        merged: Vec<Node>,
    },
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let at = place(span.start);
        match event {
            Event::DocumentStart(..) => {
                self.n_documents += 1;
                if self.n_documents > 1 {
                    return Err(problem(at, "a second document begins here; write one in each file"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if let Some(key) = self.key_wanted() {
                    *key = Some(Key { at: Some(at), name: text.into_owned() });
                    return Ok(());
                }
                let content = content(&text, is_plain, tag.as_deref()).map_err(|why| problem(at, why))?;
                let mut node = Node::new(Some(at), content);
                node.keep_written(&text);
                self.put(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_as_key(at)?;
                refuse_other(tag.as_deref(), "seq").map_err(|why| problem(at, why))?;
                self.open.push(Open { at, anchor, items: Items::List(Vec::new()) });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_as_key(at)?;
                refuse_other(tag.as_deref(), "map").map_err(|why| problem(at, why))?;
                let items = Items::Map { entries: Vec::new(), key: None, merged: Vec::new() };
                self.open.push(Open { at, anchor, items });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => {
                self.refuse_as_key(at)?;
                let node = self.repeated(anchor, at)?;
                self.put(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Where the key of the innermost map goes, if the next value is one.
    fn key_wanted(&mut self) -> Option<&mut Option<Key>> {
        match &mut self.open.last_mut()?.items {
            Items::Map { key: key @ None, .. } => Some(key),
            _ => None,
        }
    }

    fn refuse_as_key(&mut self, at: Position) -> Result<(), Problem> {
        match self.key_wanted() {
            Some(_) => {
                Err(problem(at, "the key of a map should be text; text that begins with { or [ needs quotes"))
            }
            None => Ok(()),
        }
    }

    /// Another copy of what an anchor names.
    fn repeated(&mut self, anchor: usize, at: Position) -> Result<Node, Problem> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(problem(at, "the alias stands inside what it names"));
        };
        self.n_repeatable = self
            .n_repeatable
            .checked_sub(*size)
            .ok_or_else(|| problem(at, "aliases repeat more than this file may hold"))?;
        Ok(Node { at: Some(at), ..node.clone() })
    }

    fn close(&mut self) -> Result<(), Problem> {
        let Some(Open { at, anchor, items }) = self.open.pop() else { return Ok(()) };
        let content = match items {
            Items::List(items) => Content::List(items),
            Items::Map { mut entries, merged, .. } => {
                let mut names = distinct(&entries)?;
                for source in merged {
                    merge(&mut entries, &mut names, source)?;
                }
                Content::Map(entries)
            }
        };
        self.put(Node::new(Some(at), content), anchor)
    }

    /// A value is whole: it belongs to the innermost map or list, or is the document.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size(&node)));
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { entries, key, merged }) => match key.take() {
                Some(key) if key.name == MERGE => merged.push(node),
                Some(key) => entries.push((key, node)),
                None => return Ok(()),
            },
        }
        Ok(())
    }
}

/// The key whose value's entries belong to the map around it.
const MERGE: &str = "<<";

/// The names of a map's fields, none of which may come twice.
fn distinct(entries: &[(Key, Node)]) -> Result<HashSet<String>, Problem> {
    let mut names = HashSet::with_capacity(entries.len());
    for (Key { at, name }, _) in entries {
        if !names.insert(name.clone()) {
            let message = format!("the field \"{name}\" is given twice in one map; keep one of them");
            return Err(Problem { at: *at, path: String::new(), message, hint: None });
        }
    }
    Ok(names)
}

fn merge(entries: &mut Vec<(Key, Node)>, names: &mut HashSet<String>, source: Node) -> Result<(), Problem> {
    match source.content {
        Content::Map(more) => {
            entries.extend(more.into_iter().filter(|(key, _)| names.insert(key.name.clone())));
        }
        Content::List(sources) => {
            for source in sources {
                merge(entries, names, source)?;
            }
        }
        _ => {
            let at = source.at.unwrap_or(Position { line: 1, column: 1 });
            return Err(problem(at, "<< takes a map, or a list of maps"));
        }
    }
    Ok(())
}

/// How many values a tree holds. No deeper than [`MAX_DEPTH`] for each alias on the way.
fn size(node: &Node) -> usize {
    match &node.content {
        Content::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Refuses a tag of a list or map that asks for something else.
fn refuse_other(tag: Option<&Tag>, own: &str) -> Result<(), String> {
    tag.filter(|tag| tag.core_suffix() != Some(own)).map_or(Ok(()), |tag| Err(does_not_fit(tag)))
}

fn does_not_fit(tag: &Tag) -> String {
    format!("the tag {} does not fit here; leave it out", tag.original())
}

fn content(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Content, String> {
    let as_text = || Content::Text(text.to_owned());
    let Some(tag) = tag else { return Ok(if is_plain { plain(text) } else { as_text() }) };
    let content = plain(text);
    match (tag.core_suffix(), &content) {
        (Some("str"), _) => Ok(as_text()),
        (Some("null"), Content::Null)
        | (Some("bool"), Content::Bool(_))
        | (Some("int"), Content::Int(_))
        | (Some("float"), Content::Float(_) | Content::Int(_)) => Ok(content),
        _ => Err(does_not_fit(tag)),
    }
}

/// What a scalar without quotes is, by the core schema of YAML 1.2.
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Content::Float(f64::NAN),
        _ => {}
    }
    number(text).unwrap_or_else(|| Content::Text(text.to_owned()))
}

fn number(text: &str) -> Option<Content> {
    if let Some(digits) = text.strip_prefix("0x") {
        return whole(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return whole(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Some(Content::Float(sign * f64::INFINITY));
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Larger than 64 bits is a number all the same.
        return text.parse().map(Content::Int).or_else(|_| text.parse().map(Content::Float)).ok();
    }
    let is_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if is_float { text.parse().map(Content::Float).ok() } else { None }
}

/// Without a sign: `from_str_radix` would take one.
fn whole(digits: &str, radix: u32) -> Option<Content> {
    let is_whole = digits.chars().all(|digit| digit.is_digit(radix));
    i64::from_str_radix(digits, radix).ok().filter(|_| is_whole).map(Content::Int)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        let node = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(node.to_json(), *expected, "{text}");
    }

    #[track_caller]
    fn refused(text: &str, place: (u32, u32), part: &str) {
        let problem = parse(text).unwrap_err();
        assert!(problem.message.contains(part), "{text}: {problem}");
        assert_eq!(problem.at.map(|at| (at.line, at.column)), Some(place), "{text}: {problem}");
    }

    /// The examples of the core schema in YAML 1.2.2, chapter 10.3, and what YAML 1.1 took for truths and numbers.
    #[test]
    fn scalars_are_what_the_core_schema_says() {
        check("[null, Null, NULL, ~, ]", &json!([null, null, null, null]));
        check("[true, True, TRUE, false, False, FALSE]", &json!([true, true, true, false, false, false]));
        check("[0, 0o7, 0x3A, -19, +12, 0123]", &json!([0, 7, 58, -19, 12, 123]));
        check("[0., -0.0, .5, +12e03, -2E+05, 1.10]", &json!([0.0, -0.0, 0.5, 12000.0, -200_000.0, 1.1]));
        check("[no, off, yes, On, y, N, nO]", &json!(["no", "off", "yes", "On", "y", "N", "nO"]));
        check(
            "[1_000, 0b11, 10:30, 1.2.3, 2026-11-28, 0o8, 0x, ., e5, 1e, 0x-5]",
            &json!(["1_000", "0b11", "10:30", "1.2.3", "2026-11-28", "0o8", "0x", ".", "e5", "1e", "0x-5"]),
        );
        check("['1', \"true\", !!str 5, !!int 5, 'null']", &json!(["1", "true", "5", 5, "null"]));
        check("99999999999999999999", &json!(99_999_999_999_999_999_999.0));
    }

    #[test]
    fn what_was_written_is_kept() {
        for text in
            ["no", "1001", "5e3", "1.10", "0123", "0x1F", "+1", "y", "True", "1_000", "2026-11-28", ".5"]
        {
            assert_eq!(parse(text).unwrap().scalar_text().as_deref(), Some(text));
            let Content::Map(entries) = parse(&format!("{text}: 1")).unwrap().content else {
                panic!("{text}")
            };
            assert_eq!(entries[0].0.name, text);
        }
    }

    #[test]
    fn anchors_aliases_and_merges() {
        check("a: &x [1, 2]\nb: *x", &json!({"a": [1, 2], "b": [1, 2]}));
        check("a: !!seq [1]\nb: !!map { c: 2 }", &json!({"a": [1], "b": {"c": 2}}));
        check(
            "base: &b { a: 1, c: 2 }\nall: { <<: *b, c: 3 }\nlist: { <<: [{ d: 4 }, { d: 5, e: 6 }] }",
            &json!({"base": {"a": 1, "c": 2}, "all": {"c": 3, "a": 1}, "list": {"d": 4, "e": 6}}),
        );
        refused("a: &x [*x]", (1, 8), "inside what it names");
        refused("a: *x", (1, 4), "not defined before");
        refused("a: { <<: 5 }", (1, 10), "<< takes a map");
    }

    #[test]
    fn what_is_refused_says_where() {
        refused("a: 1\nb: 2\na: 3\n", (3, 1), "the field \"a\" is given twice");
        refused("{ x: { a: 1, a: 2 } }", (1, 14), "the field \"a\" is given twice");
        refused("a: 1\n---\nb: 2\n", (2, 1), "a second document");
        refused("[a]: 1", (1, 1), "the key of a map should be text");
        refused("a: !secret x", (1, 12), "the tag !secret does not fit");
        refused("a: !!int x", (1, 10), "the tag !!int does not fit");
        refused("a: !include [x]", (1, 13), "the tag !include does not fit");
        refused("a: !secret { b: c }", (1, 12), "the tag !secret does not fit");
        refused("a: !!set { b }", (1, 10), "the tag !!set does not fit");
        refused("a: !!map [x]", (1, 10), "the tag !!map does not fit");
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&deep).unwrap_err().message.contains("nested deeper than 64"));
        // No message speaks of the library or of its settings.
        for text in ["a: b: c", "a: [1, 2\nb: }", "a: 'x", "%YAML 3.0\n---\na", "a: &x\nb: *y", "{{ a }}: 1"]
        {
            let message = parse(text).unwrap_err().to_string();
            let leaks = ["Options", "Policy", "budget", "granit", "saphyr", "serde"];
            assert!(!leaks.iter().any(|leak| message.contains(leak)), "{text}: {message}");
        }
    }

    #[test]
    fn an_empty_text_is_an_empty_map() {
        for text in ["", "\n", "# nothing\n", "---\n", "~"] {
            check(text, &json!({}));
        }
    }

    #[test]
    fn what_aliases_repeat_is_bounded() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(parse(&text).unwrap_err().message.contains("aliases repeat"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c0-9:{}\\[\\],&*!<>|' \"#\n-]{0,60}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn places_are_known() {
        let node = Node::from_yaml("a: 1\nb:\n  - x\n  - c: 25%\n").unwrap();
        let Content::Map(entries) = &node.content else { panic!("{node:?}") };
        assert_eq!(entries[1].0.at, Some(Position { line: 2, column: 1 }));
        let Content::List(items) = &entries[1].1.content else { panic!("{node:?}") };
        assert_eq!(items[1].at.map(|at| at.line), Some(4));
        assert_eq!(node.to_json(), json!({"a": 1, "b": ["x", {"c": "25%"}]}));
        assert_eq!(Node::from_json(&node.to_json()).to_json(), node.to_json());
    }

    #[test]
    fn what_is_not_yaml_says_where() {
        let problem = Node::from_yaml("a: [1, 2\nb: }").unwrap_err();
        assert!(problem.at.is_some_and(|at| at.line >= 1), "{problem}");
        assert!(problem.message.starts_with("this is not YAML"), "{problem}");
    }
}
