//! The functions that Falco looks for in the library.
//!
//! They are those that the SDK's macros write, except that each thread is led to an instance of its own
//! (`lanes`): the SDK's hand out one instance as a whole, and Falco is going to call from several threads.
//!
//! All of them are as safe as Falco keeps to its interface: pointers are valid, and a plugin is destroyed when no thread is in it.

#![allow(
    unsafe_code,
    missing_docs,
    clippy::missing_safety_doc,
    reason = "each is described in Falco's plugin_api.h"
)]

use std::ffi::{CStr, c_char};

use falco_plugin::api::{
    PLUGIN_API_VERSION_MAJOR as MAJOR, PLUGIN_API_VERSION_MINOR as MINOR, ss_plugin_capture_listen_input,
    ss_plugin_event_input, ss_plugin_event_parse_input, ss_plugin_field_extract_input, ss_plugin_init_input,
    ss_plugin_metric, ss_plugin_rc, ss_plugin_rc_SS_PLUGIN_FAILURE as FAILURE,
    ss_plugin_rc_SS_PLUGIN_SUCCESS as SUCCESS, ss_plugin_set_config_input, ss_plugin_t,
};
use falco_plugin::internals::base::wrappers as base;
use falco_plugin::internals::extract::wrappers as extract;
use falco_plugin::internals::listen::wrappers as listen;
use falco_plugin::internals::parse::wrappers as parse;

use crate::shared::MAX_THREADS;
use crate::{Anomaly, lanes, opening};

// SAFETY: the functions below export all capabilities.
unsafe impl base::BasePluginExported for Anomaly {}
// SAFETY: as above.
unsafe impl parse::ParsePluginExported for Anomaly {}
// SAFETY: as above.
unsafe impl extract::ExtractPluginExported for Anomaly {}
// SAFETY: as above.
unsafe impl listen::CaptureListenPluginExported for Anomaly {}

/// What is told where a thread has no instance.
const TOO_MANY: &CStr = c"more than 64 threads call this plugin at once; each needs an instance of its own";

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_required_api_version() -> *const c_char {
    base::plugin_get_required_api_version::<{ MAJOR as usize }, { MINOR as usize }, 0>()
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_version() -> *const c_char {
    base::plugin_get_version::<Anomaly>()
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_name() -> *const c_char {
    base::plugin_get_name::<Anomaly>()
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_description() -> *const c_char {
    base::plugin_get_description::<Anomaly>()
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_contact() -> *const c_char {
    base::plugin_get_contact::<Anomaly>()
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_get_init_schema(schema_type: *mut u32) -> *const c_char {
    // SAFETY: as Falco calls this one.
    unsafe { base::plugin_get_init_schema::<Anomaly>(schema_type) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_init(
    input: *const ss_plugin_init_input,
    rc: *mut ss_plugin_rc,
) -> *mut ss_plugin_t {
    // An instance that finds an opening takes part in it.
    opening::end();
    // SAFETY: as Falco calls this one.
    let front = unsafe { base::plugin_init::<Anomaly>(input, rc) };
    // SAFETY: Falco gives a place for the result.
    if unsafe { *rc } == SUCCESS {
        let instance = || {
            let mut rc = SUCCESS;
            // SAFETY: the input is valid for as long as Falco waits here.
            let instance = unsafe { base::plugin_init::<Anomaly>(input, &raw mut rc) };
            if rc == SUCCESS {
                return Some(instance);
            }
            // SAFETY: it was made above, and nobody knows it.
            unsafe { base::plugin_destroy::<Anomaly>(instance) };
            None
        };
        let instances: Vec<_> = std::iter::from_fn(instance).take(MAX_THREADS).collect();
        lanes::open(front, &instances);
    }
    opening::end();
    front
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_destroy(plugin: *mut ss_plugin_t) {
    for instance in lanes::close(plugin).into_iter().chain([plugin]) {
        // SAFETY: Falco destroys a plugin once and is no longer in it, and no thread is given an instance any more.
        unsafe { base::plugin_destroy::<Anomaly>(instance) };
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_get_last_error(plugin: *mut ss_plugin_t) -> *const c_char {
    match lanes::last(plugin) {
        lanes::Last::Thread(instance) => {
            // SAFETY: the instance is this thread's.
            unsafe { base::plugin_get_last_error::<Anomaly>(instance) }
        }
        lanes::Last::Front => lanes::at_front(plugin, |front| {
            // SAFETY: this thread holds the lock.
            unsafe { base::plugin_get_last_error::<Anomaly>(front) }
        }),
        lanes::Last::Refused => TOO_MANY.as_ptr(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_set_config(
    plugin: *mut ss_plugin_t,
    input: *const ss_plugin_set_config_input,
) -> ss_plugin_rc {
    // SAFETY: this thread holds the lock, and Falco's input is valid.
    lanes::at_front(plugin, |front| unsafe { base::plugin_set_config::<Anomaly>(front, input) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_get_metrics(
    plugin: *mut ss_plugin_t,
    n_metrics: *mut u32,
) -> *mut ss_plugin_metric {
    // SAFETY: this thread holds the lock, and Falco gives a place for the number.
    lanes::at_front(plugin, |front| unsafe { base::plugin_get_metrics::<Anomaly>(front, n_metrics) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_get_parse_event_types(
    n_types: *mut u32,
    plugin: *mut ss_plugin_t,
) -> *mut u16 {
    // SAFETY: as Falco calls this one; the types are static.
    unsafe { parse::plugin_get_parse_event_types::<Anomaly>(n_types, plugin) }
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_parse_event_sources() -> *const c_char {
    parse::plugin_get_parse_event_sources::<Anomaly>()
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_parse_event(
    plugin: *mut ss_plugin_t,
    event: *const ss_plugin_event_input,
    input: *const ss_plugin_event_parse_input,
) -> ss_plugin_rc {
    let Some(instance) = lanes::of_thread(plugin) else { return FAILURE };
    // SAFETY: the instance is this thread's, and Falco's inputs are valid.
    unsafe { parse::plugin_parse_event::<Anomaly>(instance, event, input) }
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_extract_event_sources() -> *const c_char {
    extract::plugin_get_extract_event_sources::<Anomaly>()
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_get_extract_event_types(
    n_types: *mut u32,
    plugin: *mut ss_plugin_t,
) -> *mut u16 {
    // SAFETY: as Falco calls this one; the types are static.
    unsafe { extract::plugin_get_extract_event_types::<Anomaly>(n_types, plugin) }
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn plugin_get_fields() -> *const c_char {
    extract::plugin_get_fields::<Anomaly>()
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_extract_fields(
    plugin: *mut ss_plugin_t,
    event: *const ss_plugin_event_input,
    input: *const ss_plugin_field_extract_input,
) -> ss_plugin_rc {
    let Some(instance) = lanes::of_thread(plugin) else { return FAILURE };
    // SAFETY: the instance is this thread's, and so are the texts that it answers, until the thread asks again.
    unsafe { extract::plugin_extract_fields::<Anomaly>(instance, event, input) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_capture_open(
    plugin: *mut ss_plugin_t,
    input: *const ss_plugin_capture_listen_input,
) -> ss_plugin_rc {
    // SAFETY: this thread holds the lock, and Falco's input is valid.
    lanes::at_front(plugin, |front| unsafe { listen::plugin_capture_open::<Anomaly>(front, input) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn plugin_capture_close(
    plugin: *mut ss_plugin_t,
    input: *const ss_plugin_capture_listen_input,
) -> ss_plugin_rc {
    // SAFETY: this thread holds the lock, and Falco's input is valid.
    lanes::at_front(plugin, |front| unsafe { listen::plugin_capture_close::<Anomaly>(front, input) })
}
