"""What of an operation is taken back, and in which pieces: each is one transaction, however large the operation was.

Units that share a memory hang together: the last one stands on the others, so they go back at once, last first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcp_memory.domain.requests import Undo
from mcp_memory.errors import CannotUndo, MemoryNotFound
from mcp_memory.ports.history import Touched
from mcp_memory.ports.memories import Handle

AT_ONCE = 256
"""Memories of one piece; more only where they hang together."""


def asked_for(request: Undo, touched: Sequence[Touched]) -> list[list[Touched]]:
    """Return what of an operation is to be taken back: what hangs together each, last first.

    Raises:
        MemoryNotFound: the operation did nothing to a memory that is asked for.
        CannotUndo: all of it was undone already.
    """
    within = [one for one in touched if one.within]
    if request.only is not None:
        named = {one.memory_id for one in within}
        for memory_id in request.only:
            if memory_id not in named:
                raise MemoryNotFound(memory_id)
        within = [one for one in within if one.memory_id in request.only]
    wanted = {one.handle for one in within}
    chosen = [among for among in _together(touched) if any(one.handle in wanted for one in among)]
    standing = [left for among in chosen if (left := [one for one in among if not one.undone])]
    if not standing:
        raise CannotUndo(f"Operation {request.operation_id} was undone already")
    return standing


def pieces(together: Sequence[Sequence[Touched]], most: int = AT_ONCE) -> Iterator[list[Handle]]:
    """Yield the memories of about so many changes at a time; what hangs together is never parted."""
    piece: dict[Handle, None] = {}
    for among in together:
        handles = dict.fromkeys(one.handle for one in among)
        if piece and len(piece) + len(handles) > most:
            yield list(piece)
            piece = {}
        piece |= handles
    if piece:
        yield list(piece)


def _together(touched: Sequence[Touched]) -> list[list[Touched]]:
    """Return the changes in groups: each hangs together by its units; what came last comes first."""
    leads: dict[Handle, Handle] = {}

    def first(handle: Handle) -> Handle:
        while (above := leads.setdefault(handle, handle)) != handle:
            leads[handle] = leads[above]
            handle = above
        return handle

    for one in touched:
        leads[first(one.handle)] = first(one.unit)
    groups: dict[Handle, list[Touched]] = {}
    for one in reversed(touched):
        groups.setdefault(first(one.handle), []).append(one)
    return list(groups.values())
