"""Adds the compiled shim to the wheel."""

import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from compile_shim import LIBRARY, compile_shim


class ShimHook(BuildHookInterface):
    """Compiles the shim when a wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles the shim and names the platform of the wheel."""
        if self.target_name != "wheel":
            return
        self.folder = tempfile.TemporaryDirectory()
        library = Path(self.folder.name, LIBRARY)
        compile_shim(library)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][str(library)] = f"nfstream_ndpi/{LIBRARY}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the compiled shim."""
        if self.target_name == "wheel":
            self.folder.cleanup()
