"""Where the file may stand: not on another computer's disk and not where another program copies it while it changes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mcp_memory.errors import StoreUnavailable

MOUNTS = Path("/proc/self/mounts")
_NETWORKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "davfs"})
_NETWORKS_BY_FUSE = frozenset({"sshfs", "glusterfs", "rclone", "gcsfuse", "s3fs", "davfs2", "smbnetfs", "curlftpfs"})
_SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "icloud drive", "icloud~", "mobile documents")
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How blanks, tabs and backslashes are written in the list of mounts."""
_ADVICE = (
    "choose another MEMORY_STORE_URL on a disk of this computer, or allow the folder with "
    "MEMORY_ALLOW_SHARED_FOLDER=true if no other computer uses the file"
)


def refuse_shared(path: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a folder in which SQLite's locks or files cannot be relied on.

    Raises:
        StoreUnavailable: with the reason and what to do.
    """
    folder = Path(os.path.realpath(path.parent))
    kind = _file_system(folder, mounts)
    if kind in _NETWORKS or (kind.startswith("fuse.") and kind.removeprefix("fuse.") in _NETWORKS_BY_FUSE):
        raise StoreUnavailable(
            f"{path} lies on a network file system ({kind}), where locks are not reliable: {_ADVICE}"
        )
    for part in folder.parts:
        if part.casefold().startswith(_SYNCED) or part == "CloudStorage":
            raise StoreUnavailable(
                f"{path} lies in {part!r}, which a program copies to other computers while it is in use: {_ADVICE}"
            )


def _file_system(folder: Path, mounts: Path) -> str:
    """Return the kind of the file system that holds the folder; empty where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        _, point, found, *_ = line.split(" ")
        root = Path(_OCTAL.sub(lambda escape: chr(int(escape[1], 8)), point))
        # Of two mounts on one folder the later one counts.
        if folder.is_relative_to(root) and len(root.parts) >= best:
            best, kind = len(root.parts), found
    return kind


def prepare(path: Path) -> None:
    """Create the folder and an empty file, where there is none.

    Raises:
        StoreUnavailable: it cannot be created.
    """
    if path.exists():
        return
    try:
        create(path)
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be created ({error.strerror}): choose another MEMORY_STORE_URL, "
            "or give this user write access to the folder"
        ) from error


def create(path: Path) -> None:
    """Create the folder and an empty file that only this user can read, whatever the umask says.

    SQLite gives its other files the mode of the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Another process may create it at the same moment; an existing file is not touched.
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if os.name == "posix":
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)
