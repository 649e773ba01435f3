"""One history: a seeded script of what people, phones, servers and the network do to each other, and then the reckoning.

The same seed gives the same steps and the same logical outcome. `trace` tells the story so far in one line a step; whatever breaks
is raised as Broken, with the seed and the trace.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from server.append.commit import Commit
from server.append.push import push
from server.realm import Job
from shared_schema import cbor, ids
from shared_schema.certificate import REVOKE_REASONS, SUSPEND_REASONS, Subject
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.records import record_types
from shared_schema.roles import may_be_member, may_reinstate, may_sign
from sync.change import DELETED, SIGNED, CellKey, Op, encode_part
from sync.device.exchanging import covering, traffic
from sync.device.exchanging.syncing import Report
from sync.device.money import claims, funds
from sync.device.people import files, holding, standing
from sync.device.recording import conflicts, records
from sync.device.removal import removing
from sync.device.session import Session
from sync.fold import Record, state_hash
from sync.ledger import fold_fund
from tests.simulation.attacks import attack_world
from tests.simulation.checks import Broken, Views, check_world
from tests.simulation.forms import WORDS, Taste, draw, draw_id
from tests.simulation.lies import tell
from tests.world import DAY, FAULTS, HOUR, NONE, SECOND, Died, Doomed, Fault, Phone, World

PAGES: Final = (None, None, 9000, 2500)
STEPS: Final = (10, 28)
MOST_PHONES: Final = 6
SKEW: Final = 48 * HOUR
_WORKER: Final[dict[Side, str]] = {"perpetrator": "navigator", "victim": "link_worker"}
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth")
_NAMES: Final[dict[Side, tuple[str, ...]]] = {"perpetrator": ("Priya", "Sam", "Noor", "Theo"), "victim": ("Vera", "Lin", "Joy", "Bea")}


class Told(NamedTuple):
    """A finished history."""

    seed: int
    steps: int
    digest: str
    trace: tuple[str, ...]


class History:
    """Plays one seed."""

    def __init__(self, seed: int, steps: int | None = None, lies: int = 2) -> None:
        self.seed, self.lies = seed, lies
        self.rng = Random(seed)
        self.count = steps if steps is not None else self.rng.randint(*STEPS)
        self.page_bytes = self.rng.choice(PAGES)
        self.on_disk = self.rng.random() < 0.1
        self.trace: list[str] = []
        self.tally: Counter[str] = Counter()
        self.taste = Taste(self.rng)
        self.names: dict[bytes, str] = {}
        self.views = Views()
        self.world: World

    def run(self) -> Told:
        """Play it to the end and judge it. Raises Broken."""
        with self._folder() as folder, World(self.seed, folder, page_bytes=self.page_bytes) as world:
            self.world = world
            try:
                self._begin()
                for _ in range(self.count):
                    self._step()
                self._heal()
                self.tally += check_world(world, self.views, Random(self.seed))
                self.tally["attack"] += attack_world(world, Random(self.seed))
                self.tally["lie"] += len(tell(world, Random(self.seed), self.lies))
                return Told(self.seed, self.count, self._digest(), tuple(self.trace))
            except Exception as error:
                raise Broken(self._story(error)) from error

    @contextmanager
    def _folder(self) -> Iterator[Path | None]:
        if self.on_disk:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)
        else:
            yield None

    def _story(self, error: Exception) -> str:
        told = "\n".join(self.trace)
        return (
            f"{told}\n\nseed {self.seed} broke: {type(error).__name__}: {error}\nagain: python -m tests.simulation --histories 1 --seed {self.seed}"
        )

    def say(self, who: Phone | str, what: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{len(self.trace):3} {who if isinstance(who, str) else who.name}: {what}")

    # --- the cast --------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        count = self.rng.choices(range(2, MOST_PHONES + 1), (1, 3, 4, 3, 2))[0]
        first = self.rng.choice((1, 1, count - 1, count // 2))
        for side, phones in (("perpetrator", first), ("victim", count - first)):
            self._cast(side, phones)  # type: ignore[arg-type]  # the two literals are sides
        where = "files" if self.on_disk else "memory"
        self.say("the service", f"{first} + {count - first} phones, pages of {self.page_bytes or 'full size'}, {where}, {self.count} steps")
        for side in self.world.sides:
            phones_here = self.world.of_side(side)
            for phone in phones_here:
                phone.skew_ms = self.rng.choice((0, 0, self.rng.randint(-SKEW, SKEW)))
            phones_here[0].sync()
            self._create(phones_here[0], "case")
            if self.rng.random() < 0.6:
                self._create(phones_here[0], "fund")
                self._fund_it(phones_here[0])
            for _ in range(2):
                self._deed(phones_here[0], "write")
            for phone in phones_here:
                phone.sync()

    def _cast(self, side: Side, count: int) -> None:
        people = list(_NAMES[side])
        worker = _WORKER[side]
        self.world.enrol(side, people[0], ("coordinator", "fund_holder"))
        for i in range(1, count):
            twin = i == 2 and self.rng.random() < 0.6
            person = people[1] if twin else people[min(i, 3)]
            self.world.enrol(side, person, (worker,), f"{person}'s {_ORDINALS[i]}" if twin or i > 3 else "")

    def _fund_it(self, holder: Phone) -> None:
        log = self._files(holder, "fund")[0]
        holder.do(lambda session: funds.allot(session, log, 10_000, "ministry", "2026"))
        members = holder.session.require_file(log).members
        for phone in self.world.of_side(holder.side):
            amount = self.rng.choice((0, 500, 2000))
            if amount and phone.user in members:
                self._allow(holder, log, phone.device, amount)

    def _allow(self, holder: Phone, log: bytes, device: bytes, amount: int) -> bytes:
        return holder.do(lambda session: funds.allow(session, log, device, amount, "2027-03-31"))

    def _create(self, phone: Phone, kind: str) -> bytes:
        roles = {other.user: self._role(other, kind) for other in self.world.of_side(phone.side)}
        members = {user: role for user, role in roles.items() if role and user != phone.user and self.rng.random() < 0.85}
        log = phone.do(lambda session: files.create_file(session, kind, members))
        self.names[log] = f"{kind} {len(self.names) + 1}"
        self.say(phone, f"begins {self.names[log]} with {len(members)} others")
        return log

    def _subject(self, phone: Phone) -> Subject:
        return self.world.hosts[phone.side].realm.known().devices[phone.device].subject

    def _role(self, phone: Phone, kind: str) -> str:
        roles = [role for role in self._subject(phone).roles if may_be_member(kind, phone.side, role)]
        return ("fund_holder" if "fund_holder" in roles and kind == "fund" else roles[0]) if roles else ""

    # --- choosing --------------------------------------------------------------------------------------------------------

    def _phone(self) -> Phone:
        return self.rng.choice(self.world.phones)

    def _files(self, phone: Phone, kind: str | None = None) -> list[bytes]:
        found = []
        for log in phone.session.file_logs():
            state = phone.session.file(log)
            if state is not None and phone.user in state.members and kind in (None, state.file):
                found.append(log)
        return found

    def _users(self, side: Side) -> list[bytes]:
        return [phone.user for phone in self.world.of_side(side)]

    def _step(self) -> None:
        """One phone is in somebody's hand for a while."""
        phone = self._phone()
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            self._deed(phone, self.rng.choices(_DEED_NAMES, _WEIGHTS)[0])
        if self.rng.random() < 0.6:
            self._deed(phone, "sync")
        self.views.look(self.world)

    def _deed(self, phone: Phone, name: str) -> None:
        try:
            _DEEDS[name](self, phone)
            self.tally[name] += 1
        except Died as death:
            self.say(phone, f"{name}: {death} died")
        except ProtocolError as error:
            self.say(phone, f"{name}: {error.code}")

    # --- writing ---------------------------------------------------------------------------------------------------------

    def write(self, phone: Phone) -> None:
        logs = self._files(phone)
        if not logs:
            return None
        log = self.rng.choice(logs)
        state = phone.session.require_file(log)
        if len(phone.store.records(log)) >= 4 and self.rng.random() < 0.8:
            return self.edit(phone)
        type_ = self.taste.type_for(state.file, state.side)
        values = self.taste.values(type_.name, state.file, state.side, self._users(phone.side))
        record = phone.do(lambda session: records.add(session, log, type_.name, values))
        self.say(phone, f"writes {type_.name} {_id(record)} in {self.names[log]}: {values}")
        return None

    def _record(self, phone: Phone) -> tuple[bytes, Record] | None:
        """The first records of a file or its last: those that others have in hand too."""
        logs = self._files(phone, "case") if self.rng.random() < 0.8 else self._files(phone)
        log = self.rng.choice(logs) if logs else b""
        found = phone.store.records(log)
        if not found:
            return None
        record = phone.session.record(log, self.rng.choice([*found[-1:], *found[:2]])[0])
        return log, record

    def edit(self, phone: Phone) -> None:
        chosen = self._record(phone)
        if chosen is None or chosen[1].type not in record_types() or record_types()[chosen[1].type].weight == "ledger":
            return None
        log, record = chosen
        state = phone.session.require_file(log)
        fields = self.taste.fields(record.type, state.file, state.side)
        again = [spec for spec in fields if spec.name in record.registers]
        spec = self.rng.choice(again if again and self.rng.random() < 0.8 else fields)
        values = {spec.name: draw(self.rng, spec, self._users(phone.side))}
        try:
            edited = phone.do(lambda session: records.edit(session, log, record.id, values))
            self.say(phone, f"edits {record.type} {_id(record.id)}: {values}{' as a note of their own' if edited.own_note else ''}")
        except Refused as refusal:
            if refusal.code in ("in-conflict", "frozen") and self.rng.random() < 0.6:
                return self._overwrite(phone, log, record, values)
            raise
        return None

    def clash(self, phone: Phone) -> None:
        """Several people have the same form open and change the same field, before any of them hears of it."""
        chosen = self._record(phone)
        if chosen is None or chosen[1].type not in record_types():
            return
        log, record = chosen
        state = phone.session.require_file(log)
        spec = self.rng.choice(self.taste.fields(record.type, state.file, state.side))
        others = [other for other in self.world.of_side(phone.side) if other.store.changes_of(log, record.id)]
        for other in self.rng.sample(others, min(len(others), 3)):
            value = draw(self.rng, spec, self._users(phone.side))
            register = other.session.record(log, record.id).registers.get(spec.name)
            live = tuple(register.live) if register else ()
            ops = [Op(spec.name, "add", one, ()) for one in value] if spec.merge in ("set", "append") else [Op(spec.name, "set", value, live)]
            try:
                other.do(lambda session, ops=ops: session.write(log, record.id, record.type, ops))  # type: ignore[misc]
            except Refused:
                continue
            self.say(other, f"sets {spec.name} of {record.type} {_id(record.id)} to {value}, as others do")

    def _overwrite(self, phone: Phone, log: bytes, record: Record, values: dict[str, Any]) -> None:
        """An app that does not know of the conflict or the signature, or does not care, names everything it sees and sets its own."""
        ops = []
        for name, value in values.items():
            register = record.registers.get(name)
            if record_types()[record.type].fields[name].merge not in ("set", "append"):
                ops.append(Op(name, "set", value, tuple(register.live) if register else ()))
        if ops:
            phone.do(lambda session: session.write(log, record.id, record.type, ops))
            self.say(phone, f"sets all the same in {record.type} {_id(record.id)}: {[op.field for op in ops]}")

    def resolve(self, phone: Phone) -> None:
        found = conflicts.list_conflicts(phone.session)
        if not found:
            return self.edit(phone)
        one = self.rng.choice(found)
        value = self.rng.choice(conflicts.choices(one))
        phone.do(lambda session: conflicts.resolve(session, one.log, one.record, one.field, value, "we spoke about it"))
        self.say(phone, f"resolves {conflicts.field_name(one.field)} of {_id(one.record)} to {value}")
        return None

    def cell(self, phone: Phone) -> None:
        chosen = self._record(phone)
        if chosen is None or chosen[1].type not in record_types():
            return
        log, record = chosen
        type_ = record_types()[record.type]
        rows = [
            (name, op.id, cell)
            for name, register in record.registers.items()
            if isinstance(name, str) and name in type_.fields
            for cell in type_.fields[name].cells.values()
            if cell.merge != "once"
            for op in register.live.values()
        ]
        if not rows:
            return
        name, row, spec = self.rng.choice(rows)
        value = draw(self.rng, spec, self._users(phone.side))
        phone.do(lambda session: records.edit_cell(session, log, record.id, CellKey(name, row, spec.name), value))
        self.say(phone, f"changes {name}.{spec.name} of {record.type} {_id(record.id)} to {value}")

    def sign(self, phone: Phone) -> None:
        """As records.sign does it, without asking whether the form is complete."""
        chosen = self._record(phone)
        if chosen is None or chosen[1].signatures or chosen[1].creator_user != phone.user:
            return
        log, record = chosen
        live = tuple(op for register in record.registers.values() for op in register.live)
        state = record.registers.get("state")
        ops = [Op("state", "set", "signed", tuple(state.live) if state else ()), Op(SIGNED, "sign", None, live)]
        phone.do(lambda session: session.write(log, record.id, record.type, ops))
        self.say(phone, f"signs {record.type} {_id(record.id)}")

    def addend(self, phone: Phone) -> None:
        chosen = self._record(phone)
        if chosen is None or not chosen[1].signatures or chosen[1].type not in record_types():
            return
        log, record = chosen
        phone.do(lambda session: records.addend(session, log, record.id, self.rng.choice(WORDS), "came later"))
        self.say(phone, f"adds to signed {record.type} {_id(record.id)}")

    def delete(self, phone: Phone) -> None:
        chosen = self._record(phone)
        if chosen is None:
            return
        log, record = chosen
        phone.do(lambda session: session.write(log, record.id, record.type, [Op(DELETED, "delete", True, ())]))
        self.say(phone, f"deletes {record.type} {_id(record.id)}")

    def newer(self, phone: Phone) -> None:
        """What an app of next year writes: a type, a field, a version that nobody here knows."""
        logs = self._files(phone)
        if not logs:
            return
        log = self.rng.choice(logs)
        chosen = self._record(phone)
        value = self.rng.choice(({"shape": ["new"]}, "words", 7, None))
        if chosen is None or self.rng.random() < 0.3:
            ops = [Op("zz_field", "set", value, ()), Op("zz_many", "add", value, ())]
            record = phone.do(lambda session: session.write(log, None, "zz_form", ops))
            self.say(phone, f"writes zz_form {_id(record)} in {self.names[log]}")
            return
        log, target = chosen
        register = target.registers.get("zz_field")
        ops = [Op("zz_field", "set", value, tuple(register.live) if register else ())]
        phone.do(lambda session: session.write(log, target.id, target.type, ops))
        self.say(phone, f"sets zz_field of {target.type} {_id(target.id)}")

    # --- money -----------------------------------------------------------------------------------------------------------

    def money(self, phone: Phone) -> None:
        logs = self._files(phone, "fund")
        if not logs:
            return self.edit(phone)
        log = self.rng.choice(logs)
        holder = phone.session.require_file(log).members[phone.user] == "fund_holder"
        deeds = [self._spend, self._spend, self._give_back, self._reverse]
        if holder:
            deeds += [self._allot, self._allowance, self._reclaim, self._cover, self._cover]
        return self.rng.choice(deeds)(phone, log)

    def _spend(self, phone: Phone, log: bytes) -> None:
        left = funds.fund(phone.session, log).remaining.get(phone.device, 0)
        amount = self.rng.choice((100, 250, max(1, left), left + 50))
        cases = self._files(phone, "case")
        spend_id = draw_id(self.rng)
        if cases:
            phone.do(lambda session: funds.spend(session, cases[0], log, {"amount": amount, "item": "tools"}))
        else:
            phone.do(lambda session: records.add(session, log, "fund_line", {"kind": "spend", "amount": amount, "spend_id": spend_id}))
        again = self.rng.random() < 0.15
        if again:  # the same purchase entered twice, on purpose or by a buggy app
            ids_here = [spend for spend, one in funds.fund(phone.session, log).spends.items() if one.device == phone.device]
            facts = {"kind": "spend", "amount": amount, "spend_id": self.rng.choice(ids_here)}
            phone.do(lambda session: records.add(session, log, "fund_line", facts))
        self.say(phone, f"spends {amount} of {left}{', entered twice' if again else ''}")

    def _give_back(self, phone: Phone, log: bytes) -> None:
        fund = funds.fund(phone.session, log)
        mine = [record for record, device in fund.allowances.items() if device == phone.device]
        if mine:
            row = {"amount": self.rng.choice((50, fund.remaining[phone.device] + 1)), "at": {"at": "2026-11-02", "precision": "day"}}
            phone.do(lambda session: session.write(log, mine[0], "allowance", [Op("returned", "add", row, ())]))
            self.say(phone, f"gives back {row['amount']}")

    def _allot(self, phone: Phone, log: bytes) -> None:
        phone.do(lambda session: funds.allot(session, log, 1000, "council", "2026"))
        self.say(phone, "allots 1000")

    def _allowance(self, phone: Phone, log: bytes) -> None:
        device = self.rng.choice(self.world.of_side(phone.side)).device
        self._allow(phone, log, device, self.rng.choice((100, 700)))
        self.say(phone, "gives an allowance")

    def _reclaim(self, phone: Phone, log: bytes) -> None:
        left = {device: amount for device, amount in funds.fund(phone.session, log).remaining.items() if amount}
        if left:
            device = self.rng.choice(sorted(left))
            facts = {"kind": "reclaim", "amount": self.rng.choice((left[device], 100)), "device": ids.show(device)}
            phone.do(lambda session: records.add(session, log, "fund_line", facts))
            self.say(phone, f"reclaims {facts['amount']}")

    def _cover(self, phone: Phone, log: bytes) -> None:
        open_ones = [spend.id for spend in funds.fund(phone.session, log).spends.values() if spend.disputed and spend.user != phone.user]
        if open_ones:
            chosen = self.rng.choice(open_ones)
            amount = phone.do(lambda session: claims.decide(session, log, chosen, "cover")).amount
            self.say(phone, f"covers {amount}")

    def _reverse(self, phone: Phone, log: bytes) -> None:
        spends = sorted(funds.fund(phone.session, log).spends)
        if spends:
            facts = {"kind": "reversal", "amount": self.rng.choice((50, 100, 250)), "against": self.rng.choice(spends)}
            phone.do(lambda session: records.add(session, log, "fund_line", facts))
            self.say(phone, f"reverses {facts['amount']}")

    # --- people ----------------------------------------------------------------------------------------------------------

    def people(self, phone: Phone) -> None:
        session = phone.session
        logs = [log for log in self._files(phone) if self._may_change(session, log)]
        if not logs:
            return self.sync(phone)
        log = self.rng.choice(logs)
        state = session.require_file(log)
        everyone = {other.user: other for other in self.world.of_side(phone.side) if other.user != phone.user}
        if not everyone:
            return None
        user = self.rng.choice(sorted(everyone))
        if user in state.members:
            phone.do(lambda session: files.remove_member(session, log, user))
            self.say(phone, f"removes {everyone[user].session.identity.name} from {self.names[log]}")
        else:
            role = self._role(everyone[user], state.file)
            phone.do(lambda session: files.add_member(session, log, user, role))
            self.say(phone, f"adds {everyone[user].session.identity.name} to {self.names[log]}")
        if self.rng.random() < 0.7:
            self.sync(phone)
        return None

    @staticmethod
    def _may_change(session: Session, log: bytes) -> bool:
        state = session.reader(log).file
        return state is not None and may_sign("members", state.file, state.side, state.members.get(session.identity.user, ""))

    def begin_file(self, phone: Phone) -> None:
        kind = self.rng.choice(("case", "case", "shared_care", "desk", "fund"))
        self._create(phone, kind)

    def second_device(self, phone: Phone) -> None:
        if len(self.world.phones) >= MOST_PHONES:
            return self.sync(phone)
        subject = self._subject(phone)
        faults = self._faults(phone)
        name = f"{subject.name}'s {_ORDINALS[len(self.world.phones)]}"
        self.world.enrol(phone.side, subject.name, subject.roles, name, *faults)
        self.say(phone, f"enrols {name}{_with(faults)}")
        return None

    def revoke(self, phone: Phone) -> None:
        there = [other for other in self.world.of_side(phone.side) if not other.out]
        if phone not in there or len(there) < 2:
            return
        admin = self.world.admins[phone.side]
        admin.sync()
        admin.do(lambda session: standing.revoke(session, phone.device, self.rng.choice(REVOKE_REASONS)))
        self.say(admin, f"revokes {phone.name} -> {_told(admin.sync())}")

    def renew(self, phone: Phone) -> None:
        """The recovery key of the side is changed: every file of it owes a rotation."""
        self.say(self.world.admins[phone.side], f"puts a fresh recovery key in force -> {_told(self.world.renew(phone.side))}")

    def cover(self, phone: Phone) -> None:
        """Cover traffic is turned on, at another hour, or off."""
        admin, hour = self.world.admins[phone.side], self.rng.choice([None, self.rng.randrange(24)])
        admin.sync()
        if hour != covering.hour(admin.session):
            admin.do(lambda session: traffic.turn(session, hour))
            self.say(admin, f"turns cover traffic to {hour} -> {_told(admin.sync())}")

    def suspend(self, phone: Phone) -> None:
        """A colleague does, or a coordinator lifts it."""
        others = [other for other in self.world.of_side(phone.side) if other is not phone and not other.out]
        if phone.out:
            known = self.world.hosts[phone.side].realm.known().devices
            others = [other for other in others if may_reinstate(phone.side, known[other.device].subject.roles)]
        if not others:
            return
        by = self.rng.choice(others)
        by.sync()
        target = by.session.registry.devices.get(phone.device)
        if target is None or target.revoked is not None or by.session.store.outbox(by.session.registry.log):
            return
        if target.acts:
            by.do(lambda session: standing.suspend(session, phone.device, self.rng.choice(SUSPEND_REASONS)))
        else:
            by.do(lambda session: standing.reinstate(session, phone.device))
        self.say(by, f"{'suspends' if target.acts else 'reinstates'} {phone.name} -> {_told(by.sync())}")

    def decide(self, phone: Phone) -> None:
        """Somebody with the right lets held work in, or not."""
        if phone.offline or phone.out:
            return
        phone.sync()
        for log in sorted(holding.waiting(phone.session)):
            try:
                found = list(holding.fetch(phone.session, phone.wire, [log]))
            except Refused:
                continue  # no member any more, or the connection broke
            for one in found[:3]:
                if one.trouble or phone.session.store.outbox(log) or phone.session.stopped(log):
                    break
                admits = bool(one.begins) or self.rng.random() < 0.8
                if one.begins:
                    with suppress(ProtocolError):
                        phone.do(lambda session, one=one: holding.begin(session, phone.wire, one))  # type: ignore[misc]
                    self.say(phone, f"lets {log.hex()[:6]} begin -> {_told(phone.sync())}")
                    continue
                phone.do(partial(holding.admit, held=one) if admits else partial(holding.refuse, held=one, reason="other"))
                done = phone.sync()
                self.say(phone, f"{'admits' if admits else 'refuses'} held work in {log.hex()[:6]} -> {_told(done)}")

    # --- what must go -----------------------------------------------------------------------------------------------------

    def remove(self, phone: Phone) -> None:
        """Somebody asks that a part of an entry goes, or carries out what a colleague asked for."""
        if phone.offline or phone.out:
            return
        phone.sync()
        waiting = removing.waiting_for(phone.session)
        if waiting and self.rng.random() < 0.8:
            self._carry_out(phone, self.rng.choice(waiting))
            return
        self._ask(phone)
        others = [other for other in self.world.of_side(phone.side) if other.user != phone.user and not (other.offline or other.out)]
        if others and self.rng.random() < 0.6:  # they spoke about it
            self._second(self.rng.choice(others))

    def _second(self, phone: Phone) -> None:
        phone.sync()
        waiting = removing.waiting_for(phone.session)
        if waiting:
            self._carry_out(phone, self.rng.choice(waiting))

    def _ask(self, phone: Phone) -> None:
        logs = self._files(phone)
        log = self.rng.choice(logs) if logs else b""
        rows = [row for row in phone.store.entries(log) if not row.statement]
        parts = removing.parts_at(phone.session, log, self.rng.choice(rows).seq) if rows else []
        if not parts:
            return
        chosen = self.rng.sample(parts, min(len(parts), self.rng.choice((1, 1, 2))))
        reason = self.rng.choice(("spill", "error", "retention"))
        phone.do(lambda session: removing.ask_expunge(session, log, chosen, reason))
        for part in chosen:
            stored = phone.store.entry(log, part.at)
            bytes_ = cbor.decode(stored.parts)[part.index] if stored else b""
            changes = tuple((part.author, change.c, encode_part([change])[1:]) for change in part.changes)
            self.world.doomed[log, part.id, part.index] = Doomed(bytes_, changes)
        places = ", ".join(f"{part.at}.{part.index}" for part in chosen)
        self.say(phone, f"asks to remove {places} of {self.names.get(log)} ({reason}) -> {_told(phone.sync())}")

    def _carry_out(self, phone: Phone, request: removing.Request) -> None:
        for one in request.left:
            if phone.session.store.outbox(request.log) or phone.session.stopped(request.log):
                return
            if request.act == "erase":
                self._note_all(request.log)
            phone.do(partial(removing.carry_out, request=request, one=one))
            faults = self._faults(phone)
            self.say(phone, f"does {request.act} in {self.names.get(request.log)}{_with(faults)} -> {_told(phone.sync(*faults))}")

    def _note_all(self, log: bytes) -> None:
        """All of a file is about to go."""
        for phone in self.world.phones:
            for row in phone.store.entries(log):
                for part in removing.parts_at(phone.session, log, row.seq):
                    data = cbor.decode(row.parts)[part.index]
                    changes = tuple((part.author, change.c, encode_part([change])[1:]) for change in part.changes)
                    self.world.doomed.setdefault((log, part.id, part.index), Doomed(data, changes))

    def erase(self, phone: Phone) -> None:
        """Now and then a whole file; now and then a hold keeps it."""
        logs = self._files(phone)
        if phone.offline or phone.out or not logs:
            return
        phone.sync()
        log = self.rng.choice(logs)
        if phone.session.store.outbox(log):
            return
        if self.rng.random() < 0.5:
            phone.do(lambda session: removing.set_hold(session, log))
            self.say(phone, f"holds {self.names.get(log)} -> {_told(phone.sync())}")
            return
        holds = sorted(phone.session.require_file(log).holds)
        if holds:
            phone.do(lambda session: removing.ask_release(session, log, holds[0]))
        else:
            phone.do(lambda session: removing.ask_erase(session, log, "retention"))
        self.say(phone, f"asks to {'release' if holds else 'erase'} {self.names.get(log)} -> {_told(phone.sync())}")

    # --- the network and the machines ------------------------------------------------------------------------------------

    def _faults(self, phone: Phone) -> list[Fault]:
        if self.rng.random() < 0.55 or phone.offline:
            return []
        faults = [self.rng.choice(FAULTS)]
        if self.rng.random() < 0.3:
            faults.insert(0, NONE)  # the second request of the call is the one that fails
        return faults

    def sync(self, phone: Phone) -> None:
        faults = self._faults(phone)
        if self.rng.random() < 0.08:
            phone.store.arm(self.rng.randint(1, 4), after=self.rng.random() < 0.5)
        self.say(phone, f"syncs{' offline' if phone.offline else ''}{_with(faults)} -> {_told(phone.sync(*faults))}")

    def partition(self, phone: Phone) -> None:
        phone.offline = not phone.offline
        self.say(phone, "loses the network" if phone.offline else "has the network again")

    def restart_phone(self, phone: Phone) -> None:
        phone.restart()
        self.say(phone, "is closed and opened")

    def restart_server(self, phone: Phone) -> None:
        self.world.hosts[phone.side].restart()
        self.say(f"{phone.side} server", "restarts")

    def late(self, _phone: Phone) -> None:
        count = self.world.deliver_late()
        self.say("the network", f"delivers {count} late")

    def resend(self, phone: Phone) -> None:
        """Somebody who may write delivers what anybody sent before, taken or not (§2: authorise the author, not the sender).

        Each entry is a job of its own in one transaction; now and then a job among them fails as nobody foresaw.
        """
        sent = [one for one in self.world.overheard.values() if one.side == phone.side]
        if not sent or phone.out:
            return
        chosen = self.rng.sample(sent, min(len(sent), self.rng.randint(1, 4)))
        host = self.world.hosts[phone.side]
        sender = host.sender(phone.device)
        jobs: list[Job] = [lambda commit, pair=one.pair: push(commit, (pair,), sender) for one in chosen]  # type: ignore[misc]
        if self.rng.random() < 0.3:
            jobs.insert(self.rng.randrange(len(jobs) + 1), _unforeseen)
        results = [result for result in host.realm.transact(jobs) if not isinstance(result, ZeroDivisionError)]
        codes = [answer.code for result in results for answer in result.answers]
        for receipt in [receipt for result in results for receipt in result.receipts]:
            self.world.receipts[receipt] = phone.side
        self.say(phone, f"delivers again what {[one.phone for one in chosen]} sent: {codes}")

    def die(self, phone: Phone) -> None:
        phone.store.arm(self.rng.randint(1, 3), after=self.rng.random() < 0.5)
        self.rng.choice((self.write, self.edit, self.sync))(phone)

    def time(self, phone: Phone) -> None:
        ms = self.rng.choice((SECOND, HOUR, DAY, 9 * DAY))
        self.world.clock.advance(ms)
        if self.rng.random() < 0.4:
            phone.skew_ms = self.rng.randint(-SKEW, SKEW)
        self.say("time", f"passes: {ms // SECOND} s; {phone.name}'s clock is off by {phone.skew_ms // SECOND} s")

    # --- the end ---------------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.say("the network", f"heals; {self.world.deliver_late()} late requests arrive")
        for phone in [*self.world.admins.values(), *self.world.phones]:
            phone.offline = False
            phone.remember()
        for admin in self.world.admins.values():  # what waits for its hour goes too
            admin.sync()
            if covering.hour(admin.session) is not None:
                admin.do(lambda session: traffic.turn(session, None))
                admin.sync()
        for turn in range(3):
            for phone in self.world.phones:
                self.say(phone, f"healing sync {turn + 1} -> {_told(phone.sync())}")
            self.views.look(self.world)

    def _digest(self) -> str:
        """A hash of what was decided and shown. No ciphertext is in it, nor anything that depends on one."""
        digest = hashlib.sha256("\n".join(self.trace).encode())
        for phone in self.world.phones:
            for log in sorted(phone.session.file_logs()):
                state = phone.session.file(log)
                shown = {one: record for one, record in phone.session.records(log).items() if record.type != "removal_request"}  # names entry ids
                digest.update(log + state_hash(shown))
                if state is not None:
                    head = phone.session.reader(log).log.head.seq
                    digest.update(repr((head, state.epoch, state.recovery, sorted(state.members.items()), sorted(state.holders))).encode())
                if state is not None and state.file == "fund":
                    digest.update(repr(fold_fund(log, phone.session.occurrences(log))).encode())
            digest.update(repr((phone.store.unsent(), [alarm[4] for alarm in phone.store.alarms()])).encode())
        return digest.hexdigest()


def _unforeseen(_commit: Commit) -> None:
    raise ZeroDivisionError("nobody thought of this")


def _id(record: bytes) -> str:
    return record.hex()[:6]


def _with(faults: list[Fault]) -> str:
    return f" with {', '.join(f'{fault.kind} {fault.n}' if fault.n > 1 else fault.kind for fault in faults)}" if faults else ""


def _told(report: Report | str) -> str:
    if isinstance(report, str):
        return report
    refused = ", ".join(sorted(refusal.code for refusal in report.refused))
    extra = f", rotated {report.rotated}, granted {report.granted}" if report.rotated or report.granted else ""
    contradictions = "".join(f", CONTRADICTION {why}" for _, why in report.contradictions)
    return f"{report.accepted} of {report.sent} taken, {report.received} received{extra}{f', refused {refused}' if refused else ''}{contradictions}"


_CHANCES: Final[dict[str, tuple[Callable[[History, Phone], None], int]]] = {
    "write": (History.write, 4),
    "edit": (History.edit, 44),
    "resolve": (History.resolve, 6),
    "clash": (History.clash, 12),
    "cell": (History.cell, 2),
    "sign": (History.sign, 2),
    "addend": (History.addend, 1),
    "delete": (History.delete, 2),
    "newer": (History.newer, 3),
    "money": (History.money, 10),
    "people": (History.people, 5),
    "begin_file": (History.begin_file, 1),
    "second_device": (History.second_device, 2),
    "revoke": (History.revoke, 3),
    "suspend": (History.suspend, 5),
    "renew": (History.renew, 2),
    "cover": (History.cover, 1),
    "decide": (History.decide, 5),
    "remove": (History.remove, 6),
    "erase": (History.erase, 1),
    "sync": (History.sync, 12),
    "partition": (History.partition, 3),
    "restart_phone": (History.restart_phone, 3),
    "restart_server": (History.restart_server, 2),
    "late": (History.late, 3),
    "resend": (History.resend, 3),
    "die": (History.die, 4),
    "time": (History.time, 4),
}
_DEEDS: Final = {name: deed for name, (deed, _) in _CHANCES.items()}
_DEED_NAMES: Final = tuple(_CHANCES)
_WEIGHTS: Final = tuple(weight for _, weight in _CHANCES.values())
