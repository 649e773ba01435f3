"""A machine that stops when a side has just begun: its marks were not there yet, and the side took itself for an older copy, for nobody to declare."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from sync.device.entering import enrolment
from sync.device.exchanging.transport import HttpTransport
from tests.faults.planted import NAME
from tests.faults.quick import QuickServer
from tests.live import DAY_MS, now_ms


def test_a_server_that_dies_before_its_first_mark(tmp_path: Path) -> None:
    server = QuickServer(tmp_path / "server", env={NAME: "dies-before-a-mark"})
    try:
        transport = HttpTransport(server.address)
        people: dict[Side, Subject] = {
            side: Subject(secrets.token_bytes(16), "Office", "Pilot", ("administrator",), now_ms() + 900 * DAY_MS) for side in SIDES
        }
        keys: Any = transport.service_keys()["sides"]
        made = enrolment.new_service("Pilot", server.address, "", server.found["setup_code"], keys, people, secrets.token_bytes)
        with transport, pytest.raises(Refused, match="could not be reached"):
            transport.create_service(made.body)
        server.kill()
        server._env[NAME] = ""
        server.start(ready=False)
        assert server.readiness() == (200, {"status": "ready"})
        with HttpTransport(server.address) as again:
            assert again.create_service(made.body)["receipts"].keys() == set(SIDES)
    finally:
        server.stop()
