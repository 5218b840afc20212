"""Cues: what ranking wants to know of a memory's text, read once when the memory is written."""

from __future__ import annotations

import re
from enum import IntFlag

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports import Cues
from mcp_memory.retrieval.lexicon import NUMBERS, TEMPORAL
from mcp_memory.retrieval.words import fold

SECONDS_A_DAY = 86_400


class Flag(IntFlag):
    """What a text is like; the bits of ``Cues.flags``, kept in stores: never renumber them."""

    QUESTION = 1
    """Ends by asking."""
    NUMBER = 2
    """Holds a number, in figures or words."""
    DATED = 4
    """Holds words of time: "yesterday", "in March", "two weeks ago"."""
    FIRST_PERSON = 8
    """Its speaker tells of themselves."""
    USER = 16
    """Said by the user of an assistant."""
    ASSISTANT = 32
    """Said by an assistant."""


_PREFIX = re.compile(r"\s*(?:\[([^\]\n]{1,40})\]:?|\*{0,2}([^\W\d_][\w .'’-]{0,39}?)\*{0,2}:)\s+(?=\S)")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_MOST_WORDS_OF_A_NAME = 3
_USERS = frozenset({"user", "human", "customer", "client"})
_ASSISTANTS = frozenset({"assistant", "ai", "bot", "model", "agent", "system"})
_NOT_NAMES = frozenset(
    {"note", "todo", "fact", "update", "warning", "re", "fwd", "ps", "https", "http", "summary", "important"}
)
_FIRST_PERSON = frozenset(
    {"i", "i'm", "i've", "i'd", "i'll", "my", "me", "mine", "we", "we're", "we've", "our", "us", "myself"}
)
_CLOSING = " \"'”’)*_」』"
_READ = 4_000
"""Characters that are read for cues: the beginning of a text tells what it is like."""


def speaker(text: str, source: str | None = None) -> str:
    """Return who speaks, folded: the source if it is told, else the name before "Name: …" or in "[Name] …"."""
    if source:
        return fold(source).strip()
    prefix = _PREFIX.match(text)
    if prefix is None:
        return ""
    name = fold(prefix[1] or prefix[2]).strip()
    return "" if name in _NOT_NAMES or len(name.split()) > _MOST_WORDS_OF_A_NAME else name


def cues(record: MemoryRecord) -> Cues:
    """Return what ranking wants to know of the memory."""
    who = speaker(record.text, record.source)
    said = _PREFIX.sub("", record.text[:_READ], count=1) if who and not record.source else record.text[:_READ]
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(said)]
    when = record.event_date or record.created_at
    return Cues(
        words=len(words) if len(record.text) <= _READ else len(record.text.split()),
        flags=int(_flags(said.rstrip(_CLOSING), words, who)),
        speaker=who,
        day=int(when.timestamp() // SECONDS_A_DAY),
    )


def _flags(text: str, words: list[str], who: str) -> Flag:
    held = frozenset(words)
    flags = Flag(0)
    if text.endswith(("?", "？", "؟")):
        flags |= Flag.QUESTION
    if any(word[0].isdecimal() for word in held) or held & NUMBERS:
        flags |= Flag.NUMBER
    if held & TEMPORAL:
        flags |= Flag.DATED
    if held & _FIRST_PERSON:
        flags |= Flag.FIRST_PERSON
    if who in _USERS:
        flags |= Flag.USER
    if who in _ASSISTANTS:
        flags |= Flag.ASSISTANT
    return flags
