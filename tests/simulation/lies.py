"""What a lying server tries, each lie on copies: nothing false takes effect, nothing true is lost, the evidence is kept (I4, I7).

The server has its own keys. A clumsy lie changes a page under an honest signed head; a cunning one chains and signs its own story, and
is caught where two devices' histories meet. A lie runs on a fork of the server and on copies of devices, so that a history can go
through any number of them after its reckoning.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import server.pages
from shared_schema import cbor, cose, ids, limits
from shared_schema.certificate import Enrol, Keys, countersigned, decode_registry_statement, encode_registry_statement
from shared_schema.entry import STATEMENT, Head, decode_pair, entry_header
from shared_schema.membership import encode_file_statement
from shared_schema.receipt import HEAD, RECEIPT, VERDICT, Item, decode_signed_head, head_payload, receipt_payload, verdict_payload
from shared_schema.wire import Answer, Page, PageEntry, SyncResponse
from sync import keys
from sync.change import Op
from sync.device.people import files
from sync.fold import state_hash
from sync.granting import Granter
from sync.keys import ReceivingKey
from sync.signing import SigningKey, sign_object
from tests.simulation.checks import must
from tests.world import Entropy, Host, Phone, World, patched

Rewrite = Callable[[Page], Page]
CAUGHT = frozenset({"contradiction", "audit-contradiction"})


class Unfit(Exception):
    """This lie cannot be told about this file."""


@dataclass
class Stage:
    """A copy of a server, and a file of its with two members who have all of it and nothing unsent."""

    world: World
    host: Host
    log: bytes
    first: Phone
    second: Phone
    rng: Random

    def twin(self, phone: Phone, host: Host | None = None) -> Phone:
        """The device as it is, in the hands of the same honest person, connected to the liar."""
        other = phone.clone(f"{phone.name} (copy)")
        other.wire.host = host or self.host
        return other

    def newcomer(self, phone: Phone) -> Phone:
        """The device with nothing but its identity."""
        other = phone.blank(f"{phone.name} (blank)")
        other.wire.host = self.host
        return other

    @property
    def entropy(self) -> Entropy:
        return self.world.entropy(self.host.side, "liar", str(self.rng.random()))

    def write(self, phone: Phone, words: str = "written while lied to") -> bytes:
        """Something true, typed into a copy."""
        return phone.do(lambda session: session.write(self.log, None, "task", [Op("what", "set", words, ())]))

    def entries(self, phone: Phone) -> list[PageEntry]:
        """The log as this device would be served it."""
        rows = phone.store.entries(self.log)
        return [PageEntry([row.cose, cbor.decode(row.parts)], row.received_ms, (row.leaf, self.host.realm.audit.salt(row.leaf))) for row in rows]


def make_stage(world: World, side: str, rng: Random) -> Stage | None:
    """A stage in this world; None when no file there has two devices in standing and three entries."""
    for phone in world.phones:
        if phone.side != side or phone.out:
            continue
        for log in phone.session.file_logs():
            state = phone.session.reader(log).file
            others = [
                other for other in world.of_side(phone.side) if other is not phone and not other.out and state and other.device in state.holders
            ]
            heads = {one.session.reader(log).log.head for one in (phone, *others)}
            quiet = not any(one.store.outbox(log) or one.store.unsealed(log) for one in (phone, *others))
            if state and phone.device in state.holders and others and quiet and len(heads) == 1 and next(iter(heads)).seq >= 3:
                return Stage(world, world.fork(world.hosts[phone.side]), log, phone, others[0], rng)
    return None


# --- what the victim of a lie has to look like -----------------------------------------------------------------------------------


def alarms(phone: Phone) -> set[str]:
    return {code for _, _, _, _, code, _, _ in phone.store.alarms()}


def must_catch(phone: Phone, *codes: str) -> None:
    """The lie was seen, and what proves it is kept."""
    wanted = set(codes) or CAUGHT
    found = [alarm for alarm in phone.store.alarms() if alarm[4] in wanted]
    must(found, f"I4: {phone.name} believed it; its alarms: {alarms(phone)}")
    must(all(alarm[6] for alarm in found if alarm[4] in CAUGHT), f"I4: {phone.name} kept no evidence")


def must_keep(stage: Stage, phone: Phone) -> None:
    """What was typed is there, and what was read before."""
    for typed in phone.journal.values():
        row = phone.store.change(typed.log, phone.device, typed.c)
        kept = (row is not None and row.body == typed.body) or phone.has_gone(typed.log, typed.c)
        must(kept, f"I1: a lie cost {phone.name} change {typed.c}")


def must_recover(stage: Stage, phone: Phone, like: Phone) -> None:
    """Once the server is honest again, the device comes to what everybody else has, and writes again."""
    phone.wire.lie = None
    for _ in range(2):
        phone.sync()
    head = phone.session.reader(stage.log).log.head
    must(not phone.session.stopped(stage.log), f"I10: {phone.name} stays stopped at {head.seq}")
    twin = stage.twin(like)
    twin.sync()
    same = state_hash(phone.session.records(stage.log)) == state_hash(twin.session.records(stage.log))
    must(head == twin.session.reader(stage.log).log.head and same, f"I10: {phone.name} does not come back to the truth")


# --- the tools of a liar -----------------------------------------------------------------------------------------------------------


def on_page(log: bytes, rewrite: Rewrite) -> Callable[[SyncResponse], SyncResponse]:
    """Changes one log's page in every answer."""
    return lambda response: replace(response, pages=tuple(rewrite(page) if page.log == log else page for page in response.pages))


def on_entries(change: Callable[[list[PageEntry]], list[PageEntry]]) -> Rewrite:
    return lambda page: replace(page, entries=tuple(change(list(page.entries))))


def signed_page(host: Host, log: bytes, entries: Sequence[PageEntry], start: Head | None = None) -> Page:
    """A page that chains these entries after `start` and signs where they lead: a liar has the server's key."""
    head = start or Head(host.realm.incarnation, 0, ids.chain_start(log))
    for one in entries:
        entry_id = decode_pair(one.pair).id
        head = Head(head.incarnation, head.seq + 1, ids.chain_next(head.chain, head.seq + 1, one.received_ms, entry_id))
    return Page(log, tuple(entries), host.realm.sign(HEAD, head_payload(log, head)), more=False)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def believed(stage: Stage, phone: Phone, seq: int = 0) -> None:
    """Nothing of a refused page was kept."""
    must(phone.session.reader(stage.log).log.head.seq == seq, f"I4: {phone.name} kept a page that contradicts")


# --- clumsy lies: the signed head is honest ------------------------------------------------------------------------------------------


def _clumsy(stage: Stage, change: Callable[[list[PageEntry]], list[PageEntry]]) -> None:
    victim = stage.newcomer(stage.first)
    victim.wire.lie = on_page(stage.log, on_entries(change))
    victim.sync()
    believed(stage, victim)
    must_catch(victim)
    must_recover(stage, victim, stage.first)
    must_catch(victim)


def drops_an_entry(stage: Stage) -> None:
    def drop(entries: list[PageEntry]) -> list[PageEntry]:
        i = stage.rng.randrange(len(entries))
        return entries[:i] + entries[i + 1 :]

    _clumsy(stage, drop)


def swaps_two(stage: Stage) -> None:
    def swap(entries: list[PageEntry]) -> list[PageEntry]:
        i = stage.rng.randrange(len(entries) - 1)
        return [*entries[:i], entries[i + 1], entries[i], *entries[i + 2 :]]

    _clumsy(stage, swap)


def repeats_an_entry(stage: Stage) -> None:
    _clumsy(stage, lambda entries: [*entries, entries[-1]])


def changes_a_time(stage: Stage) -> None:
    _clumsy(stage, lambda entries: [*entries[:-1], replace(entries[-1], received_ms=entries[-1].received_ms + 1)])


def flips_a_byte_of_an_entry(stage: Stage) -> None:
    def flip(entries: list[PageEntry]) -> list[PageEntry]:
        i = stage.rng.randrange(len(entries))
        data, parts = entries[i].pair
        return [*entries[:i], replace(entries[i], pair=[flipped(data, stage.rng.randrange(len(data) - 64)), parts]), *entries[i + 1 :]]

    _clumsy(stage, flip)


def _with_parts(entries: list[PageEntry], rng: Random) -> int:
    found = [i for i, one in enumerate(entries) if one.pair[1] and one.pair[1][0]]
    if not found:
        raise Unfit
    return rng.choice(found)


def flips_a_byte_of_a_part(stage: Stage) -> None:
    def flip(entries: list[PageEntry]) -> list[PageEntry]:
        i = _with_parts(entries, stage.rng)
        data, parts = entries[i].pair
        part = flipped(parts[0], stage.rng.randrange(len(parts[0])))
        return [*entries[:i], replace(entries[i], pair=[data, [part, *parts[1:]]]), *entries[i + 1 :]]

    _with_parts(stage.entries(stage.first), stage.rng)
    _clumsy(stage, flip)


def withholds_a_part(stage: Stage) -> None:
    """As if it had been expunged, which no statement says."""

    def withhold(entries: list[PageEntry]) -> list[PageEntry]:
        i = _with_parts(entries, stage.rng)
        data, parts = entries[i].pair
        return [*entries[:i], replace(entries[i], pair=[data, [None, *parts[1:]]]), *entries[i + 1 :]]

    _with_parts(stage.entries(stage.first), stage.rng)
    _clumsy(stage, withhold)


def shows_ids_of_a_file_that_nobody_erased(stage: Stage) -> None:
    _clumsy(stage, lambda entries: [replace(one, pair=decode_pair(one.pair).id) for one in entries])


def signs_with_another_key(stage: Stage) -> None:
    key = SigningKey(stage.entropy(32))
    victim = stage.newcomer(stage.first)

    def resign(page: Page) -> Page:
        head = decode_signed_head(page.head)
        protected = cose.protected_header(HEAD, ids.server_key_id(key.public), head.sign1.svc)
        return replace(page, head=sign_object(key, protected, head_payload(page.log, head.head)))

    victim.wire.lie = on_page(stage.log, resign)
    victim.sync()
    believed(stage, victim)
    must_catch(victim)
    must_recover(stage, victim, stage.first)


def serves_another_log_in_its_place(stage: Stage) -> None:
    own = stage.first.session.registry.log
    victim = stage.newcomer(stage.first)

    def mix(response: SyncResponse) -> SyncResponse:
        registry = next((page for page in response.pages if page.log == own), None)
        if registry is None:
            return response
        return replace(response, pages=tuple(replace(registry, log=page.log) if page.log == stage.log else page for page in response.pages))

    victim.wire.lie = mix
    victim.sync()
    believed(stage, victim)
    must_catch(victim)
    must_recover(stage, victim, stage.first)


# --- rollback and forks ----------------------------------------------------------------------------------------------------------------


def rolls_back(stage: Stage) -> None:
    """The operator puts an older copy of the database in place."""
    older = stage.world.fork(stage.host)
    victim = stage.twin(stage.first)
    stage.write(victim)
    victim.sync()
    head = victim.session.reader(stage.log).log.head
    victim.wire.host = older
    victim.sync()
    must_catch(victim)
    must_keep(stage, victim)
    must(victim.session.reader(stage.log).log.head == head, "I7: the view went back")
    victim.wire.host = stage.host
    other = stage.twin(stage.second)
    other.sync()
    must_recover(stage, victim, other)


def serves_an_older_head(stage: Stage) -> None:
    """A head that was signed before, with nothing behind it."""
    victim = stage.twin(stage.first)
    entries = stage.entries(victim)
    old = signed_page(stage.host, stage.log, entries[:-1])
    before = victim.session.reader(stage.log).log.head
    victim.wire.lie = lambda response: replace(response, pages=(replace(old, entries=()),))
    victim.sync()
    must_catch(victim)
    must(victim.session.reader(stage.log).log.head == before, "I7: the view went back")
    stage.write(victim)
    must_recover(stage, victim, victim)
    must(not victim.store.unsent(), "I10: what was written under the lie was not sent after it")


def contradicts_and_falls_silent(stage: Stage) -> None:
    """A page that contradicts, and from then on nothing about that log: silence does not make it good."""
    victim = stage.twin(stage.first)
    old = signed_page(stage.host, stage.log, stage.entries(victim)[:-1])
    victim.wire.lie = lambda response: replace(response, pages=(replace(old, entries=()),))
    victim.sync()
    must_catch(victim)
    victim.wire.lie = lambda response: replace(response, pages=tuple(page for page in response.pages if page.log != stage.log))
    victim.sync()
    victim.restart()
    must(victim.session.stopped(stage.log), "a log goes on though the server shows no history that continues it")
    must_recover(stage, victim, stage.second)


def gives_two_entries_one_leaf(stage: Stage) -> None:
    """One audit event for two entries: one of them would never be missed."""

    def share(entries: list[PageEntry]) -> list[PageEntry]:
        return [*entries[:-1], replace(entries[-1], opening=entries[0].opening)]

    _clumsy(stage, share)


def serves_another_chain_at_the_head(stage: Stage) -> None:
    """The same length, another story."""
    victim = stage.twin(stage.first)
    entries = stage.entries(victim)
    other = signed_page(stage.host, stage.log, [*entries[:-1], replace(entries[-1], received_ms=entries[-1].received_ms + 5)])
    victim.wire.lie = lambda response: replace(response, pages=(replace(other, entries=()),))
    victim.sync()
    must_catch(victim)
    must_recover(stage, victim, stage.second)


def forks(stage: Stage) -> None:
    """Two devices are served two continuations; the fork is found as soon as one is shown an entry of the other."""
    left, right = stage.host, stage.world.fork(stage.host)
    one, two = stage.twin(stage.first, left), stage.twin(stage.second, right)
    for phone in (one, two):
        for _ in range(2):
            stage.write(phone, f"seen by {phone.name} only")
            phone.sync()
    must(not alarms(one) & CAUGHT and not alarms(two) & CAUGHT, "two forks that never meet cannot be told apart")
    head = two.session.reader(stage.log).log.head
    theirs = stage.entries(one)[-1]
    two.wire.lie = lambda response: replace(response, pages=(signed_page(right, stage.log, [theirs], head),))
    two.sync()
    must_catch(two)
    must(two.session.reader(stage.log).log.head == head, "I4: an entry of the other fork took effect")
    must_keep(stage, one)
    must_keep(stage, two)


def hides_and_signs(stage: Stage) -> None:
    """An entry, each in turn, is left out of the middle, the rest chained anew and signed. Whoever wrote later had seen it."""
    author = stage.twin(stage.second)
    for _ in range(2):
        stage.write(author)
        author.sync()
    entries = stage.entries(author)
    for hidden in range(1, len(entries) - 1):
        victim = stage.newcomer(stage.first)
        page = signed_page(stage.host, stage.log, entries[:hidden] + entries[hidden + 1 :])
        victim.wire.lie = on_page(stage.log, lambda _, page=page: page)  # type: ignore[misc]
        victim.sync()
        must_catch(victim)
        believed(stage, victim)
    must_recover(stage, victim, author)


def hides_the_last(stage: Stage) -> None:
    """The newest entry is withheld: no device can know. What it then writes shows what it saw, and the truth is caught up with."""
    author = stage.twin(stage.second)
    stage.write(author)
    author.sync()
    victim = stage.twin(stage.first)
    victim.wire.lie = lambda response: replace(response, pages=())
    victim.sync()
    must(not alarms(victim) & CAUGHT, "withholding was called a contradiction")
    must_recover(stage, victim, author)


def hides_a_registry_update(stage: Stage) -> None:
    """A file's page relies on a registry that is not shown: nothing is judged, nothing is asked for ever, and nothing is void."""
    victim = stage.newcomer(stage.first)
    own = stage.first.session.registry.log
    victim.wire.lie = lambda response: replace(response, pages=tuple(page for page in response.pages if page.log != own), more=True)
    report = victim.sync()
    must(isinstance(report, str) or report.rounds < 10, "a device can be made to ask for ever")
    believed(stage, victim)
    must_recover(stage, victim, stage.first)
    must("void:malformed" not in alarms(victim), "I2: an entry was void because its author was not known yet")


def shows_a_part_of_the_registry(stage: Stage) -> None:
    """The file comes whole, the registry that its statements rely on only in part: they wait for the rest, and are judged by all of it."""
    victim, honest = stage.newcomer(stage.first), stage.newcomer(stage.first)
    own = stage.first.session.registry.log
    rows = list(stage.first.store.entries(own))
    upto = stage.rng.randrange(1, len(rows))
    shown = [PageEntry([row.cose, cbor.decode(row.parts)], row.received_ms, (row.leaf, stage.host.realm.audit.salt(row.leaf))) for row in rows[:upto]]
    part = replace(signed_page(stage.host, own, shown), more=True)
    first = iter([part])

    def rewrite(response: SyncResponse) -> SyncResponse:
        pages = tuple(page for page in response.pages if page.log != own)
        return replace(response, pages=(*first, *pages), more=True)

    victim.wire.lie = rewrite
    report = victim.sync()
    must(isinstance(report, str) or report.rounds < 10, "a device can be made to ask for ever")
    must_recover(stage, victim, stage.first)
    honest.sync()
    void = {code for code in alarms(victim) - alarms(honest) if code.startswith("void:")}
    must(not void, f"I2: judged by a part of the registry: {sorted(void)}")


# --- keys --------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def sealed_to() -> Iterator[list[bytes]]:
    """Every public key that anything is sealed to meanwhile."""
    used: list[bytes] = []
    seal = keys.seal_secrets

    def spy(public: bytes, info: bytes, secrets: list[bytes]) -> bytes:
        used.append(public)
        return seal(public, info, secrets)

    with patched(keys, "seal_secrets", spy):
        yield used


def _swaps(stage: Stage, *, cunning: bool, resign: bool) -> None:
    """The registry names the liar's key for a colleague's device. Nothing is ever sealed to it."""
    liar_sign, liar_receive = SigningKey(stage.entropy(32)), ReceivingKey(stage.entropy(32))
    own = stage.first.session.registry.log
    registry = stage.first.session.registry

    def swap(entry: PageEntry) -> PageEntry:
        decoded = decode_pair(entry.pair)
        statement = decode_registry_statement(decoded.sign1.payload)
        if not isinstance(statement, Enrol) or statement.keys.device != stage.second.device:
            return entry
        invitation = statement.invitation
        sign = liar_sign.public if resign else statement.keys.sign
        swapped = Keys(statement.keys.device, statement.keys.label, sign, liar_receive.public)
        by = liar_sign.sign(countersigned(registry.svc, own, invitation.id, swapped)) if resign else statement.by
        signed = cose.assemble(invitation.sign1.protected, invitation.sign1.payload, invitation.sign1.signature)
        payload = encode_registry_statement(Enrol(invitation, swapped, by), signed)
        protected = decoded.sign1.protected
        forged = sign_object(liar_sign, protected, payload) if resign else cose.assemble(protected, payload, decoded.sign1.signature)
        return replace(entry, pair=[forged, []])

    def rewrite(page: Page) -> Page:
        entries = [swap(entry) for entry in page.entries]
        return signed_page(stage.host, own, entries) if cunning and len(entries) == registry.seq else replace(page, entries=tuple(entries))

    victim = stage.newcomer(stage.first)
    victim.wire.lie = on_page(own, rewrite)
    with sealed_to() as used:
        victim.sync()
        _grant_all(stage, victim)
        must_catch(victim, *CAUGHT, "void:malformed", "void:invitation-invalid")
        victim.wire.lie = None
        victim.sync()
        must(liar_receive.public not in used, "T02: a secret was sealed to a swapped key")
    certificate = victim.session.registry.devices.get(stage.second.device)
    must(certificate is None or certificate.keys.receive == stage.second.session.receive_key.public, "T02: a swapped key was certified")
    must_keep(stage, victim)


def _grant_all(stage: Stage, victim: Phone) -> None:
    """The victim begins a file with whom it believes to be its colleague, as far as its registry lets it."""
    session = victim.session
    try:
        kind = stage.first.session.require_file(stage.log).file
        members = dict(stage.first.session.require_file(stage.log).members)
        victim.do(lambda opened: files.create_file(opened, kind, {user: role for user, role in members.items() if user != session.identity.user}))
    except Exception as refusal:
        must(getattr(refusal, "code", "") in ("wall", "not-permitted", "no-service"), f"beginning a file ended in {refusal!r}")
    victim.sync()


def swaps_a_public_key(stage: Stage) -> None:
    _swaps(stage, cunning=False, resign=False)


def swaps_a_public_key_and_signs_the_head(stage: Stage) -> None:
    _swaps(stage, cunning=True, resign=False)


def enrols_its_own_device_in_a_colleagues_place(stage: Stage) -> None:
    _swaps(stage, cunning=True, resign=True)


def forges_an_entry(stage: Stage) -> None:
    """An entry in a colleague's name, under the liar's key, chained and signed: not taken, alarmed, without effect."""
    victim = stage.twin(stage.first)
    head = victim.session.reader(stage.log).log.head
    last = victim.session.reader(stage.log).log.authors.get(stage.second.device)
    sq, pv = (last.sq, last.id) if last else (0, None)
    svc = victim.session.identity.svc
    state = victim.session.require_file(stage.log)
    granter = Granter(svc, stage.log, stage.second.device, victim.session.registry)
    statement = granter.new_epoch(state, victim.store.secrets(stage.log), stage.entropy(32))
    protected = entry_header(STATEMENT, author=stage.second.device, svc=svc, log=stage.log, sq=sq + 1, pv=pv, sn=head, ck=victim.session.witness())
    payload = encode_file_statement(statement)
    forged = sign_object(SigningKey(stage.entropy(32)), protected, payload)
    entry = PageEntry([forged, []], stage.world.clock.now_ms, (0, bytes(32)))
    before = state_hash(victim.session.records(stage.log))
    victim.wire.lie = lambda response: replace(response, pages=(signed_page(stage.host, stage.log, [entry], head),))
    victim.sync()
    must_catch(victim, "contradiction")
    must(state_hash(victim.session.records(stage.log)) == before, "I4: a forged entry took effect")
    must(victim.session.require_file(stage.log).epoch == state.epoch, "I4: a forged rotation took effect")
    must_recover(stage, victim, stage.first)
    must_keep(stage, victim)


# --- receipts, verdicts, the audit tree ----------------------------------------------------------------------------------------------------


def _sending(stage: Stage) -> tuple[Phone, bytes]:
    victim = stage.twin(stage.first)
    return victim, stage.write(victim)


def _without_its_own(response: SyncResponse, log: bytes, **changed: Any) -> SyncResponse:
    return replace(response, pages=tuple(page for page in response.pages if page.log != log), **changed)


def receipts_and_loses(stage: Stage) -> None:
    """The server receipts an entry, then serves a log in which another stands at its place."""
    lost = stage.world.fork(stage.host)
    victim, _ = _sending(stage)
    victim.wire.lie = lambda response: _without_its_own(response, stage.log)
    victim.sync()
    waiting = victim.store.outbox(stage.log)
    must(bool(waiting), "I1: a receipt alone ended the waiting")
    must(all(item.receipted for item in waiting), "a receipt was not believed")
    other = stage.twin(stage.second, lost)
    stage.write(other)
    other.sync()
    victim.wire.lie, victim.wire.host = None, lost
    victim.sync()
    must_catch(victim)
    must_keep(stage, victim)
    must(victim.store.unsent() > 0, "I1: what the server lost counts as sent")


def receipts_with_another_key(stage: Stage) -> None:
    key = SigningKey(stage.entropy(32))
    victim, _ = _sending(stage)
    svc = victim.session.identity.svc

    def forge(response: SyncResponse) -> SyncResponse:
        items = [Item(answer.id, 99, stage.world.clock.now_ms) for answer in response.answers]
        protected = cose.protected_header(RECEIPT, ids.server_key_id(key.public), svc)
        payload = receipt_payload(stage.log, stage.host.realm.incarnation, items or [Item(bytes(32), 99, 0)], 99, bytes(32))
        return _without_its_own(response, stage.log, receipts=(sign_object(key, protected, payload),))

    victim.wire.lie = forge
    victim.sync()
    must_catch(victim, "bad-receipt")
    must(victim.store.outbox(stage.log), "I1: a forged receipt ended the waiting")
    must_recover(stage, victim, victim)


def receipts_another_log(stage: Stage) -> None:
    """A receipt, rightly signed, that puts the entry into a log where it does not belong."""
    victim, _ = _sending(stage)

    def misplace(response: SyncResponse) -> SyncResponse:
        items = [Item(answer.id, 1, stage.world.clock.now_ms) for answer in response.answers]
        signed = stage.host.realm.sign(RECEIPT, receipt_payload(ids.sha256(stage.log)[:16], stage.host.realm.incarnation, items, 1, bytes(32)))
        return _without_its_own(response, stage.log, receipts=(signed,) if items else ())

    victim.wire.lie = misplace
    victim.sync()
    must(victim.store.outbox(stage.log), "I1: a receipt for another log ended the waiting")
    must_recover(stage, victim, victim)


def refuses_without_signing(stage: Stage) -> None:
    """A refusal that would be final, without a signature, with a stranger's, for another entry: the entry stays as it is."""
    victim, _ = _sending(stage)
    key = SigningKey(stage.entropy(32))
    realm = stage.host.realm
    svc = victim.session.identity.svc
    sealed: list[bytes] = []

    def refuse(response: SyncResponse) -> SyncResponse:
        answers = []
        for answer in response.answers:
            payload = verdict_payload(stage.log, realm.incarnation, answer.id, victim.device, 1, "stale-epoch")
            stranger = sign_object(key, cose.protected_header(VERDICT, ids.server_key_id(key.public), svc), payload)
            other = realm.sign(VERDICT, verdict_payload(stage.log, realm.incarnation, bytes(32), victim.device, 1, "stale-epoch"))
            answers.append(Answer(answer.id, "stale-epoch", "no", stage.rng.choice((None, stranger, other))))
        return _without_its_own(response, stage.log, answers=tuple(answers), receipts=())

    victim.wire.lie = refuse
    for _ in range(3):
        victim.sync()
        sealed += [item.id for item in victim.store.outbox(stage.log)]
    must(len(set(sealed)) == 1 and len(sealed) == 3, "I6: an entry was sealed again without a final verdict")
    must_recover(stage, victim, victim)


def takes_what_it_refused(stage: Stage) -> None:
    """A signed final refusal, and then the entry in the log after all."""
    victim, _ = _sending(stage)
    realm = stage.host.realm

    def refuse(response: SyncResponse) -> SyncResponse:
        answers = tuple(
            Answer(
                answer.id,
                "stale-epoch",
                "no",
                realm.sign(VERDICT, verdict_payload(stage.log, realm.incarnation, answer.id, victim.device, 1, "stale-epoch")),
            )
            for answer in response.answers
        )
        return _without_its_own(response, stage.log, answers=answers, receipts=())

    victim.wire.lie = refuse
    victim.sync()
    victim.wire.lie = None
    victim.sync()
    must_catch(victim)
    must(not victim.store.fact("frozen"), "a server's double game froze an honest device")
    must_keep(stage, victim)


def cries_clone(stage: Stage) -> None:
    """Clone-detected without another entry, and with one that stands elsewhere: the device does not freeze."""
    victim, _ = _sending(stage)
    own = [one.pair for one in stage.entries(victim) if decode_pair(one.pair).author == victim.device]
    shown = stage.rng.choice([None, *own])

    def cry(response: SyncResponse) -> SyncResponse:
        answers = tuple(Answer(answer.id, "clone-detected", "two of you", None, shown) for answer in response.answers)
        return _without_its_own(response, stage.log, answers=answers, receipts=())

    victim.wire.lie = cry
    victim.sync()
    must(not victim.store.fact("frozen"), "a server can freeze an honest device")
    must_catch(victim, "clone-detected")
    must_recover(stage, victim, victim)


def shows_another_tree(stage: Stage) -> None:
    """The audit tree of a copy whose history went another way."""
    other = stage.world.fork(stage.host)
    for _ in range(2):
        walker = stage.twin(stage.second, other)
        stage.write(walker)
        walker.sync()
    victim = stage.twin(stage.first)
    stage.write(victim)
    victim.sync()
    published = other.realm.audit.published
    victim.wire.lie = lambda response: replace(response, checkpoint=published.note, consistency=(), inclusion=())
    victim.sync()
    if published.size != (victim.store.newest_checkpoint() or (0, b"", ""))[0]:
        must_catch(victim, "audit-contradiction")
    must_keep(stage, victim)


def keeps_it_out_of_the_audit_log(stage: Stage) -> None:
    """Never proves that an entry is in the tree: after 24 hours the device says so."""
    victim, _ = _sending(stage)
    victim.wire.lie = lambda response: replace(response, inclusion=())
    victim.sync()
    before = stage.world.clock.now_ms
    stage.world.clock.now_ms += 25 * 3_600_000
    victim.sync()
    stage.world.clock.now_ms = before
    must_catch(victim, "not-in-audit-log")


def shows_one_tree_to_each(stage: Stage) -> None:
    """Two devices are shown two trees of one size; the first entry that one has of the other tells."""
    left, right = stage.host, stage.world.fork(stage.host)
    one, two = stage.twin(stage.first, left), stage.twin(stage.second, right)
    for phone in (one, two):
        stage.write(phone)
        phone.sync()
        phone.sync()
    if one.session.witness().size != two.session.witness().size or one.session.witness() == two.session.witness():
        raise Unfit
    stage.write(one)
    one.sync()
    head = two.session.reader(stage.log).log.head
    theirs = stage.entries(one)[-1]
    two.wire.lie = lambda response: replace(response, pages=(signed_page(right, stage.log, [theirs], head),))
    two.sync()
    must_catch(two)


LIES: dict[str, Callable[[Stage], None]] = {
    lie.__name__: lie
    for lie in (
        drops_an_entry, swaps_two, repeats_an_entry, changes_a_time, flips_a_byte_of_an_entry, flips_a_byte_of_a_part, withholds_a_part, shows_ids_of_a_file_that_nobody_erased,
        gives_two_entries_one_leaf, contradicts_and_falls_silent, signs_with_another_key, serves_another_log_in_its_place, rolls_back, serves_an_older_head, serves_another_chain_at_the_head, forks,
        hides_and_signs, hides_the_last, hides_a_registry_update, shows_a_part_of_the_registry, swaps_a_public_key, swaps_a_public_key_and_signs_the_head,
        enrols_its_own_device_in_a_colleagues_place, forges_an_entry, receipts_and_loses, receipts_with_another_key, receipts_another_log,
        refuses_without_signing, takes_what_it_refused, cries_clone, shows_another_tree, keeps_it_out_of_the_audit_log, shows_one_tree_to_each,
    )
}  # fmt: skip


def tell(world: World, rng: Random, count: int) -> list[str]:
    """Some lies, drawn at random, about a file of one side. Returns which were told."""
    told = []
    side = rng.choice(world.sides)
    for name in rng.sample(sorted(LIES), count):
        stage = make_stage(world, side, rng)
        if stage is None:
            break
        try:
            with patched(server.pages, "_RESPONSE_BYTES", limits.PAGE_BYTES):
                LIES[name](stage)
        except Unfit:
            continue
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        told.append(name)
    return told
