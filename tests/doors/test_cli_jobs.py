"""``schedule-task`` and ``jobs`` over a real store, as people and scripts call them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mcp_memory.bootstrap import open_memory, task_runner
from mcp_memory.config import read_settings
from mcp_memory.domain.jobs import Job, failed
from tests.doors.commands import printed, run

pytestmark = pytest.mark.usefixtures("new_store")

OLD = "agent_memory_server.long_term_memory.compact_long_term_memories"
NEW = "mcp_memory.long_term_memory.compact_long_term_memories"


def scheduled(*arguments: str) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(printed("schedule-task", *arguments, "--format", "json"))
    return job


def work(*ids: str) -> None:
    """Do these jobs, as a worker would."""

    async def act() -> None:
        settings = read_settings()
        memory = await open_memory(settings)
        for job_id in ids:
            await task_runner(settings, memory, concurrency=1).run(job_id)
        await memory.close()

    asyncio.run(act())


def make_fail(job_id: str) -> None:
    """Let the job have failed for good."""

    async def act() -> None:
        memory = await open_memory(read_settings())
        await memory.store.change_job(
            job_id, lambda job: failed(_running(job), job.attempts, "no room", job.created_at, for_good=True)
        )
        await memory.close()

    asyncio.run(act())


def _running(job: Job) -> Job:
    return Job.model_validate(job.model_dump() | {"state": "running"})


@pytest.mark.parametrize("path", [OLD, NEW, "compact"])
def test_compaction_is_scheduled_by_all_its_names(path: str) -> None:
    lines = printed("schedule-task", path).splitlines()
    assert lines[:2] == [f"Scheduling task {path} with arguments: {{}}", "Task scheduled successfully"]
    job_id = lines[2].removeprefix("Job: ")
    assert json.loads(printed("jobs", "show", job_id, "--format", "json"))["name"] == "compact"


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("limit=5", {"limit": 5}),
        ("compact_hash_duplicates=FALSE", {"compact_hash_duplicates": False}),
        ("vector_distance_threshold=0.25", {"vector_distance_threshold": 0.25}),
        ("vector_distance_threshold=1", {"vector_distance_threshold": 1.0}),
        ("namespace=007", {"namespace": "007"}),
        ("namespace=true", {"namespace": "true"}),
        ("namespace=a=b", {"namespace": "a=b"}),
        ('namespace="null"', {"namespace": "null"}),
        ("namespace=NULL", {}),
        ("session_id=-3", {"session_id": "-3"}),
    ],
)
def test_a_value_is_read_as_its_argument_needs_it(written: str, means: dict[str, Any]) -> None:
    lines = printed("schedule-task", NEW, "-a", written).splitlines()
    assert lines[0] == f"Scheduling task {NEW} with arguments: {means}"


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("limit=-3", "limit: Input should be greater than or equal to 1"),
        ("limit=[1, 2]", "limit: Input should be a valid integer"),
        ('namespace={"a": 1}', "namespace: Input should be a valid string"),
        ("namespace=[1", "[1 is not JSON: Expecting ',' delimiter at character 3"),
        (
            "colour=red",
            "compact does not take colour; it takes namespace, user_id, session_id, compact_hash_duplicates, ",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_one_line_and_exit_code_2(pair: str, complaint: str) -> None:
    result = run("schedule-task", "compact", "-a", pair)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {complaint}")
    assert result.stderr.count("\n") == 1


def test_an_argument_without_a_value_is_refused_as_before() -> None:
    result = run("schedule-task", OLD, "-a", "limit")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Invalid argument format: limit. Use key=value format.\n"


@pytest.mark.parametrize("path", ["os.remove", "mcp_memory.long_term_memory", "nope"])
def test_what_is_no_job_is_refused_and_the_jobs_are_listed(path: str) -> None:
    result = run("schedule-task", path, "-a", "path=x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {path} is no job. The jobs are:\n")
    assert all(name in result.stderr for name in (OLD, NEW, "compact: ", "expire: ", "optimise: "))


def test_a_job_scheduled_twice_is_one() -> None:
    first = scheduled(OLD, "-a", "namespace=work")
    assert scheduled(NEW, "-a", "namespace=work")["id"] == first["id"]
    assert scheduled(NEW, "-a", "namespace=home")["id"] != first["id"]


def test_jobs_are_listed_newest_first_with_their_progress() -> None:
    assert printed("jobs") == printed("jobs", "list") == "Found 0 jobs (showing 0):\n"
    assert printed("jobs", "--state", "failed", "-n", "home") == printed("jobs")
    assert json.loads(printed("jobs", "--format", "json"))["total"] == 0
    first, second = scheduled("optimise"), scheduled("compact", "-a", "namespace=work")
    work(first["id"])
    lines = printed("jobs").splitlines()
    assert lines[0] == "Found 2 jobs (showing 2):"
    assert [line.split()[:3] for line in lines[4:]] == [
        [second["id"], "compact", "queued"],
        [first["id"], "optimise", "succeeded"],
    ]
    assert "1 of 1 optimised" in lines[5]
    assert printed("jobs", "list", "-l", "1").endswith("\nMore results: --offset 1\n")
    for asked in (["-n", "work"], ["--state", "queued", "--state", "failed"], ["-l", "1"]):
        found = json.loads(printed("jobs", "list", *asked, "--format", "json"))
        assert [job["id"] for job in found["jobs"]] == [second["id"]]


def test_one_job_is_shown_whole() -> None:
    job = scheduled("compact", "-a", "namespace=work", "-a", "limit=7")
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in printed("jobs", "show", job["id"]).splitlines()}
    assert shown == {
        "Job": job["id"],
        "Name": "compact",
        "Arguments": '{"namespace": "work", "limit": 7}',
        "Namespace": "work",
        "State": "queued",
        "Attempts": "0 of 3",
        "Created": shown["Created"],
    }
    work(job["id"])
    assert "memories remaining after compaction" in printed("jobs", "show", job["id"])


def test_a_finished_job_is_not_waited_for_and_its_outcome_is_the_exit_code() -> None:
    job = scheduled("optimise")
    work(job["id"])
    assert "succeeded" in printed("jobs", "wait", job["id"])
    other = scheduled("expire")
    make_fail(other["id"])
    result = run("jobs", "wait", other["id"])
    assert result.exit_code == 1
    assert "no room" in result.stdout


def test_waiting_ends_after_its_time() -> None:
    job = scheduled("optimise")
    result = run("jobs", "wait", job["id"], "--timeout", "0.1")
    assert (result.exit_code, result.stderr) == (1, "After 0.1 seconds it is not finished.\n")
    assert "queued" in result.stdout


def test_a_job_is_cancelled_or_said_to_be_over() -> None:
    job = scheduled("optimise")
    assert printed("jobs", "cancel", job["id"]) == f"Cancelled: {job['id']}\n"
    assert json.loads(printed("jobs", "cancel", job["id"], "--format", "json"))["state"] == "cancelled"
    other = scheduled("expire")
    work(other["id"])
    assert printed("jobs", "cancel", other["id"]) == f"Already succeeded: {other['id']}\n"


def test_the_beginning_of_a_job_is_enough_where_it_names_one() -> None:
    one = scheduled("compact", "-a", "namespace=one")["id"]
    assert json.loads(printed("jobs", "show", one[:25], "--format", "json"))["id"] == one
    assert printed("jobs", "cancel", one[:25]) == f"Cancelled: {one}\n"
    assert run("jobs", "wait", one[:25]).stdout.startswith(f"Job        {one}\n")


@pytest.mark.parametrize("verb", ["show", "cancel", "wait"])
def test_a_job_that_is_not_in_the_scope_is_not_there(verb: str) -> None:
    job = scheduled("compact", "-a", "namespace=work")
    for arguments in (["none"], [job["id"], "-n", "home"]):
        result = run("jobs", verb, *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error: Job {arguments[0]} not found\n"


def test_a_worker_needs_a_store_that_keeps_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_STORE_URL", "ephemeral://")
    result = run("task-worker")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: MEMORY_STORE_URL: ephemeral://")


def test_a_worker_that_the_settings_do_not_want_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_DOCKET", "false")
    result = run("task-worker")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Docket is disabled in settings. Cannot run worker.")


@pytest.mark.parametrize("option", [["--concurrency", "0"], ["--redelivery-timeout", "0"]])
def test_a_worker_does_at_least_one_job_and_waits_at_least_a_second(option: list[str]) -> None:
    assert run("task-worker", *option).exit_code == 2
