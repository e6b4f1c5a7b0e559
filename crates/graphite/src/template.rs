//! `template(expression, name=value, ...)`: the expression with `$name` replaced in its paths.
//!
//! An argument that is a variable and nothing else becomes the value itself: a number stays one. It happens once,
//! when an expression is read; evaluation does not know of it.

use super::bind::{convert, is_variable, mismatch, plain};
use super::expr::{Argument, Expr, Literal};
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

/// Characters that all paths of a template may have together: each of many paths may name each of many variables.
const MAX_FILLED: usize = 1 << 20;

/// What the variables of a template stand for, in the order written.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: Vec<(String, Literal)>,
    n_unnamed: usize,
    n_filled: usize,
}

impl Variables {
    /// One without a name is called by its place: `$1`.
    pub(super) fn add(&mut self, name: Option<String>, value: Literal) {
        let name = name.unwrap_or_else(|| {
            self.n_unnamed += 1;
            self.n_unnamed.to_string()
        });
        self.values.push((name, value));
    }

    /// Says what a variable stands for, whatever was said before.
    pub(super) fn set(&mut self, name: &str, value: Literal) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    /// Replaces the variables in `expr`. Values that do not fit where they stand now are the problems; variables that
    /// are not known too, when this is the outermost template.
    pub(super) fn fill(&mut self, expr: &mut Expr, outermost: bool) -> Result<Vec<Problem>, Problem> {
        let mut problems = Vec::new();
        self.replace(expr)?;
        if let Expr::Literal { value, column } = expr {
            problems.push(Problem::new(*column, format!("template(): {}", alone(value))));
        }
        self.fill_arguments(expr, outermost, &mut problems)?;
        Ok(problems)
    }

    fn fill_arguments(
        &mut self,
        expr: &mut Expr,
        outermost: bool,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Problem> {
        let Expr::Call { function, arguments, .. } = expr else { return Ok(()) };
        for Argument { parameter, expr } in arguments {
            if is_variable(expr) {
                self.replace(expr)?;
                let known = matches!(expr, Expr::Literal { .. });
                let parameter = function.parameters.get(*parameter).filter(|_| known || outermost);
                if let Some(wrong) = parameter.and_then(|parameter| misfit(parameter, expr)) {
                    problems.push(Problem::new(expr.column(), format!("{}(): {wrong}", function.name)));
                }
            } else {
                self.replace(expr)?;
                self.fill_arguments(expr, outermost, problems)?;
            }
        }
        Ok(())
    }

    /// Replaces the variables of a path.
    fn replace(&mut self, expr: &mut Expr) -> Result<(), Problem> {
        let Expr::Path { text, column } = expr else { return Ok(()) };
        let column = *column;
        for (name, value) in &self.values {
            let name = format!("${name}");
            if *text == name {
                *expr = Expr::Literal { value: as_number(value), column };
                return Ok(());
            }
            if text.contains(&name) {
                let value = plain(value);
                self.n_filled += text.len() + text.matches(&name).count() * value.len();
                if self.n_filled > MAX_FILLED {
                    let message = format!("template(): its paths may have {MAX_FILLED} characters together");
                    return Err(Problem::new(column, message));
                }
                *text = text.replace(&name, &value);
            }
        }
        Ok(())
    }
}

/// Text that is a number is one.
fn as_number(value: &Literal) -> Literal {
    match value {
        Literal::Text(text) if text.chars().all(|c| c.is_ascii_digit() || "-.".contains(c)) => {
            text.parse().map_or_else(|_| value.clone(), Literal::Float)
        }
        other => other.clone(),
    }
}

fn misfit(parameter: &Parameter, expr: &mut Expr) -> Option<String> {
    convert(parameter, expr);
    match expr {
        Expr::Literal { value, .. } if matches!(parameter.kind, Kind::SeriesList | Kind::SeriesLists) => {
            Some(alone(value))
        }
        expr => mismatch(parameter, expr, None),
    }
}

fn alone(value: &Literal) -> String {
    format!(
        "a variable alone is a value, not a metric: write '{}' itself, or a path such as a.$x.b",
        plain(value)
    )
}
