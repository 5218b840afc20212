"""Words: what the lexical index keeps of a text. Folding only: an index stems, or uses ``stem`` where it cannot.

Every word that comes out is made of letters and digits alone, so that any tokenizer leaves it whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from mcp_memory.domain.english import IRREGULAR, stem
from mcp_memory.domain.talk import MONTHS
from mcp_memory.retrieval.lexicon import CONTRACTED, STOP_WORDS, WEEKDAYS

MAX_WORD = 48
"""Characters of a word that are kept: what is longer is a key or a blob, and its beginning names it well enough."""
MAX_QUERY_TERMS = 32
"""Words of a question that are looked up; a pasted page would otherwise cost a lookup for each of its words."""

_MOST_READ = 10_000
"""Characters of a question that are read."""

_SCRIPTS_WITHOUT_BLANKS = (
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
_HANGUL = r"\uac00-\ud7af"
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_RUN = re.compile(rf"[{_SCRIPTS_WITHOUT_BLANKS}]+|[{_HANGUL}]+|[^{_SCRIPTS_WITHOUT_BLANKS}{_HANGUL}]+")
_SPECIAL = re.compile(rf"[{_SCRIPTS_WITHOUT_BLANKS}{_HANGUL}]")
_UNBROKEN = re.compile(rf"[{_SCRIPTS_WITHOUT_BLANKS}]")
_QUOTED = re.compile(r"\"([^\"]{2,200})\"|“([^”]{2,200})”|«([^»]{2,200})»|「([^」]{1,200})」")
_APOSTROPHES = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "`": "'", "´": "'"})  # noqa: RUF001
_VOICING = ("\u3099", "\u309a")


def fold(text: str) -> str:
    """Return the text in lower case, in one Unicode form, without accents and vowel signs."""
    if text.isascii():
        return text.lower().replace("`", "'")
    spread = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).casefold())
    # Voicing marks of Kana part different sounds. The others part spellings, and some tokenizers break words at them.
    marks = {ord(char): None for char in set(spread) if unicodedata.category(char)[0] == "M" and char not in _VOICING}
    return unicodedata.normalize("NFC", spread.translate(marks))


def terms(text: str) -> list[str]:
    """Return the index words of the text, in order, repeated as they are repeated.

    Irregular English forms become the plain one. Scripts without blanks become overlapping pairs of characters; a
    Korean word is kept and its pairs are added, so that its particles do not hide it.
    """
    folded = fold(text)
    words = _WORD.findall(folded)
    if _SPECIAL.search(folded):
        words = [part for word in words for part in _parts(word)]
    elif "'" in folded:
        words = [part for word in words for part in (_uncontracted(word) if "'" in word else (word,))]
    return [IRREGULAR.get(word) or word[:MAX_WORD] for word in words]


def _parts(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if not _SPECIAL.match(run):
            yield from _uncontracted(run)
        elif _UNBROKEN.match(run):
            yield from _pairs(run)
        else:
            yield run
            if len(run) > _PAIR:
                yield from _pairs(run)


_PAIR = 2


def _pairs(run: str) -> list[str]:
    return [one + other for one, other in pairwise(run)] or [run]


def _uncontracted(word: str) -> list[str]:
    """Return "caroline" for "caroline's", "dont" for "don't", "l", "ecole" for "l'ecole"."""
    head, _, tail = word.strip("'").partition("'")
    if not tail:
        return [head] if head else []
    if tail in CONTRACTED:
        return [head]
    if tail == "t":
        return [head + "t"]
    return [part for part in word.split("'") if part]


def date_terms(when: datetime) -> list[str]:
    """Return the words by which people name the day: "2023", "may", "8", "monday"."""
    return [str(when.year), MONTHS[when.month - 1], str(when.day), WEEKDAYS[when.weekday()]]


def index_terms(text: str, when: datetime | None = None) -> str:
    """Return the words of a text, the kinds of its things and the day it tells of, parted by blanks."""
    words = terms(text)
    kinds = _kinds_of(words) if len(words) <= _MOST_WORDS_WITH_KINDS else []
    return " ".join([*words, *kinds, *(date_terms(when) if when is not None else ())])


_MOST_WORDS_WITH_KINDS = 120
"""A long message touches on so many kinds of things that none of them tells what it is about."""


def kind_terms(words: Iterable[str]) -> tuple[str, ...]:
    """Return what to look up for the kinds of things that the words name: "pets" finds the beagle.

    Only for rankings by meaning: a search by keyword must find the very words.
    """
    named = _kinds().named
    return tuple(dict.fromkeys(kind for word in words for kind in named.get(stem(word), ())))


def _kinds_of(words: Iterable[str]) -> list[str]:
    members = _kinds().members
    return sorted({kind for word in words for kind in members.get(stem(word), ())})


class _Kinds(NamedTuple):
    """Which terms stand for the kinds that a stem names, or is a member of."""

    named: dict[str, tuple[str, ...]]
    members: dict[str, tuple[str, ...]]


_KIND = "kindof"
"""Begins a word that nobody writes, so that what was written counts more than what it was taken for."""


@cache
def _kinds() -> _Kinds:
    named: dict[str, tuple[str, ...]] = {}
    members: dict[str, tuple[str, ...]] = {}
    for line in files("mcp_memory.retrieval").joinpath("kinds.txt").read_text("utf-8").splitlines():
        names, _, held = line.partition(":")
        if not held or line.startswith("#"):
            continue
        kind = _KIND + names.split()[0]
        for words, table in ((names, named), (held, members)):
            for word in words.split():
                table[stem(word)] = (*table.get(stem(word), ()), kind)
    # A beagle is a dog, so it is a pet.
    wider = {
        word: (*kinds, *(up for kind in kinds for up in members.get(stem(kind.removeprefix(_KIND)), ())))
        for word, kinds in members.items()
    }
    return _Kinds(named, wider)


def query_terms(text: str) -> tuple[str, ...]:
    """Return the distinct words to look up for a question: the telling ones, or all if none tells anything."""
    text = text[:_MOST_READ]
    quoted = {term for groups in _QUOTED.findall(text) for group in groups if group for term in terms(group)}
    found = list(dict.fromkeys(terms(text)))
    telling = [term for term in found if term not in STOP_WORDS or term in quoted] or found
    if len(telling) > MAX_QUERY_TERMS:
        # How rare a word is, is not known here; quoted words and long ones are the best guess.
        kept = sorted(telling, key=lambda term: (term not in quoted, -len(term)))[:MAX_QUERY_TERMS]
        telling = [term for term in telling if term in set(kept)]
    return tuple(telling)
