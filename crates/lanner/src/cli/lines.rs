//! Command lines as the help and the manual have them, for tests: whether the program takes them.

use clap::Parser as _;
use clap::error::ErrorKind;

use super::Cli;

/// The lines in the shell examples of a page that call the program, as they are written.
pub(super) fn written_in(page: &str) -> Vec<String> {
    let examples = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = examples.flat_map(|example| {
        let joined = example.replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.filter(|line| words(line).iter().flatten().any(|word| word == "lanner")).collect()
}

/// What the program would say to the calls of it in a line.
pub(super) fn problems_of(line: &str) -> Vec<String> {
    let calls = words(line).into_iter().filter_map(|words| {
        // It may also be an argument: of a package manager, or of a build.
        let program = words.iter().position(|word| word != "sudo" && !word.contains('='))?;
        (words[program] == "lanner").then(|| words[program..].to_vec())
    });
    let refused = calls.filter_map(|words| match Cli::try_parse_from(words) {
        Err(error) if !is_expected(&error) => Some(format!("{line}: {error}")),
        _ => None,
    });
    refused.collect()
}

/// Help and version are answers. Passwords come from the environment, which a line does not show.
fn is_expected(error: &clap::Error) -> bool {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument => error.to_string().contains("--password <PASSWORD>"),
        _ => false,
    }
}

/// The words of each command of a line, as a shell takes them apart: quotes, `$(...)`, pipes, redirections, remarks.
fn words(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '(') => {
                quote = Some(')');
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.into_iter().map(without_redirections).collect()
}

/// Leaves out `> FILE` and the like.
fn without_redirections(words: Vec<String>) -> Vec<String> {
    let redirects = |word: &str| matches!(word, ">" | ">>" | "<" | "2>");
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if redirects(&word) {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept
}
