"""Exports that somebody changed, or that a dishonest server signed: none of them passes for fine, and none ends in a trace."""

import json
import string
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from shared_schema import cbor
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.receipt import Item
from sync.device.cli.main import app
from sync.device.exports import audit_files
from tests.forging import Exports, Lines, b64, copied, make_exports, unb64

_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_TEXTS = [
    "cose.log",
    "cose.cose",
    "cose.chain",
    "cose.salt",
    "head.head",
    "receipt.receipt",
    "event.event",
    "event.salt",
    "checkpoint.checkpoint",
    "made_ms.svc",
    "made_ms.side",
    "made_ms.authority",
    "made_ms.registry",
]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return make_exports(tmp_path_factory.mktemp("exports"))


def test_the_honest_ones_verify(exports: Exports) -> None:
    for lines in (exports.perpetrator, exports.worker):
        assert exports.verify(lines).findings == []
    assert exports.verify(exports.perpetrator).complete
    assert not exports.verify(exports.worker).complete


def refused(exports: Exports, lines: Lines, line: int, why: str) -> None:
    with pytest.raises(Refused) as caught:
        exports.verify(lines)
    assert caught.value.code == "bad-export"
    assert f"line {line} of forged.jsonl" in str(caught.value)
    assert why in str(caught.value)


def number(lines: Lines, key: str) -> int:
    """The index of the last line with `key`."""
    return max(at for at, line in enumerate(lines) if key in line)


class TestOneLine:
    """What no exporter writes is refused by its line."""

    @pytest.mark.parametrize("key", ["checkpoint", "event", "head", "receipt"])
    def test_said_twice(self, exports: Exports, key: str) -> None:
        lines = exports.worker if key == "receipt" else exports.perpetrator
        again = copied(lines)[number(lines, key)]
        refused(exports, [*lines, again], len(lines) + 1, "second")

    def test_other_evidence_of_the_same_thing(self, exports: Exports) -> None:
        """Whichever came last would hide the other."""
        older = exports.with_events(lambda events: events, 9)[-1]
        for lines in ([*exports.perpetrator, older], [exports.perpetrator[0], older, *exports.perpetrator[1:]]):
            with pytest.raises(Refused, match="second checkpoint"):
                exports.verify(lines)
        event = {**exports.perpetrator[number(exports.perpetrator, "event")], "event": b64(b"other")}
        refused(exports, [*exports.perpetrator, event], len(exports.perpetrator) + 1, "second event of this number")
        first = exports.entries(exports.perpetrator)[0]
        refused(exports, [*exports.perpetrator, exports.head(1, unb64(first["chain"]))], len(exports.perpetrator) + 1, "second head of this log")

    @pytest.mark.parametrize("value", [0.5, 1.0, True, False, None, "1", [1], {}, -2, 2**53, 2**64, float("inf"), float("nan")])
    @pytest.mark.parametrize(("kind", "key"), [("cose", "seq"), ("cose", "received_ms"), ("cose", "leaf"), ("event", "n"), ("made_ms", "made_ms")])
    def test_a_number_that_is_none(self, exports: Exports, kind: str, key: str, value: Any) -> None:
        lines = copied(exports.perpetrator)
        at = number(lines, kind)
        lines[at][key] = value
        refused(exports, lines, at + 1, f"{key} is not an integer")

    @pytest.mark.parametrize("value", [5, None, True, [], ["x"], {}, "", "x"])
    @pytest.mark.parametrize("where", _TEXTS)
    def test_a_text_that_is_none(self, exports: Exports, where: str, value: Any) -> None:
        kind, _, key = where.partition(".")
        lines = copied(exports.worker if kind == "receipt" else exports.perpetrator)
        at = number(lines, kind)
        lines[at][key] = value
        try:
            assert exports.verify(lines).findings != [] or (key, value) == ("salt", "")
        except Refused as error:
            assert error.code == "bad-export"
            assert f"line {at + 1} of" in str(error)
        else:
            assert type(value) is str

    @pytest.mark.parametrize("value", [2, 0, True, 1.0, "1", None])
    def test_another_version(self, exports: Exports, value: Any) -> None:
        refused(exports, [{**exports.perpetrator[0], "v": value}, *exports.perpetrator[1:]], 1, "version is not 1")

    def test_header_that_does_not_fit_itself(self, exports: Exports) -> None:
        for change in ({"side": "victim"}, {"svc": "00000000-0000-4000-8000-000000000000"}, {"registry": "00000000-0000-4000-8000-000000000000"}):
            refused(exports, [exports.perpetrator[0] | change, *exports.perpetrator[1:]], 1, "another service or side")

    @pytest.mark.parametrize(
        "text",
        ["[" * 100_000, '{"head":' + "[" * 100_000 + "]" * 100_000 + "}", "[]", "7", "null", '"cose"', "{}", '{"hello":1}', "", '{"n":' + "9" * 5000],
    )
    def test_a_line_that_is_none(self, exports: Exports, text: str) -> None:
        path = exports.write(exports.perpetrator)
        path.write_text(path.read_text() + text + "\n")
        with pytest.raises(Refused, match=f"line {len(exports.perpetrator) + 1} of") as caught:
            audit_files.read_export(path)
        assert caught.value.code == "bad-export"

    def test_a_key_twice_or_one_too_many(self, exports: Exports, tmp_path: Path) -> None:
        """Readers differ in which of two they take."""
        path = tmp_path / "twice.jsonl"
        path.write_text(exports.write(exports.perpetrator).read_text().replace('"side": ', '"side": "victim", "side": ', 1))
        with pytest.raises(Refused, match=r"line 1 of twice.jsonl .* key twice"):
            audit_files.read_export(path)
        lines = copied(exports.perpetrator)
        lines[3]["head"] = lines[number(lines, "head")]["head"]
        refused(exports, lines, 4, "unknown keys")

    def test_base64_has_one_form(self, exports: Exports) -> None:
        lines = copied(exports.perpetrator)
        chain = lines[1]["chain"]  # 32 bytes: the last digit has two bits to spare
        lines[1]["chain"] = f"{chain[:-2]}{_DIGITS[_DIGITS.index(chain[-2]) + 1]}="
        assert unb64(lines[1]["chain"]) == unb64(chain)
        refused(exports, lines, 2, "base64 in its one form")

    def test_the_exporter_writes_what_is_read(self, exports: Exports) -> None:
        read, claimed = audit_files.read_export(exports.write(exports.perpetrator))
        again = exports.folder / "again.jsonl"
        audit_files.write_export(read, again, claimed, exports.perpetrator[0]["made_ms"])
        assert [json.loads(line) for line in again.read_text().splitlines()] == exports.perpetrator


class TestSignedForSomethingElse:
    """The server's key is rightly used for another service, incarnation or key id: it says nothing of this log."""

    OTHERS: ClassVar = [{"incarnation": bytes(16)}, {"svc": bytes(16)}, {"kid": bytes(16)}]

    def test_the_helpers_make_what_the_server_makes(self, exports: Exports) -> None:
        for lines in (exports.perpetrator, exports.worker):
            last = exports.entries(lines)[-1]
            assert exports.head(last["seq"], unb64(last["chain"])) in lines
        assert exports.receipt(newest(exports), unb64(exports.entries(exports.worker)[-1]["chain"])) in exports.worker

    @pytest.mark.parametrize("other", OTHERS)
    def test_head(self, exports: Exports, other: dict[str, bytes]) -> None:
        last = exports.entries(exports.perpetrator)[-1]
        honest = exports.head(last["seq"], unb64(last["chain"]))
        lines = [exports.head(last["seq"], unb64(last["chain"]), **other) if line == honest else line for line in exports.perpetrator]
        texts = [finding.text for finding in exports.verify(lines).findings]
        assert texts == ["the head is of another service, key or incarnation", "no signed head says that the log ends here"]

    @pytest.mark.parametrize("other", OTHERS)
    def test_receipt(self, exports: Exports, other: dict[str, bytes]) -> None:
        chain = unb64(exports.entries(exports.worker)[-1]["chain"])
        [finding] = exports.verify([*exports.worker, exports.receipt(newest(exports), chain, **other)]).findings
        assert finding.text == "the receipt is of another service, key or incarnation"


def _no_events() -> list[Any]:
    """What is no event of §10.1, as a value or as bytes."""
    log, id_, device = bytes(16), bytes(32), bytes(16)
    whole: list[dict[str, Any]] = [
        {"e": "accepted", "log": log, "id": id_, "seq": 1, "ms": 1, "author": device, "chain": id_, "void": False},
        {"e": "refused", "log": None, "id": id_, "author": device, "code": "wall"},
        {"e": "delivered", "device": device, "log": log, "from": 0, "to": 1, "ms": 1},
        {"e": "export", "by": device, "what": "logs", "ms": 1},
    ]
    wrong: tuple[Any, ...] = ([1], {}, "", "x" * 300, -1, b"", b"x" * 40, True)
    made: list[Any] = [b"", b"\xff", [1], "accepted", 7, None, {}, {"e": [1]}, {"e": "nonsense"}, {"e": None}, {1: 2}]
    for event in whole:
        made += [{key: value for key, value in event.items() if key != left} for left in event]
        made += [event | {"more": 1}]
        made += [event | {key: value} for key in event for value in wrong if (key, value) != ("void", True)]
    return made


class TestEvents:
    """The server's own tree is judged event by event."""

    def test_what_is_no_event(self, exports: Exports) -> None:
        for event in _no_events():
            found = exports.verify(exports.with_event(event)).findings
            assert [(one.code, "event" in one.text) for one in found][-1:] == [("bad-export", True)], event

    def test_a_device_of_the_other_side(self, exports: Exports) -> None:
        """What one side's server sent to the other side's device is a crossing."""
        event = {"e": "delivered", "device": exports.dana, "log": exports.case, "from": 0, "to": 3, "ms": 1}
        lines = exports.with_event(event)
        [finding] = exports.verify(lines).findings
        assert (finding.code, finding.log, finding.seq) == ("wall", exports.case, 3)
        assert "not on this side" in finding.text
        assert [one.code for one in exports.wall(lines).crossings] == ["wall"]

    @pytest.mark.parametrize("kind", ["delivered", "refused"])
    def test_a_log_of_the_other_side(self, exports: Exports, kind: str) -> None:
        event: dict[str, Any] = {"e": "delivered", "device": exports.sam, "log": exports.other_case, "from": 0, "to": 1, "ms": 1}
        if kind == "refused":
            event = {"e": "refused", "log": exports.other_case, "id": bytes(32), "author": exports.sam, "code": "wall"}
        lines = exports.with_event(event)
        assert [one.code for one in exports.verify(lines).findings] == ["contradiction"], "who sees one side only cannot know whose log it is"
        [crossing] = exports.wall(lines).crossings
        assert "names a log of the victim side" in crossing.text

    def test_who_fetches(self, exports: Exports) -> None:
        """Supervisors are of the oversight side."""
        assert exports.verify(exports.with_event({"e": "export", "by": exports.sue, "what": "logs", "ms": 1})).findings == []
        [finding] = exports.verify(exports.with_event({"e": "export", "by": exports.sam, "what": "logs", "ms": 1})).findings
        assert finding.code == "wall"
        lines = exports.with_event({"e": "export", "by": exports.dana, "what": "logs", "ms": 1})
        assert exports.verify(lines).findings == []
        [crossing] = exports.wall(lines).crossings
        assert "names a device of the victim side" in crossing.text

    @pytest.mark.parametrize(("first", "last"), [(0, 1000), (3, 3), (4, 3), (1000, 1001)])
    def test_delivered_entries_that_are_not_there(self, exports: Exports, first: int, last: int) -> None:
        event = {"e": "delivered", "device": exports.sam, "log": exports.case, "from": first, "to": last, "ms": 1}
        [finding] = exports.verify(exports.with_event(event)).findings
        assert (finding.code, finding.text.endswith("not in the export")) == ("contradiction", True)

    def test_delivered_to_a_stranger_of_the_same_side(self, exports: Exports) -> None:
        known = exports.verify(exports.perpetrator).registry
        assert known is not None
        office = next(device for device, one in known.devices.items() if "administrator" in one.subject.roles)
        event = {"e": "delivered", "device": office, "log": exports.case, "from": 0, "to": 1, "ms": 1}
        [finding] = exports.verify(exports.with_event(event)).findings
        assert "never was a member" in finding.text

    def test_chunks_that_were_fetched(self, exports: Exports) -> None:
        """By a member; by a stranger of the same side, by a device of the other, of a file of the other."""
        known = exports.verify(exports.perpetrator).registry
        assert known is not None
        office = next(device for device, one in known.devices.items() if "administrator" in one.subject.roles)

        def fetched(device: bytes, log: bytes) -> list[tuple[str, str]]:
            event = {"e": "fetched", "device": device, "log": log, "id": bytes(32), "ms": 1}
            return [(one.code, one.text.partition(": ")[2]) for one in exports.verify(exports.with_event(event)).findings]

        assert fetched(exports.sam, exports.case) == []
        assert fetched(office, exports.case) == [("contradiction", "a piece of an attachment went to somebody who never was a member")]
        assert fetched(exports.dana, exports.case) == [("wall", "a piece of an attachment went to a device that is not on this side")]
        assert [code for code, _ in fetched(exports.sam, exports.other_case)] == ["contradiction"]
        lines = exports.with_event({"e": "fetched", "device": exports.sam, "log": exports.other_case, "id": bytes(32), "ms": 1})
        assert "names a log of the victim side" in exports.wall(lines).crossings[0].text

    def test_two_for_one_entry(self, exports: Exports) -> None:
        event = next(unb64(line["event"]) for line in exports.perpetrator if b"haccepted" in unb64(line.get("event", "")))
        [finding] = exports.verify(exports.with_event(event)).findings
        assert finding.text == "two leaves for one entry"

    @pytest.mark.parametrize(("key", "value"), [("leaf", -1), ("leaf", 5), ("salt", ""), ("salt", b64(bytes(32)))])
    def test_an_entry_has_the_leaf_and_salt_of_its_event(self, exports: Exports, key: str, value: Any) -> None:
        lines = copied(exports.perpetrator)
        exports.entries(lines)[1][key] = value
        [finding] = exports.verify(lines).findings
        assert (finding.log, finding.seq) == (exports.case, 2)


def test_a_tree_that_an_author_was_not_shown(exports: Exports) -> None:
    """Without events too, two trees of one size are a contradiction."""
    last = exports.entries(exports.worker)[-1]
    ck = decode_entry_alone(unb64(last["cose"])).ck
    lines = [line for line in exports.worker if "checkpoint" not in line]
    assert exports.verify([*lines, exports.checkpoint(ck.size, ck.root)]).findings == []
    findings = exports.verify([*lines, exports.checkpoint(ck.size, bytes(32))]).findings
    assert (exports.case, last["seq"], f"its author was shown another audit tree of size {ck.size}") in [one[1:] for one in findings]


class TestCompleteness:
    """Nobody vouches for an event beyond the tree: an export with one does not prove that it has every log."""

    def test_an_event_that_the_server_never_wrote(self, exports: Exports) -> None:
        crossing = cbor.encode({"e": "delivered", "device": exports.dana, "log": exports.case, "from": 0, "to": 3, "ms": 1})
        size = sum("event" in line for line in exports.perpetrator)
        line = {"event": b64(crossing), "n": size, "salt": b64(bytes(32))}
        found = exports.verify([*exports.perpetrator, line])
        assert (found.findings, found.beyond, found.complete) == ([], 1, False)
        assert exports.wall([*exports.perpetrator, line]).unproved == ["perpetrator"]
        assert exports.wall(exports.perpetrator).unproved == []

    def test_an_older_checkpoint(self, exports: Exports) -> None:
        """What hides a log that came after it: entries stand, and their events lie beyond the tree."""
        size = sum("event" in line for line in exports.perpetrator)
        found = exports.verify(exports.with_events(lambda events: events, size - 1))
        assert (found.findings, found.beyond, found.complete) == ([], 1, False)
        found = exports.verify(exports.with_events(lambda events: events, 0))
        assert found.findings
        assert not found.complete

    def test_on_the_command_line(self, exports: Exports) -> None:
        size = sum("event" in line for line in exports.perpetrator)
        path, other = exports.write(exports.with_events(lambda events: events, size - 1)), exports.write(exports.victim, "victim")
        ran = CliRunner().invoke(app, ["audit", "verify", str(path), "--authority", exports.authority.hex()])
        assert ran.exit_code == 0
        assert "1 event(s) lie beyond the audit tree" in ran.stdout
        ran = CliRunner().invoke(app, ["audit", "wall", str(path), str(other), "--authority", exports.authority.hex(), "--json"])
        assert json.loads(ran.stdout)["not_proved_complete"] == ["perpetrator"]


def newest(exports: Exports) -> Item:
    """The item that a receipt has for the newest entry of the case."""
    last = exports.entries(exports.worker)[-1]
    return Item(decode_entry_alone(unb64(last["cose"])).id, last["seq"], last["received_ms"])
