"""Writing what was planned in one step, if everything that it was decided on is still so.

Numbers of new memories, of images, of a new operation and of the transaction itself are given while it is written: so
they are in the order of writing, and nothing need be asked before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, NamedTuple, Self, TypeAlias

from mcp_memory.stores.redis.gathering import gathered
from mcp_memory.stores.redis.making import New
from mcp_memory.stores.redis.server import Command, Moved, Plain, Server, Word

Kind: TypeAlias = Literal["handle", "image", "operation", "transaction"]
KINDS: tuple[Kind, ...] = ("handle", "image", "operation", "transaction")
"""What is numbered; ``commit.lua`` counts on this order."""
_MARK = "\x01"
"""Stands around a number that is yet to be given. Nothing else is written with it: JSON writes it in letters."""
_LONG = 128
"""Characters of a text that is sent by itself: JSON would have it written and read once more."""
_ENCODED = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Given(int):
    """A number that is given when the transaction is written; until then it stands for itself in keys and values."""

    _text: str

    def __new__(cls, kind: Kind, place: int) -> Self:
        """Make the one at this place, from 1, among those of the kind."""
        code = place * len(KINDS) + KINDS.index(kind)
        made = super().__new__(cls, -code)
        made._text = f"{_MARK}{code}{_MARK}"
        return made

    def __str__(self) -> str:
        """Return what stands for it within a text."""
        return self._text

    def __format__(self, spec: str) -> str:
        """Return the same."""
        return self._text


NUMBER = Given("transaction", 1)
"""That of the transaction in which it is written: what is written later has a higher one."""


class Check(NamedTuple):
    """What must still be so."""

    key: str
    field: str
    held: bytes | None


Told: TypeAlias = "str | int | list[str | int]"
"""A word of a plan: a text, the number of an argument, a number to be given (negative), or parts of a text."""


@dataclass(slots=True)
class _Plan:
    """The words of a transaction as ``commit.lua`` reads them."""

    places: dict[str, int] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)

    def _place(self, key: str) -> int:
        # The first key is that of the transaction itself.
        return self.places.setdefault(key, len(self.places) + 2)

    def _argument(self, *blobs: bytes) -> int:
        # The first arguments are the plan, and what every key begins with.
        place = len(self.blobs) + 3
        self.blobs += blobs
        return place

    def key(self, key: Word) -> Told:
        text = key.decode() if isinstance(key, bytes) else str(key)
        return _parts(text) if _MARK in text else self._place(text)

    def word(self, word: Word) -> Told:
        if isinstance(word, str):
            if _MARK in word:
                return _parts(word)
            if len(word) < _LONG:
                return word
            word = word.encode("utf-8", "surrogatepass")
        if isinstance(word, bytes):
            return self._argument(word)
        return int(word) if isinstance(word, Given) else str(word)

    def check(self, one: Check) -> tuple[Told, str, Told | Literal[False]]:
        return self.key(one.key), one.field, False if one.held is None else self.word(one.held)

    def command(self, command: Command) -> tuple[Word | Told, ...]:
        name, key, *rest = command
        if isinstance(command, Plain):
            return (name, self.key(key), *rest)
        # Most words are plain texts.
        words = [
            word if type(word) is str and len(word) < _LONG and _MARK not in word else self.word(word) for word in rest
        ]
        return (name, self.key(key), *words)

    def make(self, new: New) -> tuple[int, int]:
        image = new.image
        lines: list[str | int] = [
            _line(new.handle),
            "" if image is None else _line(image.number),
            "" if image is None else _line(image.operation),
            "" if image is None else _line(image.unit),
            _line(new.revision),
            "" if image is None else image.told(),
            "" if new.name is None else self._place(new.name),
            "" if new.content is None else self._place(new.content),
            "" if new.thread is None else self._place(new.thread),
            new.owner,
            new.vector_field,
        ]
        lines += chain.from_iterable(new.fields.items())
        # No text has a zero within it: JSON writes it in letters.
        told = "\0".join(map(str, (*lines, ""))).encode("utf-8", "surrogatepass")
        return self._argument(told, new.row, new.vector), len(lines)


_line = int.__repr__
"""Writes a number as a line says it: one that is yet to be given is negative."""


def _parts(text: str) -> list[str | int]:
    return [-int(part) if place % 2 else part for place, part in enumerate(text.split(_MARK))]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many numbers are to be given; the transaction always has one."""

    handle: int = 0
    image: int = 0
    operation: int = 0


_NONE = Numbers()


async def commit(
    server: Server,
    checks: Sequence[Check],
    commands: Iterable[Command],
    numbers: Numbers = _NONE,
    new: Iterable[New] = (),
) -> None:
    """Do the commands in one step if every check holds, and once, however often they are sent after a lost answer.

    Args:
        server: where to.
        checks: what must still be so.
        commands: each a name, a key and words.
        numbers: which are to be given besides its own.
        new: memories that are written before the commands are done.

    Raises:
        Moved: something that was read has changed; nothing was written.
    """
    plan = _Plan()
    held = [plan.check(one) for one in checks]
    made = [plan.make(one) for one in new]
    written = [plan.command(command) for command in gathered(commands)]
    counted = (numbers.handle, numbers.image, numbers.operation, 1)
    told = _ENCODED([held, written, counted, made]).encode("utf-8", "surrogatepass")
    done = server.keys.done(server.turn())
    if await server.run("commit", [done, *plan.places], [told, server.keys.before, *plan.blobs]):
        raise Moved
