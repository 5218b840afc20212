"""``agent-memory compact`` and ``suggestions``: tidying memories, and what is left for a person to decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Unpack

import click

from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.layout import counted, moment, shortened, visible
from mcp_memory.cli.options import (
    Owner,
    dry_run_option,
    format_option,
    namespace_option,
    session_option,
    store_option,
    user_option,
)
from mcp_memory.cli.running import asked, sentence, show_progress, to_type, undo_line, with_memory, with_operation
from mcp_memory.domain.compaction import Step, StepKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack, Compacted
from mcp_memory.domain.requests import Accept, Compact, ListSuggestions
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind

SHOWN = 100
"""Characters of a memory's text in a plan."""
SIGNS = {StepKind.EXACT: "=", StepKind.MERGE: "=", StepKind.SUPERSEDE: ">", StepKind.SUGGEST: "?"}


@click.command()
@namespace_option
@user_option
@session_option
@dry_run_option
@click.option("--hash-only", is_flag=True, help="Only memories that say the same to the letter.")
@click.option(
    "--threshold", "distance_threshold", type=float, metavar="T", help="Compare memories up to this cosine distance."
)
@click.option("--full", is_flag=True, help="Compare all memories, not only what is new since the last time.")
@format_option
@store_option
def compact(layout: str, *, hash_only: bool, **fields: Any) -> None:
    """Merge memories that say the same, and end what no longer holds.

    What is not certain is left as a suggestion. All of it can be undone.
    """
    request = asked(Compact, fields | {"semantic_duplicates": not hash_only})
    done = with_memory(lambda memory: memory.long_term.compact(request, progress=show_progress))
    if layout == "json":
        click.echo(done.model_dump_json(indent=2))
        return
    click.echo("\n".join(_plan(done, dry_run=request.dry_run)))


@click.group(cls=ListByDefault)
@store_option
def suggestions() -> None:
    """See what compaction was not sure about, and decide it; without a word, list it."""


@suggestions.command("list")
@namespace_option
@user_option
@click.option("-l", "--limit", type=int, default=20, show_default=True, help="Suggestions on a page, at most 100.")
@click.option("-o", "--offset", type=int, default=0, show_default=True, help="Suggestions to skip.")
@format_option
@store_option
def list_suggestions(layout: str, **fields: Any) -> None:
    """List the open suggestions, newest first."""
    request = asked(ListSuggestions, fields)
    found = with_memory(lambda memory: memory.suggestions.list(request))
    if layout == "json":
        click.echo(found.model_dump_json(indent=2))
        return
    click.echo(f"Found {counted(found.total, 'suggestion', 'suggestions')} (showing {len(found.suggestions)}):")
    for suggestion in found.suggestions:
        click.echo("\n" + "\n".join(_suggestion(suggestion)))
    reached = request.offset + len(found.suggestions)
    if found.suggestions and reached < found.total:
        click.echo(f"\nMore results: --offset {reached}")


@suggestions.command()
@click.argument("suggestion_id", metavar="ID")
@click.option("--text", help="Text of the merged memory, in place of the one proposed.")
@namespace_option
@user_option
@format_option
@store_option
def apply(suggestion_id: str, text: str | None, layout: str, **owner: Unpack[Owner]) -> None:
    """Do what the suggestion with this ID says."""
    request = asked(Accept, {"suggestion_id": suggestion_id, "text": text})
    _say(with_memory(lambda memory: memory.suggestions.accept(request, scope=Scope(**owner))), layout)


@suggestions.command()
@click.argument("suggestion_id", metavar="ID")
@namespace_option
@user_option
@format_option
@store_option
def dismiss(suggestion_id: str, layout: str, **owner: Unpack[Owner]) -> None:
    """Leave both memories as they are. It is not suggested again until one of them changes."""
    _say(with_memory(lambda memory: memory.suggestions.dismiss(suggestion_id, scope=Scope(**owner))), layout)


def _say(done: Ack, layout: str) -> None:
    if layout == "json":
        click.echo(with_operation(done, done.operation))
        return
    click.echo(f"{sentence(done.status)}.{undo_line(done.operation)}")


def _plan(done: Compacted, *, dry_run: bool) -> Iterator[str]:
    for number, step in enumerate(done.steps, start=1):
        yield f"[{number}] {step.reason}"
        yield from _step(step)
        yield ""
    every = done.merged + done.superseded + done.suggested
    if every > len(done.steps):
        yield f"... and more steps than the {len(done.steps)} shown.\n"
    would = "Would have merged" if dry_run else "Merged"
    merged = f"{counted(done.merged + done.retired, 'memory', 'memories')} into {done.merged}"
    yield f"{would} {merged}, ended {done.superseded}, suggested {done.suggested}."
    yield f"Memories: {done.remaining}{' (nothing was changed)' if dry_run else ''}{undo_line(done.operation)}"
    if done.suggested and not dry_run:
        yield f"Decide: {to_type('suggestions')}"


def _step(step: Step) -> Iterator[str]:
    for record in step.before:
        yield f"    - {_line(record)}"
    if step.after is not None:
        yield f"    {SIGNS[step.kind]} {_line(step.after)}"


def _suggestion(suggestion: Suggestion) -> Iterator[str]:
    yield f"ID: {suggestion.id}"
    yield f"    {suggestion.reason}"
    yield f"    - {_line(suggestion.one)}"
    yield f"    - {_line(suggestion.other)}"
    if suggestion.kind is SuggestionKind.SUPERSEDE:
        yield "    > the second would end the first"
    elif suggestion.text is not None:
        yield f"    = {visible(shortened(suggestion.text, 2 * SHOWN))}"


def _line(record: MemoryRecord) -> str:
    pinned = ", pinned" if record.pinned else ""
    text = visible(shortened(" ".join(record.text.split()), SHOWN))
    return f"{text}  ({record.id}, {moment(record.created_at)[:10]}{pinned})"
