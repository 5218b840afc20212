"""Jobs: from enqueuing to the start with an idle worker, and what idle workers cost, beside a server without one.

    python3 make.py bench jobs [--rounds N] [--seconds S]

The worker and the servers are real processes over one new store. Processor time is what the system counts for the
process between two moments, in thousandths of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.raw_server import FIRST_REQUESTS, OURS, RawServer
from benchmarks.tables import Report, table
from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.jobs import JobState
from mcp_memory.domain.requests import ListJobs
from mcp_memory.services.job_table import Whole
from mcp_memory.services.memory import Memory

WORKER = (*OURS[:-1], "task-worker")
TARGET_MS = 100
SETTLING_SECONDS = 8.0
"""In which a process has begun and done its periodic jobs, and its embedded worker has been idle for long enough."""
FIRST_USE = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": FIRST_REQUESTS["server/discover"]["params"]
    | {"name": "get_working_memory", "arguments": {"session_id": "none"}},
}


@contextmanager
def worker(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker, and end it."""
    with subprocess.Popen(WORKER, env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def server(environment: Mapping[str, str], backend: str) -> Iterator[int]:
    """Start a server that has opened its store, and end it."""
    with RawServer((*OURS, "--task-backend", backend), environment) as started:
        started.ask(FIRST_USE)
        yield started.process.pid


def used(pid: int) -> float:
    """Return the seconds of processor time that a process has used; nothing where the system does not tell."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wakeups(pid: int) -> int:
    """Return how often the threads of a process have gone to sleep by themselves."""
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        lines = dict(line.partition(":")[::2] for line in status.read_text(encoding="utf-8").splitlines())
        found += int(lines["voluntary_ctxt_switches"])
    return found


def idle(pids: Mapping[str, int], seconds: float) -> dict[str, Report]:
    """Return what the processes use while nothing happens."""
    before = {name: (used(pid), wakeups(pid)) for name, pid in pids.items()}
    time.sleep(seconds)
    return {
        name: {
            "CPU, of a core": f"{(used(pid) - before[name][0]) / seconds:.2%}",
            "wakeups a second": (wakeups(pid) - before[name][1]) / seconds,
        }
        for name, pid in pids.items()
    }


async def delays(memory: Memory, rounds: int) -> list[float]:
    """Return the milliseconds from the call that schedules a job to its start, one job after the other."""
    found: list[float] = []
    for _ in range(rounds):
        # Apart from each other by uneven times, so that no rhythm of the worker's is met.
        await asyncio.sleep(0.1 + 0.037 * (len(found) % 7))
        job = await memory.jobs.schedule("optimise", Whole())
        seen = await memory.jobs.wait(job.id)
        if seen.started_at is not None and seen.state is JobState.SUCCEEDED:
            found.append((seen.started_at - job.created_at).total_seconds() * 1000)
    return found


async def measured(rounds: int) -> list[float]:
    """Return the delays of jobs that this process schedules."""
    memory = await open_memory(read_settings())
    try:
        for job in (await memory.jobs.list(ListJobs())).jobs:
            await memory.jobs.wait(job.id)
        return await delays(memory, rounds)
    finally:
        await memory.close()


def row(found: Sequence[float]) -> Report:
    """Return the median and the 95th percentile."""
    return {"p50 ms": statistics.median(found), "p95 ms": statistics.quantiles(found, n=20)[-1], "jobs": len(found)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50, help="jobs that are scheduled")
    parser.add_argument("--seconds", type=float, default=30, help="for which idle processes are watched")
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"MEMORY_STORE_URL": f"sqlite:///{Path(folder) / 'memory.db'}", "EMBEDDING_MODEL": "hashing"}
        os.environ.update(environment)
        with worker(environment):
            started = row(asyncio.run(measured(given.rounds)))
        with server(environment, "embedded"):
            time.sleep(SETTLING_SECONDS)
            beside = row(asyncio.run(measured(given.rounds)))
        print(table({"task-worker": started, "embedded": beside}))
        met = float(started["p50 ms"]) < TARGET_MS
        print(f"\ntask-worker at most {TARGET_MS} ms: {'met' if met else 'MISSED'}\n")
        with (
            worker(environment) as process,
            server(environment, "embedded") as embedded,
            server(environment, "worker") as alone,
        ):
            time.sleep(SETTLING_SECONDS)
            pids = {"task-worker": process.pid, "server, embedded worker": embedded, "server, none": alone}
            print(table(idle(pids, given.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
