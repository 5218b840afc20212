"""Taking back what an operation did, and forgetting what was recorded of old ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mcp_memory.domain.operations import Kept
from mcp_memory.ports.history import Undone
from mcp_memory.ports.memories import Handle
from mcp_memory.stores.redis.committing import commit
from mcp_memory.stores.redis.documents import Stored
from mcp_memory.stores.redis.history import images_of, images_of_memories, images_of_operations, number_of
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.preparing import Prepared
from mcp_memory.stores.redis.rows import Vector
from mcp_memory.stores.redis.server import Server
from mcp_memory.stores.redis.striking import strike
from mcp_memory.stores.redis.transaction import Transaction

CHANGED_SINCE = "it was changed since"
NAME_TAKEN = "another memory has its id now"
OUT_OF_REACH = "what it was changed together with is out of reach"


class Undoing:
    """The undo of one operation, in one transaction."""

    def __init__(self, transaction: Transaction, entries: Mapping[tuple[Handle, int], Prepared | None]) -> None:
        self._transaction = transaction
        self._server = transaction.server
        self._entries = entries
        self._stands_again: set[int] = set()
        self._of_memories: dict[int, list[Image]] = {}

    async def undo(self, operation_id: str, handles: Sequence[int]) -> Undone:
        """Take back what the operation did to these memories; what was changed since is kept with all of its unit."""
        number = await number_of(self._server, operation_id)
        self._of_memories = await images_of_memories(self._server, handles)
        images = images_of(self._of_memories, number)
        standing = [image for image in images if image.undone is None]
        await self._read(standing)
        units: dict[int, list[Image]] = {}
        for image in reversed(standing):
            # Last first: a memory may have been merged twice, and what came last is what it stands on now.
            units.setdefault(image.unit, []).append(image)
        kept: list[Kept] = []
        restored = 0
        for unit, among in units.items():
            reasons = list(self._reasons(among))
            kept += reasons
            if not reasons:
                restored += self._restored(unit, among)
        self._note_standing(number or 0)
        await self._transaction.commit()
        return Undone(restored, tuple(kept))

    async def _read(self, images: Sequence[Image]) -> None:
        handles = list(dict.fromkeys(image.handle for image in images))
        names = {image.name for image in images} | {name for image in images for name in image.aliases}
        names |= {
            (before.namespace, before.user_id, before.id) for image in images if (before := image.before) is not None
        }
        await self._transaction.read(names=names, handles=handles)

    def _reasons(self, images: Sequence[Image]) -> Iterator[Kept]:
        """Say why a unit cannot be taken back."""
        among = {image.handle for image in images}
        stored = {handle: self._transaction.stored(handle) for handle in among}
        expected = {handle: None if one is None else one.record.version for handle, one in stored.items()}
        for image in images:
            reason = None
            if (image.handle, image.number) not in self._entries:
                reason = OUT_OF_REACH
            elif image.after != expected[image.handle]:
                reason = CHANGED_SINCE
            elif image.before is not None and self._holder(image) not in {None, *among}:
                reason = NAME_TAKEN
            expected[image.handle] = None if image.before is None else image.before.version
            if reason is not None:
                yield Kept(memory_id=image.name[2], reason=reason)

    def _holder(self, image: Image) -> int | None:
        return self._transaction.named(image.name)

    def _restored(self, unit: int, images: Sequence[Image]) -> int:
        """Bring the memories of a unit back; return how many they are."""
        first = {image.handle: image for image in images}
        before = {handle: self._before(image, images) for handle, image in first.items()}
        with self._transaction.recorded(unit, *first):
            for handle in first:
                if self._transaction.stored(handle) is not None:
                    self._transaction.drop(handle)
            for stored in before.values():
                if stored is not None:
                    self._transaction.put(stored)
            for stored in before.values():
                if stored is not None:
                    self._transaction.put(self._with_free_aliases(stored, first[stored.handle]))
        self._mark(images)
        return len(first)

    def _before(self, image: Image, images: Sequence[Image]) -> Stored | None:
        """Return the memory as it was before; its words and cues are those of the entry."""
        entry = self._entries[image.handle, image.number]
        if image.before is None or entry is None:
            return None
        versions = [one.after for one in self._of_memories[image.handle] if one.after is not None]
        versions += [one.before.version for one in self._of_memories[image.handle] if one.before is not None]
        vector = self._vector(image.handle, images) or entry.vector
        return replace(entry.stored(image.handle), record=image.before, vector=vector, top=max(versions, default=1))

    def _vector(self, handle: int, images: Sequence[Image]) -> Vector | None:
        """Return the vector that the memory had before the images, which are given last first."""
        for image in reversed(images):
            if image.handle == handle and image.vector_kept:
                return image.vector
        stored = self._transaction.stored(handle)
        return None if stored is None else stored.vector

    def _with_free_aliases(self, stored: Stored, image: Image) -> Stored:
        """Return the memory with the names that led to it, but for those that lead elsewhere now."""
        named, merged = self._transaction.named, self._transaction.merged
        free = {name for name in image.aliases if named(name) is None and merged(name) in {None, stored.handle}}
        return replace(stored, aliases=frozenset(free))

    def _mark(self, images: Sequence[Image]) -> None:
        """Note that the images are taken back; what they had themselves taken back stands again."""
        for image in images:
            key = self._server.keys.image(image.number)
            self._transaction.check(key, image.written().encode())
            self._transaction.also("SET", key, image.marked(self._transaction.operation_number).written())
        self._stands_again |= {image.handle for image in images}

    def _note_standing(self, number: int) -> None:
        for handle in self._stands_again:
            for image in self._of_memories[handle]:
                if image.undone == number:
                    key = self._server.keys.image(image.number)
                    self._transaction.check(key, image.written().encode())
                    self._transaction.also("SET", key, image.marked(None).written())


async def forget(server: Server, before: int) -> int:
    """Delete the record of operations from before a moment, given in microseconds; return how many there were."""
    old = await server.call("ZRANGE", server.keys.operations_by_time, "-inf", f"({before}", "BYSCORE")
    for number in old:
        images = await images_of_operations(server, [int(number)])
        await commit(server, [], await strike(server, images, [int(number)]))
    return len(old)
