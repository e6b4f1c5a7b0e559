//! Who comes in: users and tokens, what each may do, and the forms that change that.

use lanner_wire::api::{TokenView, UserView};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, count, link};

/// What a person or a program may do, and what that means.
const SCOPES: [(&str, &str); 5] = [
    ("read", "see everything but secrets; pages need it"),
    ("operate", "silence, switch on and off, approve, label"),
    ("ingest", "write samples and events"),
    ("evaluate", "ask kill switches and models"),
    ("admin", "everything, users and tokens included"),
];

/// A secret that was made, and is shown this once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// The password of a user.
    Password {
        /// Whose.
        name: String,
        /// The password; `None` where whoever asked chose it.
        password: Option<String>,
    },
    /// A token.
    Token {
        /// Its name.
        name: String,
        /// The token.
        token: String,
    },
}

/// What was typed into the forms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Users and tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// People with passwords.
    pub users: Vec<UserView>,
    /// Tokens.
    pub tokens: Vec<TokenView>,
    /// Whether everybody on this machine may do everything.
    pub is_open: bool,
    /// What was made just now.
    pub made: Option<Made>,
    /// The user that was to be added.
    pub user: Draft,
    /// The token that was to be made.
    pub token: Draft,
    /// What was wrong with what was sent.
    pub problem: Option<String>,
}

/// The lists, with a form below each.
#[must_use]
pub fn page(visitor: &Visitor, access: &Access) -> String {
    frame::page(
        visitor,
        Section::More,
        "Users and tokens",
        None,
        &html! {
            h1 { "Users and tokens" }
            (frame::complaint(access.problem.as_deref()))
            @if let Some(made) = &access.made { (shown_once(made)) }
            @if access.is_open {
                p.notice { "Everybody on this machine may do everything. From the first user or token on, everybody has to say who they are; the first one needs " code { "admin" } "." }
            }
            h2 #users { "Users" small { (count(access.users.len(), "person")) " with a password for these pages" } }
            @if !access.users.is_empty() { (users(&access.users, visitor.now_ms)) }
            (new_user(visitor, &access.user))
            h2 #tokens { "Tokens" small { (count(access.tokens.len(), "token")) " for programs, the API and the command line" } }
            @if !access.tokens.is_empty() { (tokens(visitor, &access.tokens)) }
            (new_token(visitor, &access.token))
        },
    )
}

fn shown_once(made: &Made) -> Markup {
    let (what, name, secret) = match made {
        Made::Password { name, password: Some(password) } => ("The password of ", name, password),
        Made::Token { name, token } => ("The token ", name, token),
        Made::Password { name, password: None } => {
            return html! { p.notice role="status" { b { (name) } " can sign in with the password that you chose." } };
        }
    };
    html! {
        div.notice role="status" {
            p { (what) b { (name) } ". It is shown this once:" }
            pre.secret tabindex="0" { (secret) }
        }
    }
}

fn users(users: &[UserView], now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "User" } th scope="col" { "May" } th scope="col" { "Changed" } th scope="col" { "By" } th scope="col" { "Last signed in" } } }
            tbody { @for user in users { tr {
                th scope="row" { a href=(link(&["access", "users", &user.name], &[])) { (user.name) } }
                td { (user.scopes.join(", ")) }
                td { (ago(user.changed, now_ms)) " ago" } td { (user.changed_by) }
                td { @match user.last_signed_in { Some(at) => { (ago(at, now_ms)) " ago" } None => { i { "not since the start" } } } }
            } } }
        } }
    }
}

fn tokens(visitor: &Visitor, tokens: &[TokenView]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Token" } th scope="col" { "May" } th scope="col" { "Made" } th scope="col" { "By" } th scope="col" { "Last used" } th scope="col" { "Revoke" } } }
            tbody { @for token in tokens { tr {
                th scope="row" { (token.name) }
                td { (token.scopes.join(", ")) }
                td { (ago(token.created, visitor.now_ms)) " ago" } td { (token.created_by) }
                td { @match token.last_used { Some(at) => { (ago(at, visitor.now_ms)) " ago" } None => { i { "not since the start" } } } }
                td { (revoke(visitor, &token.name)) }
            } } }
        } }
    }
}

/// Two steps, also without a script: what is revoked by a slip is gone for every program that has it.
fn revoke(visitor: &Visitor, name: &str) -> Markup {
    html! {
        details {
            summary aria-label={ "Revoke " (name) } { "Revoke" }
            form method="post" action=(link(&["access", "tokens", name, "revoke"], &[])) {
                (frame::token(visitor))
                button.danger { "Revoke " (name) " now" }
            }
        }
    }
}

fn new_user(visitor: &Visitor, draft: &Draft) -> Markup {
    html! {
        details open[!draft.name.is_empty()] {
            summary { "New user" }
            form.person method="post" action="/access/users" {
                (frame::token(visitor))
                label for="user-name" { "Name, under which changes are kept" }
                input #user-name name="name" value=(draft.name) required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false";
                (scopes("user", &draft.scopes))
                label for="user-password" { "Password, at least 12 characters; empty for one that is made" }
                input #user-password type="password" name="password" minlength="12" maxlength="256" autocomplete="new-password";
                button { "Add the user" }
            }
        }
    }
}

fn new_token(visitor: &Visitor, draft: &Draft) -> Markup {
    html! {
        details open[!draft.name.is_empty()] {
            summary { "New token" }
            form.person method="post" action="/access/tokens" {
                (frame::token(visitor))
                label for="token-name" { "Name of the program or person" }
                input #token-name name="name" value=(draft.name) required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false";
                (scopes("token", &draft.scopes))
                button { "Make the token" }
            }
        }
    }
}

/// A box for each scope. `form` tells those of one form from those of another.
fn scopes(form: &str, chosen: &[String]) -> Markup {
    html! {
        fieldset {
            legend { "May" }
            @for (scope, meaning) in SCOPES {
                @let id = format!("{form}-{scope}");
                div {
                    input id=(id) type="checkbox" name="scope" value=(scope) checked[chosen.iter().any(|it| it == scope)];
                    label for=(id) { b { (scope) } " " (meaning) }
                }
            }
        }
    }
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct One {
    /// Who it is.
    pub user: UserView,
    /// The password that was made just now.
    pub made: Option<Made>,
    /// What was changed just now.
    pub changed: Option<&'static str>,
    /// What was wrong with what was sent.
    pub problem: Option<String>,
}

/// What may be changed of one user.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let user = &one.user;
    let address = |what: &str| link(&["access", "users", &user.name, what], &[]);
    frame::page(
        visitor,
        Section::More,
        &user.name,
        None,
        &html! {
            h1 { (user.name) small { a href="/access" { "all users and tokens" } } }
            (frame::complaint(one.problem.as_deref()))
            @if let Some(made) = &one.made { (shown_once(made)) }
            @if let Some(changed) = one.changed { p.notice role="status" { (changed) } }
            dl {
                dt { "May" } dd { (user.scopes.join(", ")) }
                dt { "Changed" } dd { (ago(user.changed, visitor.now_ms)) " ago by " (user.changed_by) }
                dt { "Last signed in" } dd { @match user.last_signed_in { Some(at) => { (ago(at, visitor.now_ms)) " ago" } None => { "not since the server started" } } }
            }
            div.forms {
                form.person method="post" action=(address("scopes")) {
                    h2 { "What they may do" }
                    (frame::token(visitor)) (scopes("their", &user.scopes))
                    button { "Save" }
                    p { "It counts from their next click on." }
                }
                form.person method="post" action=(address("password")) {
                    h2 { "Another password" }
                    (frame::token(visitor))
                    label for="password" { "At least 12 characters; empty for one that is made" }
                    input #password type="password" name="password" minlength="12" maxlength="256" autocomplete="new-password";
                    button { "Set it" }
                    p { (user.name) " is signed out everywhere." }
                }
                form.person method="post" action=(address("remove")) {
                    h2 { "Remove" }
                    (frame::token(visitor))
                    div { input #sure type="checkbox" name="sure" value="yes" required; label for="sure" { (user.name) " is signed out at once, and signs in no more" } }
                    button.danger { "Remove " (user.name) }
                }
            }
        },
    )
}
