"""Position of this package's caller on the stack, for warnings."""

from __future__ import annotations

import os
import sys


def level_of_caller() -> int:
    """Returns the number of frames between a warning and the caller of this package."""
    package = os.path.dirname(__file__) + os.sep
    frame = sys._getframe(1).f_back
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level
