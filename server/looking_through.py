"""What a copy of a server's data holds, and whether it is whole: no copy counts that could not be put back."""

from pathlib import Path
from typing import NamedTuple

import sqlcipher3.dbapi2 as sqlite

from server.data_folder import read_keys, setup_code
from server.gone import Gone
from server.sealed_file import BadBackup
from shared_schema import ids
from shared_schema.ids import SIDES


class Found(NamedTuple):
    """What a copy of one side's database holds."""

    side: str
    logs: int
    entries: int
    bytes: int


def check_whole(path: Path, what: str) -> None:
    """Raises BadBackup where SQLite finds damage in a copied database."""
    database = sqlite.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        [(said,)] = database.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite.DatabaseError as error:
        raise BadBackup(f"{what}: the copied database cannot be read: {type(error).__name__}") from None
    finally:
        database.close()
    if said != "ok":
        raise BadBackup(f"{what}: the copied database is damaged: {said}")


def look_through(path: Path, side: str) -> Found:
    """What a copied database holds. Raises BadBackup where SQLite finds damage, or a log does not hash to its own chain."""
    check_whole(path, side)
    database = sqlite.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        entries, chain, at = 0, b"", (b"", 0)
        for log, seq, entry_id, received_ms, stored in database.execute(
            "SELECT log_id, seq, entry_id, received_ms, chain FROM entry ORDER BY log_id, seq"
        ):
            before, place = (chain, at[1]) if log == at[0] else (ids.chain_start(log), 0)
            chain, at = ids.chain_next(before, seq, received_ms, entry_id), (log, seq)
            if seq != place + 1 or chain != stored:
                raise BadBackup(f"{side}: an entry of a log does not hash to its place: the copy is not what the server wrote")
            entries += 1
        [(logs,)] = database.execute("SELECT count(*) FROM log_head").fetchall()
    except sqlite.DatabaseError as error:
        raise BadBackup(f"{side}: the copied database cannot be read: {type(error).__name__}") from None
    finally:
        database.close()
    return Found(side, logs, entries, path.stat().st_size)


def look_through_all(folder: Path) -> list[Found]:
    """Every file of a copy. Raises BadBackup; Damaged or Unreadable for a file beside the databases without which no server could start."""
    for side in SIDES:
        read_keys(folder / f"{side}.keys.json", fresh=False)
        Gone(folder / f"{side}.gone.jsonl")
    if (folder / "setup-code").exists():
        setup_code(folder)
    for path in folder.glob("*.chunks.db"):
        check_whole(path, f"{path.name.partition('.')[0]}, attachments")
    return [look_through(folder / f"{side}.db", side) for side in SIDES]
