"""The documents say what the program does: pages about it are generated, and what they link to is there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from mcp import Client

from mcp_memory.cli.main import COMMANDS, cli
from mcp_memory.config import Settings
from mcp_memory.errors import MemoryServerError
from mcp_memory.server import build_server
from mcp_memory.settings_text import variable

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
    if path.is_file()
]


def read(name: str) -> str:
    """Return a document of the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual viewers make them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of every relative link of a page, code aside."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            yield (page.parent / name if name else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    lost = [
        f"{path.name}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8")))
    ]
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_table_is_whole(page: Path) -> None:
    """An empty line parts the rows below it from their table, and they are shown as they are written."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    tables = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    assert [table for table in tables if not re.match(r"\|.*\n\|[ :|-]+\n", table)] == []


def test_every_page_is_reached_from_the_readme() -> None:
    front = ROOT / "README.md"
    reached, following = set(), [front]
    while following:
        page = following.pop()
        reached.add(page)
        near = {path.resolve() for path, _ in links(page) if path.suffix == ".md"}
        following += near - reached - set(following)
    assert [path for path in PAGES if "docs" in path.parts and path not in reached] == []


def test_the_generated_pages_are_what_the_program_says() -> None:
    check = [sys.executable, "scripts/generate_docs.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_is_documented_and_can_be_copied() -> None:
    page, example = read("docs/reference/settings.md"), read(".env.example")
    assert [name for name in map(variable, Settings.model_fields) if f"`{name}`" not in page] == []
    assert [name for name in map(variable, Settings.model_fields) if f"# {name}=" not in example] == []


def test_every_command_is_documented() -> None:
    page, readme = read("docs/reference/cli.md"), read("README.md")
    assert [name for name in COMMANDS if f"## `agent-memory {name}`" not in page] == []
    for_people = [name for name in COMMANDS if name != "migrate-working-memory"]
    assert [name for name in for_people if f"`agent-memory {name}" not in readme] == []


def test_every_command_says_what_it_does() -> None:
    silent = []
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            if command is None or not command.get_short_help_str():
                silent.append(name)
    assert not silent


@pytest.mark.anyio
async def test_every_tool_is_documented() -> None:
    async with Client(build_server()) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    page, readme = read("docs/reference/mcp.md"), read("README.md")
    assert [name for name in names if f"### `{name}`" not in page or f"| `{name}` |" not in readme] == []


def test_every_error_is_documented_with_a_code_of_its_own() -> None:
    def family(kind: type[MemoryServerError]) -> Iterator[type[MemoryServerError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from family(child)

    kinds = [kind for kind in family(MemoryServerError) if kind.__module__.startswith("mcp_memory.")]
    page = read("docs/reference/errors.md")
    assert [kind.__name__ for kind in kinds if f"| `{kind.__name__}` | `{kind.code}` |" not in page] == []
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_the_commands_of_the_first_screen_are_real() -> None:
    first_screen = "\n".join(read("README.md").splitlines()[:25])
    verbs = re.findall(r"^python3 make\.py (\w+)", first_screen, flags=re.MULTILINE)
    assert verbs == ["demo", "check"]
    for verb in verbs:
        assert f"python3 make.py {verb}" in read("make.py")
