"""A forgotten passphrase: a colleague helps, nothing that was not sent is lost; and whoever may not help, or stands between, is refused."""

import contextlib
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import cose, ids, unlock
from shared_schema.errors import Refused
from sync import unlock as rules
from sync.device.cli import forgetting
from sync.device.entering import keyring, unlocking
from sync.device.entering.profile import open_store, try_keys
from sync.device.session import Session
from sync.keys import ReceivingKey, seal
from sync.signing import sign_object
from tests.live import now_ms
from tests.shell import SECRET, new_service
from tests.system.test_shares_typed import Terminal

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

    def back(self) -> None:
        """Sam's passphrase is the one that he had at first."""
        with contextlib.suppress(Refused):
            keyring.unlock(self.folder / "sam", NEW).change_passphrase(SECRET, secrets.token_bytes)

    def unlocked(self, profile: str = "sam") -> bool:
        status: int = self.office.ran(profile, *self.opens, "status")[0]
        return status == 0


def begun(folder: Path) -> Iterator[Story]:
    with new_service(folder) as made:
        office: Any = made
        for name, role in (("Ruth", "coordinator"), ("Sam", "navigator"), ("Priya", "navigator")):
            office.enrol(name, role)
        office.sync("sam")
        office.case = office.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
        office.sync("sam", "ruth", "priya")
        for text in sorted(NOTES):
            office.run("sam", "note", "add", "--file", office.case, text)
        yield Story(office)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    yield from begun(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    yield from begun(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def same(kept: Story) -> Iterator[Story]:
    """One story for all that leaves the side as it is; Sam has his first passphrase again after each."""
    yield kept
    kept.back()


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
        [said] = [one["text"] for one in office.run(profile, *words, "status")["alarms"] if one["code"].startswith("helped:")]
        assert asked["id"][:8] in said
        assert ("Ruth" if profile == "sam" else "Sam") in said
    assert keyring.unlock(office.folder / "sam", NEW).keys[0] != old, "what left the phone is no longer its key"
    assert try_keys(office.folder / "sam", (old,)) is None
    assert not (story.folder / "sam" / "request.json").exists()


def test_the_passphrase_is_changed(same: Story) -> None:
    office = same.office
    before = (same.folder / "sam/store.db").read_bytes(), keyring.unlock(same.folder / "sam", SECRET).keys, boxes(office, "sam")
    assert office.run("sam", "device", "passphrase", *same.new) == {"changed": True}
    assert office.refused("sam", "device", "passphrase", *same.new) == "bad-passphrase"
    assert ((same.folder / "sam/store.db").read_bytes(), keyring.unlock(same.folder / "sam", NEW).keys, boxes(office, "sam")) == before
    assert office.run("sam", *same.opens, "status")["can_help"] == ["Ruth", "recovery shares"]
    short = same.file("short", "1234567")
    assert same.refused("sam", *same.opens, "device", "passphrase", "--new-passphrase-file", str(short))["code"] == "bad-passphrase"
    assert same.unlocked()


class TestWhoHas:
    """A box for everybody who may help and for nobody else, after each sync; and another store key when somebody may no more."""

    def test_who(self, story: Story) -> None:
        office, path = story.office, story.folder / "sam/profile.json"
        everybody = {device(office, "ruth"), recovery_id(office)}
        assert boxes(office, "sam") == everybody
        assert boxes(office, "ruth") == {recovery_id(office)}, "she has no second device, and there is no other coordinator"
        for nobody in (OFFICE, "office/oversight-administrator"):
            assert boxes(office, nobody) == set()
            assert story.refused(nobody, "device", "forgotten", *story.new)["code"] == "not-found"
        facts, key = json.loads(path.read_text()), keyring.unlock(story.folder / "sam", SECRET).keys
        for changed in ({**facts, "boxes": facts["boxes"][:1]}, {name: facts[name] for name in facts if name not in ("boxes", "device")}):
            path.write_text(json.dumps(changed))
            office.sync("sam")
            assert boxes(office, "sam") == everybody
        assert keyring.unlock(story.folder / "sam", SECRET).keys == key, "nobody lost anything: no other key"
        for name, role in (("Tess", "therapist"), ("Lea", "therapy_lead")):
            office.enrol(name, role)
        office.sync("tess")
        assert boxes(office, "tess") == {device(office, "lea"), recovery_id(office)}, "a coordinator reads no therapy file"
        error = story.refused("ruth", "device", "help", story.ask("tess"))
        assert error["code"] == "not-permitted"
        assert "ask Lea" in error["message"]
        office.enrol("Sam", "navigator", profile="tablet", more=("--second-device",))
        office.sync("sam")
        assert boxes(office, "sam") == everybody | {device(office, "tablet")}
        assert story.open(story.help("tablet", story.ask()))["helped_by"] == "Sam"

    def test_somebody_who_may_help_no_more(self, story: Story) -> None:
        """What they could keep, with an old copy of the folder, opens nothing that Sam writes from then on."""
        office = story.office
        office.enrol("Rea", "coordinator")
        office.sync("sam")
        rea, before = device(office, "rea"), keyring.unlock(story.folder / "sam", SECRET).keys
        assert rea in boxes(office, "sam")
        office.run("ruth", "device", "suspend", "Rea", "--reason", "unsure")
        office.sync("sam")
        assert rea not in boxes(office, "sam")
        now = keyring.unlock(story.folder / "sam", SECRET).keys
        assert set(before).isdisjoint(now)
        assert try_keys(story.folder / "sam", before) is None
        office.run("ruth", "device", "reinstate", "Rea")
        office.sync("sam")
        assert rea in boxes(office, "sam")
        assert keyring.unlock(story.folder / "sam", SECRET).keys == now, "nobody lost anything: no other key"
        office.run(OFFICE, "device", "revoke", "Rea", "--reason", "left", "--yes")
        office.sync("sam")
        assert rea not in boxes(office, "sam")
        later = keyring.unlock(story.folder / "sam", SECRET).keys
        assert later != now
        old = recovery_id(office)
        office.run(OFFICE, "recovery", "split", "--out", str(story.folder / "sheets"))
        office.sync("ruth", "sam")
        assert boxes(office, "sam") == {device(office, "ruth"), recovery_id(office)}
        assert old != recovery_id(office)
        assert keyring.unlock(story.folder / "sam", SECRET).keys != later


class TestRefused:
    def test_who_may_not_help(self, same: Story) -> None:
        office, request = same.office, same.ask()
        assert same.refused("priya", "device", "help", request)["message"] == "you may not help to open Sam's Sam's phone: ask Ruth"
        assert office.refused(OFFICE, "device", "help", request) == "not-permitted"
        assert office.refused(OFFICE, "recovery", "unlock", request) == "not-permitted"
        assert "the very device that asks" in same.refused("sam", "device", "help", request)["message"]
        office.enrol("Cora", "coordinator", side="victim")
        error = same.refused("cora", "device", "help", request)
        assert error["code"] == "not-found"
        assert "Sam" not in error["message"]
        assert office.refused("office/oversight-administrator", "device", "help", request) == "not-found"

    def test_who_could_not_help_when_the_phone_last_synced(self, same: Story) -> None:
        same.office.enrol("Rea", "coordinator")
        same.office.sync("ruth")
        error = same.refused("rea", "device", "help", same.ask())
        assert error["code"] == "not-permitted"
        assert "Ruth" in error["message"]

    def test_who_was_kept_out_meanwhile(self, story: Story) -> None:
        """First a helper, then the phone itself."""
        office = story.office
        office.enrol("Rea", "coordinator")
        office.sync("sam", "ruth")
        request = story.ask()
        digits = story.digits("ruth", request)
        office.run(OFFICE, "device", "revoke", "Ruth", "--reason", "misuse", "--yes")
        assert office.refused("ruth", "device", "help", request, "--digits", digits) == "revoked"
        office.run("priya", "device", "suspend", "Sam", "--reason", "stolen")
        error = story.refused("rea", "device", "help", request)
        assert (error["code"], "suspended as stolen" in error["message"]) == ("not-permitted", True)
        office.run("rea", "device", "reinstate", "Sam")
        digits = story.digits("rea", request)
        office.run(OFFICE, "device", "revoke", "Sam", "--reason", "lost", "--yes")
        error = story.refused("rea", "device", "help", request, "--digits", digits)
        assert (error["code"], "revoked as lost" in error["message"]) == ("not-permitted", True)

    def test_a_helper_without_a_signal_does_not_know_who_was_revoked(self, same: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        request = same.ask()
        monkeypatch.setattr(forgetting, "try_sync", lambda _opened: False)
        assert same.office.refused("ruth", "device", "help", request) == "offline"

    def test_digits_that_differ(self, same: Story) -> None:
        """Somebody in between puts a key of their own into the request: what is read back is of another one. Each challenge is good once."""
        office, request = same.office, same.ask()
        read = unlocking.read_request(request)
        other = unlocking.request_text(unlock.encode_request(read.device, unlock_key(), read.made, read.boxes))
        wrong = same.digits("ruth", other)
        assert same.refused("ruth", "device", "help", other, "--digits", wrong)["code"] == "wrong-digits"
        assert office.refused("ruth", "device", "help", other, "--digits", wrong) == "request-ended"
        right = same.digits("ruth", request)
        assert office.refused("ruth", "device", "help", request, "--digits", f"{(int(right) + 1) % 10**6:06}") == "wrong-digits"
        assert office.refused("ruth", "device", "help", request, "--digits", right) == "request-ended"
        assert office.refused("sam", "device", "forgotten", "--heard", "12345") == "malformed"
        right = same.digits("ruth", request)
        assert office.run("ruth", "device", "help", request, "--digits", f"{right[:3]} {right[3:]}")["answer"]

    def test_what_was_changed_on_its_way(self, same: Story) -> None:
        office, request = same.office, same.ask()
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
        answer = same.help("ruth", request)
        read_answer = unlocking.read_answer(answer)
        torn = unlocking.answer_text(unlock.encode_answer(read_answer.request, read_answer.sealed[:-1] + bytes((read_answer.sealed[-1] ^ 1,))))
        for text in (answer[:-1], torn):
            assert office.refused("sam", "device", "forgotten", "--answer", text, *same.new) == "malformed"
        assert same.open(answer)["opened"]

    def test_the_box_of_another_phone(self, same: Story) -> None:
        """Whoever holds Sam's folder cannot say that it is Priya's, who has done nothing to be asked about."""
        office, read = same.office, unlocking.read_request(same.ask())
        forged = unlock.encode_request(device(office, "priya"), read.key, read.made, read.boxes)
        text, told = unlocking.request_text(forged), unlock.request_id(forged)
        asked = office.run("ruth", "device", "help", text)
        assert asked["name"] == "Priya"
        assert office.refused("ruth", "device", "help", text, "--digits", unlock.check_digits(told, asked["read_out"])) == "malformed"

    def test_answers_that_do_not_belong(self, same: Story) -> None:
        office = same.office
        first = same.help("ruth", same.ask())
        request = same.ask()
        assert office.refused("sam", "device", "forgotten", "--answer", first, *same.new) == "request-ended"
        answer = same.help("ruth", request)
        wrong = ("--new-passphrase-file", str(same.file("wrong", "not what was chosen")))
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *wrong) == "bad-passphrase"
        assert office.run("sam", "device", "forgotten", "--heard", "123456")["digits"]
        assert same.open(answer)["opened"]
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *same.new) == "request-ended", "an answer opens once"

    def test_a_request_ends_by_itself_and_when_the_passphrase_comes_back(self, same: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        office = same.office
        request = same.ask()
        answer = same.help("ruth", request)
        later = now_ms() + 3_600_001
        with monkeypatch.context() as patched:
            patched.setattr(forgetting, "now_ms", lambda: later)
            assert office.refused("sam", "device", "forgotten", "--answer", answer, *same.new) == "request-ended"
            assert office.refused("sam", "device", "forgotten", "--heard", "123456") == "request-ended"
        office.run("sam", "status")
        assert office.refused("sam", "device", "forgotten", "--answer", answer, *same.new) == "request-ended"
        assert not same.unlocked()

    def test_an_answer_that_lies_about_who_helped(self, same: Story) -> None:
        """Ruth's box was opened, and Priya signed: nothing is changed on the phone."""
        unsent = same.office.run("sam", "status")["unsent"]
        office, request = same.office, unlocking.read_request(same.ask())
        with open_store(same.folder / "ruth", SECRET) as ruths, open_store(same.folder / "priya", SECRET) as priyas:
            ruth, priya = (Session(store, now_ms, lambda _size: b"") for store in (ruths, priyas))
            box = request.box_for(ruth.identity.device)
            assert box is not None
            keys = rules.open_box(ruth.receive_key, rules.about(ruth.registry, request.device), box)
            for by, to, key in ((ruth, ruth, priya), (priya, ruth, priya), (priya, priya, priya)):
                protected = cose.protected_header(unlock.HELP, by.identity.device, ruth.identity.svc)
                payload = unlock.help_payload(request.id, request.device, to.identity.device, 1, None)
                contents = unlock.encode_contents(keys, sign_object(key.sign_key, protected, payload))
                sealed = seal(request.key, ids.label("help-answer") + request.id, contents)
                text = unlocking.answer_text(unlock.encode_answer(request.id, sealed))
                error = same.refused("sam", "device", "forgotten", "--answer", text, *same.new)
                assert (error["code"], "truly" in error["message"]) == ("not-permitted", True)
        assert office.run("sam", "device", "forgotten", "--heard", "123456")["digits"], "the request still waits"
        assert office.run("sam", "status")["unsent"] == unsent, "with the passphrase that he had"


def unlock_key() -> bytes:
    return ReceivingKey(b"somebody in between".ljust(32)).public


def test_the_last_resort(story: Story) -> None:
    """No coordinator can be reached, and two people bring their shares to a colleague's device."""
    office = story.office

    def unlock_with(profile: str, request: str, side: str = "perpetrator", folder: str = "office", status: int = 0) -> dict[str, Any]:
        shares = [word for n in (1, 3) for word in ("--share", str(story.folder / folder / f"recovery-{side}-{n}.txt"))]
        digits = story.digits(profile, request, "recovery", "unlock")
        found: dict[str, Any] = office.run(profile, "recovery", "unlock", request, "--digits", digits, *shares, status=status)
        return found

    request = story.ask()
    for side in ("victim", "oversight"):
        assert unlock_with("priya", request, side, status=1)["error"]["code"] == "other-shares"
    office.enrol("Rea", "fund_holder")
    opened = story.open(unlock_with("rea", request)["answer"])
    assert (opened["helped_by"], opened["shares"], opened["unsent"]) == (None, True, 3), (
        "the phone does not know that machine: the shares are what counts"
    )
    story.back()
    opened = story.open(unlock_with("priya", story.ask())["answer"])
    assert (opened["helped_by"], opened["shares"], opened["unsent"]) == ("Priya", True, 3)
    told = [one["text"] for one in office.run("sam", *story.opens, "status")["alarms"] if one["code"].startswith("helped:")]
    assert [("somebody" in text, "with recovery shares" in text) for text in told] == [(True, True), (False, True)]
    story.back()
    request = story.ask()
    office.run(OFFICE, "recovery", "split", "--out", str(story.folder / "sheets"))
    office.sync("priya")
    error = unlock_with("priya", request, folder="sheets", status=1)["error"]
    assert (error["code"], "recovery key" in error["message"]) == ("not-permitted", True)
    assert story.open(unlock_with("priya", request)["answer"])["unsent"] == 3, "the shares of the key that was in force when it last synced"
    assert office.run("sam", *story.opens, "sync")["unsent"] == 0


def test_nobody_can_help(same: Story) -> None:
    text = same.office.text("sam", "device", "forgotten", "--nobody")
    for words in ("has not been sent", "comes back from the server", "--second-device", "revoked", "keep its folder"):
        assert words in text


def test_a_passphrase_is_typed_at_a_terminal(tmp_path: Path) -> None:
    """The old one once, the new one twice; none of it is shown."""
    with open_store(tmp_path, "the old passphrase", new=True):
        pass
    with Terminal("--profile", str(tmp_path), "device", "passphrase") as terminal:
        for question, typed in (("Passphrase: ", "the old passphrase"), ("New passphrase: ", NEW), ("Repeat for confirmation: ", f"{NEW}s")):
            terminal.until(question)
            terminal.type(typed)
        terminal.until("do not match")
        for question in ("New passphrase: ", "Repeat for confirmation: "):
            terminal.until(question)
            terminal.type(NEW)
        terminal.until("The passphrase is changed.")
        assert terminal.ended() == 0
        assert NEW not in terminal.said
    with open_store(tmp_path, NEW):
        pass


def test_what_a_person_reads(same: Story) -> None:
    """The whole of it in words, with files."""
    office, out = same.office, same.folder
    office.run("sam", "note", "add", "--file", office.case, "typed last")
    unsent = office.run("sam", "status")["unsent"]
    said = office.text("sam", "device", "forgotten", *same.new, "--out", str(out / "please.help"))
    assert "fieldkeep device help please.help" in said
    said = office.text("ruth", "device", "help", str(out / "please.help"))
    assert "Sam, navigator, asks you to open Sam's phone" in said
    assert "on a number that you know" in said
    read_out = said.split("Read out: ")[1][:7]
    back = office.text("sam", "device", "forgotten", "--heard", read_out).strip()[-7:]
    said = office.text("ruth", "device", "help", str(out / "please.help"), "--digits", back, "--out", str(out / "answer.help"))
    assert "kept on both devices" in said
    said = office.text("sam", "device", "forgotten", "--answer", str(out / "answer.help"), *same.new)
    assert "Ruth helped" in said
    assert unsent
    assert f"{unsent} not sent, and all of it is here" in said
    assert (out / "please.help").stat().st_mode & 0o777 == 0o600
