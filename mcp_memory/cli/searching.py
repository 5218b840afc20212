"""``agent-memory search``, and how what was found is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mcp_memory.cli.layout import moment, shortened, visible
from mcp_memory.cli.options import (
    entities_option,
    format_option,
    joined,
    namespace_option,
    session_option,
    store_option,
    topics_option,
    user_option,
)
from mcp_memory.cli.running import asked, with_memory
from mcp_memory.domain.replies import Found, Hit
from mcp_memory.domain.requests import Search

RULE = "=" * 60
SHOWN = 200
"""Characters of a memory's text in a list."""


@click.command()
@click.argument("text", nargs=-1, metavar="[QUERY]", callback=joined)
@namespace_option
@session_option
@user_option
@topics_option
@entities_option
@click.option("-l", "--limit", type=int, default=10, show_default=True, help="Memories on a page, at most 100.")
@click.option("-o", "--offset", type=int, default=0, show_default=True, help="Memories to skip.")
@click.option(
    "--search-mode",
    type=click.Choice(["semantic", "keyword", "hybrid"]),
    help="Search by meaning, by words, or by both. If left out: both, in the best ranking there is.",
)
@click.option("--hybrid-alpha", type=float, help="Share of meaning in a hybrid search, 0 to 1.")
@click.option("--text-scorer", metavar="NAME", help="Accepted for older scripts.")
@click.option("-d", "--distance-threshold", type=float, help="Largest distance in meaning, 0 to 2.")
@click.option("--as-of", metavar="DATE", help="Only what held at this time.")
@click.option("--explain", is_flag=True, help="Say why each memory was found.")
@format_option
@store_option
def search(layout: str, **fields: Any) -> None:
    """Find memories for QUERY; without one, list the newest."""
    request = asked(Search, fields)
    found = with_memory(lambda memory: memory.long_term.search(request))
    if layout == "json":
        click.echo(found.model_dump_json(indent=2))
        return
    click.echo("\n".join(_lines(found, request.offset)))


def _lines(found: Found, offset: int) -> Iterator[str]:
    yield f"Found {found.total} memories (showing {len(found.memories)}):"
    yield RULE
    for place, hit in enumerate(found.memories, start=offset + 1):
        yield ""
        yield f"[{place}] ID: {hit.id}"
        for name, value in _parts(hit):
            yield f"    {name}: {value}"
    if found.note:
        yield f"\n{found.note}"
    if found.next_offset is not None:
        yield f"\nMore results: --offset {found.next_offset}"


def _parts(hit: Hit) -> Iterator[tuple[str, str]]:
    if hit.score is not None:
        yield "Score", f"{hit.score:.4f}" + (f" ({hit.score_type})" if hit.score_type else "")
        yield "Distance", f"{hit.dist:.4f}"
    if hit.why:
        yield "Why", ", ".join(f"{name} {value:.2f}" for name, value in hit.why.items())
    optional = {
        "Namespace": hit.namespace,
        "Session": hit.session_id,
        "User": hit.user_id,
        "Topics": ", ".join(hit.topics),
        "Entities": ", ".join(hit.entities),
        "Date": moment(hit.event_date),
    }
    yield from ((name, value) for name, value in optional.items() if value)
    yield "Text", visible(shortened(hit.text, SHOWN))
