"""Hook of the site: links to files of the repository become their names."""

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replaces links that leave the folder of the pages with their text."""
    return OUTSIDE.sub(r"\1", markdown)
