"""Selection: of many memories the few that tell most. This is no summary, and what it says begins by saying so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush, heappushpop
from math import log, log1p

from mcp_memory.domain.english import stem
from mcp_memory.domain.identity import normalised
from mcp_memory.domain.records import MemoryRecord, MemoryType
from mcp_memory.retrieval.lexicon import STOP_WORDS
from mcp_memory.retrieval.words import terms

LINES = 12
"""Memories that are chosen at most."""
CHARACTERS = 280
"""Of each memory's text that are shown."""
SAME = 0.7
"""Two texts that share so much of what they say are the same thing told twice."""
_NEWEST, _PINNED, _USED, _SPREAD = 48, 24, 24, 48
"""How many of each kind are looked at closely."""
_READ = 1_000
"""Characters of a text that are compared."""
_HALF_LIFE_DAYS = 90.0
_MANY_WORDS = 6.0
_MANY_USES = 3.0


class Selection:
    """Is offered memories one after the other, newest first; chooses among them, in little room however many come."""

    def __init__(self, now: datetime) -> None:
        self.count = 0
        """How many were offered."""
        self._now = now
        self._newest: list[MemoryRecord] = []
        self._pinned: list[MemoryRecord] = []
        self._used: list[tuple[int, int, MemoryRecord]] = []
        self._spread = _Spread()

    def offer(self, record: MemoryRecord) -> None:
        """Take note of a memory."""
        self.count += 1
        if len(self._newest) < _NEWEST:
            self._newest.append(record)
            return
        if record.pinned and len(self._pinned) < _PINNED:
            self._pinned.append(record)
        if record.access_count:
            # The number parts equals, so that records are never compared; newer ones are kept.
            held = (record.access_count, -self.count, record)
            if len(self._used) < _USED:
                heappush(self._used, held)
            else:
                heappushpop(self._used, held)
        self._spread.offer(record)

    def looked_at(self) -> list[MemoryRecord]:
        """Return the memories that it chooses among: new, pinned, used ones, and some of all times; some come twice."""
        return [*self._newest, *self._pinned, *(record for _, _, record in self._used), *self._spread.kept]

    def chosen(self) -> list[MemoryRecord]:
        """Return the memories that tell most, each thing once, newest first."""
        # Of those that say the same to the letter the last one stands: one that is pinned, or the newest.
        said = {normalised(record.text): record for record in sorted(self.looked_at(), key=_rank)}
        chosen = _telling([*reversed(said.values())], self._now)
        return sorted(chosen, key=lambda record: (record.about, record.created_at), reverse=True)

    def told(self) -> str:
        """Return the choice as a text whose first line says what it is."""
        chosen = self.chosen()
        return "\n".join([_heading(self.count, len(chosen)), *map(line_of, chosen)])


class _Spread:
    """Keeps memories at even distances, over however many there are."""

    def __init__(self) -> None:
        self.kept: list[MemoryRecord] = []
        self._step = 1
        self._seen = 0

    def offer(self, record: MemoryRecord) -> None:
        if self._seen % self._step == 0:
            self.kept.append(record)
        self._seen += 1
        if len(self.kept) == 2 * _SPREAD:
            self.kept = self.kept[::2]
            self._step *= 2


def line_of(record: MemoryRecord, characters: int = CHARACTERS) -> str:
    """Return a memory as a line of a list: its day, and its text up to so many characters."""
    text = " ".join(record.text.split())
    text = text if len(text) <= characters else text[:characters].rstrip() + "…"
    return f"- {record.about:%Y-%m-%d}{' (pinned)' if record.pinned else ''}: {text}"


def _heading(count: int, shown: int) -> str:
    if count == 1:
        return "1 memory:"
    if shown == count:
        return f"{count} memories, newest first:"
    which = "most telling one:" if shown == 1 else f"{shown} most telling, newest first:"
    return f"{count} memories; the {which}"


def _rank(record: MemoryRecord) -> tuple[bool, datetime]:
    return record.pinned, record.created_at


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A memory, its words, and how much it tells if nothing else is told."""

    record: MemoryRecord
    words: frozenset[str]
    worth: float


def _telling(records: Sequence[MemoryRecord], now: datetime) -> list[MemoryRecord]:
    """Return one after the other what adds most to those before, leaving out what says the same."""
    candidates = [_candidate(record, now) for record in records]
    weights = _weights(candidates)
    # A word that was said before counts less each time, so that no subject takes all places.
    said = dict.fromkeys(weights, 1)
    # What a candidate adds only ever falls, so the last that was reckoned of it is the most that it can add.
    waiting = [(-one.worth, place, one) for place, one in enumerate(candidates)]
    heapify(waiting)
    chosen: list[_Candidate] = []
    while waiting and len(chosen) < LINES:
        _, place, one = heappop(waiting)
        gain = one.worth * _fresh(one.words, weights, said)
        if waiting and gain < -waiting[0][0]:
            heappush(waiting, (-gain, place, one))
        elif all(_shared(one.words, other.words, weights) < SAME for other in chosen):
            chosen.append(one)
            for word in one.words:
                said[word] += 1
    return [one.record for one in chosen]


def _fresh(words: frozenset[str], weights: Mapping[str, float], said: Mapping[str, int]) -> float:
    """Return which part of what the words say was not said before, 0 to 1."""
    whole = sum(weights[word] for word in words)
    return sum(weights[word] / said[word] for word in words) / whole if whole else 1.0


def _candidate(record: MemoryRecord, now: datetime) -> _Candidate:
    words = frozenset(stem(word) for word in terms(record.text[:_READ]) if word not in STOP_WORDS)
    age = max(0.0, (now - record.about).total_seconds() / 86_400)
    worth = 0.5 + 2.0 ** (-age / _HALF_LIFE_DAYS)
    worth += min(1.0, len(words) / _MANY_WORDS) + min(1.0, log1p(record.access_count) / _MANY_USES)
    worth += 2.0 * record.pinned
    # What was only said in passing is worth less than what somebody took for a fact.
    return _Candidate(record, words, worth / 2 if record.memory_type is MemoryType.MESSAGE else worth)


def _weights(candidates: Sequence[_Candidate]) -> dict[str, float]:
    """Return how much each word parts the memories: one that stands in all of them says little."""
    counts = Counter(word for one in candidates for word in one.words)
    return {word: log(1 + len(candidates) / count) for word, count in counts.items()}


def _shared(one: frozenset[str], other: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return which part of what two memories say is said by both, 0 to 1."""
    both = sum(weights[word] for word in one & other)
    either = sum(weights[word] for word in one | other)
    return both / either if either else 0.0
