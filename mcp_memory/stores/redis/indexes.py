"""The indexes of one store: made when they are not there, through redisvl, from the schemas beside."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import Any

from redis.exceptions import RedisError
from redisvl.exceptions import RedisSearchError
from redisvl.index import AsyncSearchIndex
from redisvl.schema import IndexSchema

from mcp_memory.errors import SchemaMismatch
from mcp_memory.stores.redis.failures import translated
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.keys import Keys
from mcp_memory.stores.redis.server import INDEXES, Server

SCHEMA_VERSION = 1
_EXISTS = "already exists"
NEWER = (
    "{place} holds memories of a newer mcp-memory (schema {found}, this one knows {known}): upgrade this program, or "
    "choose another REDISVL_INDEX_PREFIX"
)


def schema(kind: str, keys: Keys, index: str, vectors: dict[str, Any]) -> IndexSchema:
    """Return the schema of an index of one store, with fields of vectors besides."""
    with as_file(files("mcp_memory.stores.redis").joinpath("schemas", f"{kind}.yaml")) as path:
        made = IndexSchema.from_yaml(str(path))
    made.index.name, made.index.prefix = f"{index}:{kind}", getattr(keys, kind)
    made.add_fields([{"name": name, "type": "vector", "attrs": attributes} for name, attributes in vectors.items()])
    return made


async def make_ready(server: Server, vectors: VectorIndex) -> None:
    """Make the indexes that are not there and wait until they find all that is stored.

    Raises:
        SchemaMismatch: the store was written by a newer version.
    """
    there = {bytes(name).decode() for name in await server.call("FT._LIST")}
    found = await server.call("GET", server.keys.schema)
    if found is not None and int(found) > SCHEMA_VERSION:
        raise SchemaMismatch(NEWER.format(place=server.place, found=int(found), known=SCHEMA_VERSION))
    missing = [kind for kind in INDEXES if f"{server.index}:{kind}" not in there]
    if not missing:
        return
    fields = await _vector_fields(server, vectors)
    for kind in missing:
        await _make(server, schema(kind, server.keys, server.index, fields if kind == "memories" else {}))
    for kind in missing:
        await server.filled(kind)
    await server.call("SET", server.keys.schema, SCHEMA_VERSION)


async def _vector_fields(server: Server, vectors: VectorIndex) -> dict[str, Any]:
    """Return the fields of the models that the store knows already: an index may be lost, and is made anew."""
    known: dict[bytes, bytes] = await server.call("HGETALL", server.keys.generations)
    return {
        f"v{int(number)}": {
            "algorithm": vectors.algorithm,
            "dims": json.loads(name)[1],
            "datatype": vectors.datatype,
            "distance_metric": vectors.metric,
        }
        for name, number in known.items()
    }


async def _make(server: Server, wanted: IndexSchema) -> None:
    index = AsyncSearchIndex(wanted, redis_client=server.client)
    with translated(server.place):
        try:
            await index.create(overwrite=False)
        except RedisSearchError as error:
            cause = error.__cause__
            if not isinstance(cause, RedisError):
                raise
            # Another process may have been first.
            if _EXISTS not in str(cause).lower():
                raise cause from error
