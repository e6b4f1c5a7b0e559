//! Reads the items of a rule file: rules, macros, lists, and what the file requires.

use std::collections::BTreeSet;

use lanner_core::document::{Content, Node};

use super::definitions::{Change, Definitions, List, Macro, Priority, RuleItem, SYSCALL};
use super::exceptions::{Entry, Exception};
use super::locate::Place;
use super::report::Code;
use super::value::{Item, Refusal, Taken, number, refuse, text, truth};
use super::version::{ENGINE, Version};

/// What comes of reading an item beside its definition.
#[derive(Debug, Default)]
pub(super) struct Notes<'n> {
    /// The item, for people: `rule "name"`.
    pub(super) item: String,
    /// What is hardly meant, and where.
    pub(super) doubts: Vec<(Code, String, Option<&'n Node>)>,
}

impl<'n> Notes<'n> {
    fn doubt(&mut self, code: Code, message: impl Into<String>, node: Option<&'n Node>) {
        self.doubts.push((code, message.into(), node));
    }

    fn name(&mut self, what: &str, name: &str) {
        self.item = format!("{what} \"{name}\"");
    }
}

/// The sources of events that rules may be about.
pub(super) type Sources = BTreeSet<String>;

/// Reads one item of a file.
///
/// # Errors
/// Why it is refused.
pub(super) fn item<'n>(
    node: &'n Node,
    place: Place,
    sources: &Sources,
    all: &mut Definitions,
    notes: &mut Notes<'n>,
) -> Taken<'n, ()> {
    let Some(item) = Item::of(node) else {
        return refuse(node, "Unexpected element type. Each element should be a yaml associative array.");
    };
    if item.has("required_engine_version") {
        notes.item = "required_engine_version".to_owned();
        engine_version(item)?;
        unknown_keys(item, &["required_engine_version"], notes);
    } else if let Some(plugins) = item.get("required_plugin_versions") {
        notes.item = "required_plugin_versions".to_owned();
        plugin_versions(plugins)?;
        unknown_keys(item, &["required_plugin_versions"], notes);
    } else if item.has("list") {
        list(item, place, all, notes)?;
        unknown_keys(item, &["list", "items", "append", "override"], notes);
    } else if item.has("macro") {
        define_macro(item, place, all, notes)?;
        unknown_keys(item, &["macro", "condition", "append", "override"], notes);
    } else if item.has("rule") {
        rule(item, place, sources, all, notes)?;
        unknown_keys(item, RULE_KEYS, notes);
    } else {
        notes.doubt(Code::UnknownItem, "Unknown top level item", None);
    }
    Ok(())
}

const RULE_KEYS: &[&str] = &[
    "rule",
    "condition",
    "output",
    "desc",
    "priority",
    "source",
    "enabled",
    "capture",
    "capture_duration",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "tags",
    "exceptions",
    "override",
    "append",
];

fn unknown_keys<'n>(item: Item<'n>, known: &[&str], notes: &mut Notes<'n>) {
    for (key, node) in item.entries {
        if !known.contains(&key.name.as_str()) {
            let message = format!("Unknown key '{}'. The key will be ignored.", key.name);
            notes.doubt(Code::UnknownKey, message, Some(node));
        }
    }
}

fn engine_version(item: Item<'_>) -> Taken<'_, ()> {
    let written = item.text("required_engine_version")?;
    // A number alone is the second part of the version, as it was before versions had parts.
    let version = match written.parse::<u32>() {
        Ok(number) => Version([0, number, 0]),
        Err(_) => match Version::parse(&written) {
            Some(version) => version,
            None => {
                let message = format!(
                    "Unable to parse engine version '{written}' as a semver string. Expected \"x.y.z\" semver format."
                );
                return refuse(item.node, message);
            }
        },
    };
    if ENGINE.serves(version) {
        return Ok(());
    }
    invalid(item.node, format!("Rules require engine version {version}, but engine version is {ENGINE}"))
}

fn plugin_versions(plugins: &Node) -> Taken<'_, ()> {
    let Content::List(plugins_list) = &plugins.content else {
        return refuse(plugins, "Value of required_plugin_versions must be a sequence");
    };
    for node in plugins_list {
        let Some(plugin) = Item::of(node) else { return refuse(node, "Plugin version must be a mapping") };
        let mut required = vec![(plugin.text("name")?, plugin.text("version")?)];
        if let Some(alternatives) = plugin.get("alternatives") {
            let Content::List(alternatives) = &alternatives.content else {
                return refuse(node, "Value of plugin version alternatives must be a sequence");
            };
            for node in alternatives {
                let Some(plugin) = Item::of(node) else {
                    return refuse(node, "Plugin version alternative must be a mapping");
                };
                required.push((plugin.text("name")?, plugin.text("version")?));
            }
        }
        let mut names = BTreeSet::new();
        for (name, version) in &required {
            if Version::parse(version).is_none() {
                return invalid(node, format!("Invalid required version '{version}' for plugin '{name}'"));
            }
            if !names.insert(name) {
                let message =
                    format!("Defined multiple alternative version requirements for plugin '{name}'");
                return invalid(node, message);
            }
        }
    }
    Ok(())
}

fn invalid<'n, T>(node: &'n Node, message: String) -> Taken<'n, T> {
    Err(Refusal { code: Code::Validate, message, node: Some(node) })
}

/// A refusal by what was defined before.
fn refused<'n>(node: &'n Node) -> impl FnOnce((Code, String)) -> Refusal<'n> {
    move |(code, message)| Refusal { code, message, node: Some(node) }
}

fn list<'n>(item: Item<'n>, place: Place, all: &mut Definitions, notes: &mut Notes<'n>) -> Taken<'n, ()> {
    let name = item.text("list")?;
    notes.name("list", &name);
    if name.contains(|c: char| c.is_ascii_whitespace() || "()\"'=,".contains(c)) {
        let message = "List has an invalid name: it should have no blanks, and none of ( ) \" ' = ,";
        notes.doubt(Code::InvalidListName, message, None);
    }
    let Some(items) = item.texts("items")? else {
        return refuse(item.node, "Item has no mapping for key 'items'");
    };
    let append = appends(item, "items", notes)?;
    all.list(List { name, items, place }, append).map_err(refused(item.node))
}

/// Whether conditions can name a macro so.
fn is_macro_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn define_macro<'n>(
    item: Item<'n>,
    place: Place,
    all: &mut Definitions,
    notes: &mut Notes<'n>,
) -> Taken<'n, ()> {
    let name = item.text("macro")?;
    notes.name("macro", &name);
    if !is_macro_name(&name) {
        let message =
            "Macro has an invalid name: it should have letters, digits and _ only, and begin with a letter";
        notes.doubt(Code::InvalidMacroName, message, None);
    }
    let condition = item.text("condition")?;
    let append = appends(item, "condition", notes)?;
    all.define_macro(Macro { name, condition, place }, append).map_err(refused(item.node))
}

/// Whether a list or a macro adds to what is there, by `append: true` or by `override`.
fn appends<'n>(item: Item<'n>, key: &str, notes: &mut Notes<'n>) -> Taken<'n, bool> {
    let append = append_flag(item, notes)?;
    let overrides = Overrides::read(item, &[key], &[key])?;
    if append && overrides.are_some() {
        return refuse(item.node, OVERRIDE_AND_APPEND);
    }
    Ok(append || !overrides.append.is_empty())
}

const OVERRIDE_AND_APPEND: &str = "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry \
                                   (e.g. 'condition: append') under 'override' instead.";

fn append_flag<'n>(item: Item<'n>, notes: &mut Notes<'n>) -> Taken<'n, bool> {
    let append = item.optional("append", truth)?.unwrap_or(false);
    if append {
        let message = "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' \
                       instead.";
        notes.doubt(Code::DeprecatedItem, message, item.get("append"));
    }
    Ok(append)
}

/// What `override` says of an item's keys.
#[derive(Debug, Default)]
struct Overrides {
    append: BTreeSet<String>,
    replace: BTreeSet<String>,
}

impl Overrides {
    fn read<'n>(item: Item<'n>, appendable: &[&str], replaceable: &[&str]) -> Taken<'n, Self> {
        let mut overrides = Self::default();
        let Some(node) = item.get("override") else { return Ok(overrides) };
        let Content::Map(entries) = &node.content else { return Ok(overrides) };
        for (key, value) in entries {
            let (name, operation) = (key.name.as_str(), text(value).unwrap_or_default());
            let (can_append, can_replace) = (appendable.contains(&name), replaceable.contains(&name));
            match operation.as_str() {
                "append" if can_append => _ = overrides.append.insert(name.to_owned()),
                "replace" if can_replace => _ = overrides.replace.insert(name.to_owned()),
                "append" => {
                    return refuse(
                        value,
                        format!("Key '{name}' cannot be appended to, use 'replace' instead"),
                    );
                }
                "replace" => return refuse(value, format!("Key '{name}' cannot be replaced")),
                _ => {
                    let mut message = format!(
                        "Invalid override operation for key '{name}': '{operation}'. Allowed values are: "
                    );
                    message.push_str(if can_append { "append " } else { "" });
                    message.push_str(if can_replace { "replace " } else { "" });
                    return refuse(value, message);
                }
            }
        }
        Ok(overrides)
    }

    fn are_some(&self) -> bool {
        !self.append.is_empty() || !self.replace.is_empty()
    }
}

const APPENDABLE: &[&str] = &["condition", "output", "desc", "tags", "exceptions"];
const REPLACEABLE: &[&str] = &[
    "condition",
    "output",
    "desc",
    "priority",
    "capture",
    "capture_duration",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
];

fn rule<'n>(
    item: Item<'n>,
    place: Place,
    sources: &Sources,
    all: &mut Definitions,
    notes: &mut Notes<'n>,
) -> Taken<'n, ()> {
    let name = item.text("rule")?;
    notes.name("rule", &name);
    let source = source(item)?;
    let append = append_flag(item, notes)?;
    let overrides = Overrides::read(item, APPENDABLE, REPLACEABLE)?;
    if append && overrides.are_some() {
        return refuse(item.node, OVERRIDE_AND_APPEND);
    }
    if overrides.are_some() {
        return overridden(item, &name, &source, &overrides, all, notes);
    }
    if append {
        let condition = if item.has("condition") { Some(item.text("condition")?) } else { None };
        let exceptions = if item.has("exceptions") { Some(exceptions(item, true, notes)?) } else { None };
        let change = Change { source, condition, exceptions, ..Change::default() };
        return all.append(&name, change).map_err(refused(item.node));
    }
    if !["condition", "output", "desc", "priority"].iter().any(|key| item.has(key)) {
        let enabled = item.value("enabled", truth)?;
        let message = "The standalone 'enabled' key usage is deprecated. The correct approach requires also a \
                       'replace' entry under the 'override' key (i.e. 'enabled: replace').";
        notes.doubt(Code::DeprecatedItem, message, item.get("enabled"));
        return all.enable(&name, enabled).map_err(refused(item.node));
    }
    let rule = whole_rule(item, name, place, sources, notes)?;
    all.rule(rule).map_err(refused(item.node))
}

/// The source of a rule, which may be empty.
fn source(item: Item<'_>) -> Taken<'_, String> {
    match item.get("source") {
        None => Ok(String::new()),
        Some(node) => match text(node) {
            Some(source) => Ok(source),
            None => refuse(node, "Value is not a scalar value"),
        },
    }
}

fn whole_rule<'n>(
    item: Item<'n>,
    name: String,
    place: Place,
    sources: &Sources,
    notes: &mut Notes<'n>,
) -> Taken<'n, RuleItem> {
    let condition = item.text("condition")?;
    let output = item.text("output")?.trim().to_owned();
    let desc = item.text("desc")?;
    let priority = priority(item)?;
    let source = item.optional("source", text)?.unwrap_or_else(|| SYSCALL.to_owned());
    let flag = |key| item.optional(key, truth);
    let rule = RuleItem {
        name,
        desc,
        condition,
        output,
        priority,
        has_unknown_source: !sources.contains(&source),
        source,
        enabled: flag("enabled")?.unwrap_or(true),
        capture: flag("capture")?.unwrap_or(false),
        capture_duration_ms: item.optional("capture_duration", number)?.unwrap_or(0),
        warn_evttypes: flag("warn_evttypes")?.unwrap_or(true),
        skip_if_unknown_filter: flag("skip-if-unknown-filter")?.unwrap_or(false),
        tags: item.texts("tags")?.unwrap_or_default().into_iter().collect(),
        exceptions: exceptions(item, false, notes)?,
        place,
    };
    if rule.has_unknown_source {
        let message = format!("Unknown source {}, skipping", rule.source);
        notes.doubt(Code::UnknownSource, message, item.get("source"));
    }
    Ok(rule)
}

fn priority(item: Item<'_>) -> Taken<'_, Priority> {
    let written = item.text("priority")?;
    match Priority::named(&written) {
        Some(priority) => Ok(priority),
        None => refuse(item.get("priority").unwrap_or(item.node), "Invalid priority"),
    }
}

/// A rule whose keys add to those of an earlier one, or take their place.
fn overridden<'n>(
    item: Item<'n>,
    name: &str,
    source: &str,
    overrides: &Overrides,
    all: &mut Definitions,
    notes: &mut Notes<'n>,
) -> Taken<'n, ()> {
    for (keys, word) in [(&overrides.append, "append"), (&overrides.replace, "replace")] {
        if let Some(key) = keys.iter().find(|key| !item.has(key)) {
            let message = format!("An {word} override for '{key}' was specified but '{key}' is not defined");
            return refuse(item.node, message);
        }
    }
    if !overrides.append.is_empty() {
        let change = change(item, source, &overrides.append, true, notes)?;
        all.append(name, change).map_err(refused(item.node))?;
    }
    if !overrides.replace.is_empty() {
        let change = change(item, source, &overrides.replace, false, notes)?;
        all.replace(name, change).map_err(refused(item.node))?;
    }
    let is_said = |key: &str| overrides.append.contains(key) || overrides.replace.contains(key);
    let unsaid = REPLACEABLE.iter().find(|key| item.has(key) && !is_said(key));
    match unsaid {
        None => Ok(()),
        Some(key) => {
            let node = item.get(key).unwrap_or(item.node);
            refuse(
                node,
                format!("Unexpected key '{key}': no corresponding entry under 'override' is defined."),
            )
        }
    }
}

fn change<'n>(
    item: Item<'n>,
    source: &str,
    keys: &BTreeSet<String>,
    append: bool,
    notes: &mut Notes<'n>,
) -> Taken<'n, Change> {
    let has = |key: &str| keys.contains(key);
    let text = |key: &str| if has(key) { item.text(key).map(Some) } else { Ok(None) };
    let flag = |key: &str| if has(key) { item.value(key, truth).map(Some) } else { Ok(None) };
    Ok(Change {
        source: if has("condition") { source.to_owned() } else { String::new() },
        condition: text("condition")?,
        output: text("output")?,
        desc: text("desc")?,
        tags: if has("tags") { item.texts("tags")?.map(|tags| tags.into_iter().collect()) } else { None },
        exceptions: if has("exceptions") { Some(exceptions(item, append, notes)?) } else { None },
        priority: if has("priority") { Some(priority(item)?) } else { None },
        enabled: flag("enabled")?,
        warn_evttypes: flag("warn_evttypes")?,
        skip_if_unknown_filter: flag("skip-if-unknown-filter")?,
        capture: flag("capture")?,
        capture_duration_ms: match has("capture_duration") {
            true => Some(item.value("capture_duration", number)?),
            false => None,
        },
    })
}

fn exceptions<'n>(item: Item<'n>, append: bool, notes: &mut Notes<'n>) -> Taken<'n, Vec<Exception>> {
    let mut exceptions: Vec<Exception> = Vec::new();
    let Some(node) = item.get("exceptions").filter(|node| node.content != Content::Null) else {
        return Ok(exceptions);
    };
    let Content::List(nodes) = &node.content else {
        return refuse(node, "Rule exceptions must be a sequence");
    };
    for node in nodes {
        let Some(item) = Item::of(node) else { return refuse(node, "Rule exception must be a mapping") };
        let name = item.text("name")?;
        if exceptions.iter().any(|other| other.name == name) {
            let message = format!("Multiple definitions of exception '{name}' in the same rule");
            notes.doubt(Code::ExceptionNameNotUnique, message, Some(node));
        }
        let fields = match item.get("fields") {
            Some(node) => Some(entry(node)?),
            None if append => None,
            None => return refuse(node, "Item has no mapping for key 'fields'"),
        };
        let comps = item.get("comps").map(entry).transpose()?;
        let values = match item.get("values").map(|node| (node, &node.content)) {
            Some((_, Content::List(values))) => values.iter().map(entry).collect::<Result<_, _>>()?,
            Some((node, _)) => return refuse(node, "Rule exception values must be a sequence"),
            None => {
                if append {
                    let message = "Overriding/appending exception with no values";
                    notes.doubt(Code::AppendNoValues, message, Some(node));
                }
                Vec::new()
            }
        };
        exceptions.push(Exception { name, fields, comps, values });
    }
    Ok(exceptions)
}

fn entry(node: &Node) -> Taken<'_, Entry> {
    match &node.content {
        Content::List(items) => items.iter().map(entry).collect::<Result<_, _>>().map(Entry::List),
        Content::Text(text) if text.is_empty() => refuse(node, "Value must be non-empty"),
        Content::Map(_) => refuse(node, "Could not decode scalar value"),
        _ => Ok(Entry::One(text(node).unwrap_or_default())),
    }
}
