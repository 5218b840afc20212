"""Long work on a store that others use too: between two of its writes they get their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

_TURN = 0.0015
"""Seconds between two transactions at least: others who wait for the store sleep no longer, and get their turn."""


async def in_turn(write: Awaitable[T], share: float = 2.0) -> T:
    """Let a write be done, and then leave the store to others for ``share`` times as long as it took."""
    clock = asyncio.get_running_loop().time
    began = clock()
    result = await write
    await asyncio.sleep(max(_TURN, share * (clock() - began)))
    return result
