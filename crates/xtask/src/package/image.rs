//! The image for containers, in the layout of the Open Container Initiative: one layer with the program, the libraries it
//! needs, the licences of both, and nothing else.
//!
//! Source of the formats: the OCI image specification 1.1, `image-layout.md`, `manifest.md` and `config.md`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::files::{read, set_mode, sha256, write};
use super::release::Release;
use super::tree::Tree;
use crate::command::{output, succeed};

/// Who runs the program in a container.
const USER: u32 = 10_001;
const DATA: &str = "var/lib/lanner";
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Licences of what is linked into the program.
const LICENCES: [&str; 2] = ["usr/share/doc/lanner/copyright", "usr/share/doc/lanner/LICENSE"];
/// Debian's packages of the files that are copied from this machine, whose licences lie beside them.
const COPIED: [&str; 3] = ["libc6", "libgcc-s1", "ca-certificates"];

/// Makes the image in `folder`; the path of the archive, which `skopeo` takes.
pub(super) fn make(program: &Path, tree: &Tree, release: &Release, folder: &Path) -> Result<PathBuf, String> {
    let (rootfs, layout) = (folder.join("work/rootfs"), folder.join("work/image"));
    fill(program, &rootfs)?;
    licences(tree, &rootfs)?;
    let plain = folder.join("work/layer.tar");
    pack(&rootfs, &plain, release)?;
    let diff_id = sha256(&plain)?;
    succeed(Command::new("gzip").args(["-9", "--no-name", "--force"]).arg(&plain))?;
    let layer = blob(&layout, &read(&plain.with_extension("tar.gz"))?)?;
    let config = blob(&layout, config(release, &diff_id).to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
    });
    let manifest = blob(&layout, manifest.to_string().as_bytes())?;
    let mut described = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    described["annotations"] = json!({ "org.opencontainers.image.ref.name": release.version });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described],
    });
    write(&layout.join("index.json"), index.to_string().as_bytes())?;
    write(&layout.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let archive = folder.join(format!("lanner_{}_{}.oci.tar", release.version, release.architecture));
    succeed(tar(&layout, &archive, release).arg("."))?;
    Ok(archive)
}

/// The root of the container: the program, its libraries, its user, and certificate authorities.
fn fill(program: &Path, rootfs: &Path) -> Result<(), String> {
    copy(program, &rootfs.join("usr/bin/lanner"))?;
    for library in libraries(&output(Command::new("ldd").arg(program))?) {
        copy(Path::new(&library), &rootfs.join(library.trim_start_matches('/')))?;
    }
    let authorities = Path::new("/").join(CERTIFICATES);
    if authorities.is_file() {
        copy(&authorities, &rootfs.join(CERTIFICATES))?;
    } else {
        eprintln!(
            "SKIPPED: certificate authorities in the image, because /{CERTIFICATES} is missing; install ca-certificates"
        );
    }
    let user = format!("root:x:0:0::/:/nologin\nlanner:x:{USER}:{USER}::/{DATA}:/nologin\n");
    write(&rootfs.join("etc/passwd"), user.as_bytes())?;
    write(&rootfs.join("etc/group"), format!("root:x:0:\nlanner:x:{USER}:\n").as_bytes())?;
    write(&rootfs.join("etc/nsswitch.conf"), b"hosts: files dns\n")?;
    for (folder, mode) in [(DATA, 0o700), ("tmp", 0o1777)] {
        std::fs::create_dir_all(rootfs.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
        set_mode(&rootfs.join(folder), mode)?;
    }
    Ok(())
}

/// Who receives the image receives the licences of all that is in it.
fn licences(tree: &Tree, rootfs: &Path) -> Result<(), String> {
    for path in LICENCES {
        let entry = tree.0.get(path).ok_or_else(|| format!("the package has no /{path}"))?;
        write(&rootfs.join(path), &entry.bytes)?;
    }
    for package in COPIED {
        let path = format!("usr/share/doc/{package}/copyright");
        let here = Path::new("/").join(&path);
        if here.is_file() {
            write(&rootfs.join(&path), &read(&here)?)?;
        }
    }
    Ok(())
}

/// The files that `ldd` names.
fn libraries(said: &str) -> Vec<String> {
    let path = |line: &str| {
        let found = line.split_once("=>").map_or(line, |(_, found)| found);
        found.split_whitespace().next().filter(|word| word.starts_with('/')).map(str::to_owned)
    };
    said.lines().filter_map(path).collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    write(to, &read(from)?)?;
    set_mode(to, 0o755)
}

/// The layer: everything is root's, but for the data folder.
fn pack(rootfs: &Path, layer: &Path, release: &Release) -> Result<(), String> {
    succeed(tar(rootfs, layer, release).arg(format!("--exclude=./{DATA}")).arg("."))?;
    let mut append = Command::new("tar");
    append
        .args(["--append", "--numeric-owner", "--format=ustar"])
        .arg(format!("--mtime=@{}", release.changed_s));
    append.arg(format!("--owner={USER}")).arg(format!("--group={USER}"));
    succeed(append.arg("--file").arg(layer).arg("--directory").arg(rootfs).arg(format!("./{DATA}")))
}

/// A folder as an archive that depends on nothing but what lies in it.
fn tar(folder: &Path, archive: &Path, release: &Release) -> Command {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--sort=name", "--numeric-owner", "--owner=0", "--group=0", "--format=ustar"]);
    tar.arg(format!("--mtime=@{}", release.changed_s)).arg("--file").arg(archive);
    tar.arg("--directory").arg(folder);
    tar
}

/// A piece of the image, stored under the hash of its content.
struct Blob {
    sha256: String,
    n_bytes: usize,
}

fn blob(layout: &Path, bytes: &[u8]) -> Result<Blob, String> {
    let folder = layout.join("blobs/sha256");
    let unnamed = folder.join("new");
    write(&unnamed, bytes)?;
    let sha256 = sha256(&unnamed)?;
    std::fs::rename(&unnamed, folder.join(&sha256)).map_err(|error| error.to_string())?;
    Ok(Blob { sha256, n_bytes: bytes.len() })
}

fn descriptor(media_type: &str, Blob { sha256, n_bytes }: &Blob) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{sha256}"), "size": n_bytes })
}

fn config(release: &Release, diff_id: &str) -> Value {
    json!({
        "architecture": release.architecture, "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"), "Entrypoint": ["/usr/bin/lanner"], "Cmd": ["serve"],
            "Env": ["PATH=/usr/bin", format!("LANNER_DATA=/{DATA}")], "WorkingDir": format!("/{DATA}"),
            "ExposedPorts": { "9797/tcp": {}, "2003/tcp": {}, "2004/tcp": {} }, "Volumes": { format!("/{DATA}"): {} },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "lanner", "org.opencontainers.image.version": release.version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff_id}")] },
        "history": [{ "created_by": "cargo xtask package" }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_those_with_a_file() {
        let said = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n\tlibgone.so => not found\n";
        assert_eq!(libraries(said), ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert_eq!(libraries("\tstatically linked\n"), Vec::<String>::new());
    }
}
