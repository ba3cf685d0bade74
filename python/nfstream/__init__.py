"""Turns network packets into labelled flow tables.

>>> from nfstream import NFStreamer
>>> for flow in NFStreamer(source="tests/captures/redis.pcap"):
...     print(flow.dst_ip, flow.dst_port, flow.application_name)
...     break
192.168.10.1 6379 RESP
"""

from nfstream import _installation
from nfstream._engine import NFlow, NFPacket, TcpFlags, __version__
from nfstream.clusters import plan
from nfstream.ground_truth import LabelReport, label_by
from nfstream.leakage import column_roles, drop_identifiers, split
from nfstream.measure import flow, pkt
from nfstream.plugin import NFPlugin
from nfstream.streamer import NFStreamer, Stats

__all__ = [
    "LabelReport",
    "NFPacket",
    "NFPlugin",
    "NFStreamer",
    "NFlow",
    "Stats",
    "TcpFlags",
    "__version__",
    "column_roles",
    "drop_identifiers",
    "flow",
    "label_by",
    "pkt",
    "plan",
    "split",
]

_installation.warn_if_shared()
