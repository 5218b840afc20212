"""Summary views: which memories are summed up together, doing it, and the tasks by which clients follow it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack
from mcp_memory.domain.scope import OPEN
from mcp_memory.domain.views import (
    NO_MEMORIES,
    RUN,
    CreateSummaryView,
    ListPartitions,
    RunPartition,
    RunView,
    RunViewLater,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
    ViewRun,
    ViewsRefreshed,
    check_group,
    group_key,
    group_scope,
    new_view,
    task_of,
    where_of,
)
from mcp_memory.errors import JobNotFound, TaskNotFound, ViewNotFound
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.store import Store
from mcp_memory.ports.views import Group, Partition, Step
from mcp_memory.services.audit import note
from mcp_memory.services.jobs import Jobs
from mcp_memory.services.view_texts import Summarist

PAGE = 500
"""Memories that are read at a time."""


def kept_state(author: str, group: str) -> str:
    """Return what is kept with a summary: who wrote it, and what its group was like."""
    return f"{author}:{group}"


class Views:
    """Summaries of memories by groups. A view belongs to the scope that its filters hold it to."""

    def __init__(self, store: Store, jobs: Jobs, clock: Clock, new_id: NewId, summarist: Summarist) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock
        self._new_id = new_id
        self._summarist = summarist

    async def create(self, request: CreateSummaryView, *, caller: Caller = LOCAL) -> SummaryView:
        """Keep a new view; what the caller is bound to is filled in as its filters.

        Raises:
            InvalidRequest: its source, groups or filters cannot be used.
            NotAllowed: its filters let through what the caller cannot reach.
        """
        view = new_view(request, self._new_id(), caller)
        await self._store.put_view(view)
        note(caller, f"view made: {view.id}", view.scope)
        return view

    async def list(self, *, caller: Caller = LOCAL) -> Sequence[SummaryView]:
        """Return the views, newest first."""
        return await self._store.views(caller.scope())

    async def get(self, view_id: str, *, caller: Caller = LOCAL) -> SummaryView:
        """Return one view.

        Raises:
            ViewNotFound: there is none of this id within reach.
        """
        view = await self._store.view(view_id, caller.scope())
        if view is None:
            raise ViewNotFound(view_id)
        return view

    async def delete(self, view_id: str, *, caller: Caller = LOCAL) -> Ack:
        """Delete a view with its summaries; one that is not there is as good as deleted."""
        scope = caller.scope()
        if await self._store.remove_view(view_id, scope):
            note(caller, f"view deleted: {view_id}", scope)
        return Ack(status="ok")

    async def partitions(
        self, request: ListPartitions, *, caller: Caller = LOCAL
    ) -> Sequence[SummaryViewPartitionResult]:
        """Return the summaries of a view as they were computed last.

        Raises:
            ViewNotFound: there is no such view within reach.
            NotAllowed: the request names a group that the caller cannot reach.
        """
        caller.check(group_scope(request.group))
        await self.get(request.view_id, caller=caller)
        return await self._store.partitions(request.view_id, request.group)

    async def run_partition(self, request: RunPartition, *, caller: Caller = LOCAL) -> SummaryViewPartitionResult:
        """Sum up one group of a view now.

        Raises:
            ViewNotFound: there is no such view within reach.
            InvalidRequest: the group's keys are not those that the view groups by.
            NotAllowed: it names what the caller cannot reach.
        """
        caller.check(group_scope(request.group))
        view = await self.get(request.view_id, caller=caller)
        check_group(view, request.group)
        values = {field: request.group[field] for field in view.group_by}
        now = self._clock()
        found = await self._store.groups(where_of(view, now, values), view.group_by)
        return await self._summed_up(view, found[0] if found else Group(values, 0, ""), now)

    async def run(self, request: RunView, *, caller: Caller = LOCAL) -> Task:
        """Have a whole view summed up by a worker; answers the task when it is stored for good.

        A run of this view that is not finished is answered instead of a second one. The task gets the id that the
        request names, unless there is a job of this id.

        Raises:
            ViewNotFound: there is no such view within reach.
        """
        view = await self.get(request.view_id, caller=caller)
        scope = view.scope
        later = RunViewLater(
            view_id=view.id,
            force=request.force,
            namespace=scope.namespace,
            user_id=scope.user_id,
            session_id=scope.session_id,
        )
        task = task_of(await self._jobs.schedule(RUN, later, job_id=request.task_id))
        note(caller, f"view run: {view.id}", scope)
        return task

    async def task(self, task_id: str, *, caller: Caller = LOCAL) -> Task:
        """Return a run of a view, as long as jobs are kept.

        Raises:
            TaskNotFound: there is none of this id within reach.
        """
        try:
            job = await self._jobs.get(task_id, caller=caller)
        except JobNotFound as error:
            raise TaskNotFound(task_id) from error
        if job.name != RUN:
            raise TaskNotFound(task_id)
        return task_of(job)

    async def recompute(self, request: RunView, *, caller: Caller = LOCAL, progress: Progress | None = None) -> ViewRun:
        """Sum up all groups of a view now, and drop the summaries of groups that are no more.

        Unless it is forced, a group is left out of which no memory has changed since.

        Raises:
            ViewNotFound: there is no such view within reach, or it was deleted meanwhile.
        """
        return await self._recomputed(await self.get(request.view_id, caller=caller), request, progress)

    async def refresh(self, progress: Progress | None = None) -> ViewsRefreshed:
        """Sum up, in every continuous view, the groups of which memories have changed."""
        runs = []
        for view in await self._store.views(OPEN):
            # One that was deleted meanwhile needs nothing any more.
            with suppress(ViewNotFound):
                if view.continuous:
                    runs.append(await self._recomputed(view, RunView(view_id=view.id), progress))
        return ViewsRefreshed(views=len(runs), computed=sum(run.computed for run in runs))

    async def _recomputed(self, view: SummaryView, request: RunView, progress: Progress | None) -> ViewRun:
        now = self._clock()
        # Only what was kept before the groups were looked for can be of a group that is no more.
        kept = await self._store.partition_states(view.id)
        groups = {group_key(one.values): one for one in await self._store.groups(where_of(view, now), view.group_by)}
        stale = [one for key, one in groups.items() if request.force or kept.get(key) != self._state(one)]
        for done, group in enumerate(stale):
            if progress is not None:
                await progress(done, len(stale), "summing up")
            await self._summed_up(view, group, now)
        removed = await self._store.remove_partitions(view.id, sorted(kept.keys() - groups.keys()))
        if progress is not None:
            await progress(len(stale), len(stale), "summed up")
        return ViewRun(view_id=view.id, partitions=len(groups), computed=len(stale), removed=removed)

    def _state(self, group: Group) -> str:
        """Return what is kept with the summary of a group that needs no other one."""
        return kept_state(self._summarist.author, group.state)

    async def _summed_up(self, view: SummaryView, group: Group, now: datetime) -> SummaryViewPartitionResult:
        pages = self._pages(where_of(view, now, group.values))
        summary = await self._summarist.of(pages, view, group.values, now)
        result = SummaryViewPartitionResult(
            view_id=view.id,
            group=group.values,
            summary=summary.text,
            memory_count=summary.count,
            empty=not summary.count,
            empty_reason=None if summary.count else NO_MEMORIES,
            computed_at=self._clock(),
        )
        if not await self._store.put_partition(Partition(result, kept_state(summary.author, group.state))):
            raise ViewNotFound(view.id)
        return result

    async def _pages(self, where: Where) -> AsyncIterator[Sequence[MemoryRecord]]:
        after: Step | None = None
        while True:
            page = await self._store.walk(where, after, PAGE)
            yield [record for _, record in page]
            if len(page) < PAGE:
                return
            handle, last = page[-1]
            after = last.created_at, handle
