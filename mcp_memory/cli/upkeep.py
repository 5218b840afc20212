"""``agent-memory rebuild-index``, ``reembed`` and the migrations: what keeps a store in order."""

from __future__ import annotations

import click

from mcp_memory.cli.layout import counted
from mcp_memory.cli.options import store_option
from mcp_memory.cli.running import settings, show_progress, tell_progress, with_memory
from mcp_memory.loading import load


@click.command("rebuild-index")
@store_option
def rebuild_index() -> None:
    """Make the words and vectors of every memory anew; the memories themselves do not change."""
    count = with_memory(lambda memory: memory.long_term.rebuild_index(progress=show_progress))
    click.echo(f"Rebuilt the index of {_memories(count)}.")


@click.command("reembed")
@store_option
def reembed() -> None:
    """Make the vectors that memories lack since the embedding model changed; end it when you like, and go on later."""
    count = with_memory(lambda memory: memory.upkeep.reembed(show_progress))
    click.echo(
        f"Made the vectors of {_memories(count)}." if count else "Every memory has a vector of the present model."
    )


@click.command("migrate-memories")
@store_option
def migrate_memories() -> None:
    """Bring the store to this version's schema; opening it does the same."""
    read = settings()
    pending = load("mcp_memory.migrations:pending")(read)
    if not pending:
        click.echo("No migrations are pending.")
        return
    click.echo(f"Pending: {', '.join(pending)}")
    done = load("mcp_memory.migrations:migrate")(read, report=tell_progress)
    for name in done.names:
        click.echo(f"Applied: {name}")
    if done.copy is not None:
        click.echo(f"The store as it was before: {done.copy}")


@click.command("migrate-working-memory")
@click.option("--batch-size", type=int, expose_value=False, help="No effect.")
@click.option("--dry-run", is_flag=True, expose_value=False, help="No effect.")
@store_option
def migrate_working_memory() -> None:
    """Accepted for scripts that were written for agent-memory-server."""
    click.echo("Nothing to do: working memory has had one format from the first version on.")


def _memories(count: int) -> str:
    return counted(count, "memory", "memories")
