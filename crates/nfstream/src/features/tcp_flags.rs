//! Packets with each TCP flag.

use nfstream_sys::prefetch_read;

use super::{
    Declaration, Declared, Measurement, Plan, Presence, Read, ReadAll, Record, Sample, Shorthand,
};
use crate::flow::Direction::{self, Dst2Src, Src2Dst};
use crate::packet::TcpFlags;

pub(super) type State = TcpFlagCounts;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: Some(Shorthand {
        python: "statistical_analysis=True",
        command: "--statistical-analysis",
    }),
    about: "All packets count, the first included.",
    columns: &[
        &flag_counts!("bidirectional", "of both directions", both),
        &flag_counts!("src2dst", "from source to destination", forward),
        &flag_counts!("dst2src", "from destination to source", backward),
    ],
};

/// Declares the columns of all flags for the packets of one scope.
macro_rules! flag_counts {
    ($scope:literal, $of:literal, $count:ident) => {
        flag_counts!(@ $scope, $of, $count:
            "syn" SYN, "cwr" CWR, "ece" ECE, "urg" URG, "ack" ACK, "psh" PSH, "rst" RST, "fin" FIN)
    };
    (@ $scope:literal, $of:literal, $count:ident: $($name:literal $flag:ident),*) => {
        [$(Declared::packets(
            concat!($scope, "_", $name, "_packets"),
            concat!("packets ", $of, " with the TCP flag ", stringify!($flag)),
            Read::U32(|r| $count(r, TcpFlags::$flag)),
        ).read_by(ReadAll::Integers(|records, counts| {
            counts.extend(records.iter().map(|r| i64::from($count(r, TcpFlags::$flag))));
        }))),*]
    };
}
use flag_counts;

/// Packets with each flag, by direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct TcpFlagCounts([[u32; 8]; 2]);

impl TcpFlagCounts {
    /// Returns the packets of one direction with `flag`, which is a single one.
    fn of(&self, direction: Direction, flag: TcpFlags) -> u32 {
        let bit = usize::try_from(flag.0.trailing_zeros()).unwrap_or(usize::MAX);
        self.0[direction.index()].get(bit).copied().unwrap_or(0)
    }
}

impl Measurement for TcpFlagCounts {
    const IS_USUAL: bool = true;

    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let counts = &mut self.0[sample.direction.index()];
        let mut flags = sample.packet.tcp_flags.0;
        // Most packets have one or two.
        while flags != 0 {
            let bit = usize::try_from(flags.trailing_zeros()).unwrap_or(usize::MAX);
            let count = &mut counts[bit % 8];
            *count = count.saturating_add(1);
            flags &= flags - 1;
        }
    }

    #[inline]
    fn prefetch(&self, _: &Plan, _: Direction, _: u64) {
        prefetch_read(self);
    }
}

fn both(record: &Record, flag: TcpFlags) -> u32 {
    forward(record, flag).saturating_add(backward(record, flag))
}

fn forward(record: &Record, flag: TcpFlags) -> u32 {
    record.measured(|m| m.tcp_flags.of(Src2Dst, flag))
}

fn backward(record: &Record, flag: TcpFlags) -> u32 {
    record.measured(|m| m.tcp_flags.of(Dst2Src, flag))
}
