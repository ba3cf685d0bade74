//! Connections to other programs, with a limit on every wait.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::time::Duration;

/// Longest wait for one answer, or for the end of a peer, that sends a few bytes again and again.
const LONGEST: Duration = Duration::from_secs(60);

/// A connection that bytes are sent through.
pub(crate) struct Connection(Stream);

enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "http")]
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Connection {
    /// Connects over TCP; each later wait lasts at most `timeout`.
    ///
    /// # Errors
    ///
    /// Those of the system, also if the name has no address.
    pub(crate) fn tcp(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        Ok(Self(Stream::Tcp(connect(host, port, timeout)?)))
    }

    /// Connects over TLS and completes the handshake.
    ///
    /// # Errors
    ///
    /// Those of [`tcp`](Self::tcp) and of the handshake.
    #[cfg(feature = "http")]
    pub(crate) fn tls(
        host: &str,
        port: u16,
        timeout: Duration,
        trust: &super::Trust,
    ) -> io::Result<Self> {
        let name = rustls::pki_types::ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let client = rustls::ClientConnection::new(trust.config()?, name);
        let client = client.map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(client, connect(host, port, timeout)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(in_time)?;
        }
        Ok(Self(Stream::Tls(Box::new(stream))))
    }

    /// Returns a UDP socket that sends to one address.
    ///
    /// # Errors
    ///
    /// Those of the system, also if the name has no address.
    pub(crate) fn udp(host: &str, port: u16) -> io::Result<Self> {
        let mut failure = no_address();
        for address in resolve(host, port)? {
            let local: SocketAddr = match address {
                SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                SocketAddr::V6(_) => ([0u16; 8], 0).into(),
            };
            match UdpSocket::bind(local).and_then(|socket| socket.connect(address).map(|()| socket))
            {
                Ok(socket) => return Ok(Self(Stream::Udp(socket))),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    ///
    /// Those of the system.
    #[cfg(unix)]
    pub(crate) fn unix(path: &Path, timeout: Duration) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::connect(path)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self(Stream::Unix(stream)))
    }

    /// Fails: this system has no Unix sockets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], always.
    #[cfg(not(unix))]
    pub(crate) fn unix(_: &Path, _: Duration) -> io::Result<Self> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Sends bytes: all of them, or as one datagram.
    ///
    /// A peer that has closed its end is an error, although the system would still accept bytes.
    ///
    /// # Errors
    ///
    /// Those of the system; [`ErrorKind::TimedOut`] if the peer reads too slowly.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        let sent = match &mut self.0 {
            Stream::Tcp(stream) => stream.write_all(bytes),
            #[cfg(feature = "http")]
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Stream::Udp(socket) => socket.send(bytes).map(drop),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.write_all(bytes),
        };
        sent.map_err(in_time)
    }

    /// Receives as many bytes as `bytes` has room for.
    ///
    /// # Errors
    ///
    /// Those of the system; [`ErrorKind::TimedOut`] if the peer sends too slowly,
    /// [`ErrorKind::UnexpectedEof`] if it closes its end before.
    pub(crate) fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let received = match &mut self.0 {
            Stream::Tcp(stream) => fill(stream, bytes),
            #[cfg(feature = "http")]
            Stream::Tls(stream) => fill(stream, bytes),
            Stream::Udp(socket) => socket.recv(bytes).map(drop),
            #[cfg(unix)]
            Stream::Unix(stream) => fill(stream, bytes),
        };
        received.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                io::Error::new(ErrorKind::UnexpectedEof, "the other end closed the connection")
            }
            _ => in_time(error),
        })
    }

    /// Ends the connection, and waits until the peer has read everything and has closed its end.
    ///
    /// # Errors
    ///
    /// Those of the system. A peer that keeps its end open is not an error.
    pub(crate) fn close(mut self) -> io::Result<()> {
        let mut rest = [0; 512];
        let start = super::monotonic();
        let mut drain = |reader: &mut dyn Read| {
            while super::monotonic().duration_since(start) < LONGEST {
                match reader.read(&mut rest) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) if is_pause(&error) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        match &mut self.0 {
            Stream::Tcp(stream) => {
                stream.shutdown(Shutdown::Write)?;
                drain(stream)
            }
            #[cfg(feature = "http")]
            Stream::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock.shutdown(Shutdown::Write)?;
                // A peer that answers without a closing message has read everything as well.
                drain(&mut stream.sock)
            }
            Stream::Udp(_) => Ok(()),
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.shutdown(Shutdown::Write)?;
                drain(stream)
            }
        }
    }

    /// Checks that the peer has not closed its end, and discards what it sends.
    fn check(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Stream::Tcp(stream) => check_open(stream, TcpStream::set_nonblocking),
            #[cfg(feature = "http")]
            Stream::Tls(stream) => {
                stream.sock.set_nonblocking(true)?;
                let read = stream.conn.read_tls(&mut stream.sock);
                stream.sock.set_nonblocking(false)?;
                match read {
                    Ok(0) => Err(ErrorKind::ConnectionReset.into()),
                    Ok(_) => {
                        let state = stream.conn.process_new_packets().map_err(io::Error::other)?;
                        let mut unread = vec![0; state.plaintext_bytes_to_read()];
                        stream.conn.reader().read_exact(&mut unread)?;
                        match state.peer_has_closed() {
                            true => Err(ErrorKind::ConnectionReset.into()),
                            false => Ok(()),
                        }
                    }
                    Err(error) if is_pause(&error) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Stream::Udp(_) => Ok(()),
            #[cfg(unix)]
            Stream::Unix(stream) => {
                check_open(stream, std::os::unix::net::UnixStream::set_nonblocking)
            }
        }
    }
}

/// Fills `rest` with received bytes.
fn fill(reader: &mut dyn Read, mut rest: &mut [u8]) -> io::Result<()> {
    let start = super::monotonic();
    while !rest.is_empty() {
        if super::monotonic().duration_since(start) >= LONGEST {
            return Err(ErrorKind::TimedOut.into());
        }
        match reader.read(rest) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => rest = rest.get_mut(len..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Checks that the peer of a stream has not closed its end.
fn check_open<S: Read>(
    stream: &mut S,
    set_nonblocking: fn(&S, bool) -> io::Result<()>,
) -> io::Result<()> {
    set_nonblocking(stream, true)?;
    let read = stream.read(&mut [0; 512]);
    set_nonblocking(stream, false)?;
    match read {
        Ok(0) => Err(ErrorKind::ConnectionReset.into()),
        Ok(_) => Ok(()),
        Err(error) if is_pause(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns [`ErrorKind::TimedOut`] for a peer that is too slow, which some systems report as
/// [`ErrorKind::WouldBlock`], and other errors unchanged.
fn in_time(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    }
}

/// Returns whether an error only says that no bytes have arrived.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut failure = no_address();
    for address in resolve(host, port)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn resolve(host: &str, port: u16) -> io::Result<impl Iterator<Item = SocketAddr>> {
    // The resolver's own message names no host and differs between systems.
    (host, port).to_socket_addrs().map_err(|_| no_address())
}

fn no_address() -> io::Error {
    io::Error::new(ErrorKind::NotFound, "the name of the host has no address")
}
