"""Several processes serve one PostgreSQL database as if they were one (docs/decisions/0022-several-workers.md)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import jwt
import pytest

from shared_schema import cbor
from shared_schema.errors import Refused
from shared_schema.request import ALGORITHM, CBOR_TYPE, SCHEME, TYP, claims
from shared_schema.wire import Status, SyncRequest, encode_request
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.people import files, standing
from sync.device.session import Session
from sync.fold import state_hash
from tests.postgresql.workers import Workers, served

FOUR = 4


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with served(tmp_path, FOUR) as found:
        yield found


def note(session: Session, log: bytes, text: str) -> None:
    session.write(log, None, "case_note", [Op("body", "set", text, ())])


def bodies(session: Session, log: bytes) -> list[str]:
    return sorted(str(next(iter(one.registers["body"].live.values())).value) for one in session.records(log).values() if "body" in one.registers)


def alarms(session: Session) -> set[str]:
    return {code for _, _, _, _, code, _, _ in session.store.alarms()}


def test_whichever_answers(workers: Workers) -> None:
    """Each sync goes to another process, and every device is right at every moment: no head goes back, no proof fails, nothing comes twice."""
    rng, live = Random(1), workers.live
    people = [live.enrol(f"P{n}", ("coordinator",), transport=workers.ways[n]) for n in range(3)]
    log = live.case(people[0], (people[1], "coordinator"), (people[2], "coordinator"))
    typed = []
    for n in range(60):
        session = rng.choice(people)
        if rng.random() < 0.6:
            typed.append(f"note {n}")
            note(session, log, typed[-1])
        report = syncing.sync(session, rng.choice(workers.ways))
        assert not report.refused
        assert not report.contradictions
    for _ in range(2):
        for session in people:
            syncing.sync(session, rng.choice(workers.ways))
    assert [bodies(session, log) for session in people] == [sorted(typed)] * 3
    assert len({state_hash(session.records(log)) for session in people}) == 1
    assert not any(alarms(session) for session in people)


def test_a_hint_reaches_a_device_on_another_process(workers: Workers) -> None:
    sam, noor = (workers.live.enrol(name, ("coordinator",)) for name in ("Sam", "Noor"))
    log = workers.live.case(sam, (noor, "coordinator"))
    told: list[str] = []

    def listen() -> None:
        with workers.ways[3].events(noor) as hints:
            for hint in hints:
                told.append(hint)
                if hint == "pull":
                    return

    heard = threading.Thread(target=listen)
    heard.start()
    while not told:
        time.sleep(0.01)
    note(sam, log, "come and look")
    syncing.sync(sam, workers.ways[1])
    heard.join(10)
    assert told == ["hello", "pull"]
    syncing.sync(noor, workers.ways[2])
    assert bodies(noor, log) == ["come and look"]


def test_who_is_put_out_at_one_is_out_at_all(workers: Workers) -> None:
    sam = workers.live.enrol("Sam", ("navigator",))
    for way in workers.ways:
        syncing.sync(sam, way)
    office = workers.live.admins["perpetrator"]
    standing.revoke(office, sam.identity.device, "lost")
    syncing.sync(office, workers.ways[0])
    for way in workers.ways[1:]:
        with pytest.raises(Refused) as refused:
            way.sync(sam, encode_request(SyncRequest(status=Status(app="test"))))
        assert refused.value.code == "revoked"


def test_a_request_is_taken_once_by_all_of_them(workers: Workers) -> None:
    """The very bytes that one process took are refused by every other: nonces are theirs together."""
    sam = workers.live.enrol("Sam", ("navigator",))
    body = encode_request(SyncRequest(status=Status(app="test")))
    me = sam.identity
    asked = claims(device=me.device, svc=me.svc, side=me.side, method="POST", path="/v1/sync", body=body, nonce=_nonce(workers))
    token = jwt.encode(asked, sam.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
    headers = {"authorization": f"{SCHEME} {token}", "content-type": CBOR_TYPE}
    codes = [
        httpx.post(f"{server.address}/v1/sync", content=body, headers=headers, trust_env=False).status_code
        for server in [workers.servers[2], *workers.servers]
    ]
    assert codes[0] == 200
    assert set(codes[1:]) == {401}


def _nonce(workers: Workers) -> str:
    answer = httpx.get(f"{workers.servers[1].address}/v1/nonces?side=perpetrator", trust_env=False)
    found: str = cbor.decode(answer.content)["nonces"][0]
    return found


def test_one_that_dies_is_not_missed(workers: Workers) -> None:
    """kill -9 of the process that took a note: the others have it, put it into the audit tree, and serve its proof."""
    sam, noor = (workers.live.enrol(name, ("coordinator",)) for name in ("Sam", "Noor"))
    log = workers.live.case(sam, (noor, "coordinator"))
    for n in range(5):
        note(sam, log, f"before {n}")
        syncing.sync(sam, workers.ways[3])
        workers.servers[3].kill()
        syncing.sync(noor, workers.ways[n % 3])
        workers.servers[3].start()
    time.sleep(1.2)  # what it left unsequenced others sequence after a second
    for session in (sam, noor):
        for way in workers.ways:
            assert not syncing.sync(session, way).contradictions
    assert bodies(noor, log) == [f"before {n}" for n in range(5)]
    assert not alarms(sam) | alarms(noor)
    assert not noor.store.due_proofs(1)


def test_files_begun_at_once(workers: Workers) -> None:
    """Files and members that one process learned of are the others' too, at once."""
    sam, noor = (workers.live.enrol(name, ("coordinator",)) for name in ("Sam", "Noor"))
    logs: list[bytes] = []
    syncing.sync(sam, workers.ways[0])
    for n, way in enumerate(workers.ways):
        logs.append(files.create_file(sam, "case", {noor.identity.user: "coordinator"}))
        note(sam, logs[-1], f"in {n}")
        syncing.sync(sam, way)
        syncing.sync(noor, workers.ways[(n + 1) % FOUR])
        assert bodies(noor, logs[-1]) == [f"in {n}"]
        files.remove_member(sam, logs[-1], noor.identity.user)
        syncing.sync(sam, workers.ways[(n + 2) % FOUR])
        note(sam, logs[-1], "not for her")
        syncing.sync(sam, way)
        syncing.sync(noor, workers.ways[(n + 3) % FOUR])
        assert bodies(noor, logs[-1]) == [f"in {n}"]
