"""Operations, and bringing memories back to what they were before them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from mcp_memory.domain.operations import Change, Kept, Operation
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Changed, Restore, Touched, Undone
from mcp_memory.ports.memories import Entry, Handle, Known
from mcp_memory.ports.models import Generation
from mcp_memory.stores.chronology import Moment, in_time
from mcp_memory.stores.ephemeral.accesses import EphemeralAccesses
from mcp_memory.stores.ephemeral.memories import Image, Name, name_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Entries: TypeAlias = Mapping[tuple[Handle, int], Entry | None]
Vector: TypeAlias = "tuple[NDArray[np.float32] | None, Generation | None]"

CHANGED_SINCE = "it was changed since"
NAME_TAKEN = "another memory has its id now"
OUT_OF_REACH = "what it was changed together with is out of reach"


class EphemeralHistory(EphemeralAccesses):
    """The port ``HistoryStore``."""

    async def operations(self, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Operation], int]:
        found = []
        for operation in self._operations.values():
            images = [image for image in self._images if image.operation == operation.id and _within(image.name, scope)]
            if images:
                found.append(self._counted(operation, images))
        found.sort(key=lambda operation: self._operation_numbers[operation.id], reverse=True)
        return found[offset : offset + limit], len(found)

    def _counted(self, operation: Operation, images: Sequence[Image]) -> Operation:
        later = [other.id for other in self._operations.values() if other.undoes == operation.id]
        counts = {
            "created": sum(image.before is None for image in images),
            "changed": sum(image.before is not None and image.after is not None for image in images),
            "removed": sum(image.before is not None and image.after is None for image in images),
        }
        return operation.model_copy(update=counts | {"undone_by": later[-1] if later else None})

    async def operation(self, operation_id: str, scope: Scope) -> Operation | None:
        found, _ = await self.operations(scope, limit=len(self._operations))
        return next((operation for operation in found if operation.id == operation_id), None)

    async def touched(self, operation_id: str, scope: Scope) -> list[Touched]:
        return [
            Touched(i.handle, i.unit, i.number, i.name[2], i.undone is not None, _within(i.name, scope))
            for i in self._images
            if i.operation == operation_id
        ]

    async def changes(
        self, operation_id: str, scope: Scope, handles: Collection[Handle] | None = None
    ) -> list[Changed]:
        images = [i for i in self._images if i.operation == operation_id and _within(i.name, scope)]
        asked = images if handles is None else [image for image in images if image.handle in handles]
        return [Changed(image.handle, image.unit, image.number, self._change(image)) for image in asked]

    def _change(self, image: Image) -> Change:
        operation = self._operations[image.operation]
        later = self._images[self._images.index(image) + 1 :]
        now = self._entries.get(image.handle)
        after = next((other.before for other in later if other.handle == image.handle), now)
        namespace, user_id, memory_id = image.name
        return Change(
            operation=operation.id,
            kind=operation.kind,
            at=operation.at,
            memory_id=memory_id,
            namespace=namespace,
            user_id=user_id,
            before=None if image.before is None else image.before.record,
            after=None if after is None else after.record,
            undone=image.undone is not None,
        )

    async def history(self, memory_id: str, scope: Scope) -> list[Change]:
        handles = await self._ever_named(memory_id, scope)
        images = [image for image in self._images if image.handle in handles and _within(image.name, scope)]
        begun, numbered = ([image for image in images if (image.number < 0) is first] for first in (True, False))
        return [self._change(image) for image in in_time(begun, numbered, self._moment)]

    def _moment(self, image: Image) -> Moment:
        return Moment(self._operation_numbers[image.operation], image.handle)

    async def _ever_named(self, memory_id: str, scope: Scope) -> set[int]:
        """Return the memories of the owner that have, had or took in this id."""
        there = await self.named([memory_id], Scope(scope.namespace, scope.user_id))
        once = {i.handle for i in self._images if i.name[2] == memory_id and _within(i.name, scope)}
        return {int(handle) for handle, _ in there} | once

    async def recorded(self, ids: Sequence[str], scope: Scope) -> list[Known]:
        named = [sorted(await self._ever_named(memory_id, scope)) for memory_id in ids]
        last = {image.handle: image.before for image in self._images if image.before is not None}
        found = []
        for handle in dict.fromkeys(handle for among in named for handle in among):
            entry = self._entries.get(handle) or last.get(handle)
            if entry is not None and _within(name_of(entry.record), scope):
                found.append(Known(handle, entry.record, handle in self._entries))
        return found

    async def undo(self, operation_id: str, restore: Restore, operation: Operation) -> Undone:
        asked = set(restore.handles)
        units: dict[int, list[Image]] = {}
        for image in reversed(self._images):
            if image.operation == operation_id and image.undone is None and image.handle in asked:
                # Last first: a memory may have been merged twice, and what came last is what it stands on now.
                units.setdefault(image.unit, []).append(image)
        kept: list[Kept] = []
        restored = 0
        for unit, images in units.items():
            reasons = list(self._reasons(images, restore.entries))
            kept += reasons
            if not reasons:
                restored += self._restored(unit, images, restore.entries, operation)
        return Undone(restored, tuple(kept))

    def _reasons(self, images: Sequence[Image], entries: Entries) -> Iterator[Kept]:
        """Say why a unit cannot be taken back."""
        among = {image.handle for image in images}
        expected: dict[int, int | None] = {handle: self._version(handle) for handle in among}
        for image in images:
            reason = None
            if (image.handle, image.number) not in entries:
                reason = OUT_OF_REACH
            elif image.after != expected[image.handle]:
                reason = CHANGED_SINCE
            elif image.before is not None and self._named.get(image.name, image.handle) not in among:
                reason = NAME_TAKEN
            expected[image.handle] = None if image.before is None else image.before.record.version
            if reason is not None:
                yield Kept(memory_id=image.name[2], reason=reason)

    def _version(self, handle: int) -> int | None:
        there = self._entries.get(handle)
        return None if there is None else there.record.version

    def _restored(self, unit: int, images: Sequence[Image], entries: Entries, operation: Operation) -> int:
        """Bring the memories of a unit back; return how many they are."""
        first = {image.handle: image for image in images}
        vectors = {handle: self._vector_before(handle, images) for handle in first}
        with self._recorded(operation, unit, *first):
            self._forget(first.keys() & self._entries.keys())
            for handle, image in first.items():
                entry = entries[handle, image.number]
                if image.before is not None and entry is not None:
                    vector, generation = vectors[handle]
                    before = replace(image.before, terms=entry.terms, cues=entry.cues)
                    self._store(handle, replace(before, vector=vector, generation=generation))
                    taken = self._named.keys() | self._aliases.keys()
                    self._aliases |= dict.fromkeys(image.aliases - taken, handle)
        for image in images:
            image.undone = operation.id
        for image in self._images:
            if image.undone == images[0].operation and image.handle in first:
                # An undo is taken back: what it took back stands again.
                image.undone = None
        return len(first)

    def _vector_before(self, handle: int, images: Sequence[Image]) -> Vector:
        """Return the vector that the memory had before the images, which are given last first."""
        for image in reversed(images):
            if image.handle == handle and image.before is not None and image.with_vector:
                return image.before.vector, image.before.generation
        now = self._entries.get(handle)
        return (None, None) if now is None else (now.vector, now.generation)

    async def purge(self, handles: Sequence[Handle]) -> int:
        asked = {int(handle) for handle in handles}
        known = asked & {*self._entries, *(image.handle for image in self._images)}
        every = _closure(asked, lambda among: {i.handle for i in self._images if i.unit in among and _merged_away(i)})
        beyond = _closure(every, lambda among: {i.unit for i in self._images if i.handle in among and _of_merge(i)})
        self._forget(set(every & self._entries.keys()))
        self._images = [i for i in self._images if i.handle not in (every if _of_creation(i) else beyond)]
        return len(known)

    async def forget_operations(self, before: datetime) -> int:
        old = {operation.id for operation in self._operations.values() if operation.at < before}
        self._images = [image for image in self._images if image.operation not in old]
        self._operations = {name: held for name, held in self._operations.items() if name not in old}
        self._operation_numbers = {name: self._operation_numbers[name] for name in self._operations}
        return len(old)


def _of_creation(image: Image) -> bool:
    return image.handle == image.unit and image.before is None


def _of_merge(image: Image) -> bool:
    """Say whether the memory was merged away, or came back from that."""
    return image.handle != image.unit and (image.after is None or image.before is None)


def _merged_away(image: Image) -> bool:
    return image.handle != image.unit and image.after is None and image.undone is None


def _closure(handles: AbstractSet[int], reached: Callable[[AbstractSet[int]], AbstractSet[int]]) -> AbstractSet[int]:
    """Return the handles with all that is reached from them, step by step."""
    found: AbstractSet[int] = set()
    while not handles <= found:
        found = found | handles
        handles = reached(found)
    return found


def _within(name: Name, scope: Scope) -> bool:
    return scope.namespace in {None, name[0]} and scope.user_id in {None, name[1]}
