"""The MCP door over the network: a server of its own, for clients that are given an address. It holds no rules."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from mcp_memory.bootstrap import open_authenticator
from mcp_memory.http_door.identity import Identity
from mcp_memory.http_door.listening import Place, address_of
from mcp_memory.http_door.metadata import protected_resource
from mcp_memory.http_door.origins import guarded
from mcp_memory.leaving import LEAVING_SECONDS, leave_within, told_to_leave
from mcp_memory.mcp_door.background import Traffic, attended
from mcp_memory.mcp_door.network import NetworkMcp
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, from_settings

if TYPE_CHECKING:
    from mcp_memory.config import Settings

logger = logging.getLogger(__name__)

FINISHING_SECONDS = 5
"""What calls that are being done may take when the process was told to leave; told again, it leaves at once."""


def run_network(settings: Settings, *, unprotected: bool = False) -> None:
    """Serve MCP at MCP_HOST and MCP_PORT until the process is told to leave; then close what was opened.

    Args:
        settings: where to listen, whom to let in, and what to serve.
        unprotected: whether other machines may be served without authentication.

    Raises:
        ConfigurationError: that address cannot be listened at, or not without authentication.
        StoreError: the store cannot be used.
    """
    place = Place(settings.mcp_host, settings.mcp_port, "MCP_HOST", "MCP_PORT")
    place.check_protected(settings.auth(), unprotected=unprotected or settings.allow_unauthenticated)
    _quiet_what_others_log()
    anyio.run(_serve, settings, place)


def _quiet_what_others_log() -> None:
    """They have a line or two for every request; at DEBUG they may go on."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        for name in ("mcp", "uvicorn"):
            logging.getLogger(name).setLevel(logging.WARNING)


async def _serve(settings: Settings, place: Place) -> None:
    memory, traffic = MemoryOnDemand(partial(from_settings, settings)), Traffic()
    try:
        with place.listening() as listener:
            async with attended(memory, traffic):
                # What cannot be used is said before anybody is answered.
                authenticator = open_authenticator(settings, (await memory.opened()).memory)
                resource = protected_resource(settings)
                mcp = NetworkMcp(memory, traffic, resource, body_bytes=settings.max_request_bytes)
                identity = Identity(Starlette(routes=mcp.routes), authenticator, resource)
                try:
                    async with mcp.running():
                        await _until_told(guarded(settings, identity, ["GET", "POST"]), listener, mcp.hang_up)
                finally:
                    await authenticator.close()
    finally:
        leave_within(LEAVING_SECONDS)


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
    address = address_of(listener)
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
