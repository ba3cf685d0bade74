//! Cost of the flow table, by the number of active flows: `cargo bench --bench table`.
//!
//! A thousand flows fit in the caches, a million do not: the difference is the cost of memory, and
//! shows the gain of prefetching.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use nfstream::flow::{FlowKey, FlowTable, KeyHasher, Sender};
use nfstream::packet::{Endpoint, Packet};
use nfstream::time::Timestamp;

/// Numbers of active flows.
const FLOWS: [u32; 3] = [1_000, 50_000, 1_000_000];
/// Look-ups in one sample.
const LOOKUPS: usize = 65_536;
/// Look-ups whose memory is prefetched together, as in a meter.
const BATCH: usize = 32;

/// State of the size that a meter keeps for a flow.
type State = [u64; 5];

fn main() {
    divan::main();
}

/// The key of a packet, and its hash.
#[divan::bench]
fn key_and_hash(bencher: Bencher<'_, '_>) {
    let hasher = KeyHasher::default();
    let packets: Vec<_> = (0..1024).map(packet).collect();
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        for packet in &packets {
            let (key, sender) = FlowKey::of(black_box(packet));
            black_box((hasher.key(&key), sender));
        }
    });
}

/// Flows found one after the other; each look-up waits for its memory.
#[divan::bench(args = FLOWS)]
fn find(bencher: Bencher<'_, '_>, flows: u32) {
    let (table, wanted) = filled(flows);
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        for (hash, key) in &wanted {
            black_box(table.find(*hash, key));
        }
    });
}

/// Flows found in batches whose memory is prefetched, as in a meter.
#[divan::bench(args = FLOWS)]
fn find_in_batches(bencher: Bencher<'_, '_>, flows: u32) {
    let (table, wanted) = filled(flows);
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        for batch in wanted.chunks(BATCH) {
            for (hash, _) in batch {
                table.prefetch_index(*hash);
            }
            for (hash, _) in batch {
                table.prefetch_entry(*hash);
            }
            for (hash, key) in batch {
                black_box(table.find(*hash, key));
            }
        }
    });
}

/// Flows whose addresses collide under a known or a weak hash.
#[divan::bench(args = CLASSES)]
fn find_chosen_addresses(bencher: Bencher<'_, '_>, class: Class) {
    const FLOWS: u32 = 50_000;
    let hasher = KeyHasher::default();
    let mut table = FlowTable::new();
    let wanted: Vec<_> =
        (0..FLOWS).map(|number| hashed_packet(&hasher, &class.packet(number))).collect();
    for (hash, key) in &wanted {
        if table.find(*hash, key).is_none() {
            table.insert(*hash, *key, Sender::Low, TIME, State::default());
        }
    }
    bencher.counter(ItemsCount::new(wanted.len())).bench_local(|| {
        for (hash, key) in &wanted {
            black_box(table.find(*hash, key));
        }
    });
}

/// Flows inserted and removed, in a table of this size.
#[divan::bench(args = FLOWS)]
fn insert_and_remove(bencher: Bencher<'_, '_>, flows: u32) {
    let hasher = KeyHasher::default();
    let (mut table, _) = filled(flows);
    let fresh: Vec<_> = (flows..flows + 4096).map(|number| hashed(&hasher, number)).collect();
    bencher.counter(ItemsCount::new(fresh.len())).bench_local(|| {
        let slots: Vec<_> = fresh
            .iter()
            .map(|(hash, key)| table.insert(*hash, *key, Sender::Low, TIME, State::default()))
            .collect();
        for ((hash, _), slot) in fresh.iter().zip(slots) {
            table.remove(*hash, slot);
        }
    });
}

/// Relation between the two addresses of a flow.
#[derive(Clone, Copy, Debug)]
enum Class {
    Independent,
    EqualXor,
    EqualSum,
    SwappedHalves,
}

const CLASSES: [Class; 4] =
    [Class::Independent, Class::EqualXor, Class::EqualSum, Class::SwappedHalves];

impl Class {
    fn packet(self, number: u32) -> Packet {
        let addr = number.wrapping_mul(0x9e37_79b1);
        let other = match self {
            Self::Independent => (number ^ 0x5555_5555).wrapping_mul(0x85eb_ca6b),
            Self::EqualXor => addr ^ 0x0a0b_0c0d,
            Self::EqualSum => 0x0a0b_0c0d_u32.wrapping_sub(addr),
            Self::SwappedHalves => addr.rotate_left(16),
        };
        let [src, dst] = [addr, other].map(|addr| Endpoint::v4(addr.to_be_bytes(), 443));
        Packet { src, dst, version: 4, protocol: 6, ..Packet::default() }
    }
}

const TIME: Timestamp = Timestamp::from_nanos(0);

/// Returns a table of `flows` flows, and some of their keys with their hashes, in no order.
fn filled(flows: u32) -> (FlowTable<State>, Vec<(u64, FlowKey)>) {
    let hasher = KeyHasher::default();
    let mut table = FlowTable::new();
    for number in 0..flows {
        let (hash, key) = hashed(&hasher, number);
        table.insert(hash, key, Sender::Low, TIME, State::default());
    }
    // A stride that visits every flow before it repeats one.
    let wanted = (0..LOOKUPS).scan(0_u32, |number, _| {
        *number = (*number + 387_107) % flows;
        Some(hashed(&hasher, *number))
    });
    (table, wanted.collect())
}

fn hashed(hasher: &KeyHasher, number: u32) -> (u64, FlowKey) {
    hashed_packet(hasher, &packet(number))
}

fn hashed_packet(hasher: &KeyHasher, packet: &Packet) -> (u64, FlowKey) {
    let (key, _) = FlowKey::of(packet);
    (hasher.key(&key), key)
}

fn packet(number: u32) -> Packet {
    let [_, a, b, c] = number.to_be_bytes();
    let src = Endpoint::v4([10, a, b, c], 50_000);
    let dst = Endpoint::v4([192, 0, 2, 1], 443);
    Packet { src, dst, version: 4, protocol: 6, ..Packet::default() }
}
