"""One transaction: reads what it decides on, plans what is to become of it, and commits that if nothing moved.

The plan is made in this process, by plain code over what was read; ``commit.lua`` compares and writes in one step.
What finds memories (names, contents, threads, counts, labels) follows from how each memory was and is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

from mcp_memory.domain.operations import Operation
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.committing import NUMBER, Check, Given, Numbers, commit
from mcp_memory.stores.redis.differences import Blobs, differences
from mcp_memory.stores.redis.documents import FIELDS, USE, Name, Stored, stored_of
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.images import Image, change_image
from mcp_memory.stores.redis.making import New, made
from mcp_memory.stores.redis.recording import recorded
from mcp_memory.stores.redis.server import Command, Server, Word
from mcp_memory.stores.redis.tallies import tallies

MEMBERS = "*"
"""Stands for all members of a sorted set where a check names a field."""


class Attempt(Enum):
    """Which attempt at a transaction it is."""

    FIRST = "first"
    LATER = "later"


class Named(NamedTuple):
    """To which memory a name leads."""

    handle: int
    merged: bool
    """Its own name is another one: it took in the memory of this name."""


class Transaction:
    """What is read and planned; nothing is written before ``commit``."""

    def __init__(
        self,
        server: Server,
        generations: Generations,
        operation: Operation | None = None,
        *,
        attempt: Attempt = Attempt.LATER,
    ) -> None:
        self.server = server
        self.keys = server.keys
        self._generations = generations
        self._operation = operation
        self._attempt = attempt
        self._operation_number: int | None = None
        self._undoes: int | None = None
        self._handles = 0
        self._checks: list[Check] = []
        self._names: dict[Name, Named | None] = {}
        self._renamed: dict[Name, None] = {}
        self._contents: dict[str, list[int]] = {}
        self._was: dict[int, Stored | None] = {}
        self._now: dict[int, Stored | None] = {}
        self._uses: dict[int, bytes | None] = {}
        self._images: list[Image] = []
        self._more: list[Command] = []

    # reading

    async def read(
        self,
        *,
        names: Collection[Name] = (),
        contents: Collection[str] = (),
        handles: Collection[int] = (),
        fresh: bool = False,
    ) -> None:
        """Read what names and contents lead to, and the memories.

        Args:
            names: of memories.
            contents: of memories.
            handles: of memories.
            fresh: most likely nothing has these names and contents. The first attempt does not look, but is only
                written if it is so.
        """
        names = [name for name in dict.fromkeys(names) if name not in self._names]
        contents = [one for one in dict.fromkeys(contents) if one not in self._contents]
        handles = [handle for handle in dict.fromkeys(handles) if handle not in self._was]
        if fresh and self._attempt is Attempt.FIRST:
            self._presume(names, contents)
            return
        commands = [*self._looking(names, contents), *self._asked(handles), *self._asked_of_operation()]
        answers = iter(await self.server.many(commands))
        found = set()
        if names or contents:
            leading = iter(next(answers))
            found |= {self._read_name(name, next(leading)) for name in names}
            for one in contents:
                found |= {*self._read_content(one, next(leading))}
        for handle in handles:
            self._read_memory(handle, next(answers), next(answers), next(answers))
        self._read_operation(answers)
        further = found - {0} - self._was.keys()
        if further:
            await self.read(handles=further)

    def _presume(self, names: Iterable[Name], contents: Iterable[str]) -> None:
        for name in names:
            self._read_name(name, None)
        for one in contents:
            self._read_content(one, b"")
        self._read_operation(iter((None, None)))

    def _looking(self, names: Collection[Name], contents: Collection[str]) -> Iterator[Command]:
        if names or contents:
            places = [*(self.keys.named(name[2]) for name in names), *map(self.keys.content, contents)]
            yield self.server.command("look", places, [keys.owned(*name[:2]) for name in names])

    def _asked(self, handles: Iterable[int]) -> Iterator[Command]:
        for handle in handles:
            yield ("HMGET", self.keys.memory(handle), *FIELDS)
            yield ("GET", self.keys.row(handle))
            yield ("HMGET", self.keys.access(handle), *USE)

    def _asked_of_operation(self) -> Iterator[Command]:
        if self._operation is not None and self._operation_number is None:
            yield ("GET", self.keys.operation_of_id(self._operation.id))
            yield ("GET", self.keys.operation_of_id(self._operation.undoes or ""))

    def _read_operation(self, answers: Iterator[bytes | None]) -> None:
        if self._operation is not None and self._operation_number is None:
            number, undoes = next(answers), next(answers)
            self._operation_number = Given("operation", 1) if number is None else int(number)
            self._undoes = None if undoes is None else int(undoes)
            self._checks.append(Check(self.keys.operation_of_id(self._operation.id), "", number))

    def _read_name(self, name: Name, held: bytes | None) -> int:
        self._names[name] = None if held is None else Named(int(held[1:]), held[:1] == b"a")
        self._checks.append(Check(self.keys.named(name[2]), keys.owned(*name[:2]), held))
        return 0 if held is None else int(held[1:])

    def _read_content(self, one: str, held: bytes) -> list[int]:
        self._contents[one] = [int(handle) for handle in held.split(b",") if handle]
        self._checks.append(Check(self.keys.content(one), MEMBERS, held or None))
        return self._contents[one]

    def _read_memory(
        self, handle: int, found: Sequence[bytes | None], row: bytes | None, use: Sequence[bytes | None]
    ) -> None:
        stored = stored_of(handle, found, row, use)
        self._was[handle] = self._now[handle] = stored
        self._uses[handle] = use[0]
        self._checks.append(Check(self.keys.memory(handle), "rev", None if stored is None else stored.rev))

    # planning

    def new_handle(self) -> int:
        """Return the handle of a new memory."""
        self._handles += 1
        handle = Given("handle", self._handles)
        self._was[handle] = self._now[handle] = None
        return handle

    def stored(self, handle: int) -> Stored | None:
        """Return the memory as it is planned to be; None where it is not there."""
        return self._now[handle]

    def named(self, name: Name) -> int | None:
        """Return the memory that has the name."""
        found = self._names[name]
        return None if found is None or found.merged else found.handle

    def merged(self, name: Name) -> int | None:
        """Return the memory that took in the one of this name."""
        found = self._names[name]
        return found.handle if found is not None and found.merged else None

    def finds(self, name: Name) -> int | None:
        """Return the memory that the name leads to."""
        found = self._names[name]
        return None if found is None else found.handle

    def holders(self, content: str) -> list[Stored]:
        """Return the memories that hold a content, oldest first."""
        # New ones come last.
        order = sorted(self._contents[content], key=lambda handle: (handle < 0, abs(handle)))
        found = (self._now.get(handle) for handle in order)
        return [stored for stored in found if stored is not None and stored.content == content]

    def put(self, stored: Stored) -> None:
        """Plan that the memory is as given."""
        self._let_go(stored.handle)
        self._now[stored.handle] = stored
        self._name(stored.name, Named(stored.handle, merged=False))
        for name in stored.aliases:
            self._name(name, Named(stored.handle, merged=True))
        holders = self._contents.get(stored.content or "")
        if holders is not None and stored.handle not in holders:
            holders.append(stored.handle)

    def drop(self, handle: int) -> None:
        """Plan that the memory is gone."""
        self._let_go(handle)
        self._now[handle] = None

    def _let_go(self, handle: int) -> None:
        there = self._now.get(handle)
        for name in () if there is None else (there.name, *there.aliases):
            held = self._names.get(name)
            if held is None or held.handle == handle:
                self._name(name, None)

    def _name(self, name: Name, named: Named | None) -> None:
        self._names[name] = named
        self._renamed[name] = None

    def also(self, *words: Word) -> None:
        """Plan another command; its second word is its key."""
        self._more.append(words)

    def check(self, key: str, held: bytes | None, field: str = "") -> None:
        """Require that a value is still what was read."""
        self._checks.append(Check(key, field, held))

    def check_use(self, handle: int) -> None:
        """Require that a memory was not used since it was read."""
        self.check(self.keys.access(handle), self._uses[handle], USE[0])

    @property
    def operation_number(self) -> int:
        """The number of the operation that this is a part of."""
        return self._operation_number or 0

    def create(self, unit: int, stored: Stored) -> None:
        """Plan that there is a memory that was not there, and record it."""
        self.put(stored)
        self._record(unit, None, stored)

    @contextmanager
    def recorded(self, unit: int, *handles: int) -> Iterator[None]:
        """Record what the memories are before and after what is planned within."""
        before = {handle: self._now.get(handle) for handle in handles}
        yield
        for handle, was in before.items():
            self._record(unit, was, self._now.get(handle))

    def _record(self, unit: int, was: Stored | None, now: Stored | None) -> None:
        image = change_image(Given("image", len(self._images) + 1), self.operation_number, unit, was, now)
        if image is not None:
            self._images.append(image)

    # committing

    async def commit(self) -> None:
        """Write what is planned.

        Raises:
            Moved: something that was read has changed; nothing was written.
        """
        vectors = {now.vector for now in self._now.values() if now is not None and now.vector is not None}
        await self._generations.meet({vector.generation for vector in vectors})
        blobs = self._generations.blobs(vectors)
        new = {one.handle: one for one in self._new(blobs)}
        commands = [*self._commands(blobs, new), *self._more]
        if not commands:
            return
        numbers = Numbers(self._handles, len(self._images), int(isinstance(self._operation_number, Given)))
        await commit(self.server, self._checks, commands, numbers, new.values())

    def _new(self, blobs: Blobs) -> Iterator[New]:
        begun = {image.handle: image for image in reversed(self._images) if image.before is None}
        for handle, now in self._now.items():
            if now is not None and self._was.get(handle) is None:
                vector = None if now.vector is None else blobs[now.vector]
                named = now.name in self._renamed and self._names[now.name] == (handle, False)
                yield made(self.keys, now, NUMBER, vector, begun.get(handle), named=named)

    def _commands(self, blobs: Blobs, new: Mapping[int, New]) -> Iterator[Command]:
        pairs = ((self._was.get(handle), now) for handle, now in self._now.items())
        changes = [(was, now) for was, now in pairs if now is not was]
        for was, now in changes:
            # What is new is written otherwise, with all that leads to it.
            yield from differences(self.keys, blobs, was, now, NUMBER)
        yield from tallies(self.keys, changes)
        yield from self._renaming(new)
        yield from self._recording({one.image.number for one in new.values() if one.image is not None})

    def _renaming(self, new: Mapping[int, New]) -> Iterator[Command]:
        for name in self._renamed:
            named = self._names[name]
            if named is None:
                yield ("HDEL", self.keys.named(name[2]), keys.owned(*name[:2]))
            elif named.merged or named.handle not in new:
                leading = f"{'a' if named.merged else 'n'}{named.handle}"
                yield ("HSET", self.keys.named(name[2]), keys.owned(*name[:2]), leading)

    def _recording(self, kept: Collection[int]) -> Iterator[Command]:
        operation, number = self._operation, self.operation_number
        if operation is None or not self._images:
            return
        if self._undoes is not None:
            yield ("HSET", self.keys.operation(self._undoes), "by", operation.id)
        yield from recorded(self.keys, self._images, kept, operation if isinstance(number, Given) else None)
