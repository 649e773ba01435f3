"""The vocabularies in `shared_schema/codes`: each well formed, each used, each in its fields' order."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from shared_schema import records

SOURCES = {"Cleveland", "Changes", "180", "Elm", "Respect", "Drive", "Tameside", "Practice", "Design"}
FOLDER = files("shared_schema").joinpath("codes")
RAW: dict[str, dict[str, Any]] = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.iterdir() if path.name.endswith(".json")}


def used_lists() -> set[str]:
    """Names of the lists that any schema refers to, wherever in it the word stands."""
    found: set[str] = set()
    for name in (*records.record_types(), "header"):
        found |= set(re.findall(r'"x-codes": "([^"]*)"', json.dumps(records.schema(name))))
    return found


@pytest.mark.parametrize("file_name", sorted(RAW))
class TestEachList:
    """A list says its name, version, title, whether it is ordered, and its terms, and nothing else."""

    def test_says_what_it_is(self, file_name: str) -> None:
        raw = RAW[file_name]
        assert list(raw) == ["name", "version", "title", "ordered", "terms"]
        assert file_name == f"{raw['name']}.json"
        assert raw["version"] == 1
        assert isinstance(raw["ordered"], bool)
        assert raw["title"].strip() == raw["title"] != ""
        assert raw["terms"]

    def test_terms_are_whole_and_unique(self, file_name: str) -> None:
        terms = RAW[file_name]["terms"]
        for term in terms:
            assert set(term) - {"note", "under"} == {"code", "label", "source"}
            assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", term["code"])
            assert len(term["code"]) <= 64
            assert all(value.strip() == value != "" for value in term.values())
            assert term["source"] in SOURCES
        for word in ("code", "label"):
            assert len({term[word] for term in terms}) == len(terms)

    def test_wider_terms_exist_and_are_not_themselves_under_one(self, file_name: str) -> None:
        under = {term["code"]: term.get("under") for term in RAW[file_name]["terms"]}
        for wider in filter(None, under.values()):
            assert under[wider] is None

    def test_is_loaded_as_written(self, file_name: str) -> None:
        raw = RAW[file_name]
        loaded = records.code_list(raw["name"])
        assert (loaded.name, loaded.version, loaded.ordered, loaded.title) == (
            raw["name"],
            raw["version"],
            raw["ordered"],
            raw["title"],
        )
        assert [(t.code, t.label, t.source, t.note, t.under) for t in loaded.terms] == [
            (t["code"], t["label"], t["source"], t.get("note", ""), t.get("under", "")) for t in raw["terms"]
        ]


class TestAllLists:
    """Every list that a schema names exists, and no list is unused."""

    def test_no_list_is_missing_and_none_is_an_orphan(self) -> None:
        assert used_lists() == {raw["name"] for raw in RAW.values()}

    def test_ordered_lists_are_those_that_rank_something(self) -> None:
        every = (field for kind in records.record_types().values() for field in kind.fields.values())
        ranking = {f.codes for field in every for f in (field, *field.cells.values()) if f.codes and f.order}
        assert ranking == {raw["name"] for raw in RAW.values() if raw["ordered"]}

    @pytest.mark.parametrize(
        ("name", "low_to_high"),
        [
            ("record_state", "draft signed void"),
            ("flag3", "not_discussed nothing_noted concern act_now"),
            ("risk_change_now", "lower same not_sure higher much_higher"),
            ("risk_level", "standard medium high"),
            ("dva_severity", "none standard moderate high"),
        ],
    )
    def test_orders_run_from_low_to_high(self, name: str, low_to_high: str) -> None:
        assert records.code_list(name).codes == tuple(low_to_high.split())

    def test_words_of_a_source_are_kept_as_they_stand(self) -> None:
        labels = {term.label for name in RAW for term in records.code_list(name.removesuffix(".json")).terms}
        assert {
            "face-to-face",
            "Contact on hold - CJS depending",
            "working with/alongside SU's family",
            "Negotiating SU license conditions",
            "flag on the SU/SU vehicle",
            "Young Person's DASH",
            "thinking, behaviour and attitudes",
            "all of the children lived separately",
            "Don't know",
        } <= labels
