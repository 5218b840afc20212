"""Duplicates: whether two memories are the same, one changed by the other, worth a look, or different.

Decided by the words, never by closeness of vectors alone: "favourite colour purple" and "favourite colour cyan" are
very close, and two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar

from mcp_memory.domain.changes import TWO_VALUES, change
from mcp_memory.domain.likeness import (
    conflict,
    likely,
    likely_in_sense,
    opposed,
    people_differ,
    share,
    subjects_differ,
    value_apart,
)
from mcp_memory.domain.reading import Reading, read
from mcp_memory.domain.records import MemoryRecord, MemoryType
from mcp_memory.domain.sentences import form_of, sentences
from mcp_memory.domain.slots import Values
from mcp_memory.domain.turns import Relative
from mcp_memory.domain.wording import FIRST_PERSON, TAKING_BACK

Key = TypeVar("Key", int, str)
Pair = TypeVar("Pair")


class Finding(StrEnum):
    """What two memories are to each other."""

    SAME = "same"
    """They say the same; one text holds everything that the other says."""
    CHANGED = "changed"
    """The later one ends what the earlier one says."""
    SUGGEST = "suggest"
    """Likely the same, or changed: a person should look."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a pair, and why, in words for people."""

    finding: Finding
    reason: str
    keep: Literal[0, 1] | None = None
    """Of the same: whose text says the most. Of changed: which one holds now. 0 is the first of the pair."""
    values: Values | None = None
    """Of a suggestion: the two values, if it is one because they are two in one frame."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is compared of a memory; made once for each memory, kept by the caller."""

    reading: Reading
    memory_type: MemoryType
    event_date: datetime | None
    since: datetime
    day: str
    """The day on which it was said or happened, by which "yesterday" is understood."""
    until: datetime | None
    source: str

    @classmethod
    def of(cls, record: MemoryRecord) -> Statement:
        """Read a memory."""
        return cls(
            reading=read(record.text),
            memory_type=record.memory_type,
            event_date=record.event_date,
            since=record.holds_from,
            day=record.about.date().isoformat(),
            until=record.valid_to,
            source=(record.source or "").casefold(),
        )


def judge(one: Statement, other: Statement, closeness: float | None = None) -> Verdict:
    """Say what two memories of one scope are to each other.

    Args:
        closeness: the cosine of their vectors, if they have some; it makes a hint, never a merge.
    """
    apart = _apart(one, other)
    kept = _same_text(one.reading, other.reading)
    if kept is not None:
        return Verdict(Finding.SAME, "They say the same.", kept) if apart is None else apart
    changed = _changed(one, other)
    if changed is not None:
        return changed
    if apart is not None and apart.finding is Finding.DIFFERENT:
        # "Died yesterday" ends what the earlier one says without naming a day.
        return _turn(one, other, closeness) or apart if apart.reason is _SEEN_APART else apart
    return _likely(one, other, closeness)


def _apart(one: Statement, other: Statement) -> Verdict | None:
    """Return why two memories are never the same, whatever they say."""
    for differs, finding, reason in _APART:
        if differs(one, other):
            return Verdict(finding, reason)
    return None


def _seen_apart(one: Statement, other: Statement) -> bool:
    """Say whether "yesterday", or "last year" in another year, means another day in each."""
    if one.day == other.day:
        return False
    finest = max(one.reading.relative, other.reading.relative)
    return finest is Relative.DAY or (finest is Relative.YEAR and one.day[:4] != other.day[:4])


_SEEN_APART = "They speak of a day as seen from different days."
_APART: tuple[tuple[Callable[[Statement, Statement], object], Finding, str], ...] = (
    (
        lambda one, other: MemoryType.MESSAGE in (one.memory_type, other.memory_type),
        Finding.DIFFERENT,
        "Messages are kept as they were said.",
    ),
    (
        lambda one, other: (one.event_date is None) != (other.event_date is None),
        Finding.SUGGEST,
        "Only one of them has a date.",
    ),
    (lambda one, other: one.event_date != other.event_date, Finding.DIFFERENT, "They are about different days."),
    (lambda one, other: one.until != other.until, Finding.DIFFERENT, "One of them is over."),
    (
        lambda one, other: (one.reading.relative or other.reading.relative) and _seen_apart(one, other),
        Finding.DIFFERENT,
        _SEEN_APART,
    ),
    (
        lambda one, other: (one.reading.relative or other.reading.relative) and one.day != other.day,
        Finding.SUGGEST,
        "They speak of a year as seen from different days of one year.",
    ),
    (
        lambda one, other: one.source != other.source and _first_person(one.reading, other.reading),
        Finding.DIFFERENT,
        "Different people say it of themselves.",
    ),
    (
        lambda one, other: one.memory_type != other.memory_type,
        Finding.SUGGEST,
        "They say the same, but are memories of different types.",
    ),
)


def _first_person(*readings: Reading) -> bool:
    return any(word.key in FIRST_PERSON for reading in readings for word in reading.words)


def _same_text(one: Reading, other: Reading) -> Literal[0, 1] | None:
    """Return whose text says the most if one holds everything that the other says."""
    if one.day != other.day or not one.words or not other.words:
        return None
    if one.form == other.form and one.quotes == other.quotes:
        return 0 if (len(one.words), len(one.text), one.text) >= (len(other.words), len(other.text), other.text) else 1
    return _holding(one, other)


def _holding(one: Reading, other: Reading) -> Literal[0, 1] | None:
    """Return which text has every sentence of the other, and others that take nothing back."""
    if len(one.form) == len(other.form) or not (one.english and other.english) or one.form[0] != other.form[0]:
        return None
    longer: Literal[0, 1] = 0 if len(one.form) > len(other.form) else 1
    long, short = (other, one) if longer else (one, other)
    told = iter(long.form[1:])
    if (
        len(short.form) == 1
        or not short.quotes <= long.quotes
        or not all(sentence in told for sentence in short.form[1:])
    ):
        return None
    held = set(short.form[1:])
    added = [keys for keys in sentences([word.key for word in long.words]) if form_of([keys])[0] not in held]
    return None if any(not TAKING_BACK.isdisjoint(keys) for keys in added) else longer


def _changed(one: Statement, other: Statement) -> Verdict | None:
    """Return the verdict if one gives another value to what the other tells."""
    if one.until is not None or other.until is not None or MemoryType.MESSAGE in (one.memory_type, other.memory_type):
        return None
    if one.since == other.since:
        found = change(one.reading, other.reading) or change(other.reading, one.reading)
        return None if found is None else Verdict(Finding.SUGGEST, TWO_VALUES, values=found.values)
    later: Literal[0, 1] = 1 if one.since < other.since else 0
    older, newer = (one, other) if later else (other, one)
    found = change(older.reading, newer.reading)
    if found is None:
        return None
    if found.said:
        return Verdict(Finding.CHANGED, found.reason, later)
    return Verdict(Finding.SUGGEST, found.reason, values=found.values)


def _likely(one: Statement, other: Statement, closeness: float | None) -> Verdict:
    """Return a hint for a person where the words and the closeness make it likely that both tell the same."""
    a, b = one.reading, other.reading
    turned = _turn(one, other, closeness)
    if turned is not None:
        return turned
    shared = share(a.alike, b.alike)
    against = conflict(a, b) or ("They differ in a value." if value_apart(a, b) else None)
    if against is not None:
        return Verdict(Finding.DIFFERENT, against)
    if a.negations != b.negations:
        return _denied(a, b, shared, closeness)
    if a.english != b.english:
        near = closeness is not None and closeness >= _ACROSS and bool(a.figures & b.figures or a.content & b.content)
        return Verdict(Finding.SUGGEST if near else Finding.DIFFERENT, "They are in different languages.")
    if likely(shared, closeness) or likely_in_sense(a, b, closeness):
        return Verdict(Finding.SUGGEST, "They are likely the same, in other words.")
    return Verdict(Finding.DIFFERENT, "They say different things.")


def _denied(one: Reading, other: Reading, shared: float, closeness: float | None) -> Verdict:
    """Return what two texts are of which one has a negation more."""
    if shared >= _DENIED:
        return Verdict(Finding.SUGGEST, "One says it, the other denies it.")
    short = len(one.form) == len(other.form) == _ONE_SENTENCE
    least, near = _OPPOSED if opposed(one, other) else _PUT_OTHERWISE
    if short and shared >= least and (closeness or 0.0) >= near:
        return Verdict(Finding.SUGGEST, "They may say the same, one of them by a negation.")
    return Verdict(Finding.DIFFERENT, "One of them denies something.")


_DENIED = 0.9
_ONE_SENTENCE = 2
"""Parts of the form of a single sentence: who says it, and what."""
_PUT_OTHERWISE = (0.25, 0.78)
"""From which share of common words and which closeness "cannot eat meat" may be "vegetarian"."""
_OPPOSED = (0.2, 0.6)
"""The same where one has the opposite of a word of the other: "dislikes", "does not like"."""
_ACROSS = 0.7


def _turn(one: Statement, other: Statement, closeness: float | None) -> Verdict | None:
    """Return the hint that the later one speaks of a turn in what the earlier one tells, or nothing."""
    if one.since == other.since:
        return None
    older, newer = (one.reading, other.reading) if one.since < other.since else (other.reading, one.reading)
    if not (newer.turning or (newer.completed and older.ongoing)) or older.turning or older.speaker != newer.speaker:
        return None
    if not older.lasting or (older.relative and one.day != other.day):
        return None
    if people_differ(older, newer) or subjects_differ(older, newer):
        return None
    common = share(older.lasting, newer.turned)
    near = 1.0 if closeness is None else closeness
    if any(common >= least and near >= nearest for least, nearest in _TURN_LEVELS) or (
        (common or older.lasting == older.alike) and _reversed(older, newer, near)
    ):
        return Verdict(Finding.SUGGEST, "The later one may change the earlier one.")
    return None


_TURN_LEVELS = ((0.15, 0.6), (0.2, 0.5), (0.5, 0.4))


def _reversed(older: Reading, newer: Reading, closeness: float) -> bool:
    """Say whether one subject is told to be the opposite of what it was: "is single", "got married"."""
    if closeness < _REVERSED or not older.words or not newer.words:
        return False
    return older.words[0].key == newer.words[0].key and opposed(older, newer)


_REVERSED = 0.35


def listed(values: Iterable[tuple[Pair, Values]]) -> set[Pair]:
    """Return the pairs that are no correction, but entries of a log or a list: three values or more in one frame.

    Args:
        values: pairs of memories of one scope, with the two values that they give.
    """
    frames: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    held = list(values)
    for _, found in held:
        frames[found.frame] |= {found.one, found.other}
    return {pair for pair, found in held if len(frames[found.frame]) >= _LISTED}


_LISTED = 3
"""Values in one frame from which on they are a list."""


def clusters(pairs: Iterable[tuple[Key, Key]]) -> list[list[Key]]:
    """Return groups of memories in which every pair was found to be the same, the largest ties first made.

    Args:
        pairs: the pairs that are the same; a pair that is not among them is not the same.

    The result does not depend on the order of the pairs.
    """
    same: dict[Key, set[Key]] = defaultdict(set)
    for one, other in pairs:
        if one != other:
            same[one].add(other)
            same[other].add(one)
    free = set(same)
    made = []
    # Those with most ties first, so that one who is like many does not end in a group of two.
    for seed in sorted(same, key=lambda key: (-len(same[key]), key)):
        if seed not in free:
            continue
        group, fits = [seed], same[seed] & free
        for member in sorted(fits):
            if member in fits:
                group.append(member)
                fits = fits & same[member]
        if len(group) > 1:
            free -= set(group)
            made.append(sorted(group))
    return sorted(made)
