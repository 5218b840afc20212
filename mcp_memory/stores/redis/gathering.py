"""Fewer commands that do the same: what is counted is summed up, and what joins one list is joined at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mcp_memory.stores.redis.server import Command, Word

_COUNTED = {"HINCRBY": 3, "USE": 4}
"""Commands whose last word is a number to be added, with their words before it."""


def gathered(commands: Iterable[Command]) -> Iterator[Command]:
    """Yield commands with the effect of these, each kind in its order."""
    sums: Counter[tuple[Word, ...]] = Counter()
    sorted_sets: dict[Word, dict[Word, Word]] = {}
    lists: dict[Word, list[Word]] = {}
    for words in commands:
        name, key, *rest = words
        if name in _COUNTED:
            sums[tuple(words[:-1])] += int(words[-1])
        elif name == "ZADD":
            score, member = rest
            sorted_sets.setdefault(key, {})[member] = score
        elif name == "RPUSH":
            lists.setdefault(key, []).extend(rest)
        else:
            yield words
    for key, members in sorted_sets.items():
        yield ("ZADD", key, *(word for member, score in members.items() for word in (score, member)))
    for key, added in lists.items():
        yield ("RPUSH", key, *added)
    for counted, change in sums.items():
        if change:
            yield (*counted, change)
