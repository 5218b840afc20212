"""The loop guard: a memory handed in that is an answer of ours coming back is known again, and counted as use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from mcp_memory.domain.echoes import Echo, Reading, readings
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import NewMemory
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.given import Clock
from mcp_memory.ports.memories import Handle, MemoryStore
from mcp_memory.services import accesses

Held: TypeAlias = tuple[Handle, MemoryRecord]


Said: TypeAlias = Mapping[tuple[Scope, str], Sequence[Held]]
"""The memories that an owner's text, or id, leads to."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A memory handed in, and what it may be made of."""

    new: NewMemory
    owner: Scope
    readings: Sequence[Reading]

    @classmethod
    def of(cls, new: NewMemory, record: MemoryRecord) -> Handed:
        """Return the memory with the readings of its text.

        One that has an id of the client's, or says what it ends or since when it holds, is never a repetition.
        """
        says_more = new.id is not None or new.supersedes or new.valid_from is not None or new.valid_to is not None
        return cls(new, Scope(record.namespace, record.user_id), () if says_more else tuple(readings(new.text)))

    @property
    def echoes(self) -> Iterable[Echo]:
        """All that may be memories."""
        return (echo for reading in self.readings for echo in reading)


def texts(handed: Iterable[Handed]) -> list[tuple[Scope, str]]:
    """Return the texts that have to be looked up, with their owners."""
    return list(dict.fromkeys((one.owner, echo.text) for one in handed for echo in one.echoes if echo.id is None))


class Echoes:
    """Knows again what this program returned: in whatever session, by whatever process."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def known(self, handed: Sequence[Handed], said: Said) -> list[MemoryRecord | None]:
        """Return for each memory handed in the one that it repeats, whose use is counted; None where it is new.

        Args:
            handed: the memories handed in.
            said: what their texts without an id say that was returned before.
        """
        named = await self._named(handed)
        now = self._clock()
        repeated = [_repeated(one, said, named, now) for one in handed]
        used = list(dict.fromkeys(handle for held in repeated for handle, _ in held))
        await accesses.count(self._store, used, now, now)
        return [held[0][1] if held else None for held in repeated]

    async def _named(self, handed: Iterable[Handed]) -> Said:
        """Return the memories behind the ids that stood beside texts."""
        asked = dict.fromkeys((one.owner, echo.id) for one in handed for echo in one.echoes if echo.id is not None)
        return {(owner, name): await self._store.named([name], owner) for owner, name in asked}


def _repeated(one: Handed, said: Said, named: Said, now: datetime) -> Sequence[Held]:
    """Return the memories that the text is made of; none where any part of it is new."""
    for reading in one.readings:
        found: list[Held] = []
        for echo in reading:
            held = said[one.owner, echo.text] if echo.id is None else named[one.owner, echo.id]
            found += [pair for pair in held if _same(one, echo, pair[1], now)][:1]
        if len(found) == len(reading):
            return found
    return ()


def _same(one: Handed, echo: Echo, record: MemoryRecord, now: datetime) -> bool:
    return (
        Scope(record.namespace, record.user_id) == one.owner
        and echo.repeats(record.text)
        and not record.ended_by(now)
        and _same_event(one.new, record, named=echo.id is not None)
    )


def _same_event(new: NewMemory, record: MemoryRecord, *, named: bool) -> bool:
    """Say whether both are about one event: beside an id we write the day, and the event need not be repeated."""
    if not named or new.event_date is None:
        return named or new.event_date == record.event_date
    return new.event_date == record.event_date or new.event_date.date() == record.about.date()
