//! First and last packet of each direction.

use super::{Declaration, Declared, Measurement, Plan, Presence, Record, Sample};
use crate::flow::Direction::{self, Dst2Src, Src2Dst};
use crate::time::Timestamp;

pub(super) type State = DirectionTimes;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "With `time_unit=\"us\"` or `\"ns\"` the names end in that unit.",
    columns: &[&[
        Declared::instant(
            "src2dst_first_seen_{unit}",
            "time of the first packet from source to destination, 0 if there is none",
            |r| Some(seen(r, Src2Dst)?.0),
        ),
        Declared::instant(
            "src2dst_last_seen_{unit}",
            "time of the last packet from source to destination, 0 if there is none",
            |r| Some(seen(r, Src2Dst)?.1),
        ),
        Declared::span("src2dst_duration_{unit}", "time between these two", |r| seen(r, Src2Dst)),
        Declared::instant(
            "dst2src_first_seen_{unit}",
            "time of the first packet from destination to source, 0 if there is none",
            |r| Some(seen(r, Dst2Src)?.0),
        ),
        Declared::instant(
            "dst2src_last_seen_{unit}",
            "time of the last packet from destination to source, 0 if there is none",
            |r| Some(seen(r, Dst2Src)?.1),
        ),
        Declared::span("dst2src_duration_{unit}", "time between these two", |r| seen(r, Dst2Src)),
    ]],
};

/// First and last time of each direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct DirectionTimes([Option<(Timestamp, Timestamp)>; 2]);

impl Measurement for DirectionTimes {
    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let Sample { direction, time, .. } = *sample;
        let seen = &mut self.0[direction.index()];
        *seen = Some((seen.map_or(time, |(first, _)| first), time));
    }
}

/// Returns the times of the first and the last packet of a direction, `None` if it had none.
fn seen(record: &Record, direction: Direction) -> Option<(Timestamp, Timestamp)> {
    record.measured(|m| m.directions.0[direction.index()])
}
