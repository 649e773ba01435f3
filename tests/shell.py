"""The command line on profiles of their own and a running server, as a person uses it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from typer import testing
from typer.main import get_command

from fieldkeep.commands import app
from sync.device.entering import keyring
from sync.keys import passphrase_key
from tests.live import LiveServer

SECRET = "correct horse battery"
ENVIRONMENT = {"FIELDKEEP_PASSPHRASE": SECRET, "COLUMNS": "200"}

# Worked out once, for they are the same each time and most of what a command costs: a passphrase's key, and the tree of commands.
vars(keyring)["passphrase_key"] = cache(passphrase_key)
vars(testing)["_get_command"] = cache(get_command)


class Shell:
    """Runs commands in this process."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.server: LiveServer

    def run(self, profile: str, *words: str, status: int = 0, stdin: str | None = None) -> dict[str, Any]:
        """What a command prints with --json."""
        code, out, err = self.ran(profile, *words, "--json", stdin=stdin)
        assert code == status, out + err
        answer: dict[str, Any] = json.loads(out)
        return answer

    def refused(self, profile: str, *words: str) -> str:
        """The code of a command's error."""
        return str(self.run(profile, *words, status=1)["error"]["code"])

    def text(self, profile: str, *words: str) -> str:
        """What a command prints for a person."""
        code, out, err = self.ran(profile, *words)
        assert code == 0, out + err
        return out

    def ran(self, profile: str, *words: str, stdin: str | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        ran = testing.CliRunner().invoke(app, ["--profile", str(self.folder / profile), *words], input=stdin, env=ENVIRONMENT)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran.exit_code, ran.stdout, ran.stderr

    def enrol(self, name: str, *roles: str, side: str = "perpetrator", profile: str = "", more: tuple[str, ...] = ()) -> str:
        """Invite and enrol somebody's phone; its profile's name."""
        words = [word for role in roles for word in ("--role", role)]
        code = self.run(f"office/{side}-administrator", "invite", "--name", name, *words, *more)["code"]
        profile = profile or name.lower()
        self.run(profile, "device", "enrol", "-", "--label", f"{name}'s phone", stdin=code)
        return profile

    def sync(self, *profiles: str) -> None:
        """Each of them syncs."""
        for profile in profiles:
            self.run(profile, "sync")


class Processes(Shell):
    """Each command in a process of its own."""

    def ran(self, profile: str, *words: str, stdin: str | None = None) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "fieldkeep", "--profile", str(self.folder / profile), *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "FIELDKEEP_PASSPHRASE": SECRET}, input=stdin)
        return ran.returncode, ran.stdout, ran.stderr


@contextmanager
def new_service(folder: Path, kind: type[Shell] = Shell) -> Iterator[Shell]:
    """A service on a new server, with its administrators' profiles in `office`."""
    server = LiveServer(folder / "server")
    try:
        made = kind(folder, server.address)
        made.server = server
        setup = str(server.found["setup_code"])
        made.run("none", "service", "create", "--server", server.address, "--setup", setup, "--name", "Pilot", "--out", str(folder / "office"))
        yield made
    finally:
        server.stop()
