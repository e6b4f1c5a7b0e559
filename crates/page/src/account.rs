//! One's own account: who one is here, what one may do, and another password.

use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::link;

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// What one may do.
    pub scopes: Vec<String>,
    /// Whether one signed in with a password.
    pub has_password: bool,
    /// The provider that said who one is.
    pub provider: Option<String>,
    /// Whether the password was changed just now.
    pub is_changed: bool,
    /// What was wrong with what was sent.
    pub problem: Option<String>,
}

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, account: &Account) -> String {
    frame::page(
        visitor,
        Section::More,
        &visitor.name,
        None,
        &html! {
            h1 { (visitor.name) }
            p { "Changes that you make carry this name. You may: " (account.scopes.join(", ")) "." }
            @if visitor.may_administer && visitor.is_signed_in {
                h2 { "API and command line" }
                p { "Programs show tokens, not passwords. " a href=(token_of(visitor)) { "Make a token for yourself" } ", or see " a href="/access" { "all users and tokens" } "." }
            }
            h2 { "Password" }
            @if account.is_changed { p.notice role="status" { "Your password was changed. You are signed out everywhere else." } }
            @if account.has_password { (form(visitor, account.problem.as_deref())) }
            @else if let Some(provider) = &account.provider { p { "You signed in through " (provider) ", which keeps your password and says which groups you are in." } (frame::complaint(account.problem.as_deref())) }
            @else { p { "You did not sign in with a password. An administrator gives people a name and a password with " code { "lanner user add NAME --scope read,operate" } "." } (frame::complaint(account.problem.as_deref())) }
        },
    )
}

/// The form for a token of the same name: in the audit, both are one person.
fn token_of(visitor: &Visitor) -> String {
    link(&["access"], &[("token", &visitor.name), ("scope", "admin")]) + "#tokens"
}

fn form(visitor: &Visitor, problem: Option<&str>) -> Markup {
    html! {
        (frame::complaint(problem))
        form method="post" action="/account/password" {
            (frame::token(visitor))
            // Browsers that keep passwords want to know whose it is.
            input type="text" name="username" value=(visitor.name) autocomplete="username" hidden;
            label for="old" { "Present password" }
            input #old type="password" name="old" autocomplete="current-password" required;
            label for="new" { "New password, at least 12 characters" }
            input #new type="password" name="new" autocomplete="new-password" minlength="12" maxlength="256" required;
            label for="again" { "The new one again" }
            input #again type="password" name="again" autocomplete="new-password" required;
            button { "Change it" }
            p { "You are signed out everywhere else." }
        }
    }
}
