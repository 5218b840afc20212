"""``agent-memory export``, ``import`` and ``copy``: all records as a file, back from it, and into another store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_memory.cli.layout import counted, table
from mcp_memory.cli.options import STORE, dry_run_option, format_option, store_option, store_url
from mcp_memory.cli.running import settings, show_progress, undo_line, with_memories, with_memory
from mcp_memory.errors import InvalidRequest, StoreError
from mcp_memory.loading import load
from mcp_memory.settings_text import shown

if TYPE_CHECKING:
    from mcp_memory.domain.replies import Imported
    from mcp_memory.ports.archive import Source
    from mcp_memory.services.comparing import Compared
    from mcp_memory.services.memory import Memory

PATH = click.Path(path_type=Path)
ARCHIVE_FILE = "mcp_memory.sources.archive_file:ArchiveFile"
WRITE = "mcp_memory.sources.archive_file:write"
WITHOUT_TOKENS = "mcp_memory.services.without_tokens:WithoutTokens"
NOW = "mcp_memory.machine:now"


@click.command("export")
@click.argument("path", type=PATH)
@click.option("--with-tokens", is_flag=True, help="Also access tokens: the hashes of their secrets.")
@store_option
def export(path: Path, *, with_tokens: bool) -> None:
    """Write all that is remembered into the new file PATH, as lines of JSON.

    Memories, sessions, operations with what they changed, suggestions, summary views and their summaries. Vectors are
    made anew where the file is taken in. Jobs are not in it.
    """

    async def act(memory: Memory) -> dict[str, int]:
        source = memory.archive if with_tokens else load(WITHOUT_TOKENS)(memory.archive)
        written: dict[str, int] = await load(WRITE)(source, path, load(NOW), show_progress)
        return written

    counts = with_memory(act)
    click.echo(f"Exported {_counts(_with_none(counts))}: {path}")


@click.command("import")
@click.argument("path", type=PATH)
@dry_run_option
@format_option
@store_option
def import_(path: Path, layout: str, *, dry_run: bool) -> None:
    """Take in a file that export wrote.

    What is here already stays as it is. Into a store in which nothing else is, memories come with their history; into
    any other they come as one operation that can be undone.
    """
    source = load(ARCHIVE_FILE)(path)
    imported = with_memory(lambda memory: memory.archive.take_in(source, dry_run=dry_run, progress=show_progress))
    click.echo(imported.model_dump_json(indent=2) if layout == "json" else told(imported))


@click.command("copy")
@click.option("--from", "source", metavar="PATH_OR_URL", required=True, help="The store to copy.")
@click.option("--to", "target", metavar="PATH_OR_URL", help="The store to copy into, if it is not the one in use.")
@click.option("--without-tokens", is_flag=True, help="Leave access tokens behind.")
@dry_run_option
@format_option
@store_option
def copy(source: str, target: str | None, layout: str, *, without_tokens: bool, dry_run: bool) -> None:
    """Copy all of another store into this one, and compare both by hash.

    Into a store in which nothing else is, everything comes: memories with their history, sessions, suggestions, summary
    views, access tokens. Into any other, what is here stays as it is, and history is left behind. Jobs are never
    copied. Ended in the middle, it goes on when it is called again.
    """
    there = store_url(source)
    here = settings().store_url() if target is None else store_url(target)
    if target is not None:
        # What is to be typed next is about the copy.
        click.get_current_context().meta[STORE] = here
    if there == here:
        raise InvalidRequest(f"A store cannot be copied into itself: {shown(here)}")

    async def act(memories: Sequence[Memory]) -> tuple[Imported, Compared | None]:
        theirs, ours = (memory.archive for memory in memories)
        copied: Source = load(WITHOUT_TOKENS)(theirs) if without_tokens else theirs
        imported = await ours.take_in(copied, dry_run=dry_run, progress=show_progress)
        return imported, None if dry_run else await ours.holds(copied, imported.history, show_progress)

    imported, compared = with_memories([there, here], act)
    click.echo(_as_json(imported, compared) if layout == "json" else _copied(imported, compared))
    if compared is not None:
        said = _checked(compared, shown(there), shown(here))
        if layout != "json":
            click.echo(said)


def _as_json(imported: Imported, compared: Compared | None) -> str:
    told = imported.model_dump(mode="json") | {"compared": None if compared is None else asdict(compared)}
    return json.dumps(told, indent=2, ensure_ascii=False)


def _copied(imported: Imported, compared: Compared | None) -> str:
    """Return what became of each kind, as a table and lines."""
    records = {} if compared is None else compared.records
    rows = [
        (kind, *(str(count or "") for count in (moved.taken, moved.there, moved.left, records.get(kind))))
        for kind, moved in imported.kinds.items()
    ]
    copied = "would copy" if imported.dry_run else "copied"
    headings = ("", copied, "here already", "left behind", "compared")
    lines = [table(rows, headings)] if rows else ["Nothing is there."]
    return "\n".join([*lines, *_notes(imported)]) + undo_line(imported.operation)


def _checked(compared: Compared, there: str, here: str) -> str:
    """Return that all is here as it is there.

    Raises:
        StoreError: it is not.
    """
    total, missing, surplus = (sum(one.values()) for one in (compared.records, compared.missing, compared.surplus))
    if missing:
        raise StoreError(
            f"{missing} of {total} records are not in {here} as they are in {there} ({_listed(compared.missing)}): "
            "they were changed since, or differed before"
        )
    if surplus:
        raise StoreError(
            f"{surplus} records are in {here} that are not in {there} ({_listed(compared.surplus)}): "
            "they were erased there since a copy was begun; copy into a new store"
        )
    return f"Compared: all {total} records are in {here} as they are in {there}."


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def told(imported: Imported) -> str:
    """Return what was taken in, as lines."""
    did = "Would import" if imported.dry_run else "Imported"
    taken = _with_none({kind: moved.taken for kind, moved in imported.kinds.items()})
    lines = [f"{did} {_counts(taken)}."]
    if imported.there:
        lines.append(f"Here already: {imported.there}.")
    return "\n".join([*lines, *_notes(imported)]) + undo_line(imported.operation)


def _notes(imported: Imported) -> Iterator[str]:
    """Yield what is to be said beside counts."""
    if imported.history == "left" and (operations := imported.kinds.get("operations")):
        told = counted(operations.left, "operation", "operations")
        yield f"History left behind: {told}. It comes only into a store in which nothing else is."
    left = {kind: moved.left for kind, moved in imported.kinds.items() if moved.left}
    if imported.history == "left":
        left = {kind: count for kind, count in left.items() if kind not in {"operations", "changes"}}
    if left:
        yield f"Left behind: {_counts(left)}."
    if imported.unreadable:
        yield f"Could not be read: {imported.unreadable}."
        yield from (f"  {name}" for name in imported.named)


_ONE = {"memories": "memory", "summaries": "summary"}


def _counts(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind."""
    said = [counted(count, _ONE.get(kind, kind.removesuffix("s")), kind) for kind, count in counts.items()]
    return " and ".join([*filter(None, [", ".join(said[:-1])]), said[-1]])


def _with_none(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts, with those of memories and sessions even if there are none."""
    always = {kind: counts.get(kind, 0) for kind in ("memories", "sessions")}
    return always | {kind: count for kind, count in counts.items() if count and kind not in always}
