//! What all pages share: head, navigation, footer, and the fields of forms.

use std::fmt::Write as _;

use maud::{DOCTYPE, Markup, html};

use crate::assets;

/// The parts of the page, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What is wrong now.
    Now,
    /// Rules.
    Rules,
    /// Kill switches.
    Switches,
    /// Silences.
    Silences,
    /// Any data.
    Explore,
    /// Behaviour of hosts.
    Profiles,
    /// Sessions of API clients.
    Sessions,
    /// Trained detectors.
    Detectors,
    /// Findings of vulnerability scanners.
    Vulnerabilities,
    /// What has no page of its own.
    More,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Now, "/", "Now"),
        (Self::Rules, "/rules", "Rules"),
        (Self::Switches, "/switches", "Switches"),
        (Self::Silences, "/silences", "Silences"),
        (Self::Explore, "/explore", "Explore"),
        (Self::Profiles, "/profiles", "Behaviour"),
        (Self::Sessions, "/sessions", "API"),
        (Self::Detectors, "/detectors", "Detectors"),
        (Self::Vulnerabilities, "/vulnerabilities", "Vulnerabilities"),
        (Self::More, "/more", "More"),
    ];
}

/// Who looks, and what they may do: decides which forms are shown. The server decides again when one is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The name in the audit.
    pub name: String,
    /// Whether they signed in, and so can sign out.
    pub is_signed_in: bool,
    /// Whether they may silence alerts, and turn switches on and off.
    pub may_operate: bool,
    /// Whether they may make switches.
    pub may_administer: bool,
    /// What every form must send, so that no other page can send it.
    pub form_token: String,
    /// The server's clock, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// One page, whole.
///
/// - `title`: for the tab
/// - `section`: which entry of the navigation is marked
/// - `live`: where events that change this page come from, if it changes by itself
#[must_use]
pub fn page(visitor: &Visitor, section: Section, title: &str, live: Option<&str>, body: &Markup) -> String {
    document(
        title,
        live,
        None,
        &html! {
            header {
                a.skip href="#main" { "Skip to content" }
                nav aria-label="Main" {
                    a.brand href="/" { "Lanner" }
                    @for (own, address, name) in Section::ALL {
                        a href=(address) aria-current=[(own == section).then_some("page")] { (name) }
                    }
                }
                div.who {
                    @if live.is_some() { span #live role="status" {} }
                    @if visitor.is_signed_in {
                        form method="post" action="/sign-out" {
                            (token(visitor))
                            a href="/account" { (visitor.name) }
                            button.plain { "Sign out" }
                        }
                    }
                }
            }
            main #main data-now=(visitor.now_ms) { (body) }
        },
    )
}

/// A page of somebody who is not known yet.
#[must_use]
pub fn bare(title: &str, body: &Markup) -> String {
    document(title, None, None, &html! { main #main { (body) } })
}

/// As [`bare`], and the browser goes on to another page of ours by itself.
#[must_use]
pub fn bare_then(title: &str, next: &str, body: &Markup) -> String {
    document(title, None, Some(next), &html! { main #main { (body) } })
}

fn document(title: &str, live: Option<&str>, next: Option<&str>, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(next) = next { meta http-equiv="refresh" content={ "0;url=" (next) }; }
                title { (title) " · Lanner" }
                link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.address());
                script src=(assets::LIVE.address()) defer {}
                script src=(assets::CHART.address()) defer {}
            }
            body data-live=[live] { (body) }
        }
    };
    written(page)
}

/// HTML as it is sent. Control characters in what is shown become their pictures, `␀`: browsers do not show them, and a zero
/// character makes a page binary. Characters that turn the order of others around become their names where text is shown, or
/// somebody's label could read as another: `[U+202E]`. Fields keep them, since what they hold is sent back.
fn written(markup: Markup) -> String {
    let html = markup.into_string();
    let is_shown = |c: char| !c.is_ascii_control() || matches!(c, '\n' | '\r' | '\t');
    if html.chars().all(|c| is_shown(c) && !turns_around(c)) {
        return html;
    }
    let mut shown = String::with_capacity(html.len() + 64);
    let (mut is_tag, mut is_field) = (false, false);
    for (at, c) in html.char_indices() {
        match c {
            // In texts and values these two are written as entities.
            '<' => {
                is_tag = true;
                let tag = html.get(at..).unwrap_or_default();
                is_field = tag.starts_with("<textarea") || (is_field && !tag.starts_with("</textarea"));
            }
            '>' => is_tag = false,
            _ => {}
        }
        match c {
            c if turns_around(c) && !is_tag && !is_field => {
                let _ = write!(shown, "[U+{:04X}]", u32::from(c));
            }
            c if is_shown(c) => shown.push(c),
            '\x7f' => shown.push('\u{2421}'),
            c => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
    shown
}

/// Embeddings, overrides and isolates of the Unicode bidirectional algorithm, and their ends.
const fn turns_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The field that shows that a form is one of ours.
#[must_use]
pub fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="form" value=(visitor.form_token); }
}

/// A part of a page that events replace.
#[must_use]
pub fn fragment(id: &str, body: &Markup) -> String {
    written(html! { section id=(id) data-fragment { (body) } })
}

/// What went wrong, above a form that can be sent again.
#[must_use]
pub fn complaint(problem: Option<&str>) -> Markup {
    html! { @if let Some(problem) = problem { p.problem role="alert" { (problem) } } }
}

/// How long something is to last: a list to choose from.
#[must_use]
pub fn durations(name: &str, chosen: &str, open: Option<&str>) -> Markup {
    let known = ["30m", "1h", "2h", "4h", "8h", "24h", "3d", "1w"];
    html! {
        select name=(name) id=(name) {
            @if let Some(open) = open { option value="" selected[chosen.is_empty()] { (open) } }
            @for duration in known { option value=(duration) selected[duration == chosen] { (duration) } }
            @if !chosen.is_empty() && !known.contains(&chosen) { option value=(chosen) selected { (chosen) } }
        }
    }
}

/// What a form was sent with and nothing came of, so that nobody has to write it again. Passwords and tokens are left out.
#[must_use]
pub fn unsent(fields: &[(String, String)]) -> Markup {
    let is_written = |(name, value): &&(String, String)| {
        !value.is_empty()
            && !["form", "step", "version", "expect", "password", "old", "new", "again", "token"]
                .contains(&name.as_str())
    };
    html! {
        @for (nth, (name, value)) in fields.iter().filter(is_written).enumerate() {
            @let id = format!("unsent-{nth}");
            label for=(id) { "What you wrote as " b { (name) } }
            textarea id=(id) readonly rows=(value.lines().count().clamp(1, 20)) { (value) }
        }
    }
}

/// A page that says why there is no other, one line each.
///
/// - `fields`: what was sent, if it was a form
#[must_use]
pub fn failure(lines: &[String], fields: &[(String, String)]) -> String {
    bare(
        "Not possible",
        &html! {
            h1 { "Not possible" }
            @for line in lines { p.problem role="alert" { (line) } }
            (unsent(fields))
            p { a href="/" { "Back to what is wrong now" } }
        },
    )
}
