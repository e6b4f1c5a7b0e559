//! Pictures of the web page for the papers: the demo runs, and Chromium looks at it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::command::{cargo, output, root, succeed, target_folder};
use crate::tools;

const SETTLED: Duration = Duration::from_secs(20);

/// File, page, width, height.
const PICTURES: [(&str, &str, u32, u32); 3] =
    [("now", "/", 1100, 230), ("rule", "/rules/payments-drop", 1100, 560), ("telephone", "/", 390, 500)];

/// Writes all of them into `docs/pictures`.
/// - `arguments`: `--program FILE` for a program that is built already; else the release build is made
///
/// # Errors
/// When the program cannot be built, the demo does not serve, or Chromium cannot be had.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let chromium = tools::browser()?;
    let program = match arguments {
        [] => {
            succeed(cargo().args(["build", "--release", "--locked"]))?;
            target_folder()?.join("release/lanner")
        }
        ["--program", program] => PathBuf::from(program),
        _ => return Err("screenshots: write nothing more, or --program FILE".to_owned()),
    };
    let (demo, address) = Demo::start(&program)?;
    // Its clock leapt through three weeks, and what came late of that is soon over.
    std::thread::sleep(SETTLED);
    let folder = root().join("docs/pictures");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, page, width, height) in PICTURES {
        let file = folder.join(format!("{name}.png"));
        look(&chromium, &format!("{address}{page}"), (width, height), &file)?;
        eprintln!("{}", file.display());
    }
    drop(demo);
    Ok(())
}

/// A demo that serves until it is dropped.
struct Demo(Child);

impl Demo {
    /// The demo, and the address of its page: it prints that once everything was found.
    fn start(program: &Path) -> Result<(Self, String), String> {
        let mut demo = Command::new(program);
        demo.args(["demo", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = demo.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let said = child.stderr.take().map(BufReader::new);
        let demo = Self(child);
        let mut lines = said.into_iter().flat_map(BufReader::lines).map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("http://127.0.0.1:")?;
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Some(format!("http://127.0.0.1:{port}"))
        });
        // What it says afterwards must find somebody who reads it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((demo, address.ok_or("the demo ended without serving")?))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One page as a picture.
fn look(chromium: &Path, address: &str, (width, height): (u32, u32), file: &Path) -> Result<(), String> {
    let mut look = Command::new(chromium);
    look.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", file.display()))
        .arg(address);
    output(&mut look).map(drop)
}
