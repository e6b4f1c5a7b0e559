//! The description of a series that graphite-web sends to its peers, shared by all binary formats.

use super::Rendered;

/// A binary format of lists, maps, texts and numbers.
pub(super) trait Encoder {
    fn begin_list(&mut self, n_items: usize);
    fn end_list(&mut self);
    fn begin_map(&mut self, n_pairs: usize);
    fn end_map(&mut self);
    fn text(&mut self, text: &str);
    fn integer(&mut self, integer: i64);
    fn float(&mut self, float: f64);
    fn null(&mut self);
}

/// Writes a list with a map for each series.
pub(super) fn encode(series: &[Rendered<'_>], to: &mut impl Encoder) {
    to.begin_list(series.len());
    for series in series {
        to.begin_map(9);
        for (key, text) in [
            ("name", series.name),
            ("pathExpression", series.path_expression),
            ("consolidationFunc", series.consolidation),
        ] {
            to.text(key);
            to.text(text);
        }
        for (key, integer) in [
            ("start", series.start_s),
            ("end", series.end_s),
            ("step", series.step_s),
            ("valuesPerPoint", i64::from(series.values_per_point)),
        ] {
            to.text(key);
            to.integer(integer);
        }
        to.text("xFilesFactor");
        to.float(series.x_files_factor);
        to.text("values");
        to.begin_list(series.values.len());
        for value in series.values {
            if value.is_nan() { to.null() } else { to.float(*value) }
        }
        to.end_list();
        to.end_map();
    }
    to.end_list();
}
