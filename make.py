"""Everything that is done with a checkout, on a machine that has only Python and git.

    python3 make.py demo                 install the program into .venv and watch it remember, restart and recall
    python3 make.py check [--only STEP]  install what the tests need and run every check that CI runs
    python3 make.py docs                 write the generated pages and .env.example anew
    python3 make.py bench [NAME]         list the benchmarks, or run one; what follows NAME is handed on
    python3 make.py lock                 resolve the lock files in requirements/ anew

Needs nothing but the standard library. Not part of what is installed: the program itself is `agent-memory`.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

OLDEST = (3, 11)
NEWEST_LOOKED_FOR = 16
ROOT = Path(__file__).resolve().parent
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
LOCK_VENV = ROOT / ".venv-lock"

STEPS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "docs": ["scripts/generate_docs.py", "--check"],
    # In several processes, each with servers of its own; the folders in the order of their names, the slowest first.
    "tests": ["pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"],
}


# ------------------------------------------------------------------------------------------------------------ verbs


def demo(arguments: list[str]) -> int:
    """Install the program and run the scripted conversation."""
    python = installed("core")
    return run([python, "examples/demo.py", *arguments])


def check(arguments: list[str]) -> int:
    """Run every step, or the ones named by --only, and print what each took."""
    parser = argparse.ArgumentParser(prog="make.py check")
    parser.add_argument("--only", action="append", choices=list(STEPS), help="run this step; may be given again")
    only = parser.parse_args(arguments).only or list(STEPS)
    python = installed("dev")
    results = []
    counts = None
    for step in only:
        say(f"\n== {step}: {' '.join(STEPS[step])}")
        started = time.perf_counter()
        if step == "tests":
            code, counts = run_tests(command(python, step))
        else:
            code = run(command(python, step))
        results.append((step, code, time.perf_counter() - started))
    say("\nstep       result   seconds")
    for step, code, seconds in results:
        say(f"{step:<10} {'passed' if code == 0 else 'FAILED':<8} {seconds:>7.1f}")
    failed = [step for step, code, _ in results if code != 0]
    say(f"Failed: {', '.join(failed)}." if failed else f"All {len(results)} steps passed.")
    if counts is not None:
        say(counts)
    return 1 if failed else 0


def docs(arguments: list[str]) -> int:
    """Write the generated pages anew."""
    return run([installed("dev"), "scripts/generate_docs.py", *arguments])


def bench(arguments: list[str]) -> int:
    """List the benchmarks, or run one of them."""
    programs = {path.stem: path for path in sorted((ROOT / "benchmarks").glob("*.py")) if has_main(path)}
    if not arguments:
        for name, path in programs.items():
            say(f"{name:<12} {first_line(path)}")
        return 0
    name, *rest = arguments
    if name not in programs:
        say(f"There is no benchmark {name!r}; there are: {', '.join(programs)}.")
        return 2
    return run([installed("dev"), str(programs[name]), *rest])


def lock(arguments: list[str]) -> int:
    """Resolve the lock files anew; --upgrade takes the newest versions that pyproject.toml allows."""
    if not venv_python(LOCK_VENV).exists():
        make_venv(LOCK_VENV)
        pip(venv_python(LOCK_VENV), ["install", "-q", "uv>=0.9"], "uv")
    compile_ = [
        str(venv_python(LOCK_VENV)),
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--generate-hashes",
    ]
    compile_ += ["--no-emit-index-url", "--no-emit-find-links", "--python-version", dotted(OLDEST)]
    compile_ += ["--custom-compile-command", "python3 make.py lock", *arguments]
    # The second and third take the versions of the first, so that one environment can grow from one to the next.
    same = ["--constraint", "requirements/core.lock"]
    code = 0
    for target, source in {
        "core": ["pyproject.toml"],
        "dev": ["pyproject.toml", "--extra", "redis", "--extra", "rest", "--group", "dev", *same],
        "build": ["--group", "pyproject.toml:build", *same],
    }.items():
        say(f"Resolving requirements/{target}.lock")
        code = code or run([*compile_, *source, "--output-file", f"requirements/{target}.lock"])
    return code


VERBS = {"demo": demo, "check": check, "docs": docs, "bench": bench, "lock": lock}


# ---------------------------------------------------------------------------------------------------- the environment


def installed(level: str) -> str:
    """Return the Python of .venv, which holds what requirements/LEVEL.lock lists and this checkout."""
    stamp = VENV / "make-stamp"
    wanted = fingerprint(level)
    # Everything of core is in dev, in the same versions.
    enough = {wanted} if level == "dev" else {wanted, fingerprint("dev")}
    python = venv_python(VENV)
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") in enough:
        return str(python)
    started = time.perf_counter()
    if not works(python):
        say(f"Making {VENV.name} with Python {dotted(sys.version_info[:3])}")
        make_venv(VENV)
    stamp.unlink(missing_ok=True)
    for name in ("build", level):
        listed = REQUIREMENTS / f"{name}.lock"
        pip(
            python,
            ["install", "--no-deps", "--require-hashes", "-r", str(listed)],
            f"{listed.name}, {pinned(listed)} packages",
        )
    pip(python, ["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], "this checkout")
    stamp.write_text(wanted, encoding="utf-8")
    say(f"Installed in {time.perf_counter() - started:.0f} s\n")
    return str(python)


def fingerprint(level: str) -> str:
    """Return what changes when an environment of this level has to be made anew."""
    digest = hashlib.sha256(repr((level, sys.version_info[:3], str(ROOT))).encode())
    for path in (REQUIREMENTS / "build.lock", REQUIREMENTS / f"{level}.lock", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv(folder: Path) -> None:
    """Make an empty environment, or say what the machine lacks for it."""
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        version = dotted(sys.version_info[:2])
        sys.exit(
            f"This Python cannot make environments: its venv or ensurepip module is missing.\n"
            f"On Debian and Ubuntu: apt-get install python{version}-venv (or python3-venv), then run this again."
        )
    if run([sys.executable, "-m", "venv", "--clear", str(folder)]) != 0:
        sys.exit(f"Could not make {folder}; what Python said stands above.")


def venv_python(folder: Path) -> Path:
    """Return where the environment's Python is on this system."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def works(python: Path) -> bool:
    """Tell whether this environment is of our version of Python, and has pip."""
    return python.exists() and version_of([str(python)], "pip") == sys.version_info[:3]


def pip(python: Path, arguments: list[str], what: str) -> None:
    """Run pip in the environment and show how far it is."""
    say(f"Installing {what}")
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    words = [str(python), "-m", "pip", *arguments, *quiet]
    log = []
    shown = 0
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or []:
            log.append(line)
            if line.startswith("Collecting "):
                shown += 1
                if shown % 10 == 0:
                    say(f"  {shown:>3} fetched")
            elif line.startswith("Installing collected packages"):
                say("  unpacking")
    if process.returncode != 0:
        sys.exit("".join(log[-30:]) + f"\npip could not install {what}; its last lines stand above.")


def pinned(listed: Path) -> int:
    """Count the packages that a lock file lists for all systems together."""
    return len({line.split("==")[0] for line in listed.read_text(encoding="utf-8").splitlines() if "==" in line[:80]})


# --------------------------------------------------------------------------------------------------- running programs


def command(python: str, step: str) -> list[str]:
    """Return how a step is started with the environment's Python, or with a program beside it."""
    program, *rest = STEPS[step]
    if program.endswith(".py"):
        return [python, program, *rest]
    found = shutil.which(program, path=str(Path(python).parent))
    if found is None:
        sys.exit(f"{program} is not in {VENV.name}: delete that folder and run this again.")
    return [found, *rest]


def run(words: Sequence[str | Path]) -> int:
    """Run a program in the checkout and return its exit code."""
    sys.stdout.flush()
    return subprocess.run([str(word) for word in words], cwd=ROOT, check=False).returncode


def run_tests(words: list[str]) -> tuple[int, str]:
    """Run pytest, showing what it prints, and return its exit code and its counts in one line."""
    last = ""
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or []:
            sys.stdout.write(line)
            sys.stdout.flush()
            last = line if " in " in line and line.startswith("=") else last
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    failed = found.get("failed", 0) + found.get("error", 0)
    skipped = f", {found['skipped']} skipped" if "skipped" in found else ""
    return process.returncode, f"{found.get('passed', 0)} passed, {failed} failed{skipped}"


# ------------------------------------------------------------------------------------------------------ small matters


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def has_main(path: Path) -> bool:
    """Tell a program from a module that programs share."""
    return "__main__" in path.read_text(encoding="utf-8")


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def version_of(python: list[str], *modules: str) -> tuple[int, ...] | None:
    """Return the version of another Python that has these modules, or nothing."""
    code = f"import sys, {', '.join(modules)}; print(*sys.version_info[:3])"
    try:
        answer = subprocess.run([*python, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else None


def newer_python() -> list[str] | None:
    """Return how a Python that is new enough is called here, if there is one."""
    for minor in range(NEWEST_LOOKED_FOR, OLDEST[1] - 1, -1):
        name = f"python3.{minor}"
        for words in ([name], ["py", f"-3.{minor}"]):
            if shutil.which(words[0]) and version_of(words, "venv", "ensurepip"):
                return words
    return None


def main() -> int:
    """Run the verb that the command line names, with a Python that is new enough."""
    if sys.version_info < OLDEST:
        mine, oldest = dotted(sys.version_info[:2]), dotted(OLDEST)
        other = newer_python()
        if other is None:
            sys.exit(f"This is Python {mine}; mcp-memory needs {oldest} or newer, and there is none on PATH.")
        say(f"This is Python {mine}, and mcp-memory needs {oldest} or newer: going on with {' '.join(other)}.")
        return run([*other, str(ROOT / "make.py"), *sys.argv[1:]])
    # What a step prints may be no part of the code page of a Windows console or pipe.
    os.environ.setdefault("PYTHONIOENCODING", "utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in VERBS:
        say((__doc__ or "").strip())
        return 0 if verb in {"", "-h", "--help"} else 2
    return VERBS[verb](sys.argv[2:])


def dotted(version: tuple[int, ...]) -> str:
    """Write a version with dots."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
