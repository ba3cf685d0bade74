"""Plugins and tasks that kill their process once, as a machine that fails does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nfstream import NFlow, NFPacket, NFPlugin
from nfstream.clusters import Task


class Mark(NFPlugin):
    """Adds up the lengths of a flow; kills its process at the first packet, once."""

    def on_init(self, packet: NFPacket) -> int:
        kill_once(Path(self.user_data))
        return packet.length

    def on_update(self, packet: NFPacket, flow: NFlow) -> None:
        flow.Mark += packet.length


class Trap(tuple[Any, ...]):
    """Files whose first reader is killed."""

    marker: str

    def __iter__(self) -> Iterator[Any]:
        kill_once(Path(self.marker))
        return super().__iter__()


def set_trap(task: Task, marker: Path) -> None:
    """Makes the first process that reads the files of `task` end, if the marker exists then."""
    trap = Trap(task.files)
    trap.marker = str(marker)
    object.__setattr__(task, "files", trap)


def kill_once(marker: Path) -> None:
    """Kills this process if the marker exists, which is removed."""
    try:
        marker.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
