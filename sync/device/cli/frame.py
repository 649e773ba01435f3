"""What every command shares: the profile, the passphrase, `--json`, exit codes, and how things are printed.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, TypeVar

import typer
from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from sync.device.profile import open_session
from sync.device.session import Session
from sync.device.transport import HttpTransport

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
FileArg = Annotated[str, typer.Argument(help="File id, or the first characters of it.")]
RecordArg = Annotated[str, typer.Argument(help="Record id, or the first characters of it.")]
_CODE_HINTS: Final = {
    "offline": "Nothing is lost. Try `fieldkeep sync` again when there is a signal.",
    "no-profile": "Enrol first: fieldkeep device enrol CODE",
    "bad-passphrase": "Attempts are not limited on this computer; the store stays sealed.",
}


@dataclass(slots=True)
class Context:
    """Where the profile is and how output is wanted. Set by the main callback."""

    profile: Path
    passphrase_file: Path | None
    out: Console
    err: Console


_context: list[Context] = []


def set_context(profile: Path | None, passphrase_file: Path | None) -> None:
    """Called once a run, before the command."""
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


def passphrase(*, confirm: bool = False) -> str:
    """From --passphrase-file, FIELDKEEP_PASSPHRASE, or a prompt."""
    file = context().passphrase_file
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    from_environment = os.environ.get("FIELDKEEP_PASSPHRASE")
    if from_environment is not None:
        return from_environment
    text: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
    return text


@contextmanager
def session() -> Iterator[Session]:
    """The unlocked device of this run's profile."""
    with open_session(context().profile, passphrase()) as opened:
        yield opened


@contextmanager
def online(opened: Session) -> Iterator[HttpTransport]:
    """The device's server."""
    with HttpTransport(opened.identity.server, opened.identity.ca) as transport:
        yield transport


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command whose typed errors become one sentence, a code and exit status 1."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ProtocolError as error:
            fail(error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(1) from None

    return run


def fail(error: ProtocolError, *, as_json: bool) -> None:
    """Say what went wrong, on standard error, or as JSON on standard output."""
    if as_json:
        emit_json({"error": {"code": error.code, "message": str(error), "retry": error.retry}})
        return
    context().err.print(f"[bold red]{error.code}[/]: {_escape(str(error))}")
    if error.code in _CODE_HINTS:
        context().err.print(f"  {_CODE_HINTS[error.code]}")


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def emit_json(value: Any) -> None:
    """One JSON object on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def emit(value: Any, text: str, *, as_json: bool) -> None:
    """`value` as JSON, or `text` for a person."""
    if as_json:
        emit_json(value)
    else:
        context().out.print(_escape(text))


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table for a person; says so when it is empty."""
    drawn = Table(title=title, title_justify="left", show_lines=False, pad_edge=False, box=None)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*[_escape(cell) for cell in row])
    context().out.print(drawn if rows else f"{title}: none")


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
    return "not yet" if not ms else datetime.fromtimestamp(ms / 1000, UTC).strftime("%d %b %Y %H:%M")


def short(identifier: bytes) -> str:
    """Enough of an id to tell it from others."""
    return identifier.hex()[:8]


def plain(value: Any) -> str:
    """A record's value in words."""
    if value is None:
        return "–"
    if isinstance(value, dict) and set(value) == {"missing"}:
        return f"({value['missing'].replace('_', ' ')})"
    if isinstance(value, dict) and set(value) == {"at", "precision"}:
        return str(value["at"])
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "none"
    return str(value)


def person(opened: Session, who: str) -> bytes:
    """A user id from its text, or from a display name that only one person of this side has."""
    try:
        return ids.parse(who)
    except ProtocolError:
        users = {cert.subject.user for cert in opened.registry.devices.values() if cert.subject.name.lower() == who.lower()}
        if len(users) != 1:
            raise Refused(
                "not-found", "nobody of this side has that name" if not users else "several people have that name: give the user id"
            ) from None
        return users.pop()


def device_id(opened: Session, prefix: str) -> bytes:
    """The one device of this side whose id begins with `prefix`."""
    wanted = prefix.replace("-", "").lower()
    found = [device for device in opened.registry.devices if device.hex().startswith(wanted)]
    if len(found) != 1 or not wanted:
        raise Refused("not-found", "no device has that id" if not found else "several devices begin like that: give more of the id")
    return found[0]
