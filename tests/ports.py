"""Where servers of tests listen."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

HERE = "127.0.0.1"
PORTS = range(15_000, 32_000)
"""Below those that systems give to clients: else another process may get one while its server is started anew."""


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on at this moment, each another one, and that no system gives by itself."""
    found: list[int] = []
    with ExitStack() as stack:
        for port in random.SystemRandom().sample(PORTS, len(PORTS)):
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind((HERE, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no {count} ports are free between {PORTS.start} and {PORTS.stop}")
