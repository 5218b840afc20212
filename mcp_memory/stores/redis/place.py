"""Where the server is: a URL becomes a client, of one server or of one shard of a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool, SSLConnection, parse_url

from mcp_memory.stores.redis.patience import CONNECT_SECONDS, MOVED, PASSING, FirstPatience, Kinds
from mcp_memory.stores.redis.shards import OnShard, OnShardSecurely, Shard

ANSWER_SECONDS = 60.0
"""How long one command may take: storing thousands of memories in one transaction takes seconds."""
LASTING: Mapping[str, Any] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
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


def passing(url: str) -> Kinds:
    """Return which failures may pass by themselves."""
    return (*PASSING, *MOVED) if is_cluster(url) else PASSING


def nodes(url: str) -> list[tuple[str, int]]:
    """Return the hosts that the URL names, with their ports."""
    hosts = [urlsplit(f"//{host}") for host in urlsplit(url).netloc.rpartition("@")[2].split(",")]
    return [(host.hostname or "", host.port or _PORT) for host in hosts]


def connected(url: str, key: str, seconds: float, at_connecting: Callable[[], None]) -> Redis:
    """Return a client of the server that has the key, which connects when it is first used, and says so each time.

    Args:
        url: of the server, or of any nodes of the cluster.
        key: that has the hash tag of the store.
        seconds: how long to wait for a server that is not there yet; none lets a person know at once.
        at_connecting: is called at each new connection.

    Raises:
        ValueError: the URL cannot be read.
    """

    async def connect(connection: AbstractConnection) -> None:
        at_connecting()
        await connection.on_connect()

    options: dict[str, Any] = {"retry": FirstPatience(passing(url), shown(url), seconds), "redis_connect_func": connect}
    try:
        client = _of_shard(url, key, options) if is_cluster(url) else Redis.from_url(plain(url), **LASTING, **options)
        # What the URL has besides is looked at when a connection is made; this one stays unused.
        client.connection_pool.make_connection()
    except TypeError as error:
        raise ValueError(str(error)) from error
    return client


def _of_shard(url: str, key: str, options: dict[str, Any]) -> Redis:
    given: dict[str, Any] = {**parse_url(plain(url))}
    if given.pop("db", 0):
        raise ValueError("a cluster has database 0 only")
    kind = OnShardSecurely if given.pop("connection_class", None) is SSLConnection else OnShard
    seeds = [ClusterNode(host, port) for host, port in nodes(url)]
    cluster = partial(RedisCluster.from_url, plain(url), startup_nodes=seeds, require_full_coverage=False, **LASTING)
    return Redis.from_pool(
        ConnectionPool(connection_class=kind, shard=Shard(cluster, key), **{**LASTING, **options, **given})
    )
