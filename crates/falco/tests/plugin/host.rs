//! A host that Falco watches: a plugin with its table of threads, and with events of the kernel.

use std::ffi::{CStr, CString};

use falco_plugin::anyhow::{Context as _, Error};
use falco_plugin::base::Plugin;
use falco_plugin::event::events::RawEvent;
use falco_plugin::extract::{ExtractFieldInfo, ExtractPlugin};
use falco_plugin::source::{EventBatch, EventInput, SourcePlugin, SourcePluginInstance};
use falco_plugin::static_plugin;
use falco_plugin::tables::{TablesInput, export};
use serde_json::Value;

type Texts = export::Table<u64, Text>;
type Files = export::Table<i64, File>;
type Threads = export::Table<i64, Thread>;

#[derive(export::Entry)]
struct Text {
    value: export::Public<CString>,
}

#[derive(export::Entry)]
struct File {
    name: export::Public<CString>,
    name_raw: export::Public<CString>,
    dev: export::Public<u32>,
    ino: export::Public<u64>,
}

/// As in Falco, without what its plugin `container` adds.
#[derive(export::Entry)]
struct Thread {
    comm: export::Public<CString>,
    exe: export::Public<CString>,
    exe_path: export::Public<CString>,
    cwd: export::Public<CString>,
    pid: export::Public<i64>,
    ptid: export::Public<i64>,
    sid: export::Public<i64>,
    vpid: export::Public<i64>,
    vpgid: export::Public<i64>,
    tty: export::Public<u32>,
    exe_ino: export::Public<u64>,
    args: Box<Texts>,
    env: Box<Texts>,
    file_descriptors: Box<Files>,
}

struct Host {
    _threads: Box<Threads>,
    events: Vec<Value>,
}

fn text(value: &Value) -> CString {
    CString::new(value.as_str().unwrap_or_default()).unwrap_or_default()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn list(table: &mut Texts, items: &Value) -> Option<()> {
    for (at, item) in items.as_array().into_iter().flatten().enumerate() {
        let mut entry = table.create_entry().ok()?;
        *entry.value = text(item);
        table.insert(&(at as u64), entry).map(drop)?;
    }
    Some(())
}

fn fill(threads: &mut Threads, of: &Value) -> Option<()> {
    let mut thread = threads.create_entry().ok()?;
    let id = number(&of["id"]);
    *thread.comm = text(&of["comm"]);
    *thread.exe = text(&of["exe"]);
    *thread.exe_path = text(&of["path"]);
    *thread.cwd = text(&of["cwd"]);
    (*thread.pid, *thread.vpid) = (id, id);
    *thread.ptid = number(&of["parent"]);
    *thread.sid = number(&of["sid"]);
    *thread.vpgid = number(&of["vpgid"]);
    *thread.tty = number(&of["tty"]) as u32;
    list(&mut thread.args, &of["args"])?;
    list(&mut thread.env, &of["env"])?;
    for (fd, name) in of["files"].as_object().into_iter().flatten() {
        let mut entry = thread.file_descriptors.create_entry().ok()?;
        *entry.name = text(name);
        thread.file_descriptors.insert(&fd.parse().ok()?, entry).map(drop)?;
    }
    threads.insert(&id, thread).map(drop)
}

impl Plugin for Host {
    const NAME: &'static CStr = c"host";
    const PLUGIN_VERSION: &'static CStr = c"0.0.0";
    const DESCRIPTION: &'static CStr = c"threads and events for tests";
    const CONTACT: &'static CStr = c"";
    type ConfigType = String;

    fn new(input: Option<&TablesInput>, config: String) -> Result<Self, Error> {
        let input = input.context("no tables")?;
        let config: Value = serde_json::from_str(&config)?;
        let mut threads = input.add_table(Threads::new(c"threads")?)?;
        for thread in config["threads"].as_array().into_iter().flatten() {
            fill(&mut threads, thread).context("a thread")?;
        }
        let events = config["events"].as_array().cloned().unwrap_or_default();
        Ok(Self { _threads: threads, events })
    }
}

/// An event as the kernel's drivers write it.
pub(crate) fn bytes(event: &Value) -> Vec<u8> {
    let parameters: Vec<Vec<u8>> = event["with"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| match it {
            Value::Number(number) => number.as_i64().unwrap_or_default().to_le_bytes().to_vec(),
            other => text(other).into_bytes_with_nul(),
        })
        .collect();
    let length = 26 + parameters.iter().map(|it| it.len() + 2).sum::<usize>();
    let mut out = Vec::new();
    out.extend((number(&event["ms"]) as u64 * 1_000_000).to_le_bytes());
    out.extend(number(&event["tid"]).to_le_bytes());
    out.extend((length as u32).to_le_bytes());
    out.extend((number(&event["code"]) as u16).to_le_bytes());
    out.extend((parameters.len() as u32).to_le_bytes());
    parameters.iter().for_each(|it| out.extend((it.len() as u16).to_le_bytes()));
    parameters.iter().for_each(|it| out.extend(it));
    out
}

struct Events(std::vec::IntoIter<Value>);

impl SourcePluginInstance for Events {
    type Plugin = Host;

    fn next_batch(&mut self, _: &mut Host, batch: &mut EventBatch<'_>) -> Result<(), Error> {
        let event = self.0.next().context("no more events")?;
        Ok(batch.add(&*bytes(&event))?)
    }
}

impl SourcePlugin for Host {
    type Instance = Events;
    const EVENT_SOURCE: &'static CStr = c"";
    const PLUGIN_ID: u32 = 0;
    type Event<'a> = RawEvent<'a>;

    fn open(&mut self, _: Option<&str>) -> Result<Events, Error> {
        Ok(Events(std::mem::take(&mut self.events).into_iter()))
    }

    fn event_to_string(&mut self, _: &EventInput<'_, RawEvent<'_>>) -> Result<CString, Error> {
        Ok(CString::default())
    }
}

/// Only who extracts or parses gets tables.
impl ExtractPlugin for Host {
    type Event<'a> = RawEvent<'a>;
    type ExtractContext = ();
    const EXTRACT_FIELDS: &'static [ExtractFieldInfo<Self>] = &[];
}

static_plugin!(pub(crate) HOST = Host);
