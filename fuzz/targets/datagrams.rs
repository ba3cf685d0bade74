//! See `nfstream_testkit::targets::datagrams`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nfstream_testkit::targets::datagrams(data));
