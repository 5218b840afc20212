"""One of several programs that write to one Redis: ``python -m tests.faults.redis_child URL PREFIX NAME STEPS``.

It prints a line for each write that was acknowledged, and ends with what it saw.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import VersionConflict
from mcp_memory.ports.store import Store
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests.contracts.entries import ANN, candidates, entry, merge, operation, session, vector
from tests.standing_clock import NOON, StandingClock

SHARED = Scope("work", "ann", "shared")


def tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def add_own(store: Store, name: str, step: int) -> None:
    """Add a memory that nobody else has, and find it at once."""
    text = f"{name} step{step}"
    own = entry(text, vector(1, step / 7, len(name)), id=f"{name}-{step}", user_id=name)
    (done,) = await store.add([own], operation(id=f"add-{name}-{step}"))
    tell(added=done.record.id)
    found = await candidates(store, None, (f"step{step}",))
    records = await store.records(found.handles)
    tell(found=done.record.id in {record.id for record in records if record is not None})


async def add_shared(store: Store, name: str, step: int) -> None:
    """Add what everybody says; only one of them stores it."""
    said = entry(f"all say {step}", vector(0, 1), id=f"shared-{name}-{step}")
    (done,) = await store.add([said], operation(id=f"share-{name}-{step}"))
    tell(shared=step, outcome=done.outcome)


async def count_up(store: Store) -> None:
    """Write the next version of a session that everybody writes."""
    while True:
        there = await store.session("shared", ANN, NOON)
        tokens = 0 if there is None else there.tokens
        try:
            await store.put_session(
                session("shared", tokens=tokens + 1), expected_version=there.version if there else 0, now=NOON
            )
        except VersionConflict:
            continue
        tell(counted=1)
        return


async def edit_common(store: Store, name: str, step: int) -> None:
    """Write the next version of a memory that everybody edits."""
    edit = operation(OperationKind.EDIT, id=f"edit-{name}-{step}")
    while True:
        ((handle, there),) = await store.named(["common"], ANN)
        changed = entry(f"{there.text}.", id="common")
        try:
            await store.replace(handle, changed, edit, expected_version=there.version)
        except VersionConflict:
            continue
        tell(edited=name)
        return


async def merge_two(store: Store, name: str, step: int) -> None:
    """Merge the last two of one's own memories into one."""
    mine = await store.named([f"{name}-{step}", f"{name}-{step - 1}"], Scope("work", name))
    if len(mine) > 1:
        (one, first), (other, second) = mine
        merged = entry(f"{first.text} and {second.text}", vector(1, step / 7), id=first.id, user_id=name)
        (done,) = await store.merge(
            merge(merged, (one, first.version), (other, second.version)),
            operation(OperationKind.COMPACT, id=f"merge-{name}-{step}"),
        )
        tell(merged=[first.id, second.id] if done is not None else None)


async def work(url: str, prefix: str, name: str, steps: int) -> None:
    store = RedisStore(Place(url, prefix, prefix), clock=StandingClock())
    await store.open()
    for step in range(steps):
        await add_own(store, name, step)
        await add_shared(store, name, step)
        await count_up(store)
        await edit_common(store, name, step)
        if step % 4 == 3:
            await merge_two(store, name, step)
    tell(ended=name)
    await store.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
