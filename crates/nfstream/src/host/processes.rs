//! Processes of this machine, by their sockets.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the table stays empty where the system does not list sockets")
)]

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::FixedState;

/// A process of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Name of its program in the kernel, at most 15 bytes.
    pub name: Box<str>,
}

/// Processes that own sockets, or owned one recently.
///
/// The table is updated while a live source is read, and outlives the source.
#[derive(Clone, Debug, Default)]
pub struct Processes(Arc<Mutex<Table>>);

/// Addresses and protocol that identify a socket's packets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Socket {
    /// IP protocol number.
    pub(super) protocol: u8,
    pub(super) local: SocketAddr,
    /// Address of its peer, `None` if it is not connected.
    pub(super) remote: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct Table {
    owners: HashMap<Socket, Owner, FixedState>,
    /// Addresses of this machine.
    addresses: HashSet<IpAddr>,
    /// Time for which a closed socket is remembered.
    memory: Duration,
    /// Next time at which sockets that were closed long ago are removed.
    next_forgetting: Option<Instant>,
}

#[derive(Debug)]
struct Owner {
    process: Arc<Process>,
    /// Time at which the socket was last listed.
    seen: Instant,
}

/// Interval at which sockets that were closed long ago are removed.
const FORGETTING: Duration = Duration::from_secs(1);

impl Processes {
    /// Returns the process with a socket for packets between `src` and `dst`: the source's if it is
    /// local, otherwise the destination's.
    ///
    /// A socket connected to the other end takes precedence over one that accepts packets from
    /// anywhere.
    pub fn of_flow(&self, protocol: u8, src: SocketAddr, dst: SocketAddr) -> Option<Arc<Process>> {
        let table = self.lock();
        table.at(protocol, src, dst).or_else(|| table.at(protocol, dst, src)).cloned()
    }

    /// Remembers closed sockets for `span`: no flow is looked up later than that after its last
    /// packet.
    pub(crate) fn remember_for(&self, span: Duration) {
        self.lock().memory = span;
    }

    /// Records the sockets that are open `now`, each with its process, and the addresses of this
    /// machine.
    pub(super) fn update(
        &self,
        sockets: impl IntoIterator<Item = (Socket, Arc<Process>)>,
        addresses: impl IntoIterator<Item = IpAddr>,
        now: Instant,
    ) {
        let mut table = self.lock();
        for (socket, process) in sockets {
            table.owners.insert(socket.canonical(), Owner { process, seen: now });
        }
        table.addresses.clear();
        table.addresses.extend(addresses);
        if table.next_forgetting.is_none_or(|moment| now >= moment) {
            table.next_forgetting = Some(now + FORGETTING);
            let memory = table.memory;
            table.owners.retain(|_, owner| now.saturating_duration_since(owner.seen) <= memory);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // A table that lacks some sockets is still valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Returns the process at the end `local` of packets to and from `remote`.
    fn at(&self, protocol: u8, local: SocketAddr, remote: SocketAddr) -> Option<&Arc<Process>> {
        let owner = |local: SocketAddr, remote: Option<SocketAddr>| {
            self.owners.get(&Socket { protocol, local, remote }).map(|owner| &owner.process)
        };
        let unbound = || {
            // A wildcard socket receives only packets for this machine's addresses.
            let is_ours = local.ip().is_loopback() || self.addresses.contains(&local.ip());
            let any = |ip: IpAddr| owner(SocketAddr::new(ip, local.port()), None);
            let v4 = || any(Ipv4Addr::UNSPECIFIED.into()).filter(|_| local.is_ipv4());
            // Sockets for IPv6 receive IPv4 packets as well, unless set to IPv6 only.
            is_ours.then(|| v4().or_else(|| any(Ipv6Addr::UNSPECIFIED.into()))).flatten()
        };
        owner(local, Some(remote)).or_else(|| owner(local, None)).or_else(unbound)
    }
}

impl Socket {
    /// Returns the socket with the addresses of its packets: a socket for IPv6 may hold mapped IPv4
    /// addresses.
    fn canonical(self) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self { local: canonical(self.local), remote: self.remote.map(canonical), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: u8 = 6;
    const UDP: u8 = 17;

    fn end(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn socket(protocol: u8, local: &str, remote: Option<&str>) -> Socket {
        Socket { protocol, local: end(local), remote: remote.map(end) }
    }

    fn update(processes: &Processes, sockets: &[(Socket, u32)], now: Instant) {
        let sockets = sockets
            .iter()
            .map(|(socket, pid)| (*socket, Arc::new(Process { pid: *pid, name: "x".into() })));
        processes.update(sockets, ["192.0.2.1".parse().unwrap()], now);
    }

    fn table(sockets: &[(Socket, u32)]) -> Processes {
        let processes = Processes::default();
        processes.remember_for(Duration::from_secs(30));
        update(&processes, sockets, super::super::monotonic());
        processes
    }

    fn pid(processes: &Processes, protocol: u8, src: &str, dst: &str) -> u32 {
        processes.of_flow(protocol, end(src), end(dst)).map_or(0, |process| process.pid)
    }

    #[test]
    fn a_connection_is_found_from_both_ends() {
        let processes = table(&[(socket(TCP, "192.0.2.1:40000", Some("198.51.100.9:443")), 7)]);
        assert_eq!(pid(&processes, TCP, "192.0.2.1:40000", "198.51.100.9:443"), 7);
        assert_eq!(pid(&processes, TCP, "198.51.100.9:443", "192.0.2.1:40000"), 7);
        assert_eq!(pid(&processes, UDP, "192.0.2.1:40000", "198.51.100.9:443"), 0);
        assert_eq!(pid(&processes, TCP, "192.0.2.1:40001", "198.51.100.9:443"), 0);
    }

    #[test]
    fn a_connection_comes_before_a_listener_and_the_source_before_the_destination() {
        let processes = table(&[
            (socket(TCP, "0.0.0.0:80", None), 1),
            (socket(TCP, "127.0.0.1:80", Some("127.0.0.1:50000")), 2),
            (socket(TCP, "127.0.0.1:50000", Some("127.0.0.1:80")), 3),
        ]);
        assert_eq!(pid(&processes, TCP, "127.0.0.1:50000", "127.0.0.1:80"), 3);
        assert_eq!(pid(&processes, TCP, "127.0.0.1:80", "127.0.0.1:50000"), 2);
        assert_eq!(pid(&processes, TCP, "203.0.113.5:50000", "192.0.2.1:80"), 1);
    }

    #[test]
    fn sockets_without_an_address_accept_those_of_this_machine() {
        let processes =
            table(&[(socket(UDP, "0.0.0.0:53", None), 1), (socket(UDP, "[::]:5353", None), 2)]);
        assert_eq!(pid(&processes, UDP, "203.0.113.5:9", "192.0.2.1:53"), 1);
        assert_eq!(pid(&processes, UDP, "192.0.2.1:9", "203.0.113.5:53"), 0);
        assert_eq!(pid(&processes, UDP, "192.0.2.1:5353", "224.0.0.251:5353"), 2);
        assert_eq!(pid(&processes, UDP, "[::1]:5353", "[ff02::fb]:5353"), 2);
        assert_eq!(pid(&processes, UDP, "[::1]:53", "[2001:db8::1]:9"), 0);
    }

    #[test]
    fn ipv4_within_ipv6_is_ipv4() {
        let mapped = socket(TCP, "[::ffff:192.0.2.1]:80", Some("[::ffff:203.0.113.5]:9"));
        let processes = table(&[(mapped, 4)]);
        assert_eq!(pid(&processes, TCP, "203.0.113.5:9", "192.0.2.1:80"), 4);
    }

    #[test]
    fn sockets_are_remembered_for_a_while() {
        let gone = (socket(UDP, "192.0.2.1:1000", None), 5);
        let processes = table(&[gone]);
        let start = super::super::monotonic();
        update(&processes, &[], start + Duration::from_secs(29));
        assert_eq!(pid(&processes, UDP, "192.0.2.1:1000", "203.0.113.5:9"), 5);
        update(&processes, &[], start + Duration::from_secs(31));
        assert_eq!(pid(&processes, UDP, "192.0.2.1:1000", "203.0.113.5:9"), 0);
    }
}
