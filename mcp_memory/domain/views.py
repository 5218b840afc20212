"""Summary views: which memories are summed up together, and what came of it. Doing it is ``services.views``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationError

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.filters import Dates, TagField, Tags, Where
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryRecord, Record, without_nulls
from mcp_memory.domain.requests import MAX_LABEL, Filters, Label, Request
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest, NotAllowed

RUN = "summary_view_run"
"""The job that sums a view up."""
NO_MEMORIES = "no_matching_memories"
MAX_PROMPT = 20_000
"""Characters of what a view tells the model."""
GROUPS: Sequence[TagField] = ("user_id", "namespace", "session_id", "memory_type")
"""What memories can be grouped by."""
_FILTERS = frozenset({*GROUPS, "extraction_strategy", "topics", "event_date"})
_PARTS: Sequence[TagField] = ("namespace", "user_id", "session_id")
"""The parts of a scope."""

Source = Literal["long_term", "working_memory"]
Name = Annotated[str, Field(max_length=MAX_LABEL)]
Instructions = Annotated[str, Field(max_length=MAX_PROMPT)]
WindowDays = Annotated[int, Field(ge=1, le=36_500)]


class SummaryView(Record):
    """What is summed up: the memories that meet the filters, a summary for each group of them."""

    id: str
    name: str | None = None
    source: Source
    group_by: list[str] = Field(default_factory=list)
    filters: dict[str, JsonValue] = Field(default_factory=dict)
    time_window_days: int | None = None
    continuous: bool = False
    prompt: str | None = None
    model_name: str | None = None

    @property
    def scope(self) -> Scope:
        """Whose the view is: what its filters hold it to."""
        return _held_to(filters_of(self.filters))


class SummaryViewPartitionResult(Record):
    """The summary of one group, as it was computed last."""

    view_id: str
    group: dict[str, str]
    summary: str = ""
    memory_count: Annotated[int, Field(ge=0)]
    empty: bool = False
    empty_reason: str | None = None
    computed_at: Moment


class TaskStatus(StrEnum):
    """Where a task stands, as clients know it."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class Task(Record):
    """A run of a whole view, as clients follow it."""

    id: str
    type: Literal["summary_view_full_run"] = "summary_view_full_run"
    status: TaskStatus = TaskStatus.PENDING
    view_id: str | None = None
    created_at: Moment
    started_at: Moment | None = None
    completed_at: Moment | None = None
    error_message: str | None = None


class ViewRun(Record):
    """What came of summing a whole view up."""

    view_id: str
    partitions: int
    computed: int
    """Those that were summed up anew; of the others no memory had changed."""
    removed: int
    """Those that no memory belongs to any more."""


class ViewsRefreshed(Record):
    """What came of summing up all continuous views."""

    views: int
    computed: int


class CreateSummaryView(Request):
    """Have memories summed up by groups."""

    source: Source = Field(description="Only long_term can be summed up")
    name: Name | None = None
    group_by: list[str] = Field(
        default_factory=list, description="A summary for each of these: user_id, namespace, session_id, memory_type"
    )
    filters: Annotated[dict[str, JsonValue], BeforeValidator(without_nulls)] = Field(
        default_factory=dict, description="Which memories: those fields, extraction_strategy, topics, event_date"
    )
    time_window_days: WindowDays | None = Field(None, description="Only memories that were created in the last days")
    continuous: bool = Field(default=False, description="Sum up anew by itself when memories change")
    prompt: Instructions | None = Field(None, description="What to tell the model, if there is one")
    model_name: Name | None = Field(None, description="Kept; the model of the settings is used")


class ForGroup(Request):
    """Names a group by its values."""

    group: dict[str, Name] = Field(description="A value for each field that the view groups by")


class RunPartition(ForGroup):
    """Sum up one group of a view now."""

    view_id: Label


class Run(Request):
    """How to sum up all groups of a view."""

    task_id: Label | None = Field(None, description="The id of the task, if it is free")
    force: bool = Field(default=False, description="Also the groups of which no memory has changed")


class RunView(Run):
    """Sum up all groups of a view."""

    view_id: Label


class RunViewLater(Request):
    """The job that a run is: the view, and whose it is."""

    view_id: Label
    force: bool = False
    namespace: Label | None = None
    user_id: Label | None = None
    session_id: Label | None = None

    @property
    def scope(self) -> Scope:
        """Whose view."""
        return Scope(self.namespace, self.user_id, self.session_id)


class HavingValues(Request):
    """Keeps to the groups that have these values."""

    user_id: Label | None = None
    namespace: Label | None = None
    session_id: Label | None = None
    memory_type: Label | None = None

    @property
    def group(self) -> dict[str, str]:
        """The values that are asked for."""
        return {field: value for field in GROUPS if (value := getattr(self, field)) is not None}


class ListPartitions(HavingValues):
    """List the summaries of a view."""

    view_id: Label


def new_view(asked: CreateSummaryView, view_id: str, caller: Caller) -> SummaryView:
    """Return the view that the caller asks for, held to what they may reach.

    Raises:
        InvalidRequest: its source, groups or filters cannot be used.
        NotAllowed: its filters let through what the caller cannot reach.
    """
    if asked.source != "long_term":
        raise InvalidRequest("Only source 'long_term' can be summed up")
    _refuse_others("group_by", asked.group_by, GROUPS)
    _refuse_others("filter", asked.filters, _FILTERS)
    _refuse_unwritable(asked.filters)
    fields = dict(asked) | {
        "group_by": list(dict.fromkeys(asked.group_by)),
        "filters": _bounded(asked.filters, caller),
    }
    return SummaryView(id=view_id, **fields)


def _refuse_others(what: str, given: Sequence[str] | Mapping[str, Any], known: Sequence[str] | frozenset[str]) -> None:
    if others := sorted(set(given) - set(known)):
        raise InvalidRequest(f"Unsupported {what} fields: {', '.join(others)}")


def _refuse_unwritable(filters: Mapping[str, JsonValue]) -> None:
    """Refuse what came as JSON and cannot be written as JSON: half of a character, a number that is none."""
    try:
        json.dumps(dict(filters), ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise InvalidRequest(f"filters: {error}") from error


def filters_of(written: Mapping[str, JsonValue]) -> Filters:
    """Return the filters of a view as they are understood.

    Raises:
        InvalidRequest: one cannot be used.
    """
    try:
        return Filters.model_validate(dict(written))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise InvalidRequest(f"filters: {where}: {fault['msg'].removeprefix('Value error, ')}") from error


def _held_to(filters: Filters) -> Scope:
    """Return the scope that the filters cannot leave: a part of it is open unless one value alone is let through."""
    written = {part: getattr(filters, part) for part in _PARTS}
    return Scope(**{part: one.condition(part).only for part, one in written.items() if one is not None})


def _bounded(written: Mapping[str, JsonValue], caller: Caller) -> dict[str, JsonValue]:
    """Return the filters with what the caller is bound to filled in."""
    named = _held_to(filters_of(written))
    scope = caller.scope(named)
    for part in _PARTS:
        mine = getattr(caller.bound, part)
        if mine is not None and part in written and getattr(named, part) != mine:
            raise NotAllowed(f"the filter {part} may only name what you may reach: {mine!r}")
    filled = {part: getattr(scope, part) for part in _PARTS if part not in written}
    return {**written, **{part: value for part, value in filled.items() if value is not None}}


def check_group(view: SummaryView, group: Mapping[str, str]) -> None:
    """Refuse a group that is none of the view's.

    Raises:
        InvalidRequest: its keys are not those that the view groups by.
    """
    if set(group) != set(view.group_by):
        wanted, given = (", ".join(sorted(keys)) or "none" for keys in (view.group_by, group))
        raise InvalidRequest(f"group keys must be exactly those of group_by: {wanted}; given: {given}")


def group_scope(group: Mapping[str, str]) -> Scope:
    """Return the scope that a group names."""
    return Scope(*(group.get(part) for part in _PARTS))


def group_key(group: Mapping[str, str]) -> str:
    """Return the text by which a group is known, whatever the order of its keys."""
    return json.dumps(dict(group), sort_keys=True, ensure_ascii=False)


def group_of(record: MemoryRecord, group_by: Sequence[str]) -> dict[str, str] | None:
    """Return the group that a memory belongs to; None where it lacks one of the fields."""
    values = {field: getattr(record, field) for field in group_by}
    return None if None in values.values() else {field: str(value) for field, value in values.items()}


def where_of(view: SummaryView, now: datetime, group: Mapping[str, str] | None = None) -> Where:
    """Return which memories a view sums up; with a group, those of the group. What has ended is left out."""
    where = filters_of(view.filters).where(caller=LOCAL, now=now)
    if view.time_window_days is not None:
        window = Dates("created_at", start=now - timedelta(days=view.time_window_days))
        where = replace(where, dates=(*where.dates, window))
    for field in GROUPS:
        if group and field in group:
            where = _narrowed(where, field, group[field])
    return where


def _narrowed(where: Where, field: TagField, value: str) -> Where:
    if field in _PARTS and getattr(where.scope, field) in {None, value}:
        return replace(where, scope=replace(where.scope, **{field: value}))
    return replace(where, tags=(*where.tags, Tags(field, all=frozenset({value}))))


_STATUS: Mapping[JobState, TaskStatus] = {
    JobState.QUEUED: TaskStatus.PENDING,
    JobState.RUNNING: TaskStatus.RUNNING,
    JobState.SUCCEEDED: TaskStatus.SUCCESS,
    JobState.FAILED: TaskStatus.FAILED,
    JobState.CANCELLED: TaskStatus.FAILED,
}
_CANCELLED = "The run was cancelled"


def task_of(job: Job) -> Task:
    """Return a job of the kind ``RUN`` as the task that clients know."""
    error = job.error or (_CANCELLED if job.state is JobState.CANCELLED else None)
    return Task(
        id=job.id,
        status=_STATUS[job.state],
        view_id=str(job.arguments["view_id"]),
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.finished_at,
        error_message=error if _STATUS[job.state] is TaskStatus.FAILED else None,
    )
