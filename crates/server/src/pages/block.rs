//! The switch that would block what an alert is about, made of the alert's labels.

use lanner_core::{Labels, content};
use lanner_page::alert::Block;
use serde_json::{Map, Value};

use crate::switches::labelled::{includes, read, test};

/// Labels that an id has room for, and the characters of each name and value: fewer than 200 in all.
const MAX_LABELS: usize = 3;
const MAX_NAME: usize = 16;
const MAX_VALUE: usize = 40;

/// The switch that would block what has these labels; `None` where it would block everything, or nothing: no condition is
/// true of a list or an object.
pub(super) fn block_of(group: &Labels) -> Option<Block> {
    let known: Vec<(&str, &str)> = group.iter().filter(|(_, value)| !value.is_empty()).collect();
    let is_nested = |(_, value): &(&str, &str)| matches!(read(value), Value::Array(_) | Value::Object(_));
    if known.is_empty() || known.iter().any(is_nested) {
        return None;
    }
    let condition = known.iter().map(|(name, value)| test(name, value)).collect::<Vec<_>>().join(" and ");
    let what = known.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    let fields = known.iter().map(|(name, _)| (*name).to_owned()).collect();
    Some(Block { id: id(&known, &condition), condition, fields, what })
}

/// Whether a switch with this condition blocks just what has these labels: by the same test of each, as the switches do that
/// alerts activate, and perhaps by more tests.
pub(super) fn blocks_just(when: &Value, group: &Labels) -> bool {
    let tests: Vec<String> =
        group.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| test(name, value)).collect();
    includes(when, &tests)
}

/// One context with the labels as text, and one with what they were before, where that is something else. None without labels.
pub(super) fn contexts(group: &Labels) -> Vec<Map<String, Value>> {
    if group.is_empty() {
        return Vec::new();
    }
    let context = |value: fn(&str) -> Value| -> Map<String, Value> {
        group.iter().map(|(name, text)| (name.to_owned(), value(text))).collect()
    };
    let mut contexts = vec![context(|text| Value::from(text)), context(read)];
    contexts.dedup();
    contexts
}

/// `block-bank.hsbc`: the labels, where they fit as they are, and else as much of them as fits, and a hash of the
/// condition. Two conditions have two ids: the parts are even in number, or odd with the hash, and no part holds a dot.
fn id(known: &[(&str, &str)], condition: &str) -> String {
    let part = |text: &str, most: usize| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        text.chars().map(|c| if is_plain(c) { c } else { '-' }).take(most).collect::<String>()
    };
    let shown =
        known.iter().take(MAX_LABELS).map(|(name, value)| (part(name, MAX_NAME), part(value, MAX_VALUE)));
    let shown: Vec<(String, String)> = shown.collect();
    let is_whole =
        shown.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(known.iter().copied());
    let mut parts: Vec<String> = shown.into_iter().flat_map(|(name, value)| [name, value]).collect();
    if !is_whole {
        parts.extend(content::sha256(condition.as_bytes()).get(..12).map(str::to_owned));
    }
    format!("block-{}", parts.join("."))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lanner_conditions::{Condition, Missing};
    use lanner_core::Group;
    use lanner_engine::stream::label;
    use serde_json::json;

    use super::*;

    fn block(labels: &[(&str, &str)]) -> Option<Block> {
        let by: Vec<String> = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
        block_of(Group::of(&by, Labels::new(labels.iter().copied())).labels())
    }

    #[test]
    fn what_an_alert_is_about_becomes_a_condition() {
        #[track_caller]
        fn check(labels: &[(&str, &str)], expected: Option<(&str, &str)>) {
            let block = block(labels);
            assert_eq!(block.as_ref().map(|it| (it.id.as_str(), it.condition.as_str())), expected);
        }
        check(&[("bank", "hsbc")], Some(("block-bank.hsbc", "bank == \"hsbc\"")));
        check(
            &[("country", "uk"), ("bank", "h \"s\" bc")],
            Some((
                "block-bank.h--s--bc.country.uk.2211793ac959",
                "bank == \"h \\\"s\\\" bc\" and country == \"uk\"",
            )),
        );
        check(&[("port", "80")], Some(("block-port.80", "port in (\"80\", 80)")));
        check(&[("bank", "")], None);
        check(&[("path", "[\"a\"]")], None);
        check(&[], None);
    }

    #[test]
    fn switches_of_alerts_block_just_that() {
        let labels = Labels::new([("bank", "hsbc"), ("port", "80")]);
        let check = |when: Value| blocks_just(&when, &labels);
        let tests = ["bank == \"hsbc\"", "port in (\"80\", 80)"];
        assert!(check(json!(tests.join(" and "))));
        assert!(check(json!(["bank exists", tests[0], tests[1]])));
        assert!(!check(json!(["bank exists", tests[0]])));
        assert!(!check(json!("bank == \"ing\"")));
        assert!(!check(Value::Null));
    }

    /// Labels that are alike once they are cut, and told apart by nothing but a mark.
    #[test]
    fn no_two_conditions_share_an_id() {
        let long = "a".repeat(60);
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        let four = |last| [("a", "1"), ("b", "2"), ("c", "3"), ("d", last)];
        let groups: [&[(&str, &str)]; 17] = [
            &[("k", "中国")],
            &[("k", "日本")],
            &[("k", "--")],
            &[("k", "a b")],
            &[("k", "a-b")],
            &[("k", "a\nb")],
            &[("k", "a.b")],
            &[("k", "a"), ("b", "c")],
            &[("k.a", "b")],
            &[("k-a", "b")],
            &[("k", &one)],
            &[("k", &other)],
            &[(&one, "x")],
            &[(&other, "x")],
            &four("4"),
            &four("5"),
            &[("a", "1"), ("b", "2"), ("c", "3")],
        ];
        let blocks: Vec<Block> = groups.iter().filter_map(|labels| block(labels)).collect();
        let ids: HashSet<&str> = blocks.iter().map(|block| block.id.as_str()).collect();
        assert_eq!((blocks.len(), ids.len()), (groups.len(), groups.len()), "{ids:?}");
        for id in ids {
            assert!(
                id.len() <= 200 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
                "{id}"
            );
        }
    }

    /// An event's field becomes a label, the label a condition, and the condition is true of the field.
    #[test]
    fn what_was_counted_is_what_is_blocked() {
        for value in [
            json!("hsbc"),
            json!("80"),
            json!(80),
            json!(-5),
            json!(80.0),
            json!(0.1),
            json!(1e21),
            json!(u64::MAX),
            json!(true),
            json!("false"),
            json!("080"),
            json!("1e5"),
            json!("null"),
            json!("中国"),
            json!("a\t\"b\"\\\n\r\0"),
            json!("'"),
            json!("-"),
        ] {
            for name in ["k", "card.bank", "odd key", "in", "user-agent"] {
                let block = block(&[(name, &label(Some(&value)))]).unwrap();
                let condition = Condition::compile(&block.condition);
                let condition = condition.unwrap_or_else(|why| panic!("{}: {why:?}", block.condition));
                let context = json!({ name: value });
                let fields = context.as_object().unwrap();
                assert!(condition.matches(fields, Missing::Kleene), "{} of {context}", block.condition);
                assert!(!condition.matches(&Map::new(), Missing::Kleene), "{}", block.condition);
            }
        }
    }
}
