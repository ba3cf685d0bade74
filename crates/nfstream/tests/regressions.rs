//! Inputs that once failed: each file of `fuzz/regressions` is run through its target.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use nfstream_testkit::{conversations, targets};

#[test]
#[allow(clippy::print_stderr, reason = "a crash of nDPI ends the process")]
fn past_findings_of_fuzzing_pass() {
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    for target in targets::ALL {
        let Ok(files) = fs::read_dir(regressions.join(target.name)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            (target.run)(&fs::read(&path).unwrap());
        }
    }
}

/// The targets check their claims: otherwise a failure would pass unnoticed.
#[test]
fn targets_accept_valid_captures() {
    let real = nfstream_testkit::lab_captures();
    assert!(!real.is_empty());
    for path in nfstream_testkit::captures().into_iter().chain(real) {
        let bytes = fs::read(&path).unwrap();
        targets::pcap(&bytes);
        targets::pcapng(&bytes);
        for (name, data) in conversations::seeds(&path).unwrap() {
            let target = targets::ALL.into_iter().find(|target| target.name == name);
            (target.unwrap().run)(&data);
        }
        for data in targets::seeds(&path).unwrap() {
            targets::link(&data);
            targets::tunnels(&data);
            targets::engine(&data);
        }
    }
}
