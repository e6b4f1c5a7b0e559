//! Values in legends: two decimals, and prefixes such as `k` and `Mi`.

/// Prefixes by thousands or by 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// `k`, `M`, ...: powers of 1000.
    Si,
    /// `Ki`, `Mi`, ...: powers of 1024.
    Binary,
}

impl System {
    /// The one called `si` or `binary`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "si" => Some(Self::Si),
            "binary" => Some(Self::Binary),
            _ => None,
        }
    }
}

/// `value` with two decimals: `1.50k`; with a unit, after a space: `1.50 kB`.
pub(super) fn fixed(value: f64, system: Option<System>, unit: &str) -> String {
    let space = if unit.is_empty() { "" } else { " " };
    let (base, prefixes) = match system {
        Some(System::Si) => (1000.0, ["k", "M", "G", "T", "P"]),
        Some(System::Binary) => (1024.0, ["Ki", "Mi", "Gi", "Ti", "Pi"]),
        None => return format!("{value:.2}{space}{unit}"),
    };
    let (mut scaled, mut prefix) = (value, "");
    for larger in prefixes {
        if scaled.abs() < base {
            break;
        }
        (scaled, prefix) = (scaled / base, larger);
    }
    format!("{scaled:.2}{space}{prefix}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_legends() {
        #[track_caller]
        fn check(value: f64, system: Option<System>, unit: &str, expected: &str) {
            assert_eq!(fixed(value, system, unit), expected);
        }
        check(9.172, None, "", "9.17");
        check(9.172, None, "ms", "9.17 ms");
        check(999.0, Some(System::Si), "", "999.00");
        check(1500.0, Some(System::Si), "", "1.50k");
        check(-2_000_000.0, Some(System::Si), "B", "-2.00 MB");
        check(1024.0, Some(System::Binary), "B", "1.00 KiB");
        check(1e18, Some(System::Si), "", "1000.00P");
        check(f64::INFINITY, None, "", "inf");
    }
}
