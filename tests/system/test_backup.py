"""Copies of a server's data: sealed, looked through, put back, and never over what is newer."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import server.sealed_file
from server.backup import back_up, put_back, verify
from server.data_folder import InUse
from server.gone import Gone, Removed
from server.sealed_file import BadBackup, make_key, read_key
from shared_schema.ids import SIDES
from sync.device.attaching import attachments
from tests.coming_back import Restorable, note, twice
from tests.system.test_coming_back import Team


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Restorable]:
    made = Restorable(tmp_path / "server")
    with made:
        yield made


@pytest.fixture
def team(run: Restorable) -> Team:
    return Team(run)


def lose(run: Restorable) -> None:
    run.stop()
    for path in run.folder.glob("*.db*"):
        path.unlink()


def test_a_backup_of_a_running_server_comes_back(run: Restorable, team: Team, tmp_path: Path) -> None:
    """All sides at once, with work going on: what was written after it comes back from the devices."""
    found = back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    assert [one.side for one in found] == list(SIDES)
    assert next(one for one in found if one.side == "perpetrator").entries == sum(seq for seq, _ in run.heads().values())
    assert not list(run.folder.glob(".backup-*")), "nothing is left beside it"
    note(team.sam, team.case, "after the backup")
    team.sync()
    heads = run.heads()
    lose(run)
    back = put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    assert [(one.side, one.logs, one.entries) for one in back] == [(one.side, one.logs, one.entries) for one in found]
    run.start()
    assert run.service.restoring == ["perpetrator"], "the other sides had lost nothing"
    run.declare()
    twice([team.sam, team.ruth])
    assert run.heads()[team.case] == heads[team.case]


def test_one_side_comes_back_alone(run: Restorable, team: Team, tmp_path: Path) -> None:
    """What the others have is newer than the copy, and stays."""
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    note(team.sam, team.case, "after the backup")
    team.sync()
    heads = run.heads()
    run.stop()
    with pytest.raises(BadBackup, match=r"perpetrator.db, victim.db, oversight.db are there"):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    with pytest.raises(BadBackup, match=r"victim.db are there"):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"), only="victim")
    for path in run.folder.glob("victim.*db*"):
        path.unlink()
    with pytest.raises(BadBackup, match="no tables here either of: victim; put back all sides"):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"), only="oversight")
    [back] = put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"), only="victim")
    assert back.side == "victim"
    run.start()
    assert run.service.restoring == [], "of the victim side nothing was lost either"
    assert run.heads() == heads


@pytest.mark.parametrize("newer", [True, False])
def test_attachments_are_in_it(run: Restorable, team: Team, tmp_path: Path, newer: bool) -> None:
    """Their bytes lie beside the database; where there are newer ones in place, these stay."""
    content = attachments.Cleaned("png", b"what it looked like" * 9000, b"", "")
    record = attachments.add(team.sam.session, team.case, content, {"kind": "photo", "what": "door", "cleaned": "yes"})
    team.sync()
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    run.stop()
    for path in run.folder.glob("*.db*"):
        if not (newer and ".chunks." in path.name):
            path.unlink()
    put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    run.start()
    if run.service.restoring:
        run.declare()
    team.sync()
    assert attachments.fetch(team.ruth.session, lambda: team.ruth.transport, team.case, record) == content.content


def test_names_and_contents_are_not_in_it(run: Restorable, team: Team, tmp_path: Path) -> None:
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    data = (tmp_path / "day.fk").read_bytes()
    plain = b"".join(path.read_bytes() for path in run.folder.glob("*.db*"))
    for word in (b"Ruth's phone", b"SQLite format", b"receipt"):
        assert word not in data
    assert b"Ruth's phone" in plain, "as the database has them"
    assert (tmp_path / "key").stat().st_mode & 0o777 == (tmp_path / "day.fk").stat().st_mode & 0o777 == 0o600
    assert team.case not in data


def test_on_a_new_machine_nobody_knows_how_far_it_was(run: Restorable, team: Team, tmp_path: Path) -> None:
    """A backup has no marks: those of its day would say that nothing is missing."""
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    run.stop()
    shutil.rmtree(run.folder)
    put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    run.start()
    assert run.service.restoring == list(SIDES)
    assert not run.offer().marks
    assert team.case


def test_it_is_never_put_over_a_database(run: Restorable, tmp_path: Path) -> None:
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    with pytest.raises(FileExistsError):
        back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    with pytest.raises(InUse):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    run.stop()
    with pytest.raises(BadBackup, match="move them away"):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    run.start()


def test_what_was_removed_since_stays_removed(run: Restorable, tmp_path: Path) -> None:
    """The list here and the list in the copy are both kept."""
    gone = run.folder / "victim.gone.jsonl"
    first, second = (Removed(bytes(16), bytes([n]) * 32, 0, 1, b"", bytes([n]) * 32) for n in (1, 2))
    Gone(gone).add([first])
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    lose(run)
    gone.unlink()
    Gone(gone).add([second])
    put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    assert set(Gone(gone)) == {first, second}
    assert not Gone(gone).overwritten, "and what it names is overwritten in this copy too"
    run.start()


def test_another_services_keys_stay(run: Restorable, tmp_path: Path) -> None:
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    lose(run)
    keys = run.folder / "perpetrator.keys.json"
    before = keys.read_text()
    keys.write_text(json.dumps(json.loads(before) | {"receipt": "00" * 32}))
    with pytest.raises(BadBackup, match="another service"):
        put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    assert not list(run.folder.glob("*.db"))
    keys.write_text(before)
    put_back(tmp_path / "day.fk", run.folder, read_key(tmp_path / "key"))
    run.start()


@pytest.mark.parametrize("change", ["cut", "a byte", "another key", "a chunk less", "text"])
def test_a_damaged_backup_is_none(run: Restorable, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.sealed_file, "CHUNK", 1 << 16)
    back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    path, key = tmp_path / "day.fk", read_key(tmp_path / "key")
    data = path.read_bytes()
    if change == "another key":
        key = make_key(tmp_path / "other")
    changed = {
        "cut": data[:-1],
        "a byte": data[:90] + bytes([data[90] ^ 1]) + data[91:],
        "a chunk less": data[: 35 + (1 << 16) + 16],
        "text": b"none",
    }
    path.write_bytes(changed.get(change, data))
    with pytest.raises(BadBackup):
        verify(path, key, tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".backup")) == []


def test_a_database_that_says_something_else_is_found(run: Restorable, tmp_path: Path) -> None:
    """A copy is only as good as what it is of: a log that does not hash to its chain is said before anybody relies on it."""
    run.stop()
    import sqlcipher3.dbapi2 as sqlite

    database = sqlite.connect(str(run.folder / "victim.db"))
    database.execute("UPDATE entry SET received_ms = received_ms + 1 WHERE seq = 1")
    database.commit()
    database.close()
    with pytest.raises(BadBackup, match="does not hash"):
        back_up(run.folder, tmp_path / "day.fk", tmp_path / "key")
    assert not (tmp_path / "day.fk").exists()
    run.start()
