"""Shared library through which nfstream labels flows with nDPI.

The package has no functions of its own: ``NFStreamer(..., dissector="ndpi")`` loads the library
from this folder.
"""
