"""The files in `shared_schema/records`: valid JSON Schema, every x-word known, present and consistent."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import jsonschema_rs
import pytest

from shared_schema import records
from shared_schema.records import EARLIEST_IS_STRICTEST, HIGHER_IS_STRICTEST, NUMBERS, Field, NeedIf, RecordType

TYPES = sorted(records.record_types())
DOCUMENTS = (*TYPES, "header")
SOURCES = {"Cleveland", "Changes", "180", "Elm", "Respect", "Drive", "Tameside", "Practice", "Design"}
SIDES = ["perpetrator", "victim"]
FILE_KINDS = {"case", "shared_care", "therapy", "liaison", "fund", "desk", "intake"}
MERGES = {"once", "latest", "ask", "worst", "text", "set", "append"}
MAY_CONFLICT = {"ask", "worst", "text"}
SHAPES = {  # kind: the definitions that a value of it may be made of
    "text": {"text", "uuid"},
    "long": {"long"},
    "date": {"date", "date_or_year"},
    "when": {"when"},
    "pence": {"pence_above_zero"},
    "int": {"score", "count", "list_version"},
    "minutes": {"minutes"},
    "yn": {"yn"},
    "code": {"code"},
    "codes": {"code"},
    "ref": {"uuid"},
    "refs": {"uuid"},
    "user": {"uuid"},
    "users": {"uuid"},
    "attachments": {"uuid"},
    "random_id": {"uuid", "uuid_or_null"},
    "hash": {"hash"},
}
MANY = {"codes", "refs", "users", "attachments"}
REFERENCES = {"ref", "refs", "attachments"}
TYPE_WORDS = {
    *(
        "x-record",
        "x-version",
        "x-weight",
        "x-files",
        "x-side",
        "x-write",
        "x-read",
        "x-deletable",
        "x-source",
    ),
}
ALWAYS = {"x-label", "x-kind", "x-merge", "x-need", "x-source"}
DERIVED = {"x-label", "x-kind", "x-derived", "x-source"}
SOMETIMES = {
    *(
        "x-codes",
        "x-ref",
        "x-missing",
        "x-while-conflicted",
        "x-order",
        "x-need-if",
        "x-files",
        "x-write",
        "x-cells",
        "x-subject-access",
        "x-at-least",
    ),
}


def x_words(words: dict[str, Any]) -> set[str]:
    return {word for word in words if word.startswith("x-")}


def properties() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(where, words, JSON Schema) of every property and of every cell of rows, derived ones included."""
    for document in DOCUMENTS:
        for name, words in records.schema(document)["properties"].items():
            yield f"{document}.{name}", words, words
            for cell, inner in words.get("x-cells", {}).items():
                yield f"{document}.{name}.{cell}", inner, words["items"]["properties"][cell]


EVERY = {where: (words, shape) for where, words, shape in properties()}
WRITTEN = {where: found for where, found in EVERY.items() if "x-derived" not in found[0]}


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


def definition(shape: dict[str, Any]) -> str:
    """Name of the definition that a value, or a member of a set, is made of."""
    one = shape.get("items", shape)
    reference: str = one.get("anyOf", [one])[0]["$ref"]
    return reference.rpartition("/")[2]


@pytest.mark.parametrize("name", DOCUMENTS)
class TestEachDocument:
    """Each is a valid JSON Schema 2020-12 document that refers only to documents of the same folder."""

    def test_fits_the_metaschema(self, name: str) -> None:
        schema = records.schema(name)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)

    def test_is_named_after_its_file(self, name: str) -> None:
        assert records.schema(name)["$id"] == f"https://fieldkeep.invalid/records/{name}.schema.json"
        assert records.schema(name).get("x-record", "header") == name

    def test_refers_only_to_what_is_here(self, name: str) -> None:
        known = {f"header.schema.json#/$defs/{d}" for d in records.schema("header")["$defs"]} | {"header.schema.json"}
        for reference in references(records.schema(name)):
            assert (f"header.schema.json{reference}" if reference.startswith("#") else reference) in known

    def test_has_title_and_description(self, name: str) -> None:
        schema = records.schema(name)
        assert schema["title"]
        assert schema["description"].endswith(".")

    def test_no_key_stands_twice(self, name: str) -> None:
        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            assert len(dict(pairs)) == len(pairs)
            return dict(pairs)

        text = files("shared_schema").joinpath("records", f"{name}.schema.json").read_text(encoding="utf-8")
        json.loads(text, object_pairs_hook=once)


class TestHeader:
    """The header's fields belong to every record, and no type has a field of the same name."""

    def test_every_definition_is_used(self) -> None:
        used = {ref.rpartition("/")[2] for name in DOCUMENTS for ref in references(records.schema(name))}
        assert set(records.schema("header")["$defs"]) <= used

    @pytest.mark.parametrize("name", TYPES)
    def test_no_type_redefines_one(self, name: str) -> None:
        header = records.schema("header")["properties"]
        assert not set(records.schema(name)["properties"]) & set(header)
        assert records.schema(name)["allOf"] == [{"$ref": "header.schema.json"}]

    def test_a_fund_line_and_an_allowance_name_nobody(self) -> None:
        omitted = {name for name in TYPES if "x-header-omit" in records.schema(name)}
        assert omitted == {"fund_line", "allowance"}
        for name in omitted:
            assert records.schema(name)["x-header-omit"] == ["subject"]
            assert "subject" not in records.record_type(name).fields

    def test_what_is_derived_cannot_be_written(self) -> None:
        derived = {where for where, (words, _) in EVERY.items() if "x-derived" in words}
        assert derived == {
            *(f"header.{name}" for name in ("id", "type", "schema", "author")),
            *(f"header.{name}" for name in ("recorded_at", "received_at", "late_by", "clock_unsure")),
            "spend.spend_state",
        }
        for where in derived:
            assert x_words(EVERY[where][0]) - {"x-codes"} == DERIVED
            for kind in records.record_types().values():
                assert where.partition(".")[2] not in kind.fields


@pytest.mark.parametrize("name", TYPES)
class TestEachType:
    """Each type says its weight, where it may stand, who writes and reads it, and if it can be deleted."""

    def test_words_are_known_and_present(self, name: str) -> None:
        assert x_words(records.schema(name)) - {"x-header-omit", "x-notice", "x-subject-access"} == TYPE_WORDS
        assert records.schema(name).get("x-subject-access", False) is False

    def test_version_weight_and_source(self, name: str) -> None:
        schema = records.schema(name)
        assert schema["x-version"] == 1
        assert schema["x-weight"] in {"quick", "evidence", "living", "ledger"}
        assert schema["x-source"] in SOURCES

    def test_stands_in_known_files_on_known_sides(self, name: str) -> None:
        schema = records.schema(name)
        assert set(schema["x-files"]) <= FILE_KINDS
        for sides in schema["x-files"].values():
            assert sides == [side for side in SIDES if side in sides] != []
        assert schema["x-side"] == [s for s in SIDES if any(s in sides for sides in schema["x-files"].values())]

    def test_fields_stand_nowhere_that_the_type_does_not(self, name: str) -> None:
        schema = records.schema(name)
        for words in schema["properties"].values():
            for kind, sides in words.get("x-files", {}).items():
                assert set(sides) <= set(schema["x-files"].get(kind, ()))

    def test_roles_exist_and_read_content(self, name: str) -> None:
        text = files("shared_schema").joinpath("roles.json").read_text(encoding="utf-8")
        content = {role for role, words in json.loads(text)["roles"].items() if words["content"]}
        schema = records.schema(name)
        narrowed = [words["x-write"] for words in schema["properties"].values() if "x-write" in words]
        for roles in (schema["x-write"], schema["x-read"], *narrowed):
            assert set(roles) <= content
            assert len(set(roles)) == len(roles) > 0
            assert set(roles) <= set(schema["x-read"])

    def test_only_a_task_can_be_deleted(self, name: str) -> None:
        assert records.schema(name)["x-deletable"] is (name == "task")


@pytest.mark.parametrize("where", EVERY)
class TestEveryProperty:
    """Every property and cell has the words it needs, no others, and they agree with one another."""

    def test_words_are_known_and_present(self, where: str) -> None:
        words = EVERY[where][0]
        if "x-derived" in words:
            assert words["x-derived"] is True
        else:
            assert ALWAYS <= x_words(words) <= ALWAYS | SOMETIMES
            assert words.get("x-subject-access", False) is False

    def test_label_and_source(self, where: str) -> None:
        words = EVERY[where][0]
        assert words["x-source"] in SOURCES
        assert words["x-label"][0].isupper()
        assert not words["x-label"].endswith(".")

    def test_kind_fits_the_shape(self, where: str) -> None:
        words, shape = EVERY[where]
        if words["x-kind"] == "list":
            assert shape["type"] == "array"
            assert shape["items"]["type"] == "object"
        elif "$ref" in shape or "anyOf" in shape or "items" in shape:
            assert definition(shape) in SHAPES[words["x-kind"]]
        else:
            assert (words["x-kind"], shape["type"]) == ("int", "integer")

    def test_codes_are_named_where_there_are_codes(self, where: str) -> None:
        words = EVERY[where][0]
        assert ("x-codes" in words) is (words["x-kind"] in {"code", "codes"})
        if "x-codes" in words:
            assert records.code_list(words["x-codes"]).terms


@pytest.mark.parametrize("where", WRITTEN)
class TestEveryWrittenProperty:
    """The same, for what is written: merge, need, order and missing reasons."""

    def test_merge_fits_the_kind(self, where: str) -> None:
        words, shape = WRITTEN[where]
        assert words["x-merge"] in MERGES
        assert (words["x-merge"] == "append") is (words["x-kind"] == "list")
        assert (words["x-merge"] == "set") is (words["x-kind"] in MANY)
        assert (words["x-merge"] == "text") <= (words["x-kind"] == "long")
        if words["x-merge"] == "set":
            assert (shape["type"], shape["uniqueItems"], shape["minItems"]) == ("array", True, 1)

    def test_says_what_holds_while_in_conflict(self, where: str) -> None:
        words, _ = WRITTEN[where]
        assert ("x-while-conflicted" in words) is (words["x-merge"] in MAY_CONFLICT)
        assert words.get("x-while-conflicted", "stop") in {"show_all", "strictest", "stop"}

    def test_order_stands_where_something_ranks_and_equals_the_list(self, where: str) -> None:
        words, _ = WRITTEN[where]
        ranks = words["x-merge"] == "worst" or words.get("x-while-conflicted") == "strictest"
        assert ("x-order" in words) is ranks
        if not ranks:
            return
        if "x-codes" in words:
            assert records.code_list(words["x-codes"]).ordered
            assert tuple(words["x-order"]) == records.code_list(words["x-codes"]).codes
        elif words["x-kind"] == "yn":
            assert sorted(words["x-order"]) == ["no", "yes"]
        elif words["x-kind"] in NUMBERS:
            assert sorted(words["x-order"]) == sorted(HIGHER_IS_STRICTEST)
        else:
            assert words["x-kind"] == "date"
            assert sorted(words["x-order"]) == sorted(EARLIEST_IS_STRICTEST)

    def test_missing_reasons_may_stand_where_the_words_say_so(self, where: str) -> None:
        words, shape = WRITTEN[where]
        missing = {"$ref": "header.schema.json#/$defs/missing"}
        takes = words["x-kind"] == "yn" or missing in shape.get("anyOf", ())
        assert words.get("x-missing", False) is takes

    def test_references_say_what_they_may_name(self, where: str) -> None:
        words, _ = WRITTEN[where]
        assert ("x-ref" not in words) or words["x-kind"] in REFERENCES
        if words["x-kind"] in REFERENCES:
            assert "x-ref" in words or where in {"header.corrects", "task.from", "removal_request.about"}
        assert set(words.get("x-ref", ())) <= {*TYPES, "linked_person", "attachment"}

    def test_need_is_sign_optional_or_a_condition(self, where: str) -> None:
        words, _ = WRITTEN[where]
        conditional = words["x-need"].startswith("if ")
        assert conditional or words["x-need"] in {"sign", "optional"}
        assert ("x-need-if" in words) is conditional

    def test_more_than_one_is_asked_for_only_where_it_can_be_needed(self, where: str) -> None:
        words, _ = WRITTEN[where]
        least = words.get("x-at-least", 2)
        assert isinstance(least, int)
        assert least > 1
        assert ("x-at-least" not in words) or (words["x-merge"] in ("set", "append") and words["x-need"] != "optional")

    def test_rows_have_their_cells(self, where: str) -> None:
        words, shape = WRITTEN[where]
        assert ("x-cells" in words) is (words["x-kind"] == "list")
        if "x-cells" not in words:
            return
        cells, row = words["x-cells"], shape["items"]
        assert list(cells) == list(row["properties"])
        assert row["additionalProperties"] is False
        assert shape["minItems"] == 1
        fixed = [name for name, cell in cells.items() if (cell["x-merge"], cell["x-need"]) == ("once", "sign")]
        assert row["required"] == fixed != []
        assert {cell["x-merge"] for cell in cells.values()} <= {"once", "latest", "worst"}
        assert not any({"x-need-if", "x-files", "x-write", "x-cells"} & x_words(cell) for cell in cells.values())


def conditions() -> dict[str, tuple[str, dict[str, Any]]]:
    return {where: (where.partition(".")[0], words["x-need-if"]) for where, (words, _) in WRITTEN.items() if "x-need-if" in words}


@pytest.mark.parametrize("where", conditions())
def test_a_condition_can_come_true(where: str) -> None:
    """A condition has one of five forms, and names fields, codes and groups that are there."""
    document, condition = conditions()[where]
    own = records.schema(document)["properties"]
    match condition:
        case {"field": str(field), "in": [*terms]} if len(condition) == 2:
            known = ("yes", "no") if own[field]["x-kind"] == "yn" else records.code_list(own[field]["x-codes"]).codes
            assert terms
            assert set(terms) <= set(known)
        case {"field": str(field), "missing": True} | {"field": str(field), "filled": True} if len(condition) == 2:
            assert field in records.record_type(document).fields
        case {"one-of": str()} if len(condition) == 1:
            assert sum(words.get("x-need-if") == condition for words in own.values()) > 1
        case {"outside": str(words)} if len(condition) == 1:
            assert words
        case _:
            pytest.fail(f"{where}: unknown form of condition")


class TestNotices:
    """What is told to the other side by rule is told in its words, of what the record has, and never free text."""

    RULES: ClassVar = [(name, rule) for name, kind in records.record_types().items() for rule in kind.notices]

    @pytest.mark.parametrize(("name", "rule"), RULES)
    def test_rule(self, name: str, rule: Any) -> None:
        kind, notice = records.record_type(name), records.record_type("notice")
        assert rule.when in ("saved", "signed")
        assert rule.by in kind.fields
        assert set(rule.kinds.values()) <= set(records.code_list("notice_kind").codes)
        by = kind.fields[rule.by]
        values = set(records.code_list(by.codes).codes) if by.codes else {"yes", "no"} if by.kind == "yn" else set()
        assert set(rule.kinds) <= values | {"*"}
        for fact, path in rule.facts.items():
            field, _, cell = path.replace(".0.", ".").replace(".-1.", ".").partition(".")
            source = kind.fields[field].cells[cell] if cell else kind.fields[field]
            assert notice.fields[fact].codes == source.codes
            assert source.kind == notice.fields[fact].kind != "long"

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
    if need.missing:
        return f"no {need.field}"
    if need.filled:
        return f"{need.field}"
    return f"no other of {need.group}" if need.group else f"(outside) {need.outside}"
