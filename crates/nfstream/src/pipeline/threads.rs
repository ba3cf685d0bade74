//! Several meters, each in a thread of its own; the caller's thread merges what they find.

use std::sync::Arc;

use super::front::{self, Decoded, Feed, FrontConfig, PATIENCE, QUEUE};
use super::merge::{Ids, Order};
use super::sync::{Receiver, RecvTimeoutError, Sender, bounded};
use super::worker::Workers;
use super::{Config, Found, MeterParts, RunError, Shared, Step};
use crate::capture::Source;
use crate::features::Record;
use crate::flow::Tick;
use crate::meter::{Meter, MeterOutput, NoHooks};

/// The threads of a run, seen from the one that merges.
pub(super) struct Threads {
    /// The same chunks that the meters get.
    feed: Receiver<Feed>,
    /// What each meter has found in them.
    output: Vec<Receiver<MeterOutput>>,
    ids: Ids,
    order: Order,
    ticks: u64,
    shared: Arc<Shared>,
    workers: Workers,
}

impl Threads {
    pub(super) fn start(
        source: Box<dyn Source>,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Self {
        let shards = config.meters.get();
        let mut workers = Workers::default();
        let front = FrontConfig {
            limit: config.chunk_packets.get(),
            decode: config.decode,
            rules: config.rules,
            decoders: shards.div_ceil(4),
            shards,
            consumers: shards + 1,
        };
        let mut feeds = front::start(source, front, &shared, &mut workers);
        // The last to be sent a chunk: whoever merges never waits for one that a meter lacks.
        let feed = feeds.pop().expect("one consumer more than meters");
        let mut output = Vec::new();
        let MeterParts { dissector: mut ready, processes, spare } = parts;
        for (shard, feed) in feeds.into_iter().enumerate() {
            let (sender, receiver) = bounded(QUEUE);
            let (mut dissector, config) = (ready.take(), config.clone());
            let mut processes = processes.clone();
            let spare = spare.clone();
            workers.spawn(&format!("nfstream-meter-{shard}"), move || {
                // In this thread: making a dissector takes longer than metering many a chunk.
                if dissector.is_none() {
                    dissector = config.make_dissector()?;
                }
                let parts = MeterParts {
                    dissector: dissector.take(),
                    processes: processes.take(),
                    spare: spare.clone(),
                };
                let mut meter = config.meter(shards, parts);
                run_meter(&mut meter, shard, &feed, &sender);
                Ok(())
            });
            output.push(receiver);
        }
        let ids = Ids::new(shards);
        Self {
            feed,
            output,
            ids,
            order: Order::new(config.timeouts.idle),
            ticks: 0,
            shared,
            workers,
        }
    }

    pub(super) fn advance(&mut self, failure: &mut Option<RunError>) -> Result<Step, RunError> {
        let mut records = Vec::new();
        match self.feed.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => Ok(Step::Records(records)),
            Ok(Feed::Chunk(chunk)) => {
                let output = self.collect()?;
                let found = self.merge(output, &chunk.ticks, &mut records);
                self.shared.count(&chunk.tally, found, &records);
                Ok(Step::Records(records))
            }
            Ok(Feed::End(end)) => {
                let output = self.collect()?;
                let found = self.merge(output, &[], &mut records);
                self.order.finish(&mut records);
                self.shared.count(&end.tally, found, &records);
                *failure = end.take_failure();
                self.workers.join();
                Ok(Step::Last(records))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.workers.failure()),
        }
    }

    /// Waits for what each meter has found in one chunk.
    fn collect(&self) -> Result<Vec<MeterOutput>, RunError> {
        self.output.iter().map(|meter| meter.recv().map_err(|_| self.workers.failure())).collect()
    }

    fn merge(
        &mut self,
        mut output: Vec<MeterOutput>,
        ticks: &[Tick],
        out: &mut Vec<Record>,
    ) -> Found {
        self.ids.assign(&mut output);
        let found = Found {
            late_packets: output.iter().map(|output| output.late_packets).sum(),
            evicted_flows: output.iter().map(|output| output.evicted_flows).sum(),
            active_flows: output.iter().map(|output| output.active_flows).sum(),
        };
        let mut records: Vec<_> =
            output.into_iter().map(|output| output.records.into_iter().peekable()).collect();
        for tick in ticks {
            self.ticks += 1;
            for records in &mut records {
                let noticed = |record: &Record| record.phase <= 2 * self.ticks;
                self.order.take(std::iter::from_fn(|| records.next_if(noticed)));
            }
            self.order.release(tick.time, out);
        }
        self.order.take(records.into_iter().flatten());
        found
    }
}

/// Meters the packets of one shard until the source ends or nobody listens.
fn run_meter(meter: &mut Meter, shard: usize, feed: &Receiver<Feed>, output: &Sender<MeterOutput>) {
    for feed in feed {
        let ended = match feed {
            Feed::Chunk(chunk) => {
                meter_chunk(meter, shard, &chunk);
                false
            }
            Feed::End(end) => {
                no_error(meter.finish(end.time, &mut NoHooks));
                true
            }
        };
        if output.send(meter.take_output()).is_err() || ended {
            return;
        }
    }
}

fn meter_chunk(meter: &mut Meter, shard: usize, chunk: &Decoded) {
    let places = chunk.content.shares.get(shard).into_iter().flatten();
    let mut packets = places
        .filter_map(|&place| Some((place, chunk.content.all.get(usize::try_from(place).ok()?)?)))
        .peekable();
    for tick in &chunk.ticks {
        let before = |(index, _): &(u32, _)| usize::try_from(*index).is_ok_and(|i| i < tick.index);
        let until = std::iter::from_fn(|| packets.next_if(before));
        no_error(meter.process(&chunk.bytes, until, &mut NoHooks));
        no_error(meter.tick(tick.time, &mut NoHooks));
    }
    no_error(meter.process(&chunk.bytes, packets, &mut NoHooks));
}

/// Takes a result that cannot be an error, as there are no hooks.
fn no_error(result: Result<(), crate::meter::HookError>) {
    debug_assert!(result.is_ok(), "no hooks, no errors of hooks");
}
