//! What can be wrong with a source of packets.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::packet::LinkType;

/// Why packets cannot be read.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The packet filter makes no sense, or none for frames that begin as these do.
    #[error("filter {expression:?} cannot be compiled for link type {link}: {message}")]
    BadFilter {
        /// The filter.
        expression: String,
        /// How the frames begin.
        link: LinkType,
        /// What libpcap says.
        message: String,
    },
    /// The file became shorter while it was read.
    #[error("{}: changed while it was read", name(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file breaks the rules of its format. All packets before were given.
    #[error("{}: corrupt at byte {offset}: {what}", name(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where, in bytes of the capture, decompressed where the file is not.
        offset: u64,
        /// The rule.
        what: Corruption,
    },
    /// Files and interfaces cannot be read together.
    #[error("{} is a file and {interface} an interface: read one or the other", name(file))]
    FilesAndInterfaces {
        /// The first of the files.
        file: PathBuf,
        /// The first of the interfaces.
        interface: String,
    },
    /// The file holds no byte, or nothing once decompressed.
    #[error("{}: empty, not even a file header", name(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The interfaces cannot be captured from.
    #[error("{interfaces}: cannot be captured from")]
    Interface {
        /// Their names.
        interfaces: String,
        /// What the system says.
        source: io::Error,
    },
    /// The interface is no longer there. All packets before were given.
    #[error("{interface}: the interface has gone")]
    InterfaceGone {
        /// Its name.
        interface: String,
    },
    /// The file cannot be opened or read.
    #[error("{}: cannot be read", name(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// This process may not capture packets.
    #[error(
        "{interfaces}: capturing packets needs the right CAP_NET_RAW; give it with \
         `sudo setcap cap_net_raw+eip {}`, or run with sudo",
        program.display()
    )]
    NoRight {
        /// Names of the interfaces.
        interfaces: String,
        /// The program that this process runs.
        program: PathBuf,
    },
    /// There is neither a file nor an interface of this name.
    #[error("{}: no such file or interface (interfaces: {})", name.display(), interfaces.join(", "))]
    NoSource {
        /// The name.
        name: PathBuf,
        /// Names of the interfaces that there are.
        interfaces: Vec<String>,
    },
    /// The file is in no format that is known here.
    #[error(
        "{}: not a capture file (expected pcap, pcapng, or one of them compressed with gzip \
         or zstd)",
        name(path)
    )]
    NotACapture {
        /// The file.
        path: PathBuf,
    },
    /// No packet of the file can be decoded.
    #[error("{}: packets of link type {link} are not supported", name(path))]
    UnsupportedLinkType {
        /// The file.
        path: PathBuf,
        /// How its frames begin, or the first of them.
        link: LinkType,
    },
    /// The file's format has a version that is not known here.
    #[error("{}: version {major}.{minor} of this capture format is not supported", name(path))]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// First part of the version.
        major: u16,
        /// Second part of the version.
        minor: u16,
    },
}

/// Which rule of its format a capture breaks.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// A block has a length that no block has, or none of its kind.
    #[error("a block cannot have {length} bytes")]
    BlockLength {
        /// Bytes that the block claims, header and trailer included.
        length: u32,
    },
    /// The two lengths of a block differ.
    #[error("a block of {length} bytes ends with a length of {trailer}")]
    BlockTrailer {
        /// Bytes that the block claims at its start.
        length: u32,
        /// Bytes that it claims at its end.
        trailer: u32,
    },
    /// A section begins with neither byte order.
    #[error("a section has no byte order")]
    ByteOrder,
    /// A packet claims more bytes than its block or any packet has.
    #[error("a packet cannot have {length} captured bytes here")]
    CaptureLength {
        /// Bytes that the packet claims.
        length: u32,
    },
    /// The compressed data cannot be decompressed.
    #[error("{detail}")]
    Compression {
        /// What the decompressor says.
        detail: String,
    },
    /// The file ends before its own header does.
    #[error("the file header is cut short")]
    FileHeader,
    /// A packet was captured by an interface that the section does not describe.
    #[error("a packet names interface {interface}, of {described} described")]
    Interface {
        /// The interface's number, from 0.
        interface: u32,
        /// Interfaces that the section has described so far.
        described: usize,
    },
    /// A section describes more interfaces than can be.
    #[error("a section describes more than {most} interfaces")]
    Interfaces {
        /// The most that are taken.
        most: usize,
    },
    /// A section has a version that is not known here.
    #[error("a section has version {major}.{minor}, which is not supported")]
    SectionVersion {
        /// First part of the version.
        major: u16,
        /// Second part of the version.
        minor: u16,
    },
}

/// Something odd about a source that does not stop a run.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    /// The interface is down. Packets come again when it is up.
    #[error("{interface}: the interface is down")]
    InterfaceDown {
        /// Its name.
        interface: String,
    },
    /// The interface is no longer there. Others still are.
    #[error("{interface}: the interface has gone")]
    InterfaceGone {
        /// Its name.
        interface: String,
    },
    /// The interface is up again.
    #[error("{interface}: the interface is up again")]
    InterfaceUp {
        /// Its name.
        interface: String,
    },
    /// The file ends in the middle of a packet. All packets before were given.
    #[error("{}: cut short in the packet or block at byte {offset}", name(path))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the unfinished part begins, in bytes of the capture, decompressed where the
        /// file is not.
        offset: u64,
    },
}

/// Returns how a path is named in messages.
fn name(path: &Path) -> Cow<'_, str> {
    if path == Path::new("-") {
        return Cow::Borrowed("standard input");
    }
    path.to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file() {
        let path = PathBuf::from("notes.txt");
        assert_eq!(
            CaptureError::NotACapture { path: path.clone() }.to_string(),
            "notes.txt: not a capture file (expected pcap, pcapng, or one of them compressed \
             with gzip or zstd)"
        );
        let what = Corruption::CaptureLength { length: 7 };
        assert_eq!(
            CaptureError::Corrupt { path, offset: 24, what }.to_string(),
            "notes.txt: corrupt at byte 24: a packet cannot have 7 captured bytes here"
        );
    }

    #[test]
    fn standard_input_has_a_name() {
        let error = CaptureError::Empty { path: "-".into() };
        assert_eq!(error.to_string(), "standard input: empty, not even a file header");
    }

    #[test]
    fn io_errors_are_the_source() {
        let error = CaptureError::Io { path: "x".into(), source: io::ErrorKind::NotFound.into() };
        let source = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::NotFound));
    }
}
