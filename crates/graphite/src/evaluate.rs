//! Evaluates an expression over a time range and a source of series.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use rayon::prelude::*;

use super::expr::{Argument, Expr, Literal};
use super::function::{Function, Vocabulary};
use super::parameter::Default;
use super::parse::read;
use super::problem::Problem;
use super::series::Series;
use super::source::Source;
use super::tags::tags_of;

/// What a function answers: series, or why not.
pub type Answer = Result<Vec<Series>, Problem>;

/// What does a function's work: takes a call with its arguments bound, and answers series.
pub type Run = fn(&Call<'_>) -> Answer;

/// A function and what does its work.
#[derive(Debug)]
pub struct Entry {
    /// The function.
    pub function: Function,
    /// Does it.
    pub run: Run,
}

impl Function {
    /// The function with what does its work.
    #[must_use]
    pub const fn done_by(self, run: Run) -> Entry {
        Entry { function: self, run }
    }
}

/// The functions that expressions are made of. An expression names them; evaluation looks up here what does their work.
#[derive(Debug)]
pub struct Language {
    /// The functions by name.
    pub vocabulary: Vocabulary,
    runs: BTreeMap<&'static str, Run>,
}

impl Language {
    /// The language of these functions; of two with one name the later counts.
    pub fn new(entries: impl Iterator<Item = &'static Entry> + Clone) -> Self {
        Self {
            vocabulary: Vocabulary::new(entries.clone().map(|entry| &entry.function)),
            runs: entries.map(|entry| (entry.function.name, entry.run)).collect(),
        }
    }
}

/// What is the same for all of one request. Series that were fetched are kept, so that an expression which names a
/// metric three times reads it once.
pub struct Request<'a> {
    /// What expressions may name.
    pub language: &'a Language,
    /// Where series come from.
    pub source: &'a dyn Source,
    /// The present, for what is relative to it. Nothing later is fetched.
    pub now_s: i64,
    /// Where days begin.
    pub zone: TimeZone,
    /// The share of values that buckets need unless an expression says otherwise, 0 to 1: see
    /// [`Scope::x_files_factor`].
    pub x_files_factor: f64,
    fetched: Mutex<Fetched>,
    n_fetched: AtomicUsize,
    n_made: AtomicUsize,
    said: Mutex<Said>,
    n_steps: AtomicUsize,
}

/// Values that one request may read, of all series.
pub const MAX_FETCHED: usize = 50_000_000;

/// Values that the functions of one request may make, all together: 800 MB. A series counts as some values more, as a series
/// without values takes memory as well.
pub(super) const MAX_MADE: usize = 100_000_000;
const SERIES_COUNTS_AS: usize = 32;

/// What functions leave for those that are asked after them.
#[derive(Default)]
struct Said {
    x_files_factor: Option<f64>,
    stacks: HashMap<String, Vec<f64>>,
}

/// Paths and calls that one request may evaluate: functions ask for their arguments more than once, so that an
/// expression of calls in calls could otherwise take for ever.
const MAX_STEPS: usize = 20_000;

/// Stored series that are not kept for whoever asks again, but read again: together they take much memory, and new
/// memory takes as long as reading.
const MANY: usize = 64;

/// Expressions may make expressions (`aliasQuery`) this deep.
const MAX_QUERIES: u8 = 4;

/// What was asked, from when, until when; and the answer.
type Fetched = HashMap<(String, i64, i64), Arc<Vec<Series>>>;

impl<'a> Request<'a> {
    /// A request in `language`, evaluated at `now_s` (seconds since 1970). `zone`: of times of day in expressions that name
    /// none.
    #[must_use]
    pub fn of(language: &'a Language, source: &'a dyn Source, now_s: i64, zone: TimeZone) -> Self {
        Self {
            language,
            source,
            now_s,
            zone,
            x_files_factor: 0.0,
            fetched: Mutex::default(),
            n_fetched: AtomicUsize::new(0),
            n_made: AtomicUsize::new(0),
            said: Mutex::default(),
            n_steps: AtomicUsize::new(0),
        }
    }

    /// What `expr` is in `(from_s, until_s]`.
    ///
    /// # Errors
    /// What a function cannot do with what it was given, or what the source says.
    pub fn evaluate(&self, expr: &Expr, from_s: i64, until_s: i64) -> Answer {
        Scope { request: self, start_s: from_s, end_s: until_s, n_queries: 0, again: false }.evaluate(expr)
    }
}

impl Request<'_> {
    /// Counts `n` values as read.
    ///
    /// # Errors
    /// For people, when there are more than [`MAX_FETCHED`].
    pub(super) fn count_values(&self, n: usize) -> Result<(), String> {
        if self.n_fetched.fetch_add(n, Ordering::Relaxed).saturating_add(n) > MAX_FETCHED {
            return Err(format!(
                "more than {MAX_FETCHED} values lie in that time: ask for fewer series or less time"
            ));
        }
        Ok(())
    }
}

impl Request<'_> {
    /// Counts what was made for one argument or call. Values that others hold as well were counted there.
    fn count_made(&self, series: &[Series], column: usize) -> Result<(), Problem> {
        let own = |it: &Series| if Arc::strong_count(&it.values) == 1 { it.values.len() } else { 0 };
        let n: usize = series.iter().map(|it| SERIES_COUNTS_AS + own(it) + it.name.len() / 8).sum();
        if self.n_made.fetch_add(n, Ordering::Relaxed).saturating_add(n) > MAX_MADE {
            let message = format!(
                "this makes more than {MAX_MADE} values of series: ask for fewer series or less time"
            );
            return Err(Problem::new(column, message));
        }
        Ok(())
    }
}

/// A request within a time range: functions that look further back evaluate their argument in another one.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// What is the same for all.
    pub request: &'a Request<'a>,
    /// Exclusive, but see [`super::slots`].
    pub start_s: i64,
    /// Inclusive.
    pub end_s: i64,
    n_queries: u8,
    /// A function asks for its argument again, in another time.
    again: bool,
}

impl<'a> Scope<'a> {
    /// The same request in `(start_s, end_s]`, seconds since 1970.
    #[must_use]
    pub fn within(self, start_s: i64, end_s: i64) -> Self {
        Self { start_s, end_s, ..self }
    }

    /// What `expr` is here.
    ///
    /// # Errors
    /// As [`Request::evaluate`].
    pub fn evaluate(self, expr: &Expr) -> Answer {
        self.step(expr)?;
        match expr {
            Expr::Path { text, column } => {
                let series = self.fetch(text, *column)?;
                self.request.count_made(&series, *column)?;
                Ok(series)
            }
            Expr::Call { arguments, piped: true, .. } if self.again => {
                arguments.first().map_or(Ok(Vec::new()), |Argument { expr, .. }| self.evaluate(expr))
            }
            Expr::Call { function, arguments, text, column, .. } => {
                let given =
                    arguments.iter().map(|Argument { parameter, expr }| (*parameter, Given::Written(expr)));
                Call { scope: self, function, text, column: *column, given: given.collect() }.run()
            }
            Expr::Literal { column, .. } => {
                Err(Problem::new(*column, "a metric or an expression expected here"))
            }
        }
    }

    fn step(self, expr: &Expr) -> Result<(), Problem> {
        if self.request.n_steps.fetch_add(1, Ordering::Relaxed) >= MAX_STEPS {
            let message =
                format!("this asks for more than {MAX_STEPS} series and calls: ask for less at once");
            return Err(Problem::new(expr.column(), message));
        }
        self.request.source.still_wanted().map_err(|why| Problem::new(expr.column(), why))
    }

    /// Reads an expression that was made while another was answered, as Graphite does.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(self, text: &str) -> Result<Expr, Vec<Problem>> {
        read(text, true, &[], &self.request.language.vocabulary)
    }

    /// What an expression is that was made while another was answered.
    ///
    /// # Errors
    /// What is wrong with the expression, or as [`Request::evaluate`]; for people.
    pub fn ask(self, text: &str) -> Result<Vec<Series>, String> {
        if self.n_queries >= MAX_QUERIES {
            return Err(format!("expressions may make expressions {MAX_QUERIES} deep"));
        }
        let wrong = |problem: &Problem| format!("in '{text}': {problem}");
        let expr = self.parse(text).map_err(|problems| problems.first().map(wrong).unwrap_or_default())?;
        let scope = Self { n_queries: self.n_queries + 1, ..self };
        scope.evaluate(&expr).map_err(|problem| wrong(&problem))
    }

    /// The share of values that buckets need here: what `setXFilesFactor()` said last, or else the request.
    #[must_use]
    pub fn x_files_factor(self) -> f64 {
        self.said(|said| said.x_files_factor).unwrap_or(self.request.x_files_factor)
    }

    /// Sets it for all that is asked afterwards in this request.
    pub fn set_x_files_factor(self, share: f64) {
        self.said(|said| said.x_files_factor = Some(share));
    }

    /// Puts `values` on top of what was stacked under this name before.
    pub fn stack(self, name: &str, values: &mut [f64]) {
        self.said(|said| {
            let total = said.stacks.entry(name.to_owned()).or_default();
            total.resize(total.len().max(values.len()), 0.0);
            for (value, total) in values.iter_mut().zip(total).filter(|(value, _)| !value.is_nan()) {
                *total += *value;
                *value = *total;
            }
        });
    }

    fn said<T>(self, with: impl FnOnce(&mut Said) -> T) -> T {
        with(&mut self.request.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The stored series that match `pattern`, sorted by name.
    ///
    /// # Errors
    /// What the source says.
    pub fn fetch(self, pattern: &str, column: usize) -> Answer {
        self.kept(pattern, || {
            let names = self.request.source.find(pattern).map_err(|error| Problem::new(column, error))?;
            self.read(&names, pattern, column)
        })
    }

    /// The stored series with these tags, sorted by name; `text` is the call that asked.
    ///
    /// # Errors
    /// What the source says.
    pub fn fetch_tagged(self, conditions: &[&str], text: &str, column: usize) -> Answer {
        self.kept(text, || {
            let names =
                self.request.source.find_tagged(conditions).map_err(|error| Problem::new(column, error))?;
            self.read(&names, text, column)
        })
    }

    fn is_kept(self, what: &str) -> bool {
        let key = (what.to_owned(), self.start_s, self.end_s);
        self.request.fetched.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key)
    }

    fn kept(self, what: &str, fetch: impl FnOnce() -> Answer) -> Answer {
        let key = (what.to_owned(), self.start_s, self.end_s);
        let known = self.request.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(series) = known {
            let mut series = series.to_vec();
            let x_files_factor = self.x_files_factor();
            series.iter_mut().for_each(|series| series.x_files_factor = x_files_factor);
            return Ok(series);
        }
        let series = fetch()?;
        let keep = Arc::new(series.clone());
        self.request.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(key, keep);
        Ok(series)
    }

    fn read(self, names: &[String], pattern: &str, column: usize) -> Answer {
        let pattern: Arc<str> = pattern.into();
        let read = |name: &String| self.read_one(name, &pattern, column);
        if names.len() < 16 {
            names.iter().filter_map(|name| read(name).transpose()).collect()
        } else {
            names.par_iter().filter_map(|name| read(name).transpose()).collect()
        }
    }

    /// `None` if the series has gone since, or the time range has not begun.
    fn read_one(self, name: &str, pattern: &Arc<str>, column: usize) -> Result<Option<Series>, Problem> {
        let Request { source, now_s, .. } = *self.request;
        if self.start_s > now_s {
            return Ok(None);
        }
        let wrong = |why| Problem::new(column, why);
        source.still_wanted().map_err(wrong)?;
        let points = source.read(name, self.start_s, self.end_s.min(now_s), now_s).map_err(wrong)?;
        let Some(points) = points else { return Ok(None) };
        self.request.count_values(points.values.len()).map_err(wrong)?;
        let mut series = Series::new(name, points.start_s, points.step_s, points.values);
        series.tags = Arc::new(tags_of(name));
        series.path_expression = Arc::clone(pattern);
        series.x_files_factor = self.x_files_factor();
        Ok(Some(series))
    }

    /// What `change` makes of the stored series that match `pattern`, `n` at a time; nothing is kept of them, so that
    /// of very many only those are in memory that are worked on. `None` where they are few, or are kept already.
    fn fetch_few<T: Send>(
        self,
        pattern: &str,
        column: usize,
        n: usize,
        change: impl Fn(&[Series]) -> Vec<T> + Sync,
    ) -> Option<Result<Vec<T>, Problem>> {
        let names = match self.request.source.find(pattern) {
            Ok(names) if names.len() >= MANY && !self.is_kept(pattern) => names,
            Ok(_) => return None,
            Err(error) => return Some(Err(Problem::new(column, error))),
        };
        let pattern: Arc<str> = pattern.into();
        let change_few = |names: &[String]| {
            let read = |name: &String| self.read_one(name, &pattern, column).transpose();
            names.iter().filter_map(read).collect::<Answer>().map(|series| change(&series))
        };
        let changed: Result<Vec<Vec<T>>, Problem> = names.par_chunks(n).map(change_few).collect();
        Some(changed.map(|changed| changed.into_iter().flatten().collect()))
    }
}

/// What an argument is: written in the expression, or made by a function that calls another.
#[derive(Clone)]
pub enum Given<'a> {
    /// As written.
    Written(&'a Expr),
    /// Series made before.
    Series(Vec<Series>),
    /// A value made before.
    Value(Literal),
}

/// One call of a function: what it was given, and where and when it is asked.
pub struct Call<'a> {
    /// Where and when.
    pub scope: Scope<'a>,
    /// Which function.
    pub function: &'static Function,
    /// The call as written.
    pub text: &'a str,
    column: usize,
    given: Vec<(usize, Given<'a>)>,
}

impl<'a> Call<'a> {
    /// What the function answers.
    fn run(&self) -> Answer {
        match self.scope.request.language.runs.get(self.function.name) {
            Some(run) => {
                let series = run(self)?;
                self.scope.request.count_made(&series, self.column)?;
                Ok(series)
            }
            // The expression was read in another language.
            None => Err(self.problem("there is no such function")),
        }
    }

    /// What another function answers in this place, with other arguments, each for the parameter at its place.
    ///
    /// # Errors
    /// As that function.
    pub fn ask(&self, function: &'static Function, given: Vec<Given<'a>>) -> Answer {
        let last = function.parameters.len().saturating_sub(1);
        let given = given.into_iter().enumerate().map(|(place, given)| (place.min(last), given)).collect();
        Call { scope: self.scope, function, text: self.text, column: self.column, given }.run()
    }

    /// The function called `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Function> {
        self.scope.request.language.vocabulary.named(name)
    }

    /// Where the call begins, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// A problem at this call's place, which names the function: `scale(): needs a number`.
    #[must_use]
    pub fn problem(&self, message: impl std::fmt::Display) -> Problem {
        Problem::new(self.column, format!("{}(): {message}", self.function.name))
    }

    /// Everything given for the parameter `name`, in order.
    pub fn given(&self, name: &str) -> impl Iterator<Item = &Given<'a>> {
        let index = self.function.parameters.iter().position(|parameter| parameter.name == name);
        debug_assert!(index.is_some(), "{} has no parameter {name}", self.function.name);
        self.given.iter().filter(move |(parameter, _)| Some(*parameter) == index).map(|(_, given)| given)
    }

    /// The series given for `name`, in one list.
    ///
    /// # Errors
    /// As [`Request::evaluate`].
    pub fn series(&self, name: &str) -> Answer {
        self.series_in(name, self.scope)
    }

    /// The series given for `name` in another time range: this asks for the argument again.
    ///
    /// # Errors
    /// As [`Request::evaluate`].
    pub fn series_within(&self, name: &str, start_s: i64, end_s: i64) -> Answer {
        self.series_in(name, Scope { again: true, ..self.scope.within(start_s, end_s) })
    }

    /// What `change` makes of the series given for `name` in another time range, `n` at a time.
    ///
    /// # Errors
    /// As [`Request::evaluate`].
    pub(super) fn few_within<T: Send>(
        &self,
        name: &str,
        (start_s, end_s): (i64, i64),
        n: usize,
        change: impl Fn(&[Series]) -> Vec<T> + Sync,
    ) -> Result<Vec<T>, Problem> {
        let scope = self.scope.within(start_s, end_s);
        let given: Vec<&Given<'_>> = self.given(name).collect();
        if let [Given::Written(path @ Expr::Path { text, column })] = given[..]
            && let Some(changed) = scope.fetch_few(text, *column, n, &change)
        {
            return scope.step(path).and(changed);
        }
        Ok(each_few(&self.series_within(name, start_s, end_s)?, n, change))
    }

    fn series_in(&self, name: &str, scope: Scope<'_>) -> Answer {
        let mut lists = self.given(name).map(|given| evaluate_in(scope, given));
        let Some(first) = lists.next() else { return Ok(Vec::new()) };
        lists.try_fold(first?, |mut all, list| {
            all.extend(list?);
            Ok(all)
        })
    }

    /// The series given for `name`, one list an argument.
    ///
    /// # Errors
    /// As [`Request::evaluate`].
    pub fn series_lists(&self, name: &str) -> Result<Vec<Vec<Series>>, Problem> {
        self.given(name).map(|given| evaluate_in(self.scope, given)).collect()
    }

    /// The values given for `name`; its default if there is none. `None` where it is `none` or nothing.
    pub fn literals(&self, name: &str) -> Vec<Literal> {
        let written: Vec<Literal> = self.given(name).filter_map(literal_of).collect();
        if !written.is_empty() {
            return written;
        }
        let parameter = self.function.parameters.iter().find(|parameter| parameter.name == name);
        let default = parameter.and_then(|parameter| parameter.default);
        default
            .map(|default| match default {
                Default::None => Literal::None,
                Default::Int(value) => Literal::Int(value),
                Default::Float(value) => Literal::Float(value),
                Default::Text(text) => Literal::Text(text.to_owned()),
                Default::Bool(value) => Literal::Bool(value),
            })
            .into_iter()
            .collect()
    }

    /// The value given for `name`, or its default; `None` where it is `none` or nothing.
    #[must_use]
    pub fn literal(&self, name: &str) -> Option<Literal> {
        self.literals(name).into_iter().next().filter(|literal| *literal != Literal::None)
    }

    /// The number given for the parameter `name`, or its default; `None` for none, and for what is no number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.literal(name)? {
            #[expect(clippy::cast_precision_loss, reason = "numbers of an expression are far below 2^53")]
            Literal::Int(value) => Some(value as f64),
            Literal::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The whole number given for `name`, if any; a fraction is cut off, infinity is the greatest.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.literal(name)? {
            Literal::Int(value) => Some(value),
            #[expect(clippy::cast_possible_truncation, reason = "meant: `as` stops at the ends")]
            Literal::Float(value) => Some(value as i64),
            _ => None,
        }
    }

    /// The text given for the parameter `name`, or its default; a number is written out, anything else is `None`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.literal(name)? {
            Literal::Text(text) => Some(text),
            Literal::Int(value) => Some(value.to_string()),
            Literal::Float(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// Whether the parameter `name` is true, given so or by default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.literal(name) == Some(Literal::Bool(true))
    }
}

fn evaluate_in(scope: Scope<'_>, given: &Given<'_>) -> Answer {
    match given {
        Given::Written(expr) => scope.evaluate(expr),
        Given::Series(series) => Ok(series.clone()),
        Given::Value(_) => Ok(Vec::new()),
    }
}

fn literal_of(given: &Given<'_>) -> Option<Literal> {
    match given {
        Given::Written(Expr::Literal { value, .. }) | Given::Value(value) => Some(value.clone()),
        _ => None,
    }
}

/// Values from which on it is worth to use all cores.
const WORTH_ALL_CORES: usize = 50_000;

fn all_cores(series: &[Series]) -> bool {
    series.len() > 1 && series.iter().map(|series| series.values.len()).sum::<usize>() >= WORTH_ALL_CORES
}

/// Changes every series by itself (or makes something else of it), on all cores when that is worth it.
pub fn each<T: Send>(series: Vec<Series>, change: impl Fn(Series) -> T + Sync) -> Vec<T> {
    if all_cores(&series) {
        series.into_par_iter().map(&change).collect()
    } else {
        series.into_iter().map(change).collect()
    }
}

/// As [`each`], `n` series at a time.
fn each_few<T: Send>(series: &[Series], n: usize, change: impl Fn(&[Series]) -> Vec<T> + Sync) -> Vec<T> {
    if all_cores(series) {
        series.par_chunks(n).flat_map_iter(&change).collect()
    } else {
        series.chunks(n).flat_map(change).collect()
    }
}
