//! The plugin as Falco loads it: by the functions of its C interface.

use falco_plugin::api::{
    plugin_api, plugin_api__bindgen_ty_1, plugin_api__bindgen_ty_2, plugin_api__bindgen_ty_3,
    plugin_api__bindgen_ty_4, plugin_api__bindgen_ty_5,
};
use lanner_falco::exports;

/// What a library with these functions offers.
pub(crate) static ANOMALY: plugin_api = plugin_api {
    get_required_api_version: Some(exports::plugin_get_required_api_version),
    get_init_schema: Some(exports::plugin_get_init_schema),
    init: Some(exports::plugin_init),
    destroy: Some(exports::plugin_destroy),
    get_last_error: Some(exports::plugin_get_last_error),
    get_name: Some(exports::plugin_get_name),
    get_description: Some(exports::plugin_get_description),
    get_contact: Some(exports::plugin_get_contact),
    get_version: Some(exports::plugin_get_version),
    __bindgen_anon_1: plugin_api__bindgen_ty_1 {
        get_id: None,
        get_event_source: None,
        open: None,
        close: None,
        list_open_params: None,
        get_progress: None,
        event_to_string: None,
        next_batch: None,
    },
    __bindgen_anon_2: plugin_api__bindgen_ty_2 {
        get_extract_event_types: Some(exports::plugin_get_extract_event_types),
        get_extract_event_sources: Some(exports::plugin_get_extract_event_sources),
        get_fields: Some(exports::plugin_get_fields),
        extract_fields: Some(exports::plugin_extract_fields),
    },
    __bindgen_anon_3: plugin_api__bindgen_ty_3 {
        get_parse_event_types: Some(exports::plugin_get_parse_event_types),
        get_parse_event_sources: Some(exports::plugin_get_parse_event_sources),
        parse_event: Some(exports::plugin_parse_event),
    },
    __bindgen_anon_4: plugin_api__bindgen_ty_4 {
        get_async_event_sources: None,
        get_async_events: None,
        set_async_event_handler: None,
        dump_state: None,
    },
    set_config: Some(exports::plugin_set_config),
    get_metrics: Some(exports::plugin_get_metrics),
    __bindgen_anon_5: plugin_api__bindgen_ty_5 {
        capture_open: Some(exports::plugin_capture_open),
        capture_close: Some(exports::plugin_capture_close),
    },
};
