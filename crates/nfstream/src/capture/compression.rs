//! Compression of files, by their first bytes.

/// Compression of a file, recognised by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Compression {
    Bzip2,
    Gzip,
    Lz4,
    Plain,
    Xz,
    Zstd,
}

impl Compression {
    /// Returns the compression of a file that begins with `head`.
    pub(super) fn recognize(head: &[u8]) -> Self {
        match head {
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            // RFC 1952
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // RFC 8878, a frame or a skippable frame
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Returns the command that decompresses a file with any window size to standard output.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Bzip2 => "bzip2 -dc",
            Self::Gzip => "gzip -dc",
            Self::Lz4 => "lz4 -dc",
            Self::Plain => "cat",
            Self::Xz => "xz -dc",
            Self::Zstd => "zstd -dc --long=31",
        }
    }
}
