//! What a service manager is told: systemd's protocol, one datagram for each thing.

#![cfg(unix)]

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::lanner;

#[test]
fn a_service_manager_learns_that_the_server_is_ready_and_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let next = || {
        let mut bytes = [0; 100];
        let n = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..n].to_vec()).unwrap()
    };
    let mut command = lanner();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--carbon", "off", "--data"])
        .arg(folder.path().join("data"));
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000").stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    assert_eq!(next().trim(), "READY=1");
    assert_eq!([next().trim(), next().trim()], ["WATCHDOG=1"; 2]);
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let stopping = std::iter::repeat_with(next).find(|said| said.trim() != "WATCHDOG=1");
    assert_eq!(stopping.unwrap().trim(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
}
