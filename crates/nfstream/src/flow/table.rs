//! The flow table: an index of hashes over slots that hold the flows.

use nfstream_sys::prefetch_slice;

use super::{FlowKey, Sender};
use crate::time::Timestamp;

/// Key and times of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The conversation.
    pub key: FlowKey,
    /// The end that sent the first packet of the conversation: the flow's source.
    pub src: Sender,
    /// Counts the flows that entered or left this slot, so it is odd while one is in it; see
    /// [`Wheel`](super::Wheel).
    pub generation: u32,
    /// Innermost VLAN of the conversation's first packet, 0 without a tag.
    pub vlan_id: u16,
    /// Innermost tunnel that carried that packet, 0 without one.
    pub tunnel_id: u32,
    /// Time of the first packet.
    pub first_seen: Timestamp,
    /// Time of the last packet.
    pub last_seen: Timestamp,
    /// Conversations that began in this table before this one.
    pub birth: u64,
    /// Slices of the conversation that ended before this one.
    pub slice: u32,
}

/// Position of a flow in its table.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Slot(u32);

/// A flow and its state, in separate cache lines.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Entry<S> {
    /// Key and times.
    pub flow: Flow,
    /// State of the flow.
    pub state: S,
}

/// The active flows, each with a state `S`.
#[derive(Debug)]
pub struct FlowTable<S> {
    index: Index,
    entries: Vec<Entry<S>>,
    free: Vec<Slot>,
    births: u64,
}

impl Slot {
    /// Returns the slot as an index into data kept outside the table.
    #[inline]
    pub fn index(self) -> usize {
        // A `usize` holds at least 32 bits on every platform with the memory for a flow table.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<S> FlowTable<S> {
    /// Returns an empty table.
    pub fn new() -> Self {
        Self { index: Index::new(), entries: Vec::new(), free: Vec::new(), births: 0 }
    }

    /// Inserts a new flow, whose key has `hash`, into a free slot; the caller sets VLAN and tunnel.
    ///
    /// The key must not be in the table.
    pub fn insert(
        &mut self,
        hash: u64,
        key: FlowKey,
        src: Sender,
        time: Timestamp,
        state: S,
    ) -> Slot {
        let mut flow = Flow {
            key,
            src,
            vlan_id: 0,
            tunnel_id: 0,
            generation: 1,
            first_seen: time,
            last_seen: time,
            birth: self.births,
            slice: 0,
        };
        self.births += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                let entry = &mut self.entries[slot.index()];
                flow.generation = entry.flow.generation.wrapping_add(1);
                *entry = Entry { flow, state };
                slot
            }
            None => {
                let slot = Slot(u32::try_from(self.entries.len()).expect("below 2^32 flows"));
                self.entries.push(Entry { flow, state });
                slot
            }
        };
        self.index.insert(hash, slot);
        slot
    }

    /// Skips numbers of conversations: the next one has at least this number.
    #[inline]
    pub fn skip_births_to(&mut self, number: u64) {
        self.births = self.births.max(number);
    }

    /// Counts a conversation that begins in an occupied slot.
    pub fn next_birth(&mut self) -> u64 {
        let birth = self.births;
        self.births += 1;
        birth
    }

    /// Removes the flow in `slot`, whose key has `hash`, and frees the slot.
    pub fn remove(&mut self, hash: u64, slot: Slot) {
        self.index.remove(hash, slot);
        let flow = &mut self.entries[slot.index()].flow;
        flow.generation = flow.generation.wrapping_add(1);
        // No packet has the key of a free slot.
        flow.key.version = u8::MAX;
        self.free.push(slot);
    }

    /// Returns the slot of the flow of `key`, whose hash is `hash`; `probable` is that of
    /// [`prefetch_entry`](Self::prefetch_entry).
    #[inline]
    pub fn find_at(&self, probable: Option<Slot>, hash: u64, key: &FlowKey) -> Option<Slot> {
        probable
            .filter(|slot| self.entries[slot.index()].flow.key == *key)
            .or_else(|| self.find(hash, key))
    }

    /// Returns the slot of the flow of `key`, whose hash is `hash`.
    #[inline]
    pub fn find(&self, hash: u64, key: &FlowKey) -> Option<Slot> {
        self.index.find(hash, |slot| self.entries[slot.index()].flow.key == *key)
    }

    /// Prefetches the memory that [`find`](Self::find) reads first.
    #[inline]
    pub fn prefetch_index(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Prefetches the flow that probably has the key with `hash`, and returns its slot.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) -> Option<Slot> {
        let slot = self.index.find(hash, |_| true)?;
        nfstream_sys::prefetch_read(&self.entries[slot.index()].flow);
        nfstream_sys::prefetch_read(&self.entries[slot.index()].state);
        Some(slot)
    }

    /// Returns the flow in `slot`.
    #[inline]
    pub fn entry(&self, slot: Slot) -> &Entry<S> {
        &self.entries[slot.index()]
    }

    /// Returns the flow in `slot`.
    #[inline]
    pub fn entry_mut(&mut self, slot: Slot) -> &mut Entry<S> {
        &mut self.entries[slot.index()]
    }

    /// Returns the flow in `slot` if it still has `generation`.
    pub fn alive(&self, slot: Slot, generation: u32) -> Option<&Entry<S>> {
        let entry = &self.entries[slot.index()];
        (entry.flow.generation == generation).then_some(entry)
    }

    /// Returns the number of slots, free ones included.
    pub fn places(&self) -> usize {
        self.entries.len()
    }

    /// Returns the slot at `index` if a flow is in it.
    pub fn occupied(&self, index: usize) -> Option<Slot> {
        let entry = self.entries.get(index)?;
        let slot = Slot(u32::try_from(index).ok()?);
        (entry.flow.generation % 2 == 1).then_some(slot)
    }

    /// Returns the number of flows in the table.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Returns whether there is no flow in the table.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the slots of all flows, in no particular order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.index.entries.iter().filter(|entry| !entry.is_free()).map(|entry| entry.slot)
    }
}

impl<S> Default for FlowTable<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Slots by hash: open addressing with linear probing, half of the places free, so that a look-up
/// rarely touches a second cache line.
#[derive(Debug)]
struct Index {
    /// A power of two in number.
    entries: Vec<IndexEntry>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct IndexEntry {
    hash: u32,
    slot: Slot,
}

impl IndexEntry {
    const FREE: Self = Self { hash: 0, slot: Slot(u32::MAX) };

    #[inline]
    fn is_free(&self) -> bool {
        self.slot == Self::FREE.slot
    }
}

impl Index {
    const FIRST_CAPACITY: usize = 1024;

    fn new() -> Self {
        Self { entries: vec![IndexEntry::FREE; Self::FIRST_CAPACITY], len: 0 }
    }

    #[inline]
    fn find(&self, hash: u64, is_it: impl Fn(Slot) -> bool) -> Option<Slot> {
        let hash = Self::fold(hash);
        let mut place = self.home(hash);
        loop {
            let entry = self.entries[place];
            if entry.is_free() {
                return None;
            }
            if entry.hash == hash && is_it(entry.slot) {
                return Some(entry.slot);
            }
            place = self.next(place);
        }
    }

    fn insert(&mut self, hash: u64, slot: Slot) {
        if (self.len + 1) * 2 > self.entries.len() {
            self.grow();
        }
        self.len += 1;
        self.place(IndexEntry { hash: Self::fold(hash), slot });
    }

    fn remove(&mut self, hash: u64, slot: Slot) {
        let mut hole = self.home(Self::fold(hash));
        while self.entries[hole].slot != slot {
            if self.entries[hole].is_free() {
                return;
            }
            hole = self.next(hole);
        }
        self.len -= 1;
        // Entries after the hole move up unless that would place them before their home.
        let mut place = self.next(hole);
        while !self.entries[place].is_free() {
            let home = self.home(self.entries[place].hash);
            let mask = self.entries.len() - 1;
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.entries[hole] = self.entries[place];
                hole = place;
            }
            place = self.next(place);
        }
        self.entries[hole] = IndexEntry::FREE;
    }

    #[inline]
    fn prefetch(&self, hash: u64) {
        prefetch_slice(&self.entries, self.home(Self::fold(hash)));
    }

    fn grow(&mut self) {
        let larger = vec![IndexEntry::FREE; self.entries.len() * 2];
        for entry in std::mem::replace(&mut self.entries, larger) {
            if !entry.is_free() {
                self.place(entry);
            }
        }
    }

    fn place(&mut self, entry: IndexEntry) {
        let mut place = self.home(entry.hash);
        while !self.entries[place].is_free() {
            place = self.next(place);
        }
        self.entries[place] = entry;
    }

    #[inline]
    fn fold(hash: u64) -> u32 {
        #[allow(clippy::as_conversions, reason = "the low half of the hash is what is kept")]
        let low = hash as u32;
        low
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        usize::try_from(hash).unwrap_or(0) & (self.entries.len() - 1)
    }

    #[inline]
    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.entries.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{Endpoint, Packet};

    fn key(number: u16) -> FlowKey {
        let src = Endpoint::v4([192, 0, 2, 1], number);
        let dst = Endpoint::v4([192, 0, 2, 2], 53);
        FlowKey::of(&Packet { src, dst, protocol: 17, version: 4, ..Packet::default() }).0
    }

    proptest! {
        /// Only a few distinct hashes, so that probing, moving up and growing all occur.
        #[test]
        fn table_finds_what_a_map_finds(
            steps in proptest::collection::vec((any::<bool>(), 0_u16..3000), 1..6000),
            spread in 1_u64..2000,
        ) {
            let mut table = FlowTable::new();
            let mut model = std::collections::HashMap::new();
            for (insert, number) in steps {
                let hash = u64::from(number) % spread * 0x9e37_79b9;
                let key = key(number);
                match (insert, model.contains_key(&number)) {
                    (true, false) => {
                        let slot =
                            table.insert(hash, key, Sender::Low, Timestamp::default(), number);
                        model.insert(number, slot);
                    }
                    (false, true) => table.remove(hash, model.remove(&number).unwrap()),
                    _ => {}
                }
                prop_assert_eq!(table.find(hash, &key), model.get(&number).copied());
                prop_assert_eq!(table.len(), model.len());
            }
            let mut occupied: Vec<_> =
                (0..table.places()).filter_map(|index| table.occupied(index)).collect();
            prop_assert_eq!(occupied.len(), model.len());
            for (number, slot) in model {
                prop_assert_eq!(table.entry(slot).state, number);
                occupied.retain(|one| *one != slot);
            }
            prop_assert!(occupied.is_empty());
        }
    }

    impl Index {
        /// Returns the number of places that an unsuccessful look-up of `hash` reads.
        fn probes(&self, hash: u64) -> usize {
            let mut place = self.home(Self::fold(hash));
            let mut probes = 1;
            while !self.entries[place].is_free() {
                place = self.next(place);
                probes += 1;
            }
            probes
        }
    }

    /// Returns the mean and the maximum number of places that look-ups read for flows between
    /// `pairs`, and the load of the busiest of 16 meters relative to an equal share.
    fn cost(pairs: fn(u32) -> [u32; 2]) -> (f64, usize, f64) {
        const FLOWS: u32 = 50_000;
        let hasher = crate::flow::KeyHasher::default();
        let mut table = FlowTable::new();
        let mut hashes = Vec::new();
        let mut shares = [0_u32; 16];
        for number in 0..FLOWS {
            let [src, dst] = pairs(number).map(|addr| Endpoint::v4(addr.to_be_bytes(), 443));
            let packet = Packet { src, dst, protocol: 6, version: 4, ..Packet::default() };
            let (key, sender) = FlowKey::of(&packet);
            let hash = hasher.key(&key);
            if table.find(hash, &key).is_none() {
                table.insert(hash, key, sender, Timestamp::default(), ());
                hashes.push(hash);
                shares[usize::try_from(crate::flow::hash_of_addresses(&packet) % 16).unwrap()] += 1;
            }
        }
        assert!(hashes.len() > 49_000, "these are {} flows", hashes.len());
        let probes: Vec<_> = hashes.iter().map(|&hash| table.index.probes(hash)).collect();
        let per_flow = |total: usize| total as f64 / hashes.len() as f64;
        let busiest = f64::from(*shares.iter().max().unwrap()) * 16.0 / hashes.len() as f64;
        (per_flow(probes.iter().sum()), *probes.iter().max().unwrap(), busiest)
    }

    /// Every class collides completely under a known hash, or under one that combines the two
    /// addresses carelessly.
    #[test]
    #[allow(clippy::type_complexity, reason = "a table that is read in one place")]
    fn chosen_addresses_cost_at_most_twice_as_much() {
        fn odd(number: u32) -> u32 {
            number.wrapping_mul(0x9e37_79b1)
        }
        let (usual, longest, _) = cost(|n| [odd(n), odd(n ^ 0x5555_5555).rotate_left(16)]);
        let classes: [(&str, fn(u32) -> [u32; 2]); 7] = [
            ("equal xor", |n| [odd(n), odd(n) ^ 0x0a0b_0c0d]),
            ("equal sum", |n| [odd(n), 0x0a0b_0c0d_u32.wrapping_sub(odd(n))]),
            ("swapped halves", |n| [odd(n), odd(n).rotate_left(16)]),
            ("both the same", |n| [odd(n), odd(n)]),
            ("low bits equal", |n| [n << 16, n >> 16]),
            ("neighbours", |n| [0x0a00_0000 + n, 0xc000_0201]),
            ("a grid", |n| [0x0a00_0000 + n % 224, 0x0a01_0000 + n / 224]),
        ];
        for (name, pairs) in classes {
            let (mean, most, busiest) = cost(pairs);
            assert!(mean < 2.0 * usual, "{name}: {mean} places for each look-up, others {usual}");
            assert!(most < 4 * longest, "{name}: {most} places at most, others {longest}");
            assert!(busiest < 1.1, "{name}: a meter has {busiest} of its share");
        }
    }

    #[test]
    fn a_reused_slot_is_distinguished_from_its_earlier_flow() {
        let mut table = FlowTable::new();
        let slot = table.insert(1, key(1), Sender::Low, Timestamp::default(), ());
        let generation = table.entry(slot).flow.generation;
        table.remove(1, slot);
        assert_eq!(table.insert(2, key(2), Sender::Low, Timestamp::default(), ()), slot);
        assert!(table.alive(slot, generation).is_none());
    }
}
