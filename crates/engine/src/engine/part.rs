//! Which part of the work an engine does, of several.

/// Which part of the work an engine does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// Rules of data that lies here, and all notifications.
    Notifier,
    /// Rules that it is given, and no notifications.
    Worker,
}
