"""Every case of shared_schema/vectors: golden ones hold in both directions, must-refuse ones are refused with the stated code and no other."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest

from shared_schema import cbor, cose, entry
from shared_schema.errors import ProtocolError, catalogue
from sync.signing import SigningKey, verify_object
from tests.vectors.codecs import CODECS
from tests.vectors.notation import Case, everything, same
from tests.vectors.operations import OPERATIONS

GOLDEN, MUST_REFUSE = everything()
MIN_GOLDEN: Final = 300
MIN_MUST_REFUSE: Final = 600


def _cases(cases: list[Case]) -> list[Any]:
    """Parameters of a test, each under its case's name."""
    return [pytest.param(case, id=str(case)) for case in cases]


def refusal(work: Callable[..., Any], *given: Any) -> str:
    """The code with which `work` refuses what it is given; empty when it does not. Anything but a ProtocolError is let through."""
    try:
        work(*given)
    except ProtocolError as error:
        return error.code
    return ""


class TestTheCollection:
    """The files hold enough, and each case says what it is."""

    def test_there_are_enough(self, capsys: pytest.CaptureFixture[str]) -> None:
        with capsys.disabled():
            print(f"\nvectors: {len(GOLDEN)} golden, {len(MUST_REFUSE)} must-refuse")
            for topic, count in sorted(Counter(case.file for case in GOLDEN + MUST_REFUSE).items()):
                print(f"  {topic}: {count}")
        assert len(GOLDEN) >= MIN_GOLDEN
        assert len(MUST_REFUSE) >= MIN_MUST_REFUSE

    def test_names_are_unique_in_a_file(self) -> None:
        for names in (Counter(map(str, GOLDEN)), Counter(map(str, MUST_REFUSE)), Counter(map(str, GOLDEN + MUST_REFUSE))):
            assert [name for name, count in names.items() if count > 1] == []

    def test_every_case_gives_a_reason_in_one_sentence(self) -> None:
        for case in GOLDEN + MUST_REFUSE:
            assert case.why.endswith("."), str(case)
            assert len(case.why) < 200, str(case)

    def test_every_code_is_in_the_catalogue(self) -> None:
        assert {case.code for case in MUST_REFUSE} <= catalogue().keys()
        assert not any(case.code for case in GOLDEN)

    def test_no_two_cases_say_the_same(self) -> None:
        seen: dict[str, str] = {}
        for case in GOLDEN + MUST_REFUSE:
            body = {name: item for name, item in case.body.items() if name not in ("name", "why")}
            assert seen.setdefault(repr(body), str(case)) == str(case)

    def test_every_codec_and_operation_has_cases(self) -> None:
        used = {case.body.get("codec", case.body.get("op")) for case in GOLDEN + MUST_REFUSE}
        assert used == CODECS.keys() | OPERATIONS.keys()

    def test_every_codec_has_must_refuse_cases(self) -> None:
        assert {case.body["codec"] for case in MUST_REFUSE if "codec" in case.body} == CODECS.keys()


class TestGolden:
    """A golden case holds: decoding gives the value, encoding gives the bytes, the operation gives the result."""

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if "codec" in case.body]))
    def test_codec(self, case: Case) -> None:
        body, codec = case.body, CODECS[case.body["codec"]]
        given = body["text" if codec.is_text else "bytes"]
        assert same(codec.decode(given), body["value"])
        assert codec.encode(body["value"], body.get("seed", b"")) == given

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if "codec" in case.body]))
    def test_every_shorter_and_one_longer_input_is_refused(self, case: Case) -> None:
        codec = CODECS[case.body["codec"]]
        given = case.body["text" if codec.is_text else "bytes"]
        for size in range(len(given)):
            assert refusal(codec.decode, given[:size]) == "malformed", size
        longer = [given + end for end in ("\n", "0", " ")] if codec.is_text else [given + bytes((end,)) for end in (0, 0x80, 0xF6, 0xFF)]
        for more in longer:
            assert refusal(codec.decode, more) == "malformed"

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if case.body.get("codec") == "entry"]))
    def test_an_entry_is_refused_when_what_it_carries_is_cut(self, case: Case) -> None:
        data, parts = cbor.decode(case.body["bytes"])
        for size in range(len(data)):
            assert refusal(entry.decode_entry, data[:size], parts) == "malformed", size
        for i, part in enumerate(parts):
            for size in range(len(part or b"")):
                cut = [*parts[:i], part[:size], *parts[i + 1 :]]
                assert refusal(entry.decode_entry, data, cut) == "malformed", (i, size)

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if CODECS.get(case.body.get("codec", ""), CODECS["cbor"]).is_signed]))
    def test_what_is_signed_verifies_under_its_signers_key(self, case: Case) -> None:
        data = cbor.decode(case.body["bytes"])[0] if case.body["codec"] == "entry" else case.body["bytes"]
        header = case.body["value"]["header"]
        sign1 = cose.decode(data, header["typ"], frozenset(header) - {"typ", "kid", "svc"})
        verify_object(sign1, SigningKey(case.body["seed"]).public)

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if "op" in case.body]))
    def test_operation(self, case: Case) -> None:
        assert same(OPERATIONS[case.body["op"]](case.body["in"]), case.body["out"])

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if case.body.get("op") == "seal"]))
    def test_what_is_sealed_opens_whole_and_in_no_other_length(self, case: Case) -> None:
        given, parts = case.body["in"], case.body["out"]
        common = {name: item for name, item in given.items() if name not in ("salts", "plaintexts")}
        for index, part in enumerate(parts):
            whole = common | {"index": index, "total": len(parts), "part": part}
            assert OPERATIONS["open"](whole) == given["plaintexts"][index]
            sizes = range(len(part)) if len(part) < 2000 else (*range(64), *range(len(part) - 64, len(part)))
            for other in (*(part[:size] for size in sizes), part + b"\0"):
                assert refusal(OPERATIONS["open"], whole | {"part": other}) == "malformed"

    @pytest.mark.parametrize("case", _cases([case for case in GOLDEN if case.body.get("op") == "grant_open"]))
    def test_a_grant_opens_in_no_other_length(self, case: Case) -> None:
        given = case.body["in"]
        sealed = given["sealed"]
        for other in (*(sealed[:size] for size in range(0, len(sealed), 7)), sealed[:-1], sealed + b"\0"):
            assert refusal(OPERATIONS["grant_open"], given | {"sealed": other}) == "bad-grant"


class TestMustRefuse:
    """A must-refuse case is refused with exactly the stated code."""

    @pytest.mark.parametrize("case", _cases(MUST_REFUSE))
    def test_refused(self, case: Case) -> None:
        body = case.body
        if "op" in body:
            assert refusal(OPERATIONS[body["op"]], body["in"]) == case.code
        elif "value" in body:
            assert refusal(CODECS[body["codec"]].encode, body["value"], body.get("seed", b"")) == case.code
        else:
            codec = CODECS[body["codec"]]
            assert refusal(codec.decode, body["text" if codec.is_text else "bytes"]) == case.code
