"""``agent-memory rebuild-index``, ``reembed`` and the migrations: what keeps a store in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_memory.cli.archives import told
from mcp_memory.cli.layout import counted
from mcp_memory.cli.options import dry_run_option, store_option
from mcp_memory.cli.running import settings, show_progress, tell_progress, with_memory
from mcp_memory.loading import load

if TYPE_CHECKING:
    from mcp_memory.config import Settings
    from mcp_memory.domain.replies import Imported
    from mcp_memory.services.memory import Memory


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
@click.option(
    "--from", "source", metavar="URL", help="The Redis of agent-memory-server, if it is not the store in use."
)
@dry_run_option
@store_option
def migrate_memories(source: str | None, *, dry_run: bool) -> None:
    """Bring the store to this version's schema, and take over what agent-memory-server keeps in Redis.

    Opening a store brings it to its schema, too. Nothing is changed in what agent-memory-server keeps, and nothing is
    overwritten here. Ended in the middle, it goes on when it is called again.
    """
    read = settings()
    _migrate(read, dry_run=dry_run)
    kind, _ = read.store_location()
    url = source or (read.store_url() if kind == "redis" else None)
    if url is not None:
        _take_over(url, read, dry_run=dry_run)


def _migrate(read: Settings, *, dry_run: bool) -> None:
    pending = load("mcp_memory.migrations:pending")(read)
    if not pending:
        click.echo("No migrations are pending.")
        return
    click.echo(f"Pending: {', '.join(pending)}")
    if dry_run:
        return
    done = load("mcp_memory.migrations:migrate")(read, report=tell_progress)
    for name in done.names:
        click.echo(f"Applied: {name}")
    if done.copy is not None:
        click.echo(f"The store as it was before: {done.copy}")


def _take_over(url: str, read: Settings, *, dry_run: bool) -> None:
    """Take over what agent-memory-server keeps there, and say what that was."""

    async def act(memory: Memory) -> Imported:
        async with load("mcp_memory.bootstrap:open_agent_memory_server")(read, url) as theirs:
            taken: Imported = await memory.archive.take_in(
                theirs, dry_run=dry_run, what_was_deleted="stays_deleted", progress=show_progress
            )
        return taken

    imported = with_memory(act)
    if not (imported.kinds or imported.unreadable or imported.tokens):
        click.echo("Nothing of agent-memory-server is there.")
        return
    click.echo(told(imported))
    if imported.tokens:
        click.echo(
            f"Not taken over: {counted(imported.tokens, 'access token', 'access tokens')}, of which only hashes are "
            "known. agent-memory token add --token VALUE registers one that a client has."
        )


@click.command("migrate-working-memory")
@click.option("--batch-size", type=int, expose_value=False, help="No effect.")
@click.option("--dry-run", is_flag=True, expose_value=False, help="No effect.")
@store_option
def migrate_working_memory() -> None:
    """Accepted for scripts that were written for agent-memory-server."""
    click.echo("Nothing to do: working memory has had one format from the first version on.")


def _memories(count: int) -> str:
    return counted(count, "memory", "memories")
