"""The engine, in Rust. Import its classes from :mod:`nfstream`."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, final

from nfstream.plugin import NFPlugin
from nfstream.v6.plugin import NFPlugin as Nfstream6Plugin

__all__ = [
    "BlockWriter",
    "Destination",
    "NFPacket",
    "NFlow",
    "Nfstream6Packet",
    "Query",
    "Run",
    "TableOptions",
    "TcpFlags",
    "__version__",
    "active_table",
    "check_filter",
    "check_parameters",
    "check_source",
    "column_names",
    "column_roles",
    "cut_files",
    "extract",
    "find_files",
    "first_flows",
    "label_flows",
    "measure_fields",
    "parameters",
    "read_batches",
    "read_table",
    "report_features",
    "restore_flow",
    "revealing_columns",
    "run_command",
    "score_columns",
    "send_table",
    "table_schema",
    "versions",
    "write_report",
    "write_table",
]

__version__: str

@final
class NFlow:
    """A flow: a row of the table or, in plugins, a flow that may still be active.

    Columns and the values of plugins are attributes; ``docs/columns.md`` explains the columns.
    Only plugins can set attributes, and only values of plugins and ``expiration_id``.
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
    def __reduce__(self) -> tuple[Callable[..., NFlow], tuple[Any, ...]]: ...
    def _repr_html_(self) -> str: ...

@final
class NFPacket:
    """A packet of a flow, for plugins. Attributes are built only when they are read."""

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
        """Bytes in the capture, at most ``length``."""
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
        """Sender's port, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP."""
    @property
    def dst_port(self) -> int:
        """Receiver's port, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP."""
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
        """0 from source to destination of the flow, 1 the other way."""
    @property
    def tcpflags(self) -> TcpFlags:
        """The TCP flags, none set outside TCP."""
    @property
    def raw(self) -> bytes:
        """Captured bytes from the innermost IP header on."""
    @property
    def payload(self) -> bytes:
        """Captured bytes after the transport header."""
    @property
    def ip_length(self) -> int:
        """Bytes of the innermost IP packet on the wire, its header included."""
    @property
    def payload_length(self) -> int:
        """Bytes after the transport header on the wire."""

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
class Nfstream6Packet:
    """A packet for plugins of nfstream 6. Attributes are built only when they are read."""

    _fields: ClassVar[list[str]]
    @property
    def time(self) -> int:
        """Time in milliseconds since the Unix epoch."""
    @property
    def delta_time(self) -> int:
        """Milliseconds since the previous packet of the flow, 0 for the first."""
    @property
    def direction(self) -> int:
        """0 from source to destination of the flow, 1 the other way."""
    @property
    def raw_size(self) -> int:
        """Bytes on the wire, link header included."""
    @property
    def ip_size(self) -> int:
        """Bytes of the innermost IP packet, its header included."""
    @property
    def transport_size(self) -> int:
        """Bytes of the payload of the innermost IP header."""
    @property
    def payload_size(self) -> int:
        """Bytes of the payload of the transport header."""
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
        """Sender's port, 0 if the protocol has none."""
    @property
    def dst_port(self) -> int:
        """Receiver's port, 0 if the protocol has none."""
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
        """Tunnel of the packet, 0 without one."""
    def _asdict(self) -> dict[str, Any]: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...

@final
class Query:
    """Selection of flows and columns of a run."""

    def __new__(
        cls,
        *,
        where: str | None,
        columns: Sequence[str] | None,
        limit: int | None,
        sort: str | None,
        separate: bool,
        parameters: dict[str, Any],
    ) -> Query: ...

@final
class Run:
    """One pass over a source: an iterator of its flows."""

    def __new__(
        cls,
        source: Sequence[Any],
        *,
        plugins: Sequence[NFPlugin | Nfstream6Plugin],
        plugin_base: type[NFPlugin | Nfstream6Plugin],
        flow_rules: str = "standard",
        strict: bool = False,
        query: Query | None = None,
        **parameters: Any,
    ) -> Run: ...
    @staticmethod
    def of_blocks(
        blocks: Iterable[bytes],
        *,
        plugins: Sequence[NFPlugin],
        plugin_base: type[NFPlugin],
        **parameters: Any,
    ) -> Run:
        """Begins a run over the blocks of one shard."""
    @property
    def is_live(self) -> bool:
        """Whether packets come from interfaces."""
    @property
    def is_stream(self) -> bool:
        """Whether every input is an interface or a pipe, so that packets arrive in real time."""
    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
    @property
    def is_of_parent(self) -> bool:
        """Whether a parent process started the run and this process was forked from it."""
    def __iter__(self) -> Iterator[NFlow]: ...
    def __next__(self) -> NFlow: ...
    def read_flows(self) -> list[NFlow]:
        """Returns flows that have ended; waits for at least one, and returns none at the end."""
    def stop(self) -> None:
        """Ends the run after reading the packets that have arrived, and returning their flows."""
    def close(self) -> None:
        """Ends the run and its threads, and discards flows that have not been read."""
    def stats(self) -> dict[str, Any]:
        """Returns the counts so far."""
    def progress(self) -> tuple[int, int | None]:
        """Returns the bytes read so far, and those of all files if they are known."""
    def take_warnings(self) -> list[str]:
        """Returns the warnings since the last call."""

def active_table(run: Run, options: TableOptions) -> Any:
    """Returns an Arrow table of the active flows, without columns of plugins."""

@final
class BlockWriter:
    """Reads a piece of a stream into blocks: an iterator of lists with a block for each shard."""

    def __new__(
        cls,
        files: Sequence[tuple[str, int, int | None]],
        *,
        earlier: Sequence[tuple[str, int, int | None]],
        stream: int,
        piece: int,
        pieces: int,
        file: int,
        next: tuple[str, int] | None,
        shards: int,
        parameters: dict[str, Any],
    ) -> BlockWriter: ...
    def __iter__(self) -> Iterator[list[bytes]]: ...
    def __next__(self) -> list[bytes]: ...
    @property
    def settled(self) -> int | None:
        """Nanoseconds of the last packet so far."""
    def take_warnings(self) -> list[str]:
        """Returns the warnings since the last call."""

def find_files(
    source: Sequence[str], parameters: dict[str, Any]
) -> tuple[list[tuple[str, int, int | None]], list[str]]:
    """Returns the captures of a stream in order, and warnings about them."""

def cut_files(
    files: Sequence[tuple[str, int, int | None]], bytes: int, parameters: dict[str, Any]
) -> list[tuple[int, int, int, int | None]]:
    """Divides the files of a stream into pieces of about ``bytes``.

    Returns for each the index of its first file, that after its last, the first file before it that
    matters to it, and the file that follows it.
    """

def check_filter(bpf_filter: str) -> None:
    """Compiles a packet filter."""

def check_parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Checks values by name, and returns the values of all parameters.

    Features that are short for others are replaced by them.
    """

def check_source(source: Sequence[Any], parameters: dict[str, Any]) -> bool:
    """Opens every file of a source, or a socket, and returns whether packets come live."""

def column_names() -> list[str]:
    """Returns the names of all columns that a table can have."""

def label_flows(
    path: str,
    text: str,
    flows: Sequence[tuple[str, str, int, int, int, int, int]],
    *,
    time_zone: str | None,
    columns: Sequence[tuple[str, str]],
    match: str,
    default: str,
) -> tuple[list[str], tuple[int, list[int], int, int, int, int], str | None]:
    """Returns the labels of flows by the rules in ``text``, counts, and a warning about clocks.

    A flow has addresses, ports, protocol, and times in nanoseconds.
    """

def column_roles() -> dict[str, str]:
    """Returns the roles of all columns by name, in every time unit and with CIC headings."""

def measure_fields() -> list[dict[str, str]]:
    """Returns the fields of a packet that measures can read."""

def parameters() -> list[dict[str, Any]]:
    """Returns what the engine declares of each parameter of a run."""

def run_command(args: Sequence[str], earlier: Callable[[], int]) -> int:
    """Runs the command line ``args``, program name first, and returns the exit code."""

def score_columns(parameters: dict[str, Any]) -> list[str]:
    """Returns the names of the columns that models add."""

def versions() -> dict[str, str]:
    """Returns the versions of the engine and of nDPI."""

@final
class TableOptions:
    """Options of a run's tables."""

    def __new__(
        cls,
        *,
        timestamps: bool,
        frame_text: bool,
        names: str,
        columns_to_anonymize: Sequence[str],
        key: bytes | None,
        parameters: str,
    ) -> TableOptions: ...

def restore_flow(
    names: Sequence[str],
    volatile: Sequence[str],
    is_of_nfstream6: bool,
    values: Sequence[Any],
) -> NFlow:
    """Returns a flow with the values of the attributes ``names``, for ``copy`` and ``pickle``."""

def revealing_columns(run: Run, options: TableOptions) -> list[str]:
    """Returns the columns that can reveal a value anonymised in another."""

def read_table(
    run: Run,
    options: TableOptions,
    plugin_columns: bool,
    append: Callable[[Any], Any] | None = None,
) -> tuple[Any, list[list[Any]]]:
    """Reads a run to its end; returns an Arrow table, and a list for each plugin column.

    ``append`` returns further columns for each batch.
    """

def table_schema(run: Run, options: TableOptions) -> Any:
    """Returns the Arrow schema of the table of a run without plugins."""

def read_batches(run: Run, options: TableOptions, end: Callable[..., None]) -> Any:
    """Returns a stream of the Arrow batches of a run without plugins."""

def write_table(
    run: Run,
    options: TableOptions,
    path: str | os.PathLike[str],
    format: str,
    *,
    safe: bool,
    overwrite: bool,
    every_s: int,
    flows_per_file: int,
    bytes_per_file: int,
    rotate_files: int,
    append: Callable[[Any], Any] | None = None,
) -> int:
    """Writes the table of a run to files and returns the number of its flows."""

@final
class Destination:
    """Program that takes flows, named by a URL."""

    def __new__(cls, url: str, format: str | None) -> Destination: ...
    @property
    def name(self) -> str:
        """URL without secrets and options."""
    @property
    def counts_ip_bytes(self) -> bool:
        """Whether the bytes of IP packets count."""
    def needed_features(
        self, features: Sequence[str], dissect: bool, time_unit: str
    ) -> list[str] | None:
        """Returns the features that a destination with columns of its own needs."""

def send_table(
    run: Run,
    options: TableOptions,
    destination: Destination,
    *,
    features: Sequence[str],
    dissect: bool,
    time_unit: str,
    append: Callable[[Any], Any] | None = None,
) -> tuple[int, list[str]]:
    """Sends the table of a run, and returns the number of flows sent and warnings."""

def report_features(dissect: bool) -> list[str]:
    """Returns the features that a report shows."""

def write_report(
    run: Run,
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    flows: int,
    facts: tuple[str, Sequence[str], str, Sequence[str]],
) -> list[str]:
    """Reads a run to its end, writes the report on it, and returns the warnings of the run.

    ``facts`` are a title, captures, parameters as JSON and the names of changed parameters.
    """

def extract(
    source: Sequence[Any],
    path: str,
    *,
    query: Query | None,
    parameters: dict[str, Any],
    ids: Sequence[int],
    community_ids: Sequence[str],
    rows: str | None,
    split: bool,
    overwrite: bool,
) -> tuple[int, int, list[str]]:
    """Writes the packets of flows; returns the numbers of packets and flows, and warnings."""

def first_flows(run: Run, flows: int, packets: int) -> list[NFlow]:
    """Returns the first flows of a run without plugins; reads about ``packets`` packets."""
