//! See `nfstream_testkit::targets::tunnels`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nfstream_testkit::targets::tunnels(data));
