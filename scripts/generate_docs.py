"""Writes the pages that repeat what the program says of itself: settings, commands, MCP tools, REST, errors.

    python3 make.py docs             write them
    python3 make.py docs --check     say which of them differ from the program, and fail if any does

What stands in them is asked of the settings, the commands, the running server and the errors; to change a page,
change what is said there. Pages written by hand are not touched.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import click
from mcp import Client
from mcp_types import Tool
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mcp_memory import errors
from mcp_memory.cli.main import cli
from mcp_memory.config import Settings
from mcp_memory.mcp_door.tools import TOOLS
from mcp_memory.rest_door.application import document
from mcp_memory.rest_door.errors import status_of
from mcp_memory.server import build_server
from mcp_memory.settings_text import variable
from scripts.rest_page import rest_page

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
MADE = "<!-- Written by `python3 make.py docs`; change the program, not this page. -->\n"

Schema: TypeAlias = Mapping[str, Any]

DOTENV_HEAD = """\
# Every setting of mcp-memory, at its default. Copy this file to .env, and take the # away where you want another
# value; the environment wins. Written by `python3 make.py docs`: change mcp_memory/config.py, not this file."""

SETTINGS_HEAD = """\
# Settings

Settings are environment variables. They are also read from a file `.env` in the folder where the program is started;
the environment wins. `agent-memory config` shows each one's value and where it came from. A value that cannot be used
is refused with the name of its variable; an empty one counts as not set.

| Variable | Default | Values | What it does |
| --- | --- | --- | --- |"""

SETTINGS_WITHOUT_EFFECT = """
## Accepted without effect

Configurations made for agent-memory-server carry these. They are read, checked and shown, and change nothing in this
version.

| Variable | What it is |
| --- | --- |"""

CLI_HEAD = """\
# Commands

The program is called `agent-memory`; `mcp-memory` is the same program. Bad input is answered with one line that says
what is wrong, and exit code 2."""

MCP_HEAD = """\
# MCP

What `agent-memory mcp` offers, in both eras of the protocol: `initialize` and `server/discover`. A tool needs `read`,
`write` or `admin` of a client [over the network](../howto/serve-over-the-network.md) that shows a token; over stdin and
stdout a client may do everything. Resources and prompts need `read`.

## Tools"""

ERRORS_HEAD = """\
# Errors

Over MCP an error is a tool result marked as one, with a sentence that says what to do; programs find the code in its
`_meta`, under `mcp-memory/code`. Over REST it is a status, and a body with `detail` and `code`; where the store, a
model or an issuer fails, `detail` says only which, and the server's log says more. On the command line it is one line
on stderr. The codes are stable, the sentences may be reworded.

```text
{tree}
```

| Error | Code | Status | What happened |
| --- | --- | --- | --- |"""


# ---------------------------------------------------------------------------------------------------------- settings


def dotenv() -> str:
    """Return .env.example: every setting with what it does, commented out at its default."""
    lines = [DOTENV_HEAD]
    for name, field in Settings.model_fields.items():
        values = f" ({accepted(name)})" if has_effect(field) else ""
        words = textwrap.wrap(f"{field.description}{values}", 116)
        lines += ["", *(f"# {line}" for line in words), f"# {variable(name)}={default(field)}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return the page of settings: first those that do something, then those that are only accepted."""
    fields = Settings.model_fields
    lines = [SETTINGS_HEAD]
    for name, field in fields.items():
        if has_effect(field):
            cells = (f"`{variable(name)}`", code(default(field)), accepted(name), field.description or "")
            lines.append(table_row(cells))
    lines.append(SETTINGS_WITHOUT_EFFECT)
    for name, field in fields.items():
        if not has_effect(field):
            meaning = (field.description or "").partition(" Accepted for compatibility")[0]
            lines.append(table_row((f"`{variable(name)}`", meaning)))
    return "\n".join(lines) + "\n"


def has_effect(field: FieldInfo) -> bool:
    """Tell a setting that does something from one that is only accepted."""
    return field.json_schema_extra != {"effect": "none"}


def default(field: FieldInfo) -> str:
    """Return the default as the environment would say it."""
    if field.default is None or field.default is PydanticUndefined:
        return ""
    if isinstance(field.default, tuple):
        return ",".join(field.default)
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def accepted(name: str) -> str:
    """Return which values a setting takes."""
    schema = Settings.model_json_schema()["properties"][name]
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(dict.fromkeys(map(values_of, options)))


def values_of(schema: Schema) -> str:
    """Return the values of one alternative of a schema."""
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if schema.get("type") == "array":
        return "list, with commas or in JSON"
    kind = {"boolean": "true, false", "integer": "whole number", "number": "number"}.get(schema.get("type", ""), "text")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    return kind if low is None else f"{kind}, at least {low}"


# ---------------------------------------------------------------------------------------------------------- commands


def cli_page() -> str:
    """Return the page of commands: what --help says of each."""
    lines = [CLI_HEAD]
    for context in commands(cli, "agent-memory", None):
        lines += ["", f"## `{context.command_path}`", "", "```text", context.get_help(), "```"]
    return "\n".join(lines) + "\n"


def commands(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    """Yield the contexts of a command and of all commands below it."""
    with command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH) as context:
        yield context
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                inner = command.get_command(context, word)
                if inner is not None and not inner.hidden:
                    yield from commands(inner, word, context)


# --------------------------------------------------------------------------------------------------------------- MCP


async def mcp_page() -> str:
    """Return the page of tools, resources and prompts, as the running server lists them."""
    async with Client(build_server()) as client:
        tools = (await client.list_tools()).tools
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        prompts = (await client.list_prompts()).prompts
        instructions = client.instructions or ""
    lines = [MCP_HEAD]
    lines += [part for tool in tools for part in tool_section(tool)]
    lines += ["", "## Filters", "", *filters(tools)]
    lines += ["", "## Resources", "", "| Address | What it is |", "| --- | --- |"]
    lines += [table_row((f"`{item.uri}`", item.description or "")) for item in resources]
    lines += [table_row((f"`{item.uri_template}`", item.description or "")) for item in templates]
    lines += ["", "## Prompts", "", "| Prompt | Arguments | What it does |", "| --- | --- | --- |"]
    for prompt in prompts:
        names = ", ".join(f"`{item.name}`{'' if item.required else ' (optional)'}" for item in prompt.arguments or [])
        lines.append(table_row((f"`{prompt.name}`", names, prompt.description or "")))
    lines += ["", "## Instructions", "", "What the server tells the model about itself:", ""]
    lines += [f"> {line}".rstrip() for line in instructions.splitlines()]
    return "\n".join(lines) + "\n"


ACCESS = {tool.name: tool.access for tool in TOOLS}


def tool_section(tool: Tool) -> Iterator[str]:
    """Yield the lines about one tool."""
    yield from ("", f"### `{tool.name}`", "", f"**{tool.title}** ({hints(tool)}; needs `{ACCESS[tool.name]}`)", "")
    yield from described(tool)
    properties = tool.input_schema.get("properties", {})
    if properties:
        yield from ("", "| Parameter | Type | Default | Meaning |", "| --- | --- | --- | --- |")
        required = tool.input_schema.get("required", [])
        for name, schema in properties.items():
            usual = (
                "required" if name in required else code(json.dumps(schema["default"])) if "default" in schema else ""
            )
            yield table_row((f"`{name}`", type_of(schema), usual, schema.get("description", "")))
    for name, schema in properties.items():
        if inner := schema.get("items", {}).get("properties"):
            yield from ("", f"Each of `{name}`: {fields_of(inner, schema['items'].get('required', []))}.")
    answered = (tool.output_schema or {}).get("properties", {})
    yield from ("", "Answers " + ", ".join(f"`{name}`" for name in answered) + ".")
    for name, schema in answered.items():
        if inner := schema.get("items", {}).get("properties"):
            yield from ("", f"Each of `{name}`: {fields_of(inner, [])}.")


def described(tool: Tool) -> Iterator[str]:
    """Yield what the tool says of itself, each line a paragraph, its example as code."""
    for number, line in enumerate((tool.description or "").splitlines()):
        words, example, sample = line.partition("Example: ")
        yield from ["", f"{words}{example}{code(sample)}"][0 if number else 1 :]


def hints(tool: Tool) -> str:
    """Return what the annotations promise."""
    marks = tool.annotations
    if marks is None or marks.read_only_hint:
        return "only reads"
    kind = "changes or deletes what is there" if marks.destructive_hint else "only adds"
    return f"{kind}; {'doing it twice changes nothing more' if marks.idempotent_hint else 'each call adds'}"


def fields_of(properties: Mapping[str, Schema], required: Iterable[str]) -> str:
    """Return the fields of an object in one line."""
    needed = set(required)
    return ", ".join(
        f"`{name}` ({type_of(schema)}{', required' if name in needed else ''})" for name, schema in properties.items()
    )


def type_of(schema: Schema) -> str:
    """Return a schema's type in a word or two."""
    if "$ref" in schema:
        return f"[{schema['$ref'].rpartition('/')[2]}](#filters)"
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"] if value is not None)
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return "date and time" if schema.get("format") == "date-time" else str(kind)


def filters(tools: Iterable[Tool]) -> Iterator[str]:
    """Yield what the shared definitions of the tools' schemas say."""
    shared = {name: schema for tool in tools for name, schema in tool.input_schema.get("$defs", {}).items()}
    for name, schema in sorted(shared.items()):
        yield f"- **{name}**: {schema['description']}."


# ------------------------------------------------------------------------------------------------------------ errors


def errors_page() -> str:
    """Return the page of errors: the tree, then each with its code."""
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    lines = [ERRORS_HEAD.format(tree=textwrap.dedent(tree))]
    for kind in family(errors.MemoryServerError):
        cells = (f"`{kind.__name__}`", f"`{kind.code}`", str(status_of(kind)), inspect.cleandoc(kind.__doc__ or ""))
        lines.append(table_row(cells))
    return "\n".join(lines) + "\n"


def family(kind: type[errors.MemoryServerError]) -> Iterator[type[errors.MemoryServerError]]:
    """Yield an error and all errors below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


# ----------------------------------------------------------------------------------------------------- writing pages


def code(text: str) -> str:
    """Return a text as code, or nothing."""
    return f"`{text}`" if text else ""


def table_row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def pages() -> dict[str, str]:
    """Return every generated file with what should stand in it."""
    made = {
        "docs/reference/settings.md": settings_page(),
        "docs/reference/cli.md": cli_page(),
        "docs/reference/mcp.md": anyio.run(mcp_page),
        "docs/reference/errors.md": errors_page(),
        "docs/reference/rest.md": rest_page(document()),
    }
    return {".env.example": dotenv(), **{name: MADE + text for name, text in made.items()}}


def main() -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page differs")
    only_check = parser.parse_args().check
    stale = 0
    for name, wanted in pages().items():
        path = ROOT / name
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == wanted:
            continue
        stale += 1
        if only_check:
            difference = difflib.unified_diff(found.splitlines(), wanted.splitlines(), name, "the program", lineterm="")
            print(*list(difference)[:20], sep="\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8", newline="\n")
            print(f"Wrote {name}")
    if only_check and stale:
        print(f"\n{stale} of the generated files differ from the program: run `python3 make.py docs`.")
    return 1 if only_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
