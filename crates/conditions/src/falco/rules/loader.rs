//! Loads rule files.

use std::collections::BTreeSet;

use lanner_core::document::{Content, Node};

use super::compiled::{Compiler, Rule};
use super::definitions::{Definitions, SYSCALL};
use super::locate::Place;
use super::read::{Notes, item};
use super::report::{Code, Remark};

/// Loads rule files one after the other, as Falco does: later ones may change what earlier ones define.
///
/// ```
/// use lanner_conditions::falco::rules::Loader;
/// let mut loader = Loader::default();
/// loader.read("
/// - list: shells
///   items: [sh, bash]
/// - rule: Shell below a web server
///   desc: A web server starts a shell
///   condition: evt.type = execve and proc.name in (shells) and proc.pname = nginx
///   output: shell %proc.cmdline
///   priority: WARNING
/// ");
/// let loaded = loader.finish();
/// assert!(loaded.errors.is_empty());
/// let event = serde_json::json!({"evt.type": "execve", "proc.name": "sh", "proc.pname": "nginx", "proc.cmdline": "sh"});
/// let event = event.as_object().unwrap();
/// assert!(loaded.rules[0].filter.matches(event));
/// assert_eq!(loaded.rules[0].output_format.fill(event), "shell sh");
/// ```
#[derive(Debug)]
pub struct Loader {
    texts: Vec<String>,
    all: Definitions,
    sources: BTreeSet<String>,
    errors: Vec<Remark>,
    warnings: Vec<Remark>,
}

impl Default for Loader {
    fn default() -> Self {
        Self::for_sources([SYSCALL])
    }
}

/// What rule files say.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules, in the order in which they were first defined, those not in force included. There are none if
    /// there are errors.
    pub rules: Vec<Rule>,
    /// Why Falco would refuse the files; it tells only the first.
    pub errors: Vec<Remark>,
    /// What is allowed and hardly meant.
    pub warnings: Vec<Remark>,
}

impl Loader {
    /// One for rules about events of these sources. Rules about others are left out, with a warning.
    #[must_use]
    pub fn for_sources<'s>(sources: impl IntoIterator<Item = &'s str>) -> Self {
        Self {
            texts: Vec::new(),
            all: Definitions::default(),
            sources: sources.into_iter().map(str::to_owned).collect(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Whether a document looks like a rule file: a list, of which an item is a rule, a macro, a list or a
    /// requirement.
    #[must_use]
    pub fn recognizes(document: &Node) -> bool {
        const KEYS: [&str; 5] =
            ["rule", "macro", "list", "required_engine_version", "required_plugin_versions"];
        let is_item = |node: &Node| match &node.content {
            Content::Map(entries) => entries.iter().any(|(key, _)| KEYS.contains(&key.name.as_str())),
            _ => false,
        };
        matches!(&document.content, Content::List(items) if items.iter().any(is_item))
    }

    /// Reads the next file. Cost: linear in its length.
    pub fn read(&mut self, text: &str) {
        let file = self.texts.len();
        self.texts.push(text.to_owned());
        match Node::from_yaml(text) {
            Ok(document) => self.items(file, &document),
            Err(problem) => self.errors.push(Remark {
                code: Code::YamlParse,
                file,
                at: problem.at,
                item: String::new(),
                message: problem.message,
                hint: problem.hint,
            }),
        }
    }

    fn items(&mut self, file: usize, document: &Node) {
        let remark = |code, at, item, message| Remark { code, file, at, item, message, hint: None };
        let nodes = match &document.content {
            Content::List(nodes) => nodes.as_slice(),
            // An empty file.
            Content::Map(entries) if entries.is_empty() => &[],
            content => {
                let message = match content {
                    Content::Map(_) => "Rules content is not yaml array of objects",
                    _ => "Rules content is not yaml",
                };
                self.errors.push(remark(Code::YamlValidate, document.at, String::new(), message.to_owned()));
                return;
            }
        };
        for (nth, node) in nodes.iter().enumerate() {
            if node.content == Content::Null {
                continue;
            }
            let place = Place { file, at: node.at, end: nodes.get(nth + 1).and_then(|next| next.at) };
            let mut notes = Notes::default();
            let read = item(node, place, &self.sources, &mut self.all, &mut notes);
            for (code, message, about) in notes.doubts {
                let at = about.and_then(|about| about.at).or(node.at);
                self.warnings.push(remark(code, at, notes.item.clone(), message));
            }
            if let Err(refusal) = read {
                let at = refusal.node.and_then(|node| node.at).or(node.at);
                self.errors.push(remark(refusal.code, at, notes.item, refusal.message));
            }
        }
    }

    /// The rules of all files.
    #[must_use]
    pub fn finish(self) -> Loaded {
        let Self { texts, all, mut errors, mut warnings, .. } = self;
        // What was refused is missing elsewhere, so more would only be said twice.
        if !errors.is_empty() {
            return Loaded { rules: Vec::new(), errors, warnings };
        }
        let mut compiler = Compiler::new(&all, &texts);
        let rules = compiler.rules();
        if compiler.errors.is_empty() {
            compiler.warn_of_unused();
        }
        errors.append(&mut compiler.errors);
        warnings.append(&mut compiler.warnings);
        Loaded { rules: if errors.is_empty() { rules } else { Vec::new() }, errors, warnings }
    }
}
