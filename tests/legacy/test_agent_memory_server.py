"""What agent-memory-server 0.15 left in Redis is taken over whole, by the command that its documentation names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.cluster import RedisCluster

from mcp_memory.cli.main import cli
from mcp_memory.stores.redis.connecting import Place
from tests.legacy.layout import fill
from tests.redis_server import Running, erase, server

Run: TypeAlias = Callable[..., Result]
PLAIN = 450
"""Memories beside the telling ones: more than are read at a time."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Any:
    """A server of its own, since that program knows only one store on each; ``redis_url`` says whether there can be."""
    assert redis_url
    with server(tmp_path_factory.mktemp("redis")) as started:
        yield started


def filled(url: str, plain: int) -> None:
    async def act() -> None:
        async with AsyncRedis.from_url(url) as redis:
            await fill(redis, plain=plain)

    asyncio.run(act())


@pytest.fixture
def old(running: Running) -> Iterator[Redis]:
    """The Redis of the old server, filled."""
    redis = Redis.from_url(running.url)
    redis.flushall()
    filled(running.url, PLAIN)
    yield redis
    redis.close()


@pytest.fixture(autouse=True)
def nothing_set(empty_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments, prog_name="agent-memory")

    return invoke


def said(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def found(run: Run, *arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said(run("search", "--format", "json", *arguments)))
    return answer


@pytest.fixture(params=["in place", "into a file"])
def place(request: pytest.FixtureRequest, running: Running, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that name the old server: none where its Redis is the store of the new one, too."""
    if request.param == "in place":
        monkeypatch.setenv("REDIS_URL", running.url)
        return []
    monkeypatch.setenv("MEMORY_STORE_URL", "sqlite:///memory.sqlite3")
    return ["--from", running.url]


def contents(redis: Redis) -> dict[bytes, object]:
    """Return what the old server keeps, to be compared."""
    keys = [key for key in redis.scan_iter(count=1_000) if not key.startswith(b"mcp-memory")]
    return {key: redis.dump(key) for key in keys}


def test_everything_is_taken_over_once_and_nothing_is_changed_there(old: Redis, run: Run, place: list[str]) -> None:
    before = contents(old)
    dry = said(run("migrate-memories", "--dry-run", *place)).splitlines()
    assert "Would import 453 memories and 3 sessions." in dry
    assert found(run)["total"] == 0
    lines = said(run("migrate-memories", *place)).splitlines()
    assert "Imported 453 memories and 3 sessions." in lines
    assert "Could not be read: 2." in lines
    assert any(line.startswith("  memory_idx:gone: ") for line in lines)
    assert any(line.startswith("Not taken over: 1 access token") for line in lines)
    assert found(run)["total"] == 453
    again = said(run("migrate-memories", *place)).splitlines()
    assert ("Imported 0 memories and 0 sessions." in again, "Here already: 456." in again) == (True, True)
    assert contents(old) == before


def test_a_memory_is_what_it_was(old: Redis, run: Run, place: list[str]) -> None:
    said(run("migrate-memories", *place))
    (tea,) = [hit for hit in found(run, "green tea", "-u", "ann")["memories"] if hit["id"] == "01TEA"]
    assert {
        name: tea[name] for name in ("text", "namespace", "session_id", "topics", "entities", "pinned", "metadata")
    } == {
        "text": "User drinks green tea in the morning",
        "namespace": "work",
        "session_id": "chat:1",
        "topics": ["drinks", "morning"],
        "entities": ["User"],
        "pinned": True,
        "metadata": {"from": "chat"},
    }
    assert (tea["created_at"], tea["event_date"]) == ("2025-03-04T05:06:07.250000Z", "2024-12-24T18:00:00Z")
    assert (tea["extracted_from"], tea["access_count"] >= 7) == (["01A", "01B"], True)
    (bobs,) = found(run, "-u", "bob")["memories"]
    assert (bobs["id"], bobs["text"]) == ("01TEA", "Bob's memory of the same id")
    (message,) = found(run, "long ago", "--limit", "1")["memories"]
    assert (message["id"], message["memory_type"]) == ("01OLD", "message")
    assert old.exists("memory_idx:01TEA")


def test_what_was_deleted_since_stays_deleted_and_the_rest_can_be_taken_back(
    old: Redis, run: Run, place: list[str]
) -> None:
    undo = said(run("migrate-memories", *place)).splitlines()
    said(run("delete", "memory", "P7", "P8", "--force"))
    assert "Imported 0 memories and 0 sessions." in said(run("migrate-memories", *place)).splitlines()
    assert found(run)["total"] == 451
    (line,) = [line for line in undo if line.startswith("Undo: ")]
    said(run(*line.removeprefix("Undo: agent-memory ").split()))
    assert found(run)["total"] == 0
    assert old.exists("memory_idx:P7")


@pytest.mark.usefixtures("old")
def test_what_came_since_is_taken_over_by_the_next_run(running: Running, run: Run, place: list[str]) -> None:
    said(run("migrate-memories", *place))
    filled(running.url, PLAIN + 5)
    assert "Imported 5 memories and 0 sessions." in said(run("migrate-memories", *place)).splitlines()


def test_sessions_keep_their_messages_and_their_time_to_live(old: Redis, run: Run, place: list[str]) -> None:
    said(run("migrate-memories", *place))
    listed = said(run("sessions"))
    assert [name for name in ("chat:1", "chat", "before") if name in listed] == ["chat:1", "chat", "before"]
    assert old.exists("working_memory:chat")


def test_a_server_that_is_not_there_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_STORE_URL", "sqlite:///memory.sqlite3")
    refused = run("migrate-memories", "--from", "redis://:hidden@127.0.0.1:1/0")
    assert (refused.exit_code, "cannot be reached" in refused.stderr, "hidden" in refused.stderr) == (1, True, False)


@pytest.fixture
def on_cluster(redis_cluster_url: str) -> Iterator[str]:
    """A cluster whose nodes hold what the old server left, each a part."""
    place = Place(redis_cluster_url)

    async def act() -> None:
        async with AsyncRedisCluster.from_url(place.plain_url) as redis:
            await fill(redis, plain=PLAIN)

    asyncio.run(act())
    yield redis_cluster_url
    erase(place)
    with RedisCluster.from_url(place.plain_url) as redis:
        for key in list(redis.scan_iter(count=1_000)):
            redis.delete(key)


def test_everything_is_taken_over_from_all_nodes_of_a_cluster(
    on_cluster: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", on_cluster)
    assert "Would import 453 memories and 3 sessions." in said(run("migrate-memories", "--dry-run")).splitlines()
    assert "Imported 453 memories and 3 sessions." in said(run("migrate-memories")).splitlines()
    assert found(run)["total"] == 453
    assert "Here already: 456." in said(run("migrate-memories")).splitlines()
