"""Keeping the images of what an operation changed, and counting them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Operation
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.server import Command, Word


def begun(names: keys.Keys, operation: Operation, number: int) -> Command:
    """Return the command that keeps a new operation."""
    plain = operation.model_dump_json(exclude={"undone_by", "created", "changed", "removed"})
    return ("BEGIN", names.operation_of_id(operation.id), number, plain, microseconds(operation.at))


def recorded(
    names: keys.Keys, images: Sequence[Image], kept: Collection[int] = (), begins: Operation | None = None
) -> Iterator[Command]:
    """Yield the commands that keep images and count them for everyone who may see them.

    Args:
        names: of keys.
        images: what is recorded.
        kept: the numbers of those that are written with their memories.
        begins: the operation that all of them are of, if it is new.
    """
    listed: dict[int, list[int]] = {}
    for image in images:
        listed.setdefault(image.operation, []).append(image.number)
        if image.number not in kept:
            yield ("NEW", names.image(image.number), image.written())
            yield ("RPUSH", names.images_of_memory(image.handle), image.number)
        if image.before is not None:
            # Who asks for an id that is no longer there is led to what is recorded of it.
            yield ("HSET", names.named(image.name[2]), f"g{image.handle}", "")
    for number, numbers in listed.items():
        yield ("RPUSH", names.images_of_operation(number), *numbers)
    for number, counts in _counted(images).items():
        told: list[Word] = []
        for (reach, kind), count in counts.items():
            told += (reach, kind, count)
        if begins is None:
            yield ("TALLY", names.operation(number), number, *told)
        else:
            yield (*begun(names, begins, number), *told)


def _counted(images: Iterable[Image]) -> dict[int, dict[tuple[str, str], int]]:
    """Return for each operation what it did within each scope that it reached: how many of which kind."""
    counts: dict[int, dict[tuple[str, str], int]] = {}
    for image in images:
        many = counts.setdefault(image.operation, {})
        kind = done(image)
        for reach in keys.reaches(*image.name[:2]):
            many[reach, kind] = many.get((reach, kind), 0) + 1
    return counts


def done(image: Image) -> str:
    """Return how an image is counted: created, updated or removed."""
    if image.before is None:
        return "c"
    return "r" if image.after is None else "u"
