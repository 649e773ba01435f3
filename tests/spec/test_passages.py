"""docs/spec.md §16.4: what is flagged for a second reader, and what becomes of it in a copy."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.passages import MARKS, Passage, Said, by_field, find, taken_out

RECORD = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"


def flagged(
    text: str, *, short: bool = False, named: tuple[str, ...] = (), known: tuple[str, ...] = (), searched: tuple[str, ...] = ()
) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.words, one.why) for one in find([Said(RECORD, "body", text, short)], named=named, known=known, searched=searched)]


def by_hand(words: str) -> str:
    """The id as the specification spells it, byte by byte: a list of three, sixteen bytes, and two short texts."""
    body = b"\x83\x50" + bytes(6) + b"\x40\x00\x80" + bytes(6) + b"\x01" + b"\x64body" + bytes([0x60 + len(words)]) + words.encode()
    return hashlib.sha256(b"fieldkeep/v1/passage\0" + body).hexdigest()


class TestFlagging:
    """It flags a sentence in which it finds a place, a number, somebody's name, or words for people; and every occurrence of words that were searched for."""

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("Moved to 14 Linden Grove, TS1 2AB", "place"),
            ("Ring 07700 900123", "telephone number"),
            ("Drops off at Hartburn Primary School", "school"),
            ("Write to c@example.org", "address on the net"),
            ("Then Eaglescliffe came by", "a name"),
            ("Dawn Eaglescliffe came by", "a name"),
            ("His mother told us", "about somebody else"),
        ],
    )
    def test_what_has_a_form(self, text: str, why: str) -> None:
        [(words, reasons)] = flagged(f"He was calm. {text}. He left.")
        assert (words, why in reasons) == (f"{text}.", True)

    @pytest.mark.parametrize(
        "text", ["He was calm. He left at once.", "DNA. GP seen, MARAC told.", "Monday went well. In March too.", "I saw that I'd been wrong."]
    )
    def test_what_tells_of_nobody(self, text: str) -> None:
        assert flagged(text) == []

    def test_names_that_the_file_has(self) -> None:
        assert flagged("He says cheryl knows.", named=("Cheryl Hartburn",)) == [("He says cheryl knows.", ("somebody whom the file names",))]
        assert flagged("He says cherylline knows.", named=("Cheryl",)) == [], "whole words"
        assert flagged("He says jo knows.", named=("Jo",)) == [], "three letters or more"

    def test_his_own_name_and_the_workers(self) -> None:
        assert flagged("Saw Jack and Ruth today. Jack Hartburn came.", known=("Jack Hartburn", "Ruth")) == []
        assert flagged("Dawn Hartburn came.", known=("Jack Hartburn",)) == [("Dawn Hartburn came.", ("a name",))], "of his name, and not he"
        assert flagged("Saw Jack's cousin Ruth today.", known=("Jack",)) == [("Saw Jack's cousin Ruth today.", ("a name",))]

    def test_one_word_in_a_short_field(self) -> None:
        assert flagged("Dawn", short=True) == [("Dawn", ("a name",))]
        assert flagged("Dawn") == flagged("Office visit", short=True) == []

    def test_searched_words_stand_for_themselves(self) -> None:
        found = flagged("She came with the Blue dog. The blue dog barked.", searched=("blue DOG",))
        assert [words for words, why in found if "searched for" in why] == ["Blue dog", "blue dog"]

    def test_one_passage_for_the_same_words_in_a_field(self) -> None:
        said = [
            Said(RECORD, "body", "Her house."),
            Said(RECORD, "body", "He left. Her house."),
            Said(RECORD, "summary", "Her house."),
            Said(OTHER, "body", "Her house."),
        ]
        found = find(said)
        assert [(one.record, one.field) for one in found] == [(RECORD, "body"), (RECORD, "summary"), (OTHER, "body")]
        assert len({one.id for one in found}) == 3

    def test_the_id_is_of_place_and_words(self) -> None:
        assert Passage(RECORD, "body", "Her house.", ("place",)).id == Passage(RECORD, "body", "Her house.", ()).id
        assert Passage(RECORD, "body", "Her house.", ()).id.hex() == by_hand("Her house.")


class TestTakingOut:
    """`redacted` replaces the words wherever they stand in the field, of two that overlap the longer; `withheld` every text in which they stand."""

    def test_each(self) -> None:
        value = {"rows": ["He left. Her house. He came.", {"who": "client", "words": "Her house"}], "n": 3, "at": None}
        assert taken_out(value, {"Her house.": "redacted"}) == {
            "rows": ["He left. [redacted] He came.", {"who": "client", "words": "Her house"}],
            "n": 3,
            "at": None,
        }
        assert taken_out(value, {"Her house": "withheld"}) == {"rows": ["[withheld]", {"who": "client", "words": "[withheld]"}], "n": 3, "at": None}
        assert taken_out(value, {"Her house.": "reasonable", "He left.": "consented"}) == value

    def test_the_longer_of_two(self) -> None:
        assert taken_out("At her new house.", {"her new": "redacted", "At her new house.": "redacted"}) == MARKS["redacted"]

    @given(st.lists(st.text("ab .", min_size=1, max_size=6), min_size=1, max_size=4), st.lists(st.sampled_from(["x", "yy "])))
    def test_nothing_redacted_is_left(self, gone: list[str], between: list[str]) -> None:
        text = "".join(piece for pair in zip(gone, [*between, *[""] * len(gone)], strict=False) for piece in pair)
        left = taken_out(text, dict.fromkeys(gone, "redacted")).replace(MARKS["redacted"], "\0")
        assert not any(words in left for words in gone)

    def test_by_field(self) -> None:
        rows = [(RECORD, "body", "a", "redacted"), (RECORD, "body", "b", "withheld"), (OTHER, "body", "a", "reasonable")]
        assert by_field(rows) == {(RECORD, "body"): {"a": "redacted", "b": "withheld"}, (OTHER, "body"): {"a": "reasonable"}}
