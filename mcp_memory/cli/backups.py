"""``agent-memory backup`` and ``restore``: the store as a file to keep."""

from __future__ import annotations

from pathlib import Path

import click

from mcp_memory.cli.layout import counted
from mcp_memory.cli.options import force_option, store_option
from mcp_memory.cli.running import confirmed, settings, tell_progress
from mcp_memory.loading import load

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", type=PATH)
@click.option("-f", "--force", is_flag=True, help="Replace a file that is there.")
@store_option
def backup(path: Path, *, force: bool) -> None:
    """Copy the store into the file PATH, while programs go on using it.

    The copy is checked, holds everything, and can be read by you alone.
    """
    existing = "replace" if force else "refuse"
    held = load("mcp_memory.backups:backup")(settings(), path, existing=existing, report=tell_progress)
    click.echo(f"Backed up {_held(held.memories, held.sessions)}: {path}")


@click.command()
@click.argument("path", type=PATH)
@force_option
@store_option
def restore(path: Path, *, force: bool) -> None:
    """Put the backup PATH in the place of the store, also while programs use it.

    The store as it was is kept beside it.
    """
    read = settings()
    if not force and not confirmed(f"Replace everything in {read.store_url()} by what {path} holds?"):
        click.echo("Nothing was restored.")
        return
    restored = load("mcp_memory.backups:restore")(read, path, report=tell_progress)
    click.echo(f"Restored {_held(restored.held.memories, restored.held.sessions)}.")
    if restored.before is not None:
        click.echo(f"The store as it was before: {restored.before}")


def _held(memories: int, sessions: int) -> str:
    return f"{counted(memories, 'memory', 'memories')} and {counted(sessions, 'session', 'sessions')}"
