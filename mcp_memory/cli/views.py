"""``agent-memory views``: summaries of memories by groups."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.layout import counted, moment, table, visible
from mcp_memory.cli.options import (
    format_option,
    labels,
    namespace_option,
    session_option,
    store_option,
    topics_option,
    type_option,
    user_option,
)
from mcp_memory.cli.running import asked, show_progress, to_type, with_memory
from mcp_memory.domain.views import (
    CreateSummaryView,
    ListPartitions,
    RunPartition,
    RunView,
    SummaryView,
    SummaryViewPartitionResult,
    ViewRun,
)

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

LISTED = 20
"""Summaries that are shown as text."""


@click.group(cls=ListByDefault)
@store_option
def views() -> None:
    """List, show, create, run or delete summary views; without a word, list them."""


@views.command("list")
@format_option
@store_option
def list_views(layout: str) -> None:
    """List summary views, newest first."""
    found = with_memory(lambda memory: memory.views.list())
    if layout == "json":
        click.echo(_json([view.model_dump(mode="json") for view in found]))
        return
    click.echo(f"Found {counted(len(found), 'view', 'views')}:" if found else "Found 0 views.")
    if found:
        rows = [(view.id, view.name or "", ", ".join(view.group_by), _which(view), _when(view)) for view in found]
        click.echo("\n" + table(rows, ("View", "Name", "Groups", "Memories", "Summed up")))


@views.command("show")
@click.argument("view_id", metavar="ID")
@namespace_option
@user_option
@session_option
@type_option
@format_option
@store_option
def show_view(view_id: str, layout: str, **group: str | None) -> None:
    """Show a view with its summaries, or those of one group."""
    request = asked(ListPartitions, {"view_id": view_id, **group})
    view, kept = with_memory(lambda memory: _shown(memory, request))
    if layout == "json":
        told = view.model_dump(mode="json") | {"partitions": [one.model_dump(mode="json") for one in kept]}
        click.echo(_json(told))
        return
    click.echo("\n\n".join(_whole(view, kept)))


async def _shown(memory: Memory, request: ListPartitions) -> tuple[SummaryView, Sequence[SummaryViewPartitionResult]]:
    return await memory.views.get(request.view_id), await memory.views.partitions(request)


@views.command("create")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--group-by",
    type=labels,
    metavar="A,B",
    help="A summary for each of these: user_id, namespace, session_id, memory_type; if left out, one of all.",
)
@namespace_option
@user_option
@session_option
@type_option
@topics_option
@click.option("--days", "time_window_days", type=int, metavar="N", help="Only memories of the last N days.")
@click.option("--continuous", is_flag=True, help="Sum up by itself what changes.")
@click.option("--prompt", metavar="TEXT", help="What to tell the language model, if there is one.")
@format_option
@store_option
def create_view(layout: str, **fields: Any) -> None:
    """Create a summary view; the options say which memories it is about."""
    narrowed = ("namespace", "user_id", "session_id", "memory_type", "topics")
    filters = {part: value for part in narrowed if (value := fields.pop(part))}
    request = asked(CreateSummaryView, {"source": "long_term", "filters": filters, **fields})
    view = with_memory(lambda memory: memory.views.create(request))
    if layout == "json":
        click.echo(view.model_dump_json(indent=2))
        return
    click.echo(f"Created: {view.id}\nSum it up: {to_type(f'views run {view.id}')}")


@views.command("run")
@click.argument("view_id", metavar="ID")
@click.option("-g", "--group", "pairs", multiple=True, metavar="FIELD=VALUE", help="Only this group; repeatable.")
@click.option("--force", is_flag=True, help="Also the groups of which no memory has changed.")
@format_option
@store_option
def run_view(view_id: str, pairs: Sequence[str], layout: str, *, force: bool) -> None:
    """Sum up a view now: all its groups, or the one that --group names."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise click.UsageError(f"--group: {wrong[0]!r} is not FIELD=VALUE")
    if pairs:
        one = asked(RunPartition, {"view_id": view_id, "group": dict(pair.split("=", 1) for pair in pairs)})
        done = with_memory(lambda memory: memory.views.run_partition(one))
        click.echo(done.model_dump_json(indent=2) if layout == "json" else _summary(done))
        return
    whole = asked(RunView, {"view_id": view_id, "force": force})
    ran = with_memory(lambda memory: memory.views.recompute(whole, progress=show_progress))
    click.echo(ran.model_dump_json(indent=2) if layout == "json" else _outcome(ran))


@views.command("delete")
@click.argument("view_id", metavar="ID")
@store_option
def delete_view(view_id: str) -> None:
    """Delete a view with its summaries; no memory is touched."""
    with_memory(lambda memory: _deleted(memory, view_id))
    click.echo(f"Deleted: {view_id}")


async def _deleted(memory: Memory, view_id: str) -> None:
    await memory.views.get(view_id)
    await memory.views.delete(view_id)


def _outcome(ran: ViewRun) -> str:
    lines = [f"Summed up {ran.computed} of {counted(ran.partitions, 'group', 'groups')}."]
    if ran.removed:
        lines.append(f"Removed {counted(ran.removed, 'summary', 'summaries')} of groups that are no more.")
    lines.append(f"Read: {to_type(f'views show {ran.view_id}')}")
    return "\n".join(lines)


def _whole(view: SummaryView, kept: Sequence[SummaryViewPartitionResult]) -> Iterator[str]:
    rows = {
        "View": view.id,
        "Name": view.name or "",
        "Groups": ", ".join(view.group_by),
        "Memories": _which(view),
        "Prompt": view.prompt or "",
        "Summed up": _when(view),
    }
    yield table((name, value) for name, value in rows.items() if value)
    yield from map(_summary, kept[:LISTED])
    if len(kept) > LISTED:
        yield f"... and {len(kept) - LISTED} more (--format json shows all)"
    if not kept:
        yield f"No summaries yet: {to_type(f'views run {view.id}')}"


def _summary(one: SummaryViewPartitionResult) -> str:
    group = ", ".join(f"{field} {value}" for field, value in one.group.items()) or "all"
    return visible(f"== {group}, {moment(one.computed_at)}\n{one.summary or 'No memories.'}")


def _which(view: SummaryView) -> str:
    written = {field: value if isinstance(value, str) else _json(value, None) for field, value in view.filters.items()}
    parts = [f"{field} {value}" for field, value in written.items()]
    if view.time_window_days is not None:
        parts.append(f"last {counted(view.time_window_days, 'day', 'days')}")
    return ", ".join(parts) or "all"


def _when(view: SummaryView) -> str:
    return "by itself" if view.continuous else "when it is run"


def _json(value: Any, indent: int | None = 2) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)
