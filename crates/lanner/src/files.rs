//! Configuration from disk: files and folders, read as one, with the file of every problem.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use lanner_conditions::falco::rules::{Loader, Remark};
use lanner_engine::document::{Check, Content, Position};
use lanner_engine::script::Script;
use lanner_engine::source::Elsewhere;
use lanner_engine::{Config, Node, Problem, Problems};
use lanner_io::source::SourceConfig;
use lanner_server::http::problem_view;
use lanner_server::settings::SettingSections;
use lanner_server::{Settings, notify, rules, silences};
use lanner_switch::Switch;
use lanner_wire::api::ProblemView;
use serde_json::{Map, Value};

use crate::failure::{Failure, Result};

/// One file as written.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Its path, as the user wrote it.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) text: String,
    /// The tree in it; `None` when it is not YAML, or no configuration but rules of Falco.
    node: Option<Node>,
}

/// A problem, and the file it is in: an index into [`Loaded::files`].
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) file: usize,
    pub(crate) problem: Problem,
}

/// Files read as one configuration.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) files: Vec<SourceFile>,
    /// What could be checked; parts with problems are left out.
    pub(crate) config: Config,
    /// In the order of files and lines.
    pub(crate) problems: Vec<Located>,
    /// What the files among them say that hold rules of Falco.
    pub(crate) falco: Falco,
}

/// Files with rules of Falco, read one after the other as Falco does.
#[derive(Debug, Default)]
pub(crate) struct Falco {
    /// Their places among [`Loaded::files`].
    files: Vec<usize>,
    pub(crate) n_rules: usize,
    /// What is allowed and hardly meant, each with its file.
    pub(crate) warnings: Vec<(usize, Remark)>,
}

impl Falco {
    /// Whether there are any.
    pub(crate) fn is_some(&self) -> bool {
        !self.files.is_empty()
    }
}

/// Reads files, and the YAML files of folders, except scripts of tests (`*.test.yaml`).
///
/// # Errors
/// A path that cannot be read, a folder without YAML. Problems in the files are part of the result.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for path in expand(paths)? {
        loaded.add(path)?;
    }
    for file in 0..loaded.files.len() {
        loaded.check(file);
    }
    loaded.check_falco();
    let doubled = loaded.doubled();
    loaded.problems.extend(doubled);
    for problem in loaded.config.cross_check().into_iter().chain(loaded.unknown_sources()) {
        let (file, at) = loaded.locate(&problem.path);
        loaded.problems.push(Located { file, problem: Problem { at, ..problem } });
    }
    loaded.problems.sort_by_key(|located| (located.file, located.problem.at));
    Ok(loaded)
}

impl Loaded {
    /// The configuration as one document, for the server: what it stores of files without problems.
    pub(crate) fn document(&self) -> Map<String, Value> {
        let Config { processors, switches, silences, .. } = &self.config;
        let mut document = match rules::document::document_of(&self.config, self.has("inhibit")) {
            Value::Object(document) => document,
            _ => Map::new(),
        };
        let processors = processors.iter().map(|one| one.document.clone());
        document.insert("processors".to_owned(), processors.collect());
        document.insert("switches".to_owned(), switches.iter().map(Switch::document).collect());
        document.insert("silences".to_owned(), silences.iter().map(silences::document).collect());
        document.retain(|name, _| self.has(name));
        document
    }

    /// Every problem, as the API shows it; the path begins with the file.
    pub(crate) fn problem_views(&self) -> Vec<ProblemView> {
        let view = |Located { file, problem }: &Located| {
            let view = problem_view(problem.clone());
            let name = self.files[*file].path.display();
            let path = view.path.as_ref().map_or_else(|| name.to_string(), |path| format!("{name}: {path}"));
            ProblemView { path: Some(path), ..view }
        };
        self.problems.iter().map(view).collect()
    }

    /// Whether a section stands in one of the files.
    pub(crate) fn has(&self, section: &str) -> bool {
        self.nodes().any(|(_, node)| field(node, section).is_some())
    }

    /// Whether one of the files is a configuration.
    pub(crate) fn has_configuration(&self) -> bool {
        self.nodes().next().is_some()
    }

    /// Rules that ask a source which the section `sources` lacks, or what the section `streams` has elsewhere and cannot be counted there.
    /// Where there are no sources, the server's own file may have them.
    fn unknown_sources(&self) -> Vec<Problem> {
        let Some(node) = &self.config.sources else { return Vec::new() };
        let sources = SourceConfig::read_all(node, "sources", &mut Check::default());
        let names: Vec<String> = sources.iter().map(|source| source.name().to_owned()).collect();
        let mut problems = self.config.unknown_sources(&names);
        if let Some(node) = &self.config.streams {
            let kind_of = |name: &str| sources.iter().find(|it| it.name() == name).map(SourceConfig::kind);
            let mut check = Check::default();
            let streams = Elsewhere::read(node, "streams", &kind_of, &mut check);
            problems.extend(check.problems);
            problems.extend(self.config.misplaced(&streams));
        }
        problems
    }

    /// Switches and silences that are described twice, in one file or in two.
    fn doubled(&self) -> Vec<Located> {
        let mut doubled = Vec::new();
        for section in ["switches", "silences"] {
            let mut ids = HashSet::new();
            let all = self.nodes().flat_map(|(file, node)| {
                let items = field(node, section).map(items).unwrap_or_default().into_iter().enumerate();
                items.map(move |(at, item)| (file, at, item))
            });
            for (file, at, item) in all {
                let Some(id) = field(item, "id").and_then(Node::scalar_text) else { continue };
                let message = format!("\"{id}\" is the id of two {section}");
                if !ids.insert(id) {
                    let path = format!("{section}[{at}]");
                    doubled
                        .push(Located { file, problem: Problem { at: item.at, path, message, hint: None } });
                }
            }
        }
        doubled
    }

    /// The files that are scripts of tests, and nothing of a configuration.
    pub(crate) fn scripts(&self) -> impl Iterator<Item = &Path> {
        let is_script =
            |file: &&SourceFile| file.node.as_ref().is_some_and(|node| field(node, "tests").is_some());
        self.files.iter().filter(is_script).map(|file| file.path.as_path())
    }

    /// The trees of all configuration files; scripts of tests are none.
    fn nodes(&self) -> impl DoubleEndedIterator<Item = (usize, &Node)> {
        let nodes = self.files.iter().enumerate().filter_map(|(at, file)| Some((at, file.node.as_ref()?)));
        nodes.filter(|(_, node)| field(node, "tests").is_none())
    }

    fn add(&mut self, path: PathBuf) -> Result<()> {
        let text = read_text(&path)?;
        let file = self.files.len();
        let mut found = Vec::new();
        let mut node = Node::from_yaml(&text).map_err(|problem| found.push(problem)).ok();
        if let Some(node) = &mut node {
            put_in_rules_of_falco(node, &path)?;
        }
        if node.as_ref().is_some_and(Loader::recognizes) {
            self.falco.files.push(file);
            self.files.push(SourceFile { path, text, node: None });
            return Ok(());
        }
        match node.as_ref().filter(|node| field(node, "tests").is_none()) {
            // What others may name, before anything that names it.
            Some(node) => found.extend(self.config.read_time_intervals(node)),
            None if node.is_some() => {
                let problems = Script::from_yaml(&text).err().map(|Problems(problems)| problems);
                found.extend(problems.unwrap_or_default());
            }
            None => {}
        }
        self.problems.extend(found.into_iter().map(|problem| Located { file, problem }));
        self.files.push(SourceFile { path, text, node });
        Ok(())
    }

    /// Reads everything else in a configuration file.
    fn check(&mut self, file: usize) {
        let node = self.files[file].node.take();
        if let Some(node) = node.as_ref().filter(|node| field(node, "tests").is_none()) {
            let n_before = (self.config.receivers.len(), self.config.silences.len());
            let mut found = self.config.read_others(node);
            found.extend(self.check_others(node, n_before));
            self.problems.extend(found.into_iter().map(|problem| Located { file, problem }));
        }
        self.files[file].node = node;
    }

    /// Reads the files with rules of Falco.
    fn check_falco(&mut self) {
        let mut loader = Loader::default();
        for &file in &self.falco.files {
            loader.read(&self.files[file].text);
        }
        let loaded = loader.finish();
        let files = &self.falco.files;
        self.problems.extend(loaded.errors.into_iter().map(|error| Located {
            file: files[error.file],
            problem: Problem { at: error.at, path: error.item, message: error.message, hint: error.hint },
        }));
        self.falco.warnings =
            loaded.warnings.into_iter().map(|warning| (files[warning.file], warning)).collect();
        self.falco.n_rules = loaded.rules.len();
    }

    /// Problems in what the engine does not know: receivers' own fields, settings of the server.
    fn check_others(&self, node: &Node, (n_receivers, n_silences): (usize, usize)) -> Vec<Problem> {
        let mut problems = notify::receivers::check_receivers(&self.config.receivers[n_receivers..]);
        for problem in &mut problems {
            problem.at = find(node, &problem.path).or(problem.at);
        }
        problems.extend(switch_problems(node));
        problems.extend(silence_problems(&self.config.silences[n_silences..]));
        let mut settings = Settings::new("");
        problems.extend(settings.read(SettingSections {
            server: field(node, "server"),
            retention: field(node, "retention"),
            sources: field(node, "sources"),
            streams: None, // of all files together, as their sources may stand in another one
            scrape: field(node, "scrape"),
            consume: field(node, "consume"),
            remote_write: field(node, "remote_write"),
        }));
        problems
    }

    /// Where `rules.ID.field`, `processors.ID` or `receivers.NAME.field` stands; the last one, should there be several.
    fn locate(&self, path: &str) -> (usize, Option<Position>) {
        let found = self.nodes().rev().find_map(|(file, node)| Some((file, Some(find(node, path)?))));
        found.unwrap_or((0, None))
    }
}

/// Puts the texts of files with rules of Falco in place of their names: a server reads no files of its clients.
///
/// The names are relative to the folder of the configuration, which is at `path`.
fn put_in_rules_of_falco(node: &mut Node, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let Some(processors) = field_mut(node, "processors") else { return Ok(()) };
    let processors = match &mut processors.content {
        Content::List(items) => items.as_mut_slice(),
        _ => std::slice::from_mut(processors),
    };
    for falco in processors.iter_mut().filter_map(|processor| field_mut(processor, "falco")) {
        let Content::Map(entries) = &mut falco.content else { continue };
        let Some(at) = entries.iter().position(|(key, _)| key.name == "files") else { continue };
        let (mut key, files) = entries.remove(at);
        let mut texts = Vec::new();
        for file in items(&files) {
            let name = file.scalar_text().unwrap_or_default();
            texts.push(Node::new(file.at, Content::Text(read_text(&folder.join(name))?)));
        }
        if let Some((_, rules)) = entries.iter().find(|(key, _)| key.name == "rules") {
            texts.extend(items(rules).into_iter().cloned());
            entries.retain(|(key, _)| key.name != "rules");
        }
        key.name = "rules".to_owned();
        entries.push((key, Node::new(files.at, Content::List(texts))));
    }
    Ok(())
}

fn field_mut<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut Node> {
    let Content::Map(entries) = &mut node.content else { return None };
    entries.iter_mut().find(|(key, _)| key.name == name).map(|(_, value)| value)
}

/// A longer document is none, or a device without an end.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// The text of a file; `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_TEXT_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_TEXT_BYTES + 1).read_to_string(&mut text))
    };
    if text.len() as u64 > MAX_TEXT_BYTES {
        return Err(Failure::user(format!(
            "{} has more than 256 MiB, and cannot be a document",
            path.display()
        )));
    }
    read.map(|_| text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => {
            Failure::user(format!("{} is not UTF-8 text", path.display())).hint("save the file as UTF-8")
        }
        _ => Failure::file("read", path, &error),
    })
}

fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let n_before = files.len();
        let entries = std::fs::read_dir(path).map_err(|error| Failure::file("read", path, &error))?;
        files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| is_configuration(path)));
        files[n_before..].sort();
        if files.len() == n_before {
            let message = format!("the folder {} contains no YAML file", path.display());
            return Err(Failure::user(message).hint("name the file, or put one that ends in .yaml there"));
        }
    }
    Ok(files)
}

fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    let is_script = name.ends_with(".test.yaml") || name.ends_with(".test.yml");
    is_yaml && !is_script && !name.starts_with('.') && path.is_file()
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Content::Map(entries) = &node.content else { return None };
    entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
}

/// Problems in the switches of a file.
fn switch_problems(node: &Node) -> Vec<Problem> {
    let switches = field(node, "switches").map(items).unwrap_or_default().into_iter().enumerate();
    let check = |(at, item)| Switch::check(item, &format!("switches[{at}]")).err();
    switches.filter_map(check).flat_map(|Problems(problems)| problems).collect()
}

/// Problems in the silences of a file.
fn silence_problems(silences: &[Node]) -> Vec<Problem> {
    let check = |(at, item)| silences::check(item, &format!("silences[{at}]")).err();
    silences.iter().enumerate().filter_map(check).flat_map(|Problems(problems)| problems).collect()
}

fn items(node: &Node) -> Vec<&Node> {
    match &node.content {
        Content::List(items) => items.iter().collect(),
        Content::Null => Vec::new(),
        _ => vec![node],
    }
}

/// The items of a section, each with its name.
fn named<'n>(node: &'n Node, section: &str) -> Vec<(String, &'n Node)> {
    let key = if matches!(section, "rules" | "processors") { "id" } else { "name" };
    match field(node, section) {
        Some(Node { content: Content::Map(entries), .. }) if section == "streams" => {
            entries.iter().map(|(key, item)| (key.name.clone(), item)).collect()
        }
        Some(list) => {
            let items = items(list).into_iter();
            items.filter_map(|item| Some((field(item, key)?.scalar_text()?, item))).collect()
        }
        None => Vec::new(),
    }
}

/// Where `rules.ID[.field...]`, `processors.ID`, `receivers.NAME[.field...]` or `streams.NAME[.field...]` stands in `node`.
fn find(node: &Node, path: &str) -> Option<Position> {
    let (section, rest) = path.split_once('.')?;
    let (mut found, mut rest) = named(node, section).into_iter().rev().find_map(|(name, item)| {
        let rest = rest.strip_prefix(&*name)?;
        (rest.is_empty() || rest.starts_with('.')).then_some((item, rest))
    })?;
    // As deep as the path can be followed.
    while let Some(name) = rest.strip_prefix('.') {
        let end = name.find('.').unwrap_or(name.len());
        let Some(inner) = field(found, &name[..end]) else { break };
        (found, rest) = (inner, &name[end..]);
    }
    found.at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_name() {
        let text = "rules:\n  - id: a\n    for: 1\n  - id: a.b\n    receivers: [x]\n";
        let node = Node::from_yaml(text).unwrap();
        let line = |path| find(&node, path).map(|at| at.line);
        assert_eq!(line("rules.a"), Some(2));
        assert_eq!(line("rules.a.for"), Some(3));
        assert_eq!(line("rules.a.b.receivers"), Some(5));
        assert_eq!(line("rules.a.unknown"), Some(2));
        assert_eq!(line("rules.c"), None);
        assert_eq!(line("receivers.x"), None);
        let node = Node::from_yaml("streams:\n  a: { source: b }\n  a.c:\n    table: d\n").unwrap();
        assert_eq!(find(&node, "streams.a.c.table").map(|at| at.line), Some(4));
    }
}
