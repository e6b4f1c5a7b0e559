//! A node of OpenSearch for one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A node of OpenSearch on the loopback address, with a private folder; ended when it is dropped.
#[derive(Debug)]
pub struct OpenSearch {
    url: String,
    program: Child,
}

/// How often a port is looked for: two nodes may find the same one free.
const MAX_TRIES: u32 = 3;

impl OpenSearch {
    /// Starts one that keeps its data in `folder`; it answers when this returns. `None`, said loudly, where this machine has none:
    /// `LANNER_TEST_OPENSEARCH` names the folder of its libraries.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(libraries) = std::env::var_os("LANNER_TEST_OPENSEARCH").map(PathBuf::from) else {
            eprintln!(
                "SKIPPED: LANNER_TEST_OPENSEARCH names no libraries of OpenSearch; `cargo xtask test` installs them"
            );
            return None;
        };
        for n_try in 0..MAX_TRIES {
            let folder = folder.join(format!("opensearch-{n_try}"));
            if let Some(node) = Self::try_start(&libraries, &folder) {
                return Some(node);
            }
        }
        let log = std::fs::read_to_string(folder.join(format!("opensearch-{}/out", MAX_TRIES - 1)));
        panic!("OpenSearch does not start:\n{}", log.unwrap_or_default());
    }

    /// `None` if it ends at once.
    #[expect(clippy::unwrap_used, reason = "a test cannot go on without it, and should say so")]
    fn try_start(libraries: &Path, folder: &Path) -> Option<Self> {
        let (config, logs, temporary) = (folder.join("config"), folder.join("logs"), folder.join("tmp"));
        for folder in [&config, &logs, &temporary] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(config.join("opensearch.yml"), SETTINGS).unwrap();
        let output = File::create(folder.join("out")).unwrap();
        // It looks for a free port from here on, up to 9299.
        let base_port = 9200 + std::process::id() % 80;
        let mut java = Command::new("java");
        java.args(["-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg(format!("-Djava.io.tmpdir={}", temporary.display()))
            .arg("-cp")
            .arg(libraries.join("*"))
            .arg("org.codelibs.opensearch.runner.OpenSearchRunner")
            .args(["-numOfNode", "1", "-clusterName", "lanner-test", "-baseHttpPort", &base_port.to_string()])
            .arg("-basePath")
            .arg(folder)
            .arg("-confPath")
            .arg(&config)
            .arg("-logsPath")
            .arg(&logs);
        let output_too = output.try_clone().unwrap();
        let program = java.stdin(Stdio::null()).stdout(output).stderr(output_too).spawn().unwrap();
        let mut node = Self { url: String::new(), program };
        while node.program.try_wait().unwrap().is_none() {
            if let Ok(ports) = std::fs::read_to_string(logs.join("http.ports"))
                && let Some(address) = ports.lines().find(|line| line.starts_with("127.0.0.1:"))
            {
                node.url = format!("http://{address}");
                return Some(node);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// One node for itself, which says where it listens and takes data however full the disk is.
const SETTINGS: &str = "\
network.host: 127.0.0.1
discovery.type: single-node
node.portsfile: true
node.store.allow_mmap: false
cluster.routing.allocation.disk.threshold_enabled: false
";

impl Drop for OpenSearch {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
