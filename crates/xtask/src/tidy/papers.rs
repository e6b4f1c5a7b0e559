//! Documentation: working links, numbered decisions, a change log.

use std::collections::BTreeSet;

use super::{assert_none, text_files};
use crate::command::root;

#[test]
fn links_lead_somewhere() {
    let mut problems = Vec::new();
    for file in text_files().iter().filter(|file| file.is("md")) {
        let folder = root().join(&file.path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        for link in links(&file.text) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { root().join(&file.path) } else { folder.join(path) };
            if !target.exists() {
                problems.push(format!("{}: {link} does not exist", file.path));
            } else if !anchor.is_empty() && !anchors(&target).contains(anchor) {
                problems.push(format!("{}: {link} names no heading", file.path));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn links_are_found() {
    let text = "[a](b.md) `[x](y)` [c](https://example.org) [d](#e-f)\n```\n[g](h)\n```\n![i](j.svg)";
    assert_eq!(links(text), ["b.md", "#e-f", "j.svg"]);
    assert_eq!(anchor("## 2. The `io` crate: why?"), "2-the-io-crate-why");
}

/// Each message that people look up is one that the program says, but for the parts that differ each time.
#[test]
fn messages_are_those_of_the_program() {
    let (papers, sources): (Vec<_>, Vec<_>) = text_files().into_iter().partition(|file| file.is("md"));
    let sources: Vec<String> =
        sources.iter().filter(|file| file.is("rs")).map(|file| in_one_line(&file.text)).collect();
    let page = papers.iter().find(|file| file.path == "docs/messages.md").unwrap();
    let cells = page.text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let parts = cells.flat_map(|cell| cell.split('`').step_by(2).map(str::trim));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    assert!(parts.len() > 30, "{parts:?}");
    let unsaid = parts.iter().filter(|part| !sources.iter().any(|source| source.contains(**part)));
    assert_none(&unsaid.map(|part| format!("docs/messages.md: nothing says \"{part}\"")).collect::<Vec<_>>());
}

/// Texts that go on in the next line of a source, in one.
fn in_one_line(source: &str) -> String {
    let mut pieces = source.split("\\\n");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start())
}

#[test]
fn decisions_are_numbered() {
    let decisions: Vec<_> =
        text_files().into_iter().filter(|file| file.path.starts_with("docs/decisions/")).collect();
    assert!(!decisions.is_empty(), "docs/decisions is empty");
    let mut problems = Vec::new();
    for (number, file) in (1..).zip(&decisions) {
        let mut require = |kept: bool, what: &str| {
            if !kept {
                problems.push(format!("{}: {what}", file.path));
            }
        };
        let name = file.path.trim_start_matches("docs/decisions/");
        require(name.starts_with(&format!("{number:04}-")), &format!("would be number {number:04}"));
        require(file.text.starts_with(&format!("# {number}. ")), &format!("begin with `# {number}. `"));
        for heading in ["Context", "Decision", "Alternatives", "Consequences"] {
            require(file.text.contains(&format!("\n## {heading}\n")), &format!("has no `## {heading}`"));
        }
    }
    assert_none(&problems);
}

#[test]
fn changes_are_logged() {
    let log = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(log.contains("\n## [Unreleased]\n"), "CHANGELOG.md has no section `## [Unreleased]`");
}

#[test]
fn the_book_has_every_page() {
    let book = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let bound: BTreeSet<String> = links(&book).into_iter().collect();
    let pages =
        text_files().into_iter().filter_map(|file| file.path.strip_prefix("docs/").map(str::to_owned));
    let is_page = |name: &String| name.ends_with(".md") && name != "SUMMARY.md";
    let pages: BTreeSet<String> = pages.filter(is_page).collect();
    assert!(pages.len() > 15, "{pages:?}");
    assert_eq!(bound, pages, "docs/SUMMARY.md lists the pages of docs, each once");
}

/// Each promise names a test that there is: `[`name`](file)`.
#[test]
fn promises_are_held_by_tests() {
    let page = std::fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let named: Vec<(&str, &str)> = page
        .split("[`")
        .skip(1)
        .filter_map(|rest| {
            rest.split_once("`](../").and_then(|(name, rest)| Some((name, rest.split_once(')')?.0)))
        })
        .collect();
    assert!(named.len() > 80, "{named:?}");
    let promises = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise |"));
    let unheld = promises.filter(|line| !line.starts_with("| ---") && !line.contains("[`"));
    let mut problems: Vec<String> = unheld.map(|line| format!("nothing holds: {line}")).collect();
    for (name, file) in named {
        let source = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        let before = source.split(&format!("fn {name}(")).next().filter(|before| before.len() < source.len());
        // Attributes stand between a test's mark and its name.
        let is_test = before.is_some_and(|before| {
            let lines = before.lines().rev().take_while(|line| !line.is_empty() && !line.starts_with('}'));
            lines.into_iter().any(|line| line.contains("test"))
        });
        if !is_test {
            problems.push(format!("{file} has no test `{name}`"));
        }
    }
    assert_none(&problems);
}

#[test]
fn the_notice_names_what_is_linked() {
    let written = std::fs::read_to_string(root().join("NOTICE")).unwrap_or_default();
    let current = crate::package::notice::text().unwrap();
    assert_eq!(written, current, "run `cargo xtask notice`");
}

/// The targets of Markdown links inside the repository, code left out.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        links.extend(prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
    }
    links.retain(|link| !link.contains("://") && !link.starts_with("mailto:"));
    links
}

/// The anchors of a Markdown page's headings.
fn anchors(page: &std::path::Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(page).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// The anchor that readers give a heading: lower case, spaces as hyphens, punctuation dropped.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}
