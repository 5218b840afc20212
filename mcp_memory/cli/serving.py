"""``agent-memory mcp``: hands the process over to the MCP door."""

from __future__ import annotations

import os

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
    if (store := context.meta.get(STORE)) is not None:
        # The door reads its settings when a client first calls; by then this is one of them.
        os.environ["MEMORY_STORE_URL"] = store
    load("mcp_memory.server:run_stdio")()
