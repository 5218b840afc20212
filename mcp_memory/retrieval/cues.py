"""Cues: what ranking wants to know of a memory's text, read once when the memory is written."""

from __future__ import annotations

import re
from enum import IntFlag

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.talk import turn
from mcp_memory.ports.memories import Cues
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


_WORD = re.compile(r"\w+(?:['’]\w+)*")
_USERS = frozenset({"user", "human", "customer", "client"})
_ASSISTANTS = frozenset({"assistant", "ai", "bot", "model", "agent", "system"})
_FIRST_PERSON = frozenset(
    {"i", "i'm", "i've", "i'd", "i'll", "my", "me", "mine", "we", "we're", "we've", "our", "us", "myself"}
)
_CLOSING = " \"'”’)*_」』"
_READ = 4_000
"""Characters that are read for cues: the beginning of a text tells what it is like."""


def cues(record: MemoryRecord) -> Cues:
    """Return what ranking wants to know of the memory; who speaks is its source, else the name before its words."""
    heard = turn(record.text)
    who = fold(record.source or heard.speaker).strip()
    said = heard.said[:_READ]
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(said)]
    when = record.dated or record.created_at
    return Cues(
        words=len(words) if len(heard.said) <= _READ else len(heard.said.split()),
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
