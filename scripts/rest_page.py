"""The page about REST: what the OpenAPI document of the sidecar says, for people. Written by ``generate_docs``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

HEAD = """\
# REST

What `agent-memory api` answers. [How to run it](../howto/rest.md); the same as a document for programs stands at
`/openapi.json` of a running server.

- A path may end with a slash. Ids in it are percent-encoded.
- A null means the same as a field that is left out; fields that are not known are ignored.
- Times are ISO 8601 in UTC. Filters are those of [MCP](mcp.md#filters).
- An answer that holds a version has it as `ETag`; with `If-Match` nothing is overwritten that changed since. What
  changed memories has the id of its operation in `X-Operation-ID`, to be looked at and undone.
- Each answer has an `X-Request-ID`, the one that the request brought or a new one; the log names it.
- Errors are `{"detail": "...", "code": "..."}` ([codes](errors.md)); where a value cannot be used, 422 with a list in
  `detail` that says which. 413: the body is longer than `MAX_REQUEST_BYTES`. 401, 403 and 429 are about who asks.
"""
COMMON = frozenset({"200", "400", "401", "403", "413", "422", "429", "503"})
"""Statuses that the head of the page tells of."""
UNTOLD = frozenset({"Detail", "Fault", "Faults", "HTTPValidationError", "ValidationError"})
"""Shapes that it tells of as well."""


def rest_page(document: Schema) -> str:
    """Return the page."""
    return "\n".join(_Page(document).lines()).rstrip() + "\n"


class _Page:
    """One document, told for people."""

    def __init__(self, document: Schema) -> None:
        self._paths: Mapping[str, Mapping[str, Schema]] = document["paths"]
        self._shapes: Mapping[str, Schema] = document["components"]["schemas"]

    def lines(self) -> Iterator[str]:
        groups: dict[str, list[str]] = defaultdict(list)
        for path, methods in self._paths.items():
            for method, route in methods.items():
                groups[route["tags"][0]] += self._route(f"{method.upper()} {path}", route)
        yield HEAD
        for group, told in groups.items():
            yield from (f"## {group}", "", *told)
        yield from ("## Shapes", "")
        for name in sorted(self._shapes):
            yield from self._shape(name)

    def _route(self, name: str, route: Schema) -> Iterator[str]:
        yield from (f"### `{name}`", "", f"{route['summary']}.", "")
        if route.get("description"):
            yield from (route["description"], "")
        asked = [part for part in route.get("parameters", []) if part["in"] != "path"]
        if asked:
            yield from ("| Parameter | Type | Default | Meaning |", "| --- | --- | --- | --- |")
            yield from (*map(self._parameter, asked), "")
        if body := route.get("requestBody"):
            yield from (f"Takes {self._type(body['content']['application/json']['schema'])}.", "")
        answer = route["responses"]["200"].get("content", {}).get("application/json", {}).get("schema")
        yield from (f"Answers {self._type(answer)}." if answer else "Answers plain text.", "")
        also = [f"{code}: {told['description']}." for code, told in route["responses"].items() if code not in COMMON]
        if also:
            yield from (" ".join(also), "")

    def _parameter(self, part: Schema) -> str:
        schema = part["schema"]
        usual = f"`{json.dumps(schema['default'])}`" if schema.get("default") is not None else ""
        where = f"`{part['name']}`" + (" (header)" if part["in"] == "header" else "")
        meaning = part.get("description") or schema.get("description") or ""
        return f"| {where} | {self._type(schema)} | {usual} | {meaning} |"

    def _shape(self, name: str) -> Iterator[str]:
        schema = self._shapes[name]
        fields = schema.get("properties")
        if not fields or name in UNTOLD:
            return
        needed = set(schema.get("required", []))
        told = (
            f"`{field}` ({self._type(part)}{', required' if field in needed else ''})" for field, part in fields.items()
        )
        yield from (f"### {name}", "", ", ".join(told) + ".", "")

    def _type(self, schema: Schema) -> str:
        """Return the type of a value in a few words, with links to shapes."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            shape = self._shapes[name]
            return f"[{name}](#{name.lower()})" if "properties" in shape else self._type(shape)
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._type(part) for part in schema["anyOf"] if part != {"type": "null"}))
        if "enum" in schema:
            return ", ".join(f"`{value}`" for value in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self._type(schema.get('items', {}))}"
        return "time" if schema.get("format") == "date-time" else str(schema.get("type", "any"))
