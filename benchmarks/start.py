"""Start and idle: from spawn to the first answer, resident memory, and --help, beside a bare server of the same SDK.

    python3 make.py bench start [--rounds N]

Both servers are started in turn, so that whatever else the machine does falls on both; the figures are medians.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.raw_server import BARE, FIRST_REQUESTS, OURS, RawServer

TARGET_RATIO = 1.25
TARGET_MB = 90
TARGET_HELP_SECONDS = 0.15


def first_answer(command: Sequence[str], method: str) -> float:
    """Return the seconds from spawn to the first answer."""
    started = time.perf_counter()
    with RawServer(command) as server:
        server.ask(FIRST_REQUESTS[method])
        return time.perf_counter() - started


def idle_memory(command: Sequence[str]) -> tuple[float, float] | None:
    """Return the resident and the private megabytes after the first answer, where the system tells them."""
    with RawServer(command) as server:
        server.ask(FIRST_REQUESTS["server/discover"])
        table = Path(f"/proc/{server.process.pid}/smaps_rollup")
        if not table.exists():
            return None
        lines = table.read_text(encoding="utf-8").splitlines()[1:]
        sizes = {name: int(rest.split()[0]) for name, _, rest in map(partition, lines)}
        return sizes["Rss"] / 1024, (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024


def partition(line: str) -> tuple[str, str, str]:
    """Split a line of the kernel's table into name, colon and value."""
    return line.partition(":")


def run_time(command: Sequence[str]) -> float:
    """Return the seconds that a program takes from start to end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def verdict(*, met: bool) -> str:
    """Say whether a target was met."""
    return "met" if met else "MISSED"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="starts of each server for each request")
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores;")
    print(f"medians of {rounds} starts each, in turn\n")
    print(f"{'':<36}{'ours':>10}{'bare':>10}{'ratio':>8}  target")
    for method in FIRST_REQUESTS:
        first_answer(OURS, method), first_answer(BARE, method)
        pairs = [(first_answer(OURS, method), first_answer(BARE, method)) for _ in range(rounds)]
        ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{'spawn to answer: ' + method:<36}{ours * 1000:>7.0f} ms{bare * 1000:>7.0f} ms", end="")
        met = ours / bare <= TARGET_RATIO
        print(f"{ours / bare:>8.2f}  at most {TARGET_RATIO} x: {verdict(met=met)}", flush=True)
    ours_mb, bare_mb = idle_memory(OURS), idle_memory(BARE)
    if ours_mb and bare_mb:
        for name, mine, theirs in zip(("idle, resident", "idle, private"), ours_mb, bare_mb, strict=True):
            target = f"at most {TARGET_MB} MB: {verdict(met=mine <= TARGET_MB)}" if name == "idle, resident" else ""
            print(f"{name:<36}{mine:>7.1f} MB{theirs:>7.1f} MB{mine / theirs:>8.2f}  {target}")
    helped = [(run_time([*OURS[:-1], "--help"]), run_time([sys.executable, "-c", "pass"])) for _ in range(rounds)]
    helping, nothing = (statistics.median(column) for column in zip(*helped, strict=True))
    met = helping - nothing <= TARGET_HELP_SECONDS
    print(f"{'--help, and Python alone':<36}{helping * 1000:>7.0f} ms{nothing * 1000:>7.0f} ms{'':>8}", end="")
    print(f"  at most {TARGET_HELP_SECONDS * 1000:.0f} ms more: {verdict(met=met)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
