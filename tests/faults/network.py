"""Devices on lines that break in every way that lines do, and on machines whose clocks jump: all that was typed arrives once, and nobody is accused."""

import random
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from tests.faults.bad_line import FINE, BadLine, Weather
from tests.faults.planted import CLOCK, NAME
from tests.faults.quick import QuickServer
from tests.faults.storage import judge
from tests.live import DAY_MS, Live

WEATHERS: Final[dict[str, Weather]] = {
    "late": Weather(late_s=0.05),
    "cut at some byte": Weather(cut=0.7, cut_within=5000),
    "cut late": Weather(cut=1.0, cut_within=40_000),
    "answers never come": Weather(deaf=True),
    "nobody is there": Weather(down=True),
    "slow drip": Weather(late_s=0.002, drip=200),
}
_PATIENCE_S: Final = 1.5
OFF_MS: Final = 2 * DAY_MS


@dataclass
class Lines:
    """What a run saw."""

    rounds: int = 0
    typed: int = 0
    syncs: int = 0
    offline: int = 0
    cuts: int = 0
    lost_answers: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _Phone:
    """A device on a line of its own, with its own idea of the time."""

    def __init__(self, live: Live, name: str, line: BadLine, patience_s: float) -> None:
        self.session, self.line, self.off_ms = live.enrol(name, ("coordinator",), name=name), line, 0
        self.session.now_ms = lambda: int(time.time() * 1000) + self.off_ms
        address = f"http://127.0.0.1:{line.port}"
        self._transport = HttpTransport(address, client=httpx.Client(base_url=address, timeout=patience_s, trust_env=False))
        self.receipts: set[bytes] = set()

    def type(self, log: bytes, words: str) -> bytes:
        return self.session.write(log, None, "case_note", [Op("body", "set", words, ())])

    def sync(self) -> str:
        """The code with which it ended, if it did."""
        try:
            self.receipts |= {one.id for one in syncing.sync(self.session, self._transport).receipts}
        except Refused as error:
            return error.code
        return ""

    def close(self) -> None:
        self._transport.__exit__()
        self.line.__exit__()


def _phones(live: Live, seed: int, patience_s: float) -> tuple[list[_Phone], bytes]:
    phones = [_Phone(live, f"p{n}", BadLine(live.server.port, seed + n), patience_s) for n in range(3)]
    first, *others = [phone.session for phone in phones]
    return phones, live.case(first, *((other, "coordinator") for other in others))


def run_lines(rounds: int, seed: int, folder: Path | None = None) -> Lines:
    """Each round is one kind of weather for each of three phones, at the same time; it flaps while they work."""
    found, draw, began, typed = Lines(), random.Random(seed), time.monotonic(), dict[bytes, str]()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        live = Live(Path(name), server=QuickServer(Path(name) / "server"))
        try:
            phones, log = _phones(live, seed, _PATIENCE_S)

            def work(phone: _Phone, weather: Weather, flaps: bool, n: int) -> None:
                for k in range(4):
                    words = f"{phone.session.identity.name}-{n}-{k}-" + "z" * (k * 600)
                    typed[phone.type(log, words)] = words
                    phone.line.set(FINE if flaps and k % 2 else weather)
                    code = phone.sync()
                    found.syncs += 1
                    found.offline += bool(code)
                    found.broken += [] if code in ("", "offline", "nonce-spent") else [f"a bad line was called {code}"]
                phone.line.set(FINE)

            for n in range(rounds):
                chosen = [(phone, draw.choice(list(WEATHERS.values())), draw.random() < 0.5, n) for phone in phones]
                working = [threading.Thread(target=work, args=one) for one in chosen]
                for one in working:
                    one.start()
                for one in working:
                    one.join()
                found.rounds += 1
            found.broken += _end(phones, log, typed)
            found.cuts, found.lost_answers = (sum(getattr(phone.line, what) for phone in phones) for what in ("cuts", "lost_answers"))
        finally:
            live.close()
    found.typed, found.seconds = len(typed), time.monotonic() - began
    return found


def _end(phones: list[_Phone], log: bytes, typed: dict[bytes, str]) -> list[str]:
    """On a good line all send what they have, and show what everybody typed."""
    found = []
    for phone in (*phones, *phones):
        phone.line.set(FINE)
        code = phone.sync()
        found += [f"on a good line: {code}"] if code else []
    receipts = {one for phone in phones for one in phone.receipts}
    for phone in phones:
        found += [f"{phone.session.identity.name}: {one}" for one in judge(phone.session, log, typed, receipts)]
        found += [f"{phone.session.identity.name} has taken itself for a clone"] if phone.session.store.fact("frozen") else []
        phone.close()
    return found


def run_clocks(rounds: int, seed: int, folder: Path | None = None) -> Lines:
    """The server's clock, and each phone's, jump by up to two days either way, between any two syncs."""
    found, draw, began, typed = Lines(), random.Random(seed), time.monotonic(), dict[bytes, str]()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        clock = Path(name) / "clock"
        clock.write_text("0")
        live = Live(Path(name), server=QuickServer(Path(name) / "server", env={NAME: "clock", CLOCK: str(clock)}))
        try:
            phones, log = _phones(live, seed, 60.0)
            for n in range(rounds):
                _replace(clock, str(draw.choice((0, OFF_MS, -OFF_MS, draw.randint(-OFF_MS, OFF_MS)))))
                for phone in phones:
                    phone.off_ms = draw.choice((0, OFF_MS, -OFF_MS))
                    words = f"{phone.session.identity.name}-{n}"
                    typed[phone.type(log, words)] = words
                    code = phone.sync()
                    found.syncs += 1
                    found.broken += [f"a clock that jumped was called {code}"] if code else []
                found.rounds += 1
            found.broken += [one for one in _end(phones, log, typed) if not one.endswith("alarm: early")]
        finally:
            live.close()
    found.typed, found.seconds = len(typed), time.monotonic() - began
    return found


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    beside.write_text(text)
    beside.replace(path)
