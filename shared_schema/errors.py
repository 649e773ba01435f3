"""Every error code, once: what it means, its HTTP status, when to try again (docs/errors.md, errors.json).

A message says what was seen and what was wanted. It never holds plaintext, a key, a name, or whether another file exists.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Code -> {http, retry, final, means}, from errors.json."""
    text = files("shared_schema").joinpath("errors.json").read_text(encoding="utf-8")
    errors: dict[str, dict[str, Any]] = json.loads(text)["errors"]
    return errors


class ProtocolError(Exception):
    """Base of all typed errors. `code` is the wire word."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or str(catalogue()[self.code]["means"]))

    @property
    def retry(self) -> str:
        """When to try again: never, after-pull, after-reseal, after-predecessor, rotate-first, after-time."""
        return str(catalogue()[self.code]["retry"])


class Malformed(ProtocolError):
    """These bytes can never be accepted: drop them."""

    code = "malformed"


class TooLarge(ProtocolError):
    """Over a limit of limits.json."""

    code = "too-large"


class WeakKey(ProtocolError):
    """A public key that proves nothing."""

    code = "weak-key"


class Contradiction(ProtocolError):
    """Two signed histories do not fit: stop writing, keep the evidence."""

    code = "contradiction"


class BadGrant(ProtocolError):
    """A granted secret that does not open or does not match its commitment."""

    code = "bad-grant"


class Refused(ProtocolError):
    """Any other code of the catalogue."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code  # type: ignore[misc]  # an instance's code shadows the class's
        super().__init__(message)
