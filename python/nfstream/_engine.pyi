"""The engine, in Rust. Users take its classes from :mod:`nfstream`."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, final

from nfstream.plugin import NFPlugin
from nfstream.v6.plugin import NFPlugin as V6Plugin

__all__ = [
    "NFPacket",
    "NFlow",
    "Run",
    "TableOptions",
    "TcpFlags",
    "V6Packet",
    "__version__",
    "check_filter",
    "check_parameters",
    "check_source",
    "column_names",
    "first_flows",
    "parameters",
    "read_batches",
    "read_table",
    "run_command",
    "table_schema",
    "versions",
    "write_table",
]

__version__: str

@final
class NFlow:
    """A flow: a row of the table, or a flow that is still active in the hands of plugins.

    Its columns are its attributes, and so are the values of plugins; ``docs/columns.md`` explains
    each column. Only plugins can set values, and only those of plugins and ``expiration_id``.
    """

    @property
    def id(self) -> int: ...
    @property
    def first_seen(self) -> int: ...
    @property
    def last_seen(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def src_port(self) -> int: ...
    @property
    def dst_port(self) -> int: ...
    @property
    def protocol(self) -> int: ...
    @property
    def vlan_id(self) -> int: ...
    @property
    def src_ip(self) -> str: ...
    @property
    def dst_ip(self) -> str: ...
    @property
    def total_packets(self) -> int: ...
    @property
    def total_bytes(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def src2dst_packets(self) -> int: ...
    @property
    def src2dst_bytes(self) -> int: ...
    @property
    def dst2src_packets(self) -> int: ...
    @property
    def dst2src_bytes(self) -> int: ...
    expiration_id: int
    @property
    def master_protocol(self) -> int: ...
    @property
    def app_protocol(self) -> int: ...
    @property
    def application_name(self) -> str: ...
    @property
    def category_name(self) -> str: ...
    @property
    def client_info(self) -> str: ...
    @property
    def server_info(self) -> str: ...
    @property
    def j3a_client(self) -> str: ...
    @property
    def j3a_server(self) -> str: ...
    def __getattribute__(self, name: str, /) -> Any: ...
    def __setattr__(self, name: str, value: Any, /) -> None: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __dir__(self) -> list[str]: ...
    def keys(self) -> list[str]:
        """Returns the names of the columns in order."""
    def values(self) -> list[Any]:
        """Returns the values of the columns in order."""
    def to_dict(self) -> dict[str, Any]:
        """Returns the columns by name."""
    def to_namedtuple(self) -> NamedTuple:
        """Returns the columns as a named tuple, ``NFlow(id=0, …)``."""
    def _repr_html_(self) -> str: ...

@final
class NFPacket:
    """A packet of a flow, as plugins see it. Nothing is built until it is asked for."""

    @property
    def time(self) -> int:
        """Time in milliseconds since the Unix epoch."""
    @property
    def time_ns(self) -> int:
        """Time in nanoseconds since the Unix epoch."""
    @property
    def length(self) -> int:
        """Bytes on the wire, link header included."""
    @property
    def capture_length(self) -> int:
        """Bytes that the capture holds of them."""
    @property
    def ip_src(self) -> int:
        """Sender's address as a number."""
    @property
    def ip_dst(self) -> int:
        """Receiver's address as a number."""
    @property
    def src_ip(self) -> str:
        """Sender's address as text."""
    @property
    def dst_ip(self) -> str:
        """Receiver's address as text."""
    @property
    def src_port(self) -> int:
        """Sender's port, 0 outside TCP, UDP and SCTP."""
    @property
    def dst_port(self) -> int:
        """Receiver's port, 0 outside TCP, UDP and SCTP."""
    @property
    def protocol(self) -> int:
        """IP protocol number."""
    @property
    def vlan_id(self) -> int:
        """Innermost VLAN identifier, 0 without a tag."""
    @property
    def version(self) -> int:
        """IP version, 4 or 6."""
    @property
    def direction(self) -> int:
        """0 from source to destination of the flow, 1 back."""
    @property
    def tcpflags(self) -> TcpFlags:
        """The TCP flags, none set outside TCP."""
    @property
    def raw(self) -> bytes:
        """Captured bytes from the innermost IP header on."""
    @property
    def payload(self) -> bytes:
        """Captured bytes behind the transport header."""
    @property
    def ip_length(self) -> int:
        """Bytes of the innermost IP packet on the wire, its header included."""
    @property
    def payload_length(self) -> int:
        """Bytes behind the transport header on the wire."""

@final
class TcpFlags:
    """The flags of a TCP header, each 0 or 1."""

    @property
    def syn(self) -> int:
        """Synchronize sequence numbers."""
    @property
    def cwr(self) -> int:
        """Congestion window reduced."""
    @property
    def ece(self) -> int:
        """ECN echo."""
    @property
    def urg(self) -> int:
        """Urgent pointer field is significant."""
    @property
    def ack(self) -> int:
        """Acknowledgment field is significant."""
    @property
    def psh(self) -> int:
        """Push function."""
    @property
    def rst(self) -> int:
        """Reset the connection."""
    @property
    def fin(self) -> int:
        """No more data from sender."""
    def __int__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class V6Packet:
    """A packet as plugins of nfstream 6 see it. Nothing is built until it is asked for."""

    _fields: ClassVar[list[str]]
    @property
    def time(self) -> int:
        """Time in milliseconds since the Unix epoch."""
    @property
    def delta_time(self) -> int:
        """Milliseconds since the packet before it in its flow, 0 for the first."""
    @property
    def direction(self) -> int:
        """0 from source to destination of the flow, 1 back."""
    @property
    def raw_size(self) -> int:
        """Bytes on the wire, link header included."""
    @property
    def ip_size(self) -> int:
        """Bytes of the innermost IP packet, its header included."""
    @property
    def transport_size(self) -> int:
        """Bytes that the innermost IP header carries."""
    @property
    def payload_size(self) -> int:
        """Bytes that the transport header carries."""
    @property
    def src_ip(self) -> str:
        """Sender's address."""
    @property
    def src_mac(self) -> str:
        """Sender's MAC address."""
    @property
    def src_oui(self) -> str:
        """First three bytes of the sender's MAC address."""
    @property
    def dst_ip(self) -> str:
        """Receiver's address."""
    @property
    def dst_mac(self) -> str:
        """Receiver's MAC address."""
    @property
    def dst_oui(self) -> str:
        """First three bytes of the receiver's MAC address."""
    @property
    def src_port(self) -> int:
        """Sender's port, 0 where there are none."""
    @property
    def dst_port(self) -> int:
        """Receiver's port, 0 where there are none."""
    @property
    def protocol(self) -> int:
        """IP protocol number."""
    @property
    def vlan_id(self) -> int:
        """Innermost VLAN identifier, 0 without a tag."""
    @property
    def ip_version(self) -> int:
        """IP version, 4 or 6."""
    @property
    def ip_packet(self) -> bytes:
        """Captured bytes from the innermost IP header on."""
    @property
    def syn(self) -> int:
        """Synchronize sequence numbers."""
    @property
    def cwr(self) -> int:
        """Congestion window reduced."""
    @property
    def ece(self) -> int:
        """ECN echo."""
    @property
    def urg(self) -> int:
        """Urgent pointer field is significant."""
    @property
    def ack(self) -> int:
        """Acknowledgment field is significant."""
    @property
    def psh(self) -> int:
        """Push function."""
    @property
    def rst(self) -> int:
        """Reset the connection."""
    @property
    def fin(self) -> int:
        """No more data from sender."""
    @property
    def tunnel_id(self) -> int:
        """Tunnel that carried the packet, 0 without one."""
    def _asdict(self) -> dict[str, Any]: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...

@final
class Run:
    """One pass over a source: an iterator of its flows."""

    def __new__(
        cls,
        source: Sequence[str],
        *,
        plugins: Sequence[NFPlugin | V6Plugin],
        plugin_base: type[NFPlugin | V6Plugin],
        rules: str = "standard",
        strict: bool = False,
        **parameters: Any,
    ) -> Run: ...
    @property
    def is_live(self) -> bool:
        """Whether packets come from interfaces."""
    @property
    def is_stopped(self) -> bool:
        """Whether the run has been asked to end."""
    @property
    def is_of_parent(self) -> bool:
        """Whether the run belongs to the process from which this one was forked."""
    def __iter__(self) -> Iterator[NFlow]: ...
    def __next__(self) -> NFlow: ...
    def read_flows(self) -> list[NFlow]:
        """Returns the flows that have ended, and waits for the first; none at the end."""
    def stop(self) -> None:
        """Asks the run to end: packets from before are still read, and their flows given."""
    def close(self) -> None:
        """Ends the run, and its threads; what has not been read of it is lost."""
    def stats(self) -> dict[str, Any]:
        """Returns the counts so far."""
    def take_warnings(self) -> list[str]:
        """Takes the warnings that have come up since the last call."""

def check_filter(bpf_filter: str) -> None:
    """Compiles a packet filter."""

def check_parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Checks values by name, and returns the values of all parameters.

    Features that are short for others are replaced by them.
    """

def check_source(source: Sequence[str]) -> bool:
    """Opens every file of a source, or a socket, and returns whether packets come live."""

def column_names() -> list[str]:
    """Returns the names of all columns that a table can have."""

def parameters() -> list[dict[str, Any]]:
    """Returns what the engine declares of each parameter of a run."""

def run_command(args: Sequence[str]) -> int:
    """Does what ``args`` ask for, the program's name first, and returns the exit code."""

def versions() -> dict[str, str]:
    """Returns the versions of the engine and of nDPI."""

@final
class TableOptions:
    """What the tables of a run are like."""

    def __new__(
        cls,
        *,
        timestamps: bool,
        frame_text: bool,
        columns_to_anonymize: Sequence[str],
        key: bytes | None,
        parameters: str,
    ) -> TableOptions: ...

def read_table(
    run: Run, options: TableOptions, plugin_columns: bool
) -> tuple[Any, list[list[Any]]]:
    """Reads a run to its end: an Arrow table, and a list for each plugin column."""

def table_schema(run: Run, options: TableOptions) -> Any:
    """Returns the Arrow schema of a run's table; it has no plugins."""

def read_batches(run: Run, options: TableOptions, end: Callable[..., None]) -> Any:
    """Returns the Arrow batches of a run while it goes on; it has no plugins."""

def write_table(
    run: Run,
    options: TableOptions,
    path: str | os.PathLike[str],
    format: str,
    *,
    overwrite: bool,
    flows_per_file: int,
    bytes_per_file: int,
    rotate_files: int,
) -> int:
    """Writes the table of a run to files and returns the number of its flows."""

def first_flows(run: Run, flows: int, packets: int) -> list[NFlow]:
    """Returns the first flows of a run without plugins, of about so many packets."""
