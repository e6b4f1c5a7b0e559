//! A report of `lanner detect` in a real browser, from its file: read by keyboard, zoomed into, saved, printed.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lanner_testkit::Browser;
use serde_json::{Value, json};

use crate::program::run_with_input;

/// A value every minute, with a hole of three hours and a spike; and another that never changes its ways.
fn table(n_rows: u32) -> String {
    let row = |row: u32| {
        let minute = if row < 500 { row } else { row + 180 };
        let time = jiff::Timestamp::from_second(1_767_225_600 + i64::from(minute) * 60).unwrap();
        let busy = if row == 700 { 600 } else { row * 7 % 10 };
        format!("{time},{busy},{}\n", row * 3 % 5)
    };
    std::iter::once("time,busy <i>,calm\n".to_owned()).chain((0..n_rows).map(row)).collect()
}

fn write(folder: &Path, table: &str) -> String {
    let path = folder.join("report.html").to_str().unwrap().to_owned();
    let ran = run_with_input(&["detect", "-", "--report", &path], table.as_bytes());
    assert_eq!(ran.code, 1, "{ran:?}");
    path
}

/// A report in a browser.
fn open(folder: &Path, table: &str) -> Option<Browser> {
    let mut browser = Browser::start(&folder.join("profile"))?;
    browser.resize(1440, 900);
    browser.go(&format!("file://{}", write(folder, table)));
    Some(browser)
}

#[test]
fn a_finding_is_read_by_keyboard_with_the_script_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = open(folder.path(), &table(1_000)) else { return };
    let scripts = browser.evaluate("[...document.scripts].map((it) => it.textContent)");
    assert_eq!(scripts[2], lanner_page::assets::CHART.text, "the page's script is not the report's");
    // From the list to the chart, which then is zoomed into.
    browser.evaluate("document.querySelector('#list a').focus()");
    browser.press("Enter");
    browser.wait_for("document.activeElement.id === 'chart-0'");
    browser.press("p");
    browser.wait_for("document.querySelector('#chart-0 .read').textContent.includes('finding: ')");
    let read = browser.text("#chart-0 .read");
    assert!(
        read.contains("value 600") && read.contains("rose to 600") && read.contains("; usual from"),
        "{read}"
    );
    let at = browser.evaluate("document.querySelector('#chart-0').dataset.at");
    browser.press("ArrowLeft");
    browser.wait_for(&format!(
        "document.querySelector('#chart-0').dataset.at === String({} - 1)",
        at.as_str().unwrap()
    ));
    // Another chart shows the same time, also where it is folded.
    let shown = "document.querySelector('#chart-1 .plot svg').getAttribute('viewBox')";
    let zoomed = browser.evaluate(shown);
    assert_ne!(zoomed, "0 0 1000 200");
    browser.press("Escape");
    browser.wait_for(&format!("{shown} === '0 0 1000 200'"));
    // The table has the same, made when it is looked at.
    let rows = "document.querySelectorAll('#chart-0-table tbody tr').length";
    assert_eq!(browser.evaluate(rows), 0);
    browser.click("#chart-0-table summary");
    browser.wait_for(&format!("{rows} === 50"));
    assert!(browser.text("#chart-0-table").contains("rows 1 to 50 of 1000"));
    for _ in 0..5 {
        browser.click("#chart-0-table button:nth-of-type(2)");
    }
    browser.wait_for("document.querySelector('#chart-0-table').innerText.includes('rose to 600')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_zoomed_into_is_drawn_anew_and_saved_as_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    // More points than are drawn of the whole.
    let Some(mut browser) = open(folder.path(), &table(6_000)) else { return };
    let line = "document.querySelector('#chart-0 .l0').getAttribute('d')";
    let n_points =
        |browser: &mut Browser| browser.evaluate(&format!("{line}.split('L').length")).as_u64().unwrap();
    let high = "document.querySelector('#chart-0 .y span').textContent";
    let whole = browser.evaluate(line);
    let (n_whole, high_whole) = (n_points(&mut browser), browser.evaluate(high));
    assert!(n_whole <= 1_600, "{n_whole}");
    // The hole is a hole: nothing is drawn across it, and it is shaded.
    assert_eq!(whole.as_str().unwrap().matches('M').count(), 2, "{whole}");
    assert!(
        browser
            .evaluate("document.querySelector('#chart-0 .shade.hole').getBoundingClientRect().width")
            .as_f64()
            > Some(5.0)
    );
    // Without the spike the rest can be seen: the scale is that of what is shown.
    browser.evaluate("document.querySelector('#chart-0').focus()");
    browser.press("End");
    for _ in 0..3 {
        browser.press("ArrowUp");
    }
    browser.wait_for(&format!("{high} !== {high_whole} && {line}.split('L').length < 1000"));
    assert!(browser.evaluate(high).as_str().unwrap().parse::<f64>().unwrap() < 20.0);
    assert!(n_points(&mut browser) > 700, "an eighth of 6,000 points");
    // The same, as a picture.
    let downloads = json!({ "behavior": "allow", "downloadPath": folder.path() });
    browser.tell("Page.setDownloadBehavior", &downloads);
    browser.click("section button");
    let saved = folder.path().join("busy_i_.png");
    for _ in 0..500 {
        if std::fs::read(&saved).is_ok_and(|picture| picture.len() > 5_000) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let picture = std::fs::read(&saved).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{} bytes", picture.len());
    browser.evaluate("document.querySelector('#chart-0').focus()");
    browser.press("Escape");
    browser.wait_for(&format!("{line} === {whole}"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_report_fits_and_can_be_read_at_every_width_and_without_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let wide = table(800).replace("calm", &"unbroken".repeat(40));
    let Some(mut browser) = open(folder.path(), &wide.replace("busy <i>", &"فاصل".repeat(30))) else {
        return;
    };
    let axe = std::env::var_os("LANNER_TEST_AXE").map(|path| std::fs::read_to_string(path).unwrap());
    let mut problems = Vec::new();
    for (width, dark) in [(360, true), (768, false), (1440, true)] {
        browser.resize(width, 900);
        browser.prefer_dark(dark);
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        if wide.as_u64() > Some(u64::from(width)) {
            problems.push(format!("{wide} wide at {width}"));
        }
        problems.extend(browser.faint_texts());
        problems.extend(axe.as_ref().map(|axe| browser.barriers(axe)).unwrap_or_default());
    }
    problems.extend(browser.complaints());
    assert_eq!(problems, Vec::<String>::new());
    browser.allow_scripts(false);
    let here = browser.evaluate("location.href");
    browser.go(here.as_str().unwrap());
    browser.allow_scripts(true);
    let drawn: Value = browser.evaluate("[...document.querySelectorAll('.l0')].map((it) => it.getBoundingClientRect().height > 20).includes(true)");
    assert_eq!(drawn, true);
}

/// How much a PDF draws, in bytes.
fn drawn(pdf: &[u8]) -> usize {
    const BEGIN: &[u8] = b"stream\n";
    let begins = pdf.windows(BEGIN.len()).enumerate().filter(|(_, bytes)| *bytes == BEGIN);
    let parts = begins.map(|(at, _)| {
        let mut drawn = Vec::new();
        // What is no compressed part, such as a picture, ends at once.
        let _ = flate2::read::ZlibDecoder::new(&pdf[at + BEGIN.len()..]).read_to_end(&mut drawn);
        drawn.len()
    });
    parts.sum()
}

/// On paper nobody scrolls, and people who prefer dark pages get white paper: every chart is drawn, also those that were never seen.
#[test]
fn a_report_is_printed_whole() {
    const N_CHARTS: usize = 12;
    /// What a chart of 400 values takes at least.
    const CHART_BYTES: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let cells = |cell: &dyn Fn(usize) -> String| (0..N_CHARTS).map(cell).collect::<String>();
    let row = |row: usize| {
        let time = jiff::Timestamp::from_second(1_767_225_600 + row as i64 * 60).unwrap();
        format!(
            "{time}{}\n",
            cells(&|n| format!(",{}", if row + n == 300 { 60 } else { (row + n) * 7 % 10 }))
        )
    };
    let text = format!("time{}\n", cells(&|n| format!(",s{n}"))) + &(0..400).map(row).collect::<String>();
    let Some(mut browser) = open(folder.path(), &text) else { return };
    browser.prefer_dark(true);
    browser.tell(
        "Emulation.setEmulatedMedia",
        &json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }),
    );
    assert_eq!(browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
    browser.tell("Emulation.setEmulatedMedia", &json!({ "media": "" }));
    let printed = browser.tell("Page.printToPDF", &json!({ "printBackground": false }));
    let pdf = STANDARD.decode(printed["data"].as_str().unwrap()).unwrap();
    assert!(drawn(&pdf) >= N_CHARTS * CHART_BYTES, "{} bytes for {N_CHARTS} charts", drawn(&pdf));
}
