"""The language of the schemas: ours are right by its rules, and each rule finds the fault that it is for."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fieldkeep.commands import app
from shared_schema import language, schema_files
from shared_schema.language.words import WORDS
from shared_schema.schema_files import SchemaFiles
from sync.device.recording import schemas

Files = dict[str, dict[str, Any]]
TERM = {"code": "new_one", "label": "A new one", "source": "Design"}
ORDERED = "x-order"


def own() -> tuple[Files, Files]:
    """A copy of our schemas and lists, to plant a fault in."""
    source = schema_files.own()
    return copy.deepcopy(dict(source.schemas)), copy.deepcopy(dict(source.lists))


def made(types: Files, lists: Files) -> SchemaFiles:
    return SchemaFiles(MappingProxyType(types), MappingProxyType(lists), MappingProxyType({}))


def test_ours_are_right() -> None:
    assert [str(one) for one in schemas.check(schema_files.own())] == []


def field(types: Files, where: str) -> dict[str, Any]:
    kind, _, name = where.partition(".")
    found: dict[str, Any] = types[kind]["properties"][name]
    return found


def put(where: str, word: str, value: Any) -> Callable[[Files, Files], None]:
    """Give a field or a type (`where` without a dot) another word; None takes it away."""

    def plant(types: Files, _: Files) -> None:
        target = field(types, where) if "." in where else types[where]
        if value is None:
            del target[word]
        else:
            target[word] = value

    return plant


def cell(where: str, name: str, word: str, value: Any) -> Callable[[Files, Files], None]:
    return lambda types, _: field(types, where)["x-cells"][name].__setitem__(word, value)


def term(name: str, number: int, word: str, value: Any) -> Callable[[Files, Files], None]:
    return lambda _, lists: lists[name]["terms"][number].__setitem__(word, value)


def top(name: str, word: str, value: Any) -> Callable[[Files, Files], None]:
    return lambda _, lists: lists[name].__setitem__(word, value)


def notice(word: str, value: Any) -> Callable[[Files, Files], None]:
    return lambda types, _: types["contact"]["x-notice"].__setitem__(word, value)


def gate(**words: Any) -> Callable[[Files, Files], None]:
    whole = {"name": "a_gate", "say": "Ring first.", "when": [{"field": "mode", "in": ["home_visit"]}], **words}
    return put("contact", "x-gates", [whole])


def drop(name: str) -> Callable[[Files, Files], None]:
    def plant(_: Files, lists: Files) -> None:
        del lists[name]

    return plant


FAULTS: dict[str, tuple[Callable[[Files, Files], None], str, str]] = {
    # what is planted, in which file it is found, at which place
    "a word that nobody knows": (put("contact.mode", "x-colour", "red"), "records/contact", "properties.mode"),
    "a word of a type on a field": (put("contact.mode", "x-weight", "quick"), "records/contact", "properties.mode"),
    "no label": (put("contact.mode", "x-label", None), "records/contact", "properties.mode"),
    "a label that ends in a full stop": (put("contact.mode", "x-label", "How."), "records/contact", "properties.mode.x-label"),
    "a label in small letters": (put("contact.mode", "x-label", "how"), "records/contact", "properties.mode.x-label"),
    "a kind that nobody knows": (put("contact.mode", "x-kind", "colour"), "records/contact", "properties.mode.x-kind"),
    "a kind that its shape is not": (put("contact.next", "x-kind", "date"), "records/contact", "properties.next"),
    "a shape that is not there": (
        put("contact.mode", "$ref", "header.schema.json#/$defs/colour"), "records/contact", "$ref"),
    "a schema of somewhere else": (put("contact.mode", "$ref", "https://example.org/a.json"), "records/contact", "$ref"),
    "a code list that is not there": (put("contact.mode", "x-codes", "contact_mood"), "records/contact", "properties.mode.x-codes"),
    "a code list beside a date": (put("task.due", "x-codes", "done3"), "records/task", "properties.due.x-codes"),
    "codes without a list": (put("contact.mode", "x-codes", None), "records/contact", "properties.mode.x-codes"),
    "a policy that nobody knows": (put("contact.mode", "x-merge", "newest"), "records/contact", "properties.mode.x-merge"),
    "a set of one code": (put("contact.mode", "x-merge", "set"), "records/contact", "properties.mode.x-merge"),
    "rows that do not append": (put("person.names", "x-merge", "latest"), "records/person", "properties.names.x-merge"),
    "a narrative's policy for a code": (put("contact.mode", "x-merge", "text"), "records/contact", "properties.mode.x-merge"),
    "contested, and nothing said of the meantime": (
        put("contact.non_contact_reason", "x-while-conflicted", None), "records/contact", "properties.non_contact_reason.x-while-conflicted"),
    "a meantime of what is never in conflict": (
        put("contact.mode", "x-while-conflicted", "stop"), "records/contact", "properties.mode.x-while-conflicted"),
    "a meantime that nobody knows": (
        put("contact.non_contact_reason", "x-while-conflicted", "wait"), "records/contact", "properties.non_contact_reason.x-while-conflicted"),
    "worst without ranks": (put("hazard.level", ORDERED, None), "records/hazard", "properties.level.x-order"),
    "ranks that are not total": (put("hazard.level", ORDERED, ["note", "care"]), "records/hazard", "properties.level.x-order"),
    "ranks upside down": (
        put("hazard.level", ORDERED, ["do_not_visit", "two_workers", "care", "note"]), "records/hazard", "properties.level.x-order"),
    "ranks by a list without order": (top("hazard_level", "ordered", False), "records/hazard", "properties.level.x-order"),
    "ranks where nothing ranks": (put("contact.mode", ORDERED, ["telephone"]), "records/contact", "properties.mode.x-order"),
    "a yes or no that ranks otherwise": (put("hazard.two_workers", ORDERED, ["no", "perhaps"]), "records/hazard", "properties.two_workers.x-order"),
    "a list with order that ranks nothing": (top("contact_mode", "ordered", True), "codes/contact_mode", "ordered"),
    "ranks of numbers by words of one's own": (
        put("policy.smallest_count", ORDERED, ["few", "many"]), "records/policy", "properties.smallest_count.x-order"),
    "two where one is a value": (put("contact.mode", "x-at-least", 2), "records/contact", "properties.mode.x-at-least"),
    "at least one": (put("contact.with", "x-at-least", 1), "records/contact", "properties.with.x-at-least"),
    "two of what is never needed": (put("closure.agreed_by", "x-need", "optional"), "records/closure", "properties.agreed_by.x-at-least"),
    "need in words of its own": (put("contact.mode", "x-need", "always"), "records/contact", "properties.mode.x-need"),
    "if, and nothing said when": (put("contact.mode", "x-need", "if it was telephone"), "records/contact", "properties.mode.x-need-if"),
    "a condition on a field that is not there": (
        put("contact.non_contact_reason", "x-need-if", {"field": "mood", "in": ["yes"]}), "records/contact", "properties.non_contact_reason.x-need-if.field"),
    "a condition on a code that is not there": (
        put("contact.non_contact_reason", "x-need-if", {"field": "mode", "in": ["pigeon"]}), "records/contact", "properties.non_contact_reason.x-need-if.in"),
    "a condition of another form": (
        put("contact.non_contact_reason", "x-need-if", {"unless": "mode"}), "records/contact", "properties.non_contact_reason.x-need-if"),
    "a group of one": (
        put("contact.non_contact_reason", "x-need-if", {"one-of": "alone"}), "records/contact", "properties.non_contact_reason.x-need-if.one-of"),
    "a missing reason that its shape does not take": (put("contact.mode", "x-missing", True), "records/contact", "properties.mode.x-missing"),
    "a yes or no that takes no reason": (put("contact.safe_to_talk", "x-missing", None), "records/contact", "properties.safe_to_talk.x-missing"),
    "a reference to a type that is not there": (put("contact.next", "x-ref", ["chore"]), "records/contact", "properties.next.x-ref"),
    "a reference from a code": (put("contact.mode", "x-ref", ["task"]), "records/contact", "properties.mode.x-ref"),
    "rows without cells": (put("person.names", "x-cells", None), "records/person", "properties.names.x-cells"),
    "a cell that its rows have not": (cell("person.names", "name", "x-colour", "red"), "records/person", "properties.names.x-cells.name"),
    "a cell that is asked about": (cell("person.names", "name", "x-merge", "ask"), "records/person", "properties.names.x-cells.name.x-merge"),
    "a cell that is needed if": (cell("person.names", "name", "x-need", "if known"), "records/person", "properties.names.x-cells.name.x-need"),
    "a set that takes a member twice": (put("contact.with", "uniqueItems", False), "records/contact", "properties.with"),
    "a field where its type is not": (put("contact.mode", "x-files", {"desk": ["victim"]}), "records/contact", "properties.mode.x-files.desk"),
    "a kind of file that is not there": (put("contact", "x-files", {"drawer": ["victim"]}), "records/contact", "x-files.drawer"),
    "a side on which such files do not lie": (put("contact", "x-files", {"therapy": ["victim"]}), "records/contact", "x-files.therapy"),
    "a side that is not there": (put("contact", "x-side", ["north"]), "records/contact", "x-side"),
    "sides that its files do not have": (put("contact", "x-side", ["victim"]), "records/contact", "x-side"),
    "a role that is not there": (put("contact", "x-write", ["pilot"]), "records/contact", "x-write"),
    "a role without content": (put("contact", "x-read", ["administrator"]), "records/contact", "x-read"),
    "a role of the other side only": (put("linked_person", "x-read", ["link_worker", "navigator", "coordinator"]), "records/linked_person", "x-read"),
    "a writer who is no reader": (put("contact", "x-read", ["navigator"]), "records/contact", "x-write"),
    "an owner who is no reader": (put("contact.non_contact_reason", "x-owner", ["fund_holder"]), "records/contact", "properties.non_contact_reason.x-owner"),
    "another name than the file's": (put("contact", "x-record", "contacts"), "records/contact", "x-record"),
    "another id than the file's": (put("contact", "$id", "https://fieldkeep.invalid/records/a.schema.json"), "records/contact", "$id"),
    "version 0": (put("contact", "x-version", 0), "records/contact", "x-version"),
    "a weight that nobody knows": (put("contact", "x-weight", "heavy"), "records/contact", "x-weight"),
    "a source that nobody named": (put("contact", "x-source", "Hearsay"), "records/contact", "x-source"),
    "no description": (put("contact", "description", None), "records/contact", "description"),
    "a field of the header again": (
        lambda types, _: types["contact"]["properties"].__setitem__("state", types["header"]["properties"]["state"]), "records/contact", "properties.state"),
    "a name with a capital": (
        lambda types, _: types["contact"]["properties"].__setitem__("Mood", types["contact"]["properties"]["tone"]), "records/contact", "properties.Mood"),
    "leaving out what the header has not": (put("contact", "x-header-omit", ["mood"]), "records/contact", "x-header-omit"),
    "money that is added by hand": (put("contact", "x-money", True), "records/contact", "x-money"),
    "a narrative that goes with another's": (put("case_note", "x-own-record", ["body"]), "records/case_note", "x-own-record"),
    "a notice of what is not there": (notice("by", "mood"), "records/contact", "x-notice.by"),
    "a notice at another moment": (notice("when", "soon"), "records/contact", "x-notice.when"),
    "a notice of a kind that is not there": (notice("kinds", {"spoke": "chatted"}), "records/contact", "x-notice.kinds.spoke"),
    "a notice of a code that is not there": (notice("kinds", {"sang": "contact_made"}), "records/contact", "x-notice.kinds"),
    "a notice of another kind of fact": (notice("facts", {"happened": "mode"}), "records/contact", "x-notice.facts.happened"),
    "a notice that tells a field it has not": (notice("facts", {"mood": "tone"}), "records/contact", "x-notice.facts.mood"),
    "a gate that says nothing": (gate(say=""), "records/contact", "x-gates.0.say"),
    "a gate that never holds": (gate(when=[]), "records/contact", "x-gates.0.when"),
    "a gate on a type that is not there": (gate(when=[{"some": "mood"}]), "records/contact", "x-gates.0.when.0"),
    "a gate on a code that is not there": (gate(when=[{"field": "mode", "in": ["pigeon"]}]), "records/contact", "x-gates.0.when.0.in"),
    "a gate on what is not in force anywhere": (gate(when=[{"in-force": "mood", "in": ["hold"]}]), "records/contact", "x-gates.0.when.0.in-force"),
    "a gate of another form": (gate(when=["always"]), "records/contact", "x-gates.0.when.0"),
    "a list that nobody names": (
        lambda _, lists: lists.__setitem__("spare", {"name": "spare", "version": 1, "title": "Spare", "ordered": False, "terms": [TERM]}), "codes/spare", ""),
    "a list that is gone": (drop("contact_mode"), "records/contact", "properties.mode.x-codes"),
    "a list of another name": (top("contact_mode", "name", "mode"), "codes/contact_mode", "name"),
    "a list without a title": (top("contact_mode", "title", " "), "codes/contact_mode", "title"),
    "a list without terms": (top("contact_mode", "terms", []), "codes/contact_mode", "terms"),
    "a list with a key of its own": (top("contact_mode", "colour", "red"), "codes/contact_mode", ""),
    "a code with a blank in it": (term("contact_mode", 0, "code", "face to face"), "codes/contact_mode", "terms.0.code"),
    "a code twice": (term("contact_mode", 1, "code", "face_to_face"), "codes/contact_mode", "terms.1.code"),
    "a label twice": (term("contact_mode", 1, "label", "face-to-face"), "codes/contact_mode", "terms.1.label"),
    "no label of a term": (term("contact_mode", 1, "label", ""), "codes/contact_mode", "terms.1.label"),
    "a term from nowhere": (term("contact_mode", 1, "source", "Hearsay"), "codes/contact_mode", "terms.1.source"),
    "a wider term that is not there": (term("contact_mode", 1, "under", "talk"), "codes/contact_mode", "terms.1.under"),
    "a term with a key of its own": (term("contact_mode", 1, "colour", "red"), "codes/contact_mode", "terms.1"),
    "chosen no more as of today": (term("contact_mode", 1, "until", 1), "codes/contact_mode", "terms.1.until"),
    "called otherwise though still chosen": (term("contact_mode", 1, "now", "text"), "codes/contact_mode", "terms.1.now"),
    "what is no JSON Schema": (put("contact.mode", "minLength", "three"), "records/contact", "properties.mode.minLength"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str) -> None:
    plant, file, place = FAULTS[name]
    types, lists = own()
    plant(types, lists)
    found = schemas.check(made(types, lists))
    here = [one for one in found if one.file.startswith(f"{file}.") and one.place == place]
    assert here, [str(one) for one in found]
    assert all(one.seen and one.wanted for one in found)


class TestFiles:
    """What cannot be read at all is said with the rest."""

    @pytest.mark.parametrize(
        ("name", "text", "seen"),
        [
            ("records/odd.schema.json", "{", "text that is not JSON"),
            ("records/odd.schema.json", "[]", "JSON that is no object"),
            ("records/odd.schema.json", '{"a": 1, "a": 2}', "an object with the same key twice"),
            ("codes/odd.txt", "{}", "a file whose name does not end in .json"),
        ],
    )
    def test_broken(self, tmp_path: Path, name: str, text: str, seen: str) -> None:
        write(tmp_path, *own())
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = schemas.check(schemas.read(tmp_path))
        assert [(one.file, one.seen) for one in found] == [(name, seen)]

    def test_the_command_says_so_and_exits_with_1(self, tmp_path: Path) -> None:
        types, lists = own()
        write(tmp_path, types, lists)
        right = CliRunner().invoke(app, ["schema", "check", str(tmp_path), "--since", str(tmp_path), "--json"])
        assert (right.exit_code, json.loads(right.stdout)["complaints"]) == (0, [])
        types["contact"]["properties"]["mode"]["x-codes"] = "contact_mood"
        write(tmp_path, types, lists)
        wrong = CliRunner().invoke(app, ["schema", "check", str(tmp_path), "--json"])
        assert wrong.exit_code == 1
        mode, *_ = json.loads(wrong.stdout)["complaints"]
        assert mode == {
            "file": "records/contact.schema.json", "place": "properties.mode.x-codes", "seen": '"contact_mood"', "wanted": "a code list that is there",
        }  # fmt: skip

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        ran = CliRunner().invoke(app, ["schema", "check", str(tmp_path), "--json"])
        assert ran.exit_code == 1
        assert json.loads(ran.stdout)["error"]["code"] == "not-found"


def write(folder: Path, types: Files, lists: Files) -> None:
    for name, raw in types.items():
        path = folder / "records" / f"{name}.schema.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(raw), encoding="utf-8")
    for name, raw in lists.items():
        path = folder / "codes" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(raw), encoding="utf-8")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([*WORDS, "properties", "terms", "quick", "yes"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, "properties", "terms", "items", "$ref", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*WORDS, "title", "properties", "allOf", "$id"]), ANYTHING), ANYTHING, st.sampled_from(["mode", "with", "next"])
)
def test_no_json_at_all_breaks_it(type_: dict[str, Any], value: Any, name: str) -> None:
    """Whatever stands in a file, the rules say what is wrong, and stop at nothing."""
    types, lists = {"header": schema_files.own().schemas["header"], "odd": type_}, {"odd": {"terms": value, "version": value}}
    assert language.check(made(types, lists))
    word = sorted(WORDS)[len(json.dumps(value)) % len(WORDS)]
    assert isinstance(language.check(made({**types, "contact": {**schema_files.own().schemas["contact"], word: value}}, lists)), list)
    whole = copy.deepcopy(schema_files.own().schemas["contact"])
    whole["properties"][name][word] = value
    assert isinstance(language.check(made({**types, "contact": whole}, lists)), list)
