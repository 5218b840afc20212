"""Opening the store: where it is, and whether the server there can hold it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from mcp_memory.errors import StoreUnavailable
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.indexes import make_ready
from mcp_memory.stores.redis.keys import Keys
from mcp_memory.stores.redis.place import is_cluster, nodes, plain, shown
from mcp_memory.stores.redis.server import Durability, Server

logger = logging.getLogger(__name__)

INDEX = "memory_records"
PREFIX = "memory_idx"
UNREADABLE = "{place} cannot be read as the address of a Redis server ({error}): write redis://HOST:PORT/DATABASE"


@dataclass(frozen=True, slots=True)
class Place:
    """One store in one Redis."""

    url: str
    index: str = INDEX
    """Tells its indexes from those of other stores; that of agent-memory-server may have the same name."""
    prefix: str = PREFIX
    """The same for its keys."""
    vectors: VectorIndex = field(default_factory=VectorIndex)
    wait_seconds: float = 0
    """How long to wait at the start for a server that is not there yet."""
    durability: Durability = "normal"
    """Whether a write is answered when the server has it, or when it is on the server's disk."""

    @property
    def plain_url(self) -> str:
        """Return the address as the driver knows it."""
        return plain(self.url)

    @property
    def is_cluster(self) -> bool:
        """Say whether the server is one of a cluster."""
        return is_cluster(self.url)

    @property
    def nodes(self) -> list[tuple[str, int]]:
        """Return the nodes of the cluster that the address names, by host and port; none if it names one server."""
        return nodes(self.url) if is_cluster(self.url) else []

    @property
    def keys(self) -> Keys:
        """Return the names of its keys."""
        return Keys(self.prefix)

    @property
    def queue(self) -> str:
        """Return the key of the list in which job ids wait."""
        return f"{self.keys.before}queue"

    @property
    def shown(self) -> str:
        """Return the address without its password."""
        return shown(self.url)


def place_of(
    url: str, names: tuple[str, str], vectors: tuple[str, str, str], *, wait_seconds: float, durability: Durability
) -> Place:
    """Return the place that settings name.

    Args:
        url: of the server.
        names: of its indexes, and of its keys.
        vectors: the algorithm by which they are kept, the type in which, and the metric by which they are compared.
        wait_seconds: how long to wait for the server at the start.
        durability: what an answered write survives.
    """
    algorithm, datatype, metric = (word.lower() for word in vectors)
    return Place(url, *names, VectorIndex(algorithm, datatype, metric), wait_seconds, durability)  # type: ignore[arg-type]


async def opened(place: Place) -> Server:
    """Return the server, its indexes made ready.

    Raises:
        StoreError: it cannot be reached or cannot hold the store; the message says what to do.
    """
    try:
        server = Server(
            place.url,
            place.keys,
            place.keys.index(place.index),
            wait_seconds=place.wait_seconds,
            durability=place.durability,
        )
    except ValueError as error:
        raise StoreUnavailable(UNREADABLE.format(place=place.shown, error=error)) from error
    try:
        await server.reach()
        await make_ready(server, place.vectors)
        await _warn_of_eviction(server)
    except BaseException:
        await server.close()
        raise
    return server


async def _warn_of_eviction(server: Server) -> None:
    """Say if the server will throw memories away when it has none left of its own."""
    told = await server.call("INFO", "memory")
    policy = str(told.get("maxmemory_policy", ""))
    if policy.startswith("allkeys"):
        logger.warning(
            "%s throws memories away when it is full (maxmemory-policy %s): use noeviction", server.place, policy
        )
