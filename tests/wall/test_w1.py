"""W1: a grant across sides, forged in turn by a client, by a server and in a stored log: refused, refused, void and alarmed.

The auditor, with public keys only and the server off, passes the honest exports and fails the forged one.
"""

import json
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.entry import Entry, Head, decode_entry
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from shared_schema.membership import Grant, Members, NewEpoch, encode_file_statement
from sync import keys
from sync.device.entering import enrolment
from sync.device.exchanging import outbox, syncing
from sync.device.exports import audit_files
from sync.device.people import files
from sync.device.session import Session
from sync.entry import sign_statement
from sync.granting import Granter
from tests import database
from tests.live import Live, now_ms, pair, raw_sync


@pytest.fixture
def both(live: Live) -> tuple[Live, Session, Session, Session, bytes]:
    """A coordinator and a navigator on one side, a link worker on the other, a case file of the first."""
    ruth, sam = live.enrol("Ruth", ("coordinator",)), live.enrol("Sam", ("navigator",))
    dana = live.enrol("Dana", ("link_worker",), "victim")
    live.case(dana)
    return live, ruth, sam, dana, live.case(ruth, (sam, "navigator"))


def forged(author: Session, log: bytes, stranger: Session) -> Entry:
    """A rotation that also grants the epoch to a device of the other side: rightly signed, everything else in order."""
    state = author.require_file(log)
    granter = Granter(author.identity.svc, log, author.identity.device, author.registry)
    secret = secrets.token_bytes(32)
    honest = granter.new_epoch(state, author.store.secrets(log), secret)
    assert isinstance(honest, NewEpoch)
    info = keys.grant_info(author.identity.svc, log, honest.epoch, author.identity.device, stranger.identity.device)
    crossing = Grant(stranger.identity.device, bytes(32), (honest.epoch,), keys.seal_secrets(stranger.receive_key.public, info, [secret]))
    statement = replace(honest, grants=tuple(sorted((*honest.grants, crossing), key=lambda grant: grant.to)))
    return sign_statement(outbox.author(author, log), author.sign_key, encode_file_statement(statement))


def test_the_granters_own_code_refuses(both: tuple[Live, Session, Session, Session, bytes]) -> None:
    """Recipients come from the registry of the file's own side: there is no way to name anybody else."""
    _, ruth, _, dana, log = both
    with pytest.raises(Refused) as caught:
        files.add_member(ruth, log, dana.identity.user, "navigator")
    assert caught.value.code == "wall"
    with pytest.raises(Refused) as caught:
        files.create_file(ruth, "case", {dana.identity.user: "navigator"})
    assert caught.value.code == "wall"
    assert ruth.store.outbox() == []


def test_a_forging_client_is_refused_by_the_server(both: tuple[Live, Session, Session, Session, bytes]) -> None:
    live, ruth, _, dana, log = both
    before = ruth.reader(log).log.head
    answer = raw_sync(live, ruth, [pair(forged(ruth, log, dana))])
    assert answer.answers[0].code == "wall"
    assert answer.receipts == ()
    syncing.sync(ruth, live.transport)
    assert ruth.reader(log).log.head == before


def append_as_server(live: Live, side: str, entry: Entry) -> None:
    """What a forging server does: put the entry in its own log and sign for it, without asking its rules."""
    live.server.stop()
    held = json.loads((live.server.data / f"{side}.keys.json").read_text())
    assert held["receipt"]
    place = live.database(side)
    [(seq, chain, received)] = database.ask(place, "SELECT seq, chain, received_ms FROM log_head WHERE log_id = ?", entry.log)
    following = ids.chain_next(chain, seq + 1, received, entry.id)
    database.change(
        place,
        (
            "INSERT INTO entry (log_id, seq, entry_id, author, sq, statement, received_ms, chain, leaf, cose, parts) VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, ?, ?)",
            (entry.log, seq + 1, entry.id, entry.author, entry.sq, received, following, entry.cose, b"\x80"),
        ),
        ("UPDATE log_head SET seq = ?, chain = ? WHERE log_id = ?", (seq + 1, following, entry.log)),
        ("UPDATE author_head SET sq = ?, entry_id = ? WHERE log_id = ? AND device_id = ?", (entry.sq, entry.id, entry.log, entry.author)),
    )
    live.server.start()


def test_a_forging_server_does_not_get_it_past_a_reader(both: tuple[Live, Session, Session, Session, bytes]) -> None:
    """In a stored log it is void: alarmed, folded as nothing, nothing is sealed under its epoch until a valid one follows."""
    live, ruth, sam, dana, log = both
    append_as_server(live, "perpetrator", forged(ruth, log, dana))
    report = syncing.sync(sam, live.transport)
    assert report.contradictions == []
    assert any(alarm[4] == "void:wall" and alarm[2] == log for alarm in sam.store.alarms())
    state = sam.reader(log).file
    assert state is not None
    assert dana.identity.device not in state.holders
    assert not state.blocked, "a member signs a valid epoch by itself, in the same sync"
    assert sorted(state.commits) == [1, 3], "the number of the void epoch is not used again"
    assert 2 not in sam.store.secrets(log)
    syncing.sync(ruth, live.transport)
    assert ruth.reader(log).file == state


def export_both(live: Live, folder: Path, sides: tuple[Side, ...] = ("perpetrator", "victim")) -> list[Path]:
    paths = []
    for side in sides:
        sue = live.enrol(f"Sue {side}", (f"supervisor_{side}",), "oversight")
        export = audit_files.from_server(lambda route, sue=sue: live.transport.signed(sue, "GET", route), side, sue.identity.svc)  # type: ignore[misc]
        path = folder / f"{side}.jsonl"
        audit_files.write_export(export, path, sue.identity.authority, now_ms())
        paths.append(path)
    return paths


def wall(*paths: Path) -> tuple[int, dict[str, Any]]:
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", "audit", "wall", *map(str, paths), "--json"], capture_output=True, text=True, check=False
    )
    return ran.returncode, json.loads(ran.stdout)


def said(*paths: Path) -> str:
    words = [sys.executable, "-m", "fieldkeep", "audit", "wall", *map(str, paths)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_the_auditor_passes_the_honest_exports_with_the_server_off(both: tuple[Live, Session, Session, Session, bytes], tmp_path: Path) -> None:
    live, *_ = both
    paths = export_both(live, tmp_path)
    live.server.stop()
    status, found = wall(*paths)
    assert (status, found["ok"], found["crossings"], found["not_given"]) == (0, True, 0, [])
    assert int(str(found["grants"])) >= 5
    assert all(abs(ms - now_ms()) < 10**6 for ms in found["as_of_ms"].values())
    assert sorted(found["as_of_ms"]) == ["perpetrator", "victim"]
    assert "The wall holds" in said(*paths)


def test_the_wall_is_not_said_to_hold_while_a_side_is_missing(both: tuple[Live, Session, Session, Session, bytes], tmp_path: Path) -> None:
    live, *_ = both
    paths = export_both(live, tmp_path, ("perpetrator",))
    sue = live.enrol("Sue", ("supervisor_victim",), "oversight")
    audit_files.write_export(audit_files.from_store(sue), tmp_path / "oversight.jsonl", sue.identity.authority, now_ms())
    text = said(*paths, tmp_path / "oversight.jsonl")
    assert "The wall holds" not in text
    assert "The victim side's export was not given" in text


def test_the_auditor_fails_the_forged_export_with_the_server_off(both: tuple[Live, Session, Session, Session, bytes], tmp_path: Path) -> None:
    live, ruth, _, dana, log = both
    append_as_server(live, "perpetrator", forged(ruth, log, dana))
    paths = export_both(live, tmp_path)
    live.server.stop()
    status, found = wall(*paths)
    assert (status, found["ok"]) == (1, False)
    findings = found["findings"]
    assert isinstance(findings, list)
    assert any("void:wall" in one["code"] and one["log"] == ids.show(log) for one in findings)
    assert any(one["code"] == "wall" and "not on this side" in one["text"] for one in findings)


def test_the_auditor_sees_one_device_on_two_sides(both: tuple[Live, Session, Session, Session, bytes], tmp_path: Path) -> None:
    """An administrator of one side certifies a key of the other: each registry is in order, together they are not."""
    from shared_schema import cose
    from shared_schema.certificate import INVITATION, Enrol, Subject, countersigned, decode_invitation, encode_registry_statement, invitation_payload
    from shared_schema.entry import EMPTY_ROOT, Witness
    from sync.entry import Author
    from sync.signing import SigningKey, sign_object

    live, _, _, dana, _ = both
    admin = live.admins["perpetrator"]
    seed = SigningKey(secrets.token_bytes(32))
    subject = Subject(dana.identity.user, "Dana", "Pilot", ("navigator",), now_ms() + 10**10)
    signed = sign_object(
        admin.sign_key,
        cose.protected_header(INVITATION, admin.identity.device, admin.identity.svc),
        invitation_payload("perpetrator", subject, seed.public, now_ms() + 10**7),
    )
    log = admin.registry.log
    by = seed.sign(countersigned(admin.identity.svc, log, decode_invitation(signed).id, dana.keys))
    start = Head(admin.identity.incarnation, 0, ids.chain_start(log))
    author = Author(admin.identity.svc, log, dana.identity.device, 0, None, start, Witness(admin.identity.incarnation, 0, EMPTY_ROOT))
    entry = sign_statement(author, dana.sign_key, encode_registry_statement(Enrol(decode_invitation(signed), dana.keys, by), signed))
    assert raw_sync(live, admin, [pair(entry)]).answers[0].code == "accepted"
    status, found = wall(*export_both(live, tmp_path))
    assert status == 1
    texts = [one["text"] for one in found["findings"]]
    assert any("receiving key of the" in text for text in texts)
    assert any("device of the" in text for text in texts)


def test_the_auditor_sees_one_key_that_two_sides_call_differently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever founds the service certifies one side's recovery key as a device's key on the other: every file of the first is open to it."""
    real: Any = enrolment.new_service
    first = 2 + SIDES.index("perpetrator")
    theirs = (
        2 + len(SIDES) + 3 * SIDES.index("victim") + 2
    )  # drawn in order: service, authority, recovery of each side; device, sign, receive of each

    def new_service(*given: Any) -> Any:
        drawn: list[bytes] = []

        def draw(size: int) -> bytes:
            drawn.append(drawn[first] if len(drawn) == theirs else secrets.token_bytes(size))
            return drawn[-1]

        return real(*given[:-1], draw)

    monkeypatch.setattr(enrolment, "new_service", new_service)
    live = Live(tmp_path)
    try:
        status, found = wall(*export_both(live, tmp_path))
    finally:
        live.close()
    assert status == 1
    assert any("receiving key of the victim side exists on the perpetrator side as a recovery key" in one["text"] for one in found["findings"])


def test_absent_and_foreign_files_get_the_same_answer(both: tuple[Live, Session, Session, Session, bytes]) -> None:
    """W3, for pushes: byte for byte, apart from the entry's own id."""
    live, ruth, _, dana, log = both
    outsider = live.enrol("Olu", ("navigator",))
    foreign = sign_statement(replace(outbox.author(outsider, log)), outsider.sign_key, b"\xa0")
    absent = sign_statement(replace(outbox.author(outsider, log), log=secrets.token_bytes(16)), outsider.sign_key, b"\xa0")
    [one] = raw_sync(live, outsider, [pair(decode_entry(foreign.cose))]).answers
    [other] = raw_sync(live, outsider, [pair(decode_entry(absent.cose))]).answers
    assert replace(one, id=b"") == replace(other, id=b"")
    assert ruth.identity.side != dana.identity.side


def test_members_statement_type_is_what_add_makes(both: tuple[Live, Session, Session, Session, bytes]) -> None:
    live, ruth, _, _, log = both
    olu = live.enrol("Olu", ("navigator",))
    syncing.sync(ruth, live.transport)
    from shared_schema.membership import decode_file_statement

    entry = files.add_member(ruth, log, olu.identity.user, "navigator")
    statement = decode_file_statement(entry.sign1.payload)
    assert isinstance(statement, Members)
    mine = next(grant for grant in statement.grants if grant.to == olu.identity.device)
    assert mine.epochs == (1, 2), "a newcomer is granted every epoch"
    assert all(grant.epochs == (2,) for grant in statement.grants if grant.to != olu.identity.device)


def test_the_auditor_says_what_is_not_proved(both: tuple[Live, Session, Session, Session, bytes], tmp_path: Path) -> None:
    """A damaged export proves nothing, which is not the same as a crossing; nor does one that may lack a log prove that the wall holds."""
    live, *_ = both
    paths = export_both(live, tmp_path)
    lines = paths[0].read_text().splitlines()
    (tmp_path / "less.jsonl").write_text("\n".join(line for line in lines if '"head"' not in line) + "\n")
    status, found = wall(tmp_path / "less.jsonl", paths[1])
    assert (status, found["ok"], found["crossings"]) == (1, False, 0)
    (tmp_path / "no-events.jsonl").write_text("\n".join(line for line in lines if '"event"' not in line) + "\n")
    status, found = wall(tmp_path / "no-events.jsonl", paths[1])
    assert (status, found["ok"], found["not_proved_complete"]) == (0, True, ["perpetrator"])
