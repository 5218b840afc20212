"""Summary views and tasks over REST, as the published clients ask for them, and who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_memory.bootstrap import task_runner
from mcp_memory.services.memory import Memory
from tests.doors.rest_app import client_of, opened, settings_in
from tests.doors.serving import GuestList

pytestmark = pytest.mark.anyio

VIEWS = "/v1/summary-views"
NULLS = {"name": None, "group_by": None, "filters": None, "time_window_days": None, "prompt": None, "model_name": None}


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    async with opened(settings_in(tmp_path)) as memory:
        yield memory


@pytest.fixture
async def client(memory: Memory, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(settings_in(tmp_path), memory) as client:
        told = [
            {"id": "1", "text": "Ana sails", "user_id": "ana", "namespace": "harbour"},
            {"id": "2", "text": "Bo bakes", "user_id": "bo", "namespace": "bakery"},
        ]
        assert (await client.post("/v1/long-term-memory", json={"memories": told})).status_code == 200
        yield client


async def asked(client: httpx2.AsyncClient, method: str, path: str, **sent: Any) -> Any:
    answer = await client.request(method, path, **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx2.AsyncClient, method: str, path: str, **sent: Any) -> tuple[int, Any]:
    answer = await client.request(method, path, **sent)
    return answer.status_code, answer.json()["detail"]


async def created(client: httpx2.AsyncClient, **fields: Any) -> str:
    view_id: str = (await asked(client, "POST", VIEWS, json={"source": "long_term", "group_by": ["user_id"]} | fields))[
        "id"
    ]
    return view_id


async def test_a_view_is_made_read_and_deleted(client: httpx2.AsyncClient) -> None:
    made = await asked(client, "POST", VIEWS, json={"source": "long_term", "continuous": False} | NULLS)
    assert made == {"source": "long_term", "continuous": False} | NULLS | {
        "id": made["id"],
        "group_by": [],
        "filters": {},
    }
    other = await created(client, filters={"user_id": ["ana", "bo"]})
    assert [view["id"] for view in await asked(client, "GET", VIEWS + "/")] == [other, made["id"]]
    assert await asked(client, "GET", f"{VIEWS}/{made['id']}") == made
    for _ in range(2):
        assert await asked(client, "DELETE", f"{VIEWS}/{made['id']}") == {"status": "ok"}
    for path in ("", "/partitions"):
        told = await refused(client, "GET", f"{VIEWS}/{made['id']}{path}")
        assert told == (404, f"SummaryView {made['id']} not found")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"source": "working_memory"}, 400, "long_term"),
        ({"source": "long_term", "group_by": ["b", "a"]}, 400, "Unsupported group_by fields: a, b"),
        ({"source": "long_term", "filters": {"text": "x"}}, 400, "Unsupported filter fields: text"),
        ({"source": "long_term", "filters": {"user_id": {"is": "x"}}}, 400, "unknown operator is"),
        ({"source": "elsewhere"}, 422, "literal_error"),
        ({"source": "long_term", "time_window_days": 0}, 422, "greater_than_equal"),
        ({}, 422, "missing"),
    ],
)
async def test_a_view_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, body: dict[str, Any], status: int, said: str
) -> None:
    told = await refused(client, "POST", VIEWS, json=body)
    assert (told[0], said in str(told[1])) == (status, True)


async def test_one_group_is_summed_up_at_once(client: httpx2.AsyncClient) -> None:
    view_id = await created(client)
    done = await asked(client, "POST", f"{VIEWS}/{view_id}/partitions/run", json={"group": {"user_id": "ana"}})
    assert done == {
        "view_id": view_id,
        "group": {"user_id": "ana"},
        "summary": done["summary"],
        "memory_count": 1,
        "empty": False,
        "empty_reason": None,
        "computed_at": done["computed_at"],
    }
    assert done["summary"].startswith("1 memory:\n- ")
    await asked(client, "POST", f"{VIEWS}/{view_id}/partitions/run", json={"group": {"user_id": "carl"}})
    found = await asked(client, "GET", f"{VIEWS}/{view_id}/partitions")
    assert [(one["group"], one["empty_reason"]) for one in found] == [
        ({"user_id": "ana"}, None),
        ({"user_id": "carl"}, "no_matching_memories"),
    ]
    assert await asked(client, "GET", f"{VIEWS}/{view_id}/partitions", params={"user_id": "ana"}) == [done]
    assert await asked(client, "GET", f"{VIEWS}/{view_id}/partitions", params={"session_id": "s"}) == []
    for group in ({}, {"user_id": "ana", "namespace": "harbour"}):
        told = await refused(client, "POST", f"{VIEWS}/{view_id}/partitions/run", json={"group": group})
        assert (told[0], "exactly those of group_by" in told[1]) == (400, True)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {}},
        {"json": {"force": True}},
        {"json": {"task_id": None, "force": None}},
        {"json": None},
        {"content": b""},
        {"content": b"", "params": {"force": "true"}},
    ],
)
async def test_a_run_is_a_task_whatever_its_body(
    client: httpx2.AsyncClient, memory: Memory, tmp_path: Path, sent: dict[str, Any]
) -> None:
    """As the clients of Python, JavaScript and Java ask for it."""
    view_id = await created(client)
    task = await asked(client, "POST", f"{VIEWS}/{view_id}/run", **sent)
    assert task == {
        "id": task["id"],
        "type": "summary_view_full_run",
        "status": "pending",
        "view_id": view_id,
        "created_at": task["created_at"],
        "started_at": None,
        "completed_at": None,
        "error_message": None,
    }
    forced = "params" in sent or bool((sent.get("json") or {}).get("force"))
    assert (await memory.jobs.get(task["id"])).arguments.get("force", False) is forced
    await task_runner(settings_in(tmp_path), memory, concurrency=1).run(task["id"])
    done = await asked(client, "GET", f"/v1/tasks/{task['id']}")
    assert (done["status"], done["completed_at"] is None, done["error_message"]) == ("success", False, None)
    found = await asked(client, "GET", f"{VIEWS}/{view_id}/partitions")
    assert [one["group"] for one in found] == [{"user_id": "ana"}, {"user_id": "bo"}]


async def test_a_task_may_be_named_by_the_client(client: httpx2.AsyncClient) -> None:
    view_id = await created(client)
    assert (await asked(client, "POST", f"{VIEWS}/{view_id}/run", json={"task_id": "mine"}))["id"] == "mine"
    assert (await asked(client, "GET", "/v1/tasks/mine/"))["view_id"] == view_id
    assert await refused(client, "GET", "/v1/tasks/none") == (404, "Task none not found")
    assert (await refused(client, "POST", f"{VIEWS}/none/run", json={}))[0] == 404


async def test_reading_is_for_all_and_the_rest_for_admins(memory: Memory, tmp_path: Path) -> None:
    async with client_of(settings_in(tmp_path), memory, GuestList()) as client:
        client.headers["authorization"] = "Bearer root"
        view_id = await created(client)
        task_id = (await asked(client, "POST", f"{VIEWS}/{view_id}/run"))["id"]
        acts = [
            ("POST", VIEWS, {"source": "long_term"}),
            ("POST", f"{VIEWS}/{view_id}/run", {}),
            ("POST", f"{VIEWS}/{view_id}/partitions/run", {"group": {"user_id": "ana"}}),
            ("DELETE", f"{VIEWS}/{view_id}", None),
        ]
        reads = [VIEWS, f"{VIEWS}/{view_id}", f"{VIEWS}/{view_id}/partitions", f"/v1/tasks/{task_id}"]
        client.headers["authorization"] = "Bearer writer"
        assert [(await refused(client, act, path, json=body))[0] for act, path, body in acts] == [403] * 4
        client.headers["authorization"] = "Bearer reader"
        assert [(await client.get(path)).status_code for path in reads] == [200] * 4
        client.headers["authorization"] = "Bearer ana"
        assert [(await client.get(path)).status_code for path in reads] == [200, 404, 404, 404]
        assert (await client.get(VIEWS)).json() == []
        del client.headers["authorization"]
        assert [(await client.get(path)).status_code for path in reads] == [401] * 4
