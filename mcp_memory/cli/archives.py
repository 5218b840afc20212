"""``agent-memory export``, ``import`` and ``copy``: all records as a file, back from it, and into another store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_memory.cli.layout import counted
from mcp_memory.cli.options import dry_run_option, format_option, store_option, store_url
from mcp_memory.cli.running import settings, show_progress, undo_line, with_memories, with_memory
from mcp_memory.errors import InvalidRequest, StoreError
from mcp_memory.loading import load
from mcp_memory.settings_text import shown

if TYPE_CHECKING:
    from mcp_memory.domain.replies import Imported
    from mcp_memory.ports.archive import Census
    from mcp_memory.services.archive import Compared
    from mcp_memory.services.memory import Memory

PATH = click.Path(path_type=Path)
ARCHIVE_FILE = "mcp_memory.sources.archive_file:ArchiveFile"
WRITE = "mcp_memory.sources.archive_file:write"
NOW = "mcp_memory.machine:now"


@click.command("export")
@click.argument("path", type=PATH)
@store_option
def export(path: Path) -> None:
    """Write all memories and sessions into the new file PATH, as lines of JSON.

    History, jobs, tokens, summary views and vectors are not in it; a backup holds all.
    """

    async def act(memory: Memory) -> Census:
        written: Census = await load(WRITE)(memory.archive, path, load(NOW), show_progress)
        return written

    census = with_memory(act)
    click.echo(f"Exported {_records(census.memories, census.sessions)}: {path}")


@click.command("import")
@click.argument("path", type=PATH)
@dry_run_option
@format_option
@store_option
def import_(path: Path, layout: str, *, dry_run: bool) -> None:
    """Take in the memories and sessions of a file that export wrote.

    What is here already stays as it is. It is one operation that can be undone.
    """
    source = load(ARCHIVE_FILE)(path)
    imported = with_memory(lambda memory: memory.archive.take_in(source, dry_run=dry_run, progress=show_progress))
    click.echo(imported.model_dump_json(indent=2) if layout == "json" else told(imported))


@click.command("copy")
@click.option("--from", "source", metavar="PATH_OR_URL", required=True, help="The store to copy.")
@click.option("--to", "target", metavar="PATH_OR_URL", help="The store to copy into, if it is not the one in use.")
@dry_run_option
@format_option
@store_option
def copy(source: str, target: str | None, layout: str, *, dry_run: bool) -> None:
    """Copy all memories and sessions of another store into this one, and compare both by hash.

    What is here already stays as it is. History, jobs, tokens and summary views are not copied. Ended in the middle, it
    goes on when it is called again.
    """
    there = store_url(source)
    here = settings().store_url() if target is None else store_url(target)
    if there == here:
        raise InvalidRequest(f"A store cannot be copied into itself: {shown(here)}")

    async def act(memories: Sequence[Memory]) -> tuple[Imported, Compared | None]:
        theirs, ours = (memory.archive for memory in memories)
        imported = await ours.take_in(theirs, dry_run=dry_run, progress=show_progress)
        return imported, None if dry_run else await ours.holds(theirs, show_progress)

    imported, compared = with_memories([there, here], act)
    if layout == "json":
        compared_ = None if compared is None else {"records": compared.records, "missing": compared.missing}
        click.echo(json.dumps(imported.model_dump(mode="json") | {"compared": compared_}, indent=2, ensure_ascii=False))
    else:
        click.echo(told(imported))
    if compared is None:
        return
    if compared.missing:
        raise StoreError(
            f"{compared.missing} of {compared.records} records are not in {shown(here)} as they are in {shown(there)}: "
            "they were changed since, or differed before"
        )
    if layout != "json":
        click.echo(f"Compared: all {compared.records} records are in {shown(here)} as they are in {shown(there)}.")


def told(imported: Imported) -> str:
    """Return what was taken in, as lines."""
    did = "Would import" if imported.dry_run else "Imported"
    lines = [f"{did} {_records(imported.memories, imported.sessions)}."]
    if imported.there:
        lines.append(f"Here already: {imported.there}.")
    if imported.unreadable:
        lines += [f"Could not be read: {imported.unreadable}.", *(f"  {name}" for name in imported.named)]
    return "\n".join(lines) + undo_line(imported.operation)


def _records(memories: int, sessions: int) -> str:
    return f"{counted(memories, 'memory', 'memories')} and {counted(sessions, 'session', 'sessions')}"
