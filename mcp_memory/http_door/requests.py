"""Each request has an id, a line in the log, and its part in the metrics. Queries and texts are in none of them.

Also the outermost frame of every door over HTTP: what nobody foresaw is logged here, and answered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.ports.given import NewId

logger = logging.getLogger(__name__)

ID_HEADER = "x-request-id"
NOTE = "request"
_SANE_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)


@dataclass(slots=True)
class Note:
    """What is known of a request beside what it says; it fills while the request is answered."""

    id: str
    route: str | None = None
    """The path as it is documented, without the names in it; None where no route took the request."""
    caller: str | None = None
    """The name of who asks; None where nobody said it, or is asked."""
    status: int | None = None
    """None until the answer begins."""


Tell = Callable[[str, Note, float], None]
"""Take notice of a request that was answered: its method, what is known of it, and the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Gives requests their ids and notes what becomes of them; an ASGI middleware around all that answer."""

    app: ASGIApp
    new_id: NewId
    tell: Tell | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        note = Note(self._id(scope))
        began = perf_counter()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                note.status = message["status"]
                MutableHeaders(scope=message)[ID_HEADER] = note.id
            await send(message)

        noted = {**scope, "state": {**scope.get("state", {}), NOTE: note}}
        try:
            await self.app(noted, receive, sent)
        except Exception:
            logger.exception("%s %r failed unexpectedly, request %s", scope["method"], scope["path"], note.id)
            if note.status is None:
                await JSONResponse({"detail": "Internal Server Error"}, 500)(scope, receive, sent)
        finally:
            self._told(scope, note, perf_counter() - began)

    def _id(self, scope: Scope) -> str:
        given = Headers(scope=scope).get(ID_HEADER, "")
        return given if _SANE_ID.fullmatch(given) else self.new_id()

    def _told(self, scope: Scope, note: Note, seconds: float) -> None:
        asked = (scope["method"], scope["path"], "-" if note.status is None else note.status, seconds * 1000)
        logger.info("%s %r %s in %.0f ms, by %s, request %s", *asked, note.caller or "-", note.id)
        if self.tell is not None:
            self.tell(scope["method"], note, seconds)


def note_in(scope: Scope) -> Note | None:
    """Return what is known of the request; None where nobody takes notes."""
    note: Note | None = scope.get("state", {}).get(NOTE)
    return note
