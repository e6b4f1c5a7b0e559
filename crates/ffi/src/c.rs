//! The C interface: `include/lanner.h` describes it for those who call it.
#![expect(unsafe_code, reason = "a C interface takes and gives pointers; each block says why it may")]

use std::ffi::{CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::evaluator::Evaluator;

/// Counted up when a function changes in a way that its callers must know of.
const ABI_VERSION: u32 = 1;

/// Instead of a time: by the clock.
const NOW: i64 = i64::MIN;

/// The version of this interface.
#[unsafe(no_mangle)]
pub extern "C" fn lanner_abi_version() -> u32 {
    ABI_VERSION
}

/// Switches that are given once; null and a message in `error` where they are wrong.
///
/// # Safety
/// `text` points to `n_bytes` bytes; `error` is null or points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_new(
    text: *const c_char,
    n_bytes: usize,
    error: *mut *mut c_char,
) -> *mut Evaluator {
    // SAFETY: the caller promises both.
    unsafe { make(text, n_bytes, error, Evaluator::new) }
}

/// Switches that keep themselves up to date; null and a message in `error` where the options are wrong.
///
/// # Safety
/// `options` points to `n_bytes` bytes; `error` is null or points to a pointer.
#[cfg(feature = "connect")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_connect(
    options: *const c_char,
    n_bytes: usize,
    error: *mut *mut c_char,
) -> *mut Evaluator {
    // SAFETY: the caller promises both.
    unsafe { make(options, n_bytes, error, Evaluator::connect) }
}

/// What the switches say of a context: 1 blocked, 0 not, -1 not to be judged. `answer`, unless null, gets the verdict as
/// JSON, or what is wrong.
///
/// # Safety
/// `switches` came from this library and is not freed; `context` points to `n_bytes` bytes; `answer` is null or points to
/// a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_evaluate(
    switches: *const Evaluator,
    context: *const c_char,
    n_bytes: usize,
    now_ms: i64,
    answer: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let switches = unsafe { switches.as_ref() };
    // SAFETY: the caller promises so many bytes.
    let context = unsafe { bytes(context, n_bytes) };
    let now_ms = (now_ms != NOW).then_some(now_ms);
    let verdict = guarded(|| match switches {
        Some(switches) => switches.evaluate(context, now_ms),
        None => Err("there are no switches".to_owned()),
    });
    let blocked = match &verdict {
        Ok(verdict) => c_int::from(verdict.is_blocked()),
        Err(_) => -1,
    };
    if !answer.is_null() {
        let text = verdict.map_or_else(|error| error, |verdict| verdict.to_json().to_string());
        // SAFETY: the caller promises that it points to a pointer.
        unsafe { answer_with(answer, &text) };
    }
    blocked
}

/// What a context gets of a flag: 0, or -1 where the context is none. `answer`, unless null, gets it as JSON, or what is wrong.
///
/// # Safety
/// `switches` came from this library and is not freed; `key` and `context` point to so many bytes; `answer` is null or
/// points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_flag(
    switches: *const Evaluator,
    key: *const c_char,
    n_key: usize,
    context: *const c_char,
    n_bytes: usize,
    now_ms: i64,
    answer: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let switches = unsafe { switches.as_ref() };
    // SAFETY: the caller promises so many bytes of each.
    let (key, context) = unsafe { (bytes(key, n_key), bytes(context, n_bytes)) };
    let now_ms = (now_ms != NOW).then_some(now_ms);
    let flag = guarded(|| match switches {
        Some(switches) => switches.flag(&String::from_utf8_lossy(key), context, now_ms),
        None => Err("there are no switches".to_owned()),
    });
    // SAFETY: the caller promises that it is null or points to a pointer.
    unsafe { answered(answer, flag) }
}

/// The answer for who keeps switches up to date ([`Evaluator::decide`]): 0, or -1 and what is wrong with the question.
/// `switches` may be null: none were ever known.
///
/// # Safety
/// `switches` came from this library and is not freed; `question` points to `n_bytes` bytes; `answer` is null or points
/// to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_decide(
    switches: *const Evaluator,
    question: *const c_char,
    n_bytes: usize,
    answer: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let switches = unsafe { switches.as_ref() };
    // SAFETY: the caller promises so many bytes.
    let question = unsafe { bytes(question, n_bytes) };
    let decided = guarded(|| Evaluator::decide(switches, question));
    // SAFETY: the caller promises that it is null or points to a pointer.
    unsafe { answered(answer, decided) }
}

/// The switches that a change makes of these, which stay as they are; null and a message in `error` where it makes none.
///
/// # Safety
/// `switches` came from this library and is not freed; `delta` points to `n_bytes` bytes; `error` is null or points to a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_changed(
    switches: *const Evaluator,
    delta: *const c_char,
    n_bytes: usize,
    error: *mut *mut c_char,
) -> *mut Evaluator {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let switches = unsafe { switches.as_ref() };
    let changed = |delta: &str| switches.ok_or("there are no switches")?.changed(delta);
    // SAFETY: the caller promises both.
    unsafe { make(delta, n_bytes, error, changed) }
}

/// Switches that were given, as a snapshot's text; null of others. Free it with [`lanner_string_free`].
///
/// # Safety
/// `switches` came from this library and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_snapshot(switches: *const Evaluator) -> *mut c_char {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let Some(switches) = (unsafe { switches.as_ref() }) else { return std::ptr::null_mut() };
    guarded(|| switches.snapshot()).map_or(std::ptr::null_mut(), |text| given(&text))
}

/// How the switches are, as JSON; null without switches. Free it with [`lanner_string_free`].
///
/// # Safety
/// `switches` came from this library and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_status(switches: *const Evaluator) -> *mut c_char {
    // SAFETY: the caller promises that it is one of ours, alive, or null.
    let Some(switches) = (unsafe { switches.as_ref() }) else { return std::ptr::null_mut() };
    guarded(|| Ok(switches.status())).map_or(std::ptr::null_mut(), |status| given(&status))
}

/// Frees switches; null is left alone.
///
/// # Safety
/// `switches` came from this library, is freed once, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_switches_free(switches: *mut Evaluator) {
    if !switches.is_null() {
        // SAFETY: `make` leaked this box, and the caller promises that nobody else has it.
        let switches = unsafe { Box::from_raw(switches) };
        let freed = || {
            drop(switches);
            Ok(())
        };
        let _ = guarded(freed);
    }
}

/// Frees a text that this library gave; null is left alone.
///
/// # Safety
/// `text` came from this library and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: `given` leaked this string, unchanged in length as the caller only reads it.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// # Safety
/// `text` points to `n_bytes` bytes; `error` is null or points to a pointer.
unsafe fn make(
    text: *const c_char,
    n_bytes: usize,
    error: *mut *mut c_char,
    new: impl FnOnce(&str) -> Result<Evaluator, String>,
) -> *mut Evaluator {
    // SAFETY: the caller promises so many bytes.
    let text = unsafe { bytes(text, n_bytes) };
    let made =
        guarded(|| new(std::str::from_utf8(text).map_err(|error| format!("this is not UTF-8: {error}"))?));
    match made {
        Ok(switches) => Box::into_raw(Box::new(switches)),
        Err(why) => {
            if !error.is_null() {
                // SAFETY: it is not null, and the caller promises that it points to a pointer.
                unsafe { error.write(given(&why)) };
            }
            std::ptr::null_mut()
        }
    }
}

/// Gives the answer, or what is wrong: 0 or -1.
///
/// # Safety
/// `answer` is null or points to a pointer.
unsafe fn answered(answer: *mut *mut c_char, result: Result<String, String>) -> c_int {
    let (code, text) = match result {
        Ok(text) => (0, text),
        Err(why) => (-1, why),
    };
    // SAFETY: the caller promises that it is null or points to a pointer.
    unsafe { answer_with(answer, &text) };
    code
}

/// # Safety
/// `answer` is null or points to a pointer.
unsafe fn answer_with(answer: *mut *mut c_char, text: &str) {
    if !answer.is_null() {
        // SAFETY: it is not null, and the caller promises that it points to a pointer.
        unsafe { answer.write(given(text)) };
    }
}

/// # Safety
/// `start` is null or points to `n` bytes that stay as they are for `'a`.
unsafe fn bytes<'a>(start: *const c_char, n: usize) -> &'a [u8] {
    if start.is_null() || n == 0 {
        return &[];
    }
    // SAFETY: it is not null, and the caller promises so many bytes.
    unsafe { std::slice::from_raw_parts(start.cast(), n) }
}

/// A text that now belongs to the caller.
fn given(text: &str) -> *mut c_char {
    // JSON and messages hold no NUL but what a caller sent; it is left out.
    CString::new(text.replace('\0', "")).map_or(std::ptr::null_mut(), CString::into_raw)
}

/// A panic would be our defect; it must not become the caller's end.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("a bug in Lanner, please report it".to_owned()))
}
