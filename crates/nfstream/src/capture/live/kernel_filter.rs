//! Program with which the kernel filters packets before it copies them.
//!
//! It decides only Ethernet frames without a VLAN tag. The kernel removes tags before the program
//! runs, and other link types need other programs; such frames pass and are filtered again when
//! they are complete.

use nfstream_sys::FilterInstruction;

use crate::capture::bpf::Program;

/// Hardware types whose frames begin as Ethernet does (ARPHRD_).
pub(super) const ETHERNETS: [u16; 2] = [1, LOOPBACK];

const LOOPBACK: u16 = 772;

/// Outgoing packets (PACKET_OUTGOING).
const OUTGOING: u32 = 4;

const LOAD: u16 = 0x20;
const IS_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// Metadata of a packet that the kernel offers to programs (SKF_AD_).
#[derive(Clone, Copy, Debug)]
enum Extra {
    PacketType,
    Interface,
    HardwareType,
    HasVlanTag,
}

/// Returns the program for a socket that receives `snaplen` bytes of each packet that matches
/// `filter`, from these `interfaces`, or from the bound interface if the list is empty.
pub(super) fn assemble(
    interfaces: &[u32],
    filter: Option<&Program>,
    snaplen: u32,
) -> Vec<FilterInstruction> {
    let mut program = vec![
        // The loopback interface delivers each packet twice: outgoing and incoming.
        load(Extra::HardwareType),
        is_equal(LOOPBACK.into(), 0, 3),
        load(Extra::PacketType),
        is_equal(OUTGOING, 0, 1),
        give(0),
    ];
    if !interfaces.is_empty() {
        program.push(load(Extra::Interface));
        for (place, interface) in interfaces.iter().enumerate() {
            // Jumps over the other interfaces and the instructions after them.
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

/// Returns the program that drops every packet.
pub(super) fn nothing() -> Vec<FilterInstruction> {
    vec![give(0)]
}

fn load(what: Extra) -> FilterInstruction {
    // Offsets from -4096 on address metadata instead of the frame.
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
