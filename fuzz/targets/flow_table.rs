//! See `nfstream_testkit::targets::flow_table`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nfstream_testkit::targets::flow_table(data));
