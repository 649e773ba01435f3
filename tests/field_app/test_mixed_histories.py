"""Random histories of a mixed fleet: two Python devices and two phones in two files, each with a clock of its own, often apart.

In the end every device shows the same of each file, a phone's rows say what its memory says, and nothing that was typed is lost.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from shared_schema.records import record_types
from sync.device.exchanging import syncing
from sync.device.people import files, holding
from sync.device.recording import conflicts, records
from sync.device.session import Session
from sync.fold import state_hash
from tests.field_app.phone import Phone, PhoneError
from tests.live import Live
from tests.simulation.forms import WORDS, Taste, draw

HOUR_MS = 3_600_000
SEEDS = range(20)
STEPS = (30, 48)
ROUNDS = 14


@dataclass(slots=True)
class Fleet:
    """Ruth and Priya have Python devices, Cora and Sam phones. Ruth and Cora coordinate."""

    live: Live
    pythons: dict[str, Session]
    phones: dict[str, Phone]
    users: dict[str, bytes]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    live = Live(tmp_path_factory.mktemp("fleet"))
    phones = {name: Phone(live.server.address) for name in ("Cora", "Sam")}
    try:
        pythons = {"Ruth": live.enrol("Ruth", ("coordinator",)), "Priya": live.enrol("Priya", ("navigator",))}
        users = {name: session.identity.user for name, session in pythons.items()}
        for name, role in (("Cora", "coordinator"), ("Sam", "navigator")):
            code = live.invite(name, (role,))
            users[name] = ids.parse(phones[name].do("enrol", code=code.text(), label=f"{name}'s phone")["user"])
        syncing.sync(live.admins["perpetrator"], live.transport)
        yield Fleet(live, pythons, phones, users)
    finally:
        for phone in phones.values():
            phone.__exit__(None, None, None)
        live.close()


@dataclass(slots=True)
class History:
    """One seed's story."""

    fleet: Fleet
    seed: int
    rng: Random = field(init=False)
    taste: Taste = field(init=False)
    files: list[str] = field(init=False, default_factory=list)
    offline: set[str] = field(init=False, default_factory=set)
    typed: dict[str, str] = field(init=False, default_factory=dict)  # record -> file
    trace: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.taste = Taste(self.rng)

    def run(self) -> None:
        try:
            self._begin()
            for _ in range(self.rng.randint(*STEPS)):
                self._step()
            self._heal()
            self._check()
        except Exception as error:
            raise AssertionError("\n".join([f"seed {self.seed}", *self.trace, repr(error)])) from error

    def say(self, who: str, what: str) -> None:
        self.trace.append(f"{who}: {what}")

    # --- beginning -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        for name, phone in self.fleet.phones.items():
            phone.do("online", **{"is": True})
            offset = self.rng.choice((0, 0, self.rng.randint(-48 * HOUR_MS, 48 * HOUR_MS)))
            phone.do("clock", offset_ms=offset)
            self.say(name, f"clock {offset / HOUR_MS:.1f} hours")
        for name in ("Ruth", "Cora"):
            self._sync(name)
        everybody = {"Ruth": "coordinator", "Cora": "coordinator", "Priya": "navigator", "Sam": "navigator"}
        members = {self.fleet.users[name]: role for name, role in everybody.items()}
        ruth = self.fleet.pythons["Ruth"]
        self.files.append(ids.show(files.create_file(ruth, "case", {user: role for user, role in members.items() if user != ruth.identity.user})))
        begun = self.fleet.phones["Cora"].do("begin", kind="case", members={ids.show(user): role for user, role in members.items()})
        self.files.append(begun["file"])
        for name in ("Ruth", "Cora", "Priya", "Sam", "Ruth", "Cora"):
            self._sync(name)
        for log in self.files:  # something to meet in
            for name in ("Sam", "Priya"):
                self._write(name, log)
        for name in ("Sam", "Priya", "Ruth", "Cora", "Sam"):
            self._sync(name)

    # --- steps -----------------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        name = self.rng.choice(("Ruth", "Priya", "Cora", "Sam"))
        log = self.rng.choice(self.files)
        steps: list[tuple[int, Callable[[str, str], None]]] = [
            (3, self._write), (9, self._edit), (5, self._clash), (2, self._sign), (1, self._void), (4, self._settle), (9, lambda who, _: self._sync(who)),
            (2, self._toggle), (2, self._member), (2, self._restart), (1, self._lose), (1, self._cut),
        ]  # fmt: skip
        step = self.rng.choices([one for _, one in steps], [weight for weight, _ in steps])[0]
        with suppress(PhoneError, ProtocolError):
            step(name, log)

    def _people(self) -> list[bytes]:
        return sorted(self.fleet.users.values())

    def _write(self, name: str, log: str) -> None:
        type_ = self.taste.type_for("case", "perpetrator").name
        values = self.taste.values(type_, "case", "perpetrator", self._people())
        if name in self.fleet.phones:
            record = self.fleet.phones[name].do("add", file=log, type=type_, values=values)["record"]
        else:
            record = ids.show(records.add(self.fleet.pythons[name], ids.parse(log), type_, values))
        self.typed[record] = log
        self.say(name, f"writes {type_} {record[:8]} in {log[:4]}")

    def _some(self, name: str, log: str) -> tuple[str, str]:
        """A record that this device shows, and its type."""
        if name in self.fleet.phones:
            rows = [(one["record"], one["type"]) for one in self.fleet.phones[name].do("records", file=log)]
        else:
            session = self.fleet.pythons[name]
            rows = [(ids.show(one.id), one.type) for one in session.records(ids.parse(log)).values() if not one.hidden]
        found = sorted(row for row in rows if row[0] in self.typed)
        if not found:
            raise Refused("not-found")
        return self.rng.choice(found)

    def _edit(self, name: str, log: str) -> None:
        record, type_ = self._some(name, log)
        self._change(name, log, record, type_, self.taste.values(type_, "case", "perpetrator", self._people()))

    def _clash(self, name: str, log: str) -> None:
        """Two people change the same fields, and neither has seen the other's."""
        record, type_ = self._some(name, log)
        values = self.taste.values(type_, "case", "perpetrator", self._people())
        specs = record_types()[type_].fields
        others = {key: draw(self.rng, specs[key], self._people()) for key in values}
        self._change(name, log, record, type_, values)
        other = self.rng.choice([one for one in self.fleet.users if (one in self.fleet.phones) != (name in self.fleet.phones)])
        self._change(other, log, record, type_, others)
        for who in (name, other, name):
            self._sync(who)

    def _change(self, name: str, log: str, record: str, type_: str, values: dict[str, Any]) -> None:
        if name in self.fleet.phones:
            self.fleet.phones[name].do("edit", file=log, record=record, type=type_, values=values)
        else:
            records.edit(self.fleet.pythons[name], ids.parse(log), ids.parse(record), values)
        self.say(name, f"edits {record[:8]}: {', '.join(values)}")

    def _sign(self, name: str, log: str) -> None:
        record, _ = self._some(name, log)
        if name in self.fleet.phones:
            self.fleet.phones[name].do("sign", file=log, record=record)
        else:
            records.sign(self.fleet.pythons[name], ids.parse(log), ids.parse(record))
        self.say(name, f"signs {record[:8]}")

    def _void(self, name: str, log: str) -> None:
        record, _ = self._some(name, log)
        if name in self.fleet.phones:
            self.fleet.phones[name].do("void", file=log, record=record, reason="a slip")
        else:
            records.make_void(self.fleet.pythons[name], ids.parse(log), ids.parse(record), "a slip")
        self.say(name, f"voids {record[:8]}")

    def _settle(self, name: str, log: str) -> None:
        if name in self.fleet.phones:
            rows = [
                (one["record"], key) for one in self.fleet.phones[name].do("records", file=log) for key in one["conflicts"] if isinstance(key, str)
            ]
            record, key = self.rng.choice(sorted(rows)) if rows else self._none()
            self.fleet.phones[name].do("resolve", file=log, record=record, field=key, chosen=self.rng.choice(WORDS), reason="as she said")
        else:
            session = self.fleet.pythons[name]
            found = [one for one in conflicts.list_conflicts(session, ids.parse(log)) if isinstance(one.field, str)]
            one = found[0] if found else self._none()
            conflicts.resolve(session, ids.parse(log), one.record, one.field, conflicts.choices(one)[0], "as she said")
        self.say(name, f"settles a conflict in {log[:4]}")

    @staticmethod
    def _none() -> Any:
        raise Refused("not-found")

    def _sync(self, name: str) -> None:
        if name in self.offline:
            if self.rng.random() < 0.6:
                return
            self._toggle(name, "")
        self.say(name, "syncs")
        if name in self.fleet.phones:
            self.fleet.phones[name].do("sync")
        else:
            syncing.sync(self.fleet.pythons[name], self.fleet.live.transport)

    def _toggle(self, name: str, _log: str) -> None:
        self.offline ^= {name}
        if name in self.fleet.phones:
            self.fleet.phones[name].do("online", **{"is": name not in self.offline})
        self.say(name, "offline" if name in self.offline else "online")

    def _member(self, name: str, log: str) -> None:
        """A coordinator takes somebody out of a file, or back in; which changes its keys too."""
        who = self.rng.choice(("Priya", "Sam"))
        self.say(name, f"takes {who} out of {log[:4]}, or in again")
        if not self._change_member(name, log, who, out=True):
            self._change_member(name, log, who, out=False)

    def _change_member(self, name: str, log: str, who: str, *, out: bool) -> bool:
        user = self.fleet.users[who]
        try:
            if name in self.fleet.phones:
                words = {} if out else {"role": "navigator"}
                self.fleet.phones[name].do("removeMember" if out else "addMember", file=log, user=ids.show(user), **words)
            elif out:
                files.remove_member(self.fleet.pythons[name], ids.parse(log), user)
            else:
                files.add_member(self.fleet.pythons[name], ids.parse(log), user, "navigator")
        except (PhoneError, Refused):
            return False
        return True

    def _restart(self, name: str, _log: str) -> None:
        if name in self.fleet.phones:
            self.say(name, "starts again")
            assert self.fleet.phones[name].do("reopen") == {"differs": []}

    def _lose(self, name: str, _log: str) -> None:
        if name in self.fleet.phones and name not in self.offline:
            self.say(name, "loses an answer")
            self.fleet.phones[name].do("lose", answers=self.rng.randint(1, 2))
            with suppress(PhoneError):
                self.fleet.phones[name].do("sync")

    def _cut(self, name: str, log: str) -> None:
        if name in self.fleet.phones:
            self.say(name, "ends in the middle of something")
            self.fleet.phones[name].do("cut", after=self.rng.randint(1, 6), kept=self.rng.random() < 0.5)
            with suppress(PhoneError, Refused):
                self._edit(name, log)
            with suppress(PhoneError):
                self._sync(name)
            self.fleet.phones[name].do("uncut")
            assert self.fleet.phones[name].do("reopen") == {"differs": []}

    # --- the end ---------------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.say("everybody", "comes together")
        self.offline.clear()
        for phone in self.fleet.phones.values():
            phone.do("online", **{"is": True})
            phone.do("lose", answers=0)
        for round_ in range(ROUNDS):
            for name in ("Sam", "Priya", "Cora", "Ruth"):
                self._sync(name)
            ruth = self.fleet.pythons["Ruth"]
            for log in self.files:
                for who in ("Priya", "Sam"):
                    if self.fleet.users[who] not in ruth.require_file(ids.parse(log)).members:
                        self._change_member("Ruth", log, who, out=False)
                        syncing.sync(ruth, self.fleet.live.transport)
                if round_ % 2:
                    self._admit_from_phone(log)
                else:
                    self._admit_from_python(log)
            if round_ > 2 and self._settled():
                return
        raise AssertionError(f"they do not come together: {[self._unsent(name) for name in self.fleet.users]}")

    def _admit_from_python(self, log: str) -> None:
        ruth, live = self.fleet.pythons["Ruth"], self.fleet.live
        if ids.parse(log) in holding.waiting(ruth):
            for one in list(holding.fetch(ruth, live.transport, [ids.parse(log)])):
                with suppress(ProtocolError):
                    holding.admit(ruth, one) if not one.trouble else holding.refuse(ruth, one, "duplicate")
                    syncing.sync(ruth, live.transport)

    def _admit_from_phone(self, log: str) -> None:
        phone = self.fleet.phones["Cora"]
        for one in phone.do("held", file=log):
            with suppress(PhoneError):
                if one["trouble"]:
                    phone.do("refuse", file=log, id=one["id"], reason="duplicate")
                else:
                    phone.do("admit", file=log, id=one["id"])
                phone.do("sync")

    def _unsent(self, name: str) -> tuple[str, Any]:
        if name in self.fleet.phones:
            status = self.fleet.phones[name].do("status")
            return name, (status["unsent"], [(one["code"], one["message"]) for one in status["outbox"]])
        store = self.fleet.pythons[name].store
        return name, (store.unsent(), [(item.code, item.statement) for item in store.waiting()])

    def _settled(self) -> bool:
        hashes = {log: set(self._hashes(log)) for log in self.files}
        return all(len(found) == 1 for found in hashes.values()) and all(self._unsent(name)[1] == (0, []) for name in self.fleet.users)

    def _hashes(self, log: str) -> Iterator[str]:
        for session in self.fleet.pythons.values():
            yield state_hash(session.records(ids.parse(log), pending=False)).hex()
        for phone in self.fleet.phones.values():
            yield next(row["state_hash"] for row in phone.do("files") if row["file"] == log)

    def _check(self) -> None:
        for name, phone in self.fleet.phones.items():
            assert phone.do("reopen") == {"differs": []}
            codes = {one["code"] for one in phone.do("status")["alarms"]} - {"removed", "no-such-file"}
            assert not codes, (name, codes)
        for record, log in self.typed.items():
            for session in self.fleet.pythons.values():
                assert ids.parse(record) in session.records(ids.parse(log)), f"{record} is lost"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history(fleet: Fleet, seed: int) -> None:
    History(fleet, seed).run()
