"""The decoders by name: what each is given to begin with, how that is damaged, what it may raise. And those that have no target, with the reason."""

import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

import shared_schema
from server import authenticate, data_folder, field_app, json_lines, sealed_file
from server.cannot import CannotServe
from server.data_folder import Damaged
from server.gone import Gone, Unreadable
from server.marks import Marks
from server.settings import Settings
from shared_schema import cbor, cose, entry, ids, manifest, parcel, wire
from shared_schema.catalogue import load
from shared_schema.errors import Malformed, ProtocolError
from shared_schema.records import UnknownName, record_types
from shared_schema.returns import returns
from sync import attachment, audit, change, cover_traffic, importing, sealing, stub
from sync.attachment import Manifest
from sync.device.entering import codes, desk_codes, enrolment, keyring, offices, unlocking
from sync.device.exports import audit_files, export_manifest
from sync.device.people import shares, sheets
from sync.device.recording import schemas, typed
from sync.device.returning import return_files
from sync.signing import SigningKey, sign_object
from tests.fuzz import samples
from tests.fuzz.decoders import Target, value_of, vectors
from tests.fuzz.mutating import Mutate, damage_bytes, damage_cbor, damage_json, damage_text
from tests.vectors.codecs import CODECS
from tests.vectors.notation import everything
from tests.vectors.operations import OPERATIONS

_KEY: Final = bytes(range(32))
_SIGNATURE: Final = 64

# --- the objects of the wire, each with its codec of the vectors ------------------------------------------------------------

_OF_CODEC: Final = {
    "shared_schema.cbor.decode": "cbor", "shared_schema.ids.parse": "uuid", "shared_schema.entry.decode_pair": "entry",
    "shared_schema.certificate.decode_invitation": "invitation", "shared_schema.certificate.decode_registry_statement": "registry_statement",
    "shared_schema.membership.decode_file_statement": "file_statement", "shared_schema.receipt.decode_receipt": "receipt",
    "shared_schema.receipt.decode_signed_head": "signed_head", "shared_schema.receipt.decode_verdict": "verdict",
    "shared_schema.checkpoint.decode_checkpoint": "checkpoint", "shared_schema.wire.decode_request": "sync_request",
    "shared_schema.wire.decode_response": "sync_response", "shared_schema.wire.decode_purged": "purged", "shared_schema.deposit.decode_deposit": "deposit",
    "shared_schema.deposit.decode_deposited": "deposited", "shared_schema.deposit.decode_held": "held", "shared_schema.devices.decode_devices": "devices",
    "shared_schema.approval.decode_approval": "approval", "shared_schema.removal.decode_purge": "purge", "shared_schema.chunk.decode_claims": "claims",
    "shared_schema.chunk.decode_claimed": "claimed", "shared_schema.restoring.decode_offer": "offer",
    "shared_schema.restoring.decode_declaration": "declaration", "shared_schema.restoring.decode_healing": "healing",
    "shared_schema.restoring.decode_healed_to": "healed_to", "shared_schema.event.decode_event": "event", "shared_schema.parcel.decode_gate": "gate",
    "shared_schema.parcel.decode_intake_key": "intake_key", "shared_schema.parcel.decode_letter": "letter", "shared_schema.parcel.decode_pass": "pass",
    "shared_schema.parcel.decode_parcel": "parcel", "shared_schema.parcel.decode_contents": "contents",
    "shared_schema.parcel.decode_publication": "publication", "shared_schema.parcel.decode_parcels": "parcels",
    "shared_schema.parcel.decode_come": "come", "shared_schema.unlock.decode_request": "help_request", "shared_schema.unlock.decode_answer": "help_answer",
    "shared_schema.unlock.decode_contents": "help_contents", "shared_schema.unlock.decode_help": "help", "sync.change.decode_part": "part",
}  # fmt: skip


def _of_codec(name: str, codec: str) -> Target:
    one = CODECS[codec]
    if one.is_text:
        return Target(
            name, lambda data: one.decode(data.decode("utf-8", "surrogatepass")), lambda: vectors(codec), damage_text,
            lambda value, _data: one.encode(value, b"").encode("utf-8", "surrogatepass"),
        )  # fmt: skip

    def again(value: Any, data: bytes) -> bytes:
        if not one.is_signed:
            return bytes(one.encode(value, b""))
        if codec == "entry":  # signed with another key here: all but the signature is the same
            (made, parts), (came, _) = cbor.decode(one.encode(value, _KEY)), cbor.decode(data)
            return cbor.encode([made[:-_SIGNATURE] + came[-_SIGNATURE:], parts])
        return bytes(one.encode(value, _KEY)[:-_SIGNATURE] + data[-_SIGNATURE:])

    return Target(name, one.decode, lambda: vectors(codec), damage_cbor, again)


def _signed() -> list[bytes]:
    """Signed objects of every type."""
    return [seed for name, codec in CODECS.items() if codec.is_signed and name != "entry" for seed in vectors(name)[:40]]


def _alone() -> list[bytes]:
    """The signed objects of entries."""
    return [pair[0] for pair in map(_list_of, vectors("entry")) if pair and type(pair[0]) is bytes]


def _list_of(data: bytes) -> Any:
    try:
        value = cbor.decode(data)
    except Malformed:
        return None
    return value if isinstance(value, list) else None


def _inside(codec: str, *keys: str) -> Callable[[], list[bytes]]:
    """What stands in a codec's golden objects under one of these keys; of a list each item."""

    def seeds() -> list[bytes]:
        found: list[bytes] = []
        for case in everything()[0]:
            if case.body.get("codec") == codec:
                map_ = cbor.decode(case.body["bytes"])
                for value in (map_[key] for key in keys if key in map_):
                    found += [
                        cbor.encode(one) for one in (value if isinstance(value, list) and value and isinstance(value[0], list | dict) else [value])
                    ]
        return found

    return seeds


_TYPES: Final = {
    name: frozenset[Any]() for name in ("fieldkeep-receipt", "fieldkeep-head", "fieldkeep-verdict", "fieldkeep-invitation", "fieldkeep-approval",
                                       "fieldkeep-purge", "fieldkeep-gate", "fieldkeep-intake", "fieldkeep-letter", "fieldkeep-pass", "fieldkeep-help")
}  # fmt: skip


def _assembled(one: cose.Sign1, _data: bytes) -> bytes:
    return cose.assemble(cbor.encode(one.header), one.payload, one.signature)


def _operation(name: str, member: str, mutate: Mutate) -> tuple[Callable[[bytes], Any], Callable[[], Sequence[bytes]], Mutate]:
    """An operation of the vectors of which this member comes from outside; the rest is that of its first golden case."""
    cases = [case.body["in"] for case in everything()[0] if case.body.get("op") == name]

    def seeds() -> list[bytes]:
        given = [case.body["in"].get(member) for case in (*everything()[0], *everything()[1]) if case.body.get("op") == name]
        return [one if isinstance(one, bytes) else cbor.encode(one) for one in given if one is not None]

    def decode(data: bytes) -> Any:
        whole = isinstance(cases[0][member], bytes)
        return OPERATIONS[name](cases[0] | {member: data if whole else _parcel(data)})

    return decode, seeds, mutate


def _parcel(data: bytes) -> Any:
    return parcel.parcel_map(parcel.decode_parcel(cbor.decode(data)))


# --- attachments -----------------------------------------------------------------------------------------------------------


@cache
def _attached() -> tuple[Manifest, tuple[bytes, ...]]:
    made = attachment.seal(bytes(16), bytes(16), _KEY, "jpeg", b"a photograph " * 900, b"small " * 40)
    return made.manifest, tuple(made.chunks)


def _open_content(data: bytes) -> bytes:
    made, _ = _attached()
    return attachment.open_content(bytes(16), bytes(16), made, [data])


def _open_thumbnail(data: bytes) -> bytes:
    made, _ = _attached()
    return attachment.open_thumbnail(bytes(16), bytes(16), made, data)


# --- text that people carry ------------------------------------------------------------------------------------------------


def _code(prefix: str) -> Mutate:
    """A code whose bytes are damaged, and its checksum made anew; now and then the text itself."""

    def mutate(data: bytes, pool: Sequence[bytes], draw: Any) -> bytes:
        if draw.random() < 0.3:
            return damage_text(data, pool, draw)
        try:
            raw = codes.decode_code_bytes(prefix, data.decode("utf-8", "surrogatepass"), "a code", "")
        except ProtocolError:
            return damage_text(data, pool, draw)
        return codes.encode_code(prefix, damage_cbor(raw, (), draw)).encode()

    return mutate


def _text(work: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: work(data.decode("utf-8", "surrogatepass"))


def _file(work: Callable[[Path], Any], name: str = "given") -> Callable[[bytes], Any]:
    """What a decoder of files makes of one with these bytes."""

    def decode(data: bytes) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            return work(path)

    return decode


def _folder(work: Callable[[Path], Any], name: str) -> Callable[[bytes], Any]:
    return _file(lambda path: work(path.parent), name)


def _typed_value(data: bytes) -> Any:
    where, _, text = data.decode("utf-8", "surrogatepass").partition("=")
    type_, _, field = where.partition(".")
    field, _, cell = field.partition("/")
    return typed.parse_cell(type_, field, cell, text) if cell else typed.parse_text(type_, field, text)


def _typed_words() -> list[bytes]:
    words = (
        "2026-03-04T14:30",
        "about 2026-03",
        "missing:not_known",
        "12.50",
        "£1,200",
        "yes",
        "[]",
        '[{"a": 1}]',
        '{"a": 1}',
        ids.show(bytes(16)),
        "7",
    )
    fields = [(type_.name, field) for type_ in record_types().values() for field in type_.fields.values()]
    found = [f"{type_}.{field.name}={word}" for type_, field in fields for word in words]
    found += [f"{type_}.{field.name}/{cell}={word}" for type_, field in fields for cell in field.cells for word in words[:4]]
    return [one.encode() for one in found]


def _typed_damage(data: bytes, pool: Sequence[bytes], draw: Any) -> bytes:
    """The name is left alone, as a rule: what it says no field of is refused at once."""
    where, _, text = data.partition(b"=")
    damaged = damage_json(text, (), draw) if text[:1] in (b"[", b"{") else damage_text(text, pool, draw)
    return where + b"=" + damaged if draw.random() < 0.95 else damage_text(data, pool, draw)


def _import_table(data: bytes) -> Any:
    known = ("name", "lead", "born", "gender", "status", "status_from", "area", "phone", "task", "task_due")
    rows, wrong = importing.read_table(data.decode("utf-8", "surrogatepass"), known, ("name", "lead"))
    for row in rows:
        for name in ("born", "status_from", "task_due"):
            if name in row.cells:
                try:
                    (importing.born if name == "born" else importing.day)(row.cells[name])
                except ProtocolError:
                    continue
    return rows, wrong


def _schema(data: bytes) -> Any:
    """A type's schema in the place of ours, with the header and all code lists; what there is no fault with can be loaded."""
    own = Path(shared_schema.__file__).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "records").mkdir()
        (folder / "codes").symlink_to(own / "codes")
        (folder / "records/header.schema.json").symlink_to(own / "records/header.schema.json")
        (folder / "records/task.schema.json").write_bytes(data)
        source = schemas.read(folder)
        complaints = schemas.check(source)
        if not complaints:
            load(source)
        return complaints


@cache
def _schema_seeds() -> list[bytes]:
    own = Path(shared_schema.__file__).parent / "records"
    return [path.read_bytes() for path in sorted(own.glob("*.schema.json")) if not path.name.startswith("header")][:12]


def _verified_export(path: Path) -> Any:
    read, fingerprint = audit_files.read_export(path)
    return audit.verify_export(read, fingerprint)


def _settings(data: bytes) -> Any:
    """NAME=VALUE in the environment of `serve`."""
    name, _, value = data.decode("utf-8", "replace").replace("\0", "").partition("=")
    before = dict(os.environ)
    try:
        os.environ[name.upper() if name.upper() in samples.SETTINGS else "FIELDKEEP_PORT"] = value
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _json_lines(path: Path) -> list[Any]:
    return list(json_lines.read_lines(path))


def _sealed_part(plain: bytes, total: int) -> bytes:
    return sealing.seal_parts(_KEY, bytes(36), bytes(16), 1, b"header", [plain] * total, lambda size: bytes(size))[0]


def _manifest_seeds() -> list[bytes]:
    protected = cose.protected_header(manifest.MANIFEST, bytes(16), bytes(16))
    return [sign_object(SigningKey(_KEY), protected, manifest.manifest_payload("0123456789ab", bytes(32)))]


def _same_pair(value: tuple[Any, int], data: bytes) -> bytes:
    return cbor.encode(value[0]) + data[value[1] :]


TARGETS: Final[tuple[Target, ...]] = (
    *(_of_codec(name, codec) for name, codec in _OF_CODEC.items()),
    Target("shared_schema.cbor.decode_prefix", lambda data: cbor.decode_prefix(data, 0), lambda: vectors("cbor"), damage_cbor, _same_pair),
    Target("shared_schema.cose.decode", lambda data: cose.decode(data, "fieldkeep-receipt"), lambda: vectors("receipt"), damage_cbor, _assembled),
    Target("shared_schema.cose.decode_one_of", lambda data: cose.decode_one_of(data, _TYPES), _signed, damage_cbor, _assembled),
    Target("shared_schema.entry.decode_entry", entry.decode_entry, _alone, damage_cbor, lambda one, _: _assembled(one.sign1, b"")),
    Target("shared_schema.entry.decode_entry_alone", entry.decode_entry_alone, _alone, damage_cbor, lambda one, _: _assembled(one.sign1, b"")),
    Target("shared_schema.entry.decode_head", lambda data: entry.decode_head(value_of(data)), lambda: [cbor.encode([bytes(16), 1, bytes(32)])], damage_cbor,
           lambda one, _: cbor.encode(list(one))),
    Target("shared_schema.entry.decode_witness", lambda data: entry.decode_witness(value_of(data)), lambda: [cbor.encode([bytes(16), 1, bytes(32)])],
           damage_cbor, lambda one, _: cbor.encode(list(one))),
    Target("shared_schema.wire.decode_status", lambda data: wire.decode_status(value_of(data)), _inside("sync_request", "status"), damage_cbor,
           lambda one, _: cbor.encode(wire.status_map(one))),
    Target("shared_schema.wire.decode_answer", lambda data: wire.decode_answer(value_of(data)), _inside("sync_response", "answers"), damage_cbor,
           lambda one, _: cbor.encode(wire.answer_map(one))),
    Target("shared_schema.wire.decode_page", lambda data: wire.decode_page(value_of(data)), _inside("sync_response", "pages"), damage_cbor,
           lambda one, _: cbor.encode(wire.page_map(one))),
    Target("shared_schema.manifest.decode_manifest", manifest.decode_manifest, _manifest_seeds, damage_cbor, lambda one, _: _assembled(one.sign1, b"")),
    # --- what is opened ---
    Target("sync.change.decode_change", change.decode_change, lambda: [cbor.encode(one) for seed in vectors("part") for one in _list_of(seed) or ()],
           damage_cbor, lambda one, _: cbor.encode(change.encode_change_map(one))),
    Target("sync.cover_traffic.read_part", cover_traffic.read_part, lambda: [*vectors("part"), b"\x40", b"\x43\0\0\0"], damage_cbor),
    Target("sync.stub.decode_stub", lambda data: stub.decode_stub(data, "case"), samples.stubs, damage_cbor),
    Target("sync.attachment.decode_manifest", lambda data: attachment.decode_manifest(value_of(data)),
           lambda: [cbor.encode(attachment.encode_manifest(_attached()[0]))], damage_cbor, lambda one, _: cbor.encode(attachment.encode_manifest(one))),
    Target("sync.attachment.open_content", _open_content, lambda: _attached()[1], damage_bytes),
    Target("sync.attachment.open_thumbnail", _open_thumbnail, lambda: _attached()[1], damage_bytes),
    Target("sync.sealing.open_part", lambda data: sealing.open_part(_KEY, bytes(36), bytes(16), 1, b"header", data, 0, 1),
           lambda: [_sealed_part(plain, 1) for plain in (b"", b"words", bytes(5000))], damage_bytes),
    Target("sync.sealing.open_with", lambda data: sealing.open_with(bytes(44), b"header", data, 0, 1), lambda: [_sealed_part(b"words", 1)], damage_bytes),
    Target("sync.sealing.open_chunk", lambda data: sealing.open_chunk(_KEY, bytes(16), bytes(16), 0, 1, data), lambda: _attached()[1], damage_bytes),
    Target("sync.granting.open_grants", *_operation("grant_open", "sealed", damage_bytes)),
    Target("sync.unlock.open_box", *_operation("open_box", "sealed", damage_bytes)),
    Target("sync.unlock.open_answer", *_operation("open_answer", "answer", damage_cbor)),
    Target("sync.letters.open_parcel", *_operation("open_parcel", "parcel", damage_cbor)),
    # --- what people carry ---
    Target("sync.device.entering.codes.decode_code_bytes", _text(lambda text: codes.decode_code_bytes("fieldkeep1:", text, "a code", "copy it again")),
           lambda: [samples.invitation()], _code("fieldkeep1:")),
    Target("sync.device.entering.enrolment.decode_code", _text(enrolment.decode_code), lambda: [samples.invitation()], _code("fieldkeep1:")),
    Target("sync.device.entering.desk_codes.decode_desk_request", _text(desk_codes.decode_desk_request),
           lambda: [desk_codes.DeskRequest(bytes(16), "victim", bytes(16), bytes(32)).text().encode()], _code(desk_codes.REQUEST_PREFIX)),
    Target("sync.device.entering.desk_codes.decode_gate_code", _text(desk_codes.decode_gate_code), lambda: [desk_codes.gate_code(one).encode() for one in vectors("gate")],
           _code(desk_codes.GATE_PREFIX)),
    Target("sync.device.entering.offices.decode_office_request", _text(offices.decode_office_request), lambda: [samples.office_request()],
           _code(offices.REQUEST_PREFIX)),
    Target("sync.device.entering.offices.decode_certified", _text(offices.decode_certified),
           lambda: [codes.encode_code(offices.CERTIFIED_PREFIX, one).encode() for one in _alone()[:40]], _code(offices.CERTIFIED_PREFIX)),
    Target("sync.device.entering.unlocking.read_request", _text(unlocking.read_request),
           lambda: [unlocking.request_text(one).encode() for one in vectors("help_request")], _code(unlocking.REQUEST_PREFIX)),
    Target("sync.device.entering.unlocking.read_answer", _text(unlocking.read_answer),
           lambda: [unlocking.answer_text(one).encode() for one in vectors("help_answer")], _code(unlocking.ANSWER_PREFIX)),
    Target("sync.device.people.shares.parse", _text(lambda text: shares.parse(text.split(), "share 1")), samples.share_words, damage_text),
    Target("sync.device.people.shares.combine", _text(samples.combine), samples.share_sets, damage_text),
    Target("sync.device.people.sheets.read", _file(sheets.read), samples.share_sheets, damage_text),
    Target("sync.device.recording.typed.parse_text", _typed_value, _typed_words, _typed_damage, errors=(ProtocolError, UnknownName)),
    Target("sync.importing.read_table", _import_table, samples.tables, damage_text),
    # --- files ---
    Target("sync.device.entering.keyring.read", _folder(keyring.read, keyring.NAME), samples.profiles, damage_json),
    Target("sync.device.returning.return_files.read_json", _file(return_files.read_json), samples.parts, damage_json),
    Target("sync.device.returning.return_files.read_part", _file(lambda path: return_files.read_part(return_files.read_json(path), next(iter(returns().values())))),
           samples.parts, damage_json),
    Target("sync.device.returning.return_files.read_values", _file(lambda path: return_files.read_values(return_files.read_json(path))), samples.parts, damage_json),
    Target("sync.device.exports.audit_files.read_export", _file(_verified_export), samples.exports, damage_json, weight=2),
    Target("sync.device.exports.export_manifest.check", _folder(export_manifest.check, export_manifest.LIST), samples.manifests, damage_json),
    Target("sync.device.recording.schemas.read", _schema, _schema_seeds, damage_json, weight=4),
    Target("sync.device.attaching.cleaning.clean", samples.clean, samples.pictures, damage_bytes, bounded=False, weight=8),
    # --- the server's own files, and what comes to it in a header ---
    Target("server.authenticate.parse", lambda data: authenticate.parse(data.decode("latin-1")), samples.tokens, samples.damage_token),
    Target("server.json_lines.read_lines", _file(_json_lines), samples.lines, damage_json, errors=(ValueError, RecursionError)),
    Target("server.gone.Gone", _file(lambda path: list(Gone(path))), samples.gone_lists, damage_json, errors=(Unreadable,)),
    Target("server.data_folder.read_keys", _file(partial(data_folder.read_keys, fresh=False)), samples.side_keys, damage_json, errors=(Damaged,)),
    Target("server.marks.Marks", _file(lambda path: Marks(path).kept), samples.marks, damage_json, errors=()),
    Target("server.sealed_file.read_key", _file(sealed_file.read_key), lambda: [b"00" * 32 + b"\n"], damage_text, errors=(sealed_file.BadBackup,)),
    Target("server.backup.verify", _file(samples.verify_backup), samples.backups, samples.damage_backup, errors=(CannotServe,), weight=8, bounded=False),
    Target("server.field_app.load", _folder(field_app.load, "release.json"), samples.releases, damage_json, errors=(field_app.BadApp,)),
    Target("server.settings.Settings", _settings, samples.settings, damage_text, errors=(ValidationError,)),
)  # fmt: skip

_OWN: Final = "reads what this program wrote into its own sealed store or its own database, and nothing else comes there"
NOT_FUZZED: Final[dict[str, str]] = {
    "shared_schema.catalogue.load": "takes what sync.device.recording.schemas found no fault with: that target calls it",
    "shared_schema.returns.read_return": "takes the definitions that come with the program, each of which a test reads",
    "shared_schema.schema_files.read": "called by sync.device.recording.schemas.read, whose target it is",
    "sync.device.across.cases.open_case": "begins a file",
    "sync.device.across.referrals.open_case": "begins a file",
    "sync.device.cli.recording.parse_sets": "hands each text to typed.parse_text",
    "sync.device.recording.typed.parse_cell": "a target together with typed.parse_text",
    "sync.device.entering.enrolment.decode_new_service": _OWN,
    "sync.device.exports.export_content.open_tasks": "lists tasks that are open",
    "sync.device.entering.keyring.read_lock": "a part of keyring.read, which takes its errors for a damaged file",
    "sync.device.entering.profile.open_store": "opens a store of the device",
    "sync.device.entering.profile.open_session": "opens a store of the device",
    "sync.device.people.recovery.open_grants_to": "hands statements that were decoded to granting.open_grants",
    "sync.device.people.recovery.open_epochs": "hands statements that were decoded to granting.open_grants",
    "sync.keys.open_secrets": "called by granting.open_grants, whose target it is",
    "sync.returns.derived.open_at_end": "a rule of a return",
    "server.append.unborn.load": _OWN,
    "server.bodies.open_bodies": "opens where attachments lie",
    "server.changes.decode": _OWN,
    "server.engines.open_engine": "opens a database",
    "server.logs.open_log": "opens a file to write",
    "server.store.read": "begins a transaction",
}
"""Functions that are called as decoders are, and why they have no target of their own."""

INSIDE: Final = frozenset(
    {
        *(f"shared_schema.{name}" for name in ("cose", "event", "certificate", "devices", "parcel", "receipt", "deposit", "removal", "checkpoint")),
        *(
            f"shared_schema.{name}"
            for name in ("restoring", "wire", "approval", "manifest", "entry", "unlock", "chunk", "membership", "schema_files")
        ),
        *(f"sync.{name}" for name in ("importing", "cover_traffic", "attachment", "change")),
        *(f"sync.device.entering.{name}" for name in ("codes", "desk_codes", "enrolment", "keyring", "offices")),
        *(f"sync.device.exports.{name}" for name in ("audit_files", "export_manifest")),
        *("sync.device.returning.return_files", "sync.device.recording.typed", "sync.device.attaching.cleaning", "sync.device.people.sheets"),
        *(f"server.{name}" for name in ("authenticate", "backup", "data_folder", "field_app", "json_lines", "gone", "marks", "sealed_file")),
    }
)
"""Modules that take bytes or text apart, of which each function that does so is entered by a target above."""
_ROUTES: Final = "what comes in a request: tests/fuzz/routes.py"
_ANSWER: Final = (
    "an answer of the server, a map whose members are decoded by targets above: tests/simulation/test_lying_server.py, tests/system/test_transport.py"
)
_OWN_ROWS: Final = (
    *("sync.fold.senses", "server.changes", "server.hearing", "server.append.unborn", "server.removing"),
    "sync.device.attaching.attachments",
    *(f"sync.device.across.{name}" for name in ("cases", "posting", "receiving", "urgent", "instructions")),
    "sync.device.recording.conflicts",
    "sync.device.exports.export_content",
    *(f"sync.device.entering.{name}" for name in ("helping", "profile")),
    *(f"sync.device.people.{name}" for name in ("holding", "wiping")),
    *(f"sync.device.exchanging.{name}" for name in ("opening", "settling", "taking", "healing")),
    *(f"sync.device.removal.{name}" for name in ("purging", "removed", "removing")),
    "sync.device.session",
)
ELSEWHERE: Final[dict[str, str]] = {
    **dict.fromkeys((f"shared_schema.{name}" for name in ("errors", "limits", "roles", "returns")), "files that come with the program"),
    **dict.fromkeys(_OWN_ROWS, _OWN),
    **dict.fromkeys(("sync.device.exchanging.transport", "sync.device.cli.founding", "sync.device.across.board"), _ANSWER),
    **dict.fromkeys(("server.chunk_routes", "server.registry_routes", "server.nonces"), _ROUTES),
    "sync.device.exports.exports": "a record's approval in base64: what does not decode is none, tests/system/test_exporting.py",
    "sync.device.across.agreeing": "a record's approval in base64: what does not decode is none, tests/simulation/test_attack_letters.py",
    "sync.device.exports.export_checking": "an export's folder, held against its manifest: tests/system/test_export_manifest.py",
    "sync.device.exports.export_proof": "an export's folder, held against its manifest: tests/system/test_export_manifest.py",
    "sync.device.entering.unlocking": "its texts are targets above; the request that waits is a file of its own, which is none when it is damaged",
    "sync.device.exports.reviewing": "an id that a person typed",
    "sync.device.cli.recovering": "an id that a person typed",
    "sync.device.cli.auditing": "a fingerprint that a person typed",
}
"""Modules that take bytes or text apart in a place that no target enters, and where that is tested or why it need not be."""
