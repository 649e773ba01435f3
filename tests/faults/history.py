"""Twenty devices at work, driven by the command line alone, on a line that breaks and a server that is killed; all that they did and saw goes into a history.

Each command is a process of its own (nursery.py). What the history says of the service is for the checker to judge (checker.py), which knows none of it.
"""

import contextlib
import json
import os
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults import checker
from tests.faults.bad_line import FINE, BadLine, Weather
from tests.faults.nursery import nursery
from tests.faults.quick import QuickServer
from tests.shell import SECRET

SHARED_TYPE: Final = "hazard"
SHARED_FIELD: Final = "ended_why"
_WEATHERS: Final = (
    Weather(cut=0.4, cut_within=6000),
    Weather(deaf=True),
    Weather(down=True),
    Weather(late_s=0.02, drip=700),
    Weather(cut=1.0, cut_within=60_000),
)
_AWAY: Final = frozenset({"offline", "busy", "internal", "nonce-spent"})
_AT_WORK: Final = 4  # commands at once: what the machine is asked to do, not the devices


@dataclass
class Played:
    """What a run saw."""

    minutes: float = 0.0
    devices: int = 0
    commands: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    connections: int = 0
    cut: int = 0
    answers_lost: int = 0
    command_ms: float = 0.0
    broken: list[str] = field(default_factory=list)


class Failed(Exception):
    """A command that ended with an error; the code of it."""


class Commands:
    """Runs commands, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = threading.Semaphore(_AT_WORK)
        self.took: list[float] = []

    def run(self, profile: str, *words: str) -> dict[str, Any]:
        """What it prints with --json. Raises Failed."""
        environment = {"FIELDKEEP_PASSPHRASE": SECRET, "COLUMNS": "200"}
        with self._room, (self._folder / "commands.errors").open("a+") as errors:
            began, at = time.monotonic(), errors.tell()
            child = nursery().start(["--profile", str(self._folder / profile), *words, "--json"], errors, environment)
            said = child.stdout.read()
            child.stdout.close()
            status = child.wait()
            self.took.append(time.monotonic() - began)
            if status not in (0, 1) or not said.strip():
                errors.seek(at)
                raise AssertionError(f"{words[:2]} ended with {status}: {said[-300:]} {errors.read()[-600:]}")
        answer: dict[str, Any] = json.loads(said)
        if status:
            raise Failed(answer["error"]["code"], answer["error"]["message"])
        return answer


class Device(threading.Thread):
    """One device and whoever holds it."""

    def __init__(self, play: "Play", name: str, seed: str) -> None:
        super().__init__(name=name)
        self._play, self._draw, self._n, self._base = play, random.Random(seed), 0, list[str]()

    def run(self) -> None:
        """Until the play ends."""
        while not self._play.over.is_set():
            try:
                self._draw.choices((self.write, self.sync, self.read, self.edit), (35, 35, 20, 10))[0]()
            except Exception as error:
                self._play.found.broken.append(f"{self.name}: {type(error).__name__}: {error}")
                return
            time.sleep(self._draw.uniform(0, 0.4))

    def _do(self, op: str, *words: str, **more: Any) -> dict[str, Any]:
        return self._play.do(self.name, op, list(words), **more)

    def _token(self) -> str:
        self._n += 1
        return f"{self.name}-{self._n}"

    def write(self) -> None:
        """A note."""
        token = self._token()
        self._do("write", "note", "add", "--file", self._play.case, token, token=token)

    def edit(self) -> None:
        """The shared field, as it is shown here, replaced; values in conflict by a decision."""
        with contextlib.suppress(Failed):
            base = self._play.live(self.name)
            token = self._token()
            decision = ("conflicts", "resolve", self._play.shared, SHARED_FIELD, "--value", token, "--reason", "asked again")
            words = decision if len(base) > 1 else ("record", "edit", self._play.shared, "--set", f"{SHARED_FIELD}={token}")
            self._do("edit", *words, token=token, base=base)

    def sync(self) -> None:
        """With the server, if it is reached."""
        self._do("sync", "sync")

    def read(self, op: str = "read", **more: Any) -> None:
        """All notes, and the shared field."""
        self._do(op, "note", "list", self._play.case, **more)


class Play:
    """A service, its people, and a history of them."""

    def __init__(self, folder: Path, server: QuickServer, line: BadLine, devices: int, seed: int) -> None:
        self.folder, self.server, self.line, self.over, self.found = folder, server, line, threading.Event(), Played(devices=devices)
        self.commands = Commands(folder)
        self.draw, self._one = random.Random(seed), threading.Lock()
        self._history = (folder / "history.jsonl").open("a", encoding="utf-8")
        self.names = [f"d{n}" for n in range(devices)]
        self.case = self.shared = ""
        self.began = time.monotonic()

    # --- one command -----------------------------------------------------------------------------------------------------

    def do(self, device: str, op: str, words: list[str], **more: Any) -> dict[str, Any]:
        """Run it, and write down what came of it."""
        line = {"device": device, "user": device, "op": op, "start": time.monotonic(), "ok": True, **more}
        answer: dict[str, Any] = {}
        try:
            answer = self.commands.run(device, *words)
            if op == "write":
                line["record"] = answer["record"]
            if op == "sync":
                line["unsent"] = answer["unsent"]
                self.found.broken += [f"{device}: {one}" for one in answer["contradictions"]]
            if op in ("read", "final"):
                line |= {"tokens": [str(one["body"]).split(" ")[0] for one in answer["notes"]], "live": self.live(device)}
        except Failed as failed:
            code = str(failed.args[0])
            line |= {"ok": False, "code": code}
            self.found.refused[code] = self.found.refused.get(code, 0) + 1
            if code not in _AWAY and device not in self.leaving:
                self.found.broken.append(f"{device} was refused: {words[:2]} {code}")
        line["end"] = time.monotonic()
        with self._one:
            self.found.commands[op] = self.found.commands.get(op, 0) + 1
            self._history.write(json.dumps(line) + "\n")
        return answer

    def live(self, device: str) -> list[str]:
        """The values that the shared field has on a device."""
        shown = self.commands.run(device, "record", "show", self.shared)["fields"].get(SHARED_FIELD)
        if shown is None:
            return []
        values = [one["value"] for one in shown["values"]] if shown["values"] else [shown["value"]]
        return [str(one) for one in values if one]

    @property
    def leaving(self) -> list[str]:
        """Who is removed halfway."""
        return self.names[-max(1, len(self.names) // 10) :]

    # --- acts ------------------------------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """The service, its people, a case of all of them, and the record that they share."""
        setup = str(self.server.found["setup_code"])
        address = f"http://127.0.0.1:{self.line.port}"
        self.commands.run("none", "service", "create", "--server", address, "--setup", setup, "--name", "Pilot", "--out", str(self.folder / "office"))
        for name in self.names:
            made = self.commands.run("office/perpetrator-administrator", "invite", "--name", name, "--role", "coordinator")
            self.commands.run(name, "device", "enrol", made["code"], "--label", f"{name}'s phone")
        first, *others = self.names
        self.commands.run(first, "sync")
        members = [word for name in others for word in ("--member", f"{name}=coordinator")]
        self.case = self.commands.run(first, "file", "create", "case", *members)["file"]
        self.shared = self.commands.run(first, "record", "add", SHARED_TYPE, "--file", self.case, "--set", "detail=a dog")["record"]
        for name in (first, *others):
            self.commands.run(name, "sync")

    def play(self, minutes: float) -> None:
        """Everybody works, the weather changes, the server is killed, and halfway some are removed."""
        devices = [Device(self, name, f"{self.draw.random()}") for name in self.names]
        beside = [threading.Thread(target=self._weather), threading.Thread(target=self._kill)]
        for one in (*devices, *beside):
            one.start()
        time.sleep(minutes * 30)
        for name in self.leaving:
            self._remove(name)
        time.sleep(minutes * 30)
        self.over.set()
        for one in (*devices, *beside):
            one.join()

    def _remove(self, name: str) -> None:
        began = time.monotonic()  # from here on what they send may be held
        for _ in range(200):
            try:
                self.commands.run(self.names[0], "member", "remove", self.case, name)
            except Failed:
                self.commands.run(self.names[0], "status")
                continue
            line = {"device": self.names[0], "user": self.names[0], "op": "remove", "who": name, "start": began, "end": time.monotonic(), "ok": True}
            with self._one:
                self._history.write(json.dumps(line) + "\n")
            return
        self.found.broken.append(f"{name} could not be removed")

    def _weather(self) -> None:
        draw = random.Random(self.draw.random())
        while not self.over.wait(draw.uniform(1, 6)):
            self.line.set(draw.choice(_WEATHERS))
            self.over.wait(draw.uniform(0.5, 3))
            self.line.set(FINE)
        self.line.set(FINE)

    def _kill(self) -> None:
        draw = random.Random(self.draw.random())
        while not self.over.wait(draw.uniform(4, 15)):
            self.server.kill()
            self.found.kills += 1
            self.over.wait(draw.uniform(0, 1.5))
            self.server.start(ready=False)

    def end(self) -> None:
        """All come home: what waited is sent, everybody hears of it, and says what they have."""
        for _ in range(2):
            for name in self.names:
                self.do(name, "sync", ["sync"])
        for name in self.names:
            rows = self.commands.run(name, "file", "list", "--hash")["files"]
            alarms = [one["code"] for one in self.commands.run(name, "status")["alarms"]]
            hashes = [one["state_hash"] for one in rows if one["file"] == self.case]
            self.do(name, "final", ["note", "list", self.case], hash=hashes[0] if hashes else "", alarms=alarms)
        self._history.close()


def run(minutes: float, devices: int, seed: int, keep: Path | None = None, folder: Path | None = None) -> Played:
    """Play, and have the history judged. With `keep` it is kept there."""
    os.environ["FIELDKEEP_APP"] = "none"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        server = QuickServer(Path(name) / "server")
        try:
            with BadLine(server.port, seed) as line:
                play = Play(Path(name), server, line, devices, seed)
                play.set_up()
                began = time.monotonic()
                play.play(minutes)
                play.found.minutes = (time.monotonic() - began) / 60
                play.end()
        finally:
            server.stop()
        history = checker.load(Path(name) / "history.jsonl")
        if keep is not None:
            keep.write_bytes((Path(name) / "history.jsonl").read_bytes())
    found = play.found
    found.broken += checker.check(history)
    found.connections, found.cut, found.answers_lost = line.connections, line.cuts, line.lost_answers
    took = sorted(play.commands.took)
    found.command_ms = took[len(took) // 2] * 1e3
    return found
