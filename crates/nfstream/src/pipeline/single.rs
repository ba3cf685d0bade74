//! One meter in the caller's thread, which keeps its results there.

use std::sync::Arc;

use super::config::{Config, MeterParts};
use super::decoder::{Decoded, Decoder};
use super::error::RunError;
use super::feed::Feed;
use super::front::{self, FrontConfig, PATIENCE};
use super::intake::Intake;
use super::merge::Order;
use super::outcome::{Advance, Outcome};
use super::shared::{MeterCounts, Shared};
use super::sync::{Receiver, RecvTimeoutError};
use super::tally::Tally;
use super::ticks::stretches;
use super::turns::Turns;
use super::worker::Workers;
use crate::features::Record;
use crate::flow::{FragmentTable, StreamClock, Tick};
use crate::meter::{HookError, Hooks, Lifecycle, Meter};
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Packets decoded before they are added to flows: few enough to stay in the first-level cache.
pub(super) const PIECE: usize = 64;

/// A meter and the order of its records.
pub(super) struct Metering<L> {
    pub(super) meter: Arc<Turns<Meter<L>>>,
    order: Order,
    shared: Arc<Shared>,
}

/// A reader, a decoder and a meter in one thread.
pub(super) struct Inline<L> {
    intake: Intake,
    decoder: Decoder,
    chunk: Chunk,
    clock: StreamClock,
    /// Time of the last packet.
    time: Timestamp,
    ticks: Vec<Tick>,
    fragments: FragmentTable,
    decoded: Decoded,
    metering: Metering<L>,
}

/// A meter in the caller's thread, fed by a reader and a decoder in separate threads: for hooks,
/// which delay the caller's thread.
pub(super) struct Ahead<L> {
    feed: Receiver<Feed>,
    workers: Workers,
    metering: Metering<L>,
}

impl<L: Lifecycle> Inline<L> {
    pub(super) fn new(
        intake: Intake,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            intake,
            decoder: config.decoder(),
            chunk: Chunk::default(),
            clock: StreamClock::new(),
            time: Timestamp::default(),
            ticks: Vec::new(),
            fragments: FragmentTable::default(),
            decoded: Decoded::default(),
            metering: Metering::new(1, parts, config, shared),
        }
    }

    pub(super) fn advance<H: Hooks>(&mut self, hooks: &mut H) -> Result<Advance, RunError> {
        let outcome = self.intake.read(&mut self.chunk);
        let mut tally = self.intake.tally(&self.chunk);
        if let Some(outcome) = outcome {
            return self.metering.finish(self.time, &tally, outcome, hooks);
        }
        self.ticks.clear();
        self.clock.follow(&self.chunk, &mut self.ticks);
        self.time = self.chunk.end_time().unwrap_or(self.time);
        let mut records = Vec::new();
        self.work(&mut tally, &mut records, hooks).map_err(RunError::Hook)?;
        self.metering.count(&tally, &records);
        Ok(Advance { records, outcome: None })
    }

    /// Decodes and meters the chunk, piece by piece, with the ticks of the clock between.
    fn work<H: Hooks>(
        &mut self,
        tally: &mut Tally,
        out: &mut Vec<Record>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Chunk { bytes, records, .. } = &self.chunk;
        let frames = bytes.as_slice();
        let Metering { meter, order, .. } = &mut self.metering;
        let meter = &mut *meter.take(H::ACTIVE);
        for piece in stretches(&self.ticks, records.len(), PIECE) {
            let records = records.get(piece.range).unwrap_or_default();
            self.decoded.clear();
            self.decoder.decode(records, frames, &mut self.decoded, tally);
            let Decoded { packets, fragments, clues } = &mut self.decoded;
            self.fragments.resolve(packets, fragments);
            meter.note(clues);
            meter.process(bytes, (0..).zip(&*packets), hooks)?;
            if let Some(time) = piece.tick {
                tick(meter, order, time, out, hooks)?;
            }
        }
        Ok(())
    }
}

impl<L: Lifecycle> Ahead<L> {
    pub(super) fn start(
        intake: Intake,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        let mut workers = Workers::default();
        let front = FrontConfig { decoder: config.decoder(), decoders: 1, shards: 1, consumers: 1 };
        let mut feeds = front::start(intake, front, &mut workers);
        let feed = feeds.pop().expect("one consumer was requested");
        Self { feed, workers, metering: Metering::new(1, parts, config, shared) }
    }

    pub(super) fn advance<H: Hooks>(&mut self, hooks: &mut H) -> Result<Advance, RunError> {
        // A pipe may stay silent for long; the caller regains control now and then.
        let feed = &self.feed;
        match hooks.while_waiting(|| feed.recv_timeout(PATIENCE)) {
            Err(RecvTimeoutError::Timeout) => Ok(Advance::default()),
            Ok(Feed::Chunk(chunk)) => {
                let mut records = Vec::new();
                let Decoded { packets, clues, .. } = &chunk.content.decoded;
                let Metering { meter, order, .. } = &mut self.metering;
                let mut turn = meter.take(H::ACTIVE);
                let meter = &mut *turn;
                meter.note(clues);
                for stretch in stretches(&chunk.ticks, packets.len(), usize::MAX) {
                    let start = u32::try_from(stretch.range.start).unwrap_or(u32::MAX);
                    let packets = packets.get(stretch.range).unwrap_or_default();
                    let metered = meter.process(&chunk.bytes, (start..).zip(packets), hooks);
                    metered.map_err(RunError::Hook)?;
                    if let Some(time) = stretch.tick {
                        tick(meter, order, time, &mut records, hooks).map_err(RunError::Hook)?;
                    }
                }
                drop(turn);
                self.metering.count(&chunk.tally, &records);
                Ok(Advance { records, outcome: None })
            }
            Ok(Feed::End(end)) => {
                let outcome = end.take_outcome();
                self.workers.join();
                self.metering.finish(end.time, &end.tally, outcome, hooks)
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.workers.failure()),
        }
    }
}

impl<L: Lifecycle> Metering<L> {
    /// Returns one of `meters` meters.
    pub(super) fn new(
        meters: usize,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        let meter = Arc::new(Turns::new(Meter::new(config.meter(meters, parts))));
        shared.shards().add(0, &meter);
        Self { meter, order: Order::new(config.timeouts.idle), shared }
    }

    pub(super) fn tick<H: Hooks>(
        &mut self,
        time: Timestamp,
        out: &mut Vec<Record>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        tick(&mut self.meter.take(H::ACTIVE), &mut self.order, time, out, hooks)
    }

    pub(super) fn finish<H: Hooks>(
        &mut self,
        time: Timestamp,
        tally: &Tally,
        outcome: Outcome,
        hooks: &mut H,
    ) -> Result<Advance, RunError> {
        let mut records = Vec::new();
        let mut turn = self.meter.take(H::ACTIVE);
        turn.finish(time, hooks).map_err(RunError::Hook)?;
        if L::ENDS_IN_ORDER {
            records.extend(turn.drain_records());
        } else {
            self.order.take(turn.drain_records());
            self.order.finish(&mut records);
        }
        drop(turn);
        self.count(tally, &records);
        Ok(Advance { records, outcome: Some(outcome) })
    }

    pub(super) fn count(&mut self, tally: &Tally, records: &[Record]) {
        let mut meter = self.meter.take(false);
        let counts = MeterCounts {
            late_packets: meter.take_late_packets(),
            evicted_flows: meter.take_evicted_flows(),
            active_flows: meter.active_flows(),
        };
        drop(meter);
        self.shared.count(tally, counts, records);
    }
}

/// Ends the flows of `meter` that are idle at `time`, and releases the records whose place is final.
fn tick<L: Lifecycle, H: Hooks>(
    meter: &mut Meter<L>,
    order: &mut Order,
    time: Timestamp,
    out: &mut Vec<Record>,
    hooks: &mut H,
) -> Result<(), HookError> {
    meter.tick(time, hooks)?;
    if L::ENDS_IN_ORDER {
        out.extend(meter.drain_records());
    } else {
        order.take(meter.drain_records());
        order.release(time, out);
    }
    Ok(())
}
