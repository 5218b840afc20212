"""Fewer commands that do the same: what is counted is summed up, and what joins one list is joined at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mcp_memory.stores.redis.server import Command, Word

_FIRST = {"LEAVE"}
"""Who leaves a thread is named in rows that are there yet."""
_TOGETHER = 2_000
"""Words of one command: Lua hands on no more than 8,000 at once, which are twice as many where it adds to them."""


class _Gathered:
    """Commands by what may be done with them at once."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Word, ...], int] = {}
        self._sorted_sets: dict[Word, dict[Word, Word]] = {}
        self._lists: dict[tuple[Word, Word], list[Word]] = {}
        self._new: list[Word] = []
        self._kinds: dict[Word, Callable[[Command], None]] = {
            "HINCRBY": self._count,
            "ZADD": self._sort,
            "RPUSH": self._join,
            "JOIN": self._join,
            "NEW": self._make,
        }

    def take(self, command: Command) -> bool:
        """Keep the command for later, if it is of a kind that is gathered."""
        kind = self._kinds.get(command[0])
        if kind is not None:
            kind(command)
        return kind is not None

    def _count(self, command: Command) -> None:
        counted = tuple(command[:-1])
        self._sums[counted] = self._sums.get(counted, 0) + int(command[-1])

    def _sort(self, command: Command) -> None:
        _, key, score, member = command
        self._sorted_sets.setdefault(key, {})[member] = score

    def _join(self, command: Command) -> None:
        name, key, *members = command
        self._lists.setdefault((name, key), []).extend(members)

    def _make(self, command: Command) -> None:
        self._new += command[1:]

    def commands(self) -> Iterator[Command]:
        """Yield the fewest commands."""
        yield from _parted(("MSET",), self._new)
        for key, members in self._sorted_sets.items():
            yield from _parted(("ZADD", key), [word for member, score in members.items() for word in (score, member)])
        # Who joins a thread has a row by now.
        for named, added in self._lists.items():
            yield from _parted(named, added)
        for counted, change in self._sums.items():
            if change:
                yield (*counted, change)


def _parted(command: Command, words: Sequence[Word]) -> Iterator[Command]:
    for start in range(0, len(words), _TOGETHER):
        yield (*command, *words[start : start + _TOGETHER])


def gathered(commands: Iterable[Command]) -> Iterator[Command]:
    """Yield commands with the effect of these; ``NEW`` sets a key that is not there."""
    commands = list(commands)
    yield from (words for words in commands if words[0] in _FIRST)
    kept = _Gathered()
    for words in commands:
        if words[0] not in _FIRST and not kept.take(words):
            yield words
    yield from kept.commands()
