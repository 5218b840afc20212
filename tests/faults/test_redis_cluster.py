"""A store on a cluster follows its shard; a cluster that is named wrongly says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from redis import Redis

from mcp_memory.errors import StoreUnavailable
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import EVERYWHERE, candidates, entry, operation, vector
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.redis_cluster import Cluster, cluster, told
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    with redis_server.to_be_had(cluster(tmp_path, spare=1)) as running:
        yield running


def follow(replica: redis_server.Running, primary: redis_server.Running) -> None:
    """Make a node the replica of another one, and wait until it has all of it."""
    told(replica, "CLUSTER", "REPLICATE", told(primary, "CLUSTER", "MYID"))
    end = monotonic() + PATIENCE
    while told(replica, "INFO", "replication").get("master_link_status") != "up":
        assert monotonic() < end, "it does not follow"


def handed_on(primary: redis_server.Running, key: str) -> None:
    """Wait until a replica has all that was written until now."""
    with Redis.from_url(primary.url) as client:
        client.set(key, "")
        assert client.wait(1, PATIENCE * 1_000) == 1


async def test_a_store_goes_on_when_a_replica_takes_the_place_of_its_node(own_cluster: Cluster) -> None:
    """Also for a write that began while no node had its shard."""
    place = redis_server.place(own_cluster.url)
    primary, spare = own_cluster.holding(place.keys.schema), own_cluster.nodes[-1]
    follow(spare, primary)
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    await store.add([entry("tea", vector(1))], operation())
    handed_on(primary, f"{place.keys.before}mark")
    primary.kill()
    adding = asyncio.create_task(store.add([entry("milk", vector(0, 1))], operation()))
    assert told(spare, "CLUSTER", "FAILOVER", "TAKEOVER")
    assert [done.outcome for done in await adding] == ["stored"]
    assert await store.count(EVERYWHERE, ["tea", "milk"]) == 2
    assert len((await candidates(store, vector(1), nearest=9)).handles) == 2
    await store.close()


async def test_a_cluster_is_named_as_one_and_what_is_none_is_not(redis_cluster_url: str, redis_url: str) -> None:
    """Whichever node is asked."""
    address = redis_cluster_url.replace("+cluster", "")
    places = [redis_server.place(address) for _ in range(8)]
    elsewhere = [place for place in places if not await opens(place)]
    assert elsewhere
    with pytest.raises(StoreUnavailable, match=r"is one of a cluster .*begin REDIS_URL with redis\+cluster://"):
        await RedisStore(elsewhere[0], clock=StandingClock()).open()
    for url, words in (
        (f"{redis_url}?cluster=true", "is no cluster .*begin REDIS_URL with redis://"),
        (f"{redis_cluster_url}/1", "a cluster has database 0 only"),
        (redis_cluster_url.replace("://", "://ann:wrong@"), "refuses the user or password"),
        (f"redis+cluster://127.0.0.1:{free_port()}", "cannot be reached"),
    ):
        with pytest.raises(StoreUnavailable, match=words):
            await RedisStore(redis_server.place(url), clock=StandingClock()).open()
    for place in places:
        if place not in elsewhere:
            redis_server.erase(place)


async def test_a_user_who_may_not_ask_where_a_shard_is_is_told_so(own_cluster: Cluster) -> None:
    """And not that there were no cluster."""
    for node in own_cluster.nodes:
        with Redis.from_url(node.url) as client:
            client.acl_setuser("ann", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-cluster"])
    place = redis_server.place(own_cluster.url.replace("://", "://ann:any@"))
    with pytest.raises(StoreUnavailable, match=r"does not let this user do it .*cluster"):
        await RedisStore(place, clock=StandingClock()).open()


async def opens(place: Place) -> bool:
    store = RedisStore(place, clock=StandingClock())
    try:
        await store.open()
    except StoreUnavailable:
        return False
    await store.close()
    return True
