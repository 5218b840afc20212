"""``agent-memory remember``."""

from __future__ import annotations

import sys
from typing import Any

import click

from mcp_memory.cli.options import (
    entities_option,
    event_date_option,
    format_option,
    joined,
    namespace_option,
    session_option,
    source_option,
    store_option,
    topics_option,
    type_option,
    user_option,
)
from mcp_memory.cli.running import asked, undo_line, with_memory
from mcp_memory.domain.replies import Created
from mcp_memory.domain.requests import MAX_TEXT, Create, NewMemory
from mcp_memory.errors import InvalidRequest

STDIN = "-"


@click.command()
@click.argument("text", nargs=-1, required=True, metavar="TEXT", callback=joined)
@namespace_option
@user_option
@session_option
@topics_option
@entities_option
@type_option
@event_date_option
@click.option("--id", metavar="ID", help="Id of your own; the same id again replaces the memory.")
@source_option
@format_option
@store_option
def remember(text: str, layout: str, **fields: Any) -> None:
    """Remember TEXT for good; - reads it from stdin. A text that begins with a dash follows --.

    What is remembered already, to the letter and for the same owner, is not stored twice.
    """
    new = asked(NewMemory, fields | {"text": _from_stdin() if text == STDIN else text})
    created = with_memory(lambda memory: memory.long_term.create(Create(memories=[new])))
    click.echo(created.model_dump_json(indent=2) if layout == "json" else _said(created))


def _from_stdin() -> str:
    # A character takes at most four bytes; what is longer is refused by the request, without reading all of it.
    data = sys.stdin.buffer.read(4 * (MAX_TEXT + 1))
    try:
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidRequest("stdin is not UTF-8 text") from error


def _said(created: Created) -> str:
    (memory_id,) = created.ids
    if created.duplicates:
        return f"Already remembered: {memory_id}"
    # What was new is taken back by deleting it; what stood there before is found in the history alone.
    replaced = f"Replaced: {memory_id}{undo_line(created.operation)}"
    said = replaced if created.replaced else f"Remembered: {memory_id}"
    return said if created.note is None else f"{said}\n{created.note}"
