//! The graph of a session: endpoints below each other in the order of their first calls, steps as arcs beside them.
//!
//! Only arcs are drawn; the names beside them are text, so that they can be read at every width and size. What is unusual is dashed and
//! says so in words, and the same stands in a table.

use lanner_wire::api::{EndpointUseView, StepView};
use maud::{Markup, html};

use crate::text::{count, percent};

/// The height of a row; the style sheet has the same.
const ROW: usize = 26;
/// Where the dots of endpoints lie, and the arrows end.
const DOTS: usize = 120;
/// How far an arc reaches at most.
const WIDEST: usize = 112;
/// Endpoints that are drawn; of more, those of unusual steps and then those called most.
const MAX_DRAWN: usize = 40;
/// Steps that are listed.
const MAX_LISTED: usize = 200;

/// The figure, and the table of its steps.
#[must_use]
pub fn figure(endpoints: &[EndpointUseView], steps: &[StepView], n_usual: u32) -> Markup {
    let drawn = drawn(endpoints, steps);
    let n_odd = steps.iter().filter(|step| step.unusual).count();
    let says = format!(
        "Call graph: {}, {}, of which {} unusual; the table below has all of them",
        count(endpoints.len(), "endpoint"),
        count(steps.len(), "step"),
        n_odd
    );
    html! {
        figure.graph aria-details="steps" {
            figcaption { (caption(n_usual, n_odd)) @if drawn.len() < endpoints.len() { " " (drawn.len()) " of " (endpoints.len()) " endpoints are drawn." } }
            div.arcs {
                (arcs(&drawn, steps, &says))
                ol { @for at in &drawn { @if let Some(endpoint) = endpoints.get(*at) { (name(endpoint)) } } }
            }
        }
        details.data #steps {
            summary { "Steps as a table" }
            div.scroll tabindex="0" role="region" aria-label="Steps of the session" { (table(endpoints, steps)) }
        }
    }
}

fn caption(n_usual: u32, n_odd: usize) -> Markup {
    html! {
        @if n_usual == 0 { "What is usual is not known yet, so no step is marked." }
        @else if n_odd == 0 { "Every step is usual among " (n_usual) " sessions." }
        @else { (count(n_odd, "step")) @if n_odd == 1 { " is" } @else { " are" } " dashed: fewer than one in a hundred of " (n_usual) " usual sessions go on so." }
    }
}

/// The endpoints that are drawn, in their order.
fn drawn(endpoints: &[EndpointUseView], steps: &[StepView]) -> Vec<usize> {
    let mut all: Vec<usize> = (0..endpoints.len()).collect();
    if all.len() > MAX_DRAWN {
        let is_odd = |at: usize| steps.iter().any(|step| step.unusual && (step.from == at || step.to == at));
        let calls = |at: usize| endpoints.get(at).map_or(0, |endpoint| endpoint.calls);
        all.sort_by_cached_key(|at| (std::cmp::Reverse((is_odd(*at), calls(*at))), *at));
        all.truncate(MAX_DRAWN);
        all.sort_unstable();
    }
    all
}

fn name(endpoint: &EndpointUseView) -> Markup {
    html! {
        li class=[endpoint.unusual.then_some("odd")] title=(endpoint.endpoint) {
            code { (endpoint.endpoint) } " "
            small { (endpoint.calls) "×" @if endpoint.refused > 0 { ", " (endpoint.refused) " refused" } @if endpoint.unusual { ", unusual" } }
        }
    }
}

fn arcs(drawn: &[usize], steps: &[StepView], says: &str) -> Markup {
    let height = ROW * drawn.len();
    let row = |at: usize| drawn.iter().position(|drawn| *drawn == at);
    let mut shown: Vec<(&StepView, usize, usize)> =
        steps.iter().filter_map(|step| Some((step, row(step.from)?, row(step.to)?))).collect();
    // The unusual ones lie above the others.
    shown.sort_by_key(|(step, ..)| step.unusual);
    let middle = |row: usize| ROW * row + ROW / 2;
    html! {
        svg width="128" height=(height) viewBox=(format!("0 0 128 {height}")) role="img" aria-label=(says) {
            defs { (arrow("to", "head")) (arrow("to-odd", "head odd")) }
            @for (step, from, to) in shown {
                path class=(class(step)) d=(arc(middle(from), middle(to), from.abs_diff(to)))
                    marker-end=(if step.unusual { "url(#to-odd)" } else { "url(#to)" }) {}
            }
            @for row in 0..drawn.len() { circle.dot cx=(DOTS) cy=(middle(row)) r="3" {} }
        }
    }
}

fn arrow(id: &str, class: &str) -> Markup {
    html! { marker id=(id) viewBox="0 0 6 6" refX="6" refY="3" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto" { path class=(class) d="M0 0L6 3L0 6z" {} } }
}

/// A step's look: thicker where it was taken more often, in four widths.
fn class(step: &StepView) -> String {
    let width = 1 + step.times.max(1).ilog(4).min(3);
    format!("edge w{width}{}", if step.unusual { " odd" } else { "" })
}

/// An arc to the left, wider the farther it leads; the way back lies outside the way there.
fn arc(from: usize, to: usize, distance: usize) -> String {
    let end = DOTS - 4;
    if distance == 0 {
        return format!(
            "M{end} {}C{} {} {} {} {end} {}",
            from - 4,
            DOTS - 26,
            from - 12,
            DOTS - 26,
            from + 12,
            from + 4
        );
    }
    let reach = (10 + 16 * distance + if to < from { 8 } else { 0 }).min(WIDEST);
    // A curve of this kind reaches three quarters of the way to its handles.
    let handle = DOTS as f64 - reach as f64 * 4.0 / 3.0;
    format!("M{end} {from}C{handle:.1} {from} {handle:.1} {to} {end} {to}")
}

fn table(endpoints: &[EndpointUseView], steps: &[StepView]) -> Markup {
    let mut listed: Vec<&StepView> = steps.iter().collect();
    listed.sort_by_key(|step| (std::cmp::Reverse((step.unusual, step.times)), step.from, step.to));
    let name = |at: usize| endpoints.get(at).map_or("", |endpoint| endpoint.endpoint.as_str());
    html! {
        table {
            thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.n scope="col" { "Times" } th scope="col" { "Usual sessions that go on so" } } }
            tbody { @for step in listed.iter().take(MAX_LISTED) {
                tr {
                    th scope="row" { code { (name(step.from)) } }
                    td { code { (name(step.to)) } }
                    td.n { (step.times) }
                    td { @match step.usual_share {
                        Some(share) => { (percent(share)) @if step.unusual { " " b.bad { "unusual" } } }
                        None => { "not known" }
                    } }
                }
            } }
        }
        @if listed.len() > MAX_LISTED { p { (listed.len() - MAX_LISTED) " more are not listed." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(nth: usize) -> EndpointUseView {
        let endpoint = format!("GET /{nth}");
        EndpointUseView {
            endpoint,
            calls: nth as u32,
            refused: 0,
            objects: 0,
            usual_share: None,
            unusual: false,
        }
    }

    fn step(from: usize, to: usize, unusual: bool) -> StepView {
        StepView { from, to, times: 1, usual_share: None, unusual }
    }

    #[test]
    fn large_graphs_keep_what_is_unusual_and_then_what_is_called_most() {
        let endpoints: Vec<_> = (0..1_000).map(endpoint).collect();
        let steps: Vec<_> = (1..1_000).map(|to| step(to - 1, to, to == 8)).collect();
        let drawn = drawn(&endpoints, &steps);
        assert_eq!((drawn.len(), &drawn[..3], drawn.last()), (MAX_DRAWN, &[7, 8, 962][..], Some(&999)));
        let written = figure(&endpoints, &steps, 50).into_string();
        assert!(written.contains("799 more are not listed") && written.len() < 100_000, "{}", written.len());
        assert_eq!(written.matches("edge w1 odd").count(), 1);
    }

    #[test]
    fn arcs_stay_in_their_place() {
        for (from, to) in [(0, 0), (0, 1), (1, 0), (0, 39), (39, 0), (39, 39)] {
            let path = arc(ROW * from + 13, ROW * to + 13, from.abs_diff(to));
            let numbers = path.split(['M', 'C', ' ']).filter_map(|part| part.parse::<f64>().ok());
            // The handles of the widest arc lie outside, the arc itself does not.
            assert!(numbers.into_iter().all(|number| number >= -30.0), "{path}");
        }
    }
}
