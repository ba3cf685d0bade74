//! Writes the initial corpus of fuzzing: a folder for each target, derived from the sample captures
//! and those of real programs.
//!
//!     cargo run -p nfstream-testkit --example seeds -- FOLDER

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nfstream::packet::LinkType;
use nfstream_testkit::{Frame, captures, conversations, lab_captures, seconds, targets};

/// Size limit of files, as larger ones slow the fuzzer down.
const LARGEST: usize = 48 << 10;

const CONDITIONS: [&str; 12] = [
    "src_port == 443 && total_bytes > 1000 && bidirectional_mean_ps >= 60.0",
    "src_ip.startsWith('10.') || '::1' in [src_ip, dst_ip]",
    "protocol == 6 ? total_packets > 2 : protocol in [17, 132]",
    "splt_ps.exists(size, size > 1000) && size(splt_ps) > 2 && splt_ps[0] < 100",
    "splt_direction.filter(way, way == 1).size() >= 2",
    "splt_ps.map(size, size * 2)[1] == 80 && splt_ps.exists_one(s, s == 1)",
    "double(src2dst_bytes) / double(total_bytes) > 0.9",
    "src_ip.matches('(^|[.])10[.]') && !dst_ip.contains('::')",
    "!(expiration_id == -1) && -duration < 0 && dst_ip != string(7)",
    "dst2src_packets > 0 && dst2src_bytes / dst2src_packets > 100",
    "splt_piat_ms.all(gap, gap % 2 == 0 || gap >= 9223372036854775807)",
    "size([1, 2u, 3.0, true, null, 'x', b'y', {'a': 1}]) == 8 && has({'a': 1}.a)",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: seeds FOLDER")?);
    let sample = captures().into_iter().map(|path| ("", path));
    let real = lab_captures().into_iter().map(|path| ("lab-", path));
    for (prefix, path) in sample.chain(real) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{name}");
        let bytes = fs::read(&path)?;
        for target in ["pcap", "pcapng"] {
            write(&folder, target, &name, &bytes)?;
        }
        for (number, (target, data)) in conversations::seeds(&path)?.iter().enumerate() {
            write(&folder, target, &format!("{name}-{number}"), data)?;
        }
        for (number, data) in targets::seeds(&path)?.iter().enumerate() {
            for target in ["engine", "tunnels"] {
                write(&folder, target, &format!("{name}-{number}"), data)?;
            }
            // The first frame alone, without its time and length.
            if let (Some(head), Some(frame)) = (data.get(..3), data.get(6..)) {
                let frame = frame.get(..frame.len().min(1500)).unwrap_or_default();
                write(&folder, "link", &format!("{name}-{number}"), &[head, frame].concat())?;
            }
        }
    }
    links_and_tunnels(&folder)?;
    write(&folder, "dtls", "hello", &conversations::write_conversation(3, [dtls_hello()]))?;
    for (number, condition) in CONDITIONS.iter().enumerate() {
        write(&folder, "condition", &number.to_string(), condition.as_bytes())?;
    }
    for limit in [0, 1, 7] {
        let steps = (0..2000_u32).flat_map(|step| step.wrapping_mul(0x9e37_79b1).to_le_bytes());
        let data: Vec<_> = [limit, 20, 6].into_iter().chain(steps).collect();
        write(&folder, "flow_table", &limit.to_string(), &data)?;
    }
    Ok(())
}

/// Writes a packet for each link type, and for each tunnel one that it announces.
fn links_and_tunnels(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (src, dst) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let inner = Frame::ethernet().vlan(7).ipv4(dst, src).udp(1111, 2222).payload_len(8).build();
    for link in LinkType::ALL {
        let [low, high] = link.0.to_le_bytes();
        write(folder, "link", &format!("type-{link}"), &[&[1, low, high], &inner[..]].concat())?;
    }
    for number in [47, 97, 115, 137, 143, 2152, 4341, 4754, 4789, 4790, 6080, 6081, 6635] {
        let frame = Frame::raw().ipv4(src, dst);
        let frame = if number < 256 { frame.opaque(number) } else { frame.udp(5555, number) };
        let frame = frame.payload(&[&[0; 8], &inner[..]].concat()).build();
        let data = targets::write_frames(1, LinkType::RAW, [(seconds(0), &frame[..])].into_iter());
        write(folder, "tunnels", &format!("tunnel-{number}"), &data)?;
    }
    Ok(())
}

/// Returns a ClientHello over DTLS with the headers of its record and fragment.
fn dtls_hello() -> (nfstream_dissect::Direction, &'static [u8]) {
    const HELLO: &[u8] = b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x4c\
        \x01\0\0\x40\0\0\0\0\0\0\0\x40\
        \xfe\xfd................................\0\0\0\x02\xc0\x2b\x01\0\
        \0\x14\0\0\0\x10\0\x0e\0\0\x0bexample.com";
    (nfstream_dissect::Direction::FromClient, HELLO)
}

fn write(folder: &Path, target: &str, name: &str, data: &[u8]) -> Result<(), Box<dyn Error>> {
    if data.len() <= LARGEST {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), data)?;
    }
    Ok(())
}
