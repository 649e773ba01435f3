"""Others vouch for the golden cases: cbor2 for the encoding, RFC 8032 and RFC 9180 by the book for signatures, grants and parcels."""

import hashlib
from typing import Any, Final

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_schema import cbor
from shared_schema.errors import Malformed
from sync import keys, sealing
from tests.vectors import edwards, hpke
from tests.vectors.codecs import CODECS
from tests.vectors.notation import Case, everything, same

GOLDEN: Final = everything()[0]
_XWING_DRAFT: Final = bytes.fromhex(
    "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3da5fa1a92c49f25513e0fd30d6b1611c9ab9635d7086727a4b7d21d34"
)


def _strings(value: Any) -> Any:
    """Every byte string in a decoded value."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _plain(data: bytes) -> bytes:
    return data[1:] if data[:1] == b"\xd2" else data


class TestCbor2:
    """What we call canonical, cbor2 calls canonical."""

    @pytest.mark.parametrize("case", [case for case in GOLDEN if "codec" in case.body and "bytes" in case.body], ids=str)
    def test_golden_bytes_are_canonical_at_every_level(self, case: Case) -> None:
        pending, seen = [case.body["bytes"]], 0
        while pending:
            data = _plain(pending.pop())
            theirs = cbor2.loads(data)
            assert cbor2.dumps(theirs, canonical=True) == data
            assert same(cbor.decode(data), theirs)
            seen += 1
            for inner in _strings(theirs):  # protected headers, payloads, signed objects inside others
                try:
                    cbor.decode(_plain(inner))
                except Malformed:
                    continue
                pending.append(inner)
        assert seen

    VALUES = st.recursive(
        st.integers(-cbor.MAX_INT, cbor.MAX_INT) | st.binary(max_size=40) | st.text(max_size=20) | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=30) | st.integers(0, 23), inner, max_size=5),
        max_leaves=20,
    )

    @given(VALUES)
    def test_generated_values(self, value: Any) -> None:
        data = cbor.encode(value)
        assert data == cbor2.dumps(value, canonical=True)
        assert same(cbor.decode(data), value)

    @given(st.binary(max_size=60))
    def test_what_we_take_is_what_cbor2_would_write(self, data: bytes) -> None:
        try:
            value = cbor.decode(data)
        except Malformed:
            return
        assert cbor2.dumps(value, canonical=True) == data
        assert cbor.encode(value) == data


class TestSignatures:
    """Ed25519 by the book makes the same signatures."""

    @pytest.mark.parametrize("case", [case for case in GOLDEN if CODECS.get(case.body.get("codec", ""), CODECS["cbor"]).is_signed][::7], ids=str)
    def test_golden_signatures(self, case: Case) -> None:
        data = cbor.decode(case.body["bytes"])[0] if case.body["codec"] == "entry" else case.body["bytes"]
        protected, _, payload, signature = cbor.decode(data[1:])
        to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
        assert edwards.sign(case.body["seed"], to_sign)[1] == signature


class TestGrants:
    """HPKE by the book opens the same grants, and HKDF by the book gives the same commitments and keys."""

    @pytest.mark.parametrize("case", [case for case in GOLDEN if case.body.get("op") == "grant_open"], ids=str)
    def test_golden_grants(self, case: Case) -> None:
        grant = case.body["in"]
        newest = grant["epochs"][-1].to_bytes(4, "big")
        info = b"fieldkeep/v1/grant\0" + grant["svc"] + grant["log"] + newest + grant["granter"] + grant["to"]
        plain = hpke.open_base(grant["seed"], info, grant["sealed"])
        assert plain == b"".join(secret for _, secret in case.body["out"])
        for epoch, secret in case.body["out"]:
            ctx = grant["svc"] + grant["log"] + epoch.to_bytes(4, "big")
            assert [epoch, hpke.hkdf(secret, b"", b"fieldkeep/v1/commit\0" + ctx, 32)] in grant["commits"]

    def test_the_drafts_first_key(self) -> None:
        (case,) = (case for case in GOLDEN if case.name == "xwing_draft")
        assert case.body["out"][:64] == _XWING_DRAFT

    @given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
    def test_commitments(self, secret: bytes, ctx: bytes) -> None:
        assert sealing.commitment(secret, ctx) == hpke.hkdf(secret, b"", b"fieldkeep/v1/commit\0" + ctx, 32)

    def test_a_grant_sealed_now_opens_by_the_book(self) -> None:
        key = keys.ReceivingKey(bytes(range(32)))
        sealed = keys.seal_secrets(key.public, b"info", [bytes(32), b"\1" * 32])
        assert len(sealed) == 1120 + 64 + 16
        assert hpke.open_base(bytes(range(32)), b"info", sealed) == bytes(32) + b"\1" * 32


def _of(op: str) -> list[Case]:
    return [case for case in GOLDEN if case.body.get("op") == op]


class TestHelp:
    """HPKE and SHA-256 by the book open the same boxes and answers, and give the same digits."""

    @pytest.mark.parametrize("case", _of("open_box"), ids=str)
    def test_golden_boxes(self, case: Case) -> None:
        box = case.body["in"]
        info = b"fieldkeep/v1/box\0" + box["svc"] + box["side"].encode() + b"\0" + box["device"] + box["cert"] + box["to"]
        assert hpke.open_base(box["seed"], info, box["sealed"]) == b"".join(case.body["out"])

    @pytest.mark.parametrize("case", _of("open_answer"), ids=str)
    def test_golden_answers(self, case: Case) -> None:
        given, out = case.body["in"], case.body["out"]
        asked, answer = hashlib.sha256(b"fieldkeep/v1/help-request\0" + given["request"]).digest(), cbor2.loads(given["answer"])
        contents = cbor2.loads(hpke.open_base(given["seed"], b"fieldkeep/v1/help-answer\0" + asked, answer["sealed"]))
        said = _payload(contents["help"])[1]
        assert (answer["request"], contents["keys"], said["request"], said["to"], said["at"]) == (asked, out["keys"], asked, out["to"], out["at"])

    @pytest.mark.parametrize("case", _of("help_digits"), ids=str)
    def test_golden_digits(self, case: Case) -> None:
        given, out = case.body["in"], case.body["out"]
        whole = hashlib.sha256(b"fieldkeep/v1/help-check\0" + out["id"] + given["challenge"].encode()).hexdigest()
        assert out["digits"] == str(int(whole[:16], 16) % 10**6).zfill(6)


def _derived(name: str, given: Any, epoch: int, secret: bytes, more: bytes = b"") -> bytes:
    ctx = given["svc"] + given["log"] + epoch.to_bytes(4, "big")
    return hpke.hkdf(secret, b"", f"fieldkeep/v1/{name}\0".encode() + ctx + more, 32)


def _payload(data: bytes) -> tuple[bytes, Any]:
    """Sig_structure and payload of a signed object."""
    protected, _, payload, _ = cbor2.loads(data[1:])
    return cbor2.dumps(["Signature1", protected, b"", payload]), cbor2.loads(payload)


class TestParcels:
    """HPKE, HKDF and SHA-256 by the book give the same addresses, keys and letters."""

    @pytest.mark.parametrize("case", _of("receiving_address"), ids=str)
    def test_addresses(self, case: Case) -> None:
        given = case.body["in"]
        whole = b"fieldkeep/v1/address\0" + given["svc"] + given["side"].encode() + b"\0" + given["log"]
        assert hashlib.sha256(whole).digest()[:16] == case.body["out"]

    @pytest.mark.parametrize("case", _of("address_key"), ids=str)
    def test_address_keys(self, case: Case) -> None:
        given = case.body["in"]
        assert edwards.sign(_derived("address", given, given["epoch"], given["secret"]), b"")[0] == case.body["out"]

    @pytest.mark.parametrize("case", _of("weekly_key"), ids=str)
    def test_weekly_keys(self, case: Case) -> None:
        given = case.body["in"]
        seed = _derived("intake", given, given["epoch"], given["secret"], given["week"].to_bytes(4, "big"))
        assert hpke.public(seed) == case.body["out"]

    @pytest.mark.parametrize("case", _of("open_parcel"), ids=str)
    def test_golden_parcels(self, case: Case) -> None:
        given, out = case.body["in"], case.body["out"]
        parcel, week = given["parcel"], given["parcel"]["week"].to_bytes(4, "big")
        sender = {"perpetrator": b"victim", "victim": b"perpetrator"}[given["side"]]
        info = b"fieldkeep/v1/parcel\0" + given["svc"] + sender + b"\0" + parcel["address"] + week + parcel["id"] + parcel["root"]
        epoch, secret = given["secrets"][-1]
        plain = hpke.open_base(_derived("intake", given, epoch, secret, week), info, parcel["sealed"])
        size = int.from_bytes(plain[:4], "big")
        contents = cbor2.loads(plain[4 : 4 + size])
        assert plain[4 + size :] == bytes(len(plain) - 4 - size)
        assert len(plain) == 16_384 or (sender == b"perpetrator" and len(plain) - 1024 < size + 4 <= len(plain))
        letter = _payload(contents["letter"])[1]
        assert {name: letter[name] for name in out["letter"]} == out["letter"]
        assert (letter["from"].encode(), letter["to"], letter["id"]) == (sender, parcel["address"], parcel["id"])
        found = [hashlib.sha256(_payload(data)[0]).digest() for data in contents["chain"]]
        assert (found[0], found[-1]) == (parcel["root"], out["sender"]["cert"])
        stamp = _payload(given["pass"])[1]
        about = {name: parcel[name] for name in ("address", "week", "id")}
        assert stamp == about | {"hash": hashlib.sha256(parcel["sealed"]).digest(), "ms": out["passed_ms"]}
