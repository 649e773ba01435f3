"""A forgotten passphrase: a colleague helps, nothing that was not sent is lost; and whoever may not help, or stands between, is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids, unlock
from sync.device import helping, keyring, unlocking
from sync.device.cli import forgetting
from sync.device.profile import open_store, try_keys
from sync.device.session import Session
from tests.live import now_ms
from tests.shell import SECRET

NEW = "quite another sentence"
OFFICE = "office/perpetrator-administrator"
NOTES = {"the first", "the second", "the third"}


class Story:
    """Sam's phone and its helpers, as files between profiles."""

    def __init__(self, office: Any) -> None:
        self.office, self.folder = office, office.folder
        self.new = ("--new-passphrase-file", str(self.file("new", NEW)))
        self.opens = ("--passphrase-file", str(self.file("new", NEW)))

    def file(self, name: str, text: str) -> Path:
        path: Path = self.folder / name
        path.write_text(text)
        return path

    def ask(self, profile: str = "sam") -> str:
        found: str = self.office.run(profile, "device", "forgotten", *self.new)["request"]
        return found

    def digits(self, helper: str, request: str, *what: str, profile: str = "sam") -> str:
        """What the phone shows for what the helper reads out."""
        read_out = self.office.run(helper, *(what or ("device", "help")), request)["read_out"]
        return str(self.office.run(profile, "device", "forgotten", "--heard", read_out)["digits"])

    def help(self, helper: str, request: str, profile: str = "sam") -> str:
        answer: str = self.office.run(helper, "device", "help", request, "--digits", self.digits(helper, request, profile=profile))["answer"]
        return answer

    def open(self, answer: str, profile: str = "sam") -> dict[str, Any]:
        opened: dict[str, Any] = self.office.run(profile, "device", "forgotten", "--answer", answer, *self.new)
        return opened

    def refused(self, profile: str, *words: str) -> dict[str, Any]:
        error: dict[str, Any] = self.office.run(profile, *words, status=1)["error"]
        return error

    def unlocked(self, profile: str = "sam") -> bool:
        return self.office.ran(profile, *self.opens, "status")[0] == 0


@pytest.fixture
def story(office: Any) -> Story:
    for text in sorted(NOTES):
        office.run("sam", "note", "add", "--file", office.case, text)
    return Story(office)


def boxes(office: Any, profile: str) -> set[bytes]:
    return {box.to for box in keyring.read(office.folder / profile).boxes}


def device(office: Any, profile: str, passphrase: str = SECRET) -> bytes:
    with open_store(office.folder / profile, passphrase) as store:
        return Session(store, now_ms, lambda _size: b"").identity.device


def recovery_id(office: Any) -> bytes:
    with open_store(office.folder / "ruth", SECRET) as store:
        return Session(store, now_ms, lambda _size: b"").registry.recovery_id


def test_sam_forgets_and_ruth_helps(story: Story) -> None:
    office = story.office
    assert office.run("sam", "status")["can_help"] == ["Ruth", "recovery shares"]
    old = keyring.unlock(office.folder / "sam", SECRET).keys[0]
    stolen = story.folder / "stolen"
    shutil.copytree(story.folder / "sam", stolen)
    request = story.ask()
    asked = office.run("ruth", "device", "help", request)
    assert (asked["name"], asked["label"], asked["roles"], asked["warnings"]) == ("Sam", "Sam's phone", ["navigator"], [])
    opened = story.open(story.help("ruth", request))
    assert (opened["helped_by"], opened["shares"], opened["unsent"]) == ("Ruth", False, 3)
    assert office.refused("sam", "status") == "bad-passphrase"
    sent = office.run("sam", *story.opens, "sync")
    assert (sent["accepted"], sent["unsent"]) == (1, 0)
    office.sync("ruth")
    assert {note["body"] for note in office.run("ruth", "note", "list", office.case)["notes"]} == NOTES
    for profile, words in (("sam", story.opens), ("ruth", ())):
        [said] = [one["text"] for one in office.run(profile, *words, "status")["alarms"] if one["code"] == "helped"]
        assert asked["id"][:8] in said
        assert ("Ruth" if profile == "sam" else "Sam") in said
    assert keyring.unlock(office.folder / "sam", NEW).keys[0] != old, "what left the phone is no longer its key"
    assert try_keys(office.folder / "sam", (old,)) is None
    assert not (story.folder / "sam" / "request.json").exists()


def test_the_passphrase_is_changed(story: Story) -> None:
    office = story.office
    before = (story.folder / "sam/store.db").read_bytes(), keyring.unlock(story.folder / "sam", SECRET).keys, boxes(office, "sam")
    assert office.run("sam", "device", "passphrase", *story.new) == {"changed": True}
    assert office.refused("sam", "device", "passphrase", *story.new) == "bad-passphrase"
    assert ((story.folder / "sam/store.db").read_bytes(), keyring.unlock(story.folder / "sam", NEW).keys, boxes(office, "sam")) == before
    assert office.run("sam", *story.opens, "sync")["unsent"] == 0
    short = story.file("short", "1234567")
    assert story.refused("sam", *story.opens, "device", "passphrase", "--new-passphrase-file", str(short))["code"] == "bad-passphrase"
    assert story.unlocked()


class TestWhoHas:
    """A box for everybody who may help and for nobody else, after each sync; and another store key when somebody may no more."""

    def test_who(self, story: Story) -> None:
        office = story.office
        everybody = {"ruth": device(office, "ruth"), "recovery": recovery_id(office)}
        assert boxes(office, "sam") == set(everybody.values())
        assert boxes(office, "ruth") == {everybody["recovery"]}, "she has no second device, and there is no other coordinator"
        for nobody in (OFFICE, "office/oversight-administrator"):
            assert boxes(office, nobody) == set()
            assert story.refused(nobody, "device", "forgotten", *story.new)["code"] == "not-found"

    def test_a_helper_who_is_revoked(self, story: Story) -> None:
        """What she could keep of an old copy of the folder opens nothing that Sam writes from then on."""
        office = story.office
        office.enrol("Rea", "coordinator")
        office.sync("sam")
        assert device(office, "rea") in boxes(office, "sam")
        old = keyring.unlock(story.folder / "sam", SECRET).keys
        office.run("ruth", "device", "suspend", "Rea", "--reason", "unsure")
        office.sync("sam")
        assert device(office, "rea") not in boxes(office, "sam")
        now = keyring.unlock(story.folder / "sam", SECRET).keys
        assert set(old).isdisjoint(now)
        assert try_keys(story.folder / "sam", old) is None
        office.run("ruth", "device", "reinstate", "Rea")
        office.sync("sam")
        assert device(office, "rea") in boxes(office, "sam")
        assert keyring.unlock(story.folder / "sam", SECRET).keys == now, "nobody lost anything: no other key"
        office.run(OFFICE, "device", "revoke", "Rea", "--reason", "left", "--yes")
        office.sync("sam")
        assert device(office, "rea") not in boxes(office, "sam")
        assert keyring.unlock(story.folder / "sam", SECRET).keys != now

    def test_a_fresh_recovery_key(self, story: Story) -> None:
        office = story.office
        old, before = recovery_id(office), keyring.unlock(story.folder / "sam", SECRET).keys
        office.run(OFFICE, "recovery", "split", "--out", str(story.folder / "sheets"))
        office.sync("ruth", "sam")
        assert old not in boxes(office, "sam")
        assert recovery_id(office) in boxes(office, "sam")
        assert keyring.unlock(story.folder / "sam", SECRET).keys != before

    def test_boxes_that_were_changed_are_made_again(self, story: Story) -> None:
        office, path = story.office, story.folder / "sam/profile.json"
        facts, key = json.loads(path.read_text()), keyring.unlock(story.folder / "sam", SECRET).keys
        path.write_text(json.dumps({**facts, "boxes": facts["boxes"][:1]}))
        office.sync("sam")
        assert len(boxes(office, "sam")) == 2
        path.write_text(json.dumps({name: fact for name, fact in facts.items() if name not in ("boxes", "device")}))
        office.sync("sam")
        assert len(boxes(office, "sam")) == 2
        assert keyring.unlock(story.folder / "sam", SECRET).keys == key
        assert story.open(story.help("ruth", story.ask()))["unsent"] == 0

    def test_another_device_of_the_same_person(self, story: Story) -> None:
        office = story.office
        office.enrol("Sam", "navigator", profile="tablet", more=("--second-device",))
        office.sync("sam")
        office.run("sam", "note", "add", "--file", office.case, "and a fourth")
        assert device(office, "tablet") in boxes(office, "sam")
        assert story.open(story.help("tablet", story.ask()))["helped_by"] == "Sam"

    def test_therapists_are_helped_by_their_lead_alone(self, story: Story) -> None:
        office = story.office
        for name, role in (("Tess", "therapist"), ("Lea", "therapy_lead")):
            office.enrol(name, role)
        office.sync("tess")
        assert boxes(office, "tess") == {device(office, "lea"), recovery_id(office)}
        error = story.refused("ruth", "device", "help", story.ask("tess"))
        assert error["code"] == "not-permitted"
        assert "ask Lea" in error["message"]


class TestRefused:
    def test_who_may_not_help(self, story: Story) -> None:
        office, request = story.office, story.ask()
        assert story.refused("priya", "device", "help", request)["message"] == "you may not help to open Sam's Sam's phone: ask Ruth"
        assert office.refused(OFFICE, "device", "help", request) == "not-permitted"
        assert office.refused(OFFICE, "recovery", "unlock", request) == "not-permitted"
        assert office.refused("sam", "device", "help", request) == "not-permitted"
        office.enrol("Cora", "coordinator", side="victim")
        error = story.refused("cora", "device", "help", request)
        assert error["code"] == "not-found"
        assert "Sam" not in error["message"]
        assert office.refused("office/oversight-administrator", "device", "help", request) == "not-found"

    def test_who_could_not_help_when_the_phone_last_synced(self, story: Story) -> None:
        story.office.enrol("Rea", "coordinator")
        story.office.sync("ruth")
        error = story.refused("rea", "device", "help", story.ask())
        assert error["code"] == "not-permitted"
        assert "Ruth" in error["message"]

    @pytest.mark.parametrize("what", ["suspend", "revoke"])
    def test_a_phone_that_was_stolen(self, story: Story, what: str) -> None:
        office, request = story.office, story.ask()
        digits = story.digits("ruth", request)
        words = ("--yes",) if what == "revoke" else ()
        office.run(OFFICE if what == "revoke" else "priya", "device", what, "Sam", "--reason", "stolen", *words)
        error = story.refused("ruth", "device", "help", request, "--digits", digits)
        assert error["code"] == "not-permitted"
        assert ("revoked as stolen" if what == "revoke" else "suspended as stolen") in error["message"]

    def test_a_helper_who_was_revoked_meanwhile(self, story: Story) -> None:
        office = story.office
        office.enrol("Rea", "coordinator")
        office.sync("sam", "ruth")
        request = story.ask()
        digits = story.digits("ruth", request)
        office.run(OFFICE, "device", "revoke", "Ruth", "--reason", "misuse", "--yes")
        assert office.refused("ruth", "device", "help", request, "--digits", digits) == "revoked"
        assert story.open(story.help("rea", request))["helped_by"] == "Rea"

    def test_a_helper_without_a_signal_does_not_know_who_was_revoked(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        request = story.ask()
        monkeypatch.setattr(forgetting, "try_sync", lambda _opened: False)
        assert story.office.refused("ruth", "device", "help", request) == "offline"

    def test_digits_that_differ(self, story: Story) -> None:
        """Somebody in between puts a key of their own into the request: what is read back is of another one. Each challenge is good once."""
        office, request = story.office, story.ask()
        read = unlocking.read_request(request)
        other = unlocking.request_text(unlock.encode_request(read.device, unlock_key(), read.made, read.boxes))
        wrong = story.digits("ruth", other)
        assert story.refused("ruth", "device", "help", other, "--digits", wrong)["code"] == "wrong-digits"
        assert office.refused("ruth", "device", "help", other, "--digits", wrong) == "request-ended"
        right = story.digits("ruth", request)
        assert office.refused("ruth", "device", "help", request, "--digits", f"{(int(right) + 1) % 10**6:06}") == "wrong-digits"
        assert office.refused("ruth", "device", "help", request, "--digits", right) == "request-ended"
        assert office.refused("sam", "device", "forgotten", "--heard", "12345") == "malformed"
        right = story.digits("ruth", request)
        assert office.run("ruth", "device", "help", request, "--digits", f"{right[:3]} {right[3:]}")["answer"]

    def test_what_was_changed_on_its_way(self, story: Story) -> None:
        office, request = story.office, story.ask()
        for text in (
            request[:-1],
            request.replace("help1", "answer1"),
            request[:40] + ("A" if request[40] != "A" else "B") + request[41:],
            "fieldkeep-help1:",
        ):
            assert office.refused("ruth", "device", "help", text) == "malformed"
        read = unlocking.read_request(request)
        changed = tuple(box._replace(sealed=box.sealed[:-1] + bytes((box.sealed[-1] ^ 1,))) for box in read.boxes)
        forged = unlocking.request_text(unlock.encode_request(read.device, read.key, read.made, changed))
        error = office.run("ruth", "device", "help", forged)
        told = unlock.check_digits(unlocking.read_request(forged).id, error["read_out"])
        assert office.refused("ruth", "device", "help", forged, "--digits", told) == "malformed"
        answer = story.help("ruth", request)
        read_answer = unlocking.read_answer(answer)
        torn = unlocking.answer_text(unlock.encode_answer(read_answer.request, read_answer.sealed[:-1] + b"\0"))
        for text in (answer[:-1], torn):
            assert office.refused("sam", "device", "forgotten", "--answer", text, *story.new) == "malformed"
        assert story.open(answer)["opened"]

    def test_the_box_of_another_phone(self, story: Story) -> None:
        """Whoever holds Sam's folder cannot say that it is Priya's, who has done nothing to be asked about."""
        office, read = story.office, unlocking.read_request(story.ask())
        forged = unlock.encode_request(device(office, "priya"), read.key, read.made, read.boxes)
        text, told = unlocking.request_text(forged), unlock.request_id(forged)
        asked = office.run("ruth", "device", "help", text)
        assert asked["name"] == "Priya"
        assert office.refused("ruth", "device", "help", text, "--digits", unlock.check_digits(told, asked["read_out"])) == "malformed"

    def test_answers_that_do_not_belong(self, story: Story) -> None:
        office = story.office
        first = story.help("ruth", story.ask())
        request = story.ask()
        assert office.refused("sam", "device", "forgotten", "--answer", first, *story.new) == "request-ended"
        answer = story.help("ruth", request)
        wrong = ("--new-passphrase-file", str(story.file("wrong", "not what was chosen")))
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *wrong) == "bad-passphrase"
        assert office.run("sam", "device", "forgotten", "--heard", "123456")["digits"]
        assert story.open(answer)["opened"]
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *story.new) == "request-ended", "an answer opens once"

    def test_a_request_ends_by_itself_and_when_the_passphrase_comes_back(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        office = story.office
        request = story.ask()
        answer = story.help("ruth", request)
        later = now_ms() + 3_600_001
        with monkeypatch.context() as patched:
            patched.setattr(forgetting, "now_ms", lambda: later)
            assert office.refused("sam", "device", "forgotten", "--answer", answer, *story.new) == "request-ended"
            assert office.refused("sam", "device", "forgotten", "--heard", "123456") == "request-ended"
        office.run("sam", "status")
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *story.new) == "request-ended"
        assert not story.unlocked()

    def test_an_answer_that_lies_about_who_helped(self, story: Story) -> None:
        """Ruth's box was opened, and Priya signed: nothing is changed on the phone."""
        office, request = story.office, unlocking.read_request(story.ask())
        with open_store(story.folder / "ruth", SECRET) as ruths, open_store(story.folder / "priya", SECRET) as priyas:
            ruth, priya = (Session(store, now_ms, lambda _size: b"") for store in (ruths, priyas))
            whose = helping.rules.about(ruth.registry, request.device)
            honest = helping.Helper(ruth.identity.svc, ruth.identity.device, ruth.sign_key, ruth.receive_key)
            for liar in (
                replace(honest, sign_key=priya.sign_key),
                _Liar(honest, priya.identity.device, priya.sign_key),
                _Liar(honest, ids.ServiceId(bytes(16)), priya.sign_key),
            ):
                text = unlocking.answer_text(liar.answer(request, whose, 1))
                error = story.refused("sam", "device", "forgotten", "--answer", text, *story.new)
                assert error["code"] == "not-permitted"
                assert "truly" in error["message"]
            good = unlocking.answer_text(honest.answer(request, whose, 1))
        assert office.run("sam", "device", "forgotten", "--heard", "123456")["digits"], "the request still waits"
        assert story.open(good)["helped_by"] == "Ruth"


class _Liar(helping.Helper):
    """Opens the box of one device and says that it was another."""

    __slots__ = ("_honest",)

    def __init__(self, honest: helping.Helper, named: bytes, key: Any) -> None:
        object.__setattr__(self, "_honest", honest)
        super().__init__(honest.svc, named, key, honest.receive_key)

    @property
    def to(self) -> bytes:
        honest: helping.Helper = self._honest
        return honest.to


def unlock_key() -> bytes:
    return helping.rules.keys.ReceivingKey(b"somebody in between".ljust(32)).public


class TestShares:
    def test_the_last_resort(self, story: Story) -> None:
        """Sam is alone with Priya: no coordinator can be reached, and two people bring their shares to her."""
        office, request = story.office, story.ask()
        shares = [word for n in (1, 3) for word in ("--share", str(story.folder / f"office/recovery-perpetrator-{n}.txt"))]
        digits = story.digits("priya", request, "recovery", "unlock")
        answer = office.run("priya", "recovery", "unlock", request, "--digits", digits, *shares)["answer"]
        opened = story.open(answer)
        assert (opened["helped_by"], opened["shares"], opened["unsent"]) == ("Priya", True, 3)
        assert office.run("sam", *story.opens, "sync")["unsent"] == 0
        [said] = [one["text"] for one in office.run("sam", *story.opens, "status")["alarms"] if one["code"] == "helped"]
        assert "with recovery shares" in said

    def test_a_machine_that_the_phone_does_not_know(self, story: Story) -> None:
        """The shares are what counts: of who typed them the phone says that it does not know the device."""
        office = story.office
        office.enrol("Rea", "fund_holder")
        request = story.ask()
        shares = [word for n in (1, 2) for word in ("--share", str(story.folder / f"office/recovery-perpetrator-{n}.txt"))]
        digits = story.digits("rea", request, "recovery", "unlock")
        answer = office.run("rea", "recovery", "unlock", request, "--digits", digits, *shares)["answer"]
        assert story.open(answer)["helped_by"] is None

    def test_other_shares(self, story: Story) -> None:
        office, request = story.office, story.ask()
        for side, code in (("victim", "other-shares"), ("oversight", "other-shares")):
            shares = [word for n in (1, 2) for word in ("--share", str(story.folder / f"office/recovery-{side}-{n}.txt"))]
            digits = story.digits("priya", request, "recovery", "unlock")
            assert office.refused("priya", "recovery", "unlock", request, "--digits", digits, *shares) == code
        office.run(OFFICE, "recovery", "split", "--out", str(story.folder / "sheets"))
        office.sync("priya")
        shares = [word for n in (1, 2) for word in ("--share", str(story.folder / f"sheets/recovery-perpetrator-{n}.txt"))]
        digits = story.digits("priya", request, "recovery", "unlock")
        error = story.refused("priya", "recovery", "unlock", request, "--digits", digits, *shares)
        assert error["code"] == "not-permitted"
        assert "recovery key" in error["message"]


def test_nobody_can_help(story: Story) -> None:
    text = story.office.text("sam", "device", "forgotten", "--nobody")
    for words in ("has not been sent", "comes back from the server", "--second-device", "revoked", "keep its folder"):
        assert words in text


def test_what_a_person_reads(story: Story) -> None:
    """The whole of it in words, with files."""
    office, out = story.office, story.folder
    said = office.text("sam", "device", "forgotten", *story.new, "--out", str(out / "please.help"))
    assert "fieldkeep device help please.help" in said
    said = office.text("ruth", "device", "help", str(out / "please.help"))
    assert "Sam, navigator, asks you to open Sam's phone" in said
    assert "on a number that you know" in said
    read_out = said.split("Read out: ")[1][:7]
    back = office.text("sam", "device", "forgotten", "--heard", read_out).strip()[-7:]
    said = office.text("ruth", "device", "help", str(out / "please.help"), "--digits", back, "--out", str(out / "answer.help"))
    assert "kept on both devices" in said
    said = office.text("sam", "device", "forgotten", "--answer", str(out / "answer.help"), *story.new)
    assert "Ruth helped" in said
    assert "3 not sent, and all of it is here" in said
    assert (out / "please.help").stat().st_mode & 0o777 == 0o600
