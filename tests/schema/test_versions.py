"""Versions of schemas and code lists: nothing is recoded, nothing unknown is dropped, and devices of any versions hold the same (docs/spec.md §14)."""

import copy
import itertools
import time
from types import MappingProxyType
from typing import Any

import pytest

from shared_schema import cbor, ids, language, schema_files
from shared_schema.catalogue import load
from shared_schema.language.since import check_since
from shared_schema.record_types import RecordType
from shared_schema.schema_files import SchemaFiles
from sync.change import decode_part, encode_part
from sync.device.recording.values import check_value
from sync.fold import Occurrence, Record, fold_log, fold_record, show, state_hash
from tests.schema.devices import LOG, Device, begin, edit
from tests.schema.generator import Generator, next_version, places

RECORDS = 5_000
SECONDS = 40
FIRST, SECOND = ids.sha256(b"first")[:16], ids.sha256(b"second")[:16]
OWN = schema_files.own()
NEXT = next_version(OWN, 1)
VERSIONS = (OWN, NEXT, next_version(NEXT, 2))


def test_the_made_up_versions_are_right_and_may_follow_ours() -> None:
    for earlier, later in itertools.pairwise(VERSIONS):
        assert [str(one) for one in language.check(later)] == []
        assert [str(one) for one in check_since(earlier, later)] == []


def test_five_thousand_records_between_every_two_versions() -> None:
    """One device writes and signs, the other edits; both hold the same bytes, and every version makes the same of them on both."""
    began = time.process_time()
    catalogues = [load(one) for one in VERSIONS]
    pairs = list(itertools.product(range(len(VERSIONS)), repeat=2))
    share = -(-RECORDS // len(pairs))
    written, edited, unknown = 0, 0, 0
    for number, (mine, theirs) in enumerate(pairs):
        first, second = Device(FIRST, catalogues[mine]), Device(SECOND, catalogues[theirs])
        generator, other = Generator(VERSIONS[mine], number), Generator(VERSIONS[theirs], 1000 + number)
        parts: list[tuple[int, bytes, bytes]] = []
        for c, (type_, kind, side) in zip(range(1, share + 1), itertools.cycle(places(first.types)), strict=False):
            values = generator.record(type_, kind, side)
            if mine == 0 and number == 0:
                for name, value in values.items():
                    check_value(type_.name, name, value)
            record, body = begin(first, type_, values, c, sign=c % 3 == 0)
            parts.append((2 * c - 1, FIRST, body))
            unknown += type_.name not in second.types
            (begun,) = decode_part(body)
            folded = fold_record(LOG, record, [Occurrence(2 * c - 1, 1, FIRST, FIRST, "navigator", begun)], second.types)
            assert_kept(folded, type_, values)
            change = edit(second, folded, other, c, 2 * c - 1)
            if change is not None:
                parts.append((2 * c, SECOND, change))
                edited += 1
            written += 1
        first.parts, second.parts = parts, [(seq, device, encode_part(decode_part(body))) for seq, device, body in parts]
        assert first.parts == second.parts, "what an older version does not know goes through it byte for byte"
        assert {change.s for _, _, body in parts for change in decode_part(body)} <= {1, 2, 3}
        for catalogue in catalogues:
            one, another = (fold_log(LOG, device.occurrences(), catalogue.types) for device in (first, second))
            assert state_hash(one) == state_hash(another)
    assert written >= RECORDS and edited > RECORDS / 3 and unknown
    spent = time.process_time() - began
    print(f"{written} records, {edited} edits, {len(pairs)} pairs of versions: {spent:.1f} s")
    assert spent < SECONDS


def assert_kept(record: Record, type_: RecordType, values: dict[str, Any]) -> None:
    """Nothing that was written is missing from a fold by another version, or is another value."""
    for name, value in values.items():
        live = [op.value for op in record.registers[name].live.values()]
        many = type_.fields[name].merge in ("set", "append")
        assert [cbor.encode(one) for one in live] == [cbor.encode(one) for one in (value if many else [value])], name


def test_an_older_device_shows_what_it_does_not_know_and_its_edit_leaves_it() -> None:
    old, new = (load(one) for one in VERSIONS[:2])
    newer, older = Device(FIRST, new), Device(SECOND, old)
    type_ = new.types["contact"]
    values = {"mode": "new_in_1", "brought_by_1": "from the future", "who_was_there": "his mother", "next": "0b5f9f0e-6f6e-4c56-8a34-8f3c1d1d7a10"}
    record, body = begin(newer, type_, values, 1, sign=False)
    older.parts = [(1, FIRST, body)]
    shown = show(older.record(record), old.types)
    assert {name: one.value for name, one in shown.items()} == values
    change = edit(older, older.record(record), Generator(OWN, 1), 1, 1)
    assert change is not None
    newer.parts = [(1, FIRST, body), (2, SECOND, change)]
    after = {name: one.value for name, one in show(newer.record(record), new.types).items()}
    assert {name for name in values if after[name] != values[name]} == {"next"}
    assert newer.record(record).version == type_.version == old.types["contact"].version + 1


def test_a_newer_device_reads_an_old_term_as_the_list_says() -> None:
    old, new = (load(one) for one in VERSIONS[:2])
    gone = new.lists["contact_mode"].terms[0]
    assert (gone.code, gone.until, gone.now) == ("face_to_face", 1, "telephone")
    assert gone.label == old.lists["contact_mode"].terms[0].label, "the words of then"
    assert new.lists["contact_mode"].today("face_to_face") == "telephone"
    assert new.lists["contact_mode"].today("telephone") == "telephone"
    assert "face_to_face" in new.lists["contact_mode"].codes and "face_to_face" not in new.lists["contact_mode"].offered
    device = Device(FIRST, new)
    record, body = begin(device, old.types["contact"], {"mode": "face_to_face"}, 1, sign=False)
    device.parts = [(1, FIRST, body)]
    assert show(device.record(record), new.types)["mode"].value == "face_to_face", "the stored term stays"
    assert device.record(record).version == 1


def changed(what: str) -> SchemaFiles:
    """The next version with a fault of one kind."""
    schemas, lists = copy.deepcopy(dict(NEXT.schemas)), copy.deepcopy(dict(NEXT.lists))
    contact, modes, levels = schemas["contact"], lists["contact_mode"], lists["risk_level"]
    match what:
        case "a type is gone":
            del schemas["contact"]
        case "a field is gone":
            del contact["properties"]["tone"]
        case "a list is gone":
            del lists["contact_mode"]
        case "a term is gone":
            modes["terms"].pop(1)
        case "a term means something else":
            modes["terms"][1]["label"] = "by pigeon"
        case "a term was never chosen":
            modes["terms"][0]["until"] = 0
        case "an order turned round":
            levels["terms"].reverse()
        case "a list of the old version":
            modes["version"] = 1
        case "a type of the old version":
            contact["x-version"] = 1
        case "another policy":
            contact["properties"]["next"]["x-merge"] = "once"
        case "another list":
            contact["properties"]["mode"]["x-codes"] = "place"
        case "another weight":
            contact["x-weight"] = "living"
        case "a cell is gone":
            del schemas["person"]["properties"]["names"]["x-cells"]["kind"]
    return SchemaFiles(MappingProxyType(schemas), MappingProxyType(lists), MappingProxyType({}))


LOST = (
    "a type is gone", "a field is gone", "a list is gone", "a term is gone", "a term means something else", "a term was never chosen",
    "an order turned round", "a list of the old version", "a type of the old version", "another policy", "another list", "another weight",
    "a cell is gone",
)  # fmt: skip


@pytest.mark.parametrize("what", LOST)
def test_a_version_that_may_not_follow(what: str) -> None:
    assert check_since(OWN, changed(what))
    assert not check_since(OWN, NEXT)
