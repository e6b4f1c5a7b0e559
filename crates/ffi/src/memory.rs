//! Memory into which the host of a WebAssembly module writes what it passes.
#![expect(unsafe_code, reason = "the host writes into memory that it asks for here")]

use std::alloc::{Layout, alloc, dealloc};

/// Room for `n_bytes` bytes; null where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn lanner_memory_new(n_bytes: usize) -> *mut u8 {
    match layout(n_bytes) {
        // SAFETY: it is at least one byte.
        Some(layout) => unsafe { alloc(layout) },
        None => std::ptr::null_mut(),
    }
}

/// Gives room back.
///
/// # Safety
/// `start` came from [`lanner_memory_new`] with the same `n_bytes`, and is given back once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanner_memory_free(start: *mut u8, n_bytes: usize) {
    if let (false, Some(layout)) = (start.is_null(), layout(n_bytes)) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(start, layout) };
    }
}

/// Fit for anything that the interface is given, pointers as well.
fn layout(n_bytes: usize) -> Option<Layout> {
    Layout::from_size_align(n_bytes.max(1), align_of::<u64>()).ok()
}
