//! Scripts, styles and pictures of the page, each under an address that changes when it does.

use std::sync::LazyLock;

use lanner_core::content;

/// A file that browsers may keep for good.
#[derive(Debug)]
pub struct Asset {
    name: &'static str,
    /// Its content type.
    pub content_type: &'static str,
    /// Its bytes.
    pub text: &'static str,
    address: LazyLock<String>,
}

macro_rules! assets {
    ($($(#[$doc:meta])* $constant:ident = $file:literal, $content_type:literal;)*) => {
        $(
            $(#[$doc])*
            pub static $constant: Asset = Asset {
                name: $file,
                content_type: $content_type,
                text: include_str!(concat!("assets/", $file)),
                address: LazyLock::new(|| $constant.hashed()),
            };
        )*

        /// Every one.
        #[must_use]
        pub fn all() -> Vec<&'static Asset> {
            vec![$(&$constant),*]
        }
    };
}

assets! {
    /// How pages look.
    STYLE = "page.css", "text/css; charset=utf-8";
    /// Swaps fragments that the server names.
    LIVE = "live.js", "text/javascript; charset=utf-8";
    /// A cursor, a table and zoom for charts.
    CHART = "chart.js", "text/javascript; charset=utf-8";
    /// The picture of the tab.
    ICON = "icon.svg", "image/svg+xml";
}

impl Asset {
    /// Where it is served: `/assets/page.0123456789abcdef.css`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The last part of [`Asset::address`].
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }

    fn hashed(&self) -> String {
        let hash = content::sha256(self.text.as_bytes());
        let (stem, ending) = self.name.split_once('.').unwrap_or((self.name, ""));
        format!("/assets/{stem}.{}.{ending}", hash.get(..16).unwrap_or(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_hashes() {
        let hash = content::sha256(STYLE.text.as_bytes());
        assert_eq!(STYLE.address(), format!("/assets/page.{}.css", &hash[..16]));
        assert_eq!(STYLE.file_name(), STYLE.address().trim_start_matches("/assets/"));
    }

    #[test]
    fn all_of_it_is_small() {
        let size: usize = all().iter().map(|asset| asset.text.len()).sum();
        assert!(size <= 40 << 10, "{size} bytes");
    }

    /// Whoever prefers less motion has it already.
    #[test]
    fn nothing_moves() {
        for word in ["animation", "transition", "@keyframes", "scroll-behavior", "smooth"] {
            assert!(all().iter().all(|asset| !asset.text.contains(word)), "{word}");
        }
    }
}
