//! The condition of `nfstream flows --where`: any text is an error or a table, never a panic.

#![no_main]

use std::ffi::OsString;

use nfstream_cli::{Io, Stream};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/captures/redis.pcap");

libfuzzer_sys::fuzz_target!(|condition: &str| {
    let condition = format!("--where={condition}");
    let args = ["nfstream", "flows", CAPTURE, "--no-dissect", "--n-meters=1", &condition];
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut io = Io {
        stdout: Stream::plain(&mut stdout),
        stderr: Stream::plain(&mut stderr),
        interrupted: &|| false,
    };
    let code = nfstream_cli::run(args.map(OsString::from), &mut io);
    assert!(code == nfstream_cli::ExitCode::Done || !stderr.is_empty(), "failed in silence");
});
