//! Parses tokens into a tree, with the package's own operator precedence.
//!
//! What only calculates is read as well, so that what comes after it is not misread; it becomes a
//! [`Kind::Unsupported`] with the reason.

use std::ops::Range;

use super::lex::{Token, TokenKind, tokens};
use super::refused::Refused;
use super::release::Release;
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
    /// A field of the context.
    Path(Vec<Part>),
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

/// A part of a field's name.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) segment: Segment,
    pub(super) way: Way,
}

/// How a part is taken out of what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `.name`, `[key]`: an error where it is not there.
    Plain,
    /// `&.name`: `null` of `null`, else as `.name`.
    SafeName,
    /// `&[key]`: `null` of `null`, and where it is not there.
    SafeKey,
}

/// How tightly operators bind; the higher, the tighter.
struct Powers {
    choice: u8,
    or: u8,
    and: u8,
    not: u8,
    coalesce: u8,
    bits: u8,
    equal: u8,
    compare: u8,
    sum: u8,
    shift: u8,
    product: u8,
    power: u8,
    minus: u8,
}

/// Everything calculates before it is compared, but for bits; `a ? b : c` is a part of what `not` negates.
const RELEASE_3: Powers = Powers {
    or: 1,
    and: 2,
    not: 3,
    bits: 4,
    choice: 5,
    equal: 6,
    compare: 6,
    sum: 7,
    shift: 8,
    product: 9,
    power: 10,
    minus: 11,
    coalesce: 0, // has no such operator
};

/// `a ? b : c` is looser than everything else; `a == b < c` compares `a` with what `b < c` says.
const RELEASE_5: Powers = Powers {
    choice: 1,
    or: 2,
    and: 3,
    not: 4,
    coalesce: 5,
    equal: 6,
    compare: 7,
    bits: 8,
    shift: 9,
    sum: 10,
    product: 11,
    minus: 12,
    power: 13,
};

/// Reads a whole rule.
pub(super) fn parse(text: &str, release: Release) -> Result<Node, Refused> {
    let powers = match release {
        Release::Three => &RELEASE_3,
        Release::Five => &RELEASE_5,
    };
    let mut parser = Parser { text, release, powers, tokens: tokens(text, release)?, next: 0, depth: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        TokenKind::End => Ok(node),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'t> {
    text: &'t str,
    release: Release,
    powers: &'static Powers,
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
                let inner = self.expression(self.powers.not)?;
                let end = inner.at.end;
                (Kind::Not(Box::new(inner)), end)
            }
            TokenKind::Sign("-") => {
                self.take();
                let inner = self.expression(self.powers.minus)?;
                let kind = match inner.kind {
                    Kind::Literal(Literal::Number(number)) => match number.negated() {
                        Some(negated) => Kind::Literal(Literal::Number(negated)),
                        None => Kind::Unsupported("this number would be rounded", "write fewer digits"),
                    },
                    unsupported @ Kind::Unsupported(..) => unsupported,
                    _ => CALCULATION,
                };
                (kind, inner.at.end)
            }
            _ => return self.object(),
        };
        Ok(Node { kind, at: start..end })
    }

    /// A value, and what is taken out of it by `.name` and `[key]`.
    fn object(&mut self) -> Result<Node, Refused> {
        let Token { kind, at } = self.tokens[self.next].clone();
        let text = &self.text[at.clone()];
        let is_start = matches!(
            kind,
            TokenKind::Literal(_) | TokenKind::Symbol | TokenKind::Sign("(" | "{") | TokenKind::Other(_)
        );
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
            TokenKind::Symbol => {
                let part = Part { segment: Segment::Name(text.to_owned()), way: Way::Plain };
                Node { kind: Kind::Path(vec![part]), at }
            }
            TokenKind::Other(message) => Node { kind: Kind::Unsupported(message, ""), at },
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
            Kind::Path(parts) => match unsupported_attribute(name, self.release) {
                Some(hint) => node.kind = Kind::Unsupported("this attribute is not supported", hint),
                None => {
                    let is_safe = self.text[..at.start].ends_with("&.");
                    let way = if is_safe { Way::SafeName } else { Way::Plain };
                    parts.push(Part { segment: Segment::Name(name.to_owned()), way });
                }
            },
            Kind::Unsupported(..) => {}
            _ => node.kind = Kind::Unsupported("only fields have attributes here", ""),
        }
    }

    /// `[5]`, `["key"]`; anything else between the brackets has no counterpart.
    fn item(&mut self, node: &mut Node) -> Result<(), Refused> {
        let way = if self.take().at.len() == "&[".len() { Way::SafeKey } else { Way::Plain };
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
            (Ok(segment), Kind::Path(parts)) => parts.push(Part { segment: Segment::Key(segment), way }),
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
        let powers = self.powers;
        Some(match self.peek() {
            TokenKind::Or => powers.or,
            TokenKind::And => powers.and,
            // `not in`, in which `not` binds as it does alone.
            TokenKind::Not => powers.not,
            TokenKind::Sign("&" | "|" | "^") => powers.bits,
            TokenKind::Sign("?") => powers.choice,
            TokenKind::Sign("??") => powers.coalesce,
            TokenKind::Compare(comparison) if !comparison.is_order() => powers.equal,
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => powers.compare,
            TokenKind::Sign("+" | "-") => powers.sum,
            TokenKind::Sign("<<" | ">>") => powers.shift,
            TokenKind::Sign("*" | "/" | "//" | "%") => powers.product,
            TokenKind::Sign("**") => powers.power,
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
                let other = self.expression(self.powers.choice)?;
                Kind::Choice(Box::new([left, right, other]))
            }
            TokenKind::Sign("??") => Kind::Unsupported("`??` is not supported", ""),
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
                self.compared(self.powers.compare)
            }
            TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In => self.compared(binds),
            TokenKind::Sign("??") => self.expression(binds),
            _ => self.expression(binds + 1),
        }
    }

    /// The right side of a comparison, which no other that binds as tightly may follow.
    fn compared(&mut self, binds: u8) -> Result<Node, Refused> {
        let right = self.expression(binds + 1)?;
        let is_comparison =
            matches!(self.peek(), TokenKind::Compare(_) | TokenKind::Match(_) | TokenKind::In);
        if is_comparison && self.binding() == Some(binds) { Err(self.unexpected()) } else { Ok(right) }
    }
}

const CALCULATION: Kind = Kind::Unsupported("arithmetic is not supported", "");

/// A long run of `and` is one list, however deep it would be in pairs.
fn with(mut members: Vec<Node>, last: Node) -> Vec<Node> {
    members.push(last);
    members
}

/// The attributes that calculate, each with what to write here. The others are keys of objects, or `length`.
fn unsupported_attribute(name: &str, release: Release) -> Option<&'static str> {
    match name {
        "starts_with" | "ends_with" if release == Release::Five => {
            Some("`field startswith \"text\"` and `endswith` say so here")
        }
        "encode" | "decode" | "is_nan" if release == Release::Five => Some(""),
        "as_lower" => Some("`tolower(field)` does so for ASCII letters"),
        "as_upper" => Some("`toupper(field)` does so for ASCII letters"),
        "to_str" | "to_int" | "to_flt" => Some("no value is converted here"),
        "to_ary" | "to_set" | "keys" | "values" | "ceiling" | "floor" | "to_epoch" | "zone_name" => Some(""),
        _ => None,
    }
}
