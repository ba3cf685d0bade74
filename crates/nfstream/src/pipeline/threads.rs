//! Several meters in separate threads; the caller's thread merges their results.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::active::lock;
use super::config::{Config, MeterParts};
use super::error::RunError;
use super::feed::{FedChunk, Feed};
use super::front::{self, FrontConfig, PATIENCE, QUEUE};
use super::intake::Intake;
use super::merge::{Ids, Order};
use super::outcome::Advance;
use super::shared::{MeterCounts, Shared};
use super::sync::{Mutex, Receiver, RecvTimeoutError, Sender, bounded};
use super::ticks::stretches;
use super::turns::Turns;
use super::worker::Workers;
use crate::features::Record;
use crate::flow::Tick;
use crate::meter::{HookError, Meter, MeterOutput, NoHooks, Standard};

/// The threads of a run, as seen by the thread that merges.
pub(super) struct Threads {
    /// The chunks, which the meters also get.
    feed: Receiver<Feed>,
    /// Results of each meter for those chunks.
    outputs: Vec<Receiver<MeterOutput>>,
    meters: NonZeroUsize,
    ids: Arc<Mutex<Ids>>,
    order: Order,
    shared: Arc<Shared>,
    workers: Workers,
}

impl Threads {
    pub(super) fn start(
        intake: Intake,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        let shards = config.meters.get();
        let mut workers = Workers::default();
        let front = FrontConfig {
            decoder: config.decoder(),
            decoders: decoders(shards),
            shards,
            consumers: shards + 1,
        };
        let mut feeds = front::start(intake, front, &mut workers);
        // The last to be sent a chunk: the merge never waits for one that a meter lacks.
        let feed = feeds.pop().expect("one consumer more than meters");
        let mut outputs = Vec::new();
        let ids = Arc::new(Mutex::new(Ids::new(shards)));
        shared.shards().number_by(&ids);
        let MeterParts { dissector: mut ready, processes, spare } = parts;
        for (shard, feed) in feeds.into_iter().enumerate() {
            let (sender, receiver) = bounded(QUEUE);
            let (mut dissector, config) = (ready.take(), config.clone());
            let mut processes = processes.clone();
            let (spare, shared) = (spare.clone(), Arc::clone(&shared));
            workers.spawn(&format!("nfstream-meter-{shard}"), move || {
                // Created in this thread: creating a dissector can take longer than metering many
                // chunks.
                if dissector.is_none() {
                    dissector = config.dissector()?;
                }
                let parts = MeterParts {
                    dissector: dissector.take(),
                    processes: processes.take(),
                    spare: spare.clone(),
                };
                let meter = Arc::new(Turns::new(Meter::new(config.meter(shards, parts))));
                shared.shards().add(shard, &meter);
                run_meter(&meter, shard, &feed, &sender);
                Ok(())
            });
            outputs.push(receiver);
        }
        Self {
            feed,
            outputs,
            meters: config.meters,
            ids,
            order: Order::new(config.timeouts.idle),
            shared,
            workers,
        }
    }

    /// Returns the number of meters.
    pub(super) fn meters(&self) -> NonZeroUsize {
        self.meters
    }

    pub(super) fn advance(&mut self) -> Result<Advance, RunError> {
        let mut records = Vec::new();
        match self.feed.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => Ok(Advance::default()),
            Ok(Feed::Chunk(chunk)) => {
                let outputs = self.collect()?;
                let counts = self.merge(outputs, &chunk.ticks, &mut records);
                self.shared.count(&chunk.tally, counts, &records);
                Ok(Advance { records, outcome: None })
            }
            Ok(Feed::End(end)) => {
                let outputs = self.collect()?;
                let counts = self.merge(outputs, &[], &mut records);
                self.order.finish(&mut records);
                self.shared.count(&end.tally, counts, &records);
                let outcome = end.take_outcome();
                self.workers.join();
                Ok(Advance { records, outcome: Some(outcome) })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.workers.failure()),
        }
    }

    /// Waits for the results of each meter for one chunk.
    fn collect(&self) -> Result<Vec<MeterOutput>, RunError> {
        self.outputs.iter().map(|meter| meter.recv().map_err(|_| self.workers.failure())).collect()
    }

    fn merge(
        &mut self,
        mut outputs: Vec<MeterOutput>,
        ticks: &[Tick],
        out: &mut Vec<Record>,
    ) -> MeterCounts {
        lock(&self.ids).assign(&mut outputs);
        let counts = MeterCounts {
            late_packets: outputs.iter().map(|output| output.late_packets).sum(),
            evicted_flows: outputs.iter().map(|output| output.evicted_flows).sum(),
            active_flows: outputs.iter().map(|output| output.active_flows).sum(),
        };
        let mut meters: Vec<_> = outputs
            .into_iter()
            .map(|output| (output.records.into_iter(), output.records_at_ticks))
            .collect();
        for (number, tick) in ticks.iter().enumerate() {
            for (records, at_ticks) in &mut meters {
                let before = number.checked_sub(1).and_then(|number| at_ticks.get(number));
                let due = at_ticks.get(number).map_or(0, |now| now - before.unwrap_or(&0));
                self.order.take(records.by_ref().take(due));
            }
            self.order.release(tick.time, out);
        }
        self.order.take(meters.into_iter().flat_map(|(records, _)| records));
        counts
    }
}

/// Returns the number of decoders: finding and decoding a packet takes about twice the instructions
/// of metering it without labels.
fn decoders(shards: usize) -> usize {
    (3 * shards).div_ceil(4)
}

/// Meters the packets of one shard until the source ends or the merge is dropped.
fn run_meter(
    meter: &Turns<Meter<Standard>>,
    shard: usize,
    feed: &Receiver<Feed>,
    outputs: &Sender<MeterOutput>,
) {
    for feed in feed {
        let mut meter = meter.take(false);
        let ended = match feed {
            Feed::Chunk(chunk) => {
                meter_chunk(&mut meter, shard, &chunk);
                false
            }
            Feed::End(end) => {
                no_error(meter.finish(end.time, &mut NoHooks));
                true
            }
        };
        let output = meter.take_output();
        drop(meter);
        if outputs.send(output).is_err() || ended {
            return;
        }
    }
}

fn meter_chunk(meter: &mut Meter<Standard>, shard: usize, chunk: &FedChunk) {
    meter.note(&chunk.content.decoded.clues);
    let packets = &chunk.content.decoded.packets;
    let mut places = chunk.content.shares.get(shard).map_or(&[][..], Vec::as_slice);
    for stretch in stretches(&chunk.ticks, packets.len(), usize::MAX) {
        let is_before = |place: &u32| usize::try_from(*place).is_ok_and(|i| i < stretch.range.end);
        let (due, later) = places.split_at(places.partition_point(is_before));
        places = later;
        let due = due
            .iter()
            .filter_map(|&place| Some((place, packets.get(usize::try_from(place).ok()?)?)));
        no_error(meter.process(&chunk.bytes, due, &mut NoHooks));
        if let Some(time) = stretch.tick {
            no_error(meter.tick(time, &mut NoHooks));
        }
    }
}

/// Asserts that a result without hooks is no error.
fn no_error(result: Result<(), HookError>) {
    debug_assert!(result.is_ok(), "no hooks, no errors of hooks");
}
