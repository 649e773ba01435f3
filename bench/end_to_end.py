"""What a person waits for: real devices with encrypted stores on disk, sealing, signing, HTTP, verification, opening, storing, folding.

W1 push · W2 first sync · W3 delta and one round trip · W4 a whole team at once · grants · rotation. The bench's own process is the
devices; the server is a fresh one in each repetition.
"""

import statistics
from concurrent.futures import ThreadPoolExecutor
from time import process_time
from typing import Final

from bench import floors
from bench.figures import Figures, Under, percentile, timed
from bench.scale import Scale
from bench.team import Link, Team, write_notes
from shared_schema import cbor
from sync import keys
from sync.device.exchanging.syncing import Report, sync
from sync.device.people import standing
from sync.device.session import Session
from sync.fold import fold_log, state_hash

_DELTA: Final = 10
_EACH: Final = 20
_GRANTS: Final = 200


class EndToEnd:
    """One repetition: `sam` writes, `priya` reads, `late` is her second phone that comes when everything is there."""

    def __init__(self, figures: Figures | Under, scale: Scale, team: Team) -> None:
        self._add, self._scale, self._team = figures.add, scale, team
        self._sessions = team.enrol_many(scale.team)
        self._sam, self._priya = self._sessions[:2]
        self._notes, self._shared = team.file([self._sam, self._priya]), team.file(self._sessions)

    def run(self) -> None:
        """All of it, in order."""
        self.replicate()
        self._fold()
        self._grants()
        self._rotation()

    def replicate(self) -> None:
        """What a server has a part in: W1 to W4."""
        self._w1()
        self._w2()
        self._w3()
        self._w4()

    def _w1(self) -> None:
        notes, link = self._scale.notes, self._team.link()
        sync(self._sam, link)
        link.reset()
        with timed() as write:
            write_notes(self._sam, self._notes, notes)
        cpu = process_time()
        with timed() as push:
            report = sync(self._sam, link)
        cpu = process_time() - cpu
        if self._sam.store.unsent() or report.changes != notes:
            raise RuntimeError(f"not everything was pushed: {report}")
        self._add("W1", "end to end: notes kept on the device", "1/s", notes / write.seconds, floor=floors.CIPHER)
        self._add("W1", "end to end: kept notes sealed, pushed, receipts verified", "1/s", notes / push.seconds, floor=floors.CIPHER, aim=12_000)
        self._add("W1", "end to end: the device's processor time to seal and push a note", "us", cpu / notes * 1e6)
        self._add("W1", "end to end: both together", "1/s", notes / (write.seconds + push.seconds), floor=floors.CIPHER)
        self._add("wire", "a note, end to end: bytes up", "B", link.sent / notes)

    def _w2(self) -> None:
        notes, link = self._scale.notes, self._team.link()
        self._late = self._team.enrol("priya's second phone", self._priya.identity.user)
        sync(self._sam, link)  # grants the file to the new phone
        sync(self._sam, link)
        link.reset()
        cpu = process_time()
        with timed() as pull:
            report = sync(self._late, link)
        cpu = process_time() - cpu
        if report.changes != notes or report.holes:
            raise RuntimeError(f"the first sync did not bring everything: {report}")
        self._add("W2", "end to end: first sync, verified, opened and stored", "1/s", notes / pull.seconds, floor=floors.CIPHER, aim=14_300)
        self._add("W2", "end to end: the device's processor time for a note", "us", cpu / notes * 1e6)
        self._add("wire", "a note, end to end: bytes down", "B", link.received / notes)

    def _w3(self) -> None:
        up, down = self._team.link(), self._team.link()
        sync(self._priya, down)
        sync(self._priya, down)
        pushes, pulls, nothing, trips = [], [], [], []
        for _ in range(self._scale.rounds):
            write_notes(self._sam, self._notes, _DELTA)
            with timed() as push:
                sync(self._sam, up)
            down.reset()
            with timed() as pull:
                sync(self._priya, down)
            trips.append(down.requests)
            with timed() as idle:
                sync(self._priya, down)
            pushes.append(push.ms)
            pulls.append(pull.ms)
            nothing.append(idle.ms)
        add = self._add
        add("W3", f"end to end: push of {_DELTA} notes", "ms", statistics.median(pushes), floor=floors.PULL_MS)
        add("W3", f"end to end: sync that brings {_DELTA} notes", "ms", statistics.median(pulls), floor=floors.PULL_MS, aim=-10)
        add("W3", f"end to end: sync that brings {_DELTA} notes, 95th of 100", "ms", percentile(pulls, 0.95))
        add("W3", "end to end: sync that brings nothing", "ms", statistics.median(nothing), floor=floors.PULL_MS)
        add("W3", "end to end: round trips of an incremental sync", "", max(trips), aim=-1)

    def _fold(self) -> None:
        session, log = self._late, self._notes
        known = list(session.occurrences(log))
        share = 10_000 / len(known)
        with timed() as pure:
            records = fold_log(log, known, session.types)
        with timed() as stored:
            again = session.records(log)
        if state_hash(records) != state_hash(again):
            raise RuntimeError("two folds differ")
        self._add("fold", "10,000 changes, decoded", "s", pure.seconds * share, aim=-0.2)
        self._add("fold", "10,000 changes, from the encrypted store", "s", stored.seconds * share)

    def _w4(self) -> None:
        team = [(session, self._team.link()) for session in self._sessions]
        with ThreadPoolExecutor(len(team)) as pool:
            list(pool.map(_sync, team))
            for session, _ in team:
                write_notes(session, self._shared, _EACH)
            cpu = self._team.server.cpu_s()
            with timed() as timer:
                list(pool.map(_sync, team))
                list(pool.map(_sync, team))
            cpu = self._team.server.cpu_s() - cpu
        if len({state_hash(session.records(self._shared)) for session in self._sessions}) != 1:
            raise RuntimeError("the team does not hold the same records")
        name = f"end to end: {len(team)} devices push {_EACH} and pull all"
        self._add("W4", name, "s", timer.seconds)
        self._add("W4", f"{name}: the server's processor time", "s", cpu)

    def _grants(self) -> None:
        me, to, secret = self._sam.identity, self._priya.identity.device, self._sam.entropy(32)
        info = keys.grant_info(me.svc, self._notes, 1, me.device, to)
        with timed() as sealing:
            sealed = [keys.seal_secrets(self._priya.receive_key.public, info, [secret]) for _ in range(_GRANTS)]
        with timed() as opening:
            for one in sealed:
                keys.open_secrets(self._priya.receive_key, info, one, 1)
        self._add("grant", "made", "ms", sealing.ms / _GRANTS)
        self._add("grant", "opened", "ms", opening.ms / _GRANTS)
        self._add("grant", "size in a statement", "B", len(cbor.encode([to, bytes(32), [1], sealed[0]])))

    def _rotation(self) -> None:
        """A crew whose one phone gets lost: the next of them to sync signs a new epoch for each of their files."""
        scale, link = self._scale, self._team.link()
        crew = self._team.enrol_many(scale.rotated_devices)
        lost = self._team.enrol("a phone that gets lost", crew[-1].identity.user)
        sync(crew[0], link)
        for _ in range(scale.rotated_files):
            self._team.begin_file(crew)
        sync(crew[0], link)
        sync(self._team.office, link)
        standing.revoke(self._team.office, lost.identity.device, "lost")
        sync(self._team.office, link)
        link.reset()
        with timed() as timer:
            report = sync(crew[0], link)
        if report.rotated != scale.rotated_files:
            raise RuntimeError(f"{report.rotated} of {scale.rotated_files} files were rotated")
        self._add("rotation", f"{report.rotated} files x {len(crew)} devices", "s", timer.seconds)
        self._add("rotation", "for each file, in one statement", "ms", timer.ms / report.rotated)
        self._add("rotation", "for each file: bytes up", "KB", link.sent / report.rotated / 1000)
        self._add("rotation", "requests for all of them", "", link.requests)


def _sync(who: tuple[Session, Link]) -> Report:
    return sync(*who)
