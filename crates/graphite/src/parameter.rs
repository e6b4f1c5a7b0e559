//! The parameter types of functions.

/// The kind of values that a parameter takes, under Graphite's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Series.
    SeriesList,
    /// Lists of series, as `mapSeries` makes them.
    SeriesLists,
    /// A number.
    Float,
    /// A whole number.
    Integer,
    /// A text.
    Text,
    /// A length of time: `'7d'`.
    Interval,
    /// The name of an aggregate: `sum`.
    AggFunc,
    /// The place of a node in a path.
    Node,
    /// The place of a node, or a tag.
    NodeOrTag,
    /// True or false.
    Boolean,
    /// A number of points, or a length of time.
    IntOrInterval,
    /// A moment.
    Date,
    /// The name of an aggregate, or of a function of series.
    AggOrSeriesFunc,
    /// Anything.
    Any,
    /// A whole number or infinity.
    IntOrInf,
    /// A tag.
    Tag,
}

impl Kind {
    /// Graphite's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeriesList => "seriesList",
            Self::SeriesLists => "seriesLists",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Text => "string",
            Self::Interval => "interval",
            Self::AggFunc => "aggFunc",
            Self::Node => "node",
            Self::NodeOrTag => "nodeOrTag",
            Self::Boolean => "boolean",
            Self::IntOrInterval => "intOrInterval",
            Self::Date => "date",
            Self::AggOrSeriesFunc => "aggOrSeriesFunc",
            Self::Any => "any",
            Self::IntOrInf => "intOrInf",
            Self::Tag => "tag",
        }
    }
}

/// What is taken where nothing was written, what may be chosen from, and what is suggested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// `null`.
    None,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'static str),
    /// True or false.
    Bool(bool),
}

/// One parameter of a function.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name, by which it can be given too: `f(x, n=3)`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it takes all that follow.
    pub multiple: bool,
    /// What it is where it was not given.
    pub default: Option<Default>,
    /// What it may be.
    pub options: &'static [Default],
    /// What editors suggest.
    pub suggestions: &'static [Default],
}

impl Parameter {
    /// A parameter that must be given.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true, multiple: false, default: None, options: &[], suggestions: &[] }
    }

    /// A parameter that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { required: false, ..Self::required(name, kind) }
    }

    /// The same parameter, which takes all arguments that follow; it has to be the last.
    #[must_use]
    pub const fn multiple(self) -> Self {
        Self { multiple: true, ..self }
    }

    /// The same parameter, which is `default` where nothing was given.
    #[must_use]
    pub const fn or(self, default: Default) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The same parameter, which is one of `options`; anything else is a problem that lists them.
    #[must_use]
    pub const fn one_of(self, options: &'static [Default]) -> Self {
        Self { options, ..self }
    }

    /// The same parameter, for which editors suggest these values. Others are accepted too.
    #[must_use]
    pub const fn suggest(self, suggestions: &'static [Default]) -> Self {
        Self { suggestions, ..self }
    }
}

/// `aggFunc`: the names of aggregates.
pub(super) const AGGREGATES: &[Default] = &texts([
    "average", "avg", "avg_zero", "count", "current", "diff", "last", "max", "median", "min", "multiply",
    "range", "rangeOf", "stddev", "sum", "total",
]);

/// Texts to choose from.
pub(super) const fn texts<const N: usize>(names: [&'static str; N]) -> [Default; N] {
    let mut all = [Default::None; N];
    let mut i = 0;
    while i < N {
        all[i] = Default::Text(names[i]);
        i += 1;
    }
    all
}
