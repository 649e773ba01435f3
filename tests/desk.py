"""The command line in this process, on a profile folder that holds a copy of a phone's store. It has no network."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from sync.device.cli.main import app
from sync.device.entering.profile import open_store
from tests.world import Phone

SECRET = "correct horse battery"


class Desk:
    """A profile as `phone` is now. What is typed here never reaches the phone."""

    def __init__(self, phone: Phone, folder: Path) -> None:
        self.folder = folder
        with open_store(folder, SECRET, new=True) as store:
            phone.store._db.backup(store._db)

    def invoke(self, *words: str, stdin: str | None = None, env: dict[str, str | None] | None = None) -> Any:
        """One command: exit code, stdout, stderr. An error that is not the command's own is raised here."""
        env = {"FIELDKEEP_PASSPHRASE": SECRET, "COLUMNS": "200", **(env or {})}
        ran = CliRunner().invoke(app, ["--profile", str(self.folder), *words], input=stdin, env=env)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran

    def run(self, *words: str, status: int = 0) -> dict[str, Any]:
        ran = self.invoke(*words, "--json")
        assert ran.exit_code == status, ran.output
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def text(self, *words: str) -> str:
        ran = self.invoke(*words)
        assert ran.exit_code == 0, ran.output
        return str(ran.stdout)

    def refused(self, *words: str) -> dict[str, Any]:
        """The error, which both ways of asking give."""
        found: dict[str, Any] = self.run(*words, status=1)["error"]
        ran = self.invoke(*words)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"{found['code']}: ")
        return found
