//! Who may come in: a token and a person are made, sign in, ask each other, and are taken away again.

use crate::walk::Walk;

const FIRST: &str = "correct horse battery";
const SECOND: &str = "four other words here";

pub(crate) fn all(walk: &mut Walk) {
    walk.follow("header a[href='/more']");
    walk.reads(&["demo-webhook", "Users and tokens"]);
    walk.follow("main a[href='/access']");
    walk.reads(&["Everybody on this machine may do everything"]);
    let token = make_a_token(walk);
    nobody_comes_in_through_a_provider(walk);
    walk.open("/more");
    assert_eq!(walk.path(), "/sign-in", "the first token asks everybody who they are");
    sign_in_by_token(walk, &token);
    assert_eq!(walk.path(), "/more");
    add_a_person(walk);
    sign_in_by_name(walk, FIRST);
    decide(walk, &token);
    change_the_password(walk);
    walk.follow("header .who button");
    walk.open("/access/users/ann");
    sign_in_by_name_as(walk, "ann", SECOND);
    walk.follow("header .who button");
    walk.open("/access/users/ann");
    walk.browser.click("details.sign-in summary");
    sign_in_by_token(walk, &token);
    walk.browser.click("#sure");
    walk.follow("form[action$='/remove'] button");
    walk.browser.click("summary[aria-label='Revoke walker']");
    walk.follow("form[action$='/revoke'] button");
    walk.open("/access");
    walk.reads(&["Everybody on this machine may do everything"]);
}

fn make_a_token(walk: &mut Walk) -> String {
    walk.browser.evaluate("document.querySelectorAll('main details').forEach((it) => { it.open = true; })");
    walk.write("#token-name", "walker");
    walk.browser.click("#token-admin");
    walk.follow("form[action='/access/tokens'] button");
    walk.browser.text("pre.secret").trim().to_owned()
}

fn nobody_comes_in_through_a_provider(walk: &mut Walk) {
    for path in ["/sign-in/openid", "/sign-in/openid/done"] {
        walk.browser.go(&format!("{}{path}", walk.demo.url));
        walk.reads(&["nobody signs in through a provider here"]);
        walk.browser.complaints(); // the status of the answer
    }
}

fn sign_in_by_token(walk: &mut Walk, token: &str) {
    walk.write("#token", token);
    walk.follow("form:has(#token) button");
}

fn add_a_person(walk: &mut Walk) {
    walk.open("/access");
    walk.browser.click("details:has(#user-name) summary");
    walk.write("#user-name", "ann");
    walk.browser.click("#user-admin");
    walk.write("#user-password", FIRST);
    walk.follow("form[action='/access/users'] button");
    walk.reads(&["can sign in with the password that you chose"]);
    walk.follow("main a[href='/access/users/ann']");
    walk.browser.click("#their-operate");
    walk.follow("form[action$='/scopes'] button");
    walk.reads(&["admin"]);
    walk.write("#password", FIRST);
    walk.follow("form[action$='/password'] button");
}

fn sign_in_by_name(walk: &mut Walk, password: &str) {
    walk.follow("header .who button");
    walk.open("/account");
    sign_in_by_name_as(walk, "ann", password);
    walk.reads(&["Changes that you make carry this name"]);
}

fn sign_in_by_name_as(walk: &mut Walk, name: &str, password: &str) {
    walk.write("#name", name);
    walk.write("#password", password);
    walk.follow("form.sign-in button");
}

/// The walker asks a second person, who says no.
fn decide(walk: &mut Walk, token: &str) {
    let ask = ["switch", "activate", "block-bank", "--request", "--for", "1h", "-m", "all banks fail"];
    let asked = walk.demo.lanner_as(token, &ask);
    walk.open("/switches/block-bank");
    let text = walk.browser.text("main");
    assert!(text.contains("Waits for a second person") && text.contains("walker asked"), "{asked}\n{text}");
    walk.write("form[action$='/decide'] input[name=message]", "one of them");
    walk.follow("button[value=deny]");
    assert!(!walk.browser.text("main").contains("Waits for a second person"));
}

fn change_the_password(walk: &mut Walk) {
    walk.open("/account");
    for (field, text) in [("#old", FIRST), ("#new", SECOND), ("#again", SECOND)] {
        walk.write(field, text);
    }
    walk.follow("form[action='/account/password'] button");
    walk.reads(&["Your password was changed"]);
}
