"""Models that made vectors: each has a number in the store, and a field of the index of its own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from redis.exceptions import ResponseError
from redisvl.schema import IndexSchema

from mcp_memory.ports.models import Generation
from mcp_memory.stores import vectors
from mcp_memory.stores.redis.failures import translated
from mcp_memory.stores.redis.rows import Vector, vector_field
from mcp_memory.stores.redis.server import Command, Server

REGISTER = "HSETNX"
_KNOWN = "duplicate field"
_KIND = (b"algorithm", b"data_type", b"distance_metric")
_NUMPY = {"float32": "<f4", "float16": "<f2"}


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How vectors are indexed."""

    algorithm: Literal["hnsw", "flat"] = "hnsw"
    datatype: Literal["float32", "float16"] = "float32"
    metric: Literal["cosine", "ip", "l2"] = "cosine"


class Generations:
    """The numbers of the models; they never change, so each is asked for once."""

    def __init__(self, server: Server, index: VectorIndex) -> None:
        self._server = server
        self.index = index
        """How vectors of a new model are indexed; those of a model that is there stay as they are."""
        self._numbers: dict[Generation, int] = {}
        self._kinds: dict[int, VectorIndex] = {}

    def blobs(self, stored: Collection[Vector]) -> dict[Vector, bytes]:
        """Return vectors as the engine takes them; ``meet`` their models first."""
        found: dict[Vector, bytes] = {}
        if len(stored) == 1:
            (vector,) = stored
            return {vector: self._bytes_of_one(vector)}
        for number in {vector.generation for vector in stored}:
            among = [vector for vector in stored if vector.generation == number]
            parts, scale = vectors.unpacked([one.packed for one in among], len(among[0].packed) - vectors.SCALE)
            whole = parts.astype(np.float32) * scale[:, np.newaxis]
            length = np.linalg.norm(whole, axis=1, keepdims=True)
            length[length == 0] = 1
            # Of unit length again, so that every metric chooses the same.
            found |= zip(among, self._written(number, whole / length), strict=True)
        return found

    def _bytes_of_one(self, vector: Vector) -> bytes:
        """Return the same of one vector, whose length needs no scale: each call of numpy takes longer than its work."""
        parts = np.frombuffer(vector.packed, np.int8, offset=vectors.SCALE).astype(np.float32)
        length = np.float32(np.sqrt(parts @ parts)) or np.float32(1)
        return (parts / length).astype(_NUMPY[self._kinds[vector.generation].datatype]).tobytes()

    def bytes_of(self, number: int, vector: NDArray[np.float32]) -> bytes:
        """Return the bytes of a vector in the type in which those of the model are indexed; ``meet`` it first."""
        return self._written(number, vector[np.newaxis])[0]

    def _written(self, number: int, matrix: NDArray[np.float32]) -> list[bytes]:
        return [row.tobytes() for row in matrix.astype(_NUMPY[self._kinds[number].datatype])]

    def searched_by(self, number: int) -> Literal["hnsw", "flat"]:
        """Return the algorithm that finds the nearest vectors of the model; ``meet`` it first."""
        return self._kinds[number].algorithm

    async def meet(self, numbers: Iterable[int]) -> None:
        """Learn how the vectors of these models are indexed: another process may have been set otherwise."""
        if self._kinds.keys() >= {*numbers}:
            return
        told = await self._server.call("FT.INFO", f"{self._server.index}:memories")
        self._kinds = {
            int(field[b"attribute"][1:]): VectorIndex(*(field[name].decode().lower() for name in _KIND))
            for field in told[b"attributes"]
            if field[b"type"] == b"VECTOR"
        }

    async def known(self) -> dict[Generation, int]:
        """Return every model of the store with its number."""
        found: dict[bytes, bytes] = await self._server.call("HGETALL", self._server.keys.generations)
        self._numbers = {Generation(*json.loads(name)): int(number) for name, number in found.items()}
        return self._numbers

    async def number(self, generation: Generation | None) -> int:
        """Return the number of a model, 0 if the store holds no vector of it."""
        if generation is None:
            return 0
        if generation not in self._numbers:
            await self.known()
        return self._numbers.get(generation, 0)

    async def others(self, generation: Generation | None) -> list[int]:
        """Return the numbers of all other models, and 0, which stands for no vector; 0 alone where none is given."""
        return [0, *(number for one, number in (await self.known()).items() if generation not in {None, one})]

    def known_others(self, generation: Generation | None) -> list[int]:
        """Return the same without asking the server: of the models that this process has heard of."""
        return [0, *(number for one, number in self._numbers.items() if one != generation)]

    def how_many(self) -> Command:
        """Return the command that asks how many models there are."""
        return ("HLEN", self._server.keys.generations)

    async def are_more(self, count: int) -> bool:
        """Say whether there are models that this process had not heard of; now it has."""
        return count != len(self._numbers) and count == len(await self.known())

    async def ready(self, generation: Generation) -> int:
        """Return the number of a model, given now if it has none; its vectors may be written from then on."""
        number = await self.number(generation)
        if not number:
            name = json.dumps([generation.model, generation.dimensions, generation.digest])
            new = int(await self._server.call("INCR", self._server.keys.last("generation")))
            await self._server.call(REGISTER, self._server.keys.generations, name, new)
            number = (await self.known())[generation]
        if number not in self._kinds:
            await self._add_field(number, generation.dimensions)
            await self.meet([number])
        return number

    async def _add_field(self, number: int, dimensions: int) -> None:
        """Add the model's field to the index, if no other process did."""
        words = _described(vector_field(number), dimensions, self.index)
        index = f"{self._server.index}:memories"
        with translated(self._server.place):
            try:
                await self._server.client.execute_command("FT.ALTER", index, "SCHEMA", "ADD", *words)
            except ResponseError as error:
                if _KNOWN not in str(error).lower():
                    raise


def _described(name: str, dimensions: int, index: VectorIndex) -> list[Any]:
    """Return the words that describe a field of vectors."""
    attributes = {
        "algorithm": index.algorithm,
        "dims": dimensions,
        "datatype": index.datatype,
        "distance_metric": index.metric,
    }
    field = {"name": name, "type": "vector", "attrs": attributes}
    schema = IndexSchema.from_dict({"index": {"name": name, "prefix": name}, "fields": [field]})
    return list(schema.fields[name].as_redis_field().redis_args())
