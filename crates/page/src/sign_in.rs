//! Signing in, with a name and a password, with a token, or through a provider that knows people.

use maud::{Markup, html};

use crate::frame;
use crate::text::link;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Where somebody wanted to go, a path of this server.
    pub next: String,
    /// Whether people have names and passwords here.
    pub has_users: bool,
    /// The host of a provider that knows people.
    pub provider: Option<String>,
    /// The name that was typed before.
    pub name: String,
    /// What was wrong then.
    pub problem: Option<String>,
    /// What was sent by somebody who is not signed in any more.
    pub unsent: Vec<(String, String)>,
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
                @if let Some(provider) = &asked.provider { (through(provider, &asked.next)) }
                @if asked.has_users { (by_name(asked)) } @else if asked.provider.is_none() { (by_token(true)) p { "An administrator makes a token with " code { "lanner token create NAME --scope read,operate" } ", or gives you a name and a password with " code { "lanner user add NAME --scope read,operate" } "." } }
            }
            @if asked.has_users || asked.provider.is_some() {
                details.sign-in {
                    summary { "Sign in with a token" }
                    form method="post" action="/sign-in" { input type="hidden" name="next" value=(asked.next); (by_token(false)) }
                }
            }
            @if !asked.unsent.is_empty() { div.sign-in { p { "Copy what you need, or sign in in another tab." } (frame::unsent(&asked.unsent)) } }
            // Browsers keep a cookie back when a link on another site was followed, and send it with this one.
            p.sign-in { a href=(asked.next) { "Already signed in? Go on" } }
        },
    )
}

/// A link and no form: the policy of pages lets forms go nowhere else.
fn through(provider: &str, next: &str) -> Markup {
    html! { p { a.button href=(link(&["sign-in", "openid"], &[("next", next)])) { "Sign in through " (provider) } } }
}

/// What a browser is shown that came back: it goes on by itself. A redirect would not do, as the browser would hold our cookie back while
/// it follows the provider's.
#[must_use]
pub fn done(next: &str) -> String {
    frame::bare_then(
        "Signed in",
        next,
        &html! { p.sign-in role="status" { "You are signed in. " a href=(next) { "Go on" } } },
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
