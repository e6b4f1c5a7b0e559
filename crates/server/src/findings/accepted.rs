//! Findings that are set aside: accepted risks, and what VEX says does not affect. Each has an author, a reason and an end, and
//! is kept as a document, with versions and audit.

use lanner_conditions::{Condition, Missing};
use lanner_core::Cause;
use lanner_io::state::{DocumentBatch, DocumentChange, StoredDocument};
use lanner_io::store::StoreError;
use lanner_vuln::Statement;
use lanner_wire::api::{AcceptanceView, NewAcceptance, ProblemView, Time};
use serde::{Deserialize, Serialize};

use super::service::FindingService;
use super::view::Shown;

/// The kind of documents that these decisions are.
pub(crate) const KIND: &str = "accepted_risk";

/// A decision as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Acceptance {
    #[serde(default)]
    condition: String,
    #[serde(default)]
    statement: Option<Statement>,
    reason: String,
    author: String,
    until: Time,
}

/// Keeps a decision.
///
/// # Errors
/// Every problem in it; failures of the store.
pub(crate) fn add(
    service: &FindingService,
    actor: &str,
    new: NewAcceptance,
) -> Result<Result<AcceptanceView, Vec<ProblemView>>, StoreError> {
    let now_ms = service.now_ms();
    let acceptance = match check(new, actor, now_ms) {
        Ok(acceptance) => acceptance,
        Err(problems) => return Ok(Err(problems)),
    };
    let document = serde_json::to_value(&acceptance)?;
    // Equal decisions are one: a VEX document that comes again changes nothing.
    let identity = format!("{}/{:?}/{}", acceptance.condition, acceptance.statement, acceptance.author);
    let id = lanner_core::alert::fingerprint(&identity, &lanner_core::Labels::default());
    let changes = vec![DocumentChange { id: id.clone(), document: Some(document) }];
    let batch = DocumentBatch { kind: KIND.to_owned(), message: acceptance.reason.clone(), changes };
    service.state.save_batches(actor, &Cause::Person, now_ms, vec![batch], Vec::new())?.wait()?;
    Ok(Ok(view(id, &acceptance, now_ms)))
}

fn check(new: NewAcceptance, actor: &str, now_ms: i64) -> Result<Acceptance, Vec<ProblemView>> {
    let mut problems = Vec::new();
    let statement =
        new.statement.map(serde_json::from_value::<Statement>).transpose().unwrap_or_else(|error| {
            problems.push(ProblemView::at("statement", error.to_string()));
            None
        });
    match (new.condition.is_empty(), &statement) {
        (true, None) if problems.is_empty() => {
            problems.push(ProblemView::at(
                "condition",
                "is missing; write for example check == \"42873\"".to_owned(),
            ));
        }
        (false, Some(_)) => {
            problems.push(ProblemView::at("condition", "and statement cannot both be given".to_owned()));
        }
        (false, None) => {
            let wrong = Condition::compile(&new.condition).err().unwrap_or_default();
            problems.extend(wrong.iter().map(|problem| ProblemView::at("condition", problem.to_string())));
        }
        _ => {}
    }
    if new.reason.trim().is_empty() {
        problems.push(ProblemView::at("reason", "is empty; say why these findings may stay".to_owned()));
    }
    if new.until.0 <= now_ms {
        problems.push(ProblemView::at("until", "has passed".to_owned()));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let author = new.author.unwrap_or_else(|| actor.to_owned());
    Ok(Acceptance { condition: new.condition, statement, reason: new.reason, author, until: new.until })
}

/// All decisions, those that end last first.
///
/// # Errors
/// Failures of the store.
pub(crate) fn list(service: &FindingService) -> Result<Vec<AcceptanceView>, StoreError> {
    let now_ms = service.now_ms();
    let mut views: Vec<AcceptanceView> =
        stored(service)?.into_iter().map(|(id, acceptance)| view(id, &acceptance, now_ms)).collect();
    views.sort_by(|a, b| b.until.cmp(&a.until).then_with(|| a.id.cmp(&b.id)));
    Ok(views)
}

/// Ends a decision; whether there was one.
///
/// # Errors
/// Failures of the store.
pub(crate) fn end(service: &FindingService, actor: &str, id: &str) -> Result<bool, StoreError> {
    if service.state.documents_of(KIND, &[id])?.iter().all(|stored| stored.document.is_none()) {
        return Ok(false);
    }
    let changes = vec![DocumentChange { id: id.to_owned(), document: None }];
    let batch = DocumentBatch { kind: KIND.to_owned(), message: "ended".to_owned(), changes };
    service.state.save_batches(actor, &Cause::Person, service.now_ms(), vec![batch], Vec::new())?.wait()?;
    Ok(true)
}

fn stored(service: &FindingService) -> Result<Vec<(String, Acceptance)>, StoreError> {
    let read = |stored: StoredDocument| Some((stored.id, serde_json::from_value(stored.document?).ok()?));
    Ok(service.state.documents(KIND)?.into_iter().filter_map(read).collect())
}

fn view(id: String, acceptance: &Acceptance, now_ms: i64) -> AcceptanceView {
    AcceptanceView {
        id,
        condition: acceptance.condition.clone(),
        statement: acceptance.statement.as_ref().and_then(|statement| serde_json::to_value(statement).ok()),
        reason: acceptance.reason.clone(),
        author: acceptance.author.clone(),
        until: acceptance.until,
        in_force: acceptance.until.0 > now_ms,
    }
}

/// Decisions in force, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Accepted(Vec<(AcceptanceView, Test)>);

#[derive(Debug)]
enum Test {
    Condition(Condition),
    Statement(Statement),
}

/// Those in force now.
///
/// # Errors
/// Failures of the store.
pub(crate) fn in_force(service: &FindingService) -> Result<Accepted, StoreError> {
    let now_ms = service.now_ms();
    let mut accepted = Vec::new();
    for (id, acceptance) in stored(service)? {
        let shown = view(id, &acceptance, now_ms);
        let test = match acceptance.statement {
            Some(statement) if statement.status.suppresses() => Some(Test::Statement(statement)),
            Some(_) => None,
            None => Condition::compile(&acceptance.condition).ok().map(Test::Condition),
        };
        accepted.extend(test.filter(|_| shown.in_force).map(|test| (shown, test)));
    }
    Ok(Accepted(accepted))
}

impl Accepted {
    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The decision that sets a finding aside.
    #[must_use]
    pub(crate) fn of(&self, shown: &Shown) -> Option<&AcceptanceView> {
        let holds = |test: &Test| match test {
            Test::Condition(condition) => condition.matches(&shown.fields, Missing::False),
            Test::Statement(statement) => statement.is_about(&shown.finding),
        };
        self.0.iter().find(|(_, test)| holds(test)).map(|(view, _)| view)
    }
}
