//! Where an index finds the values of its fields.

use crate::field::{FieldPath, Fields, View};

/// Fields that an index finds by their numbers in it, or by their names.
pub(crate) trait Source: Fields {
    /// The value of the index's field `number`, which is called `path`.
    fn numbered(&self, number: u32, path: &FieldPath) -> Option<View<'_>>;
}

/// Fields that are found by name alone.
pub(crate) struct ByName<'f, F>(pub(crate) &'f F);

impl<F: Fields> Fields for ByName<'_, F> {
    #[inline]
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        self.0.view(path)
    }
}

impl<F: Fields> Source for ByName<'_, F> {
    #[inline]
    fn numbered(&self, _: u32, path: &FieldPath) -> Option<View<'_>> {
        path.view(self.0)
    }
}
