//! One meter in the caller's thread: nothing of what it finds is handed over.

use std::sync::Arc;

use super::decoder::decode_all;
use super::front::{self, Decoded, Feed, FrontConfig, PATIENCE, Tally};
use super::merge::Order;
use super::sync::{Receiver, RecvTimeoutError};
use super::worker::Workers;
use super::{Config, Found, MeterParts, RunError, Shared, Step};
use crate::capture::Source;
use crate::decode;
use crate::features::Record;
use crate::flow::{FragmentTable, StreamClock, Tick};
use crate::meter::{HookError, Hooks, Meter};
use crate::nfstream6::{Rules, RunClock};
use crate::packet::{Chunk, Packet};
use crate::time::Timestamp;

/// Packets decoded before they are put into flows: few enough to stay in the first-level cache.
const PIECE: usize = 64;

/// A meter and the order of what it finds.
struct Metering {
    meter: Meter,
    order: Order,
    rules: Rules,
    shared: Arc<Shared>,
}

/// A reader, a decoder and a meter in one thread.
pub(super) struct Inline {
    source: Box<dyn Source>,
    limit: usize,
    decode: decode::Options,
    chunk: Chunk,
    clock: StreamClock,
    ticks: Vec<Tick>,
    last_time: Timestamp,
    fragments: FragmentTable,
    run_clock: Option<RunClock>,
    packets: Vec<Packet>,
    metering: Metering,
}

/// A meter in the caller's thread behind a reader and a decoder in threads of their own: for
/// hooks, which hold up the caller's thread.
pub(super) struct Ahead {
    feed: Receiver<Feed>,
    workers: Workers,
    metering: Metering,
}

impl Inline {
    pub(super) fn new(
        source: Box<dyn Source>,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            source,
            limit: config.chunk_packets.get(),
            decode: config.decode,
            chunk: Chunk::default(),
            clock: StreamClock::new(),
            ticks: Vec::new(),
            last_time: Timestamp::default(),
            fragments: FragmentTable::default(),
            run_clock: (config.rules == Rules::Nfstream6).then(RunClock::default),
            packets: Vec::with_capacity(PIECE),
            metering: Metering::new(parts, config, shared),
        }
    }

    pub(super) fn advance<H: Hooks>(
        &mut self,
        hooks: &mut H,
        failure: &mut Option<RunError>,
    ) -> Result<Step, RunError> {
        let shared = &self.metering.shared;
        let outcome = shared.read(self.source.as_mut(), &mut self.chunk, self.limit);
        let mut tally = Tally::of(self.source.as_mut(), &self.chunk);
        if let Ok(true) = outcome {
            let mut records = Vec::new();
            self.work(&mut tally, &mut records, hooks).map_err(RunError::Hook)?;
            self.metering.count(&tally, &records);
            return Ok(Step::Records(records));
        }
        *failure = outcome.err().map(RunError::Capture);
        self.metering.finish(self.last_time, &tally, hooks)
    }

    /// Decodes and meters the chunk, piece by piece, with a tick of the clock where one is due.
    fn work<H: Hooks>(
        &mut self,
        tally: &mut Tally,
        out: &mut Vec<Record>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Chunk { bytes, records, .. } = &self.chunk;
        let frames = bytes.as_slice();
        self.last_time = self.chunk.end_time().unwrap_or(self.last_time);
        self.ticks.clear();
        self.clock.follow(&self.chunk, &mut self.ticks);
        let mut ticks = self.ticks.iter().peekable();
        let mut start = 0;
        while start < records.len() {
            let to_tick = ticks.peek().map_or(usize::MAX, |tick| tick.index);
            let end = (start + PIECE).min(to_tick).min(records.len());
            self.packets.clear();
            let piece = records.get(start..end).unwrap_or_default();
            decode_all(piece, frames, self.decode, &mut self.packets, &mut tally.ignored);
            for packet in &mut self.packets {
                self.fragments.resolve(packet, packet.frame(frames));
            }
            if let Some(clock) = &mut self.run_clock {
                clock.stamp(&mut self.packets);
            }
            // Where a flow is born matters only to those who share the work.
            let packets = self.packets.iter().map(|packet| (0, packet));
            self.metering.meter.process(bytes, packets, hooks)?;
            while let Some(tick) = ticks.next_if(|tick| tick.index == end) {
                self.metering.tick(tick.time, out, hooks)?;
            }
            start = end;
        }
        for tick in ticks {
            self.metering.tick(tick.time, out, hooks)?;
        }
        Ok(())
    }
}

impl Ahead {
    pub(super) fn start(
        source: Box<dyn Source>,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        let mut workers = Workers::default();
        let front = FrontConfig {
            limit: config.chunk_packets.get(),
            decode: config.decode,
            rules: config.rules,
            decoders: 1,
            shards: 1,
            consumers: 1,
        };
        let mut feeds = front::start(source, front, &shared, &mut workers);
        let feed = feeds.pop().expect("one consumer was asked for");
        Self { feed, workers, metering: Metering::new(parts, config, shared) }
    }

    pub(super) fn advance<H: Hooks>(
        &mut self,
        hooks: &mut H,
        failure: &mut Option<RunError>,
    ) -> Result<Step, RunError> {
        // A pipe may stay silent for long; whoever calls wants to be asked now and then.
        let feed = &self.feed;
        match hooks.while_waiting(|| feed.recv_timeout(PATIENCE)) {
            Err(RecvTimeoutError::Timeout) => Ok(Step::Records(Vec::new())),
            Ok(Feed::Chunk(chunk)) => {
                let mut records = Vec::new();
                self.work(&chunk, &mut records, hooks).map_err(RunError::Hook)?;
                self.metering.count(&chunk.tally, &records);
                Ok(Step::Records(records))
            }
            Ok(Feed::End(end)) => {
                *failure = end.take_failure();
                self.workers.join();
                self.metering.finish(end.time, &end.tally, hooks)
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.workers.failure()),
        }
    }

    fn work<H: Hooks>(
        &mut self,
        chunk: &Decoded,
        out: &mut Vec<Record>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let mut start = 0;
        for tick in &chunk.ticks {
            let packets = chunk.content.all.get(start..tick.index).unwrap_or_default();
            let packets = packets.iter().map(|packet| (0, packet));
            self.metering.meter.process(&chunk.bytes, packets, hooks)?;
            self.metering.tick(tick.time, out, hooks)?;
            start = tick.index;
        }
        let packets = chunk.content.all.get(start..).unwrap_or_default();
        self.metering.meter.process(&chunk.bytes, packets.iter().map(|packet| (0, packet)), hooks)
    }
}

impl Metering {
    fn new(parts: MeterParts, config: &Config, shared: Arc<Shared>) -> Self {
        Self {
            meter: config.meter(1, parts),
            order: Order::new(config.timeouts.idle),
            rules: config.rules,
            shared,
        }
    }

    fn tick<H: Hooks>(
        &mut self,
        time: Timestamp,
        out: &mut Vec<Record>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        self.meter.tick(time, hooks)?;
        match self.rules {
            Rules::Standard => {
                self.order.take(self.meter.drain_records());
                self.order.release(time, out);
            }
            // The meter has found them in their order.
            Rules::Nfstream6 => out.extend(self.meter.drain_records()),
        }
        Ok(())
    }

    fn finish<H: Hooks>(
        &mut self,
        time: Timestamp,
        tally: &Tally,
        hooks: &mut H,
    ) -> Result<Step, RunError> {
        let mut records = Vec::new();
        self.meter.finish(time, hooks).map_err(RunError::Hook)?;
        match self.rules {
            Rules::Standard => {
                self.order.take(self.meter.drain_records());
                self.order.finish(&mut records);
            }
            Rules::Nfstream6 => records.extend(self.meter.drain_records()),
        }
        self.count(tally, &records);
        Ok(Step::Last(records))
    }

    fn count(&mut self, tally: &Tally, records: &[Record]) {
        let found = Found {
            late_packets: self.meter.take_late_packets(),
            evicted_flows: self.meter.take_evicted_flows(),
            active_flows: self.meter.active_flows(),
        };
        self.shared.count(tally, found, records);
    }
}
