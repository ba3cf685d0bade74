//! Which libpcap it is.

use std::ffi::{CStr, c_char};

// The crate that links the library, but does not ask it for its version.
use pcap as _;

unsafe extern "C" {
    fn pcap_lib_version() -> *const c_char;
}

/// Returns the version of the libpcap that is loaded: `1.10.3`.
pub fn libpcap_version() -> String {
    // SAFETY: the function has no preconditions.
    let version = unsafe { pcap_lib_version() };
    // SAFETY: libpcap returns a string of its own, terminated and never freed.
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
