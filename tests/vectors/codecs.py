"""The codecs of the vectors: how each object on the wire looks in the notation, with the code under test on both sides.

A codec's value is the object as shared_schema/wire.cddl describes it, byte strings that hold CBOR taken apart. A signed object is
`{header, payload, signature, id}`; its header leaves out the two constants, algorithm and version.
"""

from typing import Any, Final

from shared_schema import (
    approval,
    cbor,
    certificate,
    checkpoint,
    chunk,
    cose,
    deposit,
    devices,
    entry,
    event,
    ids,
    membership,
    receipt,
    recovery,
    removal,
    restoring,
    wire,
)
from shared_schema.errors import catalogue
from sync import change
from sync.change import CellKey, Change, Op, OpId
from sync.signing import SigningKey, sign_object
from tests.vectors.coding import Codec, Value, sign, signed_value
from tests.vectors.parcel_codecs import PARCEL_CODECS
from tests.vectors.unlock_codecs import UNLOCK_CODECS

# --- entries ----------------------------------------------------------------------------------------------------------------


def entry_value(one: entry.Entry) -> Value:
    """An entry: of an envelope the payload is its list of part hashes, of a statement or an admission bytes."""
    header = {
        "typ": one.sign1.header[16],
        "kid": one.author,
        "svc": one.svc,
        "log": one.log,
        "sq": one.sq,
        "pv": one.pv,
        "sn": list(one.sn),
        "ck": list(one.ck),
    }
    if one.epoch is not None:
        header["ep"] = one.epoch
    payload: Any = list(one.hashes) if one.is_envelope else one.sign1.payload
    return {"header": header, "payload": payload, "signature": one.sign1.signature, "id": one.id, "parts": list(one.parts)}


def _decode_entry(data: bytes) -> Value:
    return entry_value(entry.decode_pair(cbor.decode(data)))


def _encode_entry(value: Value, seed: bytes) -> bytes:
    header = value["header"]
    protected = entry.entry_header(
        header["typ"],
        author=header["kid"],
        svc=header["svc"],
        log=header["log"],
        sq=header["sq"],
        pv=header["pv"],
        sn=entry.Head(*header["sn"]),
        ck=entry.Witness(*header["ck"]),
        epoch=header.get("ep"),
    )
    payload = value["payload"]
    if isinstance(payload, list):
        if None not in value["parts"]:
            assert cbor.encode(payload) == entry.envelope_payload(value["parts"])
        payload = cbor.encode(payload)
    return entry.encode_pair(sign_object(SigningKey(seed), protected, payload), value["parts"])


# --- registry ---------------------------------------------------------------------------------------------------------------


def _subject(subject: certificate.Subject) -> Value:
    return {"user": subject.user, "name": subject.name, "org": subject.org, "roles": list(subject.roles), "until": subject.until}


def _to_subject(value: Value) -> certificate.Subject:
    return certificate.Subject(value["user"], value["name"], value["org"], tuple(value["roles"]), value["until"])


def _keys(device: certificate.Keys) -> Value:
    return {"device": device.device, "label": device.label, "sign": device.sign, "receive": device.receive}


def _decode_invitation(data: bytes) -> Value:
    one = certificate.decode_invitation(data)
    assert (one.id, one.issuer) == (one.sign1.id, one.sign1.kid)
    payload = {"side": one.side, "subject": _subject(one.subject), "key": one.key, "enrol_until": one.enrol_until}
    return signed_value(one.sign1, payload)


def _encode_invitation(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    return sign(value, certificate.invitation_payload(map_["side"], _to_subject(map_["subject"]), map_["key"], map_["enrol_until"]), seed)


def _decode_registry_statement(data: bytes) -> Value:
    match certificate.decode_registry_statement(data):
        case certificate.Root() as one:
            return {
                "kind": "root", "side": one.side, "name": one.name, "authority": one.authority, "receipt": one.receipt,
                "checkpoint": one.checkpoint, "recovery": one.recovery, "recovery_sign": one.recovery_sign, "incarnation": one.incarnation, "floor": one.floor,
            }  # fmt: skip
        case certificate.Certify() as one:
            return {"kind": "certify", "subject": _subject(one.subject), "keys": _keys(one.keys)}
        case certificate.Enrol() as one:
            inner = one.invitation.sign1
            return {
                "kind": "enrol",
                "invitation": cose.assemble(inner.protected, inner.payload, inner.signature),
                "keys": _keys(one.keys),
                "by": one.by,
            }
        case certificate.Revoke() as one:
            return {"kind": "revoke", "device": one.device, "reason": one.reason}
        case certificate.Suspend() as one:
            return {"kind": "suspend", "device": one.device, "reason": one.reason}
        case certificate.Reinstate() as one:
            return {"kind": "reinstate", "device": one.device}
        case certificate.Wiped() as one:
            return {"kind": "wiped", "files": one.files, "entries": one.entries, "held": one.held, "unsent": one.unsent, "letters": one.letters}
        case recovery.Renew() as one:
            return {"kind": "renew", "recovery": one.recovery, "recovery_sign": one.recovery_sign}
        case recovery.Custody() as one:
            return {"kind": "custody", "threshold": one.threshold, "holders": list(one.holders)}
        case recovery.Permit() as one:
            files = None if one.files is None else list(one.files)
            return {"kind": "permit", "device": one.device, "files": files, "reason": one.reason, "until": one.until}
        case recovery.Close() as one:
            return {"kind": "close", "device": one.device}
        case restoring.Restore() as one:
            before = None if one.before is None else list(one.before)
            return {"kind": "restore", "incarnation": one.incarnation, "before": before, "marked": one.marked}
        case restoring.Healed():
            return {"kind": "healed"}
        case certificate.CoverTraffic() as one:
            return {"kind": "cover_traffic", "hour": one.hour}
        case recovery.Drill() as one:
            return {"kind": "drill", "key": one.key, "files": one.files, "opened": one.opened, "by": one.by}


def _encode_registry_statement(value: Value, _seed: bytes) -> bytes:
    map_ = dict(value)
    kind = map_.pop("kind")
    if kind == "root":
        return certificate.encode_registry_statement(certificate.Root(**map_))
    if kind == "certify":
        return certificate.encode_registry_statement(certificate.Certify(_to_subject(map_["subject"]), certificate.Keys(**map_["keys"])))
    if kind == "enrol":
        enrol = certificate.Enrol(certificate.decode_invitation(map_["invitation"]), certificate.Keys(**map_["keys"]), map_["by"])
        return certificate.encode_registry_statement(enrol, map_["invitation"])
    if kind == "custody":
        return certificate.encode_registry_statement(recovery.Custody(map_["threshold"], tuple(map_["holders"])))
    if kind == "permit" and map_["files"] is not None:
        map_["files"] = tuple(map_["files"])
    if kind == "restore" and map_["before"] is not None:
        map_["before"] = entry.Witness(*map_["before"])
    return certificate.encode_registry_statement(_PLAIN[kind](**map_))


_PLAIN: Final[dict[str, Any]] = {
    "revoke": certificate.Revoke, "suspend": certificate.Suspend, "reinstate": certificate.Reinstate, "wiped": certificate.Wiped,
    "renew": recovery.Renew, "permit": recovery.Permit, "close": recovery.Close, "drill": recovery.Drill,
    "cover_traffic": certificate.CoverTraffic, "restore": restoring.Restore, "healed": restoring.Healed,
}  # fmt: skip


# --- files ------------------------------------------------------------------------------------------------------------------


def _decode_file_statement(data: bytes) -> Value:
    one = membership.decode_file_statement(data)
    value: Value = {"kind": membership.KIND[type(one)], "rg": list(one.rg), "pr": one.previous}
    match one:
        case membership.Admit():
            return value | {"held": one.held}
        case membership.Refuse():
            return value | {"id": one.id, "reason": one.reason}
        case removal.Expunge() | removal.Hold() | removal.Erase():
            return value | removal.removal_map(one)
    value["grants"] = [[grant.to, grant.cert, list(grant.epochs), grant.sealed] for grant in one.grants]
    if not isinstance(one, membership.MoreGrants):
        value |= {"ep": one.epoch, "kc": one.commit}
    if isinstance(one, membership.Genesis):
        value |= {"nonce": one.nonce, "file": one.file, "side": one.side, "suite": one.suite, "members": [list(pair) for pair in one.members]}
    if isinstance(one, membership.Members):
        value |= {"add": [list(pair) for pair in one.add], "remove": list(one.remove)}
    if isinstance(one, membership.Recover):
        value |= {"role": one.role, "by": one.by}
    return value


def to_file_statement(value: Value) -> membership.FileStatement:
    """The typed statement of a value."""
    grants = tuple(membership.Grant(to, cert, tuple(epochs), sealed) for to, cert, epochs, sealed in value.get("grants", ()))
    rg = entry.Head(*value["rg"])
    match value["kind"]:
        case "admit":
            return membership.Admit(value["held"], rg, value["pr"])
        case "refuse":
            return membership.Refuse(value["id"], value["reason"], rg, value["pr"])
        case "expunge" | "hold" | "erase" as kind:
            given = {name: item for name, item in value.items() if name not in ("kind", "rg", "pr", "approval")}
            by = None if value["approval"] is None else approval.decode_approval(value["approval"])
            made: type[removal.Removal] = {"expunge": removal.Expunge, "hold": removal.Hold, "erase": removal.Erase}[kind]
            return made(**given, approval=by, rg=rg, previous=value["pr"])
        case "genesis":
            return membership.Genesis(
                nonce=value["nonce"],
                file=value["file"],
                side=value["side"],
                suite=value["suite"],
                members=tuple((user, role) for user, role in value["members"]),
                epoch=value["ep"],
                commit=value["kc"],
                grants=grants,
                rg=rg,
            )
        case "members":
            add = tuple((user, role) for user, role in value["add"])
            return membership.Members(add, tuple(value["remove"]), value["ep"], value["kc"], grants, rg, value["pr"])
        case "recover":
            return membership.Recover(value["role"], value["by"], value["ep"], value["kc"], grants, rg, value["pr"])
        case "epoch":
            return membership.NewEpoch(value["ep"], value["kc"], grants, rg, value["pr"])
        case _:
            return membership.MoreGrants(grants, rg, value["pr"])


# --- approvals, and what devices say that they have purged ------------------------------------------------------------------


def _decode_approval(data: bytes) -> Value:
    one = approval.decode_approval(data)
    return signed_value(one.sign1, {"side": one.side, "log": one.log, "kind": one.kind, "act": one.act, "until": one.until})


def _encode_approval(value: Value, seed: bytes) -> bytes:
    return sign(value, approval.approval_payload(**value["payload"]), seed)


def _decode_purge(data: bytes) -> Value:
    one = removal.decode_purge(data)
    return signed_value(one.sign1, {"log": one.log, "id": one.id})


def _encode_purge(value: Value, seed: bytes) -> bytes:
    return sign(value, removal.purge_payload(value["payload"]["log"], value["payload"]["id"]), seed)


def _decode_purged(data: bytes) -> Value:
    rows, more = wire.decode_purged(data)
    return {"purged": [list(row) for row in rows], "more": more}


def _encode_purged(value: Value, _seed: bytes) -> bytes:
    return wire.encode_purged([(n, ms, cose_bytes) for n, ms, cose_bytes in value["purged"]], more=value["more"])


# --- restoring and healing --------------------------------------------------------------------------------------------------


def _decode_declaration(data: bytes) -> Value:
    one = restoring.decode_declaration(data)
    return {"entries": [list(row) for row in one.entries], "head": one.head, "restore": one.restore}


def _encode_declaration(value: Value, _seed: bytes) -> bytes:
    entries = tuple((pair, received_ms) for pair, received_ms in value["entries"])
    return restoring.encode_declaration(restoring.Declaration(entries, value["head"], value["restore"]))


def _decode_healing(data: bytes) -> Value:
    one = restoring.decode_healing(data)
    return {"after": one.after, "links": [list(link) for link in one.links], "head": one.head, "entries": list(one.entries)}


def _encode_healing(value: Value, _seed: bytes) -> bytes:
    links = tuple((entry_id, received_ms) for entry_id, received_ms in value["links"])
    return restoring.encode_healing(restoring.Healing(value["after"], links, value["head"], tuple(value["entries"])))


def _decode_offer(data: bytes) -> Value:
    one = restoring.decode_offer(data)
    return {"incarnation": one.incarnation, "next": one.next, "registry": one.registry, "marks": one.marks}


def _decode_healed_to(data: bytes) -> Value:
    one = restoring.decode_healed_to(data)
    return {"seq": one.seq, "chain": one.chain, "open": one.open}


# --- what the server signs --------------------------------------------------------------------------------------------------


def _decode_receipt(data: bytes) -> Value:
    one = receipt.decode_receipt(data)
    payload = {"log": one.log, "inc": one.incarnation, "items": [list(item) for item in one.items], "head": [one.seq, one.chain]}
    return signed_value(one.sign1, payload)


def _encode_receipt(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    items = [receipt.Item(*item) for item in map_["items"]]
    return sign(value, receipt.receipt_payload(map_["log"], map_["inc"], items, *map_["head"]), seed)


def _decode_signed_head(data: bytes) -> Value:
    one = receipt.decode_signed_head(data)
    return signed_value(one.sign1, {"log": one.log, "inc": one.head.incarnation, "seq": one.head.seq, "chain": one.head.chain})


def _encode_signed_head(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    return sign(value, receipt.head_payload(map_["log"], entry.Head(map_["inc"], map_["seq"], map_["chain"])), seed)


def _decode_verdict(data: bytes) -> Value:
    one = receipt.decode_verdict(data)
    payload = {"log": one.log, "inc": one.incarnation, "id": one.id, "author": one.author, "sq": one.sq, "code": one.code}
    return signed_value(one.sign1, payload)


def _encode_verdict(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    return sign(value, receipt.verdict_payload(map_["log"], map_["inc"], map_["id"], map_["author"], map_["sq"], map_["code"]), seed)


def _decode_checkpoint(text: str) -> Value:
    one = checkpoint.decode_checkpoint(text)
    return {"origin": one.origin, "size": one.size, "root": one.root, "key_hash": one.key_hash, "signature": one.signature}


# --- sync -------------------------------------------------------------------------------------------------------------------


def _decode_request(data: bytes) -> Value:
    one = wire.decode_request(data)
    status = one.status
    return {
        "cursors": [list(cursor) for cursor in one.cursors],
        "push": list(one.push),
        "status": {name: getattr(status, name) for name in wire.Status.__slots__},
        "checkpoint": None if one.checkpoint is None else list(one.checkpoint),
        "prove": list(one.prove),
        "purged": list(one.purged),
    }


def _encode_request(value: Value, _seed: bytes) -> bytes:
    return wire.encode_request(
        wire.SyncRequest(
            cursors=tuple(wire.Cursor(*cursor) for cursor in value["cursors"]),
            push=tuple(value["push"]),
            status=wire.Status(**value["status"]),
            checkpoint=None if value["checkpoint"] is None else entry.Witness(*value["checkpoint"]),
            prove=tuple(value["prove"]),
            purged=tuple(value["purged"]),
        )
    )


def page_value(page: wire.Page) -> Value:
    """A page as it travels."""
    entries = [[served.pair, served.received_ms, list(served.opening)] for served in page.entries]
    return {"log": page.log, "entries": entries, "head": page.head, "more": page.more}


def to_page(value: Value) -> wire.Page:
    """The typed page of a value."""
    entries = tuple(wire.PageEntry(pair, received_ms, (leaf, salt)) for pair, received_ms, (leaf, salt) in value["entries"])
    return wire.Page(value["log"], entries, value["head"], value["more"])


def _answer(one: wire.Answer) -> Value:
    value: Value = {"id": one.id, "code": one.code}
    if one.code != "accepted":
        value |= {"message": one.message, "retry": catalogue()[one.code]["retry"]}
    if one.signed is not None:
        value["signed"] = one.signed
    if one.stored is not None:
        value["stored"] = one.stored
    return value


def _decode_response(data: bytes) -> Value:
    one = wire.decode_response(data)
    return {
        "answers": [_answer(answer) for answer in one.answers],
        "receipts": list(one.receipts),
        "openings": [[opening.id, opening.leaf, opening.salt] for opening in one.openings],
        "pages": [page_value(page) for page in one.pages],
        "more": one.more,
        "time": one.time_ms,
        "checkpoint": one.checkpoint,
        "consistency": list(one.consistency),
        "inclusion": [[proof.leaf, list(proof.path)] for proof in one.inclusion],
        "held": [list(item) for item in one.held],
        "parcels": [list(item) for item in one.parcels],
    }


def _encode_response(value: Value, _seed: bytes) -> bytes:
    return wire.encode_response(
        wire.SyncResponse(
            answers=tuple(
                wire.Answer(item["id"], item["code"], item.get("message", ""), item.get("signed"), item.get("stored")) for item in value["answers"]
            ),
            receipts=tuple(value["receipts"]),
            openings=tuple(wire.Opening(*opening) for opening in value["openings"]),
            pages=tuple(to_page(page) for page in value["pages"]),
            more=value["more"],
            time_ms=value["time"],
            checkpoint=value["checkpoint"],
            consistency=tuple(value["consistency"]),
            inclusion=tuple(wire.InclusionProof(leaf, tuple(path)) for leaf, path in value["inclusion"]),
            held=tuple((log, count) for log, count in value["held"]),
            parcels=tuple((log, n) for log, n in value["parcels"]),
        )
    )


def _decode_deposited(data: bytes) -> Value:
    one = deposit.decode_deposited(data)
    return {"answers": [_answer(answer) for answer in one.answers], "receipts": list(one.receipts), "pages": [page_value(page) for page in one.pages]}


def _encode_deposited(value: Value, _seed: bytes) -> bytes:
    answers = tuple(
        wire.Answer(item["id"], item["code"], item.get("message", ""), item.get("signed"), item.get("stored")) for item in value["answers"]
    )
    return deposit.encode_deposited(deposit.Deposited(answers, tuple(value["receipts"]), tuple(to_page(page) for page in value["pages"])))


def _decode_deposit(data: bytes) -> Value:
    one = deposit.decode_deposit(data)
    return {"push": list(one.push), "registry": one.registry}


def _decode_devices(data: bytes) -> Value:
    heard, time_ms = devices.decode_devices(data)
    return {"time": time_ms, "devices": [[one.device, one.heard_ms, wire.status_map(one.status)] for one in heard]}


def _encode_devices(value: Value, _seed: bytes) -> bytes:
    return devices.encode_devices([devices.Heard(device, ms, wire.Status(**said)) for device, ms, said in value["devices"]], value["time"])


def _decode_held(data: bytes) -> Value:
    found, more = deposit.decode_held(data)
    return {"held": [list(one) for one in found], "more": more}


def _encode_held(value: Value, _seed: bytes) -> bytes:
    return deposit.encode_held([deposit.HeldEntry(*one) for one in value["held"]], more=value["more"])


# --- changes ----------------------------------------------------------------------------------------------------------------


def to_change(value: Value) -> Change:
    """The typed change of a value."""
    ops = tuple(Op(_to_field(field), action, item, tuple(OpId(*pred) for pred in preds)) for field, action, item, preds in value["ops"])
    return Change(value["r"], value["t"], value["s"], value["c"], value["b"], value["at"], ops, value.get("u", False))


def _to_field(field: Any) -> change.FieldKey:
    return field if isinstance(field, str) else CellKey(field[0], OpId(*field[1]), field[2])


def field_value(key: change.FieldKey) -> Any:
    """A field's name, or `[list, row, cell]`."""
    return key if isinstance(key, str) else [key.list, list(key.row), key.cell]


def _change(one: Change) -> Value:
    value: Value = {"r": one.r, "t": one.t, "s": one.s, "c": one.c, "b": one.b, "at": one.at}
    value["ops"] = [[field_value(op.field), op.action, op.value, [list(pred) for pred in op.preds]] for op in one.ops]
    return value | ({"u": True} if one.unsure else {})


CODECS: Final[dict[str, Codec]] = {
    "cbor": Codec(cbor.decode, lambda value, _seed: cbor.encode(value)),
    "uuid": Codec(ids.parse, lambda value, _seed: ids.show(value), is_text=True),
    "entry": Codec(_decode_entry, _encode_entry, is_signed=True),
    "invitation": Codec(_decode_invitation, _encode_invitation, is_signed=True),
    "registry_statement": Codec(_decode_registry_statement, _encode_registry_statement),
    "file_statement": Codec(_decode_file_statement, lambda value, _seed: membership.encode_file_statement(to_file_statement(value))),
    "receipt": Codec(_decode_receipt, _encode_receipt, is_signed=True),
    "signed_head": Codec(_decode_signed_head, _encode_signed_head, is_signed=True),
    "verdict": Codec(_decode_verdict, _encode_verdict, is_signed=True),
    "checkpoint": Codec(_decode_checkpoint, lambda value, _seed: checkpoint.encode_checkpoint(checkpoint.Checkpoint(**value)), is_text=True),
    "sync_request": Codec(_decode_request, _encode_request),
    "sync_response": Codec(_decode_response, _encode_response),
    "deposit": Codec(_decode_deposit, lambda value, _seed: deposit.encode_deposit(deposit.Deposit(tuple(value["push"]), value["registry"]))),
    "deposited": Codec(_decode_deposited, _encode_deposited),
    "held": Codec(_decode_held, _encode_held),
    "devices": Codec(_decode_devices, _encode_devices),
    "approval": Codec(_decode_approval, _encode_approval, is_signed=True),
    "purge": Codec(_decode_purge, _encode_purge, is_signed=True),
    "purged": Codec(_decode_purged, _encode_purged),
    "part": Codec(
        lambda data: [_change(one) for one in change.decode_part(data)],
        lambda value, _seed: change.encode_part([to_change(item) for item in value]),
    ),
    "claims": Codec(
        lambda data: [list(one) for one in chunk.decode_claims(data)],
        lambda value, _seed: chunk.encode_claims([chunk.Claim(*one) for one in value]),
    ),
    "claimed": Codec(lambda data: list(chunk.decode_claimed(data)), lambda value, _seed: chunk.encode_claimed(value)),
    "offer": Codec(_decode_offer, lambda value, _seed: restoring.encode_offer(restoring.Offer(**value))),
    "declaration": Codec(_decode_declaration, _encode_declaration),
    "healing": Codec(_decode_healing, _encode_healing),
    "healed_to": Codec(_decode_healed_to, lambda value, _seed: restoring.encode_healed_to(restoring.HealedTo(**value))),
    "event": Codec(event.decode_event, lambda value, _seed: cbor.encode(value)),
    **PARCEL_CODECS,
    **UNLOCK_CODECS,
}
