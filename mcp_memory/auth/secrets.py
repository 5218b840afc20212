"""Secrets of access tokens: made by chance, kept as bcrypt hashes, which take long to make and to check."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

import bcrypt

ROUNDS = 12
"""A hash takes about a quarter of a second; each round more doubles that."""
AT_ONCE = 2
"""Hashes computed at a time: others wait, so that guessing does not take the whole machine."""
RANDOM_BYTES = 32


class BcryptSecrets:
    """The port ``Secrets``."""

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._rounds = rounds
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bcrypt")

    def new(self) -> str:
        return secrets.token_urlsafe(RANDOM_BYTES)

    async def hashed(self, secret: str) -> str:
        loop = asyncio.get_running_loop()
        salt = bcrypt.gensalt(self._rounds)
        return (await loop.run_in_executor(self._threads, bcrypt.hashpw, secret.encode(), salt)).decode()

    async def matches(self, secret: str, token_hash: str) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, bcrypt.checkpw, secret.encode(), token_hash.encode())
