//! Problems in files, for people and for machines.
//!
//! On a terminal each is drawn into its source line, with a mark under the place. Elsewhere each is one line,
//! `file:line:column: field: message (hint)`, as editors and build logs expect.

use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};
use lanner_engine::Problem;
use lanner_engine::document::Position;
use serde::Serialize;

use crate::failure::colours;

/// Source lines that are longer are cut around the mark, columns.
const WIDTH: usize = 100;

/// A problem with its file, as `--format json` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct ProblemLine<'p> {
    /// The file, as the user wrote it.
    pub(crate) file: String,
    /// Place, field, message and hint.
    #[serde(flatten)]
    pub(crate) problem: &'p Problem,
}

/// `problem` in the file `path`, which holds `text`, for whoever reads standard output.
pub(crate) fn render(path: &Path, text: &str, problem: &Problem) -> String {
    if crate::failure::is_for_people() { drawn(path, text, problem) } else { line(path, problem) }
}

/// One line, ending in a line break.
pub(crate) fn line(path: &Path, problem: &Problem) -> String {
    let place = problem.at.map_or_else(String::new, |at| format!("{}:{}:", at.line, at.column));
    let bare = Problem { at: None, ..problem.clone() };
    format!("{}:{place} {bare}\n", path.display())
}

fn drawn(path: &Path, text: &str, problem: &Problem) -> String {
    let field = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
    let mut group = Group::with_title(Level::ERROR.primary_title(format!("{field}{}", problem.message)));
    let file = path.display().to_string();
    if let Some(at) = problem.at {
        let (start, length) = span(text, at);
        let mark = AnnotationKind::Primary.span(start..start + length);
        group = group.element(Snippet::source(text).path(file).annotation(mark));
    } else {
        group = group.element(Origin::path(file));
    }
    if let Some(hint) = &problem.hint {
        // Unlike the rest this is drawn as it is, so nothing in it may speak to the terminal.
        group = group.element(Level::HELP.message(normalize_untrusted_str(hint)));
    }
    let renderer = if colours(&std::io::stdout()) { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode).term_width(WIDTH);
    format!("{}\n", renderer.render(&[group]))
}

/// The word at a place: where it begins and how long it is, in bytes.
fn span(text: &str, at: Position) -> (usize, usize) {
    let line =
        text.split_inclusive('\n').take(at.line.saturating_sub(1) as usize).map(str::len).sum::<usize>();
    let rest = text.get(line..).unwrap_or_default();
    let rest = rest.lines().next().unwrap_or_default();
    let column =
        rest.char_indices().nth(at.column.saturating_sub(1) as usize).map_or(rest.len(), |(at, _)| at);
    let marked = rest[column..].trim_end();
    let end = match marked.chars().next() {
        Some(quote @ ('"' | '\'')) => marked[1..].find(quote).map_or(marked.len(), |end| end + 2),
        _ => marked.find([',', '}', ']', '#', ':']).unwrap_or(marked.len()),
    };
    (line + column, marked[..end].trim_end().len().max(usize::from(!marked.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_words() {
        #[track_caller]
        fn check(line: u32, column: u32, expected: &str) {
            let text = "id: a\nquery: { stream: zähler, measure: x }\nlast: '{ x } # end' # here";
            let (start, length) = span(text, Position { line, column });
            assert_eq!(&text[start..start + length], expected);
        }
        check(1, 1, "id");
        check(2, 18, "zähler");
        check(2, 26, "measure");
        check(3, 7, "'{ x } # end'");
        check(3, 99, "");
        check(99, 1, "");
    }

    #[test]
    fn problems_are_drawn_into_their_line() {
        let problem = Problem {
            at: Some(Position { line: 2, column: 9 }),
            path: "window".to_owned(),
            message: "\"30\" is not a duration".to_owned(),
            hint: Some("write 30m".to_owned()),
        };
        let path = Path::new("a.yaml");
        let text = "id: a\nwindow: 30\n";
        assert_eq!(line(path, &problem), "a.yaml:2:9: window: \"30\" is not a duration (write 30m)\n");
        let drawn = drawn(path, text, &problem);
        for part in ["a.yaml:2:9", "window: 30\n", "━━", "help: write 30m"] {
            assert!(drawn.contains(part), "{part} is not in\n{drawn}");
        }
    }
}
