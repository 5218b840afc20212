"""Writes: what becomes of entries. All is planned in a transaction that has read what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as with_changes
from typing import Literal

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports.memories import Added, Handle, Merge, Seen
from mcp_memory.stores.redis.documents import Name, Stored, name_of
from mcp_memory.stores.redis.preparing import Prepared
from mcp_memory.stores.redis.transaction import Transaction

_KEPT = ("created_at", "access_count", "persisted_at")
"""Of a memory that is stored again."""


def superseded(record: MemoryRecord) -> list[Name]:
    """Return the names of the memories that the record ends."""
    return [(record.namespace, record.user_id, old) for old in record.supersedes]


async def add(
    transaction: Transaction, entries: Sequence[Prepared], duplicates: Literal["keep_first", "keep_both"]
) -> list[Added]:
    """Store the entries; answer what became of each."""
    records = [entry.record for entry in entries]
    names = [name_of(record) for record in records] + [name for record in records for name in superseded(record)]
    contents = [entry.content if duplicates == "keep_first" else None for entry in entries]
    await transaction.read(names=names, contents=[one for one in contents if one is not None], fresh=True)
    added = [_added(transaction, entry, content) for entry, content in zip(entries, contents, strict=True)]
    await transaction.commit()
    return added


def _added(transaction: Transaction, entry: Prepared, content: str | None) -> Added:
    """Store the entry, unless something holds the same content; None lets any number of memories hold one."""
    record, name = entry.record, name_of(entry.record)
    handle = transaction.named(name)
    there = None if handle is None else transaction.stored(handle)
    if there is not None:
        kept = {field: getattr(there.record, field) for field in _KEPT}
        return Added(_put(transaction, there, entry, record.model_copy(update=kept)), "replaced")
    same = None if content is None else _first(transaction.holders(content))
    if same is not None and same.repeated_by(record):
        return Added(same, "duplicate")
    handle = transaction.new_handle()
    former = transaction.merged(name)
    transaction.create(handle, entry.stored(handle))
    if former and (merged := transaction.stored(former)):
        with transaction.recorded(handle, former):
            transaction.put(with_changes(merged, aliases=merged.aliases - {name}))
    end_superseded(transaction, record, handle)
    return Added(record, "stored")


def _first(holders: Sequence[Stored]) -> MemoryRecord | None:
    """Return the oldest memory; one without an end before all."""
    records = (holder.record for holder in holders)
    return min(records, key=lambda record: record.valid_to is not None, default=None)


def _put(transaction: Transaction, there: Stored, entry: Prepared, record: MemoryRecord) -> MemoryRecord:
    """Store the entry with the record over the memory, at the next version."""
    with transaction.recorded(there.handle, there.handle):
        stored = overwritten(there, entry, record)
        transaction.put(stored)
    end_superseded(transaction, stored.record, there.handle)
    return stored.record


def overwritten(there: Stored, entry: Prepared, record: MemoryRecord) -> Stored:
    """Return the memory with the entry in its place; it keeps its vector where there is none for the same text."""
    version = max(there.record.version, there.top) + 1
    stays = entry.vector is None and record.text == there.record.text
    return Stored(
        handle=there.handle,
        record=record.model_copy(update={"version": version}),
        words=entry.words,
        length=entry.length,
        cues=entry.cues,
        vector=there.vector if stays else entry.vector,
        aliases=there.aliases,
        top=version,
    )


def end_superseded(transaction: Transaction, record: MemoryRecord, handle: int) -> None:
    """End the memories that the record supersedes, where they had not ended before."""
    for name in superseded(record):
        old = transaction.finds(name)
        there = None if old is None or old == handle else transaction.stored(old)
        if there is None or there.record.ended_by(record.holds_from):
            continue
        version = max(there.record.version, there.top) + 1
        ended = there.record.model_copy(update={"valid_to": record.holds_from, "version": version})
        with transaction.recorded(handle, there.handle):
            transaction.put(with_changes(there, record=ended, top=version))


async def replace(transaction: Transaction, handle: int, entry: Prepared, expected_version: int) -> MemoryRecord:
    """Store the entry over the memory if it is still at the version."""
    name, ended = name_of(entry.record), superseded(entry.record)
    await transaction.read(names=[name, *ended], handles=[handle])
    there = transaction.stored(handle)
    if there is None:
        raise MemoryNotFound(entry.record.id)
    if there.record.version != expected_version:
        raise VersionConflict(f"Memory {entry.record.id}", expected_version, there.record.version)
    if transaction.named(name) not in {None, handle}:
        raise IdTaken(entry.record.id)
    stored = _put(transaction, there, entry, entry.record)
    await transaction.commit()
    return stored


async def merge(
    transaction: Transaction, merges: Sequence[Merge], entries: Sequence[Prepared]
) -> list[MemoryRecord | None]:
    """Do the merges; None for each that was not done, as a version had moved."""
    seen = [one for merge in merges for one in (*merge.sources, *merge.unchanged)]
    names = [name for entry in entries for name in (name_of(entry.record), *superseded(entry.record))]
    handles = [int(handle) for handle, _ in seen]
    await transaction.read(names=names, handles=handles)
    merged = [_merged(transaction, merge, entry) for merge, entry in zip(merges, entries, strict=True)]
    await transaction.commit()
    return merged


def _merged(transaction: Transaction, merge: Merge, entry: Prepared) -> MemoryRecord | None:
    sources = _as_seen(transaction, merge.sources)
    if sources is None or _as_seen(transaction, merge.unchanged) is None:
        return None
    into, *retired = sources
    names = frozenset(name for source in retired for name in (source.name, *source.aliases))
    with transaction.recorded(into.handle, *(source.handle for source in sources)):
        for source in retired:
            transaction.drop(source.handle)
        stored = overwritten(into, entry, entry.record)
        transaction.put(with_changes(stored, aliases=(stored.aliases | names) - {stored.name}))
    end_superseded(transaction, stored.record, into.handle)
    return stored.record


def _as_seen(transaction: Transaction, seen: Sequence[Seen]) -> list[Stored] | None:
    """Return the memories; None if one is not as it was seen."""
    found = [(transaction.stored(int(handle)), version) for handle, version in seen]
    same = [stored for stored, version in found if stored is not None and stored.record.version == version]
    return same if len(same) == len(found) else None


async def remove(transaction: Transaction, handles: Sequence[Handle]) -> int:
    """Delete the memories with all that is derived of them."""
    await transaction.read(handles=_numbers(handles))
    there = list(_there(transaction, handles))
    for stored in there:
        with transaction.recorded(stored.handle, stored.handle):
            transaction.drop(stored.handle)
    await transaction.commit()
    return len(there)


def _there(transaction: Transaction, handles: Sequence[Handle]) -> Iterator[Stored]:
    for handle in dict.fromkeys(_numbers(handles)):
        stored = transaction.stored(handle)
        if stored is not None:
            yield stored


async def reindex(transaction: Transaction, entries: Sequence[tuple[int, Prepared]]) -> None:
    """Write words, cues and vectors anew of the memories that are still at the entry's version."""
    await transaction.read(handles=[handle for handle, _ in entries])
    for handle, entry in entries:
        there = transaction.stored(handle)
        if there is not None and there.record.version == entry.record.version:
            anew = with_changes(there, words=entry.words, length=entry.length, cues=entry.cues, vector=entry.vector)
            transaction.put(anew)
    await transaction.commit()


def _numbers(handles: Sequence[Handle]) -> list[int]:
    return [int(handle) for handle in handles]
