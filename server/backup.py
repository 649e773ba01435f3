"""Copies of a server's data: made while it runs, sealed (sealed_file.py), looked through after writing, and put back (docs/operations/restore.md).

A copy holds databases, the bytes of attachments where they lie beside them, keys and lists of what was removed, and no marks: those of the day of the copy would say that nothing is missing.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

import sqlcipher3.dbapi2 as sqlite

from server import copying, engines
from server.data_folder import Damaged, lock_data, read_keys, write_private
from server.engines import Place, Postgres
from server.looking_through import Found, look_through_all
from server.sealed_file import CHUNK, BadBackup, Opening, Sealing, make_key, read_key
from server.settings import Settings
from shared_schema.ids import SIDES, Side

_KEPT: Final = ("*.keys.json", "*.gone.jsonl", "setup-code")


def copy_database(source: Path, target: Path) -> None:
    """One database as it is at one moment, while others write to it. Raises BadDatabase."""
    engines.check_opens(source)
    reading, writing = sqlite.connect(f"file:{source}?mode=rw", uri=True), sqlite.connect(str(target))
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE").fetchall()
    finally:
        writing.close()
        reading.close()


def in_files(data: Path) -> dict[Side, Place]:
    """Where the tables of a server lie that has no other database, whatever the environment says."""
    return {side: data / f"{side}.db" for side in SIDES}


def as_set(data: Path) -> dict[Side, Place]:
    """Where they lie by the settings."""
    settings = Settings(data=data)
    return {side: settings.place(side) for side in SIDES}


def back_up(data: Path, to: Path, key_file: Path, places: dict[Side, Place] | None = None) -> list[Found]:
    """Write a sealed copy of the data in folder `data`, whole or not at all, and look through it. A key is made where there is none yet. Without `places` the
    tables are where the settings say.

    Raises BadBackup, OSError, FileExistsError.
    """
    places = places or as_set(data)
    if not (data / f"{SIDES[0]}.keys.json").exists() or any(engines.is_new(place) for place in places.values()):
        raise BadBackup(f"{data} holds no data of a server: want the folder that `fieldkeep serve --data` names, and the same FIELDKEEP_DATABASE")
    if to.exists():
        raise FileExistsError(f"{to.name} is there already: a backup never takes the place of another")
    key = make_key(key_file) if not key_file.exists() else read_key(key_file)
    beside = to.with_name(to.name + ".unfinished")
    with _folder(data) as folder:
        for side, place in places.items():
            _copy_side(place, data, folder, side)
        for pattern in _KEPT:  # after the databases: what was removed meanwhile is in the list, if not in the copy
            for path in data.glob(pattern):
                shutil.copyfile(path, folder / path.name)
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                _seal(folder, stream, key)
                stream.flush()
                os.fsync(stream.fileno())
            found = verify(beside, key, data)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    beside.rename(to)
    return found


def _copy_side(place: Place, data: Path, folder: Path, side: str) -> None:
    if isinstance(place, Postgres):
        copying.copy_out(place, folder / f"{side}.db", folder / f"{side}.chunks.db")
        return
    copy_database(place, folder / f"{side}.db")
    if (data / f"{side}.chunks.db").exists():  # after the rows that name them: bytes are there before a row is
        copy_database(data / f"{side}.chunks.db", folder / f"{side}.chunks.db")


def verify(path: Path, key: bytes, beside: Path) -> list[Found]:
    """Open a copy and look through its databases, in a folder beside `beside`. Raises BadBackup."""
    with _folder(beside) as folder:
        _open(path, key, folder)
        return look_through_all(folder)


def put_back(path: Path, data: Path, key: bytes, places: dict[Side, Place] | None = None, only: Side | None = None) -> list[Found]:
    """Put a copy into folder `data`, where no database is, or into the databases of the settings. What is known there of removals and of how far logs have been is kept.
    With `only` that side alone: the others' tables stay as they are.

    Raises BadBackup, InUse while a server runs there, OSError.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_data(data)
    try:
        places = places or as_set(data)
        lost = [side for side, place in places.items() if only not in (None, side) and engines.is_new(place)]
        if lost:
            raise BadBackup(f"no tables here either of: {', '.join(lost)}; put back all sides")
        places = {side: place for side, place in places.items() if only in (None, side)}
        there = [
            f"{side}.db" if isinstance(place, Path) else f"tables in the schema {place.schema}"
            for side, place in places.items()
            if not engines.is_new(place)
        ]
        if there:
            raise BadBackup(f"{', '.join(there)} are there: move them away first, and keep them; a restore never writes over a database")
        with _folder(data) as folder:
            _open(path, key, folder)
            found = look_through_all(folder)
            _check_keys(folder, data)
            for side, place in places.items():
                if isinstance(place, Postgres):
                    copying.copy_in(folder / f"{side}.db", folder / f"{side}.chunks.db", place)
                    for copied in folder.glob(f"{side}.*db"):
                        copied.unlink()
            mine = [one for one in folder.iterdir() if one.name.partition(".")[0] in {*places, "setup-code"}]
            for one in sorted(mine, key=lambda one: one.suffix == ".db"):  # databases last: without keys no server may start
                _place(one, data / one.name)
        return [one for one in found if one.side in places]
    finally:
        os.close(lock)


def _check_keys(folder: Path, data: Path) -> None:
    for side in SIDES:
        mine, copied = data / f"{side}.keys.json", folder / f"{side}.keys.json"
        theirs = read_keys(copied, fresh=False)
        try:
            same = not mine.exists() or read_keys(mine, fresh=False) == theirs
        except Damaged:
            raise BadBackup(f"{mine.name} is damaged: move it aside, keep it, and restore again: the copy has its own") from None
        if not same:
            raise BadBackup(f"{mine.name} belongs to another service than the copy")


def _place(copied: Path, target: Path) -> None:
    if copied.name.endswith(".gone.jsonl"):
        here = target.read_bytes() if target.exists() else b""
        lines = [line for line in here[: here.rfind(b"\n") + 1].splitlines() if line]
        theirs = copied.read_bytes()
        lines += [line for line in theirs[: theirs.rfind(b"\n") + 1].splitlines() if line and line not in lines]
        again = [line for line in lines if b'"overwritten"' not in line]  # what is listed has to be overwritten in this copy too
        write_private(target, "".join(line.decode("ascii") + "\n" for line in again))
    elif copied.name.endswith(".chunks.db") and target.exists():
        pass  # what is there has all that the copy has, but for what was removed; and no two contents lie at one place
    elif copied.suffix == ".db":
        copied.chmod(0o600)
        copied.rename(target)
    elif not target.exists():
        write_private(target, copied.read_text("ascii"))


def _seal(folder: Path, stream: IO[bytes], key: bytes) -> None:
    sealing = Sealing(stream, key)
    with tarfile.open(fileobj=cast(Any, sealing), mode="w|", bufsize=CHUNK) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name, recursive=False)
    sealing.finish()


def _open(path: Path, key: bytes, folder: Path) -> None:
    wanted = {f"{side}.{kind}" for side in SIDES for kind in ("db", "chunks.db", "keys.json", "gone.jsonl")} | {"setup-code"}
    with path.open("rb") as stream:
        opening = Opening(stream, key)
        try:
            with tarfile.open(fileobj=cast(Any, opening), mode="r|", bufsize=CHUNK) as tar:
                for member in tar:
                    source = tar.extractfile(member) if member.isreg() and member.name in wanted else None
                    if source is None:
                        raise BadBackup(f"the backup holds something else than a server's data: {member.name[:60]!r}")
                    with source, (folder / member.name).open("xb") as target:
                        shutil.copyfileobj(source, target, CHUNK)
        except tarfile.TarError:
            raise BadBackup("the backup does not open: it was cut short") from None
        while opening.read(CHUNK):
            pass
    missing = [f"{side}.db" for side in SIDES if not (folder / f"{side}.db").exists()]
    if missing:
        raise BadBackup(f"the backup lacks {', '.join(missing)}")


@contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    """A folder for what is not sealed, within the one that holds the same already; nothing is left of it."""
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
