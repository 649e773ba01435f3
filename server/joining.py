"""A further process on the same databases: it has a folder of its own, with the same keys (docs/decisions/0022-several-workers.md)."""

import shutil
from pathlib import Path
from typing import Final

from server.cannot import CannotServe
from server.settings import Settings
from shared_schema.ids import SIDES

_OF_SIDE: Final = ("keys.json", "gone.jsonl", "marks")


class CannotJoin(CannotServe):
    """There is nothing that a further process could share."""


def join(settings: Settings, folder: Path) -> list[str]:
    """Make the folder of a further process from that of one which serves, also while it does: the keys, the list of what was removed, and how far the logs
    have been, which may be behind and is never ahead. Returns the names of its files. Raises CannotJoin, OSError.
    """
    alone = [side for side in SIDES if isinstance(settings.place(side), Path)]
    if alone:
        raise CannotJoin(f"want FIELDKEEP_DATABASE set: a SQLite file has one process ({', '.join(alone)})")
    if folder.exists() and any(folder.iterdir()):
        raise CannotJoin(f"{folder} is not empty")
    names = ["setup-code", *(f"{side}.{name}" for side in SIDES for name in _OF_SIDE)]
    found = [name for name in names if (settings.data / name).exists()]
    if len([name for name in found if name.endswith(".keys.json")]) != len(SIDES):
        raise CannotJoin(f"{settings.data} has no keys of a service: start it once")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in found:
        (folder / name).touch(mode=0o600)
        shutil.copyfile(settings.data / name, folder / name)
    return found
