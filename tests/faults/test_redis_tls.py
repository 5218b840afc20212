"""Over TLS: what is trusted works, and what is not is said with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.errors import StoreUnavailable
from mcp_memory.queues.redis import RedisQueue
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.certificates import ELSEWHERE, Certificate, signed
from tests.contracts.entries import EVERYWHERE, candidates, entry, operation, vector
from tests.redis_cluster import cluster
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return signed(tmp_path / "certificate")


@pytest.fixture
def running(tmp_path: Path, certificate: Certificate) -> Iterator[redis_server.Running]:
    with redis_server.to_be_had(redis_server.server(tmp_path, secured=certificate)) as made:
        yield made


async def works(place: Place) -> None:
    """Write and find; by several connections at once, and by the queue."""
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    await store.add([entry("tea", vector(1)), entry("milk", vector(0, 1))], operation())
    assert await store.count(EVERYWHERE, ["tea"]) == 1
    assert len((await candidates(store, vector(1), ("tea",), nearest=9)).handles) == 2
    await store.close()
    queue = RedisQueue(place.plain_url, place.queue, place.nodes)
    await queue.enqueue("a job")
    assert await queue.waiting() == 1
    await queue.close()


async def refused(url: str, words: str) -> None:
    with pytest.raises(StoreUnavailable, match=words):
        await RedisStore(Place(url, wait_seconds=0), clock=StandingClock()).open()


async def test_a_server_with_a_trusted_certificate_is_used(running: redis_server.Running) -> None:
    await works(Place(running.url))


async def test_a_cluster_with_trusted_certificates_is_used(tmp_path: Path, certificate: Certificate) -> None:
    with redis_server.to_be_had(cluster(tmp_path, secured=certificate)) as running:
        await works(Place(running.url))


async def test_a_program_shows_its_own_certificate_where_one_is_asked_for(
    tmp_path: Path, certificate: Certificate
) -> None:
    """Whether the server's alert arrives before the end of the connection, or the end before it."""
    with redis_server.to_be_had(redis_server.server(tmp_path, secured=certificate)) as running:
        with redis_server.client_of(Place(running.url)) as client:
            client.config_set("tls-auth-clients", "yes")
        await refused(running.url, "ssl_certfile and ssl_keyfile")
        own = f"&ssl_certfile={certificate.certificate}&ssl_keyfile={certificate.key}"
        await works(Place(running.url + own))


async def test_a_certificate_of_another_authority_is_refused(running: redis_server.Running, tmp_path: Path) -> None:
    """That of the system, and one that was named."""
    address = running.url.partition("?")[0]
    for url in (address, f"{address}?ssl_ca_certs={signed(tmp_path / 'other').authority}"):
        await refused(url, r"not trusted .*add \?ssl_ca_certs=FILE to REDIS_URL")


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    with redis_server.to_be_had(
        redis_server.server(tmp_path, secured=signed(tmp_path / "elsewhere", ELSEWHERE))
    ) as running:
        await refused(running.url, "not trusted .*use the host name that it was made for")


async def test_a_file_that_is_not_there_is_said(running: redis_server.Running) -> None:
    await refused(f"{running.url}.missing", "names a file that is not there")


async def test_a_server_that_speaks_tls_is_asked_in_the_clear(running: redis_server.Running) -> None:
    await refused(f"redis://127.0.0.1:{running.port}", "REDIS_URL begins with rediss://")


async def test_a_server_that_speaks_no_tls_is_asked_to(redis_url: str) -> None:
    """It takes the greeting for a command that has no end yet."""
    url = f"{redis_url.replace('redis://', 'rediss://')}?socket_connect_timeout=1"
    await refused(url, "did not take the connection in time .* speaks TLS if it begins with rediss://")
