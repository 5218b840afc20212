"""Comparing what two places hold, record by record, by hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.ports.archive import HISTORY, KINDS, Archived, Census, Page, Source, Suggested, Trace
from mcp_memory.ports.given import Progress

ALONE: Sequence[str] = (*HISTORY, "memories")
"""What only comes from the source where memories keep their numbers: more of it was erased there since."""
BY_THEMSELVES: Sequence[str] = ("memories", "sessions", "views", "tokens")
"""What means the same in every store; the other kinds are compared where memories keep their numbers."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found, by kinds."""

    records: Mapping[str, int]
    """How many records the source has."""
    missing: Mapping[str, int]
    """How many of them are not here just so."""
    surplus: Mapping[str, int]
    """How many are here that are not there just so."""


@dataclass(slots=True)
class Told:
    """How far a reading is."""

    census: Census
    progress: Progress | None
    what: str
    seen: int = 0

    async def tell(self, more: int) -> None:
        """Say how far it is."""
        self.seen += more
        if self.progress is not None:
            await self.progress(self.seen, max(self.census.size, self.seen + 1), self.what)

    async def end(self) -> None:
        """Say that this was all."""
        if self.progress is not None:
            await self.progress(self.seen, self.seen, self.what)


async def compare(theirs: Source, ours: Source, kinds: Sequence[str], progress: Progress | None) -> Compared:
    """Look for all records of these kinds of one place in the other."""
    wanted = {kind: set[bytes]() for kind in kinds}
    told = Told(await theirs.census(), progress, "reading what was copied")
    async for page in theirs.pages():
        for kind in kinds:
            wanted[kind].update(digests(page, [kind]))
        await told.tell(page.size)
    await told.end()
    records = {kind: len(found) for kind, found in wanted.items()}
    held = dict.fromkeys(kinds, 0)
    told = Told(await ours.census(), progress, "reading the copy")
    async for page in ours.pages():
        for kind in kinds:
            held[kind] += len(getattr(page, kind))
            wanted[kind].difference_update(digests(page, [kind]))
        await told.tell(page.size)
    await told.end()
    missing = {kind: len(left) for kind, left in wanted.items()}
    return Compared(records, missing, {kind: held[kind] - records[kind] + missing[kind] for kind in kinds})


def digests(page: Page, kinds: Sequence[str] = KINDS) -> Iterator[bytes]:
    """Yield the hash of each record of these kinds."""
    for kind in kinds:
        for one in getattr(page, kind):
            yield hashed(kind, one)


def hashed(kind: str, one: object) -> bytes:
    """Return the hash of a record."""
    return blake2b(f"{kind} {_TOLD[kind](one)}".encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _memory(one: Archived) -> str:
    told = one.record.model_dump_json(exclude=MOVING[MemoryRecord])
    return "\x1f".join([told, *sorted(map(str, one.names))])


def _change(one: Trace) -> str:
    before = None if one.before is None else one.before.model_dump_json()
    names = sorted(map(str, one.names))
    place = (one.operation, one.handle, one.unit, one.name, one.after, one.undone, one.with_vector)
    return json.dumps([place, names, before])


def _suggestion(one: Suggested) -> str:
    given = one.proposal
    seen = (*given.one, *given.other)
    return json.dumps(
        [given.id, given.kind, given.state, str(given.at), given.reason, given.closeness, given.text, seen]
    )


MOVING: Mapping[type, set[str]] = {
    MemoryRecord: {"last_accessed", "access_count"},
    Session: {"version", "updated_at", "last_accessed", "tokens"},
}
"""What changes by use, or is given anew where a session is put; all else is compared."""
_COUNTS = {"undone_by", "created", "changed", "removed"}
_TOLD: Mapping[str, Callable[[Any], str]] = {
    "memories": _memory,
    "sessions": lambda one: one.model_dump_json(exclude=MOVING[Session]),
    "operations": lambda one: f"{one.number} {one.operation.model_dump_json(exclude=_COUNTS)}",
    "changes": _change,
    "suggestions": _suggestion,
    "views": lambda one: one.model_dump_json(),
    "summaries": lambda one: one.result.model_dump_json(),
    "tokens": lambda one: one.model_dump_json(),
}
