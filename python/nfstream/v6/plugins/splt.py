"""The first packets of a flow, one by one."""

from __future__ import annotations

from nfstream._engine import NFlow, Nfstream6Packet
from nfstream.v6.plugin import NFPlugin


class SPLT(NFPlugin):
    """Lists direction, size and inter-arrival time of the first packets.

    The values are ``udps.splt_direction``, ``udps.splt_ps`` and ``udps.splt_piat_ms``, with -1
    where there is no packet. The parameter ``splt_analysis`` does the same, much faster.

    Args:
        sequence_length: Number of packets to list.
        accounting_mode: Meaning of sizes: 0 the frame, 1 the IP packet, 2 the payload of IP, 3 the
            payload of the transport.

    Examples:
        >>> from nfstream.v6 import NFStreamer
        >>> from nfstream.v6.plugins import SPLT
        >>> plugin = SPLT(sequence_length=3, accounting_mode=0)
        >>> flow = next(iter(NFStreamer("tests/captures/redis.pcap", udps=plugin)))
        >>> flow.udps.splt_direction
        [0, 1, 0]
    """

    sequence_length: int
    accounting_mode: int

    def on_init(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Lists the first packet."""
        flow.udps.splt_direction = [-1] * self.sequence_length
        flow.udps.splt_ps = [-1] * self.sequence_length
        flow.udps.splt_piat_ms = [-1] * self.sequence_length
        self._list(packet, flow, 0)

    def on_update(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Lists a later packet, unless the list is full."""
        place = flow.bidirectional_packets - 1
        if place < self.sequence_length:
            self._list(packet, flow, place)

    def _list(self, packet: Nfstream6Packet, flow: NFlow, place: int) -> None:
        flow.udps.splt_direction[place] = packet.direction
        flow.udps.splt_ps[place] = self._size(packet)
        flow.udps.splt_piat_ms[place] = packet.delta_time

    def _size(self, packet: Nfstream6Packet) -> int:
        sizes = (packet.raw_size, packet.ip_size, packet.transport_size)
        if 0 <= self.accounting_mode < len(sizes):
            return sizes[self.accounting_mode]
        return packet.payload_size
