//! The Debian package.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::{read, set_mode, write};
use super::release::Release;
use super::tree::Tree;
use crate::command::{output, root, succeed};

/// What Debian runs before and after it changes files.
const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// Makes the package in `folder`; its path.
pub(super) fn make(tree: &Tree, release: &Release, folder: &Path) -> Result<PathBuf, String> {
    let work = folder.join("work/debian");
    tree.write(&work)?;
    let program = tree.0.get("usr/bin/lanner").map(|entry| &*entry.bytes).unwrap_or_default();
    write(&work.join("DEBIAN/control"), control(release, tree.size_kib(), &glibc(program)).as_bytes())?;
    let conffiles: String =
        tree.0.keys().filter(|path| path.starts_with("etc/")).map(|path| format!("/{path}\n")).collect();
    write(&work.join("DEBIAN/conffiles"), conffiles.as_bytes())?;
    write(&work.join("DEBIAN/md5sums"), sums(tree, &work)?.as_bytes())?;
    for script in SCRIPTS {
        let file = work.join("DEBIAN").join(script);
        write(&file, &read(&root().join("packaging/debian").join(script))?)?;
        set_mode(&file, 0o755)?;
    }
    let Release { version, revision, architecture, changed_s } = release;
    let package = folder.join(format!("lanner_{version}-{revision}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "-z2", "--build"]).arg(&work).arg(&package);
    succeed(build.env("SOURCE_DATE_EPOCH", changed_s.to_string()))?;
    Ok(package)
}

fn control(release: &Release, size_kib: usize, glibc: &str) -> String {
    let Release { version, revision, architecture, .. } = release;
    format!(
        "Package: lanner
Version: {version}-{revision}
Architecture: {architecture}
Maintainer: Lanner maintainers <lanner@example.org>
Installed-Size: {size_kib}
Depends: libc6 (>= {glibc}), libgcc-s1, passwd
Recommends: ca-certificates
Section: net
Priority: optional
Description: find anomalies in metrics and events, notify people, limit the damage
 Lanner watches series of metrics, events, hosts and API traffic, finds what is
 unusual, sends notifications, and holds kill switches that applications
 evaluate in their own process. One program, one data file.
"
    )
}

/// The release of glibc that a program needs: the newest version among its symbols.
fn glibc(program: &[u8]) -> String {
    let newest = program
        .windows(b"GLIBC_2.".len())
        .enumerate()
        .filter(|(_, window)| *window == b"GLIBC_2.")
        .filter_map(|(at, window)| minor(program.get(at + window.len()..)?))
        .max();
    format!("2.{}", newest.unwrap_or(17))
}

fn minor(rest: &[u8]) -> Option<u32> {
    let digits: String =
        rest.iter().take(3).map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn sums(tree: &Tree, work: &Path) -> Result<String, String> {
    let mut sums = String::new();
    for path in tree.0.keys().filter(|path| !path.starts_with("etc/")) {
        let said = output(Command::new("md5sum").arg(work.join(path)))?;
        let _ = writeln!(sums, "{}  {path}", said.split_whitespace().next().unwrap_or_default());
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_is_found() {
        assert_eq!(glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0"), "2.34");
        assert_eq!(glibc(b"a static program"), "2.17");
    }

    #[test]
    fn the_control_file_says_what_is_installed() {
        let release =
            Release { version: "1.2.3".into(), revision: 4, architecture: "arm64".into(), changed_s: 0 };
        let control = control(&release, 5, "2.36");
        for line in ["Version: 1.2.3-4", "Architecture: arm64", "Installed-Size: 5"] {
            assert!(control.lines().any(|found| found == line), "{line}:\n{control}");
        }
        assert!(control.contains("libc6 (>= 2.36)"), "{control}");
        // What continues a field begins with a space; dpkg refuses anything else.
        assert!(control.lines().all(|line| line.starts_with(' ') || line.contains(": ")), "{control}");
    }
}
