"""What a memory was before an operation changed it, as it is kept."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import Any

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.redis.documents import Name, Stored, names_of
from mcp_memory.stores.redis.rows import Vector

_ENCODED = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Image:
    """What one operation did to one memory."""

    number: int
    operation: int
    handle: int
    unit: int
    name: Name
    after: int | None
    """The version that it had then; None: it was gone."""
    undone: int | None = None
    """The number of the operation that took it back."""
    before: MemoryRecord | None = None
    """None: it did not exist."""
    vector_kept: bool = False
    vector: Vector | None = None
    """What it had before, if that changed too."""
    aliases: frozenset[Name] = frozenset()

    def within(self, scope: Scope) -> bool:
        """Say whether the memory was of the scope's namespace and user."""
        namespace, user_id, _ = self.name
        return scope.namespace in {None, namespace} and scope.user_id in {None, user_id}

    def told(self) -> str:
        """Return what is kept of the image beside its numbers: one line of JSON."""
        namespace, user_id, memory_id = self.name
        found: dict[str, Any] = {"a": self.after, "i": memory_id}
        found |= {name: value for name, value in (("n", namespace), ("s", user_id)) if value is not None}
        if self.before is not None:
            found["b"] = self.before.model_dump(mode="json", exclude_defaults=True)
        if self.aliases:
            found["l"] = sorted(self.aliases, key=repr)
        if self.vector_kept:
            found["v"] = [self.vector.generation, b64encode(self.vector.packed).decode()] if self.vector else []
        return _ENCODED(found)

    def written(self) -> str:
        """Return the image as it is kept."""
        # Numbers stand before what JSON holds, as some are only given when this is written.
        undone = "" if self.undone is None else self.undone
        return f"{self.operation} {self.handle} {self.unit} {undone} {self.told()}"

    def marked(self, undone: int | None) -> Image:
        """Return the image as taken back by an operation, or as standing again."""
        return replace(self, undone=undone)


def read_image(number: int, written: bytes) -> Image:
    """Return the image that was kept under the number."""
    operation, handle, unit, undone, rest = written.split(b" ", 4)
    found = json.loads(rest)
    before, vector = found.get("b"), found.get("v")
    return Image(
        number=number,
        operation=int(operation),
        handle=int(handle),
        unit=int(unit),
        name=(found.get("n"), found.get("s"), found["i"]),
        after=found["a"],
        undone=int(undone) if undone else None,
        before=None if before is None else MemoryRecord.model_validate(before),
        vector_kept=vector is not None,
        vector=Vector(vector[0], b64decode(vector[1])) if vector else None,
        aliases=names_of(found.get("l", ())),
    )


def change_image(number: int, operation: int, unit: int, before: Stored | None, after: Stored | None) -> Image | None:
    """Return the image of what a memory was and became; None where it was and is not there."""
    there = before or after
    if there is None:
        return None
    kept = before is not None and (after is None or after.vector != before.vector)
    return Image(
        number=number,
        operation=operation,
        handle=there.handle,
        unit=unit,
        name=there.name,
        after=None if after is None else after.record.version,
        before=None if before is None else before.record,
        vector_kept=kept,
        vector=before.vector if before is not None and kept else None,
        aliases=frozenset() if before is None else before.aliases,
    )
