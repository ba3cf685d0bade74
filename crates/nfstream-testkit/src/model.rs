//! Model of the flow rules: a map of flows, without scans or a clock.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use nfstream::features::Label;
use nfstream::flow::{EndReason, FragmentTable};
use nfstream::time::Timestamp;

use crate::strategies::{Piece, Plan};
use crate::{Ends, Row};

/// Returns the rows of `stream`, with one meter.
///
/// A silent flow stays active until the next packet of its key or the end of the input. So the
/// model matches the engine if nothing is evicted, or if no flow is silent for long enough to end.
pub fn rows(stream: &[(Timestamp, Plan)], ends: &Ends) -> Vec<Row> {
    let mut model = Model {
        ends: *ends,
        active: HashMap::new(),
        firsts: HashMap::new(),
        next_id: 0,
        ended: Vec::new(),
    };
    for (time, plan) in stream {
        model.arrive(*time, plan);
    }
    model.finish(stream.last().map(|(time, _)| *time).unwrap_or_default())
}

struct Model {
    ends: Ends,
    active: HashMap<Key, Row>,
    /// Time, ends and protocol of first fragments.
    firsts: HashMap<FragmentKey, (Timestamp, [SocketAddr; 2], u8)>,
    next_id: u64,
    ended: Vec<Row>,
}

type Key = ([SocketAddr; 2], u8, Vec<u16>);
type FragmentKey = (IpAddr, IpAddr, Option<u8>, Vec<u16>, u16);

impl Model {
    fn arrive(&mut self, time: Timestamp, plan: &Plan) {
        let timeouts = self.ends.timeouts;
        let (ends, protocol) = self.join_fragments(time, plan);
        let [src, dst] = ends;
        let key = ([src.min(dst), src.max(dst)], protocol, plan.vlan_ids());
        let wire_len = u64::from(plan.captured(time).wire_len);
        let arrived = time;
        // Time never runs backwards within a flow.
        let time = self.active.get(&key).map_or(time, |row| time.max(row.last_seen));
        let begun = |id, slice, src, dst| Row {
            id,
            slice,
            src,
            dst,
            protocol,
            vlan_id: plan.vlan_id(),
            first_seen: time,
            last_seen: time,
            ended: time,
            end_reason: EndReason::EndOfInput,
            expiration_id: 0,
            packets: [0, 0],
            bytes: [0, 0],
            label: Label::default(),
            metadata: None,
        };
        let mut row = match self.active.remove(&key) {
            None => {
                if self.active.len() == self.ends.max_active_flows {
                    self.evict(arrived);
                }
                self.next_id += 1;
                begun(self.next_id - 1, 0, src, dst)
            }
            Some(mut row) if time.since(row.last_seen) >= timeouts.idle => {
                row.ended = row.last_seen.plus(timeouts.idle);
                row.end_reason = EndReason::Idle;
                self.ended.push(row);
                self.next_id += 1;
                begun(self.next_id - 1, 0, src, dst)
            }
            Some(mut row) if time.since(row.first_seen) >= timeouts.active => {
                (row.ended, row.end_reason, row.expiration_id) = (time, EndReason::Active, 1);
                let next =
                    Row { vlan_id: row.vlan_id, ..begun(row.id, row.slice + 1, row.src, row.dst) };
                self.ended.push(row);
                next
            }
            Some(row) => row,
        };
        let direction = usize::from((row.src, row.dst) != (src, dst));
        row.packets[direction] += 1;
        row.bytes[direction] += wire_len;
        row.last_seen = time;
        self.active.insert(key, row);
    }

    /// Ends the flow that has been silent for longest at `time`, if any.
    fn evict(&mut self, time: Timestamp) {
        let by_silence = |(_, row): &(&Key, &Row)| (row.last_seen, row.id);
        let Some((key, _)) = self.active.iter().min_by_key(by_silence) else { return };
        let key = key.clone();
        self.ended.extend(self.active.remove(&key).map(|row| Row {
            ended: time.max(row.last_seen),
            end_reason: EndReason::Evicted,
            ..row
        }));
    }

    /// Ends all flows at the end of the input, `time`.
    fn finish(mut self, time: Timestamp) -> Vec<Row> {
        for mut row in self.active.into_values() {
            let idle = row.last_seen.plus(self.ends.timeouts.idle);
            (row.ended, row.end_reason) = if idle <= time {
                (idle, EndReason::Idle)
            } else {
                (Timestamp::MAX, EndReason::EndOfInput)
            };
            self.ended.push(row);
        }
        self.ended.sort_by_key(|row| (row.ended, row.id, row.slice));
        self.ended
    }

    fn join_fragments(&mut self, time: Timestamp, plan: &Plan) -> ([SocketAddr; 2], u8) {
        let (Piece::First(number) | Piece::Later(number)) = plan.piece else {
            return (plan.ends(), plan.protocol);
        };
        let (src, dst) = (plan.src.ip(), plan.dst.ip());
        // IPv4 identifications count per protocol.
        let protocol = src.is_ipv4().then_some(plan.protocol);
        let key = (src, dst, protocol, plan.vlan_ids(), number);
        if let Piece::First(_) = plan.piece {
            self.firsts.insert(key, (time, plan.ends(), plan.protocol));
        } else if let Some((first, ends, protocol)) = self.firsts.get(&key)
            && time.since(*first) < FragmentTable::LIFETIME
        {
            return (*ends, *protocol);
        }
        (plan.ends(), plan.protocol)
    }
}
