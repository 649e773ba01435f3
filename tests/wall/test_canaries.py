"""Canary words: written into records on both sides, sought afterwards in everything the server has, and on devices.

Every encoding that a leak might have. The search itself is tested: a leak that is planted is found, in each encoding.
"""

import gzip
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.session import Session
from tests.canaries import canary, contents, encodings, hits
from tests.live import Live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    world = Live(tmp_path, metrics=True)
    try:
        yield world
    finally:
        world.close()


def write(session: Session, log: bytes) -> list[str]:
    """A canary in every kind of place a value can stand: text, list row, cell, set, type and field of a newer schema."""
    words = [canary() for _ in range(6)]
    session.write(log, None, "case_note", [Op("body", "set", words[0], ()), Op("quotes", "add", {"who": words[1], "words": words[2]}, ())])
    session.write(log, None, f"type_{words[3]}"[:60], [Op("field", "set", words[4], ())])
    session.write(log, None, "task", [Op("what", "set", words[5], ()), Op("handling", "add", words[5], ())])
    return words


def test_words_are_nowhere_but_under_a_key(live: Live) -> None:
    sam, priya, dana = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",)), live.enrol("Dana", ("link_worker",), "victim")
    case, hers = live.case(sam, (priya, "navigator")), live.case(dana)
    words = write(sam, case) + write(dana, hers)
    for session in (sam, priya, dana, sam, priya):
        syncing.sync(session, live.transport)
    assert len(priya.records(case)) == 3
    with pytest.raises(Refused):  # an error's text is looked at as well
        sam.write(secrets.token_bytes(16), None, "case_note", [Op("body", "set", words[0], ())])
    metrics = live.server.found["metrics"]
    pages = [(side, httpx.get(f"{metrics}?side={side}", trust_env=False).content) for side in ("perpetrator", "victim", "oversight")]
    assert all(b"fieldkeep_entries_accepted" in page for _, page in pages)
    live.server.stop()
    things = [*contents(live.server.data), *contents(live.folder / "devices"), *contents(live.folder), *pages]
    assert len(things) > 20
    assert hits(things, words) == []


def test_each_encoding_of_a_planted_leak_is_found(tmp_path: Path) -> None:
    word = canary()
    for number, needle in enumerate(encodings(word)):
        (tmp_path / f"{number}.log").write_bytes(b"noise " + needle + b" noise")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(b"noise " + word.encode()))
    found = {Path(name.split(" ")[0]).name for name, _ in hits(list(contents(tmp_path)), [word])}
    assert len(encodings(word)) >= 12
    assert found == {path.name for path in tmp_path.iterdir()}


def test_a_leak_planted_in_the_server_is_found(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    words = write(sam, live.case(sam))
    live.server.stop()
    with (live.server.data / "perpetrator.log").open("a") as log:
        log.write(json.dumps({"event": "request", "note": words[0]}) + "\n")
    assert hits(list(contents(live.server.data)), words)


def test_a_side_leaves_no_trace_in_the_others_files(live: Live) -> None:
    """Ids of the victim side (people, devices, logs, records) occur in no file of the perpetrator side's, and the other way round."""
    sam, dana = live.enrol("Sam", ("navigator",)), live.enrol("Dana", ("link_worker",), "victim")
    case, hers = live.case(sam), live.case(dana)
    made = {
        side: [session.identity.user, session.identity.device, log] for side, session, log in (("perpetrator", sam, case), ("victim", dana, hers))
    }
    live.server.stop()
    for side, other in (("perpetrator", "victim"), ("victim", "perpetrator")):
        files = [(path.name, path.read_bytes()) for path in live.server.data.iterdir() if path.name.startswith(side)]
        assert len(files) >= 3
        for identifier in made[other]:
            assert not any(identifier in data or identifier.hex().encode() in data for _, data in files)
        assert any(made[side][0] in data for _, data in files), "the search finds what is there"
