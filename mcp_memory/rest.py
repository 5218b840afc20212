"""The REST door: one server over HTTP/1.1 and HTTP/2 for remote programs, with MCP beside it. It holds no rules.

What it offers is in ``rest_door``; who may come in, and what every door over HTTP does, in ``http_door``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hypercorn.asyncio.run import worker_serve
from hypercorn.config import Config, Sockets
from hypercorn.utils import wrap_app
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from mcp_memory.bootstrap import open_authenticator
from mcp_memory.http_door.identity import Identity
from mcp_memory.http_door.limits import AnnouncedLength
from mcp_memory.http_door.listening import BACKLOG, Place, address_of
from mcp_memory.http_door.metadata import protected_resource
from mcp_memory.http_door.metrics import Metrics
from mcp_memory.http_door.origins import guarded
from mcp_memory.http_door.requests import Requests
from mcp_memory.http_door.traffic import Noticed
from mcp_memory.http_door.unread import Unread
from mcp_memory.leaving import LEAVING_SECONDS, leave_within, told_to_leave
from mcp_memory.machine import new_ids, now
from mcp_memory.mcp_door.background import Background, Traffic, attended
from mcp_memory.mcp_door.network import NetworkMcp
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, from_settings
from mcp_memory.ports.access import Authenticator
from mcp_memory.ports.given import Clock
from mcp_memory.rest_door.application import OPEN_TO_ALL, application
from mcp_memory.rest_door.asking import Served
from mcp_memory.rest_door.health import Health, Work
from mcp_memory.rest_door.paths import OURS, Paths
from mcp_memory.services.memory import Memory

if TYPE_CHECKING:
    from mcp_memory.config import Settings

logger = logging.getLogger(__name__)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
FINISHING_SECONDS = 5.0
"""What requests that are being answered may take when the process was told to leave; told again, it leaves at once."""
IDLE_SECONDS = 75
"""How long a connection stays open over which nothing is asked: longer than proxies keep theirs."""
MOST_HEADERS = 65_536
"""Bytes of a request's line and headers: ids to delete stand there."""


def _nothing_is_wrong() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """What an app is made of beside the settings."""

    memory: Memory
    authenticator: Authenticator
    clock: Clock = now
    traffic: Traffic = field(default_factory=Traffic)
    work: Work = _nothing_is_wrong
    beside: Sequence[BaseRoute] = ()
    """Routes of other doors, which the same middleware guards."""


def build_app(settings: Settings, parts: Parts) -> ASGIApp:
    """Return the door as an ASGI app: a request passes what stands outermost first."""
    metrics, resource = Metrics(), protected_resource(settings)
    health = Health(parts.memory, parts.clock, parts.work)
    served = Served(parts.memory, parts.clock, health, metrics)
    most = settings.max_request_bytes
    app: ASGIApp = application(served, most_bytes=most, resource=resource, beside=parts.beside)
    app = Noticed(Paths(app), parts.traffic.answering, OURS)
    app = Identity(AnnouncedLength(app, most), parts.authenticator, resource, OPEN_TO_ALL)
    app = guarded(settings, app, METHODS, any_name=not _place(settings).is_loopback)
    return Unread(Requests(app, new_ids(), metrics.count))


def run_api(settings: Settings) -> None:
    """Serve at API_HOST and PORT until the process is told to leave; then close what was opened.

    Raises:
        ConfigurationError: that address cannot be listened at, or not without authentication.
        StoreError: the store cannot be used.
    """
    place = _place(settings)
    place.check_protected(settings.auth(), unprotected=settings.allow_unauthenticated)
    _quiet_what_others_log()
    asyncio.run(_serve(settings, place))


def _place(settings: Settings) -> Place:
    return Place(settings.api_host, settings.port, "API_HOST", "PORT")


def _quiet_what_others_log() -> None:
    """They have a line or two for every request; at DEBUG they may go on."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        for name in ("mcp", "hypercorn"):
            logging.getLogger(name).setLevel(logging.WARNING)


async def _serve(settings: Settings, place: Place) -> None:
    memory, traffic = MemoryOnDemand(partial(from_settings, settings)), Traffic()
    try:
        with place.listening() as listener:
            async with attended(memory, traffic) as background:
                # What cannot be used is said before anybody is answered.
                opened = (await memory.opened()).memory
                authenticator = open_authenticator(settings, opened)
                resource, most = protected_resource(settings), settings.max_request_bytes
                mcp = NetworkMcp(memory, traffic, resource, body_bytes=most)
                work = partial(_wrong_with, background)
                parts = Parts(opened, authenticator, traffic=traffic, work=work, beside=mcp.routes)
                try:
                    async with mcp.running():
                        await _until_told(build_app(settings, parts), listener, mcp.hang_up)
                finally:
                    await authenticator.close()
    finally:
        leave_within(LEAVING_SECONDS)


def _wrong_with(background: Background) -> str | None:
    return "background jobs have ended by an error; the log says which" if background.failed else None


async def _until_told(app: ASGIApp, listener: socket.socket, hang_up: Callable[[], None]) -> None:
    """Answer requests until told to leave, then those that are there."""
    stop = asyncio.Event()
    wrapped = wrap_app(app, 0, "asgi")  # type: ignore[arg-type]  # typed for apps that Hypercorn wraps itself
    sockets = Sockets([], [listener], [])
    serving = asyncio.create_task(worker_serve(wrapped, _config(), sockets=sockets, shutdown_trigger=stop.wait))

    def leave() -> None:
        if stop.is_set():
            leave_within(0)
        logger.info("leaves when what was asked is answered, in %.0f s at the latest", FINISHING_SECONDS)
        stop.set()
        hang_up()

    with told_to_leave(leave):
        logger.info("serves REST at %s/v1, and MCP at %s/mcp", address_of(listener), address_of(listener))
        await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({serving}, timeout=FINISHING_SECONDS)
    if serving.done():
        serving.result()
    else:
        serving.cancel()
        logger.warning("leaves although something that was asked is not answered yet")


def _config() -> Config:
    config = Config()
    config.errorlog = logging.getLogger("hypercorn")
    config.backlog = BACKLOG
    config.graceful_timeout = FINISHING_SECONDS
    config.keep_alive_timeout = IDLE_SECONDS
    config.h11_max_incomplete_size = MOST_HEADERS
    config.include_server_header = False
    return config
