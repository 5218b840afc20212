"""Access tokens in the file. Every function is called within one transaction."""

from __future__ import annotations

import apsw

from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token
from mcp_memory.stores.sqlite.statements import sql


def add(connection: apsw.Connection, token: Token) -> bool:
    """Keep the token, unless its secret is known already."""
    row = (token.id, token.lookup, token.namespace, token.user_id, token.model_dump_json())
    connection.execute(sql("add_token"), row)
    return connection.changes() > 0


def find(connection: apsw.Connection, lookup: str) -> Token | None:
    """Return the token that is found so."""
    record = connection.execute(sql("token"), (lookup,)).get
    return None if record is None else Token.model_validate_json(str(record))


def within(connection: apsw.Connection, scope: Scope) -> list[Token]:
    """Return the tokens bound within the scope, first made first."""
    rows = connection.execute(sql("tokens_within"), (scope.namespace, scope.user_id))
    return [Token.model_validate_json(str(record)) for (record,) in rows]


def replace(connection: apsw.Connection, token: Token) -> bool:
    """Keep the token in the place of the one of its id."""
    row = (token.lookup, token.namespace, token.user_id, token.model_dump_json(), token.id)
    connection.execute(sql("replace_token"), row)
    return connection.changes() > 0


def remove(connection: apsw.Connection, token_id: str) -> bool:
    """Remove the token of this id."""
    connection.execute(sql("remove_token"), (token_id,))
    return connection.changes() > 0
