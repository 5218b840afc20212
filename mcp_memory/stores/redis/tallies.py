"""What is counted of all memories together: how many lie in each scope, their words, and which labels they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from mcp_memory.domain.filters import TagField
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import Labels, Stored, labelled, labels, owners
from mcp_memory.stores.redis.server import Command, Plain

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
_REMEMBERED = 8_192
"""Labels of which a process remembers what they are counted by."""


def tallies(names: keys.Keys, changes: Iterable[tuple[Stored | None, Stored | None]]) -> Iterator[Command]:
    """Yield the commands that count what memories are instead of what they were."""
    # Those that are added together have the same labels mostly.
    changed: dict[Labels, tuple[int, int]] = {}
    for change in changes:
        for stored, sign in zip(change, (-1, 1), strict=True):
            if stored is not None:
                held = labelled(stored.record)
                memories, words = changed.get(held, (0, 0))
                changed[held] = memories + sign, words + sign * stored.length
    scopes: dict[str, tuple[int, int]] = {}
    values: dict[tuple[TagField, str], int] = {}
    for held, (memories, words) in changed.items():
        reaches, valued = _counted_by(held)
        for reach in reaches:
            before = scopes.get(reach, (0, 0))
            scopes[reach] = before[0] + memories, before[1] + words
        for value in valued:
            values[value] = values.get(value, 0) + memories
    for some in _parts([(reach, *map(str, both)) for reach, both in scopes.items() if any(both)]):
        yield Plain(("COUNT", names.counts, *some))
    told = [(*value, str(many)) for value, many in values.items() if many]
    for some in _parts(told):
        yield Plain(("USE", names.uses, *some))


@lru_cache(_REMEMBERED)
def _counted_by(held: Labels) -> tuple[tuple[str, ...], tuple[tuple[TagField, str], ...]]:
    """Return the scopes that memories of these labels lie within, and the values that are listed of them."""
    return keys.reaches(*owners(held)), tuple((name, value) for name in LISTED for value in labels(held, name))


def _parts(told: Sequence[tuple[str, ...]]) -> Iterator[Iterable[str]]:
    return (chain.from_iterable(told[start : start + _TOGETHER]) for start in range(0, len(told), _TOGETHER))


def counted(held: bytes | None) -> tuple[int, int]:
    """Return how many memories lie within a scope and how many words they have, from what is kept of that."""
    memories, words = (b"0 0" if held is None else held).split()
    return int(memories), int(words)
