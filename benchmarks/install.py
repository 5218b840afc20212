"""The size of a fresh install from requirements/core.lock: packages, and megabytes with the bundled model.

    python3 make.py bench install

Makes an environment of its own in a temporary folder; what it brings itself (pip, setuptools) does not count. The
byte code that pip compiles beside the packages is given on its own: uvx makes it only for what a run imports.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET_PACKAGES = 52
TARGET_MB = 260
NOT_OURS = {"pip", "setuptools", "wheel"}
SHOWN = 12


def install(folder: Path) -> Path:
    """Install this checkout and what its lock file lists, and return where the packages went."""
    venv.create(folder, with_pip=True)
    site = next(path for path in folder.rglob("site-packages") if path.is_dir())
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wheels = folder / "wheels"
    # A wheel, as a user gets it: an editable install would leave the model outside.
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", "requirements/core.lock"], cwd=ROOT, check=True)
    subprocess.run([*pip, "--no-deps", *map(str, wheels.glob("*.whl"))], check=True)
    return site


def sizes(site: Path) -> dict[str, tuple[float, float]]:
    """Return the megabytes of each package, and of the byte code beside it."""
    found = {}
    for distribution in importlib.metadata.distributions(path=[str(site)]):
        if distribution.name in NOT_OURS:
            continue
        paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or []]
        compiled = sum(path.stat().st_size for path in paths if path.suffix == ".pyc" and path.is_file())
        packed = sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())
        found[distribution.name] = packed / 1e6, compiled / 1e6
    return found


def main() -> int:
    """Install and print what came."""
    with tempfile.TemporaryDirectory() as folder:
        found = sizes(install(Path(folder)))
    largest = sorted(found.items(), key=lambda item: -item[1][0])
    print(f"{'':<20}{'MB':>8}{'byte code':>12}")
    for name, (packed, compiled) in largest[:SHOWN]:
        print(f"{name:<20}{packed:>8.1f}{compiled:>12.1f}")
    packed_rest, compiled_rest = (sum(column) for column in zip(*(size for _, size in largest[SHOWN:]), strict=True))
    print(f"{'and the others':<20}{packed_rest:>8.1f}{compiled_rest:>12.1f}\n")
    packed, compiled = (sum(column) for column in zip(*found.values(), strict=True))
    print(f"{len(found)} packages (at most {TARGET_PACKAGES})")
    print(f"{packed:.0f} MB (at most {TARGET_MB}), and {compiled:.0f} MB of byte code")
    return 0 if len(found) <= TARGET_PACKAGES and packed <= TARGET_MB else 1


if __name__ == "__main__":
    sys.exit(main())
