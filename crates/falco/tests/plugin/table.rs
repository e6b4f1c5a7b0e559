//! Falco's side of the plugin's interface without the SDK: a table of threads that any thread may read at once, and calls of the
//! plugin from as many threads as one likes.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use falco_plugin::api::*;
use serde_json::Value;

use super::host;
use super::loaded::ANOMALY;

/// The fields of the table, by their places; `VALUE` is that of entries of tables within it.
const FIELDS: [(&CStr, u32); 10] = [
    (c"comm", ss_plugin_state_type_SS_PLUGIN_ST_STRING),
    (c"exe", ss_plugin_state_type_SS_PLUGIN_ST_STRING),
    (c"exe_path", ss_plugin_state_type_SS_PLUGIN_ST_STRING),
    (c"pid", ss_plugin_state_type_SS_PLUGIN_ST_INT64),
    (c"ptid", ss_plugin_state_type_SS_PLUGIN_ST_INT64),
    (c"sid", ss_plugin_state_type_SS_PLUGIN_ST_INT64),
    (c"args", ss_plugin_state_type_SS_PLUGIN_ST_TABLE),
    (c"file_descriptors", ss_plugin_state_type_SS_PLUGIN_ST_TABLE),
    (c"value", ss_plugin_state_type_SS_PLUGIN_ST_STRING),
    (c"name", ss_plugin_state_type_SS_PLUGIN_ST_STRING),
];
const VALUE: usize = 8;

/// What accessors of fields point to: their places.
static PLACES: [usize; FIELDS.len()] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

struct Thread {
    /// Name, first argument and path, which never end.
    texts: [AtomicPtr<c_char>; 3],
    numbers: [i64; 3],
    tables: [ss_plugin_table_input; 2],
}

/// Entries by their keys, found about as fast as Falco finds them.
type Map<T> = HashMap<i64, Box<T>, foldhash::fast::RandomState>;

/// What a table holds.
enum Rows {
    Threads(Map<Thread>),
    Texts(Map<CString>),
}

/// Falco, with one plugin.
pub(crate) struct Falco {
    plugin: *mut ss_plugin_t,
    fields: Vec<Value>,
    /// The table of threads, in a place that stays.
    table: Box<ss_plugin_table_input>,
}

// SAFETY: of the table only texts change, each at once, and the plugin says that any thread may call it.
unsafe impl Sync for Falco {}
// SAFETY: as above.
unsafe impl Send for Falco {}

fn input(name: &'static CStr, rows: Rows, key_type: u32) -> ss_plugin_table_input {
    // SAFETY: all of its fields may be zero.
    let mut input: ss_plugin_table_input = unsafe { std::mem::zeroed() };
    input.name = name.as_ptr();
    input.key_type = key_type;
    input.table = Box::into_raw(Box::new(rows)).cast();
    input
}

/// A text that never ends, so that any thread may read it at any time.
fn lasting(text: CString) -> *mut c_char {
    text.into_raw()
}

fn text(of: &Value) -> CString {
    CString::new(of.as_str().unwrap_or_default()).unwrap()
}

fn thread(of: &Value) -> Thread {
    let args = of["args"].as_array().into_iter().flatten().enumerate();
    let args = args.map(|(at, argument)| (at as i64, Box::new(text(argument))));
    let files = of["files"].as_object().into_iter().flatten();
    let files = files.map(|(fd, name)| (fd.parse().unwrap(), Box::new(text(name))));
    let number = |name: &str| of[name].as_i64().unwrap_or_default();
    Thread {
        texts: ["comm", "exe", "path"].map(|name| AtomicPtr::new(lasting(text(&of[name])))),
        numbers: ["id", "parent", "sid"].map(number),
        tables: [
            input(c"args", Rows::Texts(args.collect()), ss_plugin_state_type_SS_PLUGIN_ST_UINT64),
            input(c"file_descriptors", Rows::Texts(files.collect()), ss_plugin_state_type_SS_PLUGIN_ST_INT64),
        ],
    }
}

// SAFETY, of all that follows: Falco calls them with a table, an entry or a field that they handed out.

unsafe fn rows<'t>(table: *mut ss_plugin_table_t) -> &'t Rows {
    unsafe { &*(*table.cast::<ss_plugin_table_input>()).table.cast::<Rows>() }
}

unsafe extern "C-unwind" fn name_of(table: *mut ss_plugin_table_t) -> *const c_char {
    unsafe { (*table.cast::<ss_plugin_table_input>()).name }
}

unsafe extern "C-unwind" fn size_of(_: *mut ss_plugin_table_t) -> u64 {
    0
}

unsafe extern "C-unwind" fn entry_of(
    table: *mut ss_plugin_table_t,
    key: *const ss_plugin_state_data,
) -> *mut ss_plugin_table_entry_t {
    let key = unsafe { (*key).s64 };
    match unsafe { rows(table) } {
        Rows::Threads(rows) => rows.get(&key).map_or(null_mut(), |row| (&raw const **row).cast_mut().cast()),
        Rows::Texts(rows) => rows.get(&key).map_or(null_mut(), |row| (&raw const **row).cast_mut().cast()),
    }
}

unsafe extern "C-unwind" fn read(
    table: *mut ss_plugin_table_t,
    entry: *mut ss_plugin_table_entry_t,
    field: *const ss_plugin_table_field_t,
    out: *mut ss_plugin_state_data,
) -> ss_plugin_rc {
    let place = unsafe { *field.cast::<usize>() };
    let data = match unsafe { rows(table) } {
        Rows::Texts(_) => ss_plugin_state_data { str_: unsafe { &*entry.cast::<CString>() }.as_ptr() },
        Rows::Threads(_) => {
            let thread = unsafe { &*entry.cast::<Thread>() };
            match place {
                0..3 => ss_plugin_state_data { str_: thread.texts[place].load(Ordering::SeqCst) },
                3..6 => ss_plugin_state_data { s64: thread.numbers[place - 3] },
                place => {
                    ss_plugin_state_data { table: (&raw const thread.tables[place - 6]).cast_mut().cast() }
                }
            }
        }
    };
    unsafe { *out = data };
    ss_plugin_rc_SS_PLUGIN_SUCCESS
}

unsafe extern "C-unwind" fn release(_: *mut ss_plugin_table_t, _: *mut ss_plugin_table_entry_t) {}

unsafe extern "C-unwind" fn iterate(
    table: *mut ss_plugin_table_t,
    visit: ss_plugin_table_iterator_func_t,
    state: *mut ss_plugin_table_iterator_state_t,
) -> ss_plugin_bool {
    if let (Rows::Texts(rows), Some(visit)) = (unsafe { rows(table) }, visit) {
        for key in 0..rows.len() as i64 {
            if let Some(row) = rows.get(&key) {
                unsafe { visit(state, (&raw const **row).cast_mut().cast()) };
            }
        }
    }
    1
}

unsafe extern "C-unwind" fn list_fields(
    _: *mut ss_plugin_table_t,
    n: *mut u32,
) -> *const ss_plugin_table_fieldinfo {
    unsafe { *n = 0 };
    null()
}

unsafe extern "C-unwind" fn field_of(
    table: *mut ss_plugin_table_t,
    name: *const c_char,
    kind: ss_plugin_state_type,
) -> *mut ss_plugin_table_field_t {
    let name = unsafe { CStr::from_ptr(name) };
    let is_text = matches!(unsafe { rows(table) }, Rows::Texts(_));
    let found =
        FIELDS.iter().enumerate().position(|(at, known)| *known == (name, kind) && (at >= VALUE) == is_text);
    found.map_or(null_mut(), |at| (&raw const PLACES[at]).cast_mut().cast())
}

unsafe extern "C-unwind" fn add_field(
    _: *mut ss_plugin_table_t,
    _: *const c_char,
    _: ss_plugin_state_type,
) -> *mut ss_plugin_table_field_t {
    null_mut()
}

/// An entry of which only the tables within it are asked for their fields.
unsafe extern "C-unwind" fn create(table: *mut ss_plugin_table_t) -> *mut ss_plugin_table_entry_t {
    match unsafe { rows(table) } {
        Rows::Threads(rows) => {
            rows.values().next().map_or(null_mut(), |row| (&raw const **row).cast_mut().cast())
        }
        Rows::Texts(_) => null_mut(),
    }
}

unsafe extern "C-unwind" fn last_error(_: *mut ss_plugin_owner_t) -> *const c_char {
    null()
}

unsafe extern "C-unwind" fn list_tables(_: *mut ss_plugin_owner_t, n: *mut u32) -> *mut ss_plugin_table_info {
    unsafe { *n = 0 };
    null_mut()
}

/// The owner is the table of threads.
unsafe extern "C-unwind" fn table_of(
    owner: *mut ss_plugin_owner_t,
    name: *const c_char,
    _: ss_plugin_state_type,
) -> *mut ss_plugin_table_t {
    if unsafe { CStr::from_ptr(name) } == c"threads" { owner.cast() } else { null_mut() }
}

unsafe extern "C-unwind" fn add_table(
    _: *mut ss_plugin_owner_t,
    _: *const ss_plugin_table_input,
) -> ss_plugin_rc {
    ss_plugin_rc_SS_PLUGIN_FAILURE
}

unsafe extern "C-unwind" fn subscribe(
    _: *mut ss_plugin_owner_t,
    _: ss_plugin_routine_fn_t,
    _: *mut ss_plugin_routine_state_t,
) -> *mut ss_plugin_routine_t {
    null_mut()
}

unsafe extern "C-unwind" fn unsubscribe(
    _: *mut ss_plugin_owner_t,
    _: *mut ss_plugin_routine_t,
) -> ss_plugin_rc {
    ss_plugin_rc_SS_PLUGIN_FAILURE
}

fn reader() -> ss_plugin_table_reader_vtable_ext {
    ss_plugin_table_reader_vtable_ext {
        get_table_name: Some(name_of),
        get_table_size: Some(size_of),
        get_table_entry: Some(entry_of),
        read_entry_field: Some(read),
        release_table_entry: Some(release),
        iterate_entries: Some(iterate),
    }
}

fn writer() -> ss_plugin_table_writer_vtable_ext {
    ss_plugin_table_writer_vtable_ext {
        clear_table: None,
        erase_table_entry: None,
        create_table_entry: Some(create),
        destroy_table_entry: Some(release),
        add_table_entry: None,
        write_entry_field: None,
    }
}

/// An event as the kernel's drivers write it, and its number.
pub(crate) struct Event {
    bytes: Vec<u64>,
    number: u64,
}

impl Event {
    pub(crate) fn new(of: &Value, number: u64) -> Self {
        let bytes = host::bytes(of);
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        Self { bytes: words.collect(), number }
    }

    fn input(&self) -> ss_plugin_event_input {
        ss_plugin_event_input {
            evt: self.bytes.as_ptr().cast(),
            evtnum: self.number,
            evtsrc: c"syscall".as_ptr(),
        }
    }
}

impl Falco {
    /// Loads the plugin.
    pub(crate) fn load(threads: &Value, config: &Value) -> Self {
        let rows = threads.as_array().into_iter().flatten();
        let rows = rows.map(|it| (it["id"].as_i64().unwrap(), Box::new(thread(it)))).collect();
        let mut table =
            Box::new(input(c"threads", Rows::Threads(rows), ss_plugin_state_type_SS_PLUGIN_ST_INT64));
        let (mut reader, mut writer) = (reader(), writer());
        let mut fields = ss_plugin_table_fields_vtable_ext {
            list_table_fields: Some(list_fields),
            get_table_field: Some(field_of),
            add_table_field: Some(add_field),
        };
        let config = CString::new(config.to_string()).unwrap();
        // SAFETY: these structures of functions and pointers may be zero where nothing is asked for.
        let (mut tables, mut init): (ss_plugin_init_tables_input, ss_plugin_init_input) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        tables.list_tables = Some(list_tables);
        tables.get_table = Some(table_of);
        tables.add_table = Some(add_table);
        (tables.fields_ext, tables.reader_ext, tables.writer_ext) =
            (&raw mut fields, &raw mut reader, &raw mut writer);
        init.config = config.as_ptr();
        init.owner = (&raw mut *table).cast();
        init.get_owner_last_error = Some(last_error);
        init.tables = &raw const tables;
        let mut rc = 0;
        // SAFETY: all of that outlives the call, and the table the plugin.
        let plugin = unsafe { ANOMALY.init.unwrap()(&raw const init, &raw mut rc) };
        let falco = Self { plugin, fields: fields_of(), table };
        assert_eq!(rc, ss_plugin_rc_SS_PLUGIN_SUCCESS, "{}", falco.last_error());
        falco
    }

    /// Gives a thread another name, as when it starts another program.
    pub(crate) fn rename(&self, id: i64, name: &str) {
        // SAFETY: the table is as it was made.
        let rows = unsafe { rows((&raw const *self.table).cast_mut().cast()) };
        let Rows::Threads(rows) = rows else { panic!("these are the threads") };
        rows[&id].texts[0].store(lasting(CString::new(name).unwrap()), Ordering::SeqCst);
    }

    /// Hands an event to the plugin; says whether it took it.
    pub(crate) fn parse(&self, event: &Event) -> bool {
        let (mut reader, mut writer) = (reader(), writer());
        // SAFETY: as above.
        let mut input: ss_plugin_event_parse_input = unsafe { std::mem::zeroed() };
        input.get_owner_last_error = Some(last_error);
        (input.table_reader_ext, input.table_writer_ext) = (&raw mut reader, &raw mut writer);
        let parse = ANOMALY.__bindgen_anon_3.parse_event.unwrap();
        // SAFETY: all of that outlives the call.
        unsafe { parse(self.plugin, &event.input(), &raw const input) == ss_plugin_rc_SS_PLUGIN_SUCCESS }
    }

    /// A field of an event as a text or a number; `None` where there is none.
    pub(crate) fn field(&self, event: &Event, name: &str) -> Option<String> {
        let id = self.fields.iter().position(|field| field["name"] == name).unwrap();
        // SAFETY: as above.
        let (mut field, mut input): (ss_plugin_extract_field, ss_plugin_field_extract_input) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        field.field_id = id as u32;
        let mut reader = reader();
        input.get_owner_last_error = Some(last_error);
        (input.num_fields, input.fields, input.table_reader_ext) = (1, &raw mut field, &raw mut reader);
        let extract = ANOMALY.__bindgen_anon_2.extract_fields.unwrap();
        // SAFETY: all of that outlives the call, and what it answers lasts until this thread asks again.
        unsafe {
            let rc = extract(self.plugin, &event.input(), &raw const input);
            assert_eq!(rc, ss_plugin_rc_SS_PLUGIN_SUCCESS, "{}", self.last_error());
            (field.res_len > 0).then(|| match self.fields[id]["type"].as_str() {
                Some("string") => CStr::from_ptr(*field.res.str_).to_string_lossy().into_owned(),
                Some("bool") => (*field.res.boolean != 0).to_string(),
                _ => (*field.res.u64_).to_string(),
            })
        }
    }

    /// What went wrong last on this thread.
    pub(crate) fn last_error(&self) -> String {
        // SAFETY: the plugin is not destroyed yet.
        unsafe { CStr::from_ptr(ANOMALY.get_last_error.unwrap()(self.plugin)) }.to_string_lossy().into_owned()
    }

    /// Gives the plugin another configuration.
    pub(crate) fn configure(&self, config: &Value) -> bool {
        let config = CString::new(config.to_string()).unwrap();
        let input = ss_plugin_set_config_input { config: config.as_ptr() };
        // SAFETY: both outlive the call.
        unsafe {
            ANOMALY.set_config.unwrap()(self.plugin, &raw const input) == ss_plugin_rc_SS_PLUGIN_SUCCESS
        }
    }

    /// A metric of the plugin.
    pub(crate) fn metric(&self, name: &CStr) -> u64 {
        let mut n = 0;
        // SAFETY: what it returns lasts until it is asked again.
        unsafe {
            let metrics = ANOMALY.get_metrics.unwrap()(self.plugin, &raw mut n);
            let metrics = std::slice::from_raw_parts(metrics, n as usize);
            metrics.iter().find(|metric| CStr::from_ptr(metric.name) == name).unwrap().value.u64_
        }
    }

    /// Ends the capture, so that what was learned is written.
    pub(crate) fn close(&self) {
        let mut reader = reader();
        // SAFETY: as above.
        let mut input: ss_plugin_capture_listen_input = unsafe { std::mem::zeroed() };
        input.get_owner_last_error = Some(last_error);
        let (mut writer, mut routine) = (
            writer(),
            ss_plugin_routine_vtable { subscribe: Some(subscribe), unsubscribe: Some(unsubscribe) },
        );
        (input.table_reader_ext, input.table_writer_ext) = (&raw mut reader, &raw mut writer);
        input.routine = &raw mut routine;
        let close = ANOMALY.__bindgen_anon_5.capture_close.unwrap();
        // SAFETY: all of that outlives the call.
        let rc = unsafe { close(self.plugin, &raw const input) };
        assert_eq!(rc, ss_plugin_rc_SS_PLUGIN_SUCCESS, "{}", self.last_error());
    }
}

impl Drop for Falco {
    fn drop(&mut self) {
        // SAFETY: no thread is in it any more.
        unsafe { ANOMALY.destroy.unwrap()(self.plugin) };
    }
}

fn fields_of() -> Vec<Value> {
    // SAFETY: it takes nothing and returns a static text.
    let fields = unsafe { CStr::from_ptr(ANOMALY.__bindgen_anon_2.get_fields.unwrap()()) };
    serde_json::from_slice(fields.to_bytes()).unwrap()
}
