"""Vectors of approvals: one person agrees to one exact act, which another carries out (docs/spec.md §7.7)."""

from typing import Any, Final

from shared_schema import cbor, cose, limits
from shared_schema.approval import APPROVAL, act_hash, export_act
from shared_schema.removal import erase_act, expunge_act, release_act
from sync.letters import letter_act
from sync.signing import sign_object
from tests.vectors.codecs import CODECS
from tests.vectors.generate.world import A1, C1, M1, N1, OTHER_SVC, SVC, T0, V1, Device, fill, perpetrator, seed
from tests.vectors.notation import Book

_LOG: Final = fill("approval/log", 16)
_ENTRY: Final = fill("approval/entry", 32)
_ACTS: Final[dict[str, dict[str, Any]]] = {
    "expunge": {"kind": "expunge", "at": 7, "id": _ENTRY, "part": 2, "hash": bytes(32), "reason": "spill", "parcel": None, "says": _ENTRY},
    "release": {"kind": "hold", "release": _ENTRY},
    "erase": {"kind": "erase", "reason": "retention"},
    "export": {"kind": "export", "purpose": "subject_access", "to": "Jack", "upto": 12},
    "letter": {
        "kind": "letter",
        "to": _LOG,
        "id": bytes(16),
        "letter": "instruction",
        "body": {"word": "instruction", "free_text": "Ring before you go."},
    },
}
_ACT: Final = act_hash(_ACTS["expunge"])
_WEEK: Final = 7 * 86_400_000


def _payload(**over: Any) -> dict[str, Any]:
    return {"side": "perpetrator", "log": _LOG, "kind": "expunge", "act": _ACT, "until": T0 + _WEEK} | over


def _approval(device: Device = C1, *, key: Any = None, svc: bytes = SVC, typ: str = APPROVAL, payload: Any = None, **over: Any) -> bytes:
    data = cbor.encode(_payload(**over) if payload is None else payload)
    return sign_object(key or device.key, cose.protected_header(typ, device.id, svc), data)


def _shapes(book: Book) -> None:
    for name, why, data in (
        ("approval", "An approval of expunging one part.", _approval()),
        ("approval_of_release", "An approval of ending a hold.", _approval(kind="hold", act=act_hash(_ACTS["release"]))),
        ("approval_of_erasure", "An approval of erasing a file.", _approval(kind="erase", act=act_hash(_ACTS["erase"]))),
        ("approval_of_export", "An approval of writing a file out.", _approval(kind="export", act=act_hash(_ACTS["export"]))),
        (
            "approval_of_letter",
            "An approval of a letter to the other side: `log` is the address that it goes to.",
            _approval(kind="letter", act=act_hash(_ACTS["letter"])),
        ),
    ):
        book.add(name, why, codec="approval", value=CODECS["approval"].decode(data), bytes=data, seed=seed(f"device/{C1.name}"))

    def refuse(name: str, why: str, data: bytes) -> None:
        book.refuse(name, why, "malformed", codec="approval", bytes=data)

    for key in _payload():
        refuse(f"{key}_missing", f"The key {key} is missing.", _approval(payload={name: item for name, item in _payload().items() if name != key}))
    for name, why, over in (
        ("unknown_key", "A key that nobody knows.", {"note": "please"}),
        ("kind_unknown", "A kind of act that takes no two people.", {"kind": "members"}),
        ("kind_list", "A list in the place of the kind.", {"kind": ["expunge"]}),
        ("side_unknown", "A side that does not exist.", {"side": "both"}),
        ("log_17", "A log id of 17 bytes.", {"log": bytes(17)}),
        ("act_31", "A hash of 31 bytes.", {"act": bytes(31)}),
        ("until_negative", "A time before 1970.", {"until": -1}),
        ("until_text", "A time as text.", {"until": "tomorrow"}),
    ):
        refuse(name, why, _approval(**over))
    refuse("list", "A list in the place of the payload.", _approval(payload=list(_payload().values())))
    refuse("typ_invitation", "An invitation is no approval.", _approval(typ="fieldkeep-invitation"))


def _acts(book: Book) -> None:
    for name, act in _ACTS.items():
        book.add(f"act_{name}", f"What an approval names: {name}.", op="act_hash", given={"act": act}, out=act_hash(act))
    assert act_hash(_ACTS["expunge"]) == expunge_act(7, _ENTRY, 2, bytes(32), "spill", None, _ENTRY)
    assert act_hash(_ACTS["release"]) == release_act(_ENTRY)
    assert act_hash(_ACTS["erase"]) == erase_act("retention")
    assert act_hash(_ACTS["export"]) == export_act("subject_access", "Jack", 12)
    assert act_hash(_ACTS["letter"]) == letter_act(_LOG, bytes(16), "instruction", _ACTS["letter"]["body"])


def _judged(book: Book) -> None:
    registry = perpetrator(9)

    def given(data: bytes, **over: Any) -> dict[str, Any]:
        usual = {"registry": registry.given, "log": _LOG, "kind": "expunge", "act": _ACT, "seq": 9, "received_ms": T0 + 1000, "bytes": data}
        return usual | over

    out = {"device": C1.id, "user": C1.user}
    for name, why, over in (
        ("in_time", "Approved, and carried out the day after.", {}),
        ("last_moment", "Carried out in the millisecond in which the approval ends.", {"received_ms": T0 + _WEEK}),
        ("longest", "An approval for as long as one may be.", {"received_ms": T0 + _WEEK - limits.APPROVAL_MS}),
        ("earlier_registry", "The act relied on a registry head at which whoever approved was certified.", {"seq": 3}),
    ):
        book.add(name, why, op="check_approval", given=given(_approval(), **over), out=out)
    of_m1 = {"device": M1.id, "user": M1.user}
    why = "Approved by a device that was revoked after the registry head that the act relied on."
    book.add("revoked_later", why, op="check_approval", given=given(_approval(M1), seq=8), out=of_m1)

    def refuse(name: str, why: str, data: bytes, code: str = "not-approved", **over: Any) -> None:
        book.refuse(name, why, code, op="check_approval", given=given(data, **over))

    refuse("ended", "One millisecond after its end.", _approval(), received_ms=T0 + _WEEK + 1)
    refuse("too_long", "For one millisecond longer than an approval may be.", _approval(), received_ms=T0 + _WEEK - limits.APPROVAL_MS - 1)
    refuse("other_act", "Of another act.", _approval(act=act_hash(_ACTS["erase"])))
    refuse("other_kind", "Of another kind of act with the same hash.", _approval(kind="erase"))
    refuse("other_log", "For another log.", _approval(log=fill("another log", 16)))
    refuse("other_side", "For the other side.", _approval(side="victim"))
    refuse("other_service", "For another service.", _approval(svc=OTHER_SVC))
    refuse("by_other_side", "By a device of the other side.", _approval(V1))
    refuse("revoked", "By a device that was revoked by then.", _approval(M1))
    refuse("not_certified_yet", "By a device that was certified after the registry head that the act relied on.", _approval(N1), seq=3)
    refuse("forged", "By a member's id under another key.", _approval(C1, key=A1.key), "malformed")


def books() -> list[Book]:
    """One file: `approval`."""
    book = Book("approval", "approval", "Approvals: their shape, what they name, and when they count.", "7.7")
    for size in (9,):
        book.share(f"registry of {size}", perpetrator(size).given)
    _shapes(book)
    _acts(book)
    _judged(book)
    return [book]
