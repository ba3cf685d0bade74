//! First and last packet of each direction.

use crate::flow::Direction;
use crate::time::Timestamp;

/// When each direction was first and last seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DirectionTimes([Option<(Timestamp, Timestamp)>; 2]);

impl DirectionTimes {
    /// Notes a packet.
    #[inline]
    pub fn add(&mut self, direction: Direction, time: Timestamp) {
        let seen = &mut self.0[direction.index()];
        *seen = Some((seen.map_or(time, |(first, _)| first), time));
    }

    /// Returns the times of the first and the last packet of a direction, `None` if it had none.
    #[inline]
    pub fn seen(&self, direction: Direction) -> Option<(Timestamp, Timestamp)> {
        self.0[direction.index()]
    }
}
