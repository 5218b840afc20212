"""Who is let in, what they may do, and what an answer never says."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from mcp_memory import errors
from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import MemoryServerError
from mcp_memory.rest_door.application import ROUTES
from mcp_memory.rest_door.errors import status_of
from mcp_memory.services.memory import Memory
from tests.doors import rest_app
from tests.doors.serving import GuestList

pytestmark = pytest.mark.anyio

CALLERS = {Access.READ: "reader", Access.WRITE: "writer", Access.ADMIN: "root"}
PROTECTED = [route for route in ROUTES if route.access is not None]
SEATS = {"id": "seats", "text": "Ana prefers aisle seats"}


def as_(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def names(route: Any) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", PROTECTED, ids=names)
async def test_nobody_is_served_without_saying_who_they_are(guests: AsyncClient, route: Any) -> None:
    for headers in ({}, as_("a guess"), {"X-API-Key": "a guess"}):
        response = await guests.request(route.method, route.path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("route", PROTECTED, ids=names)
async def test_who_may_do_too_little_is_refused_before_anything_is_read(guests: AsyncClient, route: Any) -> None:
    for access, token in CALLERS.items():
        response = await guests.request(route.method, route.path, headers=as_(token), content=b"no JSON")
        if access.includes(route.access):
            assert response.status_code != 403, response.text
        else:
            assert response.status_code == 403
            assert response.json()["detail"] == f"Insufficient permissions. Required scope: {route.access}"


def test_each_scope_may_do_what_is_documented_of_it() -> None:
    of = {access: sorted(names(route) for route in ROUTES if route.access is access) for access in (*Access, None)}
    assert of[None] == ["GET /v1/health", "GET /v1/ready"]
    assert of[Access.ADMIN] == [
        "DELETE /v1/jobs/{job_id}",
        "DELETE /v1/summary-views/{view_id}",
        "GET /metrics",
        "GET /v1/jobs",
        "GET /v1/jobs/{job_id}",
        "POST /v1/long-term-memory/compact",
        "POST /v1/long-term-memory/forget",
        "POST /v1/summary-views",
        "POST /v1/summary-views/{view_id}/partitions/run",
        "POST /v1/summary-views/{view_id}/run",
    ]
    changing = [name for name in of[Access.READ] if not name.startswith("GET ")]
    assert changing == ["POST /v1/long-term-memory/search", "POST /v1/memory/prompt"]


async def test_anybody_may_ask_whether_the_server_lives(guests: AsyncClient) -> None:
    for path in ("/v1/health", "/v1/health/", "/v1/ready", "/v1/ready/", "/openapi.json"):
        assert (await guests.get(path)).status_code == 200


async def test_others_memories_and_sessions_do_not_exist(guests: AsyncClient) -> None:
    """Ana is bound to a namespace and a user, Bo to another namespace."""
    ana, bo = as_("ana"), as_("bo")
    await guests.post("/v1/long-term-memory", json={"memories": [SEATS]}, headers=ana)
    await guests.put("/v1/working-memory/trip", json={"data": {"a": 1}}, headers=ana)
    done = (await guests.patch("/v1/long-term-memory/seats", json={"pinned": True}, headers=ana)).headers[
        "X-Operation-ID"
    ]
    alike = {"/v1/long-term-memory/": "seats", "/v1/working-memory/": "trip", "/v1/operations/": done}
    for path, name in alike.items():
        there, nowhere = [await guests.get(path + named, headers=bo) for named in (name, "nowhere")]
        assert there.status_code == nowhere.status_code == 404
        assert there.text.replace(name, "nowhere") == nowhere.text
    assert (await guests.delete("/v1/long-term-memory?memory_ids=seats", headers=bo)).json()[
        "status"
    ] == "ok, deleted 0 memories"
    assert (await guests.post(f"/v1/operations/{done}/undo", headers=bo)).status_code == 404
    found = await guests.post("/v1/long-term-memory/search", json={"text": "seats"}, headers=bo)
    assert found.json()["memories"] == []
    assert (await guests.get("/v1/stats", headers=bo)).json()["memories"] == 0
    assert (await guests.get("/v1/stats", headers=ana)).json()["memories"] == 1
    assert (await guests.get("/v1/namespaces", headers=bo)).json()["namespaces"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/working-memory?namespace=harbour", None),
        ("GET", "/v1/working-memory/trip?namespace=harbour", None),
        ("PUT", "/v1/working-memory/trip", {"namespace": "harbour"}),
        (
            "POST",
            "/v1/working-memory/trip/messages",
            {"namespace": "harbour", "messages": [{"role": "a", "content": "b"}]},
        ),
        ("POST", "/v1/long-term-memory", {"memories": [SEATS | {"namespace": "harbour"}]}),
        ("POST", "/v1/long-term-memory/search", {"text": "seats", "namespace": {"eq": "harbour"}}),
        ("POST", "/v1/memory/prompt", {"query": "seats", "session": {"session_id": "trip", "namespace": "harbour"}}),
        ("GET", "/v1/operations?namespace=harbour", None),
        ("GET", "/v1/stats?namespace=harbour", None),
    ],
)
async def test_to_name_what_is_anothers_is_refused(guests: AsyncClient, method: str, path: str, body: Any) -> None:
    response = await guests.request(method, path, json=body, headers=as_("bo"))
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert "'bakery'" in response.json()["detail"]


def family(kind: type[MemoryServerError]) -> list[type[MemoryServerError]]:
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(one for child in children for one in family(child))]


def test_every_error_has_a_status_of_its_own_meaning() -> None:
    statuses = {kind: status_of(kind) for kind in family(MemoryServerError)}
    unmeant = {kind.__name__ for kind, status in statuses.items() if status == 500}
    assert unmeant == {"MemoryServerError", "ConfigurationError", "SecretsUnavailable"}
    assert statuses[errors.FeatureDisabled] == 400
    assert statuses[errors.StoreFull] == 507
    assert {statuses[kind] for kind in family(errors.StoreError)} == {503, 507}


async def test_an_answer_names_no_file_and_the_log_does(
    rest: AsyncClient, memory: Memory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await memory.store.close()
    response = await rest.get("/v1/stats")
    assert response.status_code == 503
    assert response.json() == {"detail": "The store cannot be opened or reached.", "code": "store_unavailable"}
    ready = await rest.get("/v1/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    assert str(tmp_path) not in response.text + ready.text
    assert [record.levelname for record in caplog.records if record.name.startswith("mcp_memory.rest_door")]


async def test_disabled_memory_is_a_bad_request(tmp_path: Path) -> None:
    settings = rest_app.settings_in(tmp_path, long_term_memory=False)
    async with rest_app.opened(settings) as without, rest_app.client_of(settings, without) as rest:
        response = await rest.post("/v1/long-term-memory/search", json={"text": "seats"})
        assert (response.status_code, response.json()["code"]) == (400, "feature_disabled")


async def test_a_body_that_is_too_long_is_refused(memory: Memory, tmp_path: Path) -> None:
    settings = rest_app.settings_in(tmp_path, max_request_bytes=2000)
    body = b'{"memories": [{"text": "' + b"x" * 4000 + b'"}]}'

    async def pieces() -> Any:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    async with rest_app.client_of(settings, memory) as rest:
        for content in (body, pieces()):
            response = await rest.post(
                "/v1/long-term-memory", content=content, headers={"Content-Type": "application/json"}
            )
            assert response.status_code == 413
            assert response.json()["detail"]
    assert (await memory.long_term.stats()).memories == 0


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b"[]", b"", b'{"memories": NaN}'], ids=repr)
async def test_a_body_that_is_no_request_is_refused(rest: AsyncClient, body: bytes) -> None:
    response = await rest.post("/v1/long-term-memory", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}


@pytest.mark.parametrize("sent", ["\\ud800", "[" * 300 + "]" * 300, "NaN", "1e999"])
async def test_what_could_not_be_read_again_is_not_stored(rest: AsyncClient, sent: str) -> None:
    value = sent if sent[0] in "[N1" else f'"{sent}"'
    for method, path, body in (
        ("PUT", "/v1/working-memory/trip", '{"data": {"a": %s}}'),
        ("POST", "/v1/long-term-memory", '{"memories": [{"text": "Ana", "metadata": {"a": %s}}]}'),
    ):
        response = await rest.request(
            method, path, content=(body % value).encode(), headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 422
    assert (await rest.get("/v1/working-memory")).json() == {"sessions": [], "total": 0}


async def test_unknown_paths_and_methods_are_refused(rest: AsyncClient) -> None:
    assert (await rest.get("/v1/nothing")).json() == {"detail": "Not Found"}
    assert (await rest.put("/v1/health")).status_code == 405


async def test_a_request_has_an_id_and_a_line_without_its_query(
    rest: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    given = await rest.get("/v1/stats?namespace=hidden", headers={"X-Request-ID": "from-the-proxy"})
    forged = await rest.get("/v1/stats", headers={"X-Request-ID": "a b\x7f"})
    assert given.headers["X-Request-ID"] == "from-the-proxy"
    assert "a b" not in forged.headers["X-Request-ID"]
    line = next(record.getMessage() for record in caplog.records if "from-the-proxy" in record.getMessage())
    assert re.fullmatch(r"GET '/v1/stats' 200 in \d+ ms, by -, request from-the-proxy", line)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mcp_memory")]
    assert not [line for line in ours if "hidden" in line]


async def test_the_line_says_who_asked(guests: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await guests.get("/v1/stats", headers=as_("ana"))
    assert [record for record in caplog.records if "by ana, request" in record.getMessage()]


async def test_an_admin_who_is_bound_gets_no_metrics_of_others(memory: Memory, tmp_path: Path) -> None:
    bound = GuestList({"chief": Caller("chief", Access.ADMIN, Scope("harbour"))})
    async with rest_app.client_of(rest_app.settings_in(tmp_path), memory, bound) as client:
        assert (await client.get("/metrics", headers=as_("chief"))).status_code == 403
        assert (await client.get("/v1/jobs", headers=as_("chief"))).status_code == 200


async def test_a_web_page_of_another_site_is_refused(rest: AsyncClient) -> None:
    assert (await rest.get("/v1/stats", headers={"Origin": "https://evil.example"})).status_code == 403
    assert (await rest.get("/v1/stats", headers={"Host": "rebound.example"})).status_code == 421
    assert (await rest.get("/v1/stats", headers={"Origin": "http://localhost:3000"})).status_code == 200


async def test_a_web_page_that_is_let_in_may_do_all(memory: Memory, tmp_path: Path) -> None:
    page = "https://app.example.com"
    settings = rest_app.settings_in(tmp_path, allowed_origins=page)
    asking = {"Origin": page, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "If-Match"}
    async with rest_app.client_of(settings, memory) as rest:
        assert (await rest.options("/v1/long-term-memory/x", headers=asking)).status_code == 200
        response = await rest.get("/v1/stats", headers={"Origin": page})
    assert response.headers["Access-Control-Allow-Origin"] == page
    assert "ETag" in response.headers["Access-Control-Expose-Headers"]
