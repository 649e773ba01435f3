"""Help with a forgotten passphrase stays on its side: who is in the rule, who gets boxes, and what a locked phone shows (docs/spec.md §13.2)."""

import json
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import SIDES
from shared_schema.roles import FILES, ROLES, can_be_helped, has_content, may_be_member, may_help
from sync import unlock as rules
from sync.device.entering import helping, keyring, unlocking
from sync.device.entering.profile import REQUEST, open_session
from tests.desk import SECRET, Desk
from tests.world import World

HELP: Final[dict[str, dict[str, list[str]]]] = json.loads(files("shared_schema").joinpath("roles.json").read_text("utf-8"))["help"]
EVERYBODY: Final = {
    "perpetrator": ("coordinator", "navigator", "therapist", "therapy_lead", "fund_holder", "records_officer"),
    "victim": ("coordinator", "link_worker", "referral_desk", "fund_holder", "records_officer"),
}


class TestRule:
    def test_it_names_every_role_with_content_and_no_other(self) -> None:
        for side in SIDES:
            assert HELP[side].keys() == {role for role, facts in ROLES.items() if facts["content"] and side in facts["sides"]}
            for helpers in HELP[side].values():
                assert helpers
                assert all(has_content(role) and side in ROLES[role]["sides"] for role in helpers)

    def test_a_helper_could_be_in_every_file_of_whom_they_help(self) -> None:
        """But for one, of which decision 0012 says why: a therapist's lead may be in no shared-care file."""
        found = {
            (helper, kind)
            for side, rule in HELP.items()
            for role, helpers in rule.items()
            for helper in helpers
            for kind in FILES
            if may_be_member(kind, side, role) and not may_be_member(kind, side, helper)
        }
        assert found == {("therapy_lead", "shared_care")}

    def test_an_administrator_or_a_supervisor_is_in_no_help(self) -> None:
        """Nor who has such a role beside others, which no registry takes in this version."""
        for side in SIDES:
            assert not can_be_helped(side, [])
            for size in (1, 2, 3):
                for roles in combinations(ROLES, size):
                    if not all(map(has_content, roles)):
                        assert not can_be_helped(side, roles)
                    if not any(map(has_content, roles)):
                        assert not any(may_help(side, [role], roles) for role in ROLES)


def test_no_box_crosses_and_none_is_an_administrators() -> None:
    with World(sides=("perpetrator", "victim")) as world:
        phones = [world.enrol(side, f"{role} {n}", (role,)) for side, roles in EVERYBODY.items() for role in roles for n in (1, 2)]  # type: ignore[arg-type]
        for phone in [*phones, *world.admins.values()]:
            phone.sync()
        for phone in [*phones, *world.admins.values()]:
            known = phone.session.registry
            own = {other.device for other in phones if other.side == phone.side} | {known.recovery_id}
            found = rules.recipients(known, phone.device, phone.now_ms())
            assert found.keys() <= own - {phone.device}
            assert bool(found) == (phone in phones)
            for other in [*phones, *world.admins.values()]:
                if other.side != phone.side:
                    assert not rules.recipients(known, other.device, phone.now_ms())
                    with pytest.raises(Refused, match="no such device"):
                        rules.about(known, other.device)
        sam, cora = (next(phone for phone in phones if phone.session.identity.name == name) for name in ("navigator 1", "link_worker 1"))
        whose = rules.about(sam.session.registry, sam.device)
        for box in rules.seal_boxes(whose, rules.recipients(sam.session.registry, sam.device, sam.now_ms()), (bytes(32),)):
            with pytest.raises(ProtocolError):
                rules.open_box(cora.session.receive_key, whose, box)


def test_a_locked_phone_shows_neither_names_nor_sides(tmp_path: Path) -> None:
    """Whoever finds it learns from its folder and from a request how many may help, and ids."""
    with World(sides=("victim",)) as world:
        cora = world.enrol("victim", "Cora", ("coordinator",))
        lena = world.enrol("victim", "Lena", ("link_worker",), "Lena's phone")
        lena.sync()
        desk: Any = Desk(lena, tmp_path / "lena")
        with open_session(desk.folder, SECRET) as session:
            helping.tend(session)
            svc = session.identity.svc
        assert {box.to for box in keyring.read(desk.folder).boxes} >= {cora.device}
        unlocking.begin(desk.folder, "quite another sentence", 1, lambda size: bytes(size))
        shown = [(desk.folder / name).read_bytes() for name in (keyring.NAME, REQUEST, "store.db", "lock")]
        for word in (b"Cora", b"Lena", b"victim", b"coordinator", svc, svc.hex().encode(), ids.show(svc).encode()):
            assert not any(word in data or word.hex().encode() in data for data in shown), word
