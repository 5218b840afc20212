"""``agent-memory delete``: memories and sessions, after a look and a question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import click

from mcp_memory.cli.beginnings import of_memory
from mcp_memory.cli.layout import counted, owner, shortened, table
from mcp_memory.cli.options import Owner, force_option, format_option, namespace_option, store_option, user_option
from mcp_memory.cli.running import asked, confirmed, sentence, typed, undo_line, with_memory
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack, Recorded
from mcp_memory.domain.requests import GetSession
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import MemoryNotFound, NotFound

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

LISTED = 20
"""Memories that are shown before they are deleted."""
WILL_ERASE = (
    "This erases them for good, with their history and the history of what they were merged with; "
    "no undo brings them back."
)
NOT_ERASED = (
    "Not touched: backups, the copies that a change of schema left beside the store (*.before-N), "
    "and working memory (delete session)."
)
ERASE = "erase"
"""The word to type before memories are erased."""


class Choice(TypedDict):
    """Which memories to delete."""

    empty_text: bool
    invalid: bool
    namespace: str | None
    user_id: str | None


@click.group()
def delete() -> None:
    """Delete memories or a session."""


@delete.command("memory")
@click.argument("ids", nargs=-1, metavar="[IDS]...")
@click.option("--empty-text", is_flag=True, help="Those whose text is blank.")
@click.option("--invalid", is_flag=True, help="Those without an id or a text.")
@namespace_option
@user_option
@click.option(
    "--purge", is_flag=True, help="Erase them beyond recovery, also those that were deleted before, with all history."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@force_option
@format_option
@store_option
def delete_memory(
    ids: tuple[str, ...], *, purge: bool, dry_run: bool, force: bool, layout: str, **choice: Unpack[Choice]
) -> None:
    """Delete the memories with these IDS.

    -n and -u restrict it to one owner's. What is deleted can be brought back with undo for some time (HISTORY_DAYS),
    unless it is erased with --purge.
    """
    found, missing = with_memory(lambda memory: _chosen(memory, ids, choice, purge=purge))
    if missing and not found and not purge:
        raise NotFound("\n".join(str(MemoryNotFound(memory_id)) for memory_id in missing))
    for memory_id in missing:
        click.echo(f"Not found: {memory_id}", err=True)
    chosen = _Chosen(found, missing, Scope(choice["namespace"], choice["user_id"]), layout)
    if purge:
        _purge(chosen, dry_run=dry_run, force=force)
    elif not found:
        chosen.say(_nothing(choice))
    elif dry_run:
        chosen.say(f"Would delete {_memories(found)}:\n{_listed(found)}", dry_run=True)
    else:
        _delete(chosen, force=force)


class _Chosen(NamedTuple):
    """The memories to delete, and how that is told."""

    found: Sequence[MemoryRecord]
    missing: Sequence[str]
    scope: Scope
    layout: str

    def say(self, text: str, ack: Ack | None = None, *, dry_run: bool = False) -> None:
        """Tell what was done: as text, or the memories with what became of them."""
        if self.layout != "json":
            click.echo(text)
            return
        told = {
            "status": text.splitlines()[0].rstrip(".:") if ack is None else ack.status,
            "dry_run": dry_run,
            "memories": [record.model_dump(mode="json") for record in self.found],
            "missing": list(self.missing),
            "operation": None if ack is None else ack.operation,
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))

    def show(self, text: str) -> None:
        """Show a person what a question is about."""
        click.echo(text, err=self.layout == "json")


def _delete(chosen: _Chosen, *, force: bool) -> None:
    if not force:
        chosen.show(_listed(chosen.found))
        if not confirmed(f"Delete {_memories(chosen.found)}?", err=chosen.layout == "json"):
            chosen.say("Nothing was deleted.")
            return
    ids = [record.id for record in chosen.found]
    ack = with_memory(lambda memory: memory.long_term.delete(ids, scope=chosen.scope))
    chosen.say(f"{sentence(ack.status)}.{undo_line(ack.operation)}", ack)


def _purge(chosen: _Chosen, *, dry_run: bool, force: bool) -> None:
    found = chosen.found
    if dry_run:
        listed = f"Would erase {_memories(found)}:\n{_listed(found)}" if found else "Would erase 0 memories."
        chosen.say(listed, dry_run=True)
        return
    if found and not force:
        chosen.show(f"{_listed(found)}\n{WILL_ERASE}")
        if typed(f'Type "{ERASE}" to erase {_memories(found)}', err=chosen.layout == "json") != ERASE:
            chosen.say("Nothing was erased.")
            return
    ids = list(dict.fromkeys(record.id for record in found))
    # Without memories too: another program may have kept traces of what was erased before.
    ack = with_memory(lambda memory: memory.long_term.purge(ids, scope=chosen.scope))
    chosen.say(f"{sentence(ack.status)}, and the traces of what was deleted before.\n{NOT_ERASED}", ack)


@delete.command("session")
@click.argument("session_id", metavar="SESSION_ID")
@namespace_option
@user_option
@force_option
@store_option
def delete_session(session_id: str, *, force: bool, **owner: Unpack[Owner]) -> None:
    """Delete the working memory of a session. The memories made of it stay."""
    request = asked(GetSession, {"session_id": session_id, **owner})
    session = with_memory(lambda memory: memory.working.get(request))
    if not (force or confirmed(f"Delete session {session_id} with {len(session.messages)} messages?")):
        click.echo("Nothing was deleted.")
        return
    with_memory(lambda memory: memory.working.delete(session_id, scope=Scope(session.namespace, session.user_id)))
    click.echo(f"Deleted working memory session: {session_id}")


async def _chosen(
    memory: Memory, ids: Sequence[str], choice: Choice, *, purge: bool
) -> tuple[list[MemoryRecord], list[str]]:
    """Return the memories to delete, each once, and the ids that name none."""
    scope = Scope(choice["namespace"], choice["user_id"])
    found: list[MemoryRecord] = []
    missing = []
    for memory_id in dict.fromkeys(ids):
        records = await (_recorded if purge else _there)(memory, memory_id, scope)
        found += [record for record in records if record not in found]
        if not records:
            missing.append(memory_id)
    if choice["empty_text"] or choice["invalid"]:
        known = {record.id for record in found}
        lacking = await memory.long_term.lacking(scope=scope)
        found += [one for one in lacking if one.id not in known and (choice["invalid"] or not one.text.strip())]
    return found, missing


async def _there(memory: Memory, memory_id: str, scope: Scope) -> Sequence[MemoryRecord]:
    try:
        return [await of_memory(memory, memory_id, scope, lambda one: memory.long_term.get(one, scope=scope))]
    except MemoryNotFound:
        return []


async def _recorded(memory: Memory, memory_id: str, scope: Scope) -> Sequence[MemoryRecord]:
    return await memory.long_term.recorded([memory_id], scope=scope)


def _listed(found: Sequence[MemoryRecord]) -> str:
    lines = table(("", record.id, shortened(record.text, 60), _state(record)) for record in found[:LISTED])
    return lines if len(found) <= LISTED else f"{lines}\n  ... and {len(found) - LISTED} more"


def _state(record: MemoryRecord) -> str:
    deleted = "(deleted)" if isinstance(record, Recorded) and not record.there else ""
    return " ".join(filter(None, [owner(record.namespace, record.user_id), deleted]))


def _memories(found: Sequence[MemoryRecord]) -> str:
    return counted(len(found), "memory", "memories")


def _nothing(choice: Choice) -> str:
    if choice["invalid"]:
        return "There are no invalid memories."
    if choice["empty_text"]:
        return "There are no memories with empty text."
    return "No memories to delete: name their ids, or use --empty-text or --invalid."
