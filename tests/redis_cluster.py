"""A real Redis cluster of three nodes, each with the Query Engine, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from redis import Redis

from tests import redis_server
from tests.certificates import Certificate
from tests.patience import PATIENCE
from tests.ports import free_ports

SLOTS = 16_384
NODES = 3
NODE_TIMEOUT = "2000"
"""Milliseconds after which the others hold a node for dead."""


KEPT = (*redis_server.PASSING, "--cluster-enabled", "yes", "--cluster-node-timeout", NODE_TIMEOUT)


@dataclass(frozen=True)
class Cluster:
    """The nodes that this process started; the first three have the slots."""

    nodes: tuple[redis_server.Running, ...]

    @property
    def url(self) -> str:
        return self.nodes[0].url.replace("://", "+cluster://").replace("/0", "")

    def holding(self, key: str) -> redis_server.Running:
        """Return the node that has the slot of a key."""
        slot = int(told(self.nodes[0], "CLUSTER", "KEYSLOT", key))
        return self.nodes[slot * NODES // SLOTS]


def told(node: redis_server.Running, *words: Any) -> Any:
    """Return what a node answers."""
    with Redis.from_url(node.url) as client:
        return client.execute_command(*words)


def agreed(nodes: tuple[redis_server.Running, ...]) -> None:
    """Wait until every node knows of all and of all slots."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        every = [told(node, "CLUSTER INFO") for node in nodes]
        if all(one["cluster_state"] == "ok" and int(one["cluster_known_nodes"]) == len(nodes) for one in every):
            return
    raise redis_server.NoRedis("the nodes of the cluster did not come together")


@contextmanager
def cluster(folder: Path, *, spare: int = 0, secured: Certificate | None = None) -> Iterator[Cluster]:
    """Run a cluster of one's own, with so many nodes besides that have no slots."""
    options = ("--tls-cluster", "yes") if secured else ()
    with ExitStack() as stack:
        ports = free_ports(2 * (NODES + spare))
        buses = ports[1::2]
        made = []
        for port, bus in zip(ports[::2], buses, strict=True):
            place = folder / str(port)
            place.mkdir()
            words = (*KEPT, "--cluster-port", str(bus), *options)
            made.append(stack.enter_context(redis_server.server(place, *words, port=port, secured=secured)))
        nodes = tuple(made)
        for number, node in enumerate(nodes[:NODES]):
            first, last = -(-number * SLOTS // NODES), -(-(number + 1) * SLOTS // NODES) - 1
            told(node, "CLUSTER", "ADDSLOTSRANGE", first, last)
            told(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus in list(zip(nodes, buses, strict=True))[1:]:
            told(nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        agreed(nodes)
        yield Cluster(nodes)
