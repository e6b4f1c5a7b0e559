//! The configuration of Alertmanager: receivers, whom its routes lead to them, inhibition and time intervals.
//!
//! There an alert walks down a tree of routes; here a receiver says with `only` which alerts it wants. A route becomes its
//! receiver with the matchers on the way to it, less those of the routes before it.
//! Source: "Configuration" of the documentation of Alertmanager, release 0.28.

use std::collections::BTreeSet;

use lanner_core::document::{Node, Position};
use serde_json::{Map, Value, json};

use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::span;
use super::tree::{entries, get, items, text, texts, truth};

pub(super) const PROGRAM: Program = Program {
    name: "alertmanager",
    about: "receivers, routes, inhibition and time intervals of Alertmanager",
    noun: "receivers, inhibitions and time intervals",
    source: "",
    take,
};

const FILE: &[Field] = &[
    ("global", Use::In(GLOBAL)),
    ("route", Use::Read),
    ("receivers", Use::Read),
    ("inhibit_rules", Use::Read),
    ("time_intervals", Use::In(INTERVAL)),
    ("mute_time_intervals", Use::In(INTERVAL)),
    ("templates", Use::Not("templates of messages are left out; see `content` of rules")),
];
const GLOBAL: &[Field] = &[
    ("smtp_smarthost", Use::Read),
    ("smtp_from", Use::Read),
    ("smtp_auth_username", Use::Read),
    ("smtp_auth_password", Use::Read),
    ("smtp_auth_password_file", Use::Read),
    ("smtp_require_tls", Use::Read),
    ("slack_api_url", Use::Read),
    ("slack_api_url_file", Use::Read),
    ("opsgenie_api_key", Use::Read),
    ("opsgenie_api_key_file", Use::Read),
    ("resolve_timeout", Use::Not("a rule says itself when its alerts end; left out")),
];
const ROUTE: &[Field] = &[
    ("receiver", Use::Read),
    ("match", Use::Read),
    ("match_re", Use::Read),
    ("matchers", Use::Read),
    ("continue", Use::Read),
    ("routes", Use::Read),
    ("group_by", Use::Read),
    ("group_wait", Use::Read),
    ("group_interval", Use::Read),
    ("repeat_interval", Use::Read),
    ("mute_time_intervals", Use::Read),
    ("active_time_intervals", Use::Read),
];
const INHIBITION: &[Field] = &[
    ("name", Use::Idle),
    ("source_match", Use::Read),
    ("source_match_re", Use::Read),
    ("source_matchers", Use::Read),
    ("target_match", Use::Read),
    ("target_match_re", Use::Read),
    ("target_matchers", Use::Read),
    ("equal", Use::Read),
];
const INTERVAL: &[Field] = &[
    ("name", Use::Read),
    (
        "time_intervals",
        Use::In(&[
            ("times", Use::In(&[("start_time", Use::Read), ("end_time", Use::Read)])),
            ("weekdays", Use::Read),
            ("months", Use::Read),
            ("days_of_month", Use::Read),
            ("years", Use::Read),
            ("location", Use::Read),
        ]),
    ),
];
const HTTP: &[Field] = &[
    (
        "basic_auth",
        Use::In(&[("username", Use::Read), ("password", Use::Read), ("password_file", Use::Read)]),
    ),
    (
        "authorization",
        Use::In(&[
            ("type", Use::As(&["Bearer", "bearer"])),
            ("credentials", Use::Read),
            ("credentials_file", Use::Read),
        ]),
    ),
    ("bearer_token", Use::Read),
    ("bearer_token_file", Use::Read),
];
const WEBHOOK_URL: &[Field] = &[("webhook_url", Use::Read), ("webhook_url_file", Use::Read)];

/// The fields of one service of a receiver.
fn fields(kind: &str) -> &'static [Field] {
    match kind {
        "webhook_configs" => &[("url", Use::Read), ("url_file", Use::Read), ("http_config", Use::In(HTTP))],
        "slack_configs" => &[
            ("api_url", Use::Read),
            ("api_url_file", Use::Read),
            ("channel", Use::Read),
            ("username", Use::Read),
            ("icon_emoji", Use::Read),
        ],
        "pagerduty_configs" => &[("routing_key", Use::Read), ("routing_key_file", Use::Read)],
        "opsgenie_configs" => &[("api_key", Use::Read), ("api_key_file", Use::Read)],
        "email_configs" => &[
            ("to", Use::Read),
            ("from", Use::Read),
            ("smarthost", Use::Read),
            ("auth_username", Use::Read),
            ("auth_password", Use::Read),
            ("auth_password_file", Use::Read),
            ("require_tls", Use::Read),
        ],
        "telegram_configs" => {
            &[("bot_token", Use::Read), ("bot_token_file", Use::Read), ("chat_id", Use::Read)]
        }
        _ => WEBHOOK_URL,
    }
}

fn take(file: &Node, _: &Names, moving: &mut Moving) {
    if get(file, "receivers").is_some() {
        moving.unread(file, &[FILE], "");
    }
    for name in ["time_intervals", "mute_time_intervals"] {
        for interval in items(get(file, name)) {
            take_interval(interval, moving);
        }
    }
    let mut routes = Vec::new();
    if let Some(route) = get(file, "route") {
        walk(route, &Route::default(), &mut routes, moving);
    }
    let receivers = items(get(file, "receivers"));
    let known: Vec<_> = receivers.iter().filter_map(|receiver| text(receiver, "name")).collect();
    for route in routes.iter().filter(|route| !known.contains(&route.receiver)) {
        moving.note(route.at, "route", format!("there is no receiver {:?}; left out", route.receiver));
    }
    for receiver in receivers {
        take_receiver(receiver, &routes, file, moving);
    }
    for inhibition in items(get(file, "inhibit_rules")) {
        let made = inhibit(inhibition);
        if made.is_ok() {
            moving.unread(inhibition, &[INHIBITION], "inhibition");
        }
        moving.entry("inhibit", "inhibition", made);
    }
}

/// A way down the tree: to which receiver, with which matchers and settings.
#[derive(Debug, Clone, Default)]
struct Route {
    at: Option<Position>,
    receiver: String,
    only: Vec<String>,
    /// Whether routes before it take every alert.
    is_dead: bool,
    /// What all routes below inherit.
    settings: Map<String, Value>,
}

/// Collects the routes below `node`, those that come first first.
fn walk(node: &Node, above: &Route, routes: &mut Vec<Route>, moving: &mut Moving) {
    let mut route = Route { at: node.at, ..above.clone() };
    if let Some(receiver) = text(node, "receiver") {
        route.receiver = receiver;
    }
    route.only.extend(matchers(node, "match", "match_re", "matchers"));
    moving.unread(node, &[ROUTE], "route");
    settings(node, &mut route, moving);
    // An alert that a branch takes comes neither to later branches, unless that one says `continue`, nor back here.
    let (mut rest, mut own) = (route.clone(), route);
    for child in items(get(node, "routes")) {
        walk(child, &rest, routes, moving);
        let taken = matchers(child, "match", "match_re", "matchers");
        let without = match taken.as_slice() {
            [one] => negated(one),
            _ => None,
        };
        let goes_on = truth(child, "continue") == Some(true);
        if without.is_none() && taken.len() > 1 {
            let what =
                if goes_on { "the receiver of the route above" } else { "what comes after this route" };
            let why = format!(
                "alerts with {} also reach {what}, because `only` cannot say \"not all of these\"",
                taken.join(", ")
            );
            moving.note(child.at, "route", why);
        }
        let takes_all = taken.is_empty();
        own.is_dead |= takes_all;
        own.only.extend(without.clone());
        if !goes_on {
            rest.is_dead |= takes_all;
            rest.only.extend(without);
        }
    }
    routes.push(own);
}

fn settings(node: &Node, route: &mut Route, moving: &mut Moving) {
    let group_by = texts(node, "group_by");
    if group_by == ["..."] {
        let at = get(node, "group_by").and_then(|node| node.at);
        let why = "group_by: `...`, each alert by itself, has no counterpart; here alerts with the same rule and instance \
                   share a message, so name the labels that tell yours apart";
        moving.note(at, "route", why);
        route.settings.insert("group_by".to_owned(), json!(["rule", "instance"]));
    } else if !group_by.is_empty() {
        route.settings.insert("group_by".to_owned(), json!(group_by));
    }
    for (theirs, ours) in
        [("group_wait", "group_wait"), ("group_interval", "group_interval"), ("repeat_interval", "repeat")]
    {
        if let Some(ms) = moving.duration_ms(node, theirs, "route") {
            route.settings.insert(ours.to_owned(), span::written(ms).into());
        }
    }
    for name in ["mute_time_intervals", "active_time_intervals"] {
        let intervals = texts(node, name);
        // Unlike the others these are not inherited.
        route.settings.remove(name);
        if !intervals.is_empty() {
            route.settings.insert(name.to_owned(), json!(intervals));
        }
    }
}

/// Matchers in all forms that there were, as Lanner writes them.
fn matchers(node: &Node, equal: &str, regex: &str, new: &str) -> Vec<String> {
    let map = |name: &str, operator: &str| -> Vec<String> {
        let pairs = get(node, name).map(entries).unwrap_or_default().iter();
        // Nothing there is the empty text.
        let written = |value: &Node| quoted(&value.scalar_text().unwrap_or_default());
        pairs.map(|(key, value)| format!("{}{operator}{}", key.name, written(value))).collect()
    };
    let mut all = map(equal, "=");
    all.extend(map(regex, "=~"));
    for matcher in texts(node, new) {
        match lanner_core::matchers::parse_matchers(&matcher) {
            Ok(parsed) => all.extend(
                parsed.iter().map(|one| lanner_core::matchers::format_matchers(std::slice::from_ref(one))),
            ),
            Err(_) => all.push(matcher),
        }
    }
    all
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The opposite of one matcher.
fn negated(matcher: &str) -> Option<String> {
    let at = matcher.find(['=', '!'])?;
    let (label, rest) = matcher.split_at(at);
    let operators = [("!=", "="), ("!~", "=~"), ("=~", "!~"), ("=", "!=")];
    let (operator, opposite) = operators.into_iter().find(|(operator, _)| rest.starts_with(operator))?;
    Some(format!("{label}{opposite}{}", rest.strip_prefix(operator)?))
}

/// One receiver for each way to it, and each service in it.
fn take_receiver(receiver: &Node, routes: &[Route], file: &Node, moving: &mut Moving) {
    let name = text(receiver, "name").unwrap_or_default();
    let mut seen = BTreeSet::new();
    let (dead, ways): (Vec<_>, Vec<_>) =
        routes.iter().filter(|route| route.receiver == name).partition(|route| route.is_dead);
    let ways: Vec<&Route> = ways.into_iter().filter(|route| seen.insert(route.only.clone())).collect();
    let is_dead = ways.is_empty() && !dead.is_empty();
    let services: Vec<_> = entries(receiver).iter().filter(|(key, _)| key.name != "name").collect();
    for (key, configs) in &services {
        for config in items(Some(configs)) {
            let made = match is_dead {
                true => Err((None, "no alert reaches it, because another route takes them all".to_owned())),
                false => service(&key.name, config, file),
            };
            let made = made.map_err(|(at, why)| (at.or(key.at), why));
            if made.is_ok() {
                service_remarks(&key.name, config, &name, moving);
            }
            if ways.is_empty() && made.is_ok() {
                moving.note(receiver.at, &name, "no route leads to it; rules have to name it");
            }
            let mut ways = ways.iter().copied();
            let first = ways.next();
            let whole = made.clone().map(|document| complete(document, &name, config, first, moving));
            moving.entry("receivers", &name, whole);
            let Ok(document) = made else { continue };
            for way in ways {
                let again = complete(document.clone(), &name, config, Some(way), moving);
                moving.push("receivers", again);
            }
        }
    }
}

/// What of a service does not come along.
fn service_remarks(kind: &str, config: &Node, name: &str, moving: &mut Moving) {
    moving.unread(config, &[fields(kind), &[("send_resolved", Use::Read)]], name);
    for field in SLACK_TEXTS.iter().filter(|_| kind == "slack_configs") {
        if text(config, field).is_some_and(|text| is_template(&text)) {
            let at = get(config, field).and_then(|node| node.at);
            moving.note(at, name, format!("{field} is a template, which has no counterpart; left out"));
        }
    }
}

/// What Lanner has of a message to Slack, unless it is a template.
const SLACK_TEXTS: [&str; 3] = ["channel", "username", "icon_emoji"];

fn is_template(text: &str) -> bool {
    text.contains("{{")
}

fn complete(document: Value, name: &str, config: &Node, way: Option<&Route>, moving: &mut Moving) -> Value {
    let mut whole = Map::from_iter([("name".to_owned(), moving.id(name).into())]);
    let Value::Object(document) = document else { return document };
    whole.extend(document.into_iter().filter(|(key, _)| key != "name"));
    if let Some(way) = way {
        whole.extend(way.settings.clone());
        if !way.only.is_empty() {
            whole.insert("only".to_owned(), json!(way.only));
        }
    }
    if let Some(resolved) = truth(config, "send_resolved") {
        whole.insert("send_resolved".to_owned(), resolved.into());
    }
    Value::Object(whole)
}

/// One service as a receiver, without its name.
fn service(kind: &str, config: &Node, file: &Node) -> Result<Value, Reason> {
    let global = |name: &str| get(file, "global").and_then(|global| secret(global, name));
    let need = |name: &str, found: Option<Value>| {
        found.ok_or_else(|| (config.at, format!("{} has no {name}", kind.trim_end_matches("_configs"))))
    };
    match kind {
        "webhook_configs" => {
            let url = need("url", secret(config, "url"))?;
            let mut webhook = json!({ "kind": "webhook", "url": url, "format": "alertmanager" });
            if let Some(auth) = get(config, "http_config").and_then(auth) {
                webhook["auth"] = auth;
            }
            Ok(webhook)
        }
        "slack_configs" => {
            let url = need("api_url", secret(config, "api_url").or_else(|| global("slack_api_url")))?;
            let mut slack = json!({ "kind": "slack", "url": url });
            for name in SLACK_TEXTS {
                if let Some(value) = text(config, name).filter(|value| !is_template(value)) {
                    slack[name] = value.into();
                }
            }
            Ok(slack)
        }
        "pagerduty_configs" => {
            let key = secret(config, "routing_key");
            let key = key.ok_or_else(|| {
                let why = "PagerDuty's older service_key is not supported; create an integration of the Events API v2";
                (config.at, why.to_owned())
            })?;
            Ok(json!({ "kind": "pagerduty", "routing_key": key }))
        }
        "opsgenie_configs" => {
            let key = need("api_key", secret(config, "api_key").or_else(|| global("opsgenie_api_key")))?;
            Ok(json!({ "kind": "opsgenie", "api_key": key }))
        }
        "email_configs" => email(config, file),
        "telegram_configs" => {
            let token = need("bot_token", secret(config, "bot_token"))?;
            let chat = need("chat_id", text(config, "chat_id").map(Value::from))?;
            Ok(json!({ "kind": "telegram", "token": token, "chat_id": chat }))
        }
        "discord_configs" => {
            Ok(json!({ "kind": "discord", "url": need("webhook_url", secret(config, "webhook_url"))? }))
        }
        "msteams_configs" | "msteamsv2_configs" => {
            Ok(json!({ "kind": "teams", "url": need("webhook_url", secret(config, "webhook_url"))? }))
        }
        other => Err((
            None,
            format!("{} has no counterpart; a webhook may do", other.trim_end_matches("_configs")),
        )),
    }
}

fn email(config: &Node, file: &Node) -> Result<Value, Reason> {
    let of = |name: &str| {
        text(config, name)
            .or_else(|| get(file, "global").and_then(|global| text(global, &format!("smtp_{name}"))))
    };
    let smarthost = of("smarthost").ok_or_else(|| (config.at, "email has no smarthost".to_owned()))?;
    let from = of("from").ok_or_else(|| (config.at, "email has no from".to_owned()))?;
    let to: Vec<String> =
        texts(config, "to").iter().flat_map(|to| to.split(',')).map(|to| to.trim().to_owned()).collect();
    let mut email = json!({ "kind": "email", "host": smarthost, "from": from, "to": to });
    if let Some((host, port)) = smarthost.rsplit_once(':') {
        email["host"] = host.into();
        if let Ok(port) = port.parse::<u16>() {
            email["port"] = port.into();
            if port == 465 {
                email["tls"] = "tls".into();
            }
        }
    }
    let global = get(file, "global");
    let require_tls = truth(config, "require_tls").or_else(|| truth(global?, "smtp_require_tls"));
    if require_tls == Some(false) {
        email["tls"] = "none".into();
    }
    if let Some(user) = of("auth_username") {
        email["username"] = user.into();
    }
    let password =
        secret(config, "auth_password").or_else(|| global.and_then(|it| secret(it, "smtp_auth_password")));
    if let Some(password) = password {
        email["password"] = password;
    }
    Ok(email)
}

/// A secret that is written there, or lies in a file.
fn secret(node: &Node, name: &str) -> Option<Value> {
    let file = text(node, &format!("{name}_file")).map(|file| json!({ "file": file }));
    file.or_else(|| text(node, name).map(Value::from))
}

fn auth(http: &Node) -> Option<Value> {
    if let Some(basic) = get(http, "basic_auth") {
        return Some(json!({ "username": text(basic, "username")?, "password": secret(basic, "password")? }));
    }
    let is_bearer = |it: &&Node| text(it, "type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let bearer = get(http, "authorization").filter(is_bearer).and_then(|it| secret(it, "credentials"));
    bearer.or_else(|| secret(http, "bearer_token")).map(|token| json!({ "bearer": token }))
}

fn inhibit(node: &Node) -> Result<Value, Reason> {
    let source = matchers(node, "source_match", "source_match_re", "source_matchers");
    let target = matchers(node, "target_match", "target_match_re", "target_matchers");
    if source.is_empty() || target.is_empty() {
        return Err((node.at, "it needs matchers of its source and of its target".to_owned()));
    }
    let mut inhibition = json!({ "source": source, "target": target });
    let equal = texts(node, "equal");
    if !equal.is_empty() {
        inhibition["equal"] = json!(equal);
    }
    Ok(inhibition)
}

/// A time interval; each of its parts becomes one of the same name.
fn take_interval(node: &Node, moving: &mut Moving) {
    let name = text(node, "name").unwrap_or_default();
    for part in items(get(node, "time_intervals")) {
        let mut interval = json!({ "name": name });
        let times: Vec<String> = items(get(part, "times"))
            .into_iter()
            .filter_map(|time| Some(format!("{}-{}", text(time, "start_time")?, text(time, "end_time")?)))
            .collect();
        if !times.is_empty() {
            interval["times"] = json!(times);
        }
        for (theirs, ours) in [
            ("weekdays", "days"),
            ("months", "months"),
            ("days_of_month", "days_of_month"),
            ("years", "years"),
        ] {
            let ranges: Vec<String> =
                texts(part, theirs).iter().map(|range| range_of(range, theirs)).collect();
            if !ranges.is_empty() {
                interval[ours] = json!(ranges);
            }
        }
        if let Some(zone) = text(part, "location") {
            interval["tz"] = zone.into();
        }
        moving.entry("time_intervals", &name, Ok(interval));
    }
}

/// `monday:friday` as `mon-fri`, and `1:5` as `1-5`.
fn range_of(range: &str, kind: &str) -> String {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let short = |end: &str| {
        let month = end
            .parse::<usize>()
            .ok()
            .filter(|_| kind == "months")
            .and_then(|n| MONTHS.get(n.checked_sub(1)?));
        match month {
            Some(month) => (*month).to_owned(),
            None if kind == "weekdays" || kind == "months" => end.to_lowercase().chars().take(3).collect(),
            None => end.to_owned(),
        }
    };
    range.split(':').map(short).collect::<Vec<_>>().join("-")
}
