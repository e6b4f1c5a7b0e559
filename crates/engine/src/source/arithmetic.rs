//! Arithmetic over named numbers: `errors / all * 100`.
//!
//! Numbers, names, `+ - * /` and parentheses, with the precedence that everybody knows. A name that has no number makes the
//! whole have none, and so does a division by zero: neither is nothing, and neither is infinite.

use lanner_core::nearest;

/// A longer formula is refused, bytes.
const MAX_BYTES: usize = 1_000;
/// Parentheses and signs within one another.
const MAX_DEPTH: usize = 50;

/// A checked formula. Names are places in the list that it was checked against.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(f64),
    Name(usize),
    Negative(Box<Expr>),
    Of(Operator, Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// What is wrong with a formula.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Where, counted from 1.
    pub(super) column: usize,
    pub(super) message: String,
    /// What to write instead.
    pub(super) hint: Option<String>,
}

impl Expr {
    /// Reads a formula over `names`.
    pub(super) fn parse(text: &str, names: &[String]) -> Result<Self, Mistake> {
        let mut parser = Parser { text, at: 0, depth: 0, names };
        if text.len() > MAX_BYTES {
            return Err(parser.mistake(format!("is longer than {MAX_BYTES} bytes")));
        }
        let expr = parser.sum()?;
        match parser.peek() {
            None => Ok(expr),
            Some(')') => Err(parser.mistake("there is no parenthesis that this one closes")),
            Some(_) => Err(parser.mistake("expected an operator: +, -, * or /")),
        }
    }

    /// What it comes to where the names are `values`; `None` without one of them, and for what no number is.
    pub(super) fn value(&self, values: &[Option<f64>]) -> Option<f64> {
        let value = match self {
            Self::Number(value) => *value,
            Self::Name(at) => (*values.get(*at)?)?,
            Self::Negative(of) => -of.value(values)?,
            Self::Of(operator, a, b) => {
                let (a, b) = (a.value(values)?, b.value(values)?);
                match operator {
                    Operator::Plus => a + b,
                    Operator::Minus => a - b,
                    Operator::Times => a * b,
                    Operator::Over => a / b,
                }
            }
        };
        value.is_finite().then_some(value)
    }

    /// The places of the names in it.
    pub(super) fn names(&self) -> Vec<usize> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Name(at) => vec![*at],
            Self::Negative(of) => of.names(),
            Self::Of(_, a, b) => [a.names(), b.names()].concat(),
        }
    }

    /// Whether it is never below 0, where the names that `counts` says so of are not.
    pub(super) fn counts(&self, counts: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Number(value) => *value >= 0.0,
            Self::Name(at) => counts(*at),
            Self::Negative(_) | Self::Of(Operator::Minus, ..) => false,
            Self::Of(_, a, b) => a.counts(counts) && b.counts(counts),
        }
    }

    /// Whether a part of a window comes to less than the whole. A total over a total is a share, which does not.
    pub(super) fn is_total(&self, is_total: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Name(at) => is_total(*at),
            Self::Negative(of) => of.is_total(is_total),
            Self::Of(Operator::Over, a, b) => a.is_total(is_total) != b.is_total(is_total),
            Self::Of(_, a, b) => a.is_total(is_total) || b.is_total(is_total),
        }
    }

    /// Whether the whole of a window comes to as much as a part at least.
    pub(super) fn only_grows(&self, only_grows: &dyn Fn(usize) -> bool) -> bool {
        let is_factor = |expr: &Self| matches!(expr, Self::Number(value) if *value > 0.0);
        match self {
            Self::Number(_) => true,
            Self::Name(at) => only_grows(*at),
            Self::Of(Operator::Plus, a, b) => a.only_grows(only_grows) && b.only_grows(only_grows),
            Self::Of(Operator::Times, a, b) if is_factor(a) => b.only_grows(only_grows),
            Self::Of(Operator::Times | Operator::Over, a, b) => is_factor(b) && a.only_grows(only_grows),
            Self::Negative(_) | Self::Of(..) => false,
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    names: &'t [String],
}

impl Parser<'_> {
    /// The next sign that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn mistake(&self, message: impl Into<String>) -> Mistake {
        let column = self.text[..self.at].chars().count() + 1;
        Mistake { column, message: message.into(), hint: None }
    }

    fn sum(&mut self) -> Result<Expr, Mistake> {
        self.chain(&[('+', Operator::Plus), ('-', Operator::Minus)], Self::product)
    }

    fn product(&mut self) -> Result<Expr, Mistake> {
        self.chain(&[('*', Operator::Times), ('/', Operator::Over)], Self::factor)
    }

    /// Parts with operators between them, from left to right.
    fn chain(
        &mut self,
        operators: &[(char, Operator)],
        part: fn(&mut Self) -> Result<Expr, Mistake>,
    ) -> Result<Expr, Mistake> {
        let mut all = part(self)?;
        while let Some(sign) = self.peek() {
            let Some((_, operator)) = operators.iter().find(|(known, _)| *known == sign) else { break };
            self.at += 1;
            all = Expr::Of(*operator, Box::new(all), Box::new(part(self)?));
        }
        Ok(all)
    }

    fn factor(&mut self) -> Result<Expr, Mistake> {
        match self.peek() {
            Some('-') => self.within(|parser| Ok(Expr::Negative(Box::new(parser.factor()?)))),
            Some('(') => self.within(|parser| {
                let inner = parser.sum()?;
                if parser.peek() != Some(')') {
                    return Err(parser.mistake("expected )"));
                }
                parser.at += 1;
                Ok(inner)
            }),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if starts_name(c) => self.name(),
            _ => Err(self.mistake("expected a name, a number or (")),
        }
    }

    /// Passes one sign and reads what lies behind it, which may not lie too deep.
    fn within(&mut self, read: impl FnOnce(&mut Self) -> Result<Expr, Mistake>) -> Result<Expr, Mistake> {
        if self.depth == MAX_DEPTH {
            return Err(self.mistake(format!("is nested deeper than {MAX_DEPTH} times")));
        }
        (self.at, self.depth) = (self.at + 1, self.depth + 1);
        let inner = read(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn number(&mut self) -> Result<Expr, Mistake> {
        let word = self.word(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
        match word.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.at += word.len();
                Ok(Expr::Number(value))
            }
            _ => Err(self.mistake(format!("{word} is not a number"))),
        }
    }

    fn name(&mut self) -> Result<Expr, Mistake> {
        let word = self.word(continues_name);
        if let Some(at) = self.names.iter().position(|name| name == word) {
            self.at += word.len();
            return Ok(Expr::Name(at));
        }
        let known = self.names.iter().map(String::as_str);
        let hint = nearest(word, known).map(|name| format!("did you mean {name}?"));
        Err(Mistake { hint, ..self.mistake(format!("{word} is not one of the measures in of")) })
    }

    fn word(&self, is_part: fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
    }
}

const fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

const fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether something can be called so in a formula.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(starts_name) && text.chars().all(continues_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Vec<String> {
        ["errors", "all", "x_1"].map(str::to_owned).to_vec()
    }

    #[test]
    fn formulas_come_to_what_they_say() {
        #[track_caller]
        fn check(formula: &str, expected: Option<f64>) {
            let expr = Expr::parse(formula, &names()).unwrap();
            assert_eq!(expr.value(&[Some(3.0), Some(12.0), None]), expected, "{formula}");
        }
        check("errors / all * 100", Some(25.0));
        check("100*errors/all", Some(25.0));
        check(" 1 - errors/all ", Some(0.75));
        check("(all - errors) / all", Some(0.75));
        check("all - errors - 2", Some(7.0)); // from left to right
        check("all / errors / 2", Some(2.0));
        check("2 + 3 * errors", Some(11.0));
        check("-errors", Some(-3.0));
        check("--errors - -1.5e0", Some(4.5));
        check("((7))", Some(7.0));
        check(".5", Some(0.5));
        check("errors / (all - 12)", None); // by zero
        check("(errors - 3) / (all - 12)", None);
        check("x_1", None);
        check("errors + 0 * x_1", None);
        check("1e308 * 10 * errors", None);
    }

    #[test]
    fn mistakes_say_where_and_what() {
        #[track_caller]
        fn check(formula: &str, column: usize, message: &str, hint: Option<&str>) {
            let found = Expr::parse(formula, &names()).unwrap_err();
            assert_eq!(
                (found.column, found.message.as_str(), found.hint.as_deref()),
                (column, message, hint)
            );
        }
        check("", 1, "expected a name, a number or (", None);
        check("errors /", 9, "expected a name, a number or (", None);
        check("errors all", 8, "expected an operator: +, -, * or /", None);
        check("errors % all", 8, "expected an operator: +, -, * or /", None);
        check("(errors", 8, "expected )", None);
        check("errors)", 7, "there is no parenthesis that this one closes", None);
        check("eror / all", 1, "eror is not one of the measures in of", Some("did you mean errors?"));
        check("1 + qqqq", 5, "qqqq is not one of the measures in of", None);
        check("1x + all", 1, "1x is not a number", None);
        check("1 + é", 5, "expected a name, a number or (", None);
        check(&"(".repeat(51), 51, "is nested deeper than 50 times", None);
        check(&"1+".repeat(501), 1, "is longer than 1000 bytes", None);
    }

    #[test]
    fn what_holds_of_the_parts_holds_of_the_whole() {
        #[track_caller]
        fn check(formula: &str, counts: bool, is_total: bool, only_grows: bool) {
            let expr = Expr::parse(formula, &names()).unwrap();
            let is = |at: usize| at < 2; // the third is some average
            assert_eq!(
                (expr.counts(&is), expr.is_total(&is), expr.only_grows(&is)),
                (counts, is_total, only_grows)
            );
        }
        //     formula            counts  total  grows
        check("errors", true, true, true);
        check("errors / all", true, false, false);
        check("errors + all", true, true, true);
        check("2 * errors / 3", true, true, true);
        check("errors - all", false, true, false);
        check("errors / x_1", false, true, false);
        check("-errors", false, true, false);
        check("x_1 * 2", false, false, false);
    }

    proptest! {
        /// Any text is read, or refused at one of its characters.
        #[test]
        fn any_text_is_handled(text in "[-+*/() .0-9a-z_é]{0,80}") {
            match Expr::parse(&text, &names()) {
                Ok(expr) => prop_assert!(expr.value(&[Some(1.0), Some(0.0), None]).is_none_or(f64::is_finite)),
                Err(mistake) => prop_assert!((1..=text.chars().count() + 1).contains(&mistake.column)),
            }
        }
    }
}
