//! Unsupported formats, recognised by their first bytes, and the programs that convert them.

use std::path::Path;

use crate::host::visible_path;

/// Unsupported format of captures or archives.
#[derive(Debug)]
pub(super) struct Foreign {
    /// Name with an article, for "it is …".
    pub(super) name: &'static str,
    way: Way,
    is_it: fn(&[u8]) -> bool,
}

/// Way to make the packets readable.
#[derive(Debug)]
enum Way {
    /// Wireshark's editcap converts the file.
    Editcap,
    /// A command converts the file; `{}` stands for its name.
    Convert(&'static str),
    /// A command prints the capture; `{}` stands for the name of the file.
    Unpack(&'static str),
}

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Foreign {}

impl Foreign {
    /// Returns the format of a file that begins with `head`.
    pub(super) fn recognize(head: &[u8]) -> Option<&'static Self> {
        FORMATS.iter().find(|format| (format.is_it)(head))
    }

    /// Returns whether files of this format may hold anything other than packets.
    pub(super) fn is_archive(&self) -> bool {
        matches!(self.way, Way::Unpack(_))
    }

    /// Returns the command that makes the file at `path` readable.
    pub(super) fn command(&self, path: &Path) -> String {
        let name = quoted(path);
        match self.way {
            Way::Editcap => format!("editcap -F pcap {name} converted.pcap"),
            Way::Convert(command) => command.replace("{}", &name),
            Way::Unpack(command) => format!("{} | nfstream flows -", command.replace("{}", &name)),
        }
    }
}

/// Returns the name of a file as an argument of a shell command.
pub(super) fn quoted(path: &Path) -> String {
    let mut name = visible_path(path);
    if name.starts_with('-') && name != "-" {
        // No option.
        name.insert_str(0, "./");
    }
    let is_plain = |byte: char| byte.is_alphanumeric() || "/._-+=:,@%".contains(byte);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name;
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

const fn capture(name: &'static str, is_it: fn(&[u8]) -> bool) -> Foreign {
    Foreign { name, way: Way::Editcap, is_it }
}

const fn converted(name: &'static str, command: &'static str, is_it: fn(&[u8]) -> bool) -> Foreign {
    Foreign { name, way: Way::Convert(command), is_it }
}

const fn archive(name: &'static str, command: &'static str, is_it: fn(&[u8]) -> bool) -> Foreign {
    Foreign { name, way: Way::Unpack(command), is_it }
}

/// The formats; those without a fixed start come last.
static FORMATS: [Foreign; 36] = [
    capture("a snoop capture", |head| head.starts_with(b"snoop\0\0\0")),
    capture("a Network Monitor 1 capture", |head| head.starts_with(b"RTSS")),
    capture("a Network Monitor 2 capture", |head| head.starts_with(b"GMBU")),
    capture("an AIX iptrace capture", |head| head.starts_with(b"iptrace ")),
    capture("a Sniffer capture (DOS)", |head| head.starts_with(b"TRSNIFF data    \x1a")),
    capture("a Sniffer capture (Windows)", |head| head.starts_with(b"XCP\0")),
    capture("a NetXRay capture", |head| head.starts_with(b"VL\0\0")),
    capture("a K12 capture", |head| head.starts_with(b"\0\0\x02\0\x12\x05\0\x10")),
    capture("a K12 text file", |head| head.starts_with(b"+---------+------")),
    capture("a 5Views capture", |head| head.starts_with(&[0xaa; 4])),
    capture("a LANalyzer capture", |head| matches!(head, [0x01 | 0x07, 0x10, _, _, ..])),
    capture("an Observer capture", |head| head.starts_with(b"ObserverPktBuffe")),
    capture("a Visual Networks capture", |head| head.starts_with(b"\x05VNF")),
    capture("a nettl capture", |head| head.starts_with(b"TR\0d")),
    capture("a nettl capture", |head| head.starts_with(b"\0\0\0\x01\0\0\0\0\0\x07\xd0\0")),
    capture("a RADCOM capture", |head| head.starts_with(b"\x42\xd2\0\x34\x12\x66\x22\x88")),
    capture("a Peek capture", |head| head.starts_with(b"\x7fver")),
    capture("a NetScaler trace", |head| head.starts_with(b"NetScaler ")),
    capture("an EyeSDN capture", |head| head.starts_with(b"EyeSDN")),
    capture("a DCT2000 capture", |head| head.starts_with(b"Session Transcript")),
    capture("a Colasoft capture", |head| head.starts_with(b"cpse")),
    capture("a Bluetooth capture (btsnoop)", |head| head.starts_with(b"btsnoop\0")),
    converted("an event trace of Windows", "etl2pcapng {} converted.pcapng", |head| {
        // Size of a buffer, and of its used part.
        let [a, b, c, d, e, f, g, h, ..] = head else { return false };
        let (size, used) =
            (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]));
        size.is_power_of_two() && (4096..=1 << 20).contains(&size) && (72..=size).contains(&used)
    }),
    archive("a ZIP archive", "unzip -p {}", |head| head.starts_with(b"PK\x03\x04")),
    archive("a 7z archive", "7z x -so {}", |head| head.starts_with(b"7z\xbc\xaf\x27\x1c")),
    archive("a RAR archive", "unrar p -inul {}", |head| head.starts_with(b"Rar!\x1a\x07")),
    archive("compressed with compress", "zcat {}", |head| head.starts_with(&[0x1f, 0x9d])),
    archive("compressed with lzma", "xz -dc {}", |head| {
        head.starts_with(&[0x5d, 0, 0]) && head.get(5..13).is_some_and(|len| len == [0xff; 8])
    }),
    archive("compressed with lz4 of an early version", "lz4 -dc {}", |head| {
        head.starts_with(&[0x02, 0x21, 0x4c, 0x18])
    }),
    archive("compressed with lzip", "lzip -dc {}", |head| head.starts_with(b"LZIP")),
    archive("compressed with lzop", "lzop -dc {}", |head| head.starts_with(b"\x89LZO\0\r\n\x1a\n")),
    converted("a hexadecimal dump", "text2pcap {} converted.pcap", |head| {
        // An offset of 0 and the first byte of a packet, as text2pcap reads them.
        let start = head.trim_ascii_start();
        let digits = start.iter().take_while(|byte| **byte == b'0').count();
        let rest = start.get(digits..).unwrap_or_default();
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let Some(rest) = rest.strip_prefix(b" ") else { return false };
        let mut bytes = rest.split(|byte| *byte == b' ').filter(|byte| !byte.is_empty());
        let is_byte =
            |text: &[u8]| matches!(text.len(), 2 | 4) && text.iter().all(u8::is_ascii_hexdigit);
        digits >= 3 && bytes.next().is_some_and(is_byte)
    }),
    converted("the text that tcpdump prints", "tcpdump -r CAPTURE -w converted.pcap", |head| {
        let text = head.trim_ascii_start();
        text.starts_with(b"0x0000:") || is_time_of_day(text)
    }),
    capture("a CommView capture", |head| {
        matches!(head.first_chunk(), Some(&[a, b, c, d, 0, year, century, 1..=12, 1..=31, 0..=23, 0..=59, 0..=59])
            if [a, b] == [c, d] && is_year(u16::from_le_bytes([year, century])))
    }),
    capture("a CommView capture", |head| {
        matches!(head.first_chunk(), Some(&[_, _, 0, 0, year, century, 1..=12, 1..=31, 0..=23, 0..=59, 0..=59])
            if is_year(u16::from_le_bytes([year, century])))
    }),
    capture("an ERF capture", is_erf),
];

/// Returns whether `text` begins as a line of tcpdump: `12:34:56.789012 IP`.
fn is_time_of_day(text: &[u8]) -> bool {
    let Some(time) = text.first_chunk::<16>() else { return false };
    let mut pattern = time.iter().zip(b"00:00:00.000000 ");
    pattern.all(|(byte, sample)| match sample {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    })
}

fn is_year(year: u16) -> bool {
    (1990..2100).contains(&year)
}

/// Returns whether the first record of an ERF file, which has no header, is plausible.
fn is_erf(head: &[u8]) -> bool {
    const HEADER_LEN: u16 = 16;
    const MAX_EXTRA: u32 = 256;
    const META: u8 = 27;
    const PAD: u8 = 48;

    let Some(header) = head.first_chunk::<16>() else { return false };
    let [_, _, _, _, s0, s1, s2, s3, kind, _, r0, r1, _, _, w0, w1] = *header;
    let seconds = u32::from_le_bytes([s0, s1, s2, s3]);
    let (record, wire) = (u16::from_be_bytes([r0, r1]), u16::from_be_bytes([w0, w1]));
    matches!(kind & 0x7f, 1..=PAD)
        && record >= HEADER_LEN
        && u32::from(record) <= u32::from(wire) + MAX_EXTRA
        // Times are seconds, so zeros and text are none. Files may begin with metadata without time.
        && ((1..=u32::MAX / 2).contains(&seconds) || kind & 0x7f == META)
        && wire > 0
        && !head.iter().take(16).all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8]) -> Option<&'static str> {
        Foreign::recognize(head).map(|format| format.name)
    }

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let erf = [0, 0, 0, 0, 0x9b, 4, 0, 0x80, 2, 0, 0, 0x68, 0, 0, 0, 0x50];
        let erf = [&erf[..4], &[0, 0xf1, 0x53, 0x65], &erf[8..], &[0; 8]].concat();
        let metadata =
            [0, 0, 0, 0, 0, 0, 0, 0, 0x9b, 0x04, 0, 0x80, 0, 0, 0, 0x68, 0x11, 0, 0, 0, 0, 0, 0, 0];
        let commview = [54, 0, 54, 0, 0, 0xe7, 7, 11, 14, 22, 13, 20, 0, 0];
        for (head, expected) in [
            (&b"snoop\0\0\0\0\0\0\x02"[..], "a snoop capture"),
            (b"GMBU\0\x02\x01\0", "a Network Monitor 2 capture"),
            (b"RTSS\x01\x01\x01\0", "a Network Monitor 1 capture"),
            (b"iptrace 2.0\0", "an AIX iptrace capture"),
            (b"TRSNIFF data    \x1a\x01", "a Sniffer capture (DOS)"),
            (b"XCP\x00002.001", "a Sniffer capture (Windows)"),
            (b"+---------+---------------+", "a K12 text file"),
            (&[0xaa, 0xaa, 0xaa, 0xaa, 32], "a 5Views capture"),
            (&[0x01, 0x10, 0x4c, 0x00, 0x01, 0x05], "a LANalyzer capture"),
            (b"ObserverPktBufferVersion=15.00", "an Observer capture"),
            (b"PK\x03\x04rest", "a ZIP archive"),
            (b"000000 00 0e b6 00 00 02", "a hexadecimal dump"),
            (b"0000   00 0e b6 00 00 02", "a hexadecimal dump"),
            (b"00000000: d4c3 b2a1 0200", "a hexadecimal dump"),
            (b"\t0x0000:  4500 0028 0001", "the text that tcpdump prints"),
            (b"22:13:20.000000 IP 10.0.", "the text that tcpdump prints"),
            (&commview, "a CommView capture"),
            (&erf, "an ERF capture"),
            (&metadata, "an ERF capture"),
        ] {
            assert_eq!(name(head), Some(expected), "{head:02x?}");
        }
    }

    #[test]
    fn other_files_have_no_name() {
        for head in [
            &b"Dear diary, today I captured some packets"[..],
            b"id,first_seen,last_seen,version",
            b"{\"id\": 0, \"first_seen\": 17",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            b"PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02\x15\x00",
            b"#!/bin/sh\nexec something el",
            &[0; 24],
            &[0xff; 24],
        ] {
            assert_eq!(name(head), None, "{head:02x?}");
        }
    }

    #[test]
    fn commands_name_the_file() {
        let command = |head, path: &str| {
            Foreign::recognize(head).map(|format| format.command(Path::new(path)))
        };
        assert_eq!(
            command(b"snoop\0\0\0", "day 1.cap").as_deref(),
            Some("editcap -F pcap 'day 1.cap' converted.pcap")
        );
        assert_eq!(
            command(b"snoop\0\0\0", "-x\u{1b}.cap").as_deref(),
            Some(r"editcap -F pcap './-x\u{1b}.cap' converted.pcap")
        );
        assert_eq!(
            command(b"PK\x03\x04", "/data/it's.zip").as_deref(),
            Some(r"unzip -p '/data/it'\''s.zip' | nfstream flows -")
        );
    }
}
