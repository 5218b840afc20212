"""Keeping the images of what an operation changed, and counting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.server import Command, Word


def recorded(names: keys.Keys, images: Iterable[Image]) -> Iterator[Command]:
    """Yield the commands that keep images and count them for everyone who may see them."""
    counts: Counter[tuple[int, str | None, str | None, str]] = Counter()
    for image in images:
        namespace, user_id, memory_id = image.name
        counts[image.operation, namespace, user_id, done(image)] += 1
        yield ("NEW", names.image(image.number), image.written())
        yield ("RPUSH", names.images_of_operation(image.operation), image.number)
        yield ("RPUSH", names.images_of_memory(image.handle), image.number)
        if image.before is not None:
            # Who asks for an id that is no longer there is led to what is recorded of it.
            yield ("HSET", names.named(memory_id), f"g{image.handle}", "")
    for (number, namespace, user_id, kind), count in counts.items():
        reaches = keys.reaches(namespace, user_id)
        tally: list[tuple[Word, Word]] = [(f"{reach}:{kind}", count) for reach in reaches]
        yield ("TALLY", names.operation(number), *chain.from_iterable(tally))
        yield ("LIST", *map(names.operations, reaches), number)


def done(image: Image) -> str:
    """Return how an image is counted: created, updated or removed."""
    if image.before is None:
        return "c"
    return "r" if image.after is None else "u"
