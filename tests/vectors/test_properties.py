"""Properties of every decoder: what is encoded decodes to itself, and whatever else comes in, nothing but `malformed` comes out."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_schema import cbor, cose, ids, unlock
from shared_schema.approval import KINDS, decode_approval
from shared_schema.certificate import REVOKE_REASONS, decode_invitation, decode_registry_statement
from shared_schema.checkpoint import decode_checkpoint
from shared_schema.chunk import decode_claimed, decode_claims
from shared_schema.entry import decode_entry
from shared_schema.errors import Malformed
from shared_schema.event import decode_event
from shared_schema.membership import KEM_BYTES, REFUSE_REASONS, TAG_BYTES, decode_file_statement
from shared_schema.parcel import (
    decode_come,
    decode_contents,
    decode_gate,
    decode_intake_key,
    decode_letter,
    decode_parcels,
    decode_pass,
    decode_publication,
)
from shared_schema.receipt import decode_receipt, decode_signed_head, decode_verdict
from shared_schema.recovery import PERMIT_REASONS
from shared_schema.removal import REASONS, decode_purge
from shared_schema.roles import FILES, ROLES
from shared_schema.wire import decode_purged, decode_request, decode_response
from sync.change import decode_part
from sync.signing import SigningKey
from tests.vectors.codecs import CODECS
from tests.vectors.notation import everything, same
from tests.vectors.test_vectors import refusal

DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "decode": cbor.decode,
    "decode_entry": decode_entry,
    "decode_invitation": decode_invitation,
    "decode_registry_statement": decode_registry_statement,
    "decode_file_statement": decode_file_statement,
    "decode_receipt": decode_receipt,
    "decode_signed_head": decode_signed_head,
    "decode_verdict": decode_verdict,
    "decode_checkpoint": decode_checkpoint,
    "decode_request": decode_request,
    "decode_response": decode_response,
    "decode_part": decode_part,
    "decode_approval": decode_approval,
    "decode_purge": decode_purge,
    "decode_purged": decode_purged,
    "decode_claims": decode_claims,
    "decode_claimed": decode_claimed,
    "decode_event": decode_event,
    "decode_gate": decode_gate,
    "decode_intake_key": decode_intake_key,
    "decode_letter": decode_letter,
    "decode_pass": decode_pass,
    "decode_contents": decode_contents,
    "decode_publication": decode_publication,
    "decode_parcels": decode_parcels,
    "decode_come": decode_come,
    "unlock.decode_request": unlock.decode_request,
    "decode_answer": unlock.decode_answer,
    "unlock.decode_contents": unlock.decode_contents,
    "decode_help": unlock.decode_help,
}
SEED: Final = bytes(range(32))
GOLDEN: Final = [case for case in everything()[0] if "codec" in case.body]
MUTATED: Final = {str(case): case for case in GOLDEN if case.body["codec"] not in ("cbor", "uuid", "checkpoint") and len(case.body["bytes"]) < 20_000}

ID: Final = st.binary(min_size=16, max_size=16)
HASH: Final = st.binary(min_size=32, max_size=32)
COUNT: Final = st.integers(0, cbor.MAX_INT)
NUMBER: Final = st.integers(1, cbor.MAX_INT)
EPOCH: Final = st.integers(1, 2**32 - 1)
LINE: Final = st.text(min_size=1, max_size=20)
HEAD: Final = st.tuples(ID, COUNT, HASH).map(list)
SIDE: Final = st.sampled_from(ids.SIDES)
ANY: Final = st.recursive(
    COUNT | st.integers(-9, 9) | st.binary(max_size=40) | st.text(max_size=12) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(0, 23), inner, max_size=3),
    max_leaves=6,
)
JSON: Final = st.recursive(
    st.integers(-cbor.MAX_INT, cbor.MAX_INT) | st.text(max_size=12) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _signed(typ: str, payload: st.SearchStrategy[Any], **labels: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    header = st.fixed_dictionaries({"typ": st.just(typ), "kid": ID, "svc": ID, **labels})
    return st.fixed_dictionaries({"header": header, "payload": payload})


SUBJECT: Final = st.fixed_dictionaries(
    {"user": ID, "name": LINE, "org": LINE, "roles": st.sets(st.sampled_from(sorted(ROLES)), min_size=1).map(sorted), "until": COUNT}
)
KEYS: Final = st.fixed_dictionaries(
    {"device": ID, "label": LINE, "sign": HASH, "receive": st.binary(min_size=1, max_size=4).map(lambda fill: (fill * 1216)[:1216])}
)
ROOT: Final = st.fixed_dictionaries(
    {
        "kind": st.just("root"), "side": SIDE, "name": LINE, "authority": HASH, "receipt": HASH, "checkpoint": HASH,
        "recovery": st.just(bytes(1216)), "recovery_sign": HASH, "incarnation": ID, "floor": st.just(1),
    }
)  # fmt: skip
SIGNATURE: Final = st.binary(min_size=64, max_size=64)
FILES_LOST: Final = st.none() | st.sets(ID, min_size=1, max_size=3).map(sorted)
RECOVERY: Final = (
    st.fixed_dictionaries({"kind": st.just("renew"), "recovery": st.just(bytes(1216)), "recovery_sign": HASH})
    | st.fixed_dictionaries({"kind": st.just("custody"), "threshold": st.integers(2, 3), "holders": st.lists(LINE, min_size=3, max_size=16)})
    | st.fixed_dictionaries({"kind": st.just("permit"), "device": ID, "files": FILES_LOST, "reason": st.sampled_from(PERMIT_REASONS), "until": COUNT})
    | st.fixed_dictionaries({"kind": st.just("close"), "device": ID})
    | st.fixed_dictionaries({"kind": st.just("drill"), "key": ID, "files": st.integers(5, 9), "opened": st.integers(0, 5), "by": SIGNATURE})
)
REGISTRY: Final = (
    ROOT
    | st.fixed_dictionaries({"kind": st.just("certify"), "subject": SUBJECT, "keys": KEYS})
    | st.fixed_dictionaries({"kind": st.just("revoke"), "device": ID, "reason": st.sampled_from(REVOKE_REASONS)})
    | st.fixed_dictionaries(
        {"kind": st.just("restore"), "incarnation": ID, "before": st.none() | st.tuples(ID, COUNT, HASH).map(list), "marked": st.booleans()}
    )
    | RECOVERY
)
PEOPLE: Final = st.dictionaries(ID, st.sampled_from(sorted(ROLES)), max_size=3).map(lambda people: [[user, people[user]] for user in sorted(people)])


def _grant(to: bytes, cert: bytes, epochs: list[int]) -> list[Any]:
    return [to, cert, epochs, bytes(KEM_BYTES + 32 * len(epochs) + TAG_BYTES)]


GRANTS: Final = st.dictionaries(ID, st.tuples(HASH, st.sets(EPOCH, min_size=1, max_size=3).map(sorted)), min_size=1, max_size=2).map(
    lambda grants: [_grant(to, *grants[to]) for to in sorted(grants)]
)
_EPOCH: Final[dict[str, st.SearchStrategy[Any]]] = {"rg": HEAD, "kc": HASH, "grants": GRANTS}
LATER: Final = st.integers(2, 2**32 - 1)
FILE: Final = (
    st.fixed_dictionaries(
        {
            "kind": st.just("genesis"), "pr": st.none(), "ep": st.just(1), **_EPOCH, "nonce": ID, "file": st.sampled_from(sorted(FILES)), "side": SIDE,
            "suite": st.just(1), "members": PEOPLE.filter(bool),
        }
    )
    | st.fixed_dictionaries({"kind": st.just("members"), "pr": HASH, "ep": LATER, **_EPOCH, "add": PEOPLE.filter(bool), "remove": st.just([])})
    | st.fixed_dictionaries({"kind": st.just("epoch"), "pr": HASH, "ep": LATER, **_EPOCH})
    | st.fixed_dictionaries(
        {"kind": st.just("recover"), "pr": HASH, "ep": LATER, **_EPOCH, "role": st.sampled_from(sorted(ROLES)), "by": SIGNATURE}
    )
    | st.fixed_dictionaries({"kind": st.just("grant"), "pr": HASH, "rg": HEAD, "grants": GRANTS})
    | st.fixed_dictionaries({"kind": st.just("admit"), "pr": HASH, "rg": HEAD, "held": st.binary(max_size=40)})
    | st.fixed_dictionaries(
        {
            "kind": st.just("expunge"), "pr": HASH, "rg": HEAD, "at": COUNT, "id": HASH, "part": st.integers(0, 1023), "hash": HASH,
            "reason": st.sampled_from(REASONS), "parcel": st.none() | ID, "stub": HASH, "says": HASH, "approval": st.none(),
        }
    )
    | st.fixed_dictionaries({"kind": st.just("hold"), "pr": HASH, "rg": HEAD, "release": st.none() | HASH, "approval": st.none()})
    | st.fixed_dictionaries(
        {
            "kind": st.just("erase"), "pr": HASH, "rg": HEAD, "file": st.sampled_from(sorted(FILES)), "creator": ID, "nonce": ID,
            "reason": st.sampled_from(REASONS), "approval": st.none(),
        }
    )
    | st.fixed_dictionaries({"kind": st.just("refuse"), "pr": HASH, "rg": HEAD, "id": HASH, "reason": st.sampled_from(REFUSE_REASONS)})
)  # fmt: skip
RECEIPT: Final = st.tuples(ID, ID, st.dictionaries(NUMBER, st.tuples(HASH, COUNT), min_size=1, max_size=3), HASH).map(
    lambda made: {
        "log": made[0], "inc": made[1], "items": [[made[2][seq][0], seq, made[2][seq][1]] for seq in sorted(made[2])], "head": [max(made[2]), made[3]],
    }
)  # fmt: skip
VERDICT: Final = st.fixed_dictionaries(
    {"log": ID, "inc": ID, "id": HASH, "author": ID, "sq": NUMBER, "code": st.sampled_from(["malformed", "stale-epoch"])}
)
OP_ID: Final = st.tuples(ID, NUMBER, COUNT).map(list)
PREDS: Final = st.lists(OP_ID, max_size=2)
NAME: Final = st.text(min_size=1, max_size=8).filter(lambda name: not name.startswith("_"))
FIELD: Final = NAME | st.tuples(NAME, OP_ID, NAME).map(list)
OP: Final = (
    st.tuples(FIELD, st.sampled_from(["set", "add", "remove"]), JSON, PREDS)
    | st.tuples(FIELD, st.just("resolve"), st.tuples(JSON, LINE).map(list), PREDS)
    | st.tuples(st.just("_signed"), st.just("sign"), st.none(), PREDS)
    | st.tuples(st.just("_deleted"), st.just("delete"), st.just(True), PREDS)
).map(list)
CHANGE: Final = st.fixed_dictionaries(
    {"t": NAME, "s": NUMBER, "b": COUNT, "at": COUNT, "ops": st.lists(OP, min_size=1, max_size=3)}, optional={"u": st.just(True)}
)
PART: Final = st.tuples(ID, st.dictionaries(NUMBER, CHANGE, min_size=1, max_size=3)).map(
    lambda made: [made[1][c] | {"r": made[0], "c": c} for c in sorted(made[1])]
)
STATUS: Final = st.fixed_dictionaries(
    {"unsent": COUNT, "held": COUNT, "conflicts": COUNT, "oldest_conflict_days": COUNT, "app": LINE, "claimed_ms": COUNT, "free_mb": COUNT}
)
REQUEST: Final = st.fixed_dictionaries(
    {
        "cursors": st.dictionaries(ID, st.tuples(COUNT, HASH), max_size=3).map(lambda cursors: [[log, *at] for log, at in cursors.items()]),
        "push": st.lists(ANY, max_size=2), "status": STATUS, "checkpoint": st.none() | HEAD, "prove": st.lists(COUNT, max_size=3),
        "purged": st.lists(st.binary(max_size=9), max_size=2),
    }
)  # fmt: skip
OPENING: Final = st.tuples(COUNT, HASH).map(list)
STORED: Final = st.tuples(st.binary(max_size=9), st.lists(ANY, max_size=2)).map(list)
COUNTS: Final = st.dictionaries(ID, NUMBER.filter(bool), max_size=2).map(lambda counts: [[log, counts[log]] for log in sorted(counts)])
PAGE: Final = st.fixed_dictionaries(
    {
        "log": ID,
        "entries": st.lists(st.tuples(HASH | STORED, COUNT, OPENING).map(list), max_size=2),
        "head": st.binary(max_size=9),
        "more": st.booleans(),
    }
)
ANSWER: Final = st.fixed_dictionaries({"id": HASH, "code": st.just("accepted")}) | st.fixed_dictionaries(
    {"id": HASH, "code": st.just("quota"), "message": LINE, "retry": st.just("after-time")},
    optional={"signed": st.binary(max_size=9), "stored": STORED},
)
RESPONSE: Final = st.fixed_dictionaries(
    {
        "answers": st.lists(ANSWER, max_size=2), "receipts": st.lists(st.binary(max_size=9), max_size=2),
        "openings": st.lists(st.tuples(HASH, COUNT, HASH).map(list), max_size=2), "pages": st.lists(PAGE, max_size=2), "more": st.booleans(), "time": COUNT,
        "checkpoint": LINE, "consistency": st.lists(HASH, max_size=2), "inclusion": st.lists(st.tuples(COUNT, st.lists(HASH, max_size=2)).map(list), max_size=2),
        "held": COUNTS, "parcels": COUNTS,
    }
)  # fmt: skip
CHECKPOINT: Final = st.fixed_dictionaries(
    {
        "origin": st.text("abc/.:-0123456789", min_size=1, max_size=40), "size": COUNT, "root": HASH, "key_hash": st.binary(min_size=4, max_size=4),
        "signature": st.binary(min_size=64, max_size=64),
    }
)  # fmt: skip
WEEK: Final = st.integers(0, 2**32 - 1)
BYTES: Final = st.binary(max_size=40)
BODY: Final = st.dictionaries(st.text(max_size=8), JSON, max_size=3)
GATE: Final = st.tuples(SIDE, ID, HASH, st.integers(0, 2**32 - 53), st.integers(0, 52)).map(
    lambda made: {"side": made[0], "address": made[1], "key": made[2], "from": made[3], "until": made[3] + made[4]}
)
INTAKE_KEY: Final = st.fixed_dictionaries(
    {"side": SIDE, "week": WEEK, "key": st.binary(min_size=1, max_size=4).map(lambda fill: (fill * 1216)[:1216])}
)
LETTER: Final = st.fixed_dictionaries({"from": SIDE, "to": ID, "id": ID, "kind": LINE, "at": COUNT, "body": BODY})
PASS: Final = st.fixed_dictionaries({"address": ID, "week": WEEK, "id": ID, "hash": HASH, "ms": COUNT})
PARCEL: Final = st.fixed_dictionaries({"address": ID, "week": WEEK, "id": ID, "fixed": st.booleans(), "root": HASH, "sealed": BYTES})
CHAIN: Final = st.lists(BYTES, max_size=3)
CONTENTS: Final = st.fixed_dictionaries({"letter": BYTES, "chain": CHAIN, "second": st.none() | st.tuples(BYTES, CHAIN).map(list)})
PUBLICATION: Final = st.fixed_dictionaries({"ep": EPOCH, "key": HASH, "gate": st.none() | BYTES, "keys": st.lists(BYTES, max_size=3)})
COME: Final = st.fixed_dictionaries({"parcels": st.lists(st.tuples(NUMBER, COUNT, BYTES, PARCEL).map(list), max_size=2), "more": st.booleans()})
HELP: Final = st.fixed_dictionaries({"request": HASH, "device": ID, "to": ID, "at": COUNT, "by": st.none() | st.binary(min_size=64, max_size=64)})
BOXES: Final = st.dictionaries(ID, st.sampled_from([bytes(1168), bytes(1200)]), min_size=1, max_size=3)
HELP_REQUEST: Final = st.fixed_dictionaries(
    {"device": ID, "key": st.just(bytes(1216)), "made": COUNT, "boxes": BOXES.map(lambda boxes: [[to, boxes[to]] for to in sorted(boxes)])}
)
EVENT: Final = st.fixed_dictionaries(
    {"e": st.sampled_from(["delivered", "reviewed", "shown"]), "device": ID, "log": ID, "from": COUNT, "to": NUMBER, "ms": COUNT}
) | st.fixed_dictionaries({"e": st.just("sent"), "device": ID, "address": ID, "id": ID, "ms": COUNT})
_LOG: Final[dict[Any, st.SearchStrategy[Any]]] = {"log": ID, "sn": HEAD, "ck": HEAD}
ORDER: Final = st.tuples(st.just(1), st.none()) | st.tuples(st.integers(2, cbor.MAX_INT), HASH)


def _entry(value: dict[str, Any], order: tuple[int, bytes | None]) -> dict[str, Any]:
    value["header"] |= {"sq": order[0], "pv": order[1]}
    if "parts" in value:
        value["payload"] = [ids.sha256(part) for part in value["parts"]]
    return value | {"parts": value.get("parts", [])}


_ENVELOPE: Final[dict[Any, st.SearchStrategy[Any]]] = {"typ": st.just("fieldkeep-envelope"), "kid": ID, "svc": ID, "ep": EPOCH, **_LOG}
ENVELOPE: Final = st.fixed_dictionaries(
    {
        "header": st.fixed_dictionaries(_ENVELOPE),
        "parts": st.lists(st.binary(max_size=40), min_size=1, max_size=3),
    }
)
LINKS: Final = st.lists(st.tuples(HASH, COUNT).map(list), min_size=1, max_size=3)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "cbor": ANY,
    "uuid": ID,
    "entry": st.builds(_entry, ENVELOPE | _signed("fieldkeep-statement", st.binary(max_size=40), **_LOG), ORDER),
    "invitation": _signed("fieldkeep-invitation", st.fixed_dictionaries({"side": SIDE, "subject": SUBJECT, "key": HASH, "enrol_until": COUNT})),
    "registry_statement": REGISTRY,
    "file_statement": FILE,
    "receipt": _signed("fieldkeep-receipt", RECEIPT),
    "signed_head": _signed("fieldkeep-head", st.fixed_dictionaries({"log": ID, "inc": ID, "seq": COUNT, "chain": HASH})),
    "verdict": _signed("fieldkeep-verdict", VERDICT),
    "checkpoint": CHECKPOINT,
    "sync_request": REQUEST,
    "offer": st.fixed_dictionaries({"incarnation": ID, "next": ID, "registry": HASH, "marks": st.booleans()}),
    "declaration": st.fixed_dictionaries(
        {"entries": st.lists(st.tuples(ANY, COUNT).map(list), min_size=1, max_size=2), "head": st.binary(max_size=40), "restore": ANY}
    ),
    "healing": st.fixed_dictionaries({"after": COUNT, "links": LINKS, "head": st.binary(max_size=40), "entries": st.lists(ANY, max_size=1)}),
    "healed_to": st.fixed_dictionaries({"seq": COUNT, "chain": HASH, "open": st.booleans()}),
    "sync_response": RESPONSE,
    "deposit": st.fixed_dictionaries({"push": st.lists(ANY, max_size=2), "registry": st.integers(0, 2**40)}),
    "deposited": st.fixed_dictionaries(
        {"answers": st.lists(ANSWER, max_size=2), "receipts": st.lists(st.binary(max_size=9), max_size=2), "pages": st.just([])}
    ),
    "claims": st.lists(
        st.tuples(HASH, st.lists(HASH, min_size=1, max_size=3, unique=True)).map(list), min_size=1, max_size=3, unique_by=lambda one: one[0]
    ),
    "claimed": st.lists(HASH, max_size=3),
    "held": st.fixed_dictionaries({"held": st.lists(st.tuples(NUMBER, COUNT, ANY).map(list), max_size=2), "more": st.booleans()}),
    "approval": _signed(
        "fieldkeep-approval",
        st.fixed_dictionaries({"side": SIDE, "log": ID, "kind": st.sampled_from(KINDS), "act": HASH, "until": COUNT}),
    ),
    "purge": _signed("fieldkeep-purge", st.fixed_dictionaries({"log": ID, "id": HASH})),
    "devices": st.fixed_dictionaries(
        {
            "time": COUNT,
            "devices": st.dictionaries(ID, st.tuples(COUNT, STATUS), max_size=3).map(
                lambda heard: [[device, *heard[device]] for device in sorted(heard)]
            ),
        }
    ),
    "purged": st.fixed_dictionaries(
        {"purged": st.lists(st.tuples(NUMBER, COUNT, st.binary(max_size=9)).map(list), max_size=2), "more": st.booleans()}
    ),
    "part": PART,
    "event": EVENT,
    "gate": _signed("fieldkeep-gate", GATE),
    "intake_key": _signed("fieldkeep-intake", INTAKE_KEY),
    "letter": _signed("fieldkeep-letter", LETTER),
    "pass": _signed("fieldkeep-pass", PASS),
    "parcel": PARCEL,
    "contents": CONTENTS,
    "publication": PUBLICATION,
    "parcels": st.lists(PARCEL, max_size=2) | st.lists(ANY, max_size=2),
    "come": COME,
    "help": _signed("fieldkeep-help", HELP),
    "help_request": HELP_REQUEST,
    "help_answer": st.fixed_dictionaries({"request": HASH, "sealed": BYTES}),
    "help_contents": st.fixed_dictionaries({"keys": st.lists(HASH, min_size=1, max_size=2), "help": BYTES}),
}
FEW: Final = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class TestRoundTrip:
    """decode(encode(value)) is the value, and encode(decode(bytes)) the bytes."""

    def test_every_codec_has_values(self) -> None:
        assert VALUES.keys() == CODECS.keys()

    @pytest.mark.parametrize("codec", CODECS)
    @FEW
    @given(st.data())
    def test_generated_values(self, codec: str, data: st.DataObject) -> None:
        value = data.draw(VALUES[codec])
        encoded = CODECS[codec].encode(value, SEED)
        decoded = CODECS[codec].decode(encoded)
        assert CODECS[codec].encode(decoded, SEED) == encoded
        if CODECS[codec].is_signed:
            decoded = {name: item for name, item in decoded.items() if name in value}
        assert same(decoded, value)


class TestWhateverComesIn:
    """No input makes a decoder raise anything but Malformed."""

    @pytest.mark.parametrize("name", DECODERS)
    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_random_input(self, name: str, data: st.DataObject) -> None:
        given_ = data.draw(st.text(max_size=200) if name == "decode_checkpoint" else st.binary(max_size=200) | ANY.map(cbor.encode))
        assert refusal(DECODERS[name], given_) in ("", "malformed")

    @pytest.mark.parametrize("codec", ["checkpoint", "uuid"])
    @FEW
    @given(st.data())
    def test_one_character_changed(self, codec: str, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from([case for case in GOLDEN if case.body["codec"] == codec]))
        text = case.body["text"]
        at = data.draw(st.integers(0, len(text) - 1))
        changed = text[:at] + data.draw(st.characters()) + text[at + 1 :]
        assert refusal(CODECS[codec].decode, changed) in ("", "malformed")

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_one_byte_changed(self, data: st.DataObject) -> None:
        case = MUTATED[data.draw(st.sampled_from(sorted(MUTATED)))]
        good = case.body["bytes"]
        at = data.draw(st.integers(0, len(good) - 1))
        changed = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
        assert refusal(CODECS[case.body["codec"]].decode, changed) in ("", "malformed", "too-large")

    @settings(max_examples=300, deadline=None, report_multiple_bugs=False)
    @given(st.data())
    def test_one_value_replaced(self, data: st.DataObject) -> None:
        """The encoding stays right and, where there is one, the signature too: only the shape is odd."""
        case = MUTATED[data.draw(st.sampled_from(sorted(MUTATED)))]
        codec = CODECS[case.body["codec"]]
        if codec.is_signed:
            changed = _resigned(case.body["codec"], case.body["bytes"], data)
        else:
            changed = cbor.encode(_replaced(cbor.decode(case.body["bytes"]), data))
        assert refusal(codec.decode, changed) in ("", "malformed", "too-large")


def _replaced(value: Any, data: st.DataObject) -> Any:
    """`value` with one thing somewhere inside replaced, removed or added."""
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _replaced(value[at], data), *value[at + 1 :]]
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(list(value)))
        return {name: _replaced(item, data) if name == key else item for name, item in value.items()}
    return data.draw(ANY)


def _resigned(codec: str, encoded: bytes, data: st.DataObject) -> bytes:
    """A signed object whose header or payload has one thing replaced, signed again."""
    outer = cbor.decode(encoded) if codec == "entry" else [encoded]
    protected, _, payload, _ = cbor.decode(outer[0][1:])
    if data.draw(st.booleans()):
        protected = cbor.encode(_replaced(cbor.decode(protected), data))
    else:
        try:
            payload = cbor.encode(_replaced(cbor.decode(payload), data))
        except Malformed:
            payload = data.draw(st.binary(max_size=40))
    again = cose.assemble(protected, payload, SigningKey(SEED).sign(cose.sig_structure(protected, payload)))
    return cbor.encode([again, *outer[1:]]) if codec == "entry" else again
