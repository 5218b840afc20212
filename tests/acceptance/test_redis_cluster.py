"""Programs that share a store on a Redis cluster of three nodes, named by several of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests import redis_server
from tests.patience import PATIENCE
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.acceptance.conftest import Starter

WORKER = (sys.executable, "-m", "mcp_memory", "task-worker")
Run: TypeAlias = Callable[..., str]


@pytest.fixture
def environment(environment: dict[str, str], redis_cluster_url: str) -> Iterator[dict[str, str]]:
    """The first of the hosts does not answer."""
    hosts = f"127.0.0.1:{free_port()},{redis_cluster_url.rpartition('/')[2]}"
    place = redis_server.place(redis_cluster_url)
    named = {"REDISVL_INDEX_NAME": place.index, "REDISVL_INDEX_PREFIX": place.prefix, "TASK_BACKEND": "worker"}
    yield {name: value for name, value in environment.items() if name != "MEMORY_STORE_URL"} | {
        "REDIS_URL": f"redis://{hosts}",
        **named,
    }
    redis_server.erase(place)


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command and return what it prints."""

    def act(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mcp_memory", *words], env=environment, cwd=tmp_path,
            capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return act


def test_a_server_a_worker_and_commands_share_a_store(run: Run, start: Starter, tmp_path: Path) -> None:
    """What one wrote the others find; a job that one put the worker does; what is erased is nowhere."""
    wire = start()
    texts = ["Ann drinks oolong tea", "Bob drinks tea", "Bob drinks tea"]
    memories = [{"text": text, "namespace": "work"} for text in texts]
    wire.call("create_long_term_memories", memories=memories, deduplicate=False)
    found = json.loads(run("search", "what tea does Ann drink", "--format", "json"))["memories"][0]
    assert found["text"] == texts[0]
    start(*WORKER)
    job = json.loads(run("schedule-task", "compact", "--format", "json"))["id"]
    run("jobs", "wait", job)
    assert json.loads(run("search", "--format", "json"))["total"] == 2
    run("undo", json.loads(run("operations", "--format", "json"))["operations"][0]["id"])
    assert wire.call("search_long_term_memory", text="tea")["total"] == 3
    assert "redis://127.0.0.1" in run("stats")
    assert "ci" in run("token", "add", "-d", "ci") + run("token", "list")
    run("delete", "memory", found["id"], "--purge", "--force")
    run("export", "all.jsonl")
    assert "oolong" not in run("operations") + (tmp_path / "all.jsonl").read_text(encoding="utf-8")
    assert wire.leave()[0] == 0
