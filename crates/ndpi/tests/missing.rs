//! Loading at run time where nDPI is not installed.

#![cfg(feature = "loaded")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::process::Command;

const CHILD: &str = "NFSTREAM_TEST_WITHOUT_NDPI";

/// The library is loaded once per process, so the check needs a separate process.
#[test]
fn modules_cannot_be_created_and_the_error_says_what_to_install() {
    if std::env::var_os(CHILD).is_some() {
        assert_eq!(ndpi::version(), None);
        let error = ndpi::Module::new().unwrap_err().to_string();
        assert!(error.contains("pip install 'nfstream-rs[ndpi]'"), "{error}");
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let status = child.env_remove("LD_LIBRARY_PATH").env(CHILD, "1").status().unwrap();
    assert!(status.success());
}
