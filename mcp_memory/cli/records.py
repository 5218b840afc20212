"""``agent-memory show`` and ``edit``: one memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Unpack

import click

from mcp_memory.cli.beginnings import of_memory
from mcp_memory.cli.layout import moment, table, visible
from mcp_memory.cli.options import (
    Owner,
    entities_option,
    event_date_option,
    format_option,
    namespace_option,
    source_option,
    store_option,
    topics_option,
    type_option,
    user_option,
)
from mcp_memory.cli.running import asked, undo_line, with_memory, with_operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Edited
from mcp_memory.domain.requests import Edit
from mcp_memory.domain.scope import Scope

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory


@click.command()
@click.argument("memory_id", metavar="ID")
@namespace_option
@user_option
@format_option
@store_option
def show(memory_id: str, layout: str, **owner: Unpack[Owner]) -> None:
    """Show the memory with this ID whole; -n and -u tell apart owners who use the same id."""
    scope = Scope(**owner)
    record = with_memory(
        lambda memory: of_memory(memory, memory_id, scope, lambda one: memory.long_term.get(one, scope=scope))
    )
    if layout == "json":
        click.echo(record.model_dump_json(indent=2))
        return
    click.echo(table((name, value) for name, value in _parts(record) if value))
    click.echo(f"\n{visible(record.text)}")


@click.command()
@click.argument("memory_id", metavar="ID")
@namespace_option
@user_option
@click.option("--text", help="New text.")
@topics_option
@entities_option
@type_option
@event_date_option
@source_option
@click.option("--valid-from", metavar="DATE", help="From when on it is true.")
@click.option("--valid-to", metavar="DATE", help="Until when it is true; afterwards only searches --as-of find it.")
@click.option("--pin/--no-pin", "pinned", default=None, help="Protect it from being merged or forgotten.")
@click.option("--expected-version", type=int, metavar="N", help="Refuse if the memory is at another version.")
@format_option
@store_option
def edit(namespace: str | None, user_id: str | None, layout: str, **fields: Any) -> None:
    """Change what is given of the memory with this ID; the rest stays.

    -n and -u say whose it is. An empty list (--topics "") takes all away.
    """
    request = asked(Edit, fields)
    scope = Scope(namespace, user_id)
    record = with_memory(lambda memory: _edited(memory, request, scope))
    if layout == "json":
        click.echo(with_operation(record, record.operation))
        return
    click.echo(f"Changed: {record.id} (version {record.version}){undo_line(record.operation)}")


async def _edited(memory: Memory, request: Edit, scope: Scope) -> Edited:
    async def edit_one(memory_id: str) -> Edited:
        return await memory.long_term.edit(request.model_copy(update={"memory_id": memory_id}), scope=scope)

    return await of_memory(memory, request.memory_id, scope, edit_one)


def _parts(record: MemoryRecord) -> Iterator[tuple[str, str]]:
    yield "ID", record.id
    yield "Type", record.memory_type
    yield "Namespace", record.namespace or ""
    yield "User", record.user_id or ""
    yield "Session", record.session_id or ""
    yield "Topics", ", ".join(record.topics)
    yield "Entities", ", ".join(record.entities)
    yield "Source", record.source or ""
    yield "Date", moment(record.event_date)
    yield "True from", moment(record.valid_from)
    yield "True until", moment(record.valid_to)
    yield "Supersedes", ", ".join(record.supersedes)
    yield "Pinned", "yes" if record.pinned else ""
    yield "Created", moment(record.created_at)
    yield "Updated", moment(record.updated_at)
    yield "Last accessed", moment(record.last_accessed)
    yield "Accesses", str(record.access_count)
    yield "Version", str(record.version)
