//! Hashes of captures, computed during a run.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};

/// Hashes of the files of a run, which a thread computes. Dropping them ends the thread early.
#[derive(Debug)]
pub struct Digests {
    thread: Option<JoinHandle<Vec<Digest>>>,
    is_cancelled: Arc<AtomicBool>,
}

/// Hash of a file as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Digest {
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE2b-256 (RFC 7693) in hexadecimal digits, as `b2sum -l 256` prints it.
    pub blake2b_256: String,
}

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

impl Digests {
    /// Opens the regular files among `paths`, and starts to hash them. Pipes cannot be read twice,
    /// so they have no hash.
    pub fn start(paths: &[PathBuf]) -> Self {
        let open = |path: &PathBuf| {
            let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
            if is_file { File::open(path).ok() } else { None }
        };
        let files: Vec<_> = paths.iter().filter_map(open).collect();
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_cancelled);
        let work = move || files.into_iter().map_while(|file| digest(file, &flag)).collect();
        let thread = thread::Builder::new().name("nfstream-digest".to_owned()).spawn(work);
        Self { thread: thread.ok(), is_cancelled }
    }

    /// Returns the hashes in the order of the files; waits until they are complete. Those from the
    /// first file that could not be read on are missing.
    pub fn finish(mut self) -> Vec<Digest> {
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Digests {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// Returns the hash of a file, `None` if it cannot be read or `is_cancelled` is set.
fn digest(mut file: File, is_cancelled: &AtomicBool) -> Option<Digest> {
    let mut hash = Blake2b::<U32>::new();
    let mut block = vec![0; BLOCK];
    let mut bytes = 0;
    loop {
        if is_cancelled.load(Ordering::Relaxed) {
            return None;
        }
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(block.get(..read)?);
                bytes += u64::try_from(read).ok()?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let digits = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Digest { bytes, blake2b_256: digits })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn files_have_the_hash_that_b2sum_prints() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"abc").unwrap();
        let paths = [file.path().to_path_buf(), PathBuf::from("/dev/null"), "/no/file".into()];
        let found = Digests::start(&paths).finish();
        let expected = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
        assert_eq!(found, [Digest { bytes: 3, blake2b_256: expected.to_owned() }]);
    }
}
