//! Copies of strings in C memory. Bytes that are not UTF-8 become U+FFFD.

use std::ffi::{CStr, c_char};

use ndpi_sys::Text;

/// Returns a static C string, or `""` if it is null or not UTF-8.
///
/// # Safety
///
/// `text` is null or a terminated string that is never changed or freed.
pub(crate) unsafe fn static_str(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: not null; the rest is guaranteed by the caller.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or_default()
}

/// Copies a C string; null becomes `""`.
///
/// # Safety
///
/// `text` is null or a terminated string that does not change during the call.
pub(crate) unsafe fn copy_c_str(text: *const c_char) -> Box<str> {
    if text.is_null() {
        return Box::default();
    }
    // SAFETY: not null; the rest is guaranteed by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into()
}

/// Borrows the bytes of a [`Text`].
///
/// # Safety
///
/// `text` came from the shim, and its flow is neither used nor freed during `'a`.
pub(crate) unsafe fn bytes<'a>(text: Text) -> &'a [u8] {
    if text.data.is_null() {
        return &[];
    }
    // SAFETY: the shim measured the length inside the flow's memory, which the caller guarantees to
    // be alive.
    unsafe { std::slice::from_raw_parts(text.data, text.len) }
}

/// Copies a [`Text`].
///
/// # Safety
///
/// As for [`bytes`], for the duration of the call.
pub(crate) unsafe fn copy(text: Text) -> Box<str> {
    // SAFETY: guaranteed by the caller.
    match unsafe { bytes(text) } {
        // Most texts are missing.
        [] => Box::default(),
        bytes => String::from_utf8_lossy(bytes).into(),
    }
}
