"""A side whose database is put back from an older copy: what comes back, what does not, and who decides (docs/spec.md §19)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from server import store
from server.append.commit import Sender
from server.append.push import push
from shared_schema import cbor, ids
from shared_schema.certificate import Revoke, Suspend, encode_registry_statement
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.restoring import Healing, Restore, decode_healed_to, encode_healing
from sync import audit
from sync.device.attaching import attachments
from sync.device.exchanging import outbox, restoring, syncing
from sync.device.exports import audit_files
from sync.device.people import files
from sync.device.removal import removing
from tests.coming_back import DAY, Restorable, note, texts, twice
from tests.wall.twins import Phone

P: Final[Side] = "perpetrator"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Restorable]:
    made = Restorable(tmp_path / "server")
    with made:
        yield made


def refused(phone: Phone) -> str:
    with pytest.raises(ProtocolError) as caught:
        phone.sync()
    return caught.value.code


class Team:
    """A case of Sam's and Ruth's, an hour of work, a copy, and another hour."""

    def __init__(self, run: Restorable) -> None:
        self.run = run
        self.sam, self.ruth = run.enrol(P, "Sam", "navigator"), run.enrol(P, "Ruth", "coordinator")
        people = {self.ruth.session.identity.user: "coordinator"}
        self.ruth.sync()
        self.sam.sync()
        self.case = files.create_file(self.sam.session, "case", people)
        note(self.sam, self.case, "before")
        self.sync()
        run.pass_time()
        self.copy = run.copy()
        note(self.sam, self.case, "after, by Sam")
        self.sam.sync()
        note(self.ruth, self.case, "after, by Ruth")
        self.ruth.sync()
        self.sync()
        self.heads = run.heads()

    def sync(self) -> None:
        for phone in (self.sam, self.ruth, self.run.admins[P]):
            phone.sync()


def test_a_side_behind_its_marks_is_not_served(run: Restorable) -> None:
    """No route of it answers but those that bring it back, and no other side is touched."""
    team = Team(run)
    run.put_back(team.copy)
    assert run.service.restoring == [P]
    assert refused(team.sam) == refused(run.admins[P]) == "restoring"
    ready = run.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "restoring", "sides": [P]})
    run.admins["victim"].sync()
    run.admins["oversight"].sync()
    assert "regressed" in (run.folder / f"{P}.log").read_text()
    assert run.client.get("/v1/restored?side=victim").status_code == 404
    offered = run.offer()
    assert offered.marks
    assert offered.next != offered.incarnation
    run.restart()
    assert run.service.restoring == [P], "a start alone changes nothing"


def test_a_copy_that_lacks_nothing_but_deliveries(run: Restorable) -> None:
    """It has every entry: but of its audit tree devices have seen more, and would find that it had shrunk."""
    team = Team(run)
    note(team.sam, team.case, "not fetched yet")
    team.sam.sync()
    copy = run.copy()
    team.ruth.sync()
    heads = run.heads()
    run.put_back(copy)
    assert run.service.restoring == [P]
    run.restart()
    assert run.service.restoring == [P]
    run.declare()
    twice([team.sam, team.ruth])
    assert run.heads()[team.case] == heads[team.case]
    assert {one[4] for one in team.ruth.store.alarms()} == {"restored"}
    assert verified(run) == []


def test_a_registry_alone_that_was_brought_back_is_not_the_end_of_it(run: Restorable) -> None:
    """Then the database has all entries again, and its tree is another all the same."""
    Team(run)
    copy = run.copy()
    kim = run.enrol(P, "Kim", "navigator")
    run.put_back(copy)
    assert refused(kim) == "restoring"
    assert run.service.sides[P].realm.known().seq == kim.session.registry.seq
    run.restart()
    assert run.service.restoring == [P]
    run.declare()
    kim.sync()
    assert {one[4] for one in kim.store.alarms()} == {"restored"}


def test_everything_comes_back(run: Restorable) -> None:
    team = Team(run)
    run.put_back(team.copy)
    run.declare()
    assert run.service.restoring == []
    twice([team.sam, team.ruth])
    heads = run.heads()
    log = team.sam.session.registry.log
    assert {one: head for one, head in heads.items() if one != log} == {one: head for one, head in team.heads.items() if one != log}
    assert heads[log][0] == team.heads[log][0] + 1
    note(team.sam, team.case, "and on")
    twice([team.sam, team.ruth])
    assert texts(team.ruth, team.case) == texts(team.sam, team.case) == ["after, by Ruth", "after, by Sam", "and on", "before"]
    assert team.sam.store.unsent() == team.ruth.store.unsent() == 0
    assert not team.sam.store.not_whole()
    assert [one[4] for one in team.ruth.store.alarms()] == ["restored"], "and who declared it is told"
    run.restart()
    assert run.service.restoring == []
    twice([team.sam])
    assert verified(run) == []


def verified(run: Restorable) -> list[Any]:
    """What an auditor finds wrong."""
    supervisor = run.enrol("oversight", f"Supervisor {len(run.phones)}", f"supervisor_{P}")
    export = audit_files.from_server(lambda path: supervisor.transport.signed(supervisor.session, "GET", path), P, run.made.svc)
    found = audit.verify_export(export, supervisor.session.identity.authority)
    assert found.leaves
    return found.findings


def test_the_registry_comes_back_from_whoever_has_it(run: Restorable) -> None:
    """The last entry is a phone's enrolment, which the administrator never heard of."""
    team = Team(run)
    kim = run.enrol(P, "Kim", "navigator")
    run.put_back(team.copy)
    with pytest.raises(Refused) as caught:
        run.declare()
    assert caught.value.code == "restoring"
    assert refused(kim) == "restoring", "but it has brought what it has"
    run.restart()
    assert run.service.restoring == [P]
    run.declare()
    kim.sync()
    assert kim.session.certified
    assert run.service.sides[P].realm.known().devices.keys() >= {kim.session.identity.device}


def test_nobody_who_was_put_out_comes_back(run: Restorable) -> None:
    """A removal, a revocation and a suspension stand in the lost part."""
    team = Team(run)
    kim, lou, max_ = (run.enrol(P, name, "navigator") for name in ("Kim", "Lou", "Max"))
    team.sync()
    files.add_member(team.ruth.session, team.case, kim.session.identity.user, "navigator")
    team.sync()
    kim.sync()
    assert texts(kim, team.case)
    copy = run.copy()
    files.remove_member(team.ruth.session, team.case, kim.session.identity.user)
    admin = run.admins[P]
    log = admin.session.registry.log
    for statement in (Revoke(lou.session.identity.device, "stolen"), Suspend(max_.session.identity.device, "lost")):
        outbox.put_statement(admin.session, log, encode_registry_statement(statement))
        admin.sync()
    team.sync()
    note(team.sam, team.case, "not for Kim")
    team.sync()
    heads = run.heads()
    run.put_back(copy)
    run.declare()
    for _ in range(2):
        kim.sync()
        assert refused(lou) == "revoked"
        assert refused(max_) == "suspended"
    twice([team.ruth, team.sam])
    assert run.heads()[team.case] == heads[team.case]
    kim.sync()
    assert "not for Kim" not in texts(kim, team.case)
    assert verified(run) == []


def test_a_write_waits_for_what_was_lost(run: Restorable) -> None:
    """What is sent while a file heals stays in its outbox, and is taken when the file is whole."""
    team = Team(run)
    note(team.sam, team.case, "made before the declaration")
    outbox.seal_pending(team.sam.session)
    run.put_back(team.copy)
    run.declare()
    kim = run.enrol(P, "Kim", "navigator")
    kim.sync()
    realm = run.service.sides[P].realm
    assert realm.heals(team.case)
    item = team.sam.store.outbox(team.case)[0]
    who = Sender(team.sam.session.identity.device, team.sam.session.identity.user)
    [found] = realm.transact([lambda commit: push(commit, ([item.cose, cbor.decode(item.parts)],), who)])
    assert [answer.code for answer in found.answers] == ["restoring"]
    assert found.answers[0].signed is None
    twice([team.sam, team.ruth])
    assert "made before the declaration" in texts(team.ruth, team.case)
    assert team.sam.store.unsent() == 0


def test_ten_devices_after_two_syncs_each(run: Restorable) -> None:
    """Each has something of the last day that the copy has not; all of it is at its place afterwards."""
    phones = [run.enrol(P, f"Person {n}", "coordinator") for n in range(10)]
    first = phones[0]
    first.sync()
    people = {phone.session.identity.user: "coordinator" for phone in phones[1:]}
    cases = [files.create_file(first.session, "case", people) for _ in range(2)]
    twice(phones)
    copy = run.copy()
    run.pass_time(DAY)
    for n, phone in enumerate(phones):
        for case in cases:
            note(phone, case, f"written by {n}")
        phone.sync()
    for n, phone in enumerate(phones):
        note(phone, cases[n % 2], f"not sent by {n}")
    heads = run.heads()
    run.put_back(copy)
    run.declare()
    run.admins[P].sync()
    realm = run.service.sides[P].realm
    twice(phones)
    for phone in phones:
        for case in cases:
            assert [row.id for row in phone.store.entries(case)][: heads[case][0]] == [row.id for row in first.store.entries(case)][: heads[case][0]]
    for case in cases:
        seq, chain = heads[case]
        with realm.engine.connect() as tx, tx.begin():
            assert store.chain_at(tx, case, seq) == chain
    twice(phones)
    wanted = sorted([f"written by {n}" for n in range(10)] + [f"not sent by {n}" for n in range(0, 10, 2)])
    assert all(texts(phone, cases[0]) == wanted for phone in phones)
    assert sum(phone.store.unsent() for phone in phones) == 0
    assert {one[4] for phone in phones for one in phone.store.alarms()} == {"restored"}
    assert verified(run) == []


class TestRemoved:
    """What two people removed in the lost part stays removed, whoever still has it and whatever the copy has."""

    def remove(self, team: Team, act: str, record: bytes = b"") -> None:
        if act == "expunge":
            removing.ask_expunge(team.sam.session, team.case, removing.parts_of(team.sam.session, team.case, record), "spill")
        else:
            removing.ask_erase(team.sam.session, team.case, "request")
        team.sync()
        [request] = removing.waiting_for(team.ruth.session)
        for one in request.left:
            removing.carry_out(team.ruth.session, request, one)
            team.ruth.sync()

    @pytest.mark.parametrize("listed", [True, False])
    def test_a_part(self, run: Restorable, *, listed: bool) -> None:
        """Also where the list outside the database went with it: the statement comes back, and is carried out again."""
        team = Team(run)
        record = note(team.sam, team.case, "her address")
        team.sync()
        copy = run.copy()
        kim = run.enrol(P, "Kim", "navigator")
        self.remove(team, "expunge", record)
        team.sync()
        heads = run.heads()
        run.put_back(copy, gone=listed)
        assert kim.name
        assert refused(kim) == "restoring"
        run.declare()
        twice([team.sam, team.ruth])
        assert run.heads()[team.case] == heads[team.case]
        assert texts(team.sam, team.case) == texts(team.ruth, team.case)
        assert "her address" not in texts(team.sam, team.case)
        rows = run.service.sides[P].realm
        with rows.engine.connect() as tx, tx.begin():
            parts = [cbor.decode(row.parts) for row in store.entries_after(tx, team.case, 0, 99, 99)]
        assert sum(None in one for one in parts) == 1
        assert len(list(rows.gone)) == 1
        run.restart()
        twice([team.sam])
        assert verified(run) == []

    def test_a_file(self, run: Restorable) -> None:
        team = Team(run)
        note(team.sam, team.case, "in the lost part")
        team.sync()
        self.remove(team, "erase")
        team.sync()
        heads = run.heads()
        run.put_back(team.copy)
        run.declare()
        twice([team.sam, team.ruth])
        assert run.heads()[team.case] == heads[team.case]
        realm = run.service.sides[P].realm
        with realm.engine.connect() as tx, tx.begin():
            rows = store.entries_after(tx, team.case, 0, 99, 99)
        assert [bool(row.cose) for row in rows] == [False] * (len(rows) - 1) + [True]
        assert texts(team.sam, team.case) == []
        assert verified(run) == []


def test_a_lost_tail_that_nobody_has(run: Restorable) -> None:
    """After `healed` the side goes on without it, and whoever comes late puts theirs aside: nothing typed is lost."""
    team = Team(run)
    run.put_back(team.copy)
    run.declare()
    admin = run.admins[P]
    restoring.end_healing(admin.session)
    admin.sync()
    kim = run.enrol(P, "Kim", "navigator")
    assert not kim.session.registry.healing
    twice([team.ruth])
    assert texts(team.ruth, team.case) == ["after, by Ruth", "before"], "her own is sent again, Sam's is kept aside"
    assert [(one.user, one.device) for one in team.ruth.store.parked()] == [(team.sam.session.identity.user, team.sam.session.identity.device)]
    assert "parked" in [one[4] for one in team.ruth.store.alarms()]
    twice([team.sam])
    twice([team.ruth, team.sam])
    assert texts(team.ruth, team.case) == texts(team.sam, team.case) == ["after, by Ruth", "after, by Sam", "before"]
    assert team.ruth.store.parked() == [] == team.sam.store.parked()
    assert team.sam.store.unsent() == team.ruth.store.unsent() == 0
    assert verified(run) == []


def test_what_was_written_in_sight_of_the_lost_part(run: Restorable) -> None:
    """It says that it had seen what is not there any more: sent again as it was, every reader would find a hole."""
    team = Team(run)
    note(team.ruth, team.case, "after all of that")
    team.ruth.sync()
    note(team.ruth, team.case, "and not sent")
    run.put_back(team.copy)
    run.declare()
    restoring.end_healing(run.admins[P].session)
    run.admins[P].sync()
    twice([team.ruth, team.sam])
    twice([team.ruth, team.sam])
    wanted = ["after all of that", "after, by Ruth", "after, by Sam", "and not sent", "before"]
    assert texts(team.sam, team.case) == texts(team.ruth, team.case) == wanted
    for phone in (team.sam, team.ruth):
        assert {one[4] for one in phone.store.alarms()} == {"restored", "parked"}


def test_without_marks_everything_waits_for_the_administrators_word(run: Restorable) -> None:
    team = Team(run)
    run.put_back(team.copy, marks=False)
    assert run.service.restoring == [P], "the database says that there were marks"
    assert not run.offer().marks
    run.declare()
    twice([team.sam, team.ruth])
    assert {log: head for log, head in run.heads().items() if log == team.case} == {team.case: team.heads[team.case]}
    note(team.sam, team.case, "waits")
    twice([team.sam])
    assert team.sam.store.unsent() == 1
    admin = run.admins[P]
    admin.sync()
    restoring.end_healing(admin.session)
    admin.sync()
    twice([team.sam, team.ruth])
    assert team.sam.store.unsent() == 0
    assert "waits" in texts(team.ruth, team.case)


def test_a_file_that_was_begun_meanwhile_comes_back_whole(run: Restorable) -> None:
    """The server has nothing of it: its members bring it from the beginning."""
    team = Team(run)
    other = files.create_file(team.sam.session, "case", {team.ruth.session.identity.user: "coordinator"})
    note(team.sam, other, "a new case")
    team.sync()
    heads = run.heads()
    run.put_back(team.copy)
    run.declare()
    twice([team.ruth])
    assert run.heads()[other] == heads[other], "Ruth has it from the beginning"
    twice([team.sam])
    assert run.heads()[other] == heads[other]
    note(team.sam, other, "goes on")
    twice([team.sam, team.ruth])
    assert texts(team.ruth, other) == ["a new case", "goes on"]


def test_what_was_begun_without_a_connection_is_taken_as_it_is(run: Restorable) -> None:
    team = Team(run)
    fresh = files.create_file(team.sam.session, "case", {team.ruth.session.identity.user: "coordinator"})
    note(team.sam, fresh, "typed in the field")
    outbox.seal_pending(team.sam.session)
    run.put_back(team.copy)
    run.declare()
    twice([team.sam, team.ruth])
    assert texts(team.ruth, fresh) == ["typed in the field"]


def test_a_statement_of_the_registry_that_waited_is_signed_again(run: Restorable) -> None:
    team = Team(run)
    kim, admin = run.enrol(P, "Kim", "navigator"), run.admins[P]
    admin.sync()
    outbox.put_statement(admin.session, admin.session.registry.log, encode_registry_statement(Revoke(kim.session.identity.device, "stolen")))
    run.put_back(team.copy)
    kim_refused = refused(kim)
    assert kim_refused == "restoring"
    run.declare()
    admin.sync()
    assert admin.session.registry.devices[kim.session.identity.device].revoked is not None
    assert admin.store.waiting(admin.session.registry.log) == []


def test_interrupted_anywhere_it_goes_on(run: Restorable) -> None:
    team = Team(run)
    run.put_back(team.copy)
    admin = run.admins[P]
    honest = admin.transport.unsigned

    def lost(method: str, path: str, body: bytes = b"") -> bytes:
        answer = honest(method, path, body)
        if method == "POST":
            raise Refused("offline")
        return answer

    admin.transport.unsigned = lost  # type: ignore[method-assign]
    with pytest.raises(Refused):
        run.declare()
    admin.transport.unsigned = honest  # type: ignore[method-assign]
    assert run.service.restoring == []
    marks = json.loads((run.folder / f"{P}.marks").read_text().splitlines()[0])
    assert marks["incarnation"] == ids.show(run.service.sides[P].realm.incarnation)
    admin.sync()
    assert admin.store.waiting(admin.session.registry.log) == []
    run.restart()
    twice([team.sam, team.ruth])
    assert run.heads()[team.case] == team.heads[team.case]


def test_the_machine_stops_between_the_commit_and_the_marks(run: Restorable) -> None:
    team = Team(run)
    run.put_back(team.copy)
    before = (run.folder / f"{P}.marks").read_bytes()
    run.declare()
    run.stop()
    (run.folder / f"{P}.marks").write_bytes(before)
    run.start()
    assert run.service.restoring == []
    assert run.service.sides[P].realm.heals(team.case), "and what it waits for is known"
    twice([team.sam, team.ruth])
    assert run.heads()[team.case] == team.heads[team.case]


def test_it_comes_back_twice(run: Restorable) -> None:
    """The second copy is older than the first declaration."""
    team = Team(run)
    run.put_back(team.copy)
    run.declare()
    twice([team.sam, team.ruth])
    run.pass_time(DAY)
    note(team.sam, team.case, "between")
    twice([team.sam, team.ruth])
    heads = run.heads()
    run.put_back(team.copy)
    run.declare()
    assert len(run.service.sides[P].realm.known().incarnations) == 3
    twice([team.sam, team.ruth])
    assert run.heads()[team.case] == heads[team.case]
    assert texts(team.ruth, team.case) == ["after, by Ruth", "after, by Sam", "before", "between"]
    assert verified(run) == []


class TestForged:
    """What is brought is proved by this server's own word, and by each author's."""

    @pytest.fixture
    def team(self, run: Restorable) -> Team:
        team = Team(run)
        run.put_back(team.copy)
        run.declare()
        admin = run.admins[P]
        assert admin.session.registry.healing
        return team

    def bring(self, team: Team, phone: Phone | None = None, **over: Any) -> tuple[str, int]:
        """The code of the refusal, or "", and where the file ends."""
        phone = phone or team.sam
        start = over.pop("after", 2)
        rows = list(team.sam.store.entries(team.case, start))
        usual = Healing(
            start,
            tuple((row.id, row.received_ms) for row in rows),
            team.sam.store.signed_head(team.case) or b"",
            tuple([row.cose, cbor.decode(row.parts)] for row in rows),
        )
        body = encode_healing(replace(usual, **over))
        code = ""
        try:
            decode_healed_to(phone.transport.signed(phone.session, "POST", f"/v1/heal/{ids.show(team.case)}", body))
        except ProtocolError as error:
            code = error.code
        return code, team.run.heads()[team.case][0]

    def rows(self, team: Team) -> list[Any]:
        return list(team.sam.store.entries(team.case, 2))

    def test_as_it_was(self, team: Team) -> None:
        assert self.bring(team) == ("", 4)
        assert self.bring(team) == ("", 4), "asked twice, nothing is done twice"

    def test_other_ids(self, team: Team) -> None:
        links = tuple((bytes(32), row.received_ms) for row in self.rows(team))
        assert self.bring(team, links=links) == ("contradiction", 2)

    def test_other_times(self, team: Team) -> None:
        links = tuple((row.id, row.received_ms + 1) for row in self.rows(team))
        assert self.bring(team, links=links) == ("contradiction", 2)

    def test_another_signature(self, team: Team) -> None:
        """An id does not cover it: the same place would be rightly signed for somebody else."""
        first, second = self.rows(team)
        forged = first.cose[:-1] + bytes([first.cose[-1] ^ 1])
        entries = ([forged, cbor.decode(first.parts)], [second.cose, cbor.decode(second.parts)])
        assert self.bring(team, entries=entries) == ("contradiction", 2)

    def test_another_part(self, team: Team) -> None:
        first, second = self.rows(team)
        entries = ([first.cose, [bytes(300)]], [second.cose, cbor.decode(second.parts)])
        assert self.bring(team, entries=entries) == ("malformed", 2)

    def test_a_part_that_nobody_removed(self, team: Team) -> None:
        first, second = self.rows(team)
        entries = ([first.cose, [None]], [second.cose, cbor.decode(second.parts)])
        assert self.bring(team, entries=entries) == ("malformed", 2)

    def test_a_gap(self, team: Team) -> None:
        _, second = self.rows(team)
        assert self.bring(team, entries=([second.cose, cbor.decode(second.parts)],)) == ("malformed", 2)
        assert self.bring(team, after=3) == ("", 2), "nothing joins on: nothing is taken"

    def test_a_head_by_another_key(self, team: Team) -> None:
        victim = team.run.admins["victim"]
        head = victim.store.signed_head(victim.session.registry.log) or b""
        assert self.bring(team, head=head) == ("malformed", 2)

    def test_a_head_of_another_log(self, team: Team) -> None:
        head = team.sam.store.signed_head(team.sam.session.registry.log) or b""
        assert self.bring(team, head=head) == ("malformed", 2)

    def test_somebody_elses_file(self, team: Team) -> None:
        """The bytes of a file that there is not, with everything right: it is not theirs."""
        kim = team.run.enrol(P, "Kim", "navigator")
        assert self.bring(team, kim) == ("no-such-file", 2)
        answers = []
        for log in (team.case, bytes(16)):
            with pytest.raises(Refused) as caught:
                kim.transport.signed(kim.session, "GET", f"/v1/heal/{ids.show(log)}?below=9")
            answers.append((caught.value.code, str(caught.value)))
        assert answers[0] == answers[1]

    def test_another_registry(self, run: Restorable) -> None:
        team = Team(run)
        kim = run.enrol(P, "Kim", "navigator")
        run.put_back(team.copy)
        known, store = kim.session.registry, kim.store
        rows = list(store.entries(known.log, known.seq - 1))
        head = store.signed_head(known.log)
        for entries in (
            [[[rows[0].cose, []], rows[0].received_ms + 1]],
            [[[rows[0].cose[:-1] + bytes([rows[0].cose[-1] ^ 1]), []], rows[0].received_ms]],
        ):
            body = cbor.encode({"v": 1, "entries": entries, "head": head, "restore": None})
            with pytest.raises(ProtocolError) as caught:
                kim.transport.unsigned("POST", f"/v1/restored?side={P}", body)
            assert caught.value.code == "contradiction"
        assert run.service.sides[P].realm.known().seq == known.seq - 1


def test_a_restore_is_not_taken_where_nothing_was_lost(run: Restorable) -> None:
    team = Team(run)
    admin = run.admins[P]
    entry = outbox.put_statement(admin.session, admin.session.registry.log, encode_registry_statement(Restore(bytes(16), None, marked=True)))
    report = syncing.sync(admin.session, admin.transport)
    assert [(one.id, one.code) for one in report.refused] == [(entry.id, "not-permitted")]
    assert run.heads()[team.case] == team.heads[team.case]


@pytest.mark.parametrize("kept", [True, False])
def test_attachments_come_back_from_whoever_has_them(run: Restorable, kept: bool) -> None:
    """Their rows and claims went with the database, or their bytes too: a device that has them claims anew, and brings what is missing. Then they stay."""
    team = Team(run)
    content = attachments.Cleaned("png", b"what it looked like" * 9000, b"", "")
    record = attachments.add(team.sam.session, team.case, content, {"kind": "photo", "what": "door", "cleaned": "yes"})
    twice([team.sam, team.ruth])
    run.put_back(team.copy)
    if not kept:
        run.lose_chunks()
    run.declare()
    twice([team.sam, team.ruth])
    rows = run.service.sides[P].realm.keeper
    with rows.engine.connect() as tx:
        states = tx.exec_driver_sql("SELECT DISTINCT state FROM claim").fetchall()
    assert states == [(1,)], "a claim that only waits ends after a week, and the chunks with it"
    run.pass_time(8 * DAY)
    for phone in (team.sam, team.ruth):
        phone.sync()
    assert attachments.fetch(team.ruth.session, lambda: team.ruth.transport, team.case, record) == content.content
    run.service.sides[P].realm.sequence()
    assert attachments.fetch(team.ruth.session, lambda: team.ruth.transport, team.case, record) == content.content
