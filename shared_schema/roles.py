"""roles.json: which role exists on which side, and which may sign which statement in which file kind (docs/spec.md §7.2)."""

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

_RAW: Final[dict[str, Any]] = json.loads(files("shared_schema").joinpath("roles.json").read_text(encoding="utf-8"))

ROLES: Final[Mapping[str, dict[str, Any]]] = _RAW["roles"]
FILES: Final[Mapping[str, Mapping[str, Mapping[str, list[str]]]]] = _RAW["files"]
_REFUSED: Final[list[list[str]]] = _RAW["combinations_refused"]
_REINSTATE: Final[Mapping[str, list[str]]] = _RAW["reinstate"]
_HELP: Final[Mapping[str, Mapping[str, list[str]]]] = _RAW["help"]
LETTERS: Final[Mapping[str, Mapping[str, dict[str, Any]]]] = _RAW["letters"]
_ROW: Final = {
    "genesis": "genesis",
    "members": "members_by",
    "epoch": "epoch",
    "recover": "members_by",
    "grant": "grant",
    "admit": "admit",
    "refuse": "admit",
    "expunge": "expunge",
    "hold": "hold",
    "erase": "erase",
    "export": "export",
}


def has_content(role: str) -> bool:
    """True when people of this role may hold content keys."""
    return bool(ROLES[role]["content"])


def roles_allowed(side: str, roles: Iterable[str]) -> bool:
    """True when one device on `side` may hold all of `roles` together."""
    held = set(roles)
    if not all(side in ROLES[role]["sides"] for role in held):
        return False
    return not any(_clash(held, first, second) for first, second in _REFUSED)


def _clash(held: set[str], first: str, second: str) -> bool:
    if first not in held:
        return False
    return any(has_content(role) for role in held) if second == "*content*" else second in held


def may_reinstate(side: str, roles: Iterable[str]) -> bool:
    """True when a device with these roles may lift a suspension on `side`."""
    return not set(roles).isdisjoint(_REINSTATE[side])


def can_be_helped(side: str, roles: Iterable[str]) -> bool:
    """True when the store of a device with these roles may be opened with somebody's help (docs/spec.md §13.2)."""
    held = set(roles)
    return bool(held) and held <= _HELP[side].keys()


def may_help(side: str, roles: Iterable[str], helper: Iterable[str]) -> bool:
    """True when a colleague with the roles `helper` may help to open the store of a device with `roles`: for each of them one that may."""
    held = set(helper)
    return can_be_helped(side, roles) and all(not held.isdisjoint(_HELP[side][role]) for role in roles)


def may_send(letter: str, side: str, file: str, roles: Iterable[str]) -> bool:
    """True when a device of `side` with these roles may send such a letter to a file of kind `file` of the other side."""
    row = LETTERS.get(letter, {}).get(side)
    return row is not None and row["to"] == file and not set(roles).isdisjoint(row["by"])


def takes_two(letter: str, side: str, body: Iterable[str]) -> bool:
    """True when a letter of `side` with these fields takes two people (docs/spec.md §15.3)."""
    return not set(body).isdisjoint(LETTERS.get(letter, {}).get(side, {}).get("two", ()))


def leads_letter(letter: str, side: str, roles: Iterable[str]) -> bool:
    """True when, of two who send such a letter together, somebody with these roles leads."""
    return not set(roles).isdisjoint(LETTERS.get(letter, {}).get(side, {}).get("lead", ()))


def file_sides(kind: str) -> frozenset[str]:
    """The sides on which a file of this kind may lie; empty for an unknown kind."""
    return frozenset(FILES.get(kind, {}))


def may_be_member(kind: str, side: str, role: str) -> bool:
    """True when a person may be a member of such a file in this role."""
    return role in FILES.get(kind, {}).get(side, {}).get("members", ())


def may_sign(statement: str, kind: str, side: str, role: str) -> bool:
    """True when a member in this role may sign this statement kind in such a file."""
    return role in FILES.get(kind, {}).get(side, {}).get(_ROW[statement], ())


def is_lead(kind: str, side: str, role: str) -> bool:
    """True when this role leads such a file: of two who remove something together, one at least does."""
    return role in FILES.get(kind, {}).get(side, {}).get("lead", ())
