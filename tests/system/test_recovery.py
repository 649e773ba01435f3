"""The day when nobody can open a file any more: shares on paper, a clean machine, and what old shares and old devices open afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.engines import Place
from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from sync import keys, sealing
from sync.device.cli import keeping
from sync.device.entering.profile import open_store
from sync.device.people import recovery, shares, sheets
from sync.device.session import Session, entry_of
from sync.keys import RecoverySecret
from tests import database
from tests.live import now_ms
from tests.shell import SECRET, Shell, new_service

OFFICE = "office/perpetrator-administrator"
SHARES = ("--share", "recovery-perpetrator-1.txt", "--share", "recovery-perpetrator-3.txt")


class Office(Shell):
    """Ruth coordinates, Sam visits, Noor is new; two cases, one of which Sam alone is in. Each has its liaison file: two files a case."""

    case: str
    alone: str

    def shares(self, *numbers: int, folder: str = "office", side: str = "perpetrator") -> list[str]:
        return [word for n in numbers for word in ("--share", str(self.folder / folder / f"recovery-{side}-{n}.txt"))]

    def with_liaisons(self, profile: str, *cases: str) -> set[str]:
        """These cases and their liaison files."""
        found = set(cases)
        for case in cases:
            [row] = self.run(profile, "record", "list", case, "--type", "liaison_file")["records"]
            found.add(self.run(profile, "record", "show", row["record"])["fields"]["file"]["value"])
        return found

    def secret(self, folder: str = "office") -> RecoverySecret:
        return RecoverySecret(shares.combine([one.words for one in _sheets(self.folder / folder)]))

    def bodies(self, profile: str, case: str) -> set[str]:
        return {note["body"] for note in self.run(profile, "note", "list", case)["notes"]}

    def lose(self, *names: str) -> None:
        for name in names:
            self.run(OFFICE, "device", "revoke", name, "--reason", "lost", "--yes")

    def split(self, folder: str, *more: str) -> dict[str, Any]:
        return self.run(OFFICE, "recovery", "split", "--out", str(self.folder / folder), *more)

    def clean_machine(self, profile: str = "clean", name: str = "Rea", *roles: str) -> None:
        self.enrol(name, *(roles or ("coordinator", "fund_holder")), profile=profile)
        self.run(OFFICE, "recovery", "allow", name, "--reason", "devices_lost")


def _sheets(folder: Path) -> list[sheets.Read]:
    return [sheets.read(folder / f"recovery-perpetrator-{n}.txt") for n in (1, 2)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with _begun(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The same, for what changes nothing."""
    with _begun(tmp_path_factory.mktemp("quiet")) as made:
        yield made


@contextmanager
def _begun(folder: Path) -> Iterator[Office]:
    with new_service(folder, Office) as made:
        assert isinstance(made, Office)
        for name, role in (("Ruth", "coordinator"), ("Sam", "navigator")):
            made.enrol(name, role)
        made.sync("sam")
        made.case = made.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
        made.alone = made.run("sam", "file", "create", "case")["file"]
        made.run("sam", "note", "add", "--file", made.case, "seen at home")
        made.run("sam", "note", "add", "--file", made.alone, "seen by nobody else")
        made.sync("sam", "ruth")
        yield made


def opened_with(office: Office, reader: str, secrets: dict[int, bytes], case: str) -> set[int]:
    """The places of a file's envelopes, as `reader` has them, that any of these secrets opens."""
    log, found = ids.parse(case), set()
    with open_store(office.folder / reader, SECRET) as store:
        for row in store.entries(log):
            entry = entry_of(row)
            for secret in secrets.values() if entry.is_envelope else ():
                try:
                    ctx = keys.context(entry.svc, log, entry.epoch or 0)
                    sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, entry.parts[0] or b"", 0, len(entry.parts))
                except Malformed:
                    continue
                found.add(row.seq)
    return found


def granted_to(office: Office, reader: str, secret: RecoverySecret, case: str) -> dict[int, bytes]:
    """What a recovery key opens of a file that `reader` has."""
    with open_store(office.folder / reader, SECRET) as store:
        return recovery.open_grants_to(Session(store, now_ms, os.urandom), ids.parse(case), secret)


def held_by(office: Office, profile: str, case: str) -> dict[int, bytes]:
    with open_store(office.folder / profile, SECRET) as store:
        return store.secrets(ids.parse(case))


def last_place(office: Office, profile: str, case: str) -> int:
    with open_store(office.folder / profile, SECRET) as store:
        found = store.log(ids.parse(case))
    assert found is not None
    return found[0]


def test_every_device_is_lost(office: Office) -> None:
    """Two of three people bring their shares; a clean machine brings back all files; old shares and old devices then open nothing new."""
    office.lose("Ruth", "Sam")
    made = office.split("sheets", "--holder", "Ada", "--holder", "Bo", "--holder", "Cy")
    assert made["sheets"] == [f"recovery-perpetrator-{n}.txt" for n in (1, 2, 3)]
    office.clean_machine()
    assert office.refused("clean", "recovery", "use", *office.shares(1)) == "too-few-shares"
    assert office.bodies("clean", office.case) == set()
    back = office.run("clean", "recovery", "use", *office.shares(1, 3))
    assert {row["file"] for row in back["recovered"]} == office.with_liaisons("clean", office.case, office.alone)
    assert (back["left"], back["closed"]) == ([], True)
    assert office.bodies("clean", office.case) == {"seen at home"}
    assert office.bodies("clean", office.alone) == {"seen by nobody else"}

    office.run("clean", "note", "add", "--file", office.case, "after the loss")
    office.sync("clean")
    newest = last_place(office, "clean", office.case)
    old, fresh = granted_to(office, "clean", office.secret(), office.case), granted_to(office, "clean", office.secret("sheets"), office.case)
    assert newest not in opened_with(office, "clean", old, office.case)
    assert newest not in opened_with(office, "clean", held_by(office, "sam", office.case), office.case)
    assert opened_with(office, "clean", old, office.case), "what they opened before they still open"
    assert newest in opened_with(office, "clean", fresh, office.case)
    assert office.run("clean", "status")["recovery"] == {"granted": 4, "files": 4}
    assert office.refused("clean", "recovery", "use", *office.shares(1, 3)) == "not-permitted", "the permit is used up"
    assert office.run("clean", "audit", "verify")["ok"]


def test_a_colleague_gets_in_by_the_usual_way_afterwards(office: Office) -> None:
    """Who was in a file and has a new phone is granted it by the recovery itself; others are added by who recovered."""
    office.lose("Ruth", "Sam")
    office.split("sheets")
    office.enrol("Sam", "navigator", profile="sam2", more=("--second-device",))
    office.clean_machine()
    office.run("clean", "recovery", "use", *office.shares(2, 3))
    office.sync("sam2")
    assert office.bodies("sam2", office.alone) == {"seen by nobody else"}
    office.enrol("Noor", "navigator")
    office.sync("clean")
    office.run("clean", "member", "add", office.alone, "Noor", "--role", "navigator")
    office.sync("noor")
    assert office.bodies("noor", office.alone) == {"seen by nobody else"}


def test_it_is_seen_by_everybody(office: Office, tmp_path: Path) -> None:
    """A fresh key, a permit and a drill are news on every device of the side, on record in its registry, and in what an auditor gets."""
    office.enrol("Noor", "navigator")
    office.split("sheets")
    office.run("ruth", "recovery", "drill", *office.shares(1, 2, folder="sheets"), status=0)
    office.lose("Sam")
    office.clean_machine()
    office.run("clean", "recovery", "use", *office.shares(1, 2))
    office.sync("noor", "ruth", "clean")
    told = [one["text"] for one in office.run("noor", "status")["alarms"]]
    assert [text.partition(" ")[0] for text in told] == ["Programme", "Ruth", "Programme"]
    assert "fresh recovery key" in told[0]
    assert "drill: 2 of 2 files opened" in told[1]
    assert "Rea's Rea's phone" in told[2]
    assert "devices lost" in told[2]
    assert office.run("clean", "status")["alarms"], "its own permit too"
    shown = office.run("noor", "registry", "show")["recovery"]
    assert (shown["keys"], len(shown["drills"]), [one["ended"] for one in shown["permits"]]) == (2, 1, [True])
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    path = str(tmp_path / "perpetrator.jsonl")
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", path)
    authority = office.run("olu", "registry", "show")["authority"]
    found = office.run("olu", "audit", "verify", path, "--authority", authority)
    assert found["ok"]
    assert {one["code"] for one in found["notices"]} == {"recovery"}
    files = [one["log"] for one in found["notices"] if "brought back" in one["text"]]
    assert office.alone in files
    assert len(found["notices"]) == 3 + len(files)
    assert found["recovery"] == {"granted": 4, "files": 4}
    wall = office.run("olu", "audit", "wall", path, "--authority", authority)
    assert wall["ok"]


def test_what_is_still_held_is_not_brought_back(office: Office) -> None:
    """Sam's phone is lost, Ruth's is not: the file that both are in is Ruth's to share, and the machine is not even served it."""
    office.lose("Sam")
    office.split("sheets")
    office.clean_machine()
    back = office.run("clean", "recovery", "use", *office.shares(1, 2))
    assert {row["file"] for row in back["recovered"]} == office.with_liaisons("clean", office.alone)
    assert {row["file"] for row in office.run("clean", "file", "list")["files"]} == office.with_liaisons("clean", office.alone)
    office.sync("ruth")
    assert office.run("ruth", "status")["recovery"] == {"granted": 2, "files": 2}


def test_one_file_only(office: Office) -> None:
    office.lose("Ruth", "Sam")
    office.split("sheets")
    office.enrol("Rea", "coordinator", profile="clean")
    office.run(OFFICE, "recovery", "allow", "Rea", "--reason", "died", "--file", office.alone)
    back = office.run("clean", "recovery", "use", *office.shares(1, 2))
    assert [row["file"] for row in back["recovered"]] == [office.alone]
    assert back["closed"]
    assert {row["file"] for row in office.run("clean", "file", "list")["files"]} == {office.alone}


def test_nobody_recovers_in_silence_or_alone(office: Office) -> None:
    """Shares alone bring nothing back, and an administrator alone neither."""
    office.lose("Ruth", "Sam")
    office.enrol("Rea", "coordinator", profile="clean")
    assert office.refused("clean", "recovery", "use", *office.shares(1, 2)) == "not-permitted"
    assert office.refused("clean", "recovery", "allow", "Rea", "--reason", "died") == "not-permitted"
    assert office.refused("clean", "recovery", "split", "--out", str(office.folder / "mine")) == "not-permitted"
    assert not (office.folder / "mine").exists()
    office.run(OFFICE, "recovery", "allow", "Rea", "--reason", "died")
    left = office.run("clean", "recovery", "use", *office.shares(1, 2))
    assert {row["state"] for row in left["left"]} == {"same-key"}, "what is brought back is granted to a fresh key: there is none yet"
    assert not left["recovered"]
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    path = str(office.folder / "perpetrator.jsonl")
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", path)
    authority = office.run("olu", "registry", "show")["authority"]
    assert office.run("olu", "audit", "verify", path, "--authority", authority)["ok"], "it was served what it might bring back, and is in no file yet"
    office.split("sheets")
    office.split("sheets again")
    assert office.refused("clean", "recovery", "use", *office.shares(1, 2, folder="sheets")) == "other-shares"
    assert len(office.run("clean", "recovery", "use", *office.shares(1, 2))["recovered"]) == 4


class TestShares:
    """What is wrong with shares is said, by its place."""

    def test_a_mistyped_word(self, quiet: Office) -> None:
        words = list(_sheets(quiet.folder / "office")[0].words)
        for typed, said in (
            ([*words[:6], words[6][:3] + "qq", *words[7:]], "word 7, "),
            ([*words[:8], "academic" if words[8] != "academic" else "acid", *words[9:]], f"word 9 is probably {words[8]!r}"),
            ([*words[:8], words[9], words[8], *words[10:]], "words 9 and 10, "),
            (words[:-1], "has 32 words, want 33"),
        ):
            code, _, err = quiet.ran(
                "ruth", "recovery", "drill", stdin=f"{' '.join(typed)}\n\n{' '.join(_sheets(quiet.folder / 'office')[1].words)}\n"
            )
            assert code == 1
            assert "bad-share" in err
            assert "share 1" in err
            assert said in err

    def test_of_another_side_service_or_set(self, quiet: Office) -> None:
        other = str(quiet.folder / "office" / "recovery-victim-2.txt")
        words = " ".join(sheets.read(Path(other)).words)
        both = f"{words}\n\n{' '.join(sheets.read(Path(other.replace('2.txt', '1.txt'))).words)}\n"
        for given, said in (
            (["--share", other, *quiet.shares(1, side="victim")], "of the victim side"),
            ([*quiet.shares(1), "--share", other], "not of one set"),
            (quiet.shares(1, 1), "given before"),
        ):
            code, _, err = quiet.ran("ruth", "recovery", "drill", *given)
            assert (code, "other-shares" in err) == (1, True)
            assert said in err
        code, _, err = quiet.ran("ruth", "recovery", "drill", stdin=both)
        assert (code, "never had the key" in err) == (1, True)
        assert quiet.refused("ruth", "recovery", "drill", *quiet.shares(2)) == "too-few-shares"


class TestSplit:
    def test_the_files_of_the_side_are_granted_to_it(self, office: Office) -> None:
        """What was typed before anybody heard of it goes out under the new key; a tablet that holds nothing yet says what is owed."""
        office.enrol("Sam", "navigator", profile="tablet", more=("--second-device",))
        office.split("sheets")
        office.sync("tablet")
        assert "recovery: 0 of 4 files re-granted" in office.text("tablet", "status")
        office.run("sam", "note", "add", "--file", office.case, "typed under the old key")
        assert office.run("ruth", "sync")["rotated"] == 2
        assert office.run("sam", "sync")["rotated"] == 2
        assert office.run("sam", "status")["recovery"] == {"granted": 4, "files": 4}
        office.sync("ruth", "tablet")
        assert "re-granted" not in office.text("tablet", "status")
        assert "4 of 4 files re-granted" in office.text("tablet", "registry", "show")
        code, _, err = office.ran("ruth", "recovery", "drill", *office.shares(1, 2))
        assert (code, "no longer in force" in err) == (1, True)
        assert office.bodies("ruth", office.case) == {"seen at home", "typed under the old key"}
        newest = last_place(office, "ruth", office.case)
        assert newest not in opened_with(office, "ruth", granted_to(office, "ruth", office.secret(), office.case), office.case)
        assert newest in opened_with(office, "ruth", granted_to(office, "ruth", office.secret("sheets"), office.case), office.case)

    def test_no_secret_is_shown_and_the_sheets_are_private(self, office: Office) -> None:
        said = office.text(OFFICE, "recovery", "split", "--out", str(office.folder / "sheets"), "--yes", "--html")
        folder = office.folder / "sheets"
        words = {word for one in _sheets(folder) for word in one.words}
        assert len(words & set(re.findall(r"[a-z]+", said + json.dumps(office.split("sheets"))))) < 4
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sorted(path.suffix for path in folder.iterdir()) == [".html"] * 3 + [".txt"] * 3
        assert sheets.read(folder / "recovery-perpetrator-2.html") == sheets.read(folder / "recovery-perpetrator-2.txt")

    @pytest.mark.parametrize("before", ["signing", "sending", "custody"])
    def test_cut_short(self, office: Office, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
        """The sheets are there, and it stops before the statement is made, or sent, or before it is said who has them: the same command goes on."""
        words = ("--holder", "Ada", "--holder", "Bo", "--holder", "Cy")

        def stops(*_: Any) -> None:
            raise Refused("offline", "the machine stopped")

        at = {"signing": (recovery, "renew"), "sending": (keeping, "send"), "custody": (recovery, "record_custody")}[before]
        monkeypatch.setattr(*at, stops)
        folder = office.folder / "sheets"
        assert office.refused(OFFICE, "recovery", "split", "--out", str(folder), *words) == "offline"
        kept = {path.name: path.read_bytes() for path in folder.iterdir()}
        monkeypatch.undo()
        assert office.run(OFFICE, "registry", "show")["recovery"]["keys"] == (2 if before == "custody" else 1)
        again = office.split("sheets", *words)
        assert again["key"] == office.secret("sheets").id.hex()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
        shown = office.run(OFFICE, "registry", "show")["recovery"]
        assert (shown["keys"], shown["key"], shown["holders"], shown["needed"]) == (2, again["key"], ["Ada", "Bo", "Cy"], 2)
        assert office.split("sheets", *words) == again, "and once more changes nothing"
        assert office.run(OFFICE, "registry", "show")["recovery"]["keys"] == 2
        office.split("second")
        assert office.refused(OFFICE, "recovery", "split", "--out", str(folder)) == "not-permitted", "of an older key"

    def test_wrong_usage(self, quiet: Office) -> None:
        (quiet.folder / "full").mkdir()
        assert quiet.refused(OFFICE, "recovery", "split", "--out", str(quiet.folder / "full")) == "not-permitted"
        for wrong in (("--shares", "1-of-3"), ("--shares", "4-of-3"), ("--holder", "Ada")):
            assert quiet.ran(OFFICE, "recovery", "split", "--out", str(quiet.folder / "sheets"), *wrong)[0] == 2
        assert not (quiet.folder / "sheets").exists()


class TestDrill:
    def test_on_a_members_device(self, office: Office) -> None:
        found = office.run("sam", "recovery", "drill", *office.shares(2, 3))
        assert (found["opened"], len(found["files"]), found["recorded"]) == (4, 4, True)
        assert office.run("ruth", "status")["recovery"] == {"granted": 2, "files": 2}
        office.sync("ruth")
        assert "4 of 4 files opened" in office.text("ruth", "registry", "show")

    def test_without_a_device(self, office: Office, tmp_path: Path) -> None:
        """From an export, with the server off; or from the id on the sheets alone."""
        path = str(tmp_path / "sam.jsonl")
        office.run("sam", "audit", "export", "--out", path)
        authority = office.run("sam", "registry", "show")["authority"]
        found = office.run("nobody", "recovery", "drill", "--export", path, "--authority", authority, *office.shares(1, 2))
        assert (found["opened"], found["recorded"]) == (4, False)
        key = office.run("sam", "registry", "show")["recovery"]["key"]
        assert office.run("nobody", "recovery", "drill", "--key", key, *office.shares(1, 2))["key"] == key
        assert office.refused("nobody", "recovery", "drill", "--key", "00" * 16, *office.shares(1, 2)) == "other-shares"
        office.split("sheets")
        office.run("sam", "sync")
        office.run("sam", "audit", "export", "--out", path)
        assert office.refused("nobody", "recovery", "drill", "--export", path, "--authority", authority, *office.shares(1, 2)) == "other-shares"


def test_shortfalls_are_said(office: Office) -> None:
    """Two people who read each file, two who hold shares: whoever answers for the side is told what lacks."""
    assert any("nobody is on record" in text for text in office.run("ruth", "status")["shortfalls"])
    assert office.run("sam", "status")["shortfalls"] == [], "a navigator is not asked for it"
    assert any("Sam alone can read it" in text for text in office.run("sam", "registry", "show")["shortfalls"])
    office.run(OFFICE, "recovery", "holders", "Ada", "ada", "Ada", "--needed", "2")
    office.sync("ruth")
    assert any("Ada alone holds" in text for text in office.run("ruth", "status")["shortfalls"])
    office.run(OFFICE, "recovery", "holders", "Ada", "Bo", "Chair of trustees")
    office.sync("ruth")
    assert office.run("ruth", "status")["shortfalls"] == []
    assert "any 2 of: Ada, Bo, Chair of trustees" in office.text("ruth", "registry", "show")


def test_killed_in_the_middle(office: Office) -> None:
    """The machine stops while it brings files back: the same command goes on, and every file comes back once."""
    for _ in range(10):
        office.run("sam", "file", "create", "case")
    office.sync("sam")
    office.lose("Ruth", "Sam")
    office.split("sheets")
    office.clean_machine()
    words = [sys.executable, "-m", "fieldkeep", "--profile", str(office.folder / "clean"), "recovery", "use", *office.shares(1, 2)]
    server = database.place_of(office.folder / "server", "perpetrator")
    before = _recovered(server)
    process = subprocess.Popen(words, env={**os.environ, "FIELDKEEP_PASSPHRASE": SECRET}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and _recovered(server) == before:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    some = _recovered(server)
    back = office.run("clean", "recovery", "use", *office.shares(1, 2))
    assert back["closed"]
    assert some + len(back["recovered"]) >= 24
    office.sync("clean")
    assert office.run("clean", "status")["recovery"] == {"granted": 24, "files": 24}
    assert _recovered(server) == 24


def _recovered(place: Place) -> int:
    """How many files the server has brought back."""
    [(found,)] = database.ask(place, "SELECT count(*) FROM member WHERE role = 'coordinator' AND to_seq IS NULL AND from_seq > 1")
    return int(found)
