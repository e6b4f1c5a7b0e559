//! A crate's files as Rust sees them: which module each holds, what it defines, and which paths it names.
//!
//! Reads just enough of the language for that: words and `::`, without comments, literals and tests.

use std::collections::{BTreeMap, BTreeSet};

/// The words of a path, such as `["crate", "time", "Step"]`.
pub(super) type Path = Vec<String>;

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The names of its items.
    pub(super) defines: BTreeSet<String>,
    /// What `use` brings in: the name here (`*` for all names), and where it comes from.
    pub(super) imports: Vec<(String, Path)>,
    /// The paths that the file names: imports, and qualified names in its code.
    pub(super) names: Vec<Path>,
    /// The modules that only tests have.
    pub(super) tests: BTreeSet<String>,
}

/// Words that an item's name follows.
const ITEMS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod"];

/// Reads the text of one file.
pub(super) fn read(text: &str) -> Module {
    let mut module = Module::default();
    let words = without_tests(&words(text), &mut module.tests);
    let mut handed_on = BTreeMap::new();
    let (mut depth, mut at) = (0, 0);
    while at < words.len() {
        let word = words[at].as_str();
        let next = words.get(at + 1).map_or("", String::as_str);
        match word {
            "{" => depth += 1,
            "}" => depth -= 1,
            // `use<'a>` lists lifetimes.
            "use" if next != "<" => {
                let end = at + position(&words[at..], ";");
                let found = imports(&words[at + 1..end]);
                let public = at > 0 && ["pub", ")"].contains(&words[at - 1].as_str());
                for (name, path) in &found {
                    if public {
                        handed_on.insert(name.clone(), path.clone());
                    } else if name == "*" {
                        module.names.push([path.as_slice(), std::slice::from_ref(name)].concat());
                    } else {
                        module.names.push(path.clone());
                    }
                }
                module.imports.extend(found);
                at = end;
            }
            "macro_rules" => drop(module.defines.insert(words[at + 2].clone())),
            _ if depth == 0 && ITEMS.contains(&word) && is_name(next) => {
                module.defines.insert(next.to_owned());
                at += 1;
            }
            _ if is_name(word) => {
                let path = path_at(&words[at..]);
                // A name that is handed on counts only when the file itself uses it.
                module.names.extend(handed_on.remove(&path[0]));
                at += 2 * (path.len() - 1);
                if path.len() > 1 {
                    module.names.push(path);
                }
            }
            _ => {}
        }
        at += 1;
    }
    module
}

/// The names that the tree after `use` brings in.
fn imports(tree: &[String]) -> Vec<(String, Path)> {
    let path = path_at(tree);
    let rest = &tree[(2 * path.len()).saturating_sub(1)..];
    match rest.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["as", name] => vec![((*name).to_owned(), path)],
        ["::", "{", .., "}"] | ["{", .., "}"] => {
            let inner = &rest[position(rest, "{") + 1..rest.len() - 1];
            branches(inner).into_iter().flat_map(imports).map(|(name, end)| below(&path, name, end)).collect()
        }
        ["::", "*"] | ["*"] => vec![("*".to_owned(), path)],
        _ => path.last().map(|name| (name.clone(), path.clone())).into_iter().collect(),
    }
}

/// The import of `end` below `path`; `self` means `path` itself.
fn below(path: &Path, name: String, mut end: Path) -> (String, Path) {
    let own = path.last().cloned().unwrap_or_default();
    let name = if name == "self" { own } else { name };
    end.retain(|word| word != "self" || path.is_empty());
    (name, path.iter().cloned().chain(end).collect())
}

/// The parts between the commas of the outermost level.
fn branches(words: &[String]) -> Vec<&[String]> {
    let mut depth = 0;
    words
        .split(|word| {
            depth += i32::from(word == "{") - i32::from(word == "}");
            word == "," && depth == 0
        })
        .filter(|branch| !branch.is_empty())
        .collect()
}

/// The longest path that `words` begin with.
fn path_at(words: &[String]) -> Path {
    let mut path = Path::new();
    for pair in words.chunks(2) {
        if !is_name(&pair[0]) {
            break;
        }
        path.push(pair[0].clone());
        if pair.get(1).is_none_or(|joint| joint != "::") {
            break;
        }
    }
    path
}

/// Drops what stands under `#[cfg(test)]`, and notes the modules in files of their own among it.
fn without_tests(words: &[String], tests: &mut BTreeSet<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if !words[at..].iter().take(MARK.len()).eq(MARK) {
            kept.push(words[at].clone());
            at += 1;
            continue;
        }
        let item = &words[at + MARK.len()..];
        let n_words = item_length(item);
        if let [.., module, name, end] = &item[..n_words]
            && (module.as_str(), end.as_str()) == ("mod", ";")
        {
            tests.insert(name.clone());
        }
        at += MARK.len() + n_words;
    }
    kept
}

/// The number of words of the item at the start: up to its `;`, or the end of its braces.
fn item_length(words: &[String]) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && [";", "}"].contains(&word.as_str()) {
            return at + 1;
        }
    }
    words.len()
}

/// The words of a text: names, `::`, and other signs one by one; without comments and literals.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let n_bytes = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(n_bytes) = literal(rest) {
            n_bytes
        } else if first.is_whitespace() {
            first.len_utf8()
        } else {
            let n_bytes = word(rest);
            words.push(rest[..n_bytes].to_owned());
            n_bytes
        };
        rest = &rest[n_bytes..];
    }
    words
}

/// The bytes of the name or sign at the start.
fn word(text: &str) -> usize {
    let name = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if name > 0 {
        name
    } else if text.starts_with("::") {
        2
    } else {
        text.chars().next().map_or(0, char::len_utf8)
    }
}

/// The bytes of the literal in quotes at the start, if one stands there. A lifetime is none.
fn literal(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text);
    if let Some(raw) = body.strip_prefix('r') {
        let n_hashes = raw.len() - raw.trim_start_matches('#').len();
        let inner = raw[n_hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(n_hashes));
        return Some(text.len() - inner.len() + inner.find(&end)? + end.len());
    }
    let quote = body.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let third = body.chars().nth(2);
    if quote == '\'' && third != Some(quote) && !body.starts_with("'\\") {
        return None;
    }
    let mut escaped = false;
    let inner = &body[1..];
    let end = inner.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(text.len() - inner.len() + end + 1)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn position(words: &[String], sought: &str) -> usize {
    words.iter().position(|word| word == sought).unwrap_or(words.len())
}
