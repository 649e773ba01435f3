"""The files in `shared_schema/records`: what the language (test_language.py) leaves open and ours must be."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shared_schema import records
from shared_schema.records import Field, NeedIf, RecordType

TYPES = sorted(records.record_types())
DOCUMENTS = (*TYPES, "header")


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a piece of JSON Schema."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


class TestHeader:
    """The header's fields belong to every record."""

    def test_every_definition_is_used(self) -> None:
        used = {ref.rpartition("/")[2] for name in DOCUMENTS for ref in references(records.schema(name))}
        assert set(records.schema("header")["$defs"]) <= used

    def test_what_counts_money_in_a_fund_names_nobody(self) -> None:
        omitted = {name for name in TYPES if "x-header-omit" in records.schema(name)}
        assert omitted == {name for name, kind in records.record_types().items() if kind.money and set(kind.files) == {"fund"}}
        for name in omitted:
            assert records.schema(name)["x-header-omit"] == ["subject"]
            assert "subject" not in records.record_type(name).fields

    def test_what_is_derived_cannot_be_written(self) -> None:
        for document in DOCUMENTS:
            for name, words in records.schema(document)["properties"].items():
                if "x-derived" in words:
                    kinds = records.record_types() if document == "header" else [document]
                    assert all(name not in records.record_type(kind).fields for kind in kinds)

    def test_only_a_task_can_be_deleted(self) -> None:
        assert {name for name, kind in records.record_types().items() if kind.deletable} == {"task"}


class TestNotices:
    """What is told to the other side by rule is told in its words, of what the record has, and never free text."""

    RULES: ClassVar = [(name, rule) for name, kind in records.record_types().items() for rule in kind.notices]

    def test_what_happens_in_a_case_is_told(self) -> None:
        """But for `first_contact_planned` and `new_partner`, which no field of a record says."""
        told = {kind for _, rule in self.RULES for kind in rule.kinds.values()}
        assert set(records.code_list("notice_kind").codes) - told == {"first_contact_planned", "new_partner"}


class TestSubjectAccess:
    """What the sides tell each other, in a record of its own or in a field of another, is in no subject access export."""

    LETTERS: ClassVar = set(json.loads(files("shared_schema").joinpath("roles.json").read_text(encoding="utf-8"))["letters"])

    @pytest.mark.parametrize("name", TYPES)
    def test_words_of_the_other_side_are_left_out(self, name: str) -> None:
        kind = records.record_type(name)
        if name == "referral":  # what an agency said of him; but not by which letter it came, nor whether anybody's details came with it
            assert kind.subject_access
            assert not any(kind.fields[field].subject_access for field in ("parcel", "sender", "victim_details_held"))
        elif name in self.LETTERS or "parcel" in kind.fields or name in ("parcel_sent", "read_event", "link", "liaison_file", "case_address"):
            assert not kind.subject_access
        said = {field.name for field in kind.fields.values() if field.codes in ("instruction", "contact_gate", "partner_support_word")}
        assert not kind.subject_access or all(not kind.fields[field].subject_access for field in said - {"act"})


class TestTable:
    """The types are those of `fields.txt`, one line a field, which a person can hold against the design."""

    def test_types_and_fields_are_as_the_table_says(self) -> None:
        table = Path(__file__).with_name("fields.txt").read_text(encoding="utf-8")
        assert "\n".join(table_lines()) + "\n" == table


def table_lines() -> Iterator[str]:
    """The record types as the table gives them."""
    for name in TYPES:
        kind = records.record_type(name)
        places = places_of(kind.files)
        delete = "deletable" if kind.deletable else "never deleted"
        yield f"{name} | {kind.weight}, {delete} | {places} | {' '.join(kind.write)} | {' '.join(kind.read)}"
        own = records.schema(name)["properties"]
        yield from field_lines(kind, [field for field in kind.fields.values() if field.name in own])
    yield "header"
    header = records.schema("header")["properties"]
    task = records.record_type("task")
    yield from field_lines(task, [field for field in task.fields.values() if field.name in header])


def field_lines(kind: RecordType, fields: list[Field]) -> Iterator[str]:
    for field in fields:
        narrowed = "" if field.files == kind.files else f" | only {places_of(field.files)}"
        replaced = "" if field.write == kind.write else f" | written by {' '.join(field.write)}"
        yield f"  {field_line(field)}{narrowed}{replaced}"
        yield from (f"    {field_line(cell)}" for cell in field.cells.values())


def places_of(files_and_sides: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{kind} {'+'.join(sides)}" for kind, sides in files_and_sides.items())


def field_line(field: Field) -> str:
    kind = f"{field.kind}({field.codes})" if field.codes else field.kind
    kind = f"k({kind})" if field.allows_missing and field.kind != "yn" else kind
    merge = field.merge if field.while_conflicted == "show_all" else f"{field.merge} · {field.while_conflicted}"
    order = f" {'<'.join(field.order)}" if field.order else ""
    need = re.sub("^if .*", "if", field.need) + (f" {condition_words(field.need_if)}" if field.need_if else "")
    least = f" {field.least} at least" if field.least > 1 else ""
    return f"{field.name} | {kind} | {need}{least} | {merge}{order}"


def condition_words(need: NeedIf) -> str:
    if need.terms:
        return f"{need.field} = {' or '.join(need.terms)}"
    if need.filled:
        return need.field
    if need.missing:
        return f"no {need.field}"
    return f"no other of {need.group}" if need.group else f"(outside) {need.outside}"
