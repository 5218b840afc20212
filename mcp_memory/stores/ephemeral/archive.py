"""Memories of a dictionary, whole, on their way from or to another place, with what was done to them."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.operations import Operation
from mcp_memory.ports.archive import Act, Archived, Name, Numbers, TakenIn, Trace
from mcp_memory.ports.memories import Cues, Entry, Handle, Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.ephemeral.history import EphemeralHistory
from mcp_memory.stores.ephemeral.memories import Image
from mcp_memory.stores.ephemeral.suggestions import EphemeralSuggestions


class EphemeralArchive(EphemeralHistory, EphemeralSuggestions):
    """The port ``ArchiveStore``."""

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        first = 0 if after is None else int(after)
        handles = [handle for handle in sorted(self._entries) if handle > first][:limit]
        return [(handle, self._archived(handle)) for handle in handles]

    def _archived(self, handle: int) -> Archived:
        entry = self._entries[handle]
        names = tuple(sorted(Name(*name) for name in self._aliases_of(handle)))
        return Archived(entry.record, names, entry.vector, entry.generation, handle)

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        return [self._taken_in(one, operation) for one in memories]

    def _taken_in(self, one: TakenIn, operation: Operation) -> bool:
        if self._finds(_name(one)):
            return False
        self._last += 1
        with self._recorded(operation, self._last, self._last):
            self._take(self._last, one)
        return True

    def _take(self, handle: int, one: TakenIn) -> None:
        self._store(handle, one.entry)
        self._aliases.update((name, handle) for name in one.names if not self._finds(name))

    def _finds(self, name: Name) -> bool:
        return name in self._named or name in self._aliases

    async def numbers(self) -> Numbers:
        return Numbers(self._last, self._last_operation, self._last_image)

    async def reserve(self, numbers: Numbers, *, seen: Numbers) -> bool:
        given = await self.numbers()
        if given != seen:
            return False
        self._last, self._last_operation, self._last_image = map(max, given, numbers)
        return True

    async def acts(self, after: int, limit: int) -> list[Act]:
        acts = sorted((self._operation_numbers[name], name) for name in self._operations)
        return [Act(number, self._told(name)) for number, name in acts if number > after][:limit]

    def _told(self, operation_id: str) -> Operation:
        operation = self._operations[operation_id]
        return operation if operation.undoes in self._operations else operation.model_copy(update={"undoes": None})

    async def traces(self, after: int | None, limit: int) -> list[Trace]:
        images = sorted(self._images, key=lambda image: image.number)
        return [self._trace(image) for image in images if after is None or image.number > after][:limit]

    def _trace(self, image: Image) -> Trace:
        before = image.before
        kept = before is not None and image.with_vector
        return Trace(
            number=image.number,
            operation=self._operation_numbers[image.operation],
            handle=image.handle,
            unit=image.unit,
            name=Name(*image.name),
            after=image.after,
            undone=None if image.undone is None else self._operation_numbers.get(image.undone),
            before=None if before is None else before.record,
            names=tuple(Name(*name) for name in image.aliases),
            with_vector=kept,
            vector=before.vector if before is not None and kept else None,
            generation=before.generation if before is not None and kept else None,
        )

    async def proposals(self, after: int, limit: int) -> list[tuple[int, Proposal]]:
        return [*enumerate(self._proposals.values(), start=1)][after : after + limit]

    async def take_in_history(self, acts: Sequence[Act], traces: Sequence[Trace]) -> int:
        count = 0
        for act in acts:
            if act.operation.id not in self._operations:
                count += 1
                self._operations[act.operation.id] = act.operation
                self._operation_numbers[act.operation.id] = act.number
        names = {number: name for name, number in self._operation_numbers.items()}
        return count + sum(self._take_in_image(_image(one, names)) for one in traces)

    def _take_in_image(self, given: Image) -> bool:
        there = next((image for image in self._images if _is_same(image, given)), None)
        if there is None:
            self._images.append(given)
        elif there.undone != given.undone:
            there.undone = given.undone
        else:
            return False
        return True

    async def move_out(self, seen: Sequence[Seen]) -> None:
        self._forget({int(handle) for handle, version in seen if self._version(int(handle)) == version})

    async def move_in(self, memories: Sequence[tuple[int, TakenIn]]) -> list[bool]:
        return [self._moved_in(handle, one) for handle, one in memories]

    def _moved_in(self, handle: int, one: TakenIn) -> bool:
        if handle in self._entries or self._finds(_name(one)):
            return False
        self._take(handle, one)
        return True


def _name(one: TakenIn) -> Name:
    record = one.entry.record
    return Name(record.namespace, record.user_id, record.id)


def _is_same(image: Image, given: Image) -> bool:
    """Say whether both tell the same; how a memory began may be known under another number."""
    if image.before is None and given.before is None:
        return (image.operation, image.handle) == (given.operation, given.handle)
    return image.number == given.number


def _image(one: Trace, names: dict[int, str]) -> Image:
    """Return the image; words and cues come from whoever has it undone."""
    before = None if one.before is None else Entry(one.before, "", Cues(), one.vector, one.generation)
    return Image(
        number=one.number,
        operation=names[one.operation],
        handle=one.handle,
        unit=one.unit,
        name=one.name,
        before=before,
        aliases=frozenset(one.names),
        after=one.after,
        undone=None if one.undone is None else names.get(one.undone),
        with_vector=one.with_vector,
    )
