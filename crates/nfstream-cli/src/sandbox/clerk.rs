//! Process outside the sandbox that writes the files of one table.
//!
//! It knows the path of the table, and accepts bytes and part numbers from the process in the
//! sandbox, but never a name or a packet. Its own access is confined to the table's folder.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nfstream::sink::{Draft, Existing, Format, NumberedFiles, Parts, Rotation, SinkError};

/// A table's files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) path: PathBuf,
    pub(super) existing: Existing,
    pub(super) format: Format,
    pub(super) rotation: Rotation,
}

/// Request from the process in the sandbox. Each gets a reply.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Request {
    /// Check that the parts of the table can be started.
    Begin,
    /// Create a part, or the only file.
    Create(u64),
    /// Append bytes to the current file.
    Append(Vec<u8>),
    /// Give the current file its name.
    Complete,
    /// Remove the current file.
    Abort,
    /// Remove a completed part.
    Remove(u64),
    /// End the table, which consists of these parts.
    End(VecDeque<u64>),
}

/// Most bytes in an `Append`, and most parts in an `End`.
const MOST: u64 = 16 << 20;

/// Kinds of replies.
const DONE: u8 = 0;
const EXISTS: u8 = 1;
const FAILED: u8 = 2;

impl Request {
    /// Writes the request.
    pub(super) fn write(&self, link: &mut impl Write) -> io::Result<()> {
        let (tag, number, rest) = match self {
            Self::Begin => (0, 0, Vec::new()),
            Self::Create(number) => (1, *number, Vec::new()),
            Self::Append(bytes) => {
                link.write_all(&head(2, bytes.len().try_into().unwrap_or(u64::MAX)))?;
                return link.write_all(bytes);
            }
            Self::Complete => (3, 0, Vec::new()),
            Self::Abort => (4, 0, Vec::new()),
            Self::Remove(number) => (5, *number, Vec::new()),
            Self::End(kept) => {
                let rest = kept.iter().flat_map(|number| number.to_le_bytes()).collect();
                (6, kept.len().try_into().unwrap_or(u64::MAX), rest)
            }
        };
        link.write_all(&head(tag, number))?;
        link.write_all(&rest)
    }

    /// Reads a request.
    fn read(link: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 9];
        link.read_exact(&mut head)?;
        let [tag, number @ ..] = head;
        let number = u64::from_le_bytes(number);
        let sized = |number: u64| {
            usize::try_from(number.min(MOST)).ok().filter(|_| number <= MOST).ok_or_else(invalid)
        };
        Ok(match tag {
            0 => Self::Begin,
            1 => Self::Create(number),
            2 => {
                let mut bytes = vec![0; sized(number)?];
                link.read_exact(&mut bytes)?;
                Self::Append(bytes)
            }
            3 => Self::Complete,
            4 => Self::Abort,
            5 => Self::Remove(number),
            6 => {
                let mut kept = VecDeque::new();
                for _ in 0..sized(number)? {
                    let mut part = [0; 8];
                    link.read_exact(&mut part)?;
                    kept.push_back(u64::from_le_bytes(part));
                }
                Self::End(kept)
            }
            _ => return Err(invalid()),
        })
    }
}

fn head(tag: u8, number: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [tag, a, b, c, d, e, f, g, h]
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Writes the reply to a request: a kind, the system's error number, and a path.
fn write_reply(link: &mut impl Write, result: &Result<(), SinkError>) -> io::Result<()> {
    let (kind, number, path) = match result {
        Ok(()) => (DONE, 0, None),
        Err(SinkError::Exists { path }) => (EXISTS, 0, Some(path)),
        Err(SinkError::Io { path, source }) => {
            (FAILED, source.raw_os_error().unwrap_or_default(), Some(path))
        }
        Err(_) => (FAILED, 0, None),
    };
    let path = path.map_or(&b""[..], |path| path.as_os_str().as_bytes());
    link.write_all(&[kind])?;
    link.write_all(&number.to_le_bytes())?;
    link.write_all(&u32::try_from(path.len()).unwrap_or_default().to_le_bytes())?;
    link.write_all(path)
}

/// Reads the reply to a request.
pub(super) fn read_reply(link: &mut impl Read) -> io::Result<Result<(), SinkError>> {
    let [mut kind, mut number, mut len] = [vec![0; 1], vec![0; 4], vec![0; 4]];
    for field in [&mut kind, &mut number, &mut len] {
        link.read_exact(field)?;
    }
    let number = i32::from_le_bytes(number.try_into().unwrap_or_default());
    let len = u32::from_le_bytes(len.try_into().unwrap_or_default());
    let mut path = vec![0; usize::try_from(len).unwrap_or_default()];
    link.read_exact(&mut path)?;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(&path));
    Ok(match kind.as_slice() {
        [DONE] => Ok(()),
        [EXISTS] => Err(SinkError::Exists { path }),
        _ => Err(SinkError::Io { path, source: io::Error::from_raw_os_error(number) }),
    })
}

/// Manages the files until the process in the sandbox ends. An incomplete file is then removed.
pub(super) fn work(files: &Files, mut link: File) {
    let mut clerk = Clerk::new(files);
    while let Ok(request) = Request::read(&mut link) {
        let result = clerk.handle(request);
        if write_reply(&mut link, &result).is_err() {
            return;
        }
    }
}

struct Clerk<'a> {
    files: &'a Files,
    parts: NumberedFiles,
    /// The file being written, and its number.
    draft: Option<(u64, Draft)>,
    /// Parts that may be removed.
    completed: HashSet<u64>,
}

impl<'a> Clerk<'a> {
    fn new(files: &'a Files) -> Self {
        let parts = NumberedFiles::new(&files.path, files.existing, files.format);
        Self { files, parts, draft: None, completed: HashSet::new() }
    }

    fn handle(&mut self, request: Request) -> Result<(), SinkError> {
        match request {
            // Only parts have other names than the table's.
            Request::Begin | Request::Remove(_) | Request::End(_)
                if !self.files.rotation.is_on() =>
            {
                Err(SinkError::NotOpen)
            }
            Request::Begin => self.parts.begin(),
            Request::Create(number) => {
                let path = match self.files.rotation.is_on() {
                    true => self.parts.name(number),
                    false => self.files.path.clone(),
                };
                self.draft = Some((number, Draft::create(&path, self.files.existing)?));
                Ok(())
            }
            Request::Append(bytes) => {
                let (_, draft) = self.draft.as_mut().ok_or(SinkError::NotOpen)?;
                draft.append(&bytes)
            }
            Request::Complete => {
                let (number, draft) = self.draft.take().ok_or(SinkError::NotOpen)?;
                draft.complete()?;
                self.completed.insert(number);
                Ok(())
            }
            Request::Abort => {
                self.draft = None;
                Ok(())
            }
            Request::Remove(number) if self.completed.remove(&number) => self.parts.remove(number),
            Request::Remove(_) => Err(SinkError::NotOpen),
            Request::End(kept) => self.parts.end(&kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_written() {
        let requests = [
            Request::Begin,
            Request::Create(7),
            Request::Append(b"bytes".to_vec()),
            Request::Complete,
            Request::Abort,
            Request::Remove(u64::MAX),
            Request::End([1, 2, 3].into()),
        ];
        let mut bytes = Vec::new();
        requests.iter().for_each(|request| request.write(&mut bytes).unwrap());
        let mut rest = &bytes[..];
        for request in requests {
            assert_eq!(Request::read(&mut rest).unwrap(), request);
        }
        assert!(Request::read(&mut &head(2, MOST + 1)[..]).is_err());
        assert!(Request::read(&mut &head(9, 0)[..]).is_err());
    }

    #[test]
    fn a_table_in_one_file_leaves_files_with_numbers_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("flows.7.csv");
        std::fs::write(&other, "other").unwrap();
        let files = Files {
            path: folder.path().join("flows.csv"),
            existing: Existing::Replace,
            format: Format::CSV,
            rotation: Rotation::default(),
        };
        let mut clerk = Clerk::new(&files);
        clerk.handle(Request::Create(7)).unwrap();
        clerk.handle(Request::Complete).unwrap();
        for request in [Request::Begin, Request::Remove(7), Request::End(VecDeque::new())] {
            assert!(matches!(clerk.handle(request), Err(SinkError::NotOpen)));
        }
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "other");
    }

    #[test]
    fn replies_are_read_as_written() {
        let path = PathBuf::from("flows.csv");
        let source = io::Error::from_raw_os_error(28);
        for result in [
            Ok(()),
            Err(SinkError::Exists { path: path.clone() }),
            Err(SinkError::Io { path, source }),
        ] {
            let mut bytes = Vec::new();
            write_reply(&mut bytes, &result).unwrap();
            let read = read_reply(&mut &bytes[..]).unwrap();
            assert_eq!(format!("{read:?}"), format!("{result:?}"));
        }
    }
}
