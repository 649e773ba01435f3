"""The terminal: what a person or a script is shown, and where. What others wrote cannot steer it."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer
from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shared_schema.errors import Refused
from sync.attachment import is_manifest

_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(slots=True)
class Context:
    """Where the profile is and how output is wanted. Set by the main callback."""

    profile: Path
    passphrase_file: Path | None
    out: Console
    err: Console
    as_json: bool = False


_context: list[Context] = []


def set_context(profile: Path | None, passphrase_file: Path | None) -> None:
    """Called once a run, before the command."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")  # a terminal that has no word for ü
    folder = profile or Path(os.environ.get("FIELDKEEP_PROFILE", "") or user_data_path("fieldkeep") / "default")
    out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    if not out.is_terminal:
        out.width = 200
    _context[:] = [Context(folder, passphrase_file, out, err)]


def context() -> Context:
    """The run's context."""
    if not _context:
        set_context(None, None)
    return _context[0]


class Unprinted(Exception):
    """Standard output takes nothing. Commands print when they are done, so what they were asked for has happened."""


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unprinted(error.strerror or str(error)) from None


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back; who gives --yes, or reads JSON, has decided. Raises typer.Abort for a no, Refused where nobody can be asked."""
    if yes or context().as_json:
        return
    if not sys.stdin.isatty():
        raise Refused("not-permitted", "not asked: add --yes. Nothing was done")
    typer.confirm(question, abort=True, err=True)


class Words(str):
    """A text of several lines, such as a note: its lines and tabs stay when it is shown."""

    __slots__ = ()


def visible(text: str) -> str:
    """`text` as it may go to a terminal: what would move the cursor, turn the writing round or begin a line is shown escaped."""
    keep = "\n\t" if isinstance(text, Words) else ""
    return _UNSAFE.sub(lambda found: found[0] if found[0] in keep else found[0].encode("unicode_escape").decode(), text)


def say(*lines: str) -> None:
    """Lines for a person, on standard output, word for word: nothing in them is markup."""
    with _printing():
        context().out.print(Text("\n".join(visible(line) for line in lines)))


def warn(*lines: str) -> None:
    """The same on standard error."""
    context().err.print(Text("\n".join(visible(line) for line in lines)))


def emit_json(value: Any) -> None:
    """One JSON object on standard output; what `visible` escapes is escaped here too, as JSON does it."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    with _printing():
        typer.echo(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def emit(value: Any, *lines: str, as_json: bool) -> None:
    """`value` as JSON, or `lines` for a person."""
    if as_json:
        emit_json(value)
    else:
        say(*lines)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table for a person; says so when it is empty. Cells that are `Words` may have several lines."""
    drawn = Table(title=Text(visible(title)), title_justify="left", show_lines=False, pad_edge=False, box=None)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*[Text(visible(cell)) for cell in row])
    if rows:
        with _printing():
            context().out.print(drawn)
    else:
        say(f"{title}: none")


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error for anything that may take a second; call it with (done, total or None)."""
    bar = Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn(), console=context().err, transient=True, disable=quiet or not context().err.is_terminal)  # fmt: skip
    with bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def when(ms: int | None) -> str:
    """A time as people here read it; UTC."""
    if not ms:
        return "not yet"
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%d %b %Y %H:%M")
    except (OverflowError, ValueError, OSError):
        return f"no such time ({ms} ms)"


def short(identifier: bytes) -> str:
    """Enough of an id to tell it from others."""
    return identifier.hex()[:8]


def plain(value: Any) -> str:
    """A record's value in words."""
    if value is None:
        return "–"
    if isinstance(value, dict) and set(value) == {"missing"} and isinstance(value["missing"], str):
        return f"({value['missing'].replace('_', ' ')})"
    if isinstance(value, dict) and set(value) == {"at", "precision"}:
        return str(value["at"])
    if is_manifest(value):
        return f"{value['form']}, {int(value['size']) / 1_000_000:.1f} MB"
    if isinstance(value, dict) and set(value) == {"expunged"}:
        return "(removed)"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "none"
    return Words(value)
