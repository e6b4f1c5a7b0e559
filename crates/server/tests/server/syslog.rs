//! Syslog: bytes as devices send them, real clients, and an access log of nginx that becomes sessions.

use std::path::PathBuf;
use std::process::Stdio;

use lanner_server::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::sending::{apply, counts, events, get, start};
use lanner_testkit::free_port;

/// The messages of events, in order.
fn messages(events: &[Value]) -> Vec<&str> {
    let mut messages: Vec<&str> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    messages
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address("syslog").unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_by_udp_and_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.address("syslog_udp").unwrap();
    let structured = "<165>1 - web1 app 7 - [id@1 key=\"value\"] structured";
    for datagram in
        [&b"<34>Oct 11 22:14:15 mymachine su: old\n"[..], structured.as_bytes(), b"\xff\x00", b"", b"\n\n"]
    {
        socket.send_to(datagram, to).await.unwrap();
    }
    let mut lines = connect(&server).await;
    lines.write_all(b"<13>app: line 1\n<13>app: line 2\r\n\n<13>app: line").await.unwrap();
    lines.write_all(b" 3").await.unwrap();
    drop(lines);
    let mut counted = connect(&server).await;
    let long = format!("<13>{}", "x".repeat(100_000));
    let frames = format!("15 <13>app: count\n\n{} {long}16 <13>app: count 2", long.len());
    counted.write_all(frames.as_bytes()).await.unwrap();
    drop(counted);
    // A page that somebody opens may send this to any port.
    let mut web = connect(&server).await;
    web.write_all(b"POST / HTTP/1.1\r\n\r\n<13>app: evil\n").await.unwrap();
    assert_eq!(web.read(&mut [0]).await.unwrap_or(0), 0, "the connection stays open");

    let found = events(&server, "syslog", 9).await;
    let mut expected =
        vec!["count", "count 2", "line 1", "line 2", "line 3", "old", "structured", "\u{fffd}"];
    let cut = &long[4..64 * 1024];
    expected.push(cut);
    expected.sort_unstable();
    assert_eq!(messages(&found), expected);
    let of = |message: &str| found.iter().find(|event| event["message"] == message).unwrap();
    let old = of("old");
    assert_eq!(
        (&old["host"], &old["app"], &old["sender"]),
        (&json!("mymachine"), &json!("su"), &json!("127.0.0.1"))
    );
    assert_eq!(
        (&old["facility"], &old["severity"], &old["severity_code"]),
        (&json!("auth"), &json!("crit"), &json!(2))
    );
    assert_eq!(of("structured")["data"], json!({ "id@1": { "key": "value" } }));
    assert_eq!(of("line 1")["host"], "127.0.0.1");
    assert_eq!(counts(&server).await, [9, 0, 1]);
    assert!(get(&server, "/metrics").await.contains("accepted_total{protocol=\"syslog\"}"));
    server.stop().await;
}

/// util-linux' `logger`, and the handler that comes with Python.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_send() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let ports = ["syslog", "syslog_udp"].map(|name| server.address(name).unwrap().port().to_string());
    let mut n_sent = 0;
    for (port, form) in [
        (&ports[0], &["--tcp", "--rfc5424", "--octet-count"][..]),
        (&ports[0], &["--tcp", "--rfc3164"]),
        (&ports[1], &["--udp", "--rfc5424"]),
        (&ports[1], &["--udp", "--rfc3164"]),
    ] {
        let mut logger = tokio::process::Command::new("logger");
        logger.args(["--server", "127.0.0.1", "--port", port, "--tag", "backup", "--priority", "local3.err"]);
        let Ok(done) = logger.args(form).arg(format!("disk full {}", form.join(" "))).output().await else {
            eprintln!("SKIPPED: the test with logger, which is not here; install bsdutils");
            break;
        };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        n_sent += 1;
    }
    for event in events(&server, "syslog", n_sent).await {
        assert!(event["message"].as_str().unwrap().starts_with("disk full --"), "{event}");
        let fields = ["app", "facility", "severity"].map(|name| event[name].as_str().unwrap_or_default());
        assert_eq!(fields, ["backup", "local3", "err"], "{event}");
    }
    const HANDLER: &str = "import logging, logging.handlers, sys\n\
        handler = logging.handlers.SysLogHandler(('127.0.0.1', int(sys.argv[1])), 'local0')\n\
        handler.ident = 'shop: '\n\
        logging.getLogger().addHandler(handler)\n\
        logging.warning('queue is %d long', 17)";
    let mut python = tokio::process::Command::new("python3");
    match python.arg("-c").arg(HANDLER).arg(&ports[1]).output().await {
        Err(_) => eprintln!("SKIPPED: the test with Python's handler, because there is no python3"),
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            let found = events(&server, "syslog", n_sent + 1).await;
            let event = found.iter().find(|event| event["app"] == "shop").unwrap();
            assert_eq!(
                (&event["message"], &event["severity"]),
                (&json!("queue is 17 long"), &json!("warning"))
            );
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_log_of_nginx_becomes_sessions() {
    let Some(program) = std::env::var_os("LANNER_TEST_NGINX").map(PathBuf::from) else {
        eprintln!("SKIPPED: LANNER_TEST_NGINX does not say where nginx is; `cargo xtask test` fetches it");
        return;
    };
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(data.path()).await;
    // What docs/sending.md shows.
    let document = json!({ "processors": [
        { "id": "nginx", "stream": "syslog", "copy": { "to": "access-log", "where": "app == nginx" } },
        { "id": "access", "stream": "access-log", "parse": { "as": "combined" } },
        { "id": "api", "stream": "access-log", "sessions": {} },
    ] });
    apply(&server, &document).await;
    let (port, below) = (free_port(), folder.path().display());
    let config = format!(
        "daemon off; master_process off; pid {below}/pid; error_log {below}/error.log;\nevents {{ }}\nhttp {{\n\
         client_body_temp_path {below}/a; proxy_temp_path {below}/b; fastcgi_temp_path {below}/c;\n\
         uwsgi_temp_path {below}/d; scgi_temp_path {below}/e;\n\
         access_log syslog:server={} combined;\n\
         server {{ listen 127.0.0.1:{port}; location /login {{ return 401; }} location / {{ return 204; }} }}\n}}\n",
        server.address("syslog_udp").unwrap()
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, config).unwrap();
    let mut nginx = tokio::process::Command::new(program);
    nginx.arg("-p").arg(folder.path()).arg("-c").arg(&file).stderr(Stdio::inherit()).kill_on_drop(true);
    let _nginx = nginx.spawn().unwrap();
    let http = reqwest::Client::builder().user_agent("guesser/1.0").build().unwrap();
    let login = format!("http://127.0.0.1:{port}/login?next=%2F");
    let mut n_sent = 0;
    for _ in 0..400 {
        match http.post(&login).send().await {
            Ok(answer) => {
                assert_eq!(answer.status().as_u16(), 401);
                n_sent += 1;
            }
            // It may still be starting.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
        if n_sent == 12 {
            break;
        }
    }
    let requests = events(&server, "access-log", 12).await;
    let request = &requests[0];
    for (name, value) in [
        ("client", json!("127.0.0.1")),
        ("method", json!("POST")),
        ("path", json!("/login")),
        ("query", json!("next=%2F")),
        ("status", json!(401)),
        ("agent", json!("guesser/1.0")),
        ("app", json!("nginx")),
        ("severity", json!("info")),
    ] {
        assert_eq!(request[name], value, "{name} of {request}");
    }
    let sessions = events(&server, "api.sessions", 1).await;
    assert_eq!(
        (&sessions[0]["finding"], &sessions[0]["client"]),
        (&json!("brute_force"), &json!("127.0.0.1"))
    );
    server.stop().await;
}
