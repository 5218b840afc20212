"""Print what one request costs a program: the real sidecar, over HTTP, with and without tokens; then very many at once.

    python benchmarks/rest.py [--memories 2000] [--requests 200] [--clients 200] [--each 5]

Requests to both servers take turns, so that what else the machine does weighs on both alike. The client writes and
reads bare HTTP/1.1 over connections that stay open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.stdio import BATCH, questions, texts

PROGRAM = [sys.executable, "-m", "mcp_memory"]
SEARCH = "/v1/long-term-memory/search"


class Wire:
    """One connection, over which one request after the other is answered."""

    def __init__(self, address: str, token: str | None) -> None:
        self._place = urlsplit(address)
        self._shown = "" if token is None else f"Authorization: Bearer {token}\r\n"

    async def open(self) -> Wire:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        return self

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, float]:
        """Return the status of the answer and the milliseconds that it took."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._place.netloc}\r\n{self._shown}"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        began = time.perf_counter()
        self._writer.write(head.encode() + content)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", answered, flags=re.IGNORECASE)
        await self._reader.readexactly(int(length[1]) if length else 0)
        return int(answered.split()[1]), (time.perf_counter() - began) * 1e3

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[str]:
    """Run a sidecar at a free port and yield its address."""
    with subprocess.Popen(
        [*PROGRAM, "api", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as server:
        assert server.stderr  # noqa: S101 -- it was asked for
        try:
            for line in server.stderr:
                if found := re.search(r"serves REST at (\S+)/v1", line):
                    break
            else:
                sys.exit("The server did not start.")
            # The log goes on, and somebody has to read it.
            drain = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=server.stderr)
            yield found[1]
        finally:
            server.terminate()
            server.wait()
            drain.wait()


def environment_of(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a server with a store of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"MEMORY_STORE_URL": f"sqlite:///{folder.as_posix()}/memory.sqlite3", "LOG_LEVEL": "INFO"} | settings


def token_for(environment: Mapping[str, str]) -> str:
    """Make a token and return its secret."""
    command = [*PROGRAM, "token", "add", "-d", "benchmark", "--format", "json"]
    made = subprocess.run(command, env=environment, check=True, capture_output=True)
    return str(json.loads(made.stdout)["token"])


async def fill(wire: Wire, memories: int) -> None:
    """Store memories."""
    rows = [
        {"id": f"m{place}", "text": text, "namespace": f"n{place % 100}"} for place, text in enumerate(texts(memories))
    ]
    for at in range(0, memories, BATCH):
        await wire.ask("POST", "/v1/long-term-memory", {"memories": rows[at : at + BATCH]})


async def one_after_the_other(wires: Mapping[str, Wire], requests: int) -> None:
    """Print what requests cost one client."""
    asked: dict[str, list[tuple[str, str, Any]]] = {
        "health": [("GET", "/v1/health", None)] * requests,
        "get a memory": [("GET", f"/v1/long-term-memory/m{place}", None) for place in range(requests)],
        "search": [("POST", SEARCH, {"text": question}) for question in questions(requests)],
        "search, one namespace of 100": [
            ("POST", SEARCH, {"text": question, "namespace": {"eq": "n7"}}) for question in questions(requests)
        ],
    }
    print(f"| request | {' | '.join(f'{name}: p50 ms | p95 ms' for name in wires)} | more at p50, ms |")
    print("|---" + "|---:" * (2 * len(wires) + 1) + "|")
    for name, several in asked.items():
        times: dict[str, list[float]] = {server: [] for server in wires}
        for request in several:
            for server, wire in wires.items():
                times[server].append((await wire.ask(*request))[1])
        cells = [
            f"{statistics.median(took):.2f} | {statistics.quantiles(took, n=20)[-1]:.2f}" for took in times.values()
        ]
        first, *others = map(statistics.median, times.values())
        print(f"| {name} | {' | '.join(cells)} | {' '.join(f'{other - first:+.2f}' for other in others)} |")


async def all_at_once(addresses: Mapping[str, tuple[str, str | None]], clients: int, each: int) -> None:
    """Print what searches cost when very many clients ask at once."""
    print(f"\n{clients} clients, each with {each} searches, one after the other\n")
    print("| server | searches/s | p50 ms | p99 ms | slowest ms | answers |\n|---|---:|---:|---:|---:|---|")
    for name, (address, token) in addresses.items():
        wires = [await Wire(address, token).open() for _ in range(clients)]
        began = time.perf_counter()
        told = await asyncio.gather(*(_several(wire, each, place) for place, wire in enumerate(wires)))
        took = time.perf_counter() - began
        times = [milliseconds for several in told for _, milliseconds in several]
        statuses = Counter(status for several in told for status, _ in several)
        centiles = statistics.quantiles(times, n=100)
        answers = ", ".join(f"{count:,} of {status}" for status, count in sorted(statuses.items()))
        print(
            f"| {name} | {len(times) / took:,.0f} | {statistics.median(times):,.0f} | {centiles[-1]:,.0f} "
            f"| {max(times):,.0f} | {answers} |"
        )
        for wire in wires:
            wire.close()


async def _several(wire: Wire, each: int, place: int) -> list[tuple[int, float]]:
    mine = list(questions(each * (place % 7 + 1)))[-each:]
    return [await wire.ask("POST", SEARCH, {"text": question}) for question in mine]


async def measure(asked: argparse.Namespace, addresses: Mapping[str, tuple[str, str | None]]) -> None:
    """Fill both servers, ask, and print."""
    wires = {name: await Wire(address, token).open() for name, (address, token) in addresses.items()}
    for wire in wires.values():
        await fill(wire, asked.memories)
    print(f"\n{asked.memories:,} memories in 100 namespaces; one client\n")
    await one_after_the_other(wires, asked.requests)
    await all_at_once(addresses, asked.clients, asked.each)


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("memories", 2_000), ("requests", 200), ("clients", 200), ("each", 5)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        protected = environment_of(Path(other), AUTH_MODE="token")
        token = token_for(protected)
        with serving(environment_of(Path(one))) as plain, serving(protected) as guarded:
            asyncio.run(measure(asked, {"disabled": (plain, None), "token": (guarded, token)}))


if __name__ == "__main__":
    main()
