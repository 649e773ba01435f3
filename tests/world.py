"""A whole service in one process: realms, devices, virtual time, seeded randomness, and a network that fails when it is told to.

Simulation (tests/simulation) and the stateful machines (tests/stateful) share it. Everything in it is the product's own code but
the wire, which stands where HTTP does: it delivers a request's bytes, loses them, loses the answer, or lies. One thread; the only
randomness that is not seeded is the HPKE library's own, so ciphertexts of grants differ from run to run and nothing else does.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Engine

import server.pages
from server import engines, held_routes, purged_routes, restoring
from server import store as server_store
from server.append import healing
from server.append.commit import Commit, Pushed, Sender
from server.append.push import push
from server.gone import Gone
from server.marks import Marks
from server.realm import Realm, RealmKeys
from shared_schema import cbor, ids
from shared_schema.certificate import Subject
from shared_schema.deposit import Deposit, Deposited, decode_deposit, encode_deposited, encode_held
from shared_schema.entry import decode_pair
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import SIDES, Side
from shared_schema.restoring import Declaration, decode_declaration, decode_healing, encode_healed_to, encode_offer
from shared_schema.wire import SyncResponse, decode_request, decode_response, encode_response
from sync.device.entering import enrolment
from sync.device.entering.enrolment import NewService
from sync.device.exchanging import syncing
from sync.device.exchanging.syncing import Report
from sync.device.people import recovery
from sync.device.session import Identity, Session
from sync.device.storage.store import Store
from sync.keys import RecoverySecret
from sync.signing import SigningKey
from tests import database, parcel_wire

START_MS: Final = 1_790_000_000_000
SECOND: Final = 1000
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY
T = TypeVar("T")


@contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` for a while: how page sizes and planted defects are set."""
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class Died(Exception):
    """The process, a server's or a device's, ended at this point. What was committed is there when it starts again."""


@dataclass(slots=True)
class Clock:
    """True time, as the servers have it. Devices add their own error."""

    now_ms: int = START_MS

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        self.now_ms += ms


class Entropy:
    """Seeded bytes for one purpose: what one consumer draws never shifts what another gets."""

    def __init__(self, seed: int, *purpose: str) -> None:
        self._key = hashlib.sha256(f"{seed}/{'/'.join(purpose)}".encode()).digest()
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._key + self._drawn.to_bytes(8, "big")).digest(size)


# --- the server's side -----------------------------------------------------------------------------------------------------


class Host:
    """One side's server process. Its database outlives it: in memory, or in a file at `path`.

    `die_at` = (n, after): the process ends at the n-th commit from now, just before it or just after.
    `fail_at` = n: the n-th commit from now fails, as on a full disk, and the process goes on.
    """

    def __init__(self, side: Side, keys: RealmKeys, clock: Callable[[], int], path: Path | None = None) -> None:
        self.side, self.keys, self.clock, self.path = side, keys, clock, path
        self.die_at: tuple[int, bool] | None = None
        self.fail_at: int | None = None
        self.starts = 0
        self.gone = Gone()
        self.marks: Marks | None = None
        self._commits = 0
        self.engine = self._hooked(database.blank(path))
        self.restart()

    def close(self) -> None:
        """The process is gone for good; a database in memory with it."""
        vars(self.engine.dialect).pop("do_commit", None)
        database.give_back(self.engine)

    def _hooked(self, engine: Engine) -> Engine:
        commit = type(engine.dialect).do_commit.__get__(engine.dialect)

        def do_commit(connection: Any) -> None:
            self._commits += 1
            self._maybe_die(after=False)
            commit(connection)
            self._maybe_die(after=True)

        engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]
        return engine

    def _maybe_die(self, *, after: bool) -> None:
        if self.die_at is not None and self._commits >= self.die_at[0] and after == self.die_at[1]:
            self.die_at = None
            raise Died("the server")
        if not after and self.fail_at is not None and self._commits >= self.fail_at:
            self.fail_at = None
            raise OSError("no space left on the disk")

    def arm(self, n: int, *, after: bool) -> None:
        """The process ends at its n-th commit from now."""
        self.die_at = (self._commits + n, after)

    def fail(self, n: int) -> None:
        """The n-th commit from now fails."""
        self.fail_at = self._commits + n

    def restart(self) -> None:
        """A new process on the same database."""
        if self.path is not None and self.starts and not database.is_postgresql():
            self.engine.dispose()
            self.engine = self._hooked(engines.open_engine(self.path, readers=1))
        self.starts += 1
        self.die_at = self.fail_at = None
        self.realm = Realm(self.side, self.engine, self.keys, self.clock, self.gone, marks=self.marks)
        self.realm.next_incarnation = ids.sha256(f"{self.side}/{self.starts}".encode())[:16] if self.realm.regressed else b""

    def put_back(self, copy: "Host") -> None:
        """The database of `copy` in the place of this one's, as an operator restores it."""
        database.empty(self.engine)
        database.copy(copy.engine, self.engine)
        self.restart()

    def copy(self) -> "Host":
        """A second server with the same keys on a copy of the database as it is now: what an operator can always make."""
        other = Host(self.side, self.keys, self.clock)
        database.copy(self.engine, other.engine)
        other.restart()
        return other

    def sender(self, device: bytes) -> Sender:
        """What server/authenticate.py would say of a well-signed request by `device`."""
        certificate = self.realm.known().devices.get(device)
        if certificate is None:
            raise Refused("request-refused")
        if certificate.revoked is not None:
            raise Refused("revoked")
        if certificate.suspended is not None:
            raise Refused("suspended")
        if certificate.subject.until < self.clock():
            raise Refused("certificate-ended")
        return Sender(device, certificate.subject.user)

    def sync(self, device: bytes, body: bytes) -> bytes:
        """POST /v1/sync."""
        if self.realm.regressed:
            raise Refused("restoring")
        return self.serve(lambda: encode_response(self.realm.sync(decode_request(body), self.sender(device))))

    def deposit(self, device: bytes, body: bytes) -> bytes:
        """POST /v1/deposit, as server/held_routes.py does it."""
        return self.serve(lambda: self._deposit(device, decode_deposit(body)))

    def _deposit(self, device: bytes, handed: Deposit) -> bytes:
        certificate = self.realm.known().devices.get(device)
        if certificate is None:
            raise Refused("request-refused")
        sender = Sender(device, certificate.subject.user)
        pushed = self.push(handed.push, sender, deposit=True)
        pulled = held_routes._last_page(self.realm, sender, handed.registry)
        told = self.realm.transact([lambda commit: self.realm.deliver(commit, device, pulled.delivered)])[0] if pulled.delivered else None
        if isinstance(told, Exception):
            raise told
        return encode_deposited(Deposited(pushed.answers, pushed.receipts, tuple(pulled.pages)))

    def held(self, device: bytes, log: bytes, after: int) -> bytes:
        """GET /v1/held/{log}, as server/held_routes.py does it."""
        return self.serve(lambda: self._held(self.sender(device), log, after))

    def _held(self, sender: Sender, log: bytes, after: int) -> bytes:
        if not self.realm.readers.may_decide(log, sender.user):
            raise Refused("no-such-file")
        found, more = held_routes._held(self.realm, log, after)
        if found:
            self.realm.transact([lambda commit: self.realm.review(commit, sender, log, found[0].n, found[-1].n)])
        return encode_held(found, more=more)

    def purged(self, device: bytes, log: bytes, after: int) -> bytes:
        """GET /v1/purged/{log}, as server/purged_routes.py does it."""
        return self.serve(lambda: self._purged(self.sender(device), log, after))

    def _purged(self, sender: Sender, log: bytes, after: int) -> bytes:
        if not self.realm.readers.reads(log, sender.user):
            raise Refused("no-such-file")
        return purged_routes.answer(self.realm, log, after)

    def enrol(self, body: bytes) -> bytes:
        """POST /v1/enrol, as server/registry_routes.py does it."""
        return self.serve(lambda: self._enrol(cbor.decode(body)["entry"]))

    def _enrol(self, pair: Any) -> bytes:
        pushed: Pushed = self.push((pair,), None)
        if pushed.answers[0].code != "accepted":
            raise Refused(pushed.answers[0].code, pushed.answers[0].message)
        if decode_pair(pair).author not in self.realm.known().devices:
            raise Refused("invitation-spent")
        return cbor.encode({"v": 1, "receipts": list(pushed.receipts)})

    def unsigned(self, method: str, path: str, body: bytes) -> bytes:
        """GET and POST /v1/restored, as server/restoring_routes.py does them."""
        realm = self.realm
        if not realm.regressed or realm.marks is None or path != f"/v1/restored?side={self.side}":
            raise Refused("no-such-route")
        if method == "GET":
            return encode_offer(restoring.offer(realm.known(), realm.next_incarnation, realm.marks))
        return cbor.encode({"v": 1, "receipts": list(self._in_writer(partial(self._declare, decode_declaration(body))))})

    def _declare(self, declaration: Declaration, commit: Commit) -> tuple[bytes, ...]:
        assert self.realm.marks is not None
        return restoring.declare(commit, declaration, self.realm.next_incarnation, self.realm.marks)

    def heal(self, device: bytes, method: str, path: str, body: bytes) -> bytes:
        """POST and GET /v1/heal/{log}, and GET /v1/restored/registry, as server/restoring_routes.py does them."""
        where, _, query = path.partition("?")
        sender = self.sender(device)
        if where == "/v1/restored/registry":
            page = server_store.read(self.engine, lambda tx: self.realm.pages.registry_after(tx, int(query.partition("=")[2])))
            return encode_deposited(Deposited((), (), (page,)))
        log = ids.parse(where.rpartition("/")[2])
        if method == "POST":
            return encode_healed_to(self._in_writer(lambda commit: healing.heal(commit, log, sender, decode_healing(body))))
        return encode_healed_to(self._in_writer(lambda commit: healing.healed_to(commit, log, sender, int(query.partition("=")[2]))))

    def _in_writer(self, job: Callable[[Commit], T]) -> T:
        result = self.realm.transact([job])[0]
        if isinstance(result, Exception):
            raise result
        self.realm.sequence()
        found: T = result
        return found

    def push(self, pairs: tuple[Any, ...], sender: Sender | None, *, deposit: bool = False) -> Pushed:
        """Entries straight into the realm, from whomever."""
        result = self.realm.transact([lambda commit: push(commit, pairs, sender, deposit=deposit)])[0]
        if isinstance(result, Exception):
            raise result
        pushed: Pushed = result
        return pushed

    def serve(self, answer: Callable[[], bytes]) -> bytes:
        """What `answer` says, or what a caller sees when the process dies or its disk is full."""
        try:
            return answer()
        except Died:
            self.restart()
            raise Refused("offline", "the server died") from None
        except OSError:
            raise Refused("busy") from None

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """The database, read from outside."""
        return database.ask(self.engine, sql, *values)


# --- the wire --------------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """What goes wrong with one request. `n` counts the server's commits within it, for the kinds that name one."""

    kind: str
    n: int = 1


NONE: Final = Fault("none")
REQUEST_LOST: Final = Fault("request lost")
REPLY_LOST: Final = Fault("reply lost")
TWICE: Final = Fault("delivered twice")
LATE: Final = Fault("delivered late")
DIES_SENDING: Final = Fault("device dies before sending")
DIES_RECEIVING: Final = Fault("device dies before the reply")
SERVER_DIES_BEFORE: Final = "server dies before commit"
SERVER_DIES_AFTER: Final = "server dies after commit"
COMMIT_FAILS: Final = "server's commit fails"
FAULTS: Final = (
    REQUEST_LOST,
    REPLY_LOST,
    TWICE,
    LATE,
    DIES_SENDING,
    DIES_RECEIVING,
    *(Fault(kind, n) for kind in (SERVER_DIES_BEFORE, SERVER_DIES_AFTER, COMMIT_FAILS) for n in (1, 2, 3, 4)),
)


class Wire:
    """How one device reaches its server. Each request takes the next of `faults`. `lie` rewrites what the server answers.

    What passes here is kept by the world as an onlooker would: every entry sent, every receipt given.
    """

    def __init__(self, world: "World", phone: "Phone") -> None:
        self.world, self.phone = world, phone
        self.host: Host = world.hosts[phone.side]
        self.faults: list[Fault] = []
        self.lie: Callable[[SyncResponse], SyncResponse] | None = None

    def sync(self, session: Session | enrolment.Newcomer, body: bytes) -> bytes:
        return self._pass(body, lambda: self.host.sync(session.identity.device, body), session.identity.device)

    def deposit(self, session: Session, body: bytes) -> bytes:
        return self._pass(body, lambda: self.host.deposit(session.identity.device, body), None)

    def held(self, session: Session, log: bytes, after: int) -> bytes:
        return self._pass(b"", lambda: self.host.held(session.identity.device, log, after), None)

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        if path.startswith(("/v1/heal/", "/v1/restored/")):
            return self._pass(body, lambda: self.host.serve(lambda: self.host.heal(session.identity.device, method, path, body)), None)
        realms = {side: host.realm for side, host in self.world.hosts.items()}
        return self._pass(
            body,
            lambda: self.host.serve(
                lambda: parcel_wire.answer(realms, self.host.realm, self.host.sender(session.identity.device), method, path, body)
            ),
            None,
        )

    def unsigned(self, method: str, path: str, body: bytes = b"") -> bytes:
        return self._pass(body, lambda: self.host.serve(lambda: self.host.unsigned(method, path, body)), None)

    def purged(self, session: Session, log: bytes, after: int) -> bytes:
        return self._pass(b"", lambda: self.host.purged(session.identity.device, log, after), None)

    def enrol(self, side: Side, body: bytes) -> bytes:
        assert side == self.phone.side
        return self._pass(body, lambda: self.host.enrol(body), None)

    def _pass(self, body: bytes, deliver: Callable[[], bytes], device: bytes | None) -> bytes:
        fault = self.faults.pop(0) if self.faults else NONE
        if device is not None:
            self.world.overhear(self.phone, body)
        if fault == DIES_SENDING:
            raise Died("the device")
        if self.phone.offline or fault in (REQUEST_LOST, LATE):
            if fault == LATE and not self.phone.offline and device is not None:
                self.world.late.append((self.phone.side, device, body))
            raise Refused("offline")
        if fault.kind == COMMIT_FAILS:
            self.host.fail(fault.n)
        elif fault.kind in (SERVER_DIES_BEFORE, SERVER_DIES_AFTER):
            self.host.arm(fault.n, after=fault.kind == SERVER_DIES_AFTER)
        try:
            if fault == TWICE:
                self.world.hear(self.host, deliver())
            reply = self.world.hear(self.host, deliver())
        finally:
            self.host.die_at = self.host.fail_at = None
        if fault == REPLY_LOST:
            raise Refused("offline")
        if fault == DIES_RECEIVING:
            raise Died("the device")
        return encode_response(self.lie(decode_response(reply))) if self.lie and device is not None else reply


# --- devices ---------------------------------------------------------------------------------------------------------------


class MortalStore(Store):
    """A device store whose process can end at the n-th commit from now, just before it or just after."""

    def __init__(self, path: Path | str, key: bytes) -> None:
        self.die_at: tuple[int, bool] | None = None
        self._commits = 0
        super().__init__(path, key)

    def arm(self, n: int, *, after: bool) -> None:
        self.die_at = (self._commits + n, after)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        with super().transaction():
            yield
            self._commits += 1
            self._maybe_die(after=False)
        self._maybe_die(after=True)

    def _maybe_die(self, *, after: bool) -> None:
        if self.die_at is not None and self._commits >= self.die_at[0] and after == self.die_at[1]:
            self.die_at = None
            raise Died("the device")

    def copy_to(self, other: "MortalStore") -> None:
        """All of it, as a thief with the passphrase or a restored phone has it."""
        self._db.backup(other._db)


class Doomed(NamedTuple):
    """A part that somebody asked to remove: its bytes, and of each of its changes device, counter and plaintext."""

    part: bytes
    changes: tuple[tuple[bytes, int, bytes], ...]


class Typed(NamedTuple):
    """One change that a person typed into an honest device and was told is kept."""

    log: bytes
    c: int
    body: bytes


class Phone:
    """A device and the person who holds it. `journal` is what was typed into it; `had` are the secrets that it ever had, also once it has wiped itself."""

    def __init__(self, world: "World", side: Side, name: str, path: Path | None = None) -> None:
        self.world, self.side, self.name = world, side, name
        self.skew_ms = 0
        self.offline = False
        self.journal: dict[tuple[bytes, int], Typed] = {}
        self.had: dict[bytes, dict[int, bytes]] = {}
        self._path: Path | str = path if path is not None else ":memory:"
        self._key = world.entropy(side, name, "store key")(32)
        self.store = MortalStore(self._path, self._key)
        self.entropy = world.entropy(side, name)
        self.wire = Wire(world, self)
        self._session: Session | None = None

    def now_ms(self) -> int:
        """What this device's clock says."""
        return self.world.clock.now_ms + self.skew_ms

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = Session(self.store, self.now_ms, self.entropy)
        return self._session

    @property
    def device(self) -> bytes:
        return self.session.identity.device

    @property
    def user(self) -> bytes:
        return self.session.identity.user

    @property
    def out(self) -> bool:
        """Revoked or suspended, by the server's registry, whatever the device knows of it."""
        certificate = self.world.hosts[self.side].realm.known().devices.get(self.device)
        return certificate is None or not certificate.acts

    def restart(self) -> None:
        """The app was closed and opened again."""
        self._session = None
        self.store.die_at = None
        if self._path != ":memory:":
            self.store.close()
            self.store = MortalStore(self._path, self._key)

    def do(self, action: Callable[[Session], T]) -> T:
        """Let the person do something, and remember what they typed. Raises Died (the device starts again) and what `action` raises."""
        try:
            return action(self.session)
        except Died:
            self.restart()
            raise
        finally:
            self.store.die_at = None
            self.remember()

    def has_gone(self, log: bytes, c: int) -> bool:
        """True for a change of this device that two people removed, as far as this device has heard."""
        state = self.session.file(log)
        if state is None or state.erased is not None:
            return state is not None
        asked = [
            (envelope, part)
            for (file, envelope, part), one in self.world.doomed.items()
            if file == log and (self.device, c) in {key[:2] for key in one.changes}
        ]
        return any(place in state.expunged for place in asked)

    def remember(self) -> None:
        """What is typed and unsent now belongs to the journal, for ever."""
        for log in self.store.logs_with_unsealed():
            for row in self.store.unsealed(log):
                self.journal.setdefault((log, row.c), Typed(log, row.c, row.body))

    def sync(self, *faults: Fault) -> Report | str:
        """One call of sync, whose requests meet `faults` in turn; what it did, or the code of why it ended."""
        self.wire.faults = list(faults)
        for log in self.session.file_logs():
            self.had.setdefault(log, {}).update(self.store.secrets(log))
        try:
            return self.do(lambda session: syncing.sync(session, self.wire))
        except Died as death:
            return f"died: {death}"
        except ProtocolError as error:
            return error.code
        finally:
            self.wire.faults = []

    def clone(self, name: str) -> "Phone":
        """Another process with a copy of this device's store."""
        other = Phone(self.world, self.side, name)
        self.store.copy_to(other.store)
        other.journal = dict(self.journal)
        return other

    def blank(self, name: str) -> "Phone":
        """The same device with nothing but its identity: it has to take everything from the server again."""
        other = Phone(self.world, self.side, name)
        Session.establish(other.store, self.session.identity)
        return other


# --- the whole -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Overheard:
    """An entry that some device sent at some time, taken or not."""

    phone: str
    side: Side
    pair: Any
    sent_ms: int


@dataclass
class World:
    """A service with its two working sides. With `folder`, all databases are files in it."""

    seed: int = 0
    folder: Path | None = None
    sides: tuple[Side, ...] = ("perpetrator", "victim")
    page_bytes: int | None = None
    clock: Clock = field(default_factory=Clock)
    hosts: dict[Side, Host] = field(default_factory=dict)
    admins: dict[Side, Phone] = field(default_factory=dict)
    phones: list[Phone] = field(default_factory=list)
    late: list[tuple[Side, bytes, bytes]] = field(default_factory=list)
    overheard: dict[bytes, Overheard] = field(default_factory=dict)
    receipts: dict[bytes, Side] = field(default_factory=dict)
    copies: list[Host] = field(default_factory=list)
    recovery: dict[Side, list[RecoverySecret]] = field(default_factory=dict)
    doomed: dict[tuple[bytes, bytes, int], Doomed] = field(default_factory=dict)
    """What people asked to remove, by log, envelope and part."""

    def __post_init__(self) -> None:
        self._page = patched(server.pages, "_RESPONSE_BYTES", self.page_bytes or vars(server.pages)["_RESPONSE_BYTES"])
        self._page.__enter__()
        self.service = self._begin()
        self.recovery = {side: [RecoverySecret(self.service.recovery[side])] for side in self.sides}

    def close(self) -> None:
        self._page.__exit__(None, None, None)
        for phone in [*self.phones, *self.admins.values()]:
            phone.store.close()
        for host in [*self.hosts.values(), *self.copies]:
            host.close()

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def entropy(self, *purpose: str) -> Entropy:
        return Entropy(self.seed, *purpose)

    def _file(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / name

    def _begin(self) -> NewService:
        keys = {side: self._server_keys(side) for side in SIDES}
        for side in self.sides:
            self.hosts[side] = Host(side, keys[side], self.clock, self._file(f"server-{side}.db"))
        until = START_MS + YEAR
        people = {side: Subject(self.entropy(side, "administrator")(16), "Office", "Programme", ("administrator",), until) for side in SIDES}
        public: dict[str, Any] = {side: _public(keys[side]) for side in SIDES}
        made = enrolment.new_service("Demo", "https://fieldkeep.invalid", "", "code", public, people, self.entropy("authority"))
        body = cbor.decode(made.body)
        for side in self.sides:
            host = self.hosts[side]
            host.realm.create(made.svc, ids.fingerprint(body["authority"]))
            host.push(tuple(body["sides"][side]), None)
            self.admins[side] = self._admin(side, made.administrators[side])
        return made

    def _server_keys(self, side: Side) -> RealmKeys:
        draw = self.entropy(side, "server")
        return RealmKeys(draw(32), draw(32), draw(32), draw(16))

    def _admin(self, side: Side, identity: Identity) -> Phone:
        phone = Phone(self, side, f"{side} office", self._file(f"{side}-office.db"))
        Session.establish(phone.store, identity)
        phone.sync()
        return phone

    def user(self, side: Side, name: str) -> bytes:
        """The user id of a person."""
        return self.entropy(side, "user", name)(16)

    def enrol(self, side: Side, person: str, roles: tuple[str, ...], phone_name: str = "", *faults: Fault) -> Phone:
        """Invite a person and enrol a phone for them. With a fault it is tried again until it works: the code stays good."""
        admin = self.admins[side]
        subject = Subject(self.user(side, person), person, "Programme", tuple(sorted(roles)), START_MS + YEAR)
        code = enrolment.decode_code(enrolment.invite(admin.session, subject, admin.now_ms() + DAY).text())
        name = phone_name or f"{person}'s phone"
        phone = Phone(self, side, name, self._file(f"{side}-{len(self.phones)}.db"))
        phone.wire.faults = list(faults)
        for _ in range(len(faults) + 1):
            try:
                enrolment.enrol(phone.store, code, name, phone.wire, phone.now_ms, phone.entropy)
                break
            except (Refused, Died) as error:
                if isinstance(error, Refused) and error.code not in ("offline", "busy"):
                    raise
                phone.restart()
        phone.wire.faults = []
        phone.restart()
        self.phones.append(phone)
        return phone

    def renew(self, side: Side) -> Report | str:
        """The side's administrator puts a fresh recovery key in force; its secret is kept here, where its shares would be on paper."""
        admin, secret = self.admins[side], RecoverySecret(self.entropy(side, "recovery", str(len(self.recovery[side])))(32))
        admin.sync()
        self.recovery[side].append(secret)
        admin.do(lambda session: recovery.renew(session, secret))
        return admin.sync()

    def permit(self, phone: Phone, files: tuple[bytes, ...] | None = None) -> Report | str:
        """The side's administrator lets a phone recover."""
        admin = self.admins[phone.side]
        admin.sync()
        until = admin.now_ms() + 3 * DAY
        admin.do(lambda session: recovery.permit(session, phone.device, "devices_lost", files, until))
        return admin.sync()

    def overhear(self, phone: Phone, body: bytes) -> None:
        """An onlooker on the device's line keeps every entry that goes to the true server."""
        if phone.wire.host is not self.hosts[phone.side]:
            return
        for pair in decode_request(body).push:
            self.overheard.setdefault(decode_pair(pair).id, Overheard(phone.name, phone.side, pair, self.clock.now_ms))

    def hear(self, host: Host, reply: bytes) -> bytes:
        """An onlooker on the true server's line keeps every receipt."""
        if host is self.hosts[host.side]:
            for receipt in cbor.decode(reply).get("receipts", []):
                self.receipts[receipt] = host.side
        return reply

    def deliver_late(self) -> int:
        """What the network still held arrives now; nobody waits for the answers."""
        waiting, self.late = self.late, []
        for side, device, body in waiting:
            try:
                self.hear(self.hosts[side], self.hosts[side].sync(device, body))
            except Refused:
                continue
        return len(waiting)

    def fork(self, host: Host) -> Host:
        """A copy of a server, closed with this world."""
        self.copies.append(host.copy())
        return self.copies[-1]

    def of_side(self, side: Side) -> list[Phone]:
        return [phone for phone in self.phones if phone.side == side]


def _public(keys: RealmKeys) -> dict[str, bytes]:
    return {"incarnation": keys.incarnation, "receipt": SigningKey(keys.receipt).public, "checkpoint": SigningKey(keys.checkpoint).public}
