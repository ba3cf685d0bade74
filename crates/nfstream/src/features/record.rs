//! A flow with all that was measured of it, at its end or before.

use std::sync::Arc;

use super::{Application, Measures, Metadata, Place, Tls, Volume};
use crate::flow::{EndReason, Flow};
use crate::host::Process;
use crate::time::Timestamp;

/// Part of a flow that a record describes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecordKind {
    /// The first packets; the final record follows.
    Early,
    /// The first packets; no other record follows.
    Only,
    /// All packets so far; the final record follows.
    Update,
    /// All packets.
    #[default]
    Final,
    /// All packets of a flow that has had its only record: not part of the output.
    Hidden,
}

/// A row of the flow table.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number of the conversation in the run, from 0 in the order of first packets.
    pub id: u64,
    /// Key, source and times.
    pub flow: Flow,
    /// When the flow ended in the time of the stream: for an idle flow, when its timeout passed.
    pub ended: Timestamp,
    /// Why it ended; of a record before the end, the end of input.
    pub end_reason: EndReason,
    /// Part of the flow that the record describes.
    pub kind: RecordKind,
    /// 0 idle, evicted or end of input, 1 active, below 0 as a plugin set it.
    pub expiration_id: i32,
    /// Packets and bytes.
    pub volume: Volume,
    /// Further measurements, `None` if the run makes none.
    pub measures: Option<Box<Measures>>,
    /// Application, as deep packet inspection names it.
    pub application: Application,
    /// Process that the packets belong to, `None` if unknown or attribution is off.
    pub process: Option<Arc<Process>>,
    /// Places of source and destination, `None` where the databases of the run have none.
    pub places: [Option<Arc<Place>>; 2],
    /// Label by the rules of the run, `None` without one.
    pub ground_truth: Option<Arc<str>>,
    /// Results of the models of the run, `None` before they are computed.
    pub scores: Option<Box<[i64]>>,
    /// Number of ticks of the stream's clock until no earlier record could follow.
    pub release: u64,
}

impl RecordKind {
    const ALL: [Self; 5] = [Self::Final, Self::Early, Self::Only, Self::Update, Self::Hidden];

    /// Returns whether the flow has ended with the record.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Final | Self::Hidden)
    }

    /// Returns whether a count of flows includes the record: one for each flow.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Final | Self::Only)
    }

    /// Returns its position in the order of kinds.
    pub(super) const fn order(self) -> u32 {
        match self {
            Self::Early => 0,
            Self::Only => 1,
            Self::Update => 2,
            Self::Final => 3,
            Self::Hidden => 4,
        }
    }

    /// Returns a small number that identifies the kind.
    pub(super) fn code(self) -> u32 {
        let place = Self::ALL.iter().position(|kind| *kind == self).unwrap_or_default();
        u32::try_from(place).unwrap_or_default()
    }

    /// Returns the name of the kind with `code` in tables.
    pub(super) fn name_of(code: u32) -> &'static str {
        let place = usize::try_from(code).unwrap_or_default();
        match Self::ALL.get(place) {
            Some(Self::Early | Self::Only) => "early",
            Some(Self::Update) => "update",
            _ => "final",
        }
    }
}

impl Record {
    /// Returns a measurement, its default where nothing was measured.
    pub(super) fn measured<T: Default>(&self, read: impl FnOnce(&Measures) -> T) -> T {
        self.measures.as_deref().map_or_else(T::default, read)
    }

    /// Appends text that the dissector read, if there is any.
    pub(super) fn write_metadata(&self, text: &mut String, field: fn(&Metadata) -> &str) {
        if let Some(metadata) = self.metadata() {
            text.push_str(field(metadata));
        }
    }

    /// Returns what the dissector read in addition to the label.
    pub(super) fn metadata(&self) -> Option<&Metadata> {
        self.application.metadata.as_deref()
    }

    /// Returns what the dissector read of a TLS handshake.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.metadata()?.tls.as_deref()
    }
}
