"""The vocabularies in `shared_schema/codes`: loaded as written, in the order of their sources, in their words (the rest: test_language.py)."""

import json
from importlib.resources import files
from typing import Any

import pytest

from shared_schema import records

FOLDER = files("shared_schema").joinpath("codes")
RAW: dict[str, dict[str, Any]] = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.iterdir() if path.name.endswith(".json")}


@pytest.mark.parametrize("file_name", sorted(RAW))
class TestEachList:
    """A list says what its file says."""

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
    """What the sources say stands as they say it."""

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
