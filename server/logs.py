"""Structured logs that can only say what is on the list: one file per side, one for the process (docs/operations/README.md).

A field that is not in ALLOWED is dropped, whatever a caller passes: no id of a person, no log id, no text of a request can get out.
"""

import contextlib
import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO, cast

import structlog

ALLOWED: Final = frozenset(
    {"event", "timestamp", "level", "route", "method", "status", "code", "ms", "bytes_in", "bytes_out", "entries", "version", "sqlite", "error"}
)


def _allow(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name in ALLOWED and isinstance(value, str | int | float)}


_ENCODER: Final = json.JSONEncoder()


def _as_json(fields: Mapping[str, Any], **_options: Any) -> str:
    return _ENCODER.encode(fields)  # what _allow lets through needs no default


class Patient:
    """A log file that a full disk cannot make a request fail for: the line is lost, the request is not."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, text: str) -> None:
        """Write, or go without."""
        with contextlib.suppress(OSError):
            self._file.write(text.encode())

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_log(path: Path | None) -> tuple[structlog.BoundLogger, Patient | None]:
    """A logger that writes JSON lines to `path`, or nowhere for None."""
    stream = None if path is None else Patient(path)
    logger: structlog.BoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(cast(TextIO, stream)) if stream else structlog.ReturnLogger(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allow,
            structlog.processors.JSONRenderer(_as_json),
        ],
    ).bind()
    return logger, stream
