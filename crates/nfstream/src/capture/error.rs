//! Errors and warnings of packet sources.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::{visible, visible_path};
use crate::packet::LinkType;

/// Reason why libpcap cannot be loaded, and the remedy.
const NO_LIBPCAP: &str = if cfg!(target_feature = "crt-static") {
    "which a static program cannot load: use a dynamically linked nfstream"
} else {
    "which is not installed: install the package libpcap0.8 on Debian and Ubuntu, libpcap on other \
     systems"
};

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
    /// The URL cannot name captures.
    #[error("{}: {reason}", name(url))]
    BadUrl {
        /// The URL, without secrets.
        url: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file became shorter or was overwritten while it was read, so the returned packets may
    /// come from two captures.
    #[error("{}: changed while it was read", name(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file violates its format. All packets before that point were returned.
    #[error("{}: corrupt at byte {offset}: {what}", name(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Offset in the capture, after decompression if the file is compressed.
        offset: u64,
        /// Rule that the file violates.
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
    /// The file is a capture or an archive in an unsupported format.
    #[error("{}: is {format}, which is not supported; use `{command}`", name(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Name of the format, with an article.
        format: &'static str,
        /// Shell command that converts the file or prints the capture inside it.
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
    /// The interface no longer exists. All packets before that point were returned.
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
    /// The compressed file needs a larger window than nfstream allocates unasked.
    #[error(
        "{}: needs more than 128 MiB of memory to decompress; use `{command}`, or allow \
             it with large_windows",
        name(path)
    )]
    LargeWindow {
        /// The file.
        path: PathBuf,
        /// Shell command that decompresses the file into this program.
        command: String,
    },
    /// The folder holds no captures.
    #[error("{}: no captures in this folder", name(folder))]
    NoCaptures {
        /// The folder.
        folder: PathBuf,
    },
    /// A path or pattern without a matching file.
    #[error("{}: no such file, and no file matches this pattern", name(path))]
    NoMatch {
        /// The pattern.
        path: PathBuf,
    },
    /// Filters need libpcap, which cannot be loaded.
    #[error("filter {expression:?} needs libpcap, {NO_LIBPCAP}")]
    NoLibpcap {
        /// The filter.
        expression: String,
    },
    /// This process lacks the permission to capture packets.
    #[error(
        "{interfaces}: capturing packets needs the capability CAP_NET_RAW; grant it with \
         `sudo setcap cap_net_raw+eip {}`, or run with sudo",
        visible_path(program)
    )]
    NoRight {
        /// Names of the interfaces.
        interfaces: String,
        /// Executable of this process.
        program: PathBuf,
    },
    /// There is neither a file nor an interface of this name.
    #[error("{}: no such file or interface (interfaces: {})", visible_path(name), interfaces.join(", "))]
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
    /// The file ends in the middle of a packet. All packets before that point were returned.
    #[error("{}: cut short in the packet or block at byte {offset}", name(path))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Offset of the incomplete part in the capture, after decompression if the file is
        /// compressed.
        offset: u64,
    },
    /// No packet of the file can be decoded.
    #[error("{}: packets of link type {link} are not supported", name(path))]
    UnsupportedLinkType {
        /// The file.
        path: PathBuf,
        /// Link type of the frames, or of the first frame if they differ.
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

/// Violation of a capture format's rules.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// A block has a length that is impossible, in general or for its type.
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
    /// The file cannot be merged by time with others.
    #[error("{}: not merged with the others by time: {reason}", name(path))]
    NotMerged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: NotMerged,
    },
    /// The same file under two names.
    #[error("{}: the same file as {}, which is read once", name(path), name(other))]
    Repeated {
        /// Name that is skipped.
        path: PathBuf,
        /// Name under which the file is read.
        other: PathBuf,
    },
    /// Files in a folder that are skipped because they are not captures.
    #[error("{}: skipped, not captures: {}", name(folder), list(names, *count))]
    Skipped {
        /// The folder.
        folder: PathBuf,
        /// Names of the first few.
        names: Vec<String>,
        /// Number of all of them.
        count: usize,
    },
    /// The file ends in the middle of a packet. All packets before that point were returned.
    #[error("{}: cut short in the packet or block at byte {offset}", name(path))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Offset of the incomplete part in the capture, after decompression if the file is
        /// compressed.
        offset: u64,
    },
    /// The file, or the rest of it, cannot be read. All packets before that point were returned.
    #[error("{reason}{}", extent(*unread))]
    Unread {
        /// The file.
        path: PathBuf,
        /// Message of the error, including the name of the file.
        reason: String,
        /// Bytes that were not read, and bytes of the file, before decompression; `None` if they
        /// are not known.
        unread: Option<(u64, u64)>,
    },
}

/// Reason for reading a file after others instead of merging it with them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotMerged {
    /// Reading one pipe may block the program that writes to another.
    #[error(
        "pipes are read one after the other, in the order given; packets of the same time come late"
    )]
    Pipe,
    /// Too many compressed files overlap.
    #[error("more than {most} compressed files overlap; decompress some of them")]
    TooMany {
        /// Compressed files that can be open at once.
        most: usize,
    },
}

impl CaptureError {
    /// Returns the message, followed by the system's error message if there is one.
    pub(super) fn with_cause(&self) -> String {
        let cause = std::error::Error::source(self).map(ToString::to_string);
        match cause.as_deref().and_then(|cause| cause.split(" (os error").next()) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

impl Warning {
    /// Returns whether part of the source is missing from the result.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Unread { .. })
    }
}

/// Returns how much of a file was not read, in words.
fn extent(unread: Option<(u64, u64)>) -> String {
    match unread {
        None => "; the rest was not read".to_owned(),
        Some((0, _)) => String::new(),
        Some((unread, all)) if unread == all => format!("; none of its {all} bytes were read"),
        Some((unread, all)) => format!("; {unread} of its {all} bytes were not read"),
    }
}

/// Returns the first names of a list, and the number of the others.
fn list(names: &[String], count: usize) -> String {
    let text = visible(&names.join(", ")).into_owned();
    match count.saturating_sub(names.len()) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Returns the name of a path in messages.
fn name(path: &Path) -> Cow<'_, str> {
    if path == Path::new("-") {
        return Cow::Borrowed("standard input");
    }
    Cow::Owned(visible_path(path))
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
