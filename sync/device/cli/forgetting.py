"""device passphrase, device forgotten, device help, recovery unlock: passphrases that are changed, and forgotten."""

import contextlib
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.unlock import check_digits
from sync.device.cli import frame, share_input, terminal
from sync.device.cli.frame import Json, NewPassphrase, command
from sync.device.cli.sending import try_sync
from sync.device.cli.share_input import ShareFiles
from sync.device.cli.terminal import context, emit, short, warn, when
from sync.device.entering import helping, keyring, unlocking
from sync.device.entering.helping import Asked, Confirmed
from sync.device.entering.private_files import replace_private
from sync.device.entering.profile import locked_folder, now_ms, open_store, require_profile
from sync.device.session import Session

RequestArg = Annotated[str, typer.Argument(metavar="REQUEST", help="The request for help: a file with it, - for standard input, or the line itself.")]
Digits = Annotated[str | None, typer.Option(help="The six digits that were read back to you.")]
Out = Annotated[Path | None, typer.Option(help="Write it to this file; without, it is printed.")]
_MOST_BYTES: Final = 1 << 20
_LOST: Final = """Lost, when no helper can be reached, the recovery shares are gone and the passphrase does not come back to you:
  what was typed on this device and has not been sent. How much that is cannot be seen while it is locked; something was last written here on {last}.
Not lost: everything that was sent. It comes back from the server when an administrator invites you for another device (fieldkeep invite --second-device)
  and you enrol it in another folder.
Then: have this device revoked, for nobody else should open it either; and keep its folder, for the passphrase may come back to you. Once it is revoked
  what you find in it can only be handed in, and waits for a coordinator."""
_WHO: Final = "A coordinator can help (for therapists their lead), another device of yours, or whoever holds the recovery shares"


@command
def device_passphrase(new_passphrase_file: NewPassphrase = None, as_json: Json = False) -> None:
    """Change the passphrase of this profile: asks for the one that it has, then twice for the new one.

    Everything stays as it is; only how its key is kept changes. A copy of the folder that was made before still opens with the old passphrase, and
    its key is the same: when somebody may have both, have the device revoked.

    Example: fieldkeep device passphrase
    """
    folder = context().profile
    require_profile(folder)
    with open_store(folder, frame.passphrase()) as store:
        new = keyring.check_passphrase(frame.new_passphrase(new_passphrase_file))
        if store.keyring is not None:
            store.keyring.change_passphrase(new, secrets.token_bytes)
    emit({"changed": True}, "The passphrase is changed. Nothing else is, and what was not sent is still here.", as_json=as_json)


@command
def device_forgotten(
    heard: Annotated[str | None, typer.Option(help="The six digits that your helper reads out to you.")] = None,
    answer: Annotated[str | None, typer.Option(help="The answer: a file with it, - for standard input, or the line itself.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody can help: say what is lost, and what comes back.")] = False,
    out: Out = None,
    new_passphrase_file: NewPassphrase = None,
    as_json: Json = False,
) -> None:
    """The passphrase is forgotten: ask a colleague for help. What was not sent stays, and goes out afterwards.

    First, without options: choose a new passphrase; a request is made, send it to your helper by any way, and telephone. Then --heard with the
    digits that you are read out; read back those that are shown. Then --answer with what your helper sends, within an hour. A coordinator can help,
    for therapists their lead; another device of yours; or whoever holds the recovery shares.

    Example: fieldkeep device forgotten --out please.help
    """
    folder = context().profile
    require_profile(folder)
    if sum((heard is not None, answer is not None, nobody)) > 1:
        raise typer.BadParameter("give one of --heard, --answer, --nobody")
    if nobody:
        _nobody(folder, as_json=as_json)
    elif heard is not None:
        pending = unlocking.waiting(folder, now_ms())
        back = check_digits(pending.request.id, "".join(heard.split()))
        emit({"digits": back}, f"Read back to your helper: {_grouped(back)}", as_json=as_json)
    elif answer is not None:
        _finish(folder, _given(answer), new_passphrase_file, as_json=as_json)
    else:
        _ask(folder, out, new_passphrase_file, as_json=as_json)


def _ask(folder: Path, out: Path | None, new: Path | None, *, as_json: bool) -> None:
    with locked_folder(folder):
        unlocking.require_help(folder)  # before anybody is asked
        data = unlocking.begin(folder, frame.new_passphrase(new), now_ms(), secrets.token_bytes)
    text = unlocking.request_text(data)
    found = {"request": text, "id": unlocking.read_request(text).id.hex(), "file": _put(out, text)}
    lines = [
        f"{_WHO}.",
        f"1. Send them {out}:" if out else "1. Send them this line, best as a file:",
        *([] if out else [text]),
        f"     fieldkeep device help {out.name if out else 'FILE'}       (with recovery shares: fieldkeep recovery unlock)",
        "2. Telephone. They read out six digits, and you run: fieldkeep device forgotten --heard DIGITS",
        "3. With what they send, within an hour: fieldkeep device forgotten --answer FILE. It asks for the passphrase that you have just chosen.",
        "Nobody can help? fieldkeep device forgotten --nobody",
    ]
    emit(found, *lines, as_json=as_json)


def _finish(folder: Path, text: str, new: Path | None, *, as_json: bool) -> None:
    read = unlocking.read_answer(text)
    with locked_folder(folder):
        unlocking.waiting(folder, now_ms())  # before anybody is asked
        passphrase = frame.new_passphrase(new, again=True)
        with terminal.progress("opening", quiet=as_json):
            opened = unlocking.finish(folder, read, passphrase, now_ms, secrets.token_bytes)
        with contextlib.closing(opened.session.store):
            unsent = opened.session.store.unsent()
            who = opened.by.subject.name if opened.by else None
    found = {"opened": True, "helped_by": who, "shares": opened.shares, "at_ms": opened.at_ms, "unsent": unsent}
    how = " with recovery shares" if opened.shares else ""
    emit(
        found,
        f"This device is open again, with the new passphrase. {who or 'A device that this one does not know yet'} helped{how}, on {when(opened.at_ms)}.",
        f"{unsent} not sent, and all of it is here. Next: fieldkeep sync",
        as_json=as_json,
    )


def _nobody(folder: Path, *, as_json: bool) -> None:
    last = int(max(path.stat().st_mtime for path in (folder / "store.db", folder / "store.db-wal", folder / keyring.NAME) if path.exists()) * 1000)
    emit({"last_written_ms": last, "helpers": len(keyring.read(folder).boxes)}, *_LOST.format(last=when(last)).splitlines(), as_json=as_json)


@command
def device_help(request: RequestArg, digits: Digits = None, out: Out = None, as_json: Json = False) -> None:
    """Help a colleague of your side who has forgotten the passphrase of their device. You see whose it is, never what is in it.

    Ring them back on a number that you know. Read out the six digits that are shown; they read six others back, which you type: so you know that it
    is their phone that asks, now, and nobody in between. Then send them the answer.

    Example: fieldkeep device help please.help --out answer.help
    """
    asked_for = unlocking.read_request(_given(request))
    with frame.session() as opened:
        _hear_first(opened)
        asked = helping.judge(opened, asked_for)
        confirmed = _confirm(opened, asked, digits, "fieldkeep device help", as_json=as_json)
        if confirmed is not None:
            _answer(asked, unlocking.answer_text(helping.answer(opened, confirmed)), out, as_json=as_json)


@command
def recovery_unlock(request: RequestArg, digits: Digits = None, share: ShareFiles = None, out: Out = None, as_json: Json = False) -> None:
    """Help with a forgotten passphrase by the recovery shares, when no colleague can: type them here, never at the locked device.

    As `device help`, from any device of the side that reads files. Shares that were typed open every file of the side: renew them (recovery split).

    Example: fieldkeep recovery unlock please.help --out answer.help
    """
    asked_for = unlocking.read_request(_given(request))
    with frame.session() as opened:
        _hear_first(opened)
        asked = helping.judge(opened, asked_for, shares=True)
        confirmed = _confirm(opened, asked, digits, "fieldkeep recovery unlock", as_json=as_json)
        if confirmed is not None:
            given = share_input.given(share)
            share_input.check_claims(given, opened.identity.svc, opened.identity.side)
            helping.judge(opened, asked_for, given.secret, shares=True)
            made = helping.answer(opened, confirmed, given.secret)
            _answer(asked, unlocking.answer_text(made), out, as_json=as_json)


def _hear_first(opened: Session) -> None:
    """Who was revoked or suspended an hour ago may be the one who asks."""
    if not try_sync(opened):
        raise Refused("offline", "whether that device was lost or stolen meanwhile only the server can say: try again when it can be reached")


def _confirm(opened: Session, asked: Asked, digits: str | None, what: str, *, as_json: bool) -> Confirmed | None:
    """The digits compared; None where they are not here yet, and the challenge was printed."""
    if digits is None:
        found, lines = _described(asked), _introduced(asked)
        read_out = helping.challenge(opened, asked.request)
        lines.append(f"Ring {asked.certificate.subject.name} on a number that you know. Read out: {_grouped(read_out)}")
        if not frame.can_talk():
            more = f"Then, within an hour: {what} REQUEST --digits SIX-DIGITS-READ-BACK"
            emit({**found, "read_out": read_out, "answer": None}, *lines, more, as_json=as_json)
            return None
        warn(*lines)
        digits = str(typer.prompt("The six digits that you are read back", err=True))
    return helping.confirm(opened, asked, digits)


def _described(asked: Asked) -> dict[str, Any]:
    certificate = asked.certificate
    return {
        "device": ids.show(certificate.keys.device), "name": certificate.subject.name, "label": certificate.keys.label,
        "roles": list(certificate.subject.roles), "until_ms": certificate.subject.until, "made_ms": asked.request.made, "id": asked.request.id.hex(),
        "warnings": list(asked.warnings),
    }  # fmt: skip


def _introduced(asked: Asked) -> list[str]:
    subject, keys = asked.certificate.subject, asked.certificate.keys
    lines = [
        f"{subject.name}, {', '.join(subject.roles)}, asks you to open {keys.label} ({short(keys.device)}). It stands in the registry until {when(subject.until)}."
    ]
    lines += [f"  ! {text}" for text in asked.warnings]
    return [*lines, "Who has this device in hand, and your answer, reads everything in it and writes in its owner's name."]


def _answer(asked: Asked, text: str, out: Path | None, *, as_json: bool) -> None:
    found = {**_described(asked), "answer": text, "file": _put(out, text)}
    name = asked.certificate.subject.name
    last = "It opens nothing but this device, once. That you helped is kept on both devices; tell your coordinator, or your supervisor."
    emit(found, f"Send {name} {out}:" if out else f"Send {name} this line:", *([] if out else [text]), last, as_json=as_json)


def _put(out: Path | None, text: str) -> str | None:
    if out is None:
        return None
    replace_private(out, text + "\n")
    return str(out)


def _given(text: str) -> str:
    """What was given as a file, on standard input, or as it is. Raises OSError."""
    if text.startswith((unlocking.REQUEST_PREFIX, unlocking.ANSWER_PREFIX)):
        return text
    if text == "-":
        return sys.stdin.read(_MOST_BYTES)
    with Path(text).open(encoding="utf-8") as stream:
        return stream.read(_MOST_BYTES)


def _grouped(digits: str) -> str:
    return f"{digits[:3]} {digits[3:]}"
