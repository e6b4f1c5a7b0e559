//! People with names and passwords: who comes in, who does not, and when somebody is out again.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::browsing::browse;
use crate::switching::{Running, start_with};

const ANN: &str = "correct horse battery";
const BOB: &str = "four other words here";

/// A server with ann, who may do everything, and bob, who may operate.
async fn open() -> Running {
    let mut server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    let (status, why) =
        server.ask("POST", "/api/v1/users", json!({ "name": "bob", "scopes": ["read"] })).await;
    assert!(status == 422 && why["error"].as_str().unwrap().contains("needs the scope admin"), "{why}");
    server.invite(&["first"]).await;
    for (name, scopes, password) in [("ann", json!(["admin"]), ANN), ("bob", json!(["read", "operate"]), BOB)]
    {
        let user = json!({ "name": name, "scopes": scopes, "password": password });
        let (status, made) = server.ask_as("first", "POST", "/api/v1/users", user).await;
        assert_eq!((status, made), (201, json!({ "name": name, "scopes": scopes })));
    }
    server
}

/// A browser at an address of this machine: each has its own patience for wrong passwords.
fn at(nth: u8) -> Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, nth));
    Client::builder().redirect(Policy::none()).local_address(address).build().unwrap()
}

async fn sign_in(server: &Running, from: &Client, name: &str, password: &str) -> Response {
    let form = [("name", name), ("password", password), ("next", "/switches")];
    from.post(format!("{}/sign-in", server.url))
        .header("origin", &server.url)
        .form(&form)
        .send()
        .await
        .unwrap()
}

fn cookie(answer: &Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn signed_in(server: &Running, name: &str, password: &str) -> String {
    let answer = sign_in(server, &at(1), name, password).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/switches".parse().unwrap())
    );
    cookie(&answer)
}

/// The status and the text of a page for whoever shows a cookie.
async fn page(server: &Running, path: &str, cookie: &str) -> (u16, String) {
    let answer = at(1).get(format!("{}{path}", server.url)).header("cookie", cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn form_token(page: &str) -> String {
    page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn send(server: &Running, path: &str, cookie: &str, form: &[(&str, &str)]) -> Response {
    let request = at(1).post(format!("{}{path}", server.url)).header("origin", &server.url);
    request.header("cookie", cookie).form(form).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_its_password_open_pages_and_nothing_else() {
    let server = open().await;
    let ann = signed_in(&server, "ann", ANN).await;
    assert!(page(&server, "/switches", &ann).await.1.contains("href=\"/account\">ann</a>"));
    assert_eq!(page(&server, "/api/v1/rules", &ann).await.0, 401, "a cookie opens the API");
    let basic = at(1).get(format!("{}/api/v1/rules", server.url)).basic_auth("ann", Some(ANN));
    assert_eq!(basic.send().await.unwrap().status(), 401, "a password opens the API");
    let (mut texts, mut n) = (Vec::new(), 10);
    for (name, password) in
        [("ann", "wrong"), ("ann", ""), ("nobody", ANN), ("Ann", ANN), ("bob", ANN), ("ann\0", ANN)]
    {
        n += 1;
        let answer = sign_in(&server, &at(n), name, password).await;
        assert!(!answer.headers().contains_key("set-cookie"), "{name}");
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(status == 401 && text.contains("the name or the password is wrong"), "{name}: {status}");
        let name = name.replace('\0', "\u{2400}");
        texts.push(text.replace(&format!("value=\"{name}\""), "value=\"\""));
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "what was wrong is told");
    // What they change carries their names, and the guard of two people knows them apart.
    let bob = signed_in(&server, "bob", BOB).await;
    server
        .ask_as(
            "first",
            "PUT",
            "/api/v1/switches/stop",
            json!({ "when": "a == 1", "status": "inactive", "reason": "r", "owner": "o" }),
        )
        .await;
    let form = form_token(&page(&server, "/switches/stop", &bob).await.1);
    let done = send(
        &server,
        "/switches/stop/activate",
        &bob,
        &[("form", &form), ("step", "confirmed"), ("for", "1h")],
    )
    .await;
    assert_eq!(done.status(), 303);
    let (_, audit) = server.ask_as("first", "GET", "/api/v1/audit?subject=stop", Value::Null).await;
    assert_eq!(audit[0]["actor"], "bob", "{audit}");
    let (_, users) = server.ask_as("first", "GET", "/api/v1/users", Value::Null).await;
    assert_eq!((&users[1]["name"], &users[1]["changed_by"]), (&json!("bob"), &json!("first")), "{users}");
    assert!(users[1]["last_signed_in"].is_string() && !users.to_string().contains("argon2"), "{users}");
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_and_a_removal_end_sessions_at_once() {
    let server = open().await;
    let (here, elsewhere) = (signed_in(&server, "bob", BOB).await, signed_in(&server, "bob", BOB).await);
    let form = form_token(&page(&server, "/account", &here).await.1);
    let change = async |old: &str, new: &str, again: &str| {
        let form = [("form", &*form), ("old", old), ("new", new), ("again", again)];
        send(&server, "/account/password", &here, &form).await
    };
    for (old, new, again, status, says) in [
        ("wrong", "a new password", "a new password", 401, "the present password is wrong"),
        (BOB, "short", "short", 422, "has 5 characters"),
        (BOB, "a new password", "a new passwort", 422, "not the same"),
    ] {
        let answer = change(old, new, again).await;
        let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(found == status && text.contains(says), "{found}: {text}");
    }
    assert_eq!(page(&server, "/", &elsewhere).await.0, 200);
    let changed = change(BOB, "a new password", "a new password").await;
    assert_eq!(changed.status(), 303);
    let now = cookie(&changed);
    assert_ne!(now, here);
    assert_eq!(page(&server, "/", &now).await.0, 200);
    for old in [&here, &elsewhere] {
        assert_eq!(page(&server, "/", old).await.0, 303, "a session outlives its password");
    }
    assert_eq!(sign_in(&server, &at(2), "bob", BOB).await.status(), 401);

    let live = at(1).get(format!("{}/live", server.url)).header("cookie", &now).send().await.unwrap();
    assert_eq!(live.status(), 200);
    assert_eq!(server.ask_as("first", "DELETE", "/api/v1/users/bob", Value::Null).await.0, 204);
    assert_eq!(page(&server, "/", &now).await.0, 303, "a removed user is still in");
    let ended = tokio::time::timeout(Duration::from_secs(20), live.bytes()).await;
    assert!(ended.is_ok(), "a removed user keeps a stream");
    assert_eq!(sign_in(&server, &at(3), "bob", "a new password").await.status(), 401);
    // Who comes after under the same name is somebody else.
    let again = json!({ "name": "bob", "scopes": ["read"], "password": "a new password" });
    assert_eq!(server.ask_as("first", "POST", "/api/v1/users", again).await.0, 201);
    assert_eq!(page(&server, "/", &now).await.0, 303);
    assert_eq!(server.ask_as("first", "DELETE", "/api/v1/users/bob", Value::Null).await.0, 204);
    // The last token that manages the others may go while somebody else can manage them.
    assert_eq!(server.ask_as("first", "DELETE", "/api/v1/tokens/first", Value::Null).await.0, 204);
    let ann = signed_in(&server, "ann", ANN).await;
    assert_eq!(page(&server, "/", &ann).await.0, 200);
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_others_signs_in_or_changes_a_password() {
    let server = open().await;
    let form = [("name", "ann"), ("password", ANN)];
    for (origin, status) in [("https://evil.example", 403), ("null", 403)] {
        let request = at(1).post(format!("{}/sign-in", server.url)).header("origin", origin).form(&form);
        let answer = request.send().await.unwrap();
        assert!(answer.status() == status && !answer.headers().contains_key("set-cookie"), "{answer:?}");
    }
    let ann = signed_in(&server, "ann", ANN).await;
    for token in ["", "00"] {
        let form =
            [("form", token), ("old", ANN), ("new", "another long one"), ("again", "another long one")];
        assert_eq!(send(&server, "/account/password", &ann, &form).await.status(), 403);
    }
    // A form that was shown to somebody else, or before signing in, is none of theirs.
    let bob = signed_in(&server, "bob", BOB).await;
    let of_bob = form_token(&page(&server, "/account", &bob).await.1);
    let form = [("form", &*of_bob), ("old", ANN), ("new", "another long one"), ("again", "another long one")];
    assert_eq!(send(&server, "/account/password", &ann, &form).await.status(), 403);

    // A cookie that somebody planted is not taken up, and one that was shown ends.
    let planted = "lanner_session=lanner_0123456789012345678901234567890123456789";
    let form = [("name", "ann"), ("password", ANN), ("next", "//evil.example")];
    let answer = send(&server, "/sign-in", planted, &form).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/"));
    assert_ne!(cookie(&answer), planted);
    assert_eq!(page(&server, "/", planted).await.0, 303, "a planted cookie is signed in");
    let again = send(&server, "/sign-in", &ann, &form).await;
    assert_eq!(page(&server, "/", &cookie(&again)).await.0, 200);
    assert_eq!(page(&server, "/", &ann).await.0, 303, "the session before goes on");
    server.server.stop().await;
}

/// A wrong name must not be told from a wrong password by how long the answer takes.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_take_as_long_and_guessing_slows_down() {
    let server = open().await;
    let mut times = [Vec::new(), Vec::new()];
    for nth in 20..30 {
        for (name, times) in ["ann", "nobody"].into_iter().zip(&mut times) {
            let started = Instant::now();
            assert_eq!(sign_in(&server, &at(nth), name, "wrong, of course").await.status(), 401);
            times.push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("median of a known name {known:?}, of an unknown one {unknown:?}");
    assert!(unknown < 2 * known && known < 2 * unknown, "{known:?} and {unknown:?}");

    let guesser = at(40);
    let started = Instant::now();
    for _ in 0..6 {
        assert_eq!(sign_in(&server, &guesser, "ann", "wrong, of course").await.status(), 401);
    }
    // 100, 200 and 400 ms after the first three.
    assert!(started.elapsed() >= Duration::from_millis(700), "{:?}", started.elapsed());
    // Who knows the password does not wait for those who do not.
    let started = Instant::now();
    assert_eq!(sign_in(&server, &guesser, "ann", ANN).await.status(), 303);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // A flood from one address is refused before it costs anything, and others still come in.
    let flood = futures(&server, &guesser, 60).await;
    assert!(flood.contains(&429) && flood.iter().all(|status| matches!(status, 401 | 429)), "{flood:?}");
    assert_eq!(sign_in(&server, &at(41), "ann", ANN).await.status(), 303);
    server.server.stop().await;
}

async fn futures(server: &Running, from: &Client, n: usize) -> Vec<u16> {
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..n {
        let form = [("name", "ann"), ("password", "wrong, of course")];
        let request = from.post(format!("{}/sign-in", server.url)).header("origin", &server.url).form(&form);
        tries.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    tries.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_checked_before_they_are_added() {
    let server = open().await;
    let problems = async |user: Value| {
        let (status, answer) = server.ask_as("first", "POST", "/api/v1/users", user).await;
        (status, answer.to_string())
    };
    for (user, status, says) in [
        (json!({ "name": "ann", "scopes": ["read"] }), 409, "there is a user"),
        (json!({ "name": "a b", "scopes": ["read"] }), 422, "not a valid"),
        (json!({ "name": "config", "scopes": ["read"] }), 422, "reserved"),
        (json!({ "name": "eve", "scopes": [] }), 422, "is empty"),
        (json!({ "name": "eve", "scopes": ["root"] }), 422, "scopes[0]"),
        (json!({ "name": "eve", "scopes": ["read"], "password": "short" }), 422, "at least 12"),
        (json!({ "name": "eve", "scopes": ["read"], "pasword": "x" }), 400, "pasword"),
    ] {
        let (found, answer) = problems(user.clone()).await;
        assert!(found == status && answer.contains(says), "{user}: {found} {answer}");
    }
    // Without a password one is made, and opens the page at once.
    let (status, made) =
        server.ask_as("first", "POST", "/api/v1/users", json!({ "name": "eve", "scopes": ["read"] })).await;
    assert_eq!(status, 201);
    let eve = signed_in(&server, "eve", made["password"].as_str().unwrap()).await;
    assert!(page(&server, "/account", &eve).await.1.contains("You may: read."));
    let (status, made) = server.ask_as("first", "POST", "/api/v1/users/eve/password", json!({})).await;
    assert!(status == 200 && made["password"].is_string(), "{made}");
    assert_eq!(page(&server, "/", &eve).await.0, 303);
    assert_eq!(server.ask_as("first", "POST", "/api/v1/users/nobody/password", json!({})).await.0, 404);
    assert_eq!(server.ask_as("first", "DELETE", "/api/v1/users/nobody", Value::Null).await.0, 404);
    // Pages need the scope read, and say so to whoever knew the password.
    let made = json!({ "name": "probe", "scopes": ["evaluate"], "password": "four words of mine" });
    assert_eq!(server.ask_as("first", "POST", "/api/v1/users", made).await.0, 201);
    let answer = sign_in(&server, &at(1), "probe", "four words of mine").await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("lacks the scope read"));
    server.server.stop().await;
}

/// On a telephone: signs in, changes the password, and signs in with the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_a_name_and_changes_the_password() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.resize(390, 844);
        browser.go(&format!("{url}/silences"));
        browser.write("#name", "bob");
        browser.write("#password", "four other words");
        browser.follow("form.sign-in button");
        assert!(browser.text("[role=alert]").contains("the name or the password is wrong"));
        assert_eq!(browser.evaluate("document.querySelector('#name').value"), "bob");
        browser.complaints();
        browser.write("#password", BOB);
        browser.follow("form.sign-in button");
        assert_eq!(browser.evaluate("location.pathname"), "/silences");
        assert_eq!(browser.evaluate("document.cookie"), "", "scripts see the session");
        browser.follow("header a[href='/account']");
        assert!(browser.text("main").contains("read, operate"), "{}", browser.text("main"));
        for (field, text) in [("#old", BOB), ("#new", "a much better one"), ("#again", "a much better one")] {
            browser.write(field, text);
        }
        browser.follow("main form button");
        assert!(browser.text("[role=status]").contains("was changed"), "{}", browser.text("main"));
        browser.follow("header form button");
        browser.write("#name", "bob");
        browser.write("#password", "a much better one");
        browser.follow("form.sign-in button");
        assert!(browser.text("header").contains("bob"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

fn list_of(n: &str) -> String {
    format!("/access/users/{n}")
}

/// What the page shows once.
fn secret(page: &str) -> String {
    page.split("<pre class=\"secret\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_manages_users_and_tokens_on_the_page() {
    let server = open().await;
    // Who has a password alone makes a token, and calls the API with it.
    let ann = signed_in(&server, "ann", ANN).await;
    let form = form_token(&page(&server, "/access", &ann).await.1);
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let answer = send(&server, path, &ann, &[&[("form", &*form)], fields].concat()).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, made) = post("/access/tokens", &[("name", "ann"), ("scope", "admin")]).await;
    assert_eq!(status, 201, "{made}");
    let token = secret(&made);
    assert!(!page(&server, "/access", &ann).await.1.contains(&token), "a token is shown twice");
    let listed = at(1).get(format!("{}/api/v1/tokens", server.url)).bearer_auth(&token).send().await.unwrap();
    assert!(listed.text().await.unwrap().contains("\"created_by\":\"ann\""));
    for (path, fields, status, says) in [
        ("/access/tokens", &[("name", "ann"), ("scope", "read")][..], 409, "already"),
        ("/access/tokens", &[("name", "a b"), ("scope", "read")], 422, "not a valid token name"),
        ("/access/tokens", &[("name", "x")], 422, "needs a scope"),
        ("/access/tokens", &[("name", "x"), ("scope", "root")], 422, "is not a scope"),
        ("/access/users", &[("name", "carl"), ("scope", "read"), ("password", "short")], 422, "at least 12"),
        ("/access/users", &[("name", "carl")], 422, "is empty"),
        ("/access/users/bob/remove", &[], 422, "say that you are sure"),
        ("/access/users/nobody/remove", &[("sure", "yes")], 404, "there is no user"),
        ("/access/tokens/nobody/revoke", &[], 404, "there is no token"),
    ] {
        let (found, text) = post(path, fields).await;
        assert!(found == status && text.contains(says), "{path} {fields:?}: {found} {text}");
    }
    assert_eq!(post("/access/tokens/ann/revoke", &[]).await.0, 303);
    let refused =
        at(1).get(format!("{}/api/v1/tokens", server.url)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), 401, "a revoked token is taken");

    // Somebody is added, may more, has another password, and is gone.
    let (status, made) =
        post("/access/users", &[("name", "carl"), ("scope", "read"), ("scope", "operate")]).await;
    assert_eq!(status, 201, "{made}");
    let carl = signed_in(&server, "carl", &secret(&made)).await;
    assert_eq!(page(&server, "/access", &carl).await.0, 403);
    let live = at(1).get(format!("{}/live", server.url)).header("cookie", &carl).send().await.unwrap();
    assert_eq!(post(&format!("{}/scopes", list_of("carl")), &[("scope", "admin")]).await.0, 303);
    assert_eq!(page(&server, "/access", &carl).await.0, 200, "the same session may not do more");
    assert_eq!(post(&format!("{}/scopes", list_of("carl")), &[("scope", "ingest")]).await.0, 303);
    assert_eq!(page(&server, "/", &carl).await.0, 403, "the same session may do what it might before");
    let ended = tokio::time::timeout(Duration::from_secs(20), live.bytes()).await;
    assert!(ended.is_ok(), "whoever may not read keeps a stream");
    let (status, made) = post(&format!("{}/password", list_of("carl")), &[]).await;
    assert!(status == 200 && secret(&made).len() == 20, "{status}: {made}");
    assert_eq!(post(&format!("{}/remove", list_of("carl")), &[("sure", "yes")]).await.0, 303);
    assert_eq!(page(&server, &list_of("carl"), &ann).await.0, 404);

    // Nobody locks everybody out: neither the last token nor the last user who may manage the others goes.
    assert_eq!(post("/access/tokens/first/revoke", &[]).await.0, 303);
    for (path, fields) in [("scopes", [("scope", "read")]), ("remove", [("sure", "yes")])]
        .map(|(what, fields)| (format!("{}/{what}", list_of("ann")), fields))
    {
        let (status, text) = post(&path, &fields).await;
        assert!(status == 409 && text.contains("the last one who may manage"), "{path}: {status} {text}");
    }
    // Each change carries a name.
    let audit = page(&server, "/more", &ann).await.1;
    let rows: Vec<&str> = audit.split("<tr>").filter(|row| row.contains("<td>carl</td>")).collect();
    assert!(rows.len() == 5 && rows.iter().all(|row| row.contains("<td>ann</td>")), "{rows:#?}");
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_manages_users_and_tokens() {
    let server = open().await;
    let (ann, bob) = (signed_in(&server, "ann", ANN).await, signed_in(&server, "bob", BOB).await);
    let of_ann = form_token(&page(&server, "/access", &ann).await.1);
    let of_bob = form_token(&page(&server, "/account", &bob).await.1);
    let shown = page(&server, "/more", &bob).await.1 + &page(&server, "/account", &bob).await.1;
    assert!(!shown.contains("/access"), "bob is offered what he may not do");
    for path in ["/access", "/access/users/ann"] {
        assert_eq!(page(&server, path, &bob).await.0, 403, "{path}");
    }
    let fields = [("name", "eve"), ("scope", "admin"), ("sure", "yes"), ("password", "a long password")];
    for path in [
        "/access/users",
        "/access/tokens",
        "/access/users/ann/scopes",
        "/access/users/ann/password",
        "/access/users/ann/remove",
        "/access/tokens/first/revoke",
    ] {
        for (cookie, form) in [(&bob, &of_bob), (&bob, &of_ann), (&ann, &of_bob), (&ann, &String::new())] {
            let answer = send(&server, path, cookie, &[&[("form", &**form)], &fields[..]].concat()).await;
            assert_eq!(answer.status(), 403, "{path}");
        }
        let foreign = at(1).post(format!("{}{path}", server.url)).header("origin", "https://evil.example");
        let foreign =
            foreign.header("cookie", &ann).form(&[("form", &*of_ann), ("name", "eve")]).send().await;
        assert_eq!(foreign.unwrap().status(), 403, "{path}");
    }
    let (_, users) = server.ask_as("first", "GET", "/api/v1/users", Value::Null).await;
    let (_, tokens) = server.ask_as("first", "GET", "/api/v1/tokens", Value::Null).await;
    assert_eq!((users.as_array().unwrap().len(), tokens.as_array().unwrap().len()), (2, 1));
    server.server.stop().await;
}

/// On a telephone: an administrator makes a token, adds somebody, and changes what they may do.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_makes_a_token_and_a_user_in_a_browser() {
    let server = open().await;
    let axe = std::env::var_os("LANNER_TEST_AXE").map(|path| std::fs::read_to_string(path).unwrap());
    browse(&server, move |browser, url| {
        browser.resize(390, 844);
        let check = |browser: &mut lanner_testkit::Browser| {
            let wide = browser.evaluate("document.documentElement.scrollWidth");
            assert!(wide.as_u64() <= Some(390), "{wide}");
            let mut found = axe.as_ref().map(|axe| browser.barriers(axe)).unwrap_or_default();
            for dark in [true, false] {
                browser.prefer_dark(dark);
                found.extend(browser.faint_texts());
            }
            found.extend(browser.complaints());
            assert_eq!(found, Vec::<String>::new());
        };
        browser.go(&format!("{url}/account"));
        browser.write("#name", "ann");
        browser.write("#password", ANN);
        browser.follow("form.sign-in button");
        browser.follow("main a[href^='/access?token=ann']");
        assert_eq!(browser.evaluate("document.querySelector('#token-name').value"), "ann");
        check(browser);
        browser.follow("form[action='/access/tokens'] button");
        assert!(browser.text(".secret").starts_with("lanner_"), "{}", browser.text("main"));
        browser.click("summary");
        browser.write("#user-name", "carl");
        browser.click("#user-read");
        browser.follow("form[action='/access/users'] button");
        assert_eq!(browser.text(".secret").trim().len(), 20);
        check(browser);
        browser.follow("a[href='/access/users/carl']");
        browser.click("#their-operate");
        browser.follow("form[action$='/scopes'] button");
        assert!(browser.text("main").contains("read, operate"), "{}", browser.text("main"));
        check(browser);
        browser.click("#sure");
        browser.follow("form[action$='/remove'] button");
        assert!(!browser.text("main").contains("carl"), "{}", browser.text("main"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}
