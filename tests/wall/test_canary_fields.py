"""A canary in every field that may stand on the victim side, sought in everything that is not hers to see.

Written through the device client on victim-side devices, in files of each kind, with parcels both ways, an instruction, urgent alerts, refused commands
and exports; and by a navigator's phone, which takes down what it is told of her and must hold none of it afterwards.
"""

import base64
import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.ids import Side
from shared_schema.parcel import READER_FIELDS, week_of
from shared_schema.records import code_list, record_types
from sync.device.across import board, cases, instructions, posting, urgent
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.exports import audit_files
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session
from sync.letters import sign_gate
from sync.signing import SigningKey
from tests.canaries import contents, encodings
from tests.desk import Desk
from tests.live import DAY_MS, Live, now_ms
from tests.rawstore import decrypted
from tests.wall.planting import CROSSING, IN_FILES, NAMES, TAKEN, Needle, Planted, found_in, types_of, write

Things = list[tuple[str, bytes]]
_SOMEBODY = code_list(record_types()["urgent_alert"].fields["at_risk"].codes).codes[0]


class Line(HttpTransport):
    """A line that somebody listens on."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.heard: list[bytes] = []

    def _send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        self.heard += [path.encode(), body]
        answer = super()._send(method, path, body, headers)
        self.heard.append(answer)
        return answer


@dataclass
class Swept:
    """What was written, and by class what there is afterwards: each a list of names and bytes."""

    planted: dict[str, Planted]
    fields: int = 0
    classes: dict[str, Things] = field(default_factory=dict)
    hers: bytes = b""
    """All that is in the victim side's stores, decrypted."""

    def needles(self, *stems: str) -> list[Needle]:
        return [needle for stem in stems for needle in self.planted[stem].needles()]

    def things(self, *but: str) -> Things:
        return [thing for name, things in self.classes.items() if name not in but for thing in things]


class Town:
    """Sam and Ruth work with him; Jo, whose every name is a canary, has all files of the victim side."""

    def __init__(self, folder: Path) -> None:
        self.live = Live(folder, metrics=True)
        self.folder, self.lines = folder, {side: Line(self.live.server.address) for side in ("perpetrator", "victim", "oversight")}
        self.planted = {stem: Planted(stem) for stem in (IN_FILES, TAKEN, NAMES, CROSSING)}
        self.sam, self.ruth = self.enrol("Sam", "navigator"), self.enrol("Ruth", "coordinator")
        self.jo = self.enrol(f"{NAMES}-Jo", "coordinator", "referral_desk", "fund_holder", side="victim", org=f"{NAMES}-organisation")
        self.val, self.sue = (self.enrol(side, f"supervisor_{side}", side="oversight") for side in ("victim", "perpetrator"))
        self.fields = 0

    def enrol(self, name: str, *roles: str, side: Side = "perpetrator", org: str = "Pilot") -> Session:
        admin, line = self.live.admins[side], self.lines[side]
        subject = Subject(secrets.token_bytes(16), name, org, tuple(sorted(roles)), now_ms() + 300 * DAY_MS)
        code = enrolment.invite(admin, subject, now_ms() + DAY_MS)
        session = enrolment.enrol(self.live.store(name), code, f"{name}'s phone", line, now_ms, secrets.token_bytes)
        self.live.opened.append(session)
        self.sync(session, admin)
        return session

    def sync(self, *sessions: Session) -> None:
        for session in sessions:
            syncing.sync(session, self.lines[session.identity.side])

    def open_desk(self, session: Session) -> bytes:
        log = files.create_file(session, "intake")
        self.sync(session)
        address, key = board.desk_request(session, log)
        week = week_of(now_ms())
        side = session.identity.side
        gate = sign_gate(SigningKey(self.live.made.authority_seed), session.identity.svc, side, address, key, week, week + 10)
        board.publish(session, self.lines[side], gate, only=log)
        return log

    def play(self) -> None:
        """Everything is written, and goes where it goes."""
        jo, sam, ruth, mine = self.jo, self.sam, self.ruth, self.planted[IN_FILES]
        theirs, hers = self.open_desk(ruth), self.open_desk(jo)
        for session in (sam, ruth, jo):
            session.store.set_fact("desk-asked", b"0")  # they asked when they were enrolled, and would not again for ten minutes
        self.sync(sam, ruth, jo)
        self.case = cases.open_case(sam, {ruth.identity.user: "coordinator"})
        logs = {kind: files.create_file(jo, kind) for kind in ("case", "fund", "desk")} | {"intake": hers}
        for kind, log in logs.items():
            for type_ in types_of(kind):
                self.fields += write(jo, log, kind, type_, mine)
        self.sync(sam, ruth, jo, jo)
        case = ids.show(cases.liaison_of(sam, self.case)[1])  # type: ignore[index]  # every case has one
        records.add(jo, hers, "link", {"case": case, "file": ids.show(logs["case"]), "support": "accepted"})
        self._take_down()
        self._cross(case, logs["case"])
        self.sync(sam, ruth, jo, jo, sam, ruth)
        assert sam.store.parcels() == [] == jo.store.parcels(), "all has gone over"
        assert ruth.store.records(theirs, "urgent_alert")
        assert jo.store.records(hers, "referral_intake")
        self._refused(logs["case"])

    def _take_down(self) -> None:
        """What Sam is told of her: every field of it."""
        said = {name: self.planted[TAKEN].value(name, spec) for name, spec in record_types()["referral_intake"].fields.items()
                if name not in READER_FIELDS and spec.stands_in("intake", "victim") and name != "case"}  # fmt: skip
        told = {name: value for name, value in said.items() if value is not None and name in _of_letters()}
        self.fields += len(told)
        posting.post(self.sam, self.case, "referral_intake", told, fixed=True)

    def _cross(self, case: str, log: bytes) -> None:
        """An instruction with reasons that stay, and alerts both ways, whose words are for the other side's devices."""
        why = {name: self.planted[IN_FILES].value(f"why.{name}", spec) for name, spec in record_types()["parcel_sent"].fields.items()
               if name in ("why", "based_on", "her_view")}  # fmt: skip
        instructions.instruct(self.jo, log, case, word="contact_gate", weeks=3, gate="hold", about=why)
        words = self.planted[CROSSING]._keep("urgent_alert.words", f"{CROSSING}-000-{secrets.token_hex(6)}")
        for session, file in ((self.jo, log), (self.sam, self.case)):
            urgent.raise_alert(session, file, {"what": "weapon", "at_risk": [_SOMEBODY], "words": words})

    def _refused(self, log: bytes) -> None:
        """Commands that are refused, with canaries where they do not belong."""
        word = f"{IN_FILES}-999-{secrets.token_hex(6)}"
        desk = Desk(SimpleNamespace(store=self.jo.store), self.folder / "typed")  # type: ignore[arg-type]  # its store is all that is used
        self.errors = [
            ran.stdout + ran.stderr
            for words in (("task", "due"), ("task", "no_such_field"), ("person", "date_of_birth"), ("case_note", "event_at"), (word, "body"))
            for how in ((), ("--json",))
            for ran in [desk.invoke("record", "add", words[0], "--file", ids.show(log), "--set", f"{words[1]}={word} {word}", *how)]
            if ran.exit_code
        ]
        assert len(self.errors) >= 6

    def sweep(self) -> Swept:
        """What there is, once everybody has done everything."""
        swept = Swept(self.planted, self.fields)
        swept.classes["exports of him"] = self._exports(("perpetrator", self.sue), ("", self.sam))
        swept.classes["exports of her"] = self._exports(("victim", self.val), ("", self.jo))
        printed = Desk(SimpleNamespace(store=self.sam.store), self.folder / "printed")  # type: ignore[arg-type]
        lists = [
            ("status",),
            ("status", "--json"),
            ("parcel", "list"),
            ("parcel", "list", "--json"),
            ("urgent", "list", "--json"),
            ("registry", "show"),
        ]
        lists += [("record", "list", ids.show(log), "--json") for log in self.sam.file_logs()]
        swept.classes["printed for him"] = [(" ".join(words), printed.invoke(*words).output.encode()) for words in lists]
        swept.classes["errors"] = [("error", text.encode()) for text in self.errors]
        swept.classes["metrics"] = [(side, httpx.get(f"{self.live.server.found['metrics']}?side={side}", trust_env=False).content)
                                    for side in ("perpetrator", "victim", "oversight")]  # fmt: skip
        for side, who in (("perpetrator", "him"), ("victim", "her"), ("oversight", "oversight")):
            swept.classes[f"heard by {who}"] = [(f"line of {who}", b"\n".join(self.lines[side].heard))]
        for session in self.live.opened:
            session.store._db.execute("PRAGMA wal_checkpoint")
        self.live.server.stop()
        data = self.live.server.data
        swept.classes["server, of her"] = [thing for thing in contents(data) if "/victim." in thing[0]]
        swept.classes["server, of him"] = [thing for thing in contents(data) if "/victim." not in thing[0]]
        swept.classes["server's errors"] = [("errors", (data.parent / f"{data.name}.errors").read_bytes())]
        swept.classes["devices, closed"] = [thing for thing in contents(self.folder / "devices") if not thing[0].endswith("key")]
        stores = {session.identity.name: session.identity.side for session in self.live.opened}
        opened = {name: decrypted(self.folder / "devices" / name / "store.db", (self.folder / "devices" / name / "key").read_bytes())
                  for name in stores if (self.folder / "devices" / name).exists()}  # fmt: skip
        swept.classes["devices of his side, open"] = [(name, data) for name, data in opened.items() if stores[name] != "victim"]
        swept.hers = b"".join(data for name, data in opened.items() if stores[name] == "victim")
        return swept

    def _exports(self, *of: tuple[str, Session]) -> Things:
        found = []
        for side, session in of:
            line = self.lines["oversight"]
            made = (
                audit_files.from_server(partial(line.signed, session, "GET"), side, session.identity.svc) if side else audit_files.from_store(session)
            )
            path = self.folder / "export.jsonl"
            audit_files.write_export(made, path, session.identity.authority, now_ms())
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found += [(f"export of {side}", path.read_bytes()), ("its COSE", b"".join(_bytes_in(line) for line in lines))]
        return found


def _bytes_in(line: dict[str, Any]) -> bytes:
    return b"".join(base64.b64decode(line[name]) for name in ("cose", "head", "receipt", "event") if name in line)


def _of_letters() -> frozenset[str]:
    return frozenset(name for name, spec in record_types()["referral_intake"].fields.items() if spec.kind not in ("attachments", "refs"))


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    town = Town(tmp_path_factory.mktemp("canaries"))
    try:
        town.play()
        yield town.sweep()
    finally:
        town.live.close()
        for line in town.lines.values():
            line.__exit__()


def test_nothing_of_hers_is_outside(swept: Swept, capsys: pytest.CaptureFixture[str]) -> None:
    """0 hits of any field; of her side's names, and of what goes over, 0 where they do not belong."""
    fields, everything = swept.needles(IN_FILES, TAKEN), swept.things()
    with capsys.disabled():
        words = sum(len(one.words) + len(one.numbers) for one in swept.planted.values())
        print(f"\ncanaries: {swept.fields} fields written, {words} canaries, {len(set(fields))} needles, {len(everything)} artefacts of "
              f"{len(swept.classes)} classes, {sum(len(data) for _, data in everything) / 1e6:.0f} MB")  # fmt: skip
    assert found_in(everything, fields) == []
    assert found_in(swept.things("server, of her", "exports of her", "heard by her", "heard by oversight"), swept.needles(NAMES)) == []
    assert found_in(swept.things("devices of his side, open", "printed for him"), swept.needles(CROSSING)) == []


def test_the_search_would_have_found_each_of_them(swept: Swept) -> None:
    """Every canary is in her own stores, under their key: what is sought was written. Of what a navigator sent too, for it has come."""
    missing = [name for stem in (IN_FILES, TAKEN) for name, word in swept.planted[stem].words.items() if not _is_in(word, swept.hers)]
    assert missing == []
    assert found_in([("hers", swept.hers)], swept.needles(NAMES))
    assert found_in(swept.classes["devices of his side, open"], swept.needles(CROSSING)), "an alert is read where it is for"


def _is_in(word: str, data: bytes) -> bool:
    return word.encode() in data


def test_a_navigators_phone_holds_nothing_of_what_it_took_down(swept: Swept) -> None:
    """Not in its store, free pages and write-ahead log, nor in what it sent and heard; other words of his are there."""
    his = [thing for thing in swept.classes["devices of his side, open"] if thing[0] == "Sam"]
    assert his
    assert b"weapon" in his[0][1]
    assert found_in([*his, *swept.classes["heard by him"]], swept.needles(TAKEN)) == []


def test_a_leak_is_found_in_every_class_of_artefact(swept: Swept, tmp_path: Path) -> None:
    """Planted in turn, in each of the encodings by turns: in files, rows, lines, answers, printed words, open stores."""
    planted = swept.planted[IN_FILES]
    word, needles = next(word for word in planted.words.values() if word.startswith(IN_FILES)), swept.needles(IN_FILES)
    ways = encodings(word)
    for number, (name, things) in enumerate(swept.classes.items()):
        for way in (ways[number % len(ways)], ways[0]):
            assert found_in([(name, things[-1][1] + b"noise " + way + b" noise")], needles), name
    with sqlite3.connect(tmp_path / "perpetrator.db") as database:
        database.execute("CREATE TABLE leak (word TEXT, day TEXT, id BLOB, amount INTEGER)")
        day = next(one for one in planted.words.values() if one.startswith("1903-"))
        row = next(one for one in planted.words.values() if one.startswith("ca4a21e0-"))
        database.execute("INSERT INTO leak VALUES (?, ?, ?, ?)", (word, day, ids.parse(row), planted.numbers[0]))
    database.close()
    assert len({stem for _, stem in found_in(list(contents(tmp_path)), needles)}) >= 3
