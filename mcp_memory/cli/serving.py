"""``agent-memory mcp``, ``api`` and ``task-worker``: hand the process over to a door."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

import click

from mcp_memory.cli.options import STORE, store_option
from mcp_memory.errors import ConfigurationError
from mcp_memory.loading import load

REST_NEEDS = ("fastapi", "hypercorn", "prometheus_client")
"""What the extra ``rest`` installs."""


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


@click.command()
@click.option("--host", "api_host", metavar="ADDRESS", help="Where to serve. If left out: API_HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port to serve at. If left out: PORT.")
@click.option("--reload", "reloads", is_flag=True, help="Start again whenever a file of the program changes.")
@click.option(
    "--task-backend",
    type=click.Choice(["asyncio", "docket", "embedded", "worker"]),
    help="Who does background jobs: embedded (asyncio), this server; worker (docket), agent-memory task-worker. "
    "If left out: TASK_BACKEND.",
)
@click.option("--no-worker", is_flag=True, help="The older way to say --task-backend embedded.")
@click.option(
    "--allow-unauthenticated",
    is_flag=True,
    help="Serve other machines although AUTH_MODE asks nobody who they are. The same as ALLOW_UNAUTHENTICATED=true.",
)
@store_option
def api(task_backend: str | None, *, reloads: bool, no_worker: bool, **given: Any) -> int:
    """Serve programs over HTTP: the REST API at /v1, MCP at /mcp.

    Ctrl-C or SIGTERM: requests are answered, what runs is handed back. Once more: at once.
    """
    if lacking := [name for name in REST_NEEDS if find_spec(name) is None]:
        raise ConfigurationError(f'{lacking[0]} is not installed: pip install "mcp-memory[rest]"')
    if reloads:
        return int(load("mcp_memory.cli.reloading:run_reloading")())
    backend = "embedded" if no_worker else task_backend
    given["allow_unauthenticated"] = given["allow_unauthenticated"] or None
    read = load("mcp_memory.cli.running:settings")(quietly="INFO", task_backend=backend, **given)
    load("mcp_memory.rest:run_api")(read)
    return 0
