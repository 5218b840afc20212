"""Echoes: text of ours that comes back. Takes away what answers put around memories, so that these can be known again.

What we put there: the lines of a memory prompt and of the MCP prompts, the listing of the command line, the JSON of
tools and resources. What clients put there: bullets and quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp_memory.domain.identity import normalised
from mcp_memory.domain.replies import Found, Hit
from mcp_memory.domain.requests import MAX_LABEL

MOST = 100
"""Memories that one text may be made of."""
LONGEST = 50_000
"""Characters of a text that is looked into."""

_BULLET = r"(?:[-*•]|\d{1,3}[.)])"
_END = r"[ \t]*(?:\n|\Z)"
_ID = rf"[^\n]{{1,{MAX_LABEL}}}"
_LINE = re.compile(rf"\s*(?:{_BULLET}\s+)?(?P<text>\S.*?) \(ID: (?P<id>{_ID}?), \d{{4}}-\d\d-\d\d\){_END}", re.DOTALL)
_DATED = re.compile(
    rf"\s*(?:{_BULLET}\s+)?(?:\d{{4}}-\d\d-\d\d )?(?P<text>\S.*?) \(id (?P<id>{_ID}?)\){_END}", re.DOTALL
)
_LISTED = re.compile(
    rf"\s*\[\d+\] ID: (?P<id>{_ID})\n(?:[ \t]*(?!Text: )[A-Z]\w*: [^\n]*\n)*"
    r"[ \t]*Text: (?P<text>.*?)(?:\n(?=[ \t]*\[\d+\] ID: )|\Z)",
    re.DOTALL,
)
_BULLETED = re.compile(rf"\s*{_BULLET}\s+(?P<text>\S.*)")
_HEADING = re.compile(r"\s*(?:#+ .*|=+|Found \d+ memories \(showing \d+\):|Memories found\b.*:|More results: .*)?\s*")
_QUOTES = "\"'“”‘’„«»"
_CUT = "..."


@dataclass(frozen=True, slots=True)
class Echo:
    """What may be a memory: its text, and the id that stood beside it."""

    text: str
    id: str | None = None

    def repeats(self, text: str) -> bool:
        """Say whether this is the text of a memory; beside an id it may be cut short, as our lists do it."""
        said, mine = normalised(text), normalised(self.text)
        return mine == said or (self.id is not None and self.text.endswith(_CUT) and said.startswith(mine))


Reading: TypeAlias = tuple[Echo, ...]
"""One way in which a text may be made of memories alone."""


def readings(text: str) -> Iterator[Reading]:
    """Yield the ways in which a text may be made of memories alone."""
    return (reading for reading in _readings(text.strip()) if len(reading) <= MOST)


def _readings(text: str) -> Iterator[Reading]:
    yield (Echo(text),)
    # Nearly every memory is one plain sentence, with nothing around it.
    if len(text) > LONGEST or (text[:1].isalpha() and not text.endswith(")") and "\n" not in text):
        return
    if text[:1] in _QUOTES:
        yield (Echo(text.strip(_QUOTES)),)
    if text[:1] in {"[", "{"}:
        yield from _in_json(text)
    body = "\n".join(line for line in text.splitlines() if not _HEADING.fullmatch(line))
    for pattern in (_LINE, _DATED, _LISTED):
        yield from _matched(pattern, body)
    yield from _bulleted(body)


def _in_json(text: str) -> Iterator[Reading]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return
    if isinstance(value, dict):
        # What has other fields says more than our answer.
        value = value["memories"] if "memories" in value and value.keys() <= Found.model_fields.keys() else [value]
    if isinstance(value, list) and value and all(map(_is_hit, value)):
        yield tuple(Echo(one["text"].strip(), one["id"]) for one in value)


def _is_hit(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= Hit.model_fields.keys()
        and isinstance(value.get("text"), str)
        and isinstance(value.get("id"), str)
    )


def _matched(pattern: re.Pattern[str], text: str) -> Iterator[Reading]:
    """Yield what the pattern finds one after the other, if nothing is left over."""
    found: list[Echo] = []
    end = 0
    while end < len(text):
        match = pattern.match(text, end)
        if match is None or len(found) > MOST:
            return
        found.append(Echo(match["text"].strip(), match["id"].strip()))
        end = match.end()
    if found:
        yield tuple(found)


def _bulleted(text: str) -> Iterator[Reading]:
    lines = [_BULLETED.fullmatch(line) for line in text.splitlines()]
    echoes = tuple(Echo(line["text"].strip()) for line in lines if line is not None)
    if echoes and len(echoes) == len(lines):
        yield echoes
