"""Names in multicast DNS."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from nfstream._engine import NFlow, Nfstream6Packet
from nfstream.v6.plugin import NFPlugin
from nfstream.v6.plugins.datagram import payload

_PORT = 5353
_POINTER_RECORD = 12
_POINTER_LABEL = 0xC0


class MDNS(NFPlugin):
    """Lists the names in pointer records of multicast DNS answers.

    The value is ``udps.mdns_ptr``: each name once, in the order of arrival. Commas in names are
    replaced by spaces.

    Examples:
        >>> from nfstream.v6 import NFStreamer
        >>> from nfstream.v6.plugins import MDNS
        >>> flow = next(iter(NFStreamer("tests/captures/redis.pcap", udps=MDNS())))
        >>> flow.udps.mdns_ptr
        []
    """

    def on_init(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Starts the list with the names of the first packet."""
        flow.udps.mdns_ptr = []
        self.on_update(packet, flow)

    def on_update(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Adds the names of a packet."""
        if flow.dst_port != _PORT:
            return
        try:
            names = list(_pointers(payload(packet)))
        except (IndexError, struct.error):
            # Not a DNS message.
            return
        for name in names:
            if name not in flow.udps.mdns_ptr:
                flow.udps.mdns_ptr.append(name)


def _pointers(message: bytes) -> Iterator[str]:
    """Yields the names in the pointer records of a DNS message's answers (RFC 1035)."""
    _, _, questions, answers = struct.unpack_from(">HHHH", message)
    at = 12
    for _ in range(questions):
        _, at = _name(message, at)
        at += 4
    for _ in range(answers):
        _, at = _name(message, at)
        kind, _, _, length = struct.unpack_from(">HHIH", message, at)
        at += 10
        if at + length > len(message):
            raise IndexError
        if kind == _POINTER_RECORD:
            yield _name(message, at)[0].replace(",", " ")
        at += length


def _name(message: bytes, at: int) -> tuple[str, int]:
    """Returns the name at a position of a DNS message, and the position after it."""
    labels: list[str] = []
    end = None
    hops = 0
    while length := message[at]:
        if length & _POINTER_LABEL == _POINTER_LABEL:
            end = at + 2 if end is None else end
            at = (length & ~_POINTER_LABEL) << 8 | message[at + 1]
            hops += 1
            if hops > len(message):
                raise IndexError
            continue
        label = message[at + 1 : at + 1 + length]
        labels.append(label.decode(errors="replace"))
        at += 1 + length
    return ".".join(labels), at + 1 if end is None else end
