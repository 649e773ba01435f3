"""Letters of the victim side end by the calendar: long and short ones, words and fillers of one week go together, and nobody else's do."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from server import engines
from shared_schema import cbor, ids
from shared_schema.parcel import week_of, week_starts
from shared_schema.records import code_list
from shared_schema.removal import EXPIRED
from sync import audit, removal
from sync.device.across import cases, expiring, instructions, posting
from sync.device.exchanging.outbox import put_signed
from sync.device.exports import audit_files
from sync.device.people import files
from sync.device.recording import records
from sync.device.removal import removing
from tests.canaries import canary
from tests.wall.test_parcels import open_desk
from tests.world import DAY, Phone, World

HOUR = DAY // 24
GONE = "(gone)"
ALL = code_list("instruction").codes


@dataclass
class Box:
    """A case with its liaison file, and the other side's desk, which knows it."""

    world: World
    sam: Phone
    ruth: Phone
    jo: Phone
    desk: bytes
    case: bytes
    liaison: bytes
    address: str

    def sync(self, *phones: Phone) -> None:
        for phone in phones or (self.jo, self.sam, self.ruth):
            assert not isinstance(phone.sync(), str)

    def to_monday(self, week: int, more_ms: int = HOUR) -> None:
        """Shortly after that week has begun."""
        self.world.clock.advance(week_starts(week) + more_ms - self.world.clock.now_ms)

    @property
    def week(self) -> int:
        return week_of(self.world.clock.now_ms)

    def parcels(self) -> int:
        """How many parcels for the box the server of its side still has."""
        with self.world.hosts["perpetrator"].engine.connect() as tx:
            return int(tx.exec_driver_sql("SELECT count(*) FROM parcel WHERE parcel <> x''").scalar_one())

    def sizes(self, first: int) -> list[int]:
        """How long each part of the box's entries is on the server, from a place on."""
        with self.world.hosts["perpetrator"].engine.connect() as tx:
            rows = tx.exec_driver_sql("SELECT parts FROM entry WHERE log_id = ? AND seq >= ? AND parts <> x'80' ORDER BY seq", (self.liaison, first))
            return [len(part) for (parts,) in rows.fetchall() for part in cbor.decode(parts) if part is not None]

    def words(self, phone: Phone) -> list[str]:
        """What the letters in the box say, on a phone, what has gone first."""
        found = [
            cases.values_of(phone.session, self.liaison, record).get("word", GONE)
            for record, _ in phone.session.store.records(self.liaison, expiring.LETTER)
        ]
        return sorted(found, key=lambda word: (word != GONE, word))


@pytest.fixture
def box() -> Iterator[Box]:
    with World() as world:
        sam, ruth = world.enrol("perpetrator", "Sam", ("navigator",)), world.enrol("perpetrator", "Ruth", ("coordinator",))
        jo = world.enrol("victim", "Jo", ("coordinator", "referral_desk"))
        desk = jo.do(lambda session: files.create_file(session, "intake"))
        jo.sync()
        open_desk(world, jo, desk)
        for phone in (sam, ruth):
            phone.sync()
        case = sam.do(lambda session: cases.open_case(session, {ruth.user: "coordinator"}))
        for phone in (sam, jo, ruth, sam):
            phone.sync()
        found = cases.liaison_of(sam.session, case)
        assert found is not None
        made = Box(world, sam, ruth, jo, desk, case, found[0], ids.show(found[1]))
        made.to_monday(made.week + 1, 10 * HOUR)
        yield made


def test_one_week_goes_together(box: Box) -> None:
    """A short word and a long one, an acknowledgement, a filler: in force to their ends, gone at one time."""
    began = box.week
    box.jo.do(lambda s: instructions.instruct(s, box.desk, box.address, word="instruction", weeks=1, say=ALL, about={"why": canary()}))
    box.jo.do(lambda s: instructions.instruct(s, box.desk, box.address, word="contact_gate", weeks=6, gate="clear"))
    box.jo.do(lambda s: instructions.acknowledge(s, box.desk, box.address))
    box.sync()
    box.to_monday(began + 1, 5 * DAY)
    box.sync()
    assert box.words(box.sam) == ["acknowledgement", "contact_gate", "filler", "instruction"]
    assert len(set(box.sizes(1))) == 1, "nobody who sees sizes can tell them apart"
    last = box.sam.session.author(box.liaison)[1].seq

    box.to_monday(began + 6, 0)
    box.sync()
    assert instructions.in_force(box.sam.session, box.liaison).gate == "hold", "the long one ended on the day before"
    box.world.clock.advance(6 * DAY)
    box.sync()
    assert GONE not in box.words(box.sam)

    box.to_monday(began + 7)
    box.sync(box.ruth)
    assert GONE not in box.words(box.ruth), "whoever began the file goes first"
    box.sync(box.sam, box.ruth)
    assert len(set(box.sizes(last + 2))) == 1, "nor what stands for them"
    for phone in (box.sam, box.ruth):
        assert box.words(phone) == [GONE, GONE, GONE, "filler", "filler"]
        assert not phone.session.store.alarms()
    assert box.parcels() == 2, "the server has dropped what they were made from"
    assert instructions.letters(box.sam.session, box.liaison)[0]["word"] == "filler"

    box.to_monday(began + 8, 2 * DAY)  # a colleague's device does it when the first is away
    box.sync(box.ruth, box.sam)
    assert box.words(box.sam)[:4] == [GONE, GONE, GONE, GONE]


def test_the_database_is_rewritten_once_for_all_of_them(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes long: what two people asked for is overwritten before they are answered, what the calendar takes a quarter of an hour later."""
    began, written = box.week, list[object]()
    monkeypatch.setattr(engines, "scrub", written.append)
    for _ in range(3):
        box.jo.do(lambda s: instructions.acknowledge(s, box.desk, box.address))
    box.sync()
    box.to_monday(began + 7)
    box.sync(box.sam)
    realm = box.world.hosts["perpetrator"].realm
    assert box.words(box.sam)[:3] == [GONE, GONE, GONE]
    assert (written, realm.gone.overwritten) == ([], False)
    box.world.clock.advance(HOUR // 4)
    realm.sequence()
    realm.sequence()
    assert (len(written), realm.gone.overwritten) == (1, True)


def test_who_lies_about_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too early, in another file, with a hold on, alone for another reason: the server takes none of it; what is no letter is an alarm."""
    box.jo.do(lambda s: instructions.instruct(s, box.desk, box.address, word="instruction", weeks=1, say=["no_home_visits"]))
    note = box.sam.do(lambda s: records.add(s, box.case, "task", {"what": "ring"}))
    box.sync()
    began = box.week
    monkeypatch.setattr(removing, "_put", lambda session, log, entry: put_signed(session, log, entry))

    def tries(phone: Phone, log: bytes, record: bytes, reason: str = EXPIRED) -> str:
        part = removing.parts_of(phone.session, log, record)[0]
        made = phone.do(lambda s: removing.expunge_part(s, log, part, reason, None))
        report = phone.sync()
        assert not isinstance(report, str)
        code = next((one.code for one in report.refused if one.id == made.id), "accepted")
        for item in phone.session.store.outbox(log):
            phone.session.store.drop_outbox(item.n)
        return code

    (letter, _) = box.ruth.session.store.records(box.liaison, expiring.LETTER)[0]
    assert tries(box.ruth, box.liaison, letter) == "not-permitted"
    assert tries(box.ruth, box.liaison, letter, "retention") == "not-approved"
    box.to_monday(began + 7, 1)
    assert tries(box.ruth, box.case, note) == "not-permitted"
    assert box.words(box.ruth) == ["instruction"]


def test_a_server_that_lets_it_go_too_early(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may append what it should refuse: every reader finds the statement void and keeps the letter, and the auditor names its place."""
    box.jo.do(lambda s: instructions.instruct(s, box.desk, box.address, word="instruction", weeks=1, say=["no_home_visits"]))
    box.sync()
    monkeypatch.setattr(removing, "_put", lambda session, log, entry: put_signed(session, log, entry))
    (letter, _) = box.ruth.session.store.records(box.liaison, expiring.LETTER)[0]
    part = removing.parts_of(box.ruth.session, box.liaison, letter)[0]
    made = box.ruth.do(lambda s: removing.expunge_part(s, box.liaison, part, EXPIRED, None))
    host = box.world.hosts["perpetrator"]
    with monkeypatch.context() as forging:
        forging.setattr(removal, "is_over", lambda *_: True)
        pushed = host.push(([made.cose, list(made.parts)],), host.sender(box.ruth.device))
        assert [answer.code for answer in pushed.answers] == ["accepted"]
        host.realm.sequence()
    box.sync(box.sam, box.ruth)
    for phone in (box.sam, box.ruth):
        assert {alarm[4] for alarm in phone.session.store.alarms()} == {"void:not-permitted"}
    found = audit.verify_export(audit_files.from_store(box.sam.session), box.sam.session.identity.authority).findings
    assert [(one.log, one.seq) for one in found] == [(box.liaison, box.sam.session.reader(box.liaison).log.head.seq)]


def test_what_is_no_letter_is_an_alarm(box: Box) -> None:
    """The server cannot see what a part says: one member's device takes out something else, and every other one says so."""
    other = box.sam.do(lambda s: records.add(s, box.liaison, "removal_request", {"act": "expunge", "approvals": [{"approval": "QUFB"}]}))
    box.sync(box.sam, box.ruth)
    box.to_monday(box.week + 7)
    part = removing.parts_of(box.ruth.session, box.liaison, other)[0]
    box.ruth.do(lambda s: removing.expunge_part(s, box.liaison, part, EXPIRED, None))
    box.sync(box.ruth, box.sam)
    assert [one[4] for one in box.sam.session.store.alarms()] == ["bad-expiry"]


def test_a_hold_keeps_them(box: Box) -> None:
    """A court has asked: nothing goes by the calendar until two people let go."""
    box.jo.do(lambda s: instructions.instruct(s, box.desk, box.address, word="instruction", weeks=1, say=["no_home_visits"]))
    box.sync()
    box.sam.do(lambda s: removing.set_hold(s, box.liaison))
    box.sync(box.sam)
    box.to_monday(box.week + 9)
    box.sync()
    assert box.words(box.sam)[0] == "instruction"


def test_a_letter_that_would_be_in_force_too_long(box: Box) -> None:
    """Its reader does not take what outlives the calendar."""
    body = {"word": "instruction", "say": ["no_home_visits"], "from": "2026-01-01", "until": "2099-01-01", "ring_first": "duty_desk"}
    box.jo.do(lambda s: posting.post(s, box.desk, "instruction", body, to=ids.parse(box.address)))
    box.sync()
    assert box.words(box.sam) == []
    assert [one[4] for one in box.sam.session.store.alarms()] == ["bad-parcel"]
