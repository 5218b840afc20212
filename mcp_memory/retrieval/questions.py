"""Questions: what the words of a question ask for, read by rule; no model is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag

from mcp_memory.domain.talk import MONTHS
from mcp_memory.retrieval.calendar import Window, windows
from mcp_memory.retrieval.lexicon import ENGLISH, GATHERING, INTERROGATIVE, PERSONAL, STOP_WORDS, WEEKDAYS
from mcp_memory.retrieval.words import kind_terms, query_terms, terms


class Asks(IntFlag):
    """What kind of answer a question wants."""

    NOTHING = 0
    WHEN = 1
    HOW_MANY = 2
    ASSISTANT = 4
    """What the assistant said, suggested or made."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read."""

    text: str
    terms: tuple[str, ...] = ()
    """Folded words to look up."""
    kinds: tuple[str, ...] = ()
    """What to look up besides for the kinds of things that are asked for; not in a search by keyword."""
    words: frozenset[str] = frozenset()
    """All folded words, for speakers that are named in lower case."""
    names: frozenset[str] = frozenset()
    """Folded words that are written as names."""
    codes: frozenset[str] = frozenset()
    """Folded words that name one thing by a number: "INV-48213", "v2.7", "room 12b"; no year and no small number."""
    windows: tuple[Window, ...] = ()
    """Days that the question speaks of."""
    asks: Asks = Asks.NOTHING
    of_the_world: bool = False
    """It asks for something particular, of nobody here and no day: what may be answered with "nothing is known"."""


_MOST_READ = 2_000
"""Characters of a question that are read for names and dates."""
_CAPITALISED = re.compile(r"(?<![\w'])([^\W\d_a-z][^\W\d_]+)(?:['’]s)?")
_TOLD = (
    r"said|told|gave|given|suggest\w*|recommend\w*|mention\w*|advise\w*|propos\w*|explain\w*|provid\w*|list\w*|wrote"
    r"|written|sent|shared|help\w*|describ\w*|outlin\w*"
)
_ASKS: tuple[tuple[Asks, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            Asks.WHEN,
            (
                r"\bwhen\b|\b(?:what|which)\s+(?:\w+\s+)?(?:date|day|month|year|time|week|season)\b"
                r"|\bhow (?:long|recently|soon)\b"
            ),
        ),
        (
            Asks.HOW_MANY,
            (
                r"\bhow (?:many|much|often|old|far|long|big|tall|heavy)\b|\bnumber of\b"
                r"|\bwhat (?:percentage|amount|price|cost|score)\b"
            ),
        ),
        (
            Asks.ASSISTANT,
            (
                rf"\b(?:did|have|had|were) you\b|\byou(?:['’]ve| had| have)? (?:{_TOLD})\b"
                r"|\byour (?:advice|answer|suggestions?|recommendations?|reply|response|list|explanation)\b"
                r"|\bthe (?:assistant|chatbot|bot)\b"
            ),
        ),
    )
)


def read(text: str, now: datetime) -> Question:
    """Return what the question asks; ``now`` gives a meaning to "last week"."""
    head = text[:_MOST_READ]
    asks = Asks.NOTHING
    for kind, pattern in _ASKS:
        if pattern.search(head):
            asks |= kind
    looked_up = query_terms(text)
    words = frozenset(terms(head))
    days = tuple(windows(head, now.date()))
    return Question(
        text=text,
        terms=looked_up,
        kinds=kind_terms(looked_up),
        words=words,
        names=_names(head),
        codes=frozenset(filter(_is_code, looked_up)),
        windows=days,
        asks=asks,
        of_the_world=not days and words.isdisjoint(PERSONAL) and (_asking(head, words) or _pointed(head, looked_up)),
    )


_LONG_NUMBER = 3
_YEARS = range(1900, 2100)


def _is_code(term: str) -> bool:
    """Say whether a word names one thing: letters and digits together, or a number of several digits."""
    if not any(map(str.isdigit, term)):
        return False
    if not term.isdecimal():
        return not _ORDINAL.fullmatch(term)
    return len(term) >= _LONG_NUMBER and not (len(term) == len("2026") and int(term) in _YEARS)


_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|am|pm|h|s)")


def _asking(text: str, words: frozenset[str]) -> bool:
    """Say whether this is an English question; of other languages the words are not known by which it were personal."""
    return not words.isdisjoint(ENGLISH) and (text.rstrip().endswith("?") or not words.isdisjoint(INTERROGATIVE))


_POINTED = 3


def _pointed(text: str, looked_up: tuple[str, ...]) -> bool:
    """Say whether this is a topic of its own, and not one to gather memories on ("health", "project background")."""
    return text.isascii() and "?" not in text and len(looked_up) >= _POINTED and GATHERING.isdisjoint(looked_up)


def _names(text: str) -> frozenset[str]:
    found = {term for match in _CAPITALISED.findall(text) for term in terms(match)}
    return frozenset(found - STOP_WORDS - frozenset(MONTHS) - frozenset(WEEKDAYS))
