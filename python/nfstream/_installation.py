"""Check of the installed files.

The package ``nfstream`` on PyPI has the same import name as ``nfstream-rs``. Installed in the same
environment, the second of the two replaces files of the first.
"""

import os
import sys
import warnings

from nfstream import _engine

_REPAIR = "run: pip uninstall -y nfstream nfstream-rs && pip install nfstream-rs"


def warn_if_shared() -> None:
    """Warns if ``nfstream-rs`` was installed over the package ``nfstream``."""
    if _has_other_files():
        warnings.warn(
            "nfstream-rs was installed over the package nfstream, and removing that package would "
            f"delete files of both; {_REPAIR}",
            RuntimeWarning,
            # The line that imports the package, after this function and `__init__`.
            stacklevel=3,
        )


def mistake() -> str | None:
    """Returns the problem with the installation if the command cannot run with it."""
    package = sys.modules["nfstream"]
    if getattr(package, "__version__", None) == _engine.__version__:
        return None
    if _has_other_files():
        return f"the package nfstream was installed over nfstream-rs and replaced files; {_REPAIR}"
    return "files of nfstream-rs are missing; run: pip install --force-reinstall nfstream-rs"


def _has_other_files() -> bool:
    # One of the files that only the other package has.
    return os.path.exists(os.path.join(os.path.dirname(__file__), "engine", "__init__.py"))
