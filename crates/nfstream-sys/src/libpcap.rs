//! Version of libpcap.

use std::ffi::{CStr, c_char};

// Links libpcap; the crate has no function that returns its version.
use pcap as _;

unsafe extern "C" {
    fn pcap_lib_version() -> *const c_char;
}

/// Returns the version of the loaded libpcap, such as `1.10.3`.
pub fn libpcap_version() -> String {
    // SAFETY: the function has no preconditions.
    let version = unsafe { pcap_lib_version() };
    // SAFETY: libpcap returns a static, terminated string.
    let version = unsafe { CStr::from_ptr(version) }.to_string_lossy();
    // "libpcap version 1.10.3 (with TPACKET_V3)"
    version.split_whitespace().nth(2).unwrap_or(&version).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_a_number() {
        let version = super::libpcap_version();
        assert!(version.starts_with(|letter: char| letter.is_ascii_digit()), "{version}");
    }
}
