"""Where a server over HTTP listens, and whether it may listen there."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from mcp_memory.auth_mode import AuthMode
from mcp_memory.errors import ConfigurationError

logger = logging.getLogger(__name__)

BACKLOG = 2048
_UNPROTECTED = """
  ANYBODY WHO REACHES %s:%d MAY READ, CHANGE AND DELETE EVERY MEMORY.
  There is no authentication: AUTH_MODE=token or AUTH_MODE=oauth2 asks for some."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port, and the variables that name them."""

    host: str
    port: int
    host_variable: str
    port_variable: str

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches a server that listens there."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check_protected(self, auth: AuthMode, *, unprotected: bool) -> None:
        """Refuse to let other machines in without authentication, if that is not wanted; say so loudly if it is.

        Raises:
            ConfigurationError: it is not wanted.
        """
        if auth != "disabled" or self.is_loopback:
            return
        if not unprotected:
            raise ConfigurationError(
                f"{self.host_variable}={self.host} lets other machines in, and nobody is asked who they are: set "
                "AUTH_MODE=token or AUTH_MODE=oauth2, or give --allow-unauthenticated"
            )
        logger.warning(_UNPROTECTED, self.host, self.port)

    @contextmanager
    def listening(self) -> Iterator[socket.socket]:
        """Yield a socket that listens there.

        Raises:
            ConfigurationError: nobody can.
        """
        try:
            family, *_, address = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        except OSError as error:
            where = f"{self.host_variable}={self.host}, {self.port_variable}={self.port}"
            raise ConfigurationError(f"{where}: cannot listen there: {error.strerror or error}") from error
        # With its protocol named, asyncio sends what is written at once; else an answer may wait for 40 ms.
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach()) as named:
            yield named


def address_of(listener: socket.socket) -> str:
    """Return the address at which a client reaches it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
