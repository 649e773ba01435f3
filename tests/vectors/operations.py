"""The operations of the vectors: name -> a function of the case's `in` to its `out`, made of the code under test alone.

`shared_schema/vectors/README.md` says for each what goes in, what comes out, and which spec section governs it. An operation
refuses by raising a ProtocolError, whose code the must-refuse cases state.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final

import jwt

from server import authenticate
from shared_schema import approval, cbor, certificate, checkpoint, cose, entry, ids, records, request
from shared_schema import membership as file_shapes
from shared_schema import recovery as recovery_shapes
from shared_schema.errors import Malformed, Refused
from shared_schema.roles import roles_allowed
from sync import approval as approval_rules
from sync import (
    change,
    cover_traffic,
    exchange,
    fold,
    granting,
    keys,
    ledger,
    log,
    membership,
    merging,
    merkle,
    registry,
    removal,
    sealing,
    signing,
    stub,
)
from sync.change import CellKey, encode_change_map
from sync.recovery import Recovery
from tests.vectors.attachment_operations import ATTACHMENT_OPERATIONS
from tests.vectors.codecs import entry_value, field_value, to_change, to_page
from tests.vectors.due_operations import DUE_OPERATIONS
from tests.vectors.hint_operations import HINT_OPERATIONS
from tests.vectors.parcel_operations import PARCEL_OPERATIONS
from tests.vectors.unlock_operations import UNLOCK_OPERATIONS

In = dict[str, Any]
_NO_INCARNATION: Final = bytes(16)


def decode_travelling(data: bytes) -> entry.Entry:
    """An entry from the bytes of its pair."""
    return entry.decode_pair(cbor.decode(data))


# --- ids --------------------------------------------------------------------------------------------------------------------


def _chain(given: In) -> list[bytes]:
    chains = [ids.chain_start(given["log"])]
    for seq, (received_ms, entry_id) in enumerate(given["entries"], 1):
        chains.append(ids.chain_next(chains[-1], seq, received_ms, entry_id))
    return list(chains)


# --- keys and signatures ----------------------------------------------------------------------------------------------------


def _sign(given: In) -> Any:
    key = signing.SigningKey(given["seed"])
    return {"public": key.public, "signature": key.sign(given["data"])}


def _verify(given: In) -> None:
    if not signing.verify_bytes(given["public"], given["signature"], given["data"]):
        raise Malformed("the signature does not verify")


def _verify_object(given: In) -> Any:
    """Any signed object, decoded by its own type's decoder before."""
    sign1 = cose.decode(given["bytes"], given["typ"], frozenset(given.get("labels", ())))
    signing.verify_object(sign1, given["public"])
    return {"to_sign": sign1.to_sign, "id": sign1.id}


# --- logs -------------------------------------------------------------------------------------------------------------------


def _follow_all(state: log.LogHead, entries: list[Any]) -> log.LogHead:
    for data, received_ms in entries:
        one = decode_travelling(data)
        state = log.advance_author(log.follow(state, one, received_ms)[0], one)
    return state


def _log(given: In) -> Any:
    state = _follow_all(log.empty_log(given["log"], given["incarnation"]), given["entries"])
    authors = [[device, last.sq, last.id] for device, last in sorted(state.authors.items())]
    return {"head": list(state.head), "received_ms": state.received_ms, "authors": authors}


def _author_order(given: In) -> None:
    state = _follow_all(log.empty_log(given["log"], _NO_INCARNATION), given["entries"])
    log.check_author(state, decode_travelling(given["entry"]))


def _address(given: In) -> None:
    log.check_address(decode_travelling(given["entry"]), given["svc"], given["log"])


def _seen(given: In) -> None:
    chains = given["chains"]
    state = log.LogHead(given["log"], entry.Head(given["incarnation"], len(chains) - 1, chains[-1]))
    log.check_seen(state, decode_travelling(given["entry"]), lambda seq: chains[seq] if seq < len(chains) else None)


# --- registry ---------------------------------------------------------------------------------------------------------------


def _from_scratch(log_id: bytes, taken: list[exchange.Taken]) -> exchange.History:
    """The history of a reader that has taken these, from the first."""
    return exchange.History(lambda seq: None if seq else ids.chain_start(log_id), lambda _size: None, {}).growing(taken)


def fold_registry(given: In) -> tuple[registry.Registry, log.LogHead, list[str | None]]:
    """A registry `{svc, side, pinned, entries}`, folded as a reader does."""
    known = registry.empty_registry(given["svc"], given["side"], given["pinned"])
    reader = exchange.Reader(log.empty_log(known.log, _NO_INCARNATION))
    taken: list[exchange.Taken] = []
    history = _from_scratch(known.log, taken)
    for data, received_ms in given["entries"]:
        reader, known, one = exchange.take_registry_entry(reader, decode_travelling(data), received_ms, (0, b""), known, history)
        taken.append(one)
    return known, reader.log, [one.void for one in taken]


def _cover_hour(given: In) -> Any:
    known, _, void = fold_registry(given)
    return {"void": void, "hour": known.cover_hour}


def _restorations(given: In) -> Any:
    known, _, void = fold_registry(given)
    rows = [
        {
            "incarnation": one.incarnation, "seq": one.seq, "by": one.by, "marked": one.marked,
            "before": None if one.before is None else list(one.before), "healed": one.healed,
        }
        for one in known.restorations
    ]  # fmt: skip
    return {"void": void, "incarnation": known.incarnation, "healing": known.healing, "restorations": rows}


def _registry(given: In) -> Any:
    known, _, void = fold_registry(given)
    devices = [
        {
            "device": cert.keys.device, "cert": cert.id, "seq": cert.seq, "user": cert.subject.user, "roles": list(cert.subject.roles),
            "issuer": cert.issuer, "revoked": cert.revoked, "suspended": cert.suspended, "wiped": cert.wiped,
        }
        for _, cert in sorted(known.devices.items())
    ]  # fmt: skip
    spent = [[key, device] for key, device in sorted(known.spent.items())]
    return {
        "log": known.log, "head": list(known.head), "void": void, "devices": devices, "spent": spent, "reused": sorted(known.reused),
        "root": known.root_id, "recovery": known.recovery_id if known.root else None,
    }  # fmt: skip


def _recovery(found: Recovery) -> dict[str, Any]:
    permits = [
        {
            "device": one.permit.device, "files": None if one.permit.files is None else list(one.permit.files), "reason": one.permit.reason,
            "until": one.permit.until, "seq": one.seq, "by": one.by, "ended": one.ended,
        }
        for one in found.permits
    ]  # fmt: skip
    return {
        "recovery": [[key.id, key.cert, key.seq] for key in found.keys],
        "custody": None if found.custody is None else [found.custody.threshold, list(found.custody.holders)],
        "permits": permits,
        "drills": [[one.seq, one.by, one.drill.key] for one in found.drills],
    }


def _recovery_of(given: In) -> Any:
    known, _, void = fold_registry(given)
    return {"void": void, **_recovery(known.recovery)}


def _standing_registry(given: In) -> registry.Registry:
    known, _, void = fold_registry(given)
    assert not any(void), f"the case's own registry has void entries: {void}"
    return known


def _registry_take(given: In) -> None:
    """What the server does with a registry entry: spec §3.1."""
    known, state, void = fold_registry(given)
    assert not any(void), f"the entries before are void: {void}"
    one = decode_travelling(given["entry"])
    registry.statement_of(one)
    log.check_address(one, known.svc, known.log)
    signer = registry.signer(known, one)
    if signer is None:
        raise Refused("not-permitted")
    signing.verify_object(one.sign1, signer)
    log.check_author(state, one)
    registry.take(known, one, log.place(state, one, given["received_ms"])[1].chain)


# --- approvals --------------------------------------------------------------------------------------------------------------


def _act_hash(given: In) -> bytes:
    return approval.act_hash(given["act"])


def _check_approval(given: In) -> Any:
    """Who approved, when the approval is for this act in this log."""
    known = _standing_registry(given["registry"])
    one = approval.decode_approval(given["bytes"])
    found = approval_rules.check_approval(one, given["log"], given["kind"], given["act"], known, given["seq"], given["received_ms"])
    return {"device": found.keys.device, "user": found.subject.user}


# --- files ------------------------------------------------------------------------------------------------------------------


def fold_file(given: In) -> tuple[membership.FileState | None, log.LogHead, registry.Registry, list[str | None]]:
    """A file `{registry, log, entries}`, folded as a reader does."""
    known = _standing_registry(given["registry"])
    reader = exchange.Reader(log.empty_log(given["log"], known.incarnation))
    taken: list[exchange.Taken] = []
    history = _from_scratch(given["log"], taken)
    for data, received_ms in given["entries"]:
        reader, one = exchange.take_entry(reader, decode_travelling(data), received_ms, (0, b""), known, history)
        taken.append(one)
    return reader.file, reader.log, known, [one.void for one in taken]


def _file(given: In) -> Any:
    file, state, known, void = fold_file(given)
    assert file is not None
    return {
        "head": list(state.head), "void": void, "file": file.file, "side": file.side,
        "members": [[user, role] for user, role in sorted(file.members.items())], "ever": sorted(file.ever),
        "epoch": file.epoch, "voided": sorted(file.voided), "commits": [[epoch, kc] for epoch, kc in sorted(file.commits.items())],
        "holders": sorted(file.holders), "settled": sorted(file.settled), "admitted": sorted(file.admitted),
        "expunged": [[*place, at] for place, at in sorted(file.expunged.items())], "holds": sorted(file.holds), "approvals": sorted(file.approvals),
        "erased": file.erased, "previous": file.previous, "recovery": file.recovery, "blocked": file.blocked,
        "missing": membership.missing_grants(file, known), "rotation_needed": membership.rotation_needed(file, known),
    }  # fmt: skip


def _file_take(given: In) -> None:
    """What the server does with an entry of a file: spec §3.1."""
    file, state, known, void = fold_file(given)
    assert void == given.get("void", [None] * len(void)), f"the entries before are void: {void}"
    one = decode_travelling(given["entry"])
    if not one.is_envelope:
        file_shapes.file_statement(one)
    certificate = known.devices.get(one.author)
    if certificate is None:
        raise Refused("no-such-file")
    signing.verify_object(one.sign1, certificate.keys.sign)
    log.check_address(one, known.svc, state.log)
    log.check_author(state, one)
    if one.is_envelope:
        membership.check_envelope(file, one)
    else:
        membership.take(file, one, known, max(given["received_ms"], state.received_ms))
        removal.check_entry(one, max(given["received_ms"], state.received_ms), _entry_at(given))


def _entry_at(given: In) -> removal.EntryAt:
    entries = given.get("entries", [])
    return lambda seq: (decode_travelling(entries[seq - 1][0]), entries[seq - 1][1]) if 0 < seq <= len(entries) else None


def _fresh(given: In) -> None:
    membership.check_fresh(given["users"], given["seq"], _standing_registry(given["registry"]))


def _recipients(given: In) -> Any:
    known = _standing_registry(given["registry"])
    found = membership.recipients(known, given["users"], given["seq"])
    return [[to, cert, receive] for to, (cert, receive) in sorted(found.items())]


def _reaches(given: In) -> Any:
    return _standing_registry(given["registry"]).reaches(entry.Head(*given["rg"]))


def _roles_allowed(given: In) -> bool:
    return roles_allowed(given["side"], given["roles"])


# --- grants and sealing -----------------------------------------------------------------------------------------------------


def _receiving_key(given: In) -> bytes:
    return keys.ReceivingKey(given["seed"]).public


def _recovery_keys(given: In) -> Any:
    secret = keys.RecoverySecret(given["seed"])
    return {"recovery": secret.receive_key.public, "recovery_sign": secret.sign_key.public, "id": secret.id}


def _drill_bound(given: In) -> bytes:
    return recovery_shapes.drill_bound(given["svc"], given["log"], given["device"], given["sq"])


def _recover_bound(given: In) -> bytes:
    return recovery_shapes.recover_bound(given["svc"], given["log"], given["device"], given["previous"])


def _grant_info(given: In) -> bytes:
    return keys.grant_info(given["svc"], given["log"], given["epoch"], given["granter"], given["to"])


def _grant_open(given: In) -> Any:
    """Open one grant of a statement and hold each secret against its commitment and against the secrets held before."""
    grant = file_shapes.Grant(given["to"], bytes(32), tuple(given["epochs"]), given["sealed"])
    statement = file_shapes.MoreGrants((grant,), entry.Head(bytes(16), 0, bytes(32)), bytes(32))
    opened = granting.open_grants(statement, given["granter"], keys.ReceivingKey(given["seed"]), given["to"], (given["svc"], given["log"]))
    held = dict(given["held"])
    state: Any = SimpleNamespace(commits=dict(given["commits"]), log=given["log"])
    for epoch, secret in opened.items():
        granting.check_secret(state, given["svc"], epoch, secret, held)
        held[epoch] = secret
    return [[epoch, secret] for epoch, secret in opened.items()]


def _commitment(given: In) -> bytes:
    return sealing.commitment(given["secret"], keys.context(given["svc"], given["log"], given["epoch"]))


def _seal(given: In) -> list[bytes]:
    salts = iter(given["salts"])
    ctx = keys.context(given["svc"], given["log"], given["epoch"])

    def entropy(size: int) -> bytes:
        salt: bytes = next(salts)
        assert size == len(salt)
        return salt

    return sealing.seal_parts(given["secret"], ctx, given["author"], given["sq"], given["protected"], given["plaintexts"], entropy)


def _open(given: In) -> bytes:
    ctx = keys.context(given["svc"], given["log"], given["epoch"])
    return sealing.open_part(given["secret"], ctx, given["author"], given["sq"], given["protected"], given["part"], given["index"], given["total"])


# --- fold and ledger --------------------------------------------------------------------------------------------------------

_FIELD: Final[dict[str, Any]] = {
    "label": "", "need": "optional", "need_if": None, "codes": "", "allows_missing": True, "source": "",
}  # fmt: skip


def _to_spec(name: str, words: Mapping[str, Any]) -> records.Field:
    return records.Field(
        name=name,
        kind=words.get("kind", "text"),
        merge=words["merge"],
        order=tuple(words.get("order", ())),
        while_conflicted=words.get("while_conflicted", "show_all"),
        cells=MappingProxyType({cell: _to_spec(cell, inner) for cell, inner in words.get("cells", {}).items()}),
        write=tuple(words.get("write", ())),
        **_FIELD,
    )


def _to_types(given: Mapping[str, Any]) -> dict[str, records.RecordType]:
    return {
        name: records.RecordType(
            name=name,
            version=words.get("version", 1),
            weight=words.get("weight", "living"),
            files=MappingProxyType({}),
            sides=(),
            write=tuple(words.get("write", ())),
            read=(),
            deletable=words.get("deletable", True),
            fields=MappingProxyType({field: _to_spec(field, {"write": words.get("write", ()), **inner}) for field, inner in words["fields"].items()}),
            label="",
        )
        for name, words in given.items()
    }


def to_occurrences(given: list[Any]) -> list[fold.Occurrence]:
    """Changes at their places."""
    return [
        fold.Occurrence(
            at["seq"],
            at.get("received_ms", 0),
            at["device"],
            at["user"],
            at.get("role", ""),
            to_change(at["change"]),
            at.get("late", False),
            at.get("stub", False),
        )
        for at in given
    ]


def _live(ops: Any) -> list[Any]:
    return [{"op": list(op.id), "value": op.value} | ({"reason": op.reason} if op.reason else {}) for op in sorted(ops, key=lambda op: op.id)]


def _key(key: Any) -> str:
    return cbor.encode(field_value(key)).hex()


def _record(record: fold.Record, types: dict[str, records.RecordType]) -> Any:
    shown = fold.show(record, types)
    fields = []
    for key in sorted(record.registers, key=_key):
        register = record.registers[key]
        if not register.live and not register.proposals:
            continue
        one: dict[str, Any] = {"field": field_value(key), "live": _live(register.live.values())}
        if register.proposals:
            one["proposals"] = _live(register.proposals)
        if not isinstance(key, CellKey):
            one |= {"value": shown[key].value, "conflict": shown[key].conflict, "stop": shown[key].stop}
        fields.append(one)
    return {
        "id": record.id, "type": record.type, "version": record.version, "creator": record.creator, "hidden": record.hidden,
        "fields": fields, "conflicts": sorted((field_value(key) for key in fold.conflicts(record, types)), key=lambda key: cbor.encode(key).hex()),
        "signatures": [[list(signature.id), [list(op) for op in signature.signs]] for signature in record.signatures],
        "flags": [[list(op), why] for op, why in record.flags],
    }  # fmt: skip


def _fold(given: In) -> Any:
    types = _to_types(given["types"])
    folded = fold.fold_log(given["log"], to_occurrences(given["changes"]), types)
    return {"records": [_record(folded[key], types) for key in sorted(folded)], "hash": fold.state_hash(folded)}


def _out_of_role(given: In) -> Any:
    """Of each record the ops that stand or are proposed though they are not their author's to write: `[record, [[field, [op id, …]], …]]`."""
    types = _to_types(given["types"])
    folded = fold.fold_log(given["log"], to_occurrences(given["changes"]), types)
    marked = {key: fold.out_of_role(folded[key], types) for key in sorted(folded)}
    return [
        [key, [[field_value(field), sorted(list(op.id) for op in fields[field])] for field in sorted(fields, key=_key)]]
        for key, fields in marked.items()
    ]


def _make_stub(given: In) -> Any:
    """What stands for a part, of whose record the log has these changes, in order; `going` are those of the part, as [device, c]."""
    occurrences = to_occurrences(given["changes"])
    going = {(device, c) for device, c in given["going"]}
    part = [at.change for at in occurrences if (at.device, at.change.c) in going]
    (author,) = {device for device, _ in going}
    made = stub.make_stub(part, author, given["file"], stub.same_as(occurrences, going))
    assert stub.decode_stub(change.encode_part(made), given["file"]) == made
    assert stub.stands_for(made, part, author, given["file"])
    return [encode_change_map(one) for one in made]


def _make_last_stub(given: In) -> Any:
    """The stub of a letter whose time is over."""
    part = [at.change for at in to_occurrences(given["changes"])]
    made = stub.make_last_stub(part)
    assert stub.decode_stub(change.encode_part(made), "liaison") == made
    assert stub.stands_for(made, part, bytes(16), "liaison", last=True)
    return [encode_change_map(one) for one in made]


def _open_stub(given: In) -> int:
    """How many changes a stub has."""
    return len(stub.decode_stub(cbor.encode(given["changes"]), given["file"]))


def _stub_says(given: In) -> bytes:
    """What two people agree to of a stub."""
    return stub.says_of(stub.decode_stub(cbor.encode(given["changes"]), given["file"]))


def _fund(given: In) -> Any:
    fund = ledger.fold_fund(given["log"], to_occurrences(given["changes"]))
    assert fund.conserved, "money was made or lost"
    return {
        "allotted": fund.allotted, "unallocated": fund.unallocated, "spent": fund.spent, "disputed": fund.disputed,
        "remaining": [[device, pence] for device, pence in sorted(fund.remaining.items())],
        "spends": [[spend.id, spend.state, spend.counted, spend.disputed, spend.refused, spend.owed] for _, spend in sorted(fund.spends.items())],
        "ignored": [[seq, record] for seq, record, _ in fund.ignored],
    }  # fmt: skip


def _merge_words(given: In) -> Any:
    made = merging.merge_words(given["base"], given["a"], given["b"])
    return {"pieces": [list(piece) for piece in made.pieces], "proposal": made.proposal}


# --- audit tree -------------------------------------------------------------------------------------------------------------


def _nodes(leaves: list[bytes]) -> merkle.Nodes:
    levels = [leaves]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
    return lambda level, index: levels[level][index]


def _inclusion(given: In) -> list[bytes]:
    return merkle.inclusion_path(_nodes(given["leaves"]), given["index"], len(given["leaves"]))


def _check_inclusion(given: In) -> None:
    if merkle.root_from_inclusion(given["leaf"], given["index"], given["size"], given["path"]) != given["root"]:
        raise Refused("contradiction", "the path leads to another root")


def _consistency(given: In) -> list[bytes]:
    return merkle.consistency_path(_nodes(given["leaves"]), given["old"], len(given["leaves"]))


def _check_consistency(given: In) -> None:
    merkle.check_consistency(given["old"], given["old_root"], given["new"], given["new_root"], given["path"])


def _accepted_leaf(given: In) -> bytes:
    one = decode_travelling(given["entry"])
    place = log.Placed(given["seq"], given["received_ms"], given["chain"], one)
    return exchange.accepted_leaf(given["log"], place, given["salt"], void=given["void"])


def _sign_checkpoint(given: In) -> str:
    key = signing.SigningKey(given["seed"])
    origin = checkpoint.origin(given["svc"], given["side"], given["incarnation"])
    return checkpoint.encode_checkpoint(signing.sign_checkpoint(key, origin, given["size"], given["root"]))


def _verify_checkpoint(given: In) -> None:
    signing.verify_checkpoint(checkpoint.decode_checkpoint(given["text"]), given["origin"], given["public"])


# --- a device's side of a sync ----------------------------------------------------------------------------------------------


def _history(given: In, chains: list[bytes]) -> exchange.History:
    sent = {one.id: one for one in map(decode_travelling, given.get("sent", ()))}
    roots = dict(given.get("roots", ()))
    return exchange.History(lambda seq: chains[seq] if seq < len(chains) else None, roots.get, sent, _entry_at(given))


def _take_page(given: In) -> Any:
    file, state, known, void = fold_file(given)
    assert not any(void)
    chains = [ids.chain_start(given["log"])]
    for seq, (data, received_ms) in enumerate(given["entries"], 1):
        chains.append(ids.chain_next(chains[-1], seq, received_ms, decode_travelling(data).id))
    try:
        page, history = to_page(given["page"]), _history(given, list(chains))
        if exchange.is_erased_page(page, history):
            reader, ghosts, erasure = exchange.take_erased_page(exchange.Reader(state, file), page, known, history)
            return {"head": list(reader.log.head), "ids": [[ghost.seq, ghost.id] for ghost in ghosts], "erased": erasure and erasure.place.seq}
        reader, taken = exchange.take_page(exchange.Reader(state, file, whole=given.get("whole", True)), page, known, history)
    except exchange.Behind:
        return "behind"
    except exchange.Lost:
        return "lost"
    before = {(seq, part) for seq, part in given.get("absent", ())}
    absent = exchange.still_absent(before, taken, more=page.more, member=given.get("member", True))
    return {
        "head": list(reader.log.head), "taken": [[one.place.seq, one.void, one.user, one.role] for one in taken],
        "absent": [list(one) for one in sorted(absent)], "kept": [list(one) for one in exchange.kept_parts(taken, history.sent)],
    }  # fmt: skip


def _take_registry_page(given: In) -> Any:
    before = given["registry"]
    known, state, _ = fold_registry(before)
    incarnation = known.incarnation if known.root else given["incarnation"]
    state = replace(state, head=state.head._replace(incarnation=incarnation))
    page = to_page(given["page"])
    reader, grown, taken = exchange.take_registry_page(exchange.Reader(state), page, known, _history(given, []))
    return {"head": list(reader.log.head), "taken": [[one.place.seq, one.void] for one in taken], "devices": sorted(grown.devices)}


def _take_checkpoint(given: In) -> Any:
    known = _standing_registry(given["registry"])
    seen = None if given["seen"] is None else entry.Witness(*given["seen"])
    if seen is not None and seen.incarnation != known.incarnation:
        seen = None  # what a device has seen of an older tree is compared with nothing
    return list(exchange.take_checkpoint(seen, given["note"], tuple(given["path"]), known))


def _check_receipt(given: In) -> None:
    exchange.check_receipt(given["bytes"], _standing_registry(given["registry"]))


def _check_verdict(given: In) -> None:
    exchange.check_verdict(given["bytes"], _standing_registry(given["registry"]))


# --- requests ---------------------------------------------------------------------------------------------------------------


def _claims(given: In) -> Any:
    return request.claims(**{name: given[name] for name in ("device", "svc", "side", "method", "path", "body", "nonce")})


def _authorization(given: In) -> str:
    key = signing.SigningKey(given["seed"]).private()
    return f"{request.SCHEME} {jwt.encode(_claims(given), key, algorithm=request.ALGORITHM, headers={'typ': request.TYP})}"


def _check_request(given: In) -> None:
    """What the server checks of one request, its nonce aside: that is a matter of the server's memory."""
    known = SimpleNamespace(
        svc=given["svc"],
        devices={
            device: SimpleNamespace(
                keys=certificate.Keys(device, "", public, b""), revoked=None, suspended=None, subject=SimpleNamespace(user=device, until=1)
            )
            for device, public in given["devices"]
        },
    )
    realm: Any = SimpleNamespace(side=given["side"], known=lambda: known)
    asked = authenticate.parse(given["authorization"])
    if asked.side != realm.side:
        raise Refused("request-refused", "the request is for another side")
    token = authenticate.check_token(realm, asked, method=given["method"], path=given["path"])
    authenticate.check_body(token, given["body"])
    sender = authenticate.standing(realm, token.device, 0)
    if sender.device != given["device"]:
        raise Refused("request-refused", "the request is by another device")


def _entry_ids(given: In) -> Any:
    value = entry_value(decode_travelling(given["entry"]))
    sign1 = decode_travelling(given["entry"]).sign1
    return {"to_sign": sign1.to_sign, "id": value["id"]}


OPERATIONS: Final[dict[str, Callable[[In], Any]]] = {
    "label": lambda given: ids.label(given["name"]),
    "chain": _chain,
    "registry_log": lambda given: ids.registry_log(given["svc"], given["side"]),
    "file_log": lambda given: ids.file_log(given["svc"], given["creator"], given["nonce"]),
    "record_id": lambda given: ids.record_id(given["log"], given["device"], given["c"]),
    "fingerprint": lambda given: ids.fingerprint(given["key"]),
    "authority_id": lambda given: ids.authority_id(given["key"]),
    "server_key_id": lambda given: ids.server_key_id(given["key"]),
    "recovery_id": lambda given: ids.recovery_id(given["key"]),
    "check_sign_key": lambda given: signing.check_sign_key(given["key"]),
    "check_receive_key": lambda given: signing.check_receive_key(given["key"]),
    "sign": _sign,
    "verify": _verify,
    "verify_object": _verify_object,
    "object_id": _entry_ids,
    "log": _log,
    "author_order": _author_order,
    "address": _address,
    "seen": _seen,
    "countersigned": lambda given: certificate.countersigned(given["svc"], given["log"], given["invitation"], certificate.Keys(**given["keys"])),
    "registry": _registry,
    "registry_take": _registry_take,
    "recovery": _recovery_of,
    "restorations": _restorations,
    "roles_allowed": _roles_allowed,
    "reaches": _reaches,
    "file": _file,
    "file_take": _file_take,
    "fresh": _fresh,
    "recipients": _recipients,
    "recovery_keys": _recovery_keys,
    "drill_bound": _drill_bound,
    "recover_bound": _recover_bound,
    "act_hash": _act_hash,
    "check_approval": _check_approval,
    "receiving_key": _receiving_key,
    "grant_info": _grant_info,
    "grant_open": _grant_open,
    "merge_words": _merge_words,
    "cover_hour": _cover_hour,
    "cover_parts": lambda given: cover_traffic.arrange(given["plaintexts"]),
    "cover_fits": lambda given: cover_traffic.fits(given["sizes"]),
    "read_part": lambda given: [encode_change_map(one) for one in cover_traffic.read_part(given["plaintext"])],
    "padded_size": lambda given: sealing.padded_size(given["size"]),
    "commitment": _commitment,
    "seal": _seal,
    "open": _open,
    "fold": _fold,
    "out_of_role": _out_of_role,
    "make_stub": _make_stub,
    "stub_says": _stub_says,
    "make_last_stub": _make_last_stub,
    "open_stub": _open_stub,
    "fund": _fund,
    "leaf_hash": lambda given: merkle.leaf_hash(given["data"]),
    "event_commitment": lambda given: merkle.event_commitment(given["salt"], given["event"]),
    "accepted_leaf": _accepted_leaf,
    "root": lambda given: merkle.root(_nodes(given["leaves"]), len(given["leaves"])),
    "inclusion": _inclusion,
    "check_inclusion": _check_inclusion,
    "consistency": _consistency,
    "check_consistency": _check_consistency,
    "origin": lambda given: checkpoint.origin(given["svc"], given["side"], given["incarnation"]),
    "key_hash": lambda given: checkpoint.key_hash(given["origin"], given["key"]),
    "sign_checkpoint": _sign_checkpoint,
    "verify_checkpoint": _verify_checkpoint,
    "take_page": _take_page,
    "take_registry_page": _take_registry_page,
    "take_checkpoint": _take_checkpoint,
    "check_receipt": _check_receipt,
    "check_verdict": _check_verdict,
    "claims": _claims,
    "authorization": _authorization,
    "check_request": _check_request,
    **ATTACHMENT_OPERATIONS,
    **DUE_OPERATIONS,
    **HINT_OPERATIONS,
    **PARCEL_OPERATIONS,
    **UNLOCK_OPERATIONS,
}
