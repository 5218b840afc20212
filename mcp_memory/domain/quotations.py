"""Quotations: what a text gives in the words of somebody else, or as the name of something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_memory.domain.identity import normalised

_QUOTED = re.compile(
    r"\"([^\"]{1,200})\"|“([^”]{1,200})”|„([^“”]{1,200})[“”]|«([^»]{1,200})»|「([^」]{1,200})」|『([^』]{1,200})』"
    r"|(?<!\w)'([^']{1,200})'(?!\w)|(?<!\w)‘([^’]{1,200})’(?!\w)"
)


_QUOTES = re.compile("[\"“„«「『'‘]")


def quotes(said: str) -> Iterator[str]:
    """Yield what stands between quotation marks."""
    if not _QUOTES.search(said):
        return
    for groups in _QUOTED.findall(said):
        yield from (normalised(group).rstrip(",;:? ") for group in groups if group)
