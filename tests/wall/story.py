"""What the sides do in twin runs (tests/wall/twins.py): the perpetrator side the same each time, the victim side nothing, much, or support for some."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared_schema import cbor, ids
from shared_schema.errors import ProtocolError
from shared_schema.parcel import week_of, week_starts
from sync.change import Op
from sync.device.across import agreeing, cases, instructions, posting, referrals
from sync.device.people import files, standing
from sync.device.recording import conflicts, records
from tests.wall.twins import Phone, Run, steady
from tests.world import DAY, HOUR

Leak = Callable[[Run], None]


def play(
    folder: Path,
    sealed: dict[bytes, bytes],
    *,
    busy: bool = False,
    rotate_desk: bool = False,
    supported: int = 0,
    instructs: bool = False,
    leak: Leak | None = None,
) -> dict[str, Any]:
    """The story, with a victim side that does nothing after its desk is open, or much, or supports so many people harmed by whom the case is about,
    and `instructs`. What the perpetrator side has in the end.
    """
    with steady(sealed), Run(folder) as run:
        if leak is not None:
            leak(run)
        sam, ruth, jo = run.enrol("perpetrator", "Sam", "navigator"), run.enrol("perpetrator", "Ruth", "coordinator"), desk_of(run)
        victim = _Victims(run, jo) if busy else None
        support = Support(run, jo, supported)
        for step in _story(run, sam, ruth):
            step()
            run.settle()
            if victim is not None:
                victim.something()
                if rotate_desk:
                    victim.rotate()
            support.something(instructs=instructs)
            jo.sync()  # a desk is staffed: what it sends to every case by the calendar goes in both runs
            run.settle()
            run.now_ms += 3 * DAY
        assert not instructs or support.instructed > 1
        return run.seen("perpetrator", folder)


def desk_of(run: Run) -> Phone:
    jo = run.enrol("victim", "Jo", "coordinator", "referral_desk")
    desk = files.create_file(jo.session, "intake")
    jo.sync()
    run.open_desk(jo, desk)
    jo.desk = desk  # type: ignore[attr-defined]
    return jo


def _story(run: Run, sam: Phone, ruth: Phone) -> list[Callable[[], Any]]:
    """What the perpetrator side does: a case, notes, a conflict, notices, mistakes, a change of members, a look at what there is."""
    there: dict[str, Any] = {}

    def begin() -> None:
        for phone in (sam, ruth):
            phone.sync()
        there["case"] = cases.open_case(sam.session, {ruth.session.identity.user: "coordinator"})
        sam.sync()
        ruth.sync()

    def visit() -> None:
        values = {
            "mode": "home_visit",
            "direction": "to_them",
            "with": ["client"],
            "result": "spoke",
            "workers": [ids.show(sam.session.identity.user)],
        }
        records.add(sam.session, there["case"], "contact", values)

    def write() -> None:
        visit()
        there["task"] = records.add(sam.session, there["case"], "task", {"what": "ring", "due": "2026-12-01"})
        details = {"received_on": "2026-11-22", "people_harmed": [{"names": "Cheryl"}]}
        posting.post(sam.session, there["case"], "referral_intake", details, fixed=True)
        sam.sync()
        ruth.sync()

    def disagree() -> None:
        for phone, day in ((sam, "2026-12-02"), (ruth, "2026-12-03")):
            records.edit(phone.session, there["case"], there["task"], {"due": day})
        for phone in (sam, ruth, sam):
            phone.sync()
        conflicts.resolve(ruth.session, there["case"], there["task"], "due", "2026-12-02", "the earlier")
        ruth.sync()

    def try_wrong_things() -> None:
        for path in (
            f"/v1/parcels/{ids.show(bytes(16))}?after=0",
            f"/v1/address/{ids.show(bytes(16))}",
            f"/v1/held/{ids.show(bytes(16))}?after=0",
            "/v1/tile/0/000",
        ):
            try:
                sam.transport.signed(sam.session, "GET", path)
            except ProtocolError:
                continue
        run.client.get("/v1/nonces?side=perpetrator&count=3")

    def change() -> None:
        max_ = run.enrol("perpetrator", "Max", "navigator")
        ruth.sync()
        files.add_member(ruth.session, there["case"], max_.session.identity.user, "navigator")
        for phone in (ruth, max_, sam):
            phone.sync()
        files.remove_member(ruth.session, there["case"], max_.session.identity.user)
        for phone in (ruth, max_, sam):
            phone.sync()

    def look() -> None:
        visit()
        for phone in (sam, ruth):
            phone.sync()
            phone.transport.signed(phone.session, "GET", "/v1/checkpoint")

    return [begin, write, disagree, try_wrong_things, change, look]


class _Victims:
    """The victim side's people, who are busy."""

    def __init__(self, run: Run, jo: Phone) -> None:
        self.run, self.jo, self.count = run, jo, 0
        self.workers: list[Phone] = []
        self.files: list[bytes] = []

    def something(self) -> None:
        """Enrolment, a file, notes, a link, a letter from the other side, wrong turns, a suspension, a revocation."""
        run, jo = self.run, self.jo
        self.count += 1
        lee = run.enrol("victim", f"Lee {self.count}", "link_worker")
        self.workers.append(lee)
        for phone in (jo, lee):
            phone.sync()
        log = files.create_file(jo.session, "case", {lee.session.identity.user: "link_worker"})
        self.files.append(log)
        for number in range(3 * self.count):
            jo.session.write(log, None, "task", [Op("what", "set", f"word {number}", ())])
        for phone in (jo, lee):
            phone.sync()
        opened = jo.session.store.records(jo.desk, "case_opened")  # type: ignore[attr-defined]
        if opened:
            case = records.values(jo.session, jo.desk, opened[0][0])["case"].value  # type: ignore[attr-defined]
            records.add(jo.session, jo.desk, "link", {"case": case, "file": ids.show(log), "support": "accepted"})  # type: ignore[attr-defined]
            self.across(log, str(case))
        jo.sync()
        run.client.get("/v1/nonces?side=victim&count=5")
        if self.count == 2:
            standing.suspend(jo.session, self.workers[0].session.identity.device, "lost")
            jo.sync()
        if self.count == 3:
            office = run.admins["victim"]
            office.sync()
            standing.revoke(office.session, self.workers[0].session.identity.device, "stolen")
            office.sync()
            jo.sync()

    def across(self, log: bytes, case: str) -> None:
        """What is prepared here for the other side and never goes: words that nobody agreed to or that were taken back, packs, matches, a role check."""
        jo = self.jo
        session, desk = jo.session, jo.desk  # type: ignore[attr-defined]
        for words in ("Ring the duty desk before you set out.", "Hold visits for now."):
            agreeing.ask(session, log, case, words, weeks=self.count, based_on=["police"], about={"why": "she moves"})
        agreeing.withdraw(session, agreeing.list_asked(session, log)[-1], "it is over")
        people = {"person_using_abuse": [{"names": "Jack"}], "people_harmed": [{"names": f"Cheryl {self.count}", "address": "14 Hawthorn Close"}]}
        pack = records.add(session, desk, "referral_intake", {"received_on": "2026-11-22", **people})
        referrals.match(session, desk, pack)
        referrals.incomplete(session, desk, pack, ["risk_level"], "2026-12-04")
        records.add(session, desk, "role_check", {"who": "Jane", "conclusion": "is_harmed"})

    def rotate(self) -> None:
        """Somebody joins the desk: its keys change."""
        max_ = self.run.enrol("victim", f"Max {self.count}", "referral_desk")
        self.jo.sync()
        files.add_member(self.jo.session, self.jo.desk, max_.session.identity.user, "referral_desk")  # type: ignore[attr-defined]
        self.jo.sync()


class Support:
    """So many people harmed, each with a file and a worker of her own, all linked to the one case. With nobody it does nothing."""

    def __init__(self, run: Run, jo: Phone, people: int) -> None:
        self.run, self.jo, self.people = run, jo, people
        self.files: list[bytes] = []
        self.instructed = 0

    def something(self, *, instructs: bool) -> None:
        """As soon as there is a case: their files, what they say, where they can be rung; and what is asked of the navigators each week."""
        jo, desk = self.jo, self.jo.desk  # type: ignore[attr-defined]
        if self.people and not self.files:
            jo.sync()
        opened = jo.session.store.records(desk, "case_opened")
        if not opened:
            return
        case = str(records.values(jo.session, desk, opened[0][0])["case"].value)
        for number in range(len(self.files), self.people):
            worker = self.run.enrol("victim", f"Worker {number}", "link_worker")
            jo.sync()
            self.files.append(files.create_file(jo.session, "case", {worker.session.identity.user: "link_worker"}))
            records.add(jo.session, desk, "link", {"case": case, "file": ids.show(self.files[-1]), "support": "accepted"})
        for number, log in enumerate(self.files):
            jo.session.write(log, None, "task", [Op("what", "set", f"ring number {number}", ())])
        week = week_of(self.run.now_ms)
        due = self.run.now_ms >= week_starts(week) + 4 * DAY + 12 * HOUR and case not in instructions._sent_in(jo.session, week)
        if instructs and self.files and due:  # as the filler would go
            instructions.instruct(jo.session, self.files[0], case, word="contact_gate", weeks=2, gate="hold")
            self.instructed += 1
        jo.sync()


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what is not equal."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def sizes(seen: dict[str, Any]) -> list[Any]:
    """How many messages each phone heard, in which order, of which size: what an exception for a parcel's bytes still leaves."""
    return [[(method, path, len(body), len(cbor.encode(said)) if isinstance(said, bytes | list) else 0) for method, path, body, _, said, _ in heard]
            for name, heard in sorted(seen.items()) if name.startswith("heard")]  # fmt: skip


def readable(value: Any) -> str:
    """For a failing test."""
    return json.dumps(repr(value))[:2000]
