"""JSON schemas of requests and replies, small enough for a model to carry in every conversation.

Pydantic's own schemas say everything three times (titles, nulls, defaults); a client pays for each word in each
conversation. This is presentation only: what is accepted and answered is decided by the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
SHARED: Mapping[str, Schema] = {
    "TagFilter": {
        "description": "a value, a list (any of these), or operators that must all hold: "
        "eq, ne, not_eq, startswith take a value; any, all, none, in_, not_in a list",
        "anyOf": [_TEXT, _TEXTS, {"type": "object"}],
    },
    "DateFilter": {
        "description": "a day or moment (ISO 8601), or operators that must all hold: "
        "eq, ne, gt, gte, lt, lte; between takes [from, to]",
        "anyOf": [_TEXT, {"type": "object"}],
    },
}
"""Written once in each schema that needs it."""

_NOISE = frozenset(
    {"title", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "const"}
)
"""What the server checks anyway and answers with a sentence."""


def input_schema(
    model: type[BaseModel], fields: Iterable[str], required: Iterable[str] = (), hidden: frozenset[str] = frozenset()
) -> Schema:
    """Return the schema of a request that shows these fields, in this order, without the ``hidden`` ones in them."""
    full = model.model_json_schema(by_alias=True)
    slim = _Slimmer(full.get("$defs", {}), _NOISE, hidden=hidden)
    schema: Schema = {"type": "object", "properties": {name: slim.field(full["properties"][name]) for name in fields}}
    if needed := list(required):
        schema["required"] = needed
    if slim.shared:
        schema["$defs"] = {name: SHARED[name] for name in sorted(slim.shared)}
    return schema


def output_schema(model: type[BaseModel], hidden: frozenset[str] = frozenset(), shallow: Iterable[str] = ()) -> Schema:
    """Return the schema of a reply.

    Args:
        model: the reply.
        hidden: fields that are answered too, but not described.
        shallow: fields whose objects are described elsewhere.
    """
    full = model.model_json_schema(by_alias=True)
    unsent = {name for name, field in model.model_fields.items() if field.exclude}
    noise = _NOISE | {"description", "default", "format"}
    slim = _Slimmer(full.pop("$defs", {}), noise, hidden=hidden | unsent, replies=True)
    schema = slim.field(full)
    for name in shallow:
        part = schema["properties"][name]
        schema["properties"][name] = {"type": part["type"]} | ({"items": {"type": "object"}} if "items" in part else {})
    return schema


class _Slimmer:
    """Rewrites one schema; remembers which shared definitions it left as references."""

    def __init__(
        self, defs: Mapping[str, Schema], noise: frozenset[str], *, hidden: frozenset[str], replies: bool = False
    ) -> None:
        self._defs = defs
        self._noise = noise
        self._hidden = hidden
        self._replies = replies
        self.shared: set[str] = set()

    def field(self, schema: Schema) -> Schema:
        """Return the schema without noise, references resolved but for the shared ones."""
        kept = {key: value for key, value in schema.items() if key not in self._noise}
        if "default" in kept and kept["default"] in (None, {}, []):
            del kept["default"]
        if "$ref" in kept:
            return self._resolved(kept)
        if "anyOf" in kept:
            return self._alternatives(kept)
        return self._with_parts(kept)

    def _with_parts(self, kept: Schema) -> Schema:
        if "properties" in kept:
            shown = {name: part for name, part in kept["properties"].items() if name not in self._hidden}
            kept["properties"] = {name: self.field(part) for name, part in shown.items()}
            if "required" in kept:
                kept["required"] = [name for name in kept["required"] if name in shown]
        if "items" in kept:
            kept["items"] = self.field(kept["items"])
        extra = kept.pop("additionalProperties", True)
        if isinstance(extra, dict) and (part := self.field(extra)):
            kept["additionalProperties"] = part
        return kept

    def _resolved(self, schema: Schema) -> Schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in SHARED and not self._replies:
            self.shared.add(name)
            return schema
        # A model's docstring speaks to programmers; what stands beside the reference speaks of this field.
        definition = {key: value for key, value in self._defs[name].items() if key != "description"}
        return self.field(definition) | {key: value for key, value in schema.items() if key != "$ref"}

    def _alternatives(self, schema: Schema) -> Schema:
        """Return an optional part as the part itself; in replies, where null is really sent, as a nullable one."""
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        options = [self.field(option) for option in schema["anyOf"] if option != {"type": "null"}]
        nullable = self._replies and len(options) < len(schema["anyOf"])
        if len(options) > 1:
            return {"anyOf": options + ([{"type": "null"}] if nullable else [])} | beside
        only = options[0] | beside
        if nullable:
            only["type"] = [only["type"], "null"]
            if "enum" in only:
                only["enum"] = [*only["enum"], None]
        return only
