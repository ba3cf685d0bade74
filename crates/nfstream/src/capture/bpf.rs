//! Interpreter for classic BPF programs, which filter frames.
//!
//! The instruction set of packet filters (McCanne and Jacobson, 1993) as libpcap's compiler uses
//! it. A program is checked once. A checked program always terminates, never fails and never reads
//! outside the frame.

/// One instruction, in the layout of the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Instruction {
    /// Class, mode, size and operation.
    pub(super) code: u16,
    /// Instructions to skip if a condition holds.
    pub(super) jt: u8,
    /// Instructions to skip if it does not.
    pub(super) jf: u8,
    /// The operand.
    pub(super) k: u32,
}

/// Program that terminates on every path and reads only its frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Program(Vec<Instruction>);

/// Words of scratch memory.
const MEMORY: usize = 16;

/// Most instructions run for one frame, in addition to the length of the program. Only programs for
/// libpcap's `protochain` jump backwards.
const PATIENCE: usize = 10_000;

/// Supported operation codes, under libpcap's names.
mod code {
    pub(super) const LD_W_ABS: u16 = 0x20;
    pub(super) const LD_H_ABS: u16 = 0x28;
    pub(super) const LD_B_ABS: u16 = 0x30;
    pub(super) const LD_W_IND: u16 = 0x40;
    pub(super) const LD_H_IND: u16 = 0x48;
    pub(super) const LD_B_IND: u16 = 0x50;
    pub(super) const LD_IMM: u16 = 0x00;
    pub(super) const LD_MEM: u16 = 0x60;
    pub(super) const LD_LEN: u16 = 0x80;
    pub(super) const LDX_IMM: u16 = 0x01;
    pub(super) const LDX_MEM: u16 = 0x61;
    pub(super) const LDX_LEN: u16 = 0x81;
    pub(super) const LDX_MSH: u16 = 0xb1;
    pub(super) const ST: u16 = 0x02;
    pub(super) const STX: u16 = 0x03;
    pub(super) const JA: u16 = 0x05;
    pub(super) const RET_K: u16 = 0x06;
    pub(super) const RET_A: u16 = 0x16;
    pub(super) const TAX: u16 = 0x07;
    pub(super) const TXA: u16 = 0x87;
    /// Class of arithmetic instructions, to be combined with an operation and [`X`].
    pub(super) const ALU: u16 = 0x04;
    /// Class of jumps, to be combined with a condition and [`X`].
    pub(super) const JMP: u16 = 0x05;
    /// Second operand: the index register instead of the constant.
    pub(super) const X: u16 = 0x08;
    /// Bits of an instruction's class.
    pub(super) const CLASS: u16 = 0x07;
    /// Bits of an operation or condition.
    pub(super) const OPERATION: u16 = 0xf0;
}

impl Program {
    /// Returns the program of `instructions`, or `None` if they are not a valid one.
    pub(super) fn new(instructions: Vec<Instruction>) -> Option<Self> {
        let len = instructions.len();
        let is_sound = |(place, instruction): (usize, &Instruction)| {
            let lands = |skip: u32| landing(place + 1, skip).is_some_and(|place| place < len);
            match instruction.code {
                code::JA => lands(instruction.k),
                code if code & code::CLASS == code::JMP => {
                    matches!(code & code::OPERATION, 0x10 | 0x20 | 0x30 | 0x40)
                        && lands(instruction.jt.into())
                        && lands(instruction.jf.into())
                }
                code if code & code::CLASS == code::ALU => code & code::OPERATION <= 0xa0,
                code::LD_MEM | code::LDX_MEM | code::ST | code::STX => {
                    usize::try_from(instruction.k).is_ok_and(|k| k < MEMORY)
                }
                code::LD_W_ABS
                | code::LD_H_ABS
                | code::LD_B_ABS
                | code::LD_W_IND
                | code::LD_H_IND
                | code::LD_B_IND
                | code::LD_IMM
                | code::LD_LEN
                | code::LDX_IMM
                | code::LDX_LEN
                | code::LDX_MSH
                | code::RET_K
                | code::RET_A
                | code::TAX
                | code::TXA => true,
                _ => false,
            }
        };
        let ends = matches!(instructions.last()?.code, code::RET_K | code::RET_A);
        let is_sound = ends && instructions.iter().enumerate().all(is_sound);
        is_sound.then_some(Self(instructions))
    }

    /// Returns the instructions.
    pub(super) fn instructions(&self) -> &[Instruction] {
        &self.0
    }

    /// Runs on the captured bytes of a frame of `wire_len` bytes. Returns the number of bytes to
    /// keep, 0 to drop the frame.
    ///
    /// A comparison with bytes that were not captured drops the frame.
    pub(super) fn run(&self, frame: &[u8], wire_len: u32) -> u32 {
        self.interpret(frame, wire_len).unwrap_or(0)
    }

    fn interpret(&self, frame: &[u8], wire_len: u32) -> Option<u32> {
        let mut accumulator = 0_u32;
        let mut index = 0_u32;
        let mut memory = [0_u32; MEMORY];
        let mut next = 0;
        for _ in 0..PATIENCE + self.0.len() {
            let &Instruction { code, jt, jf, k } = self.0.get(next)?;
            next += 1;
            match code {
                code::RET_K => return Some(k),
                code::RET_A => return Some(accumulator),
                code::LD_W_ABS => accumulator = word(frame, k)?,
                code::LD_H_ABS => accumulator = half(frame, k)?,
                code::LD_B_ABS => accumulator = byte(frame, k)?,
                code::LD_W_IND => accumulator = word(frame, index.checked_add(k)?)?,
                code::LD_H_IND => accumulator = half(frame, index.checked_add(k)?)?,
                code::LD_B_IND => accumulator = byte(frame, index.checked_add(k)?)?,
                code::LD_IMM => accumulator = k,
                code::LD_LEN => accumulator = wire_len,
                code::LD_MEM => accumulator = *memory.get(crate::packet::to_usize(k))?,
                code::LDX_IMM => index = k,
                code::LDX_LEN => index = wire_len,
                code::LDX_MEM => index = *memory.get(crate::packet::to_usize(k))?,
                // Four times a header length in words (RFC 791).
                code::LDX_MSH => index = (byte(frame, k)? & 0x0f) << 2,
                code::ST => *memory.get_mut(crate::packet::to_usize(k))? = accumulator,
                code::STX => *memory.get_mut(crate::packet::to_usize(k))? = index,
                code::TAX => index = accumulator,
                code::TXA => accumulator = index,
                code::JA => next = landing(next, k)?,
                _ => {
                    let operand = if code & code::X == 0 { k } else { index };
                    let operation = code & code::OPERATION;
                    if code & code::CLASS == code::ALU {
                        accumulator = calculate(operation, accumulator, operand)?;
                    } else {
                        let holds = compare(operation, accumulator, operand)?;
                        next += usize::from(if holds { jt } else { jf });
                    }
                }
            }
        }
        None
    }
}

/// Returns the index `skip` instructions after `next`, or before it if `skip` is a negative number.
fn landing(next: usize, skip: u32) -> Option<usize> {
    next.checked_add_signed(isize::try_from(skip.cast_signed()).ok()?)
}

fn calculate(operation: u16, left: u32, right: u32) -> Option<u32> {
    Some(match operation {
        0x00 => left.wrapping_add(right),
        0x10 => left.wrapping_sub(right),
        0x20 => left.wrapping_mul(right),
        0x30 => left.checked_div(right)?,
        0x40 => left | right,
        0x50 => left & right,
        0x60 => left.checked_shl(right).unwrap_or(0),
        0x70 => left.checked_shr(right).unwrap_or(0),
        0x80 => left.wrapping_neg(),
        0x90 => left.checked_rem(right)?,
        0xa0 => left ^ right,
        _ => return None,
    })
}

fn compare(condition: u16, left: u32, right: u32) -> Option<bool> {
    Some(match condition {
        0x10 => left == right,
        0x20 => left > right,
        0x30 => left >= right,
        0x40 => left & right != 0,
        _ => return None,
    })
}

fn word(frame: &[u8], offset: u32) -> Option<u32> {
    frame.get(crate::packet::to_usize(offset)..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn half(frame: &[u8], offset: u32) -> Option<u32> {
    let bytes = frame.get(crate::packet::to_usize(offset)..)?.first_chunk().copied();
    bytes.map(u16::from_be_bytes).map(u32::from)
}

fn byte(frame: &[u8], offset: u32) -> Option<u32> {
    frame.get(crate::packet::to_usize(offset)).copied().map(u32::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
        Instruction { code, jt, jf, k }
    }

    #[test]
    fn unsafe_programs_are_refused() {
        let ret = instruction(code::RET_K, 0, 0, 1);
        for bad in [
            vec![],
            vec![instruction(code::LD_IMM, 0, 0, 1)],
            vec![instruction(code::JA, 0, 0, 1), ret],
            vec![instruction(code::JA, 0, 0, u32::MAX - 1), ret],
            vec![instruction(0x15, 0, 1, 0), ret],
            vec![instruction(code::ST, 0, 0, 16), ret],
            vec![instruction(0xff, 0, 0, 0), ret],
        ] {
            assert_eq!(Program::new(bad.clone()), None, "{bad:?}");
        }
        assert!(Program::new(vec![instruction(0x15, 0, 1, 0), ret, ret]).is_some());
    }

    #[test]
    fn a_program_that_never_ends_matches_nothing() {
        let round = [instruction(code::JA, 0, 0, u32::MAX), instruction(code::RET_K, 0, 0, 1)];
        assert_eq!(Program::new(round.to_vec()).unwrap().run(&[], 0), 0);
    }

    #[test]
    fn the_wire_length_is_not_the_captured_one() {
        let longer_than_50 = vec![
            instruction(code::LD_LEN, 0, 0, 0),
            instruction(0x25, 0, 1, 50),
            instruction(code::RET_K, 0, 0, 9),
            instruction(code::RET_K, 0, 0, 0),
        ];
        let program = Program::new(longer_than_50).unwrap();
        assert_eq!(program.run(&[1, 2, 3], 60), 9);
        assert_eq!(program.run(&[0; 60], 50), 0);
    }

    proptest! {
        #[test]
        fn any_program_ends(
            code in prop::collection::vec((any::<u8>(), 0..4_u8, 0..4_u8, any::<u32>()), 1..30),
            frame in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let instructions = code.into_iter().map(|(code, jt, jf, k)| {
                instruction(code.into(), jt, jf, if k % 2 == 0 { k % 64 } else { k })
            });
            let ends = [instruction(code::RET_A, 0, 0, 0); 5];
            if let Some(program) = Program::new(instructions.chain(ends).collect()) {
                let _ = program.run(&frame, 1500);
            }
        }
    }
}
