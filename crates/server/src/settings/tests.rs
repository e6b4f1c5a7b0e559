//! What is read of the sections `server` and `retention`.

use lanner_engine::Config;

use super::*;

#[test]
fn every_field_has_an_example_that_is_accepted() {
    for (section, fields) in [("server", SERVER), ("retention", RETENTION)] {
        // Files of carbon are read.
        for field in fields.iter().filter(|field| !field.name.starts_with("storage_")) {
            let (_, problems) = read(&format!("{section}:\n  {}: {}\n", field.name, field.example));
            assert_eq!(problems, [""; 0], "{}", field.name);
        }
    }
}

fn read(text: &str) -> (Settings, Vec<String>) {
    let node = Node::from_yaml(text).unwrap();
    let mut config = Config::default();
    assert_eq!(config.read(&node), []);
    let mut settings = Settings::new("data");
    let problems = settings.read(SettingSections::from(&config));
    (settings, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn sections_are_read() {
    let (settings, problems) = read(
        "server: { data: elsewhere, listen: \":8000\", carbon: off, token: { env: T }, max_body: 1000, guard: 30%,\
           ofrep_per_second: 500 }\n\
         retention:\n  series:\n    - { pattern: 'raw.*', keep: forever }\n    - { keep: [\"1m:7d\", \"1h:2y\"] }\n  \
         events: [{ pattern: payments, keep: 90d }]",
    );
    assert_eq!(problems, [""; 0]);
    assert_eq!((settings.listen.to_string().as_str(), settings.carbon), ("127.0.0.1:8000", None));
    assert_eq!(settings.carbon_pickle, None);
    assert_eq!((settings.folder.to_str(), settings.max_body_bytes), (Some("elsewhere"), 1000));
    assert!(settings.token.is_some());
    assert_eq!(settings.ofrep_per_second, Some(500));
    assert_eq!(settings.guard, Guard { share: 0.3, stream: None });
    let [raw, own, ..] = &settings.store.retention[..] else { panic!("two rules were written") };
    assert_eq!((raw.pattern.as_str(), raw.tiers.len()), ("raw.*", 0));
    assert_eq!((own.tiers[1].step_ms, own.tiers[1].keep_ms), (3_600_000, 2 * 366 * 86_400_000));
    assert_eq!(settings.store.event_retention[0].keep_ms, 90 * 86_400_000);
}

/// The rules of retention that a configuration with these two sections comes to, and what is wrong with it.
fn kept(schemas: &str, retention: &str) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage-schemas.conf");
    std::fs::write(&path, schemas).unwrap();
    let (settings, problems) =
        read(&format!("server: {{ storage_schemas: \"{}\" }}\n{retention}", path.display()));
    let rule = |rule: &RetentionRule| format!("{} {}", rule.pattern.as_str(), rule.keep_text());
    (settings.store.retention_in_force().series.iter().map(rule).collect(), problems)
}

#[test]
fn what_graphite_is_to_see_is_kept() {
    let fast = "[fast]\npattern = ^fast\\.\nretentions = 10s:7d,1m:30d\n";
    let default = "* 10s:1d, 1m:30d, 1h:3y";
    #[track_caller]
    fn check(schemas: &str, retention: &str, rules: &[&str], problems: &[&str]) {
        let found = kept(schemas, retention);
        assert_eq!(found.0, rules);
        assert_eq!(found.1.len(), problems.len(), "{:?}", found.1);
        for (found, part) in found.1.iter().zip(problems) {
            assert!(found.contains(part), "{found}");
        }
    }
    check(fast, "", &["^fast\\. 10s:7d, 1m:30d", default], &[]);
    check("[all]\npattern = .*\nretentions = 10s:7d\n", "", &[".* 10s:7d"], &[]);
    // What is shorter than samples stay as written is kept that long.
    check("[all]\npattern = .*\nretentions = 1s:10m,10s:1h\n", "", &[".* 10s:2h"], &[]);
    check("[all]\npattern = .*\nretentions = 1s:10m,10s:1d\n", "", &[".* 10s:1d"], &[]);
    let forever = "retention: { series: [{ keep: forever }] }";
    check(fast, forever, &["* forever", "^fast\\. 10s:7d, 1m:30d"], &[]);
    let elsewhere = "retention: { series: [{ pattern: 'slow.*', keep: [1h:1y] }] }";
    check(fast, elsewhere, &["slow.* 1h:1y", "^fast\\. 10s:7d, 1m:30d", default], &[]);
    let less = "retention: { series: [{ keep: [10s:1d, 1m:30d] }] }";
    let why = "\"*\" keeps 10s:1d, 1m:30d, and [fast] of server.storage_schemas asks for 10s:7d, 1m:30d; remove one";
    check(fast, less, &["* 10s:1d, 1m:30d", "^fast\\. 10s:7d, 1m:30d"], &[why]);
}

#[test]
fn carbons_second_port_follows_the_first() {
    let pickles = |text: &str| read(&format!("server: {{ {text} }}")).0.carbon_pickle.map(|at| at.port());
    assert_eq!(pickles("listen: \":8000\""), Some(CARBON_PICKLE_PORT));
    assert_eq!(pickles("carbon: \":3003\""), None);
    assert_eq!(pickles("carbon: off, carbon_pickle: \":3004\""), Some(3004));
}

#[test]
fn a_guard_is_a_share_and_where_from() {
    let guard = |text: &str| read(&format!("server: {{ guard: {text} }}")).0.guard;
    assert_eq!(guard("off").share, 1.0);
    assert_eq!(guard("20%"), Guard { share: 0.2, stream: None });
    let of_stream = Guard { share: 0.5, stream: Some("purchases".to_owned()) };
    assert_eq!(guard("{ stream: purchases }"), of_stream);
    for wrong in ["0", "0.2", "120%", "often", "{ shar: 20% }"] {
        let (_, problems) = read(&format!("server: {{ guard: {wrong} }}"));
        assert!(problems[0].contains("server.guard"), "{problems:?}");
    }
}

#[test]
fn every_mistake_is_named() {
    let (_, problems) = read(
        "server: { listen: nowhere, carbon: 70000, max_body: 0, tokn: x }\n\
         retention: { series: [{ keep: [10s] }, {}], events: [{ keep: soon }] }",
    );
    let parts = [
        "listen",
        "carbon",
        "max_body",
        "did you mean \"token\"",
        "step:time",
        "\"keep\" is missing",
        "soon",
    ];
    assert_eq!(problems.len(), parts.len(), "{problems:#?}");
    for (problem, part) in problems.iter().zip(parts) {
        assert!(problem.contains(part), "{problem} should speak of {part}");
    }
}

#[test]
fn a_heartbeat_goes_to_a_url_or_a_receiver() {
    let (settings, problems) =
        read("server: { heartbeat: { to: \"https://hc.example.org/t0ken\", every: 30s } }");
    assert_eq!(problems, [""; 0]);
    let heartbeat = settings.heartbeat.unwrap();
    assert_eq!(
        (heartbeat.every_ms, heartbeat.to.clone()),
        (30_000, To::Url(Secret::Text("https://hc.example.org/t0ken".into())))
    );
    assert!(!format!("{heartbeat:?}").contains("t0ken"));
    let (settings, _) = read("server: { heartbeat: { to: dead-man } }");
    let heartbeat = settings.heartbeat.unwrap();
    assert_eq!((heartbeat.every_ms, heartbeat.to), (60_000, To::Receiver("dead-man".into())));
    let (settings, _) = read("server: { heartbeat: { to: { env: HEARTBEAT } } }");
    assert_eq!(settings.heartbeat.unwrap().to, To::Url(Secret::Env("HEARTBEAT".into())));
    for wrong in
        ["{}", "{ to: \"ftp://a\" }", "{ to: a, every: 1ms }", "{ to: { envv: A } }", "{ to: a, evry: 1m }"]
    {
        let (_, problems) = read(&format!("server: {{ heartbeat: {wrong} }}"));
        assert!(problems.len() == 1 && problems[0].contains("server.heartbeat"), "{wrong}: {problems:?}");
    }
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, address) in [
        (":1", "127.0.0.1:1"),
        ("localhost:80", "127.0.0.1:80"),
        ("localhost", "127.0.0.1:9797"),
        ("0.0.0.0", "0.0.0.0:9797"),
        ("[::1]:5", "[::1]:5"),
    ] {
        assert_eq!(parse_address(text, HTTP_PORT).map(|a| a.to_string()).as_deref(), Ok(address), "{text}");
    }
    assert!(parse_address("example.org:80", HTTP_PORT).is_err());
}

#[test]
fn a_stream_lies_in_one_place() {
    let lies = |name: &str| {
        format!(
            "sources: [{{ name: shop, kind: postgresql, url: 'postgresql://db.example.org/shop' }}]
streams: {{ {name}: {{ source: shop, table: payments, time: ts }} }}
consume: [{{ name: orders, kind: nats, url: 'nats://mq.example.org', subject: orders, into: bought }},
          {{ name: cpu, kind: nats, url: 'nats://mq.example.org', subject: cpu, as: samples }}]
server: {{ syslog: ':5514' }}
"
        )
    };
    for (name, by) in [("bought", "consume.orders"), ("syslog", "server.syslog")] {
        let (_, problems) = read(&lies(name));
        let expected = format!("streams.{name}: lies elsewhere, and {by} fills the stream of this name here");
        assert!(problems.len() == 1 && problems[0].contains(&expected), "{problems:?}");
    }
    for name in ["payments", "orders", "cpu"] {
        assert_eq!(read(&lies(name)).1, Vec::<String>::new(), "{name}");
    }
}
