"""The routes of summary views, and of the tasks that sum them up.

Who may read memories may read what was summed up of them; all else about views is for ``admin``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from mcp_memory.domain.access import Access
from mcp_memory.domain.replies import Ack
from mcp_memory.domain.views import (
    CreateSummaryView,
    ForGroup,
    HavingValues,
    ListPartitions,
    Run,
    RunPartition,
    RunView,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
)
from mcp_memory.rest_door.asking import At
from mcp_memory.rest_door.routes import Route
from mcp_memory.rest_door.wire import AT_ONCE, Id


class ViewBody(CreateSummaryView):
    """What to sum up."""

    model_config = AT_ONCE


class GroupBody(ForGroup):
    """Which group to sum up."""

    model_config = AT_ONCE


class RunBody(Run):
    """How to sum up all groups."""

    model_config = AT_ONCE


class Values(HavingValues):
    """Keeps to the groups that have these values."""

    model_config = AT_ONCE


Force = Annotated[bool, Query(description="The same as in the body")]


async def create_view(at: At, body: ViewBody) -> SummaryView:
    """Have memories summed up by groups.

    What the caller is bound to is filled in as filters.
    """
    return await at.memory.views.create(body, caller=at.caller)


async def list_views(at: At) -> Sequence[SummaryView]:
    """List summary views, newest first."""
    return await at.memory.views.list(caller=at.caller)


async def get_view(at: At, view_id: Id) -> SummaryView:
    """Read one summary view."""
    return await at.memory.views.get(view_id, caller=at.caller)


async def delete_view(at: At, view_id: Id) -> Ack:
    """Delete a summary view with its summaries; one that is not there is as good as deleted."""
    return await at.memory.views.delete(view_id, caller=at.caller)


async def run_partition(at: At, view_id: Id, body: GroupBody) -> SummaryViewPartitionResult:
    """Sum up one group of a view now."""
    return await at.memory.views.run_partition(RunPartition(view_id=view_id, group=body.group), caller=at.caller)


async def list_partitions(
    at: At, view_id: Id, having: Annotated[Values, Query()]
) -> Sequence[SummaryViewPartitionResult]:
    """List the summaries of a view, as they were computed last."""
    return await at.memory.views.partitions(ListPartitions(view_id=view_id, **dict(having)), caller=at.caller)


async def run_view(at: At, view_id: Id, *, body: RunBody | None = None, force: Force = False) -> Task:
    """Have a whole view summed up in the background.

    The answer is a task, to be followed at `/v1/tasks`; while it is unfinished, there is no second one.
    """
    how = body or RunBody()
    asked = RunView(view_id=view_id, task_id=how.task_id, force=how.force or force)
    return await at.memory.views.run(asked, caller=at.caller)


async def get_task(at: At, task_id: Id) -> Task:
    """Read how far the run of a view is."""
    return await at.memory.views.task(task_id, caller=at.caller)


_VIEWS = "Summary views"
ROUTES = (
    Route("POST", "/v1/summary-views", create_view, Access.ADMIN, _VIEWS, (400, 507)),
    Route("GET", "/v1/summary-views", list_views, Access.READ, _VIEWS),
    Route("GET", "/v1/summary-views/{view_id}", get_view, Access.READ, _VIEWS, (404,)),
    Route("DELETE", "/v1/summary-views/{view_id}", delete_view, Access.ADMIN, _VIEWS),
    Route("POST", "/v1/summary-views/{view_id}/partitions/run", run_partition, Access.ADMIN, _VIEWS, (400, 404, 507)),
    Route("GET", "/v1/summary-views/{view_id}/partitions", list_partitions, Access.READ, _VIEWS, (404,)),
    Route("POST", "/v1/summary-views/{view_id}/run", run_view, Access.ADMIN, _VIEWS, (404, 507)),
    Route("GET", "/v1/tasks/{task_id}", get_task, Access.READ, _VIEWS, (404,)),
)
