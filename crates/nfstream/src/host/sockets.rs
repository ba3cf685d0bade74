//! Sockets of this machine and the processes that own them, from sock_diag(7) and proc(5).
//!
//! A socket that opens and closes between two polls is not listed.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use nfstream_sys::interfaces;

use super::clock::monotonic;
use super::processes::{Process, Processes, Socket};

/// Lists the sockets of this machine with their processes.
#[derive(Debug)]
pub(super) struct SocketWatcher {
    kernel: netlink_sys::Socket,
    /// Sequence number of the last request and its answers.
    request: u32,
    /// Owners by the inode of the socket.
    owners: HashMap<u32, Owner>,
    processes: Processes,
    buffer: Vec<u8>,
}

/// Owner of a socket.
#[derive(Debug)]
enum Owner {
    /// This process has the socket open as this file.
    Known(Arc<Process>, PathBuf),
    /// Not found in this many searches: files of other users are not always visible, and a new
    /// socket has no owner yet.
    Unknown { searches: u8 },
}

/// Most searches for the owner of a socket. One is not enough: a process gets a socket only after
/// it was created.
const MOST_SEARCHES: u8 = 3;

/// Bytes of answers read at once; the kernel sends less.
const ANSWER: usize = 64 << 10;

impl SocketWatcher {
    /// Lists the sockets for the first time, in the network namespace of this thread.
    pub(super) fn begin() -> io::Result<Self> {
        let mut kernel = netlink_sys::Socket::new(NETLINK_SOCK_DIAG)?;
        kernel.bind_auto()?;
        kernel.connect(&netlink_sys::SocketAddr::new(0, 0))?;
        let mut watcher = Self {
            kernel,
            request: 0,
            owners: HashMap::new(),
            processes: Processes::default(),
            buffer: vec![0; ANSWER],
        };
        watcher.update()?;
        Ok(watcher)
    }

    /// Returns the table of processes.
    pub(super) fn processes(&self) -> Processes {
        self.processes.clone()
    }

    /// Lists the sockets and updates the table of their processes.
    pub(super) fn update(&mut self) -> io::Result<()> {
        let mut sockets = Vec::new();
        for protocol in [IPPROTO_TCP, IPPROTO_UDP] {
            for family in [AF_INET, AF_INET6] {
                self.list(family, protocol, &mut sockets)?;
            }
        }
        self.find_owners(&sockets);
        let owned =
            sockets.into_iter().filter_map(|(socket, inode)| match self.owners.get(&inode) {
                Some(Owner::Known(process, _)) => Some((socket, Arc::clone(process))),
                _ => None,
            });
        let addresses = interfaces()?.into_iter().flat_map(|interface| interface.addresses);
        self.processes.update(owned, addresses, monotonic());
        Ok(())
    }

    /// Adds the sockets of one kind to `sockets`, with their inodes.
    fn list(
        &mut self,
        family: u8,
        protocol: u8,
        sockets: &mut Vec<(Socket, u32)>,
    ) -> io::Result<()> {
        let socket_id = if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() };
        // Sockets in these states no longer have an owner, or do not have one yet.
        let states = StateFlags::all().difference(StateFlags::TIME_WAIT | StateFlags::SYN_RECV);
        let extensions = ExtensionFlags::empty();
        let request = InetRequest { family, protocol, extensions, states, socket_id };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        self.request = self.request.wrapping_add(1);
        header.sequence_number = self.request;
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.kernel.send(&bytes, 0)?;
        loop {
            let len = match self.kernel.recv(&mut self.buffer.as_mut_slice(), 0) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                len => len?,
            };
            let mut rest = self.buffer.get(..len).unwrap_or_default();
            while !rest.is_empty() {
                let answer = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                    .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
                let is_old = answer.header.sequence_number != self.request;
                match answer.payload {
                    // Left over from a failed request.
                    _ if is_old => {}
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(done.code.saturating_neg()));
                    }
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                        let id = &response.header.socket_id;
                        let local = SocketAddr::new(id.source_address, id.source_port);
                        let remote = SocketAddr::new(id.destination_address, id.destination_port);
                        let remote = Some(remote).filter(|remote| remote.port() != 0);
                        if response.header.inode != 0 && local.port() != 0 {
                            let socket = Socket { protocol, local, remote };
                            sockets.push((socket, response.header.inode));
                        }
                    }
                    _ => {}
                }
                let len = usize::try_from(answer.header.length).unwrap_or(usize::MAX);
                rest = rest.get(len.max(1)..).unwrap_or_default();
            }
        }
    }

    /// Finds the owners of `sockets` that are new or whose owner changed.
    fn find_owners(&mut self, sockets: &[(Socket, u32)]) {
        let mut before = std::mem::take(&mut self.owners);
        let mut is_search_due = false;
        for (_, inode) in sockets {
            let owner = match before.remove(inode) {
                Some(Owner::Known(process, file)) if inode_of(&file) == Some(*inode) => {
                    Owner::Known(process, file)
                }
                Some(Owner::Unknown { searches }) => Owner::Unknown { searches },
                _ => Owner::Unknown { searches: 0 },
            };
            is_search_due |=
                matches!(owner, Owner::Unknown { searches } if searches < MOST_SEARCHES);
            self.owners.insert(*inode, owner);
        }
        if !is_search_due {
            return;
        }
        for owner in self.owners.values_mut() {
            if let Owner::Unknown { searches } = owner {
                *searches = searches.saturating_add(1);
            }
        }
        // A process that ends meanwhile has no files any more.
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                self.search(pid, &entry.path());
            }
        }
    }

    /// Searches the files of a process for sockets without a known owner.
    fn search(&mut self, pid: u32, folder: &Path) {
        let mut process = None;
        for file in fs::read_dir(folder.join("fd")).into_iter().flatten().flatten() {
            let file = file.path();
            let inode = inode_of(&file);
            let Some(owner) = inode.and_then(|inode| self.owners.get_mut(&inode)) else { continue };
            if matches!(owner, Owner::Unknown { .. }) {
                let process = process.get_or_insert_with(|| {
                    let name = fs::read(folder.join("comm")).unwrap_or_default();
                    let name = String::from_utf8_lossy(&name);
                    Arc::new(Process { pid, name: name.trim_end_matches('\n').into() })
                });
                *owner = Owner::Known(Arc::clone(process), file);
            }
        }
    }
}

/// Returns the inode of the socket behind an open file, if it is one.
fn inode_of(file: &Path) -> Option<u32> {
    let target = fs::read_link(file).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn sockets_of_this_process_are_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let wide = UdpSocket::bind("[::]:0").unwrap();
        let watcher = SocketWatcher::begin().unwrap();
        let pid = |protocol, local: SocketAddr, remote: SocketAddr| {
            let process = watcher.processes().of_flow(protocol, local, remote);
            process.map(|process| process.pid)
        };
        let (local, remote) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(pid(6, local, remote), Some(std::process::id()));
        let stranger = "203.0.113.5:9".parse().unwrap();
        assert_eq!(pid(6, stranger, remote), Some(std::process::id()));
        let port = wide.local_addr().unwrap().port();
        let at_loopback = SocketAddr::new("127.0.0.1".parse().unwrap(), port);
        assert_eq!(pid(17, stranger, at_loopback), Some(std::process::id()));
        assert_eq!(pid(17, remote, local), None);
    }

    #[test]
    fn a_socket_that_is_handed_on_gets_another_file() {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut watcher = SocketWatcher::begin().unwrap();
        let second = first.try_clone().unwrap();
        drop(first);
        watcher.update().unwrap();
        let is_there = |(inode, owner): (&u32, &Owner)| match owner {
            Owner::Known(process, file) if process.pid == std::process::id() => {
                inode_of(file) == Some(*inode)
            }
            _ => true,
        };
        assert!(watcher.owners.iter().all(is_there));
        let address = second.local_addr().unwrap();
        assert!(watcher.processes().of_flow(6, address, address).is_some());
    }
}
