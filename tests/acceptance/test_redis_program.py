"""The program over a Redis: what its commands do over a file, they do over a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests import redis_server
from tests.acceptance.conftest import ENVELOPE
from tests.patience import PATIENCE
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.acceptance.conftest import Starter

Run: TypeAlias = Callable[..., str]


@pytest.fixture
def environment(environment: dict[str, str], redis_url: str) -> Iterator[dict[str, str]]:
    place = redis_server.place(redis_url)
    named = {"REDIS_URL": place.url, "REDISVL_INDEX_NAME": place.index, "REDISVL_INDEX_PREFIX": place.prefix}
    yield {name: value for name, value in environment.items() if name != "MEMORY_STORE_URL"} | named
    redis_server.erase(place)


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command and return what it prints."""

    def act(*words: str, code: int = 0, **more: str) -> str:
        command = [sys.executable, "-m", "mcp_memory", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", env=environment | more, cwd=tmp_path,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return act


def test_commands_remember_find_merge_take_back_and_erase(run: Run, tmp_path: Path) -> None:
    for fact in (
        "Ann drinks oolong tea",
        "The user prefers tea over coffee.",
        "The user would prefer tea over coffee.",
    ):
        run("remember", fact, "-n", "work")
    found = json.loads(run("search", "what tea does Ann drink", "--format", "json"))
    assert found["memories"][0]["text"] == "Ann drinks oolong tea"
    memory_id = found["memories"][0]["id"]
    run("edit", memory_id, "--text", "Ann drinks green tea")
    operations = json.loads(run("operations", "--format", "json"))["operations"]
    run("undo", operations[0]["id"])
    assert "oolong" in run("search", "oolong")
    assert "redis://127.0.0.1" in run("stats")
    run("compact")
    run("delete", "memory", memory_id, "--purge", "--force")
    run("export", "all.jsonl")
    assert "oolong" not in run("operations") + (tmp_path / "all.jsonl").read_text(encoding="utf-8")


def test_a_whole_store_moves_there_and_back(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    file = str(tmp_path / "memory.sqlite3")
    for number in range(2):
        run("--db", file, "remember", f"Fact {number} about the harbour", "-n", "work")
    assert "Compared: all 6 records" in run("copy", "--from", file, "--to", environment["REDIS_URL"])
    again = str(tmp_path / "again.sqlite3")
    assert "Compared: all 6 records" in run("copy", "--from", environment["REDIS_URL"], "--to", again)


def test_a_server_answers_over_it(start: Starter) -> None:
    wire = start()
    wire.call("create_long_term_memories", memories=[{"text": "The ferry leaves at nine"}])
    found = wire.call("search_long_term_memory", text="when does the ferry leave")
    assert "nine" in json.dumps(found)
    assert wire.leave()[0] == 0


def test_a_server_and_a_worker_wait_for_a_redis_that_is_started_with_them(start: Starter, tmp_path: Path) -> None:
    """As a composition of containers starts them; a command says at once that nobody is there."""
    folder = tmp_path / "redis"
    folder.mkdir()
    redis = redis_server.Running(folder, free_port(), redis_server.PASSING)
    worker = start(sys.executable, "-m", "mcp_memory", "task-worker", REDIS_URL=redis.url)
    assert worker.process.stderr
    assert f"waits up to 30 s for {redis.url}".encode() in worker.process.stderr.readline()
    wire = start(REDIS_URL=redis.url)
    wire.request(
        "tools/call", _meta=ENVELOPE, name="create_long_term_memories", arguments={"memories": [{"text": "T"}]}
    )
    try:
        redis.start()
        assert wire.receive()["result"]["structuredContent"]
        assert b"does the jobs of" in worker.process.stderr.readline()
    finally:
        redis.kill()


def test_what_is_wrong_with_the_address_is_one_line(run: Run) -> None:
    nobody = f"redis://ann:hunter2@127.0.0.1:{free_port()}"
    for url, words in ((nobody, "cannot be reached"), ("redis://nowhere.invalid", "a host that nobody knows")):
        said = run("stats", code=1, REDIS_URL=url).strip()
        assert (said.startswith("Error: redis://"), words in said, "hunter2" in said) == (True, True, False)
        assert "\n" not in said


@pytest.mark.parametrize("words", ["stats", "migrate-memories --from redis://localhost --db memory.sqlite3"])
def test_without_the_packages_it_says_how_to_get_them(run: Run, tmp_path: Path, words: str) -> None:
    """Planted where the driver would be."""
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'redis'\", name='redis')\n", encoding="utf-8"
    )
    path = f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"
    said = run(*words.split(), code=2, PYTHONPATH=path)
    assert 'pip install "mcp-memory[redis]"' in said
    assert "Traceback" not in said
