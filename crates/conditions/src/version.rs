//! Versions, as semver.org has them (2.0.0): what `semver(version) < "1.10.0"` compares.
//!
//! A version becomes a text whose bytes are in order exactly when the versions are, so that everything that compares
//! texts compares versions.

use std::borrow::Cow;

use crate::expr::{EachOp, Right, Set};
use crate::operand::{Call, Operand};
use crate::schema::{Complaint, Side};
use crate::{Function, Literal, Op, Predicate};

/// Longer texts are no versions.
const MAX_VERSION_BYTES: usize = 256;

/// How numbers, words and ends of a version begin: a version before its release (`-rc.1`) comes before the release, a
/// number before a word, and fewer parts before more.
mod mark {
    pub(super) const END: char = '\u{0}';
    pub(super) const PRE_RELEASE: char = '\u{1}';
    pub(super) const NUMBER: char = '\u{2}';
    pub(super) const WORD: char = '\u{3}';
    pub(super) const RELEASE: char = '\u{4}';
}

/// The version that a text is, as a text that is in order with those of others; `None` if it is none.
///
/// A `v` may stand before it, and the last parts may be missing: `v1.2` is `1.2.0`. Numbers may be of any size. What
/// follows a `+` does not matter.
pub(crate) fn version_key(text: &str) -> Option<String> {
    if text.len() > MAX_VERSION_BYTES {
        return None;
    }
    let (version, build) = split(text.strip_prefix(['v', 'V']).unwrap_or(text), '+');
    let (release, pre_release) = split(version, '-');
    let parts: Vec<&str> = release.split('.').collect();
    let is_short = parts.len() < 3;
    if parts.len() > 3 || is_short && (build.is_some() || pre_release.is_some()) {
        return None;
    }
    let mut key = String::with_capacity(text.len() + 8);
    for part in parts.into_iter().chain(["0", "0"]).take(3) {
        push_number(part, &mut key)?;
    }
    if build.is_some_and(|build| !build.split('.').all(is_word)) {
        return None;
    }
    match pre_release {
        None => key.push(mark::RELEASE),
        Some(words) => {
            key.push(mark::PRE_RELEASE);
            words.split('.').try_for_each(|word| push_word(word, &mut key))?;
        }
    }
    Some(key)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Digits by their number, then by themselves.
fn push_number(digits: &str, key: &mut String) -> Option<()> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    key.push(char::from_u32(digits.len() as u32)?);
    key.push_str(digits);
    Some(())
}

fn push_word(word: &str, key: &mut String) -> Option<()> {
    if !is_word(word) {
        return None;
    }
    if word.bytes().all(|digit| digit.is_ascii_digit()) {
        key.push(mark::NUMBER);
        return push_number(word, key);
    }
    key.extend([mark::WORD]);
    key.push_str(word);
    key.push(mark::END);
    Some(())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The version that a text or a whole number is; of `1.10` as a number the last digit would be lost.
fn literal_key(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => version_key(text),
        Literal::Number(number) => {
            version_key(&number.to_string()).filter(|_| !number.to_string().contains('.'))
        }
        _ => None,
    }
}

/// Whether `operand` makes versions.
pub(crate) fn is_version(operand: &Operand) -> bool {
    matches!(operand, Operand::Call(call) if is_version_call(call))
}

const fn is_version_call(call: &Call) -> bool {
    matches!(call.function, Function::Semver)
}

/// The operator with the versions on its right in place of their texts.
pub(crate) fn with_keys<'o>(left: &Operand, op: &'o Op) -> Cow<'o, Op> {
    if !is_version(left) {
        return Cow::Borrowed(op);
    }
    let key = |literal: &Literal| literal_key(literal).map_or_else(|| literal.clone(), Literal::Text);
    let keys = |items: &[Literal]| Set::Items(items.iter().map(key).collect());
    Cow::Owned(match op {
        Op::Compare(comparison, Right::Literal(literal)) => {
            Op::Compare(*comparison, Right::Literal(key(literal)))
        }
        Op::In(Set::Items(items)) => Op::In(keys(items)),
        Op::NotIn(Set::Items(items)) => Op::NotIn(keys(items)),
        Op::Each(quantifier, tests) => {
            let each = |test: &EachOp| match test {
                EachOp::Compare(comparison, literal) => EachOp::Compare(*comparison, key(literal)),
                other => other.clone(),
            };
            Op::Each(*quantifier, tests.iter().map(each).collect())
        }
        other => return Cow::Owned(other.clone()),
    })
}

/// What is wrong with a test of versions, if anything is: they are compared with versions, and with nothing else.
pub(crate) fn complaint(predicate: &Predicate) -> Option<Complaint> {
    let Predicate { left, op } = predicate;
    let right = op.right_operand();
    if !is_version(left) {
        let right = right.filter(|right| is_version(right))?;
        let message = format!("`{right}` is a version, `{left}` is not");
        return Some(Complaint { side: Side::Left, message, hint: format!("write semver({left})") });
    }
    let no_version = |literal: &Literal| literal_key(literal).is_none();
    let wrong = match op {
        Op::Truthy | Op::Exists => None,
        Op::Compare(_, Right::Operand(right)) if is_version(right) => None,
        Op::Compare(_, Right::Literal(literal)) => no_version(literal).then_some(literal),
        Op::In(Set::Items(items)) | Op::NotIn(Set::Items(items)) => {
            items.iter().find(|item| no_version(item))
        }
        Op::Each(_, tests) => {
            let other = tests.iter().find(|test| !matches!(test, EachOp::Compare(..)));
            if other.is_some() {
                return Some(only_compared(left));
            }
            tests.iter().find_map(|test| match test {
                EachOp::Compare(_, literal) => no_version(literal).then_some(literal),
                _ => None,
            })
        }
        _ => return Some(only_compared(left)),
    };
    let hint = "write a text such as \"1.10.0\"".to_owned();
    wrong.map(|literal| Complaint { side: Side::Right, message: format!("{literal} is not a version"), hint })
}

fn only_compared(left: &Operand) -> Complaint {
    let hint = format!("write for example {left} < \"1.10.0\"");
    Complaint { side: Side::Left, message: format!("`{left}` can only be compared with versions"), hint }
}

/// What is hardly meant: a text that looks like a version, put in order with others as a text.
pub(crate) fn warning(predicate: &Predicate) -> Option<String> {
    let Predicate { left, op } = predicate;
    let Op::Compare(comparison, Right::Literal(Literal::Text(text))) = op else { return None };
    let is_meant = is_version(left) || !comparison.is_order();
    if is_meant || !text.contains('.') || version_key(text).is_none() {
        return None;
    }
    let symbol = comparison.symbol();
    Some(format!(
        "`{predicate}` compares texts, of which \"1.9\" comes after \"1.10\"; \
         semver({left}) {symbol} \"{text}\" compares versions"
    ))
}

#[cfg(test)]
mod tests {
    use super::version_key;

    #[test]
    fn versions_in_order() {
        // The order of semver.org, section 11, and more.
        let rising = [
            "0.0.0-0",
            "0.0.0",
            "0.9.0",
            "0.10",
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0--",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-alpha-b",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0-rc.1.0",
            "1",
            "1.0.1",
            "1.2",
            "1.9.9",
            "1.10.0",
            "2.0.0",
            "10.0.0",
            "99999999999999999999.0.0",
            "100000000000000000000.0.0",
        ];
        let keys: Vec<String> = rising.iter().map(|text| version_key(text).unwrap()).collect();
        for (pair, names) in keys.windows(2).zip(rising.windows(2)) {
            assert!(pair[0] < pair[1], "{names:?}");
        }
    }

    #[test]
    fn versions_that_are_equal() {
        #[track_caller]
        fn check(a: &str, b: &str) {
            assert_eq!(version_key(a).unwrap(), version_key(b).unwrap(), "{a} {b}");
        }
        check("1", "1.0.0");
        check("v1.2", "1.2.0");
        check("V1.2.3", "v1.2.3");
        check("1.0.0+build.7", "1.0.0");
        check("1.0.0-rc.1+x", "1.0.0-rc.1");
    }

    #[test]
    fn texts_that_are_no_versions() {
        for text in [
            "",
            "v",
            "x",
            "1.",
            ".1",
            "1.2.3.4",
            "1.02",
            "01.2.3",
            "1.2-rc",
            "1.2+b",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3+a_b",
            "1.2.3-ä",
            " 1.2.3",
            "vv1",
            "1e5",
            "-1",
            "+1",
            "1,2",
            "latest",
        ] {
            assert_eq!(version_key(text), None, "{text}");
        }
        assert_eq!(version_key(&"1".repeat(257)), None);
    }
}
