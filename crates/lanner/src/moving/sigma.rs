//! Detection rules of Sigma on single events.
//!
//! Names of fields stay as they are: the events have to have the names that the rules were written for.
//! Source: "Sigma Rules Specification" and "Sigma Modifiers", release 2.1.

use lanner_conditions::{Condition, Literal};
use lanner_core::document::{Content, Node};
use serde_json::{Map, Value, json};

use super::encoded::Encoding;
use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::tree::{entries, get, items, text};

pub(super) const PROGRAM: Program = Program {
    name: "sigma",
    about: "detection rules of Sigma on single events",
    noun: "rules",
    source: "",
    take,
};

const RULE: &[Field] = &[
    ("title", Use::Read),
    ("id", Use::Read),
    ("description", Use::Read),
    ("level", Use::Read),
    ("logsource", Use::Read),
    ("detection", Use::Read),
    // What only describes the rule for its readers.
    ("name", Use::Idle),
    ("status", Use::Idle),
    ("author", Use::Idle),
    ("date", Use::Idle),
    ("modified", Use::Idle),
    ("license", Use::Idle),
    ("references", Use::Idle),
    ("related", Use::Idle),
    ("tags", Use::Idle),
    ("falsepositives", Use::Idle),
    ("fields", Use::Idle),
    ("taxonomy", Use::As(&["sigma"])),
];

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    let title = text(file, "title").unwrap_or_default();
    if get(file, "action").is_some() || get(file, "correlation").is_some() {
        let at = get(file, "correlation").or_else(|| get(file, "action")).and_then(|node| node.at);
        moving.entry(
            "rules",
            &title,
            Err((at, "correlations and collections have no counterpart".to_owned())),
        );
        return;
    }
    let made = converted(file, &title, names, moving);
    if made.is_ok() {
        moving.unread(file, &[RULE], &title);
    }
    moving.entry("rules", &title, made);
}

fn converted(rule: &Node, title: &str, names: &Names, moving: &mut Moving) -> Result<Value, Reason> {
    let detection = get(rule, "detection").ok_or_else(|| (rule.at, "it has no detection".to_owned()))?;
    if let Some(timeframe) = get(detection, "timeframe") {
        return Err((
            timeframe.at,
            "events within a timeframe are a correlation, which has no counterpart".to_owned(),
        ));
    }
    let conditions = items(get(detection, "condition"));
    let mut wheres = Vec::new();
    for condition in &conditions {
        let written = condition.scalar_text().unwrap_or_default();
        wheres.push(Parser::new(&written, detection).all().map_err(|(at, why)| (at.or(condition.at), why))?);
    }
    let condition = match wheres.as_slice() {
        [] => return Err((detection.at, "it has no condition".to_owned())),
        [one] => one.clone(),
        _ => wheres.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" or "),
    };
    if let Err(problems) = Condition::compile(&condition) {
        let why = problems.first().map(ToString::to_string).unwrap_or_default();
        return Err((detection.at, format!("its condition is not one of Lanner's: {why}")));
    }
    let mut labels = Map::from_iter([(
        "severity".to_owned(),
        json!(text(rule, "level").unwrap_or_else(|| "medium".to_owned())),
    )]);
    if let Some(id) = text(rule, "id") {
        labels.insert("sigma".to_owned(), id.into());
    }
    let mut document = json!({
        "id": moving.id(title), "query": { "stream": stream(rule, names), "measure": "count", "where": condition },
        "window": "1m", "absolute": { "max": 0 }, "labels": labels, "content": title.replace("{{", "{").replace("{%", "{"),
    });
    if let Some(description) = text(rule, "description") {
        document["description"] = description.split_whitespace().collect::<Vec<_>>().join(" ").into();
    }
    if !names.receivers.is_empty() {
        document["receivers"] = json!(names.receivers);
    }
    Ok(document)
}

/// The stream that holds the events: the one that was given, or one named after the source of the log.
fn stream(rule: &Node, names: &Names) -> String {
    let of_log = || {
        let source = get(rule, "logsource")?;
        ["service", "category", "product"].iter().find_map(|part| text(source, part))
    };
    names.stream.clone().or_else(of_log).unwrap_or_else(|| "events".to_owned())
}

/// Reads a condition over the searches of a detection.
struct Parser<'r> {
    words: Vec<String>,
    at: usize,
    detection: &'r Node,
}

impl<'r> Parser<'r> {
    fn new(condition: &str, detection: &'r Node) -> Self {
        let spaced = condition.replace('(', " ( ").replace(')', " ) ").replace('|', " | ");
        Self { words: spaced.split_whitespace().map(str::to_owned).collect(), at: 0, detection }
    }

    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is_it = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn all(mut self) -> Result<String, Reason> {
        let all = self.either(0)?;
        match self.peek() {
            None => Ok(all),
            Some("|") => Err((
                None,
                "counting with `|` has no counterpart; write a rule with `count` and `by`".to_owned(),
            )),
            Some(other) => Err((None, format!("the condition goes on with \"{other}\""))),
        }
    }

    fn either(&mut self, depth: usize) -> Result<String, Reason> {
        let mut parts = vec![self.both(depth)?];
        while self.next_is("or") {
            parts.push(self.both(depth)?);
        }
        Ok(joined(parts, " or "))
    }

    fn both(&mut self, depth: usize) -> Result<String, Reason> {
        let mut parts = vec![self.one(depth)?];
        while self.next_is("and") {
            parts.push(self.one(depth)?);
        }
        Ok(joined(parts, " and "))
    }

    fn one(&mut self, depth: usize) -> Result<String, Reason> {
        if depth > 50 {
            return Err((None, "the condition is nested too deeply".to_owned()));
        }
        if self.next_is("not") {
            return Ok(format!("not ({})", self.one(depth + 1)?));
        }
        if self.next_is("(") {
            let inner = self.either(depth + 1)?;
            return if self.next_is(")") {
                Ok(inner)
            } else {
                Err((None, "a bracket is not closed".to_owned()))
            };
        }
        let Some(word) = self.peek().map(str::to_owned) else {
            return Err((None, "the condition ends too early".to_owned()));
        };
        self.at += 1;
        let quantifier = match word.as_str() {
            "1" | "any" => " or ",
            "all" => " and ",
            name => return self.search(name),
        };
        if !self.next_is("of") {
            return Err((None, format!("\"{word}\" is not followed by \"of\"")));
        }
        let pattern = self.peek().unwrap_or_default().to_owned();
        self.at += 1;
        let names: Vec<String> = entries(self.detection)
            .iter()
            .map(|(key, _)| key.name.clone())
            .filter(|name| name != "condition" && !(pattern == "them" && name.starts_with('_')))
            .filter(|name| pattern == "them" || lanner_core::glob::matches(&pattern, name))
            .collect();
        if names.is_empty() {
            return Err((None, format!("no search is called {pattern}")));
        }
        let searches = names.iter().map(|name| self.search(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(joined(searches, quantifier))
    }

    fn search(&self, name: &str) -> Result<String, Reason> {
        let search =
            get(self.detection, name).ok_or_else(|| (None, format!("there is no search \"{name}\"")))?;
        match items(Some(search)).as_slice() {
            // A list of maps: one of them.
            maps if maps.iter().all(|map| !entries(map).is_empty()) => {
                let maps = maps.iter().map(|map| fields(map)).collect::<Result<Vec<_>, _>>()?;
                Ok(joined(maps, " or "))
            }
            _ => Err((
                search.at,
                "words without a field search the whole event, which has no counterpart".to_owned(),
            )),
        }
    }
}

/// Several conditions as one, with brackets around each that has more than one part.
fn joined(mut parts: Vec<String>, by: &str) -> String {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let bracketed = |part: &String| {
        let is_simple = !part.contains(" or ") && !part.contains(" and ");
        if is_simple { part.clone() } else { format!("({part})") }
    };
    parts.iter().map(bracketed).collect::<Vec<_>>().join(by)
}

/// All fields of a map have to match.
fn fields(map: &Node) -> Result<String, Reason> {
    let mut parts = Vec::new();
    for (key, value) in entries(map) {
        parts.push(field(&key.name, value).map_err(|why| (key.at, format!("{}: {why}", key.name)))?);
    }
    Ok(joined(parts, " and "))
}

/// What the modifiers of a field ask for.
struct Modifiers<'k> {
    /// How values are compared.
    kind: &'k str,
    is_all: bool,
    is_exact: bool,
    any_dash: bool,
    any_case: bool,
    /// The value is the name of another field.
    is_field: bool,
    encodings: Vec<Encoding>,
}

impl<'k> Modifiers<'k> {
    fn read(modifiers: impl Iterator<Item = &'k str>) -> Result<Self, String> {
        let mut read = Self {
            kind: "equals",
            is_all: false,
            is_exact: false,
            any_dash: false,
            any_case: false,
            is_field: false,
            encodings: Vec::new(),
        };
        for modifier in modifiers {
            match modifier {
                "all" => read.is_all = true,
                "cased" => read.is_exact = true,
                "windash" => read.any_dash = true,
                "fieldref" => read.is_field = true,
                "i" if read.kind == "re" => read.any_case = true,
                "contains" | "startswith" | "endswith" | "re" | "cidr" | "gt" | "gte" | "lt" | "lte"
                | "exists" | "neq" => read.kind = modifier,
                other => match Encoding::named(other) {
                    Some(encoding) => read.encodings.push(encoding),
                    None => return Err(format!("the modifier `{other}` has no counterpart")),
                },
            }
        }
        Ok(read)
    }

    /// The test of one value, or of whatever stands for it.
    fn test(&self, name: &str, value: &Node) -> Result<String, String> {
        if self.is_field {
            return self.compared(name, &value.scalar_text().unwrap_or_default());
        }
        if self.any_case {
            let pattern = format!("(?i){}", value.scalar_text().unwrap_or_default());
            return Ok(format!("{name} =~~ {}", quoted(&pattern)));
        }
        if !self.encodings.is_empty() {
            return Ok(self.encoded(name, &value.scalar_text().unwrap_or_default()));
        }
        let variants = if self.any_dash { dashed(value) } else { vec![value.clone()] };
        let tests = variants.iter().map(|value| test(name, self.kind, value, self.is_exact));
        Ok(joined(tests.collect::<Result<Vec<_>, String>>()?, " or "))
    }

    /// Nothing in an encoded text stands for something else.
    fn encoded(&self, name: &str, text: &str) -> String {
        let texts = Encoding::all(&self.encodings, text);
        let tests = texts.iter().map(|text| match (self.kind, self.is_exact) {
            ("equals", true) => format!("{name} == {}", quoted(text)),
            ("equals", false) => format!("{name} iglob {}", quoted(text)),
            _ => matching(name, self.kind, text, self.is_exact),
        });
        joined(tests.collect(), " or ")
    }

    /// Two fields of the same event.
    fn compared(&self, name: &str, other: &str) -> Result<String, String> {
        let operator = match self.kind {
            "equals" => "==",
            "contains" | "startswith" | "endswith" => self.kind,
            "gt" => ">",
            "gte" => ">=",
            "lt" => "<",
            "lte" => "<=",
            kind => return Err(format!("`{kind}` with `fieldref` has no counterpart")),
        };
        let other = named(other);
        Ok(match self.is_exact || operator.starts_with(['<', '>']) {
            true => format!("{name} {operator} val({other})"),
            false => format!("tolower({name}) {operator} tolower({other})"),
        })
    }
}

/// `Image|endswith: [a, b]`.
fn field(key: &str, value: &Node) -> Result<String, String> {
    let mut parts = key.split('|');
    let name = named(parts.next().unwrap_or_default());
    let modifiers = Modifiers::read(parts)?;
    let values = match items(Some(value)) {
        values if values.is_empty() => return Ok(absent(&name)),
        values => values,
    };
    let tests = values.into_iter().map(|value| modifiers.test(&name, value));
    Ok(joined(tests.collect::<Result<Vec<_>, String>>()?, if modifiers.is_all { " and " } else { " or " }))
}

/// A value with each of the signs that programs of Windows take for the dash of an option.
fn dashed(value: &Node) -> Vec<Node> {
    let text = value.scalar_text().unwrap_or_default();
    let with = |sign: char| {
        let (mut out, mut before, mut rest) = (String::new(), ' ', text.chars().peekable());
        while let Some(c) = rest.next() {
            let begins = !before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
            out.push(if "-/".contains(c) && begins { sign } else { c });
            before = c;
        }
        out
    };
    let mut variants: Vec<String> =
        ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'].into_iter().map(with).collect();
    variants.dedup();
    variants.into_iter().map(|text| Node::new(value.at, Content::Text(text))).collect()
}

/// A field as conditions write it.
fn named(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
    let starts_well = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if is_plain && starts_well { name.to_owned() } else { format!("$[{}]", Value::from(name)) }
}

/// The field is missing, or nothing.
fn absent(name: &str) -> String {
    format!("({name} == null or not ({name} exists))")
}

fn test(name: &str, kind: &str, value: &Node, is_exact: bool) -> Result<String, String> {
    let Some(text) = value.scalar_text() else {
        return Ok(absent(name));
    };
    let number = value.number();
    match kind {
        "exists" => {
            Ok(if text == "true" { format!("{name} exists") } else { format!("not ({name} exists)") })
        }
        "re" => Ok(format!("{name} =~~ {}", quoted(&text))),
        "cidr" => Ok(format!("{name} in ({text})")),
        "gt" | "gte" | "lt" | "lte" => {
            let operator = match kind {
                "gt" => ">",
                "gte" => ">=",
                "lt" => "<",
                _ => "<=",
            };
            number
                .map(|_| format!("{name} {operator} {text}"))
                .ok_or_else(|| format!("\"{text}\" is not a number"))
        }
        // Events have numbers as numbers or as text.
        "equals" if number.is_some() => Ok(format!("{name} in ({text}, \"{text}\")")),
        "neq" => Ok(format!("not ({})", test(name, "equals", value, is_exact)?)),
        _ => Ok(matching(name, kind, &text, is_exact)),
    }
}

/// Text with `*` and `?`, in which case does not count.
fn matching(name: &str, kind: &str, text: &str, is_exact: bool) -> String {
    let (pattern, has_wildcards) = glob(text);
    let literal = quoted(&unescaped(text));
    match (kind, has_wildcards, is_exact) {
        ("contains", false, false) => format!("{name} icontains {literal}"),
        ("contains", false, true) => format!("{name} contains {literal}"),
        ("startswith", false, true) => format!("{name} startswith {literal}"),
        ("endswith", false, true) => format!("{name} endswith {literal}"),
        ("equals", false, true) => format!("{name} == {literal}"),
        _ => {
            let pattern = match kind {
                "contains" => format!("*{pattern}*"),
                "startswith" => format!("{pattern}*"),
                "endswith" => format!("*{pattern}"),
                _ => pattern,
            };
            let operator = if is_exact { "glob" } else { "iglob" };
            format!("{name} {operator} {}", quoted(&pattern))
        }
    }
}

/// A text as conditions write it.
fn quoted(text: &str) -> String {
    Literal::Text(text.to_owned()).to_string()
}

/// A pattern of Sigma as a glob, and whether anything in it stands for something else. There a backslash escapes only `*`,
/// `?` and itself.
fn glob(text: &str) -> (String, bool) {
    let (mut glob, mut has_wildcards, mut rest) = (String::new(), false, text.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.peek().is_some_and(|next| "*?\\".contains(*next)) => {
                glob.push_str(&escaped(rest.next().unwrap_or_default()));
            }
            '*' | '?' => {
                has_wildcards = true;
                glob.push(c);
            }
            c => glob.push_str(&escaped(c)),
        }
    }
    (glob, has_wildcards)
}

/// A character that stands for itself in a glob.
fn escaped(c: char) -> String {
    if "*?[\\".contains(c) { format!("\\{c}") } else { c.to_string() }
}

fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text.chars().peekable());
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().filter(|next| c == '\\' && "*?\\".contains(*next));
        out.push(next.unwrap_or(c));
        if next.is_some() {
            rest.next();
        }
    }
    out
}
