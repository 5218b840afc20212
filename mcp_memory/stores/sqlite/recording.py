"""Recording what an operation changes: what each memory was before, in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.stores.sqlite.rows import Numbers
from mcp_memory.stores.sqlite.statements import sql


class Recorder:
    """Records the changes of one operation in one transaction; an operation that changes nothing leaves no trace."""

    def __init__(self, connection: apsw.Connection, operation: Operation) -> None:
        self.connection = connection
        self._operation = operation
        self._number = 0

    @property
    def number(self) -> int:
        """The operation's number in this file, given at the first change."""
        if not self._number:
            following = int(self.connection.execute(sql("last_handle")).get or 0) + 1
            self._begin(following, following - 1, 0, 0)
        return self._number

    def _begin(self, *span: int) -> bool:
        """Find the operation's number; say whether it was given only now, with the span of the first new memories."""
        operation = self._operation
        undoes = self.connection.execute(sql("operation_number"), (operation.undoes,)).get if operation.undoes else None
        moment = microseconds(operation.at)
        row = (operation.id, str(operation.kind), moment, operation.by, operation.note, undoes, *span)
        self.connection.execute(sql("add_operation"), row)
        if self.connection.changes():
            self._number = self.connection.last_insert_rowid()
            return True
        self._number = int(self.connection.execute(sql("operation_number"), (operation.id,)).get)
        return False

    def created(self, stored: Iterable[tuple[int, Numbers]]) -> None:
        """Record that memories were stored as new, given in the order of their handles."""
        spans: list[list[int]] = []
        for handle, (namespace, user, _) in stored:
            if spans and spans[-1][1:] == [handle - 1, namespace, user]:
                spans[-1][1] = handle
            else:
                spans.append([handle, handle, namespace, user])
        for first, last, *owner in spans:
            if self._number or not self._begin(first, last, *owner):
                self.connection.execute(sql("add_creation"), (first, last, self.number, *owner))

    def restored(self, handle: int, unit: int, record: MemoryRecord, numbers: Numbers) -> None:
        """Record that a memory that was gone is there again."""
        name = (record.id, *numbers[:2])
        self.connection.execute(sql("add_empty_image"), (self.number, handle, unit, *name, record.version))

    def changing(self, handle: int, before: MemoryRecord, after: int | None, *, unit: int, vector: bool) -> None:
        """Record what the memory is, before it is changed or removed.

        Args:
            handle: the memory's.
            before: its record now.
            after: the version that it will have; None if it will be gone.
            unit: the memory whose change this belongs to.
            vector: keep its vector, since that changes too.
        """
        row = (self.number, unit, after, int(vector), before.model_dump_json(), handle)
        self.connection.execute(sql("add_image"), row)

    def next_version(self, handle: int, version: int) -> int:
        """Return a version that the memory never had: undoing brings old ones back."""
        highest = self.connection.execute(sql("highest_version"), (handle,)).get
        return max(version, int(highest or 0)) + 1
