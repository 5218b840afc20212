"""``agent-memory sessions``, ``stats`` and ``config``: what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import click

from mcp_memory.cli.layout import counted, size, table
from mcp_memory.cli.options import Owner, format_option, namespace_option, store_option, user_option
from mcp_memory.cli.running import asked, settings, with_memory
from mcp_memory.domain.replies import Stats
from mcp_memory.domain.requests import ListSessions
from mcp_memory.domain.scope import Scope
from mcp_memory.loading import load


@click.command()
@namespace_option
@user_option
@click.option("-l", "--limit", type=int, default=20, show_default=True, help="Sessions on a page, at most 100.")
@click.option("-o", "--offset", type=int, default=0, show_default=True, help="Sessions to skip.")
@format_option
@store_option
def sessions(layout: str, **fields: Any) -> None:
    """List the sessions of working memory, last used first."""
    request = asked(ListSessions, fields)
    listed = with_memory(lambda memory: memory.working.list(request))
    if layout == "json":
        click.echo(listed.model_dump_json(indent=2))
        return
    click.echo(f"Found {counted(listed.total, 'session', 'sessions')} (showing {len(listed.sessions)}):")
    for session_id in listed.sessions:
        click.echo(f"  {session_id}")
    reached = request.offset + len(listed.sessions)
    if listed.sessions and reached < listed.total:
        click.echo(f"\nMore results: --offset {reached}")


@click.command()
@namespace_option
@user_option
@format_option
@store_option
def stats(layout: str, **owner: Unpack[Owner]) -> None:
    """Say how much is remembered, and where."""
    counted = with_memory(lambda memory: memory.long_term.stats(scope=Scope(**owner)))
    click.echo(counted.model_dump_json(indent=2) if layout == "json" else "\n\n".join(_tables(counted)))


@click.command()
@format_option
@store_option
def config(layout: str) -> None:
    """Show every setting, its value and where it comes from; secrets are masked."""
    shown = load("mcp_memory.settings_listed:sources")(settings())
    if layout == "json":
        fields = [
            {"setting": one.variable, "value": one.value or None, "from": one.origin, "effect": one.effect}
            for one in shown
        ]
        click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        return
    # What has no effect is told apart: somebody set it and may count on it.
    for heading, effect in (("Setting", True), ("Accepted, no effect in this version", False)):
        rows = [(one.variable, one.value or "-", one.origin) for one in shown if one.effect is effect]
        click.echo(table(rows, (heading, "Value", "From")) + ("\n" if effect else ""))


def _tables(counted: Stats) -> Iterator[str]:
    yield table(
        [
            ("Memories", str(counted.memories)),
            ("Sessions", str(counted.sessions)),
            ("Without a vector", _waiting(counted.without_vector)),
            ("Store", counted.location),
            ("Size", size(counted.bytes)),
            ("Schema version", str(counted.schema_version)),
            ("Embedding model", f"{counted.embedding_model}, {counted.embedding_dimensions} dimensions"),
        ]
    )
    for heading, counts in (("Namespace", counted.by_namespace), ("Type", counted.by_type)):
        if counts:
            yield table(_most_first(counts), (heading, "Memories"))


def _waiting(count: int) -> str:
    return f"{count}, agent-memory reembed makes them" if count else "0"


def _most_first(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield name or "(none)", str(count)
