"""The plugins that come with nfstream 6."""

from nfstream.v6.plugins.dhcp import DHCP, MsgType
from nfstream.v6.plugins.mdns import MDNS
from nfstream.v6.plugins.slicer import FlowSlicer
from nfstream.v6.plugins.splt import SPLT

__all__ = ["DHCP", "MDNS", "SPLT", "FlowSlicer", "MsgType"]
