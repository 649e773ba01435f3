"""Small histories of a side that loses all its phones: what a clean machine brings back with the shares, through faults and deaths, and who reads what then."""

from collections import Counter
from random import Random
from typing import Final

import pytest

from shared_schema.errors import ProtocolError
from shared_schema.roles import may_be_member
from sync.change import Op
from sync.device.people import files, recovery, standing
from sync.keys import RecoverySecret
from tests.simulation.checks import Views, check_world
from tests.world import FAULTS, HOUR, Died, Phone, World

SIDE: Final = "perpetrator"
CHUNKS, EACH = 4, 10


class LostSide:
    """Plays one seed. `tally` counts what there was to be seen."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.rng, self.tally = world, Random(seed), Counter[str]()
        self.logs: dict[bytes, bytes] = {}

    def play(self) -> None:
        self._work()
        self._lose()
        clean = self.world.enrol(SIDE, "Rea", ("coordinator", "fund_holder"), "the clean machine")
        self.world.permit(clean)
        again = self.world.enrol(SIDE, "Sam", ("navigator",), "Sam's new phone") if self.rng.random() < 0.6 else None
        secrets = self.world.recovery[SIDE][:-1]
        self.rng.shuffle(secrets)
        for secret in secrets:
            self._bring_back(clean, secret)
        clean.do(lambda session: recovery.close(session, clean.device))
        clean.sync()
        self._afterwards(clean, again)

    def _work(self) -> None:
        """Two or three people, a few files, some of them granted to a later key than others."""
        people = [self.world.enrol(SIDE, "Priya", ("coordinator", "fund_holder")), self.world.enrol(SIDE, "Sam", ("navigator",))]
        if self.rng.random() < 0.5:
            people.append(self.world.enrol(SIDE, "Noor", ("navigator",)))
        for phone in people:
            phone.sync()
        for kind in ("case", "case", self.rng.choice(("fund", "desk", "shared_care"))):
            if kind == "desk":
                self._begin(people[0], kind, [])
            else:
                self._begin(people[0], kind, [other for other in people[1:] if self.rng.random() < 0.7])
        for phone in people:
            phone.sync()
        for _ in range(self.rng.choice((0, 1, 2))):
            self.world.renew(SIDE)
            self._type(self.rng.choice(people))
            for phone in people:
                if self.rng.random() < 0.5:
                    phone.sync()

    def _begin(self, phone: Phone, kind: str, others: list[Phone]) -> None:
        roles = {other.user: "navigator" for other in others if may_be_member(kind, SIDE, "navigator")}
        log = phone.do(lambda session: files.create_file(session, kind, roles))
        self.logs[log] = phone.device
        for _ in range(2):
            phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", "seen", ())]))

    def _type(self, phone: Phone) -> None:
        for log in self.logs:
            state = phone.session.file(log)
            if state is not None and phone.user in state.members:
                phone.do(lambda session, log=log: session.write(log, None, "task", [Op("what", "set", "later", ())]))  # type: ignore[misc]

    def _lose(self) -> None:
        admin = self.world.admins[SIDE]
        for phone in list(self.world.phones):
            admin.sync()
            admin.do(lambda session, phone=phone: standing.revoke(session, phone.device, "lost"))  # type: ignore[misc]
            admin.sync()
            if self.rng.random() < 0.5:
                phone.sync()  # what it had not sent is held
        self.world.clock.advance(HOUR)
        self.world.renew(SIDE)

    def _bring_back(self, clean: Phone, secret: RecoverySecret) -> None:
        """As `fieldkeep recovery use` does it, by somebody who has to begin again and again."""
        for attempt in range(8):
            rough = attempt < 5
            self._sync(clean, rough=rough)
            try:
                for one in recovery.survey(clean.session):
                    if one.state != "ready" or one.key != secret.id:
                        continue
                    self._arm(clean, rough=rough, chance=0.2)
                    _, closed = clean.do(lambda session, log=one.log: recovery.recover(session, log, secret))  # type: ignore[misc]
                    assert not closed
                    self.tally["recovered"] += 1
            except Died:
                self.tally["died"] += 1
            except ProtocolError as error:
                assert error.code in ("after-predecessor", "not-permitted"), error  # what waits is sent first; the permit may not have come
            self._sync(clean, rough=rough)
        assert not [one for one in recovery.survey(clean.session) if one.state == "ready" and one.key == secret.id]

    def _arm(self, phone: Phone, *, rough: bool, chance: float) -> None:
        if rough and self.rng.random() < chance:
            phone.store.arm(self.rng.randint(1, 3), after=self.rng.random() < 0.5)

    def _sync(self, phone: Phone, *, rough: bool) -> None:
        self._arm(phone, rough=rough, chance=0.3)
        told = phone.sync(*([self.rng.choice(FAULTS)] if rough else []))
        self.tally["died"] += isinstance(told, str) and told.startswith("died")

    def _afterwards(self, clean: Phone, again: Phone | None) -> None:
        known = self.world.hosts[SIDE].realm.known()
        for log in self.logs:
            state = clean.session.require_file(log)
            assert clean.device in state.holders, "every file is back"
            assert state.recovery == known.recovery_id
            clean.do(lambda session, log=log: session.write(log, None, "task", [Op("what", "set", "afterwards", ())]))  # type: ignore[misc]
        for _ in range(3):
            for phone in [clean, *([again] if again else [])]:
                phone.sync()
        for phone in self.world.phones:
            phone.sync()
            phone.remember()
        self.tally += check_world(self.world, Views(), Random(0))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_lost_sides(chunk: int) -> None:
    tally: Counter[str] = Counter()
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        with World(seed, sides=(SIDE,), page_bytes=None if seed % 3 else 4000) as world:
            lost = LostSide(world, seed)
            lost.play()
            tally += lost.tally
    missed = [name for name in ("recovered", "died", "renewed") if not tally[name]]
    assert not missed, f"{EACH} histories went by without any {missed}"
