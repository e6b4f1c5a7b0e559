//! Checks: fields and transformers, operators, values.

use super::{FalcoProblem, Reader};

const TRANSFORMERS: [&str; 8] = ["tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"];
/// Words that are operators only with a blank behind them.
const TEXT_WORDS: [&str; 9] =
    ["glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex"];
const QUANTIFIERS: [&str; 3] = ["oneof", "anyof", "allof"];

type Read<T> = Result<T, FalcoProblem>;

impl Reader<'_> {
    /// A field with its key.
    pub(super) fn field(&mut self) -> Read<Option<String>> {
        let Some(name) = self.at.field_name() else { return Ok(None) };
        Ok(Some(format!("{name}{}", self.key()?)))
    }

    /// `[key]`, or nothing.
    fn key(&mut self) -> Read<String> {
        if !self.at.eat("[") {
            return Ok(String::new());
        }
        let key = match self.text_in_quotes()? {
            Some(key) if key.is_empty() => "\"\"".to_owned(),
            Some(key) => written(&key),
            None => match self.at.bare_key() {
                Some(key) => written(key),
                None => return Err(self.problem("expected a key")),
            },
        };
        if self.at.eat("]") { Ok(format!("[{key}]")) } else { Err(self.problem("expected `]`")) }
    }

    /// `tolower(field)` and its kin.
    pub(super) fn transformer(&mut self) -> Read<Option<String>> {
        let Some(word) = TRANSFORMERS.into_iter().find(|word| self.at.eat(&format!("{word}("))) else {
            return Ok(None);
        };
        self.enter()?;
        let mut given = Vec::new();
        loop {
            self.at.skip_blanks();
            let member = if self.at.eat("(") { Some(self.given_list()?) } else { self.given()? };
            given.push(member.ok_or_else(|| self.problem("expected what the transformer works on"))?);
            self.at.skip_blanks();
            if !self.at.eat(",") {
                break;
            }
        }
        if !self.at.eat(")") {
            return Err(self.problem("expected `)` behind the transformer"));
        }
        self.depth -= 1;
        Ok(Some(format!("{word}({}){}", given.join(","), self.key()?)))
    }

    fn given(&mut self) -> Read<Option<String>> {
        if let Some(transformer) = self.transformer()? {
            return Ok(Some(transformer));
        }
        if let Some(field) = self.field()? {
            return Ok(Some(field));
        }
        if let Some(text) = self.text_in_quotes()? {
            return Ok(Some(written(&text)));
        }
        Ok(self.at.number().map(str::to_owned))
    }

    /// What follows the `(` of a list inside a transformer.
    fn given_list(&mut self) -> Read<String> {
        let mut given = Vec::new();
        self.at.skip_blanks();
        if self.at.eat(")") {
            return Ok("()".to_owned());
        }
        loop {
            self.at.skip_blanks();
            given.push(self.given()?.ok_or_else(|| self.problem("expected a member of the list"))?);
            self.at.skip_blanks();
            if !self.at.eat(",") {
                break;
            }
        }
        if self.at.eat(")") {
            Ok(format!("({})", given.join(",")))
        } else {
            Err(self.problem("expected `)`"))
        }
    }

    /// The operator behind a left side, and what stands on its right.
    pub(super) fn condition(&mut self, left: &str) -> Read<String> {
        self.at.skip_blanks();
        if self.at.eat("exists") {
            return Ok(format!("{left} exists"));
        }
        if let Some(op) = ["<=", "<", ">=", ">"].into_iter().find(|op| self.at.eat(op)) {
            self.at.skip_blanks();
            let right = match self.right_field()? {
                Some(right) => Some(right),
                None => self.at.number().map(str::to_owned),
            };
            let right = right.ok_or_else(|| self.problem("expected a number, or a transformer"))?;
            return Ok(format!("{left} {op} {right}"));
        }
        let symbol = ["==", "=", "!="].into_iter().find(|op| self.at.eat(op));
        if let Some(op) = symbol.or_else(|| TEXT_WORDS.into_iter().find(|op| self.at.eat_with_blank(op))) {
            // Behind a symbol there may be none; then no quantifier follows, only a value.
            let has_blank = self.at.skip_blanks() || symbol.is_none();
            return Ok(format!("{left} {op} {}", self.text_right(has_blank)?));
        }
        if let Some(op) = ["intersects", "in", "pmatch"].into_iter().find(|op| self.at.eat(op)) {
            self.at.skip_blanks();
            return Ok(format!("{left} {op} {}", self.list_right()?));
        }
        Err(self.problem("expected an operator"))
    }

    fn text_right(&mut self, may_be_quantified: bool) -> Read<String> {
        if may_be_quantified && let Some(list) = self.quantified()? {
            return Ok(list);
        }
        if let Some(right) = self.right_field()? {
            return Ok(right);
        }
        self.value()?.ok_or_else(|| self.problem("expected a value, or a transformer"))
    }

    /// `oneof (a, b)`; with anything but a list behind it, the word is a value.
    fn quantified(&mut self) -> Read<Option<String>> {
        let (pos, last) = (self.at.pos(), self.at.last());
        let Some(word) = QUANTIFIERS.into_iter().find(|word| self.at.eat_with_blank(word)) else {
            return Ok(None);
        };
        if self.at.eat("(") {
            return Ok(Some(format!("{word} {}", self.list()?)));
        }
        match self.at.identifier() {
            Some(name) if !matches!(name, "and" | "or" | "not") => Ok(Some(format!("{word} {name}"))),
            _ => {
                self.at.go_back(pos, last);
                Ok(None)
            }
        }
    }

    fn list_right(&mut self) -> Read<String> {
        if self.at.eat("(") {
            return self.list();
        }
        if let Some(right) = self.right_field()? {
            return Ok(right);
        }
        match self.at.identifier() {
            Some(name) => Ok(name.to_owned()),
            None => Err(self.problem("expected a list, a list's name, or a transformer")),
        }
    }

    /// What follows the `(` of a list of values.
    fn list(&mut self) -> Read<String> {
        let mut items = Vec::new();
        self.at.skip_blanks();
        if let Some(first) = self.value()? {
            items.push(first);
            self.at.skip_blanks();
            while self.at.eat(",") {
                self.at.skip_blanks();
                items.push(self.value()?.ok_or_else(|| self.problem("expected a value"))?);
                self.at.skip_blanks();
            }
        }
        if self.at.eat(")") {
            Ok(format!("({})", items.join(", ")))
        } else {
            Err(self.problem("expected `)`"))
        }
    }

    /// `val(field)` or a transformer.
    fn right_field(&mut self) -> Read<Option<String>> {
        if !self.at.eat("val(") {
            return self.transformer();
        }
        self.at.skip_blanks();
        let field = self.field()?.ok_or_else(|| self.problem("expected a field in `val`"))?;
        self.at.skip_blanks();
        if !self.at.eat(")") {
            return Err(self.problem("expected `)` behind the field"));
        }
        Ok(Some(format!("val({field}){}", self.key()?)))
    }

    fn value(&mut self) -> Read<Option<String>> {
        match self.text_in_quotes()? {
            Some(text) => Ok(Some(written(&text))),
            None => Ok(self.at.bare().map(written)),
        }
    }

    /// The text that a quoted text stands for.
    fn text_in_quotes(&mut self) -> Read<Option<String>> {
        let Some((inside, quote)) = self.at.quoted() else { return Ok(None) };
        let mut text = String::new();
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            let escaped = chars.next();
            text.push(match escaped {
                Some('b') => '\x08',
                Some('f') => '\x0c',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(' ') | Some('\\') => '\\',
                Some('/') => '/',
                Some(c @ ('"' | '\'')) if c == quote => c,
                Some(c @ ('"' | '\'')) => {
                    return Err(self.problem(format!("`\\{c}` is no escape between {quote} and {quote}")));
                }
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    let is_byte = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                    let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| is_byte);
                    char::from(byte.ok_or_else(|| self.problem("`\\x` needs two hexadecimal digits"))?)
                }
                other => {
                    return Err(self.problem(format!("`\\{}` is no escape", other.unwrap_or(' '))));
                }
            });
        }
        Ok(Some(text))
    }
}

/// A value in canonical text: in quotes only where it needs them. An empty one is empty.
fn written(text: &str) -> String {
    let needs_quotes = |c: char| matches!(c, ' ' | '=' | '"' | '\'' | '\\') || c.is_control();
    if !text.contains(needs_quotes) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
