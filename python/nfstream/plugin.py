"""Plugins: features of your own, computed from the packets of each flow."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any

from nfstream._engine import NFlow, NFPacket

if TYPE_CHECKING:
    import pyarrow as pa


class NFPlugin:
    """A feature of your own: derive from this class and define the methods you need.

    A method that is not defined costs nothing, neither per packet nor per flow. Plugins run in
    the given order, so a plugin sees the values of those before it.

    Args:
        name: Attribute of the flow with the value, and column of the table; by default the name of
            the class.
        volatile: Whether the value is an attribute of the flow only, and not a column.
        user_data: Any object that the plugin needs, available as ``self.user_data``.

    Raises:
        ValueError: If the name is not a Python identifier, or begins with an underscore.

    Examples:
        >>> class ack_count(NFPlugin):
        ...     def on_init(self, pkt):
        ...         return pkt.tcpflags.ack
        ...
        ...     def on_update(self, pkt, flow):
        ...         flow.ack_count += pkt.tcpflags.ack
        >>> from nfstream import NFStreamer
        >>> streamer = NFStreamer("tests/captures/redis.pcap", plugins=[ack_count()])
        >>> [flow.ack_count > 0 for flow in streamer]
        [True, True, True, True, True, True]
    """

    def __init__(
        self, name: str | None = None, volatile: bool = False, user_data: Any = None
    ) -> None:
        self.name = type(self).__name__ if name is None else name
        if not (isinstance(self.name, str) and self.name.isidentifier()) or keyword.iskeyword(
            self.name
        ):
            raise ValueError(f"name of a plugin must be a Python identifier, not {self.name!r}")
        if self.name.startswith("_"):
            raise ValueError(
                f"name of a plugin must not begin with an underscore, as {self.name!r} does: "
                "set another one with name="
            )
        self.volatile = bool(volatile)
        self.user_data = user_data

    def on_init(self, pkt: NFPacket) -> Any:
        """Returns the first value, given the first packet of a flow; 0 if not defined."""
        return 0

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        """Updates the value, given a later packet of the flow.

        Setting ``flow.expiration_id`` to a number below 0 ends the flow with this packet.
        """

    def on_expire(self, flow: NFlow) -> None:
        """Sets the final value: the flow has ended and its columns are final."""

    def on_batch(self, batch: pa.RecordBatch) -> Any:
        """Returns columns for a batch of ended flows, an Arrow record batch of their columns.

        The result is a list or an array with a value for each flow, which becomes the column of
        this name, or a dictionary of several such columns by name. Tables and files call it after
        the meters, so a run with such plugins alone has any number of meters; loops over flows do
        not. A plugin with this method has none for packets or single flows.
        """

    def cleanup(self) -> None:
        """Releases the resources of the plugin: the run has ended, normally or not."""
