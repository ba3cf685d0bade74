//! Instructions of packet filters.

/// One instruction of classic BPF.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FilterInstruction {
    /// Class, mode, size and operation.
    pub code: u16,
    /// Instructions to skip if a condition holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}
