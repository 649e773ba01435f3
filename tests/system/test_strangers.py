"""What somebody without a certificate, or with a spent one, can do to a server: next to nothing."""

import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest

from shared_schema import cbor, ids
from shared_schema.certificate import Enrol, Keys, Revoke, countersigned, decode_invitation, encode_registry_statement
from shared_schema.entry import EMPTY_ROOT, Entry, Head, Witness, encode_pair
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.people import standing
from sync.device.session import Session
from sync.entry import Author, sign_statement
from sync.keys import ReceivingKey
from sync.signing import SigningKey
from tests import database
from tests.live import Live, pair, raw_sync


def enrol(live: Live, entry: Entry, side: str = "perpetrator") -> str:
    """Anybody sends this entry; the code of the refusal, or nothing."""
    body = cbor.encode({"entry": cbor.Raw(encode_pair(entry.cose, ()))})
    answer = httpx.post(f"{live.server.address}/v1/enrol?side={side}", content=body, trust_env=False)
    return str(cbor.decode(answer.content).get("code", ""))


def newcomer(admin: Session, device: bytes, key: SigningKey, payload: bytes, incarnation: bytes = b"") -> Entry:
    """An entry of somebody who says that it is their first, and that they have seen nothing."""
    svc, log, incarnation = admin.identity.svc, admin.registry.log, incarnation or admin.identity.incarnation
    author = Author(svc, log, device, 0, None, Head(incarnation, 0, ids.chain_start(log)), Witness(incarnation, 0, EMPTY_ROOT))
    return sign_statement(author, key, payload)


def reuse(admin: Session, code: enrolment.Code, device: bytes, key: SigningKey, incarnation: bytes = b"") -> Entry:
    """An enrolment by `code`, under the id `device`."""
    invited = decode_invitation(code.invitation)
    keys = Keys(device, "x", key.public, ReceivingKey(secrets.token_bytes(32)).public)
    by = SigningKey(code.seed).sign(countersigned(admin.identity.svc, admin.registry.log, invited.id, keys))
    return newcomer(admin, device, key, encode_registry_statement(Enrol(invited, keys, by), code.invitation), incarnation)


class TestAnInvitationUsedUnderAnAdministratorsId:
    """It was appended as the administrator's first entry, and theirs was a clone's for ever after: nobody could be revoked."""

    @pytest.fixture
    def spent(self, live: Live) -> tuple[Session, enrolment.Code]:
        code = live.invite("Mallory", ("navigator",))
        mallory: Session = enrolment.enrol(live.store("mallory"), code, "phone", live.transport, live.admins["victim"].now_ms, secrets.token_bytes)
        live.opened.append(mallory)
        syncing.sync(live.admins["perpetrator"], live.transport)
        return mallory, code

    def test_by_another_key(self, live: Live, spent: tuple[Session, enrolment.Code]) -> None:
        admin, (mallory, code) = live.admins["perpetrator"], spent
        assert enrol(live, reuse(admin, code, admin.identity.device, SigningKey(secrets.token_bytes(32))))
        self._still_revokes(live, admin, mallory)

    def test_by_its_own_key(self, live: Live, spent: tuple[Session, enrolment.Code]) -> None:
        admin, (mallory, code) = live.admins["perpetrator"], spent
        assert enrol(live, reuse(admin, code, admin.identity.device, admin.sign_key))
        self._still_revokes(live, admin, mallory)

    def _still_revokes(self, live: Live, admin: Session, mallory: Session) -> None:
        standing.revoke(admin, mallory.identity.device, "stolen")
        report: Any = syncing.sync(admin, live.transport)
        assert (report.refused, admin.store.waiting(), admin.store.alarms()) == ([], [], [])
        assert admin.registry.devices[mallory.identity.device].revoked


def events(live: Live, side: str) -> list[dict[str, Any]]:
    return [cbor.decode(event) for (event,) in database.ask(live.database(side), "SELECT event FROM audit_event ORDER BY n")]


class TestEnrolmentTellsAStrangerNothing:
    """Who is certified where could be asked without a key, and each question was an event in somebody's name."""

    def test_who_is_certified(self, live: Live) -> None:
        admin, sam = live.admins["perpetrator"], live.enrol("Sam", ("navigator",))
        key = SigningKey(secrets.token_bytes(32))
        before = events(live, "perpetrator")
        code = live.invite("Olu", ("navigator",))
        for device in (sam.identity.device, secrets.token_bytes(16), admin.identity.device):
            assert enrol(live, newcomer(admin, device, key, encode_registry_statement(Revoke(bytes(16), "lost")))) == "invitation-invalid"
            assert enrol(live, newcomer(admin, device, key, b"\xa0")) == "invitation-invalid"
            assert enrol(live, reuse(admin, replace(code, seed=secrets.token_bytes(32)), device, key)) == "invitation-invalid"
            assert enrol(live, reuse(admin, code, device, key, secrets.token_bytes(16))) == "invitation-invalid"
        assert enrol(live, reuse(admin, code, sam.identity.device, key)) == "invitation-invalid"
        assert events(live, "perpetrator") == before

    def test_who_holds_a_good_invitation_is_told_more(self, live: Live) -> None:
        admin, code = live.admins["perpetrator"], live.invite("Olu", ("navigator",))
        for _ in range(3):  # the first is good, the second a reuse, the third refused
            told = enrol(live, reuse(admin, code, secrets.token_bytes(16), SigningKey(secrets.token_bytes(32))))
        assert told == "invitation-spent"


class TestARefusalIsAnEventOfWhoSignedIt:
    def test_signed_and_not(self, live: Live) -> None:
        sam = live.enrol("Sam", ("navigator",))
        log = live.case(sam)
        author = Author(sam.identity.svc, log, sam.identity.device, 99, bytes(32), sam.reader(log).log.head, sam.witness())
        forged = sign_statement(author, SigningKey(secrets.token_bytes(32)), b"\xa0")
        [answer] = raw_sync(live, sam, [pair(forged)]).answers
        assert answer.code == "malformed"
        assert not [event for event in events(live, "perpetrator") if event["e"] == "refused"]
        [answer] = raw_sync(live, sam, [pair(sign_statement(author, sam.sign_key, b"\xa0"))]).answers
        [event] = [event for event in events(live, "perpetrator") if event["e"] == "refused"]
        assert (event["log"], event["author"], event["code"]) == (log, sam.identity.device, answer.code)
