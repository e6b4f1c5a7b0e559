//! The source of series: the interface between the language and any storage.

/// The values of one stored series in a time range: `values[i]` belongs to `start_s + i * step_s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Time of the first value.
    pub start_s: i64,
    /// Distance of values.
    pub step_s: i64,
    /// Values, oldest first; NaN where there is none.
    pub values: Vec<f64>,
}

/// One condition of `seriesByTag`, as written: `dc=ams`, `host!=~web.*`.
pub type Tagged = str;

/// A place that holds series. Paths are dot-separated; a tagged series is called `name;tag=value;...`, tags sorted.
pub trait Source: Sync {
    /// The paths that a pattern with `*`, `?`, `[a-z]`, `[!x]` and `{a,b}` matches, node by node, sorted by name.
    ///
    /// # Errors
    /// What the source says, for people.
    fn find(&self, pattern: &str) -> Result<Vec<String>, String>;

    /// The full names of the series that fulfil every condition, sorted. The conditions are Graphite's
    /// (`=`, `!=`, `=~`, `!=~`; expressions are anchored at the start) and were checked before.
    ///
    /// # Errors
    /// What the source says, for people.
    fn find_tagged(&self, conditions: &[&Tagged]) -> Result<Vec<String>, String>;

    /// The values of one series in the slots of [`slots`] for its own step; `None` if it has gone since.
    ///
    /// # Errors
    /// What the source says, for people.
    fn read(&self, name: &str, from_s: i64, until_s: i64, now_s: i64) -> Result<Option<Points>, String>;

    /// The times of the stored events that are wanted, within `[from_s, until_s]`.
    ///
    /// # Errors
    /// What the source says, for people.
    fn events(&self, wanted: EventTags<'_>, from_s: i64, until_s: i64) -> Result<Vec<i64>, String>;

    /// Asked before each step of an evaluation: whether anybody still waits for the answer.
    ///
    /// # Errors
    /// Why nobody does, for people: it takes too long, or whoever asked has left.
    fn still_wanted(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Which stored events `events("a", "b")` wants: those that carry every one of its tags; all for `*` alone.
///
/// ```
/// use lanner_graphite::EventTags;
/// let carried = ["deploy".to_owned(), "web".to_owned()];
/// assert!(EventTags(&["web", "deploy"]).want(&carried));
/// assert!(!EventTags(&["web", "restart"]).want(&carried));
/// assert!(EventTags(&["*"]).want(&[]) && !EventTags(&["*", "web"]).want(&carried));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EventTags<'a>(pub &'a [&'a str]);

impl EventTags<'_> {
    /// Whether an event that carries these tags is wanted.
    #[must_use]
    pub fn want(self, carried: &[String]) -> bool {
        self.0 == ["*"] || self.0.iter().all(|tag| carried.iter().any(|carried| carried == tag))
    }
}

/// Values that one series may have in an answer: about a year at a step of three seconds.
pub const MAX_POINTS: usize = 10_000_000;

/// First slot and number of slots of a fetch of `(from_s, until_s]` at a step: from is exclusive, until inclusive,
/// and there is always at least one slot.
///
/// # Errors
/// More than [`MAX_POINTS`] slots, so that a source never makes room for what nobody can read.
///
/// ```
/// use lanner_graphite::slots;
/// assert_eq!(slots(120, 240, 60), Ok((180, 2))); // 180 and 240
/// assert_eq!(slots(119, 239, 60), Ok((120, 2))); // 120 and 180
/// assert_eq!(slots(130, 131, 60), Ok((180, 1))); // nothing in between: the slot after
/// assert!(slots(0, i64::MAX, 1).is_err());
/// ```
pub fn slots(from_s: i64, until_s: i64, step_s: i64) -> Result<(i64, usize), String> {
    let step = i128::from(step_s.max(1));
    let (from, until) = (i128::from(from_s), i128::from(until_s));
    let first = from - from.rem_euclid(step) + step;
    let last = until - until.rem_euclid(step);
    let count = ((last - first) / step + 1).max(1);
    match (i64::try_from(first), usize::try_from(count)) {
        (Ok(first_s), Ok(count)) if count <= MAX_POINTS => Ok((first_s, count)),
        _ => Err(format!(
            "{count} values of {step_s} s lie in that time, and {MAX_POINTS} may be asked for: ask for less"
        )),
    }
}
