//! Texts of XML: attributes, entities that everybody knows, and what was wrong with texts.

use quick_xml::events::BytesStart;

/// What was repaired while reading.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Warnings {
    /// Texts with characters that XML forbids, which were removed.
    pub(crate) control: u64,
    /// Texts with bytes that are not of the declared encoding, each replaced by U+FFFD.
    pub(crate) encoding: u64,
}

pub(super) fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Attributes of a tag, unescaped, one after the other.
pub(super) fn attributes(tag: &BytesStart<'_>, mut take: impl FnMut(&str, &str)) -> Result<(), String> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute =
            attribute.map_err(|error| format!("attribute of <{}>: {error}", tag.name().as_ref()))?;
        let raw: &str = attribute.value.as_ref();
        match quick_xml::escape::unescape(raw) {
            Ok(value) => take(attribute.key.as_ref(), &value),
            Err(error) => return Err(format!("attribute {}: {error}", attribute.key.as_ref())),
        }
    }
    Ok(())
}
