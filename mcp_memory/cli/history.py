"""``agent-memory history``, ``operations`` and ``undo``: what was done to memories, and taking it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import click

from mcp_memory.cli.beginnings import of_memory, of_operation
from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.layout import counted, moment, owner, shortened, table
from mcp_memory.cli.options import Owner, format_option, namespace_option, store_option, user_option
from mcp_memory.cli.running import asked, show_progress, undo_line, with_memory, with_operation
from mcp_memory.domain.operations import Change, Operation
from mcp_memory.domain.replies import History, OperationList, OperationReply, UndoReply
from mcp_memory.domain.requests import ListOperations, ShowOperation, Undo
from mcp_memory.domain.scope import Scope

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

LISTED = 20
"""Memories of one operation that are shown as text."""
SHOWN = 200
"""Characters of a value that are shown."""
ONLY_BOOKKEEPING = "  only its dates, counts or former ids"
"""Said of a memory that was changed in nothing else."""
BRIEF = 60
"""Characters of a text in a list."""

limit_option = click.option(
    "-l", "--limit", type=int, default=20, show_default=True, help="Operations on a page, at most 100."
)
offset_option = click.option("-o", "--offset", type=int, default=0, show_default=True, help="Operations to skip.")


@click.command()
@click.argument("memory_id", metavar="[ID]", required=False)
@namespace_option
@user_option
@limit_option
@offset_option
@format_option
@store_option
def history(memory_id: str | None, layout: str, limit: int, offset: int, **owner: Unpack[Owner]) -> None:
    """Show what was done to the memory with this ID, also to one that is gone; without ID, what was done last."""
    if memory_id is None:
        _list(layout, {"limit": limit, "offset": offset, **owner})
        return
    scope = Scope(**owner)
    told = with_memory(
        lambda memory: of_memory(memory, memory_id, scope, lambda one: memory.operations.history(one, scope=scope))
    )
    click.echo(told.model_dump_json(indent=2) if layout == "json" else "\n\n".join(_steps(told)))


@click.group(cls=ListByDefault)
@store_option
def operations() -> None:
    """List what was done to memories, or show one operation; without a word, list."""


@operations.command("list")
@namespace_option
@user_option
@limit_option
@offset_option
@format_option
@store_option
def list_operations(layout: str, **fields: Any) -> None:
    """List what was done, last first."""
    _list(layout, fields)


@operations.command("show")
@click.argument("operation_id", metavar="ID")
@namespace_option
@user_option
@click.option("-l", "--limit", type=int, default=LISTED, show_default=True, help="Memories on a page, at most 100.")
@click.option("-o", "--offset", type=int, default=0, show_default=True, help="Memories to skip.")
@format_option
@store_option
def show_operation(layout: str, **fields: Any) -> None:
    """Show one operation, with what it did to each memory."""
    request = asked(ShowOperation, fields)
    operation = with_memory(lambda memory: _operation(memory, request))
    click.echo(operation.model_dump_json(indent=2) if layout == "json" else _whole(operation, request.offset))


async def _operation(memory: Memory, request: ShowOperation) -> OperationReply:
    async def show(operation_id: str) -> OperationReply:
        return await memory.operations.show(request.model_copy(update={"operation_id": operation_id}))

    return await of_operation(memory, request.operation_id, request.scope, show)


@click.command()
@click.argument("operation_id", metavar="OPERATION")
@click.option("--only", multiple=True, metavar="ID", help="Only this memory, and what belongs to it; repeatable.")
@namespace_option
@user_option
@format_option
@store_option
def undo(operation_id: str, only: tuple[str, ...], layout: str, **owner: Unpack[Owner]) -> None:
    """Bring memories back to what they were before an OPERATION.

    A memory that was changed since stays as it is, and is named. An undo can be undone.
    """
    request = asked(Undo, {"operation_id": operation_id, "only": list(only) or None, **owner})
    reply, done = with_memory(lambda memory: _undone(memory, request))
    if layout == "json":
        click.echo(with_operation(reply, done.id))
        return
    click.echo("\n".join(_restored(reply, done)))


async def _undone(memory: Memory, request: Undo) -> tuple[UndoReply, OperationReply]:
    async def undo_one(operation_id: str) -> UndoReply:
        whole = request.model_copy(update={"operation_id": operation_id})
        return await memory.operations.undo(whole, progress=show_progress)

    reply = await of_operation(memory, request.operation_id, request.scope, undo_one)
    whose = {"namespace": request.namespace, "user_id": request.user_id}
    done = ShowOperation(operation_id=reply.operation or "", limit=LISTED, **whose)
    return reply, await memory.operations.show(done)


def _list(layout: str, fields: dict[str, Any]) -> None:
    request = asked(ListOperations, fields)
    found = with_memory(lambda memory: memory.operations.list(request))
    click.echo(found.model_dump_json(indent=2) if layout == "json" else _listed(found, request.offset))


def _listed(found: OperationList, offset: int) -> str:
    lines = [f"Found {counted(found.total, 'operation', 'operations')} (showing {len(found.operations)}):"]
    if found.operations:
        headings = ("Operation", "When", "What", "Created", "Changed", "Removed", "Undone by")
        lines += ["", table(map(_row, found.operations), headings)]
    reached = offset + len(found.operations)
    if found.operations and reached < found.total:
        lines.append(f"\nMore results: --offset {reached}")
    return "\n".join(lines)


def _row(one: Operation) -> Sequence[str]:
    counts = (str(count) if count else "" for count in (one.created, one.changed, one.removed))
    return (one.id, moment(one.at), str(one.kind), *counts, one.undone_by or "")


def _whole(operation: OperationReply, offset: int) -> str:
    head = {
        "Operation": operation.id,
        "When": moment(operation.at),
        "What": str(operation.kind),
        "Asked": operation.note or "",
        "Undoes": operation.undoes or "",
        "Undone by": operation.undone_by or "",
        "Created": str(operation.created or ""),
        "Changed": str(operation.changed or ""),
        "Removed": str(operation.removed or ""),
    }
    parts = [table((name, value) for name, value in head.items() if value)]
    parts += [f"{_name(change)}\n{_differences(change)}".rstrip() for change in operation.changes]
    reached = offset + len(operation.changes)
    if operation.changes and reached < operation.total:
        parts.append(f"... and {operation.total - reached} more (--offset {reached})")
    return "\n\n".join(parts)


def _steps(told: History) -> Iterator[str]:
    if told.merged_into:
        yield f"Merged into: {', '.join(told.merged_into)}"
    several = len({(change.namespace, change.user_id) for change in told.changes}) > 1
    for change in told.changes:
        head = (
            moment(change.at),
            change.kind,
            change.operation,
            "" if change.memory_id == told.memory_id else change.memory_id,
            owner(change.namespace, change.user_id) if several else "",
            "(undone)" if change.undone else "",
        )
        yield f"{'  '.join(filter(None, head))}\n{_differences(change)}".rstrip()


def _name(change: Change) -> str:
    did = "created" if change.before is None else "removed" if change.after is None else "changed"
    whose = owner(change.namespace, change.user_id)
    return "  ".join(filter(None, [change.memory_id, did, whose, "(undone)" if change.undone else ""]))


def _differences(change: Change) -> str:
    """Return what became different: the old value after a minus, the new one after a plus."""
    rows = []
    for field, before, after in change.differences():
        signed = [(sign, _written(value)) for sign, value in (("-", before), ("+", after))]
        shown = [(sign, value) for sign, value in signed if value]
        rows += [("", "" if place else field, sign, value) for place, (sign, value) in enumerate(shown)]
    return table(rows) if rows else ONLY_BOOKKEEPING


def _written(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, list):
        return shortened(", ".join(map(str, value)), SHOWN)
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), SHOWN)


def _restored(reply: UndoReply, done: OperationReply) -> Iterator[str]:
    yield f"Undone: {_restored_count(reply.restored)} before."
    rows = [
        ("", change.memory_id, "gone" if change.after is None else "back", shortened(_text(change), BRIEF))
        for change in done.changes
    ]
    yield table(rows)
    if done.total > len(done.changes):
        yield f"  ... and {done.total - len(done.changes)} more"
    if reply.kept:
        yield f"Left as they are: {len(reply.kept)}"
        yield table(("", kept.memory_id, kept.reason) for kept in reply.kept[:LISTED])
        if len(reply.kept) > LISTED:
            yield f"  ... and {len(reply.kept) - LISTED} more"
    yield undo_line(done.id).strip()


def _restored_count(count: int) -> str:
    return "1 memory is as it was" if count == 1 else f"{count} memories are as they were"


def _text(change: Change) -> str:
    record = change.after or change.before
    return "" if record is None else record.text
