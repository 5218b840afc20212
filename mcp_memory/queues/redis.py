"""Huey over the Redis that the store is in."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from huey.storage import RedisStorage
from redis import Redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from mcp_memory.errors import QueueUnavailable
from mcp_memory.queues.deliveries import Deliveries, huey_over

LEAST_WAIT = 0.05
"""Seconds that a waiting thread asks the server for at least; a message ends the wait at once."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
UNAVAILABLE = "the queue in {place} cannot be used: {error}"


class Mailbox(RedisStorage):
    """Huey's storage under a key of our own, whose threads stop waiting when they are told to."""

    def __init__(self, name: str, client: Redis | RedisCluster, key: str) -> None:
        self._stopped = threading.Event()
        super().__init__(name)
        self.conn = client
        self.queue_key = key

    def begin(self, poll_seconds: float) -> None:
        """Let threads wait for messages, for so long at a time."""
        self.read_timeout = max(poll_seconds, LEAST_WAIT)
        self._stopped.clear()

    def stop(self) -> None:
        """Let no thread wait any more."""
        self._stopped.set()

    def dequeue(self) -> Any:
        return None if self._stopped.is_set() else super().dequeue()

    def close(self) -> None:
        """Give back the connections."""
        self.conn.close()


class RedisQueue(Deliveries):
    """Hands ids over by a list in Redis that the workers of all machines share."""

    def __init__(self, url: str, key: str, nodes: Sequence[tuple[str, int]] = ()) -> None:
        """Connect when it is first used.

        Args:
            url: of the server, as the driver knows it.
            key: of the list; with the hash tag of the store.
            nodes: of a cluster, by host and port, if the server is one of them.
        """
        self._place = re.sub(r"(?<=://)([^/\s:@]*):[^/\s]*@", r"\1:********@", url)
        lasting: dict[str, Any] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
        with self._translated():
            client = _of_cluster(url, nodes, lasting) if nodes else Redis.from_url(url, **lasting)
        super().__init__(huey_over(Mailbox, client=client, key=key))

    async def close(self) -> None:
        await asyncio.to_thread(self._huey.storage.close)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, RedisClusterException, OSError, ValueError) as error:
            raise QueueUnavailable(UNAVAILABLE.format(place=self._place, error=error)) from error


def _of_cluster(url: str, nodes: Sequence[tuple[str, int]], lasting: dict[str, Any]) -> RedisCluster:
    seeds = [ClusterNode(*node) for node in nodes]
    return RedisCluster.from_url(url, startup_nodes=seeds, require_full_coverage=False, **lasting)
