//! Signing in, with a name and a password or with a token.

use maud::{Markup, html};

use crate::frame;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Where somebody wanted to go, a path of this server.
    pub next: String,
    /// Whether people have names and passwords here.
    pub has_users: bool,
    /// The name that was typed before.
    pub name: String,
    /// What was wrong then.
    pub problem: Option<String>,
}

/// The form.
#[must_use]
pub fn form(asked: &Asked) -> String {
    frame::bare(
        "Sign in",
        &html! {
            form.sign-in method="post" action="/sign-in" {
                h1 { "Lanner" }
                (frame::complaint(asked.problem.as_deref()))
                input type="hidden" name="next" value=(asked.next);
                @if asked.has_users { (by_name(asked)) } @else { (by_token(true)) p { "An administrator makes a token with " code { "lanner token create NAME --scope read,operate" } ", or gives you a name and a password with " code { "lanner user add NAME --scope read,operate" } "." } }
            }
            @if asked.has_users {
                details.sign-in {
                    summary { "Sign in with a token" }
                    form method="post" action="/sign-in" { input type="hidden" name="next" value=(asked.next); (by_token(false)) }
                }
            }
            // Browsers keep a cookie back when a link on another site was followed, and send it with this one.
            p.sign-in { a href=(asked.next) { "Already signed in? Go on" } }
        },
    )
}

fn by_name(asked: &Asked) -> Markup {
    html! {
        label for="name" { "Name" }
        input #name name="name" value=(asked.name) autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus[asked.name.is_empty()];
        label for="password" { "Password" }
        input #password type="password" name="password" autocomplete="current-password" required autofocus[!asked.name.is_empty()];
        button { "Sign in" }
    }
}

fn by_token(is_first: bool) -> Markup {
    html! {
        label for="token" { "Token" }
        input #token type="password" name="token" autocomplete=(if is_first { "current-password" } else { "off" }) required autofocus[is_first];
        button { "Sign in" }
    }
}
