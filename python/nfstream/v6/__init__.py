"""nfstream 6 on this engine: its scripts run after changing one import line.

``docs/v6.md`` lists the intended differences.

>>> from nfstream.v6 import NFStreamer
>>> for flow in NFStreamer(source="tests/captures/redis.pcap"):
...     print(flow.src_port, flow.dst_port, flow.bidirectional_packets, flow.application_name)
...     break
40606 6379 10 RESP
"""

from nfstream._engine import NFlow
from nfstream._engine import Nfstream6Packet as NFPacket
from nfstream.v6.plugin import NFPlugin
from nfstream.v6.streamer import NFStreamer

__all__ = ["NFPacket", "NFPlugin", "NFStreamer", "NFlow"]
