//! Resolution of source names to capture files or network interfaces.

use std::path::{Path, PathBuf};

use super::patterns::is_pattern;
use super::url::Url;
use super::{
    CaptureError, FileOptions, FileSource, Files, Filter, Filtered, LiveOptions, LiveSource, Place,
    Source,
};

/// Input of a run.
#[derive(Clone, Debug)]
pub enum Input {
    /// Capture files, folders of them, or standard input, read as one capture.
    Files(Files),
    /// Network interfaces, captured from together.
    Interfaces(Vec<String>),
}

impl Input {
    /// Resolves `names` and checks the files. An interface takes precedence over a file of the same name; such a file
    /// can be given as `./name`.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoSource`] if a bare name is neither, [`CaptureError::FilesAndInterfaces`]
    /// if there are names of both, and those of [`Files::find`].
    pub fn of(names: &[PathBuf], files: FileOptions) -> Result<Self, CaptureError> {
        let places: Vec<_> = names.iter().map(Place::from).collect();
        Self::of_places(&places, files)
    }

    /// Resolves `places` as [`of`](Self::of) does. Bytes are read together with files.
    ///
    /// # Errors
    ///
    /// Those of [`of`](Self::of).
    pub fn of_places(places: &[Place], files: FileOptions) -> Result<Self, CaptureError> {
        let path = |place: &Place| match place {
            Place::Path(path) => Some(path.clone()),
            Place::Content(..) => None,
        };
        let names: Vec<_> = places.iter().filter_map(path).collect();
        if names.len() < places.len() {
            return Files::of(places, files).map(Self::Files);
        }
        let names = &names[..];
        let interfaces = super::live::interface_names();
        let is_interface =
            |name: &PathBuf| interfaces.iter().any(|known| Path::new(known) == name.as_path());
        if let Some(interface) = names.iter().find(|name| is_interface(name)) {
            if let Some(file) = names.iter().find(|name| !is_interface(name)) {
                if !file.exists() && Url::read(file).is_none() {
                    return Err(CaptureError::NoSource { name: file.clone(), interfaces });
                }
                return Err(CaptureError::FilesAndInterfaces {
                    file: file.clone(),
                    interface: interface.to_string_lossy().into_owned(),
                });
            }
            let mut chosen: Vec<String> = Vec::new();
            for name in names {
                let name = name.to_string_lossy().into_owned();
                if !chosen.contains(&name) {
                    chosen.push(name);
                }
            }
            return Ok(Self::Interfaces(chosen));
        }
        for name in names {
            // A name with a folder or an extension means a file.
            let is_bare = name.components().count() == 1 && name.extension().is_none();
            let is_other = name.as_os_str() == "-" || Url::read(name).is_some();
            if is_bare && !is_other && !name.exists() && !is_pattern(name) {
                return Err(CaptureError::NoSource { name: name.clone(), interfaces });
            }
        }
        Files::find(names, files).map(Self::Files)
    }

    /// Returns whether packets are captured live.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Interfaces(_))
    }

    /// Returns whether packets arrive in real time, because every input is an interface or a pipe.
    /// Such an input can be ended without loss; a list with a file in it would lose the rest of the
    /// file.
    pub fn is_stream(&self) -> bool {
        match self {
            Self::Files(files) => files.are_pipes(),
            Self::Interfaces(_) => true,
        }
    }

    /// Returns the files, empty for interfaces; `-` is standard input.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Files(files) => files.paths().map(Path::to_path_buf).collect(),
            Self::Interfaces(_) => Vec::new(),
        }
    }

    /// Checks that this process may capture from the interfaces.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoRight`].
    pub fn check(&self) -> Result<(), CaptureError> {
        match self {
            Self::Files(_) => Ok(()),
            Self::Interfaces(names) => super::live::check(names),
        }
    }

    /// Opens the source, restricted to the packets that `filter` matches.
    ///
    /// # Errors
    ///
    /// Those of [`LiveSource::open`].
    pub fn open(
        &self,
        filter: Option<Filter>,
        live: &LiveOptions,
    ) -> Result<Box<dyn Source>, CaptureError> {
        match self {
            Self::Files(files) => Ok(filtered(files.open(), filter)),
            Self::Interfaces(names) => Ok(Box::new(LiveSource::open(names, filter, live)?)),
        }
    }

    /// Opens the source as [`open`](Self::open) does, and opens all files now, so that reading
    /// needs no further access to the system.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`FileSource::hold`].
    pub fn open_ahead(
        &self,
        filter: Option<Filter>,
        live: &LiveOptions,
    ) -> Result<Box<dyn Source>, CaptureError> {
        match self {
            Self::Files(files) => {
                let mut source = files.open();
                source.hold()?;
                Ok(filtered(source, filter))
            }
            Self::Interfaces(_) => self.open(filter, live),
        }
    }
}

fn filtered(source: FileSource, filter: Option<Filter>) -> Box<dyn Source> {
    match filter {
        None => Box::new(source),
        Some(filter) => Box::new(Filtered::new(source, filter)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Folder, pcap};
    use super::*;

    fn of(names: &[PathBuf]) -> Result<Input, CaptureError> {
        Input::of(names, FileOptions::default())
    }

    #[test]
    fn unknown_names_are_reported_with_the_interfaces() {
        let error = of(&["no-such-thing".into()]).unwrap_err();
        assert!(error.to_string().starts_with("no-such-thing: no such file or interface"));
    }

    #[test]
    fn names_with_a_folder_or_extension_are_files() {
        let folder = Folder::new();
        let path = folder.write("capture", &pcap(&[]));
        for names in [vec![path], vec!["-".into()]] {
            assert_eq!(of(&names).unwrap().paths(), names);
        }
        let error = of(&["missing.pcap".into()]).unwrap_err();
        assert!(matches!(error, CaptureError::Io { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn interfaces_are_taken_once_and_not_with_files() {
        let lo = PathBuf::from("lo");
        let Input::Interfaces(names) = of(&[lo.clone(), "any".into(), lo.clone()]).unwrap() else {
            panic!("files");
        };
        assert_eq!(names, ["lo", "any"]);
        let folder = Folder::new();
        let error = of(&[lo, folder.write("a.pcap", &pcap(&[]))]).unwrap_err();
        assert!(matches!(error, CaptureError::FilesAndInterfaces { .. }), "{error}");
    }
}
