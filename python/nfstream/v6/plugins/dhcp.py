"""Options of DHCP clients."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from ipaddress import IPv4Address

from nfstream._engine import NFlow, Nfstream6Packet
from nfstream.v6.plugin import NFPlugin
from nfstream.v6.plugins.datagram import payload

_PORT = 67
_HEADER_LEN = 236
_COOKIE = b"\x63\x82\x53\x63"
_PAD, _END = 0, 255


class MsgType(Enum):
    """The type of a DHCP message (RFC 2132)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NACK = 6
    RELEASE = 7
    INFORM = 8


_LAST = (MsgType.DECLINE, MsgType.ACK, MsgType.NACK, MsgType.INFORM)
"""Messages that end an exchange."""


class DHCP(NFPlugin):
    """Reads the options of DHCP clients, and ends a flow with each exchange.

    Values from any message: ``udps.dhcp_12`` (host name), ``udps.dhcp_57`` (maximum message size),
    ``udps.dhcp_60`` (vendor class) and ``udps.dhcp_77`` (user class). Values from requests:
    ``udps.dhcp_50`` (requested address), ``udps.dhcp_55`` (requested options),
    ``udps.dhcp_options`` (numbers of all options), ``udps.dhcp_addr`` (address of the client) and
    ``udps.dhcp_oui`` (vendor of its interface). ``udps.dhcp_msg_type`` is the type of the first
    message.

    Examples:
        >>> from nfstream.v6 import NFStreamer
        >>> from nfstream.v6.plugins import DHCP
        >>> flow = next(iter(NFStreamer("tests/captures/redis.pcap", udps=DHCP())))
        >>> flow.udps.dhcp_options
        []
    """

    def on_init(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Sets all values to none, then reads the first packet."""
        for name in ("12", "50", "55", "57", "60", "77"):
            setattr(flow.udps, f"dhcp_{name}", None)
        flow.udps.dhcp_options = []
        flow.udps.dhcp_addr = None
        flow.udps.dhcp_msg_type = None
        flow.udps.dhcp_oui = None
        self.on_update(packet, flow)

    def on_update(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Reads a packet, if the flow is one to a server."""
        if flow.dst_port != _PORT:
            return
        message = payload(packet)
        if message[_HEADER_LEN : _HEADER_LEN + 4] != _COOKIE:
            return
        options = list(_options(message[_HEADER_LEN + 4 :]))
        kind = _message_type(options)
        if flow.udps.dhcp_msg_type is None:
            flow.udps.dhcp_msg_type = kind
        for number, value in options:
            if number == 12 and value:
                flow.udps.dhcp_12 = _text(value)
            elif number == 57:
                flow.udps.dhcp_57 = int.from_bytes(value, "big")
            elif number == 60:
                flow.udps.dhcp_60 = _text(value)
            elif number == 77:
                flow.udps.dhcp_77 = _text(value)
        if kind is MsgType.REQUEST:
            _read_request(message, options, flow)
        # A client without an address broadcasts, and so do the servers that answer it.
        if kind in _LAST or flow.src_ip == "0.0.0.0":
            flow.expiration_id = -1


def _read_request(message: bytes, options: list[tuple[int, bytes]], flow: NFlow) -> None:
    values = dict(options)
    requested = values.get(50)
    if requested is None or len(requested) > 4:
        flow.udps.dhcp_50 = None
    else:
        flow.udps.dhcp_50 = str(IPv4Address(requested.rjust(4, b"\0")))
    flow.udps.dhcp_55 = ",".join(map(str, values[55])) if 55 in values else None
    flow.udps.dhcp_options = [number for number, _ in options]
    address = IPv4Address(message[12:16])
    if int(address):
        flow.udps.dhcp_addr = str(address)
    flow.udps.dhcp_oui = message[28:31].hex(":")


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields number and value of each option; the last value may be truncated."""
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        yield data[at], data[at + 2 : at + 2 + length]
        at += 2 + length


def _message_type(options: list[tuple[int, bytes]]) -> MsgType | int:
    """Returns the type of a message: a number if it has no name, 0 if it is missing."""
    number = int.from_bytes(dict(options).get(53, b""), "big")
    return MsgType(number) if 1 <= number <= 8 else number


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
