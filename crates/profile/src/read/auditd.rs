//! The log of Linux' audit daemon: several records with one number are one event.
//!
//! The log names a parent by its process number alone, so the programs of recent processes are remembered.

use std::collections::HashMap;

use lanner_core::time::{MAX_TIME_MS, MIN_TIME_MS};
use serde_json::{Map, Value, json};

use super::event::{HostEvent, complete};

/// Processes that are remembered. When there are more, all are forgotten: a parent is then unknown, never wrong.
const MAX_PROCESSES: usize = 65_536;

/// Arguments of one command line.
const MAX_ARGUMENTS: usize = 1_000;

/// System calls of x86-64 that profiles are about.
const SYSCALLS: [(&str, &str); 22] = [
    ("2", "open"),
    ("41", "socket"),
    ("42", "connect"),
    ("43", "accept"),
    ("49", "bind"),
    ("50", "listen"),
    ("56", "clone"),
    ("57", "fork"),
    ("58", "vfork"),
    ("59", "execve"),
    ("62", "kill"),
    ("82", "rename"),
    ("85", "creat"),
    ("87", "unlink"),
    ("90", "chmod"),
    ("92", "chown"),
    ("101", "ptrace"),
    ("105", "setuid"),
    ("257", "openat"),
    ("288", "accept4"),
    ("322", "execveat"),
    ("437", "openat2"),
];

/// Whether a line begins as one of the log does.
pub(super) fn is_record(line: &str) -> bool {
    line.starts_with("type=") || line.starts_with("node=")
}

/// Collects records.
#[derive(Debug, Default)]
pub(super) struct Auditd {
    /// `1489636977.804:19687`, and what its records said.
    open: Option<(String, Map<String, Value>)>,
    /// Programs by process number.
    programs: HashMap<String, String>,
}

impl Auditd {
    pub(super) fn line(&mut self, line: &str, on_event: &mut dyn FnMut(HostEvent)) -> Result<(), String> {
        let wrong = || "is not a record of the audit daemon, such as type=SYSCALL msg=audit(1489636977.804:19687): ...";
        let (head, body) = line.split_once("msg=audit(").ok_or_else(wrong)?;
        let (stamp, body) = body.split_once(')').ok_or_else(wrong)?;
        let kind = pairs(head).find(|(name, _)| *name == "type").ok_or_else(wrong)?.1;
        if self.open.as_ref().is_none_or(|(open, _)| open != stamp) {
            self.finish(on_event);
            self.open = Some((stamp.to_owned(), Map::new()));
        }
        if let Some((_, fields)) = &mut self.open {
            // A record of programs, such as a login, quotes its own fields.
            let body = body.trim_start_matches([':', ' ']);
            take(fields, kind, body);
        }
        if kind == "EOE" {
            self.finish(on_event);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, on_event: &mut dyn FnMut(HostEvent)) {
        let Some((stamp, mut fields)) = self.open.take() else { return };
        if fields.is_empty() {
            return;
        }
        let text = |fields: &Map<String, Value>, name: &str| Some(fields.get(name)?.as_str()?.to_owned());
        if let Some(program) = text(&fields, "proc.ppid").and_then(|parent| self.programs.get(&parent)) {
            fields.insert("proc.pexepath".to_owned(), program.as_str().into());
        }
        if let Some((pid, program)) = text(&fields, "proc.pid").zip(text(&fields, "proc.exepath")) {
            if self.programs.len() >= MAX_PROCESSES {
                self.programs.clear();
            }
            self.programs.insert(pid, program);
        }
        complete(&mut fields);
        on_event(HostEvent { time_ms: time(&stamp), fields });
    }
}

/// `1489636977.804:19687` as milliseconds since 1970.
fn time(stamp: &str) -> Option<i64> {
    let seconds: f64 = stamp.split_once(':').map_or(stamp, |(time, _)| time).parse().ok()?;
    let time_ms = (seconds * 1_000.0).round();
    (time_ms >= MIN_TIME_MS as f64 && time_ms < MAX_TIME_MS as f64).then_some(time_ms as i64)
}

/// Takes what a record says.
fn take(fields: &mut Map<String, Value>, kind: &str, body: &str) {
    match kind {
        "SYSCALL" => take_syscall(fields, body),
        "EXECVE" => {
            let arguments = pairs(body).filter(|(name, _)| name.starts_with('a') && *name != "argc");
            let arguments: Vec<String> =
                arguments.take(MAX_ARGUMENTS).map(|(_, value)| unquoted(value)).collect();
            fields.insert("proc.cmdline".to_owned(), arguments.join(" ").into());
        }
        "PROCTITLE" => {
            let title = pairs(body).find(|(name, _)| *name == "proctitle");
            let title = title.map(|(_, value)| unquoted(value).replace('\0', " "));
            if let Some(title) = title.filter(|_| !fields.contains_key("proc.cmdline")) {
                fields.insert("proc.cmdline".to_owned(), title.into());
            }
        }
        "CWD" => copy(fields, body, &[("cwd", "proc.cwd")]),
        "PATH" if !fields.contains_key("fd.name") => copy(fields, body, &[("name", "fd.name")]),
        _ => {
            fields.entry("evt.type").or_insert_with(|| kind.to_ascii_lowercase().into());
        }
    }
}

fn take_syscall(fields: &mut Map<String, Value>, body: &str) {
    let value = |name: &str| pairs(body).find(|(found, _)| *found == name).map(|(_, value)| value);
    let number = value("syscall").unwrap_or_default();
    let is_x86_64 = value("arch") == Some("c000003e");
    let known = SYSCALLS.iter().find(|(known, _)| is_x86_64 && *known == number);
    fields.insert(
        "evt.type".to_owned(),
        known.map_or_else(|| json!(format!("syscall_{number}")), |(_, name)| json!(name)),
    );
    let names = [
        ("exe", "proc.exepath"),
        ("comm", "proc.name"),
        ("pid", "proc.pid"),
        ("ppid", "proc.ppid"),
        ("uid", "user.uid"),
        ("auid", "user.loginuid"),
        ("tty", "proc.tty"),
        ("success", "evt.res"),
        ("key", "audit.key"),
    ];
    copy(fields, body, &names);
}

fn copy(fields: &mut Map<String, Value>, body: &str, names: &[(&str, &str)]) {
    for (found, value) in pairs(body) {
        if let Some((_, name)) = names.iter().find(|(name, _)| *name == found) {
            fields.insert((*name).to_owned(), unquoted(value).into());
        }
    }
}

/// `name=value` pairs; a value in quotes may hold blanks.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, after) = rest.trim_start().split_once('=')?;
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(after.len(), |at| at + 2),
            None => after.find(' ').unwrap_or(after.len()),
        };
        let value = &after[..end];
        rest = &after[end..];
        // What stands before a name without a value belongs to no pair.
        Some((base_word(name), value))
    })
}

fn base_word(name: &str) -> &str {
    name.rsplit(' ').next().unwrap_or(name)
}

/// A value without its quotes, or of hexadecimal digits, in which the daemon writes what holds blanks.
fn unquoted(value: &str) -> String {
    if let Some(quoted) = value.strip_prefix('"') {
        return quoted.strip_suffix('"').unwrap_or(quoted).to_owned();
    }
    let is_hex = value.len() >= 4
        && value.len().is_multiple_of(2)
        && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Decimal numbers look alike; text has letters or begins with a printable character.
    let looks_decimal = value.bytes().all(|byte| byte.is_ascii_digit());
    if !is_hex || looks_decimal {
        return value.to_owned();
    }
    let digits = value.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).unwrap_or("0"), 16).unwrap_or(0);
    String::from_utf8_lossy(&digits.iter().map(byte).collect::<Vec<_>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<HostEvent> {
        let (mut auditd, mut events) = (Auditd::default(), Vec::new());
        text.lines().for_each(|line| auditd.line(line, &mut |event| events.push(event)).unwrap());
        auditd.finish(&mut |event| events.push(event));
        events
    }

    #[test]
    fn records_become_one_event() {
        let events = read(
            "type=SYSCALL msg=audit(1700000000.250:7): arch=c000003e syscall=59 success=yes exit=0 ppid=10 pid=20 auid=1000 uid=0 tty=pts0 comm=\"bash\" exe=\"/usr/bin/bash\" key=(null)\n\
             type=EXECVE msg=audit(1700000000.250:7): argc=3 a0=\"bash\" a1=\"-c\" a2=6C73202D6C61\n\
             type=CWD msg=audit(1700000000.250:7):  cwd=\"/home/a b\"\n\
             type=PATH msg=audit(1700000000.250:7): item=0 name=\"/usr/bin/bash\" inode=1\n\
             type=PATH msg=audit(1700000000.250:7): item=1 name=\"/lib64/ld.so\" inode=2\n\
             type=SYSCALL msg=audit(1700000001.000:8): arch=c000003e syscall=59 ppid=20 pid=21 comm=\"ls\" exe=\"/usr/bin/ls\"\n\
             type=PROCTITLE msg=audit(1700000001.000:8): proctitle=6C73002D6C61\n",
        );
        let said = |at: usize, name: &str| events[at].fields[name].as_str().unwrap().to_owned();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].time_ms, Some(1_700_000_000_250));
        assert_eq!(
            (said(0, "evt.type"), said(0, "proc.cmdline")),
            ("execve".to_owned(), "bash -c ls -la".to_owned())
        );
        assert_eq!(
            (said(0, "proc.cwd"), said(0, "fd.name")),
            ("/home/a b".to_owned(), "/usr/bin/bash".to_owned())
        );
        assert_eq!(
            (said(1, "proc.pname"), said(1, "proc.cmdline")),
            ("bash".to_owned(), "ls -la".to_owned())
        );
    }

    #[test]
    fn other_lines_are_an_error() {
        let mut auditd = Auditd::default();
        for line in [
            "type=SYSCALL",
            "type=SYSCALL msg=audit(",
            "msg=audit(1:2): a=b",
            "=",
            "é=\"",
            "node=a type=X msg=audit(é",
        ] {
            assert!(auditd.line(line, &mut |_| {}).is_err(), "{line}");
        }
    }
}
