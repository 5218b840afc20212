"""Let four servers and a worker share one file for a while, compaction running throughout, and count what went wrong.

    python benchmarks/soak.py [--seconds 600] [--servers 4]

Every server is a real one, spoken to over stdio. Each client tells facts, half of them again in other words, edits
some, and searches for what another one was just acknowledged. At the end every acknowledged fact and edit must be found
by its id, whatever it was merged into. Ends with exit code 1 if anything was lost, doubled, stale or refused.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.jobs import JobState
from mcp_memory.domain.requests import ListOperations
from mcp_memory.errors import MemoryNotFound
from mcp_memory.services.job_table import CompactLater
from mcp_memory.services.memory import Memory

SEARCHED_EVERY, EDITED_EVERY, REPEATED_EVERY = 2, 5, 2
NAMESPACES = 3
WORKER = (sys.executable, "-m", "mcp_memory", "task-worker", "--concurrency", "2")


@dataclass
class Ledger:
    """What was acknowledged, and what went wrong."""

    texts: dict[str, str] = field(default_factory=dict)
    """What must be found in the text of each id."""
    owners: dict[str, str] = field(default_factory=dict)
    """The namespace of each id."""
    newest: tuple[str, str] | None = None
    """Words and id of the last fact that anybody was acknowledged."""
    wrong: Counter[str] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=dict)

    def fault(self, what: str, detail: object) -> None:
        """Note and tell what went wrong."""
        self.wrong[what] += 1
        print(f"{what}: {detail}", file=sys.stderr)


class Teller:
    """One client of one server."""

    def __init__(self, number: int, client: Client, ledger: Ledger) -> None:
        self._number = number
        self._client = client
        self._ledger = ledger
        self._chance = random.Random(number)
        self._plain: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; an error is noted."""
        began = time.perf_counter()
        result = await self._client.call_tool(tool, arguments)
        self._ledger.took.setdefault(tool, []).append(time.perf_counter() - began)
        if result.is_error:
            self._ledger.fault("error", f"{tool}: {result.content}")
            return {}
        return dict(result.structured_content or {})

    async def tell(self, turn: int) -> None:
        """Tell a fact, and sometimes again in other words; sometimes edit, sometimes search."""
        word = f"w{self._number}x{turn}"
        text = f"Client {self._number} bought a lamp for room {word}"
        namespace = f"n{self._chance.randrange(NAMESPACES)}"
        new = [{"text": text}]
        if turn % REPEATED_EVERY == 0:
            new.append({"text": f"Client {self._number} bought the lamp for the room {word}."})
        memories = [one | {"namespace": namespace} for one in new]
        ids = (await self.call("create_long_term_memories", memories=memories)).get("ids", [])
        for memory_id in ids:
            self._ledger.texts[memory_id] = word
            self._ledger.owners[memory_id] = namespace
        if len(new) == 1:
            self._plain += ids
        elif ids:
            # Of what may be edited nobody knows for how long it is found by this word.
            self._ledger.newest = (word, ids[0])
        if turn % EDITED_EVERY == 0 and self._plain:
            await self._edit(self._plain.pop(self._chance.randrange(len(self._plain))), f"{word}edited")
        if turn % SEARCHED_EVERY == 0:
            await self._search()

    async def _edit(self, memory_id: str, word: str) -> None:
        text = f"Client {self._number} painted wall {word}"
        if await self.call("edit_long_term_memory", memory_id=memory_id, text=text):
            self._ledger.texts[memory_id] = word

    async def _search(self) -> None:
        word, memory_id = self._ledger.newest or ("", "")
        found = await self.call("search_long_term_memory", text=word, limit=5)
        if word and not any(word in hit["text"] for hit in found.get("memories", ())):
            self._ledger.fault("stale", f"{memory_id} ({word}) was acknowledged and not found")


async def tell(number: int, environment: dict[str, str], ledger: Ledger, until: float) -> int:
    """Use one server until the time is over; return how many facts were told."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory", "mcp"], env=environment)
    async with Client(stdio_client(server)) as client:
        teller = Teller(number, client, ledger)
        turn = 0
        while time.monotonic() < until:
            await teller.tell(turn)
            turn += 1
    return turn


async def keep_compacting(memory: Memory, ledger: Ledger, until: float) -> int:
    """Schedule one compaction after the other; return how many were done."""
    done = 0
    while time.monotonic() < until:
        job = await memory.jobs.schedule("compact", CompactLater())
        async for seen in memory.jobs.watch(job.id):
            job = seen
        if job.state is not JobState.SUCCEEDED:
            ledger.fault("job", f"{job.state}: {job.error}")
        done += 1
    return done


async def check(memory: Memory, ledger: Ledger) -> None:
    """Look for everything that was acknowledged."""
    for memory_id, word in ledger.texts.items():
        try:
            record = await memory.long_term.get(memory_id)
        except MemoryNotFound:
            ledger.fault("lost", f"{memory_id} ({word})")
            continue
        if word not in record.text:
            ledger.fault("lost", f"{memory_id}: {record.text!r} instead of {word}")
        if record.namespace != ledger.owners[memory_id]:
            ledger.fault("moved", f"{memory_id} is in {record.namespace}")


async def soak(folder: str, seconds: float, servers: int) -> Counter[str]:
    """Run, check and print; return what went wrong."""
    url = f"sqlite:///{Path(folder).as_posix()}/memory.sqlite3"
    environment = {**os.environ, "MEMORY_STORE_URL": url, "EMBEDDING_MODEL": "hashing", "LOG_LEVEL": "WARNING"}
    worker = await asyncio.create_subprocess_exec(*WORKER, env=environment)
    memory = await open_memory(read_settings(memory_store_url=url, embedding_model="hashing"))
    ledger, until = Ledger(), time.monotonic() + seconds
    try:
        turns = asyncio.gather(*(tell(n, environment, ledger, until) for n in range(servers)))
        compactions, told = await asyncio.gather(keep_compacting(memory, ledger, until), turns)
        await check(memory, ledger)
        operations = await memory.operations.list(ListOperations(limit=1))
        held = await memory.long_term.stats()
    finally:
        worker.terminate()
        await worker.wait()
        await memory.close()
    print(f"\n{servers} servers and a worker, {seconds:.0f} s: {sum(told):,} turns, {compactions:,} compactions,")
    print(f"{len(ledger.texts):,} memories acknowledged, {held.memories:,} left, {operations.total:,} operations\n")
    print("| call | calls | p50 ms | p95 ms |\n|---|---:|---:|---:|")
    for tool, took in sorted(ledger.took.items()):
        centiles = statistics.quantiles(took, n=20)
        print(f"| {tool} | {len(took):,} | {1e3 * statistics.median(took):.1f} | {1e3 * centiles[-1]:.1f} |")
    print(f"\nWrong: {dict(ledger.wrong) or 'nothing'}")
    if held.memories >= len(ledger.texts):
        ledger.fault("idle", "compaction merged nothing")
    return ledger.wrong


def main() -> None:
    """Soak as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--servers", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(soak(folder, asked.seconds, asked.servers))
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
