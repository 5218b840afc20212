"""Secrets and their bcrypt hashes: made by chance, as costly as they must be, and never on the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mcp_memory.auth.secrets import AT_ONCE, BcryptSecrets
from mcp_memory.domain.tokens import LONGEST, SHORTEST

pytestmark = pytest.mark.anyio


def test_secrets_are_new_and_as_long_as_those_made_elsewhere_must_be() -> None:
    made = {BcryptSecrets().new() for _ in range(100)}
    assert len(made) == 100
    assert all(SHORTEST <= len(secret) <= LONGEST and secret.isascii() for secret in made)


async def test_a_hash_has_twelve_rounds_and_knows_its_secret_only() -> None:
    secrets = BcryptSecrets()
    hashed = await secrets.hashed("x" * LONGEST)
    assert hashed.startswith("$2b$12$")
    assert await secrets.matches("x" * LONGEST, hashed)
    assert not await secrets.matches("x" * (LONGEST - 1) + "y", hashed)


async def test_the_event_loop_goes_on_while_hashes_are_made_and_a_few_are_made_at_once() -> None:
    secrets, before = BcryptSecrets(rounds=10), set(threading.enumerate())
    hashing = [asyncio.create_task(secrets.hashed(f"secret {number}")) for number in range(3 * AT_ONCE)]
    done, _ = await asyncio.wait(hashing, timeout=0)
    assert not done
    await asyncio.wait(hashing, return_when=asyncio.FIRST_COMPLETED)
    assert 0 < len(set(threading.enumerate()) - before) <= AT_ONCE
    await asyncio.gather(*hashing)
