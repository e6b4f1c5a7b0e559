//! Tokens to a tree, with the package's own precedence.
//!
//! What only calculates is read as well, so that what comes after it is not misread; it becomes a
//! [`Kind::Unsupported`] with the reason.

use std::ops::Range;

use super::Refused;
use super::lex::{Token, TokenKind, tokens};
use crate::field::Segment;
use crate::{Comparison, Literal, MAX_DEPTH, MatchOp};

/// A part of a rule and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Literal(Literal),
    List(Vec<Node>),
    /// A field of the context, and whether it is `null` where it is missing, as `&.` and `&[` have it.
    Path(Vec<Segment>, bool),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(Comparison, Box<[Node; 2]>),
    Match(MatchOp, Box<[Node; 2]>),
    /// Whether the first is in the second.
    In {
        sides: Box<[Node; 2]>,
        is_negated: bool,
    },
    /// `first ? second : third`
    Choice(Box<[Node; 3]>),
    /// It is right there, and has no counterpart here.
    Unsupported(&'static str, &'static str),
}

/// How tightly operators bind; the higher, the tighter.
mod power {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const BITS: u8 = 4;
    pub(super) const CHOICE: u8 = 5;
    pub(super) const COMPARE: u8 = 6;
    pub(super) const SUM: u8 = 7;
    pub(super) const SHIFT: u8 = 8;
    pub(super) const PRODUCT: u8 = 9;
    pub(super) const POWER: u8 = 10;
    pub(super) const MINUS: u8 = 11;
}

/// Reads a whole rule.
pub(super) fn parse(text: &str) -> Result<Node, Refused> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        TokenKind::End => Ok(node),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    /// The token that stands here; goes behind it, but never behind the end.
    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn eat(&mut self, sign: &str) -> bool {
        let is_here = matches!(self.peek(), TokenKind::Sign(found) if *found == sign);
        if is_here {
            self.take();
        }
        is_here
    }

    fn expect(&mut self, sign: &str) -> Result<(), Refused> {
        if self.eat(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Refused {
        let Token { kind, at } = &self.tokens[self.next];
        let found = &self.text[at.clone()];
        match kind {
            TokenKind::End => Refused::new(at.clone(), "the rule ends too early".to_owned(), ""),
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => {
                let hint = "join two comparisons with `and`";
                Refused::new(at.clone(), format!("unexpected `{found}`"), hint)
            }
            _ => Refused::new(at.clone(), format!("unexpected `{found}`"), ""),
        }
    }

    /// Everything that binds at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Node, Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.tokens[self.next].at.clone();
            return Err(Refused::new(at, format!("nested more than {MAX_DEPTH} deep"), "split the rule"));
        }
        let mut left = self.prefix()?;
        while let Some(binds) = self.binding().filter(|binds| *binds >= least) {
            left = self.joined(left, binds)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Node, Refused> {
        let start = self.tokens[self.next].at.start;
        let (kind, end) = match self.peek() {
            TokenKind::Not => {
                self.take();
                let inner = self.expression(power::NOT)?;
                let end = inner.at.end;
                (Kind::Not(Box::new(inner)), end)
            }
            TokenKind::Sign("-") => {
                self.take();
                let inner = self.expression(power::MINUS)?;
                let kind = match inner.kind {
                    Kind::Literal(Literal::Number(number)) => {
                        crate::Number::from_f64(-number.to_f64()).map(|n| Kind::Literal(Literal::Number(n)))
                    }
                    _ => None,
                };
                (kind.unwrap_or(CALCULATION), inner.at.end)
            }
            _ => return self.object(),
        };
        Ok(Node { kind, at: start..end })
    }

    /// A value, and what is taken out of it by `.name` and `[key]`.
    fn object(&mut self) -> Result<Node, Refused> {
        let Token { kind, at } = self.tokens[self.next].clone();
        let text = &self.text[at.clone()];
        let is_start = matches!(kind, TokenKind::Literal(_) | TokenKind::Symbol | TokenKind::Sign("(" | "{"));
        if !is_start && text != "[" {
            return Err(self.unexpected());
        }
        self.take();
        let mut node = match kind {
            TokenKind::Literal(literal) => {
                let is_object = !matches!(literal, Literal::Number(_) | Literal::Bool(_));
                let node = Node { kind: Kind::Literal(literal), at };
                if !is_object {
                    return Ok(node);
                }
                node
            }
            TokenKind::Symbol if text.starts_with('$') => {
                Node { kind: Kind::Unsupported("names with `$` are not supported", ""), at }
            }
            TokenKind::Symbol => Node { kind: Kind::Path(vec![Segment::Name(text.to_owned())], false), at },
            TokenKind::Sign("{") => self.braces(at.start)?,
            TokenKind::Sign(_) => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                Node { kind: inner.kind, at: at.start..self.behind() }
            }
            _ => self.list(at.start)?,
        };
        loop {
            match self.peek() {
                TokenKind::Attribute => self.attribute(&mut node),
                TokenKind::OpenBracket => self.item(&mut node)?,
                _ => return Ok(node),
            }
        }
    }

    /// Where the token before this one ends.
    fn behind(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |before| self.tokens[before].at.end)
    }

    fn attribute(&mut self, node: &mut Node) {
        let at = self.take().at;
        let name = &self.text[at.clone()];
        node.at.end = at.end;
        match &mut node.kind {
            Kind::Path(segments, is_safe) => match unsupported_attribute(name) {
                Some(hint) => node.kind = Kind::Unsupported("this attribute is not supported", hint),
                None => {
                    *is_safe |= self.text[..at.start].ends_with("&.");
                    segments.push(Segment::Name(name.to_owned()));
                }
            },
            Kind::Unsupported(..) => {}
            _ => node.kind = Kind::Unsupported("only fields have attributes here", ""),
        }
    }

    /// `[5]`, `["key"]`; anything else between the brackets has no counterpart.
    fn item(&mut self, node: &mut Node) -> Result<(), Refused> {
        let is_safe_item = self.take().at.len() == "&[".len();
        let mut key = None;
        let mut is_slice = self.eat(":");
        if !matches!(self.peek(), TokenKind::Sign("]")) {
            key = Some(self.expression(0)?);
            if self.eat(":") {
                is_slice = true;
                if !matches!(self.peek(), TokenKind::Sign("]")) {
                    self.expression(0)?;
                }
            }
        } else if !is_slice {
            return Err(self.unexpected());
        }
        self.expect("]")?;
        node.at.end = self.behind();
        let segment = match key.map(|key| key.kind) {
            _ if is_slice => Err("slices are not supported"),
            Some(Kind::Literal(Literal::Text(text))) => Ok(text),
            Some(Kind::Literal(Literal::Number(number))) => match number.to_string() {
                digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(digits),
                _ => Err("only positions from 0 on are supported"),
            },
            _ => Err("only a number or a text may stand between the brackets"),
        };
        match (segment, &mut node.kind) {
            (_, Kind::Unsupported(..)) => {}
            (Ok(segment), Kind::Path(segments, is_safe)) => {
                *is_safe |= is_safe_item;
                segments.push(Segment::Key(segment));
            }
            (Ok(_), kind) => *kind = Kind::Unsupported("only fields have items here", ""),
            (Err(message), kind) => *kind = Kind::Unsupported(message, ""),
        }
        Ok(())
    }

    /// What follows `[`.
    fn list(&mut self, start: usize) -> Result<Node, Refused> {
        let mut members = Vec::new();
        while !self.eat("]") {
            members.push(self.expression(0)?);
            if members.len() == 1 && self.eat("for") {
                return self.comprehension(start);
            }
            if !self.eat(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Node { kind: Kind::List(members), at: start..self.behind() })
    }

    /// What follows `[x for`.
    fn comprehension(&mut self, start: usize) -> Result<Node, Refused> {
        match self.take().kind {
            TokenKind::Symbol => {}
            _ => return Err(self.unexpected()),
        }
        match self.take().kind {
            TokenKind::In => {}
            _ => return Err(self.unexpected()),
        }
        self.expression(0)?;
        if self.eat("if") {
            self.expression(0)?;
        }
        self.expect("]")?;
        let kind =
            Kind::Unsupported("comprehensions are not supported", "`intersects` asks for items of a list");
        Ok(Node { kind, at: start..self.behind() })
    }

    /// A set or a mapping: what follows `{`.
    fn braces(&mut self, start: usize) -> Result<Node, Refused> {
        while !self.eat("}") {
            self.expression(0)?;
            if self.eat(":") {
                self.expression(0)?;
            }
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        let kind = Kind::Unsupported("sets and mappings are not supported", "a list is written `[a, b]`");
        Ok(Node { kind, at: start..self.behind() })
    }

    /// How tightly the operator binds that stands here, if one does.
    fn binding(&self) -> Option<u8> {
        Some(match self.peek() {
            TokenKind::Or => power::OR,
            TokenKind::And => power::AND,
            TokenKind::Not => power::NOT,
            TokenKind::Sign("&" | "|" | "^") => power::BITS,
            TokenKind::Sign("?") => power::CHOICE,
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => power::COMPARE,
            TokenKind::Sign("+" | "-") => power::SUM,
            TokenKind::Sign("<<" | ">>") => power::SHIFT,
            TokenKind::Sign("*" | "/" | "//" | "%") => power::PRODUCT,
            TokenKind::Sign("**") => power::POWER,
            _ => return None,
        })
    }

    /// What the operator that stands here makes of `left` and of what follows.
    fn joined(&mut self, left: Node, binds: u8) -> Result<Node, Refused> {
        let (start, operator) = (left.at.start, self.take().kind);
        let right = self.right_of(&operator, binds)?;
        let kind = match operator {
            TokenKind::And => Kind::And(match left.kind {
                Kind::And(members) => with(members, right),
                _ => vec![left, right],
            }),
            TokenKind::Or => Kind::Or(match left.kind {
                Kind::Or(members) => with(members, right),
                _ => vec![left, right],
            }),
            TokenKind::Compare(comparison) => Kind::Compare(comparison, Box::new([left, right])),
            TokenKind::Match(op) => Kind::Match(op, Box::new([left, right])),
            // One in another is refused later; a long run of them would be deep.
            TokenKind::Not | TokenKind::In if matches!(left.kind, Kind::In { .. }) => {
                Kind::Unsupported("`in` cannot be asked of a condition", "")
            }
            TokenKind::Not | TokenKind::In => {
                Kind::In { sides: Box::new([left, right]), is_negated: operator == TokenKind::Not }
            }
            TokenKind::Sign("?") => {
                self.expect(":")?;
                let other = self.expression(power::CHOICE)?;
                Kind::Choice(Box::new([left, right, other]))
            }
            _ => CALCULATION,
        };
        Ok(Node { kind, at: start..self.behind() })
    }

    fn right_of(&mut self, operator: &TokenKind, binds: u8) -> Result<Node, Refused> {
        match operator {
            TokenKind::Sign("?") => self.expression(0),
            TokenKind::Not => {
                if !matches!(self.peek(), TokenKind::In) {
                    return Err(self.unexpected());
                }
                self.take();
                self.compared()
            }
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => self.compared(),
            _ => self.expression(binds + 1),
        }
    }

    /// The right side of a comparison, which no other may follow.
    fn compared(&mut self) -> Result<Node, Refused> {
        let right = self.expression(power::COMPARE + 1)?;
        match self.peek() {
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => Err(self.unexpected()),
            _ => Ok(right),
        }
    }
}

const CALCULATION: Kind = Kind::Unsupported("arithmetic is not supported", "");

/// A long run of `and` is one list, however deep it would be in pairs.
fn with(mut members: Vec<Node>, last: Node) -> Vec<Node> {
    members.push(last);
    members
}

/// The attributes that calculate, each with what to write here. The others are keys of objects, or `length`.
fn unsupported_attribute(name: &str) -> Option<&'static str> {
    match name {
        "as_lower" => Some("`tolower(field)` does so for ASCII letters"),
        "as_upper" => Some("`toupper(field)` does so for ASCII letters"),
        "to_str" | "to_int" | "to_flt" => Some("no value is converted here"),
        "to_ary" | "to_set" | "keys" | "values" | "ceiling" | "floor" | "to_epoch" | "zone_name" => Some(""),
        _ => None,
    }
}
