//! Errors and warnings of packet sources.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::packet::LinkType;

/// Why packets cannot be read.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The packet filter is invalid, at least for frames of this link type.
    #[error("filter {expression:?} cannot be compiled for link type {link}: {message}")]
    BadFilter {
        /// The filter.
        expression: String,
        /// Link type of the frames.
        link: LinkType,
        /// libpcap's message.
        message: String,
    },
    /// The file became shorter while it was read.
    #[error("{}: changed while it was read", name(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file violates its format. All packets before were returned.
    #[error("{}: corrupt at byte {offset}: {what}", name(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Offset in the capture, after decompression if the file is compressed.
        offset: u64,
        /// The rule that is broken.
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
    /// The file is a capture or an archive in a format that is not read.
    #[error("{}: is {format}, which is not read; use `{command}`", name(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Name of the format, with an article.
        format: &'static str,
        /// Shell command that converts the file, or prints the capture inside it.
        command: String,
    },
    /// The interfaces cannot be captured from.
    #[error("{interfaces}: cannot be captured from")]
    Interface {
        /// Their names.
        interfaces: String,
        /// The system's error.
        source: io::Error,
    },
    /// The interface no longer exists. All packets before were returned.
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
        /// The system's error.
        source: io::Error,
    },
    /// The compressed file needs a larger window than is allowed without the user's consent.
    #[error("{}: needs more than 128 MiB of memory to decompress; use `{command}`", name(path))]
    LargeWindow {
        /// The file.
        path: PathBuf,
        /// Shell command that decompresses the file into this program.
        command: String,
    },
    /// This process has no right to capture packets.
    #[error(
        "{interfaces}: capturing packets needs the capability CAP_NET_RAW; grant it with \
         `sudo setcap cap_net_raw+eip {}`, or run with sudo",
        program.display()
    )]
    NoRight {
        /// Names of the interfaces.
        interfaces: String,
        /// Executable of this process.
        program: PathBuf,
    },
    /// There is neither a file nor an interface of this name.
    #[error("{}: no such file or interface (interfaces: {})", name.display(), interfaces.join(", "))]
    NoSource {
        /// The name.
        name: PathBuf,
        /// Names of the existing interfaces.
        interfaces: Vec<String>,
    },
    /// The file's format is not supported.
    #[error(
        "{}: not a capture file (expected pcap, pcapng, or one of them compressed with gzip, \
         zstd, xz, bzip2 or lz4)",
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
        /// Link type of the frames, or of the first.
        link: LinkType,
    },
    /// The version of the file's format is not supported.
    #[error("{}: version {major}.{minor} of this capture format is not supported", name(path))]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
}

/// Rule of its format that a capture violates.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// A block has an impossible length, or one that is impossible for its type.
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
        /// Bytes at the end of the block.
        trailer: u32,
    },
    /// A section begins with neither byte order mark.
    #[error("a section has no valid byte order")]
    ByteOrder,
    /// A packet claims more bytes than fit in its block or in any packet.
    #[error("a packet cannot have {length} captured bytes here")]
    CaptureLength {
        /// Bytes that the packet claims.
        length: u32,
    },
    /// The compressed data cannot be decompressed.
    #[error("{detail}")]
    Compression {
        /// The decompressor's message.
        detail: String,
    },
    /// The file ends before its own header does.
    #[error("the file header is cut short")]
    FileHeader,
    /// A packet was captured by an interface that the section does not describe.
    #[error("a packet names interface {interface}, but the section describes {described}")]
    Interface {
        /// The interface's number, from 0.
        interface: u32,
        /// Interfaces that the section has described so far.
        described: usize,
    },
    /// A section describes too many interfaces.
    #[error("a section describes more than {most} interfaces")]
    Interfaces {
        /// Limit of interfaces.
        most: usize,
    },
    /// The version of a section is not supported.
    #[error("a section has version {major}.{minor}, which is not supported")]
    SectionVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
}

/// Irregularity of a source that does not stop a run.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    /// The interface is down. Capture continues when it is up again.
    #[error("{interface}: the interface is down")]
    InterfaceDown {
        /// Its name.
        interface: String,
    },
    /// The interface no longer exists. Others still do.
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
    /// The file ends in the middle of a packet. All packets before were returned.
    #[error("{}: cut short in the packet or block at byte {offset}", name(path))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Offset of the incomplete part in the capture, after decompression if the file is
        /// compressed.
        offset: u64,
    },
}

/// Returns the name of a path in messages.
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
             with gzip, zstd, xz, bzip2 or lz4)"
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
