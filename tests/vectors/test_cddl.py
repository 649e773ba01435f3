"""Every golden object fits `shared_schema/wire.cddl`: the file is read by pycddl, layer by layer.

pycddl applies `.cbor` to all items of an array, overflows its stack on a recursive rule, takes only the first choice of a named rule
that is repeated in an array, and loses its place after a choice inside one. So before it reads the file `.cbor X` is taken out and
followed here by hand, with the rules that the file itself names; `json` becomes `any`; `role` is written out where it is repeated;
and an op's field is held against its own rule here.
"""

import re
from functools import cache
from typing import Any, Final

import pycddl
import pytest

from shared_schema import cbor
from shared_schema.errors import Malformed
from shared_schema.membership import decode_file_statement
from shared_schema.receipt import HEAD
from tests.vectors.notation import FOLDER, Case, everything

GOLDEN: Final = [case for case in everything()[0] if "codec" in case.body]
TEXT: Final = (FOLDER.parent / "wire.cddl").read_text(encoding="utf-8")
_ROLES: Final = re.search(r"(?ms)^role = (.*?)^\S", TEXT)
assert _ROLES is not None
_PLAIN: Final = (
    re.sub(r"(?m)^json = .*$", "json = any", re.sub(r"bytes \.cbor (\([^)]*\)|[\w-]+)", "bytes", TEXT))
    .replace("[1* role]", f"[1* ({_ROLES[1]})]")
    .replace("at: cell / field", "at: any")
)
_SIGNED: Final = {
    found["name"]: (found["header"], found["payload"])
    for found in re.finditer(
        r"(?m)^(?P<name>[\w-]+) = #6\.18\(\[bytes \.cbor (?P<header>[\w-]+), unprotected, bytes(?: \.cbor (?P<payload>[\w-]+))?, signature\]\)$", TEXT
    )
}
_RULES: Final = {
    "registry_statement": "registry-statement",
    "file_statement": "file-statement",
    "sync_request": "sync-request",
    "sync_response": "sync-response",
    "deposit": "deposit",
    "deposited": "deposited",
    "held": "held-answer",
    "devices": "devices-answer",
    "purged": "purged-answer",
    "claims": "claims",
    "claimed": "claimed",
    "part": "part",
    "offer": "restored-offer",
    "declaration": "declaration",
    "healing": "healing",
    "healed_to": "healed-to",
    "event": "event",
    "parcel": "parcel",
    "contents": "contents",
    "publication": "publication",
    "parcels": "parcels",
    "come": "come-answer",
    "help_request": "help-request",
    "help_answer": "help-answer",
    "help_contents": "help-contents",
}


@cache
def _schema(rule: str) -> pycddl.Schema:
    return pycddl.Schema(f"start = {rule}\n{_PLAIN}")


def check(rule: str, data: bytes) -> None:
    """Raises pycddl.ValidationError unless `data` fits the rule, what lies inside byte strings aside."""
    _schema(rule).validate_cbor(data)


def check_signed(rule: str, data: bytes) -> Any:
    """A signed object with its header and its payload; returns the header."""
    check(rule, data)
    protected, _, payload, _ = cbor.decode(data[1:])
    header_rule, payload_rule = _SIGNED[rule]
    check(header_rule, protected)
    if payload_rule is not None:
        check(payload_rule, payload)
    header = cbor.decode(protected)
    check("sig-structure", cbor.encode(["Signature1", protected, b"", payload]))
    return header


def check_entry(pair: bytes) -> None:
    """An entry as it travels, with whatever statement it holds."""
    check("entry", pair)
    data = cbor.decode(pair)[0]
    protected, _, payload, _ = cbor.decode(data[1:])
    kind = str(cbor.decode(protected)[16]).removeprefix("fieldkeep-")
    check(f"{kind}-entry", pair)
    if kind == "expunction":  # a vector of an entry looks at nothing but its stub
        check(kind, data)
        check("expunction-header", protected)
        return
    check_signed(kind, data)
    if kind == "admission":
        check_signed("envelope", cbor.decode(payload)["held"])
    if kind == "statement":
        try:
            decode_file_statement(payload)
        except Malformed:
            return
        check_signed("file-entry", data)


def _check(case: Case) -> None:
    codec, data = case.body["codec"], case.body["bytes"]
    if codec == "entry":
        check_entry(data)
    elif codec in _RULES:
        check(_RULES[codec], data)
        _check_inside(codec, data)
    else:
        check_signed(codec.replace("_", "-"), data)


def _check_inside(codec: str, data: bytes) -> None:
    """What lies in byte strings of an object that is not signed itself."""
    value = cbor.decode(data)
    if codec == "registry_statement" and value["kind"] == "enrol":
        check_signed("invitation", value["invitation"])
    if codec == "file_statement" and value.get("approval") is not None:
        check_signed("approval", value["approval"])
    if codec == "purged":
        for _, _, word in value["purged"]:
            check_signed("purge", word)
    if codec == "part":
        for change in value:
            for op in change["ops"]:
                check("field" if isinstance(op[0], str) else "cell", cbor.encode(op[0]))
    if codec == "publication":
        for data in (*value["keys"], *([value["gate"]] if value["gate"] else [])):
            check_signed("gate" if data == value["gate"] else "intake-key", data)
    if codec == "contents":
        check_signed("letter", value["letter"])
        for data in (*value["chain"], *(value["second"][1] if value["second"] else [])):
            check_signed("registry-entry", data)
    if codec == "help_contents":
        check_signed("help", value["help"])
    if codec == "come":
        for _, _, passed, _ in value["parcels"]:
            check_signed("pass", passed)
    if codec == "held":
        for one in value["held"]:
            check_entry(cbor.encode(one[2]))
    if codec == "deposited":
        for answer in value["answers"]:
            check_signed("verdict", answer["signed"])
    if codec == "sync_response":
        for receipt in value["receipts"]:
            check_signed("receipt", receipt)
        for answer in value["answers"]:
            if "signed" in answer:
                check_signed("verdict", answer["signed"])
        for page in value["pages"]:
            assert check_signed("signed-head", page["head"])[16] == HEAD
            for served in page["entries"]:
                if not isinstance(served[0], bytes):
                    check_entry(cbor.encode(served[0]))


SHAPED: Final = [case for case in GOLDEN if case.body["codec"] not in ("cbor", "uuid", "checkpoint")]


@pytest.mark.parametrize("case", SHAPED, ids=str)
def test_golden_fits(case: Case) -> None:
    _check(case)


def test_every_rule_is_used() -> None:
    rules = set(re.findall(r"(?m)^([\w-]+) = ", TEXT))
    used = {rule for rule in rules if len(re.findall(rf"(?<![\w\"-]){rule}(?![\w\"-])", re.sub(r"(?m);.*$", "", TEXT))) > 1}
    entry_points = {
        "entry",
        "sync-request",
        "sync-response",
        "part",
        "registry-entry",
        "file-entry",
        "sig-structure",
        "envelope-entry",
        "statement-entry",
        "admission-entry",
        "deposit",
        "deposited",
        "held-answer",
        "devices-answer",
        "event",
        "contents",
        "publication",
        "published-answer",
        "gates-answer",
        "desk-answer",
        "address-answer",
        "parcels",
        "parcels-answer",
        "come-answer",
        "purged-answer",
        "expunction-entry",
        "help-request",
        "help-answer",
        "help-contents",
        "claims",
        "claimed",
        "kept-answer",
        "restored-offer",
        "declaration",
        "declared-answer",
        "healing",
        "healed-to",
    }
    assert rules - used - entry_points == set()


def test_a_rule_refuses_objects_of_other_kinds() -> None:
    """pycddl takes a list where a choice of maps is wanted: those pairs are left to the decoders."""
    samples = {case.body["codec"]: case.body["bytes"] for case in SHAPED if case.body["codec"] in _RULES}
    for codec, data in samples.items():
        for other, rule in _RULES.items():
            if other != codec and not (codec == "part" and other in ("registry_statement", "file_statement", "event")):
                with pytest.raises(pycddl.ValidationError):
                    check(rule, data)


def test_a_signed_rule_refuses_headers_of_other_types() -> None:
    rules = ("invitation", "receipt", "signed-head", "verdict", "gate", "intake-key", "letter", "pass", "help")
    signed = [case for case in SHAPED if case.body["codec"].replace("_", "-") in rules]
    for case in signed:
        for rule in rules:
            if rule != case.body["codec"].replace("_", "-"):
                with pytest.raises(pycddl.ValidationError):
                    check_signed(rule, case.body["bytes"])
