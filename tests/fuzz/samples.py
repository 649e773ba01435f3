"""Good input for the targets that no vector is for: what people type and carry, files of devices, the server's own files."""

import base64
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import jwt

from server import backup, sealed_file
from server.service import Service
from server.settings import Settings
from shared_schema import cbor, ids
from shared_schema.certificate import Keys, Subject
from shared_schema.entry import Head
from shared_schema.ids import SIDES
from shared_schema.request import ALGORITHM, SCHEME, TYP, claims
from shared_schema.returns import returns
from sync.device.attaching import cleaning
from sync.device.entering import enrolment, offices
from sync.device.entering.keyring import Lock
from sync.device.exports import export_manifest
from sync.device.people import shares, sheets
from sync.device.returning.returning import FUNDER
from sync.returns import assembling
from sync.signing import SigningKey
from tests import forging
from tests.fuzz.decoders import vectors
from tests.fuzz.mutating import damage_bytes, damage_json, damage_text
from tests.vectors.notation import everything

_KEY: Final = bytes(range(32))
SETTINGS: Final = frozenset(f"FIELDKEEP_{name}".upper() for name in Settings.model_fields)


def stubs() -> list[bytes]:
    """The changes of the stub vectors, as parts."""
    given = [case.body["in"] for case in (*everything()[0], *everything()[1]) if case.body.get("op") in ("open_stub", "stub_says")]
    return [cbor.encode(one["changes"]) for one in given if "changes" in one] or list(vectors("part"))


@cache
def invitation() -> bytes:
    """An invitation code."""
    code = enrolment.Code("https://example.org", bytes(32), Head(bytes(16), 3, bytes(32)), _KEY, vectors("invitation")[0], "")
    return code.text().encode()


@cache
def office_request() -> bytes:
    """A request of whoever is to become an administrator."""
    subject = Subject(bytes(16), "Ada", "Pilot", ("administrator",), 1_800_000_000_000)
    made = offices.OfficeRequest(bytes(16), "victim", bytes(16), 2, bytes(32), subject, Keys(bytes(16), "phone", bytes(32), bytes(1216)))
    return made.text().encode()


# --- shares ----------------------------------------------------------------------------------------------------------------


@cache
def _shares() -> list[shares.Words]:
    return shares.split(_KEY, 2, 3)


def share_words() -> list[bytes]:
    """Words of shares; others each time, for their library draws them: a run repeats as far as it goes by these."""
    return [b" ".join(word.encode() for word in words) for words in _shares()]


def share_sets() -> list[bytes]:
    """Two shares of one set, a line each."""
    first, second, third = share_words()
    return [first + b"\n" + second, second + b"\n" + third, first + b"\n" + first]


def combine(text: str) -> bytes:
    """As a device does: each share by itself, then together."""
    return shares.combine([shares.parse(line.split(), "a share") for line in text.split("\n")])


@cache
def share_sheets() -> list[bytes]:
    """Sheets of both forms."""
    sheet = sheets.Sheet("Pilot", bytes(16), "victim", bytes(16), 1, 3, 2, _shares()[0], "2026-03-04", "Ada")
    return [sheets.text(sheet).encode(), sheets.page(sheet).encode(), *share_words()]


# --- files of a device -----------------------------------------------------------------------------------------------------


def tables() -> list[bytes]:
    """Caseloads."""
    head = "name,lead,born,gender,status,status_from,area,phone,task,task_due"
    rows = (
        "Ada,Sam,4 March 1980,woman,open,2026-03-04,north,0123,ring,13/4/2026",
        '"Bo, the younger",Sam,1980,,,,,,,',
        'Cy,Sam,31/12/1999,,,,,,"a\nb",',
        "",
    )
    return [
        ("\r\n".join((head, *rows))).encode(),
        head.replace(",", ";").encode() + b"\n" + rows[0].replace(",", ";").encode(),
        ("\ufeff" + head).encode(),
    ]


def profiles() -> list[bytes]:
    """What stands in profile.json."""
    lock = Lock(bytes(16)).facts()
    boxes = [[bytes([n] * 16).hex(), bytes(1168).hex()] for n in range(2)]
    return [
        json.dumps({"v": 1, **lock}).encode(),
        json.dumps({"v": 2, **lock, "wrapped": bytes(12 + 32 + 16).hex(), "device": bytes(16).hex(), "boxes": boxes}).encode(),
    ]


@cache
def parts() -> list[bytes]:
    """A side's part of a return, with figures in it, and figures by name."""
    asked = next(iter(returns().values()))
    figures = {
        table.name: [{"row": "a", "column": "", "numerator": 3, "denominator": None, "missing": 1}, {"row": "b", "column": "c", "numerator": 0,
                     "denominator": 4, "missing": None}] for table in asked.tables[:3]
    }  # fmt: skip
    part = {
        "return": asked.name, "version": asked.version, "title": asked.title, "side": "perpetrator", "from": "2026-01-01", "until": "2026-03-31",
        "form": FUNDER, "says": assembling.FUNDER, "files": {"case": 4}, "left_out": ["x"], "undated": {"referrals": 1}, "unknown": 0,
        "tables": [{"table": name, "figures": found} for name, found in figures.items()],
    }  # fmt: skip
    return [json.dumps(part).encode(), json.dumps({"referrals/total/": 27, "referrals/a/b": 3}).encode()]


@cache
def exports() -> list[bytes]:
    """Real exports of a small service, of a supervisor and of a worker."""
    with tempfile.TemporaryDirectory() as folder:
        made = forging.make_exports(Path(folder))
    return ["".join(json.dumps(line) + "\n" for line in lines).encode() for lines in (made.perpetrator, made.victim, made.worker)]


def manifests() -> list[bytes]:
    """An export's manifest.json, whose signature and files are not beside it."""
    listed = {
        "format": export_manifest.FORMAT, "v": 1, "number": "0123456789ab", "purpose": "court", "to": "a court", "side": "victim",
        "service": ids.show(bytes(16)), "file": ids.show(bytes(16)), "device": ids.show(bytes(16)), "exported_by": "Ada", "exported_ms": 1, "head": None,
        "files": [{"name": "page.html", "bytes": 3, "sha256": bytes(32).hex()}],
    }  # fmt: skip
    return [json.dumps(listed).encode()]


@cache
def pictures() -> list[bytes]:
    """Photographs and a scan, with what they tell."""
    from tests import pictures as made

    return [made.jpeg(made.grain(24, 16)), made.png(made.grain(16, 16)), made.webp(made.grain(16, 16)), made.pdf()]


def clean(data: bytes) -> Any:
    """What a device makes of a picture before it is sealed, or as evidence."""
    for work in (cleaning.clean, cleaning.as_it_is):
        work(data)
    return None


# --- the server ------------------------------------------------------------------------------------------------------------


@cache
def tokens() -> list[bytes]:
    """Authorization headers."""
    said = claims(device=bytes(16), svc=bytes(16), side="victim", method="POST", path="/v1/sync", body=b"", nonce="x" * 48)
    made = jwt.encode(said, SigningKey(_KEY).private(), algorithm=ALGORITHM, headers={"typ": TYP})
    return [f"{SCHEME} {made}".encode()]


def damage_token(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """A token whose header or claims are damaged in JSON, or the text itself."""
    scheme, _, token = data.partition(b" ")
    pieces = token.split(b".")
    if len(pieces) != 3 or draw.random() < 0.3:
        return damage_text(data.decode("latin-1").encode(), pool, draw).decode("utf-8", "replace").encode("latin-1", "replace")
    at = draw.randrange(2)
    try:
        said = base64.urlsafe_b64decode(pieces[at] + b"=" * (-len(pieces[at]) % 4))
    except ValueError:
        return damage_bytes(data, pool, draw)
    pieces[at] = base64.urlsafe_b64encode(damage_json(said, (), draw)).rstrip(b"=")
    return scheme + b" " + b".".join(pieces)


def lines() -> list[bytes]:
    """JSON Lines as a server writes them."""
    return [b'{"a":1}\n{"b":[1,2]}\n', b'{"a":1}\n{"torn":', b'{"a":1}\n\0\0\0\0\n{"c":3}\n']


def gone_lists() -> list[bytes]:
    """What was removed."""
    one = {"log": ids.show(bytes(16)), "id": bytes(32).hex(), "part": 0, "at": 4, "parcel": bytes(16).hex(), "by": bytes(32).hex()}
    whole = one | {"id": "", "part": -1, "at": 0, "parcel": ""}
    return ["".join(json.dumps(line, separators=(",", ":")) + "\n" for line in (one, whole, {"overwritten": True})).encode()]


def side_keys() -> list[bytes]:
    """A side's keys."""
    keys = {name: bytes(32).hex() for name in ("receipt", "checkpoint", "salt")}
    return [json.dumps({**keys, "incarnation": ids.show(bytes(16))}).encode()]


def marks() -> list[bytes]:
    """How far a side's logs have been."""
    log = ids.show(bytes(16))
    said: list[dict[str, Any]] = [
        {"incarnation": log, "registry": [4, bytes(32).hex()]}, {"logs": {log: 3}}, {"tree": 9}, {"wanted": {log: 2}}, {"regressed": False}
    ]  # fmt: skip
    return ["".join(json.dumps(line, separators=(",", ":")) + "\n" for line in said).encode()]


def settings() -> list[bytes]:
    """Settings, one of each."""
    return [f"{name}={value}".encode() for name in sorted(SETTINGS) for value in ("1", "true", "/tmp/x", "postgresql://a@b/c", "none")]


def releases() -> list[bytes]:
    """A release of the field app, of which no file is beside it."""
    digest = "sha256-" + base64.b64encode(hashlib.sha256(b"").digest()).decode()
    return [json.dumps({"version": "1", "files": [{"path": "index.html", "digest": digest}]}).encode(), json.dumps({"files": []}).encode()]


@cache
def backups() -> list[bytes]:
    """What is sealed in a backup of a server on which nothing has happened: the tar file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Service(Settings(data=folder / "data")).close()
        key = sealed_file.make_key(folder / "key")
        backup.back_up(folder / "data", folder / "copy", folder / "key", backup.in_files(folder / "data"))
        with (folder / "copy").open("rb") as stream:
            opened = sealed_file.Opening(stream, key).read()
    small = io.BytesIO()
    with tarfile.open(fileobj=small, mode="w") as tar:
        for side in SIDES:
            entry = tarfile.TarInfo(f"{side}.db")
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"none"))
    assert opened
    return [small.getvalue()]


def damage_backup(data: bytes, pool: Sequence[bytes], draw: Random) -> bytes:
    """The tar file that is sealed; the first byte says whether the seal is damaged instead."""
    del pool
    return bytes([draw.randrange(4)]) + damage_bytes(data.removeprefix(b"\0"), (), draw)


def verify_backup(path: Path) -> Any:
    """A backup with this in it, sealed as ours are; or, where the first byte is 0, whose sealed bytes are damaged."""
    data = path.read_bytes()
    sealed = io.BytesIO()
    sealing = sealed_file.Sealing(sealed, _KEY)
    sealing.write(data[1:])
    sealing.finish()
    made = sealed.getvalue()
    if data[:1] == b"\0":
        at = hashlib.sha256(data).digest()[0] % len(made)
        made = made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]
    path.write_bytes(made)
    return backup.verify(path, _KEY, path.parent)
