//! Processes as a tree: who started whom, and where something unusual happened.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::text::count;

/// Processes of a tree, at most; what does not fit is counted at its parent.
const MAX_NODES: usize = 400;

/// Generations of a tree, at most.
const MAX_DEPTH: usize = 24;

/// A forest of processes, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    roots: BTreeMap<String, Node>,
    n_nodes: usize,
}

/// A process, and what it started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    n_events: usize,
    n_rare: usize,
    children: BTreeMap<String, Node>,
}

impl Node {
    /// Unusual events of it and of all that it started.
    fn n_rare_below(&self) -> usize {
        self.n_rare + self.children.values().map(Self::n_rare_below).sum::<usize>()
    }
}

impl Tree {
    /// Notes an event of the last process of a lineage, whose eldest comes first.
    pub fn add(&mut self, lineage: &[&str], is_rare: bool) {
        let mut nodes = &mut self.roots;
        let mut lineage = lineage.iter().take(MAX_DEPTH).peekable();
        while let Some(name) = lineage.next() {
            let fits = self.n_nodes < MAX_NODES || nodes.contains_key(*name);
            let name = if fits { *name } else { "others" };
            self.n_nodes += usize::from(!nodes.contains_key(name));
            let node = nodes.entry(name.to_owned()).or_default();
            if lineage.peek().is_none() || !fits {
                node.n_events += 1;
                node.n_rare += usize::from(is_rare);
                return;
            }
            nodes = &mut node.children;
        }
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

/// The tree as nested lists. What leads to something unusual is open, the rest can be opened.
#[must_use]
pub fn figure(tree: &Tree) -> Markup {
    html! { div.tree { (list(&tree.roots)) } }
}

fn list(nodes: &BTreeMap<String, Node>) -> Markup {
    html! { ul { @for (name, node) in nodes { li { (branch(name, node)) } } } }
}

fn branch(name: &str, node: &Node) -> Markup {
    html! {
        @if node.children.is_empty() { (label(name, node)) }
        @else {
            details open[node.n_rare_below() > 0] {
                summary { (label(name, node)) }
                (list(&node.children))
            }
        }
    }
}

fn label(name: &str, node: &Node) -> Markup {
    html! {
        b { (name) }
        @if node.n_events > 0 { " " small { (count(node.n_events, "event")) } }
        @if node.n_rare > 0 { " " span.bad { (node.n_rare) " rare" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_lie_with_the_process_that_caused_them() {
        let mut tree = Tree::default();
        tree.add(&["systemd", "nginx", "sh"], true);
        tree.add(&["systemd", "nginx"], false);
        tree.add(&["systemd", "cron"], false);
        tree.add(&[], false);
        let nginx = &tree.roots["systemd"].children["nginx"];
        assert_eq!((nginx.n_events, nginx.n_rare, nginx.n_rare_below()), (1, 0, 1));
        assert_eq!(tree.roots["systemd"].children.len(), 2);
        let written = figure(&tree).into_string();
        assert!(written.contains("<details open>") && written.contains("1 rare"), "{written}");
    }

    #[test]
    fn a_tree_is_bounded() {
        let mut tree = Tree::default();
        for n in 0..10_000 {
            tree.add(&["init", &format!("worker-{n}"), "sh"], n == 9_999);
        }
        tree.add(&["deep"; 1_000], false);
        let others = &tree.roots["init"].children["others"];
        assert!(tree.n_nodes <= MAX_NODES + MAX_DEPTH, "{}", tree.n_nodes);
        assert_eq!(others.n_rare, 1);
        let all: usize = tree.roots["init"]
            .children
            .values()
            .map(|node| node.n_events + node.children.values().map(|it| it.n_events).sum::<usize>())
            .sum();
        assert_eq!(all, 10_000);
    }
}
