"""Every record type on the command line: added as its page shows, shown, edited, in conflict, settled, signed, in its history and exported.

What becomes of each field by its policy is tests/schema/test_every_field.py's; here a person types it.
"""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from shared_schema.records import Field, RecordType, record_types
from shared_schema.roles import may_be_member
from sync.device.recording.describing import example, example_values, typed
from tests.schema.typed import value
from tests.shell import new_service

MANAGERS: Final = {"perpetrator": ("coordinator", "fund_holder", "therapy_lead"), "victim": ("coordinator", "fund_holder")}
MANAGER_OF: Final = {"therapy": "therapy_lead", "fund": "fund_holder"}
ADDED: Final = [name for name, type_ in sorted(record_types().items()) if not type_.command]
LEADS: Final = {"read_event": "coordinator"}  # shown to those who lead the file
OUT: Final = ("fund", "liaison")  # their records are written by commands of their own


@dataclass(slots=True)
class Typed:
    """A record as it was typed, and what each step answered."""

    type_: RecordType
    file: str
    role: str
    record: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    edited: dict[str, Any] = field(default_factory=dict)
    contested: Field | None = None
    seen: dict[str, Any] = field(default_factory=dict)


def place(type_: RecordType) -> tuple[str, str, str]:
    """(kind of file, side, role) where its page's example stands."""
    kind, sides = next(iter(type_.files.items()))
    return kind, sides[0], LEADS.get(type_.name) or next(role for role in type_.write if may_be_member(kind, sides[0], role))


def editable(type_: RecordType, kind: str, side: str, role: str, *policies: str) -> Field | None:
    """A field with one value, of one of these policies, that this role may write there."""
    fits = (one for one in type_.fields.values() if one.stands_in(kind, side) and role in one.write and one.merge in policies)
    return next((one for one in fits if one.kind != "list" and one.codes != "record_state" and one.need != "sign"), None)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Typed]]:
    with new_service(tmp_path_factory.mktemp("types")) as made:
        yield Story(made).tell()


class Story:
    """All types, each step for all of them, so that every device syncs once a step."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.made = {name: record_types()[name] for name in ADDED}
        self.told: dict[str, Typed] = {}
        self.phones: dict[tuple[str, str], str] = {}
        self.files: dict[tuple[str, str], str] = {}

    def tell(self) -> dict[str, Typed]:
        self.people()
        for step in (self.add, self.edit, self.part, self.settle, self.sign, self.export):
            step()
        return self.told

    def people(self) -> None:
        """A manager and a second one on each side, and for each role that writes somebody with a phone and a tablet."""
        places = sorted({place(type_) for type_ in self.made.values()})
        for side, roles in MANAGERS.items():
            for name in ("Moira", "Sol"):
                self.phones[side, name] = self.shell.enrol(f"{name} {side}", *roles, side=side, profile=f"{name}-{side}")
        for side, role in sorted({(side, role) for _, side, role in places}):
            name = f"{role.replace('_', ' ')} {side}"
            self.phones[side, role] = self.shell.enrol(name, role, side=side, profile=f"{side}-{role}")
            self.shell.enrol(name, role, side=side, profile=f"{side}-{role}-tablet", more=("--second-device",))
        self.meet()
        for kind, side in sorted({(kind, side) for kind, side, _ in places}):
            roles_there = {role: f"{role.replace('_', ' ')} {side}" for one, on, role in places if (one, on) == (kind, side)}
            people = {f"Sol {side}": MANAGER_OF.get(kind, "coordinator"), **{name: role for role, name in roles_there.items()}}
            words = [word for name, role in people.items() for word in ("--member", f"{name}={role}")]
            self.files[kind, side] = self.shell.run(self.phones[side, "Moira"], "file", "create", kind, *words)["file"]
        self.meet()

    def meet(self) -> None:
        tablets = [f"{phone}-tablet" for (_, role), phone in self.phones.items() if role not in ("Moira", "Sol")]
        self.shell.sync(*self.phones.values(), *tablets, *self.phones.values())

    def phone(self, one: Typed) -> str:
        return self.phones[place(one.type_)[1], one.role]

    def set(self, one: Typed, profile: str, name: str, n: int) -> Any:
        spec = one.type_.fields[name]
        new = value(one.type_.name, spec, n)
        self.shell.run(profile, "record", "edit", one.record, "--set", f"{name}={typed(spec, new)}")
        return new

    def show(self, one: Typed, profile: str) -> dict[str, Any]:
        found: dict[str, Any] = self.shell.run(profile, "record", "show", one.record)
        return found

    def add(self) -> None:
        for name, type_ in self.made.items():
            kind, side, role = place(type_)
            one = self.told[name] = Typed(type_, self.files[kind, side], role, values=example_values(type_, kind, side))
            words = [one.file if word == "3fa8" else word for word in shlex.split(example(type_))[1:]]
            one.record = self.shell.run(self.phone(one), *words)["record"]
            one.seen["added"] = self.show(one, self.phone(one))
        self.meet()

    def edit(self) -> None:
        for one in self.told.values():
            kind, side, role = place(one.type_)
            one.seen["on the tablet"] = self.show(one, f"{self.phone(one)}-tablet")
            spec = editable(one.type_, kind, side, role, "latest", "ask", "worst")
            if spec is not None and (one.type_.weight not in ("quick", "ledger") or spec.merge == "latest"):
                one.edited = {spec.name: self.set(one, self.phone(one), spec.name, 2)}
        self.meet()

    def part(self) -> None:
        for one in self.told.values():
            kind, side, role = place(one.type_)
            one.seen["edited"] = self.show(one, f"{self.phone(one)}-tablet")
            one.contested = editable(one.type_, kind, side, role, "ask", "worst", "text") if one.type_.weight in ("living", "evidence") else None
            if one.contested is not None:
                for n, profile in ((3, self.phone(one)), (4, f"{self.phone(one)}-tablet")):
                    self.set(one, profile, one.contested.name, n)
        self.meet()

    def settle(self) -> None:
        for one in self.told.values():
            if one.contested is None:
                continue
            listed = self.shell.run(self.phone(one), "conflicts", "list")["conflicts"]
            one.seen["in conflict"] = [row for row in listed if row["record"] == one.record]
            self.shell.run(self.phone(one), "conflicts", "resolve", one.record, one.contested.name, "--choose", "2", "--reason", "we talked")
        self.meet()

    def sign(self) -> None:
        for one in self.told.values():
            one.seen["settled"] = self.show(one, f"{self.phone(one)}-tablet")
            if one.type_.weight in ("living", "evidence"):
                one.seen["sign"] = self.shell.run(self.phone(one), "note", "sign", one.record, "--yes")
            one.seen["history"] = self.shell.run(self.phone(one), "record", "history", one.record)
        self.meet()

    def export(self) -> None:
        for number, ((kind, side), file) in enumerate(item for item in self.files.items() if item[0][0] not in OUT):
            asks, makes = (self.phones[side, name] for name in (("Moira", "Sol") if number % 2 else ("Sol", "Moira")))  # nobody exports many in a day
            asked = self.shell.run(asks, "export", "request", file, "--purpose", "court", "--to", "the court", "--yes")
            self.shell.sync(asks, makes)
            folder = self.shell.folder / f"out-{kind}-{side}"
            self.shell.run(makes, "export", "make", asked["request"], "--out", str(folder), "--yes")
            content = json.loads((folder / "to-hand-over" / "content.json").read_text(encoding="utf-8"))
            for row in content["records"]:
                if row["type"] in self.told and self.told[row["type"]].record == row["record"]:
                    self.told[row["type"]].seen["exported"] = row


def values(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: one["value"] for name, one in shown["fields"].items()}


@pytest.mark.parametrize("name", ADDED)
def test_every_type_on_the_command_line(told: dict[str, Typed], name: str) -> None:
    one = told[name]
    for step in ("added", "on the tablet"):
        shown = values(one.seen[step])
        assert {field: shown[field] for field in one.values} == one.values
    assert {field: values(one.seen["edited"])[field] for field in one.edited} == one.edited
    if one.contested is not None:
        said = [value(name, one.contested, n) for n in (3, 4)]
        [conflict] = one.seen["in conflict"]
        assert (conflict["field"], sorted(map(str, conflict["choices"]))) == (one.contested.name, sorted(map(str, said)))
        assert values(one.seen["settled"])[one.contested.name] in said
    lines = one.seen["history"]["history"]
    assert {line["field"] for line in lines} >= set(one.values) | set(one.edited)
    if one.type_.weight in ("living", "evidence"):
        assert any(line["action"] == "sign" for line in lines)
    if place(one.type_)[0] not in OUT:
        row = one.seen["exported"]
        assert row["state"] == "signed"
        out = {item["field"]: item["value"] for item in row["fields"]}
        assert {field: out[field] for field in one.values if field not in one.edited} == {
            field: one.values[field] for field in one.values if field not in one.edited
        }


def test_what_is_added_by_commands_of_its_own_is_named() -> None:
    """The other types are written by commands that do more than add a record."""
    others = {name: type_.command for name, type_ in record_types().items() if type_.command}
    assert set(ADDED) | set(others) == set(record_types())
    assert all(command.split()[0] for command in others.values())
