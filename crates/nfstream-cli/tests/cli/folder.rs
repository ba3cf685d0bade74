//! Folder with small captures, and the output of the command line in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use snapbox::{Assert, Data};
use tempfile::TempDir;

/// Temporary folder of a test, in which the program runs.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Creates a folder with copies of sample captures.
    pub(crate) fn with(captures: &[&str]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for name in captures {
            folder.write(name, &sample(name));
        }
        folder
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns the names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs the program and compares its output with the snapshot of this name.
    ///
    /// `SNAPSHOTS=overwrite` rewrites the snapshots.
    pub(crate) fn check(&self, snapshot: &str, args: &[&str]) {
        self.check_with_input(snapshot, args, Stdio::null());
    }

    /// Like [`check`](Self::check), with standard input.
    pub(crate) fn check_with_input(&self, snapshot: &str, args: &[&str], stdin: Stdio) {
        let output = Command::new(env!("CARGO_BIN_EXE_nfstream"))
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .stdin(stdin)
            .output()
            .unwrap();
        let actual = format!(
            "$ nfstream {}\nexit code {}\n--- stdout\n{}--- stderr\n{}",
            args.join(" "),
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        compare(snapshot, actual);
    }
}

/// Compares text with the snapshot of this name.
pub(crate) fn compare(snapshot: &str, actual: String) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{snapshot}.txt"));
    let expected = Data::read_from(&path, Some(snapbox::data::DataFormat::Text));
    Assert::new().action_env("SNAPSHOTS").eq(actual, expected);
}

/// Returns the bytes of a sample capture.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    fs::read(samples.join(name)).unwrap()
}

/// Returns a pcap file whose packet number `n`, from 0, has an impossible length.
pub(crate) fn corrupt_at(name: &str, n: usize) -> Vec<u8> {
    let mut bytes = sample(name);
    let mut at = 24;
    for _ in 0..n {
        at += 16
            + usize::try_from(u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()))
                .unwrap();
    }
    bytes[at + 8..at + 12].fill(0xff);
    bytes
}
