"""What every command shares: the passphrase, the unlocked device, `--json`, exit codes, and how things and people are named.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Final, ParamSpec, TypeVar

import typer
from rich.text import Text

from shared_schema import ids, limits
from shared_schema.errors import ProtocolError, Refused
from shared_schema.records import UnknownName
from sync.device.cli.terminal import Unprinted, context, emit_json, visible, warn
from sync.device.entering.profile import open_session, require_profile
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import wiping
from sync.device.recording import finding
from sync.device.session import Session
from sync.device.storage.database import SqlError, storage_error
from sync.registry import Certificate

P = ParamSpec("P")
R = TypeVar("R")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
FileArg = Annotated[str, typer.Argument(help="File id, or the first characters of it.")]
RecordArg = Annotated[str, typer.Argument(help="Record id, or the first characters of it; FILE:RECORD where several files have it.")]
NewPassphrase = Annotated[
    Path | None, typer.Option("--new-passphrase-file", help="File with the new passphrase; default FIELDKEEP_NEW_PASSPHRASE or a prompt.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]
_CODE_HINTS: Final = {
    "offline": "Nothing is lost. Try again when there is a signal.",
    "no-profile": "Enrol first: fieldkeep device enrol CODE. If you have, say where: fieldkeep --profile FOLDER …, or FIELDKEEP_PROFILE",
}


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


def new_passphrase(file: Path | None, *, again: bool = False) -> str:
    """A passphrase to come: from `file`, FIELDKEEP_NEW_PASSPHRASE, or a prompt, twice unless it is typed `again`. Raises Refused as `passphrase` does."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    from_environment = os.environ.get("FIELDKEEP_NEW_PASSPHRASE")
    if from_environment is not None:
        return from_environment
    if not _can_ask():
        raise Refused("bad-passphrase", "no new passphrase was given, and nobody can be asked: use --new-passphrase-file or FIELDKEEP_NEW_PASSPHRASE")
    text: str = typer.prompt("New passphrase", hide_input=True, confirmation_prompt=not again, err=True)
    return text


def can_talk() -> bool:
    """True when a person reads what is printed here, and types at this terminal."""
    return sys.stdin.isatty() and not context().as_json


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
def session(*, ending: bool = False) -> Iterator[Session]:
    """The unlocked device of this run's profile. One that has wiped itself is for commands that end it."""
    require_profile(context().profile)  # before anybody is asked for its passphrase
    with open_session(context().profile, passphrase()) as opened:
        if wiping.under_way(opened) and not ending and not opened.file_logs():
            raise Refused("revoked", f"{wiping.said(wiping.tally(opened), wiping.why(opened))} It has yet to tell your side so: fieldkeep sync")
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


def reason(option: str, text: str) -> str:
    """A reason as it was typed. Raises Refused for an empty one."""
    if not text.strip():
        raise Refused("bad-value", f"{option} is empty: say why, it is kept on record")
    return text


def called(option: str, text: str) -> str:
    """A name as everybody will see it, without blanks at its ends or doubled. Raises Refused for one that is empty or cannot be seen."""
    name = " ".join(text.split())
    if not name:
        raise Refused("bad-value", f"{option} is empty: want a name that people know")
    if not name.isprintable() or len(name) > limits.TEXT_CHARS:
        raise Refused("bad-value", f"{option} holds what cannot be seen, or more than {limits.TEXT_CHARS} characters")
    return name


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
