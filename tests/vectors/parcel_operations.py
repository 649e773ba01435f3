"""The operations of parcels (docs/spec.md §15): see tests/vectors/operations.py."""

from collections.abc import Callable
from typing import Any, Final

from shared_schema import parcel
from sync import letters
from sync import parcel as rules
from tests.vectors.parcel_codecs import to_parcel, to_publication

In = dict[str, Any]


def to_keys(given: In, epoch: int, secret: bytes) -> letters.FileKeys:
    """A file's keys of one epoch."""
    return letters.FileKeys(given["svc"], given["side"], given["log"], epoch, secret)


def _address_key(given: In) -> bytes:
    return to_keys(given, given["epoch"], given["secret"]).address_key.public


def _weekly_key(given: In) -> bytes:
    return to_keys(given, given["epoch"], given["secret"]).week(given["week"]).public


def _parcel_info(given: In) -> bytes:
    return letters.info(given["svc"], given["from"], given["address"], given["week"], given["id"], given["root"])


def _check_gate(given: In) -> Any:
    gate = rules.check_gate(given["bytes"], given["svc"], given["side"], given["authority"])
    return {"address": gate.address, "key": gate.key, "from": gate.first, "until": gate.last}


def _check_intake_key(given: In) -> bytes:
    return rules.check_intake_key(given["bytes"], given["svc"], given["side"], given["address"], given["key"], given["week"])


def _check_publication(given: In) -> list[int]:
    """The weeks; what is published for each is the object that came."""
    publication = to_publication(given["publication"])
    found = rules.check_publication(publication, given["svc"], given["side"], given["address"], given["week"])
    assert tuple(found.values()) == publication.keys
    return list(found)


def _sender(certificate: Any) -> Any:
    subject = certificate.subject
    return {
        "cert": certificate.id, "device": certificate.keys.device, "key": certificate.keys.sign, "user": subject.user, "name": subject.name,
        "roles": list(subject.roles),
    }  # fmt: skip


def _certified(given: In) -> Any:
    known, certificate = rules.certified(given["chain"], given["svc"], given["side"], given["pinned"])
    return {"root": known.root_id, "receipt": known.require_root().receipt, "sender": _sender(certificate)}


def _open_parcel(given: In) -> Any:
    candidates = [to_keys(given, epoch, secret) for epoch, secret in given["secrets"]]
    opened = letters.open_parcel(to_parcel(given["parcel"]), given["pass"], candidates, given["file"], given["pinned"])
    letter = opened.letter
    said = {"kind": letter.kind, "at": letter.at, "body": dict(letter.body)}
    second = {} if opened.second is None else {"second": _sender(opened.second)}
    return {"letter": said, "sender": _sender(opened.sender), "passed_ms": opened.passed_ms, **second}


PARCEL_OPERATIONS: Final[dict[str, Callable[[In], Any]]] = {
    "week_of": lambda given: parcel.week_of(given["ms"]),
    "receiving_address": lambda given: parcel.address_of(given["svc"], given["side"], given["log"]),
    "address_key": _address_key,
    "weekly_key": _weekly_key,
    "check_gate": _check_gate,
    "check_intake_key": _check_intake_key,
    "check_publication": _check_publication,
    "parcel_info": _parcel_info,
    "room": lambda given: letters.room(given["side"], given["size"]),
    "certified": _certified,
    "open_parcel": _open_parcel,
}
