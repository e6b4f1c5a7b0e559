//! Draws the terminal output of a command as a picture for the documentation.
//!
//! Reads text with the colours that this program's commands use (bold, dim, red, green) and writes SVG: sharp at every
//! size, text that can be selected, no fonts or scripts inside.

use std::fmt::Write as _;
use std::io::Read as _;

const CELL_WIDTH: f64 = 8.4;
const LINE_HEIGHT: usize = 20;
const MARGIN: usize = 20;

/// Standard input as a picture, on standard output; `typed` is shown as the command that was typed.
///
/// # Errors
/// When the input cannot be read as text.
pub(crate) fn run(typed: &str) -> Result<(), String> {
    let mut recording = String::new();
    std::io::stdin().read_to_string(&mut recording).map_err(|error| format!("the recording: {error}"))?;
    print!("{}", picture(typed, &recording));
    Ok(())
}

fn picture(typed: &str, recording: &str) -> String {
    let typed = format!("\x1b[2m$\x1b[0m {typed}\n");
    let text = format!("{typed}{}", recording.replace('\r', ""));
    let lines: Vec<Vec<(&str, String)>> = text.trim_end().lines().map(spans).collect();
    let n_columns = lines.iter().map(|line| columns(line)).max().unwrap_or_default();
    let width = n_columns as f64 * CELL_WIDTH + 2.0 * MARGIN as f64;
    let height = lines.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height}" width="{width:.0}" height="{height}">"#,
            "\n<style>text {{ font: 14px ui-monospace, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #d8dee9; white-space: pre }}",
            " .bold {{ font-weight: bold; fill: #fff }} .dim {{ fill: #7b8494 }} .red {{ fill: #ff7b72 }} .green {{ fill: #7ee787 }}</style>\n",
            r##"<rect width="100%" height="100%" rx="8" fill="#161b22"/>"##,
            "\n"
        ),
        width = width,
        height = height
    );
    for (row, line) in lines.iter().enumerate().filter(|(_, line)| columns(line) > 0) {
        let y = MARGIN + row * LINE_HEIGHT + 15;
        let indent = line.first().map_or(0, |(_, text)| text.len() - text.trim_start_matches(' ').len());
        let x = MARGIN as f64 + indent as f64 * CELL_WIDTH;
        // A fixed length keeps columns in line whatever font there is.
        let length = (columns(line) - indent) as f64 * CELL_WIDTH;
        let _ = write!(svg, r#"<text x="{x:.1}" y="{y}" textLength="{length:.1}" xml:space="preserve">"#);
        for (at, (class, text)) in line.iter().enumerate() {
            let text = escaped(if at == 0 { &text[indent..] } else { text });
            // Writing to a text cannot fail.
            let _ = if class.is_empty() {
                write!(svg, "{text}")
            } else {
                write!(svg, r#"<tspan class="{class}">{text}</tspan>"#)
            };
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn columns(line: &[(&str, String)]) -> usize {
    line.iter().map(|(_, text)| text.chars().count()).sum()
}

/// A line cut where its colour changes.
fn spans(line: &str) -> Vec<(&'static str, String)> {
    let mut spans: Vec<(&str, String)> = Vec::new();
    for (at, part) in line.split("\x1b[").enumerate() {
        let (class, text) = match part.split_once('m').filter(|_| at > 0) {
            Some(("1", text)) => ("bold", text),
            Some(("2", text)) => ("dim", text),
            Some(("31", text)) => ("red", text),
            Some(("32", text)) => ("green", text),
            Some((_, text)) => ("", text),
            None => ("", part),
        };
        if !text.is_empty() {
            spans.push((class, text.to_owned()));
        }
    }
    spans
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_signs() {
        let svg = picture("lanner demo", "\x1b[1mA < B\x1b[0m plain\r\n\n  \x1b[31mbad\x1b[0m\n");
        assert!(svg.contains(r#"<tspan class="dim">$</tspan> lanner demo</text>"#), "{svg}");
        assert!(svg.contains(r#"<tspan class="bold">A &lt; B</tspan> plain</text>"#), "{svg}");
        assert!(
            svg.contains(
                r#"<text x="36.8" y="95" textLength="25.2" xml:space="preserve"><tspan class="red">bad"#
            ),
            "{svg}"
        );
        assert_eq!(svg.matches("<text ").count(), 3); // nothing for the empty line
    }
}
