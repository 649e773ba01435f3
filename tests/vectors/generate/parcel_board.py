"""Vectors of weeks, addresses, keys and gates (docs/spec.md §15.1, §15.2)."""

from typing import Any, Final

from shared_schema import ids
from shared_schema.ids import Side
from sync.keys import ReceivingKey
from sync.signing import SigningKey
from tests.vectors import edwards
from tests.vectors.generate.parcel_world import (
    AUTHORITY_ID,
    DESK,
    LIAISON,
    OTHER_DESK,
    SIDE_OF,
    WEEK,
    address,
    address_key,
    derived,
    gate,
    gate_map,
    intake,
    intake_map,
    secret,
    signed,
    weekly,
)
from tests.vectors.generate.world import A1, AUTHORITY, OTHER_SVC, SVC, T0, signer
from tests.vectors.notation import Book

_NEXT_WEEK_MS: Final = 345_600_000 + (WEEK + 1) * 604_800_000
_NEUTRAL: Final = edwards.encode(edwards.IDENTITY)


def _by_neutral(data: bytes) -> bytes:
    """An object with a signature that holds under the neutral point, whatever was signed: R is S·B, with S = 1."""
    return data[:-64] + edwards.encode(edwards.BASE) + (1).to_bytes(32, "little")


def _derivations(book: Book) -> None:
    for name, why, ms, week in (
        ("week_0", "Monday, 5 January 1970, 00:00 UTC.", 345_600_000, 0),
        ("week_0_end", "The last millisecond of that week.", 345_600_000 + 604_799_999, 0),
        ("week_1", "The Monday after it.", 345_600_000 + 604_800_000, 1),
        ("week_now", "9 October 2025, a Thursday.", T0, 2909),
        ("week_end", "The last millisecond before a Monday.", _NEXT_WEEK_MS - 1, 2909),
        ("week_begins", "A Monday, 00:00 UTC.", _NEXT_WEEK_MS, 2910),
        ("week_latest", "The latest time there is.", 2**53 - 1, 14_892_855),
    ):
        book.add(name, why, op="week_of", given={"ms": ms}, out=week)
    for name, log, svc in (("desk", DESK, SVC), ("liaison", LIAISON, SVC), ("other_service", DESK, OTHER_SVC)):
        given = {"svc": svc, "side": SIDE_OF[log], "log": log}
        book.add(f"address_{name}", "Where parcels for a file go.", op="receiving_address", given=given, out=address(log, svc))
    out = ids.sha256(b"fieldkeep/v1/address\0" + SVC + b"perpetrator\0" + DESK)[:16]
    given = {"svc": SVC, "side": "perpetrator", "log": DESK}
    book.add("address_other_side", "The side is in the address.", op="receiving_address", given=given, out=out)
    for log, epoch in ((DESK, 1), (DESK, 2**32 - 1), (LIAISON, 2)):
        about: dict[str, Any] = {"svc": SVC, "side": SIDE_OF[log], "log": log, "epoch": epoch, "secret": secret(log, epoch)}
        public = SigningKey(derived("address", log, epoch)).public
        name = f"{SIDE_OF[log]}_{epoch}"
        book.add(f"address_key_{name}", "The key that signs a file's weekly keys.", op="address_key", given=about, out=public)
        for week in (0, WEEK, 2**32 - 1) if epoch == 1 else (WEEK,):
            out = ReceivingKey(derived("intake", log, epoch, week.to_bytes(4, "big"))).public
            book.add(f"weekly_key_{name}_{week}", "The key for the parcels of one week.", op="weekly_key", given=about | {"week": week}, out=out)


def _gates(book: Book) -> None:
    def given(data: bytes, side: str = "victim", authority: SigningKey = AUTHORITY) -> dict[str, Any]:
        return {"svc": SVC, "side": side, "authority": authority.public, "bytes": data}

    for name, log in (("victim", DESK), ("perpetrator", OTHER_DESK)):
        out = {key: item for key, item in gate_map(log).items() if key != "side"}
        book.add(f"gate_{name}", "A gate by the authority.", op="check_gate", given=given(gate(log), name), out=out)
    stranger = signer("stranger")
    good = gate()
    for name, why, data in (
        ("other_service", "Signed for another service.", gate(svc=OTHER_SVC)),
        ("other_side", "The gate of the other side's desk.", gate(OTHER_DESK)),
        ("by_stranger", "Signed by another authority, under its own id.", gate(kid=ids.authority_id(stranger.public), key=stranger)),
        ("by_stranger_as_authority", "Signed by another key, under the authority's id.", gate(key=stranger)),
        ("other_kid", "Signed by the authority, under another id.", gate(kid=A1.id)),
        ("by_address_key", "Signed by the very key that it names, under the authority's id.", gate(key=address_key(DESK))),
        ("signature_changed", "One bit of the signature was changed.", good[:-1] + bytes((good[-1] ^ 1,))),
        ("no_gate", "An object of another type that says the same.", signed("intake", gate_map(), AUTHORITY_ID, AUTHORITY)),
    ):
        book.refuse(f"gate_{name}", why, "malformed", op="check_gate", given=given(data))
    book.refuse("gate_for_other_authority", "The service has another authority.", "malformed", op="check_gate", given=given(good, authority=stranger))


def _intake_keys(book: Book) -> None:
    good: dict[str, Any] = {"svc": SVC, "side": "victim", "address": address(DESK), "key": address_key(DESK).public, "week": WEEK, "bytes": intake()}
    book.add("intake_key", "A key by the address key.", op="check_intake_key", given=good, out=weekly(DESK).public)
    second = intake(key=address_key(DESK, 2), epoch=2)
    book.add(
        "intake_key_of_epoch_2",
        "After a change of keys.",
        op="check_intake_key",
        given=good | {"key": address_key(DESK, 2).public, "bytes": second},
        out=weekly(DESK, WEEK, 2).public,
    )
    book.add(
        "intake_key_under_earlier_address_key",
        "The key of a new epoch under the address key that the gate in force names.",
        op="check_intake_key",
        given=good | {"bytes": intake(epoch=2)},
        out=weekly(DESK, WEEK, 2).public,
    )
    data = good["bytes"]
    for name, why, over in (
        ("other_service", "Signed for another service.", {"bytes": intake(svc=OTHER_SVC)}),
        ("other_side", "It names the other side.", {"bytes": intake(side="perpetrator")}),
        ("other_address", "The same key for another address.", {"bytes": intake(kid=address(LIAISON))}),
        ("next_week", "The key of the week after.", {"bytes": intake(week=WEEK + 1)}),
        ("last_week", "The key of the week before.", {"bytes": intake(week=WEEK - 1)}),
        ("by_later_address_key", "Signed by the address key of another epoch.", {"bytes": second}),
        ("by_stranger", "Signed by another key.", {"bytes": intake(key=signer("stranger"))}),
        ("by_authority", "Signed by the authority.", {"bytes": intake(key=AUTHORITY)}),
        ("signature_changed", "One bit of the signature was changed.", {"bytes": data[:-1] + bytes((data[-1] ^ 1,))}),
        ("weak_address_key", "The address key is the neutral point: anybody can sign for it.", {"key": _NEUTRAL, "bytes": _by_neutral(intake())}),
        ("no_intake_key", "An object of another type that says the same.", {"bytes": signed("gate", intake_map(), address(DESK), address_key(DESK))}),
    ):
        book.refuse(f"intake_key_{name}", why, "malformed", op="check_intake_key", given=good | over)


def _publications(book: Book) -> None:
    def given(keys: list[bytes], **over: Any) -> dict[str, Any]:
        log: bytes = over.pop("log", DESK)
        publication = {"ep": 1, "key": over.pop("key", address_key(log).public), "gate": None, "keys": keys}
        usual: dict[str, Any] = {"svc": SVC, "side": SIDE_OF[log], "address": address(log), "week": WEEK, "publication": publication}
        return usual | over

    def weeks(*ahead: int, log: bytes = DESK) -> list[bytes]:
        return [intake(log, WEEK + week) for week in ahead]

    for name, why, ahead in (
        ("one", "The present week's key.", (0,)),
        ("last", "The last week that may be published.", (12,)),
        ("all", "The present week and twelve more.", tuple(range(13))),
        ("gap", "Weeks may be left out.", (0, 2, 5, 12)),
        ("none", "No week.", ()),
    ):
        out = [WEEK + week for week in ahead]
        book.add(f"publication_{name}", why, op="check_publication", given=given(weeks(*ahead)), out=out)
    out = [WEEK, WEEK + 1]
    book.add(
        "publication_liaison", "Of a liaison file.", op="check_publication", given=given(weeks(0, 1, log=LIAISON), log=LIAISON), out=out
    )  # fmt: skip
    side: Side = "perpetrator"
    for name, why, keys in (
        ("week_over", "The key of a week that is over.", weeks(-1, 0)),
        ("13_ahead", "The key of the thirteenth week ahead.", weeks(0, 13)),
        ("falling", "Weeks in falling order.", weeks(1, 0)),
        ("twice", "Two keys for one week.", [*weeks(0), intake(epoch=2)]),
        ("other_service", "An object of another service.", [intake(svc=OTHER_SVC)]),
        ("other_side", "An object of the other side.", [intake(side=side)]),
        ("other_address", "An object of another address, signed by this address's key.", [intake(kid=address(LIAISON))]),
        ("other_key", "An object under the address key of another epoch.", [intake(key=address_key(DESK, 2))]),
        ("second_by_other_key", "The second object is under another address key.", [*weeks(0), intake(week=WEEK + 1, key=signer("stranger"))]),
        ("no_object", "A gate in the place of a key.", [gate()]),
        ("no_bytes", "No bytes in the place of a key.", [b""]),
    ):
        book.refuse(f"publication_{name}", why, "malformed", op="check_publication", given=given(keys))
    weak = given([_by_neutral(intake())], key=_NEUTRAL)
    why = "The address key is the neutral point: anybody can sign for it."
    book.refuse("publication_weak_key", why, "malformed", op="check_publication", given=weak)
    why = "The objects are under another key than the one that is published."
    book.refuse("publication_key_changed", why, "malformed", op="check_publication", given=given(weeks(0), key=address_key(DESK, 2).public))


def book() -> Book:
    """Where parcels go, and who says so."""
    made = Book("parcel", "board", "Weeks, addresses and the keys behind them; gates, and what a file publishes.", "15.1, 15.2")
    for week in range(-1, 14):
        made.share(f"intake {week:+}", intake(week=WEEK + week))
    made.share("intake key", intake_map()["key"])
    made.share("intake key of epoch 2", weekly(DESK, WEEK, 2).public)
    made.share("gate", gate())
    _derivations(made)
    _gates(made)
    _intake_keys(made)
    _publications(made)
    return made
