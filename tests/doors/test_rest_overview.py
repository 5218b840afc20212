"""What the server says of itself: whether it can work, its jobs, its metrics, what waits for a person."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from mcp_memory.auth.disabled import DisabledAuthenticator
from mcp_memory.machine import now
from mcp_memory.mcp_door.background import Traffic
from mcp_memory.rest import Parts, build_app
from mcp_memory.services.job_table import CompactLater, Whole
from mcp_memory.services.memory import Memory
from tests.doors import rest_app
from tests.doors.rest_app import web

pytestmark = pytest.mark.anyio


def later(passed: timedelta) -> datetime:
    return now() + passed


async def test_health_is_the_time_alone(rest: AsyncClient) -> None:
    before = now().timestamp() * 1000
    health = (await rest.get("/v1/health")).json()
    assert set(health) == {"now"}
    assert before - 1 <= health["now"] <= now().timestamp() * 1000
    assert type(health["now"]) is int


async def test_ready_says_what_it_looked_at(rest: AsyncClient) -> None:
    response = await rest.get("/v1/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "store": "ok", "worker": "ok"})


async def test_a_server_whose_jobs_have_ended_is_not_ready(memory: Memory, tmp_path: Path) -> None:
    parts = Parts(memory, DisabledAuthenticator(), work=lambda: "background jobs have ended")
    async with web(build_app(rest_app.settings_in(tmp_path), parts)) as rest:
        response = await rest.get("/v1/ready")
    assert (response.status_code, response.json()["detail"]) == (503, "worker: background jobs have ended")


async def test_a_server_for_whom_nobody_works_is_not_ready(memory: Memory, tmp_path: Path) -> None:
    await memory.jobs.schedule("optimise", Whole(), delay=timedelta(hours=1))
    await memory.jobs.schedule("compact", CompactLater())
    for passed, status in ((timedelta(), 200), (timedelta(minutes=30), 503)):
        parts = Parts(memory, DisabledAuthenticator(), clock=partial(later, passed))
        async with web(build_app(rest_app.settings_in(tmp_path), parts)) as rest:
            assert (await rest.get("/v1/ready")).status_code == status


async def test_jobs_are_listed_read_and_cancelled(rest: AsyncClient, memory: Memory) -> None:
    job = await memory.jobs.schedule("compact", CompactLater(namespace="harbour"))
    assert (await rest.get("/v1/jobs?states=queued&states=running")).json()["total"] == 1
    assert (await rest.get("/v1/jobs?namespace=bakery")).json()["total"] == 0
    assert (await rest.get(f"/v1/jobs/{job.id}")).json()["name"] == "compact"
    assert (await rest.delete(f"/v1/jobs/{job.id}")).json()["state"] == "cancelled"
    assert (await rest.get("/v1/jobs/none")).status_code == 404


async def test_stats_name_no_place(rest: AsyncClient, tmp_path: Path) -> None:
    await rest.post("/v1/long-term-memory", json={"memories": [{"text": "Ana", "namespace": "harbour"}]})
    response = await rest.get("/v1/stats")
    assert (response.json()["memories"], response.json()["by_namespace"]) == (1, {"harbour": 1})
    assert tmp_path.name not in response.text
    assert (await rest.get("/v1/namespaces?prefix=har")).json() == {"namespaces": ["harbour"]}


async def test_metrics_count_requests_by_route_and_name_nobody(rest: AsyncClient) -> None:
    await rest.post("/v1/long-term-memory", json={"memories": [{"id": "private-id", "text": "Ana", "user_id": "ana"}]})
    for path in ("/v1/long-term-memory/private-id", "/v1/long-term-memory/other", "/wp-login.php"):
        await rest.get(path)
    response = await rest.get("/metrics")
    route = 'method="GET",route="/v1/long-term-memory/{memory_id}"'
    assert f'mcp_memory_requests_total{{{route},status="200"}} 1.0' in response.text
    assert f'mcp_memory_requests_total{{{route},status="404"}} 1.0' in response.text
    assert 'mcp_memory_requests_total{method="GET",route="other",status="404"} 1.0' in response.text
    assert 'mcp_memory_held{what="memories"} 1.0' in response.text
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert [word for word in ("private-id", "ana", "wp-login") if word in response.text] == []


async def test_what_compaction_left_open_is_decided(rest: AsyncClient) -> None:
    for pair in ("one", "two"):
        facts = [{"text": text, "namespace": pair} for text in ("Ana lives in Porto", "Ana lives in Lisbon")]
        await rest.post("/v1/long-term-memory", json={"memories": facts})
        await rest.post(f"/v1/long-term-memory/compact?namespace={pair}&vector_distance_threshold=0.9")
    found = (await rest.get("/v1/suggestions")).json()
    assert found["total"] == 2, found
    first, second = (suggestion["id"] for suggestion in found["suggestions"])
    assert (await rest.post(f"/v1/suggestions/{first}/dismiss")).json()[
        "status"
    ] == "ok, both memories stay as they are"
    applied = await rest.post(f"/v1/suggestions/{second}/apply", json={"text": None})
    assert applied.json()["status"].startswith("ok, memory ")
    assert applied.headers["X-Operation-ID"]
    assert (await rest.post(f"/v1/suggestions/{second}/apply")).status_code == 404


async def test_background_jobs_wait_while_a_request_is_answered(memory: Memory, tmp_path: Path) -> None:
    traffic, seen = Traffic(), []

    async def body() -> Any:
        lull = asyncio.create_task(traffic.lull())
        yield b'{"memories": '
        seen.append(lull.done())
        yield b"[]}"

    parts = Parts(memory, DisabledAuthenticator(), traffic=traffic)
    async with web(build_app(rest_app.settings_in(tmp_path), parts)) as rest:
        response = await rest.post("/v1/long-term-memory", content=body(), headers={"Content-Type": "application/json"})
    assert (response.status_code, seen) == (200, [False])
    await traffic.lull()
