//! One decision tree, as it is trained, read and explained.

/// Deeper trees are refused: explaining one leaf costs what its path is long.
pub(crate) const MAX_DEPTH: usize = 512;

/// LightGBM's own bound below which a value counts as zero.
const ZERO: f64 = 1e-35;

/// A decision tree. Node 0 is the root; every node is reached exactly once.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// A node: a leaf, unless it has a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What a leaf adds to the margin; of inner nodes only informative.
    pub value: f64,
    /// How much of the training data reached it: rows, or a sum of hessians. Not negative.
    pub cover: f64,
    /// Where rows go from here, and by what.
    pub split: Option<Split>,
}

/// A question about one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Which column.
    pub feature: usize,
    /// What makes a row go left.
    pub test: Test,
    /// Whether a row without a value goes left.
    pub is_missing_left: bool,
    /// Whether zero is no value.
    pub is_zero_missing: bool,
    /// The node of those that pass.
    pub left: usize,
    /// The node of the others.
    pub right: usize,
}

/// What a value has to be for its row to go left.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// At most this.
    AtMost(f64),
    /// One of these codes, in ascending order. A fraction is cut off.
    OneOf(Vec<u32>),
}

impl Split {
    /// Whether a row with `value` goes left; NaN is missing.
    #[must_use]
    pub fn goes_left(&self, value: f64) -> bool {
        if value.is_nan() || (self.is_zero_missing && is_zero(value)) {
            return self.is_missing_left;
        }
        match &self.test {
            Test::AtMost(threshold) => value <= *threshold,
            Test::OneOf(codes) => code(value).is_some_and(|code| codes.binary_search(&code).is_ok()),
        }
    }

    /// Values that its answer may change behind: in between, and for missing ones, it is the same.
    pub(crate) fn ends(&self) -> Vec<f64> {
        let mut ends = match &self.test {
            Test::AtMost(threshold) => vec![*threshold],
            Test::OneOf(codes) => codes.iter().flat_map(|code| ends_of_code(*code)).collect(),
        };
        if self.is_zero_missing {
            ends.extend([(-ZERO).next_down(), ZERO]);
        }
        ends
    }

    /// Has missing values go where `value` goes, for models that read them as such.
    #[must_use]
    pub fn missing_as(mut self, value: f64) -> Self {
        self.is_missing_left = self.goes_left(value);
        self
    }
}

/// Whether a value counts as zero where zero is missing.
fn is_zero(value: f64) -> bool {
    value.abs() <= ZERO
}

/// The category that a value names, if it can be one.
fn code(value: f64) -> Option<u32> {
    // A cast of a checked value: it fits, and the fraction is cut off.
    (value > -1.0 && value < f64::from(u32::MAX)).then_some(value as u32)
}

/// The largest values below, and of, a category.
fn ends_of_code(code: u32) -> [f64; 2] {
    let first = f64::from(code);
    let below = if code == 0 { -1.0 } else { first.next_down() };
    [below, (first + 1.0).next_down()]
}

impl Tree {
    /// Checks nodes and their connections. Cost: linear.
    ///
    /// # Errors
    /// What is wrong with which node: a value that is not finite, a negative cover, a child that does not exist or is
    /// reached twice, a column that does not exist, a tree that is too deep.
    pub fn new(nodes: Vec<Node>, n_features: usize) -> Result<Self, String> {
        let mut is_reached = vec![false; nodes.len()];
        let mut open = vec![(0, 0)];
        while let Some((at, depth)) = open.pop() {
            let node = nodes.get(at).ok_or_else(|| format!("node {at} does not exist"))?;
            if std::mem::replace(&mut is_reached[at], true) {
                return Err(format!("node {at} is reached twice"));
            }
            check(node, at, n_features)?;
            if depth > MAX_DEPTH {
                return Err(format!("node {at} is deeper than {MAX_DEPTH} levels"));
            }
            if let Some(split) = &node.split {
                open.extend([(split.right, depth + 1), (split.left, depth + 1)]);
            }
        }
        match is_reached.iter().position(|reached| !reached) {
            Some(at) => Err(format!("node {at} is never reached")),
            None => Ok(Self { nodes }),
        }
    }

    /// A tree of this crate's own making.
    pub(crate) fn grown(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// The nodes, the root first. The children of a node are numbers in this list.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The leaf of a row, whose values are asked for by column. Cost: the depth.
    pub(crate) fn leaf(&self, value_of: impl Fn(usize) -> f64) -> &Node {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let next = if split.goes_left(value_of(split.feature)) { split.left } else { split.right };
            node = &self.nodes[next];
        }
        node
    }
}

fn check(node: &Node, at: usize, n_features: usize) -> Result<(), String> {
    if !node.value.is_finite() {
        return Err(format!("node {at} has the value {}, which is not finite", node.value));
    }
    if !(node.cover.is_finite() && node.cover >= 0.0) {
        return Err(format!("node {at} has the cover {}, which should be 0 or more", node.cover));
    }
    let Some(split) = &node.split else { return Ok(()) };
    if split.feature >= n_features {
        return Err(format!("node {at} asks for column {}, but there are {n_features}", split.feature));
    }
    match &split.test {
        Test::AtMost(threshold) if threshold.is_nan() => Err(format!("node {at} has no threshold")),
        Test::OneOf(codes) if !codes.is_sorted() => Err(format!("node {at} has codes out of order")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(value: f64) -> Node {
        Node { value, cover: 1.0, split: None }
    }

    fn split(test: Test) -> Split {
        Split { feature: 0, test, is_missing_left: false, is_zero_missing: false, left: 1, right: 2 }
    }

    #[test]
    fn directions() {
        #[track_caller]
        fn check(split: &Split, value: f64, goes_left: bool) {
            assert_eq!(split.goes_left(value), goes_left, "{split:?} {value}");
        }
        let number = split(Test::AtMost(1.5));
        check(&number, 1.5, true);
        check(&number, 1.6, false);
        check(&number, f64::NAN, false);
        check(&number, f64::NEG_INFINITY, true);
        check(&number.clone().missing_as(0.0), f64::NAN, true);
        let zero = Split { is_zero_missing: true, ..number };
        check(&zero, 0.0, false);
        check(&zero, -1e-36, false);
        check(&zero, -1e-34, true);
        let codes = split(Test::OneOf(vec![0, 3]));
        check(&codes, 3.0, true);
        check(&codes, 3.9, true);
        check(&codes, 2.0, false);
        check(&codes, -0.5, true); // cut off, as LightGBM does
        check(&codes, -1.0, false);
        check(&codes, 1e30, false);
    }

    #[test]
    fn trees_that_would_mislead_are_refused() {
        #[track_caller]
        fn check(nodes: Vec<Node>, why: &str) {
            assert_eq!(Tree::new(nodes, 1).unwrap_err(), why);
        }
        let inner = |split| Node { split: Some(split), ..leaf(0.0) };
        let number = || split(Test::AtMost(1.0));
        check(vec![], "node 0 does not exist");
        check(vec![inner(number()), leaf(0.0)], "node 2 does not exist");
        check(vec![inner(Split { right: 0, ..number() }), leaf(0.0)], "node 0 is reached twice");
        check(vec![leaf(0.0), leaf(1.0)], "node 1 is never reached");
        check(vec![leaf(f64::NAN)], "node 0 has the value NaN, which is not finite");
        check(vec![Node { cover: -1.0, ..leaf(0.0) }], "node 0 has the cover -1, which should be 0 or more");
        let far = inner(Split { feature: 1, ..number() });
        check(vec![far, leaf(0.0), leaf(0.0)], "node 0 asks for column 1, but there are 1");
        check(vec![inner(split(Test::AtMost(f64::NAN))), leaf(0.0), leaf(0.0)], "node 0 has no threshold");
    }
}
