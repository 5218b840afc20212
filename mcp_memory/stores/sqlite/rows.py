"""Rows and records: the one place where one becomes the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import Struct
from typing import Any, TypeAlias

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from mcp_memory.domain.filters import Tags
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord, Message, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.ports import Cues

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
_fold = Tags("topics").folded
_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message], config=ConfigDict(defer_build=True))


def _moment(value: Value) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=int(value))


def _maybe(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def handle_and_record(row: Row) -> tuple[int, MemoryRecord]:
    """Return what a row of ``records.sql`` columns holds: handle, moments, plain fields, details."""
    handle, *rest = row
    fields: dict[str, Any] = dict(zip(_MOMENTS, map(_moment, rest), strict=False))
    fields.update(zip(_PLAIN, rest[len(_MOMENTS) :], strict=False))
    if rest[-1] is not None:
        fields.update(json.loads(str(rest[-1])))
    return int(str(handle)), MemoryRecord(**fields)


def memory_row(record: MemoryRecord, numbers: Numbers, content: int | None) -> Row:
    """Return the columns of ``memories`` after the handle."""
    details = {name: value for name in _DETAILS if (value := getattr(record, name))}
    if record.extracted_from == []:
        details["extracted_from"] = []
    return (
        *numbers,
        thread_of(record),
        content,
        microseconds(record.created_at),
        _maybe(record.event_date),
        _maybe(record.valid_from),
        _maybe(record.valid_to),
        microseconds(record.updated_at),
        _maybe(record.persisted_at),
        str(record.memory_type),
        record.extraction_strategy,
        record.discrete_memory_extracted,
        int(record.pinned),
        record.version,
        record.id,
        record.source,
        record.memory_hash,
        json.dumps(details, ensure_ascii=False) if details else None,
        record.text,
    )


def cues_blob(record: MemoryRecord, cues: Cues) -> bytes:
    """Return what ranking reads of each candidate, in the form of CUES."""
    return _CUES.pack(record.created_at.timestamp(), cues.words, cues.flags, cues.day, 0)


def label_rows(record: MemoryRecord, handle: int) -> list[tuple[int, str, int]]:
    """Return the rows of ``labels``."""
    if not (record.topics or record.entities or record.source is not None):
        return []
    source = [] if record.source is None else [record.source]
    values = ((0, record.topics), (1, record.entities), (2, source))
    return [(kind, label, handle) for kind, labels in values for label in sorted(set(map(_fold, labels)))]


def content_of(record: MemoryRecord) -> int | None:
    """Return the number under which one content in one scope is found; None for a memory without a hash."""
    return None if record.memory_hash is None else content_in(record.scope, record.memory_hash)


def content_in(scope: Scope, memory_hash: str) -> int:
    """Return the number under which a content is found in exactly this scope."""
    return _number(scope.namespace, scope.user_id, scope.session_id, memory_hash)


def thread_of(record: MemoryRecord) -> int:
    """Return the number that the memories of a thread share; one of its own for a memory that stands in none."""
    thread = record.thread
    if thread is None:
        return _number(record.namespace, record.user_id, record.id)
    return _number(record.namespace, record.user_id, *thread)


def _number(*parts: str | int | None) -> int:
    """Return 63 bits of a hash; two of a billion numbers collide less often than a disk errs."""
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
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
