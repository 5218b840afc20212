"""Where summary views and their summaries live. A part of ``ports``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.ports.memories import Handle

Step: TypeAlias = tuple[datetime, Handle]
"""How far a walk has come: ``created_at`` of the last memory, and its handle."""


@dataclass(frozen=True, slots=True)
class Group:
    """Memories that have the same values in some fields."""

    values: dict[str, str]
    count: int
    state: str
    """Changes whenever a memory of the group is stored, changed or removed; opaque outside the store."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A summary as it is kept."""

    result: SummaryViewPartitionResult
    state: str
    """What the group was like when it was summed up."""


class ViewStore(Protocol):
    """Where summary views and their summaries live; the promises of ``MemoryStore`` hold.

    A scope narrows: a view is seen within every scope whose given parts are those of ``SummaryView.scope``. When
    memories are erased for good (``HistoryStore.purge``), the summaries go too that may tell of them.
    """

    async def put_view(self, view: SummaryView) -> None:
        """Store a new view."""

    async def view(self, view_id: str, scope: Scope) -> SummaryView | None:
        """Return the view, None where there is none of this id within the scope."""

    async def views(self, scope: Scope) -> list[SummaryView]:
        """Return the views within the scope, newest first."""

    async def remove_view(self, view_id: str, scope: Scope) -> bool:
        """Delete the view and all its summaries; say whether there was one within the scope."""

    async def put_partition(self, partition: Partition) -> bool:
        """Keep a summary in the place of the last one of its group; False, and nothing kept, if the view is gone."""

    async def partitions(self, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
        """Return the summaries of the groups that have these values, in the order of ``domain.views.group_key``."""

    async def partition_states(self, view_id: str) -> dict[str, str]:
        """Return what each group was like when it was summed up, by its ``domain.views.group_key``."""

    async def remove_partitions(self, view_id: str, keys: Sequence[str]) -> int:
        """Delete the summaries of these groups, named by ``domain.views.group_key``; return how many there were."""

    async def groups(self, where: Where, fields: Sequence[str]) -> list[Group]:
        """Return the groups of all matching memories by these fields, without those that lack one; in any order.

        Fields are those of ``domain.views.GROUPS``; without any, all memories are one group, if there are some.
        """

    async def walk(self, where: Where, after: Step | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        """Return the next matching memories after a step, newest first as in ``page``.

        Walking over all of them takes time in proportion to how many there are.
        """
