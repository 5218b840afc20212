"""Memories and the hashes that hold them: the one place where one becomes the other; their rows are in ``rows``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, TypeAlias

from mcp_memory.domain.filters import TagField, Tags
from mcp_memory.domain.identity import normalised
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Cues
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.rows import Vector, read_row

Name: TypeAlias = tuple[str | None, str | None, str]
"""Namespace, user and id: what names one memory."""
Labels: TypeAlias = tuple[str | tuple[str, ...] | None, ...]
"""The labels of a memory."""

TAGS: dict[TagField, str] = {
    "namespace": "ns",
    "user_id": "us",
    "session_id": "se",
    "memory_type": "ty",
    "extraction_strategy": "st",
    "source": "so",
    "topics": "to",
    "entities": "en",
}
"""The fields of the index that hold labels."""
_LABELLED = attrgetter("namespace", "user_id", "session_id", "memory_type", "extraction_strategy", "source")
_PLACES: dict[TagField, int] = {name: place for place, name in enumerate(TAGS)}
_FOLDED: dict[TagField, Callable[[str], str]] = {name: Tags(name).folded for name in TAGS}
FIELDS = ("doc", "words", "aliases", "top", "rev")
"""What a memory is read from, with its row and its use."""
USE = ("at", "n")
"""Of its use; of what was never used there is nothing."""
OWNERS = ("ns", "us", "se")
"""Labels that uses are found by."""
_REMEMBERED = 8_192
"""Labels whose digests a process remembers."""
_APART = {"last_accessed", "access_count"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stored:
    """One memory with all that is kept of it."""

    handle: int
    record: MemoryRecord
    words: str
    length: int
    cues: Cues
    vector: Vector | None = None
    aliases: frozenset[Name] = frozenset()
    top: int = 1
    """The highest version that it ever had."""
    rev: bytes = field(default=b"", compare=False)
    """Which transaction wrote it."""
    name: Name = field(init=False, compare=False)
    content: str | None = field(init=False, compare=False)
    """What stands for its content in its scope."""
    thread: str | None = field(init=False, compare=False)
    """What stands for the thread of talk that it stands in."""

    def __post_init__(self) -> None:
        """Derive from the record what leads to the memory."""
        derive = partial(object.__setattr__, self)
        derive("name", name_of(self.record))
        derive("content", keys.content_of(self.record))
        derive("thread", keys.thread(self.record))


def name_of(record: MemoryRecord) -> Name:
    """Return what names a memory."""
    return record.namespace, record.user_id, record.id


def moment(value: int | bytes) -> datetime:
    """Return the moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(value))


def labelled(record: MemoryRecord) -> Labels:
    """Return the labels of the memory as it has them, in the order of ``TAGS``."""
    return (*_LABELLED(record), tuple(record.topics), tuple(record.entities))


def owners(held: Labels) -> tuple[str | None, ...]:
    """Return the namespace, user and session among the labels."""
    return tuple(None if part is None else str(part) for part in held[: len(OWNERS)])


def labels(held: Labels, name: TagField) -> Sequence[str]:
    """Return the distinct values of a label as filters compare them."""
    value = held[_PLACES[name]]
    if not value and value != "":
        return ()
    fold = _FOLDED[name]
    return sorted(set(map(fold, value))) if isinstance(value, tuple) else (fold(str(value)),)


@lru_cache(_REMEMBERED)
def label_digest(value: str) -> str:
    """Return what stands for the value of a label in the index."""
    return keys.digest(value)


@lru_cache(_REMEMBERED)
def tags_of(held: Labels) -> Mapping[str, str]:
    """Return labels as the index holds them; those of one talk are the same, again and again."""
    found = ((TAGS[name], labels(held, name)) for name in TAGS)
    return {name: " ".join(map(label_digest, values)) for name, values in found if values}


def fresh_at(record: MemoryRecord) -> datetime:
    """Return when the memory was last stored or changed."""
    return max(record.updated_at, record.persisted_at or record.updated_at)


def document(stored: Stored) -> dict[str, str | int]:
    """Return the hash of a memory, but for its vector as the engine wants it."""
    record = stored.record
    found: dict[str, str | int] = {
        "doc": record.model_dump_json(exclude=_APART, exclude_defaults=True),
        "words": stored.words,
        "h": stored.handle,
        "len": stored.length,
        "g": 0 if stored.vector is None else stored.vector.generation,
        "created": microseconds(record.created_at),
        "holds": microseconds(record.found_from),
        "fresh": microseconds(fresh_at(record)),
        "says": said(record.scope, record.text),
        **tags_of(labelled(record)),
    }
    if stored.aliases:
        found["aliases"] = json.dumps(sorted(stored.aliases, key=repr))
    if record.event_date is not None:
        found["event"] = microseconds(record.event_date)
    if record.valid_to is not None:
        found["until"] = microseconds(record.valid_to)
    if stored.thread is not None:
        found["th"] = stored.thread
    if stored.content is not None:
        found["co"] = stored.content
    if stored.top != 1:
        found["top"] = stored.top
    if record.updated_at != record.created_at:
        found["updated"] = microseconds(record.updated_at)
    return found


OPTIONAL = ("aliases", "event", "until", "th", "co", "top", "updated", *TAGS.values())
"""Fields that a hash may lack."""


def said(scope: Scope, text: str) -> str:
    """Return what stands for the owner of a memory and what it says."""
    return keys.digest(scope.namespace, scope.user_id, "text", normalised(text))


def is_unused(record: MemoryRecord) -> bool:
    """Say whether nothing need be kept of the memory's use: it is that of a new one."""
    return not record.access_count and record.last_accessed == record.created_at


def access(record: MemoryRecord) -> dict[str, str | int]:
    """Return the hash of the memory's use."""
    tags = tags_of(labelled(record))
    return {
        "at": microseconds(record.last_accessed),
        "n": record.access_count,
        **{name: digest for name in OWNERS if (digest := tags.get(name))},
    }


def record_of(doc: bytes, use: Sequence[bytes | None]) -> MemoryRecord:
    """Return the record that a memory's hash and that of its use hold."""
    at, count = use
    fields: dict[str, Any] = json.loads(doc)
    fields["last_accessed"] = fields["created_at"] if at is None else moment(at)
    fields["access_count"] = 0 if count is None else int(count)
    return MemoryRecord.model_validate(fields)


def stored_of(
    handle: int, found: Sequence[bytes | None], row: bytes | None, use: Sequence[bytes | None]
) -> Stored | None:
    """Return the memory that the fields hold; None where there is none."""
    doc, words, aliases, top, rev = found
    if doc is None or row is None:
        return None
    read = read_row(row)
    return Stored(
        handle=handle,
        record=record_of(doc, use),
        words=(words or b"").decode(),
        length=read.length,
        cues=read.cues,
        vector=read.vector,
        aliases=names_of(json.loads(aliases or b"[]")),
        top=int(top or 1),
        rev=rev or b"",
    )


def names_of(listed: Iterable[Sequence[Any]]) -> frozenset[Name]:
    """Return the names that were written as a list of lists."""
    return frozenset((namespace, user_id, memory_id) for namespace, user_id, memory_id in listed)


def pairs(mapping: Mapping[str, str | bytes | int]) -> list[str | bytes | int]:
    """Return a mapping as the words of a command."""
    return [word for pair in mapping.items() for word in pair]
