"""Small histories of a side whose database is put back from an older copy, once or twice, with and without marks, through faults and deaths: whatever
was typed is in every member's file in the end, once, and nobody who was put out is in again.
"""

from collections import Counter
from random import Random
from typing import Final

import pytest

from server.marks import Marks
from shared_schema.certificate import Revoke, encode_registry_statement
from shared_schema.errors import ProtocolError
from sync.change import Op, decode_change
from sync.device.exchanging import outbox, restoring
from sync.device.people import files
from sync.fold import state_hash
from tests.world import FAULTS, HOUR, Died, Fault, Phone, World

SIDE: Final = "perpetrator"
CHUNKS, EACH = 4, 8


class CameBack:
    """Plays one seed. `tally` counts what there was to be seen."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.rng, self.tally = world, Random(seed), Counter[str]()
        self.host = world.hosts[SIDE]
        self.admin = world.admins[SIDE]
        self.typed: dict[str, str] = {}
        self.out: set[str] = set()

    def play(self) -> None:
        self.host.marks = Marks()
        self.host.restart()
        self.people = [self.world.enrol(SIDE, name, ("coordinator",)) for name in ("Ann", "Bo", "Cy", "Di")]
        for phone in self.people:
            phone.sync()
        first = self.people[0]
        members = {phone.user: "coordinator" for phone in self.people[1:]}
        self.logs = [first.do(lambda session: files.create_file(session, "case", members)) for _ in range(2)]
        self._sync_all()
        for _ in range(self.rng.choice((1, 1, 2))):
            self._work(self.rng.randrange(3, 9))
            copy = self.world.fork(self.host)
            self._work(self.rng.randrange(3, 12))
            self._come_back(copy)
        self._reckon()

    def _faults(self) -> list[Fault]:
        return [self.rng.choice(FAULTS) for _ in range(self.rng.randrange(3))]

    def _sync(self, phone: Phone, *, faults: bool = True) -> None:
        said = phone.sync(*(self._faults() if faults else ()))
        if isinstance(said, str):
            self.tally[said.split(":")[0]] += 1

    def _sync_all(self, times: int = 2) -> None:
        for _ in range(times):
            for phone in (self.admin, *self.people):
                self._sync(phone, faults=False)

    def _work(self, steps: int) -> None:
        for _ in range(steps):
            self.world.clock.advance(HOUR)
            phone = self.rng.choice([one for one in self.people if one.name not in self.out])
            act = self.rng.random()
            if act < 0.6:
                self._type(phone)
            elif act < 0.9:
                self._sync(phone)
            elif len(self.out) < 2:
                self._put_out()

    def _type(self, phone: Phone) -> None:
        text, log = f"typed {len(self.typed)} by {phone.name}", self.rng.choice(self.logs)
        try:
            phone.do(lambda session: session.write(log, None, "case_note", [Op("body", "set", text, ())]))
        except ProtocolError:
            return
        self.typed[text] = phone.name

    def _put_out(self) -> None:
        """Everything of theirs has come first: what is held is not what this is about."""
        target = next(one for one in reversed(self.people) if one.name not in self.out)
        self._sync(target, faults=False)
        self._sync(self.admin, faults=False)
        if target.store.unsent():
            return
        if self.rng.random() < 0.5:
            payload = encode_registry_statement(Revoke(target.device, "lost"))
            self.admin.do(lambda session: outbox.put_statement(session, session.registry.log, payload))
            self._sync(self.admin, faults=False)
        else:
            boss = self.people[0]
            for log in self.logs:
                self._sync(boss, faults=False)
                try:
                    boss.do(lambda session, log=log: files.remove_member(session, log, target.user))  # type: ignore[misc]
                except ProtocolError:
                    return
                self._sync(boss, faults=False)
        self.out.add(target.name)
        self.tally["put out"] += 1

    def _come_back(self, copy: object) -> None:
        marked = self.rng.random() < 0.7
        if not marked:
            self.host.marks = Marks()
        self.host.put_back(copy)  # type: ignore[arg-type]
        if not self.host.realm.regressed:
            self.tally["nothing lost"] += 1
            return
        self.tally["marked" if marked else "not marked"] += 1
        for _ in range(30):
            self._declare()
            if not self.host.realm.regressed:
                break
            for phone in (*self.people, self.admin):
                self._sync(phone)
        assert not self.host.realm.regressed
        early = self.rng.random() < 0.3
        if not early:
            for _ in range(2):
                for phone in self.rng.sample(self.people, len(self.people)):
                    self._sync(phone)
            self._sync_all()
        if early or not marked or self.rng.random() < 0.5:
            self._end()

    def _declare(self) -> None:
        self.admin.wire.faults = self._faults()
        try:
            self.admin.do(lambda session: restoring.declare(session, self.admin.wire))
        except (ProtocolError, Died) as error:
            self.tally[f"declaring: {getattr(error, 'code', 'died')}"] += 1
        self.admin.wire.faults = []

    def _end(self) -> None:
        self._sync(self.admin, faults=False)
        self._sync(self.admin, faults=False)
        if self.admin.session.registry.healing:
            self.admin.do(restoring.end_healing)
            self._sync(self.admin, faults=False)
            self.tally["ended"] += 1

    def _told_of_removal(self) -> bool:
        """Whoever removed somebody, in a part that nobody brought back in time, is told to do it again."""
        return any("had decided: " in alarm[5] and "members" in alarm[5] for alarm in self.people[0].store.alarms())

    def world_name(self, device: bytes) -> str:
        """Whose phone that is."""
        return next(phone.name for phone in self.people if phone.device == device)

    def _reckon(self) -> None:
        if self.host.realm.known().healing and any(self.host.realm.heals(log) for log in self.logs):
            self._sync_all()
            self._end()
        self._sync_all(5)
        wanted = {text for text, name in self.typed.items() if name not in self.out}  # who was put out gives nothing back
        inside = [one for one in self.people if one.name not in self.out]
        known = self.host.realm.known()
        for phone in inside:
            codes = {code for _, _, _, _, code, _, _ in phone.store.alarms()}
            assert codes <= {"restored", "parked", "overtaken"}, f"{phone.name}: {phone.store.alarms()}"
            self.tally["parked"] += "parked" in codes
            assert phone.store.unsent() == 0, phone.name
            left = {self.world_name(one.device) for one in phone.store.parked()}
            assert left <= self.out, f"{phone.name} keeps what {left - self.out} could have sent again"
            has = {str(op.value) for log in self.logs for row in phone.store.all_changes(log) for op in decode_change(row.body).ops if row.seq}
            assert has >= wanted, f"{phone.name} lacks {sorted(wanted - has)}"
        for log in self.logs:
            assert len({state_hash(phone.session.records(log, pending=False)) for phone in inside}) == 1
            head = self.host.realm.readers.heads[log]
            assert {(phone.store.log(log) or (0, b""))[:2] for phone in inside} == {(head.seq, head.chain)}
            file = inside[0].session.require_file(log)
            for phone in self.people:
                if phone.name in self.out and not self._told_of_removal():
                    assert phone.user not in file.members or known.devices[phone.device].revoked is not None, f"{phone.name} is in again"
        self.tally["played"] += 1


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_it_comes_back(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        with World(seed, sides=(SIDE, "victim")) as world:
            history = CameBack(world, seed)
            try:
                history.play()
            except Exception as error:
                error.add_note(f"seed {seed}")
                raise
            seen += history.tally
    assert seen["played"] == EACH
    assert seen["marked"]
    assert seen["not marked"]
    assert seen["put out"]
    assert seen["ended"]
