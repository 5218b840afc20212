"""Summary views in dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult, group_key, group_of, group_scope
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.views import Group, Partition, Step
from mcp_memory.stores.ephemeral.history import EphemeralHistory
from mcp_memory.stores.ephemeral.memories import name_of


class EphemeralViews(EphemeralHistory):
    """The port ``ViewStore``."""

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[str, SummaryView] = {}
        self._partitions: dict[tuple[str, str], Partition] = {}

    async def put_view(self, view: SummaryView) -> None:
        self._views[view.id] = view

    async def view(self, view_id: str, scope: Scope) -> SummaryView | None:
        there = self._views.get(view_id)
        return there if there is not None and scope.covers(there.scope) else None

    async def views(self, scope: Scope) -> list[SummaryView]:
        return [view for view in reversed(self._views.values()) if scope.covers(view.scope)]

    async def remove_view(self, view_id: str, scope: Scope) -> bool:
        if await self.view(view_id, scope) is None:
            return False
        del self._views[view_id]
        await self.remove_partitions(view_id, list(await self.partition_states(view_id)))
        return True

    async def put_partition(self, partition: Partition) -> bool:
        result = partition.result
        if result.view_id not in self._views:
            return False
        self._partitions[result.view_id, group_key(result.group)] = partition
        return True

    async def partitions(self, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
        kept = [self._partitions[view_id, key].result for key in sorted(await self.partition_states(view_id))]
        return [result for result in kept if group.items() <= result.group.items()]

    async def partition_states(self, view_id: str) -> dict[str, str]:
        return {key: kept.state for (view, key), kept in self._partitions.items() if view == view_id}

    async def remove_partitions(self, view_id: str, keys: Sequence[str]) -> int:
        return sum(self._partitions.pop((view_id, key), None) is not None for key in keys)

    async def groups(self, where: Where, fields: Sequence[str]) -> list[Group]:
        found: dict[str, list[tuple[int, MemoryRecord]]] = {}
        for handle, entry in self._matching(where):
            values = group_of(entry.record, fields)
            if values is not None:
                found.setdefault(group_key(values), []).append((handle, entry.record))
        return [_group(held, fields) for held in found.values()]

    async def walk(self, where: Where, after: Step | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        steps = sorted(((entry.record.created_at, handle) for handle, entry in self._matching(where)), reverse=True)
        left = steps if after is None else [step for step in steps if step < (after[0], int(after[1]))]
        return [(handle, self._entries[handle].record) for _, handle in left[:limit]]

    async def purge(self, handles: Sequence[Handle]) -> int:
        asked = {int(handle) for handle in handles}
        names = {name_of(self._entries[handle].record) for handle in asked & self._entries.keys()}
        names |= {image.name for image in self._images if image.handle in asked}
        for namespace, user_id, _ in names:
            self._forget_summaries_of(Scope(namespace, user_id))
        return await super().purge(handles)

    def _forget_summaries_of(self, owner: Scope) -> None:
        """Remove the summaries that may tell of a memory of this owner."""
        for (view_id, key), kept in list(self._partitions.items()):
            wholes = (self._views[view_id].scope, group_scope(kept.result.group))
            if all(replace(whole, session_id=None).covers(owner) for whole in wholes):
                del self._partitions[view_id, key]


def _group(held: Sequence[tuple[int, MemoryRecord]], fields: Sequence[str]) -> Group:
    values = group_of(held[0][1], fields) or {}
    state = hash(frozenset((handle, record.version, record.updated_at) for handle, record in held))
    return Group(values, len(held), str(state))
