"""What every command shares: the profile, the passphrase, `--json`, exit codes, and how things are printed.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
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
from rich.text import Text

from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from shared_schema.records import UnknownName
from sync.device import finding
from sync.device.profile import open_session, require_profile
from sync.device.session import Session
from sync.device.store import SqlError, storage_error
from sync.device.transport import HttpTransport
from sync.registry import Certificate

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
FileArg = Annotated[str, typer.Argument(help="File id, or the first characters of it.")]
RecordArg = Annotated[str, typer.Argument(help="Record id, or the first characters of it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]
_CODE_HINTS: Final = {
    "offline": "Nothing is lost. Try `fieldkeep sync` again when there is a signal.",
    "no-profile": "Enrol first: fieldkeep device enrol CODE. If you have, say where: fieldkeep --profile FOLDER …, or FIELDKEEP_PROFILE",
}
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


def passphrase(*, confirm: bool = False) -> str:
    """From --passphrase-file, FIELDKEEP_PASSPHRASE, or a prompt. Raises Refused where there is nobody to ask."""
    file = context().passphrase_file
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    from_environment = os.environ.get("FIELDKEEP_PASSPHRASE")
    if from_environment is not None:
        return from_environment
    if not _can_ask():
        raise Refused("bad-passphrase", "no passphrase was given, and nobody can be asked: use --passphrase-file or FIELDKEEP_PASSPHRASE")
    text: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text


def _can_ask() -> bool:
    """A script that wants JSON is never asked behind its back; a person who pipes a note in still has a terminal."""
    if sys.stdin.isatty() or context().as_json:
        return sys.stdin.isatty()
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


@contextmanager
def session() -> Iterator[Session]:
    """The unlocked device of this run's profile."""
    require_profile(context().profile)  # before anybody is asked for its passphrase
    with open_session(context().profile, passphrase()) as opened:
        yield opened


@contextmanager
def online(opened: Session) -> Iterator[HttpTransport]:
    """The device's server."""
    with HttpTransport(opened.identity.server, opened.identity.ca) as transport:
        yield transport


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors become one sentence, a code and exit status 1."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        as_json = context().as_json = bool(kwargs.get("as_json"))
        try:
            return function(*args, **kwargs)
        except BrokenPipeError:  # whoever read the output has gone
            raise
        except Unprinted as error:
            fail(Refused("storage", f"the output could not be written ({error}); what was to be saved is saved, do not type it again"), as_json=False)
            raise typer.Exit(1) from None
        except (ProtocolError, UnknownName, OSError, ValueError, OverflowError, SqlError) as error:
            fail(_typed(error), as_json=as_json)
            raise typer.Exit(1) from None

    return run


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


def _typed(error: Exception) -> ProtocolError:
    match error:
        case ProtocolError():
            return error
        case UnknownName():
            return Refused(error.code, str(error))
        case SqlError():
            return storage_error(error)
        case FileNotFoundError():
            return Refused("not-found", f"{error.filename}: there is no such file or folder")
        case OSError():
            return Refused("storage", f"{error.filename or 'a file'} could not be read or written: {error.strerror or error}")
        case UnicodeError():
            return Refused(
                "bad-value", f"saw bytes that are no text ({error.reason if isinstance(error, UnicodeDecodeError) else error}); want UTF-8"
            )
        case _:
            return Refused("bad-value", str(error))


def fail(error: ProtocolError, *, as_json: bool) -> None:
    """Say what went wrong, on standard error, or as JSON on standard output."""
    if as_json:
        emit_json({"error": {"code": error.code, "message": str(error), "retry": error.retry}})
        return
    context().err.print(Text.assemble((error.code, "bold red"), ": ", visible(str(error))))
    if error.code in _CODE_HINTS:
        warn(f"  {_CODE_HINTS[error.code]}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back, where a person is there to answer; a script has decided. Raises typer.Abort for a no."""
    if not yes and not context().as_json and sys.stdin.isatty():
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
    if isinstance(value, dict):
        return "; ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "none"
    return Words(value)


def person(opened: Session, who: str) -> bytes:
    """A user id from its text, or from a display name that only one person of this side has."""
    try:
        return ids.parse(who)
    except ProtocolError:
        users = {cert.subject.user for cert in opened.registry.devices.values() if cert.subject.name.lower() == who.lower()}
        if not users:
            raise Refused("not-found", "this device knows nobody of this side by that name: sync first, if they are new") from None
        if len(users) > 1:
            raise Refused("not-found", f"several people have that name, give the user id: {', '.join(map(ids.show, sorted(users)))}") from None
        return users.pop()


def device_id(opened: Session, named: str, among: Iterable[Certificate] | None = None) -> bytes:
    """The one device of this side, or `among` those given, whose id begins like that or that is called that."""
    known = list(opened.registry.devices.values() if among is None else among)
    called = [certificate for certificate in known if certificate.keys.label.lower() == named.lower()]
    if len(called) == 1:
        return called[0].keys.device
    pairs = [(certificate.keys.device, certificate) for certificate in known]
    return finding.only(pairs, named, "device", lambda certificate: f"{certificate.subject.name}: {certificate.keys.label}").keys.device
