//! VEX: statements of vendors and of one's own people that a vulnerability does or does not affect a product. Read are
//! OpenVEX and the analyses in CycloneDX; both are also [written](crate::write).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ReadError;
use crate::finding::{Finding, add_ids};
use crate::json::{items, text, texts};
use crate::when::time_ms;

/// The largest document: statements are written by people.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    /// The product is not affected.
    NotAffected,
    /// It is.
    Affected,
    /// This version is not affected any more.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// As OpenVEX writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether findings are to be set aside.
    #[must_use]
    pub fn suppresses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// One statement about one vulnerability in one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// A CVE or another id, in upper case.
    pub vulnerability: String,
    /// A package URL with or without version, or a name; empty for every product.
    #[serde(default)]
    pub product: String,
    /// What is said.
    pub status: VexStatus,
    /// Why, in the words of the format or of people.
    #[serde(default)]
    pub justification: String,
    /// Who says so.
    #[serde(default)]
    pub author: String,
    /// When it was said, in milliseconds since 1970.
    #[serde(default)]
    pub at_ms: Option<i64>,
}

impl Statement {
    /// Whether the statement is about a finding: the vulnerability is among its ids, and the product is its component, or the
    /// image or repository that was scanned.
    #[must_use]
    pub fn is_about(&self, finding: &Finding) -> bool {
        let vulnerability = finding.ids.contains(&self.vulnerability) || finding.check == self.vulnerability;
        vulnerability && (self.product.is_empty() || self.is_product(finding))
    }

    fn is_product(&self, finding: &Finding) -> bool {
        let host = finding.host.target == self.product || product_name(&self.product) == finding.host.target;
        let component = finding.component.as_ref().is_some_and(|component| {
            let without_version =
                |purl: &str| purl.split(['@', '?', '#']).next().unwrap_or_default().to_owned();
            let versioned = self.product.contains('@');
            let purl = if versioned {
                component.purl.split(['?', '#']).next() == self.product.split(['?', '#']).next()
            } else {
                !component.purl.is_empty() && without_version(&component.purl) == self.product
            };
            purl || component.name == self.product
        });
        host || component
    }
}

fn product_name(product: &str) -> &str {
    let path =
        product.strip_prefix("pkg:oci/").or_else(|| product.strip_prefix("pkg:docker/")).unwrap_or_default();
    path.split(['@', '?']).next().unwrap_or_default()
}

/// Reads a document of OpenVEX or CycloneDX.
///
/// # Errors
/// - [`ReadError::Malformed`] if the text is no JSON, is too large, or holds a status that does not exist.
/// - [`ReadError::Unknown`] if it is neither format.
pub fn read_vex(bytes: &[u8]) -> Result<Vec<Statement>, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(malformed(format!("larger than {MAX_BYTES} bytes")));
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    if text(&document, &["bomFormat"]) == "CycloneDX" {
        return Ok(cyclonedx(&document));
    }
    if text(&document, &["@context"]).contains("openvex") {
        return openvex(&document);
    }
    let known = "OpenVEX, CycloneDX JSON".to_owned();
    Err(ReadError::Unknown { found: "neither @context nor bomFormat names a kind of VEX".to_owned(), known })
}

fn malformed(problem: String) -> ReadError {
    ReadError::Malformed { at: "VEX".to_owned(), problem }
}

fn openvex(document: &Value) -> Result<Vec<Statement>, ReadError> {
    let author = text(document, &["author"]);
    let mut statements = Vec::new();
    for (at, entry) in items(document, &["statements"]).enumerate() {
        let status = text(entry, &["status"]);
        let status = status_of(&status)
            .ok_or_else(|| malformed(format!("statements[{at}].status: unknown status {status:?}")))?;
        let name = [text(entry, &["vulnerability", "name"]), text(entry, &["vulnerability"])];
        let why = [
            text(entry, &["justification"]),
            text(entry, &["impact_statement"]),
            text(entry, &["action_statement"]),
        ];
        let statement = Statement {
            vulnerability: vulnerability(&name.concat()),
            product: String::new(),
            status,
            justification: why.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": "),
            author: author.clone(),
            at_ms: time_ms(&text(entry, &["timestamp"])).or_else(|| time_ms(&text(document, &["timestamp"]))),
        };
        statements.extend(for_products(entry, &statement));
    }
    Ok(statements)
}

/// A statement per product, or per component of a product where these are named.
fn for_products(entry: &Value, statement: &Statement) -> Vec<Statement> {
    let name = |product: &Value| {
        let named = [
            text(product, &["identifiers", "purl"]),
            text(product, &["@id"]),
            product.as_str().unwrap_or_default().to_owned(),
        ];
        named.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
    };
    let mut names: Vec<String> = Vec::new();
    for product in items(entry, &["products"]) {
        let components: Vec<String> = items(product, &["subcomponents"]).map(name).collect();
        names.extend(if components.is_empty() { vec![name(product)] } else { components });
    }
    if names.is_empty() {
        names.push(String::new());
    }
    names.into_iter().map(|product| Statement { product, ..statement.clone() }).collect()
}

fn status_of(text: &str) -> Option<VexStatus> {
    Some(match text {
        "not_affected" | "false_positive" => VexStatus::NotAffected,
        "affected" | "exploitable" => VexStatus::Affected,
        "fixed" | "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
        "under_investigation" | "in_triage" => VexStatus::UnderInvestigation,
        _ => return None,
    })
}

fn vulnerability(name: &str) -> String {
    let mut ids = Vec::new();
    add_ids(&mut ids, name);
    ids.pop().unwrap_or_else(|| name.trim().to_ascii_uppercase())
}

/// Analyses; vulnerabilities without one say nothing.
fn cyclonedx(document: &Value) -> Vec<Statement> {
    let author = texts(document, &["metadata", "authors"]).join(", ");
    let at_ms = time_ms(&text(document, &["metadata", "timestamp"]));
    let mut statements = Vec::new();
    for entry in items(document, &["vulnerabilities"]) {
        let Some(status) = status_of(&text(entry, &["analysis", "state"])) else { continue };
        let why = [text(entry, &["analysis", "justification"]), text(entry, &["analysis", "detail"])];
        let statement = Statement {
            vulnerability: vulnerability(&text(entry, &["id"])),
            product: String::new(),
            status,
            justification: why.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": "),
            author: author.clone(),
            at_ms: time_ms(&text(entry, &["analysis", "lastUpdated"])).or(at_ms),
        };
        let products: Vec<String> =
            items(entry, &["affects"]).map(|affected| purl(document, &text(affected, &["ref"]))).collect();
        let products = if products.is_empty() { vec![String::new()] } else { products };
        statements.extend(products.into_iter().map(|product| Statement { product, ..statement.clone() }));
    }
    statements
}

/// What a reference stands for: a component of the document, or what the reference itself names.
fn purl(document: &Value, reference: &str) -> String {
    let component =
        items(document, &["components"]).find(|component| text(component, &["bom-ref"]) == reference);
    let named = component.map(|component| [text(component, &["purl"]), text(component, &["name"])]);
    let named = named.into_iter().flatten().find(|name| !name.is_empty());
    named.unwrap_or_else(|| reference.find("pkg:").map_or(reference, |start| &reference[start..]).to_owned())
}
