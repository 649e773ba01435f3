"""A device of the field app in a process of its own: the same rules in another language, beside Python devices on one server."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "field_app/device/dist/driver.mjs"


class PhoneError(Exception):
    """What the device refused: `code` as in errors.json."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Phone:
    """One device; everything it has is in its memory."""

    def __init__(self, server: str) -> None:
        self.process = subprocess.Popen(
            ["node", str(DRIVER), str(ROOT / "shared_schema"), server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, what: str, **given: Any) -> Any:
        """One command. Raises PhoneError."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": what, **given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise PhoneError(answer["error"]["code"], answer["error"]["message"])
        return answer["ok"]

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()
