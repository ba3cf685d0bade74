//! Compression of text formats, chosen by the extension of a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::write::GzEncoder;

/// Level of zstd: its default.
const ZSTD_LEVEL: i32 = 3;

/// Compression of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

/// Result of ending a compressed stream, which happens when its output is dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending(Arc<Mutex<Option<io::Error>>>);

enum Encoder {
    Gzip(GzEncoder<Box<dyn Write + Send>>),
    Zstd(zstd::Encoder<'static, Box<dyn Write + Send>>),
}

/// Output that compresses the bytes written to it.
struct Compressed {
    /// `None` once it has ended.
    encoder: Option<Encoder>,
    ending: Ending,
}

impl Compression {
    /// Returns the compression that the extension of `path` selects.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns an output that compresses what is written to `output`.
    ///
    /// # Errors
    ///
    /// An error of the compressor.
    pub(super) fn compressed(
        self,
        output: Box<dyn Write + Send>,
        ending: &Ending,
    ) -> io::Result<Box<dyn Write + Send>> {
        let encoder = match self {
            Self::Gzip => Encoder::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Self::Zstd => Encoder::Zstd(zstd::Encoder::new(output, ZSTD_LEVEL)?),
        };
        Ok(Box::new(Compressed { encoder: Some(encoder), ending: ending.clone() }))
    }
}

/// Returns a path without the extension of its compression: `flows.csv` for `flows.csv.gz`.
pub(super) fn uncompressed(path: &Path) -> PathBuf {
    if Compression::of_file(path).is_some() { path.with_extension("") } else { path.to_path_buf() }
}

impl Ending {
    /// Returns the error of ending the stream, if there was one.
    ///
    /// # Errors
    ///
    /// That error.
    pub(super) fn check(&self) -> io::Result<()> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

impl Write for Compressed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            Some(Encoder::Gzip(encoder)) => encoder.write(bytes),
            Some(Encoder::Zstd(encoder)) => encoder.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Does nothing: a compressed file is not read before it is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Compressed {
    fn drop(&mut self) {
        let result = match self.encoder.take() {
            Some(Encoder::Gzip(encoder)) => encoder.finish().map(drop),
            Some(Encoder::Zstd(encoder)) => encoder.finish().map(drop),
            None => Ok(()),
        };
        if let Err(error) = result {
            *self.ending.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}
