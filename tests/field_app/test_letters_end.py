"""Seven weeks later: a phone takes what has ended out of a liaison file, by the calendar, and Python devices find nothing wrong with it."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from sync.device.entering import profile
from tests.field_app.fleet import OFFICE, alarms, state_hash, user_of
from tests.field_app.phone import Phone
from tests.live import LiveServer
from tests.town import listed, new_town

WEEKS_MS = 8 * 604_800_000
LATER = """
import os, time
_real, _by = time.time, float(os.environ["LATER_SECONDS"])
time.time = lambda: _real() + _by
time.time_ns = lambda: int((_real() + _by) * 1e9)
"""


def _move(town: Any, folder: Path, ms: int) -> None:
    """The server starts again at a later time."""
    (folder / "sitecustomize.py").write_text(LATER)
    server: LiveServer = town.server
    server.stop()
    server._env |= {"LATER_SECONDS": str(ms / 1000), "PYTHONPATH": f"{folder}:{server._env.get('PYTHONPATH', '')}"}
    with suppress(AssertionError):  # it says that it is not ready as fast as it can be asked: on a busy machine that is too soon
        server.start()
    for _ in range(200):
        if httpx.get(f"{server.address}/readyz", trust_env=False).status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def test_letters_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_town(tmp_path) as made, Phone(made.address) as phone:
        town: Any = made
        code = town.run(OFFICE, "invite", "--name", "Nia", "--role", "navigator")["code"]
        phone.do("enrol", code=code, label="Nia's phone")
        phone.do("sync")
        log = phone.do("openCase", members={user_of(phone, "Ruth"): "coordinator"})["file"]
        for _ in range(2):
            phone.do("sync")
            town.sync("jo", "ruth")
        liaison = next(row["file"] for row in phone.do("files") if row["kind"] == "liaison")
        address = next(one["case"] for one in _opened(town) if one["case"] != _address_of(town))
        town.run("jo", "instruction", "send", "--file", town.desk, "--case", address, "--gate", "clear", "--weeks", "1")
        town.sync("jo")
        phone.do("sync")
        assert phone.do("inForce", file=log)["gate"] == "clear"
        town.sync("ruth")
        real = profile.now_ms
        monkeypatch.setattr(profile, "now_ms", lambda: real() + WEEKS_MS)
        later = tmp_path / "later"
        later.mkdir()
        _move(town, later, WEEKS_MS)
        phone.do("clock", offset_ms=WEEKS_MS)
        phone.do("sync")
        assert phone.do("inForce", file=log)["gate"] == "hold"
        town.sync("ruth")
        phone.do("sync")
        row = next(row for row in phone.do("files") if row["file"] == liaison)
        assert row["state_hash"] == state_hash(town, "ruth", liaison)
        assert phone.do("reopen") == {"differs": []}
        assert alarms(phone) == []
        assert not {"bad-expiry", "bad-stub", "bad-parcel", "hole"} & {one["code"] for one in town.run("ruth", "status", "--all")["alarms"]}
        gone = town.run("ruth", "expunge", "list")["removed"]
        assert [(one["reason"], one["second"]) for one in gone] == [("expired", "Nia")]


def _opened(town: Any) -> list[dict[str, Any]]:
    return listed(town, "jo", "case_opened", town.desk)


def _address_of(town: Any) -> str:
    """The address of the case that the town begins with: the first that the desk heard of."""
    found: str = _opened(town)[0]["case"]
    return found
