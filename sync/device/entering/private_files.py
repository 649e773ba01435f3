"""Files that only their owner may read, on disk when a call returns."""

import os
from pathlib import Path


def replace_private(path: Path, text: str) -> None:
    """Put a file in the place of another, whole: whenever the process or the power ends, one of the two is there. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    write_private(beside, text)
    beside.replace(path)
    sync_folder(path.parent)


def write_private(path: Path, content: str | bytes, *, new: bool = False) -> None:
    """Write a file, text as UTF-8, that only its owner may read; on disk when this returns. Raises FileExistsError for a `new` one that is there."""
    flags = os.O_CREAT | os.O_WRONLY | (os.O_EXCL if new else os.O_TRUNC)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)  # it may have been there
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)  # its name too


def sync_folder(folder: Path) -> None:
    """What was created or renamed in a folder is on disk when this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
