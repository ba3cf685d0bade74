"""Plugins with the interface of nfstream 6."""

from __future__ import annotations

from typing import Any

from nfstream._engine import NFlow, Nfstream6Packet


class NFPlugin:
    """A feature of your own, written for nfstream 6.

    Values live in ``flow.udps``; each becomes a column, ``udps.name``. Setting
    ``flow.expiration_id = -1`` ends the flow with the current packet.

    Args:
        **kwargs: Any values that the plugin needs, kept as its attributes.

    Examples:
        >>> from nfstream.v6 import NFPlugin, NFStreamer
        >>> class Small(NFPlugin):
        ...     def on_init(self, packet, flow):
        ...         flow.udps.small = int(packet.raw_size < self.limit)
        ...
        ...     def on_update(self, packet, flow):
        ...         flow.udps.small += packet.raw_size < self.limit
        >>> streamer = NFStreamer("tests/captures/redis.pcap", udps=Small(limit=100))
        >>> [flow.udps.small for flow in streamer]
        [10, 9, 10, 9, 8, 31]
    """

    def __init__(self, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            setattr(self, name, value)

    def on_init(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Sets the first values, given the first packet of a flow."""

    def on_update(self, packet: Nfstream6Packet, flow: NFlow) -> None:
        """Updates the values, given a later packet of the flow."""

    def on_expire(self, flow: NFlow) -> None:
        """Sets the final values: the flow has ended."""

    def cleanup(self) -> None:
        """Releases the resources of the plugin: the run has ended."""
