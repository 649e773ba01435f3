"""Vectors of the chains that certify a sender to a side that does not have the sender's registry (docs/spec.md §15.3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from shared_schema import certificate, ids
from shared_schema.certificate import Certify
from shared_schema.entry import Entry
from shared_schema.ids import Side
from tests.vectors.generate.parcel_world import AUTHORITY_ID
from tests.vectors.generate.world import (
    A1,
    A2,
    AUTHORITY,
    C1,
    F1,
    N1,
    OTHER_SVC,
    PINNED,
    SVC,
    V1,
    V2,
    W1,
    Device,
    FileLog,
    RegistryLog,
    enrolment,
    fill,
    invitation,
    perpetrator,
    root,
    signer,
    victim,
)
from tests.vectors.notation import Book

M2: Final = Device("m2", "Mo", ("coordinator", "fund_holder"))
V3: Final = Device("v3", V1.user_name, ("coordinator",))
V4: Final = Device("v4", "Fay", ("fund_holder",))
V5: Final = Device("v5", "Lin", ("link_worker",))


class Chains:
    """A side's registry, and the way from its root to each of its devices."""

    def __init__(self, registry: RegistryLog, issuers: dict[Device, Device | None]) -> None:
        self.side, self._issuers = registry.side, issuers
        found = [one for one, _ in registry.entries]
        self.root_entry = found[0]
        self._of: dict[Device, Entry] = {device: self._certifying(found, device) for device in issuers}

    @staticmethod
    def _certifying(entries: list[Entry], device: Device) -> Entry:
        def names(one: Entry) -> bool:
            statement = certificate.decode_registry_statement(one.sign1.payload)
            return isinstance(statement, certificate.Certify | certificate.Enrol) and statement.keys.device == device.id

        return next(one for one in entries if names(one))

    @property
    def root(self) -> bytes:
        """The entry id of the root."""
        return self.root_entry.id

    @property
    def entries(self) -> dict[str, bytes]:
        """COSE bytes by name."""
        return {"root": self.root_entry.cose} | {device.name: one.cose for device, one in self._of.items()}

    def certificate(self, device: Device) -> bytes:
        """The entry id of a device's certificate."""
        return self._of[device].id

    def of(self, device: Device) -> tuple[bytes, ...]:
        """The entries that certify a device."""
        found: list[bytes] = []
        at: Device | None = device
        while at is not None:
            found.append(self._of[at].cose)
            at = self._issuers[at]
        return (self.root_entry.cose, *reversed(found))


def _perpetrator() -> RegistryLog:
    made = perpetrator(8)
    made.append(made.enrol(M2, A2))
    return made


def _victim() -> RegistryLog:
    made = victim()
    for device in (V3, V4, V5):
        made.append(made.enrol(device, W1))
    return made


CHAINS: Final[dict[str, Chains]] = {
    "perpetrator": Chains(_perpetrator(), {A1: None, C1: A1, N1: A1, F1: A1, A2: A1, M2: A2}),
    "victim": Chains(_victim(), {W1: None, V1: W1, V2: W1, V3: W1, V4: W1, V5: W1}),
}


def sender(cert: bytes, device: Device) -> dict[str, Any]:
    """What a reader has of a device that a chain certifies."""
    return {"cert": cert, "device": device.id, "key": device.key.public, "user": device.user, "name": device.user_name, "roles": list(device.roles)}


def _registry(*steps: Device) -> RegistryLog:
    """The perpetrator side's root and first administrator, then enrolments by her."""
    made = perpetrator(2)
    for device in steps:
        made.append(made.enrol(device, A1))
    return made


def _and(made: RegistryLog, *more: Entry) -> list[bytes]:
    return [one.cose for one, _ in made.entries] + [one.cose for one in more]


def _given(chain: Sequence[bytes], **over: Any) -> dict[str, Any]:
    return {"svc": SVC, "side": "perpetrator", "pinned": PINNED, "chain": list(chain)} | over


def _golden(book: Book) -> None:
    def add(name: str, why: str, chains: Chains, device: Device) -> None:
        out = {"root": chains.root, "receipt": signer(f"receipt/{chains.side}").public, "sender": sender(chains.certificate(device), device)}
        book.add(f"chain_{name}", why, op="certified", given=_given(chains.of(device), side=chains.side), out=out)

    mine = CHAINS["perpetrator"]
    add("administrator", "Certified by the authority.", mine, A1)
    add("enrolled", "Invited by an administrator.", mine, C1)
    add("two_invitations", "Invited by an administrator whom another had invited.", mine, M2)
    add("victim", "Of the victim side.", CHAINS["victim"], V1)
    past = _registry()
    brief = replace(C1.subject, until=1)
    past.append(past.statement(C1.id, C1.key, enrolment(past.id, C1, invitation("perpetrator", C1, A1, subject=brief))))
    add("ended", "The certificate has ended: whether its holder stood is for the pass to say.", Chains(past, {A1: None, C1: A1}), C1)


def _entries_that_do_not_stand() -> list[tuple[str, str, list[bytes]]]:
    """Chains that end with something that a registry would not take."""
    made, side = _registry(), "perpetrator"
    victims = CHAINS["victim"]
    by_c1 = _registry(C1)

    def enrol(device: Device = C1, invited: bytes | None = None, **over: Any) -> Entry:
        payload = enrolment(
            made.id, device, invited or invitation("perpetrator", device, A1), **{name: over.pop(name) for name in ("by", "keys") if name in over}
        )
        return made.statement(device.id, over.pop("key", device.key), payload, **over)

    def certify(device: Device, kid: bytes = AUTHORITY_ID, **over: Any) -> Entry:
        return made.statement(kid, over.get("key", AUTHORITY), certificate.encode_registry_statement(Certify(device.subject, device.keys)))

    both = Device("x1", "Xia", ("navigator", "therapist"))
    foreign = Device("x2", "Xue", ("link_worker",))
    again = replace(C1.keys, sign=signer(f"receipt/{side}").public)
    good = enrol()
    changed = good.cose[:-1] + bytes((good.cose[-1] ^ 1,))
    case = FileLog(perpetrator(8), C1)
    return [
        ("bad_by", "The invitation key has not signed for the device.", _and(made, enrol(by=bytes(64)))),
        ("invited_by_coordinator", "Invited by somebody who is no administrator.", _and(by_c1, by_c1.enrol(N1, C1))),
        ("invited_to_other_side", "An invitation to the other side.", _and(made, enrol(invited=invitation("perpetrator", C1, A1, for_side="victim")))),
        ("invited_to_other_service", "An invitation to another service.", _and(made, enrol(invited=invitation("perpetrator", C1, A1, svc=OTHER_SVC)))),
        ("invitation_by_other_key", "An invitation that the administrator has not signed.",
         _and(made, enrol(invited=invitation("perpetrator", C1, A1, signed_by=N1.key)))),
        ("enrolment_by_other_key", "An enrolment that another key has signed.", _and(made, enrol(key=N1.key))),
        ("enrolment_changed", "One bit of the enrolment's signature was changed.", [*_and(made), changed]),
        ("enrolment_second", "An enrolment that is not the device's first entry.", _and(made, enrol(sq=2, pv=bytes(32)))),
        ("enrolment_other_service", "An enrolment that was signed for another service.", _and(made, enrol(svc=OTHER_SVC))),
        ("enrolment_other_log", "An enrolment that was signed for another log.", _and(made, enrol(log=victim().id))),
        ("certified_by_administrator", "An administrator certified by another administrator.", _and(made, certify(A2, A1.id, key=A1.key))),
        ("certified_by_other_key", "An administrator certified by another key, under the authority's id.", _and(made, certify(A2, key=signer("stranger")))),
        ("certified_coordinator", "The authority certifies administrators only.", _and(made, certify(C1))),
        ("roles_together", "Two roles that nobody has together.", _and(made, enrol(both))),
        ("role_of_other_side", "A role that this side does not have.", _and(made, enrol(foreign))),
        ("key_of_root", "The side's receipt key as a device's.", _and(made, enrol(keys=again, key=signer("receipt/perpetrator")))),
        ("twice", "The sender is certified twice.", _and(made, good, good)),
        ("second_root", "A root after the root.", _and(made, made.by_authority(root("perpetrator")))),
        ("revocation", "A revocation certifies nobody.", [*_and(by_c1), by_c1.revoke(A1, C1).cose]),
        ("suspension", "Nor does a suspension.", [*_and(by_c1), by_c1.suspend(A1, C1).cose]),
        ("suspension_between", "A suspension of somebody else before the sender's certificate.", _and(by_c1, by_c1.suspend(A1, C1), by_c1.enrol(N1, A1))),
        ("of_victim", "The last entry is from the other side's registry.", [*_and(made), victims.entries["v1"]]),
        ("file_statement", "The last entry is of a file.", _and(made, case.by(C1, case.genesis({C1: "coordinator"})))),
        ("envelope", "The last entry is an envelope.", _and(by_c1, by_c1.envelope(C1, 1, [fill("parcel/part", 304)]))),
        ("no_entry", "The last entry is an invitation.", [*_and(made), invitation("perpetrator", C1, A1)]),
        ("empty_entry", "The last entry is empty.", [*_and(made), b""]),
    ]  # fmt: skip


def _roots() -> list[tuple[str, str, list[bytes]]]:
    stranger = signer("stranger")
    own, other_side = RegistryLog("perpetrator"), RegistryLog("perpetrator")
    statement = certificate.encode_registry_statement(root("perpetrator", authority=stranger.public))
    own.append(own.statement(ids.authority_id(stranger.public), stranger, statement))
    certified = certificate.encode_registry_statement(Certify(A1.subject, A1.keys))
    own.append(own.statement(ids.authority_id(stranger.public), stranger, certified))
    other_side.append(other_side.by_authority(root("victim")))
    other_side.append(other_side.by_authority(Certify(A1.subject, A1.keys)))
    return [
        ("root_of_other_authority", "Another authority's root, certified throughout.", _and(own)),
        ("root_of_other_side", "A root that names the other side, in this side's log.", _and(other_side)),
    ]


def book() -> Book:
    """`certified`: the registry that a chain alone makes, and whom its last entry certifies."""
    made = Book("parcel", "chains", "The registry entries that certify a letter's sender to the other side.", "15.3, 6")
    for side, chains in CHAINS.items():
        for name, data in chains.entries.items():
            made.share(f"{side}/{name}", data)
    _golden(made)

    def refuse(name: str, why: str, chain: Sequence[bytes], **over: Any) -> None:
        made.refuse(f"chain_{name}", why, "malformed", op="certified", given=_given(chain, **over))

    good = CHAINS["perpetrator"].of(C1)
    refuse("empty", "No entries.", ())
    refuse("root_alone", "The root certifies no device.", good[:1])
    refuse("without_root", "No root.", good[1:])
    refuse("without_issuer", "The inviting administrator is missing.", (good[0], good[2]))
    refuse("issuer_last", "The inviting administrator comes after whom she invited.", (good[0], good[2], good[1]))
    refuse("root_last", "The root comes last.", (*good[1:], good[0]))
    refuse("other_authority", "The reader has pinned another authority.", good, pinned=ids.fingerprint(signer("stranger").public))
    refuse("other_service", "The reader's service is another.", good, svc=OTHER_SVC)
    other: Side = "victim"
    refuse("other_side", "The chain of a device of the other side.", good, side=other)
    for name, why, chain in _roots() + _entries_that_do_not_stand():
        refuse(name, why, chain)
    return made
