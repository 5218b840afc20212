"""``agent-memory mcp`` and ``task-worker``: hand the process over to a door."""

from __future__ import annotations

from functools import partial

import click

from mcp_memory.cli.options import STORE, store_option
from mcp_memory.loading import load


@click.command()
@click.option(
    "--mode",
    type=click.Choice(["stdio", "sse", "streamable-http"]),
    default="stdio",
    show_default=True,
    help="How clients are connected: by stdin and stdout, or over HTTP. sse and streamable-http are the same server: "
    "it has /mcp, and /sse for older clients.",
)
@click.option("--host", metavar="ADDRESS", help="Where to serve over HTTP. If left out: MCP_HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port to serve at. If left out: MCP_PORT.")
@click.option(
    "--allow-unauthenticated",
    is_flag=True,
    help="Serve other machines although AUTH_MODE asks nobody who they are.",
)
@click.option(
    "--task-backend",
    type=click.Choice(["asyncio", "docket", "embedded", "worker"]),
    help="Who does background jobs: embedded (asyncio), this server; worker (docket), agent-memory task-worker. "
    "If left out: TASK_BACKEND.",
)
@store_option
@click.pass_context
def mcp(
    context: click.Context,
    /,
    mode: str,
    task_backend: str | None,
    *,
    allow_unauthenticated: bool,
    **at: str | int | None,
) -> None:
    """Serve an MCP client over stdin and stdout, or several over HTTP."""
    if mode != "stdio":
        addressed = {f"mcp_{name}": value for name, value in at.items()}
        read = load("mcp_memory.cli.running:settings")(quietly="INFO", task_backend=task_backend, **addressed)
        load("mcp_memory.network:run_network")(read, unprotected=allow_unauthenticated)
        return
    open_it = load("mcp_memory.mcp_door.on_demand:from_environment")
    # The door reads its settings when a client first calls.
    named = partial(open_it, memory_store_url=context.meta.get(STORE), task_backend=task_backend)
    load("mcp_memory.server:run_stdio")(named)


@click.command("task-worker")
@click.option(
    "--concurrency", type=click.IntRange(1, 256), default=10, show_default=True, help="Jobs at once, at most."
)
@click.option(
    "--redelivery-timeout",
    type=click.IntRange(1, 86_400),
    metavar="SECONDS",
    help="A job whose worker has not been heard of for so long is done by another. "
    "If left out: REDELIVERY_TIMEOUT_SECONDS.",
)
@store_option
def task_worker(concurrency: int, redelivery_timeout: int | None) -> None:
    """Do background jobs until told to leave.

    Ctrl-C or SIGTERM: what runs is finished or handed back. Once more: at once.
    """
    read = load("mcp_memory.cli.running:settings")(quietly="INFO", redelivery_timeout_seconds=redelivery_timeout)
    if not read.wants_worker():
        raise click.ClickException("Docket is disabled in settings. Cannot run worker. USE_DOCKET=false says so.")
    load("mcp_memory.worker:run_worker")(read, concurrency=concurrency)
