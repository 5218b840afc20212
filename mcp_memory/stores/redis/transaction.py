"""One transaction: reads what it decides on, plans what is to become of it, and commits that if nothing moved.

The plan is made in this process, by plain code over what was read; ``commit.lua`` compares and writes in one step.
What finds memories (names, contents, threads, counts, labels) follows from how each memory was and is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Operation
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.differences import differences
from mcp_memory.stores.redis.documents import FIELDS, USE, Name, Stored, stored_of
from mcp_memory.stores.redis.gathering import gathered
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.images import Image, change_image
from mcp_memory.stores.redis.server import Command, Moved, Server, Word

MEMBERS = "*"
"""Stands for all members of a sorted set where a check names a field."""


class Check(NamedTuple):
    """What must still be so."""

    key: str
    field: str
    held: bytes | None


class Named(NamedTuple):
    """To which memory a name leads."""

    handle: int
    merged: bool
    """Its own name is another one: it took in the memory of this name."""


class Transaction:
    """What is read and planned; nothing is written before ``commit``."""

    def __init__(self, server: Server, generations: Generations, operation: Operation | None = None) -> None:
        self.server = server
        self.keys = server.keys
        self._generations = generations
        self._operation = operation
        self._operation_number: int | None = None
        self._undoes: int | None = None
        self._new_operation = True
        self._token = 0
        self._last_handle = self._last_image = 0
        self._checks: list[Check] = []
        self._names: dict[Name, Named | None] = {}
        self._renamed: dict[Name, None] = {}
        self._contents: dict[str, list[int]] = {}
        self._was: dict[int, Stored | None] = {}
        self._now: dict[int, Stored | None] = {}
        self._images: list[Image] = []
        self._more: list[Command] = []

    # reading

    async def read(
        self,
        *,
        names: Collection[Name] = (),
        contents: Collection[str] = (),
        handles: Collection[int] = (),
        new: int = 0,
        images: int = 0,
    ) -> None:
        """Read what names and contents lead to, and the memories; take numbers for new memories and images."""
        names = [name for name in dict.fromkeys(names) if name not in self._names]
        contents = [one for one in dict.fromkeys(contents) if one not in self._contents]
        handles = [handle for handle in dict.fromkeys(handles) if handle not in self._was]
        commands: list[Command] = [
            *self._looking(names, contents),
            *self._asked(handles),
            *self._asked_of_operation(),
            # Numbers are taken after everything was read, so that later transactions have greater ones.
            ("INCR", self.keys.last("transaction")),
            ("INCRBY", self.keys.last("handle"), new),
            ("INCRBY", self.keys.last("image"), images),
        ]
        answers = iter(await self.server.many(commands))
        found = set()
        if names or contents:
            leading = iter(next(answers))
            found |= {self._read_name(name, next(leading)) for name in names}
            for one in contents:
                found |= {*self._read_content(one, next(leading))}
        for handle in handles:
            self._read_memory(handle, next(answers), next(answers))
        self._read_operation(answers)
        self._token, last_handle, last_image = (int(answer) for answer in answers)
        self._last_handle, self._last_image = last_handle - new, last_image - images
        further = found - {0} - self._was.keys()
        if further:
            await self.read(handles=further, new=new, images=images)

    def _looking(self, names: Collection[Name], contents: Collection[str]) -> Iterator[Command]:
        if names or contents:
            places = [*(self.keys.named(name[2]) for name in names), *map(self.keys.content, contents)]
            yield self.server.command("look", places, [keys.owned(*name[:2]) for name in names])

    def _asked(self, handles: Iterable[int]) -> Iterator[Command]:
        for handle in handles:
            yield ("HMGET", self.keys.memory(handle), *FIELDS)
            yield ("HMGET", self.keys.access(handle), *USE)

    def _asked_of_operation(self) -> Iterator[Command]:
        if self._operation is not None and self._operation_number is None:
            yield ("GET", self.keys.operation_of_id(self._operation.id))
            yield ("GET", self.keys.operation_of_id(self._operation.undoes or ""))
            yield ("INCR", self.keys.last("operation"))

    def _read_operation(self, answers: Iterator[bytes | None]) -> None:
        if self._operation is not None and self._operation_number is None:
            number, undoes, new = (next(answers) for _ in range(3))
            self._new_operation = number is None
            self._operation_number = int(number or new or 0)
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

    def _read_memory(self, handle: int, found: Sequence[bytes | None], use: Sequence[bytes | None]) -> None:
        stored = stored_of(handle, found, use)
        self._was[handle] = self._now[handle] = stored
        self._checks.append(Check(self.keys.memory(handle), "rev", None if stored is None else stored.rev))

    # planning

    def new_handle(self) -> int:
        """Return a handle that no memory had."""
        self._last_handle += 1
        self._was[self._last_handle] = self._now[self._last_handle] = None
        return self._last_handle

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
        found = (self._now.get(handle) for handle in sorted(self._contents[content]))
        return [stored for stored in found if stored is not None and _content(stored) == content]

    def put(self, stored: Stored) -> None:
        """Plan that the memory is as given."""
        self._let_go(stored.handle)
        self._now[stored.handle] = stored
        self._name(stored.name, Named(stored.handle, merged=False))
        for name in stored.aliases:
            self._name(name, Named(stored.handle, merged=True))
        content = _content(stored)
        if content in self._contents and stored.handle not in self._contents[content]:
            self._contents[content].append(stored.handle)

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

    @property
    def operation_number(self) -> int:
        """The number of the operation that this is a part of."""
        return self._operation_number or 0

    @contextmanager
    def recorded(self, unit: int, *handles: int) -> Iterator[None]:
        """Record what the memories are before and after what is planned within."""
        before = {handle: self._now.get(handle) for handle in handles}
        yield
        for handle, was in before.items():
            image = Image(self._last_image + 1, self.operation_number, handle, unit, (None, None, ""), None)
            made = change_image(image, was, self._now.get(handle))
            if made is not None:
                self._last_image += 1
                self._images.append(made)

    # committing

    async def commit(self) -> None:
        """Write what is planned.

        Raises:
            Moved: something that was read has changed; nothing was written.
        """
        vectors = [now.vector for now in self._now.values() if now is not None and now.vector is not None]
        await self._generations.meet({vector.generation for vector in vectors})
        commands = [*self._commands(), *self._more]
        if not commands:
            return
        await commit(self.server, self._token, self._checks, commands)

    def _commands(self) -> Iterator[Command]:
        for handle, now in self._now.items():
            was = self._was.get(handle)
            if now is not was:
                yield from differences(self.keys, self._generations, was, now, self._token)
        for name in self._renamed:
            named = self._names[name]
            key, field = self.keys.named(name[2]), keys.owned(*name[:2])
            if named is None:
                yield ("HDEL", key, field)
            else:
                yield ("HSET", key, field, f"{'a' if named.merged else 'n'}{named.handle}")
        yield from self._recording()

    def _recording(self) -> Iterator[Command]:
        operation, number = self._operation, self.operation_number
        if operation is None or not self._images:
            return
        if self._new_operation:
            plain = operation.model_dump_json(exclude={"undone_by", "created", "changed", "removed"})
            yield ("SET", self.keys.operation_of_id(operation.id), number)
            yield ("HSET", self.keys.operation(number), "doc", plain)
            yield ("ZADD", self.keys.operations_by_time, microseconds(operation.at), number)
        if self._undoes is not None:
            yield ("HSET", self.keys.operation(self._undoes), "by", operation.id)
        for image in self._images:
            yield from record(self.keys, image)


def record(names: keys.Keys, image: Image) -> Iterator[Command]:
    """Yield the commands that keep an image and count it."""
    number, (namespace, user_id, memory_id) = image.operation, image.name
    yield ("SET", names.image(image.number), image.written())
    yield ("RPUSH", names.images_of_operation(number), image.number)
    yield ("RPUSH", names.images_of_memory(image.handle), image.number)
    if image.before is not None:
        # Who asks for an id that is no longer there is led to what is recorded of it.
        yield ("HSET", names.named(memory_id), f"g{image.handle}", "")
    for reach in keys.reaches(namespace, user_id):
        yield ("ZADD", names.operations(reach), number, number)
        yield ("HINCRBY", names.operation(number), f"{reach}:{done(image)}", 1)


def done(image: Image) -> str:
    """Return how an image is counted: created, updated or removed."""
    if image.before is None:
        return "c"
    return "r" if image.after is None else "u"


async def commit(server: Server, token: int, checks: Sequence[Check], commands: Iterable[Command]) -> None:
    """Do the commands in one step if every check holds; ``Transaction.commit`` says what may go wrong."""
    numbers: dict[str, int] = {server.keys.done(token): 1}
    blobs: list[bytes] = []

    def place(key: Word) -> int:
        return numbers.setdefault(key.decode() if isinstance(key, bytes) else str(key), len(numbers) + 1)

    def told(word: Word) -> str | int:
        """Return the word as JSON carries it, or the number of the argument that it is."""
        if not isinstance(word, bytes):
            return str(word)
        blobs.append(word)
        # The first argument is the JSON.
        return len(blobs) + 1

    held = [(place(one.key), one.field, False if one.held is None else told(one.held)) for one in checks]
    written = []
    for name, key, *rest in gathered(commands):
        first = place(key)
        words = [told(word) for word in rest]
        if name == "USE":
            words[0] = server.keys.values(str(rest[0]))
        written.append((name, first, *words))
    plan = json.dumps([held, written], ensure_ascii=False).encode("utf-8", "surrogatepass")
    if await server.run("commit", list(numbers), [plan, *blobs]):
        raise Moved


def _content(stored: Stored) -> str | None:
    digest = stored.record.memory_hash
    return None if digest is None else keys.content(stored.record.scope, digest)
