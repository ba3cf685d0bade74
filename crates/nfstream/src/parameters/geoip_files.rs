//! Files with databases of addresses.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::geoip::{Database, GeoIp, GeoIpError};
use crate::host::visible_path;

/// Maximum size of a database in bytes, several times that of the largest known ones.
const MOST_BYTES: u64 = 1 << 30;

/// Databases of addresses, and the files from which they were read.
#[derive(Clone, Debug, Default)]
pub struct GeoIpFiles {
    /// Paths of the files.
    pub paths: Vec<PathBuf>,
    /// Their databases.
    pub databases: Arc<GeoIp>,
}

/// Failure to read a database of addresses.
#[derive(Debug, thiserror::Error)]
pub enum GeoIpFileError {
    /// The file is not a database of countries or autonomous systems.
    #[error("{}: {mistake}", visible_path(path))]
    Database {
        /// Path of the file.
        path: PathBuf,
        /// The mistake.
        mistake: GeoIpError,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read", visible_path(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl GeoIpFiles {
    /// Reads the databases in files.
    ///
    /// # Errors
    ///
    /// [`GeoIpFileError`] for the first file that cannot be read or is not such a database.
    pub fn read(paths: Vec<PathBuf>) -> Result<Self, GeoIpFileError> {
        let mut databases = Vec::new();
        for path in &paths {
            let bytes =
                read(path).map_err(|source| GeoIpFileError::Io { path: path.clone(), source })?;
            let database = Database::new(bytes)
                .map_err(|mistake| GeoIpFileError::Database { path: path.clone(), mistake })?;
            databases.push(database);
        }
        Ok(Self { paths, databases: Arc::new(GeoIp::new(databases)) })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
