//! A real MariaDB for tests.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A MariaDB of this test alone, with its data in one folder; ended when dropped. It has the database `shop`, and the user `lanner`
/// whose password is `secret`.
#[derive(Debug)]
pub struct MariaDb {
    /// Where the packages of Debian lie: `/`, or a folder that they were unpacked into.
    root: PathBuf,
    folder: PathBuf,
    port: u16,
    more: Vec<String>,
    server: Option<Child>,
}

impl MariaDb {
    /// Starts one on the loopback address, whose data lies in `folder`. `more` are options of the server.
    ///
    /// `None`, said loudly on standard error, when this machine has none: the test then returns early.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn start(folder: &Path, more: &[&str]) -> Option<Self> {
        let Some(root) = std::env::var_os("LANNER_TEST_MARIADB") else {
            eprintln!(
                "SKIPPED: LANNER_TEST_MARIADB names no folder with MariaDB; `cargo xtask test` unpacks it"
            );
            return None;
        };
        let more = more.iter().map(|option| (*option).to_owned()).collect();
        let mut database = Self {
            root: root.into(),
            folder: folder.to_owned(),
            port: super::free_port(),
            more,
            server: None,
        };
        let made = database.make();
        let made = made.unwrap_or_else(|error| panic!("the data of MariaDB cannot be made: {error}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        database.go_on();
        Some(database)
    }

    /// Makes the tables that it keeps itself in, and says what is to be there besides.
    fn make(&self) -> io::Result<Output> {
        std::fs::create_dir(self.folder.join("data"))?;
        let mut tables = b"CREATE DATABASE mysql;\nUSE mysql;\n".to_vec();
        for name in ["mysql_system_tables.sql", "mysql_system_tables_data.sql"] {
            tables.extend(std::fs::read(self.share().join(name))?);
        }
        let statements = self.folder.join("tables.sql");
        std::fs::write(&statements, tables)?;
        let users = "CREATE DATABASE IF NOT EXISTS shop;\nCREATE USER IF NOT EXISTS lanner@'%' IDENTIFIED BY 'secret';\n\
                     GRANT ALL ON *.* TO lanner@'%';\n";
        std::fs::write(self.folder.join("users.sql"), users)?;
        self.program("usr/sbin/mariadbd")
            .args(["--no-defaults", "--user=root", "--bootstrap", "--innodb-log-file-size=8M"])
            .args(self.places())
            .stdin(std::fs::File::open(statements)?)
            .output()
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn go_on(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).ok();
        let mut command = self.program("sh");
        command.args(["-c", super::WATCHED, "sh"]).arg(self.root.join("usr/sbin/mariadbd"));
        command.args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1"]).args(self.places());
        command.arg(format!("--port={}", self.port)).arg("--innodb-flush-log-at-trx-commit=0");
        for (option, file) in [("socket", "socket"), ("pid-file", "pid"), ("init-file", "users.sql")] {
            command.arg(format!("--{option}={}", self.folder.join(file).display()));
        }
        command.args(&self.more);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log.map_or_else(Stdio::null, Stdio::from));
        self.server = Some(command.spawn().unwrap_or_else(|error| panic!("mariadbd cannot be run: {error}")));
        let begun = Instant::now();
        while !self.client("SELECT 1").is_ok_and(|said| said.status.success()) {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "MariaDB does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }

    /// What statements answer, as text.
    ///
    /// # Panics
    /// When they fail.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn ask(&self, sql: &str) -> String {
        let said = self.client(sql).unwrap_or_else(|error| panic!("mariadb cannot be run: {error}"));
        assert!(said.status.success(), "{sql}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://127.0.0.1:{}/shop", self.port)
    }

    /// Where it listens on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn client(&self, sql: &str) -> io::Result<Output> {
        let mut client = self.program("usr/bin/mariadb");
        client.args(["--no-defaults", "--batch", "--skip-column-names", "--user=root"]);
        client.arg(format!("--socket={}", self.folder.join("socket").display()));
        client.args(["shop", "--execute", sql]).output()
    }

    fn share(&self) -> PathBuf {
        self.root.join("usr/share/mysql")
    }

    /// Where its data lies, what is temporary, and what it says to people.
    fn places(&self) -> [String; 4] {
        [
            // Two that are made at the same time take the same names in a folder that they share.
            format!("--tmpdir={}", self.folder.display()),
            format!("--datadir={}", self.folder.join("data").display()),
            format!("--lc-messages-dir={}", self.share().display()),
            format!("--character-sets-dir={}", self.share().join("charsets").display()),
        ]
    }

    /// A program of the packages, or of the machine, that finds their libraries.
    fn program(&self, path: &str) -> Command {
        let mut command =
            if path.contains('/') { Command::new(self.root.join(path)) } else { Command::new(path) };
        let folder = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        if self.root != Path::new("/") {
            command.env("LD_LIBRARY_PATH", self.root.join(folder));
        }
        command
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}
