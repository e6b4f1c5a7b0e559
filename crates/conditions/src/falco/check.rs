//! Reads checks: fields and transformers, operators, values.

use super::parse::Reader;
use super::problem::FalcoProblem;
use super::tree::{Check, Field, HowMany, Operand, Operator, Right, Transformed, Transformer};

type Read<T> = Result<T, FalcoProblem>;

impl Reader<'_> {
    /// A field with its argument.
    pub(super) fn field(&mut self) -> Read<Option<Field>> {
        let offset = self.at.pos();
        let Some(name) = self.at.field_name() else { return Ok(None) };
        Ok(Some(Field { name: name.to_owned(), argument: self.argument()?, offset }))
    }

    /// `[argument]`, or nothing.
    fn argument(&mut self) -> Read<Option<String>> {
        if !self.at.eat("[") {
            return Ok(None);
        }
        let argument = match self.text_in_quotes()? {
            Some(text) => text,
            None => self.at.bare_key().ok_or_else(|| self.problem("expected a key"))?.to_owned(),
        };
        if self.at.eat("]") { Ok(Some(argument)) } else { Err(self.problem("expected `]`")) }
    }

    /// `tolower(field)` and its kin.
    pub(super) fn transformer(&mut self) -> Read<Option<Transformed>> {
        let offset = self.at.pos();
        let begins = |by: &Transformer| self.at.eat(&format!("{}(", by.word()));
        let Some(by) = Transformer::ALL.into_iter().find(begins) else { return Ok(None) };
        self.enter_transformer()?;
        let mut given = Vec::new();
        loop {
            self.at.skip_blanks();
            let member =
                if self.at.eat("(") { Some(Operand::List(self.given_list()?)) } else { self.given()? };
            given.push(member.ok_or_else(|| self.problem("expected what the transformer works on"))?);
            self.at.skip_blanks();
            if !self.at.eat(",") {
                break;
            }
        }
        if !self.at.eat(")") {
            return Err(self.problem("expected `)` behind the transformer"));
        }
        self.leave_transformer();
        Ok(Some(Transformed { by, given, argument: self.argument()?, offset }))
    }

    fn given(&mut self) -> Read<Option<Operand>> {
        if let Some(transformer) = self.transformer()? {
            return Ok(Some(Operand::Transformed(transformer)));
        }
        if let Some(field) = self.field()? {
            return Ok(Some(Operand::Field(field)));
        }
        if let Some(text) = self.text_in_quotes()? {
            return Ok(Some(Operand::Text(text)));
        }
        Ok(self.at.number().map(|number| Operand::Text(number.to_owned())))
    }

    /// What follows the `(` of a list inside a transformer.
    fn given_list(&mut self) -> Read<Vec<Operand>> {
        let mut given = Vec::new();
        self.at.skip_blanks();
        if self.at.eat(")") {
            return Ok(given);
        }
        loop {
            self.at.skip_blanks();
            given.push(self.given()?.ok_or_else(|| self.problem("expected a member of the list"))?);
            self.at.skip_blanks();
            if !self.at.eat(",") {
                break;
            }
        }
        if self.at.eat(")") { Ok(given) } else { Err(self.problem("expected `)`")) }
    }

    /// The operator behind a left side, and what stands on its right.
    pub(super) fn condition(&mut self, left: Operand, offset: usize) -> Read<Check> {
        let (op, right) = self.operator_and_right()?;
        Ok(Check { left, op, right, offset })
    }

    fn operator_and_right(&mut self) -> Read<(Operator, Right)> {
        self.at.skip_blanks();
        if self.at.eat(Operator::Exists.word()) {
            return Ok((Operator::Exists, Right::Nothing));
        }
        if let Some(op) = Operator::OF_ORDER.into_iter().find(|op| self.at.eat(op.word())) {
            self.at.skip_blanks();
            let right = match self.right_field()? {
                Some(right) => Some(right),
                None => self.at.number().map(|number| Right::Value(number.to_owned())),
            };
            return Ok((op, right.ok_or_else(|| self.problem("expected a number, or a transformer"))?));
        }
        // Symbols need no blank behind them, words do.
        let (symbols, words) = Operator::OF_TEXT.split_at(3);
        let symbol = symbols.iter().copied().find(|op| self.at.eat(op.word()));
        if let Some(op) =
            symbol.or_else(|| words.iter().copied().find(|op| self.at.eat_with_blank(op.word())))
        {
            // Behind a symbol there may be none; then no quantifier follows, only a value.
            let has_blank = self.at.skip_blanks() || symbol.is_none();
            return Ok((op, self.text_right(has_blank)?));
        }
        if let Some(op) = Operator::OF_LIST.into_iter().find(|op| self.at.eat(op.word())) {
            self.at.skip_blanks();
            return Ok((op, self.list_right()?));
        }
        Err(self.problem("expected an operator"))
    }

    fn text_right(&mut self, may_be_quantified: bool) -> Read<Right> {
        if may_be_quantified && let Some(list) = self.quantified()? {
            return Ok(list);
        }
        if let Some(right) = self.right_field()? {
            return Ok(right);
        }
        let value = self.value()?.ok_or_else(|| self.problem("expected a value, or a transformer"))?;
        Ok(Right::Value(value))
    }

    /// `oneof (a, b)`; with anything but a list behind it, the word is a value.
    fn quantified(&mut self) -> Read<Option<Right>> {
        let (pos, last) = (self.at.pos(), self.at.last());
        let begins = |how_many: &HowMany| self.at.eat_with_blank(how_many.word());
        let Some(how_many) = HowMany::ALL.into_iter().find(begins) else { return Ok(None) };
        if self.at.eat("(") {
            return Ok(Some(Right::HowMany(how_many, self.list()?)));
        }
        match self.at.identifier() {
            Some(name) if !matches!(name, "and" | "or" | "not") => {
                Ok(Some(Right::HowManyNamed(how_many, name.to_owned())))
            }
            _ => {
                self.at.go_back(pos, last);
                Ok(None)
            }
        }
    }

    fn list_right(&mut self) -> Read<Right> {
        if self.at.eat("(") {
            return Ok(Right::List(self.list()?));
        }
        if let Some(right) = self.right_field()? {
            return Ok(right);
        }
        match self.at.identifier() {
            Some(name) => Ok(Right::Value(name.to_owned())),
            None => Err(self.problem("expected a list, a list's name, or a transformer")),
        }
    }

    /// What follows the `(` of a list of values.
    fn list(&mut self) -> Read<Vec<String>> {
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
        if self.at.eat(")") { Ok(items) } else { Err(self.problem("expected `)`")) }
    }

    /// `val(field)` or a transformer.
    fn right_field(&mut self) -> Read<Option<Right>> {
        if !self.at.eat("val(") {
            return Ok(self.transformer()?.map(Right::Transformed));
        }
        self.at.skip_blanks();
        let field = self.field()?.ok_or_else(|| self.problem("expected a field in `val`"))?;
        self.at.skip_blanks();
        if !self.at.eat(")") {
            return Err(self.problem("expected `)` behind the field"));
        }
        // Falco reads an argument behind it, and refuses it when it compiles the filter.
        let behind = self.argument()?;
        Ok(Some(Right::Field { field, behind }))
    }

    fn value(&mut self) -> Read<Option<String>> {
        match self.text_in_quotes()? {
            Some(text) => Ok(Some(text)),
            None => Ok(self.at.bare().map(str::to_owned)),
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
