"""The cross matrix: whatever is of one kind is nothing else. Every golden object goes to every decoder; only the diagonal takes it."""

from typing import Any, Final

import pytest

from shared_schema import cbor, cose
from shared_schema.approval import APPROVAL
from shared_schema.certificate import INVITATION
from shared_schema.entry import ADMISSION, ENVELOPE, EXPUNCTION, STATEMENT, decode_entry
from shared_schema.errors import ProtocolError
from shared_schema.parcel import GATE, INTAKE, LETTER, PASS
from shared_schema.receipt import HEAD, RECEIPT, VERDICT
from shared_schema.removal import PURGE
from shared_schema.unlock import HELP
from sync.signing import SigningKey, sign_object, verify_object
from tests.vectors.codecs import CODECS
from tests.vectors.notation import everything
from tests.vectors.test_vectors import refusal

GOLDEN: Final = [case for case in everything()[0] if "codec" in case.body]
BINARY: Final = [codec for codec in CODECS if not CODECS[codec].is_text and codec != "cbor"]
LABELS: Final = frozenset({"log", "sq", "pv", "sn", "ck"})
NONE: Final[frozenset[str]] = frozenset()
TYPES: Final = {ENVELOPE: LABELS | {"ep"}, EXPUNCTION: LABELS | {"ep"}, STATEMENT: LABELS, ADMISSION: LABELS} | dict.fromkeys(
    (INVITATION, RECEIPT, HEAD, VERDICT, APPROVAL, PURGE, GATE, INTAKE, LETTER, PASS, HELP), NONE
)


def _signed() -> dict[str, list[tuple[bytes, Any, bytes]]]:
    """Typ -> golden COSE bytes, parts, and the seed of the signer."""
    found: dict[str, list[tuple[bytes, Any, bytes]]] = {typ: [] for typ in TYPES}
    for case in GOLDEN:
        if CODECS[case.body["codec"]].is_signed:
            data, parts = cbor.decode(case.body["bytes"]) if case.body["codec"] == "entry" else (case.body["bytes"], [])
            found[case.body["value"]["header"]["typ"]].append((data, parts, case.body["seed"]))
    return found


@pytest.mark.parametrize("decoder", BINARY)
@pytest.mark.parametrize("codec", [codec for codec in CODECS if not CODECS[codec].is_text])
def test_only_the_diagonal_passes(codec: str, decoder: str) -> None:
    mine = [case for case in GOLDEN if case.body["codec"] == codec]
    assert mine
    for case in mine:
        outcome = refusal(CODECS[decoder].decode, case.body["bytes"])
        assert outcome == ("" if codec == decoder else "malformed"), str(case)


@pytest.mark.parametrize("want", TYPES)
@pytest.mark.parametrize("typ", TYPES)
def test_a_signed_object_is_of_one_type(typ: str, want: str) -> None:
    """Even with the labels that the other type would have, and even when a type is asked for by the common decoder."""
    for data, _, _ in _signed()[typ]:
        assert refusal(cose.decode, data, want, TYPES[typ]) == ("" if typ == want else "malformed")


@pytest.mark.parametrize("typ", TYPES)
def test_a_signature_does_not_survive_another_type(typ: str) -> None:
    """The type lies under the signature: renaming an object breaks it."""
    for data, _, seed in _signed()[typ]:
        protected, _, payload, signature = cbor.decode(data[1:])
        header = cbor.decode(protected)
        public = SigningKey(seed).public
        for other in TYPES:
            renamed = cbor.encode(header | {16: other})
            sign1 = cose.decode(cose.assemble(renamed, payload, signature), other, TYPES[typ])
            assert (refusal(verify_object, sign1, public) == "") == (other == typ)


@pytest.mark.parametrize("other", [ENVELOPE, STATEMENT, ADMISSION, EXPUNCTION])
@pytest.mark.parametrize("typ", [ENVELOPE, STATEMENT, ADMISSION, EXPUNCTION])
def test_entries_of_different_types_do_not_change_places(typ: str, other: str) -> None:
    """A statement signed anew as an envelope, say, is refused: the labels, the parts or what it carries differ."""
    if typ == other:
        return
    for data, parts, seed in _signed()[typ]:
        assert decode_entry(data, parts).is_envelope == (typ == ENVELOPE)
        protected, _, payload, _ = cbor.decode(data[1:])
        renamed = sign_object(SigningKey(seed), cbor.encode(cbor.decode(protected) | {16: other}), payload)
        with pytest.raises(ProtocolError) as caught:
            decode_entry(renamed, parts)
        assert caught.value.code == "malformed"
