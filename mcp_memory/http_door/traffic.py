"""Says that a request is being answered, so that background jobs let it go first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Noticed:
    """Notices requests below a path while they are answered; an ASGI middleware.

    Those of other paths may be streams that last, or are noticed by whoever answers them.
    """

    app: ASGIApp
    answering: Callable[[], AbstractContextManager[None]]
    below: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self.below):
            await self.app(scope, receive, send)
            return
        with self.answering():
            await self.app(scope, receive, send)
