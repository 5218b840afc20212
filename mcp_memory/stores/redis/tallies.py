"""What is counted of all memories together: how many lie in each scope, their words, and which labels they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from mcp_memory.domain.filters import TagField
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import Stored, labels
from mcp_memory.stores.redis.server import Command, Word

LISTED: tuple[TagField, ...] = (
    "namespace",
    "user_id",
    "session_id",
    "extraction_strategy",
    "source",
    "topics",
    "entities",
)
"""Labels whose values are kept sorted, so that those that begin with something are found."""

_TOGETHER = 1_000
"""Scopes or values counted by one command."""


def tallies(names: keys.Keys, changes: Iterable[tuple[Stored | None, Stored | None]]) -> Iterator[Command]:
    """Yield the commands that count what memories are instead of what they were."""
    memories: Counter[Scope] = Counter()
    words: Counter[Scope] = Counter()
    values: Counter[tuple[TagField, str]] = Counter()
    for change in changes:
        for stored, sign in zip(change, (-1, 1), strict=True):
            if stored is None:
                continue
            scope = stored.record.scope
            memories[scope] += sign
            words[scope] += sign * stored.length
            for name in LISTED:
                for value in labels(stored.record, name):
                    values[name, value] += sign
    yield from _within(names, memories, words)
    yield from _labelled(names, values)


def _labelled(names: keys.Keys, values: Counter[tuple[TagField, str]]) -> Iterator[Command]:
    told: list[tuple[Word, ...]] = [
        (names.uses(name), names.values(name), value.encode("utf-8", "surrogatepass"), count)
        for (name, value), count in values.items()
        if count
    ]
    for start in range(0, len(told), _TOGETHER):
        yield ("USE", *chain.from_iterable(told[start : start + _TOGETHER]))


def _within(names: keys.Keys, memories: Counter[Scope], words: Counter[Scope]) -> Iterator[Command]:
    """Yield what counts in each scope that the memories lie within."""
    changes: dict[str, tuple[int, int]] = {}
    for scope, count in memories.items():
        for reach in keys.reaches(scope.namespace, scope.user_id, scope.session_id):
            before = changes.get(reach, (0, 0))
            changes[reach] = before[0] + count, before[1] + words[scope]
    told: list[tuple[Word, ...]] = [(reach, *change) for reach, change in changes.items() if any(change)]
    for start in range(0, len(told), _TOGETHER):
        yield ("COUNT", names.counts, *chain.from_iterable(told[start : start + _TOGETHER]))


def counted(held: bytes | None) -> tuple[int, int]:
    """Return how many memories lie within a scope and how many words they have, from what is kept of that."""
    memories, words = (b"0 0" if held is None else held).split()
    return int(memories), int(words)
