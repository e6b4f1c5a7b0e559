//! All of Lanner's roles with real servers on this machine, for people to look at: `cargo xtask stack up --seed`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lanner_testkit::stack::{Course, Programs, Stack, Told};

use crate::command::{cargo, succeed, target_folder};
use crate::tools;

/// The bank fails soon after the start, for a minute, and again every few minutes, for whoever looks later.
const COURSE: Course = Course { fails_after_s: 20, fails_for_s: 60, every_s: 300 };
/// Where one that runs notes how it is told to stop.
const NOTE: &str = "stack.running";
/// The word by which it is.
const STOP: &[u8; 4] = b"stop";

/// Runs the command.
///
/// # Errors
/// When a server is missing or does not start, when there is one already, or none to stop.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["down"] => down(),
        ["up", arguments @ ..] => {
            let (mut has_seed, mut program) = (false, None);
            let mut arguments = arguments.iter();
            while let Some(argument) = arguments.next() {
                match *argument {
                    "--seed" => has_seed = true,
                    "--program" => program = arguments.next().map(PathBuf::from),
                    other => {
                        return Err(format!("stack up: {other} is not known; write --seed, --program FILE"));
                    }
                }
            }
            up(has_seed, program)
        }
        _ => Err("stack: write up, up --seed, or down".to_owned()),
    }
}

/// Starts everything, says what happens, and stops it when told so.
fn up(has_seed: bool, program: Option<PathBuf>) -> Result<(), String> {
    let target = target_folder()?;
    let note = target.join(NOTE);
    if connect(&note).is_some() {
        return Err("there is a stack already; stop it by `cargo xtask stack down`".to_owned());
    }
    let is_built = program.is_some();
    let programs = tools::stack(program.unwrap_or_else(|| target.join("release/lanner")))?;
    if !is_built {
        eprintln!("lanner: building it with NATS; the first time this takes minutes");
        succeed(cargo().args(["build", "--release", "--locked", "--features", "nats"]))?;
    }
    let failed = |error: std::io::Error| format!("{}: {error}", note.display());
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    std::fs::write(&note, port.to_string()).map_err(failed)?;
    let ran = run_until_stopped(&programs, &target.join("stack"), has_seed, &listener);
    std::fs::remove_file(&note).map_err(failed)?;
    ran.map(drop) // only now: whoever asked waits for that
}

/// Starts everything, and stops it when somebody asks, who is returned.
fn run_until_stopped(
    programs: &Programs,
    folder: &Path,
    has_seed: bool,
    listener: &TcpListener,
) -> Result<TcpStream, String> {
    if folder.exists() {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::remove_dir_all(folder).map_err(failed)?; // what one before left
    }
    eprintln!("starting the servers ...");
    let stack = Stack::start(programs, folder, has_seed.then_some(COURSE))?;
    introduce(&stack, folder, has_seed);
    let asker = watch(&stack, listener);
    println!("stopping ...");
    drop(stack);
    println!("everything is stopped; what was kept is in {}", folder.display());
    Ok(asker)
}

/// Says what came to whom until somebody asks to stop, who is returned.
fn watch(stack: &Stack, listener: &TcpListener) -> TcpStream {
    loop {
        if let Ok((mut asker, _)) = listener.accept()
            && wants_stop(&mut asker)
        {
            return asker;
        }
        if let Some(Told { by, title, .. }) = stack.told(Duration::from_millis(200)) {
            println!("{by:>8}  {title}");
        }
    }
}

/// Whether somebody asks to stop, and not only whether this runs.
fn wants_stop(asker: &mut TcpStream) -> bool {
    let mut word = [0; STOP.len()];
    let asked = asker
        .set_nonblocking(false)
        .and_then(|()| asker.set_read_timeout(Some(Duration::from_secs(1))))
        .and_then(|()| asker.read_exact(&mut word));
    asked.is_ok() && word == *STOP
}

/// Says what runs where, and what there is to see.
fn introduce(stack: &Stack, folder: &Path, has_seed: bool) {
    println!("\nWhat runs:");
    for part in stack.parts() {
        println!("  {:<18} {:<48} {}", part.name, part.address, part.does);
    }
    let address = format!("http://127.0.0.1:{}", stack.port());
    println!("\nWhat to look at:");
    println!("  {address}/                    the page: rules, alerts, switches");
    println!("  lanner worker list --url {address}     who evaluates what");
    println!("  lanner switch evaluate WORKFLOW=PURCHASE BANK=HSBC --url {address}");
    println!("  {}    its configuration, and the logs beside it", folder.join("lanner.yaml").display());
    if has_seed {
        println!(
            "\nPayments of three banks are made now. In {} s those with HSBC begin to fail, for {} s; alerts come below, and \
             purchases with\nHSBC are blocked. Then it recovers, and fails again every {} s.",
            COURSE.fails_after_s, COURSE.fails_for_s, COURSE.every_s
        );
    }
    println!("\nStop it by Ctrl-C, or `cargo xtask stack down` in another terminal.\n");
    // Whoever reads a pipe wants it now.
    let _ = std::io::stdout().flush();
}

/// Asks the one that runs to stop, and waits until it has.
fn down() -> Result<(), String> {
    let note = target_folder()?.join(NOTE);
    let Some(mut running) = connect(&note) else {
        // What one left that was killed.
        let _ = std::fs::remove_file(&note);
        return Err("there is no stack that runs".to_owned());
    };
    let asked = running.write_all(STOP).and_then(|()| running.read_to_end(&mut Vec::new()));
    asked.map(drop).map_err(|error| format!("the stack does not stop: {error}"))
}

/// The stack that runs, if one does.
fn connect(note: &Path) -> Option<TcpStream> {
    let port: u16 = std::fs::read_to_string(note).ok()?.parse().ok()?;
    TcpStream::connect(("127.0.0.1", port)).ok()
}
