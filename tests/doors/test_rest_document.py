"""The OpenAPI document is true: it holds all routes, and what it allows never breaks the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from mcp_memory.rest_door.application import ROUTES
from tests.doors import rest_app

EXAMPLES = 12
"""Requests of each kind to each route; the same ones in every run."""
CHECKED = [status_code_conformance, response_schema_conformance]
REFERENCE = {
    "GET /v1/health",
    "GET /v1/working-memory",
    "GET /v1/working-memory/{session_id}",
    "PUT /v1/working-memory/{session_id}",
    "DELETE /v1/working-memory/{session_id}",
    "POST /v1/long-term-memory",
    "POST /v1/long-term-memory/search",
    "DELETE /v1/long-term-memory",
    "GET /v1/long-term-memory/{memory_id}",
    "PATCH /v1/long-term-memory/{memory_id}",
    "POST /v1/long-term-memory/forget",
    "POST /v1/long-term-memory/compact",
    "POST /v1/memory/prompt",
    "POST /v1/summary-views",
    "GET /v1/summary-views",
    "GET /v1/summary-views/{view_id}",
    "DELETE /v1/summary-views/{view_id}",
    "POST /v1/summary-views/{view_id}/partitions/run",
    "GET /v1/summary-views/{view_id}/partitions",
    "POST /v1/summary-views/{view_id}/run",
    "GET /v1/tasks/{task_id}",
}
"""The routes that existing clients call."""


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def rest(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.AsyncClient]:
    settings = rest_app.settings_in(tmp_path_factory.mktemp("rest"))
    with portal.wrap_async_context_manager(rest_app.opened(settings)) as memory:
        yield rest_app.client_of(settings, memory)


@pytest.fixture(scope="module")
def document(portal: BlockingPortal, rest: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = portal.call(rest.get, "/openapi.json").json()
    return found


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    documented = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert documented == {f"{route.method} {route.path}" for route in ROUTES}
    assert documented >= REFERENCE


def test_every_route_says_who_may_call_it_and_what_it_refuses(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}, {"apiKey": []}]
    for route in ROUTES:
        told = document["paths"][route.path][route.method.lower()]
        assert told["summary"]
        if route.access is None:
            assert told["security"] == []
        else:
            assert f"Needs the scope `{route.access}`." in told["description"]
            assert {"401", "403", "422", "429", "503"} <= set(told["responses"])


def test_the_document_names_nothing_of_this_machine(document: dict[str, Any]) -> None:
    assert str(Path.home()) not in json.dumps(document)
    assert document["info"]["title"] == "mcp-memory"


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_request_breaks_the_server(
    portal: BlockingPortal, rest: httpx2.AsyncClient, document: dict[str, Any], route: Any, mode: GenerationMode
) -> None:
    """What the document allows, and what it does not, is answered as it says."""
    operation = schemathesis.openapi.from_dict(document)[route.path][route.method]
    if mode is GenerationMode.NEGATIVE and not operation.definition.raw.get("parameters"):
        pytest.skip("there is nothing to get wrong")

    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        request = case.as_transport_kwargs(base_url=rest_app.ADDRESS)
        request.pop("cookies", None)
        if "data" in request:
            request["content"] = request.pop("data")
        response = portal.call(_asked, rest, request)
        assert response.status_code < 500, (request, response.text)
        case.validate_response(response, checks=CHECKED)

    ask()


async def _asked(rest: httpx2.AsyncClient, request: dict[str, Any]) -> httpx2.Response:
    return await rest.request(**request)
