"""Access tokens: each under its id, found by what its secret leads to, listed for every scope that it lies within."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.committing import NUMBER, Check, commit
from mcp_memory.stores.redis.server import Command, Server


async def add(server: Server, token: Token) -> bool:
    """Keep the token, unless its secret is known already."""
    key, lookup = server.keys.token(token.id), server.keys.token_of(token.lookup)
    if await server.call("GET", lookup) is not None:
        return False
    checks = [Check(lookup, "", None), Check(key, "", None)]
    await commit(server, checks, _kept(server, token, NUMBER))
    return True


def _kept(server: Server, token: Token, number: int) -> list[Command]:
    return [
        ("SET", server.keys.token(token.id), token.model_dump_json()),
        ("SET", server.keys.token_of(token.lookup), token.id),
        *(("ZADD", server.keys.tokens(reach), number, token.id) for reach in _reaches(token)),
    ]


def _reaches(token: Token) -> Sequence[str]:
    return [*keys.reaches(token.namespace, token.user_id)]


def _let_go(server: Server, token: Token) -> list[Command]:
    return [
        ("DEL", server.keys.token(token.id)),
        ("DEL", server.keys.token_of(token.lookup)),
        *(("ZREM", server.keys.tokens(reach), token.id) for reach in _reaches(token)),
    ]


async def find(server: Server, lookup: str) -> Token | None:
    """Return the token that is found so."""
    token_id = await server.call("GET", server.keys.token_of(lookup))
    record = None if token_id is None else await server.call("GET", server.keys.token(token_id.decode()))
    if record is None:
        return None
    found = Token.model_validate_json(record)
    # Another secret may have taken its place since.
    return found if found.lookup == lookup else None


async def within(server: Server, scope: Scope) -> list[Token]:
    """Return the tokens bound within the scope, first made first."""
    reach = keys.reach(scope.namespace, scope.user_id)
    ids = await server.call("ZRANGE", server.keys.tokens(reach), 0, -1)
    records = await server.many([("GET", server.keys.token(one.decode())) for one in ids])
    return [Token.model_validate_json(record) for record in records if record is not None]


async def replace(server: Server, token: Token) -> bool:
    """Keep the token in the place of the one of its id."""
    key, everywhere = server.keys.token(token.id), server.keys.tokens(keys.reach(None, None))
    held, number = await server.many([("GET", key), ("ZSCORE", everywhere, token.id)])
    if held is None:
        return False
    commands = [*_let_go(server, Token.model_validate_json(held)), *_kept(server, token, int(number))]
    await commit(server, [Check(key, "", held)], commands)
    return True


async def remove(server: Server, token_id: str) -> bool:
    """Remove the token of this id."""
    key = server.keys.token(token_id)
    held = await server.call("GET", key)
    if held is None:
        return False
    await commit(server, [Check(key, "", held)], _let_go(server, Token.model_validate_json(held)))
    return True
