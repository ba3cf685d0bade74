"""Flows of a limited number of packets."""

from __future__ import annotations

from nfstream._engine import NFlow, Nfstream6Packet
from nfstream.v6.plugin import NFPlugin


class FlowSlicer(NFPlugin):
    """Ends a flow with its ``limit``-th packet; the next packet starts another flow.

    Args:
        limit: Maximum number of packets of a flow.

    Examples:
        >>> from nfstream.v6 import NFStreamer
        >>> from nfstream.v6.plugins import FlowSlicer
        >>> streamer = NFStreamer("tests/captures/redis.pcap", udps=FlowSlicer(limit=10))
        >>> max(flow.bidirectional_packets for flow in streamer)
        10
    """

    limit: int

    def on_init(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Ends flows of one packet."""
        if self.limit == 1:
            flow.expiration_id = -1

    def on_update(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Ends the flow if it is full."""
        if flow.bidirectional_packets == self.limit:
            flow.expiration_id = -1
