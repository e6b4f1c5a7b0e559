//! Signing in, with a token.

use maud::html;

use crate::frame;

/// The form. `next` is where somebody wanted to go, a path of this server.
#[must_use]
pub fn form(next: &str, problem: Option<&str>) -> String {
    frame::bare(
        "Sign in",
        &html! {
            form.sign-in method="post" action="/sign-in" {
                h1 { "Lanner" }
                (frame::complaint(problem))
                label for="token" { "Token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus;
                input type="hidden" name="next" value=(next);
                button { "Sign in" }
                p { "An administrator makes a token with " code { "lanner token create NAME --scope read,operate" } "." }
                // Browsers keep a cookie back when a link on another site was followed, and send it with this one.
                p { a href=(next) { "Already signed in? Go on" } }
            }
        },
    )
}
