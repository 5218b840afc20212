"""The promises of ``TokenStore``."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from mcp_memory.domain.access import Access
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.tokens import Token, lookup_of
from mcp_memory.ports.store import Store
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

_numbers = count(1)


def token(**fields: Any) -> Token:
    number = next(_numbers)
    given = {
        "id": f"token-{number:06}",
        "description": "laptop",
        "lookup": lookup_of(f"secret {number}"),
        "token_hash": f"$2b$12${number:053}",
        "created_at": NOON,
    }
    return Token(**(given | fields))


async def test_a_token_is_found_whole_by_its_lookup_alone(store: Store) -> None:
    kept = token(
        description="Ünï 'code' 🔑", access=Access.ADMIN, namespace="a:b", user_id='x"y', created_by="ann",
        expires_at=NOON + timedelta(days=1),
    )  # fmt: skip
    assert await store.add_token(kept)
    assert await store.add_token(token())
    assert await store.token(kept.lookup) == kept
    assert await store.token(lookup_of("unknown")) is None


async def test_no_two_tokens_are_found_by_one_lookup(store: Store) -> None:
    first = token()
    assert await store.add_token(first)
    assert not await store.add_token(token(lookup=first.lookup))
    assert await store.tokens(OPEN) == [first]


async def test_a_scope_sees_what_is_bound_within_it_in_the_order_of_making(store: Store) -> None:
    given = [token(), token(namespace="work"), token(namespace="work", user_id="ann"), token(user_id="ann")]
    for one in given:
        await store.add_token(one)
    assert await store.tokens(OPEN) == given
    assert await store.tokens(Scope("work")) == given[1:3]
    assert await store.tokens(Scope(user_id="ann")) == given[2:]
    assert await store.tokens(Scope("work", "ann")) == [given[2]]
    assert await store.tokens(Scope("home")) == []


async def test_a_replaced_token_is_found_by_its_new_lookup_only(store: Store) -> None:
    old, other = token(), token()
    await store.add_token(old)
    await store.add_token(other)
    new = old.model_copy(update={"lookup": lookup_of("new"), "token_hash": "$2b$12$new"})
    assert await store.replace_token(new)
    assert await store.token(new.lookup) == new
    assert await store.token(old.lookup) is None
    assert await store.tokens(OPEN) == [new, other]
    assert not await store.replace_token(token())
    assert await store.tokens(OPEN) == [new, other]


async def test_a_removed_token_is_gone(store: Store) -> None:
    one, other = token(), token()
    await store.add_token(one)
    await store.add_token(other)
    assert await store.remove_token(one.id)
    assert not await store.remove_token(one.id)
    assert await store.token(one.lookup) is None
    assert await store.tokens(OPEN) == [other]
    assert await store.add_token(token(lookup=one.lookup))
