"""Rotation, interrupted wherever it may be, and hundreds of them while a whole team writes: nothing is lost, and who was removed reads nothing."""

import random
from contextlib import suppress
from typing import Final

import pytest

from shared_schema import cbor
from shared_schema.entry import Entry, decode_entry
from shared_schema.errors import Malformed, ProtocolError
from sync import membership
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.people import files, standing
from sync.keys import context
from sync.sealing import open_part
from tests.world import (
    COMMIT_FAILS,
    DIES_RECEIVING,
    DIES_SENDING,
    NONE,
    REPLY_LOST,
    REQUEST_LOST,
    SERVER_DIES_AFTER,
    SERVER_DIES_BEFORE,
    Died,
    Fault,
    Phone,
    World,
)

SIDE: Final = "perpetrator"
FILES: Final = 3


class Crew:
    """Ann and Bob with some files, and an office that revokes one lost phone of Bob's after the other."""

    def __init__(self, world: World) -> None:
        self.world, self.lost = world, 0
        self.ann, self.bob = (world.enrol(SIDE, name, ("coordinator",)) for name in ("Ann", "Bob"))
        for phone in (self.ann, self.bob):
            phone.sync()
        self.logs = [self.ann.do(lambda session: files.create_file(session, "case", {self.bob.user: "coordinator"})) for _ in range(FILES)]
        self.settle()

    def settle(self) -> None:
        for phone in (self.ann, self.bob, self.ann):
            phone.sync()

    def lose_a_phone(self) -> Phone:
        """It was in every file, and is revoked; Bob types something without a signal."""
        self.lost += 1
        phone = self.world.enrol(SIDE, "Bob", ("coordinator",), f"lost {self.lost}")
        phone.sync()
        self.settle()
        phone.sync()
        office = self.world.admins[SIDE]
        office.sync()
        office.do(lambda session: standing.revoke(session, phone.device, "lost"))
        office.sync()
        for log in self.logs:
            write(self.bob, log, f"typed while phone {self.lost} was lost")
        return phone

    def check(self, lost: Phone) -> None:
        known = self.world.hosts[SIDE].realm.known()
        for log in self.logs:
            states = [phone.session.require_file(log) for phone in (self.ann, self.bob)]
            assert states[0].epoch == states[1].epoch
            assert lost.device not in states[0].holders
            assert not membership.rotation_needed(states[0], known)
            told = f"typed while phone {self.lost} was lost"
            assert any(told in one for one in notes(self.ann, log)), "what waited for the new epoch was sealed to it and sent"
            assert not opens(lost.store.secrets(log), envelopes(self.ann, log)[-1])
        assert self.ann.store.unsent() == self.bob.store.unsent() == 0


def write(phone: Phone, log: bytes, text: str) -> None:
    phone.do(lambda session: session.write(log, None, "case_note", [Op("body", "set", text, ())]))


def notes(phone: Phone, log: bytes) -> list[str]:
    return [str(live.value) for one in phone.session.records(log).values() for live in one.registers["body"].live.values()]


def envelopes(phone: Phone, log: bytes, after: int = 0) -> list[Entry]:
    found = (decode_entry(row.cose, cbor.decode(row.parts)) for row in phone.store.entries(log) if row.seq > after)
    return [entry for entry in found if entry.is_envelope]


def opens(secrets: dict[int, bytes], entry: Entry) -> bool:
    """Whether any of these secrets opens any part, under whichever epoch's name."""
    assert entry.epoch is not None
    for epoch, secret in [(entry.epoch, secret) for secret in secrets.values()] + list(secrets.items()):
        ctx = context(entry.svc, entry.log, epoch)
        for i, part in enumerate(entry.parts):
            try:
                open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part or b"", i, len(entry.parts))
            except Malformed:
                continue
            return True
    return False


@pytest.mark.parametrize("after", [False, True])
def test_a_device_that_dies_at_any_of_its_commits(after: bool) -> None:
    with World(sides=(SIDE,)) as world:
        crew, n = Crew(world), 0
        died = True
        while died:
            n += 1
            lost = crew.lose_a_phone()
            crew.ann.store.arm(n, after=after)
            died = str(crew.ann.sync()).startswith("died")
            crew.settle()
            crew.check(lost)
        assert n > 5, "it was interrupted at several commits"


_NETWORK: Final = (REQUEST_LOST, REPLY_LOST, DIES_SENDING, DIES_RECEIVING)
_SERVER: Final = tuple(Fault(kind, n) for kind in (SERVER_DIES_BEFORE, SERVER_DIES_AFTER, COMMIT_FAILS) for n in (1, 2))


@pytest.mark.parametrize("fault", _NETWORK + _SERVER, ids=lambda fault: f"{fault.kind} {fault.n or ''}".strip())
def test_any_of_its_requests_that_fails(fault: Fault) -> None:
    """The first, the second, … until the sync is through before the fault comes."""
    with World(sides=(SIDE,)) as world:
        crew, met = Crew(world), 0
        waiting: list[Fault] = []
        while not waiting:
            lost = crew.lose_a_phone()
            crew.ann.wire.faults = waiting = [NONE] * met + [fault]
            with suppress(Died, ProtocolError):
                crew.ann.do(lambda session: syncing.sync(session, crew.ann.wire))
            crew.ann.wire.faults = []
            crew.settle()
            crew.check(lost)
            met += 1
        assert met > 2


WRITERS: Final = 20
ROTATIONS: Final = 200


def test_two_hundred_rotations_while_twenty_devices_write(capsys: pytest.CaptureFixture[str]) -> None:
    """Three people in turn are removed and come back. All the while everybody writes, with and without a signal, and with lost answers."""
    rng = random.Random(1)
    with World(sides=(SIDE,)) as world:
        ann, *team = (world.enrol(SIDE, f"worker {n}", ("coordinator",)) for n in range(WRITERS))
        leavers = [world.enrol(SIDE, f"leaver {n}", ("navigator",)) for n in range(3)]
        ann.sync()
        members = {phone.user: role for role, phones in (("coordinator", team), ("navigator", leavers)) for phone in phones}
        log = ann.do(lambda session: files.create_file(session, "case", members))
        everybody = [ann, *team, *leavers]
        for phone in everybody:
            phone.sync()
        typed: set[str] = set()
        tried = 0
        for turn in range(ROTATIONS // 2):  # each one removal, and one return
            leaver = leavers[turn % 3]
            for phone in rng.sample(team, 5):
                text = f"{turn} {phone.name}"
                write(phone, log, text)
                typed.add(text)
                if rng.random() < 0.5:
                    phone.sync(rng.choice((NONE, NONE, REPLY_LOST)))
            ann.sync()
            before, seq = ann.session.require_file(log).epoch, ann.session.author(log)[1].seq
            ann.do(lambda session, user=leaver.user: files.remove_member(session, log, user))  # type: ignore[misc]
            ann.sync()
            for phone in rng.sample(team, 3):
                text = f"{turn} {phone.name} after"
                write(phone, log, text)
                typed.add(text)
                phone.sync()
            ann.sync()
            leaver.sync()
            state = ann.session.require_file(log)
            assert state.epoch > before
            assert leaver.user not in state.members
            had = leaver.had[log] | leaver.store.secrets(log)
            for entry in envelopes(ann, log, seq):
                assert entry.epoch == state.epoch

                assert not opens(had, entry)
                assert opens(ann.store.secrets(log), entry), "the trial itself works"
                tried += 1
            ann.do(lambda session, user=leaver.user: files.add_member(session, log, user, "navigator"))  # type: ignore[misc]
            ann.sync()
            leaver.sync()
        for phone in everybody * 2:
            phone.sync()
        for phone in everybody:
            assert phone.store.unsent() == 0
            assert typed <= set(notes(phone, log)), "nothing that anybody typed is lost to anybody"
        rotations = ann.session.require_file(log).epoch - 1
        with capsys.disabled():
            print(f"\n{rotations} rotations, {WRITERS} writers, {len(typed)} notes, 0 lost; {tried} tried with the keys of the removed, 0 open")
        assert rotations >= ROTATIONS
        assert tried > ROTATIONS
