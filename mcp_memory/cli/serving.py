"""``agent-memory mcp``: hands the process over to the MCP door."""

from __future__ import annotations

from functools import partial

import click

from mcp_memory.cli.options import STORE, store_option
from mcp_memory.loading import load


@click.command(epilog="Options without an effect in this version are accepted so that existing configurations work.")
@click.option(
    "--mode",
    type=click.Choice(["stdio", "sse", "streamable-http"]),
    default="stdio",
    show_default=True,
    help="How the client is connected; only stdio in this version.",
)
@click.option("--port", type=click.IntRange(0, 65_535), expose_value=False, help="No effect in this version.")
@click.option(
    "--task-backend",
    type=click.Choice(["asyncio", "docket", "embedded", "worker"]),
    expose_value=False,
    help="No effect in this version.",
)
@store_option
@click.pass_context
def mcp(context: click.Context, mode: str) -> None:
    """Serve an MCP client over stdin and stdout."""
    if mode != "stdio":
        raise click.UsageError(f"--mode {mode} comes with a later version; use --mode stdio.", context)
    open_it = load("mcp_memory.mcp_door.on_demand:from_environment")
    # The door reads its settings when a client first calls.
    load("mcp_memory.server:run_stdio")(partial(open_it, memory_store_url=context.meta.get(STORE)))
