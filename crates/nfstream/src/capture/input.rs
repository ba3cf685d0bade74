//! Resolution of source names to capture files or network interfaces.

use std::path::{Path, PathBuf};

use super::{CaptureError, FileSource, Filter, Filtered, LiveOptions, LiveSource, Source};

/// Input of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// Capture files, or standard input, read as one capture.
    Files(Vec<PathBuf>),
    /// Network interfaces, captured from together.
    Interfaces(Vec<String>),
}

impl Input {
    /// Resolves `names`. An interface takes precedence over a file of the same name; such a file
    /// can be given as `./name`.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoSource`] if a bare name is neither, and
    /// [`CaptureError::FilesAndInterfaces`] if there are names of both.
    pub fn of(names: &[PathBuf]) -> Result<Self, CaptureError> {
        let interfaces = super::live::interface_names();
        let is_interface =
            |name: &PathBuf| interfaces.iter().any(|known| Path::new(known) == name.as_path());
        if let Some(interface) = names.iter().find(|name| is_interface(name)) {
            if let Some(file) = names.iter().find(|name| !is_interface(name)) {
                if !file.exists() {
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
            if is_bare && name.as_os_str() != "-" && !name.exists() {
                return Err(CaptureError::NoSource { name: name.clone(), interfaces });
            }
        }
        Ok(Self::Files(names.to_vec()))
    }

    /// Returns whether packets are captured live.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Interfaces(_))
    }

    /// Returns whether packets arrive as they come, from interfaces or pipes alone. Such an input can
    /// be ended without loss; a list with a file in it would lose the file's rest.
    pub fn is_stream(&self) -> bool {
        let is_pipe =
            |path: &PathBuf| path.as_os_str() == "-" || (path.exists() && !path.is_file());
        match self {
            Self::Files(paths) => paths.iter().all(is_pipe),
            Self::Interfaces(_) => true,
        }
    }

    /// Checks the input, as far as possible before the first packet.
    ///
    /// # Errors
    ///
    /// The error of the first invalid file, or [`CaptureError::NoRight`].
    pub fn check(&self) -> Result<(), CaptureError> {
        match self {
            Self::Files(paths) => super::open(paths).map(drop),
            Self::Interfaces(names) => super::live::check(names),
        }
    }

    /// Opens the source, restricted to the packets that `filter` matches. `options` apply to live
    /// capture.
    ///
    /// # Errors
    ///
    /// Those of [`open`](super::open) and [`LiveSource::open`].
    pub fn open(
        &self,
        filter: Option<Filter>,
        options: &LiveOptions,
    ) -> Result<Box<dyn Source>, CaptureError> {
        match self {
            Self::Files(paths) => {
                let source: FileSource = super::open(paths)?;
                Ok(match filter {
                    None => Box::new(source),
                    Some(filter) => Box::new(Filtered::new(source, filter)),
                })
            }
            Self::Interfaces(names) => Ok(Box::new(LiveSource::open(names, filter, options)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Folder, pcap};
    use super::*;

    #[test]
    fn unknown_names_are_reported_with_the_interfaces() {
        let error = Input::of(&["no-such-thing".into()]).unwrap_err();
        assert!(error.to_string().starts_with("no-such-thing: no such file or interface"));
    }

    #[test]
    fn names_with_a_folder_or_extension_are_files() {
        let folder = Folder::new();
        let path = folder.write("capture", &pcap(&[]));
        for names in [vec![path], vec!["missing.pcap".into()], vec!["-".into()]] {
            assert_eq!(Input::of(&names).unwrap(), Input::Files(names));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn interfaces_are_taken_once_and_not_with_files() {
        let lo = PathBuf::from("lo");
        assert_eq!(
            Input::of(&[lo.clone(), "any".into(), lo.clone()]).unwrap(),
            Input::Interfaces(vec!["lo".to_owned(), "any".to_owned()])
        );
        let folder = Folder::new();
        let error = Input::of(&[lo, folder.write("a.pcap", &pcap(&[]))]).unwrap_err();
        assert!(matches!(error, CaptureError::FilesAndInterfaces { .. }), "{error}");
    }
}
