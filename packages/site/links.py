"""Hook of the site: adapts links that suit a forge, where pages are files."""

import re
from pathlib import Path
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")
FILE_NAME = re.compile(r"\[(?:docs/)?[\w-]+\.md\]\(([\w-]+\.md)((?:#[^)]*)?)\)")


def on_page_markdown(markdown: str, *, config: Any, **_: Any) -> str:
    """Replaces links that leave the folder of the pages, and names of pages.

    A link that leaves the folder becomes its text. A link with the text ``flows.md`` gets the title
    of that page instead.
    """

    def with_title(link: re.Match[str]) -> str:
        page = Path(config["docs_dir"], link[1])
        if not page.is_file():
            return link[0]
        title = page.read_text().partition("\n")[0].removeprefix("# ")
        return f"[{title}]({link[1]}{link[2]})"

    return FILE_NAME.sub(with_title, OUTSIDE.sub(r"\1", markdown))
