"""Where the server is: a URL becomes a client, of one server or of a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004 -- Redis' own

Client: TypeAlias = "Redis | RedisCluster"

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""How long one command may take: storing thousands of memories in one transaction takes seconds."""
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.05, 1.0
"""How a command is repeated whose answer was lost: for about two seconds, as a failover takes."""
_PORT = 6379


def is_cluster(url: str) -> bool:
    """Say whether the URL names a cluster: by its scheme, by ``?cluster=true``, or by several hosts."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query)).get("cluster", "").lower()
    return "+cluster" in parts.scheme or asked in {"true", "1", "yes"} or "," in parts.netloc


def plain(url: str) -> str:
    """Return the URL as the driver knows it, with its first host alone."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name not in {"cluster", "protocol"}])
    first = f"{credentials}{at}{hosts.split(',')[0]}"
    return urlunsplit((parts.scheme.replace("+cluster", ""), first, parts.path, query, ""))


def shown(url: str) -> str:
    """Return the URL without its password."""
    return re.sub(r"(?<=://)([^/\s:@]*):[^/\s]*@", r"\1:********@", url)


def _hosts(url: str) -> list[ClusterNode]:
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    return [ClusterNode(host.partition(":")[0], int(host.partition(":")[2] or _PORT)) for host in hosts]


def connected(url: str, at_connecting: Callable[[], None]) -> Client:
    """Return a client, which connects when it is first used, and says so each time to a single server.

    Raises:
        ValueError: the URL cannot be read.
    """
    retry = Retry(ExponentialBackoff(LONGEST_PAUSE, FIRST_PAUSE), TRIES)
    lasting: dict[str, Any] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
    if is_cluster(url):
        more: dict[str, Any] = {"startup_nodes": _hosts(url)} if "," in urlsplit(url).netloc else {}
        return RedisCluster.from_url(plain(url), retry=retry, **lasting, **more)
    again: list[type[Exception]] = [ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError]

    async def connect(connection: AbstractConnection) -> None:
        at_connecting()
        await connection.on_connect()

    return Redis.from_url(plain(url), retry=retry, retry_on_error=again, redis_connect_func=connect, **lasting)
