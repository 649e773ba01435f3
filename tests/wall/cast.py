"""A whole service for the access matrix: every role on every side, in every standing, and files of every kind in every state.

What is pushed here is decided as anywhere and, where it would be taken, undone: each cell finds the same service.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Final
from unittest import mock

import httpx
import jwt

import server.service
from server.append.commit import Commit
from server.realm import Job, Realm
from server.settings import Settings
from shared_schema import cbor, ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from shared_schema.request import ALGORITHM, NONCE_HEADER, SCHEME, TYP, claims
from sync.change import Op
from sync.device.across import board
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.people import files, recovery, standing
from sync.device.removal import removing
from sync.keys import RecoverySecret
from tests import database
from tests.wall import twins
from tests.wall.twins import AtOnce, Phone, Run
from tests.world import DAY, START_MS, YEAR, Entropy

_P, _V, _O = SIDES
# Who heads a column of matrix.txt: side, roles. `adp`, `adv`, `ado` are the sides' administrators, `new` is a second phone of `nav`.
PEOPLE: Final[dict[str, tuple[Side, tuple[str, ...]]]] = {
    "nav": (_P, ("navigator",)), "coo": (_P, ("coordinator",)), "the": (_P, ("therapist",)), "lea": (_P, ("therapy_lead",)),
    "fun": (_P, ("fund_holder",)), "rec": (_P, ("records_officer",)), "col": (_P, ("navigator",)), "th2": (_P, ("therapist",)),
    "rem": (_P, ("navigator",)), "per": (_P, ("coordinator",)), "sus": (_P, ("navigator",)), "rev": (_P, ("navigator",)),
    "exp": (_P, ("navigator",)),
    "jo": (_V, ("coordinator", "referral_desk")), "lin": (_V, ("link_worker",)), "ref": (_V, ("referral_desk",)),
    "fuv": (_V, ("fund_holder",)), "rcv": (_V, ("records_officer",)), "li2": (_V, ("link_worker",)), "co2": (_V, ("coordinator",)),
    "suv": (_V, ("link_worker",)),
    "spp": (_O, ("supervisor_perpetrator",)), "spv": (_O, ("supervisor_victim",)),
}  # fmt: skip
ADMINISTRATORS: Final = {"adp": _P, "adv": _V, "ado": _O}
OUT: Final = {"sus": "suspended", "rev": "revoked", "exp": "certificate-ended", "suv": "suspended"}
# Each file: who begins it, its kind, and who else is in it as what.
FILES: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "case": ("nav", "case", {"coo": "coordinator", "rem": "navigator", "sus": "navigator", "exp": "navigator"}),
    "shared care": ("nav", "shared_care", {"coo": "coordinator", "the": "therapist"}),
    "therapy": ("the", "therapy", {"lea": "therapy_lead"}),
    "liaison": ("nav", "liaison", {"coo": "coordinator", "rem": "navigator"}),
    "fund": ("fun", "fund", {"coo": "coordinator", "nav": "navigator"}),
    "desk": ("coo", "desk", {"rec": "records_officer"}),
    "intake": ("coo", "intake", {"per": "coordinator"}),
    "owes a rotation": ("nav", "case", {"coo": "coordinator", "rev": "navigator"}),
    "erased": ("nav", "case", {"coo": "coordinator"}),
    "expunged": ("nav", "case", {"coo": "coordinator"}),
    "on hold": ("nav", "case", {"coo": "coordinator"}),
    "her case": ("jo", "case", {"lin": "link_worker", "suv": "link_worker"}),
    "her fund": ("fuv", "fund", {"jo": "coordinator", "lin": "link_worker"}),
    "her desk": ("jo", "desk", {"rcv": "records_officer"}),
    "her intake": ("jo", "intake", {"ref": "referral_desk"}),
}
ELSEWHERE: Final = ("abandoned", "not begun", "absent")  # by `rev` alone, before the recovery key was renewed; by `sus`, held; nowhere
OF_A_REFUSAL: Final = frozenset({"events", "statuses", "verdicts"})  # what it may write: that it was, who asked, and its signed word
_SETTLED: Final = ("audit_event", "audit_tile", "checkpoint", "device_status", "verdict")
_OF_SEVERAL: Final = ("body", "change", "nonce")
"""What processes on one PostgreSQL database share: bytes that came before their chunk was decided, a journal of transactions, and used nonces."""


class _Undone(Exception):
    """The transaction is taken back."""


class Rehearsing(AtOnce):
    """A writer that, while `rehearses`, decides as always and commits nothing. `wrote` is what it would have written."""

    rehearses = False
    wrote: ClassVar[set[str]] = set()

    async def do(self, job: Job, then: Callable[[], Any] | None = None) -> Any:
        if not Rehearsing.rehearses:
            return await super().do(job, then)
        kept: list[Any] = []
        opened = {log: replace(one, recent=dict(one.recent)) for log, one in self._realm._logs.items()}  # what is undone empties this

        def rehearse(commit: Commit) -> None:
            known = commit.registry
            kept.append(job(commit))
            Rehearsing.wrote |= {one.name for batch in (commit.batch, commit.parcels) for one in fields(batch) if getattr(batch, one.name)}
            Rehearsing.wrote |= {"registry"} if commit.registry is not known else set()
            raise _Undone

        [result] = self._realm.transact([rehearse])
        self._realm._logs = opened
        if not isinstance(result, _Undone):
            raise result
        return then() if then else kept[0]


class Cast:
    """The service, its people by the names of PEOPLE, its logs by those of FILES and ELSEWHERE."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.people: dict[str, Phone] = {}
        self.logs: dict[str, bytes] = {}
        self.chunks: dict[str, bytes] = {}
        """A chunk that lies in each file; of those that are none, the id of one that lies nowhere."""
        self._nonces: dict[str, str] = {}
        self.secrets = {side: [RecoverySecret(run.made.recovery[side])] for side in SIDES}
        self._enrol()
        self._begin()
        self._bring()
        self._change()
        self._lose()
        self.logs |= {f"registry of the {side} side": ids.registry_log(run.made.svc, side) for side in SIDES} | {"absent": b"no such file yet"}
        self.chunks |= {name: ids.sha256(name.encode()) for name in self.logs if name not in self.chunks}

    def side(self, who: str) -> Side:
        return self.people[who].side

    def realm(self, side: Side) -> Realm:
        return self.run.service.sides[side].realm

    def user(self, who: str) -> bytes:
        return self.people[who].session.identity.user

    def sync(self, *people: str) -> None:
        for who in people:
            self.people[who].sync()

    def _enrol(self) -> None:
        self.people = {name: self.run.enrol(side, name, *roles, until_ms=START_MS + (DAY if name == "exp" else YEAR))
                       for name, (side, roles) in PEOPLE.items()}  # fmt: skip
        self.people |= {name: self.run.admins[side] for name, side in ADMINISTRATORS.items()}
        self.sync(*PEOPLE)
        rev = self.people["rev"]
        self.logs["abandoned"] = files.create_file(rev.session, "case")
        rev.sync()
        office, fresh = self.people["adp"], RecoverySecret(Entropy(0, "fresh")(32))
        office.sync()
        recovery.renew(office.session, fresh)
        self.secrets["perpetrator"].append(fresh)
        office.sync()
        with mock.patch.object(syncing, "_tend", return_value=False):
            rev.sync()  # what nobody rotates waits with the key before
        self.sync(*(name for name in PEOPLE if name != "rev"))

    def _begin(self) -> None:
        for name, (creator, kind, others) in FILES.items():
            session = self.people[creator].session
            self.logs[name] = files.create_file(session, kind, {self.user(who): role for who, role in others.items()})
            session.write(self.logs[name], None, "task", [Op("what", "set", "in every file", ())])
        self.sync(*(name for name in PEOPLE if name != "rev"))
        for who, desk in (("jo", "her intake"), ("coo", "intake")):
            self.run.open_desk(self.people[who], self.logs[desk])
        with mock.patch.object(syncing, "_tend", return_value=False):
            self.sync("rev")

    def _bring(self) -> None:
        """A chunk in each file, by whoever began it."""
        for name, who in {**{name: creator for name, (creator, _, _) in FILES.items()}, "abandoned": "rev"}.items():
            data = ids.sha256(name.encode()) * 1024
            self.chunks[name] = ids.sha256(data)
            answer = self.ask(who, "PUT", f"/v1/chunk/{ids.show(self.logs[name])}/{self.chunks[name].hex()}", data)
            assert answer.status_code == 200, answer.content

    def _change(self) -> None:
        """What is expunged, on hold, erased; who was removed."""
        nav, coo = self.people["nav"].session, self.people["coo"].session
        note = nav.write(self.logs["expunged"], None, "task", [Op("what", "set", "a spilled address", ())])
        self.sync("nav", "coo")
        removing.ask_expunge(nav, self.logs["expunged"], removing.parts_of(nav, self.logs["expunged"], note), "spill")
        removing.ask_erase(nav, self.logs["erased"], "court")
        removing.set_hold(coo, self.logs["on hold"])
        self.sync("nav", "coo")
        for request in removing.waiting_for(coo):
            removing.carry_out(coo, request, request.asked[0])
            self.sync("coo")
        for log in (self.logs["case"], self.logs["liaison"]):
            files.remove_member(coo, log, self.user("rem"))
            self.sync("coo")
        nav.write(self.logs["case"], None, "task", [Op("what", "set", "after a removal", ())])
        self.sync("nav", "rem", "sus", "exp", "coo")

    def _lose(self) -> None:
        """Who loses their place, and what they hand in. From `revoke` on nobody of that side syncs: they would rotate, and grant."""
        for who, by, log in (("sus", "coo", "case"), ("suv", "jo", "her case")):
            lost = self.people[who]
            standing.suspend(self.people[by].session, lost.session.identity.device, "lost")
            self.sync(by)
            lost.session.write(self.logs[log], None, "task", [Op("what", "set", "handed in", ())])
            if who == "sus":
                self.logs["not begun"] = files.create_file(lost.session, "case", {self.user("coo"): "coordinator", self.user("nav"): "navigator"})
            with suppress(Refused):
                lost.sync()
        self.run.now_ms += 2 * DAY
        self.sync("coo", "nav", "jo")
        office = self.people["adp"]
        office.sync()
        standing.revoke(office.session, self.people["rev"].session.identity.device, "lost")
        office.sync()
        recovery.permit(office.session, self.people["per"].session.identity.device, "devices_lost", None, self.run.now_ms + DAY)
        office.sync()
        subject = Subject(self.user("nav"), "nav", "Pilot", ("navigator",), START_MS + YEAR)
        code = enrolment.decode_code(enrolment.invite(office.session, subject, self.run.now_ms + DAY).text())
        self.people["new"] = Phone(self.run, "perpetrator", "nav, again")
        enrolment.enrol(self.people["new"].store, code, "second", self.people["new"].transport, self.run.clock, self.people["new"].entropy)
        self.run.phones.append(self.people["new"])

    # --- asking ----------------------------------------------------------------------------------------------------------------------------

    def ask(self, who: str, method: str, path: str, body: bytes = b"", *, side: str = "") -> httpx.Response:
        """One request by somebody's device; with `side`, one that names another side. `ano` asks unsigned, `oth` of another service."""
        headers = {}
        if who != "ano":
            session = self.people["nav" if who == "oth" else who].session
            me, to = session.identity, side or session.identity.side
            named = b"another service " if who == "oth" else me.svc
            nonce = self._nonces.pop(to, "") or cbor.decode(self.run.client.get(f"/v1/nonces?side={to}").content)["nonces"][0]
            said = claims(device=me.device, svc=named, side=to, method=method, path=path, body=body, nonce=nonce)
            headers["authorization"] = f"{SCHEME} {jwt.encode(said, session.sign_key.private(), algorithm=ALGORITHM, headers={'typ': TYP})}"
        answer = self.run.client.request(method, path, content=body or None, headers=headers)
        if who not in ("ano", "oth") and NONCE_HEADER in answer.headers:
            self._nonces[to] = answer.headers[NONCE_HEADER]
        return answer

    # --- what it looks like from outside ---------------------------------------------------------------------------------------------------

    def addresses(self) -> dict[str, bytes]:
        """Where parcels go."""
        made = {name: board.file_keys(self.people[who].session, self.logs[name])[0].address
                for name, who in (("liaison", "nav"), ("intake", "coo"), ("her intake", "jo"))}  # fmt: skip
        return made | {"absent": bytes(16)}

    def fingerprint(self) -> list[Any]:
        """Everything that a refusal leaves as it is, of all sides: cheap, and different after any change that is one."""
        found: list[Any] = []
        for side in SIDES:
            realm = self.realm(side)
            with realm.engine.connect() as tx:
                names = database.tables(realm.engine)
                found.append(
                    {name: tx.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar() for name in names if name not in _SETTLED + _OF_SEVERAL}
                )
                found.append(tx.exec_driver_sql("SELECT log_id, seq, chain FROM log_head ORDER BY log_id").fetchall())
            found.append((realm.known().seq, realm.readers.heads.copy(), realm.readers.roles.copy(), realm.readers.held.copy(), realm.readers.unborn))
        return found


@contextmanager
def new_cast(folder: Path) -> Iterator[Cast]:
    """Settled, with quotas out of the way."""
    plenty = dict.fromkeys(("files_per_day", "statements_per_day", "requests_per_minute", "unsigned_per_minute", "deliveries_per_day", "parcels_per_day", "push_bytes_per_day"), 10 ** 9)  # fmt: skip
    with (
        mock.patch.object(server.service, "Writer", Rehearsing),
        mock.patch.object(twins, "Settings", lambda **more: Settings(**{**more, **plenty, "work_burst_seconds": 1e9})),
        Run(folder) as run,
    ):
        yield Cast(run)
