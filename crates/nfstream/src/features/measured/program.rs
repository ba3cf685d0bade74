//! Measures as a flat program: its steps for each packet, and the state that they update.

use super::cell::MISSING;
use super::field::{Part, Scalar};
use super::operator::Operator;
use super::{State, cell, distinct, frequencies, moments, quantiles};
use crate::features::{Column, Sample};

/// Compiled measures of a run.
///
/// A program lives as long as the process, because columns are shared everywhere. Compiling the
/// same measures again returns the same program.
#[derive(Debug, Default)]
pub struct Program {
    /// Steps for each packet, in order.
    pub(crate) steps: Vec<Step>,
    /// The state of a flow before its first packet.
    pub(crate) words: Vec<i64>,
    /// Number of lists of a flow.
    pub(crate) lists: usize,
    /// Constants, with their registers.
    pub(crate) constants: Vec<(Register, i64)>,
    /// Columns of the measures.
    pub(crate) columns: Vec<Column>,
}

/// Place of a value while a packet is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Register(pub(crate) u8);

/// Values of the packet that is being measured.
#[derive(Debug)]
pub(crate) struct Registers([i64; 256]);

impl Default for Registers {
    fn default() -> Self {
        Self([0; 256])
    }
}

/// Step of a program. `at` is a place among the words of the flow's state, `list` the number of a
/// list.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Reads a part of the packet.
    Load { part: Part, to: Register },
    /// Applies an operator.
    Compute { operator: Operator, left: Register, right: Register, to: Register },
    /// Chooses one of two values.
    Choose { condition: Register, yes: Register, no: Register, to: Register },
    /// Returns the distance to the previous value of `from`, and keeps the value.
    Gap { from: Register, to: Register, at: usize },
    /// Returns the distance to the first value of `from`.
    Elapsed { from: Register, to: Register, at: usize },
    /// Skips `skip` steps unless `condition` is true.
    Unless { condition: Register, skip: usize },
    /// Updates the state of an aggregation with the value of `from`.
    Update { update: Update, from: Register, at: usize },
    /// Counts bursts: runs of times without a distance above `gap` in nanoseconds.
    Burst { from: Register, gap: i64, at: usize },
    /// Counts values between edges.
    Histogram { from: Register, edges: Box<[f64]>, at: usize },
    /// Lists the first values.
    First { from: Register, most: usize, list: usize },
    /// Collects distinct values.
    Distinct { from: Register, at: usize, list: usize },
    /// Collects values for quantiles.
    Quantiles { from: Register, at: usize, list: usize },
    /// Collects frequencies of values.
    Frequencies { from: Register, list: usize },
}

/// Update of a state of fixed size.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Update {
    Count,
    Last,
    MaxFloat,
    MaxWhole,
    MinFloat,
    MinWhole,
    Powers,
    PowersOfWhole,
    Squares,
    SumFloat,
    SumWhole,
}

impl Update {
    /// Returns the state before the first value.
    pub(crate) const fn initial(self) -> &'static [i64] {
        match self {
            Self::Count => &[0],
            Self::Last | Self::MaxFloat | Self::MaxWhole | Self::MinFloat | Self::MinWhole => {
                &[MISSING]
            }
            Self::Powers | Self::PowersOfWhole | Self::Squares => &[0; 6],
            Self::SumFloat | Self::SumWhole => &[0; 2],
        }
    }

    /// Updates the state with a value that is not missing.
    #[inline]
    fn apply(self, words: &mut [i64], value: i64) {
        match (self, words) {
            (Self::Count, [count, ..]) => *count += 1,
            (Self::Last, [last, ..]) => *last = value,
            (Self::MaxWhole, [most, ..]) => *most = value.max(*most),
            (Self::MinWhole, [least, ..]) => {
                *least = if *least == MISSING { value } else { value.min(*least) };
            }
            (Self::MaxFloat, [most, ..]) => {
                if *most == MISSING || cell::float(value) > cell::float(*most) {
                    *most = value;
                }
            }
            (Self::MinFloat, [least, ..]) => {
                if *least == MISSING || cell::float(value) < cell::float(*least) {
                    *least = value;
                }
            }
            (_, words) => self.apply_wide(words, value),
        }
    }

    #[inline]
    fn apply_wide(self, words: &mut [i64], value: i64) {
        match (self, words.first_chunk_mut::<2>()) {
            (Self::SumWhole, Some(sum)) => return moments::add_wide(sum, value),
            (Self::SumFloat, Some(sum)) => return moments::add_float(sum, cell::float(value)),
            _ => {}
        }
        match (self, words.first_chunk_mut::<6>()) {
            (Self::Squares, Some(words)) => moments::add_squares(words, value),
            (Self::Powers, Some(words)) => moments::add_powers(words, cell::float(value)),
            (Self::PowersOfWhole, Some(words)) => moments::add_powers(words, cell::nearest(value)),
            _ => {}
        }
    }
}

impl Program {
    /// Returns the columns of the measures, in their order.
    pub fn columns(&'static self) -> &'static [Column] {
        &self.columns
    }

    /// Returns registers with the constants of the program.
    pub(crate) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        for (register, value) in &self.constants {
            registers.set(*register, *value);
        }
        registers
    }

    /// Measures a packet.
    pub(in crate::features) fn run(
        &self,
        registers: &mut Registers,
        state: &mut State,
        sample: &Sample<'_>,
    ) {
        let mut steps = self.steps.iter();
        while let Some(step) = steps.next() {
            match step {
                Step::Load { part, to } => registers.set(*to, part.read(sample)),
                Step::Compute { operator, left, right, to } => {
                    let value = operator.apply(registers.get(*left), registers.get(*right));
                    registers.set(*to, value);
                }
                Step::Choose { condition, yes, no, to } => {
                    let value = match registers.get(*condition) {
                        1 => registers.get(*yes),
                        0 => registers.get(*no),
                        _ => MISSING,
                    };
                    registers.set(*to, value);
                }
                Step::Gap { from, to, at } => {
                    let value = registers.get(*from);
                    if let Some(last) = state.words.get_mut(*at) {
                        let before = std::mem::replace(last, value);
                        registers.set(*to, Operator::SubtractWhole.apply(value, before));
                    }
                }
                Step::Elapsed { from, to, at } => {
                    let value = registers.get(*from);
                    if let Some(first) = state.words.get_mut(*at) {
                        if *first == MISSING {
                            *first = value;
                        }
                        registers.set(*to, Operator::SubtractWhole.apply(value, *first));
                    }
                }
                Step::Unless { condition, skip } => {
                    if registers.get(*condition) != 1 && *skip > 0 {
                        steps.nth(*skip - 1);
                    }
                }
                Step::Update { update, from, at } => {
                    let value = registers.get(*from);
                    if value != MISSING
                        && let Some(words) = state.words.get_mut(*at..)
                    {
                        update.apply(words, value);
                    }
                }
                Step::Burst { from, gap, at } => {
                    let time = registers.get(*from);
                    if let Some([last, count]) =
                        state.words.get_mut(*at..).and_then(|words| words.first_chunk_mut::<2>())
                    {
                        let before = std::mem::replace(last, time);
                        if before == MISSING || time.saturating_sub(before) > *gap {
                            *count += 1;
                        }
                    }
                }
                Step::Histogram { from, edges, at } => {
                    let value = registers.get(*from);
                    if value != MISSING
                        && let Some(bin) = bin(edges, cell::float(value))
                        && let Some(count) = state.words.get_mut(at + bin)
                    {
                        *count += 1;
                    }
                }
                step => state.collect(step, registers),
            }
        }
    }
}

impl State {
    /// Executes a step that adds a value to a list.
    fn collect(&mut self, step: &Step, registers: &Registers) {
        let (Step::First { from, list, .. }
        | Step::Distinct { from, list, .. }
        | Step::Quantiles { from, list, .. }
        | Step::Frequencies { from, list }) = step
        else {
            return;
        };
        let value = registers.get(*from);
        let Some(list) = self.lists.get_mut(*list).filter(|_| value != MISSING) else { return };
        let before = list.capacity();
        match step {
            Step::First { most, .. } if list.len() < *most => list.push(value),
            Step::Distinct { at, .. } => {
                if let Some(word) = self.words.get_mut(*at) {
                    distinct::add(list, word, value);
                }
            }
            Step::Quantiles { at, .. } => {
                if let Some(word) = self.words.get_mut(*at) {
                    quantiles::add(list, word, value);
                }
            }
            Step::Frequencies { .. } => frequencies::add(list, value),
            _ => {}
        }
        self.bytes += (list.capacity() - before) * size_of::<i64>();
    }
}

impl Registers {
    #[inline]
    fn get(&self, register: Register) -> i64 {
        self.0[usize::from(register.0)]
    }

    #[inline]
    fn set(&mut self, register: Register, value: i64) {
        self.0[usize::from(register.0)] = value;
    }
}

/// Returns the bin of `value` between `edges`: each includes its lower edge, the last one both.
fn bin(edges: &[f64], value: f64) -> Option<usize> {
    let below = edges.iter().take_while(|edge| **edge <= value).count();
    match edges.last() {
        Some(last) if *last == value => edges.len().checked_sub(2),
        Some(last) if *last < value => None,
        _ => below.checked_sub(1),
    }
}

impl Scalar {
    /// Returns the type's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Float => "a double",
            Self::Whole => "an int",
        }
    }
}
