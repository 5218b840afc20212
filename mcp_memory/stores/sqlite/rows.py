"""Rows and records: the one place where one becomes the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from operator import itemgetter
from struct import Struct
from typing import Any, TypeAlias

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from mcp_memory.domain.filters import Tags
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord, Message, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Cues

Value: TypeAlias = int | float | str | bytes | None
"""What SQLite keeps in one column of one row."""

Row: TypeAlias = tuple[Value, ...]

Numbers: TypeAlias = tuple[int, int, int]
"""Namespace, user and session as the numbers of their names; 0 for none."""

LABELS = ("topics", "entities", "source")
"""The caseless fields, in the order of their kinds in the table ``labels``."""
CUES = np.dtype([("created", "<f8"), ("words", "<i4"), ("flags", "<i4"), ("day", "<i4"), ("unused", "<i4")])
"""What ``facets.cues`` holds."""

_CUES = Struct("<diiii")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DETAILS = ("topics", "entities", "supersedes", "extracted_from", "extraction_strategy_config", "metadata")
_MOMENTS = (
    "created_at",
    "updated_at",
    "last_accessed",
    "persisted_at",
    "event_date",
    "valid_from",
    "valid_to",
)
_PLAIN = (
    "namespace",
    "user_id",
    "session_id",
    "id",
    "text",
    "memory_type",
    "source",
    "memory_hash",
    "discrete_memory_extracted",
    "extraction_strategy",
    "pinned",
    "access_count",
    "version",
)
# Taken out of a record all together: one by one takes longer than the rest of the row.
_FIRST = itemgetter("created_at", "event_date", "valid_from", "valid_to", "updated_at", "persisted_at", "memory_type")
_MIDDLE = itemgetter(
    "extraction_strategy", "discrete_memory_extracted", "pinned", "version", "id", "source", "memory_hash"
)
_LISTED = itemgetter(*_DETAILS)
_fold = Tags("topics").folded
_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message], config=ConfigDict(defer_build=True))


def _moment(value: Value) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=int(value))


def handle_and_record(row: Row) -> tuple[int, MemoryRecord]:
    """Return what a row of ``records.sql`` columns holds: handle, moments, plain fields, details."""
    handle, *rest = row
    fields: dict[str, Any] = dict(zip(_MOMENTS, map(_moment, rest), strict=False))
    fields.update(zip(_PLAIN, rest[len(_MOMENTS) :], strict=False))
    if rest[-1] is not None:
        fields.update(json.loads(str(rest[-1])))
    return int(str(handle)), MemoryRecord(**fields)


def memory_columns(record: MemoryRecord, thread: int, content: int | None) -> Row:
    """Return the columns of ``memories`` after the numbers of the scope."""
    fields = vars(record)
    created, event, start, end, updated, persisted, kind = _FIRST(fields)
    return (
        thread,
        content,
        microseconds(created),
        None if event is None else microseconds(event),
        None if start is None else microseconds(start),
        None if end is None else microseconds(end),
        microseconds(updated),
        None if persisted is None else microseconds(persisted),
        str(kind),
        *_MIDDLE(fields),
        _details(fields),
        record.text,
    )


def _details(fields: dict[str, Any]) -> str | None:
    """Return the JSON of the lists and mappings that are not empty; None without one."""
    listed = _LISTED(fields)
    details = {name: value for name, value in zip(_DETAILS, listed, strict=True) if value} if any(listed) else {}
    if fields["extracted_from"] == []:
        details["extracted_from"] = []
    return json.dumps(details, ensure_ascii=False) if details else None


def cues_blob(record: MemoryRecord, cues: Cues) -> bytes:
    """Return what ranking reads of each candidate, in the form of CUES."""
    return _CUES.pack(record.created_at.timestamp(), cues.words, cues.flags, cues.day, 0)


def labels_of(record: MemoryRecord) -> Sequence[tuple[int, str]]:
    """Return kind and label of each row of ``labels``."""
    if not (record.topics or record.entities or record.source is not None):
        return ()
    source = [] if record.source is None else [record.source]
    values = ((0, record.topics), (1, record.entities), (2, source))
    return [(kind, label) for kind, labels in values for label in sorted(set(map(_fold, labels)))]


class Place:
    """A scope of many memories: the numbers under which their contents and threads are found, each reckoned once."""

    def __init__(self, scope: Scope) -> None:
        self._owner = _listed(scope.namespace, scope.user_id)
        self._scope = _listed(scope.namespace, scope.user_id, scope.session_id)
        self._threads: dict[tuple[str, str], int] = {}

    def content(self, memory_hash: str) -> int:
        """Return the number under which a content is found in exactly this scope."""
        return _number(self._scope, memory_hash)

    def text(self, normalised: str) -> int:
        """Return the number under which a text is found, whatever the session."""
        return _number(self._owner, "text", normalised)

    def thread(self, record: MemoryRecord) -> int:
        """Return the number that the memories of a thread share; one of its own for a memory that stands in none."""
        thread = record.thread
        if thread is None:
            return _number(self._owner, record.id)
        found = self._threads.get(thread)
        if found is None:
            found = self._threads[thread] = _number(self._owner, *thread)
        return found


def _listed(*names: str | None) -> str:
    return "".join(f"{name!r}, " for name in names)


def _number(before: str, *names: str) -> int:
    """Return 63 bits of a hash; two of a billion numbers collide less often than a disk errs."""
    parts = f"({before}{', '.join(map(repr, names))})"
    digest = blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def session_texts(session: Session) -> tuple[str, str]:
    """Return the columns ``document`` and ``messages``."""
    return session.model_dump_json(exclude={"messages"}), _MESSAGES.dump_json(session.messages).decode()


def session_of(document: Value, messages: Value) -> Session:
    """Return the session of the columns ``document`` and ``messages``; without messages where these are None."""
    session = Session.model_validate_json(str(document))
    if messages is None:
        return session
    return session.model_copy(update={"messages": _MESSAGES.validate_json(str(messages))})
