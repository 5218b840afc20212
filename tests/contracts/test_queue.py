"""The promises of ``ports.TaskQueue``, kept by every queue."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis

from mcp_memory.errors import QueueUnavailable
from mcp_memory.ports.jobs import TaskQueue
from mcp_memory.queues.huey import HueyQueue
from mcp_memory.queues.inline import InlineQueue
from mcp_memory.queues.on_demand import QueueOnDemand
from mcp_memory.queues.redis import RedisQueue
from mcp_memory.stores.redis.connecting import Place
from tests import redis_server
from tests.patience import PATIENCE
from tests.ports import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3.queue"


@pytest.fixture
def key(redis_url: str) -> Iterator[str]:
    """A list in Redis of this test alone."""
    name = redis_server.place(redis_url).queue
    yield name
    with Redis.from_url(redis_url) as client:
        client.delete(name)


@pytest.fixture
def on_cluster(redis_cluster_url: str) -> Iterator[Place]:
    place = redis_server.place(redis_cluster_url)
    yield place
    with redis_server.client_of(place) as client:
        client.delete(place.queue)


@pytest.fixture(params=["inline", "huey", "on demand", "redis", "redis cluster"])
async def queue(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[TaskQueue]:
    made: TaskQueue
    if request.param == "inline":
        made = InlineQueue()
    elif request.param == "redis":
        made = RedisQueue(request.getfixturevalue("redis_url"), request.getfixturevalue("key"))
    elif request.param == "redis cluster":
        place: Place = request.getfixturevalue("on_cluster")
        made = RedisQueue(place.plain_url, place.queue, place.nodes)
    elif request.param == "huey":
        made = HueyQueue(path)
    else:
        made = QueueOnDemand(lambda: HueyQueue(path))
    yield made
    await made.close()


class Desk:
    """Runs what it is handed, and lets a test see and hold it."""

    def __init__(self, expected: int, *, held: bool = False) -> None:
        self.seen: list[str] = []
        self.at_once = 0
        self.most = 0
        self.let_go = asyncio.Event()
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self._expected = expected
        self._done = 0
        if not held:
            self.let_go.set()

    async def run(self, job_id: str) -> None:
        self.seen.append(job_id)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.begun.set()
        await self.let_go.wait()
        self.at_once -= 1
        self._done += 1
        if self._done == self._expected:
            self.ended.set()


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


async def test_what_was_enqueued_before_and_after_is_run_once_in_order(queue: TaskQueue) -> None:
    """``enqueue``: to one worker; ``waiting``: what no worker has taken yet."""
    desk = Desk(4)
    await queue.enqueue("a")
    await queue.enqueue("b")
    assert await queue.waiting() == 2
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await queue.enqueue("c")
        await queue.enqueue("d")
        await soon(desk.ended)
    assert desk.seen == ["a", "b", "c", "d"]
    assert await queue.waiting() == 0


async def test_so_many_run_at_once(queue: TaskQueue) -> None:
    """``consuming``: ``concurrency``."""
    desk = Desk(6)
    for number in range(6):
        await queue.enqueue(str(number))
    both = asyncio.Barrier(2)

    async def run(job_id: str) -> None:
        desk.at_once += 1
        desk.most = max(desk.most, desk.at_once)
        await both.wait()
        desk.at_once -= 1
        await desk.run(job_id)

    async with queue.consuming(run, concurrency=2, poll_seconds=0.01):
        await soon(desk.ended)
    assert desk.most == 2
    assert sorted(desk.seen) == list("012345")


async def test_at_the_end_what_runs_is_waited_for_and_what_waits_stays(queue: TaskQueue) -> None:
    """``consuming``: no more are taken."""
    desk = Desk(1, held=True)
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await queue.enqueue("runs")
        await soon(desk.begun)
        await queue.enqueue("waits")
        asyncio.get_running_loop().call_later(0.05, desk.let_go.set)
    assert desk.ended.is_set()
    assert desk.seen == ["runs"]
    assert await queue.waiting() == 1


async def test_a_queue_can_be_consumed_again(queue: TaskQueue) -> None:
    """``consuming``."""
    for name in "ab":
        desk = Desk(1)
        async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
            await queue.enqueue(name)
            await soon(desk.ended)
        assert desk.seen == [name]


async def reaches_one(first: TaskQueue, second: TaskQueue) -> None:
    """Every id reaches one of two queues, whichever it was handed to."""
    desk = Desk(20)
    async with (
        first.consuming(desk.run, concurrency=2, poll_seconds=0.001),
        second.consuming(desk.run, concurrency=2, poll_seconds=0.001),
    ):
        for number in range(20):
            await (first, second)[number % 2].enqueue(str(number))
        await soon(desk.ended)
    assert sorted(desk.seen, key=int) == [str(number) for number in range(20)]
    await first.close()
    await second.close()


async def test_an_id_reaches_one_of_two_processes(path: Path) -> None:
    """Two queues over one file, as two processes have them."""
    await reaches_one(HueyQueue(path), HueyQueue(path))


async def test_an_id_reaches_one_of_two_machines(redis_url: str, key: str) -> None:
    """Two queues over one list in Redis."""
    await reaches_one(RedisQueue(redis_url, key), RedisQueue(redis_url, key))


async def test_messages_in_redis_are_ids_as_json_and_what_is_not_is_dropped(redis_url: str, key: str) -> None:
    """No pickle, which would run code of whoever can write there."""
    queue, desk = RedisQueue(redis_url, key), Desk(1)
    with Redis.from_url(redis_url) as client:
        client.lpush(key, b"\x80\x04\x95.", b"[]")
        await queue.enqueue("mine")
        assert client.lindex(key, 0) == b'{"job": "mine"}'
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await soon(desk.ended)
    assert desk.seen == ["mine"]
    await queue.close()


async def test_a_server_that_is_not_there_is_said(key: str) -> None:
    """QueueUnavailable, without the password."""
    port = free_port()
    queue = RedisQueue(f"redis://:hunter2@127.0.0.1:{port}", key)
    with pytest.raises(QueueUnavailable, match="cannot be used") as caught:
        await queue.enqueue("a")
    assert "hunter2" not in str(caught.value)
    await queue.close()
    with pytest.raises(QueueUnavailable, match="cannot be used") as caught:
        RedisQueue(f"redis://:hunter2@127.0.0.1:{port}", key, [("127.0.0.1", port)])
    assert "hunter2" not in str(caught.value)


def enqueue_from_afar(path: Path) -> None:
    program = f"""
import asyncio, pathlib
from mcp_memory.queues.huey import HueyQueue
asyncio.run(HueyQueue(pathlib.Path({str(path)!r})).enqueue("from afar"))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)


async def test_what_waits_outlives_the_process(path: Path) -> None:
    """Another process enqueued it and is gone."""
    enqueue_from_afar(path)
    queue, desk = HueyQueue(path), Desk(1)
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await soon(desk.ended)
    assert desk.seen == ["from afar"]
    await queue.close()


async def test_a_message_is_an_id_as_json_and_nothing_else(path: Path) -> None:
    """No pickle, which would run code of whoever can write the file."""
    queue = HueyQueue(path)
    await queue.enqueue("01ABC")
    await queue.close()
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT data FROM task").fetchall()
    connection.close()
    assert [bytes(data) for (data,) in rows] == [b'{"job": "01ABC"}']


async def test_a_message_of_somebody_else_is_dropped_and_the_next_is_run(path: Path) -> None:
    """Whatever stands in it."""
    queue, desk = HueyQueue(path), Desk(1)
    connection = sqlite3.connect(path)
    for data in (b"\x80\x04\x95.", b"[]", b'{"job": "' + b"x" * 9_999 + b'"}'):
        connection.execute("INSERT INTO task (queue, data, priority) VALUES ('jobs', ?, 1)", (data,))
    connection.commit()
    connection.close()
    await queue.enqueue("mine")
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await soon(desk.ended)
    assert desk.seen == ["mine"]
    await queue.close()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
async def test_the_files_are_for_this_user_only(path: Path) -> None:
    queue = HueyQueue(path)
    await queue.enqueue("a")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    await queue.close()


@pytest.fixture
def damaged(path: Path) -> Path:
    path.write_bytes(b"this is no database, but long enough to look like one" * 99)
    return path


async def test_a_damaged_file_is_begun_anew(damaged: Path) -> None:
    """It holds nothing that the jobs' store does not know."""
    queue, desk = HueyQueue(damaged), Desk(1)
    await queue.enqueue("a")
    async with queue.consuming(desk.run, concurrency=1, poll_seconds=0.01):
        await soon(desk.ended)
    await queue.close()


async def test_a_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """QueueUnavailable."""
    with pytest.raises(QueueUnavailable, match="nowhere"):
        HueyQueue(tmp_path / "nowhere" / "memory.queue")
    with pytest.raises(QueueUnavailable, match="cannot be used"):
        HueyQueue(tmp_path)


async def test_a_queue_is_made_at_the_first_need_and_once(path: Path) -> None:
    """``QueueOnDemand``."""
    made = []

    def make() -> TaskQueue:
        made.append(HueyQueue(path))
        return made[-1]

    queue = QueueOnDemand(make)
    await queue.close()
    assert not made
    await asyncio.gather(*(queue.enqueue(str(number)) for number in range(5)))
    assert (len(made), await queue.waiting()) == (1, 5)
    await queue.close()
