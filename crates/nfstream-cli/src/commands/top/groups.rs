//! Amounts of traffic by application, host, server, port and process, in bounded memory.

use std::net::IpAddr;
use std::ops::AddAssign;

use nfstream::features::{Label, Record, Volume};
use nfstream::flow::Flow;
use nfstream::host::Process;
use nfstream::report::{Ranked, Ranking};

/// Keys of one kind that stay when memory is short: half of the maximum number.
const KEYS: usize = 25_000;

/// Kind of key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Application,
    /// Either end of a flow.
    Host,
    /// Destination of a flow.
    Server,
    /// Destination port.
    Port,
    Process,
}

/// Key of a group of flows.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    Application { master: u16, app: u16 },
    Address(IpAddr),
    Port { protocol: u8, port: u16 },
    Process(Box<str>),
}

/// Packets and bytes of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) packets: f64,
    pub(super) bytes: f64,
}

/// Traffic of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amount {
    /// Flows that have not ended.
    pub(super) active: u64,
    pub(super) flows: u64,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) rate: Rate,
}

/// Order of groups.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    Rate,
    Bytes,
    Packets,
    Flows,
}

/// Amounts by every kind of key.
#[derive(Debug)]
pub(super) struct Groups {
    kinds: [Ranking<Key, Amount>; By::ALL.len()],
    pub(super) total: Amount,
}

/// The largest groups of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Largest {
    pub(super) groups: Vec<(Key, Amount)>,
    /// Number of groups, those that are not listed included.
    pub(super) count: usize,
    /// Whether small groups were dropped for lack of memory.
    pub(super) is_cut: bool,
}

impl By {
    pub(super) const ALL: [Self; 5] =
        [Self::Application, Self::Host, Self::Server, Self::Port, Self::Process];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Application => 0,
            Self::Host => 1,
            Self::Server => 2,
            Self::Port => 3,
            Self::Process => 4,
        }
    }
}

impl Amount {
    /// Returns the amount of a single flow.
    pub(super) fn of(volume: &Volume, is_active: bool, rate: Rate) -> Self {
        Self {
            active: u64::from(is_active),
            flows: 1,
            packets: volume.total_packets(),
            bytes: volume.total_bytes(),
            rate,
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.active += other.active;
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.rate.packets += other.rate.packets;
        self.rate.bytes += other.rate.bytes;
    }
}

impl Ranked for Amount {
    type Order = Order;

    fn rank(&self, order: Order) -> (u64, u64) {
        match order {
            Order::Rate => (whole(self.rate.bytes), self.bytes),
            Order::Bytes => (self.bytes, self.packets),
            Order::Packets => (self.packets, self.bytes),
            Order::Flows => (self.flows, self.bytes),
        }
    }
}

/// Returns a rate as a whole number.
pub(super) fn whole(number: f64) -> u64 {
    // A duration converts between the two without a cast.
    let whole = std::time::Duration::try_from_secs_f64(number.max(0.0));
    whole.map_or(0, |whole| whole.as_secs())
}

impl Default for Groups {
    fn default() -> Self {
        let kinds = By::ALL.map(|_| Ranking::new(Order::Bytes, KEYS));
        Self { kinds, total: Amount::default() }
    }
}

impl Groups {
    /// Adds a flow to its groups.
    pub(super) fn add(
        &mut self,
        flow: &Flow,
        label: Label,
        process: Option<&Process>,
        amount: &Amount,
    ) {
        let key = &flow.key;
        let [source, server] = [flow.src, flow.src.other()].map(|sender| key.end(sender));
        let [source_ip, server_ip] = [source, server].map(|end| end.ip(key.version));
        let application =
            Key::Application { master: label.master_protocol, app: label.app_protocol };
        self.add_to(By::Application, application, amount);
        self.add_to(By::Host, Key::Address(source_ip), amount);
        if source_ip != server_ip {
            self.add_to(By::Host, Key::Address(server_ip), amount);
        }
        self.add_to(By::Server, Key::Address(server_ip), amount);
        let port = Key::Port { protocol: key.protocol, port: server.port };
        self.add_to(By::Port, port, amount);
        if let Some(process) = process {
            self.add_to(By::Process, Key::Process(process.name.clone()), amount);
        }
        self.total += *amount;
    }

    /// Adds the flow of a record to its groups.
    pub(super) fn add_record(&mut self, record: &Record, amount: &Amount) {
        let label = record.application.label;
        self.add(&record.flow, label, record.process.as_deref(), amount);
    }

    fn add_to(&mut self, by: By, key: Key, amount: &Amount) {
        if let Some(ranking) = self.kinds.get_mut(by.index()) {
            ranking.add(key, *amount);
        }
    }

    /// Returns the `most` largest groups of one kind, those of `ended` flows included.
    pub(super) fn largest(&self, ended: &Self, by: By, order: Order, most: usize) -> Largest {
        let (Some(active), Some(ended)) = (self.kinds.get(by.index()), ended.kinds.get(by.index()))
        else {
            return Largest::default();
        };
        let (groups, count) = active.top_with(ended, order, most);
        let groups = groups.into_iter().map(|(key, amount)| (key.clone(), amount)).collect();
        Largest { groups, count, is_cut: !(active.is_exact() && ended.is_exact()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(bytes: u64) -> Amount {
        Amount { flows: 1, packets: 1, bytes, ..Amount::default() }
    }

    fn port(number: u64) -> Key {
        let [.., high, low] = number.to_be_bytes();
        let protocol = u8::try_from(number >> 16 & 0xff).unwrap();
        Key::Port { protocol, port: u16::from_be_bytes([high, low]) }
    }

    #[test]
    fn groups_of_active_and_ended_flows_are_one() {
        let (mut active, mut ended) = (Groups::default(), Groups::default());
        active.add_to(By::Port, port(1), &amount(10));
        ended.add_to(By::Port, port(1), &amount(5));
        ended.add_to(By::Port, port(2), &amount(12));
        let largest = active.largest(&ended, By::Port, Order::Bytes, 1);
        assert_eq!((largest.groups.len(), largest.count), (1, 2));
        assert_eq!(largest.groups[0], (port(1), Amount { flows: 2, packets: 2, ..amount(15) }));
    }

    #[test]
    fn memory_is_bounded_and_large_groups_stay() {
        let mut groups = Groups::default();
        for number in 0..200_000 {
            groups.add_to(By::Port, port(number), &amount(number));
        }
        let largest = groups.largest(&Groups::default(), By::Port, Order::Bytes, 3);
        assert!(largest.is_cut && largest.count <= 2 * KEYS);
        assert_eq!(largest.groups[0], (port(199_999), amount(199_999)));
    }

    #[test]
    fn rates_become_whole_numbers() {
        assert_eq!([0.0, 0.9, 1.0, -3.0, f64::NAN, 1e300].map(whole), [0, 0, 1, 0, 0, 0]);
    }
}
