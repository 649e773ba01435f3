"""Recovery shares at a phone: words as they are typed, a locked laptop, a drill, and files that nobody holds any more (docs/spec.md §6.3, §7.6, §13.4)."""

import os
import random
from collections.abc import Iterator

import pytest

from sync.device.people import shares, sheets
from sync.keys import RecoverySecret
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import OFFICE, a_case, alarms, same
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell

ANEW = "quite another sentence"


def paper(office: Shell, *numbers: int, folder: str = "office") -> list[str]:
    """The words of these sheets."""
    return [" ".join(sheets.read(office.folder / folder / f"recovery-perpetrator-{n}.txt").words) for n in numbers]


@pytest.fixture(scope="module")
def typing() -> Iterator[Phone]:
    """It needs no service for that."""
    with Phone("http://127.0.0.1:1") as phone:
        yield phone


class TestShares:
    @pytest.mark.parametrize(("needed", "total"), [(2, 3), (3, 5), (2, 16), (16, 16)])
    def test_come_to_the_same_key(self, typing: Phone, needed: int, total: int) -> None:
        secret = os.urandom(32)
        made = shares.split(secret, needed, total)
        chosen = random.sample(made, needed)
        assert typing.do("shares", shares=[" ".join(one) for one in chosen])["key"] == RecoverySecret(secret).id.hex()
        short = [" ".join(word[:4].upper() for word in one) for one in random.sample(made, needed)]
        assert typing.do("shares", shares=short)["key"] == RecoverySecret(secret).id.hex()
        with pytest.raises(PhoneError, match="too-few-shares"):
            typing.do("shares", shares=[" ".join(one) for one in chosen[1:]])

    def test_say_what_is_wrong_by_its_place(self, typing: Phone) -> None:
        first, second = shares.split(os.urandom(32), 2, 2)

        def refused(*words: str) -> str:
            with pytest.raises(PhoneError) as told:
                typing.do("shares", shares=[" ".join(words), " ".join(second)])
            return str(told.value)

        assert "word 7, “zebra”, is none of the list" in refused(*first[:6], "zebra", *first[7:])
        assert "has 32 words, want 33" in refused(*first[1:])
        other = "academic" if first[9] != "academic" else "acid"
        assert f"word 10 is probably “{first[9]}”, not “{other}”" in refused(*first[:9], other, *first[10:])
        at = next(n for n in range(20) if first[n] != first[n + 1])
        assert f"words {at + 1} and {at + 2}" in refused(*first[:at], first[at + 1], first[at], *first[at + 2 :])
        assert "given before" in refused(*second)
        strange = shares.split(os.urandom(32), 2, 2)[0]
        assert "other-shares" in refused(*strange)


def test_a_phone_opens_a_locked_laptop_with_shares(office: Shell, phone: Phone) -> None:
    """Nobody who could help is there: Sam, a navigator, may type shares, which Priya's laptop then believes."""
    office.enrol("Priya", "navigator")
    office.sync("priya", "ruth")
    phone.do("sync")
    chosen = office.folder / "new"
    chosen.write_text(ANEW)
    request = office.run("priya", "device", "forgotten", "--new-passphrase-file", str(chosen))["request"]
    with pytest.raises(PhoneError, match="may not help"):
        phone.do("askedToHelp", request=request)
    asked = phone.do("askedToHelp", request=request, shares=True)
    digits = office.run("priya", "device", "forgotten", "--heard", asked["readOut"])["digits"]
    with pytest.raises(PhoneError, match="other-shares"):
        phone.do("help", request=request, digits=digits, shares=[" ".join(one) for one in shares.split(os.urandom(32), 2, 2)])
    with pytest.raises(PhoneError, match="request-ended"):
        phone.do("help", request=request, digits=digits, shares=paper(office, 1, 2))
    asked = phone.do("askedToHelp", request=request, shares=True)
    digits = office.run("priya", "device", "forgotten", "--heard", asked["readOut"])["digits"]
    answer = phone.do("help", request=request, digits=digits, shares=paper(office, 1, 3))["answer"]
    kept = office.folder / "answer.help"
    kept.write_text(answer)
    opened = office.run("priya", "device", "forgotten", "--answer", str(kept), "--new-passphrase-file", str(chosen))
    assert (opened["opened"], opened["helped_by"]) == (True, "Sam")
    assert [one["code"][:7] for one in phone.do("status")["alarms"]] == ["helped:"]


def test_a_drill_at_a_phone(office: Shell, phone: Phone) -> None:
    log = a_case(office)
    phone.do("sync")
    with pytest.raises(PhoneError, match="other-shares"):
        phone.do("drill", shares=[" ".join(one) for one in shares.split(os.urandom(32), 2, 2)])
    tried = phone.do("drill", shares=paper(office, 2, 3))
    assert {"file": log, "closed": []} in tried
    assert all(one["closed"] == [] for one in tried)
    phone.do("sync")
    office.sync("ruth")
    told = [one["text"] for one in office.run("ruth", "status")["alarms"]]
    assert any("drill" in text and text.startswith("Sam") for text in told)
    assert phone.do("status")["outbox"] == []
    phone.do("regrant", file=log)
    same(office, phone, log)
    assert alarms(phone) == []


def test_files_that_nobody_holds_come_back_on_a_phone(office: Shell, enrolled: Enrol) -> None:
    """Ruth's laptop is lost, and she alone was in her case. Two people bring shares, an administrator gives a permit: Rea's phone brings it back."""
    office.sync("ruth")
    log = office.run("ruth", "file", "create", "case")["file"]
    note = office.run("ruth", "note", "add", "--file", log, "for nobody else")["record"]
    office.sync("ruth")
    rea = enrolled("Rea", "coordinator")
    rea.do("sync")
    office.run(OFFICE, "device", "revoke", "Ruth", "--reason", "lost", "--yes")
    office.run(OFFICE, "recovery", "split", "--out", str(office.folder / "fresh"), "--holder", "Ada", "--holder", "Bo", "--holder", "Cy")
    assert rea.do("survey") == []
    office.run(OFFICE, "recovery", "allow", "Rea", "--reason", "devices_lost")
    for _ in range(2):
        rea.do("sync")
    found = {one["file"]: one["state"] for one in rea.do("survey")}
    assert found[log] == "ready"
    with pytest.raises(PhoneError, match="another recovery key"):
        rea.do("bringBack", file=log, shares=paper(office, 1, 2, folder="fresh"))
    for file in found:
        assert rea.do("bringBack", file=file, shares=paper(office, 1, 3)) == {"closed": []}
    rea.do("sync")
    assert {one["state"] for one in rea.do("survey")} == {"held"}
    rea.do("closePermit")
    rea.do("sync")
    assert rea.do("survey") == []
    assert [one["fields"]["body"] for one in rea.do("records", file=log) if one["record"] == note] == ["for nobody else"]
    rea.do("add", file=log, type="case_note", values={"body": "after the loss"})
    rea.do("sync")
    assert rea.do("reopen") == {"differs": []}
    office.enrol("Sam", "navigator")
    rea.do("sync")
    sam = next(row["user"] for row in rea.do("people") if row["name"] == "Sam")
    rea.do("addMember", file=log, user=sam, role="navigator")
    rea.do("sync")
    same(office, rea, log, "sam")
    bodies = {row["body"] for row in office.run("sam", "note", "list", log)["notes"]}
    assert bodies == {"for nobody else", "after the loss"}
