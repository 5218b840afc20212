"""Print what it costs to know a caller by a token, with one token kept and with many; nothing here is a test.

    python benchmarks/auth.py [--tokens 10000]

Over the embedded store. "first" is the first time that a process sees a token, when its bcrypt hash is checked; then
the process remembers for a while that the secret fits, and looks the token up in the store at each request.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.tables import Report, table
from mcp_memory.auth.attempts import Attempts
from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.auth.tokens import TokenAuthenticator
from mcp_memory.domain.tokens import Token, lookup_of
from mcp_memory.errors import NotAuthenticated
from mcp_memory.machine import new_ids, now
from mcp_memory.ports.store import Store
from mcp_memory.services.tokens import AddToken, Tokens
from mcp_memory.stores.sqlite.store import SqliteStore

CALLS, ROUNDS = 200, 9
_peers = count(1)


async def fill(store: Store, tokens: int) -> None:
    """Keep so many tokens; one hash stands for all, since nobody shows their secrets."""
    token_hash = await BcryptSecrets().hashed("nobody shows this one, so any hash will do")
    new_id = new_ids()
    for number in range(tokens):
        name = f"token {number}"
        await store.add_token(
            Token(id=new_id(), description=name, lookup=lookup_of(name), token_hash=token_hash, created_at=now())
        )


async def cost(act: Callable[[], Awaitable[object]], calls: int) -> tuple[float, float]:
    """Return the medians of milliseconds that one call takes: by the clock, and of the processor."""
    wall, cpu = [], []
    for _ in range(calls):
        began, used = time.perf_counter(), time.process_time()
        await act()
        cpu.append((time.process_time() - used) * 1_000)
        wall.append((time.perf_counter() - began) * 1_000)
    return statistics.median(wall), statistics.median(cpu)


@asynccontextmanager
async def door_among(tokens: int) -> AsyncIterator[tuple[TokenAuthenticator, str]]:
    """Yield what lets callers in where so many tokens are kept, and a secret that it knows."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "memory.sqlite3"), clock=now)
        await store.open()
        await fill(store, tokens - 1)
        secret = (await Tokens(store, BcryptSecrets, now, new_ids()).add(AddToken(description="measured"))).secret
        door = TokenAuthenticator(store, BcryptSecrets(), now, Attempts(now))
        yield door, secret
        await door.close()
        await store.close()


async def refused(door: TokenAuthenticator) -> None:
    """Show what nobody knows."""
    try:
        # From a new address each time: how a peer that fails often is slowed is not what is measured.
        await door.identify("x" * 43, f"192.0.2.{next(_peers)}")
    except NotAuthenticated:
        return
    raise AssertionError("an unknown token was let in")


async def measure(sizes: Sequence[int]) -> list[Report]:
    """Return what callers cost where so many tokens are kept, each in turn."""
    async with AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(door_among(size)) for size in sizes]
        first = [(await cost(partial(door.identify, secret, "192.0.2.1"), 1))[0] for door, secret in doors]
        later: list[list[float]] = [[] for _ in doors]
        invalid: list[list[float]] = [[] for _ in doors]
        for _ in range(ROUNDS):
            for place, (door, secret) in enumerate(doors):
                later[place].append((await cost(partial(door.identify, secret, "192.0.2.1"), CALLS))[0])
                invalid[place].append((await cost(partial(refused, door), CALLS))[1])
    return [
        {
            "first ms": first[place],
            "later p50 ms": statistics.median(later[place]),
            "invalid CPU ms": statistics.median(invalid[place]),
        }
        for place in range(len(doors))
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=10_000)
    given = parser.parse_args()
    one, many = asyncio.run(measure((1, given.tokens)))
    ratio: Report = {column: f"{float(many[column]) / float(one[column]):.2f} times" for column in one}
    print(table({"1 token": one, f"{given.tokens:,} tokens": many, "ratio": ratio}))


if __name__ == "__main__":
    main()
