"""The command line's front page: a table of commands, each loaded when it is called. It holds no rules of its own."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

import click

from mcp_memory import __version__
from mcp_memory.cli.edge import exit_code
from mcp_memory.cli.options import store_option
from mcp_memory.loading import load

VERSION_LINE = f"mcp-memory version {__version__}"

COMMANDS: Mapping[str, tuple[str, str]] = {
    "mcp": ("mcp_memory.cli.serving:mcp", "Serve an MCP client over stdin and stdout."),
    "api": ("mcp_memory.cli.serving:api", "Serve programs over HTTP: REST and MCP."),
    "remember": ("mcp_memory.cli.remembering:remember", "Remember a text for good."),
    "search": ("mcp_memory.cli.searching:search", "Find memories, or list the newest."),
    "show": ("mcp_memory.cli.records:show", "Show one memory whole."),
    "edit": ("mcp_memory.cli.records:edit", "Change one memory."),
    "delete": ("mcp_memory.cli.deleting:delete", "Delete memories or a session."),
    "compact": ("mcp_memory.cli.compacting:compact", "Merge memories that say the same."),
    "suggestions": ("mcp_memory.cli.compacting:suggestions", "Decide what compaction was not sure about."),
    "views": ("mcp_memory.cli.views:views", "Sum memories up by groups."),
    "forget": ("mcp_memory.cli.forgetting:forget", "Forget what is old, unused or too much."),
    "history": ("mcp_memory.cli.history:history", "Show what was done to a memory, or what was done last."),
    "operations": ("mcp_memory.cli.history:operations", "List what was done, or show one operation."),
    "undo": ("mcp_memory.cli.history:undo", "Take an operation back."),
    "token": ("mcp_memory.cli.tokens:token", "Make, list, show, renew and remove access tokens."),
    "secrets": ("mcp_memory.cli.secret_keeping:secrets", "Keep keys and passwords out of configuration files."),
    "sessions": ("mcp_memory.cli.overview:sessions", "List the sessions of working memory."),
    "stats": ("mcp_memory.cli.overview:stats", "Say how much is remembered, and where."),
    "config": ("mcp_memory.cli.overview:config", "Show every setting and where it comes from."),
    "backup": ("mcp_memory.cli.backups:backup", "Copy the store into a file, while it is in use."),
    "restore": ("mcp_memory.cli.backups:restore", "Put a backup in the place of the store."),
    "export": ("mcp_memory.cli.archives:export", "Write all records into a file of JSON lines."),
    "import": ("mcp_memory.cli.archives:import_", "Take in what export wrote."),
    "copy": ("mcp_memory.cli.archives:copy", "Copy one store into another, and compare both."),
    "rebuild-index": ("mcp_memory.cli.upkeep:rebuild_index", "Make words and vectors of every memory anew."),
    "reembed": ("mcp_memory.cli.upkeep:reembed", "Make vectors anew after a change of the model."),
    "task-worker": ("mcp_memory.cli.serving:task_worker", "Do background jobs until told to leave."),
    "schedule-task": ("mcp_memory.cli.jobs:schedule_task", "Have a job done in the background."),
    "jobs": ("mcp_memory.cli.jobs:jobs", "List, show, cancel or wait for jobs."),
    "migrate-memories": ("mcp_memory.cli.upkeep:migrate_memories", "Bring the store to this version's schema."),
    "migrate-working-memory": ("mcp_memory.cli.upkeep:migrate_working_memory", "Accepted for older scripts."),
    "version": ("mcp_memory.cli.main:version", "Show the version."),
}
"""Name, where the command is, and its line in ``--help``: so that help loads none of them."""


class FrontPage(click.Group):
    """A group that knows its commands by a table, accepts their names with underscores, and leaves by our rules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click hands it over
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click hands it over
        entry = COMMANDS.get(cmd_name.replace("_", "-"))
        if entry is None:
            return None
        command: click.Command = load(entry[0])
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None:
            close = "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, COMMANDS, 1))
            raise click.UsageError(f"No such command {name!r}.{close}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click hands it over
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        # Click would expand ~, * and %NAME% of arguments on Windows; a text to remember must stay as it was written.
        run = partial(super().main, *args, standalone_mode=False, windows_expand_args=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(exit_code(run))


@click.command(cls=FrontPage, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message=VERSION_LINE)
@store_option
def cli() -> None:
    """Long-term and working memory for LLM agents, in one file on this machine.

    Connect an agent:  claude mcp add --scope user memory -- agent-memory mcp
    """


@click.command()
def version() -> None:
    """Show the version."""
    click.echo(VERSION_LINE)


def main() -> None:
    """Run the command that the arguments name, and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A Windows pipe would be in the ANSI code page, and a C locale in ASCII.
            stream.reconfigure(encoding="utf-8", errors="replace")
    cli.main()
