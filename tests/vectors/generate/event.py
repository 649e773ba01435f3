"""Vectors of audit events (docs/spec.md §10.1)."""

from typing import Any, Final

from shared_schema import cbor
from tests.vectors.generate.world import C1, N1, T0, fill
from tests.vectors.notation import Book

_LOG: Final = fill("event/log", 16)
_PAGE: Final = {"device": N1.id, "log": _LOG, "from": 3, "to": 7, "ms": T0}
_EVENTS: Final[dict[str, dict[str, Any]]] = {
    "accepted": {
        "log": _LOG, "id": fill("event/id", 32), "seq": 7, "ms": T0, "author": C1.id, "chain": fill("event/chain", 32), "void": False,
    },
    "refused": {"log": _LOG, "id": fill("event/id", 32), "author": C1.id, "code": "stale-epoch"},
    "delivered": _PAGE,
    "reviewed": _PAGE,
    "published": _PAGE | {"from": 2909, "to": 2921},
    "sent": {"device": N1.id, "address": fill("event/address", 16), "id": fill("event/parcel", 16), "ms": T0},
    "came": {"log": _LOG, "n": 4, "ms": T0},
    "shown": _PAGE,
    "restored": {"before": [fill("event/incarnation", 16), 40, fill("event/root", 32)], "ms": T0},
    "purged": {"device": N1.id, "log": _LOG, "id": fill("event/statement", 32), "ms": T0},
    "fetched": {"device": N1.id, "log": _LOG, "id": fill("event/chunk", 32), "ms": T0},
    "export": {"by": fill("event/supervisor", 16), "what": "logs", "ms": T0},
}  # fmt: skip


def book() -> Book:
    """Every kind of event, and its keys one by one."""
    made = Book("merkle", "event", "What an audit log says: the bytes whose hash, with a salt, is a leaf.", "10.1")

    def add(name: str, why: str, event: dict[str, Any]) -> None:
        made.add(name, why, codec="event", value=event, bytes=cbor.encode(event))

    def refuse(name: str, why: str, event: Any) -> None:
        made.refuse(name, why, "malformed", codec="event", bytes=cbor.encode(event))

    for kind, keys in _EVENTS.items():
        event = {"e": kind, **keys}
        add(kind, f"An event of kind {kind}.", event)
        for key in keys:
            refuse(f"{kind}_{key}_missing", f"The key {key} is missing.", {name: item for name, item in event.items() if name != key})
        refuse(f"{kind}_unknown_key", "A key that nobody knows.", event | {"note": 1})
        for key, item in keys.items():
            if isinstance(item, bytes):
                refuse(f"{kind}_{key}_short", f"The last byte of {key} is missing.", event | {key: item[:-1]})
            elif (kind, key) != ("restored", "before"):
                refuse(f"{kind}_{key}_null", f"Nothing in the place of {key}.", event | {key: None})
    add("accepted_void", "A reused invitation that was appended.", {"e": "accepted", **_EVENTS["accepted"], "void": True})
    add("refused_no_log", "The server does not know the log.", {"e": "refused", **_EVENTS["refused"], "log": None})
    add("reviewed_not_begun", "Of a file that has not begun.", {"e": "reviewed", **_PAGE, "log": None})
    add("restored_no_checkpoint", "Nobody had verified one.", {"e": "restored", "before": None, "ms": T0})
    add("published_week_0", "Weeks begin at 0.", {"e": "published", **_EVENTS["published"], "from": 0, "to": 0})
    for name, why, kind, over in (
        ("kind_unknown", "A kind that does not exist.", "received", {}),
        ("came_n_0", "Numbers begin at 1.", "came", {"n": 0}),
        ("shown_to_0", "Nothing was shown.", "shown", {"from": 0, "to": 0}),
        ("published_from_negative", "Weeks begin at 0.", "published", {"from": -1}),
        ("sent_id_32", "A parcel's id has 16 bytes.", "sent", {"id": bytes(32)}),
        ("accepted_void_0", "0 in the place of `false`.", "accepted", {"void": 0}),
        ("restored_before_two", "A checkpoint without a root.", "restored", {"before": [fill("event/incarnation", 16), 40]}),
        ("export_what", "There are no other exports.", "export", {"what": "parts"}),
    ):
        refuse(name, why, {"e": kind, **_EVENTS.get(kind, {}), **over})
    refuse("kind_missing", "No kind.", _EVENTS["came"])
    refuse("list", "A list in the place of the event.", ["came", _LOG, 4, T0])
    return made
