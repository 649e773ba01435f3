"""What somebody without a certificate, or with a spent one, can do to a server: next to nothing."""

import secrets
from typing import Any

import httpx
import pytest

from shared_schema import cbor, ids
from shared_schema.certificate import Enrol, Keys, countersigned, decode_invitation, encode_registry_statement
from shared_schema.entry import EMPTY_ROOT, Entry, Head, Witness, encode_pair
from sync.device import enrolment, syncing
from sync.device.session import Session
from sync.entry import Author, sign_statement
from sync.keys import ReceivingKey
from sync.signing import SigningKey
from tests.live import Live


def enrol(live: Live, entry: Entry, side: str = "perpetrator") -> str:
    """Anybody sends this entry; the code of the refusal, or nothing."""
    body = cbor.encode({"entry": cbor.Raw(encode_pair(entry.cose, ()))})
    answer = httpx.post(f"{live.server.address}/v1/enrol?side={side}", content=body, trust_env=False)
    return str(cbor.decode(answer.content).get("code", ""))


def newcomer(admin: Session, device: bytes, key: SigningKey, payload: bytes) -> Entry:
    """An entry of somebody who says that it is their first, and that they have seen nothing."""
    svc, log, incarnation = admin.identity.svc, admin.registry.log, admin.identity.incarnation
    author = Author(svc, log, device, 0, None, Head(incarnation, 0, ids.chain_start(log)), Witness(incarnation, 0, EMPTY_ROOT))
    return sign_statement(author, key, payload)


def reuse(admin: Session, code: enrolment.Code, device: bytes, key: SigningKey) -> Entry:
    """A second enrolment by `code`, under the id `device`."""
    invited = decode_invitation(code.invitation)
    keys = Keys(device, "x", key.public, ReceivingKey(secrets.token_bytes(32)).public)
    by = SigningKey(code.seed).sign(countersigned(admin.identity.svc, admin.registry.log, invited.id, keys))
    return newcomer(admin, device, key, encode_registry_statement(Enrol(invited, keys, by), code.invitation))


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
        enrolment.revoke(admin, mallory.identity.device, "stolen")
        report: Any = syncing.sync(admin, live.transport)
        assert (report.refused, admin.store.waiting(), admin.store.alarms()) == ([], [], [])
        assert admin.registry.devices[mallory.identity.device].revoked
