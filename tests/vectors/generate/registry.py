"""Vectors of the registry: invitations, registry statements, and who may say what in which order (docs/spec.md §6)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from shared_schema import cbor, certificate, cose, ids
from shared_schema.certificate import Certify, Reinstate, Revoke, Suspend, Wiped, encode_registry_statement
from shared_schema.entry import Entry, Head
from tests.vectors.codecs import CODECS
from tests.vectors.edwards import IDENTITY, encode
from tests.vectors.generate.world import (
    A1,
    A2,
    AUTHORITY,
    C1,
    F1,
    INC,
    M1,
    N1,
    N2,
    OTHER_INC,
    OTHER_SVC,
    SVC,
    T0,
    V1,
    V2,
    W1,
    Device,
    RegistryLog,
    enrolment,
    fill,
    head_of,
    invitation,
    perpetrator,
    root,
    seed,
    signer,
    travelling,
    victim,
)
from tests.vectors.notation import Book

NEW = Device("new", "Noa", ("navigator",))
WEAK_SIGN = encode(IDENTITY)


# --- shapes -----------------------------------------------------------------------------------------------------------------


def _invitations() -> Book:
    book = Book("registry", "invitation", "What an administrator signs and shows as a QR code. All are rightly signed.", "6.2")
    good = invitation("perpetrator", NEW, A1)
    many = replace(NEW.subject, roles=("coordinator", "fund_holder", "navigator"))
    longest = replace(NEW.subject, name="\U0001f98a" * 200)
    for name, why, data in (
        ("invitation", "An invitation.", good),
        ("several_roles", "Several roles, in order.", invitation("perpetrator", NEW, A1, subject=many)),
        (
            "longest_name",
            "A name of 200 characters: code points are counted, not UTF-16 units and not bytes.",
            invitation("perpetrator", NEW, A1, subject=longest),
        ),
        ("victim_side", "An invitation of the victim side.", invitation("victim", Device("v9", "Vic", ("link_worker",)), W1)),
    ):
        issuer = W1 if name == "victim_side" else A1
        book.add(name, why, codec="invitation", seed=seed(f"device/{issuer.name}"), value=CODECS["invitation"].decode(data), bytes=data)
    payload = CODECS["invitation"].decode(good)["payload"]
    subject = payload["subject"]

    def refuse(name: str, why: str, map_: Any) -> None:
        header = cose.protected_header(certificate.INVITATION, A1.id, SVC)
        to_sign = cose.sig_structure(header, cbor.encode(map_))
        book.refuse(name, why, "malformed", codec="invitation", bytes=cose.assemble(header, cbor.encode(map_), A1.key.sign(to_sign)))

    for key in payload:
        refuse(f"{key}_missing", f"The key {key} is missing.", {name: item for name, item in payload.items() if name != key})
    for key in subject:
        refuse(
            f"subject_{key}_missing", f"The subject's key {key} is missing.", payload | {"subject": {n: i for n, i in subject.items() if n != key}}
        )
    refuse("unknown_key", "A key that nobody knows.", payload | {"uses": 2})
    refuse("subject_unknown_key", "A key of the subject that nobody knows.", payload | {"subject": subject | {"admin": True}})
    for name, why, key, item in (
        ("side_unknown", "A side that does not exist.", "side", "service"),
        ("side_case", "A side in capitals.", "side", "Perpetrator"),
        ("side_list", "A list in the place of a side.", "side", ["perpetrator"]),
        ("key_31", "An invitation key of 31 bytes.", "key", payload["key"][:31]),
        ("enrol_until_negative", "A time before 1970.", "enrol_until", -1),
        ("enrol_until_null", "No end.", "enrol_until", None),
        ("subject_list", "A list in the place of the subject.", "subject", list(subject.values())),
    ):
        refuse(name, why, payload | {key: item})
    for name, why, key, item in (
        ("roles_empty", "No role.", "roles", []),
        ("roles_unordered", "Roles out of order.", "roles", ["navigator", "coordinator"]),
        ("roles_repeated", "A role twice.", "roles", ["navigator", "navigator"]),
        ("roles_unknown", "A role that does not exist.", "roles", ["wizard"]),
        ("roles_text", "A text in the place of a list of roles.", "roles", "navigator"),
        ("roles_nested", "A list in the place of a role.", "roles", [["navigator"]]),
        ("name_empty", "An empty name.", "name", ""),
        ("name_201", "A name of 201 characters.", "name", "n" * 201),
        ("name_bytes", "A name as a byte string.", "name", b"Noa"),
        ("org_number", "A number in the place of an organisation.", "org", 7),
        ("user_text", "A user id as text.", "user", "Noa"),
        ("until_true", "`true` in the place of a time.", "until", True),
    ):
        refuse(name, why, payload | {"subject": subject | {key: item}})
    return book


def _statements() -> Book:
    book = Book("registry", "statement", "The payloads of the registry statements that certify; those about recovery are in `recovery`.", "6")
    log = perpetrator(2)
    invited = invitation("perpetrator", NEW, A1)
    good = {
        "root": encode_registry_statement(root("perpetrator")),
        "certify": encode_registry_statement(Certify(A1.subject, A1.keys)),
        "enrol": enrolment(log.id, NEW, invited),
        "revoke": encode_registry_statement(Revoke(M1.id, "lost")),
        "suspend": encode_registry_statement(Suspend(M1.id, "lost")),
        "reinstate": encode_registry_statement(Reinstate(M1.id)),
        "wiped": encode_registry_statement(Wiped(3, 41, 2, 0, 1)),
    }
    book.share("invitation", invited)
    book.share("receive", A1.receive.public)
    book.share("receive_new", NEW.receive.public)
    book.share("recovery", root("perpetrator").recovery)
    for kind, data in good.items():
        book.add(kind, f"The statement {kind}.", codec="registry_statement", value=CODECS["registry_statement"].decode(data), bytes=data)
    for reason in certificate.REVOKE_REASONS[1:]:
        data = encode_registry_statement(Revoke(M1.id, reason))
        book.add(f"revoke_{reason}", "A reason.", codec="registry_statement", value=CODECS["registry_statement"].decode(data), bytes=data)

    for reason in certificate.SUSPEND_REASONS[1:]:
        data = encode_registry_statement(Suspend(M1.id, reason))
        book.add(f"suspend_{reason}", "A reason.", codec="registry_statement", value=CODECS["registry_statement"].decode(data), bytes=data)

    def refuse(name: str, why: str, value: Any) -> None:
        data = value if isinstance(value, bytes) else cbor.encode(value)
        book.refuse(name, why, "malformed", codec="registry_statement", bytes=data)

    for kind, data in good.items():
        map_ = cbor.decode(data)
        for key in map_:
            if key != "kind":
                refuse(f"{kind}_{key}_missing", f"The key {key} is missing.", {name: item for name, item in map_.items() if name != key})
        refuse(f"{kind}_unknown_key", "A key that nobody knows.", map_ | {"note": 1})
    root_, enrol, revoke = (cbor.decode(good[kind]) for kind in ("root", "enrol", "revoke"))
    keys = enrol["keys"]
    for name, why, value in (
        ("kind_unknown", "A kind that does not exist.", revoke | {"kind": "pardon"}),
        ("kind_of_a_file", "A kind of statement that only files have.", revoke | {"kind": "epoch"}),
        ("kind_missing", "No kind.", {"device": M1.id, "reason": "lost"}),
        ("kind_number", "A number in the place of the kind.", revoke | {"kind": 4}),
        ("kind_list", "A list in the place of the kind.", revoke | {"kind": ["revoke"]}),
        ("list", "A list in the place of the statement.", list(revoke.values())),
        ("empty", "An empty map.", {}),
        ("root_side", "A side that does not exist.", root_ | {"side": "both"}),
        ("root_floor_0", "A suite that does not exist.", root_ | {"floor": 0}),
        ("root_floor_2", "A suite that this version does not know.", root_ | {"floor": 2}),
        ("root_recovery_short", "A recovery key that is no X-Wing key.", root_ | {"recovery": root_["recovery"][:-1]}),
        ("root_receipt_33", "A receipt key of 33 bytes.", root_ | {"receipt": root_["receipt"] + b"\0"}),
        ("root_incarnation_32", "An incarnation of 32 bytes.", root_ | {"incarnation": bytes(32)}),
        ("enrol_invitation_map", "The invitation stands as a map, not as bytes.", enrol | {"invitation": {}}),
        ("enrol_invitation_broken", "The invitation is cut short.", enrol | {"invitation": invited[:-1]}),
        ("enrol_invitation_trailing", "A byte after the invitation.", enrol | {"invitation": invited + b"\0"}),
        ("enrol_by_63", "A countersignature of 63 bytes.", enrol | {"by": bytes(63)}),
        ("enrol_keys_sign_31", "A signing key of 31 bytes.", enrol | {"keys": keys | {"sign": keys["sign"][:31]}}),
        ("enrol_keys_receive_1217", "A receiving key of 1,217 bytes.", enrol | {"keys": keys | {"receive": keys["receive"] + b"\0"}}),
        ("enrol_keys_device_text", "A device id as text.", enrol | {"keys": keys | {"device": "phone"}}),
        ("enrol_keys_label_empty", "A device without a name.", enrol | {"keys": keys | {"label": ""}}),
        ("enrol_keys_private", "A key in `keys` that nobody knows.", enrol | {"keys": keys | {"seed": bytes(32)}}),
        ("revoke_reason_unknown", "A reason that does not exist.", revoke | {"reason": "disliked"}),
        ("revoke_reason_list", "A list in the place of the reason.", revoke | {"reason": ["lost"]}),
        ("suspend_reason_of_a_revocation", "A reason that only revocations have.", revoke | {"kind": "suspend", "reason": "left"}),
        ("revoke_reason_of_a_suspension", "A reason that only suspensions have.", revoke | {"reason": "unsure"}),
        ("reinstate_reason", "Lifting a suspension has no reason.", revoke | {"kind": "reinstate"}),
        ("reinstate_device_15", "A device id of 15 bytes.", {"kind": "reinstate", "device": M1.id[1:]}),
        ("wiped_files_negative", "Fewer than no files.", cbor.decode(good["wiped"]) | {"files": -1}),
        ("wiped_unsent_text", "A number as text.", cbor.decode(good["wiped"]) | {"unsent": "none"}),
        ("revoke_device_17", "A device id of 17 bytes.", revoke | {"device": M1.id + b"\0"}),
    ):
        refuse(name, why, value)
    return book


# --- judged -----------------------------------------------------------------------------------------------------------------


def _device_rows(
    log: RegistryLog, devices: list[tuple[Device, int, bytes, int | None]], suspended: Mapping[Device, int], wiped: Mapping[Device, int]
) -> list[dict[str, Any]]:
    rows = [
        {
            "device": device.id, "cert": log.entries[seq - 1][0].id, "seq": seq, "user": device.user, "roles": list(device.roles),
            "issuer": issuer, "revoked": revoked, "suspended": suspended.get(device), "wiped": wiped.get(device),
        }
        for device, seq, issuer, revoked in devices
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row["device"])


def _out(
    log: RegistryLog,
    void: list[str | None],
    devices: list[tuple[Device, int, bytes, int | None]],
    reused: tuple[Device, ...] = (),
    suspended: Mapping[Device, int] = MappingProxyType({}),
    wiped: Mapping[Device, int] = MappingProxyType({}),
) -> dict[str, Any]:
    spent = sorted(
        [signer(f"invitation/{device.name}").public, device.id] for device, _, issuer, _ in devices if len(issuer) == 16 and device not in (A1, W1)
    )
    return {
        "log": log.id, "head": list(head_of(log, len(log.entries))), "void": void, "devices": _device_rows(log, devices, suspended, wiped), "spent": spent,
        "reused": sorted(signer(f"invitation/{device.name}").public for device in reused),
        "root": log.entries[0][0].id, "recovery": ids.recovery_id(root(log.side).recovery),
    }  # fmt: skip


def _sequences(book: Book) -> None:
    authority = ids.authority_id(AUTHORITY.public)
    everyone: list[tuple[Device, int, bytes, int | None]] = [(A1, 2, authority, None)]
    everyone += [(device, seq, A1.id, None) for seq, device in enumerate((C1, N1, N2, M1, F1, A2), 3)]
    for size in (1, 2, 8):
        log = perpetrator(size)
        book.add(
            f"entries_{size}",
            "A registry of the perpetrator side.",
            op="registry",
            given=log.given,
            out=_out(log, [None] * size, everyone[: size - 1]),
        )
    log = perpetrator(9)
    revoked = [(device, seq, issuer, 9 if device is M1 else None) for device, seq, issuer, _ in everyone]
    book.add(
        "revocation",
        "The ninth entry revokes a device; its certificate stays known.",
        op="registry",
        given=log.given,
        out=_out(log, [None] * 9, revoked),
    )
    victims = victim()
    rows: list[tuple[Device, int, bytes, int | None]] = [(W1, 2, authority, None), (V1, 3, W1.id, None), (V2, 4, W1.id, None)]
    book.add(
        "victim_side",
        "A registry of the victim side: the same authority, nothing else in common.",
        op="registry",
        given=victims.given,
        out=_out(victims, [None] * 4, rows),
    )
    log = perpetrator(3)
    thief = Device("thief", "Cleo", ("coordinator",))
    log.append(log.statement(thief.id, thief.key, enrolment(log.id, thief, invitation("perpetrator", C1, A1), key="c1")))
    why = "An invitation is used a second time: the second enrolment is void and remembered."
    book.add("invitation_reused", why, op="registry", given=log.given, out=_out(log, [None, None, None, "invitation-spent"], everyone[:2], (C1,)))
    log = perpetrator(3)
    log.append(log.statement(thief.id, thief.key, enrolment(log.id, thief, invitation("perpetrator", C1, A1))))
    why = "An enrolment names a spent invitation, whose key did not sign it: it is void, and shows no second use."
    void: list[str | None] = [None, None, None, "invitation-invalid"]
    book.add("invitation_named_again", why, op="registry", given=log.given, out=_out(log, void, everyone[:2]))
    log = perpetrator(3)
    log.append(log.revoke(C1, A1))
    log.append(log.enrol(N1, A1))
    shifted = [everyone[0], everyone[1], (N1, 5, A1.id, None)]
    why = "A void entry keeps its place and changes nothing else."
    book.add("void_between", why, op="registry", given=log.given, out=_out(log, [None, None, None, "not-permitted", None], shifted))
    log = perpetrator(9)
    log.append(log.revoke(A1, M1))
    log.append(log.revoke(A1, N1))
    rows = [(device, seq, issuer, {M1: 9, N1: 11}.get(device)) for device, seq, issuer, _ in everyone]
    why = "An author's rightly signed void entry counts in that author's own order."
    book.add("after_void", why, op="registry", given=log.given, out=_out(log, [*[None] * 9, "not-permitted", None], rows))


def _suspensions(book: Book) -> None:
    authority = ids.authority_id(AUTHORITY.public)
    everyone: list[tuple[Device, int, bytes, int | None]] = [(A1, 2, authority, None)]
    everyone += [(device, seq, A1.id, None) for seq, device in enumerate((C1, N1, N2, M1, F1, A2), 3)]

    def tells(
        name: str, why: str, log: RegistryLog, suspended: Mapping[Device, int], void: tuple[str | None, ...], revoked: tuple[Device, ...] = ()
    ) -> None:
        rows = [(device, seq, issuer, len(log.entries) if device in revoked else None) for device, seq, issuer, _ in everyone]
        book.add(name, why, op="registry", given=log.given, out=_out(log, [*[None] * 8, *void], rows, suspended=suspended))

    log = perpetrator(8)
    log.append(log.suspend(N1, N2, "stolen"))
    tells("suspension", "Any device of the side suspends another.", log, {N2: 9}, (None,))
    log.append(log.suspend(N2, N1))
    tells("suspension_by_the_suspended", "A suspended device's own suspension is void.", log, {N2: 9}, (None, "not-permitted"))
    log.append(log.reinstate(C1, N2))
    tells("suspension_lifted", "A coordinator lifts it.", log, {}, (None, "not-permitted", None))
    log.append(log.suspend(C1, N2))
    tells("suspension_again", "And it may be suspended again.", log, {N2: 12}, (None, "not-permitted", None, None))
    log.append(log.revoke(A1, N2))
    why = "A suspended device may be revoked; the suspension stays known."
    tells("suspension_then_revocation", why, log, {N2: 12}, (None, "not-permitted", None, None, None), (N2,))
    log = perpetrator(8)
    log.append(log.suspend(N1, A1))
    log.append(log.enrol(NEW, A1))
    tells("suspension_of_the_inviter", "What a suspended administrator invites does not enrol.", log, {A1: 9}, (None, "invitation-invalid"))
    log = perpetrator(8)
    log.append(log.suspend(N1, N1))
    tells("suspension_of_oneself", "A device may suspend itself.", log, {N1: 9}, (None,))


def _wipings(book: Book) -> None:
    log = perpetrator(9)
    log.append(log.wiped(M1))
    authority = ids.authority_id(AUTHORITY.public)
    rows: list[tuple[Device, int, bytes, int | None]] = [(A1, 2, authority, None)]
    rows += [(device, seq, A1.id, 9 if device is M1 else None) for seq, device in enumerate((C1, N1, N2, M1, F1, A2), 3)]
    why = "A revoked device says that it has wiped itself."
    book.add("wiped", why, op="registry", given=log.given, out=_out(log, [None] * 10, rows, wiped={M1: 10}))
    given = log.given | {"entry": travelling(log.wiped(M1)), "received_ms": log.next_ms}
    book.refuse("wiped_again", "It has said so already.", "not-permitted", op="registry_take", given=given)
    refuse = _refuser(book, 9)
    refuse("wiped_in_standing", "The device is not revoked.", "not-permitted", lambda log: log.wiped(N1))
    refuse("wiped_by_stranger", "The device is not certified.", "not-permitted", lambda log: log.wiped(NEW))
    refuse("wiped_signature", "It bears another key's signature.", "malformed", lambda log: log.wiped(M1, N1.key))


def _refused_suspensions(book: Book) -> None:
    refuse = _refuser(book, 9)
    no = "not-permitted"
    stranger = Device("zz", "Zed", ("coordinator",))
    refuse("suspend_by_stranger", "A device that is not certified suspends.", no, lambda log: log.suspend(stranger, N1))
    refuse("suspend_unknown", "The device is not certified.", no, lambda log: log.suspend(C1, NEW))
    refuse("suspend_other_side", "The device is the other side's.", no, lambda log: log.suspend(C1, V1))
    refuse("suspend_revoked", "The device is revoked already.", no, lambda log: log.suspend(C1, M1))
    refuse("suspend_by_revoked", "A revoked device suspends.", no, lambda log: log.suspend(M1, C1))
    refuse("reinstate_not_suspended", "The device is not suspended.", no, lambda log: log.reinstate(C1, N1))
    kid = ids.authority_id(AUTHORITY.public)
    payload = encode_registry_statement(Suspend(N1.id, "lost"))
    refuse("suspend_by_authority", "The authority suspends nobody.", no, lambda log: log.statement(kid, AUTHORITY, payload))
    why = "The suspension bears a colleague's id and another key's signature."
    refuse("suspend_signature", why, "malformed", lambda log: log.statement(N2.id, C1.key, payload))


def _refused_after_suspensions(book: Book) -> None:
    log, office, gone = perpetrator(8), perpetrator(8), perpetrator(8)
    log.append(log.suspend(N1, N2))
    office.append(office.suspend(N1, A1))
    gone.append(gone.suspend(N1, N2))
    gone.append(gone.revoke(A1, N2))
    for name, why, before, entry in (
        ("suspend_again", "The device is suspended already.", log, log.suspend(C1, N2)),
        ("revoke_by_suspended", "The administrator's device is suspended.", office, office.revoke(A1, N2)),
        ("reinstate_by_worker", "A navigator lifts no suspension.", log, log.reinstate(N1, N2)),
        ("reinstate_by_itself", "The suspended device lifts it itself.", log, log.reinstate(N2, N2)),
        ("reinstate_by_administrator", "On a side with coordinators no administrator lifts it.", log, log.reinstate(A1, N2)),
        ("reinstate_revoked", "The device has been revoked since.", gone, gone.reinstate(C1, N2)),
    ):
        given = before.given | {"entry": travelling(entry), "received_ms": before.next_ms}
        book.refuse(name, why, "not-permitted", op="registry_take", given=given)


def _judged() -> Book:
    book = Book("registry", "judged", "Registries: what a sequence of entries certifies, and which next entry is refused.", "6")
    for name, log in (("registry", perpetrator(9)), ("victim", victim())):
        for seq, (data, _) in enumerate(log.pairs(), 1):
            book.share(f"{name}/{seq}", data)
    _sequences(book)
    _suspensions(book)
    _wipings(book)
    _countersigned(book)
    _refused_roots(book)
    _refused_certificates(book)
    _refused_enrolments(book)
    _refused_revocations(book)
    _refused_suspensions(book)
    _refused_after_suspensions(book)
    _heads_and_roles(book)
    return book


def _countersigned(book: Book) -> None:
    log = perpetrator(2)
    invited = certificate.decode_invitation(invitation("perpetrator", NEW, A1))
    given = {
        "svc": SVC,
        "log": log.id,
        "invitation": invited.id,
        "keys": CODECS["registry_statement"].decode(enrolment(log.id, NEW, invitation("perpetrator", NEW, A1)))["keys"],
    }
    out = b"fieldkeep/v1/enrol\0" + SVC + log.id + invited.id + NEW.id + NEW.key.public + NEW.receive.public
    book.add("countersigned", "What the invitation key signs in an enrolment.", op="countersigned", given=given, out=out)


def _refuser(book: Book, size: int) -> Callable[[str, str, str, Callable[[RegistryLog], Entry]], None]:
    def refuse(name: str, why: str, code: str, make: Callable[[RegistryLog], Entry]) -> None:
        log = perpetrator(size)
        given = log.given | {"entry": travelling(make(log)), "received_ms": log.next_ms}
        book.refuse(name, why, code, op="registry_take", given=given)

    return refuse


def _refused_roots(book: Book) -> None:
    refuse = _refuser(book, 0)
    other = signer("another authority")
    weak_receive = root("perpetrator").recovery[:1184] + bytes(32)

    def by(statement: certificate.Root, **over: Any) -> Callable[[RegistryLog], Entry]:
        return lambda log: log.by_authority(statement, **over)

    def by_other(log: RegistryLog) -> Entry:
        kid = ids.authority_id(other.public)
        return log.statement(kid, other, encode_registry_statement(root("perpetrator", authority=other.public)))

    refuse("root_other_authority", "An authority whose fingerprint is not the pinned one.", "not-permitted", by_other)
    payload, authority = encode_registry_statement(root("perpetrator")), ids.authority_id(AUTHORITY.public)
    for name, why, key, over in (
        ("root_fork", "A reader's: the root has seen another history, where nothing stands before it.", AUTHORITY, {"sn": Head(INC, 3, bytes(32))}),
        ("root_forged", "A reader's: the root bears its authority's id and another key's signature.", other, {}),
    ):
        log = perpetrator(0)
        log.append(log.statement(authority, key, payload, **over))
        book.refuse(name, why, "contradiction", op="registry", given=log.given)
    log = perpetrator(8)
    log.append(log.statement(ids.authority_id(other.public), AUTHORITY, encode_registry_statement(root("perpetrator", authority=other.public))))
    why = "A reader's: another authority's root bears its key, under which its signature does not hold."
    book.refuse("root_second_forged", why, "contradiction", op="registry", given=log.given)
    refuse("root_other_side", "The root of another side.", "not-permitted", by(root("victim")))
    refuse("root_weak_receipt_key", "A receipt key of small order.", "weak-key", by(root("perpetrator", receipt=WEAK_SIGN)))
    refuse("root_weak_checkpoint_key", "A checkpoint key of small order.", "weak-key", by(root("perpetrator", checkpoint=WEAK_SIGN)))
    refuse(
        "root_weak_recovery_key", "A recovery key whose X25519 half is of small order.", "weak-key", by(root("perpetrator", recovery=weak_receive))
    )
    statement = encode_registry_statement(root("perpetrator"))
    refuse("root_by_a_device", "The root is signed by a device.", "not-permitted", lambda log: log.statement(A1.id, A1.key, statement))
    kid = ids.authority_id(AUTHORITY.public)
    refuse(
        "root_signature",
        "The root bears the authority's id and another key's signature.",
        "malformed",
        lambda log: log.statement(kid, A1.key, statement),
    )
    refuse("root_other_service", "The root is for another service.", "malformed", by(root("perpetrator"), svc=OTHER_SVC))
    refuse("root_other_log", "The root is for another registry.", "malformed", by(root("perpetrator"), log=victim().id))
    refuse("no_root_first", "A registry begins with its root.", "not-permitted", by_certify)
    refuse("root_is_second", "The root is its author's first entry.", "after-predecessor", by(root("perpetrator"), sq=2, pv=bytes(32)))
    refuse = _refuser(book, 2)
    refuse("root_again", "A registry has one root.", "not-permitted", by(root("perpetrator", incarnation=OTHER_INC)))


def by_certify(log: RegistryLog) -> Entry:
    """The authority certifies the first administrator."""
    return log.by_authority(Certify(A1.subject, A1.keys))


def _refused_certificates(book: Book) -> None:
    refuse = _refuser(book, 8)
    fresh = Device("a3", "Ada", ("administrator",))

    def certify(subject: certificate.Subject, keys: certificate.Keys) -> Callable[[RegistryLog], Entry]:
        return lambda log: log.by_authority(Certify(subject, keys))

    both = replace(fresh.subject, roles=("administrator", "coordinator"))
    refuse("certify_worker", "The authority certifies administrators only.", "not-permitted", certify(NEW.subject, NEW.keys))
    refuse("certify_admin_and_worker", "The authority certifies administrators and nothing else.", "not-permitted", certify(both, fresh.keys))
    by_admin = encode_registry_statement(Certify(fresh.subject, fresh.keys))
    refuse("certify_by_admin", "An administrator certifies by invitation only.", "not-permitted", lambda log: log.statement(A1.id, A1.key, by_admin))
    refuse("certify_device_again", "The device id is certified already.", "not-permitted", certify(fresh.subject, replace(fresh.keys, device=C1.id)))
    refuse(
        "certify_sign_key_again",
        "The signing key is certified already.",
        "not-permitted",
        certify(fresh.subject, replace(fresh.keys, sign=C1.key.public)),
    )
    again = replace(fresh.keys, receive=C1.receive.public)
    refuse("certify_receive_key_again", "The receiving key is certified already.", "not-permitted", certify(fresh.subject, again))
    roots = root("perpetrator")
    for name in ("authority", "receipt", "checkpoint"):
        keys = replace(fresh.keys, sign=getattr(roots, name))
        refuse(f"certify_{name}_key", f"The signing key is the {name}'s.", "not-permitted", certify(fresh.subject, keys))
    keys = replace(fresh.keys, receive=roots.recovery)
    refuse("certify_recovery_key", "The receiving key is the side's recovery key.", "not-permitted", certify(fresh.subject, keys))
    refuse("certify_weak_sign_key", "A signing key of small order.", "weak-key", certify(fresh.subject, replace(fresh.keys, sign=WEAK_SIGN)))
    weak = replace(fresh.keys, receive=fresh.keys.receive[:1184] + (1).to_bytes(32, "little"))
    refuse("certify_weak_receive_key", "A receiving key whose X25519 half is of small order.", "weak-key", certify(fresh.subject, weak))
    refuse(
        "certify_clone", "The authority's number is taken.", "clone-detected", lambda log: log.by_authority(Certify(fresh.subject, fresh.keys), sq=2)
    )
    refuse("envelope", "A registry holds statements only.", "malformed", lambda log: log.envelope(A1, 1, [bytes(304)]))
    payload = cbor.encode({"kind": "epoch"})
    refuse("file_statement", "A registry holds registry statements only.", "malformed", lambda log: log.statement(A1.id, A1.key, payload))


def _refused_enrolments(book: Book) -> None:
    refuse = _refuser(book, 8)

    def by(invited: bytes, device: Device = NEW, **over: Any) -> Callable[[RegistryLog], Entry]:
        def make(log: RegistryLog) -> Entry:
            payload = enrolment(log.id, device, invited, **over.get("enrolment", {}))
            return log.statement(over.get("kid", device.id), over.get("signed_by", device.key), payload, **over.get("header", {}))

        return make

    good = invitation("perpetrator", NEW, A1)
    invalid = "invitation-invalid"
    refuse("enrol_other_author", "The enrolment is not by the device that it enrols.", "not-permitted", by(good, kid=fill("device/other", 16)))
    refuse("enrol_signature", "The new device did not sign its own enrolment.", "malformed", by(good, signed_by=C1.key))
    refuse(
        "enrol_invitation_signature",
        "The invitation is signed by another key than its issuer's.",
        "malformed",
        by(invitation("perpetrator", NEW, A1, signed_by=C1.key)),
    )
    refuse("enrol_invited_by_worker", "The invitation is by a device that is no administrator's.", invalid, by(invitation("perpetrator", NEW, C1)))
    refuse(
        "enrol_invited_by_stranger",
        "The invitation is by a device that is not certified.",
        invalid,
        by(invitation("perpetrator", NEW, Device("zz", "Zed", ("administrator",)))),
    )
    refuse("enrol_invited_from_other_side", "The invitation is by the other side's administrator.", invalid, by(invitation("perpetrator", NEW, W1)))
    refuse("enrol_for_other_side", "The invitation is for another side.", invalid, by(invitation("perpetrator", NEW, A1, for_side="victim")))
    refuse("enrol_for_other_service", "The invitation is for another service.", invalid, by(invitation("perpetrator", NEW, A1, svc=OTHER_SVC)))
    bare = {"by": bytes(64)}
    refuse("enrol_not_countersigned", "The holder of the invitation did not sign.", invalid, by(good, enrolment=bare))
    refuse("enrol_countersigned_by_other_key", "Another invitation's holder signed.", invalid, by(good, enrolment={"key": "n1"}))
    bound = replace(NEW.keys, receive=C1.receive.public)
    refuse("enrol_countersigned_for_other_keys", "The holder signed for another receiving key.", invalid, by(good, enrolment={"bound": bound}))
    refuse("enrol_countersigned_for_other_service", "The holder signed for another service.", invalid, by(good, enrolment={"svc": OTHER_SVC}))
    other = certificate.decode_invitation(invitation("perpetrator", NEW, A1, enrol_until=T0 + 1)).id
    refuse(
        "enrol_countersigned_for_other_invitation", "The holder signed for another invitation.", invalid, by(good, enrolment={"invitation_id": other})
    )
    spent = invitation("perpetrator", C1, A1)
    refuse("enrol_spent", "The invitation was used by another device.", "invitation-spent", by(spent, enrolment={"key": "c1"}))
    taken: dict[str, Any] = {"enrolment": {"key": "c1", "keys": replace(NEW.keys, device=A1.id)}, "kid": A1.id}
    refuse("enrol_spent_by_known_device", "A used invitation, under the id of a device that is certified.", "malformed", by(spent, **taken))
    own: dict[str, Any] = {"enrolment": {"key": "c1", "keys": A1.keys}, "kid": A1.id, "signed_by": A1.key}
    refuse("enrol_spent_by_itself", "A used invitation, by a device that is certified: not appended as a reuse.", "not-permitted", by(spent, **own))
    again: dict[str, Any] = {"enrolment": {"key": "c1", "keys": replace(NEW.keys, receive=N1.receive.public)}}
    refuse("enrol_spent_known_key", "A used invitation, for a key that is certified.", "not-permitted", by(spent, **again))
    refuse("enrol_not_first", "An enrolment is its author's first entry.", "after-predecessor", by(good, header={"sq": 2, "pv": bytes(32)}))
    refuse(
        "enrol_known_device",
        "The device id is certified already.",
        "clone-detected",
        by(invitation("perpetrator", C1, A1, key="new"), C1, enrolment={"key": "new"}, header={"sq": 1, "pv": None}),
    )
    weak = invitation("perpetrator", NEW, A1, key_bytes=WEAK_SIGN)
    countersigned = {"by": WEAK_SIGN + bytes(32)}
    refuse(
        "enrol_weak_invitation_key", "The invitation key is of small order: anybody can sign for it.", "weak-key", by(weak, enrolment=countersigned)
    )
    keys = replace(NEW.keys, receive=NEW.keys.receive[:1184] + bytes(32))
    refuse("enrol_weak_receive_key", "The new device's receiving key is of small order.", "weak-key", by(good, enrolment={"keys": keys}))
    keys = replace(NEW.keys, receive=N1.receive.public)
    refuse("enrol_receive_key_again", "The new device's receiving key is another device's.", "not-permitted", by(good, enrolment={"keys": keys}))
    for name, why, roles in (
        ("foreign_role", "A role that this side does not have.", ("link_worker",)),
        ("admin_and_content", "An administrator holds no role with content.", ("administrator", "navigator")),
        ("navigator_and_therapist", "Nobody is navigator and therapist.", ("navigator", "therapist")),
        ("oversight_role", "A role of the oversight side.", ("supervisor_perpetrator",)),
    ):
        invited = invitation("perpetrator", NEW, A1, subject=replace(NEW.subject, roles=roles))
        refuse(f"enrol_{name}", why, "not-permitted", by(invited))

    def after_revocation(log: RegistryLog) -> Entry:
        return log.enrol(NEW, A2)

    log = perpetrator(8)
    log.append(log.revoke(A1, A2))
    given = log.given | {"entry": travelling(after_revocation(log)), "received_ms": log.next_ms}
    book.refuse("enrol_invited_by_revoked", "The inviting administrator's device is revoked.", invalid, op="registry_take", given=given)


def _refused_revocations(book: Book) -> None:
    refuse = _refuser(book, 9)
    no = "not-permitted"
    refuse("revoke_by_worker", "A device that is no administrator's revokes.", no, lambda log: log.revoke(C1, N1))
    refuse("revoke_by_itself", "A worker's device revokes itself.", no, lambda log: log.revoke(N1, N1))
    refuse("revoke_by_stranger", "A device that is not certified revokes.", no, lambda log: log.revoke(Device("zz", "Zed", ("administrator",)), N1))
    refuse("revoke_unknown", "The device is not certified.", no, lambda log: log.revoke(A1, NEW))
    refuse("revoke_other_side", "The device is the other side's.", no, lambda log: log.revoke(A1, V1))
    refuse("revoke_again", "The device is revoked already.", no, lambda log: log.revoke(A1, M1))
    payload = encode_registry_statement(Revoke(N1.id, "lost"))
    refuse(
        "revoke_signature",
        "The revocation bears an administrator's id and another key's signature.",
        "malformed",
        lambda log: log.statement(A1.id, C1.key, payload),
    )
    refuse("revoke_clone", "The administrator's number is taken.", "clone-detected", lambda log: log.statement(A1.id, A1.key, payload, sq=1, pv=None))
    refuse("revoke_gap", "A number of the administrator is left out.", "after-predecessor", lambda log: log.statement(A1.id, A1.key, payload, sq=3))
    refuse(
        "revoke_other_previous",
        "The administrator's entry follows another than its last.",
        "clone-detected",
        lambda log: log.statement(A1.id, A1.key, payload, pv=bytes(32)),
    )
    kid = ids.authority_id(AUTHORITY.public)
    refuse("revoke_by_authority", "The authority does not revoke: an administrator does.", no, lambda log: log.statement(kid, AUTHORITY, payload))
    log = perpetrator(8)
    log.append(log.revoke(A1, A2))
    given = log.given | {"entry": travelling(log.revoke(A2, N1)), "received_ms": log.next_ms}
    book.refuse("revoke_by_revoked", "The administrator's device is revoked.", no, op="registry_take", given=given)


def _heads_and_roles(book: Book) -> None:
    log = perpetrator(9)
    for name, why, rg, out in (
        ("reaches_past", "A head in the past of this registry.", head_of(log, 4), True),
        ("reaches_head", "This registry's own head.", head_of(log, 9), True),
        ("reaches_other", "Another entry stands there.", head_of(log, 4)._replace(chain=bytes(32)), False),
        ("reaches_future", "The registry is not that far yet.", head_of(log, 9)._replace(seq=10), None),
    ):
        book.add(name, why, op="reaches", given={"registry": log.given, "rg": list(rg)}, out=out)
    for name, side, roles, out in (
        ("navigator", "perpetrator", ["navigator"], True),
        ("several", "perpetrator", ["coordinator", "fund_holder", "navigator"], True),
        ("wrong_side", "victim", ["navigator"], False),
        ("admin_alone", "victim", ["administrator"], True),
        ("admin_and_content", "victim", ["administrator", "coordinator"], False),
        ("two_supervisors", "oversight", ["supervisor_perpetrator", "supervisor_victim"], False),
        ("one_supervisor", "oversight", ["supervisor_victim"], True),
        ("supervisor_and_admin", "oversight", ["administrator", "supervisor_victim"], False),
    ):
        book.add(
            f"roles_{name}", "Which roles one device may hold together on a side.", op="roles_allowed", given={"side": side, "roles": roles}, out=out
        )


def books() -> list[Book]:
    """Three files: `invitation`, `statement`, `judged`."""
    return [_invitations(), _statements(), _judged()]
