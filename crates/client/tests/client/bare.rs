//! A machine without certificate authorities, such as a small container: without TLS nobody needs them.

use std::process::Command;

use lanner_client::{ConnectError, Options, Switches};

#[test]
fn without_tls_nobody_needs_certificate_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "bare::child_that_connects", "--nocapture"]);
    // Where the system's authorities are looked for.
    child.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", folder.path());
    let ran = child.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"), "it has another name now");
}

#[tokio::test]
#[ignore = "run by the test above, in an environment of its own"]
async fn child_that_connects() {
    // Nobody listens there, which is no reason to make no client.
    assert!(Switches::connect(Options::new("http://127.0.0.1:1")).await.is_ok());
    let secure = Switches::connect(Options::new("https://127.0.0.1:1")).await;
    assert!(matches!(&secure, Err(ConnectError::Http(why)) if why.contains("CA certificates")), "{secure:?}");
}
