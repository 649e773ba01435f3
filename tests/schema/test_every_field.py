"""Every field of every record type: added, edited, shown, in conflict, settled, signed and written out, as its schema says.

One service in process, and on each side a person's phone and tablet and a colleague's phone, who write as whoever writes the type, and two managers
who open the files and write out what is in them. A record of each type is begun on the
phone with all its fields but one that it needs, so that nothing is frozen yet; then all that may meet meets. What ought to come of it is worked
out from the schemas' words (`tests/schema/typed.py`), not by the code under test.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from shared_schema import ids
from shared_schema.errors import ProtocolError
from shared_schema.records import Field, RecordType, record_types
from shared_schema.roles import may_be_member
from sync.change import CellKey, Op
from sync.device.exports import exporting
from sync.device.exports.export_content import content, records_of
from sync.device.exports.export_paper import document
from sync.device.exports.export_tables import tables
from sync.device.people import files
from sync.device.recording import conflicts, records
from sync.device.recording.needs import needed_to_sign
from sync.fold import Shown, show
from tests.schema.typed import nothing_said, places, together, value, words_of
from tests.world import DAY, Phone, World

MANAGERS: Final = {"perpetrator": ("coordinator", "fund_holder", "therapy_lead"), "victim": ("coordinator", "fund_holder")}
MANAGER_OF: Final = {"therapy": "therapy_lead", "fund": "fund_holder"}
FREEZE: Final = {"once", "text", "ask", "worst", "set"}
SINGLE: Final = {"latest", "ask", "worst"}
CASES: Final = [(name, *place) for name, type_ in sorted(record_types().items()) for place in places(type_)]
OTHERS_WRITE: Final = {("spend", "decisions")}  # who decides on a claim never writes the rest of it


def writer(name: str, kind: str, side: str) -> str:
    """A role that writes all such records' fields."""
    type_ = record_types()[name]
    fields = [spec for spec in type_.fields.values() if spec.stands_in(kind, side) and (name, spec.name) not in OTHERS_WRITE]
    return next(role for role in type_.write if may_be_member(kind, side, role) and all(role in spec.write for spec in fields))


@dataclass(slots=True)
class Case:
    """One type in one kind of file: the record, the field held back, and what was typed."""

    type_: RecordType
    file: str
    side: str
    role: str
    fields: dict[str, Field]
    log: bytes = b""
    record: bytes = b""
    held_back: Field | None = None
    last: dict[str, Any] = field(default_factory=dict)
    quiet: dict[int, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)

    def some(self, *policies: str) -> dict[str, Field]:
        return {name: spec for name, spec in self.fields.items() if spec.merge in policies and spec is not self.held_back}

    def values(self, n: int, fields: dict[str, Field]) -> dict[str, Any]:
        return {name: value(self.type_.name, spec, n) for name, spec in fields.items()}

    def shown(self, phone: Phone) -> dict[str, Shown]:
        return show(phone.session.record(self.log, self.record), phone.session.types)

    def cells(self) -> list[tuple[Field, Field]]:
        return [(spec, cell) for spec in self.some("append").values() for cell in spec.cells.values() if cell.merge != "once"]


@dataclass(frozen=True, slots=True)
class Team:
    """Who writes in one role: a person's phone and tablet, and a colleague's phone."""

    phone: Phone
    tablet: Phone
    other: Phone


class Office:
    """The people of a side, and for each role that writes there a file of each kind that its types stand in."""

    def __init__(self, world: World, side: Any) -> None:
        self.side = side
        self.teams = {
            role: Team(
                *(
                    world.enrol(side, f"{person} {role}", (role,), f"{name} {role}")
                    for person, name in (("A", "phone"), ("A", "tablet"), ("B", "own"))
                )
            )
            for role in sorted({writer(name, kind, side) for name, kind, on, _ in CASES if on == side})
        }
        self.manager, self.second = (world.enrol(side, person, MANAGERS[side]) for person in ("Moira", "Sam"))
        self.files: dict[tuple[str, str], bytes] = {}

    def open(self, kinds: set[tuple[str, str]]) -> None:
        for phone in self.phones:
            phone.sync()
        for kind, role in sorted(kinds):
            team = self.teams[role]
            people = {team.phone.user: role, team.other.user: role, self.second.user: MANAGER_OF.get(kind, "coordinator")}
            self.files[kind, role] = files.create_file(self.manager.session, kind, people)
        self.meet()

    @property
    def phones(self) -> tuple[Phone, ...]:
        return *(one for team in self.teams.values() for one in (team.phone, team.tablet, team.other)), self.manager, self.second

    def meet(self) -> None:
        for phone in (*self.phones, *self.phones):
            report = phone.sync()
            assert not isinstance(report, str), report


@pytest.fixture(scope="module")
def story() -> Iterator["Told"]:
    with World() as world:
        yield Told({side: Office(world, side) for side in ("perpetrator", "victim")})


class Told:
    """All of it, step by step: each step is taken for all types at once, and what was seen is kept for the tests."""

    def __init__(self, offices: dict[str, Office]) -> None:
        self.offices = offices
        self.cases = [
            Case(record_types()[name], file, side, writer(name, file, side),
                 {one: spec for one, spec in record_types()[name].fields.items() if one in fields and (name, one) not in OTHERS_WRITE})
            for name, file, side, fields in CASES
        ]  # fmt: skip
        self.seen: dict[tuple[str, int], Any] = {}
        self.refusals: dict[tuple[str, int], str] = {}
        for side, office in offices.items():
            office.open({(case.file, case.role) for case in self.cases if case.side == side})
        for step in (self.add, self.edit, self.part, self.settle, self.sign, self.say_nothing, self.write_out):
            step()
            for office in offices.values():
                office.meet()

    def at(self, case: Case) -> Team:
        return self.offices[case.side].teams[case.role]

    def keep(self, what: str, look: Any) -> None:
        for number, case in enumerate(self.cases):
            self.seen[what, number] = look(case)

    def add(self) -> None:
        for case in self.cases:
            case.log = self.offices[case.side].files[case.file, case.role]
            needed = sorted((spec for spec in case.fields.values() if spec.need == "sign"), key=lambda spec: spec.merge != "once")
            case.held_back = needed[0] if case.type_.weight == "quick" and needed else None
            everything = case.some("once", "latest", "ask", "worst", "text", "set", "append")
            case.last = case.values(1, everything)
            case.record = _begin(self.at(case).phone, case)
        self.keep("added", lambda case: case.shown(self.at(case).phone))

    def edit(self) -> None:
        self.keep("added elsewhere", lambda case: case.shown(self.at(case).other))
        for case in self.cases:
            new = case.values(2, case.some("once", "latest", "ask", "worst", "text", "set", "append"))
            records.edit(self.at(case).phone.session, case.log, case.record, new)

    def part(self) -> None:
        """Three devices write without hearing of one another: the phone first in the log, then the tablet, then the colleague."""
        self.keep("edited elsewhere", lambda case: case.shown(self.at(case).other))
        for number, case in enumerate(self.cases):
            team = self.at(case)
            own, theirs = case.some(*SINGLE, "text", "set", "append", "once"), case.some(*SINGLE, "set", "append")
            self.seen["rows", number] = {name: case.shown(team.phone)[name].siblings[0].id for name in case.some("append")}
            cells = {
                n: {CellKey(s.name, self.seen["rows", number][s.name], c.name): value(case.type_.name, s, n, c) for s, c in case.cells()}
                for n in (3, 4)
            }
            records.edit(team.phone.session, case.log, case.record, case.values(3, own), cells[3])
            if case.some("text"):
                records.edit(team.tablet.session, case.log, case.record, case.values(4, case.some("text")))
            self.refuse("once", number, lambda case=case, team=team: records.edit(
                team.other.session, case.log, case.record, case.values(4, dict(list(case.some("once").items())[:1]))))  # fmt: skip
            records.edit(team.other.session, case.log, case.record, case.values(4, theirs), cells[4])

    def refuse(self, what: str, number: int, call: Any) -> None:
        try:
            call()
        except ProtocolError as error:
            self.refusals[what, number] = f"{error.code} {error}"

    def settle(self) -> None:
        for office in self.offices.values():
            office.meet()
        self.keep("in conflict", lambda case: case.shown(self.at(case).tablet))
        for number, case in enumerate(self.cases):
            team = self.at(case)
            for name in case.some("ask", "worst", "text"):
                self.refuse(f"in conflict {name}", number, lambda case=case, team=team, name=name: records.edit(
                    team.phone.session, case.log, case.record, case.values(1, {name: case.fields[name]})))  # fmt: skip
            self.refuse("sign in conflict", number, lambda case=case, team=team: records.sign(team.phone.session, case.log, case.record))
            for key in [one.field for one in conflicts.list_conflicts(team.phone.session, case.log) if one.record == case.record]:
                spec = case.fields[key.list] if isinstance(key, CellKey) else case.fields[key]
                cell = spec.cells[key.cell] if isinstance(key, CellKey) else None
                conflicts.resolve(team.phone.session, case.log, case.record, key, value(case.type_.name, spec, 4, cell), "we talked")

    def sign(self) -> None:
        self.keep("settled", lambda case: case.shown(self.at(case).other))
        for number, case in enumerate(self.cases):
            team = self.at(case)
            session = team.phone.session
            if case.held_back is not None:
                self.refuse("sign too soon", number, lambda case=case, session=session: records.sign(session, case.log, case.record))
                records.edit(session, case.log, case.record, {case.held_back.name: value(case.type_.name, case.held_back, 1)})
            if case.type_.weight != "quick" or not records.is_signed(session.record(case.log, case.record)):
                self.refuse("sign", number, lambda case=case, session=session: records.sign(session, case.log, case.record))
            for name in case.some("once", "text", "ask", "worst", "set"):
                self.refuse(f"frozen {name}", number, lambda case=case, session=session, name=name: records.edit(
                    session, case.log, case.record, case.values(5, {name: case.fields[name]})))  # fmt: skip
            later = case.some("latest", "append")
            if later:
                records.edit(session, case.log, case.record, case.values(5, later))

    def say_nothing(self) -> None:
        """Records that hold nothing but missing reasons, 0, no and none: as many as a field has of these."""
        for case in self.cases:
            answers = {name: nothing_said(case.type_.name, spec) for name, spec in case.fields.items() if spec.codes != "record_state"}
            for n in range(max(map(len, answers.values()))):
                said = {name: every[n] for name, every in answers.items() if n < len(every)}
                case.quiet[n] = (records.add(self.at(case).phone.session, case.log, case.type_.name, said), said)

    def write_out(self) -> None:
        for office in self.offices.values():
            office.meet()
        self.keep(
            "signed", lambda case: (case.shown(self.at(case).other), records.is_signed(self.at(case).other.session.record(case.log, case.record)))
        )
        self.seen["written out", 0] = {log: written for office in self.offices.values() for log, written in _written_out(office).items()}


def _begin(phone: Phone, case: Case) -> bytes:
    """A new record. A spend is signed in the change that begins it, so this one is begun as a colleague's app could begin it."""
    if case.type_.name != "spend":
        return records.add(phone.session, case.log, case.type_.name, case.last)
    ops = [(name, one) for name, typed in case.last.items() for one in (typed if case.fields[name].merge in ("set", "append") else [typed])]
    return records.write(phone.session, case.log, None, "spend", [
        Op(name, "add" if case.fields[name].merge in ("set", "append") else "set", one, ()) for name, one in ops])  # fmt: skip


def _written_out(office: Office) -> dict[bytes, dict[str, Any]]:
    """What a colleague writes out of each file whose records may leave it, by file."""
    found: dict[bytes, dict[str, Any]] = {}
    asked = {log: exporting.ask(office.manager.session, log, "court", "the court") for (kind, _), log in office.files.items() if kind != "liaison"}
    office.meet()
    for log, record in asked.items():
        office.second.world.clock.advance(DAY // 2)  # nobody writes out more than a few files within a day
        assert not isinstance(office.second.sync(), str)
        session = office.second.session
        [request] = [one for one in exporting.list_requests(session, log) if one.record == record]
        exporting.put_on_record(session, request)
        assert not isinstance(office.second.sync(), str)
        found[log] = content(session, request, exporting.on_record(session, request), records_of(session, request), {})
        assert document(found[log], session.types).startswith(b"%PDF"), "every field has its place on paper"
        assert {name.removesuffix(".csv") for name in tables(found[log], session.types)} == {one["type"] for one in found[log]["records"]}
    return found


IDS = [f"{name}-{file}-{side}" for name, file, side, _ in CASES]
every = pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)


def test_every_field_of_every_type_is_here() -> None:
    covered = {(name, one) for name, _, _, fields in CASES for one in fields} - OTHERS_WRITE
    assert (
        covered
        == {(name, one) for name, type_ in record_types().items() for one in type_.fields if type_.fields[one].codes != "record_state"} - OTHERS_WRITE
    )


@every
def test_what_was_typed_is_shown_here_and_to_a_colleague(story: Told, number: int) -> None:
    case = story.cases[number]
    for what in ("added", "added elsewhere"):
        shown = story.seen[what, number]
        for name, typed in case.last.items():
            assert (name, shown[name].value) == (name, typed)
    edited = story.seen["edited elsewhere", number]
    for name, spec in case.some("once", "latest", "ask", "worst", "text").items():
        assert (name, edited[name].value, edited[name].conflict) == (name, value(case.type_.name, spec, 2), False)
    for name, spec in case.some("set").items():
        assert set(edited[name].value) == set(value(case.type_.name, spec, 2))
    for name, spec in case.some("append").items():
        assert edited[name].value == value(case.type_.name, spec, 1) + value(case.type_.name, spec, 2)


@every
def test_two_devices_meet_as_the_policy_says(story: Told, number: int) -> None:
    case = story.cases[number]
    shown = story.seen["in conflict", number]
    for name, spec in case.some(*SINGLE, "text").items():
        first, second = (value(case.type_.name, spec, n) for n in (3, 4))
        assert first != second
        words = words_of(case.type_.name, name)
        expected, conflict = together(words, first, second)
        assert (name, shown[name].value, shown[name].conflict) == (name, expected, conflict)
        assert shown[name].stop is (conflict and words["x-while-conflicted"] == "stop")
        assert (f"in conflict {name}", number) not in story.refusals or story.refusals[f"in conflict {name}", number].startswith("in-conflict")
        assert ((f"in conflict {name}", number) in story.refusals) is conflict
    for name, spec in case.some("once").items():
        assert (name, shown[name].value) == (name, value(case.type_.name, spec, 3))
    if case.some("once"):
        assert story.refusals["once", number].startswith("not-permitted")
    for name, spec in case.some("set").items():
        was, first, second = (set(value(case.type_.name, spec, n)) for n in (2, 3, 4))
        assert (name, set(shown[name].value)) == (name, (was & first & second) | (first - was) | (second - was))
    for name, spec in case.some("append").items():
        rows = [value(case.type_.name, spec, n)[0] for n in (1, 2, 3, 4)]
        for cell_name, cell in spec.cells.items():
            if cell.merge != "once":
                rows[0][cell_name] = together(
                    words_of(case.type_.name, name)["x-cells"][cell_name], *(value(case.type_.name, spec, n, cell) for n in (3, 4))
                )[0]
        assert (name, shown[name].value) == (name, rows)


@every
def test_a_decision_settles_it_for_all(story: Told, number: int) -> None:
    case = story.cases[number]
    shown = story.seen["settled", number]
    if any(one.conflict for one in story.seen["in conflict", number].values()):
        assert story.refusals["sign in conflict", number].startswith(("in-conflict", "not-permitted"))
    for name, spec in case.some("ask", "worst", "text").items():
        assert (name, shown[name].value, shown[name].conflict) == (name, value(case.type_.name, spec, 4), False)


@every
def test_it_is_signed_when_nothing_is_missing_and_freezes_by_weight(story: Told, number: int) -> None:
    case = story.cases[number]
    shown, signed = story.seen["signed", number]
    assert ("sign", number) not in story.refusals, story.refusals["sign", number]
    assert signed
    if case.held_back is not None:
        assert case.held_back.name in story.refusals["sign too soon", number]
        assert story.refusals["sign too soon", number].startswith("bad-value")
    freezes = case.type_.weight in ("quick", "evidence", "ledger")
    for name in case.some(*FREEZE):
        assert story.refusals.get((f"frozen {name}", number), "").startswith("frozen" if freezes else ""), name
        assert ((f"frozen {name}", number) in story.refusals) is freezes, name
    for name, spec in case.some("latest").items():
        assert (name, shown[name].value) == (name, value(case.type_.name, spec, 5))
    for name, spec in case.some("append").items():
        assert shown[name].value[-1] == value(case.type_.name, spec, 5)[0]


@every
def test_what_says_nothing_stays_what_it_is(story: Told, number: int) -> None:
    """A missing reason, 0, no, none, and no answer at all are five things, also on a colleague's device and on paper."""
    case = story.cases[number]
    written = story.seen["written out", 0].get(case.log)
    for record, said in case.quiet.values():
        shown = show(story.at(case).other.session.record(case.log, record), story.at(case).other.session.types)
        for name in case.fields:
            if name == "state":
                continue
            got = shown[name].value if name in shown else None
            assert (name, got, type(got)) == (name, said.get(name), type(said.get(name)))
        if written is not None:
            [one] = [one for one in written["records"] if one["record"] == _show(record)]
            out = {item["field"]: item["value"] for item in one["fields"]}
            assert {name: out[name] for name in said} == said
            assert not (set(out) - set(said) - {"state", "_signed"})
        needed = {name for need in needed_to_sign(case.type_.name, said, file_kind=case.file, side=case.side) for name in need.fields}
        assert not needed & set(said)


@every
def test_it_is_written_out_as_it_stands(story: Told, number: int) -> None:
    case = story.cases[number]
    written = story.seen["written out", 0].get(case.log)
    assert (written is None) is (case.file == "liaison")
    if written is None:
        return
    [one] = [one for one in written["records"] if one["record"] == _show(case.record)]
    shown, _ = story.seen["signed", number]
    assert (one["type"], one["state"]) == (case.type_.name, "signed")
    out = {item["field"]: item for item in one["fields"]}
    for name in case.fields:
        said = shown[name].value
        if case.fields[name].kind == "att":
            said = {member: said[member] for member in ("form", "size", "hash")}  # the key to it is written out for nobody
        assert (name, out[name]["value"], out[name]["in_conflict"]) == (name, said, False)
        assert out[name]["label"] == case.fields[name].label


def _show(record: bytes) -> str:
    return ids.show(record)
