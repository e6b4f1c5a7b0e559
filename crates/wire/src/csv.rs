//! Samples as CSV in long form, for export; [`crate::table`] reads them, as any other table.

mod write;

pub use write::{WriteError, Writer};

#[cfg(test)]
mod tests {
    use lanner_core::{Labels, Sample, SeriesKey};

    use super::*;

    #[test]
    fn labels_that_cannot_be_columns() {
        let key = |label: &str| SeriesKey::new("a", Labels::new([(label, "x")]));
        assert!(matches!(Writer::new(Vec::new(), [&key("Time")]), Err(WriteError::Unwritable { .. })));
        let mut writer = Writer::new(Vec::new(), [&key("b")]).unwrap();
        let result = writer.write(&key("c"), Sample::new(0, 1.0));
        assert!(matches!(result, Err(WriteError::NoColumn { .. })));
    }
}
