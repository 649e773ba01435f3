"""What people with keys try against an honest server after a history: every attempt is refused, and nothing moves (I4, I5, W1, W3).

Each attack makes a rightly or wrongly signed entry by hand and pushes it as some device of the side. `attack_world` runs all of them
on every file that has a member in standing; cuttings and pastings of sealed parts are tried without a server.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

from server.append.commit import Commit, Pushed, Sender
from server.append.push import push
from server.realm import Job
from shared_schema import cbor, cose, ids
from shared_schema.entry import ENVELOPE, STATEMENT, Entry, Head, Witness, decode_entry, encode_pair, entry_header, envelope_payload
from shared_schema.errors import Malformed, Refused
from shared_schema.membership import Grant, Members, NewEpoch, encode_file_statement
from shared_schema.recovery import recover_bound
from sync import keys, sealing
from sync.device.session import Session
from sync.granting import Granter
from sync.signing import SigningKey, sign_object
from tests.simulation.checks import Opened, must, open_side
from tests.world import Entropy, Host, Phone, World


class Scene(NamedTuple):
    """One file, a member who turns against it, and everybody else who is near."""

    world: World
    host: Host
    opened: Opened
    member: Phone
    outsiders: list[Phone]
    entropy: Entropy

    @property
    def session(self) -> Session:
        return self.member.session

    @property
    def log(self) -> bytes:
        return self.opened.log

    @property
    def state_secrets(self) -> dict[int, bytes]:
        return self.member.store.secrets(self.log)


Attack = Callable[[Scene], Iterator[tuple[Phone, bytes]]]


def attack_world(world: World, rng: Random) -> int:
    """Every attack on one file of one side; returns how many entries were tried. Raises AssertionError when one has any effect."""
    host = world.hosts[rng.choice(world.sides)]
    for opened in open_side(world, host):
        scene = _scene(world, host, opened)
        if scene is not None:
            check_bindings(opened, rng)
            return _attack(scene)
    return 0


def _scene(world: World, host: Host, opened: Opened) -> Scene | None:
    phones = world.of_side(host.side)
    state = opened.state
    able = [phone for phone in phones if phone.device in state.holders and not phone.out and phone.user in state.members]
    if not able:
        return None
    outsiders = [phone for phone in [*phones, world.admins[host.side]] if phone.user not in state.members]
    return Scene(world, host, opened, able[0], outsiders, world.entropy(host.side, "attacker"))


def _attack(scene: Scene) -> int:
    tried = 0
    before = _heads(scene.host)
    for name, attack in ATTACKS.items():
        pushes = list(attack(scene))
        tried += len(pushes)
        must(all(_refusals(scene.host, pushes)), f"I4: the server took {name}")
        must(_heads(scene.host) == before, f"I4: {name} moved a log")
    return tried


def _refusals(host: Host, pushes: list[tuple[Phone, bytes]]) -> list[bool]:
    """Each in a request of its own, all in one transaction: whether it was refused."""
    jobs: list[Job] = [partial(_push, cbor.decode(pair), host.sender(phone.device)) for phone, pair in pushes if not phone.out]
    return [isinstance(result, Refused) or all(answer.code != "accepted" for answer in result.answers) for result in host.realm.transact(jobs)]


def _push(pair: Any, sender: Sender, commit: Commit) -> Pushed:
    return push(commit, (pair,), sender)


def _heads(host: Host) -> list[Any]:
    return host.rows("SELECT log_id, seq, chain FROM log_head ORDER BY log_id")


# --- making entries by hand ----------------------------------------------------------------------------------------------------


def _author(scene: Scene, phone: Phone) -> tuple[int, bytes | None]:
    mine = [one.entry for one in scene.opened.entries if one.entry.author == phone.device]
    return (mine[-1].sq, mine[-1].id) if mine else (0, None)


def _head(scene: Scene) -> Head:
    last = scene.opened.entries[-1]
    return Head(scene.host.realm.incarnation, last.seq, last.chain)


def _header(scene: Scene, phone: Phone, typ: str, **changed: Any) -> bytes:
    sq, pv = _author(scene, phone)
    me = phone.session.identity
    facts: dict[str, Any] = {
        "author": me.device, "svc": me.svc, "log": scene.log, "sq": sq + 1, "pv": pv, "sn": _head(scene), "ck": phone.session.witness(),
        "epoch": scene.opened.state.epoch if typ == ENVELOPE else None,
    }  # fmt: skip
    return entry_header(typ, **facts | changed)


def _envelope(scene: Scene, phone: Phone, key: SigningKey | None = None, **changed: Any) -> bytes:
    """A well-made envelope but for what is `changed`."""
    protected = _header(scene, phone, ENVELOPE, **changed)
    parts = [scene.entropy(300)]
    return encode_pair(sign_object(key or phone.session.sign_key, protected, envelope_payload(parts)), parts)


def _statement(scene: Scene, phone: Phone, payload: bytes, **changed: Any) -> bytes:
    return encode_pair(sign_object(phone.session.sign_key, _header(scene, phone, STATEMENT, **changed), payload), ())


def _rotation(scene: Scene) -> NewEpoch | Members:
    session = scene.session
    granter = Granter(session.identity.svc, scene.log, session.identity.device, session.registry)
    return granter.new_epoch(scene.opened.state, scene.state_secrets, scene.entropy(32))


# --- the attacks -----------------------------------------------------------------------------------------------------------------


def broken_signatures(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """Signed by another key, and bytes changed after signing."""
    yield scene.member, _envelope(scene, scene.member, key=SigningKey(scene.entropy(32)))
    data, parts = cbor.decode(_envelope(scene, scene.member))
    yield scene.member, encode_pair(data[:-1] + bytes([data[-1] ^ 1]), parts)
    yield scene.member, encode_pair(data, [parts[0][:-1] + bytes([parts[0][-1] ^ 1])])


def written_for_another(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """In a colleague's name, under one's own key."""
    for other in scene.world.of_side(scene.host.side):
        if other is not scene.member:
            yield scene.member, _envelope(scene, other, key=scene.session.sign_key)


def by_outsiders(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """By somebody of the side who is in no such file, the administrator too; delivered by themselves and by a member."""
    for other in scene.outsiders:
        yield other, _envelope(scene, other)
        yield scene.member, _envelope(scene, other)


def across_the_wall(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """By a device of the other side."""
    for side in scene.world.sides:
        if side != scene.host.side:
            yield scene.member, _envelope(scene, scene.world.admins[side])


def out_of_order(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """A number taken, a number too far, another predecessor."""
    sq, pv = _author(scene, scene.member)
    yield scene.member, _envelope(scene, scene.member, sq=sq + 2, pv=scene.entropy(32))
    yield scene.member, _envelope(scene, scene.member, sq=sq + 1 if sq else 2, pv=scene.entropy(32))
    if pv is not None:
        yield scene.member, _envelope(scene, scene.member, sq=1, pv=None)


def elsewhere(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """For another service, another incarnation, another history, another tree."""
    head, inc = _head(scene), scene.host.realm.incarnation
    yield scene.member, _envelope(scene, scene.member, svc=scene.entropy(16))
    yield scene.member, _envelope(scene, scene.member, sn=head._replace(incarnation=scene.entropy(16)))
    yield scene.member, _envelope(scene, scene.member, sn=head._replace(chain=scene.entropy(32)))
    yield scene.member, _envelope(scene, scene.member, sn=head._replace(seq=head.seq + 5))
    yield scene.member, _envelope(scene, scene.member, ck=Witness(inc, scene.host.realm.audit.published.size, scene.entropy(32)))
    yield scene.member, _envelope(scene, scene.member, ck=Witness(inc, 1, scene.entropy(32)))
    yield scene.member, _envelope(scene, scene.member, ck=Witness(inc, 2**40, scene.entropy(32)))


def other_epochs(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """Under an epoch that is over, and under one that is not yet."""
    epoch = scene.opened.state.epoch
    for other in {1, epoch - 1, epoch + 1} - {0, epoch}:
        yield scene.member, _envelope(scene, scene.member, epoch=other)


def grants_across_the_wall(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """A rotation with one grant more, for a device of the other side; and with that device in a colleague's place."""
    statement = _rotation(scene)
    for side in scene.world.sides:
        if side == scene.host.side:
            continue
        stranger = scene.world.admins[side].session
        epochs = statement.grants[0].epochs[-1:]
        info = keys.grant_info(stranger.identity.svc, scene.log, statement.epoch, scene.member.device, stranger.identity.device)
        sealed = keys.seal_secrets(stranger.receive_key.public, info, [scene.entropy(32)])
        cert = stranger.registry.devices[stranger.identity.device].id
        extra = Grant(stranger.identity.device, cert, epochs, sealed)
        more = replace(statement, grants=tuple(sorted((*statement.grants, extra), key=lambda grant: grant.to)))
        yield scene.member, _statement(scene, scene.member, encode_file_statement(more))
        instead = replace(statement, grants=tuple(sorted((*statement.grants[1:], extra), key=lambda grant: grant.to)))
        yield scene.member, _statement(scene, scene.member, encode_file_statement(instead))


def grants_missing_or_more(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """A rotation that leaves out one device or the recovery key, or lets in somebody who is no member."""
    statement = _rotation(scene)
    for i in range(len(statement.grants)):
        fewer = statement.grants[:i] + statement.grants[i + 1 :]
        if fewer:
            yield scene.member, _statement(scene, scene.member, encode_file_statement(replace(statement, grants=fewer)))
    for other in scene.outsiders[:1]:
        own = other.session
        sealed = statement.grants[0].sealed
        extra = Grant(own.identity.device, own.registry.devices[own.identity.device].id, (statement.epoch,), sealed)
        more = replace(statement, grants=tuple(sorted((*statement.grants, extra), key=lambda grant: grant.to)))
        yield scene.member, _statement(scene, scene.member, encode_file_statement(more))


def statements_out_of_turn(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """After another statement than the last, with an epoch number used or skipped, by an outsider, relying on another registry."""
    statement = _rotation(scene)
    wrong: list[dict[str, Any]] = [
        {"previous": scene.entropy(32)},
        {"epoch": statement.epoch + 1},
        {"rg": statement.rg._replace(chain=scene.entropy(32))},
        {"rg": statement.rg._replace(seq=statement.rg.seq + 1)},
    ]
    if statement.epoch > 2:
        wrong += [{"epoch": statement.epoch - 1}, {"previous": scene.opened.entries[0].entry.id}]
    for changed in wrong:
        yield scene.member, _statement(scene, scene.member, encode_file_statement(replace(statement, **changed)))
    for other in scene.outsiders[:1]:
        yield other, _statement(scene, other, encode_file_statement(statement))


def recoveries_of_what_is_held(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """By a member and by outsiders, with the shares of every recovery key there was, and signed by nobody's."""
    state, known = scene.opened.state, scene.host.realm.known()
    for phone in [scene.member, *scene.outsiders[:1]]:
        bound = recover_bound(known.svc, scene.log, phone.device, state.previous)
        signers = [secret.sign_key for secret in scene.world.recovery[scene.host.side]] + [phone.session.sign_key]
        granter = Granter(known.svc, scene.log, phone.device, known)
        for signer in signers:
            made = granter.recover(state, {}, scene.entropy(32), (phone.user, "coordinator"), signer.sign(bound))
            yield phone, _statement(scene, phone, encode_file_statement(made))


def people_by_who_may_not(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """A member removes themselves; one whose role does not change people removes a colleague."""
    statement = _rotation(scene)
    state = scene.opened.state
    for user in sorted(state.members):
        allowed = state.members[scene.member.user] in ("coordinator", "fund_holder", "therapy_lead")
        if user == scene.member.user or not allowed:
            removal = Members((), (user,), statement.epoch, statement.commit, statement.grants, statement.rg, statement.previous)
            yield scene.member, _statement(scene, scene.member, encode_file_statement(removal))


def rewritten(scene: Scene) -> Iterator[tuple[Phone, bytes]]:
    """An old entry with another payload or other parts, under its own signature."""
    for one in scene.opened.entries:
        if one.entry.is_envelope and one.entry.parts[0]:
            part = one.entry.parts[0]
            yield scene.member, encode_pair(one.entry.cose, [part[:-1] + bytes([part[-1] ^ 1]), *one.entry.parts[1:]])
            sign1 = one.entry.sign1
            yield scene.member, encode_pair(cose.assemble(sign1.protected, envelope_payload([part, part]), sign1.signature), [part, part])
            break


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        broken_signatures, written_for_another, by_outsiders, across_the_wall, out_of_order, elsewhere, other_epochs, grants_across_the_wall,
        grants_missing_or_more, statements_out_of_turn, recoveries_of_what_is_held, people_by_who_may_not, rewritten,
    )
}  # fmt: skip


# --- cut and paste -----------------------------------------------------------------------------------------------------------------


def check_bindings(opened: Opened, rng: Random) -> None:
    """I4: a sealed part opens in its own place only: service, log, epoch, author, number, index, count and every byte of its header."""
    envelopes = [one.entry for one in opened.entries if one.entry.is_envelope and None not in one.entry.parts]
    if not envelopes:
        return
    entry = rng.choice(envelopes)
    i = rng.randrange(len(entry.parts))
    for name, changed in _moved(entry, i).items():
        for secret in opened.secrets.values():
            try:
                sealing.open_part(secret, *changed)
            except Malformed:
                continue
            raise AssertionError(f"I4: a part opens with another {name}")
    for other in envelopes:
        if other.id != entry.id:
            stolen = decode_entry(_resigned(other, entry), other.parts)
            must(not _any_opens(opened, stolen), "I4: parts open in another entry")


def _moved(entry: Entry, i: int) -> dict[str, tuple[Any, ...]]:
    epoch, part, header, total = entry.epoch or 0, entry.parts[i] or b"", entry.sign1.protected, len(entry.parts)
    place = (keys.context(entry.svc, entry.log, epoch), entry.author, entry.sq, header, part, i, total)
    other = ids.sha256(b"other")[:16]
    flipped = header[:-1] + bytes([header[-1] ^ 1])
    return {
        "service": (keys.context(other, entry.log, epoch), *place[1:]),
        "log": (keys.context(entry.svc, other, epoch), *place[1:]),
        "epoch": (keys.context(entry.svc, entry.log, epoch + 1), *place[1:]),
        "author": (place[0], other, *place[2:]),
        "number": (*place[:2], entry.sq + 1, *place[3:]),
        "header": (*place[:3], flipped, *place[4:]),
        "part": (*place[:4], part[:-1] + bytes([part[-1] ^ 1]), *place[5:]),
        "salt": (*place[:4], bytes([part[0] ^ 1]) + part[1:], *place[5:]),
        "index": (*place[:5], i + 1, total),
        "count": (*place[:6], total + 1),
    }


def _resigned(parts_of: Entry, header_of: Entry) -> bytes:
    """The parts of one entry under the header of another; nobody looks at the signature here."""
    return cose.assemble(header_of.sign1.protected, parts_of.sign1.payload, header_of.sign1.signature)


def _any_opens(opened: Opened, entry: Entry) -> bool:
    secret = opened.secrets[entry.epoch or 0]
    ctx = keys.context(entry.svc, entry.log, entry.epoch or 0)
    for i, part in enumerate(entry.parts):
        try:
            sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part or b"", i, len(entry.parts))
        except Malformed:
            continue
        return True
    return False
