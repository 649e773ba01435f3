"""What people are told about record types: on the command line, and in docs/records, whose committed pages are what the code writes."""

import json
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from fieldkeep.commands import app
from shared_schema import records
from sync.device.recording import describing, reference
from sync.device.recording.needs import needed_to_sign
from sync.device.recording.typed import parse_text
from sync.device.recording.values import check_value

DOCS = Path(__file__).parents[2] / "docs"
TYPES = sorted(records.record_types())


def run(*words: str) -> str:
    ran = CliRunner().invoke(app, ["schema", *words], env={"COLUMNS": "4000"})
    assert ran.exit_code == 0, ran.output
    return ran.stdout


class TestPages:
    def test_committed_pages_are_what_the_code_writes(self) -> None:
        """`python scripts/make_docs.py` writes them again."""
        pages = reference.pages()
        there = {"records.md", *(f"records/{path.name}" for path in (DOCS / "records").glob("*.md"))}
        assert there == set(pages)
        assert [name for name, text in pages.items() if (DOCS / name).read_text(encoding="utf-8") != text] == []

    def test_the_command_writes_the_same(self, tmp_path: Path) -> None:
        told = json.loads(run("docs", str(tmp_path), "--json"))
        assert told["pages"] == sorted(reference.pages())
        assert (tmp_path / "records/contact.md").read_bytes() == (DOCS / "records/contact.md").read_bytes()

    @pytest.mark.parametrize("name", TYPES)
    def test_a_page_has_every_field_of_its_own_and_every_word_of_its_codes(self, name: str) -> None:
        page = reference.pages()[f"records/{name}.md"]
        own = records.schema(name)["properties"]
        for field in records.record_type(name).fields.values():
            if field.name in own:
                assert f"\n| `{field.name}` | " in page
                assert not field.codes or all(f"\n| `{term.code}` | {term.label}" in page for term in records.code_list(field.codes).terms)
                assert all(f"\n| `{cell}` | " in page for cell in field.cells)


@pytest.mark.parametrize("name", TYPES)
class TestExamples:
    """What `schema show` proposes can be typed as it stands, and signed."""

    def test_it_is_whole(self, name: str) -> None:
        kind = records.record_type(name)
        for file, sides in kind.files.items():
            for side in sides:
                values = describing.example_values(kind, file, side)
                for field, value in values.items():
                    check_value(name, field, value)
                assert needed_to_sign(name, values, file_kind=file, side=side) == []

    def test_it_can_be_typed(self, name: str) -> None:
        kind = records.record_type(name)
        words = shlex.split(describing.example(kind))
        if kind.command:
            command = typer.main.get_command(app)
            for word in (word for word in words[1:] if not word.startswith("-")):
                command = command.commands[word]  # type: ignore[attr-defined]
            assert not hasattr(command, "commands")
            return
        assert words[:5] == ["fieldkeep", "record", "add", name, "--file"]
        sets = dict(text.split("=", 1) for text in words[7::2])
        assert set(words[6::2]) == {"--set"}
        file, sides = next(iter(kind.files.items()))
        assert {field: parse_text(name, field, text) for field, text in sets.items()} == describing.example_values(kind, file, sides[0])


class TestCommands:
    def test_list(self) -> None:
        told = json.loads(run("list", "--json"))["types"]
        assert [one["type"] for one in told] == TYPES
        desk = json.loads(run("list", "--side", "victim", "--file", "desk", "--json"))["types"]
        assert [one["type"] for one in desk] == [name for name in TYPES if "victim" in records.record_type(name).files.get("desk", ())]
        assert all(f"\n{one['type']} " in run("list", "--side", "victim", "--file", "desk") for one in desk)

    @pytest.mark.parametrize("name", TYPES)
    def test_show_names_all_that_may_be_typed(self, name: str) -> None:
        """Each on a line of its own, which begins with its name and the first word of what it means: the rest of it may be on the next."""
        text = run("show", name, "--header")
        kind = records.record_type(name)
        lines = {" ".join(line.split()[:2]) for line in text.splitlines()}
        for field in kind.fields.values():
            assert f"{field.name} {field.label.split()[0]}".rstrip(".") in {line.rstrip(".") for line in lines}
            assert all(any(line.startswith(f".{cell.name} {cell.label.split()[0]}") for line in lines) for cell in field.cells.values())
            terms = records.code_list(field.codes).terms if field.codes else ()
            assert all(f"{term.code} {term.label.split()[0]}" in lines for term in terms)
        assert describing.example(kind) in text

    def test_show_as_json(self) -> None:
        told = json.loads(run("show", "risk_assessment", "--json"))
        partner = next(field for field in told["fields"] if field["name"] == "to_partner")
        assert partner | {"description": None, "files": {}, "write": [], "refs": []} == {
            "name": "to_partner", "label": partner["label"], "description": None,
            "kind": "code", "takes": "a code of risk_level, or missing:REASON", "codes": "risk_level", "needed": "to sign", "merge": "worst",
            "merges": "the worst of two values stands until a person settles it; meanwhile the cautious one is acted on; standard < medium < high",
            "while_conflicted": "strictest", "settled_by": "navigator, coordinator, therapist, link worker", "write": [], "files": {}, "refs": [],
            "missing": True, "source": partner["source"], "cells": [], "of_every_record": False,
        }  # fmt: skip
        levels = next(one for one in told["lists"] if one["list"] == "risk_level")
        assert [(term["code"], term["label"], term["source"]) for term in levels["terms"]] == [
            ("standard", "standard", "Design"), ("medium", "medium risk", "Tameside"), ("high", "high risk", "Tameside"),
        ]  # fmt: skip

    def test_a_type_that_is_not_there(self) -> None:
        ran = CliRunner().invoke(app, ["schema", "show", "diary", "--json"])
        assert (ran.exit_code, json.loads(ran.stdout)["error"]["code"]) == (1, "not-found")
