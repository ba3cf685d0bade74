//! The program with which the kernel picks packets, before they are copied.
//!
//! It decides what it can: frames of Ethernet without a VLAN tag. The kernel has taken tags out
//! of frames before the program sees them, and other links need other programs; such frames pass
//! and are looked at again when they are complete.

use nfstream_sys::FilterInstruction;

use crate::capture::bpf::Program;

/// Hardware types whose frames begin as Ethernet does (ARPHRD_).
pub(super) const ETHERNETS: [u16; 2] = [1, LOOPBACK];

const LOOPBACK: u16 = 772;

/// Packets on their way out (PACKET_OUTGOING).
const OUTGOING: u32 = 4;

const LOAD: u16 = 0x20;
const IS_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// What the kernel knows of a packet beside its bytes (SKF_AD_).
#[derive(Clone, Copy, Debug)]
enum Extra {
    PacketType,
    Interface,
    HardwareType,
    HasVlanTag,
}

/// Returns the program for a socket that gets `snaplen` bytes of each packet: from these
/// `interfaces`, or from the one it is bound to if there are none, and if it matches `filter`.
pub(super) fn assemble(
    interfaces: &[u32],
    filter: Option<&Program>,
    snaplen: u32,
) -> Vec<FilterInstruction> {
    let mut program = vec![
        // The loopback interface shows each packet twice: on its way out and coming in.
        load(Extra::HardwareType),
        is_equal(LOOPBACK.into(), 0, 3),
        load(Extra::PacketType),
        is_equal(OUTGOING, 0, 1),
        give(0),
    ];
    if !interfaces.is_empty() {
        program.push(load(Extra::Interface));
        for (place, interface) in interfaces.iter().enumerate() {
            // Over the other interfaces and what follows them.
            let rest = interfaces.len() - place;
            program.push(is_equal(*interface, u8::try_from(rest).unwrap_or(u8::MAX), 0));
        }
        program.push(give(0));
    }
    let Some(filter) = filter else {
        program.push(give(snaplen));
        return program;
    };
    let [ethernet, loopback] = ETHERNETS;
    program.extend([
        load(Extra::HasVlanTag),
        is_equal(0, 1, 0),
        give(snaplen),
        load(Extra::HardwareType),
        is_equal(ethernet.into(), 2, 0),
        is_equal(loopback.into(), 1, 0),
        give(snaplen),
    ]);
    program.extend(filter.instructions().iter().map(|instruction| {
        let k = match (instruction.code, instruction.k) {
            (RETURN, 1..) => snaplen,
            (_, k) => k,
        };
        FilterInstruction { code: instruction.code, jt: instruction.jt, jf: instruction.jf, k }
    }));
    program
}

/// Returns the program that lets nothing pass.
pub(super) fn nothing() -> Vec<FilterInstruction> {
    vec![give(0)]
}

fn load(what: Extra) -> FilterInstruction {
    // From "offset" -4096 on stands what is not in the frame.
    const BASE: u32 = 0_u32.wrapping_sub(0x1000);
    let offset = match what {
        Extra::PacketType => 4,
        Extra::Interface => 8,
        Extra::HardwareType => 28,
        Extra::HasVlanTag => 48,
    };
    FilterInstruction { code: LOAD, jt: 0, jf: 0, k: BASE + offset }
}

fn is_equal(k: u32, jt: u8, jf: u8) -> FilterInstruction {
    FilterInstruction { code: IS_EQUAL, jt, jf, k }
}

fn give(bytes: u32) -> FilterInstruction {
    FilterInstruction { code: RETURN, jt: 0, jf: 0, k: bytes }
}
