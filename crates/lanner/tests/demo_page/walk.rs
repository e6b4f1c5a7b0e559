//! Every page on the demo's data, as a person walks it: at three widths, in light and dark, with axe-core, with every form sent, and
//! once without JavaScript.
//!
//! The pages are those of the router's table: a new one fails this test until somebody walks it.

use lanner_server::PAGES;
use lanner_testkit::Browser;

use crate::{Demo, people, steps};

/// A telephone, a tablet, a desk, and a telephone that runs no scripts.
const PLACES: [Place; 4] = [
    Place { width: 360, height: 780, is_dark: true, has_scripts: true },
    Place { width: 768, height: 1_024, is_dark: false, has_scripts: true },
    Place { width: 1_440, height: 900, is_dark: true, has_scripts: true },
    Place { width: 360, height: 780, is_dark: false, has_scripts: false },
];

/// Where somebody sits, and whether the person there prefers dark pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    width: u32,
    height: u32,
    is_dark: bool,
    pub(crate) has_scripts: bool,
}

/// Somebody at a browser.
pub(crate) struct Walk<'w> {
    pub(crate) demo: &'w Demo,
    pub(crate) browser: Browser,
    axe: Option<&'w str>,
    pub(crate) place: Place,
    problems: Vec<String>,
}

impl Walk<'_> {
    /// Opens an address, and looks at what is there.
    pub(crate) fn open(&mut self, path: &str) {
        self.browser.go(&format!("{}{path}", self.demo.url));
        self.look();
    }

    /// Clicks on what leads to another page, and looks at that.
    pub(crate) fn follow(&mut self, selector: &str) {
        self.browser.follow(selector);
        self.look();
    }

    pub(crate) fn write(&mut self, selector: &str, text: &str) {
        self.browser.write(selector, text);
    }

    /// What stands on the page must have all of this in it.
    #[track_caller]
    pub(crate) fn reads(&mut self, parts: &[&str]) {
        let text = self.browser.text("main");
        let here = self.path();
        parts.iter().for_each(|part| assert!(text.contains(part), "\"{part}\" is not on {here}:\n{text}"));
    }

    pub(crate) fn path(&mut self) -> String {
        self.browser.evaluate("location.pathname").as_str().unwrap_or_default().to_owned()
    }

    /// Whether it fits, can be read and used, and complains of nothing.
    fn look(&mut self) {
        let Self { browser, axe, place: Place { width, is_dark, has_scripts, .. }, problems, .. } = self;
        browser.wait_for("getComputedStyle(document.querySelector('main')).paddingLeft !== '0px'");
        let mut found = Vec::new();
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        if wide.as_u64() > Some(u64::from(*width)) {
            found.push(format!("it is {wide} wide"));
        }
        if browser.text("main").len() <= 20 {
            found.push("it is empty".to_owned());
        }
        for dark in [!*is_dark, *is_dark] {
            browser.prefer_dark(dark);
            found.extend(browser.faint_texts());
        }
        found.extend(axe.filter(|_| *has_scripts).map(|axe| browser.barriers(axe)).unwrap_or_default());
        found.extend(browser.complaints());
        let here = browser.evaluate("location.href");
        problems.extend(found.iter().map(|it| format!("{here} at {width}: {it}")));
    }

    /// Whether there was a request to this page.
    fn went(&self, method: &str, page: &str) -> bool {
        let is_there = |url: &str| {
            let path = url.strip_prefix(&self.demo.url).unwrap_or_default();
            let path = path.split(['?', '#']).next().unwrap_or_default();
            let (parts, wanted): (Vec<&str>, Vec<&str>) =
                (path.split('/').collect(), page.split('/').collect());
            parts.len() == wanted.len()
                && parts.iter().zip(&wanted).all(|(part, wanted)| part == wanted || wanted.starts_with('{'))
        };
        self.browser.asked.iter().any(|(asked, url)| asked.eq_ignore_ascii_case(method) && is_there(url))
    }
}

#[test]
fn every_page_of_the_demo_is_walked_at_three_widths_in_light_and_dark() {
    let folder = tempfile::tempdir().unwrap();
    let Some(browser) = Browser::start(folder.path()) else { return };
    let axe = std::env::var_os("LANNER_TEST_AXE").map(|path| std::fs::read_to_string(path).unwrap());
    if axe.is_none() {
        eprintln!(
            "SKIPPED: the check by axe-core, because LANNER_TEST_AXE names no script; `cargo xtask test` fetches it"
        );
    }
    let demo = Demo::start();
    let mut walk = Walk { demo: &demo, browser, axe: axe.as_deref(), place: PLACES[0], problems: Vec::new() };
    for place in PLACES {
        walk.place = place;
        walk.browser.resize(place.width, place.height);
        walk.browser.allow_scripts(place.has_scripts);
        steps::all(&mut walk);
        people::all(&mut walk);
    }
    let missing: Vec<_> = PAGES.iter().filter(|(method, page)| !walk.went(method, page)).collect();
    assert!(
        missing.is_empty(),
        "nobody walked these pages: add what people do there to `steps.rs`: {missing:?}"
    );
    assert_eq!(walk.problems, Vec::<String>::new());
}
