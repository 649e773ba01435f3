"""Copies of a server's data: made while it runs, sealed, looked through after writing, and put back (docs/operations/restore.md).

    file = magic line ‖ salt 16 B ‖ chunk ‖ chunk …        chunk = AES-256-GCM of up to 1 MiB of a tar file
    key of the chunks = HKDF-SHA256(key file, salt, L("backup"))           nonce = u64be(number) ‖ 00 00 00 ‖ 01 for the last chunk, else 00

A copy holds databases, the bytes of attachments where they lie beside them, keys and lists of what was removed, and no marks: those of the day of the copy would say that nothing is missing.
"""

import json
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

import sqlcipher3.dbapi2 as sqlite
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server import copying, engines
from server.engines import Place, Postgres
from server.service import lock_data, write_private
from server.settings import Settings
from shared_schema import ids
from shared_schema.ids import SIDES, Side

MAGIC: Final = b"fieldkeep-backup/1\n"
_SALT: Final = 16
_CHUNK: Final = 1 << 20
_TAG: Final = 16
_KEPT: Final = ("*.keys.json", "*.gone.jsonl", "setup-code")


class BadBackup(Exception):
    """A copy that is none, is damaged, or may not be put where it was asked for. Says what was seen and what was wanted."""


class Found(NamedTuple):
    """What a copy of one side's database holds."""

    side: str
    logs: int
    entries: int
    bytes: int


def copy_database(source: Path, target: Path) -> None:
    """One database as it is at one moment, while others write to it."""
    reading, writing = sqlite.connect(f"file:{source}?mode=rw", uri=True), sqlite.connect(str(target))
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE").fetchall()
    finally:
        writing.close()
        reading.close()


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
        return _look_through_all(folder)


def _look_through_all(folder: Path) -> list[Found]:
    for path in folder.glob("*.chunks.db"):
        check_whole(path, f"{path.name.partition('.')[0]}, attachments")
    return [look_through(folder / f"{side}.db", side) for side in SIDES]


def put_back(path: Path, data: Path, key: bytes, places: dict[Side, Place] | None = None) -> list[Found]:
    """Put a copy into folder `data`, where no database is, or into the databases of the settings. What is known there of removals and of how far logs have been is kept.

    Raises BadBackup, InUse while a server runs there, OSError.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_data(data)
    try:
        places = places or as_set(data)
        there = [
            f"{side}.db" if isinstance(place, Path) else f"tables in the schema {place.schema}"
            for side, place in places.items()
            if not engines.is_new(place)
        ]
        if there:
            raise BadBackup(f"{', '.join(there)} are there: move them away first, and keep them; a restore never writes over a database")
        with _folder(data) as folder:
            _open(path, key, folder)
            found = _look_through_all(folder)
            _check_keys(folder, data)
            for side, place in places.items():
                if isinstance(place, Postgres):
                    copying.copy_in(folder / f"{side}.db", folder / f"{side}.chunks.db", place)
                    for copied in folder.glob(f"{side}.*db"):
                        copied.unlink()
            for one in sorted(folder.iterdir(), key=lambda one: one.suffix == ".db"):  # databases last: without keys no server may start
                _place(one, data / one.name)
        return found
    finally:
        os.close(lock)


def _check_keys(folder: Path, data: Path) -> None:
    for side in SIDES:
        mine, copied = data / f"{side}.keys.json", folder / f"{side}.keys.json"
        if not copied.exists():
            raise BadBackup(f"the copy has no keys of the {side} side")
        if mine.exists() and json.loads(mine.read_text("ascii")) != json.loads(copied.read_text("ascii")):
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


# --- keys and chunks -------------------------------------------------------------------------------------------------------


def make_key(path: Path) -> bytes:
    """A new key, in a file that only its owner may read."""
    key = secrets.token_bytes(32)
    write_private(path, key.hex() + "\n")
    return key


def read_key(path: Path) -> bytes:
    """The key in a file. Raises BadBackup, OSError."""
    text = path.read_text("ascii", errors="replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadBackup(f"{path.name} is no key of a backup: want 64 hexadecimal digits")
    return key


class _Sealing:
    """A stream that seals what is written to it in chunks."""

    def __init__(self, stream: IO[bytes], key: bytes) -> None:
        salt = secrets.token_bytes(_SALT)
        stream.write(MAGIC + salt)
        self._stream, self._cipher, self._n, self._held = stream, _cipher(key, salt), 0, bytearray()

    def write(self, data: bytes) -> int:
        """Seal what is whole."""
        self._held += data
        while len(self._held) > _CHUNK:
            self._put(bytes(self._held[:_CHUNK]), last=False)
            del self._held[:_CHUNK]
        return len(data)

    def finish(self) -> None:
        """Seal the last chunk: a copy that was cut short has none."""
        self._put(bytes(self._held), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._n, last=last), plain, MAGIC))
        self._n += 1


class _Opening:
    """A stream of what was sealed. Raises BadBackup where a chunk does not open, or the last is missing."""

    def __init__(self, stream: IO[bytes], key: bytes) -> None:
        if stream.read(len(MAGIC)) != MAGIC:
            raise BadBackup("this is no backup of a Fieldkeep server")
        self._stream, self._cipher, self._n, self._held, self._over = stream, _cipher(key, stream.read(_SALT)), 0, bytearray(), False

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        while not self._over and (size < 0 or len(self._held) < size):
            self._held += self._next()
        end = len(self._held) if size < 0 else size
        taken = bytes(self._held[:end])
        del self._held[:end]
        return taken

    def _next(self) -> bytes:
        sealed = self._stream.read(_CHUNK + _TAG)
        last = len(sealed) < _CHUNK + _TAG or not self._stream.read(1)
        if not last:
            self._stream.seek(-1, os.SEEK_CUR)
        self._over = last
        try:
            plain = self._cipher.decrypt(_nonce(self._n, last=last), sealed, MAGIC)
        except (InvalidTag, ValueError):
            raise BadBackup("the backup does not open: it has another key, or was changed or cut short") from None
        self._n += 1
        return plain


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, ids.label("backup")).derive(key))


def _nonce(n: int, *, last: bool) -> bytes:
    return n.to_bytes(8, "big") + bytes(3) + bytes([last])


def _seal(folder: Path, stream: IO[bytes], key: bytes) -> None:
    sealing = _Sealing(stream, key)
    with tarfile.open(fileobj=cast(Any, sealing), mode="w|", bufsize=_CHUNK) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name, recursive=False)
    sealing.finish()


def _open(path: Path, key: bytes, folder: Path) -> None:
    wanted = {f"{side}.{kind}" for side in SIDES for kind in ("db", "chunks.db", "keys.json", "gone.jsonl")} | {"setup-code"}
    with path.open("rb") as stream:
        opening = _Opening(stream, key)
        try:
            with tarfile.open(fileobj=cast(Any, opening), mode="r|", bufsize=_CHUNK) as tar:
                for member in tar:
                    source = tar.extractfile(member) if member.isreg() and member.name in wanted else None
                    if source is None:
                        raise BadBackup(f"the backup holds something else than a server's data: {member.name[:60]!r}")
                    with source, (folder / member.name).open("xb") as target:
                        shutil.copyfileobj(source, target, _CHUNK)
        except tarfile.TarError:
            raise BadBackup("the backup does not open: it was cut short") from None
        while opening.read(_CHUNK):
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
