"""What somebody would send who knows all about a log but has only the keys of their own device: every kind of entry, as right as they can make it.

A second person's approval is a true one, of a member who leads: only the author's own standing decides.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from server import store
from server.append.commit import OpenLog
from server.realm import Realm
from shared_schema import cbor, ids
from shared_schema.approval import Approval
from shared_schema.certificate import Certify, CoverTraffic, Keys, Reinstate, Revoke, Subject, Suspend, Wiped, encode_registry_statement
from shared_schema.entry import ADMISSION, EMPTY_ROOT, ENVELOPE, EXPUNCTION, STATEMENT, Entry, Head, Witness, decode_entry_alone, envelope_payload
from shared_schema.membership import (
    KEM_BYTES,
    TAG_BYTES,
    Admit,
    Genesis,
    Grant,
    Members,
    MoreGrants,
    NewEpoch,
    Recover,
    Refuse,
    encode_file_statement,
)
from shared_schema.recovery import Close, Custody, Drill, Permit, Renew, drill_bound, recover_bound
from shared_schema.removal import Erase, Expunge, Hold, act_of
from shared_schema.restoring import Healed, Restore
from shared_schema.roles import FILES, is_lead, may_sign
from sync.approval import sign_approval
from sync.entry import Author
from sync.keys import ReceivingKey, RecoverySecret
from sync.log import AuthorHead, LogHead
from sync.membership import FileState, epochs_for, genesis_of, recipients
from sync.signing import SigningKey, sign_object
from tests.wall.cast import OUT, Cast
from tests.world import DAY

Pair = list[Any]
_KIND: Final = {Expunge: "expunge", Hold: "hold", Erase: "erase"}


class Wisher:
    """Whoever sends, and what they know of the log: its head and its state, made up where there is none."""

    def __init__(self, cast: Cast, who: str, thing: str) -> None:
        self.cast, self.who, self.log = cast, who, cast.logs[thing]
        self.me, self.key = cast.people[who].session.identity, cast.people[who].session.sign_key
        self.registry = cast.realm(self.me.side).known()
        self.roles = self.registry.devices[self.me.device].subject.roles
        self.of = next((cast.realm(side) for side in ("perpetrator", "victim", "oversight") if self._is_of(cast.realm(side))), None)
        opened = self._opened()
        self.head = opened.head if opened else LogHead(self.log, Head(self.me.incarnation, 0, ids.chain_start(self.log)), 0, {})
        self.state = (opened.file if opened else None) or self._made_up()

    def _is_of(self, realm: Realm) -> bool:
        return self.log in realm.readers.heads or self.log in realm.readers.unborn

    def _opened(self) -> OpenLog | None:
        if self.of is None:
            return None
        with self.of.engine.connect() as tx:
            opened = self.of.load(tx, self.log)
        unborn = self.of.readers.unborn.get(self.log)
        if opened is None and unborn is not None:
            opened = OpenLog(LogHead(self.log, Head(self.of.incarnation, 0, ids.chain_start(self.log)), 0, {}), unborn.file)
        return opened

    def _made_up(self) -> FileState:
        people = MappingProxyType({self.me.user: self.roles[0]})
        commits = MappingProxyType({1: bytes(32)})
        held = frozenset({self.me.device})
        return FileState(self.log, "case", self.me.side, people, 1, commits, held, bytes(32), self.registry.recovery.key.id, people)

    # --- signing -----------------------------------------------------------------------------------------------------------------------

    def header(self, typ: str, epoch: int | None = None) -> bytes:
        last = self.head.authors.get(self.me.device, AuthorHead(0, b""))
        seen = self.head.head if self.head.head.incarnation == self.me.incarnation else Head(self.me.incarnation, 0, ids.chain_start(self.log))
        ck = Witness(self.me.incarnation, 0, EMPTY_ROOT)
        return Author(self.me.svc, self.log, self.me.device, last.sq, last.id if last.sq else None, seen, ck).header(typ, epoch)

    def sign(self, typ: str, payload: bytes, parts: list[bytes] | None = None, epoch: int | None = None) -> Pair:
        return [sign_object(self.key, self.header(typ, epoch), payload), parts or []]

    def say(self, statement: Any) -> Pair:
        return self.sign(STATEMENT, encode_file_statement(statement))

    def envelope(self, epoch: int) -> Pair:
        part = secrets.token_bytes(32 + 256 + 16)
        return self.sign(ENVELOPE, envelope_payload([part]), [part], epoch)

    # --- what the state asks for -------------------------------------------------------------------------------------------------------

    @property
    def rg(self) -> Head:
        return self.registry.head

    def grants(self, members: Any, epochs: tuple[int, ...], only: frozenset[bytes] = frozenset()) -> tuple[Grant, ...]:
        wanted = recipients(self.registry, members, self.registry.seq)
        found = []
        for to, (cert, _) in sorted(wanted.items()):
            mine = epochs if only else epochs_for(to, epochs, self.state.complete)
            if not only or to in only:
                found.append(Grant(to, cert, mine, secrets.token_bytes(KEM_BYTES + 32 * len(mine) + TAG_BYTES)))
        return tuple(found)

    def epoch(self, kind: Callable[..., Any], members: dict[bytes, str], *first: Any) -> Pair:
        number = self.state.next_epoch or 1
        grants = self.grants(members, (*self.state.commits, number))
        return self.say(kind(*first, max(number, 2), secrets.token_bytes(32), grants, self.rg, self.state.previous))

    def other(self) -> bytes:
        """A member besides oneself; oneself when there is none."""
        return next((user for user in self.state.members if user != self.me.user), self.me.user)

    def newcomer(self) -> tuple[bytes, str]:
        """Somebody who could be added: in one of the file's roles, and not in it."""
        by_side = FILES[self.state.file]
        takes = by_side.get(self.state.side, by_side["perpetrator"])["members"]  # of the oversight side there are none
        known = self.cast.realm(self.state.side).known().devices.values()
        found = ((cert.subject.user, role) for cert in known for role in takes if role in cert.subject.roles and cert.acts)
        return next((one for one in found if one[0] not in self.state.ever), (secrets.token_bytes(16), takes[0]))

    def approved(self, statement: Any) -> Any:
        """The statement with the approval of a second person who may give it, as far as there is one."""
        kind, state = _KIND[type(statement)], self.state
        stand = {phone.session.identity.user: phone for who, phone in self.cast.people.items() if who not in (*OUT, "new")}
        may = [
            user for user, role in state.members.items() if may_sign(kind, state.file, state.side, role) and user in stand and user != self.me.user
        ]
        lead = [user for user in may if is_lead(state.file, state.side, state.members[user])]
        second = stand[(lead or may)[0]].session if may else self.cast.people[self.who].session
        until = self.cast.run.now_ms + DAY
        approval: Approval = sign_approval(second.sign_key, second.identity.device, self.me.svc, state.side, self.log, kind, act_of(statement), until)
        return replace(statement, approval=approval)

    def target(self) -> tuple[int, Entry]:
        """An envelope of the log that is whole, and its place; one that is made up where there is none."""
        found = _envelope(self.cast, self.of, self.log) if self.of is not None else None
        return found or (1, decode_entry_alone(self.envelope(1)[0]))

    def held(self) -> Pair:
        """What waits here to be decided on; an envelope of somebody who was a member, where nothing does."""
        held = _held(self.cast, self.of, self.log) if self.of is not None else None
        return held or self._of_another().envelope(max(self.state.epoch, 1))

    def _of_another(self) -> "Wisher":
        """A member besides oneself who could write here."""
        ever = [*self.state.members, *self.state.ever]
        names = [who for user in ever for who, phone in self.cast.people.items()
                 if phone.session.identity.user == user != self.me.user and who not in (*OUT, "new", "rem")]  # fmt: skip
        author = Wisher.__new__(Wisher)
        author.__dict__.update(self.__dict__)
        author.who = (names or [who for who in ("coo", "nav") if who != self.who])[0]
        author.me = self.cast.people[author.who].session.identity
        author.key = self.cast.people[author.who].session.sign_key
        return author


@cache  # no cell changes what is there
def _held(_cast: Cast, realm: Realm, log: bytes) -> Pair | None:
    with realm.engine.connect() as tx:
        rows = store.held_after(tx, log, 0, 10)
    return next(([row.cose, cbor.decode(row.parts)] for row in rows if decode_entry_alone(row.cose).is_envelope), None)


@cache
def _envelope(_cast: Cast, realm: Realm, log: bytes) -> tuple[int, Entry] | None:
    with realm.engine.connect() as tx:
        rows = store.entries_after(tx, log, 0, 2**53, 1 << 20)
    whole = ((row.seq, decode_entry_alone(row.cose)) for row in rows if row.cose and None not in cbor.decode(row.parts))
    return next(((seq, entry) for seq, entry in whole if entry.is_envelope), None)


@cache
def _first(_cast: Cast, realm: Realm, log: bytes) -> Entry | None:
    with realm.engine.connect() as tx:
        first = store.entry_at(tx, log, 1)
    return decode_entry_alone(first.cose) if first is not None and first.cose else None


def _genesis(w: Wisher) -> Pair:
    return begin(w, w.state.file, w.log)


def begin(w: Wisher, kind: str, log: bytes | None = None) -> Pair:
    """A genesis of a file of that kind: of a new file, or under the id of one that is there."""
    nonce = secrets.token_bytes(16)
    w.log = ids.file_log(w.me.svc, w.me.device, nonce) if log is None else log
    w.head = w.head if log is not None else LogHead(w.log, Head(w.me.incarnation, 0, ids.chain_start(w.log)), 0, {})
    may = [role for role in w.roles if may_sign("genesis", kind, w.me.side, role)]
    members = {w.me.user: (may or list(w.roles))[0]}
    w.state = replace(w.state, commits=MappingProxyType({}), holders=frozenset())
    grants = w.grants(members, (1,), frozenset(recipients(w.registry, members, w.registry.seq)))
    return w.say(Genesis(nonce, kind, w.me.side, 1, tuple(sorted(members.items())), 1, secrets.token_bytes(32), grants, w.rg))


def _add(w: Wisher) -> Pair:
    user, role = w.newcomer()
    return w.epoch(Members, {**w.state.members, user: role}, ((user, role),), ())


def _drop(w: Wisher) -> Pair:
    user = w.other()
    return w.epoch(Members, {one: role for one, role in w.state.members.items() if one != user}, (), (user,))


def _grant(w: Wisher) -> Pair:
    """Once more, to a device of a member."""
    devices = recipients(w.registry, w.state.members, w.registry.seq).keys() & w.state.holders
    to = min(devices, default=w.me.device)
    again = w.grants([w.registry.devices[to].subject.user], tuple(w.state.commits) or (1,), frozenset({to, w.registry.recovery_id}))
    return w.say(MoreGrants(again, w.rg, w.state.previous))


def _recover(w: Wisher) -> Pair:
    """With the shares of the key that holds the file."""
    secret = next((one for one in w.cast.secrets[w.state.side] if one.id == w.state.recovery), w.cast.secrets[w.me.side][0])
    by = secret.sign_key.sign(recover_bound(w.me.svc, w.log, w.me.device, w.state.previous))
    return w.epoch(Recover, {**w.state.members, w.me.user: w.roles[0]}, w.roles[0], by)


def _admit(w: Wisher) -> Pair:
    held = w.held()
    return w.sign(ADMISSION, encode_file_statement(Admit(held[0], w.rg, w.state.previous)), held[1])


def _refuse(w: Wisher) -> Pair:
    return w.say(Refuse(decode_entry_alone(w.held()[0]).id, "other", w.rg, w.state.previous))


def _expunge(w: Wisher, *, two: bool = True, reason: str = "spill") -> Pair:
    at, entry = w.target()
    stub = secrets.token_bytes(32 + 256 + 16)
    statement = Expunge(at, entry.id, 0, entry.hashes[0], reason, None, ids.sha256(stub), bytes(32), None, w.rg, w.state.previous)
    return w.sign(EXPUNCTION, encode_file_statement(w.approved(statement) if two else statement), [stub], max(w.state.epoch, 1))


def _release(w: Wisher) -> Pair:
    held = next(iter(w.state.holds), bytes(32))
    return w.say(w.approved(Hold(held, None, w.rg, w.state.previous)))


def _erase(w: Wisher) -> Pair:
    """What the erasure has to name is of the genesis, which members know."""
    creator, nonce = w.me.device, bytes(16)
    if w.of is not None and w.of.readers.kinds.get(w.log, "registry") != "registry":
        genesis = _first(w.cast, w.of, w.log)
        if genesis is not None:
            creator, nonce = genesis.author, genesis_of(genesis).nonce
    return w.say(w.approved(Erase(w.state.file, creator, nonce, "court", None, w.rg, w.state.previous)))


def _bring(w: Wisher) -> Pair:
    """A colleague's entry, which they signed: of a file that has not begun, its genesis."""
    unborn = w.of.readers.unborn.get(w.log) if w.of is not None else None
    if unborn is None:
        return w._of_another().envelope(max(w.state.epoch, 1))
    with w.of.engine.connect() as tx:  # type: ignore[union-attr]  # it has an unborn file
        return [store.held_after(tx, w.log, 0, 1)[0].cose, []]


OF_FILES: Final[dict[str, Callable[[Wisher], Pair]]] = {
    "envelope": lambda w: w.envelope(max(w.state.epoch, 1)),
    "of another epoch": lambda w: w.envelope(w.state.epoch - 1 if w.state.epoch > 1 else 2),
    "a colleague's": _bring,
    "genesis": _genesis,
    "add": _add,
    "remove": _drop,
    "epoch": lambda w: w.epoch(NewEpoch, dict(w.state.members)),
    "grant": _grant,
    "recover": _recover,
    "admit": _admit,
    "refuse": _refuse,
    "expunge": _expunge,
    "expunge by age": lambda w: _expunge(w, reason="retention"),
    "expunge alone": lambda w: _expunge(w, two=False),
    "hold": lambda w: w.say(Hold(None, None, w.rg, w.state.previous)),
    "release": _release,
    "erase": _erase,
}


def _registry(statement: Callable[[Wisher], Any]) -> Callable[[Wisher], Pair]:
    return lambda w: w.sign(STATEMENT, encode_registry_statement(statement(w)))


def _certify(w: Wisher) -> Certify:
    keys = Keys(secrets.token_bytes(16), "own", SigningKey(secrets.token_bytes(32)).public, ReceivingKey(secrets.token_bytes(32)).public)
    return Certify(Subject(secrets.token_bytes(16), "own", "own", ("administrator",), w.cast.run.now_ms + DAY), keys)


def _standing(w: Wisher, *, suspended: bool) -> bytes:
    """A device of the side that is suspended, or stands and is nobody's who asks."""
    devices = w.registry.devices.values()
    found = (cert for cert in devices if (cert.suspended is not None if suspended else cert.acts) and cert.subject.user != w.me.user)
    return next((cert.keys.device for cert in found if "administrator" not in cert.subject.roles), w.me.device)


def _renew(_w: Wisher) -> Renew:
    fresh = RecoverySecret(secrets.token_bytes(32))
    return Renew(fresh.receive_key.public, fresh.sign_key.public)


def _drill(w: Wisher) -> Drill:
    newest, last = w.cast.secrets[w.me.side][-1], w.head.authors.get(w.me.device, AuthorHead(0, b""))
    return Drill(newest.id, 1, 1, newest.sign_key.sign(drill_bound(w.me.svc, w.log, w.me.device, last.sq + 1)))


OF_REGISTRIES: Final[dict[str, Callable[[Wisher], Pair]]] = {
    "certify": _registry(_certify),
    "revoke": _registry(lambda w: Revoke(_standing(w, suspended=False), "lost")),
    "suspend": _registry(lambda w: Suspend(_standing(w, suspended=False), "lost")),
    "reinstate": _registry(lambda w: Reinstate(_standing(w, suspended=True))),
    "wiped": _registry(lambda w: Wiped(0, 0, 0, 0, 0)),
    "renew": _registry(_renew),
    "custody": _registry(lambda w: Custody(2, ("one", "two", "three"))),
    "permit": _registry(lambda w: Permit(_standing(w, suspended=False), None, "other", w.cast.run.now_ms + DAY)),
    "close another's": _registry(lambda w: Close(w.cast.people["per"].session.identity.device)),
    "drill": _registry(_drill),
    "cover_traffic": _registry(lambda _w: CoverTraffic(18)),
    "restore": _registry(lambda _w: Restore(secrets.token_bytes(16), None, marked=True)),
    "healed": _registry(lambda _w: Healed()),
}
