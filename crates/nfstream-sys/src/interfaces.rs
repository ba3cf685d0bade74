//! The network interfaces of this machine.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// Network interface at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InterfaceInfo {
    /// Name.
    pub name: String,
    /// Number; an interface that is recreated gets a new one.
    pub index: u32,
    /// Its own addresses, as the system orders them.
    pub addresses: Vec<IpAddr>,
    /// Hardware type (ARPHRD_).
    pub hardware_type: u16,
    /// Whether it is up.
    pub is_up: bool,
    /// Whether packets can pass: the interface is up and has a carrier.
    pub is_running: bool,
    /// Packets that the interface dropped, modulo 2^32: received without space to keep them, or
    /// missed by the device.
    pub dropped: u32,
}

/// Returns the interfaces of the current network namespace, in the order of their numbers.
///
/// # Errors
///
/// The system's error.
pub fn interfaces() -> io::Result<Vec<InterfaceInfo>> {
    let mut list = ptr::null_mut();
    // SAFETY: a place for the pointer to a list, which is freed below.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut interfaces = Vec::new();
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: every element of the list stays valid until the list is freed.
    while let Some(entry) = unsafe { next.as_ref() } {
        interfaces.extend(interface(entry));
        addresses.extend(ip_address(entry));
        next = entry.ifa_next;
    }
    // SAFETY: the list came from `getifaddrs` and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    for (name, address) in addresses {
        // An address can have a label such as `eth0:1`.
        let name = name.split(':').next().unwrap_or(&name);
        let mut of_name =
            interfaces.iter_mut().filter(|interface: &&mut InterfaceInfo| interface.name == name);
        if let Some(interface) = of_name.next() {
            interface.addresses.push(address);
        }
    }
    interfaces.sort_unstable_by_key(|interface| interface.index);
    Ok(interfaces)
}

/// Returns the interface name and address of an IP entry, `None` for any other entry.
fn ip_address(entry: &libc::ifaddrs) -> Option<(String, IpAddr)> {
    // SAFETY: null, or an address that begins with its family.
    let family = unsafe { entry.ifa_addr.as_ref()? }.sa_family;
    let address: IpAddr = match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: addresses of this family are of this type, suitably aligned.
            let address = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_in>() };
            Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into()
        }
        libc::AF_INET6 => {
            // SAFETY: addresses of this family are of this type, suitably aligned.
            let address = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_in6>() };
            Ipv6Addr::from(address.sin6_addr.s6_addr).into()
        }
        _ => return None,
    };
    Some((name(entry), address))
}

fn name(entry: &libc::ifaddrs) -> String {
    // SAFETY: a string that the list holds.
    unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy().into_owned()
}

/// Returns the interface that a link-layer entry describes, `None` for any other entry.
fn interface(entry: &libc::ifaddrs) -> Option<InterfaceInfo> {
    /// Index of these counters in `struct rtnl_link_stats`, whose first fields are all `u32`.
    const RX_DROPPED: usize = 6;
    const RX_MISSED_ERRORS: usize = 15;

    // SAFETY: null, or an address that begins with its family.
    let family = unsafe { entry.ifa_addr.as_ref()? }.sa_family;
    if i32::from(family) != libc::AF_PACKET {
        return None;
    }
    // SAFETY: addresses of this family are of this type; the list holds them suitably aligned.
    let address = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_ll>() };
    let has = |flag| entry.ifa_flags & u32::try_from(flag).unwrap_or(0) != 0;
    let counters = entry.ifa_data.cast::<u32>();
    // SAFETY: with addresses of this family the data are null or a struct of at least 23 `u32`.
    let counter = |place| if counters.is_null() { 0 } else { unsafe { *counters.add(place) } };
    Some(InterfaceInfo {
        name: name(entry),
        index: u32::try_from(address.sll_ifindex).ok()?,
        addresses: Vec::new(),
        hardware_type: address.sll_hatype,
        is_up: has(libc::IFF_UP),
        is_running: has(libc::IFF_UP) && has(libc::IFF_RUNNING),
        dropped: counter(RX_DROPPED).wrapping_add(counter(RX_MISSED_ERRORS)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there() {
        let interfaces = interfaces().unwrap();
        let lo = interfaces.iter().find(|interface| interface.name == "lo").unwrap();
        assert_eq!((lo.index, lo.hardware_type), (1, libc::ARPHRD_LOOPBACK));
        assert_eq!(lo.is_up, lo.addresses.contains(&Ipv4Addr::LOCALHOST.into()));
    }
}
