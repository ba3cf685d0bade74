//! Statistics of the gaps between packets.

use super::Moments;
use crate::flow::Direction;

/// Moments of the gaps between consecutive packets: of the flow, and of each direction alone.
///
/// Times are whole units, rounded down, so a gap is the difference of the times that a table
/// shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct InterArrival {
    both: Gaps,
    directions: [Gaps; 2],
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Gaps {
    moments: Moments,
    last: Option<i64>,
}

impl Gaps {
    #[inline]
    fn add(&mut self, time: i64) {
        if let Some(last) = self.last {
            self.moments.add(time.abs_diff(last));
        }
        self.last = Some(time);
    }
}

impl InterArrival {
    /// Adds a packet at `time`, not before the one before it.
    #[inline]
    pub fn add(&mut self, direction: Direction, time: i64) {
        self.both.add(time);
        self.directions[direction.index()].add(time);
    }

    /// Returns the moments of one direction.
    pub fn of(&self, direction: Direction) -> Moments {
        self.directions[direction.index()].moments
    }

    /// Returns the moments of the flow.
    pub fn both(&self) -> Moments {
        self.both.moments
    }
}
