"""Every error of the SQLite driver becomes one of ours, and every folder that cannot be relied on is refused."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from mcp_memory.errors import StoreError, StoreUnavailable
from mcp_memory.stores.sqlite import failures, place

OURS = {
    "AbortError",
    "BindingsError",
    "ConnectionClosedError",
    "ConnectionNotClosedError",
    "ConstraintError",
    "CursorClosedError",
    "EmptyError",
    "ExecTraceAbort",
    "ExecutionCompleteError",
    "ExtensionLoadingError",
    "ForkingViolationError",
    "IncompleteExecutionError",
    "InternalError",
    "InterruptError",
    "InvalidContextError",
    "MismatchError",
    "MisuseError",
    "NoFTS5Error",
    "NotFoundError",
    "RangeError",
    "SQLError",
    "SchemaChangeError",
    "ThreadingViolationError",
    "TooBigError",
    "VFSFileClosedError",
    "VFSNotImplementedError",
}
"""What only a mistake of this package can raise; it becomes a plain StoreError."""


def driver_errors() -> list[type[apsw.Error]]:
    found = [value for value in vars(apsw).values() if isinstance(value, type) and issubclass(value, apsw.Error)]
    return [kind for kind in found if kind is not apsw.Error]


def test_the_table_of_errors_has_no_hole() -> None:
    """A driver that learns a new error makes this test ask what it means to the user."""
    assert {kind.__name__ for kind in driver_errors()} == {kind.__name__ for kind in failures.ERRORS} | OURS


@pytest.mark.parametrize("kind", driver_errors(), ids=lambda kind: kind.__name__)
def test_every_driver_error_is_translated_and_names_the_file(kind: type[apsw.Error]) -> None:
    with pytest.raises(StoreError, match=r"memory\.sqlite3") as caught, failures.translated(Path("memory.sqlite3")):
        raise kind("reason")
    assert isinstance(caught.value.__cause__, kind)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/ann ext4 rw 0 0
host:/ /mnt/my\\040files fuse.sshfs rw 0 0
//nas/share /mnt/nas cifs rw 0 0
/dev/sdc1 /mnt/usb fuseblk rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("/home/bob", "nfs4"),
        ("/mnt/my files/deep", "sshfs"),
        ("/mnt/nas", "cifs"),
        ("/data/Dropbox/notes", "Dropbox"),
        ("/data/OneDrive - Firm", "OneDrive"),
        ("/Users/ann/Library/Mobile Documents/x", "Mobile Documents"),
        ("/Users/ann/Library/CloudStorage/x", "CloudStorage"),
        ("/data/Google Drive", "Google Drive"),
    ],
)
def test_a_folder_that_is_shared_is_refused(tmp_path: Path, folder: str, reason: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="utf-8")
    with pytest.raises(StoreUnavailable, match=rf"{reason}.*MEMORY_ALLOW_SHARED_FOLDER"):
        place.refuse_shared(Path(folder) / "memory.sqlite3", mounts)


@pytest.mark.parametrize("folder", ["/home/ann/notes", "/data", "/mnt/usb", "/home2", "/data/dropped"])
def test_a_folder_of_this_computer_is_not(tmp_path: Path, folder: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="utf-8")
    place.refuse_shared(Path(folder) / "memory.sqlite3", mounts)
    place.refuse_shared(Path(folder) / "memory.sqlite3", tmp_path / "a system that does not tell")
