//! The network interfaces that there are.

use std::ffi::CStr;
use std::io;
use std::ptr;

/// A network interface as it is at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// Number; an interface that is made anew gets another.
    pub index: u32,
    /// Whether it is up.
    pub is_up: bool,
    /// Packets that it had to drop, counted modulo 2^32: received without space to keep them, or
    /// missed by the device.
    pub dropped: u32,
}

/// Returns the interfaces of this machine, or of the network namespace, by their numbers.
///
/// # Errors
///
/// What the system says.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut list = ptr::null_mut();
    // SAFETY: a place for the pointer to a list, which is freed below.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut interfaces = Vec::new();
    let mut next = list;
    // SAFETY: every element of the list stays valid until the list is freed.
    while let Some(entry) = unsafe { next.as_ref() } {
        interfaces.extend(interface(entry));
        next = entry.ifa_next;
    }
    // SAFETY: the list came from `getifaddrs` and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    interfaces.sort_unstable_by_key(|interface: &Interface| interface.index);
    Ok(interfaces)
}

/// Returns what an entry of link-layer addresses says; nothing for any other entry.
fn interface(entry: &libc::ifaddrs) -> Option<Interface> {
    /// Where these counters stand in `struct rtnl_link_stats`, all of whose fields are `u32`.
    const RX_DROPPED: usize = 6;
    const RX_MISSED_ERRORS: usize = 15;

    // SAFETY: null, or an address that says its family first.
    let family = unsafe { entry.ifa_addr.as_ref()? }.sa_family;
    if i32::from(family) != libc::AF_PACKET {
        return None;
    }
    // SAFETY: addresses of this family are of this type; the list holds them suitably aligned.
    let address = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_ll>() };
    // SAFETY: a string that the list holds.
    let name = unsafe { CStr::from_ptr(entry.ifa_name) };
    let counters = entry.ifa_data.cast::<u32>();
    // SAFETY: with addresses of this family the data are null or a struct of at least 23 `u32`.
    let counter = |place| if counters.is_null() { 0 } else { unsafe { *counters.add(place) } };
    Some(Interface {
        name: name.to_string_lossy().into_owned(),
        index: u32::try_from(address.sll_ifindex).ok()?,
        is_up: entry.ifa_flags & u32::try_from(libc::IFF_UP).unwrap_or(1) != 0,
        dropped: counter(RX_DROPPED).wrapping_add(counter(RX_MISSED_ERRORS)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there() {
        let interfaces = interfaces().unwrap();
        assert!(interfaces.iter().any(|interface| interface.name == "lo" && interface.index == 1));
    }
}
