//! Files with models.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use serde_json::{Value as Json, json};

use crate::host::visible_path;
use crate::score::{Model, ModelError, ModelSet, NamedModel};

/// Maximum size of a file in bytes: larger models would take seconds for each flow.
const MOST_BYTES: u64 = 1 << 30;

/// Models that stay in memory, so that the runs of one streamer read them once.
const KEPT: usize = 4;

/// Name of a model that is given without one.
pub(super) const USUAL_NAME: &str = "model";

/// Models of a run, and the files from which they were read.
#[derive(Clone, Debug, Default)]
pub struct ModelFiles {
    /// Name, path and BLAKE2b-256 hash of each file.
    files: Vec<(String, PathBuf, String)>,
    /// The models.
    pub models: ModelSet,
}

/// Failure to read a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("{}: cannot be read", visible_path(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not a model, or its model cannot score flows.
    #[error("{}: {mistake}", visible_path(path))]
    Model {
        /// Path of the file.
        path: PathBuf,
        /// The mistake.
        mistake: ModelError,
    },
    /// The models do not fit each other.
    #[error("model: {mistake}")]
    Together {
        /// The mistake.
        mistake: ModelError,
    },
}

impl ModelFiles {
    /// Reads models, each with its name and path.
    ///
    /// # Errors
    ///
    /// [`ModelFileError`] for the first file that cannot be read or has no suitable model.
    pub fn read(named: Vec<(String, String)>) -> Result<Self, ModelFileError> {
        let (mut files, mut models) = (Vec::new(), Vec::new());
        for (name, path) in named {
            let path = PathBuf::from(path);
            let (model, hash) = load(&path)?;
            files.push((name.clone(), path, hash));
            models.push(NamedModel { name, model });
        }
        let models =
            ModelSet::new(models).map_err(|mistake| ModelFileError::Together { mistake })?;
        Ok(Self { files, models })
    }

    /// Returns names and paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files.iter().map(|(name, path, _)| (name.as_str(), path.as_path()))
    }

    /// Returns the error of a model that does not fit the run; `name` is its name, if it is the
    /// mistake of one model.
    pub(super) fn error(&self, name: &str, mistake: ModelError) -> ModelFileError {
        match self.files.iter().find(|(known, ..)| known == name) {
            Some((_, path, _)) => ModelFileError::Model { path: path.clone(), mistake },
            None => ModelFileError::Together { mistake },
        }
    }

    /// Returns the names and hashes of the files, as tables record them.
    pub fn hashes(&self) -> Json {
        let one = |(name, _, hash): &(String, PathBuf, String)| json!({"name": name, "blake2b_256": hash});
        self.files.iter().map(one).collect()
    }
}

/// A model in memory, and the hash of its file.
struct Loaded {
    hash: String,
    model: Arc<Model>,
}

/// Returns the model in a file and the hash of the file.
fn load(path: &Path) -> Result<(Arc<Model>, String), ModelFileError> {
    static RECENT: LazyLock<Mutex<Vec<Loaded>>> = LazyLock::new(Mutex::default);
    let bytes =
        read(path).map_err(|source| ModelFileError::Io { path: path.to_path_buf(), source })?;
    let digest = Blake2b::<U32>::digest(&bytes);
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let model = match recent.iter().position(|known| known.hash == hash) {
        Some(place) => recent.remove(place).model,
        None => {
            let wrong = |mistake| ModelFileError::Model { path: path.to_path_buf(), mistake };
            Arc::new(Model::parse(&bytes).map_err(wrong)?)
        }
    };
    recent.insert(0, Loaded { hash: hash.clone(), model: Arc::clone(&model) });
    recent.truncate(KEPT);
    Ok((model, hash))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= MOST_BYTES) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 GiB"))
}
