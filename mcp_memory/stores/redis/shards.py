"""The shard of a cluster on which a store lies: where it is, and connections that lead there wherever it moves.

All keys of a store have one hash tag, so one shard has them all, with the indexes over them. A client of that shard is
a client of one server; the driver's client of clusters would send a search, which names no key, to any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError, RedisClusterException, RedisError  # noqa: A004 -- Redis' own

from mcp_memory.stores.redis.patience import causes


class Shard:
    """Where in a cluster a key lies."""

    def __init__(self, connect: Callable[[], RedisCluster], key: str) -> None:
        self._connect = connect
        self._cluster = connect()
        self._key = key
        self._asking = asyncio.Lock()
        self._known: tuple[str, int] | None = None

    def forget(self) -> None:
        """Let the cluster be asked again: what was known led to a failure."""
        self._known = None

    async def address(self) -> tuple[str, int]:
        """Return the host and port of the primary.

        Raises:
            ConnectionError: no node of the cluster answers, or none has the key.
        """
        async with self._asking:
            found = self._known or await self._find()
        if isinstance(found, Exception):
            # Raised here, so that it keeps what led to it.
            raise found
        self._known = found
        return found

    async def _find(self) -> tuple[str, int] | Exception:
        nodes = self._cluster.nodes_manager
        try:
            await nodes.initialize()
            node = self._cluster.get_node_from_key(self._key)
        except RedisClusterException as error:
            # None of the nodes that were known is there: the next time, those of the URL are asked again.
            self._cluster = self._connect()
            # The driver takes every refusal for that of a server outside a cluster; what the server said is behind it.
            said = [one for one in causes(error) if isinstance(one, RedisError)]
            return said[0] if said else ConnectionError(str(error))
        finally:
            # It is asked so rarely that an open connection to every node would be a waste.
            await nodes.aclose()
            await nodes.aclose("startup_nodes")
        return ConnectionError(f"no node has the key {self._key}") if node is None else (str(node.host), int(node.port))


class OnShard(Connection):
    """A connection to where its shard is at the moment at which it is made."""

    def __init__(self, *, shard: Shard, **options: Any) -> None:
        super().__init__(**options)
        self._shard = shard

    async def connect_check_health(
        self,
        check_health: bool = True,  # noqa: FBT001, FBT002 -- Redis' signature
        retry_socket_connect: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        if not self.is_connected:
            self.host, self.port = await self._shard.address()
        await super().connect_check_health(check_health, retry_socket_connect)

    async def disconnect(
        self,
        nowait: bool = False,  # noqa: FBT001, FBT002
        error: Exception | None = None,
        failure_count: int | None = None,
        health_check_failed: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if error is not None:
            self._shard.forget()
        await super().disconnect(nowait, error, failure_count, health_check_failed)


class OnShardSecurely(OnShard, SSLConnection):
    """The same over TLS."""
