"""The MCP door over the network: a server of its own, for clients that are given an address. It holds no rules."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from mcp_memory.bootstrap import open_authenticator
from mcp_memory.errors import ConfigurationError
from mcp_memory.http_door.identity import Identity
from mcp_memory.http_door.metadata import protected_resource
from mcp_memory.http_door.origins import Origins, Visitors
from mcp_memory.machine import leave_within
from mcp_memory.mcp_door.background import Traffic, attended
from mcp_memory.mcp_door.leaving import LEAVING_SECONDS, told_to_leave
from mcp_memory.mcp_door.network import NetworkMcp
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, from_settings

if TYPE_CHECKING:
    from mcp_memory.config import Settings

logger = logging.getLogger(__name__)

FINISHING_SECONDS = 5
"""What calls that are being done may take when the process was told to leave; told again, it leaves at once."""
BACKLOG = 2048
_EXPOSED = ["WWW-Authenticate"]
_UNPROTECTED = """
  ANYBODY WHO REACHES %s MAY READ, CHANGE AND DELETE EVERY MEMORY.
  There is no authentication: AUTH_MODE=token or AUTH_MODE=oauth2 asks for some."""


def run_network(settings: Settings, *, unprotected: bool = False) -> None:
    """Serve MCP at MCP_HOST and MCP_PORT until the process is told to leave; then close what was opened.

    Args:
        settings: where to listen, whom to let in, and what to serve.
        unprotected: whether other machines may be served without authentication.

    Raises:
        ConfigurationError: that address cannot be listened at, or not without authentication.
        StoreError: the store cannot be used.
    """
    if settings.auth() == "disabled" and not is_loopback(settings.mcp_host):
        if not unprotected:
            raise ConfigurationError(
                f"MCP_HOST={settings.mcp_host} lets other machines in, and nobody is asked who they are: set "
                "AUTH_MODE=token or AUTH_MODE=oauth2, or give --allow-unauthenticated"
            )
        logger.warning(_UNPROTECTED, f"{settings.mcp_host}:{settings.mcp_port}")
    _quiet_what_others_log()
    anyio.run(_serve, settings)


def _quiet_what_others_log() -> None:
    """They have a line or two for every request; at DEBUG they may go on."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        for name in ("mcp", "uvicorn"):
            logging.getLogger(name).setLevel(logging.WARNING)


async def _serve(settings: Settings) -> None:
    memory, traffic = MemoryOnDemand(partial(from_settings, settings)), Traffic()
    try:
        with listening_at(settings.mcp_host, settings.mcp_port) as listener:
            async with attended(memory, traffic):
                # What cannot be used is said before anybody is answered.
                authenticator = open_authenticator(settings, (await memory.opened()).memory)
                resource = protected_resource(settings)
                mcp = NetworkMcp(memory, traffic, resource)
                identity = Identity(Starlette(routes=mcp.routes), authenticator, resource)
                try:
                    async with mcp.running():
                        await _until_told(guarded(settings, identity), listener, mcp.hang_up)
                finally:
                    await authenticator.close()
    finally:
        leave_within(LEAVING_SECONDS)


def guarded(settings: Settings, answer: ASGIApp) -> ASGIApp:
    """Return what answers web pages only if they are let in."""
    origins = settings.allowed_origins
    pages = CORSMiddleware(
        answer, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"], expose_headers=_EXPOSED
    )
    return Origins(pages, Visitors({*settings.mcp_allowed_hosts, *_names_in(settings.public_url)}, origins))


def _names_in(url: str | None) -> Iterator[str]:
    if url is not None and (name := urlsplit(url).hostname):
        yield name


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches a server that listens at this host."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def listening_at(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens there.

    Raises:
        ConfigurationError: nobody can.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"MCP_HOST={host}, MCP_PORT={port}"
        raise ConfigurationError(f"{where}: cannot listen there: {error.strerror or error}") from error
    with listener:
        yield listener


async def _until_told(answer: ASGIApp, listener: socket.socket, hang_up: Callable[[], None]) -> None:
    config = uvicorn.Config(
        answer,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=FINISHING_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    logger.info("serves MCP at %s/mcp, and at %s/sse for older clients", address, address)
    await _Server(config, hang_up).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Leaves in good order when it is told to, and at once when it is told again."""

    def __init__(self, config: uvicorn.Config, hang_up: Callable[[], None]) -> None:
        super().__init__(config)
        self._hang_up = hang_up

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with told_to_leave(self._leave):
            yield

    def _leave(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._hang_up()
